/* All SQL on notices. No state; any thread, with its own handle. */
#include "store/notice.h"

static const char SQL_INSERT[] =
    "INSERT INTO notices (id, account_id, kind, text, target_id, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
#define SELECT                                                                                            \
	"SELECT id, account_id, kind, text, target_id, read, created_at FROM notices WHERE account_id = " \
	"$1"
static const char SQL_LIST[] = STORE_PAGE_DOWN(SELECT, "id", "$2", "$3", "$4");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(SELECT, "id", "$2", "$3", "$4");
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

bool store_notice_list(struct db *db, struct arena *arena, int64_t account_id,
		       const struct store_page *page, struct store_notice *out, size_t *found,
		       struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	*found = 0;
	db_put_int(q, account_id);
	store_page_put(q, page);
	while (*found < room && db_row(q)) {
		struct store_notice *n = &out[(*found)++];
		n->id = db_get_int(q);
		n->account_id = db_get_int(q);
		n->kind = db_get_text(q, arena);
		n->text = db_get_text(q, arena);
		n->target_id = db_get_int(q);
		n->read = db_get_bool(q);
		n->created_at = db_get_int(q);
	}
	if (!db_end(q, e))
		return false;
	store_page_turn(page, out, *found, sizeof(*out));
	return true;
}

bool store_notice_read(struct db *w, int64_t account_id, int64_t id, bool *known, struct err *e)
{
	int64_t rows = 0;
	struct db_stmt *q = db_stmt(w, SQL_READ);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	db_put_int(q, id);
	bool ok = db_end_changed(q, &rows, e);
	*known = rows > 0;
	return ok;
}
