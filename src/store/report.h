/* Reports, their notes, and strikes: what people told moderators, and what those did. */
#ifndef MADANG_STORE_REPORT_H
#define MADANG_STORE_REPORT_H

#include "store/page.h"

enum store_report_category {
	STORE_REPORT_OTHER,
	STORE_REPORT_SPAM,
	STORE_REPORT_LEGAL,
	STORE_REPORT_VIOLATION,
};

struct store_report {
	int64_t id;
	int64_t account_id; /* 0: that account is gone */
	int64_t target_id;
	enum store_report_category category;
	const char *comment;
	const char *rule_ids; /* one space between */
	const char *post_ids; /* one space between; a post may be gone */
	bool forwarded;
	int64_t assigned_id; /* 0: nobody */
	int64_t resolved_by;
	int64_t resolved_at; /* 0: open */
	int64_t created_at;
	int64_t updated_at;
};
struct store_reports {
	struct store_report *items;
	size_t count;
	bool more;
};

bool store_report_insert(struct db *w, const struct store_report *report, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_report_get(struct db *db, struct arena *arena, int64_t id, struct store_report *out,
		      struct err *e) MUST_CHECK;
struct store_report_filter {
	bool resolved;      /* else the open ones */
	int64_t account_id; /* 0: anybody's */
	int64_t target_id;  /* 0: about anybody */
};
bool store_report_list(struct db *db, struct arena *arena, const struct store_report_filter *filter,
		       const struct store_page *page, struct store_reports *out,
		       struct err *e) MUST_CHECK;
/* category, rule_ids, assignment, resolution and updated_at, as the struct says. */
bool store_report_update(struct db *w, const struct store_report *report, struct err *e) MUST_CHECK;
/* How many since; resolved: by the time of the resolution. */
bool store_report_count(struct db *db, bool resolved, int64_t from_ms, int64_t to_ms,
			int64_t *count, struct err *e) MUST_CHECK;

struct store_report_note {
	int64_t id;
	int64_t report_id;
	int64_t account_id;
	const char *text;
	int64_t created_at;
};
bool store_report_note_insert(struct db *w, const struct store_report_note *note,
			      struct err *e) MUST_CHECK;
bool store_report_note_delete(struct db *w, int64_t report_id, int64_t id, bool *removed,
			      struct err *e) MUST_CHECK;
/* Oldest first. */
bool store_report_note_list(struct db *db, struct arena *arena, int64_t report_id,
			    struct store_report_note *out, size_t room, size_t *found,
			    struct err *e) MUST_CHECK;

enum store_strike_action {
	STORE_STRIKE_NONE, /* a warning */
	STORE_STRIKE_DISABLE,
	STORE_STRIKE_SENSITIVE_POSTS,
	STORE_STRIKE_DELETE_POSTS,
	STORE_STRIKE_SENSITIVE,
	STORE_STRIKE_SILENCE,
	STORE_STRIKE_SUSPEND,
};
enum store_appeal_state {
	STORE_APPEAL_NONE,
	STORE_APPEAL_WAITS,
	STORE_APPEAL_APPROVED,
	STORE_APPEAL_REJECTED
};

struct store_strike {
	int64_t id;
	int64_t account_id; /* the moderator; 0: gone */
	int64_t target_id;
	enum store_strike_action action;
	const char *reason;
	int64_t report_id;
	const char *post_ids;         /* one space between */
	const char *appeal_code_hash; /* may be NULL */
	const char *appeal;           /* may be NULL */
	int64_t appealed_at;
	enum store_appeal_state appeal_state;
	int64_t created_at;
};
struct store_strikes {
	struct store_strike *items;
	size_t count;
	bool more;
};
bool store_strike_insert(struct db *w, const struct store_strike *strike, struct err *e) MUST_CHECK;
bool store_strike_get(struct db *db, struct arena *arena, int64_t id, struct store_strike *out,
		      struct err *e) MUST_CHECK;
bool store_strike_by_code(struct db *db, struct arena *arena, const char *code_hash,
			  struct store_strike *out, struct err *e) MUST_CHECK;
/* target_id 0: the appeals that wait, of anybody. */
bool store_strike_list(struct db *db, struct arena *arena, int64_t target_id,
		       const struct store_page *page, struct store_strikes *out,
		       struct err *e) MUST_CHECK;
/* appeal, appealed_at, appeal_state. *changed false: another one was faster. */
bool store_strike_set_appeal(struct db *w, const struct store_strike *strike,
			     enum store_appeal_state from, bool *changed, struct err *e) MUST_CHECK;

#endif
