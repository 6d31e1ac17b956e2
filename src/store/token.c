/* All SQL on API tokens and their uses. No state; any thread, with its own handle. */
#include "store/token.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO tokens (id, token_hash, account_id, programme_id, name, hint, scopes, makers, tasks, networks, "
    "origins, watched_from, expires_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
    "$13, $14)";
#define COLUMNS                                                                                            \
	"id, token_hash, account_id, programme_id, name, hint, scopes, makers, tasks, networks, origins, " \
	"state, reason, use_count, used_at, used_network, watched_from, expires_at, revoked_at, "          \
	"revocation_id, created_at"
static const char SQL_GET[] = "SELECT " COLUMNS " FROM tokens WHERE id = $1";
static const char SQL_BY_HASH[] = "SELECT " COLUMNS " FROM tokens WHERE token_hash = $1";
#define OF_ACCOUNT "SELECT " COLUMNS " FROM tokens WHERE (account_id = $1 OR $1 = 0)"
static const char SQL_LIST[] = STORE_PAGE_DOWN(OF_ACCOUNT, "id", "$2", "$3", "$4");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(OF_ACCOUNT, "id", "$2", "$3", "$4");
static const char SQL_COUNT[] =
    "SELECT COUNT(*) FROM tokens WHERE account_id = $1 AND revoked_at IS NULL";
static const char SQL_CHANGE[] =
    "UPDATE tokens SET name = $2, makers = $3, tasks = $4, networks = $5, origins = $6 WHERE id = $1";
static const char SQL_SET_STATE[] = "UPDATE tokens SET state = $2, reason = $3, watched_from = $4 "
				    "WHERE id = $1 AND state <> $2 AND revoked_at IS NULL";
static const char SQL_END[] =
    "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
static const char SQL_USE_ADD[] =
    "INSERT INTO token_uses (token_id, minute, network, agent, uses) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (token_id, minute, network, agent) DO UPDATE SET uses = token_uses.uses + excluded.uses";
static const char SQL_USED[] =
    "UPDATE tokens SET use_count = use_count + $2, used_at = $3, used_network = $4 WHERE id = $1";
static const char SQL_USES[] =
    "SELECT network, agent, SUM(uses), MIN(minute), MAX(minute) FROM token_uses WHERE token_id = $1 "
    "GROUP BY network, agent ORDER BY MAX(minute) DESC, network, agent LIMIT $2";
static const char SQL_SPREAD[] =
    "SELECT COUNT(DISTINCT network), COUNT(DISTINCT agent) FROM token_uses WHERE token_id = $1 AND minute >= $2";
static const char SQL_BUSIEST[] =
    "SELECT SUM(uses) FROM token_uses WHERE token_id = $1 AND minute >= $2 GROUP BY minute "
    "ORDER BY SUM(uses) DESC LIMIT 1";
static const char SQL_USES_EXPIRE[] = "DELETE FROM token_uses WHERE minute < $1";

static void take(struct db_stmt *q, struct arena *arena, struct store_token *t)
{
	t->id = db_get_int(q);
	t->token_hash = db_get_text(q, arena);
	t->account_id = db_get_int(q);
	t->programme_id = db_get_int(q);
	t->name = db_get_text(q, arena);
	t->hint = db_get_text(q, arena);
	t->scopes = db_get_text(q, arena);
	t->makers = db_get_text(q, arena);
	t->tasks = db_get_text(q, arena);
	t->networks = db_get_text(q, arena);
	t->origins = db_get_text(q, arena);
	t->state = (enum store_token_state)db_get_int(q);
	t->reason = db_get_text(q, arena);
	t->use_count = db_get_int(q);
	t->used_at = db_get_int(q);
	t->used_network = db_get_text(q, arena);
	t->watched_from = db_get_int(q);
	t->expires_at = db_get_int(q);
	t->revoked_at = db_get_int(q);
	t->revocation_id = db_get_int(q);
	t->created_at = db_get_int(q);
}

