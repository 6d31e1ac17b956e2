/* All SQL on uploads that wait. No state; any thread, with its own handle. What must stay true: the object of a row is
 * counted in the transaction of the row, so that what was sent stays exactly as long as it is needed. */
#include "store/upload.h"

#include "store/end.h"
#include "store/media.h"

static const char SQL_INSERT[] =
    "INSERT INTO uploads (media_id, account_id, hash, due_at) VALUES ($1, $2, $3, $4)";
static const char SQL_DELETE[] = "DELETE FROM uploads WHERE media_id = $1 RETURNING hash";
static const char SQL_COUNTS[] =
    "SELECT (SELECT COUNT(*) FROM uploads WHERE account_id = $1), (SELECT COUNT(*) FROM uploads)";
static const char SQL_DUE[] = "SELECT 1 FROM uploads WHERE due_at <= $1 LIMIT 1";
#define CLAIM(locking)                                                                         \
	"UPDATE uploads SET attempts = attempts + 1, worker = $3, due_at = $2 WHERE media_id " \
	"= (SELECT media_id FROM uploads WHERE due_at <= $1 ORDER BY due_at, media_id LIMIT "  \
	"1" locking ") RETURNING media_id, account_id, hash, attempts"
static const char SQL_CLAIM_SQLITE[] = CLAIM("");
static const char SQL_CLAIM_POSTGRES[] = CLAIM(" FOR UPDATE SKIP LOCKED");
static const char SQL_POSTPONE[] =
    "UPDATE uploads SET worker = NULL, due_at = $2 WHERE media_id = $1";
static const char SQL_TAKE_BACK[] =
    "UPDATE uploads SET worker = NULL, due_at = $2 WHERE worker = $1";

bool store_upload_insert(struct db *w, const struct store_upload *upload, int64_t now_ms,
			 struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, upload->media_id);
	db_put_int(q, upload->account_id);
	db_put_text(q, upload->hash);
	db_put_int(q, now_ms);
	return db_end(q, e) && store_object_hold(w, upload->hash, e);
}

bool store_upload_delete(struct db *w, struct arena *arena, int64_t media_id, int64_t now_ms,
			 struct err *e)
{
	const char *hash = NULL;
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, media_id);
	if (db_row(q))
		hash = db_get_text(q, arena);
	return db_end(q, e) && store_object_drop(w, hash, now_ms, e);
}

bool store_upload_counts(struct db *db, int64_t account_id, int64_t *own, int64_t *all,
			 struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_COUNTS);
	db_put_int(q, account_id);
	if (db_row(q)) {
		*own = db_get_int(q);
		*all = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_upload_due(struct db *db, int64_t now_ms, bool *due, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_DUE);
	db_put_int(q, now_ms);
	*due = db_row(q);
	return db_end(q, e);
}

bool store_upload_claim(struct db *w, struct arena *arena, const char *worker, int64_t now_ms,
			int64_t lease_until, struct store_upload *out, bool *claimed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, DB_SQL(w, SQL_CLAIM_SQLITE, SQL_CLAIM_POSTGRES));
	*out = (struct store_upload){0};
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, now_ms);
	db_put_int(q, lease_until);
	db_put_text(q, worker);
	*claimed = db_row(q);
	if (*claimed) {
		out->media_id = db_get_int(q);
		out->account_id = db_get_int(q);
		out->hash = db_get_text(q, arena);
		out->attempts = (int)db_get_int(q);
	}
	return db_end(q, e);
}

bool store_upload_postpone(struct db *w, int64_t media_id, int64_t due_at, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_POSTPONE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, media_id);
	db_put_int(q, due_at);
	return db_end(q, e);
}

bool store_upload_take_back(struct db *w, const char *worker, int64_t now_ms, int64_t *count,
			    struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_TAKE_BACK);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_text(q, worker);
	db_put_int(q, now_ms);
	return db_end_changed(q, count, e);
}
