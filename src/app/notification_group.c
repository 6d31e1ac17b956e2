/* Notifications in groups: a page costs a few ranges of an index for each kind, and one for each group that is
 * shown, however many notifications there are. Any thread; no state. */
#include "app/notification.h"

#include "app/private.h"
#include "base/id.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* What competes for a place on the page: a group, or a notification by itself. */
struct candidate {
	int64_t latest_id;
	const struct store_notification_group *group; /* NULL: it stands alone */
	const struct store_notification *row;
};

static int newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct candidate *)a)->latest_id;
	int64_t y = ((const struct candidate *)b)->latest_id;
	return (x < y) - (x > y);
}

static int oldest_first(const void *a, const void *b)
{
	return newest_first(b, a);
}

static bool find_single(struct app *app, const struct app_notification_filter *filter,
			unsigned kinds, const struct store_page *page, struct candidate *out,
			size_t *count, struct err *e)
{
	struct store_notification_filter f = {
	    .account_id = app->account_id,
	    .kinds = kinds,
	    .from_account_id = filter->from_account_id,
	    .include_filtered = filter->include_filtered,
	};
	size_t found;
	struct store_notification *rows = arena_alloc(app->arena, STORE_PAGE_MAX * sizeof(*rows));
	if (!kinds)
		return true;
	if (!store_notification_list(app->db, app->arena, &f, page, rows, &found, e))
		return false;
	for (size_t i = 0; i < found; i++)
		out[(*count)++] = (struct candidate){.latest_id = rows[i].id, .row = &rows[i]};
	return true;
}

static bool find_groups(struct app *app, unsigned kinds, const struct store_page *page,
			struct candidate *out, size_t *count, struct err *e)
{
	for (int kind = 0; kind < APP_NOTIFY_KINDS; kind++) {
		size_t found;
		if (!(kinds >> kind & 1))
			continue;
		struct store_notification_group *groups =
		    arena_alloc(app->arena, STORE_PAGE_MAX * sizeof(*groups));
		if (!store_notification_group_list(app->db, app->arena, app->account_id, kind, page,
						   groups, &found, e))
			return false;
		for (size_t i = 0; i < found; i++)
			out[(*count)++] = (struct candidate){.latest_id = groups[i].latest_id,
							     .group = &groups[i]};
	}
	return true;
}

static void add_post(struct app_notification_groups *out, const struct app_post *post)
{
	for (size_t i = 0; i < out->post_count; i++)
		if (out->posts[i]->row.id == post->row.id)
			return;
	out->posts[out->post_count++] = post;
}

/* The group of a candidate, but for what its newest notification says; found: 0 where nobody of it is to be seen any
 * more, blocked or deleted since. */
static bool read_group(struct app *app, const struct candidate *c, struct app_notification_group *g,
		       struct store_notification *newest, size_t *found, struct err *e)
{
	struct store_notification rows[APP_NOTIFY_SAMPLES];
	*found = 1;
	*g = (struct app_notification_group){.count = 1};
	if (c->group) {
		if (!store_notification_group_rows(app->db, app->account_id, c->group->id,
						   APP_NOTIFY_SAMPLES, rows, found, &g->page_min_id,
						   e))
			return false;
		g->count = c->group->count;
		g->key = c->group->key;
	} else {
		rows[0] = *c->row;
		g->page_min_id = c->row->id;
		g->key = arena_printf(app->arena, "ungrouped-%lld", (long long)rows[0].id);
	}
	for (size_t i = 0; i < *found; i++)
		g->sample_ids[g->sample_count++] = rows[i].from_account_id;
	if (*found)
		*newest = rows[0];
	return true;
}

static int by_id(const void *a, const void *b)
{
	int64_t x = ((const struct store_account *)a)->id,
		y = ((const struct store_account *)b)->id;
	return (x > y) - (x < y);
}

/* In the order of their ids: PostgreSQL gives them in one of its own, which changes with its plans. */
static bool load_accounts(struct app *app, struct app_notification_groups *out, struct err *e)
{
	size_t count = 0;
	int64_t *ids =
	    arena_alloc(app->arena, (out->count * APP_NOTIFY_SAMPLES + 1) * sizeof(*ids));
	for (size_t i = 0; i < out->count; i++)
		for (size_t k = 0; k < out->items[i].sample_count; k++)
			ids[count++] = out->items[i].sample_ids[k];
	count = app_ids_sort_unique(ids, count);
	out->accounts.items = arena_alloc(app->arena, (count + 1) * sizeof(*out->accounts.items));
	if (!store_account_get_many(app->db, app->arena, ids, count, out->accounts.items,
				    &out->accounts.count, e))
		return false;
	qsort(out->accounts.items, out->accounts.count, sizeof(*out->accounts.items), by_id);
	return true;
}

/* What the newest of all groups say is read at once: one group after another would ask the database for everything
 * that belongs to a post, forty times. */
