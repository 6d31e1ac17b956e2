/* All SQL on drawing jobs. No state; any thread, with its own handle. What must stay true: whoever changes a
 * drawing job shows its lease, so that of two workers only one can finish it. */
#include "store/job.h"

#include "store/end.h"

#include <string.h>

static const char SQL_INSERT[] =
    "INSERT INTO jobs (id, account_id, state, task, prompt, style, seed, count, guidance, strength, region_x, "
    "region_y, region_width, region_height, source_media_id, source_post_id, reply_to_post_id, maker, "
    "programme, prompt_visibility, turn, created_at, token_id, programme_id, weight, running_max, same, leader_id, "
    "promise_low_ms, promise_high_ms, promise_mean_ms, promise_kind, behind, promise_least_ms, promise_most_ms, further, masked) "
    "VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
    "$12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36)";
#define COLUMNS                                                                                           \
	"id, account_id, state, task, prompt, style, seed IS NOT NULL, seed, count, guidance, strength, " \
	"region_x, region_y, region_width, region_height, source_media_id, source_post_id, "              \
	"reply_to_post_id, maker, model, programme, prompt_visibility, turn, attempts, lease, "           \
	"lease_until, worker, error_code, error_message, hidden, created_at, started_at, finished_at, "   \
	"token_id, programme_id, weight, running_max, paused, same, leader_id, promise_low_ms, "          \
	"promise_high_ms, promise_mean_ms, promise_kind, behind, promise_least_ms, promise_most_ms, further, masked"
static const char SQL_SOURCE_INSERT[] =
    "INSERT INTO job_sources (job_id, position, media_id) VALUES ($1, $2, $3)";
static const char SQL_SOURCES[] =
    "SELECT position, media_id FROM job_sources WHERE job_id = $1 ORDER BY position";
static const char SQL_GET[] = "SELECT " COLUMNS " FROM jobs WHERE id = $1";
#define OF_ACCOUNT "SELECT " COLUMNS " FROM jobs WHERE account_id = $1 AND NOT hidden"
static const char SQL_OF_ACCOUNT[] = STORE_PAGE_DOWN(OF_ACCOUNT, "id", "$2", "$3", "$4");
static const char SQL_OF_ACCOUNT_UP[] = STORE_PAGE_UP(OF_ACCOUNT, "id", "$2", "$3", "$4");
static const char SQL_QUEUE[] =
    "SELECT " COLUMNS " FROM jobs WHERE state < 2 ORDER BY state DESC, paused, turn, id LIMIT $1";
static const char SQL_QUEUE_AFTER[] =
    "SELECT " COLUMNS " FROM jobs WHERE state < 2 AND (state < $2 OR (state = $2 AND "
    "(paused, turn, id) > ($3, $4, $5))) ORDER BY state DESC, paused, turn, id LIMIT $1";
/* What can be claimed; the index jobs_queue holds exactly these. */
#define WAITS "state = 0 AND NOT paused AND leader_id IS NULL"
/* Both with the index alone: of the kinds only the first AHEAD_MAX are looked at. */
#define BEFORE "FROM jobs WHERE maker = $1 AND " WAITS " AND (turn, id) < ($2, $3)"
static const char SQL_AHEAD[] =
    "SELECT task, count, COUNT(*), SUM(CASE WHEN account_id = $4 THEN 1 ELSE 0 END) FROM "
    "(SELECT task, count, account_id " BEFORE
    " ORDER BY turn, id LIMIT $5) AS a GROUP BY task, count";
static const char SQL_AHEAD_COUNT[] = "SELECT COUNT(*) " BEFORE;
static const char SQL_WAITS[] = "SELECT 1 FROM jobs WHERE maker = $1 AND " WAITS " LIMIT 1";
static const char SQL_AHEAD_DRAWING[] =
    "SELECT task, count, COUNT(*) FROM jobs WHERE maker = $1 AND state = 1 GROUP BY task, count";
#define MARK \
	"SELECT maker, task, count, behind, created_at, promise_most_ms, promise_kind FROM jobs WHERE "
