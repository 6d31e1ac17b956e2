/* All SQL on revocations. No state; any thread, with its own handle. */
#include "store/revocation.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO revocations (id, kind, target_id, message, tokens, members, jobs, account_id, created_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
#define SELECT                                                                                 \
	"SELECT id, kind, target_id, message, tokens, members, jobs, account_id, created_at, " \
	"undone_at FROM revocations WHERE "
static const char SQL_GET[] = SELECT "id = $1";
static const char SQL_LIST[] = STORE_PAGE_DOWN(SELECT "1 = 1", "id", "$1", "$2", "$3");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(SELECT "1 = 1", "id", "$1", "$2", "$3");
static const char SQL_HOLDS[] =
    "SELECT id FROM revocations WHERE kind = $1 AND target_id = $2 AND undone_at IS NULL LIMIT 1";
static const char SQL_UNDO[] =
    "UPDATE revocations SET undone_at = $2 WHERE id = $1 AND undone_at IS NULL";

#define MARK "UPDATE tokens SET revocation_id = $1 WHERE revocation_id IS NULL AND "
#define IN_COHORT                                                                                    \
	"programme_id = (SELECT programme_id FROM cohorts WHERE id = $2) AND account_id IN (SELECT " \
	"account_id FROM members WHERE cohort_id = $2)"
static const char SQL_MARK_TOKEN[] = MARK "id = $2";
static const char SQL_MARK_ACCOUNT[] = MARK "account_id = $2";
static const char SQL_MARK_COHORT[] = MARK IN_COHORT;
static const char SQL_MARK_PROGRAMME[] = MARK "programme_id = $2";
static const char SQL_MARK_COHORT_ROW[] =
    "UPDATE cohorts SET revocation_id = $1 WHERE revocation_id IS NULL AND id = $2";
static const char SQL_MARK_PROGRAMME_ROW[] =
    "UPDATE programmes SET revocation_id = $1 WHERE revocation_id IS NULL AND id = $2";
static const char SQL_UNMARK_TOKENS[] =
    "UPDATE tokens SET revocation_id = NULL WHERE revocation_id = $1";
static const char SQL_UNMARK_COHORTS[] =
    "UPDATE cohorts SET revocation_id = NULL WHERE revocation_id = $1";
static const char SQL_UNMARK_PROGRAMMES[] =
    "UPDATE programmes SET revocation_id = NULL WHERE revocation_id = $1";
static const char SQL_OPEN[] =
    SELECT "jobs < 0 OR (id > $1 AND undone_at IS NULL) ORDER BY id LIMIT $2";
static const char SQL_ENDED[] = "UPDATE revocations SET jobs = $2 WHERE id = $1";

static const char SQL_ACCOUNTS_TOKEN[] = "SELECT account_id FROM tokens WHERE id = $1 LIMIT $2";
static const char SQL_ACCOUNTS_ACCOUNT[] = "SELECT id FROM accounts WHERE id = $1 LIMIT $2";
static const char SQL_ACCOUNTS_COHORT[] =
    "SELECT account_id FROM members WHERE cohort_id = $1 AND state = 2 ORDER BY id LIMIT $2";
static const char SQL_ACCOUNTS_PROGRAMME[] =
    "SELECT account_id FROM members WHERE programme_id = $1 AND state = 2 ORDER BY id LIMIT $2";

#define JOBS "SELECT id FROM jobs WHERE state < 2 AND "
static const char SQL_JOBS_TOKEN[] = JOBS "token_id = $1 ORDER BY state DESC, id DESC LIMIT $2";
static const char SQL_JOBS_ACCOUNT[] = JOBS "account_id = $1 ORDER BY state DESC, id DESC LIMIT $2";
static const char SQL_JOBS_COHORT[] = JOBS
    "programme_id = (SELECT programme_id FROM cohorts WHERE id = $1) AND account_id IN (SELECT "
    "account_id FROM members WHERE cohort_id = $1) ORDER BY state DESC, id DESC LIMIT $2";
static const char SQL_JOBS_PROGRAMME[] =
    JOBS "programme_id = $1 ORDER BY state DESC, id DESC LIMIT $2";

static void take(struct db_stmt *q, struct arena *arena, struct store_revocation *r)
{
	r->id = db_get_int(q);
	r->kind = (enum store_revocation_kind)db_get_int(q);
	r->target_id = db_get_int(q);
	r->message = db_get_text(q, arena);
	r->tokens = db_get_int(q);
	r->members = db_get_int(q);
	r->jobs = db_get_int(q);
	r->account_id = db_get_int(q);
	r->created_at = db_get_int(q);
	r->undone_at = db_get_int(q);
}

