/* All SQL on drawing jobs. No state; any thread, with its own handle. What must stay true: whoever changes a
 * drawing job shows its lease, so that of two workers only one can finish it. */
#include "store/job.h"

static const char SQL_INSERT[] =
    "INSERT INTO jobs (id, account_id, state, task, prompt, style, seed, count, guidance, strength, region_x, "
    "region_y, region_width, region_height, source_media_id, source_post_id, reply_to_post_id, maker, "
    "programme, prompt_visibility, turn, created_at) VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
    "$12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";
#define COLUMNS                                                                                           \
	"id, account_id, state, task, prompt, style, seed IS NOT NULL, seed, count, guidance, strength, " \
	"region_x, region_y, region_width, region_height, source_media_id, source_post_id, "              \
	"reply_to_post_id, maker, model, programme, prompt_visibility, turn, attempts, lease, "           \
	"lease_until, worker, error_code, error_message, hidden, created_at, started_at, finished_at"
static const char SQL_GET[] = "SELECT " COLUMNS " FROM jobs WHERE id = $1";
#define OF_ACCOUNT "SELECT " COLUMNS " FROM jobs WHERE account_id = $1 AND NOT hidden"
static const char SQL_OF_ACCOUNT[] = STORE_PAGE_DOWN(OF_ACCOUNT, "id", "$2", "$3", "$4");
static const char SQL_OF_ACCOUNT_UP[] = STORE_PAGE_UP(OF_ACCOUNT, "id", "$2", "$3", "$4");
static const char SQL_QUEUE[] =
    "SELECT " COLUMNS " FROM jobs WHERE state < 2 ORDER BY state DESC, turn, id LIMIT $1";
static const char SQL_POSITION[] =
    "SELECT COUNT(*) FROM jobs WHERE maker = $1 AND state = 0 AND (turn < $2 OR (turn = $2 AND id < $3))";
static const char SQL_COUNT[] = "SELECT COUNT(*) FROM jobs WHERE state = 0";
static const char SQL_COUNT_DRAWING[] = "SELECT COUNT(*) FROM jobs WHERE state = 1";
static const char SQL_COUNT_ACTIVE[] =
    "SELECT COUNT(*) FROM jobs WHERE account_id = $1 AND state < 2";
/* SQLite has one writer, so nobody else can take the row; PostgreSQL steps over rows being taken. */
#define CLAIM(skip)                                                                                       \
	"UPDATE jobs SET state = 1, attempts = attempts + 1, worker = $2, lease = $3, lease_until = $4, " \
	"started_at = COALESCE(started_at, $5) WHERE id = (SELECT id FROM jobs WHERE maker = $1 AND "     \
	"state = 0 ORDER BY turn, id LIMIT 1 " skip ") RETURNING id"
static const char SQL_CLAIM_SQLITE[] = CLAIM("");
static const char SQL_CLAIM_POSTGRES[] = CLAIM("FOR UPDATE SKIP LOCKED");
static const char SQL_RENEW[] =
    "UPDATE jobs SET lease_until = $3 WHERE id = $1 AND lease = $2 AND state = 1";
static const char SQL_FINISH[] =
    "UPDATE jobs SET state = 2, model = $3, seed = $4, finished_at = $5 "
    "WHERE id = $1 AND lease = $2 AND state = 1";
static const char SQL_FAIL[] = "UPDATE jobs SET state = 3, error_code = $3, error_message = $4, "
			       "finished_at = $5 WHERE id = $1 AND lease = $2 AND state = 1";
static const char SQL_RELEASE[] =
    "UPDATE jobs SET state = 0, attempts = attempts - 1, worker = NULL "
    "WHERE id = $1 AND lease = $2 AND state = 1";
static const char SQL_CANCEL[] =
    "UPDATE jobs SET state = 4, finished_at = $2 WHERE id = $1 AND state < 2";
static const char SQL_HIDE[] = "UPDATE jobs SET hidden = TRUE WHERE id = $1";
#define LOST "state = 1 AND ((CAST($1 AS TEXT) IS NULL AND lease_until < $2) OR worker = $1)"
static const char SQL_RECOVER_FAIL[] =
    "UPDATE jobs SET state = 3, finished_at = $2, error_code = 'lost', error_message = 'The server stopped "
    "several times while drawing this. Please try again.' WHERE attempts >= $3 AND " LOST;
