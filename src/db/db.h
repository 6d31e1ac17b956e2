/* The database, behind one narrow face: SQLite and PostgreSQL run the same SQL text.
 *
 * A pool is the process's connection to one database: it opened it, brought it to the newest schema, and
 * (SQLite) owns the writer thread. A handle belongs to one thread at a time and only reads; everything that
 * changes data goes through db_write. A statement is borrowed from its handle from db_stmt to db_end.
 *
 *     struct db_stmt *q = db_stmt(db, SQL_POST_GET);   never NULL; a failure sticks and shows in db_end
 *     db_put_int(q, id);                               parameters in the order $1, $2, …
 *     while (db_row(q)) {
 *             post->id = db_get_int(q);                columns in the order of the SELECT
 *             post->text = db_get_text(q, arena);
 *     }
 *     return db_end(q, e);                             false: *e says why; a failure is never "no rows"
 */
#ifndef MADANG_DB_DB_H
#define MADANG_DB_DB_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

struct db_pool;
struct db;
struct db_stmt;
struct db_listener;

enum db_kind { DB_SQLITE, DB_POSTGRES };

/* Where the two databases need different text, the two constants stand side by side. */
#define DB_SQL(db, sqlite_text, postgres_text) \
	(db_kind(db) == DB_SQLITE ? (sqlite_text) : (postgres_text))

/* How many ids one db_put_ids takes, and the parameter list that goes with it as the first parameters. */
#define DB_IDS_MAX 40
#define DB_IDS                                                                     \
	"($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20," \
	"$21,$22,$23,$24,$25,$26,$27,$28,$29,$30,$31,$32,$33,$34,$35,$36,$37,$38,$39,$40)"

/* url: "sqlite:PATH" or "postgres://…" (also "postgresql://…"). Makes the SQLite file where it is missing,
 * runs the migrations that are missing under a lock, refuses a database of a newer version. */
struct db_pool *db_pool_open(const char *url, struct err *e) MUST_CHECK;
/* Every handle and listener must be closed before. NULL-safe. Writes that wait are finished first. */
void db_pool_close(struct db_pool *p);
enum db_kind db_pool_kind(const struct db_pool *p);

/* Opens a handle for the calling thread. */
struct db *db_open(struct db_pool *p, struct err *e) MUST_CHECK;
void db_close(struct db *db); /* NULL-safe */
enum db_kind db_kind(const struct db *db);

/* Prepares sql (a constant that lives as long as the program: the cache goes by its address). */
struct db_stmt *db_stmt(struct db *db, const char *sql);
/* The same, but PostgreSQL hands the rows over one by one instead of holding them all: for exports. The
 * handle can do nothing else until db_end. */
struct db_stmt *db_stmt_streamed(struct db *db, const char *sql);

/* Parameters, one after the other. Text is copied. */
void db_put_int(struct db_stmt *q, int64_t value);
void db_put_ref(struct db_stmt *q, int64_t id); /* 0 becomes NULL */
void db_put_bool(struct db_stmt *q, bool value);
void db_put_double(struct db_stmt *q, double value);
void db_put_text(struct db_stmt *q, const char *text); /* NULL becomes NULL */
void db_put_null(struct db_stmt *q);
/* Fills the DB_IDS_MAX parameters of DB_IDS (repeating the last id); 1 <= count <= DB_IDS_MAX. */
void db_put_ids(struct db_stmt *q, const int64_t *ids, size_t count);

/* Runs the statement up to its next row. False at the end and on failure. */
bool db_row(struct db_stmt *q);

/* The columns of the current row, one after the other. NULL reads as 0, false, NULL. */
int64_t db_get_int(struct db_stmt *q);
bool db_get_bool(struct db_stmt *q);
double db_get_double(struct db_stmt *q);
char *db_get_text(struct db_stmt *q, struct arena *a);

/* Gives the statement back. Runs it first where db_row was never called. False: it failed, *e says why. */
bool db_end(struct db_stmt *q, struct err *e) MUST_CHECK;
/* The same, for a change of which only has to be known whether the transaction holds: inside db_write PostgreSQL may be
 * sent it together with the next statement, and where it fails, that one or the commit fails in its place. For what
 * is not expected to fail, or fails with the same words wherever it shows. */
