/* Subscriptions for Web Push, and their queue. Any thread; no state. What must stay true: a message is written
 * in the transaction of its notification, and leaves the queue only when it was sent, refused or too old. */
#include "app/push.h"

#include "app/private.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/str.h"
#include "store/follow.h"
#include "store/setting.h"
#include "store/user.h"

#include <string.h>

enum {
	SUBSCRIPTIONS_MAX = 40, /* of one account that are told */
	ENDPOINT_MAX = 2000,
	POINT_BYTES = 65,
	SECRET_BYTES = 16,
	ATTEMPTS_MAX = 6,
};
static const char SETTING_PUBLIC[] = "vapid_public_key";
static const char SETTING_PRIVATE[] = "vapid_private_key";

const char *const APP_PUSH_POLICIES[] = {"all", "followed", "follower", "none", NULL};

static bool holds_bytes(const char *text, size_t length, unsigned char first)
{
	struct buf bytes;
	buf_init(&bytes, 128);
	bool ok = codec_base64_decode(&bytes, text, strlen(text)) && bytes.length == length &&
		  (!first || (unsigned char)bytes.data[0] == first);
	buf_finish(&bytes);
	return ok;
}

static bool set(struct app *w, void *context, struct err *e)
{
	return store_push_set(w->db, context, e);
}

bool app_push_subscribe(struct app *app, const struct store_push_subscription *form,
			struct store_push_subscription *out, struct err *e)
{
	struct store_push_subscription row = *form;
	if (!app_need_account(app, e))
		return false;
	if (strlen(form->endpoint) > ENDPOINT_MAX ||
	    !str_is_utf8(form->endpoint, strlen(form->endpoint)) ||
	    strpbrk(form->endpoint, " \t\r\n"))
		return err_set(e, ERR_INVALID,
			       "Validation failed: subscription[endpoint] is not an address");
	if (!holds_bytes(form->p256dh, POINT_BYTES, 0x04))
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: subscription[keys][p256dh] is not a point of P-256");
	if (!holds_bytes(form->auth, SECRET_BYTES, 0))
		return err_set(e, ERR_INVALID,
			       "Validation failed: subscription[keys][auth] must hold 16 bytes");
	row.id = id_new();
	row.account_id = app->account_id;
	row.created_at = app->now_ms;
	return app_write(app, set, &row, e) && app_push_get(app, row.token_id, out, e);
}