static const char SQL_RECOVER[] =
    "UPDATE jobs SET state = 0, worker = NULL WHERE attempts < $3 AND " LOST;
static const char SQL_TURN_GET[] = "SELECT turn FROM job_turns WHERE account_id = $1";
static const char SQL_TURN_SET[] = "INSERT INTO job_turns (account_id, turn) VALUES ($1, $2) "
				   "ON CONFLICT (account_id) DO UPDATE SET turn = excluded.turn";

static void take(struct db_stmt *q, struct arena *arena, struct store_job *job)
{
	job->id = db_get_int(q);
	job->account_id = db_get_int(q);
	job->state = (enum store_job_state)db_get_int(q);
	job->task = (enum store_job_task)db_get_int(q);
	job->prompt = db_get_text(q, arena);
	job->style = db_get_text(q, arena);
	job->has_seed = db_get_bool(q);
	job->seed = db_get_int(q);
	job->count = (int)db_get_int(q);
	job->guidance = db_get_double(q);
	job->strength = db_get_double(q);
	job->region_x = db_get_double(q);
	job->region_y = db_get_double(q);
	job->region_width = db_get_double(q);
	job->region_height = db_get_double(q);
	job->source_media_id = db_get_int(q);
	job->source_post_id = db_get_int(q);
	job->reply_to_post_id = db_get_int(q);
	job->maker = db_get_text(q, arena);
	job->model = db_get_text(q, arena);
	job->programme = db_get_text(q, arena);
	job->prompt_visibility = (enum store_prompt_visibility)db_get_int(q);
	job->turn = db_get_double(q);
	job->attempts = (int)db_get_int(q);
	job->lease = db_get_int(q);
	job->lease_until = db_get_int(q);
	job->worker = db_get_text(q, arena);
	job->error_code = db_get_text(q, arena);
	job->error_message = db_get_text(q, arena);
	job->hidden = db_get_bool(q);
	job->created_at = db_get_int(q);
	job->started_at = db_get_int(q);
	job->finished_at = db_get_int(q);
}

bool store_job_insert(struct db *w, const struct store_job *job, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, job->id);
	db_put_int(q, job->account_id);
	db_put_int(q, job->task);
	db_put_text(q, job->prompt);
	db_put_text(q, job->style);
	if (job->has_seed)
		db_put_int(q, job->seed);
	else
		db_put_null(q);
	db_put_int(q, job->count);
	db_put_double(q, job->guidance);
	db_put_double(q, job->strength);
	db_put_double(q, job->region_x);
	db_put_double(q, job->region_y);
	db_put_double(q, job->region_width);
	db_put_double(q, job->region_height);
	db_put_ref(q, job->source_media_id);
	db_put_ref(q, job->source_post_id);
	db_put_ref(q, job->reply_to_post_id);
	db_put_text(q, job->maker);
	db_put_text(q, job->programme);
	db_put_int(q, job->prompt_visibility);
	db_put_double(q, job->turn);
	db_put_int(q, job->created_at);
	return db_end(q, e);
}

bool store_job_get(struct db *db, struct arena *arena, int64_t id, struct store_job *out,
		   struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	if (!db_end(q, e))
		return false;
	return found || err_set(e, ERR_NOT_FOUND, "Record not found");
}

static bool read_rows(struct db_stmt *q, struct arena *arena, size_t room, struct store_jobs *out,
		      struct err *e)
{
	*out = (struct store_jobs){.items = ARENA_ARRAY(arena, struct store_job, room)};
	while (out->items && out->count < room && db_row(q))
		take(q, arena, &out->items[out->count++]);
	if (!db_end(q, e))
		return false;
	out->more = out->count == room;
	return out->items ||
	       err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
}

bool store_job_of_account(struct db *db, struct arena *arena, int64_t account_id,
			  const struct store_page *page, struct store_jobs *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_OF_ACCOUNT_UP : SQL_OF_ACCOUNT);
	db_put_int(q, account_id);
	store_page_put(q, page);
	if (!read_rows(q, arena, (size_t)store_page_limit(page), out, e))
		return false;
	store_page_turn(page, out->items, out->count, sizeof(*out->items));
	return true;
}

bool store_job_queue(struct db *db, struct arena *arena, int limit, struct store_jobs *out,
		     struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_QUEUE);
	db_put_int(q, limit);
	return read_rows(q, arena, (size_t)limit, out, e);
}

