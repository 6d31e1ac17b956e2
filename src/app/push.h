/* Web Push: subscriptions of apps, and the queue of what to wake them about. */
#ifndef MADANG_APP_PUSH_H
#define MADANG_APP_PUSH_H

#include "app/notification.h"
#include "store/push.h"

enum app_push_policy { APP_PUSH_ALL, APP_PUSH_FOLLOWED, APP_PUSH_FOLLOWER, APP_PUSH_NONE };
extern const char *const APP_PUSH_POLICIES[]; /* their names, in that order; NULL at the end */

/* token_id: whose subscription it is; each has at most one, and a new one replaces it. */
bool app_push_subscribe(struct app *app, const struct store_push_subscription *form,
			struct store_push_subscription *out, struct err *e) MUST_CHECK;
bool app_push_get(struct app *app, int64_t token_id, struct store_push_subscription *out,
		  struct err *e) MUST_CHECK;
bool app_push_change(struct app *app, int64_t token_id, int policy, int64_t alerts,
		     struct store_push_subscription *out, struct err *e) MUST_CHECK;
bool app_push_unsubscribe(struct app *app, int64_t token_id, struct err *e) MUST_CHECK;

/* The server's own key pair (VAPID), base64url. public_key "" where there is none yet. */
bool app_push_keys_get(struct app *app, const char **public_key, const char **private_key,
		       struct err *e) MUST_CHECK;
/* Kept only where there is none yet: of two that start at once the first counts. */
bool app_push_keys_keep(struct app *app, const char *public_key, const char *private_key,
			struct err *e) MUST_CHECK;

/* --- the worker's side; runs as the program --- */

struct app_push_message {
	struct store_push_message row;
	struct store_push_subscription subscription;
	struct app_notification notification; /* as its account sees it */
	const char *locale;
	bool obsolete; /* the notification is gone, or nobody may see it any more */
};
/* The next message that is due, ours until lease_ms from now. */
bool app_push_claim(struct app *app, int64_t lease_ms, struct app_push_message *out, bool *claimed,
		    struct err *e) MUST_CHECK;
enum app_push_result { APP_PUSH_SENT, APP_PUSH_LATER, APP_PUSH_REFUSED, APP_PUSH_GONE };
/* LATER: again after retry_ms. GONE: the subscription ends. */
bool app_push_done(struct app *app, const struct app_push_message *m, enum app_push_result result,
		   int64_t retry_ms, struct err *e) MUST_CHECK;

#endif
