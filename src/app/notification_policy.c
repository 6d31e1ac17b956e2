/* Whose notifications are shown, kept back or dropped; and the requests of those that were kept back. Any
 * thread; no state. */
#include "app/private.h"
#include "base/id.h"
#include "store/follow.h"

#include <string.h>

enum { NEW_ACCOUNT_MS_DAYS = 30, KEPT_BACK_BATCH = 100 };

/* What nobody's policy keeps back: what the server itself says. */
static const unsigned UNFILTERED = 1u << APP_NOTIFY_SIGN_UP | 1u << APP_NOTIFY_REPORT |
				   1u << APP_NOTIFY_WARNING | 1u << APP_NOTIFY_POLL |
				   1u << APP_NOTIFY_UPDATE | 1u << APP_NOTIFY_QUOTED_UPDATE;

static bool load_policy(struct app *app, int64_t account_id,
			enum store_notification_verdict verdicts[STORE_POLICIES], struct err *e)
{
	static const enum store_notification_verdict defaults[STORE_POLICIES] = {
	    [STORE_POLICY_PRIVATE_MENTIONS] = STORE_NOTIFY_FILTER,
	    [STORE_POLICY_LIMITED_ACCOUNTS] = STORE_NOTIFY_FILTER,
	};
	bool found;
	memcpy(verdicts, defaults, sizeof(defaults));
	return store_notification_policy_get(app->db, account_id, verdicts, &found, e);
}

static bool unasked_private_mention(struct app *w, const struct store_notification *n, bool *is,
				    struct err *e)
{
	struct store_post post;
	*is = false;
	if (n->kind != APP_NOTIFY_MENTION || !n->post_id)
		return true;
	if (!store_post_get(w->db, w->arena, n->post_id, &post, e))
		return e->code == ERR_NOT_FOUND;
	*is = post.visibility == STORE_VISIBILITY_DIRECT &&
	      post.in_reply_to_account_id != n->account_id;
	return true;
}

bool app_notification_judge(struct app *w, const struct store_notification *n,
			    const struct store_relation *relations, size_t count,
			    enum store_notification_verdict *out, struct err *e)
{
	enum store_notification_verdict v[STORE_POLICIES], worst = STORE_NOTIFY_ACCEPT;
	struct store_account sender;
	bool following = false, followed = false, private_mention = false, permitted = false;
	bool applies[STORE_POLICIES] = {false};
	*out = STORE_NOTIFY_ACCEPT;
	if (UNFILTERED >> n->kind & 1)
		return true;
	for (size_t i = 0; i < count; i++) {
		following |= relations[i].kind == STORE_RELATION_FOLLOWING;
		followed |= relations[i].kind == STORE_RELATION_FOLLOWED_BY;
	}
	if (!load_policy(w, n->account_id, v, e) ||
	    !store_account_get(w->db, w->arena, n->from_account_id, &sender, e))
		return false;
	if (!sender.domain[0] && sender.role >= STORE_ROLE_MODERATOR)
		return true;
	if (!following && v[STORE_POLICY_PRIVATE_MENTIONS] &&
	    !unasked_private_mention(w, n, &private_mention, e))
		return false;
	int64_t age_ms = w->now_ms - sender.created_at;
	applies[STORE_POLICY_NOT_FOLLOWING] = !following;
	applies[STORE_POLICY_NOT_FOLLOWERS] = !followed;
	applies[STORE_POLICY_NEW_ACCOUNTS] =
	    !following && age_ms < (int64_t)NEW_ACCOUNT_MS_DAYS * 24 * 60 * 60 * 1000;
	applies[STORE_POLICY_PRIVATE_MENTIONS] = private_mention;
	applies[STORE_POLICY_LIMITED_ACCOUNTS] = sender.limited && !following;
	for (int i = 0; i < STORE_POLICIES; i++)
		if (applies[i] && v[i] > worst)
			worst = v[i];
	if (worst == STORE_NOTIFY_ACCEPT)
		return true;
	if (!store_notification_permitted(w->db, n->account_id, n->from_account_id, &permitted, e))
		return false;
	*out = permitted ? STORE_NOTIFY_ACCEPT : worst;
	return true;
}

bool app_notification_policy_get(struct app *app, struct app_notification_policy *out,
				 struct err *e)
{
	return app_need_account(app, e) && load_policy(app, app->account_id, out->verdicts, e) &&
	       store_notification_request_totals(app->db, app->account_id, &out->pending_requests,
						 &out->pending_notifications, e);
}

static bool set_policy(struct app *w, void *context, struct err *e)
{
	return store_notification_policy_set(w->db, w->account_id, context, e);
}