static const char SQL_NEWEST[] = MARK "id > $1 AND leader_id IS NULL ORDER BY id DESC LIMIT $2";
static const char SQL_OVERDUE[] =
    MARK WAITS " AND promise_mean_ms > 0 AND created_at + promise_high_ms < $1 LIMIT $2";
static const char SQL_RUNNING[] = "SELECT COUNT(*) FROM jobs WHERE account_id = $1 AND state = 1";
static const char SQL_LOCK_SQLITE[] = "SELECT $1"; /* one writer: nobody else can */
static const char SQL_LOCK_POSTGRES[] = "SELECT pg_advisory_xact_lock($1)";
/* The first condition is for SQLite, which would not find the index by the second. */
static const char SQL_COUNT[] = "SELECT COUNT(*) FROM jobs WHERE state < 2 AND state = 0";
static const char SQL_COUNT_DRAWING[] = "SELECT COUNT(*) FROM jobs WHERE state = 1";
static const char SQL_OPEN_IDS[] =
    "SELECT id FROM jobs WHERE account_id = $1 AND state < 2 ORDER BY id DESC LIMIT $2";
static const char SQL_FORGET[] = "UPDATE jobs SET prompt = '' WHERE account_id = $1";
static const char SQL_COUNT_ACTIVE[] =
    "SELECT COUNT(*) FROM jobs WHERE account_id = $1 AND state < 2";
/* SQLite has one writer, so nobody else can take the row; PostgreSQL steps over rows being taken. */
#define CLAIM(skip)                                                                                              \
	"UPDATE jobs SET state = 1, attempts = attempts + 1, worker = $2, lease = $3, lease_until = $4, "        \
	"started_at = COALESCE(started_at, $5) WHERE id = (SELECT id FROM jobs AS j WHERE maker = $1 AND " WAITS \
	" AND (SELECT COUNT(*) FROM jobs AS r WHERE r.account_id = j.account_id AND r.state = 1) "               \
	"< running_max ORDER BY turn, id LIMIT 1 " skip ") RETURNING id"
static const char SQL_CLAIM_SQLITE[] = CLAIM("");
static const char SQL_CLAIM_POSTGRES[] = CLAIM("FOR UPDATE OF j SKIP LOCKED");
/* A renewed lease never ends when it did before: who watches it (store_job_silent) tells by that. */
static const char SQL_RENEW[] =
    "UPDATE jobs SET lease_until = CASE WHEN $3 > lease_until THEN $3 ELSE lease_until + 1 END "
    "WHERE id = $1 AND lease = $2 AND state = 1";
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
#define OPEN_OF "SELECT " COLUMNS " FROM jobs WHERE state < 2 AND id IN " DB_IDS " ORDER BY id"
static const char SQL_OPEN_OF_SQLITE[] = OPEN_OF;
static const char SQL_OPEN_OF_POSTGRES[] = OPEN_OF " FOR UPDATE";
static const char SQL_CANCEL_OF[] =
    "UPDATE jobs SET state = 4, finished_at = $41 WHERE state < 2 AND id IN " DB_IDS;
static const char SQL_FOLLOWED_OF[] =
    "SELECT DISTINCT leader_id FROM jobs WHERE leader_id IS NOT NULL AND state < 2 AND leader_id IN " DB_IDS;
static const char SQL_HIDE[] = "UPDATE jobs SET hidden = TRUE WHERE id = $1";
static const char SQL_LEASES[] =
    "SELECT id, lease, lease_until FROM jobs WHERE state = 1 AND (CAST($1 AS TEXT) IS NULL OR worker = $1) LIMIT $2";
#define SILENT            \
	"SELECT " COLUMNS \
	" FROM jobs WHERE id = $1 AND lease = $2 AND lease_until = $3 AND state = 1"
static const char SQL_SILENT_SQLITE[] = SILENT;
static const char SQL_SILENT_POSTGRES[] = SILENT " FOR UPDATE";
static const char SQL_GIVE_BACK[] =
    "UPDATE jobs SET state = 0, worker = NULL WHERE id = $1 AND lease = $2 AND state = 1";
static const char SQL_TURN_GET[] =
    "SELECT turn FROM job_turns WHERE maker = $1 AND account_id = $2";
