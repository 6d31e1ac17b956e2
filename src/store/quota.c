/* All SQL on quotas and groups. No state; any thread, with its own handle. What must stay true: a bucket is
 * changed only by who has locked it in the same transaction, and buckets are locked in the order of their
 * quotas' ids, so that nothing is spent twice and nobody waits in a circle. */
#include "store/quota.h"

#include "store/end.h"

#define COLUMNS "id, subject, subject_id, unit, amount, period_ms, steady, shared, created_at"
static const char SQL_INSERT[] =
    "INSERT INTO quotas (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
static const char SQL_GET[] = "SELECT " COLUMNS " FROM quotas WHERE id = $1";
static const char SQL_SET[] =
    "UPDATE quotas SET amount = $2, period_ms = $3, steady = $4 WHERE id = $1";
static const char SQL_DELETE[] = "DELETE FROM quotas WHERE id = $1";
static const char SQL_LIST[] =
    "SELECT " COLUMNS " FROM quotas ORDER BY subject, subject_id, unit, id LIMIT 1000";
static const char SQL_OF[] =
    "SELECT " COLUMNS " FROM quotas WHERE subject = 0 OR (subject = 1 AND subject_id = $2) OR "
    "(subject = 2 AND subject_id IN (SELECT group_id FROM group_members WHERE account_id = $1)) OR "
    "(subject = 3 AND subject_id = $3) OR (subject = 4 AND subject_id = $1) OR "
    "(subject = 5 AND subject_id = $4) ORDER BY id LIMIT $5";
static const char SQL_BUCKET_ADD[] =
    "INSERT INTO quota_buckets (quota_id, holder_id, used, at) VALUES ($1, $2, 0, $3) "
    "ON CONFLICT (quota_id, holder_id) DO NOTHING";
#define BUCKET "SELECT used, at FROM quota_buckets WHERE quota_id = $1 AND holder_id = $2"
static const char SQL_BUCKET_GET[] = BUCKET;
static const char SQL_BUCKET_LOCK_POSTGRES[] = BUCKET " FOR UPDATE";
static const char SQL_BUCKET_SET[] =
    "UPDATE quota_buckets SET used = $3, at = $4 WHERE quota_id = $1 AND holder_id = $2";
static const char SQL_CHARGE_INSERT[] =
    "INSERT INTO quota_charges (job_id, quota_id, holder_id, amount, at) VALUES ($1, $2, $3, $4, $5)";
static const char SQL_CHARGES[] =
    "SELECT quota_id, holder_id, amount, at FROM quota_charges WHERE job_id = $1 ORDER BY quota_id LIMIT $2";
static const char SQL_CHARGED_OF[] =
    "SELECT DISTINCT job_id FROM quota_charges WHERE job_id IN " DB_IDS " ORDER BY job_id";
static const char SQL_CHARGES_FORGET[] = "DELETE FROM quota_charges WHERE job_id = $1";
static const char SQL_GROUP_INSERT[] =
    "INSERT INTO groups_of_accounts (id, name, created_at) VALUES ($1, $2, $3)";
static const char SQL_GROUP_LIST[] =
    "SELECT g.id, g.name, (SELECT COUNT(*) FROM group_members AS m WHERE m.group_id = g.id), g.created_at "
    "FROM groups_of_accounts AS g ORDER BY g.name LIMIT 1000";
static const char SQL_GROUP_DELETE[] = "DELETE FROM groups_of_accounts WHERE id = $1";
static const char SQL_GROUP_QUOTAS_DELETE[] =
    "DELETE FROM quotas WHERE subject = 2 AND subject_id = $1";
static const char SQL_MEMBER_ADD[] =
    "INSERT INTO group_members (group_id, account_id) SELECT g.id, a.id FROM groups_of_accounts AS g, "
    "accounts AS a WHERE g.id = $1 AND a.id = $2 ON CONFLICT (group_id, account_id) DO UPDATE SET "
    "account_id = excluded.account_id";
static const char SQL_MEMBER_REMOVE[] =
    "DELETE FROM group_members WHERE group_id = $1 AND account_id = $2";

static void take(struct db_stmt *q, struct store_quota *out)
{
	out->id = db_get_int(q);
	out->subject = (enum store_quota_subject)db_get_int(q);
	out->subject_id = db_get_int(q);
	out->unit = (enum store_quota_unit)db_get_int(q);
	out->amount = db_get_double(q);
	out->period_ms = db_get_int(q);
	out->steady = db_get_bool(q);
	out->shared = db_get_bool(q);
	out->created_at = db_get_int(q);
}

bool store_quota_insert(struct db *w, const struct store_quota *quota, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, quota->id);
	db_put_int(q, quota->subject);
	db_put_int(q, quota->subject_id);
	db_put_int(q, quota->unit);
	db_put_double(q, quota->amount);
	db_put_int(q, quota->period_ms);
	db_put_bool(q, quota->steady);
	db_put_bool(q, quota->shared);
	db_put_int(q, quota->created_at);
	return db_end(q, e);
}

bool store_quota_get(struct db *db, int64_t id, struct store_quota *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, out);
	return store_end_found(q, found, e);
}

bool store_quota_set(struct db *w, const struct store_quota *quota, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, quota->id);
	db_put_double(q, quota->amount);
	db_put_int(q, quota->period_ms);
	db_put_bool(q, quota->steady);
	return db_end(q, e);
}