bool db_end_later(struct db_stmt *q, struct err *e) MUST_CHECK;
/* The same as db_end, and tells how many rows were inserted, updated or deleted. */
bool db_end_changed(struct db_stmt *q, int64_t *changed, struct err *e) MUST_CHECK;
/* The same, and reads the first column of at most `room` rows. */
bool db_end_ids(struct db_stmt *q, int64_t *ids, size_t room, size_t *found,
		struct err *e) MUST_CHECK;

/* Runs fn in a transaction of its own on a handle that may write (`w`), and returns when the result is
 * durable. False: nothing was changed.
 *
 * SQLite: fn runs on the writer thread while the caller waits; writers that wait share one commit.
 * PostgreSQL: fn runs here, in a transaction that is tried again on a serialization failure.
 * On both, fn may run more than once: it must set its results, never add to them, and it must not call
 * back into `db`. Called with a handle that is writing already (a `w`), fn runs inside that transaction
 * with a savepoint: where it fails, only its own changes are undone. */
typedef bool db_write_fn(struct db *w, void *context, struct err *e);
bool db_write(struct db *db, db_write_fn *fn, void *context, struct err *e) MUST_CHECK;
bool db_is_writing(const struct db *db);

/* --- what has changed: for whoever keeps what was read ---
 *
 *     uint64_t seen = db_seen(pool);            before anything is read
 *     … read, and keep the result with `seen` and the keys of all it was made of …
 *     if (db_unchanged(pool, seen, keys, count)) it is what a new look would find
 *
 * A statement that changes rows says what it changes by db_touch, before db_end. One that says nothing changes
 * everything: slow, never wrong. So a new table needs nothing here until somebody keeps what is read from it. */
enum db_noun {
	DB_NOUN_NONE, /* nothing that anybody keeps: queues, log books, keys that are looked up each time */
	DB_NOUN_ACCOUNT, /* an account's row */
	DB_NOUN_POST,    /* a post, its mentions, its pictures */
	DB_NOUN_HOME,    /* which posts stand in an account's home */
	DB_NOUN_VIEWER,  /* what an account has marked: favourites, bookmarks, boosts */
	DB_NOUN_PUBLIC   /* which posts stand in the public timelines; id 0 */
};
typedef uint64_t db_key;
void db_touch(struct db_stmt *q, enum db_noun noun, int64_t id);
db_key db_key_of(enum db_noun noun, int64_t id);
uint64_t db_seen(struct db_pool *p);
bool db_unchanged(struct db_pool *p, uint64_t seen, const db_key *keys, size_t count);
/* Another process has changed this; count 0: anything. */
void db_changed(struct db_pool *p, const db_key *keys, size_t count);
/* Called after each commit of this process that changed something, on the thread that committed. Set once, before
 * there are writers. */
typedef void db_changed_fn(void *context, const db_key *keys, size_t count);
void db_on_change(struct db_pool *p, db_changed_fn *tell, void *context);

/* Sends a payload (under 8,000 bytes) to the listeners of every process, when the transaction of `w`
 * commits. Does nothing on SQLite, where there is one process. */
bool db_notify(struct db *w, const char *channel, const char *payload, struct err *e) MUST_CHECK;

/* The transaction of `w` need not be on the disk when it is acknowledged (PostgreSQL; nothing on SQLite). */
bool db_relax(struct db *w, struct err *e) MUST_CHECK;

/* A connection that listens on one channel (PostgreSQL only; ERR_UNSUPPORTED on SQLite). */
struct db_listener *db_listener_open(struct db_pool *p, const char *channel,
				     struct err *e) MUST_CHECK;
void db_listener_close(struct db_listener *l); /* NULL-safe */
/* Waits for the next payload, which lives in `a`. False with ERR_BUSY: none came in time. False with
 * ERR_IO: the connection is lost; the next call connects again, and what was sent meanwhile is lost. */
bool db_listener_wait(struct db_listener *l, int timeout_ms, struct arena *a, char **payload,
		      struct err *e) MUST_CHECK;

/* What the process did, for /metrics. */
struct db_stats {
	uint64_t writes;  /* acknowledged calls of db_write */
	uint64_t commits; /* transactions that carried them */
	uint64_t retries; /* transactions that were tried again */
};
void db_pool_stats(struct db_pool *p, struct db_stats *stats);

#endif
