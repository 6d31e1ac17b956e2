/* Followed and featured tags. Any thread; no state. */
#include "app/followed_tag.h"

#include "app/account.h"
#include "app/private.h"
#include "app/text.h"
#include "app/trend.h"
#include "base/id.h"

#include <string.h>

/* A tag's name: letters and digits of any script, as a post could write it. */
static bool check_name(struct app *app, const char *name, const char **folded, struct err *e)
{
	struct app_text *text = ARENA_NEW(app->arena, struct app_text);
	if (*name == '#')
		name++;
	if (!app_check_text("name", name, 100, e))
		return false;
	app_text_scan(app->arena, arena_printf(app->arena, "#%s", name), text);
	if (text->tag_count != 1 || strcmp(text->tags[0], name) != 0)
		return err_set(e, ERR_INVALID, "Validation failed: name is not a hashtag");
	*folded = app_text_fold_tag(app->arena, name);
	return true;
}

static bool find(struct app *app, const char *name, int64_t *id, struct err *e)
{
	struct store_tag tag;
	struct err missing = {0};
	*id = 0;
	if (store_tag_get(app->db, app->arena, app_text_fold_tag(app->arena, name), &tag, &missing))
		*id = tag.id;
	else if (missing.code != ERR_NOT_FOUND)
		*e = missing;
	return *id || missing.code == ERR_NOT_FOUND;
}

bool app_tag_state(struct app *app, const char *name, struct app_tag_state *out, struct err *e)
{
	int64_t tag_id, featured = 0;
	*out = (struct app_tag_state){0};
	if (!app_trend_history(app, name, out->history, e))
		return false;
	if (!app->account_id)
		return true;
	if (!find(app, name, &tag_id, e))
		return false;
	if (!tag_id)
		return true;
	if (!store_followed_tag_has(app->db, app->account_id, tag_id, &out->following, e) ||
	    !store_featured_tag_find(app->db, app->account_id, tag_id, &featured, e))
		return false;
	out->featuring = featured != 0;
	return true;
}

bool app_tag_marks(struct app *app, const int64_t *ids, size_t count, struct store_tag_mark *out,
		   struct err *e)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (struct store_tag_mark){0};
	return !app->account_id || store_tag_marks(app->db, app->account_id, ids, count, out, e);
}

struct tag_call {
	const char *folded;
	const char *display;
	bool follow;
	int64_t id;
};

static bool follow(struct app *w, void *context, struct err *e)
{
	struct tag_call *call = context;
	int64_t tag_id, count;
	if (!store_tag_ensure(w->db, call->folded, call->display, w->now_ms, &tag_id, e))
		return false;
	if (!call->follow)
		return store_followed_tag_remove(w->db, w->account_id, tag_id, e);
	if (!store_followed_tag_count(w->db, w->account_id, &count, e))
		return false;
	if (count >= APP_FOLLOWED_TAGS_MAX)
		return err_set(e, ERR_INVALID, "Validation failed: You follow %d tags already",
			       APP_FOLLOWED_TAGS_MAX);
	return store_followed_tag_add(w->db, id_new(), w->account_id, tag_id, e);
}

bool app_tag_follow(struct app *app, const char *name, bool on, struct err *e)
{
	struct tag_call call = {.display = *name == '#' ? name + 1 : name, .follow = on};
	return app_need_account(app, e) && check_name(app, name, &call.folded, e) &&
	       app_write(app, follow, &call, e);
}

bool app_followed_tags(struct app *app, const struct store_page *page,
		       struct app_followed_tags *out, struct err *e)
{
	struct store_tag rows[STORE_PAGE_MAX];
	int64_t keys[STORE_PAGE_MAX];
	*out = (struct app_followed_tags){0};
	if (!app_need_account(app, e) ||
	    !store_followed_tag_list(app->db, app->arena, app->account_id, page, rows, keys,
				     &out->count, e))
		return false;
	out->items = arena_alloc(app->arena, (out->count + 1) * sizeof(*out->items));
	for (size_t i = 0; i < out->count; i++) {
		out->items[i].name = rows[i].display;
		out->items[i].posts_count = rows[i].posts_count;
	}
	if (out->count > 0) {
		out->first = keys[0];
		out->last = keys[out->count - 1];
	}
	out->more = out->count == (size_t)store_page_limit(page);
	return true;
}

static bool feature(struct app *w, void *context, struct err *e)
{
	struct tag_call *call = context;
	struct store_featured_tag old[STORE_FEATURED_TAGS_MAX];
	size_t count;
	int64_t tag_id;
	bool added;
	if (!store_featured_tag_list(w->db, w->arena, w->account_id, old, &count, e))
		return false;
	if (count >= STORE_FEATURED_TAGS_MAX)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: You have already featured the maximum number of hashtags");
	if (!store_tag_ensure(w->db, call->folded, call->display, w->now_ms, &tag_id, e) ||
	    !store_featured_tag_add(w->db, call->id, w->account_id, tag_id, call->display,
				    w->now_ms, &added, e))
		return false;
	return added || err_set(e, ERR_INVALID, "Validation failed: Tag has already been taken");
}

bool app_featured_tag_add(struct app *app, const char *name, struct store_featured_tag *out,
			  struct err *e)
{
	struct store_featured_tag all[STORE_FEATURED_TAGS_MAX];
	struct tag_call call = {.display = *name == '#' ? name + 1 : name, .id = id_new()};
	size_t count;
	if (!app_need_account(app, e) || !check_name(app, name, &call.folded, e) ||
	    !app_write(app, feature, &call, e) ||
	    !store_featured_tag_list(app->db, app->arena, app->account_id, all, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (all[i].id == call.id)
			*out = all[i];
	return true;
}

static bool unfeature(struct app *w, void *context, struct err *e)
{
	bool removed;
	if (!store_featured_tag_remove(w->db, w->account_id, ((struct tag_call *)context)->id,
				       &removed, e))
		return false;
	return removed || err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool app_featured_tag_remove(struct app *app, int64_t id, struct err *e)
{
	return app_need_account(app, e) &&
	       app_write(app, unfeature, &(struct tag_call){.id = id}, e);
}

bool app_featured_tag_remove_name(struct app *app, const char *name, struct err *e)
{
	struct tag_call call = {0};
	int64_t tag_id;
	if (!app_need_account(app, e) || !find(app, name, &tag_id, e) ||
	    !store_featured_tag_find(app->db, app->account_id, tag_id, &call.id, e))
		return false;
	return call.id == 0 || app_write(app, unfeature, &call, e);
}

bool app_featured_tags(struct app *app, int64_t account_id, struct store_featured_tag *out,
		       size_t *count, struct err *e)
{
	struct store_account account;
	return app_account_get(app, account_id, &account, e) &&
	       store_featured_tag_list(app->db, app->arena, account_id, out, count, e);
}

bool app_featured_tag_suggestions(struct app *app, struct app_tag **out, size_t *count,
				  struct err *e)
{
	struct store_tag rows[STORE_FEATURED_TAGS_MAX];
	if (!app_need_account(app, e) ||
	    !store_featured_tag_suggest(app->db, app->arena, app->account_id,
					STORE_FEATURED_TAGS_MAX, rows, count, e))
		return false;
	*out = arena_alloc(app->arena, (*count + 1) * sizeof(**out));
	for (size_t i = 0; i < *count; i++) {
		(*out)[i].name = rows[i].display;
		(*out)[i].posts_count = rows[i].posts_count;
	}
	return true;
}
