/* All SQL on imports. No state; any thread, with its own handle. */
#include "store/import.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO imports (id, account_id, kind, overwrite, total, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
static const char SQL_ROW_INSERT[] =
    "INSERT INTO import_rows (import_id, position, name, list, options) VALUES ($1, $2, $3, $4, $5)";
static const char SQL_UPDATE[] =
    "UPDATE imports SET state = $2, phase = $3, position = $4, imported = $5, removed = $6, failed = $7, "
    "finished_at = $8 WHERE id = $1 AND state = 0";
static const char SQL_CANCEL[] =
    "UPDATE imports SET state = 2, finished_at = $2 WHERE id = $1 AND state = 0";
static const char SQL_ROW_FAIL[] =
    "UPDATE import_rows SET error = $3 WHERE import_id = $1 AND position = $2";
#define SELECT                                                                                       \
	"SELECT id, account_id, kind, overwrite, state, phase, position, total, imported, removed, " \
	"failed, created_at, finished_at FROM imports "
static const char SQL_GET[] =
    SELECT "WHERE id = $1 AND (account_id = $2 OR CAST($2 AS BIGINT) = 0)";
static const char SQL_NEXT[] = SELECT "WHERE state = 0 ORDER BY id LIMIT 1";
static const char SQL_LIST[] = SELECT "WHERE account_id = $1 ORDER BY id DESC LIMIT $2";
static const char SQL_RUNNING[] =
    "SELECT COUNT(*) FROM imports WHERE account_id = $1 AND state = 0";
#define ROWS \
	"SELECT position, name, list, options, error FROM import_rows WHERE import_id = $1 AND position > $2 "
static const char SQL_ROWS[] = ROWS "ORDER BY position LIMIT $3";
static const char SQL_ROWS_FAILED[] = ROWS "AND error IS NOT NULL ORDER BY position LIMIT $3";
static const char SQL_EXPIRE[] = "DELETE FROM imports WHERE finished_at < $1";

#define MISSING(list, name)                                                                      \
	" AND NOT EXISTS (SELECT 1 FROM import_rows r WHERE r.import_id = $2 AND r.list = " list \
	" AND r.name = " name ") LIMIT $3"
#define ACCT "LOWER(a.username) || CASE WHEN a.domain = '' THEN '' ELSE '@' || LOWER(a.domain) END"
#define PEOPLE(table)                      \
	"SELECT a.id, 0, NULL FROM " table \
	" x JOIN accounts a ON a.id = x.target_id WHERE x.account_id = $1" MISSING("''", ACCT)
static const char *const SQL_OTHERS[STORE_EXPORTS] = {
    [STORE_EXPORT_FOLLOWS] = PEOPLE("follows"),
    [STORE_EXPORT_BLOCKS] = PEOPLE("blocks"),
    [STORE_EXPORT_MUTES] = PEOPLE("mutes"),
    [STORE_EXPORT_DOMAINS] = "SELECT 0, 0, x.domain FROM account_domain_blocks x "
			     "WHERE x.account_id = $1" MISSING("''", "x.domain"),
    [STORE_EXPORT_BOOKMARKS] =
	"SELECT p.id, 0, NULL FROM bookmarks x JOIN posts p ON p.id = x.post_id "
	"WHERE x.account_id = $1" MISSING("''", "p.uri"),
    [STORE_EXPORT_LISTS] =
	"SELECT a.id, l.id, NULL FROM lists l JOIN list_members x ON x.list_id = l.id "
	"JOIN accounts a ON a.id = x.account_id WHERE l.account_id = $1 AND EXISTS "
	"(SELECT 1 FROM import_rows o WHERE o.import_id = $2 AND o.list = l.title)" MISSING(
	    "l.title", ACCT),
};

