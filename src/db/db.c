/* Owns pools, handles and their statement caches; dispatches to a driver. A handle and its statements belong
 * to one thread; only the pool's counters are shared. What must stay true: a failure sticks to its statement
 * until db_end reports it, a handle outside a transaction never changes data, and inside a transaction
 * nothing counts after a failure. */
#include "db/db.h"

#include "base/rand.h"
#include "base/thread.h"
#include "db/driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

enum { WRITE_TRIES_MAX = 8 };

static char *duplicate(const char *s)
{
	char *copy = strdup(s);
	if (!copy)
		abort(); /* small allocations abort */
	return copy;
}

struct db_pool *db_pool_open(const char *url, struct err *e)
{
	struct db_pool *p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	p->versions = db_versions_create();
	if (strncmp(url, "sqlite:", 7) == 0 && url[7] != '\0') {
		p->kind = DB_SQLITE;
		p->driver = &db_driver_sqlite;
		p->url = duplicate(url + 7);
	} else if (strncmp(url, "postgres://", 11) == 0 || strncmp(url, "postgresql://", 13) == 0) {
		p->kind = DB_POSTGRES;
		p->driver = &db_driver_postgres;
		p->url = duplicate(url);
	} else {
		db_versions_destroy(p->versions);
		free(p);
		err_set(e, ERR_INVALID, "database: give sqlite:PATH or postgres://USER@HOST/NAME");
		return NULL;
	}
	struct db *db = db_handle_create(p, true, e);
	if (!db)
		goto fail;
	bool migrated = db_migrate(db, e);
	db_close(db);
	if (!migrated)
		goto fail;
	if (p->kind == DB_SQLITE && !(p->writer = db_writer_create(p, e)))
		goto fail;
	return p;
fail:
	db_pool_close(p);
	return NULL;
}

void db_pool_close(struct db_pool *p)
{
	if (!p)
		return;
	db_writer_destroy(p->writer);
	db_versions_destroy(p->versions);
	free(p->url);
	free(p);
}

enum db_kind db_pool_kind(const struct db_pool *p)
{
	return p->kind;
}

void db_pool_stats(struct db_pool *p, struct db_stats *stats)
{
	stats->writes = atomic_load(&p->writes);
	stats->commits = atomic_load(&p->commits);
	stats->retries = atomic_load(&p->retries);
}

struct db *db_handle_create(struct db_pool *p, bool writer, struct err *e)
{
	struct db *db = calloc(1, sizeof(*db));
	if (!db)
		abort();
	db->pool = p;
	db->writer = writer;
	if (!db_handle_ready(db, e)) {
		free(db);
		return NULL;
	}
	return db;
}

struct db *db_open(struct db_pool *p, struct err *e)
{
	atomic_fetch_add(&p->handles, 1);
	struct db *db = db_handle_create(p, false, e);
	if (!db)
		atomic_fetch_sub(&p->handles, 1);
	return db;
}

void db_handle_lose(struct db *db)
{
	for (size_t i = 0; i < DB_CACHE_SLOTS; i++) {
		struct db_stmt *q = db->cache[i];
		if (q && q->impl) {
			db->pool->driver->finalize(q->impl);
			q->impl = NULL;
		}
	}
	if (db->conn)
		db->pool->driver->disconnect(db->conn);
	db->conn = NULL;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	if (!db->writer)
		atomic_fetch_sub(&db->pool->handles, 1);
	db_handle_lose(db);
	for (size_t i = 0; i < DB_CACHE_SLOTS; i++)
		free(db->cache[i]);
	free(db);
}

enum db_kind db_kind(const struct db *db)
{
	return db->pool->kind;
}

bool db_is_writing(const struct db *db)
{
	return db->depth > 0;
}

bool db_handle_ready(struct db *db, struct err *e)
{
	const struct db_driver *driver = db->pool->driver;
	unsigned generation = atomic_load(&db->pool->generation);
	if (db->depth == 0 && db->active == 0 && db->conn &&
	    (db->generation != generation || !driver->alive(db->conn)))
		db_handle_lose(db);
	if (db->conn)
		return true;
	if (db->depth > 0)
		return err_set(e, ERR_IO, "The database connection was lost. Please try again.");
	if (!driver->connect(db->pool, db->writer, &db->conn, e))
		return false;
	db->generation = generation;
	return true;
}

bool db_handle_execute(struct db *db, const char *sql, struct err *e)
{
	return db->pool->driver->execute(db->conn, sql, e);
}

/* --- statements --- */

static bool stmt_fail(struct db_stmt *q)
{
	q->failed = true;
	q->done = true;
	if (q->db->depth > 0)
		q->db->broken = true;
	return false;
}

/* The cached statement of this text, or a loose one where that is in use (a query inside its own rows). */
static struct db_stmt *stmt_take(struct db *db, const char *sql)
{
	size_t slot = ((uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15)) >> 54;
	struct db_stmt *q = NULL;
	for (size_t tries = 0; tries < DB_CACHE_SLOTS;
	     tries++, slot = (slot + 1) % DB_CACHE_SLOTS) {
		q = db->cache[slot];
		if (!q || q->sql == sql)
			break;
	}
	bool cached = true;
	if (!q || q->sql != sql || q->busy) {
		cached = !q;
		q = calloc(1, sizeof(*q));
		if (!q)
			abort();
		q->db = db;
		q->sql = sql;
		if (cached)
			db->cache[slot] = q;
	}
	q->cached = cached;
	return q;
}