static const char SQL_TURN_SET[] =
    "INSERT INTO job_turns (maker, account_id, turn) VALUES ($1, $2, $3) "
    "ON CONFLICT (maker, account_id) DO UPDATE SET turn = excluded.turn";
#define LANE                                                                                        \
	"SELECT id, turn, count / weight FROM jobs WHERE account_id = $2 AND maker = $1 AND " WAITS \
	" AND turn > $4 ORDER BY turn, id LIMIT $3"
static const char SQL_LANE_SQLITE[] = LANE;
static const char SQL_LANE_POSTGRES[] = LANE " FOR UPDATE SKIP LOCKED";
static const char SQL_PLACE_SET[] =
    "UPDATE jobs SET turn = $2, promise_mean_ms = 0 WHERE id = $1 AND state = 0";
static const char SQL_PAUSE[] =
    "UPDATE jobs SET paused = $2, turn = $3, promise_mean_ms = 0, same = NULL, leader_id = NULL "
    "WHERE id = $1 AND state = 0 AND paused <> $2";
static const char SQL_MOVE[] =
    "UPDATE jobs SET maker = $2, turn = $3, promise_mean_ms = 0, same = NULL, leader_id = NULL "
    "WHERE id = $1 AND state = 0 AND maker <> $2";
static const char SQL_FIRST_TURN[] =
    "SELECT turn FROM jobs WHERE maker = $1 AND " WAITS " ORDER BY turn, id LIMIT 1";
static const char SQL_SAME[] = "SELECT id FROM jobs WHERE same = $1 AND leader_id IS NULL AND "
			       "state < 2 AND NOT paused ORDER BY id LIMIT 1";
static const char SQL_COUNT_JOINED[] =
    "SELECT COUNT(*) FROM jobs WHERE leader_id IS NOT NULL AND state = 2";
static const char SQL_FOLLOWERS[] =
    "SELECT " COLUMNS " FROM jobs WHERE leader_id = $1 AND state < 2 ORDER BY id LIMIT $2";
static const char SQL_PROMOTE[] =
    "UPDATE jobs SET leader_id = NULL, turn = $2, promise_mean_ms = 0 "
    "WHERE id = $1 AND state < 2";
static const char SQL_FOLLOW_OTHER[] =
    "UPDATE jobs SET leader_id = $2 WHERE leader_id = $1 AND state < 2 AND id <> $2";
static const char SQL_FOLLOWER_FINISH[] =
    "UPDATE jobs SET state = 2, model = $2, seed = $3, started_at = COALESCE(started_at, $4), "
    "finished_at = $4 WHERE id = $1 AND state < 2";
static const char SQL_DUE[] =
    "SELECT COUNT(DISTINCT j.account_id), MIN(j.created_at) FROM jobs AS j JOIN job_turns AS c ON "
    "c.maker = j.maker AND c.account_id = 0 WHERE j.state = 0 AND NOT j.paused AND j.leader_id IS NULL "
    "AND j.turn <= c.turn";
static const char SQL_SHARES[] =
    "SELECT COALESCE(SUM(pictures), 0), COALESCE(SUM(weight), 0) FROM (SELECT SUM(count) AS pictures, "
    "MAX(weight) AS weight FROM jobs WHERE state < 2 AND NOT paused AND leader_id IS NULL "
    "GROUP BY account_id) AS a";
static const char SQL_PICTURES[] = "SELECT COALESCE(SUM(count), 0) FROM jobs WHERE account_id = $1 "
				   "AND state < 2 AND leader_id IS NULL";
static const char SQL_COUNT_OF[] =
    "SELECT COALESCE(SUM(CASE WHEN state = 0 THEN 1 ELSE 0 END), 0), "
    "COALESCE(SUM(CASE WHEN state = 1 THEN 1 ELSE 0 END), 0) FROM jobs "
    "WHERE maker = $1 AND state < 2";

