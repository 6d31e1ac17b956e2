/* Brings a database to the newest schema, at the start, before anything else uses it. Each migration is one
 * transaction under a lock, so that two servers that start at once do not meet, and a kill in the middle
 * leaves the version before. What must stay true: a migration that has landed is never changed. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "db/driver.h"

#include <stdio.h>
#include <string.h>

static const char SQL_TABLE[] =
    "CREATE TABLE IF NOT EXISTS schema_migrations ("
    "version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)";
static const char SQL_VERSION[] = "SELECT COALESCE(MAX(version), 0) FROM schema_migrations";
static const char SQL_APPLIED[] =
    "INSERT INTO schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)";

/* A key that is SQLite's own row number is found in one step instead of two, and needs no index beside the
 * table; SQLite makes one only of the words INTEGER PRIMARY KEY, which would have 32 bits in PostgreSQL. */
static void add_line(struct buf *out, enum db_kind kind, const char *line, size_t length)
{
	static const char big[] = "BIGINT PRIMARY KEY";
	const char *at = kind == DB_SQLITE ? memmem(line, length, big, sizeof(big) - 1) : NULL;
	if (at) {
		buf_add(out, line, (size_t)(at - line));
		buf_add_str(out, "INTEGER");
		length -= (size_t)(at - line) + strlen("BIGINT");
		line = at + strlen("BIGINT");
	}
	buf_add(out, line, length);
	buf_add_char(out, '\n');
}

/* Uncomments the lines of this database, drops those of the other. */
static void translate(struct buf *out, enum db_kind kind, const char *sql)
{
	const char *mine = kind == DB_SQLITE ? "-- sqlite:" : "-- postgres:";
	const char *other = kind == DB_SQLITE ? "-- postgres:" : "-- sqlite:";
	while (*sql) {
		size_t length = strcspn(sql, "\n");
		size_t skip = strncmp(sql, mine, strlen(mine)) == 0 ? strlen(mine) : 0;
		if (strncmp(sql, other, strlen(other)) != 0)
			add_line(out, kind, sql + skip, length - skip);
		sql += length + (sql[length] == '\n');
	}
}

static bool read_version(struct db *db, int64_t *version, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_VERSION);
	if (db_row(q))
		*version = db_get_int(q);
	return db_end(q, e);
}

static bool apply(struct db *db, const struct db_migration *m, struct err *e)
{
	struct buf sql;
	buf_init(&sql, 1 << 20);
	translate(&sql, db_kind(db), m->sql);
	bool ok = !sql.failed ? db_handle_execute(db, sql.data, e)
			      : err_set(e, ERR_INTERNAL, "migration %s is too long", m->name);
	buf_finish(&sql);
	if (!ok)
		return err_context(e, "migration %s", m->name);
	struct db_stmt *q = db_stmt(db, SQL_APPLIED);
	db_put_int(q, m->version);
	db_put_text(q, m->name);
	db_put_int(q, clock_wall_ms());
	return db_end(q, e);
}

/* The next missing one, if any. */
static bool step(struct db *db, bool *more, struct err *e)
{
	const struct db_driver *driver = db->pool->driver;
	int64_t version = 0;
	if (driver->lock_migrations && !db_handle_execute(db, driver->lock_migrations, e))
		return false;
	if (!db_handle_execute(db, SQL_TABLE, e) || !read_version(db, &version, e))
		return false;
	const struct db_migration *m = db_migrations;
	while (m->name && m->version <= version)
		m++;
	*more = m->name != NULL;
	if (!*more && m > db_migrations && version > m[-1].version)
		return err_set(
		    e, ERR_UNSUPPORTED,
		    "The database is of a newer version (%lld) than this program (%d). Use the newer program.",
		    (long long)version, m[-1].version);
	if (*more && !apply(db, m, e))
		return false;
	if (*more)
		log_info("db.migrated", LOG_STR("name", m->name));
	return true;
}

bool db_migrate(struct db *db, struct err *e)
{
	bool more = true;
	while (more) {
		if (!db_handle_execute(db, db->pool->driver->begin, e))
			return false;
		db->depth = 1;
		bool ok = step(db, &more, e);
		db->depth = 0;
		db->broken = false;
		struct err ignored = {0};
		if (!ok) {
			if (!db_handle_execute(db, "ROLLBACK", &ignored))
				db_handle_lose(db);
			return false;
		}
		if (!db_handle_execute(db, "COMMIT", e))
			return false;
	}
	return true;
}
