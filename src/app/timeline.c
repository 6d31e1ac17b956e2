/* Timelines: which posts, in which order. What a viewer may see of them is view.c's business. Any thread. */
#include "app/timeline.h"

#include "app/private.h"
#include "app/text.h"
#include "store/favourite.h"
#include "store/follow.h"
#include "store/home.h"
#include "store/pin.h"
#include "store/trend.h"

bool app_timeline_home(struct app *app, const struct store_page *page, struct app_posts *out,
		       struct err *e)
{
	int64_t ids[STORE_PAGE_MAX];
	size_t found;
	if (!app_need_account(app, e) ||
	    !store_home_ids(app->db, app->account_id, page, ids, &found, e) ||
	    !app_view_ids(app, ids, found, APP_VIEW_LIST, out, e))
		return false;
	out->more = found == (size_t)store_page_limit(page);
	return true;
}

bool app_timeline_home_has(struct app *app, int64_t account_id, int64_t post_id, bool *has,
			   struct err *e)
{
	return store_home_has(app->db, account_id, post_id, has, e);
}

static struct store_post_filter store_filter(struct app *app,
					     const struct app_timeline_filter *filter)
{
	return (struct store_post_filter){
	    .viewer_id = app->account_id,
	    .only_media = filter->only_media,
	    .only_local = filter->only_local,
	    .exclude_replies = filter->exclude_replies,
	    .exclude_boosts = filter->exclude_boosts,
	    .style = filter->style,
	    .tag = filter->tag ? app_text_fold_tag(app->arena, filter->tag) : NULL,
	};
}

typedef bool list_fn(struct db *db, struct arena *arena, const struct store_post_filter *filter,
		     const struct store_page *page, struct store_posts *out, struct err *e);

static bool list(struct app *app, list_fn *fn, const struct store_post_filter *filter,
		 const struct store_page *page, struct app_posts *out, struct err *e)
{
	struct store_posts rows;
	return fn(app->db, app->arena, filter, page, &rows, e) &&
	       app_posts_view(app, &rows, out, e);
}

bool app_timeline_public(struct app *app, const struct app_timeline_filter *filter,
			 const struct store_page *page, struct app_posts *out, struct err *e)
{
	struct store_post_filter f = store_filter(app, filter);
	return list(app, store_post_public, &f, page, out, e);
}

/* Newest first, each once: where `up`, the oldest of them are kept. */
static void merge(struct store_posts *into, const struct store_posts *more, size_t room, bool up,
		  struct arena *arena)
{
	size_t n = into->count + more->count, count = 0, i = 0, k = 0;
	struct store_post *items = arena_alloc(arena, (n + 1) * sizeof(*items));
	int64_t *keys = arena_alloc(arena, (n + 1) * sizeof(*keys));
	while (i < into->count || k < more->count) {
		bool first =
		    k == more->count || (i < into->count && into->keys[i] >= more->keys[k]);
		const struct store_posts *from = first ? into : more;
		size_t at = first ? i++ : k++;
		if (count && keys[count - 1] == from->keys[at])
			continue;
		keys[count] = from->keys[at];
		items[count++] = from->items[at];
	}
	size_t skip = up && count > room ? count - room : 0;
	bool cut = count > room;
	*into = (struct store_posts){.items = items + skip,
				     .keys = keys + skip,
				     .count = cut ? room : count,
				     .more = into->more || more->more || cut};
}

bool app_timeline_tag(struct app *app, const struct app_timeline_filter *filter,
		      const struct store_page *page, struct app_posts *out, struct err *e)
{
	struct store_post_filter f = store_filter(app, filter);
	struct store_posts rows, more;
	if (!f.tag || !f.tag[0])
		return err_set(e, ERR_INVALID, "Validation failed: tag is missing");
	for (int i = 0; i < APP_TAGS_BESIDE_MAX; i++) {
		if (filter->all[i])
			f.with_tags[i] = app_text_fold_tag(app->arena, filter->all[i]);
		if (filter->none[i])
			f.without_tags[i] = app_text_fold_tag(app->arena, filter->none[i]);
	}
	if (!store_post_of_tag(app->db, app->arena, &f, page, &rows, e))
		return false;
	for (int i = 0; i < APP_TAGS_BESIDE_MAX && filter->any[i]; i++) {
		f.tag = app_text_fold_tag(app->arena, filter->any[i]);
		if (!store_post_of_tag(app->db, app->arena, &f, page, &more, e))
			return false;
		merge(&rows, &more, (size_t)store_page_limit(page), store_page_up(page),
		      app->arena);
	}
	return app_posts_view(app, &rows, out, e);
}

bool app_timeline_link(struct app *app, const char *url, const struct store_page *page,
		       struct app_posts *out, struct err *e)
{
	struct store_posts rows;
	int64_t card_id;
	if (!store_trend_link(app->db, url, &card_id, e))
		return false;
	if (!card_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	return store_post_of_card(app->db, app->arena, card_id, page, &rows, e) &&
	       app_posts_view(app, &rows, out, e);
}

bool app_timeline_explore(struct app *app, const struct app_timeline_filter *filter,
			  const struct store_page *page, struct app_posts *out, struct err *e)
{
	struct store_post_filter f = store_filter(app, filter);
	f.only_made = true;
	return list(app, f.tag && f.tag[0] ? store_post_of_tag : store_post_made, &f, page, out, e);
}

bool app_timeline_account(struct app *app, int64_t account_id,
			  const struct app_timeline_filter *filter, const struct store_page *page,
			  struct app_posts *out, struct err *e)
{
	struct store_post_filter f = store_filter(app, filter);
	struct store_account account;
	struct store_relation relations[7];
	struct store_posts rows;
	size_t count = 0;
	if (!store_account_get(app->db, app->arena, account_id, &account, e))
		return false;
	if (account.state != STORE_ACCOUNT_ACTIVE)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (app->account_id &&
	    !store_relation_get(app->db, app->account_id, &account_id, 1, relations, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		f.viewer_follows |= relations[i].kind == STORE_RELATION_FOLLOWING;
	f.account_id = account_id;
	/* On a profile, posts of a muted account are shown: one came to see them. */
	return store_post_of_account(app->db, app->arena, &f, page, &rows, e) &&
	       app_view_rows(app, &rows, APP_VIEW_ONE, out, e);
}

bool app_timeline_pinned(struct app *app, int64_t account_id, const struct store_page *page,
			 struct app_posts *out, struct err *e)
{
	struct store_account account;
	struct store_posts rows;
	if (!store_account_get(app->db, app->arena, account_id, &account, e))
		return false;
	if (account.state != STORE_ACCOUNT_ACTIVE)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	return store_pin_posts(app->db, app->arena, account_id, page, &rows, e) &&
	       app_view_rows(app, &rows, APP_VIEW_ONE, out, e);
}

bool app_timeline_favourites(struct app *app, const struct store_page *page, struct app_posts *out,
			     struct err *e)
{
	struct store_posts rows;
	return app_need_account(app, e) &&
	       store_favourite_posts(app->db, app->arena, app->account_id, page, &rows, e) &&
	       app_view_rows(app, &rows, APP_VIEW_ONE, out, e);
}

bool app_timeline_bookmarks(struct app *app, const struct store_page *page, struct app_posts *out,
			    struct err *e)
{
	struct store_posts rows;
	return app_need_account(app, e) &&
	       store_bookmark_posts(app->db, app->arena, app->account_id, page, &rows, e) &&
	       app_view_rows(app, &rows, APP_VIEW_ONE, out, e);
}