enum { AHEAD_MAX = 500, LANE_MAX = 20000, FOLLOWERS_MAX = 200, LEASES_MAX = 4096 };

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
	job->token_id = db_get_int(q);
	job->programme_id = db_get_int(q);
	job->weight = db_get_double(q);
	job->running_max = (int)db_get_int(q);
	job->paused = db_get_bool(q);
	job->same = db_get_text(q, arena);
	job->leader_id = db_get_int(q);
	job->promise_low_ms = db_get_int(q);
	job->promise_high_ms = db_get_int(q);
	job->promise_mean_ms = db_get_int(q);
	job->promise_kind = (int)db_get_int(q);
	job->behind = db_get_double(q);
	job->promise_least_ms = db_get_int(q);
	job->promise_most_ms = db_get_int(q);
	job->further = (int)db_get_int(q);
	job->masked = db_get_bool(q);
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
	db_put_ref(q, job->token_id);
	db_put_ref(q, job->programme_id);
	db_put_double(q, job->weight);
	db_put_int(q, job->running_max);
	db_put_text(q, job->same);
	db_put_ref(q, job->leader_id);
	db_put_int(q, job->promise_low_ms);
	db_put_int(q, job->promise_high_ms);
	db_put_int(q, job->promise_mean_ms);
	db_put_int(q, job->promise_kind);
	db_put_double(q, job->behind);
	db_put_int(q, job->promise_least_ms);
	db_put_int(q, job->promise_most_ms);
	db_put_int(q, job->further);
	db_put_bool(q, job->masked);
	return db_end(q, e);
}

bool store_job_source_insert(struct db *w, int64_t job_id, const struct store_job_source *source,
			     struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SOURCE_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, job_id);
	db_put_int(q, source->position);
	db_put_int(q, source->media_id);
	return db_end(q, e);
}

bool store_job_sources(struct db *db, int64_t job_id,
		       struct store_job_source out[STORE_JOB_FURTHER_MAX + 1], size_t *count,
		       struct err *e)
{
	*count = 0;
	struct db_stmt *q = db_stmt(db, SQL_SOURCES);
	db_put_int(q, job_id);
	while (*count < STORE_JOB_FURTHER_MAX + 1 && db_row(q)) {
		out[*count].position = (int)db_get_int(q);
		out[(*count)++].media_id = db_get_int(q);
	}
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
	return store_end_found(q, found, e);
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

bool store_job_queue(struct db *db, struct arena *arena, const struct store_job *after, int limit,
		     struct store_jobs *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, after ? SQL_QUEUE_AFTER : SQL_QUEUE);
	db_put_int(q, limit);
	if (after) {
		db_put_int(q, after->state);
		db_put_bool(q, after->paused);
		db_put_double(q, after->turn);
		db_put_int(q, after->id);
	}
	return read_rows(q, arena, (size_t)limit, out, e);
}

static bool read_count(struct db_stmt *q, int64_t *count, struct err *e)
{
	*count = 0;
	if (db_row(q))
		*count = db_get_int(q);
	return db_end(q, e);
}

static void take_cell(struct db_stmt *q, int64_t cells[][STORE_JOB_COUNT_MAX + 1], int64_t *n)
{
	int64_t task = db_get_int(q), count = db_get_int(q);
	*n = db_get_int(q);
	if (task >= 0 && task < STORE_JOB_TASKS && count >= 0 && count <= STORE_JOB_COUNT_MAX)
		cells[task][count] += *n;
}

static int64_t scaled(int64_t n, int64_t total, int64_t seen)
{
	return (n * total + seen / 2) / seen;
}

/* What is known of the first `seen` holds for all. */
static void scale_ahead(struct store_job_ahead *out, int64_t total)
{
	int64_t seen = out->jobs;
	for (int task = 0; task < STORE_JOB_TASKS; task++)
		for (int count = 0; count <= STORE_JOB_COUNT_MAX; count++)
			out->by[task][count] = scaled(out->by[task][count], total, seen);
	out->own = scaled(out->own, total, seen);
	out->jobs = total;
}