struct db_stmt *db_stmt(struct db *db, const char *sql)
{
	struct db_stmt *q = stmt_take(db, sql);
	q->busy = true;
	q->started = q->done = q->failed = q->streamed = q->touched = false;
	q->parameter = q->column = 0;
	db->active++;
	if (db->broken) {
		err_set(&q->error, ERR_INTERNAL, "Something went wrong here. Please try again.");
		err_detail(&q->error, "statement after a failed one in the same transaction");
		stmt_fail(q);
		return q;
	}
	db->active--; /* this one does not stand in the way of connecting again */
	bool ready = db_handle_ready(db, &q->error);
	db->active++;
	if (!ready || (!q->impl && !db->pool->driver->prepare(db->conn, sql, &q->impl, &q->error)))
		stmt_fail(q);
	return q;
}

struct db_stmt *db_stmt_streamed(struct db *db, const char *sql)
{
	struct db_stmt *q = db_stmt(db, sql);
	q->streamed = true;
	return q;
}

#define PUT(q, call)                                                                         \
	do {                                                                                 \
		if ((q)->failed)                                                             \
			return;                                                              \
		int index = ++(q)->parameter;                                                \
		if (index > DB_PARAMS_MAX || !(q)->db->pool->driver->call) {                 \
			err_set(&(q)->error, ERR_INTERNAL, "Something went wrong here.");    \
			err_detail(&(q)->error, "parameter %d of: %.180s", index, (q)->sql); \
			stmt_fail(q);                                                        \
		}                                                                            \
	} while (0)

void db_put_int(struct db_stmt *q, int64_t value)
{
	PUT(q, put_int(q->impl, index, value));
}

void db_put_ref(struct db_stmt *q, int64_t id)
{
	if (id == 0)
		db_put_null(q);
	else
		db_put_int(q, id);
}

void db_put_bool(struct db_stmt *q, bool value)
{
	PUT(q, put_bool(q->impl, index, value));
}

void db_put_double(struct db_stmt *q, double value)
{
	PUT(q, put_double(q->impl, index, value));
}

void db_put_text(struct db_stmt *q, const char *text)
{
	if (!text)
		db_put_null(q);
	else
		PUT(q, put_text(q->impl, index, text));
}

void db_put_null(struct db_stmt *q)
{
	PUT(q, put_null(q->impl, index));
}

void db_put_ids(struct db_stmt *q, const int64_t *ids, size_t count)
{
	for (size_t i = 0; i < DB_IDS_MAX; i++)
		db_put_int(q, ids[i < count ? i : count - 1]);
}

bool db_row(struct db_stmt *q)
{
	if (q->done)
		return false;
	q->column = 0;
	enum db_step step = q->db->pool->driver->step(q->impl, !q->started, q->streamed, &q->error);
	q->started = true;
	if (step == DB_STEP_ROW)
		return true;
	q->done = true;
	if (step == DB_STEP_FAILED)
		stmt_fail(q);
	return false;
}

int64_t db_get_int(struct db_stmt *q)
{
	return q->done ? 0 : q->db->pool->driver->get_int(q->impl, q->column++);
}

bool db_get_bool(struct db_stmt *q)
{
	return q->done ? false : q->db->pool->driver->get_bool(q->impl, q->column++);
}

double db_get_double(struct db_stmt *q)
{
	return q->done ? 0 : q->db->pool->driver->get_double(q->impl, q->column++);
}

