/* Notifications, alone and in groups; the policy before them, and whom it keeps back. What the kinds mean is
 * app/notification.h's business. Every list is a few ranges of an index, however many rows there are. */
#ifndef MADANG_STORE_NOTIFICATION_H
#define MADANG_STORE_NOTIFICATION_H

#include "store/account.h"

struct store_notification {
	int64_t id;
	int64_t account_id; /* who is told */
	int kind;
	int64_t from_account_id;
	int64_t post_id;    /* 0: none */
	int64_t subject_id; /* a report's or a strike's; 0: none */
	int64_t group_id;   /* 0: it stands alone */
	bool filtered;      /* kept back by the policy */
	int64_t created_at;
};

/* *added false: told already. group_key NULL: it stands alone. */
bool store_notification_insert(struct db *w, struct store_notification *n, const char *group_key,
			       bool *added, struct err *e) MUST_CHECK;
struct store_notification_filter {
	int64_t account_id;
	unsigned kinds;          /* a bit for each wanted kind */
	int64_t from_account_id; /* 0: anybody */
	bool include_filtered;
};
/* out has room for the page's limit. */
bool store_notification_list(struct db *db, struct arena *arena,
			     const struct store_notification_filter *filter,
			     const struct store_page *page, struct store_notification *out,
			     size_t *found, struct err *e) MUST_CHECK;
bool store_notification_get(struct db *db, int64_t account_id, int64_t id,
			    struct store_notification *out, struct err *e) MUST_CHECK;
bool store_notification_delete(struct db *w, int64_t account_id, int64_t id,
			       struct err *e) MUST_CHECK;
bool store_notification_clear(struct db *w, int64_t account_id, struct err *e) MUST_CHECK;
/* Those of one kind from one account: an unfollow takes its notification back. */
bool store_notification_withdraw(struct db *w, int64_t account_id, int kind,
				 int64_t from_account_id, int64_t post_id,
				 struct err *e) MUST_CHECK;
/* Those after after_id: rows of the kinds in `single`, groups of the kinds in `grouped`; up to limit. */
bool store_notification_count_after(struct db *db, int64_t account_id, unsigned single,
				    unsigned grouped, int64_t after_id, int limit, int64_t *count,
				    struct err *e) MUST_CHECK;

/* --- groups --- */

struct store_notification_group {
	int64_t id;
	const char *key;
	int kind;
	int64_t post_id; /* 0: none */
	int64_t latest_id;
	int64_t count;
};
bool store_notification_group_list(struct db *db, struct arena *arena, int64_t account_id, int kind,
				   const struct store_page *page,
				   struct store_notification_group *out, size_t *found,
				   struct err *e) MUST_CHECK;
bool store_notification_group_get(struct db *db, struct arena *arena, int64_t account_id,
				  const char *key, struct store_notification_group *out,
				  struct err *e) MUST_CHECK;
/* Its newest rows whose senders are to be seen, newest first; *oldest_id: of the whole group. */
bool store_notification_group_rows(struct db *db, int64_t account_id, int64_t group_id, int limit,
				   struct store_notification *out, size_t *found,
				   int64_t *oldest_id, struct err *e) MUST_CHECK;
bool store_notification_group_accounts(struct db *db, struct arena *arena, int64_t group_id,
				       const struct store_page *page, struct store_accounts *out,
				       struct err *e) MUST_CHECK;
bool store_notification_group_delete(struct db *w, int64_t account_id, int64_t group_id,
				     struct err *e) MUST_CHECK;

/* --- policy and requests --- */

enum store_notification_verdict { STORE_NOTIFY_ACCEPT, STORE_NOTIFY_FILTER, STORE_NOTIFY_DROP };
enum {
	STORE_POLICY_NOT_FOLLOWING,
	STORE_POLICY_NOT_FOLLOWERS,
	STORE_POLICY_NEW_ACCOUNTS,
	STORE_POLICY_PRIVATE_MENTIONS,
	STORE_POLICY_LIMITED_ACCOUNTS,
	STORE_POLICIES
};
/* *found false: none is set. */
bool store_notification_policy_get(struct db *db, int64_t account_id,
				   enum store_notification_verdict out[STORE_POLICIES], bool *found,
				   struct err *e) MUST_CHECK;
bool store_notification_policy_set(struct db *w, int64_t account_id,
				   const enum store_notification_verdict policy[STORE_POLICIES],
				   struct err *e) MUST_CHECK;
bool store_notification_permitted(struct db *db, int64_t account_id, int64_t from_account_id,
				  bool *permitted, struct err *e) MUST_CHECK;
bool store_notification_permit(struct db *w, int64_t account_id, int64_t from_account_id,
			       int64_t now_ms, struct err *e) MUST_CHECK;

struct store_notification_request {
	int64_t id;
	int64_t from_account_id;
	int64_t count;
	int64_t last_post_id; /* 0: none */
	int64_t created_at;
	int64_t updated_at;
};
/* Counts one more; makes the request where it is missing. */
bool store_notification_request_add(struct db *w, int64_t account_id, int64_t from_account_id,
				    int64_t post_id, int64_t now_ms, struct err *e) MUST_CHECK;
bool store_notification_request_list(struct db *db, int64_t account_id,
				     const struct store_page *page,
				     struct store_notification_request *out, size_t *found,
				     struct err *e) MUST_CHECK;
bool store_notification_request_get(struct db *db, int64_t account_id, int64_t id,
				    struct store_notification_request *out,
				    struct err *e) MUST_CHECK;
bool store_notification_request_delete(struct db *w, int64_t account_id, int64_t id,
				       struct err *e) MUST_CHECK;
bool store_notification_request_totals(struct db *db, int64_t account_id, int64_t *requests,
				       int64_t *notifications, struct err *e) MUST_CHECK;
/* What was kept back from one account, up to `room` after after_id; shows one; drops them all. */
bool store_notification_kept_back(struct db *db, int64_t account_id, int64_t from_account_id,
				  int64_t after_id, size_t room, struct store_notification *out,
				  size_t *found, struct err *e) MUST_CHECK;
bool store_notification_show(struct db *w, const struct store_notification *n,
			     const char *group_key, struct err *e) MUST_CHECK;
bool store_notification_drop_kept_back(struct db *w, int64_t account_id, int64_t from_account_id,
				       struct err *e) MUST_CHECK;

#endif
