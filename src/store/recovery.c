/* All SQL on recovery codes. No state; any thread, with its own handle. */
#include "store/recovery.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO recovery_codes (account_id, code_hash, created_at) VALUES ($1, $2, $3)";
static const char SQL_CLEAR[] = "DELETE FROM recovery_codes WHERE account_id = $1";
static const char SQL_USE[] = "DELETE FROM recovery_codes WHERE account_id = $1 AND code_hash = $2";
static const char SQL_COUNT[] = "SELECT COUNT(*) FROM recovery_codes WHERE account_id = $1";

bool store_recovery_insert(struct db *w, int64_t account_id, const char *code_hash, int64_t now_ms,
			   struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, account_id);
	db_put_text(q, code_hash);
	db_put_int(q, now_ms);
	db_touch(q, DB_NOUN_NONE, 0);
	return db_end(q, e);
}

bool store_recovery_clear(struct db *w, int64_t account_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_CLEAR);
	db_put_int(q, account_id);
	db_touch(q, DB_NOUN_NONE, 0);
	return db_end(q, e);
}

bool store_recovery_use(struct db *w, int64_t account_id, const char *code_hash, bool *used,
			struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_USE);
	db_put_int(q, account_id);
	db_put_text(q, code_hash);
	db_touch(q, DB_NOUN_NONE, 0);
	return store_end_changed(q, used, e);
}

bool store_recovery_count(struct db *db, int64_t account_id, int64_t *count, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_COUNT);
	db_put_int(q, account_id);
	return store_end_int(q, count, e);
}
