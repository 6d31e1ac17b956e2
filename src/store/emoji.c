/* All SQL on the server's own emojis. No state; any thread. What must stay true: statements that change them say
 * nothing by db_touch, so that everything that is kept of answers is looked up again. */
#include "store/emoji.h"

#include "store/end.h"
#include "store/media.h"

#define COLUMNS                                                                             \
	"id, shortcode, category, hash, type, static_hash, static_type, disabled, hidden, " \
	"created_at, updated_at"
static const char SQL_INSERT[] =
    "INSERT INTO emojis (" COLUMNS
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
static const char SQL_UPDATE[] =
    "UPDATE emojis SET category = $2, hash = $3, type = $4, static_hash = $5, static_type = $6, "
    "disabled = $7, hidden = $8, updated_at = $9 WHERE id = $1";
static const char SQL_DELETE[] = "DELETE FROM emojis WHERE id = $1";
static const char SQL_GET[] = "SELECT " COLUMNS " FROM emojis WHERE id = $1";
#define LIST "SELECT " COLUMNS " FROM emojis WHERE TRUE"
static const char SQL_LIST[] = STORE_PAGE_DOWN(LIST, "id", "$1", "$2", "$3");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(LIST, "id", "$1", "$2", "$3");
static const char SQL_ALL[] =
    "SELECT " COLUMNS " FROM emojis WHERE NOT disabled ORDER BY category, shortcode LIMIT $1";
static const char SQL_COUNT[] = "SELECT COUNT(*) FROM emojis";

static void take(struct db_stmt *q, struct arena *arena, struct store_emoji *m)
{
	m->id = db_get_int(q);
	m->shortcode = db_get_text(q, arena);
	m->category = db_get_text(q, arena);
	m->hash = db_get_text(q, arena);
	m->type = db_get_text(q, arena);
	m->static_hash = db_get_text(q, arena);
	m->static_type = db_get_text(q, arena);
	m->disabled = db_get_bool(q);
	m->hidden = db_get_bool(q);
	m->created_at = db_get_int(q);
	m->updated_at = db_get_int(q);
}

static void put(struct db_stmt *q, const struct store_emoji *m)
{
	db_put_text(q, m->category);
	db_put_text(q, m->hash);
	db_put_text(q, m->type);
	db_put_text(q, m->static_hash);
	db_put_text(q, m->static_type);
	db_put_bool(q, m->disabled);
	db_put_bool(q, m->hidden);
}

static bool hold(struct db *w, const struct store_emoji *m, struct err *e)
{
	return store_object_hold(w, m->hash, e) && store_object_hold(w, m->static_hash, e);
}

static bool drop(struct db *w, const struct store_emoji *m, int64_t now_ms, struct err *e)
{
	return store_object_drop(w, m->hash, now_ms, e) &&
	       store_object_drop(w, m->static_hash, now_ms, e);
}

bool store_emoji_insert(struct db *w, const struct store_emoji *m, struct err *e)
{
	int64_t rows = 0;
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, m->id);
	db_put_text(q, m->shortcode);
	put(q, m);
	db_put_int(q, m->created_at);
	db_put_int(q, m->updated_at);
	if (!db_end_changed(q, &rows, e))
		return false;
	if (!rows)
		return err_set(e, ERR_CONFLICT,
			       "Validation failed: shortcode has already been taken");
	return hold(w, m, e);
}

bool store_emoji_update(struct db *w, const struct store_emoji *old, const struct store_emoji *m,
			struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UPDATE);
	db_put_int(q, m->id);
	put(q, m);
	db_put_int(q, m->updated_at);
	return db_end(q, e) && hold(w, m, e) && drop(w, old, m->updated_at, e);
}

bool store_emoji_delete(struct db *w, const struct store_emoji *m, int64_t now_ms, struct err *e)
{
	return store_run_1(w, SQL_DELETE, m->id, e) && drop(w, m, now_ms, e);
}

bool store_emoji_get(struct db *db, struct arena *arena, int64_t id, struct store_emoji *out,
		     struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_emoji_list(struct db *db, struct arena *arena, const struct store_page *page,
		      struct store_emoji *out, size_t *found, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_emoji_all(struct db *db, struct arena *arena, struct store_emoji *out, size_t room,
		     size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_ALL);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return db_end(q, e);
}

bool store_emoji_count(struct db *db, int64_t *count, struct err *e)
{
	return store_end_int(db_stmt(db, SQL_COUNT), count, e);
}