bool store_token_insert(struct db *w, const struct store_token *t, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, t->id);
	db_put_text(q, t->token_hash);
	db_put_int(q, t->account_id);
	db_put_ref(q, t->programme_id);
	db_put_text(q, t->name);
	db_put_text(q, t->hint);
	db_put_text(q, t->scopes);
	db_put_text(q, t->makers);
	db_put_text(q, t->tasks);
	db_put_text(q, t->networks);
	db_put_text(q, t->origins);
	db_put_int(q, t->watched_from);
	db_put_ref(q, t->expires_at);
	db_put_int(q, t->created_at);
	return db_end(q, e);
}

static bool read_one(struct db_stmt *q, struct arena *arena, struct store_token *out, struct err *e)
{
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_token_get(struct db *db, struct arena *arena, int64_t id, struct store_token *out,
		     struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	return read_one(q, arena, out, e);
}

bool store_token_by_hash(struct db *db, struct arena *arena, const char *hash,
			 struct store_token *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_BY_HASH);
	db_put_text(q, hash);
	return read_one(q, arena, out, e);
}

bool store_token_list(struct db *db, struct arena *arena, int64_t account_id,
		      const struct store_page *page, struct store_token *out, size_t *found,
		      struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	*found = 0;
	db_put_int(q, account_id);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_token_count(struct db *db, int64_t account_id, int64_t *count, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_COUNT);
	db_put_int(q, account_id);
	*count = db_row(q) ? db_get_int(q) : 0;
	return db_end(q, e);
}

bool store_token_change(struct db *w, const struct store_token *t, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_CHANGE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, t->id);
	db_put_text(q, t->name);
	db_put_text(q, t->makers);
	db_put_text(q, t->tasks);
	db_put_text(q, t->networks);
	db_put_text(q, t->origins);
	return db_end(q, e);
}

bool store_token_set_state(struct db *w, int64_t id, enum store_token_state state,
			   const char *reason, int64_t watched_from, bool *changed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET_STATE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, state);
	db_put_text(q, reason);
	db_put_int(q, watched_from);
	return store_end_changed(q, changed, e);
}

bool store_token_end(struct db *w, int64_t id, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_END);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_token_use_add(struct db *w, int64_t token_id, int64_t minute,
			 const struct store_token_use *use, int64_t now_ms, struct err *e)
{
	int64_t known = 0;
	struct db_stmt *q = db_stmt(w, SQL_USED);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, token_id);
	db_put_int(q, use->count);
	db_put_int(q, now_ms);
	db_put_text(q, use->network);
	if (!db_end_changed(q, &known, e))
		return false;
	if (!known)
		return true; /* deleted meanwhile */
	q = db_stmt(w, SQL_USE_ADD);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, token_id);
	db_put_int(q, minute);
	db_put_text(q, use->network);
	db_put_text(q, use->agent);
	db_put_int(q, use->count);
	return db_end(q, e);
}

bool store_token_use_list(struct db *db, struct arena *arena, int64_t token_id,
			  struct store_token_use *out, size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_USES);
	*found = 0;
	db_put_int(q, token_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q)) {
		struct store_token_use *u = &out[(*found)++];
		u->network = db_get_text(q, arena);
		u->agent = db_get_text(q, arena);
		u->count = db_get_int(q);
		u->first_minute = db_get_int(q);
		u->last_minute = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_token_spread(struct db *db, int64_t token_id, int64_t from_minute,
			int64_t rate_from_minute, struct store_token_spread *out, struct err *e)
{
	*out = (struct store_token_spread){0};
	struct db_stmt *q = db_stmt(db, SQL_SPREAD);
	db_put_int(q, token_id);
	db_put_int(q, from_minute);
	if (db_row(q)) {
		out->networks = db_get_int(q);
		out->agents = db_get_int(q);
	}
	if (!db_end(q, e))
		return false;
	q = db_stmt(db, SQL_BUSIEST);
	db_put_int(q, token_id);
	db_put_int(q, rate_from_minute);
	if (db_row(q))
		out->in_a_minute = db_get_int(q);
	return db_end(q, e);
}

bool store_token_use_expire(struct db *w, int64_t before_minute, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_USES_EXPIRE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, before_minute);
	return db_end(q, e);
}
