/* All SQL on notifications. No state; any thread, with its own handle. */
#include "store/notification.h"

static const char SQL_INSERT[] =
    "INSERT INTO notifications (id, account_id, kind, from_account_id, post_id, created_at) VALUES "
    "($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
#define COLUMNS "n.id, n.account_id, n.kind, n.from_account_id, n.post_id, n.created_at"
#define LIST                                                                                    \
	"SELECT " COLUMNS                                                                       \
	" FROM notifications n JOIN accounts a ON a.id = n.from_account_id WHERE "              \
	"n.account_id = $1 AND ((CAST($2 AS BIGINT) >> CAST(n.kind AS INTEGER)) & 1) = 1 AND "  \
	"(CAST($3 AS BIGINT) = 0 OR n.from_account_id = $3) AND a.state = 0 AND NOT EXISTS "    \
	"(SELECT 1 FROM blocks b WHERE b.account_id = $1 AND b.target_id = n.from_account_id) " \
	"AND NOT EXISTS (SELECT 1 FROM mutes m WHERE m.account_id = $1 AND m.target_id = "      \
	"n.from_account_id AND m.notifications)"
static const char SQL_LIST[] = STORE_PAGE_DOWN(LIST, "n.id", "$4", "$5", "$6");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(LIST, "n.id", "$4", "$5", "$6");
static const char SQL_GET[] =
    "SELECT " COLUMNS " FROM notifications n WHERE n.id = $1 AND n.account_id = $2";
static const char SQL_DELETE[] = "DELETE FROM notifications WHERE id = $1 AND account_id = $2";
static const char SQL_CLEAR[] = "DELETE FROM notifications WHERE account_id = $1";
static const char SQL_WITHDRAW[] =
    "DELETE FROM notifications WHERE account_id = $1 AND kind = $2 AND from_account_id = $3 AND "
    "COALESCE(post_id, 0) = $4";
static const char SQL_COUNT_AFTER[] =
    "SELECT COUNT(*) FROM (SELECT 1 FROM notifications WHERE account_id = $1 "
    "AND id > $2 ORDER BY id LIMIT $3) AS unread";

static void take(struct db_stmt *q, struct store_notification *n)
{
	n->id = db_get_int(q);
	n->account_id = db_get_int(q);
	n->kind = (int)db_get_int(q);
	n->from_account_id = db_get_int(q);
	n->post_id = db_get_int(q);
	n->created_at = db_get_int(q);
}

bool store_notification_insert(struct db *w, const struct store_notification *n, bool *added,
			       struct err *e)
{
	int64_t rows = 0;
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, n->id);
	db_put_int(q, n->account_id);
	db_put_int(q, n->kind);
	db_put_int(q, n->from_account_id);
	db_put_ref(q, n->post_id);
	db_put_int(q, n->created_at);
	bool ok = db_end_changed(q, &rows, e);
	*added = rows > 0;
	return ok;
}

bool store_notification_list(struct db *db, int64_t account_id, unsigned kinds,
			     int64_t from_account_id, const struct store_page *page,
			     struct store_notification *out, size_t *found, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	db_put_int(q, account_id);
	db_put_int(q, kinds);
	db_put_int(q, from_account_id);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take(q, &out[(*found)++]);
	if (!db_end(q, e))
		return false;
	store_page_turn(page, out, *found, sizeof(*out));
	return true;
}

bool store_notification_get(struct db *db, int64_t account_id, int64_t id,
			    struct store_notification *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	db_put_int(q, account_id);
	bool found = db_row(q);
	if (found)
		take(q, out);
	if (!db_end(q, e))
		return false;
	return found || err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool store_notification_delete(struct db *w, int64_t account_id, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, account_id);
	return db_end(q, e);
}

bool store_notification_clear(struct db *w, int64_t account_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_CLEAR);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	return db_end(q, e);
}

bool store_notification_withdraw(struct db *w, int64_t account_id, int kind,
				 int64_t from_account_id, int64_t post_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_WITHDRAW);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	db_put_int(q, kind);
	db_put_int(q, from_account_id);
	db_put_int(q, post_id);
	return db_end(q, e);
}

bool store_notification_count_after(struct db *db, int64_t account_id, int64_t after_id, int limit,
				    int64_t *count, struct err *e)
{
	*count = 0;
	struct db_stmt *q = db_stmt(db, SQL_COUNT_AFTER);
	db_put_int(q, account_id);
	db_put_int(q, after_id);
	db_put_int(q, limit);
	if (db_row(q))
		*count = db_get_int(q);
	return db_end(q, e);
}
