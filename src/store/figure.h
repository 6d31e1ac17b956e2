/* What moderators ask of all accounts: lists by any property, and figures over time. */
#ifndef MADANG_STORE_FIGURE_H
#define MADANG_STORE_FIGURE_H

#include "store/account.h"

enum store_admin_status {
	STORE_ADMIN_ANY,
	STORE_ADMIN_ACTIVE,
	STORE_ADMIN_PENDING,
	STORE_ADMIN_DISABLED,
	STORE_ADMIN_SILENCED,
	STORE_ADMIN_SUSPENDED,
	STORE_ADMIN_SENSITIZED,
};
/* NULL and 0: any. Texts match anywhere in the field, in any case. */
struct store_admin_filter {
	int origin; /* 1 this server, 2 others */
	enum store_admin_status status;
	bool staff;
	const char *username;
	const char *display_name;
	const char *domain; /* the whole */
	const char *email;
	const char *ip; /* the whole */
};
bool store_admin_accounts(struct db *db, struct arena *arena,
			  const struct store_admin_filter *filter, const struct store_page *page,
			  struct store_accounts *out, struct err *e) MUST_CHECK;

struct store_seen_ip {
	const char *ip;
	int64_t used_at;
};
bool store_account_ips(struct db *db, struct arena *arena, int64_t account_id,
		       struct store_seen_ip *out, size_t room, size_t *found,
		       struct err *e) MUST_CHECK;

enum store_figure {
	STORE_FIGURE_ACTIVE,       /* local accounts that posted */
	STORE_FIGURE_NEW,          /* that signed up */
	STORE_FIGURE_INTERACTIONS, /* likes, boosts and answers of the posts of that time */
	STORE_FIGURE_POSTS,        /* of local accounts */
	STORE_FIGURE_PRESENT,      /* people who posted or signed in from then on */
	STORE_FIGURE_SEEN, /* local accounts that posted, or signed in (and not later again) */
	STORE_FIGURES
};
bool store_figure_count(struct db *db, enum store_figure figure, int64_t from_ms, int64_t to_ms,
			int64_t *count, struct err *e) MUST_CHECK;
/* Of those who signed up in [from, to): how many, and how many were seen at or after since_ms. */
bool store_figure_retained(struct db *db, int64_t from_ms, int64_t to_ms, int64_t since_ms,
			   int64_t *all, int64_t *seen, struct err *e) MUST_CHECK;
struct store_figure_row {
	const char *key;
	int64_t value;
};
/* Languages of people, most first. */
bool store_figure_languages(struct db *db, struct arena *arena, struct store_figure_row *out,
			    size_t room, size_t *found, struct err *e) MUST_CHECK;

#endif