static bool read_ahead(struct db *db, const struct store_job *job, struct store_job_ahead *out,
		       struct err *e)
{
	int64_t n, total;
	struct db_stmt *q = db_stmt(db, SQL_AHEAD);
	db_put_text(q, job->maker);
	db_put_double(q, job->turn);
	db_put_int(q, job->id);
	db_put_int(q, job->account_id);
	db_put_int(q, AHEAD_MAX);
	while (db_row(q)) {
		take_cell(q, out->by, &n);
		out->jobs += n;
		out->own += db_get_int(q);
	}
	if (!db_end(q, e))
		return false;
	if (out->jobs < AHEAD_MAX)
		return true;
	q = db_stmt(db, SQL_AHEAD_COUNT);
	db_put_text(q, job->maker);
	db_put_double(q, job->turn);
	db_put_int(q, job->id);
	if (!read_count(q, &total, e))
		return false;
	if (total > out->jobs)
		scale_ahead(out, total);
	return true;
}

bool store_job_ahead(struct db *db, const struct store_job *job, struct store_job_ahead *out,
		     struct err *e)
{
	int64_t n;
	*out = (struct store_job_ahead){0};
	if (!read_ahead(db, job, out, e))
		return false;
	struct db_stmt *q = db_stmt(db, SQL_AHEAD_DRAWING);
	db_put_text(q, job->maker);
	while (db_row(q))
		take_cell(q, out->drawing, &n);
	double clock;
	if (!db_end(q, e) || !store_job_turn_get(db, job->maker, 0, &clock, e))
		return false;
	out->behind = job->turn > clock ? job->turn - clock : 0;
	return store_job_count_running(db, job->account_id, &out->own_drawing, e);
}

bool store_job_waits(struct db *db, const char *maker, bool *waits, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_WAITS);
	db_put_text(q, maker);
	*waits = db_row(q);
	return db_end(q, e);
}

static bool read_marks(struct db_stmt *q, struct arena *arena, struct store_job_mark *out,
		       size_t room, size_t *found, struct err *e)
{
	*found = 0;
	while (*found < room && db_row(q)) {
		struct store_job_mark *m = &out[(*found)++];
		m->maker = db_get_text(q, arena);
		m->task = (enum store_job_task)db_get_int(q);
		m->count = (int)db_get_int(q);
		m->behind = db_get_double(q);
		m->created_at = db_get_int(q);
		m->promise_most_ms = db_get_int(q);
		m->promise_kind = (int)db_get_int(q);
	}
	return db_end(q, e);
}

bool store_job_newest(struct db *db, struct arena *arena, int64_t after_id,
		      struct store_job_mark *out, size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_NEWEST);
	db_put_int(q, after_id);
	db_put_int(q, (int64_t)room);
	return read_marks(q, arena, out, room, found, e);
}

bool store_job_overdue(struct db *db, struct arena *arena, int64_t now_ms,
		       struct store_job_mark *out, size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_OVERDUE);
	db_put_int(q, now_ms);
	db_put_int(q, (int64_t)room);
	return read_marks(q, arena, out, room, found, e);
}

bool store_job_count(struct db *db, int64_t *queued, int64_t *drawing, struct err *e)
{
	return read_count(db_stmt(db, SQL_COUNT), queued, e) &&
	       read_count(db_stmt(db, SQL_COUNT_DRAWING), drawing, e);
}

bool store_job_open_ids(struct db *db, int64_t account_id, int64_t *ids, size_t room, size_t *found,
			struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_OPEN_IDS);
	db_put_int(q, account_id);
	db_put_int(q, (int64_t)room);
	return db_end_ids(q, ids, room, found, e);
}

bool store_job_forget(struct db *w, int64_t account_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_FORGET);
	db_put_int(q, account_id);
	return db_end(q, e);
}

bool store_job_count_active(struct db *db, int64_t account_id, int64_t *count, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_COUNT_ACTIVE);
	db_put_int(q, account_id);
	return read_count(q, count, e);
}

bool store_job_count_running(struct db *db, int64_t account_id, int64_t *count, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_RUNNING);
	db_put_int(q, account_id);
	return read_count(q, count, e);
}

bool store_job_account_lock(struct db *w, int64_t account_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, DB_SQL(w, SQL_LOCK_SQLITE, SQL_LOCK_POSTGRES));
	db_put_int(q, account_id);
	while (db_row(q))
		;
	return db_end(q, e);
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

