/* Favourites, bookmarks and boosts: small things done to somebody's post. Any thread; no state. What must
 * stay true: each happens once, however often it is asked for, and the counts follow the rows. */
#include "store/favourite.h"
#include "app/post.h"
#include "app/private.h"
#include "base/id.h"
#include "store/lineage.h"
#include "store/notification.h"

struct mark_call {
	const struct store_post *post; /* never a boost: what was boosted */
	enum store_visibility visibility;
	int64_t boost_id;
};

static bool favourite_add(struct app *w, void *context, struct err *e)
{
	const struct store_post *post = ((struct mark_call *)context)->post;
	bool added;
	if (!store_favourite_insert(w->db, id_new(), w->account_id, post->id, w->now_ms, &added, e))
		return false;
	return !added ||
	       (store_post_add_favourites(w->db, post->id, 1, e) &&
		app_notify(w, post->account_id, APP_NOTIFY_FAVOURITE, w->account_id, post->id, e));
}

static bool favourite_remove(struct app *w, void *context, struct err *e)
{
	const struct store_post *post = ((struct mark_call *)context)->post;
	bool removed;
	if (!store_favourite_delete(w->db, w->account_id, post->id, &removed, e))
		return false;
	return !removed ||
	       (store_post_add_favourites(w->db, post->id, -1, e) &&
		store_notification_withdraw(w->db, post->account_id, APP_NOTIFY_FAVOURITE,
					    w->account_id, post->id, e));
}

static bool bookmark_add(struct app *w, void *context, struct err *e)
{
	bool added;
	return store_bookmark_insert(w->db, id_new(), w->account_id,
				     ((struct mark_call *)context)->post->id, w->now_ms, &added, e);
}

static bool bookmark_remove(struct app *w, void *context, struct err *e)
{
	bool removed;
	return store_bookmark_delete(w->db, w->account_id, ((struct mark_call *)context)->post->id,
				     &removed, e);
}

static bool boost_add(struct app *w, void *context, struct err *e)
{
	struct mark_call *call = context;
	const struct store_post *post = call->post;
	struct store_account self;
	bool more;
	if (!store_post_boost_find(w->db, w->account_id, post->id, &call->boost_id, e))
		return false;
	if (call->boost_id)
		return true;
	if (!store_account_get(w->db, w->arena, w->account_id, &self, e))
		return false;
	int64_t id = id_new();
	struct store_post boost = {
	    .id = id,
	    .account_id = w->account_id,
	    .uri = arena_printf(w->arena, "%s/statuses/%lld/activity", self.uri, (long long)id),
	    .url = post->url,
	    .local = true,
	    .visibility = call->visibility,
	    .boost_of_id = post->id,
	    .created_at = w->now_ms,
	};
	if (!store_post_insert(w->db, &boost, e) || !store_post_add_boosts(w->db, post->id, 1, e) ||
	    !store_account_add_posts(w->db, w->account_id, 1, w->now_ms, e) ||
	    !app_notify(w, post->account_id, APP_NOTIFY_REBLOG, w->account_id, post->id, e))
		return false;
	call->boost_id = id;
	return app_fan_out(w, &boost, 0, 0, APP_FAN_OUT_FIRST, &more, e);
}

static bool boost_remove(struct app *w, void *context, struct err *e)
{
	struct mark_call *call = context;
	struct store_post boost;
	if (!store_post_boost_find(w->db, w->account_id, call->post->id, &call->boost_id, e))
		return false;
	if (!call->boost_id)
		return true;
	if (!store_post_get(w->db, w->arena, call->boost_id, &boost, e) ||
	    !store_post_delete(w->db, &boost, w->now_ms, e) ||
	    !store_post_add_boosts(w->db, call->post->id, -1, e) ||
	    !store_account_add_posts(w->db, w->account_id, -1, 0, e))
		return false;
	app_emit(w, &(struct app_event){
			.type = APP_EVENT_POST_DELETED,
			.post_id = boost.id,
			.account_id = w->account_id,
			.boost = true,
			.visibility = boost.visibility,
			.local = true,
		    });
	return store_notification_withdraw(w->db, call->post->account_id, APP_NOTIFY_REBLOG,
					   w->account_id, call->post->id, e);
}

/* The post that is meant: of a boost, what was boosted. */
static bool find_target(struct app *app, int64_t id, struct app_post *post, struct mark_call *call,
			struct err *e)
{
	if (!app_need_account(app, e) || !app_post_get(app, id, post, e))
		return false;
	call->post = post->boost_of ? &post->boost_of->row : &post->row;
	return true;
}

static bool mark(struct app *app, int64_t id, app_write_fn *fn, struct app_post *out, struct err *e)
{
	struct app_post post;
	struct mark_call call = {0};
	return find_target(app, id, &post, &call, e) && app_write(app, fn, &call, e) &&
	       app_post_get(app, call.post->id, out, e);
}

bool app_favourite_add(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	return mark(app, id, favourite_add, out, e);
}

bool app_favourite_remove(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	return mark(app, id, favourite_remove, out, e);
}

bool app_bookmark_add(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	return mark(app, id, bookmark_add, out, e);
}

bool app_bookmark_remove(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	return mark(app, id, bookmark_remove, out, e);
}

bool app_boost_add(struct app *app, int64_t id, enum store_visibility visibility,
		   struct app_post *out, struct err *e)
{
	struct app_post post;
	struct mark_call call = {.visibility = visibility};
	if (!find_target(app, id, &post, &call, e))
		return false;
	/* Followers-only posts can be boosted by their author alone, to the same readers; direct ones never. */
	if (call.post->visibility == STORE_VISIBILITY_DIRECT ||
	    (call.post->visibility == STORE_VISIBILITY_PRIVATE &&
	     call.post->account_id != app->account_id))
		return err_set(e, ERR_FORBIDDEN, "This post cannot be boosted.");
	if (call.visibility < call.post->visibility)
		call.visibility = call.post->visibility;
	if (call.visibility == STORE_VISIBILITY_DIRECT)
		return err_set(e, ERR_INVALID, "Validation failed: visibility must not be direct");
	return app_write(app, boost_add, &call, e) && app_post_get(app, call.boost_id, out, e);
}

bool app_boost_remove(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	return mark(app, id, boost_remove, out, e);
}

bool app_favourited_by(struct app *app, int64_t id, const struct store_page *page,
		       struct store_accounts *out, struct err *e)
{
	struct app_post post;
	return app_post_get(app, id, &post, e) &&
	       store_favourite_accounts(app->db, app->arena, id, page, out, e);
}

bool app_boosted_by(struct app *app, int64_t id, const struct store_page *page,
		    struct store_accounts *out, struct err *e)
{
	struct app_post post;
	return app_post_get(app, id, &post, e) &&
	       store_post_boosted_by(app->db, app->arena, id, page, out, e);
}
