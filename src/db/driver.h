/* Private to db/: what a driver (sqlite.c, postgres.c) offers, and what db.c keeps around it. */
#ifndef MADANG_DB_DRIVER_H
#define MADANG_DB_DRIVER_H

#include "db/db.h"

#include <pthread.h>
#include <stdatomic.h>

#define DB_PARAMS_MAX  64
#define DB_TOUCHES_MAX 1024
#define DB_CACHE_SLOTS 1024 /* a power of two, well above the number of statements in store/ */

struct db_stmt {
	struct db *db;
	const char *sql;
	void *
	    impl; /* the driver's statement; NULL until prepared, and after the connection was lost */
	bool cached;  /* in the handle's cache; otherwise freed by db_end */
	bool busy;    /* between db_stmt and db_end */
	bool started; /* db_row was called */
	bool done;    /* no further row */
	bool streamed;
	bool touched;  /* db_touch was called */
	int parameter; /* how many are put */
	int column;    /* the next one to read */
	bool failed;
	struct err error;           /* when failed */
	struct db_stmt *next_loose; /* those outside the cache */
};

/* What a transaction changes (version.c). */
struct db_touches {
	bool all;
	size_t count;
	db_key keys[DB_TOUCHES_MAX];
};

struct db {
	struct db_pool *pool;
	void *conn;          /* the driver's connection; NULL: lost, connect again */
	bool writer;         /* SQLite: the writer thread's own handle */
	int depth;           /* of transactions and savepoints */
	bool broken;         /* a statement failed in this transaction: nothing else may count */
	int active;          /* statements between db_stmt and db_end */
	unsigned generation; /* of the database file that conn has opened */
	struct db_touches touches;
	struct db_stmt *cache[DB_CACHE_SLOTS];
};

enum db_step { DB_STEP_ROW, DB_STEP_DONE, DB_STEP_FAILED };

struct db_driver {
	bool (*connect)(struct db_pool *pool, bool writer, void **conn, struct err *e);
	void (*disconnect)(void *conn);
	bool (*alive)(void *conn);
	bool (*prepare)(void *conn, const char *sql, void **impl, struct err *e);
	void (*finalize)(void *impl);
	bool (*put_int)(void *impl, int index, int64_t value);
	bool (*put_bool)(void *impl, int index, bool value);
	bool (*put_double)(void *impl, int index, double value);
	bool (*put_text)(void *impl, int index, const char *text);
	bool (*put_null)(void *impl, int index);
	enum db_step (*step)(void *impl, bool first, bool streamed, struct err *e);
	/* Runs a statement whose rows and count nobody asks for, and may leave its answer for the next statement of the
	 * transaction to find; a failure is then that one's failure. May be NULL, then execute_later too. */
	bool (*later)(void *impl, struct err *e);
	void (*reset)(void *impl);
	int64_t (*changed)(void *impl);
	int64_t (*get_int)(void *impl, int column);
	bool (*get_bool)(void *impl, int column);
	double (*get_double)(void *impl, int column);
	/* The bytes stay valid until the next step; NULL for NULL. */
	const char *(*get_text)(void *impl, int column, size_t *length);
	/* One or more statements without parameters and rows. */
	bool (*execute)(void *conn, const char *sql, struct err *e);
	bool (*execute_later)(void *conn, const char *sql, struct err *e); /* one statement */
	const char *begin;
	const char *lock_migrations; /* inside the transaction; may be NULL */
};

extern const struct db_driver db_driver_sqlite;
extern const struct db_driver db_driver_postgres;

struct db_writer;
struct db_versions;

struct db_pool {
	enum db_kind kind;
	const struct db_driver *driver;
	char *url;                /* after "sqlite:", or the whole of it */
	struct db_writer *writer; /* SQLite only */
	struct db_versions *versions;
	atomic_uint generation; /* counts up when the SQLite file was replaced by another */
	atomic_uint_fast64_t writes;
	atomic_uint_fast64_t commits;
	atomic_uint_fast64_t retries;
	atomic_int handles; /* of readers */
};

/* A handle of either sort; db_open is for readers only. */
struct db *db_handle_create(struct db_pool *p, bool writer, struct err *e) MUST_CHECK;
/* Connects where the connection was lost; only between transactions. */
bool db_handle_ready(struct db *db, struct err *e) MUST_CHECK;
/* Drops the connection and every prepared statement. */
void db_handle_lose(struct db *db);
bool db_handle_execute(struct db *db, const char *sql, struct err *e) MUST_CHECK;
/* Runs fn with a savepoint around it; the handle is in a transaction. */
bool db_handle_savepoint(struct db *db, db_write_fn *fn, void *context, struct err *e) MUST_CHECK;

/* writer.c: the one thread that writes to SQLite. */
struct db_writer *db_writer_create(struct db_pool *p, struct err *e) MUST_CHECK;
void db_writer_destroy(struct db_writer *writer); /* NULL-safe; finishes what waits */
bool db_writer_run(struct db_writer *writer, db_write_fn *fn, void *context,
		   struct err *e) MUST_CHECK;
/* At most this many writes share a commit; 1 switches sharing off (benchmarks). */
void db_writer_set_group_max(struct db_writer *writer, int group_max);

/* version.c */
struct db_versions *db_versions_create(void);
void db_versions_destroy(struct db_versions *v);
void db_touches_begin(struct db *db);
/* After the commit (and where nobody knows whether there was one). */
void db_touches_publish(struct db *db);

/* sqlite.c: whether the file that this connection opened is still the one at its path. */
enum db_file_state { DB_FILE_SAME, DB_FILE_REPLACED, DB_FILE_GONE };
enum db_file_state db_sqlite_file(void *conn);

/* migrate.c */
bool db_migrate(struct db *db, struct err *e) MUST_CHECK;
struct db_migration {
	int version;
	const char *name;
	const char *sql;
};
extern const struct db_migration
    db_migrations[]; /* made from migrations/ by embed.sh; name NULL ends it */

#endif