bool store_job_renew(struct db *w, int64_t id, int64_t lease, int64_t lease_until, bool *changed,
		     struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_RENEW);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, lease);
	db_put_int(q, lease_until);
	return store_end_changed(q, changed, e);
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
	return store_end_changed(q, changed, e);
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
	return store_end_changed(q, changed, e);
}

bool store_job_release(struct db *w, int64_t id, int64_t lease, bool *changed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_RELEASE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, lease);
	return store_end_changed(q, changed, e);
}

bool store_job_cancel(struct db *w, int64_t id, int64_t now_ms, bool *changed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_CANCEL);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, now_ms);
	return store_end_changed(q, changed, e);
}

bool store_job_open_of(struct db *w, struct arena *arena, const int64_t *ids, size_t count,
		       struct store_jobs *out, struct err *e)
{
	struct db_stmt *q = db_stmt(w, DB_SQL(w, SQL_OPEN_OF_SQLITE, SQL_OPEN_OF_POSTGRES));
	db_put_ids(q, ids, count);
	return read_rows(q, arena, DB_IDS_MAX + 1, out, e);
}

bool store_job_cancel_of(struct db *w, const int64_t *ids, size_t count, int64_t now_ms,
			 struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_CANCEL_OF);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_ids(q, ids, count);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_job_followed_of(struct db *db, const int64_t *ids, size_t count, int64_t *followed,
			   size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_FOLLOWED_OF);
	db_put_ids(q, ids, count);
	return db_end_ids(q, followed, count, found, e);
}

bool store_job_hide(struct db *w, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_HIDE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_job_leases(struct db *db, struct arena *arena, const char *worker,
		      struct store_lease **out, size_t *count, struct err *e)
{
	size_t room = 64;
	*count = 0;
	*out = arena_alloc(arena, room * sizeof **out);
	struct db_stmt *q = db_stmt(db, SQL_LEASES);
	db_put_text(q, worker);
	db_put_int(q, LEASES_MAX);
	while (db_row(q)) {
		if (*count == room) {
			struct store_lease *more = arena_alloc(arena, 2 * room * sizeof *more);
			memcpy(more, *out, room * sizeof *more);
			*out = more;
			room *= 2;
		}
		struct store_lease *l = &(*out)[(*count)++];
		l->job_id = db_get_int(q);
		l->lease = db_get_int(q);
		l->until = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_job_silent(struct db *w, struct arena *arena, const struct store_lease *lease,
		      struct store_job *out, bool *found, struct err *e)
{
	struct db_stmt *q = db_stmt(w, DB_SQL(w, SQL_SILENT_SQLITE, SQL_SILENT_POSTGRES));
	db_put_int(q, lease->job_id);
	db_put_int(q, lease->lease);
	db_put_int(q, lease->until);
	*found = db_row(q);
	if (*found)
		take(q, arena, out);
	return db_end(q, e);
}

bool store_job_give_back(struct db *w, int64_t id, int64_t lease, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_GIVE_BACK);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, lease);
	return db_end(q, e);
}

/* --- places in the fair order --- */

bool store_job_turn_get(struct db *db, const char *maker, int64_t account_id, double *turn,
			struct err *e)
{
	*turn = 0;
	struct db_stmt *q = db_stmt(db, SQL_TURN_GET);
	db_put_text(q, maker);
	db_put_int(q, account_id);
	if (db_row(q))
		*turn = db_get_double(q);
	return db_end(q, e);
}

bool store_job_turn_set(struct db *w, const char *maker, int64_t account_id, double turn,
			struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_TURN_SET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_text(q, maker);
	db_put_int(q, account_id);
	db_put_double(q, turn);
	return db_end(q, e);
}

bool store_job_lane(struct db *w, struct arena *arena, const char *maker, int64_t account_id,
		    double behind_turn, struct store_job_place **places, size_t *count,
		    struct err *e)
{
	size_t room = 64;
	*count = 0;
	*places = arena_alloc(arena, room * sizeof **places);
	struct db_stmt *q = db_stmt(w, DB_SQL(w, SQL_LANE_SQLITE, SQL_LANE_POSTGRES));
	db_put_text(q, maker);
	db_put_int(q, account_id);
	db_put_int(q, LANE_MAX);
	db_put_double(q, behind_turn);
	while (db_row(q)) {
		if (*count == room) {
			struct store_job_place *old = *places;
			room *= 2;
			*places = arena_alloc(arena, room * sizeof **places);
			memcpy(*places, old, *count * sizeof **places);
		}
		struct store_job_place *p = &(*places)[(*count)++];
		p->id = db_get_int(q);
		p->turn = db_get_double(q);
		p->cost = db_get_double(q);
	}
	return db_end(q, e);
}

bool store_job_place_set(struct db *w, int64_t id, double turn, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_PLACE_SET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_double(q, turn);
	return db_end(q, e);
}

bool store_job_pause(struct db *w, int64_t id, bool paused, double turn, bool *changed,
		     struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_PAUSE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_bool(q, paused);
	db_put_double(q, turn);
	return store_end_changed(q, changed, e);
}

bool store_job_move(struct db *w, int64_t id, const char *maker, double turn, bool *changed,
		    struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_MOVE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_text(q, maker);
	db_put_double(q, turn);
	return store_end_changed(q, changed, e);
}

bool store_job_first_turn(struct db *db, const char *maker, double *turn, bool *found,
			  struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_FIRST_TURN);
	db_put_text(q, maker);
	*found = db_row(q);
	*turn = *found ? db_get_double(q) : 0;
	return db_end(q, e);
}

