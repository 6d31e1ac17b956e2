/* All SQL on settings, preferences, markers and the audit log. No state; any thread. */
#include "store/setting.h"

#include "base/id.h"

static const char SQL_SETTING_GET[] = "SELECT value FROM settings WHERE name = $1";
static const char SQL_SETTING_SET[] = "INSERT INTO settings (name, value) VALUES ($1, $2) "
				      "ON CONFLICT (name) DO UPDATE SET value = excluded.value";
static const char SQL_PREFERENCE_GET[] =
    "SELECT value FROM preferences WHERE account_id = $1 AND name = $2";
static const char SQL_PREFERENCE_SET[] =
    "INSERT INTO preferences (account_id, name, value) VALUES ($1, $2, $3) "
    "ON CONFLICT (account_id, name) DO UPDATE SET value = excluded.value";
static const char SQL_MARKER_GET[] =
    "SELECT last_read_id, version, updated_at FROM markers WHERE account_id = $1 AND timeline = $2";
static const char SQL_MARKER_SET[] =
    "INSERT INTO markers (account_id, timeline, last_read_id, version, updated_at) VALUES ($1, $2, $3, 1, $4) "
    "ON CONFLICT (account_id, timeline) DO UPDATE SET last_read_id = excluded.last_read_id, "
    "version = markers.version + 1, updated_at = excluded.updated_at "
    "RETURNING last_read_id, version, updated_at";
static const char SQL_AUDIT_INSERT[] =
    "INSERT INTO audit_log (id, account_id, action, target_id, detail, created_at) "
    "VALUES ($1, $2, $3, $4, $5, $6)";

static bool read_value(struct db_stmt *q, struct arena *arena, const char **value, struct err *e)
{
	*value = db_row(q) ? db_get_text(q, arena) : NULL;
	return db_end(q, e);
}

bool store_setting_get(struct db *db, struct arena *arena, const char *name, const char **value,
		       struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_SETTING_GET);
	db_put_text(q, name);
	return read_value(q, arena, value, e);
}

bool store_setting_set(struct db *w, const char *name, const char *value, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SETTING_SET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_text(q, name);
	db_put_text(q, value);
	return db_end(q, e);
}

bool store_preference_get(struct db *db, struct arena *arena, int64_t account_id, const char *name,
			  const char **value, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_PREFERENCE_GET);
	db_put_int(q, account_id);
	db_put_text(q, name);
	return read_value(q, arena, value, e);
}

bool store_preference_set(struct db *w, int64_t account_id, const char *name, const char *value,
			  struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_PREFERENCE_SET);
	db_put_int(q, account_id);
	db_put_text(q, name);
	db_put_text(q, value);
	return db_end(q, e);
}

static bool read_marker(struct db_stmt *q, struct store_marker *out, bool *found, struct err *e)
{
	*found = db_row(q);
	if (*found) {
		out->last_read_id = db_get_int(q);
		out->version = db_get_int(q);
		out->updated_at = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_marker_get(struct db *db, int64_t account_id, const char *timeline,
		      struct store_marker *out, bool *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_MARKER_GET);
	db_put_int(q, account_id);
	db_put_text(q, timeline);
	return read_marker(q, out, found, e);
}

bool store_marker_set(struct db *w, int64_t account_id, const char *timeline, int64_t last_read_id,
		      int64_t now_ms, struct store_marker *out, struct err *e)
{
	bool found;
	struct db_stmt *q = db_stmt(w, SQL_MARKER_SET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	db_put_text(q, timeline);
	db_put_int(q, last_read_id);
	db_put_int(q, now_ms);
	return read_marker(q, out, &found, e);
}

bool store_audit_insert(struct db *w, int64_t account_id, const char *action, int64_t target_id,
			const char *detail, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_AUDIT_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id_new());
	db_put_ref(q, account_id);
	db_put_text(q, action);
	db_put_ref(q, target_id);
	db_put_text(q, detail ? detail : "");
	db_put_int(q, now_ms);
	return db_end(q, e);
}