static bool finish(struct app *app, const struct candidate *candidates, size_t count,
		   struct app_notification_groups *out, struct err *e)
{
	struct app_notification_group *groups =
	    arena_alloc(app->arena, (count + 1) * sizeof(*groups));
	struct store_notification *newest = arena_alloc(app->arena, (count + 1) * sizeof(*newest));
	struct app_notifications list;
	size_t seen = 0, shown = 0;
	for (size_t i = 0; i < count; i++) {
		size_t found;
		if (!read_group(app, &candidates[i], &groups[seen], &newest[seen], &found, e))
			return false;
		seen += found > 0;
	}
	if (!app_notifications_fill(app, newest, seen, &list, e))
		return false;
	out->items = groups;
	out->posts = arena_alloc(app->arena, (count + 1) * sizeof(*out->posts));
	for (size_t i = 0; i < seen && shown < list.count; i++) {
		if (list.items[shown].id != newest[i].id)
			continue; /* its post or its account is gone */
		struct app_notification_group *g = &out->items[out->count++];
		*g = groups[i];
		g->newest = list.items[shown++];
		if (g->newest.post)
			add_post(out, g->newest.post);
	}
	return load_accounts(app, out, e);
}

bool app_notification_group_list(struct app *app, const struct app_notification_filter *filter,
				 const struct store_page *page, struct app_notification_groups *out,
				 struct err *e)
{
	size_t limit = (size_t)store_page_limit(page), count = 0;
	unsigned kinds = filter->kinds ? filter->kinds : APP_NOTIFY_ALL;
	/* Of one account nothing is grouped: its likes of ten posts are ten things. */
	unsigned grouped =
	    filter->from_account_id ? 0 : kinds & filter->grouped & APP_NOTIFY_GROUPABLE;
	struct candidate *all =
	    arena_alloc(app->arena, (APP_NOTIFY_KINDS + 1) * STORE_PAGE_MAX * sizeof(*all));
	*out = (struct app_notification_groups){0};
	if (!app_need_account(app, e) ||
	    !find_single(app, filter, kinds & ~grouped, page, all, &count, e) ||
	    !find_groups(app, grouped, page, all, &count, e))
		return false;
	qsort(all, count, sizeof(*all), store_page_up(page) ? oldest_first : newest_first);
	out->more = count >= limit;
	if (count > limit)
		count = limit;
	qsort(all, count, sizeof(*all), newest_first);
	if (count > 0) {
		out->first = all[0].latest_id;
		out->last = all[count - 1].latest_id;
	}
	return finish(app, all, count, out, e);
}

/* "ungrouped-ID" or the key of a group. */
static bool find_key(struct app *app, const char *key, struct candidate *out, struct err *e)
{
	static const char alone[] = "ungrouped-";
	int64_t id;
	*out = (struct candidate){0};
	if (!app_need_account(app, e))
		return false;
	if (strlen(key) > 100 || !str_is_utf8(key, strlen(key)))
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (str_starts(key, alone)) {
		struct store_notification *row = ARENA_NEW(app->arena, struct store_notification);
		out->row = row;
		return id_parse(key + sizeof(alone) - 1, &id)
			   ? store_notification_get(app->db, app->account_id, id, row, e)
			   : err_set(e, ERR_NOT_FOUND, "Record not found");
	}
	struct store_notification_group *group =
	    ARENA_NEW(app->arena, struct store_notification_group);
	out->group = group;
	return store_notification_group_get(app->db, app->arena, app->account_id, key, group, e);
}

bool app_notification_group_get(struct app *app, const char *key,
				struct app_notification_groups *out, struct err *e)
{
	struct candidate c;
	*out = (struct app_notification_groups){0};
	if (!find_key(app, key, &c, e) || !finish(app, &c, 1, out, e))
		return false;
	return out->count == 1 || err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool app_notification_group_accounts(struct app *app, const char *key,
				     const struct store_page *page, struct store_accounts *out,
				     struct err *e)
{
	struct candidate c;
	if (!find_key(app, key, &c, e))
		return false;
	if (c.group)
		return store_notification_group_accounts(app->db, app->arena, c.group->id, page,
							 out, e);
	*out = (struct store_accounts){.items = ARENA_NEW(app->arena, struct store_account)};
	return store_account_get_many(app->db, app->arena, &c.row->from_account_id, 1, out->items,
				      &out->count, e);
}

static bool dismiss(struct app *w, void *context, struct err *e)
{
	const struct candidate *c = context;
	return c->group ? store_notification_group_delete(w->db, w->account_id, c->group->id, e)
			: store_notification_delete(w->db, w->account_id, c->row->id, e);
}

bool app_notification_group_dismiss(struct app *app, const char *key, struct err *e)
{
	struct candidate c;
	return find_key(app, key, &c, e) && app_write(app, dismiss, &c, e);
}