/* --- identical jobs --- */

bool store_job_same(struct db *db, const char *same, int64_t *id, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_SAME);
	db_put_text(q, same);
	return read_count(q, id, e);
}

bool store_job_count_joined(struct db *db, int64_t *count, struct err *e)
{
	return read_count(db_stmt(db, SQL_COUNT_JOINED), count, e);
}

bool store_job_followers(struct db *db, struct arena *arena, int64_t leader_id,
			 struct store_jobs *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_FOLLOWERS);
	db_put_int(q, leader_id);
	db_put_int(q, FOLLOWERS_MAX);
	return read_rows(q, arena, FOLLOWERS_MAX, out, e);
}

bool store_job_promote(struct db *w, int64_t id, int64_t old_leader_id, double turn, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_PROMOTE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_double(q, turn);
	if (!db_end(q, e))
		return false;
	q = db_stmt(w, SQL_FOLLOW_OTHER);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, old_leader_id);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_job_follower_finish(struct db *w, int64_t id, const char *model, int64_t seed,
			       int64_t now_ms, bool *changed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_FOLLOWER_FINISH);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_text(q, model);
	db_put_int(q, seed);
	db_put_int(q, now_ms);
	return store_end_changed(q, changed, e);
}

/* --- how full it is --- */

bool store_job_pressure(struct db *db, struct store_job_pressure *out, struct err *e)
{
	*out = (struct store_job_pressure){0};
	struct db_stmt *q = db_stmt(db, SQL_DUE);
	if (db_row(q)) {
		out->accounts = db_get_int(q);
		out->oldest_due_at = db_get_int(q);
	}
	if (!db_end(q, e))
		return false;
	q = db_stmt(db, SQL_SHARES);
	if (db_row(q)) {
		out->pictures = db_get_int(q);
		out->weights = db_get_double(q);
	}
	return db_end(q, e) && store_job_count(db, &out->queued, &out->drawing, e);
}

bool store_job_pictures(struct db *db, int64_t account_id, int64_t *pictures, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_PICTURES);
	db_put_int(q, account_id);
	return read_count(q, pictures, e);
}

bool store_job_count_of(struct db *db, const char *maker, int64_t *queued, int64_t *drawing,
			struct err *e)
{
	*queued = *drawing = 0;
	struct db_stmt *q = db_stmt(db, SQL_COUNT_OF);
	db_put_text(q, maker);
	if (db_row(q)) {
		*queued = db_get_int(q);
		*drawing = db_get_int(q);
	}
	return db_end(q, e);
}
