/* All SQL on notices. No state; any thread, with its own handle. */
#include "store/notice.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO notices (id, account_id, kind, text, target_id, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
#define SELECT                                                                                            \
	"SELECT id, account_id, kind, text, target_id, read, created_at FROM notices WHERE account_id = " \
	"$1"
static const char SQL_LIST[] = STORE_PAGE_DOWN(SELECT, "id", "$2", "$3", "$4");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(SELECT, "id", "$2", "$3", "$4");
static const char SQL_BETWEEN[] =
    "SELECT id, account_id, kind, text, target_id, read, created_at FROM notices WHERE id > $1 AND id < $2 "
    "ORDER BY id LIMIT $3";
static const char SQL_NEWEST[] = "SELECT COALESCE(MAX(id), 0) FROM notices";
static const char SQL_READ[] = "UPDATE notices SET read = TRUE WHERE account_id = $1 AND id = $2";

bool store_notice_insert(struct db *w, const struct store_notice *n, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, n->id);
	db_put_int(q, n->account_id);
	db_put_text(q, n->kind);
	db_put_text(q, n->text);
	db_put_ref(q, n->target_id);
	db_put_int(q, n->created_at);
	return db_end(q, e);
}

static void take(struct db_stmt *q, struct arena *arena, struct store_notice *n)
{
	n->id = db_get_int(q);
	n->account_id = db_get_int(q);
	n->kind = db_get_text(q, arena);
	n->text = db_get_text(q, arena);
	n->target_id = db_get_int(q);
	n->read = db_get_bool(q);
	n->created_at = db_get_int(q);
}

bool store_notice_list(struct db *db, struct arena *arena, int64_t account_id,
		       const struct store_page *page, struct store_notice *out, size_t *found,
		       struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	*found = 0;
	db_put_int(q, account_id);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_notice_between(struct db *db, struct arena *arena, int64_t after_id, int64_t before_id,
			  struct store_notice *out, size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_BETWEEN);
	*found = 0;
	db_put_int(q, after_id);
	db_put_int(q, before_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return db_end(q, e);
}

bool store_notice_newest(struct db *db, int64_t *id, struct err *e)
{
	return store_end_int(db_stmt(db, SQL_NEWEST), id, e);
}

bool store_notice_read(struct db *w, int64_t account_id, int64_t id, bool *known, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_READ);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	db_put_int(q, id);
	return store_end_changed(q, known, e);
}