static void take(struct db_stmt *q, struct store_import *row)
{
	row->id = db_get_int(q);
	row->account_id = db_get_int(q);
	row->kind = (enum store_export)db_get_int(q);
	row->overwrite = db_get_bool(q);
	row->state = (enum store_import_state)db_get_int(q);
	row->phase = (enum store_import_phase)db_get_int(q);
	row->position = db_get_int(q);
	row->total = db_get_int(q);
	row->imported = db_get_int(q);
	row->removed = db_get_int(q);
	row->failed = db_get_int(q);
	row->created_at = db_get_int(q);
	row->finished_at = db_get_int(q);
}

bool store_import_insert(struct db *w, const struct store_import *row, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, row->id);
	db_put_int(q, row->account_id);
	db_put_int(q, row->kind);
	db_put_bool(q, row->overwrite);
	db_put_int(q, row->total);
	db_put_int(q, row->created_at);
	return db_end(q, e);
}

bool store_import_row_insert(struct db *w, int64_t import_id, const struct store_import_row *row,
			     struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_ROW_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, import_id);
	db_put_int(q, row->position);
	db_put_text(q, row->name);
	db_put_text(q, row->list);
	db_put_text(q, row->options);
	return db_end(q, e);
}

bool store_import_update(struct db *w, const struct store_import *row, bool *done, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UPDATE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, row->id);
	db_put_int(q, row->state);
	db_put_int(q, row->phase);
	db_put_int(q, row->position);
	db_put_int(q, row->imported);
	db_put_int(q, row->removed);
	db_put_int(q, row->failed);
	db_put_ref(q, row->finished_at);
	return store_end_changed(q, done, e);
}

bool store_import_cancel(struct db *w, int64_t id, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_CANCEL);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_import_row_fail(struct db *w, int64_t import_id, int64_t position, const char *error,
			   struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_ROW_FAIL);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, import_id);
	db_put_int(q, position);
	db_put_text(q, error);
	return db_end(q, e);
}

bool store_import_get(struct db *db, int64_t account_id, int64_t id, struct store_import *out,
		      struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	db_put_int(q, account_id);
	bool found = db_row(q);
	if (found)
		take(q, out);
	return store_end_found(q, found, e);
}

bool store_import_next(struct db *db, struct store_import *out, bool *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_NEXT);
	*found = db_row(q);
	if (*found)
		take(q, out);
	return db_end(q, e);
}

bool store_import_running(struct db *db, int64_t account_id, int64_t *count, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_RUNNING);
	db_put_int(q, account_id);
	return store_end_int(q, count, e);
}

bool store_import_list(struct db *db, int64_t account_id, struct store_import *out, size_t room,
		       size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_LIST);
	db_put_int(q, account_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		take(q, &out[(*found)++]);
	return db_end(q, e);
}

bool store_import_rows(struct db *db, struct arena *arena, int64_t import_id, int64_t after,
		       bool failed, struct store_import_row *out, size_t room, size_t *found,
		       struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, failed ? SQL_ROWS_FAILED : SQL_ROWS);
	db_put_int(q, import_id);
	db_put_int(q, after);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q)) {
		struct store_import_row *row = &out[(*found)++];
		row->position = db_get_int(q);
		row->name = db_get_text(q, arena);
		row->list = db_get_text(q, arena);
		row->options = db_get_text(q, arena);
		row->error = db_get_text(q, arena);
	}
	return db_end(q, e);
}

bool store_import_expire(struct db *w, int64_t before_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_EXPIRE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, before_ms);
	return db_end(q, e);
}

bool store_import_others(struct db *db, struct arena *arena, const struct store_import *row,
			 struct store_import_other *out, size_t room, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_OTHERS[row->kind]);
	db_put_int(q, row->account_id);
	db_put_int(q, row->id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q)) {
		struct store_import_other *other = &out[(*found)++];
		other->id = db_get_int(q);
		other->list_id = db_get_int(q);
		other->name = db_get_text(q, arena);
	}
	return db_end(q, e);
}
