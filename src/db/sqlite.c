/* The SQLite driver. Connections are used by one thread each (SQLITE_OPEN_NOMUTEX); readers cannot write
 * (query_only). What must stay true: WAL with synchronous=FULL, so that a commit is on the disk when it
 * returns. "$3" is parameter 3 wherever it stands, as in PostgreSQL (SQLite by itself numbers names in the
 * order of their appearance). */
#include "base/err.h"
#include "db/driver.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	LARGE_CACHES = 24
}; /* 16 MB each; handles beyond, of those who mostly wait for a commit, have 2 */

struct connection {
	sqlite3 *db;
	char *path;
	dev_t device;
	ino_t inode;
};

struct statement {
	struct connection *conn;
	sqlite3_stmt *stmt;
	int index[DB_PARAMS_MAX +
		  1]; /* of $N in SQLite's own count; 0: the text does not have it */
	int64_t changes_before;
};

static bool sqlite_err(struct connection *c, const char *what, struct err *e)
{
	int code = sqlite3_extended_errcode(c->db);
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		err_set(e, ERR_BUSY, "The database is busy. Please try again in a moment.");
		break;
	case SQLITE_FULL:
		err_set(e, ERR_IO,
			"The disk is full. Nothing was saved; please tell the administrator.");
		break;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_PERM:
		err_set(e, ERR_IO,
			"The database cannot be read or written. Please tell the administrator.");
		break;
	case SQLITE_CONSTRAINT:
		err_set(e, ERR_CONFLICT, "This exists already, or what it refers to is gone.");
		break;
	case SQLITE_NOMEM:
	case SQLITE_TOOBIG:
		err_set(e, ERR_NO_MEMORY, "This is too large for the database.");
		break;
	default:
		err_set(e, ERR_INTERNAL, "Something went wrong here. Please try again.");
	}
	return err_detail(e, "sqlite %d %s: %.150s", code, sqlite3_errmsg(c->db), what);
}

static void sqlite_disconnect(void *conn)
{
	struct connection *c = conn;
	sqlite3_close_v2(c->db);
	free(c->path);
	free(c);
}

static bool sqlite_execute(void *conn, const char *sql, struct err *e)
{
	struct connection *c = conn;
	if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_err(c, sql, e);
	return true;
}

static bool sqlite_connect(struct db_pool *pool, bool writer, void **conn, struct err *e)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (!c || !(c->path = strdup(pool->url)))
		abort();
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (writer ? SQLITE_OPEN_CREATE : 0);
	if (sqlite3_open_v2(c->path, &c->db, flags, NULL) != SQLITE_OK) {
		sqlite_err(c, "open", e);
		goto fail;
	}
	sqlite3_extended_result_codes(c->db, 1);
	sqlite3_busy_timeout(c->db, 5000);
	if (!sqlite_execute(
		c,
		"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
		"PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864;",
		e))
		goto fail;
	if ((writer || atomic_load(&pool->handles) <= LARGE_CACHES) &&
	    !sqlite_execute(c, "PRAGMA cache_size=-16000", e))
		goto fail;
	if (!sqlite_execute(c, writer ? "PRAGMA wal_autocheckpoint=4000" : "PRAGMA query_only=ON",
			    e))
		goto fail;
	struct stat st;
	if (stat(c->path, &st) == 0) {
		c->device = st.st_dev;
		c->inode = st.st_ino;
	}
	*conn = c;
	return true;
fail:
	err_context(e, "%.120s", c->path);
	sqlite_disconnect(c);
	return false;
}

enum db_file_state db_sqlite_file(void *conn)
{
	struct connection *c = conn;
	struct stat st;
	if (stat(c->path, &st) != 0)
		return DB_FILE_GONE;
	return st.st_dev == c->device && st.st_ino == c->inode ? DB_FILE_SAME : DB_FILE_REPLACED;
}

static bool sqlite_alive(void *conn)
{
	(void)conn;
	return true;
}

