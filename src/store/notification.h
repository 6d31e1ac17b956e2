/* Notifications. What the kinds mean is app/notification.h's business. */
#ifndef MADANG_STORE_NOTIFICATION_H
#define MADANG_STORE_NOTIFICATION_H

#include "store/page.h"

struct store_notification {
	int64_t id;
	int64_t account_id; /* who is told */
	int kind;
	int64_t from_account_id;
	int64_t post_id; /* 0: none */
	int64_t created_at;
};

/* *added false: told already. */
bool store_notification_insert(struct db *w, const struct store_notification *n, bool *added,
			       struct err *e) MUST_CHECK;
/* kinds: a bit for each wanted kind. from_account_id 0: anybody. out has room for the page's limit. */
bool store_notification_list(struct db *db, int64_t account_id, unsigned kinds,
			     int64_t from_account_id, const struct store_page *page,
			     struct store_notification *out, size_t *found,
			     struct err *e) MUST_CHECK;
bool store_notification_get(struct db *db, int64_t account_id, int64_t id,
			    struct store_notification *out, struct err *e) MUST_CHECK;
bool store_notification_delete(struct db *w, int64_t account_id, int64_t id,
			       struct err *e) MUST_CHECK;
bool store_notification_clear(struct db *w, int64_t account_id, struct err *e) MUST_CHECK;
/* Those of one kind from one account: an unfollow takes its notification back. */
bool store_notification_withdraw(struct db *w, int64_t account_id, int kind,
				 int64_t from_account_id, int64_t post_id,
				 struct err *e) MUST_CHECK;
bool store_notification_count_after(struct db *db, int64_t account_id, int64_t after_id, int limit,
				    int64_t *count, struct err *e) MUST_CHECK;

#endif
