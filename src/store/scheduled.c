/* All SQL on scheduled posts. No state; any thread, with its own handle. */
#include "store/scheduled.h"

#include "store/end.h"

#define COLUMNS "s.id, s.account_id, s.form, s.scheduled_at, s.created_at"
static const char SQL_INSERT[] =
    "INSERT INTO scheduled_posts (id, account_id, form, scheduled_at, created_at) VALUES ($1, $2, $3, $4, $5)";
static const char SQL_HOLD[] =
    "INSERT INTO scheduled_media (media_id, scheduled_id) VALUES ($1, $2)";
static const char SQL_HELD[] = "SELECT 1 FROM scheduled_media WHERE media_id = $1";
static const char SQL_GET[] =
    "SELECT " COLUMNS " FROM scheduled_posts s WHERE s.id = $1 AND s.account_id = $2";
#define LIST "SELECT " COLUMNS " FROM scheduled_posts s WHERE s.account_id = $1"
static const char SQL_LIST[] = STORE_PAGE_DOWN(LIST, "s.id", "$2", "$3", "$4");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(LIST, "s.id", "$2", "$3", "$4");
static const char SQL_SET_TIME[] = "UPDATE scheduled_posts SET scheduled_at = $2 WHERE id = $1";
static const char SQL_DELETE[] = "DELETE FROM scheduled_posts WHERE id = $1";
static const char SQL_COUNT[] =
    "SELECT COUNT(*), COALESCE(SUM(CASE WHEN scheduled_at >= $2 AND scheduled_at < $3 THEN 1 ELSE 0 END), 0) "
    "FROM scheduled_posts WHERE account_id = $1";
static const char SQL_DUE[] =
    "SELECT " COLUMNS " FROM scheduled_posts s WHERE s.scheduled_at <= $1 "
    "ORDER BY s.scheduled_at, s.id LIMIT 1";

static void take(struct db_stmt *q, struct arena *arena, struct store_scheduled *s)
{
	s->id = db_get_int(q);
	s->account_id = db_get_int(q);
	s->form = db_get_text(q, arena);
	s->scheduled_at = db_get_int(q);
	s->created_at = db_get_int(q);
}

bool store_scheduled_insert(struct db *w, const struct store_scheduled *s, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, s->id);
	db_put_int(q, s->account_id);
	db_put_text(q, s->form);
	db_put_int(q, s->scheduled_at);
	db_put_int(q, s->created_at);
	db_touch(q, DB_NOUN_NONE, 0);
	return db_end(q, e);
}

bool store_scheduled_hold(struct db *w, int64_t id, int64_t media_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_HOLD);
	db_put_int(q, media_id);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_scheduled_held(struct db *db, int64_t media_id, bool *held, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_HELD);
	db_put_int(q, media_id);
	*held = db_row(q);
	return db_end(q, e);
}

bool store_scheduled_get(struct db *db, struct arena *arena, int64_t account_id, int64_t id,
			 struct store_scheduled *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	db_put_int(q, account_id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_scheduled_list(struct db *db, struct arena *arena, int64_t account_id,
			  const struct store_page *page, struct store_scheduled *out, size_t *found,
			  struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	db_put_int(q, account_id);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_scheduled_set_time(struct db *w, int64_t id, int64_t scheduled_at, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET_TIME);
	db_put_int(q, id);
	db_put_int(q, scheduled_at);
	return db_end(q, e);
}

bool store_scheduled_delete(struct db *w, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_scheduled_count(struct db *db, int64_t account_id, int64_t from_ms, int64_t to_ms,
			   int64_t *all, int64_t *in_span, struct err *e)
{
	*all = *in_span = 0;
	struct db_stmt *q = db_stmt(db, SQL_COUNT);
	db_put_int(q, account_id);
	db_put_int(q, from_ms);
	db_put_int(q, to_ms);
	if (db_row(q)) {
		*all = db_get_int(q);
		*in_span = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_scheduled_due(struct db *db, struct arena *arena, int64_t now_ms,
			 struct store_scheduled *out, bool *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_DUE);
	db_put_int(q, now_ms);
	*found = db_row(q);
	if (*found)
		take(q, arena, out);
	return db_end(q, e);
}