char *db_get_text(struct db_stmt *q, struct arena *a)
{
	if (q->done)
		return NULL;
	size_t length = 0;
	const char *text = q->db->pool->driver->get_text(q->impl, q->column++, &length);
	if (!text)
		return NULL;
	char *copy = arena_try(a, length + 1, 1);
	if (!copy) {
		err_set(&q->error, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
		stmt_fail(q);
		return NULL;
	}
	memcpy(copy, text, length);
	return copy;
}

/* Ends it in any case; false where it failed. */
static bool stmt_give_back(struct db_stmt *q, struct err *e)
{
	struct db *db = q->db;
	bool ok = !q->failed;
	if (!ok)
		*e = q->error;
	if (q->impl)
		db->pool->driver->reset(q->impl);
	q->busy = false;
	db->active--;
	if (!q->cached) {
		if (q->impl)
			db->pool->driver->finalize(q->impl);
		free(q);
	}
	return ok;
}

bool db_end_changed(struct db_stmt *q, int64_t *changed, struct err *e)
{
	if (!q->started && !q->failed)
		db_row(q);
	if (!q->failed) {
		*changed = q->db->pool->driver->changed(q->impl);
		q->db->touches.all |= *changed > 0 && !q->touched;
	}
	return stmt_give_back(q, e);
}

bool db_end_later(struct db_stmt *q, struct err *e)
{
	const struct db_driver *driver = q->db->pool->driver;
	/* Not inside a savepoint: what fails there must not be found only after it. */
	if (!driver->later || q->db->depth != 1 || q->started || q->failed)
		return db_end(q, e);
	q->db->touches.all |= !q->touched;
	if (!driver->later(q->impl, &q->error))
		stmt_fail(q);
	return stmt_give_back(q, e);
}

bool db_end(struct db_stmt *q, struct err *e)
{
	int64_t changed;
	return db_end_changed(q, &changed, e);
}

bool db_end_ids(struct db_stmt *q, int64_t *ids, size_t room, size_t *found, struct err *e)
{
	*found = 0;
	while (*found < room && db_row(q))
		ids[(*found)++] = db_get_int(q);
	return db_end(q, e);
}

/* --- transactions --- */

bool db_handle_savepoint(struct db *db, db_write_fn *fn, void *context, struct err *e)
{
	char text[64];
	if (db->broken) {
		err_set(e, ERR_INTERNAL, "Something went wrong here. Please try again.");
		return err_detail(e, "a write after a failed statement");
	}
	int depth = ++db->depth;
	snprintf(text, sizeof(text), "SAVEPOINT s%d", depth);
	if (!db_handle_execute(db, text, e)) {
		db->depth--;
		db->broken = true;
		return false;
	}
	bool ok = fn(db, context, e);
	if (ok && db->broken)
		ok = err_set(e, ERR_INTERNAL, "Something went wrong here. Please try again.") ||
		     err_detail(e, "a failed statement was ignored");
	struct err ignored = {0};
	snprintf(text, sizeof(text), "ROLLBACK TO s%d", depth);
	if (!ok)
		db->broken = !db_handle_execute(db, text, &ignored);
	snprintf(text, sizeof(text), "RELEASE s%d", depth);
	if (!db->broken && !db_handle_execute(db, text, ok ? e : &ignored)) {
		db->broken = true;
		ok = false;
	}
	db->depth--;
	return ok;
}

/* One try on PostgreSQL: this thread's own connection, in its own transaction. *lost: the connection went before anything
 * could be committed. */
static bool transaction(struct db *db, db_write_fn *fn, void *context, bool *lost, struct err *e)
{
	const struct db_driver *driver = db->pool->driver;
	*lost = false;
	if (!db_handle_ready(db, e))
		return false;
	db->depth = 1;
	db_touches_begin(db);
	bool ok = driver->execute_later(db->conn, driver->begin, e) && fn(db, context, e);
	if (ok && db->broken)
		ok = err_set(e, ERR_INTERNAL, "Something went wrong here. Please try again.") ||
		     err_detail(e, "a failed statement was ignored");
	struct err ignored = {0};
	bool finished = ok;
	if (ok) {
		ok = db_handle_execute(db, "COMMIT", e);
		db_touches_publish(db);
	}
	if (!ok && !db_handle_execute(db, "ROLLBACK", &ignored)) {
		db_handle_lose(db);
		*lost = !finished;
	}
	db->depth = 0;
	db->broken = false;
	return ok;
}

static bool write_here(struct db *db, db_write_fn *fn, void *context, struct err *e)
{
	struct db_pool *p = db->pool;
	bool lost, lost_before = false;
	for (int attempt = 1;; attempt++) {
		if (transaction(db, fn, context, &lost, e)) {
			atomic_fetch_add(&p->writes, 1);
			atomic_fetch_add(&p->commits, 1);
			return true;
		}
		/* An idle connection may have died unseen, which shows in the first statement: once more, on a new one. */
		if (lost && !lost_before) {
			lost_before = true;
			continue;
		}
		if (e->code != ERR_BUSY || attempt == WRITE_TRIES_MAX)
			return false;
		atomic_fetch_add(&p->retries, 1);
		usleep(
		    (useconds_t)(attempt * 2000) +
		    (useconds_t)(rand_u64() % 3000)); /* so that two that met do not meet again */
	}
}

/* Either way this thread waits, for the writer or for PostgreSQL and whoever holds the rows there. */
bool db_write(struct db *db, db_write_fn *fn, void *context, struct err *e)
{
	struct db_pool *p = db->pool;
	if (db->depth > 0)
		return db_handle_savepoint(db, fn, context, e);
	thread_rest_begin();
	bool ok = p->kind == DB_SQLITE ? db_writer_run(p->writer, fn, context, e)
				       : write_here(db, fn, context, e);
	thread_rest_end();
	return ok;
}

static const char SQL_NOTIFY[] = "SELECT CAST(pg_notify($1, $2) AS TEXT)";

bool db_notify(struct db *w, const char *channel, const char *payload, struct err *e)
{
	if (w->pool->kind == DB_SQLITE)
		return true;
	struct db_stmt *q = db_stmt(w, SQL_NOTIFY);
	db_put_text(q, channel);
	db_put_text(q, payload);
	return db_end(q, e);
}

bool db_relax(struct db *w, struct err *e)
{
	return w->pool->kind == DB_SQLITE ||
	       db_handle_execute(w, "SET LOCAL synchronous_commit = off", e);
}
