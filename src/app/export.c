/* Lists as CSV, in Mastodon's columns, a page at a time. Any thread; no state. */
#include "app/export.h"

#include "app/csv.h"
#include "app/private.h"

#include <string.h>

enum { PAGE_ARENA_CAP = 4 << 20, PAGE_BYTES_MAX = 4 << 20 };

static const struct {
	const char *name, *head;
} KINDS[STORE_EXPORTS] = {
    [STORE_EXPORT_FOLLOWS] = {"follows",
			      "Account address,Show boosts,Notify on new posts,Languages\n"},
    [STORE_EXPORT_BLOCKS] = {"blocks", ""},
    [STORE_EXPORT_MUTES] = {"mutes", "Account address,Hide notifications\n"},
    [STORE_EXPORT_DOMAINS] = {"domain_blocks", ""},
    [STORE_EXPORT_BOOKMARKS] = {"bookmarks", ""},
    [STORE_EXPORT_LISTS] = {"lists", ""},
    [STORE_EXPORT_FAVOURITES] = {"favourites", ""},
};

bool app_export_parse(const char *name, enum store_export *kind)
{
	for (int i = 0; i < STORE_EXPORT_FAVOURITES; i++)
		if (!strcmp(name, KINDS[i].name)) {
			*kind = (enum store_export)i;
			return true;
		}
	return false;
}

const char *app_export_name(enum store_export kind)
{
	return KINDS[kind].name;
}

bool app_export_counts(struct app *app, int64_t counts[STORE_EXPORTS], struct err *e)
{
	if (!app_need_account(app, e))
		return false;
	for (int i = 0; i < STORE_EXPORTS; i++)
		if (!store_export_count(app->db, (enum store_export)i, app->account_id, &counts[i],
					e))
			return false;
	return true;
}

/* " ko en " becomes "ko, en". */
static void put_languages(struct buf *out, struct arena *arena, const char *languages)
{
	struct buf text;
	buf_init(&text, 1024);
	for (const char *at = languages ? languages : ""; *at;) {
		size_t n = strcspn(at, " ");
		if (n) {
			buf_add_str(&text, text.length ? ", " : "");
			buf_add(&text, at, n);
		}
		at += n + (at[n] == ' ');
	}
	csv_put(out, text.length ? arena_strndup(arena, text.data, text.length) : "", false);
	buf_finish(&text);
}

static void put_row(struct app *app, struct buf *out, struct arena *arena, enum store_export kind,
		    const struct store_export_row *row)
{
	const char *name = row->name;
	if (row->domain) /* an account's whole address, so that it means the same elsewhere */
		name = arena_printf(arena, "%s@%s", name,
				    *row->domain ? row->domain : app->core->config.domain);
	if (kind == STORE_EXPORT_LISTS)
		csv_put(out, row->list, true);
	csv_put(out, name, kind != STORE_EXPORT_LISTS);
	if (kind == STORE_EXPORT_FOLLOWS || kind == STORE_EXPORT_MUTES)
		csv_put(out, row->flag_1 ? "true" : "false", false);
	if (kind == STORE_EXPORT_FOLLOWS) {
		csv_put(out, row->flag_2 ? "true" : "false", false);
		put_languages(out, arena, row->languages);
	}
	buf_add_char(out, '\n');
}

static bool write_pages(struct app *app, int64_t account_id, enum store_export kind,
			const struct app_sink *sink, struct arena *arena, struct buf *out,
			struct err *e)
{
	struct store_export_row *rows = arena_alloc(arena, STORE_EXPORT_PAGE * sizeof(*rows));
	struct arena *page = arena_create(PAGE_ARENA_CAP);
	size_t found = 0;
	int64_t after = 0;
	bool ok;
	do {
		buf_clear(out);
		arena_reset(page);
		ok = store_export_page(app->db, page, kind, account_id, after, rows, &found, e);
		for (size_t i = 0; ok && i < found; i++)
			put_row(app, out, page, kind, &rows[i]);
		ok = ok && (!found || sink->write(sink->context, out->data, out->length, e));
		after = found ? rows[found - 1].key : 0;
	} while (ok && found == STORE_EXPORT_PAGE);
	arena_destroy(page);
	return ok;
}

bool app_export_csv_of(struct app *app, int64_t account_id, enum store_export kind,
		       const struct app_sink *sink, struct err *e)
{
	const char *head = KINDS[kind].head;
	struct arena *arena = arena_create(1 << 20);
	struct buf out;
	buf_init(&out, PAGE_BYTES_MAX);
	bool ok = (!*head || sink->write(sink->context, head, strlen(head), e)) &&
		  write_pages(app, account_id, kind, sink, arena, &out, e);
	buf_finish(&out);
	arena_destroy(arena);
	return ok;
}

bool app_export_csv(struct app *app, enum store_export kind, const struct app_sink *sink,
		    struct err *e)
{
	return app_need_account(app, e) && app_export_csv_of(app, app->account_id, kind, sink, e);
}
