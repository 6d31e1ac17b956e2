/* Quotes: who may, which stand, taking one back. Making one is part of a post (post.c); whether the viewer may is
 * decided in view.c. Any thread; no state. */
#include "app/post.h"
#include "app/private.h"
#include "store/edit.h"
#include "store/notification.h"

bool app_quotes(struct app *app, int64_t id, const struct store_page *page, struct app_posts *out,
		struct err *e)
{
	struct app_post post;
	struct store_posts rows;
	if (!app_post_get(app, id, &post, e))
		return false;
	if (post.boost_of)
		id = post.boost_of->row.id;
	return store_post_quotes(app->db, app->arena, id, page, &rows, e) &&
	       app_posts_view(app, &rows, out, e);
}

struct revoke_call {
	int64_t id;
	struct store_post quote;
};

static bool revoke(struct app *w, void *context, struct err *e)
{
	struct revoke_call *call = context;
	struct store_post now;
	if (!store_post_get(w->db, w->arena, call->quote.id, &now, e))
		return false;
	if (now.quote_state != STORE_QUOTE_ACCEPTED)
		return true;
	app_emit(w, &(struct app_event){
			.type = APP_EVENT_POST_EDITED,
			.post_id = now.id,
			.thread_id = now.thread_id,
			.account_id = now.account_id,
			.visibility = now.visibility,
			.local = now.local,
			.media = now.media_count > 0,
			.reply = now.in_reply_to_id != 0,
			.tags = now.tags,
		    });
	return store_post_revoke_quote(w->db, now.id, e) &&
	       store_post_add_quotes(w->db, call->id, -1, e) &&
	       store_notification_withdraw(w->db, w->account_id, APP_NOTIFY_QUOTE, now.account_id,
					   now.id, e);
}

bool app_quote_revoke(struct app *app, int64_t id, int64_t quote_id, struct app_post *out,
		      struct err *e)
{
	struct app_post post, quote;
	if (!app_need_account(app, e) || !app_post_get(app, id, &post, e) ||
	    !app_post_get(app, quote_id, &quote, e))
		return false;
	if (quote.row.quote_of_id != post.row.id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (post.row.account_id != app->account_id)
		return err_set(e, ERR_FORBIDDEN, "This action is not allowed");
	struct revoke_call call = {.id = id, .quote = quote.row};
	return app_write(app, revoke, &call, e) && app_post_get(app, quote_id, out, e);
}

struct policy_call {
	int64_t id;
	enum store_quote_policy policy;
};

static bool set_policy(struct app *w, void *context, struct err *e)
{
	struct policy_call *call = context;
	return store_post_set_quote_policy(w->db, call->id, call->policy, e);
}

bool app_quote_policy_set(struct app *app, int64_t id, enum store_quote_policy policy,
			  struct app_post *out, struct err *e)
{
	struct policy_call call = {id, policy};
	if (!app_need_account(app, e) || !app_post_get(app, id, out, e))
		return false;
	if (out->row.account_id != app->account_id || out->row.boost_of_id)
		return err_set(e, ERR_FORBIDDEN, "This action is not allowed");
	return app_write(app, set_policy, &call, e) && app_post_get(app, id, out, e);
}
