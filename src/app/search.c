/* Search: which of posts, accounts and tags, and in which order. Any thread; no state. */
#include "app/search.h"

#include "app/account.h"
#include "app/private.h"
#include "app/text.h"
#include "base/id.h"
#include "base/str.h"
#include "store/tag.h"

#include <string.h>

enum { LIMIT_MAX = 40, QUERY_MAX_CHARACTERS = 500 };

static bool wants(const char *type, const char *what)
{
	return !type || !type[0] || strcmp(type, what) == 0;
}

static struct app_tag from_row(const struct store_tag *row)
{
	return (struct app_tag){.name = row->display, .posts_count = row->posts_count};
}

static bool find_tags(struct app *app, const char *q, int limit, int offset, struct app_search *out,
		      struct err *e)
{
	struct store_tag rows[LIMIT_MAX];
	const char *folded = app_text_fold_tag(app->arena, q);
	if (!folded[0])
		return true;
	if (!store_tag_search(app->db, app->arena, folded, limit, offset, rows, &out->tag_count, e))
		return false;
	out->tags = arena_alloc(app->arena, (out->tag_count + 1) * sizeof(*out->tags));
	for (size_t i = 0; i < out->tag_count; i++)
		out->tags[i] = from_row(&rows[i]);
	return true;
}

/* An address of a post: the uri itself, or the page of one of ours (…/@name/ID). */
static bool find_by_url(struct app *app, const char *q, struct app_search *out, struct err *e)
{
	struct store_post row;
	struct err missing = {0};
	int64_t id = 0;
	const char *last = strrchr(q, '/');
	bool found = store_post_by_uri(app->db, app->arena, q, &row, &missing);
	if (!found && missing.code == ERR_NOT_FOUND && str_starts(q, app->core->config.base_url) &&
	    id_parse(last + 1, &id))
		found = store_post_get(app->db, app->arena, id, &row, &missing);
	if (found)
		return app_post_get_many(app, &row.id, 1, &out->posts, e);
	*e = missing;
	return missing.code == ERR_NOT_FOUND;
}

/* Whose name begins so comes first, then those whose names hold the words. */
static bool find_accounts(struct app *app, const char *q, const struct app_search_page *page,
			  struct store_accounts *out, struct err *e)
{
	struct store_accounts by_words;
	if (!app_account_search(app, q, page->limit, page->offset, out, e))
		return false;
	if (out->count >= (size_t)page->limit)
		return true;
	if (!app_search_accounts(app, q, page->limit, page->offset, &by_words, e))
		return false;
	struct store_account *all =
	    arena_alloc(app->arena, (out->count + by_words.count + 1) * sizeof(*all));
	size_t count = 0;
	for (size_t i = 0; i < out->count; i++)
		all[count++] = out->items[i];
	for (size_t i = 0; i < by_words.count && count < (size_t)page->limit; i++)
		if (!app_accounts_find(out, by_words.items[i].id))
			all[count++] = by_words.items[i];
	out->items = all;
	out->count = count;
	return true;
}

bool app_search_people(struct app *app, const char *q, int limit, int offset,
		       struct store_accounts *out, struct err *e)
{
	const struct app_search_page page = {.limit = limit, .offset = offset};
	size_t length = strlen(q);
	q = str_trim(q, &length);
	*out = (struct store_accounts){0};
	return app_check_text("q", q, QUERY_MAX_CHARACTERS, e) &&
	       find_accounts(app, arena_strndup(app->arena, q, length), &page, out, e);
}

bool app_search(struct app *app, const char *q, const char *type,
		const struct app_search_page *page, struct app_search *out, struct err *e)
{
	struct app_search_page p = *page;
	*out = (struct app_search){0};
	if (!app_check_text("q", q, QUERY_MAX_CHARACTERS, e))
		return false;
	size_t length = strlen(q);
	q = str_trim(q, &length);
	q = arena_strndup(app->arena, q, length);
	if (!q[0])
		return err_set(e, ERR_INVALID, "Validation failed: q can't be blank");
	if (p.limit <= 0 || p.limit > LIMIT_MAX)
		p.limit = 20;
	if (p.offset < 0)
		p.offset = 0;
	if (str_starts(q, "https://") || str_starts(q, "http://"))
		return !wants(type, "statuses") || find_by_url(app, q, out, e);
	if (wants(type, "accounts") && q[0] != '#' && !find_accounts(app, q, &p, &out->accounts, e))
		return false;
	if (wants(type, "statuses") && !app_search_posts(app, q, &p, &out->posts, e))
		return false;
	return !wants(type, "hashtags") || q[0] == '@' ||
	       find_tags(app, q, p.limit, p.offset, out, e);
}

bool app_tag_get(struct app *app, const char *name, struct app_tag *out, struct err *e)
{
	struct store_tag row;
	struct err missing = {0};
	*out = (struct app_tag){.name = app_text_fold_tag(app->arena, name)};
	if (!app_check_text("tag", name, 200, e))
		return false;
	if (store_tag_get(app->db, app->arena, out->name, &row, &missing)) {
		*out = from_row(&row);
		return true;
	}
	*e = missing;
	return missing.code == ERR_NOT_FOUND; /* a tag that nobody has used is a tag all the same */
}
