/* Web Push: who wants to be woken about what, and the messages that wait. */
#ifndef MADANG_STORE_PUSH_H
#define MADANG_STORE_PUSH_H

#include "base/arena.h"
#include "db/db.h"

struct store_push_subscription {
	int64_t id;
	int64_t account_id;
	int64_t token_id; /* of the app, or the browser's session */
	const char *endpoint;
	const char *p256dh; /* base64url, as the subscriber gave it */
	const char *auth;
	bool standard; /* RFC 8291; otherwise the draft before it */
	int policy;
	int64_t alerts; /* a bit for each kind of notification */
	int64_t created_at;
};

/* Replaces the one of the same token. */
bool store_push_set(struct db *w, const struct store_push_subscription *s,
		    struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_push_by_token(struct db *db, struct arena *arena, int64_t token_id,
			 struct store_push_subscription *out, struct err *e) MUST_CHECK;
bool store_push_get(struct db *db, struct arena *arena, int64_t id,
		    struct store_push_subscription *out, struct err *e) MUST_CHECK;
/* Of an account, with tokens that still count. */
bool store_push_of_account(struct db *db, struct arena *arena, int64_t account_id,
			   struct store_push_subscription *out, size_t room, size_t *found,
			   struct err *e) MUST_CHECK;
bool store_push_delete(struct db *w, int64_t id, struct err *e) MUST_CHECK;

struct store_push_message {
	int64_t id;
	int64_t subscription_id;
	int64_t notification_id;
	int attempts;
};
bool store_push_enqueue(struct db *w, const struct store_push_message *m, int64_t due_at,
			struct err *e) MUST_CHECK;
/* The next that is due; it is due again at lease_until, should nobody finish it. *claimed false: none. */
bool store_push_claim(struct db *w, int64_t now_ms, int64_t lease_until,
		      struct store_push_message *out, bool *claimed, struct err *e) MUST_CHECK;
bool store_push_finish(struct db *w, int64_t id, struct err *e) MUST_CHECK;
bool store_push_postpone(struct db *w, int64_t id, int64_t due_at, struct err *e) MUST_CHECK;

#endif