bool store_revocation_insert(struct db *w, const struct store_revocation *r, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, r->id);
	db_put_int(q, r->kind);
	db_put_int(q, r->target_id);
	db_put_text(q, r->message);
	db_put_int(q, r->tokens);
	db_put_int(q, r->members);
	db_put_int(q, r->jobs);
	db_put_ref(q, r->account_id);
	db_put_int(q, r->created_at);
	return db_end(q, e);
}

bool store_revocation_get(struct db *db, struct arena *arena, int64_t id,
			  struct store_revocation *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_revocation_list(struct db *db, struct arena *arena, const struct store_page *page,
			   struct store_revocation *out, size_t *found, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	*found = 0;
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_revocation_unfinished(struct db *db, struct arena *arena, int64_t after_id,
				 struct store_revocation *out, size_t room, size_t *found,
				 struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_OPEN);
	*found = 0;
	db_put_int(q, after_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return db_end(q, e);
}

bool store_revocation_finish(struct db *w, int64_t id, int64_t jobs, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_ENDED);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, jobs);
	return db_end(q, e);
}

bool store_revocation_holds(struct db *db, enum store_revocation_kind kind, int64_t target_id,
			    int64_t *id, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_HOLDS);
	db_put_int(q, kind);
	db_put_int(q, target_id);
	*id = db_row(q) ? db_get_int(q) : 0;
	return db_end(q, e);
}

bool store_revocation_undo(struct db *w, int64_t id, int64_t now_ms, bool *changed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UNDO);
	db_put_int(q, id);
	db_put_int(q, now_ms);
	return store_end_changed(q, changed, e);
}

static bool mark(struct db *w, const char *sql, const struct store_revocation *r, int64_t *rows,
		 struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, r->id);
	db_put_int(q, r->target_id);
	return db_end_changed(q, rows, e);
}

bool store_revocation_mark(struct db *w, const struct store_revocation *r, int64_t *tokens,
			   struct err *e)
{
	static const char *const sql[] = {SQL_MARK_TOKEN, SQL_MARK_ACCOUNT, SQL_MARK_COHORT,
					  SQL_MARK_PROGRAMME};
	int64_t rows;
	*tokens = 0;
	if (!mark(w, sql[r->kind], r, tokens, e))
		return false;
	if (r->kind == STORE_REVOKE_COHORT)
		return mark(w, SQL_MARK_COHORT_ROW, r, &rows, e);
	return r->kind != STORE_REVOKE_PROGRAMME || mark(w, SQL_MARK_PROGRAMME_ROW, r, &rows, e);
}

bool store_revocation_unmark(struct db *w, int64_t id, struct err *e)
{
	static const char *const sql[] = {SQL_UNMARK_TOKENS, SQL_UNMARK_COHORTS,
					  SQL_UNMARK_PROGRAMMES};
	for (int i = 0; i < 3; i++) {
		struct db_stmt *q = db_stmt(w, sql[i]);
		db_put_int(q, id);
		if (!db_end(q, e))
			return false;
	}
	return true;
}

static bool read_ids(struct db *db, const char *sql, int64_t target_id, int64_t *ids, size_t room,
		     size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, sql);
	db_put_int(q, target_id);
	db_put_int(q, (int64_t)room);
	return db_end_ids(q, ids, room, found, e);
}

bool store_revocation_accounts(struct db *db, const struct store_revocation *r, int64_t *ids,
			       size_t room, size_t *found, struct err *e)
{
	static const char *const sql[] = {SQL_ACCOUNTS_TOKEN, SQL_ACCOUNTS_ACCOUNT,
					  SQL_ACCOUNTS_COHORT, SQL_ACCOUNTS_PROGRAMME};
	return read_ids(db, sql[r->kind], r->target_id, ids, room, found, e);
}

bool store_revocation_jobs(struct db *db, const struct store_revocation *r, int64_t *ids,
			   size_t room, size_t *found, struct err *e)
{
	static const char *const sql[] = {SQL_JOBS_TOKEN, SQL_JOBS_ACCOUNT, SQL_JOBS_COHORT,
					  SQL_JOBS_PROGRAMME};
	return read_ids(db, sql[r->kind], r->target_id, ids, room, found, e);
}
