/* Posts pinned to one's profile, and conversations one hears no more of. Any thread; no state. */
#include "store/pin.h"
#include "app/post.h"
#include "app/private.h"
#include "base/id.h"

static bool pin(struct app *w, void *context, struct err *e)
{
	int64_t count;
	if (!store_pin_count(w->db, w->account_id, &count, e))
		return false;
	if (count >= APP_PINS_MAX)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: You have already pinned the maximum number of posts (%d)",
		    APP_PINS_MAX);
	return store_pin_insert(w->db, id_new(), w->account_id, *(int64_t *)context, w->now_ms, e);
}

static bool unpin(struct app *w, void *context, struct err *e)
{
	return store_pin_delete(w->db, w->account_id, *(int64_t *)context, e);
}

static bool own_post(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	if (!app_need_account(app, e) || !app_post_get(app, id, out, e))
		return false;
	if (out->row.account_id != app->account_id)
		return err_set(e, ERR_INVALID,
			       "Validation failed: Someone else's post cannot be pinned");
	return !out->row.boost_of_id ||
	       err_set(e, ERR_INVALID, "Validation failed: A boost cannot be pinned");
}

bool app_pin_add(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	if (!own_post(app, id, out, e))
		return false;
	if (out->row.visibility == STORE_VISIBILITY_DIRECT)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: Posts that are only visible to mentioned users cannot be pinned");
	return out->pinned || (app_write(app, pin, &id, e) && app_post_get(app, id, out, e));
}

bool app_pin_remove(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	return own_post(app, id, out, e) && app_write(app, unpin, &id, e) &&
	       app_post_get(app, id, out, e);
}

static bool mute(struct app *w, void *context, struct err *e)
{
	return store_thread_mute(w->db, w->account_id, *(int64_t *)context, e);
}

static bool unmute(struct app *w, void *context, struct err *e)
{
	return store_thread_unmute(w->db, w->account_id, *(int64_t *)context, e);
}

static bool change(struct app *app, int64_t id, app_write_fn *fn, struct app_post *out,
		   struct err *e)
{
	if (!app_need_account(app, e) || !app_post_get(app, id, out, e))
		return false;
	int64_t thread_id = out->boost_of ? out->boost_of->row.thread_id : out->row.thread_id;
	return app_write(app, fn, &thread_id, e) && app_post_get(app, id, out, e);
}

bool app_thread_mute(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	return change(app, id, mute, out, e);
}

bool app_thread_unmute(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	return change(app, id, unmute, out, e);
}

bool app_thread_is_muted(struct app *w, int64_t account_id, int64_t post_id, bool *muted,
			 struct err *e)
{
	struct store_post row;
	int64_t thread;
	size_t found = 0;
	*muted = false;
	if (!store_post_get(w->db, w->arena, post_id, &row, e))
		return e->code == ERR_NOT_FOUND;
	if (!store_thread_muted(w->db, account_id, &row.thread_id, 1, &thread, &found, e))
		return false;
	*muted = found > 0;
	return true;
}
