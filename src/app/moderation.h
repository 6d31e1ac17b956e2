/* What moderators do: reports, actions against accounts with a reason, appeals, held posts. A moderator acts on
 * accounts of a lower role only; every action stands in the audit log. */
#ifndef MADANG_APP_MODERATION_H
#define MADANG_APP_MODERATION_H

#include "app/admin.h"
#include "app/post.h"
#include "store/report.h"
#include "store/rule.h"

/* --- reports --- */

struct app_report_new {
	int64_t target_id;
	const int64_t *post_ids;
	size_t post_count;
	const char *comment;
	enum store_report_category category;
	const int64_t *rule_ids;
	size_t rule_count;
};
bool app_report_create(struct app *app, const struct app_report_new *form, struct store_report *out,
		       struct store_account *target, struct err *e) MUST_CHECK;

/* A report with everything a moderator looks at. */
struct app_report {
	struct store_report row;
	struct app_admin_account account; /* who reported; id 0: gone */
	struct app_admin_account target;
	struct app_admin_account assigned;
	struct app_admin_account resolved_by;
	struct app_posts posts;
};
struct app_reports {
	struct app_report *items;
	size_t count;
	bool more;
};
bool app_report_list(struct app *app, const struct store_report_filter *filter,
		     const struct store_page *page, struct app_reports *out,
		     struct err *e) MUST_CHECK;
bool app_report_get(struct app *app, int64_t id, struct app_report *out, struct err *e) MUST_CHECK;
enum app_report_change {
	APP_REPORT_ASSIGN, /* to who asks */
	APP_REPORT_UNASSIGN,
	APP_REPORT_RESOLVE,
	APP_REPORT_REOPEN,
	APP_REPORT_CATEGORY, /* and rules */
};
bool app_report_change(struct app *app, int64_t id, enum app_report_change change,
		       enum store_report_category category, const char *rule_ids,
		       struct app_report *out, struct err *e) MUST_CHECK;
bool app_report_note_add(struct app *app, int64_t report_id, const char *text,
			 struct store_report_note *out, struct err *e) MUST_CHECK;
bool app_report_note_remove(struct app *app, int64_t report_id, int64_t id,
			    struct err *e) MUST_CHECK;
#define APP_REPORT_NOTES_MAX 200
bool app_report_notes(struct app *app, int64_t report_id, struct store_report_note **out,
		      size_t *count, struct err *e) MUST_CHECK;

/* --- actions --- */

struct app_moderation {
	int64_t target_id;
	enum store_strike_action action;
	const char *text;  /* to the person; may be NULL */
	int64_t report_id; /* it is resolved by this; 0: none */
	const char
	    *post_ids; /* for actions on posts: one space between; NULL: those of the report */
	bool send_mail;
};
/* *appeal_url: for those who cannot sign in any more, to hand over. */
bool app_moderate(struct app *app, const struct app_moderation *m, struct store_strike *out,
		  const char **appeal_url, struct err *e) MUST_CHECK;
/* Takes one back: DISABLE, SENSITIVE, SILENCE or SUSPEND. */
bool app_unmoderate(struct app *app, int64_t target_id, enum store_strike_action action,
		    struct err *e) MUST_CHECK;
/* A suspended account: its posts, pictures and sign-in go for good, its name stays taken. */
bool app_account_erase(struct app *app, int64_t target_id, struct err *e) MUST_CHECK;
/* One's own, with one's password: the same. ERR_FORBIDDEN for the owner, without whom nobody could keep the server. */
bool app_account_leave(struct app *app, const char *password, struct err *e) MUST_CHECK;

/* --- strikes and appeals --- */

/* One's own, or (moderators) of anybody. */
bool app_strikes(struct app *app, int64_t target_id, const struct store_page *page,
		 struct store_strikes *out, struct err *e) MUST_CHECK;
/* By who was struck: signed in (code NULL), or with the code that was handed over (id 0). */
bool app_appeal(struct app *app, int64_t strike_id, const char *code, const char *text,
		struct store_strike *out, struct err *e) MUST_CHECK;
bool app_appeals(struct app *app, const struct store_page *page, struct store_strikes *out,
		 struct err *e) MUST_CHECK;
/* Approving undoes the action. */
bool app_appeal_answer(struct app *app, int64_t strike_id, bool approve, struct store_strike *out,
		       struct err *e) MUST_CHECK;

/* --- held posts (held.c) --- */

struct app_held {
	struct store_held row;
	const struct app_post *post;
};
bool app_held_list(struct app *app, const struct store_page *page, struct app_held **out,
		   size_t *count, bool *more, struct err *e) MUST_CHECK;
bool app_held_answer(struct app *app, int64_t post_id, bool approve, struct err *e) MUST_CHECK;

bool app_audit_list(struct app *app, int64_t account_id, int64_t target_id,
		    const struct store_page *page, struct store_audit *out, size_t *count,
		    struct err *e) MUST_CHECK;

#endif