bool app_push_get(struct app *app, int64_t token_id, struct store_push_subscription *out,
		  struct err *e)
{
	if (!app_need_account(app, e) ||
	    !store_push_by_token(app->db, app->arena, token_id, out, e))
		return false;
	return out->account_id == app->account_id || err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool app_push_change(struct app *app, int64_t token_id, int policy, int64_t alerts,
		     struct store_push_subscription *out, struct err *e)
{
	if (!app_push_get(app, token_id, out, e))
		return false;
	out->policy = policy >= 0 ? policy : out->policy;
	out->alerts = alerts >= 0 ? alerts : out->alerts;
	return app_write(app, set, out, e);
}

static bool unsubscribe(struct app *w, void *context, struct err *e)
{
	return store_push_delete(w->db, *(int64_t *)context, e);
}

bool app_push_unsubscribe(struct app *app, int64_t token_id, struct err *e)
{
	struct store_push_subscription s;
	if (!app_push_get(app, token_id, &s, e))
		return e->code == ERR_NOT_FOUND; /* it is so already */
	return app_write(app, unsubscribe, &s.id, e);
}

/* --- the server's keys --- */

bool app_push_keys_get(struct app *app, const char **public_key, const char **private_key,
		       struct err *e)
{
	if (!store_setting_get(app->db, app->arena, SETTING_PUBLIC, public_key, e) ||
	    !store_setting_get(app->db, app->arena, SETTING_PRIVATE, private_key, e))
		return false;
	if (!*public_key || !*private_key)
		*public_key = *private_key = "";
	return true;
}

struct keys_call {
	const char *public_key;
	const char *private_key;
};

static bool keep_keys(struct app *w, void *context, struct err *e)
{
	const struct keys_call *call = context;
	const char *public_key, *private_key;
	if (!app_push_keys_get(w, &public_key, &private_key, e))
		return false;
	return public_key[0] || (store_setting_set(w->db, SETTING_PUBLIC, call->public_key, e) &&
				 store_setting_set(w->db, SETTING_PRIVATE, call->private_key, e));
}

bool app_push_keys_keep(struct app *app, const char *public_key, const char *private_key,
			struct err *e)
{
	struct keys_call call = {public_key, private_key};
	return app_write(app, keep_keys, &call, e);
}

/* --- the queue --- */

static bool wanted(const struct store_push_subscription *s, const struct store_notification *n,
		   bool following, bool followed)
{
	if (!(s->alerts >> n->kind & 1))
		return false;
	return s->policy == APP_PUSH_ALL || (s->policy == APP_PUSH_FOLLOWED && following) ||
	       (s->policy == APP_PUSH_FOLLOWER && followed);
}

bool app_push_enqueue(struct app *w, const struct store_notification *n, struct err *e)
{
	struct store_push_subscription *list =
	    arena_alloc(w->arena, SUBSCRIPTIONS_MAX * sizeof(*list));
	struct store_relation relations[7];
	bool following = false, followed = false;
	size_t count, related;
	if (!store_push_of_account(w->db, w->arena, n->account_id, list, SUBSCRIPTIONS_MAX, &count,
				   e))
		return false;
	if (count == 0)
		return true;
	if (!store_relation_get(w->db, n->account_id, &n->from_account_id, 1, relations, &related,
				e))
		return false;
	for (size_t i = 0; i < related; i++) {
		following |= relations[i].kind == STORE_RELATION_FOLLOWING;
		followed |= relations[i].kind == STORE_RELATION_FOLLOWED_BY;
	}
	for (size_t i = 0; i < count; i++) {
		struct store_push_message m = {
		    .id = id_new(), .subscription_id = list[i].id, .notification_id = n->id};
		if (wanted(&list[i], n, following, followed) &&
		    !store_push_enqueue(w->db, &m, w->now_ms, e))
			return false;
	}
	return true;
}

struct claim_call {
	int64_t lease_until;
	struct store_push_message row;
	bool claimed;
};

static bool claim(struct app *w, void *context, struct err *e)
{
	struct claim_call *call = context;
	return store_push_claim(w->db, w->now_ms, call->lease_until, &call->row, &call->claimed, e);
}

bool app_push_claim(struct app *app, int64_t lease_ms, struct app_push_message *out, bool *claimed,
		    struct err *e)
{
	struct claim_call call = {.lease_until = app->now_ms + lease_ms};
	struct store_user user = {.locale = "en"};
	struct err missing = {0};
	*out = (struct app_push_message){0};
	*claimed = false;
	if (!app_write(app, claim, &call, e))
		return false;
	if (!call.claimed)
		return true;
	*claimed = true;
	out->row = call.row;
	if (!store_push_get(app->db, app->arena, call.row.subscription_id, &out->subscription, e)) {
		out->obsolete = e->code == ERR_NOT_FOUND;
		return out->obsolete;
	}
	struct app as = *app;
	as.account_id = out->subscription.account_id;
	if (!app_notification_get(&as, call.row.notification_id, &out->notification, e)) {
		out->obsolete = e->code == ERR_NOT_FOUND;
		return out->obsolete;
	}
	if (!store_user_get(app->db, app->arena, as.account_id, &user, &missing) &&
	    missing.code != ERR_NOT_FOUND) {
		*e = missing;
		return false;
	}
	out->locale = user.locale ? user.locale : "en";
	return true;
}

struct done_call {
	const struct app_push_message *message;
	enum app_push_result result;
	int64_t retry_ms;
};

static bool done(struct app *w, void *context, struct err *e)
{
	const struct done_call *call = context;
	const struct store_push_message *row = &call->message->row;
	if (call->result == APP_PUSH_GONE)
		return store_push_delete(w->db, row->subscription_id,
					 e); /* its queue goes with it */
	if (call->result == APP_PUSH_LATER && row->attempts < ATTEMPTS_MAX)
		return store_push_postpone(w->db, row->id, w->now_ms + call->retry_ms, e);
	return store_push_finish(w->db, row->id, e);
}

bool app_push_done(struct app *app, const struct app_push_message *m, enum app_push_result result,
		   int64_t retry_ms, struct err *e)
{
	struct done_call call = {m, result, retry_ms};
	return app_write(app, done, &call, e);
}