static bool read_count(struct db_stmt *q, int64_t *count, struct err *e)
{
	*count = 0;
	if (db_row(q))
		*count = db_get_int(q);
	return db_end(q, e);
}

bool store_job_position(struct db *db, const struct store_job *job, int64_t *before, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_POSITION);
	db_put_text(q, job->maker);
	db_put_double(q, job->turn);
	db_put_int(q, job->id);
	return read_count(q, before, e);
}

bool store_job_count(struct db *db, int64_t *queued, int64_t *drawing, struct err *e)
{
	return read_count(db_stmt(db, SQL_COUNT), queued, e) &&
	       read_count(db_stmt(db, SQL_COUNT_DRAWING), drawing, e);
}

bool store_job_count_active(struct db *db, int64_t account_id, int64_t *count, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_COUNT_ACTIVE);
	db_put_int(q, account_id);
	return read_count(q, count, e);
}

bool store_job_claim(struct db *w, struct arena *arena, const char *maker, const char *worker,
		     int64_t lease, int64_t lease_until, int64_t now_ms, struct store_job *out,
		     bool *claimed, struct err *e)
{
	int64_t id = 0;
	struct db_stmt *q = db_stmt(w, DB_SQL(w, SQL_CLAIM_SQLITE, SQL_CLAIM_POSTGRES));
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_text(q, maker);
	db_put_text(q, worker);
	db_put_int(q, lease);
	db_put_int(q, lease_until);
	db_put_int(q, now_ms);
	if (db_row(q))
		id = db_get_int(q);
	if (!db_end(q, e))
		return false;
	*claimed = id != 0;
	return id == 0 || store_job_get(w, arena, id, out, e);
}

static bool read_changed(struct db_stmt *q, bool *changed, struct err *e)
{
	int64_t rows = 0;
	bool ok = db_end_changed(q, &rows, e);
	*changed = rows > 0;
	return ok;
}

bool store_job_renew(struct db *w, int64_t id, int64_t lease, int64_t lease_until, bool *changed,
		     struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_RENEW);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, lease);
	db_put_int(q, lease_until);
	return read_changed(q, changed, e);
}

bool store_job_finish(struct db *w, int64_t id, int64_t lease, const char *model, int64_t seed,
		      int64_t now_ms, bool *changed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_FINISH);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, lease);
	db_put_text(q, model);
	db_put_int(q, seed);
	db_put_int(q, now_ms);
	return read_changed(q, changed, e);
}

bool store_job_fail(struct db *w, int64_t id, int64_t lease, const char *code, const char *message,
		    int64_t now_ms, bool *changed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_FAIL);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, lease);
	db_put_text(q, code);
	db_put_text(q, message);
	db_put_int(q, now_ms);
	return read_changed(q, changed, e);
}

bool store_job_release(struct db *w, int64_t id, int64_t lease, bool *changed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_RELEASE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, lease);
	return read_changed(q, changed, e);
}

bool store_job_cancel(struct db *w, int64_t id, int64_t now_ms, bool *changed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_CANCEL);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, now_ms);
	return read_changed(q, changed, e);
}

bool store_job_hide(struct db *w, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_HIDE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_job_recover(struct db *w, const char *worker, int attempts_max, int64_t now_ms,
		       int64_t *recovered, struct err *e)
{
	static const char *const sql[] = {SQL_RECOVER_FAIL, SQL_RECOVER};
	*recovered = 0;
	for (int i = 0; i < 2; i++) {
		int64_t changed = 0;
		struct db_stmt *q = db_stmt(w, sql[i]);
		db_put_text(q, worker);
		db_put_int(q, now_ms);
		db_put_int(q, attempts_max);
		if (!db_end_changed(q, &changed, e))
			return false;
		*recovered += changed;
	}
	return true;
}

bool store_job_turn_get(struct db *db, int64_t account_id, double *turn, struct err *e)
{
	*turn = 0;
	struct db_stmt *q = db_stmt(db, SQL_TURN_GET);
	db_put_int(q, account_id);
	if (db_row(q))
		*turn = db_get_double(q);
	return db_end(q, e);
}

bool store_job_turn_set(struct db *w, int64_t account_id, double turn, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_TURN_SET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	db_put_double(q, turn);
	return db_end(q, e);
}