static bool sqlite_prepare(void *conn, const char *sql, void **impl, struct err *e)
{
	struct connection *c = conn;
	struct statement *s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->conn = c;
	if (sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL) !=
	    SQLITE_OK) {
		free(s);
		return sqlite_err(c, sql, e);
	}
	for (int i = 1; i <= sqlite3_bind_parameter_count(s->stmt); i++) {
		const char *name = sqlite3_bind_parameter_name(s->stmt, i);
		long number = name ? strtol(name + 1, NULL, 10) : 0;
		if (number >= 1 && number <= DB_PARAMS_MAX)
			s->index[number] = i;
	}
	*impl = s;
	return true;
}

static void sqlite_finalize(void *impl)
{
	struct statement *s = impl;
	sqlite3_finalize(s->stmt);
	free(s);
}

static bool sqlite_put_int(void *impl, int index, int64_t value)
{
	struct statement *s = impl;
	return sqlite3_bind_int64(s->stmt, s->index[index], value) == SQLITE_OK;
}

static bool sqlite_put_bool(void *impl, int index, bool value)
{
	return sqlite_put_int(impl, index, value);
}

static bool sqlite_put_double(void *impl, int index, double value)
{
	struct statement *s = impl;
	return sqlite3_bind_double(s->stmt, s->index[index], value) == SQLITE_OK;
}

static bool sqlite_put_text(void *impl, int index, const char *text)
{
	struct statement *s = impl;
	return sqlite3_bind_text(s->stmt, s->index[index], text, -1, SQLITE_TRANSIENT) == SQLITE_OK;
}

static bool sqlite_put_null(void *impl, int index)
{
	struct statement *s = impl;
	return sqlite3_bind_null(s->stmt, s->index[index]) == SQLITE_OK;
}

static enum db_step sqlite_step(void *impl, bool first, bool streamed, struct err *e)
{
	struct statement *s = impl;
	(void)streamed; /* rows always come one by one */
	if (first)
		s->changes_before = sqlite3_total_changes64(s->conn->db);
	switch (sqlite3_step(s->stmt)) {
	case SQLITE_ROW:
		return DB_STEP_ROW;
	case SQLITE_DONE:
		return DB_STEP_DONE;
	default:
		sqlite_err(s->conn, sqlite3_sql(s->stmt), e);
		return DB_STEP_FAILED;
	}
}

static void sqlite_reset(void *impl)
{
	struct statement *s = impl;
	sqlite3_reset(s->stmt);
	sqlite3_clear_bindings(s->stmt);
}

static int64_t sqlite_changed(void *impl)
{
	struct statement *s = impl;
	if (sqlite3_stmt_readonly(s->stmt) ||
	    sqlite3_total_changes64(s->conn->db) == s->changes_before)
		return 0;
	return sqlite3_changes64(s->conn->db); /* without the rows that a cascade took along */
}

static int64_t sqlite_get_int(void *impl, int column)
{
	return sqlite3_column_int64(((struct statement *)impl)->stmt, column);
}

static bool sqlite_get_bool(void *impl, int column)
{
	return sqlite_get_int(impl, column) != 0;
}

static double sqlite_get_double(void *impl, int column)
{
	return sqlite3_column_double(((struct statement *)impl)->stmt, column);
}

static const char *sqlite_get_text(void *impl, int column, size_t *length)
{
	struct statement *s = impl;
	const char *text = (const char *)sqlite3_column_text(s->stmt, column);
	*length = (size_t)sqlite3_column_bytes(s->stmt, column);
	return text;
}

const struct db_driver db_driver_sqlite = {
    .connect = sqlite_connect,
    .disconnect = sqlite_disconnect,
    .alive = sqlite_alive,
    .prepare = sqlite_prepare,
    .finalize = sqlite_finalize,
    .put_int = sqlite_put_int,
    .put_bool = sqlite_put_bool,
    .put_double = sqlite_put_double,
    .put_text = sqlite_put_text,
    .put_null = sqlite_put_null,
    .step = sqlite_step,
    .reset = sqlite_reset,
    .changed = sqlite_changed,
    .get_int = sqlite_get_int,
    .get_bool = sqlite_get_bool,
    .get_double = sqlite_get_double,
    .get_text = sqlite_get_text,
    .execute = sqlite_execute,
    .begin = "BEGIN IMMEDIATE",
};
