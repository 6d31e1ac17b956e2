/* All SQL that looks at sessions and tokens together. No state; any thread. */
#include "store/signed_in.h"

static const char SQL_LIST[] =
    "SELECT id, 0, agent, created_at, used_at FROM sessions WHERE account_id = $1 "
    "UNION ALL "
    "SELECT t.id, 1, COALESCE(a.name, t.name), t.created_at, COALESCE(t.used_at, t.created_at) "
    "FROM oauth_tokens t LEFT JOIN oauth_apps a ON a.id = t.app_id "
    "WHERE t.account_id = $1 AND t.revoked_at IS NULL "
    "ORDER BY 4 DESC LIMIT $2";
static const char SQL_SESSION_END[] = "DELETE FROM sessions WHERE id = $1 AND account_id = $2";
static const char SQL_TOKEN_END[] =
    "UPDATE oauth_tokens SET revoked_at = $3 WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL";

bool store_signed_in_list(struct db *db, struct arena *arena, int64_t account_id,
			  struct store_signed_in *out, size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_LIST);
	db_put_int(q, account_id);
	db_put_int(q, (int64_t)room);
	*found = 0;
	while (*found < room && db_row(q)) {
		struct store_signed_in *s = &out[(*found)++];
		s->id = db_get_int(q);
		s->app = db_get_int(q) != 0;
		s->name = db_get_text(q, arena);
		s->created_at = db_get_int(q);
		s->used_at = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_signed_in_end(struct db *w, int64_t account_id, int64_t id, int64_t now_ms, bool *ended,
			 struct err *e)
{
	int64_t sessions = 0, tokens = 0;
	struct db_stmt *q = db_stmt(w, SQL_SESSION_END);
	db_put_int(q, id);
	db_put_int(q, account_id);
	if (!db_end_changed(q, &sessions, e))
		return false;
	q = db_stmt(w, SQL_TOKEN_END);
	db_put_int(q, id);
	db_put_int(q, account_id);
	db_put_int(q, now_ms);
	if (!db_end_changed(q, &tokens, e))
		return false;
	*ended = sessions + tokens > 0;
	return true;
}
