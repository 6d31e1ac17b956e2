/* All SQL on push subscriptions and their queue. No state; any thread, with its own handle. */
#include "store/push.h"

#include "store/end.h"

static const char SQL_SET[] =
    "INSERT INTO push_subscriptions (id, account_id, token_id, endpoint, p256dh, auth, standard, policy, alerts, "
    "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (token_id) DO UPDATE SET "
    "endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth, "
    "standard = excluded.standard, policy = excluded.policy, alerts = excluded.alerts";
#define SELECT                                                                                \
	"SELECT id, account_id, token_id, endpoint, p256dh, auth, standard, policy, alerts, " \
	"created_at FROM push_subscriptions WHERE "
static const char SQL_BY_TOKEN[] = SELECT "token_id = $1";
static const char SQL_GET[] = SELECT "id = $1";
static const char SQL_OF_ACCOUNT[] = SELECT
    "account_id = $1 AND (EXISTS (SELECT 1 FROM oauth_tokens t WHERE t.id = push_subscriptions.token_id AND "
    "t.revoked_at IS NULL) OR EXISTS (SELECT 1 FROM sessions s WHERE s.id = push_subscriptions.token_id)) "
    "ORDER BY id DESC LIMIT $2";
static const char SQL_DELETE[] = "DELETE FROM push_subscriptions WHERE id = $1";
static const char SQL_ENQUEUE[] =
    "INSERT INTO push_queue (id, subscription_id, notification_id, due_at) VALUES ($1, $2, $3, $4)";
#define CLAIM(locking)                                                                           \
	"UPDATE push_queue SET attempts = attempts + 1, due_at = $2 WHERE id = (SELECT id FROM " \
	"push_queue WHERE due_at <= $1 ORDER BY due_at, id LIMIT 1" locking                      \
	") RETURNING id, subscription_id, notification_id, attempts"
static const char SQL_CLAIM_SQLITE[] = CLAIM("");
static const char SQL_CLAIM_POSTGRES[] = CLAIM(" FOR UPDATE SKIP LOCKED");
static const char SQL_FINISH[] = "DELETE FROM push_queue WHERE id = $1";
static const char SQL_POSTPONE[] = "UPDATE push_queue SET due_at = $2 WHERE id = $1";

static void take(struct db_stmt *q, struct arena *arena, struct store_push_subscription *s)
{
	s->id = db_get_int(q);
	s->account_id = db_get_int(q);
	s->token_id = db_get_int(q);
	s->endpoint = db_get_text(q, arena);
	s->p256dh = db_get_text(q, arena);
	s->auth = db_get_text(q, arena);
	s->standard = db_get_bool(q);
	s->policy = (int)db_get_int(q);
	s->alerts = db_get_int(q);
	s->created_at = db_get_int(q);
}

bool store_push_set(struct db *w, const struct store_push_subscription *s, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, s->id);
	db_put_int(q, s->account_id);
	db_put_int(q, s->token_id);
	db_put_text(q, s->endpoint);
	db_put_text(q, s->p256dh);
	db_put_text(q, s->auth);
	db_put_bool(q, s->standard);
	db_put_int(q, s->policy);
	db_put_int(q, s->alerts);
	db_put_int(q, s->created_at);
	return db_end(q, e);
}

static bool read_one(struct db *db, const char *sql, struct arena *arena, int64_t key,
		     struct store_push_subscription *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, sql);
	db_put_int(q, key);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_push_by_token(struct db *db, struct arena *arena, int64_t token_id,
			 struct store_push_subscription *out, struct err *e)
{
	return read_one(db, SQL_BY_TOKEN, arena, token_id, out, e);
}

bool store_push_get(struct db *db, struct arena *arena, int64_t id,
		    struct store_push_subscription *out, struct err *e)
{
	return read_one(db, SQL_GET, arena, id, out, e);
}

bool store_push_of_account(struct db *db, struct arena *arena, int64_t account_id,
			   struct store_push_subscription *out, size_t room, size_t *found,
			   struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_OF_ACCOUNT);
	db_put_int(q, account_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return db_end(q, e);
}

static bool run_for(struct db *w, const char *sql, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_push_delete(struct db *w, int64_t id, struct err *e)
{
	return run_for(w, SQL_DELETE, id, e);
}

bool store_push_enqueue(struct db *w, const struct store_push_message *m, int64_t due_at,
			struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_ENQUEUE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, m->id);
	db_put_int(q, m->subscription_id);
	db_put_int(q, m->notification_id);
	db_put_int(q, due_at);
	return db_end(q, e);
}

bool store_push_claim(struct db *w, int64_t now_ms, int64_t lease_until,
		      struct store_push_message *out, bool *claimed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, DB_SQL(w, SQL_CLAIM_SQLITE, SQL_CLAIM_POSTGRES));
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, now_ms);
	db_put_int(q, lease_until);
	*claimed = db_row(q);
	if (*claimed) {
		out->id = db_get_int(q);
		out->subscription_id = db_get_int(q);
		out->notification_id = db_get_int(q);
		out->attempts = (int)db_get_int(q);
	}
	return db_end(q, e);
}

bool store_push_finish(struct db *w, int64_t id, struct err *e)
{
	return run_for(w, SQL_FINISH, id, e);
}

bool store_push_postpone(struct db *w, int64_t id, int64_t due_at, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_POSTPONE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, due_at);
	return db_end(q, e);
}