bool app_notification_policy_set(struct app *app, const int verdicts[STORE_POLICIES],
				 struct app_notification_policy *out, struct err *e)
{
	if (!app_notification_policy_get(app, out, e))
		return false;
	for (int i = 0; i < STORE_POLICIES; i++)
		if (verdicts[i] >= 0)
			out->verdicts[i] = (enum store_notification_verdict)verdicts[i];
	return app_write(app, set_policy, out->verdicts, e);
}

/* --- requests --- */

static bool fill(struct app *app, const struct store_notification_request *rows, size_t count,
		 struct app_notification_requests *out, struct err *e)
{
	int64_t account_ids[STORE_PAGE_MAX], post_ids[STORE_PAGE_MAX];
	size_t posts_wanted = 0;
	struct store_accounts accounts = {
	    .items = arena_alloc(app->arena, (count + 1) * sizeof(*accounts.items))};
	struct app_posts posts = {0};
	for (size_t i = 0; i < count; i++) {
		account_ids[i] = rows[i].from_account_id;
		if (rows[i].last_post_id)
			post_ids[posts_wanted++] = rows[i].last_post_id;
	}
	if (!store_account_get_many(app->db, app->arena, account_ids, count, accounts.items,
				    &accounts.count, e) ||
	    !app_post_get_many(app, post_ids, posts_wanted, &posts, e))
		return false;
	out->items = arena_alloc(app->arena, (count + 1) * sizeof(*out->items));
	out->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct app_notification_request r = {
		    .row = rows[i],
		    .account = app_accounts_find(&accounts, rows[i].from_account_id)};
		for (size_t k = 0; k < posts.count; k++)
			if (posts.items[k].row.id == rows[i].last_post_id)
				r.last_post = &posts.items[k];
		if (r.account)
			out->items[out->count++] = r;
	}
	return true;
}

bool app_notification_requests(struct app *app, const struct store_page *page,
			       struct app_notification_requests *out, struct err *e)
{
	struct store_notification_request rows[STORE_PAGE_MAX];
	size_t count;
	*out = (struct app_notification_requests){0};
	if (!app_need_account(app, e) ||
	    !store_notification_request_list(app->db, app->account_id, page, rows, &count, e) ||
	    !fill(app, rows, count, out, e))
		return false;
	if (count > 0) {
		out->first = rows[0].id;
		out->last = rows[count - 1].id;
	}
	out->more = count == (size_t)store_page_limit(page);
	return true;
}

bool app_notification_request_get(struct app *app, int64_t id, struct app_notification_request *out,
				  struct err *e)
{
	struct store_notification_request row;
	struct app_notification_requests list;
	if (!app_need_account(app, e) ||
	    !store_notification_request_get(app->db, app->account_id, id, &row, e) ||
	    !fill(app, &row, 1, &list, e))
		return false;
	if (list.count == 0)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	*out = list.items[0];
	return true;
}

struct answer_call {
	const int64_t *ids;
	size_t count;
	bool accept;
};

static bool show_all(struct app *w, int64_t from_account_id, struct err *e)
{
	struct store_notification rows[KEPT_BACK_BATCH];
	size_t found;
	int64_t after = 0;
	do {
		if (!store_notification_kept_back(w->db, w->account_id, from_account_id, after,
						  KEPT_BACK_BATCH, rows, &found, e))
			return false;
		for (size_t i = 0; i < found; i++) {
			after = rows[i].id;
			if (!store_notification_show(
				w->db, &rows[i], app_notification_group_key(w->arena, &rows[i]), e))
				return false;
		}
	} while (found == KEPT_BACK_BATCH);
	return true;
}

static bool answer(struct app *w, void *context, struct err *e)
{
	const struct answer_call *call = context;
	for (size_t i = 0; i < call->count; i++) {
		struct store_notification_request r;
		struct err missing = {0};
		if (!store_notification_request_get(w->db, w->account_id, call->ids[i], &r,
						    &missing)) {
			if (missing.code == ERR_NOT_FOUND)
				continue; /* answered before */
			*e = missing;
			return false;
		}
		if (!store_notification_request_delete(w->db, w->account_id, r.id, e))
			return false;
		if (call->accept) {
			if (!store_notification_permit(w->db, w->account_id, r.from_account_id,
						       w->now_ms, e) ||
			    !show_all(w, r.from_account_id, e))
				return false;
		} else if (!store_notification_drop_kept_back(w->db, w->account_id,
							      r.from_account_id, e)) {
			return false;
		}
	}
	return true;
}

bool app_notification_request_answer(struct app *app, const int64_t *ids, size_t count, bool accept,
				     struct err *e)
{
	struct answer_call call = {.ids = ids, .count = count, .accept = accept};
	return app_need_account(app, e) && app_write(app, answer, &call, e);
}