static bool changed_one(struct db_stmt *q, struct err *e)
{
	int64_t changed = 0;
	if (!db_end_changed(q, &changed, e))
		return false;
	return changed || err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool store_quota_delete(struct db *w, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	return changed_one(q, e);
}

bool store_quota_list(struct db *db, struct arena *arena, struct store_quota **items, size_t *count,
		      struct err *e)
{
	*count = 0;
	*items = arena_alloc(arena, 1000 * sizeof **items);
	struct db_stmt *q = db_stmt(db, SQL_LIST);
	while (*count < 1000 && db_row(q))
		take(q, &(*items)[(*count)++]);
	return db_end(q, e);
}

bool store_quota_of(struct db *db, const struct store_quota_holder *holder, struct store_quota *out,
		    size_t *count, struct err *e)
{
	*count = 0;
	struct db_stmt *q = db_stmt(db, SQL_OF);
	db_put_int(q, holder->account_id);
	db_put_int(q, holder->role);
	db_put_int(q, holder->programme_id ? holder->programme_id : -1);
	db_put_int(q, holder->token_id ? holder->token_id : -1);
	db_put_int(q, STORE_QUOTAS_MAX);
	while (*count < STORE_QUOTAS_MAX && db_row(q))
		take(q, &out[(*count)++]);
	return db_end(q, e);
}

/* --- buckets --- */

static bool read_bucket(struct db *db, const char *sql, int64_t quota_id, int64_t holder_id,
			int64_t now_ms, double *used, int64_t *at, struct err *e)
{
	*used = 0;
	*at = now_ms;
	struct db_stmt *q = db_stmt(db, sql);
	db_put_int(q, quota_id);
	db_put_int(q, holder_id);
	if (db_row(q)) {
		*used = db_get_double(q);
		*at = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_quota_bucket_get(struct db *db, int64_t quota_id, int64_t holder_id, int64_t now_ms,
			    double *used, int64_t *at, struct err *e)
{
	return read_bucket(db, SQL_BUCKET_GET, quota_id, holder_id, now_ms, used, at, e);
}

bool store_quota_bucket_lock(struct db *w, int64_t quota_id, int64_t holder_id, int64_t now_ms,
			     double *used, int64_t *at, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_BUCKET_ADD);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, quota_id);
	db_put_int(q, holder_id);
	db_put_int(q, now_ms);
	return db_end(q, e) && read_bucket(w, DB_SQL(w, SQL_BUCKET_GET, SQL_BUCKET_LOCK_POSTGRES),
					   quota_id, holder_id, now_ms, used, at, e);
}

bool store_quota_bucket_set(struct db *w, int64_t quota_id, int64_t holder_id, double used,
			    int64_t at, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_BUCKET_SET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, quota_id);
	db_put_int(q, holder_id);
	db_put_double(q, used);
	db_put_int(q, at);
	return db_end(q, e);
}

bool store_quota_charge_insert(struct db *w, int64_t job_id, const struct store_quota_charge *c,
			       struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_CHARGE_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, job_id);
	db_put_int(q, c->quota_id);
	db_put_int(q, c->holder_id);
	db_put_double(q, c->amount);
	db_put_int(q, c->at);
	return db_end(q, e);
}

bool store_quota_charges(struct db *db, int64_t job_id, struct store_quota_charge *out,
			 size_t *count, struct err *e)
{
	*count = 0;
	struct db_stmt *q = db_stmt(db, SQL_CHARGES);
	db_put_int(q, job_id);
	db_put_int(q, STORE_QUOTAS_MAX);
	while (*count < STORE_QUOTAS_MAX && db_row(q)) {
		struct store_quota_charge *c = &out[(*count)++];
		c->quota_id = db_get_int(q);
		c->holder_id = db_get_int(q);
		c->amount = db_get_double(q);
		c->at = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_quota_charged_of(struct db *db, const int64_t *job_ids, size_t count, int64_t *charged,
			    size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_CHARGED_OF);
	db_put_ids(q, job_ids, count);
	return db_end_ids(q, charged, count, found, e);
}

bool store_quota_charges_forget(struct db *w, int64_t job_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_CHARGES_FORGET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, job_id);
	return db_end(q, e);
}

/* --- groups --- */

bool store_group_insert(struct db *w, int64_t id, const char *name, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_GROUP_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_text(q, name);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_group_list(struct db *db, struct arena *arena, struct store_group **items, size_t *count,
		      struct err *e)
{
	*count = 0;
	*items = arena_alloc(arena, 1000 * sizeof **items);
	struct db_stmt *q = db_stmt(db, SQL_GROUP_LIST);
	while (*count < 1000 && db_row(q)) {
		struct store_group *g = &(*items)[(*count)++];
		g->id = db_get_int(q);
		g->name = db_get_text(q, arena);
		g->members = db_get_int(q);
		g->created_at = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_group_delete(struct db *w, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_GROUP_QUOTAS_DELETE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	if (!db_end(q, e))
		return false;
	q = db_stmt(w, SQL_GROUP_DELETE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	return changed_one(q, e);
}

bool store_group_member_set(struct db *w, int64_t id, int64_t account_id, bool member,
			    struct err *e)
{
	struct db_stmt *q = db_stmt(w, member ? SQL_MEMBER_ADD : SQL_MEMBER_REMOVE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, account_id);
	return changed_one(q, e);
}
