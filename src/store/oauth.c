/* All SQL on sessions, OAuth apps, grants, tokens and one-time codes. No state; any thread. */
#include "store/oauth.h"

#include "store/end.h"

static const char SQL_SESSION_INSERT[] =
    "INSERT INTO sessions (id, token_hash, account_id, ip, agent, created_at, used_at, expires_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
static const char SQL_SESSION_GET[] =
    "SELECT id, token_hash, account_id, ip, agent, created_at, used_at, "
    "expires_at FROM sessions WHERE token_hash = $1";
static const char SQL_SESSION_TOUCH[] =
    "UPDATE sessions SET used_at = $2, expires_at = $3 WHERE id = $1";
static const char SQL_SESSION_DELETE[] = "DELETE FROM sessions WHERE id = $1";
static const char SQL_SESSION_DELETE_ALL[] =
    "DELETE FROM sessions WHERE account_id = $1 AND id <> $2";
static const char SQL_SESSION_EXPIRE[] = "DELETE FROM sessions WHERE expires_at < $1";
static const char SQL_APP_INSERT[] =
    "INSERT INTO oauth_apps (id, name, website, redirect_uris, scopes, client_id, client_secret_hash, "
    "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
#define APP_SELECT                                                                                    \
	"SELECT id, name, website, redirect_uris, scopes, client_id, client_secret_hash, created_at " \
	"FROM oauth_apps WHERE "
static const char SQL_APP_GET[] = APP_SELECT "id = $1";
static const char SQL_APP_GET_MANY[] = APP_SELECT "id IN " DB_IDS;
static const char SQL_APP_BY_CLIENT[] = APP_SELECT "client_id = $1";
static const char SQL_GRANT_INSERT[] =
    "INSERT INTO oauth_grants (code_hash, app_id, account_id, redirect_uri, scopes, code_challenge, "
    "expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
static const char SQL_GRANT_TAKE[] =
    "DELETE FROM oauth_grants WHERE code_hash = $1 RETURNING code_hash, app_id, account_id, redirect_uri, "
    "scopes, code_challenge, expires_at";
static const char SQL_TOKEN_INSERT[] =
    "INSERT INTO oauth_tokens (id, token_hash, app_id, account_id, name, scopes, created_at, expires_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
static const char SQL_TOKEN_GET[] =
    "SELECT id, token_hash, app_id, account_id, name, scopes, created_at, "
    "used_at, expires_at, revoked_at FROM oauth_tokens WHERE token_hash = $1";
static const char SQL_TOKEN_TOUCH[] = "UPDATE oauth_tokens SET used_at = $2 WHERE id = $1";
static const char SQL_TOKEN_REVOKE[] =
    "UPDATE oauth_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
static const char SQL_TOKEN_REVOKE_ALL[] =
    "UPDATE oauth_tokens SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL";
static const char SQL_CODE_INSERT[] =
    "INSERT INTO one_time_codes (code_hash, purpose, account_id, created_at, expires_at) "
    "VALUES ($1, $2, $3, $4, $5)";
static const char SQL_CODE_FIND[] =
    "SELECT account_id FROM one_time_codes WHERE code_hash = $1 AND purpose = $2 AND expires_at > $3";
static const char SQL_CODE_DELETE[] = "DELETE FROM one_time_codes WHERE code_hash = $1";
static const char SQL_CODE_DELETE_PURPOSE[] =
    "DELETE FROM one_time_codes WHERE purpose = $1 AND COALESCE(account_id, 0) = $2";

bool store_session_insert(struct db *w, const struct store_session *session, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SESSION_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, session->id);
	db_put_text(q, session->token_hash);
	db_put_int(q, session->account_id);
	db_put_text(q, session->ip ? session->ip : "");
	db_put_text(q, session->agent ? session->agent : "");
	db_put_int(q, session->created_at);
	db_put_int(q, session->used_at);
	db_put_int(q, session->expires_at);
	return db_end(q, e);
}

bool store_session_get(struct db *db, struct arena *arena, const char *token_hash,
		       struct store_session *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_SESSION_GET);
	db_put_text(q, token_hash);
	bool found = db_row(q);
	if (found) {
		out->id = db_get_int(q);
		out->token_hash = db_get_text(q, arena);
		out->account_id = db_get_int(q);
		out->ip = db_get_text(q, arena);
		out->agent = db_get_text(q, arena);
		out->created_at = db_get_int(q);
		out->used_at = db_get_int(q);
		out->expires_at = db_get_int(q);
	}
	return store_end_found(q, found, e);
}

bool store_session_touch(struct db *w, int64_t id, int64_t used_at, int64_t expires_at,
			 struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SESSION_TOUCH);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, used_at);
	db_put_int(q, expires_at);
	return db_end(q, e);
}

bool store_session_delete(struct db *w, int64_t id, struct err *e)
{
	return store_run_1(w, SQL_SESSION_DELETE, id, e);
}

bool store_session_delete_all(struct db *w, int64_t account_id, int64_t except_id, struct err *e)
{
	return store_run_2(w, SQL_SESSION_DELETE_ALL, account_id, except_id, e);
}

bool store_session_expire(struct db *w, int64_t now_ms, struct err *e)
{
	return store_run_1(w, SQL_SESSION_EXPIRE, now_ms, e);
}

bool store_oauth_app_insert(struct db *w, const struct store_oauth_app *app, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_APP_INSERT);
	db_put_int(q, app->id);
	db_put_text(q, app->name);
	db_put_text(q, app->website);
	db_put_text(q, app->redirect_uris);
	db_put_text(q, app->scopes);
	db_put_text(q, app->client_id);
	db_put_text(q, app->client_secret_hash);
	db_put_int(q, app->created_at);
	return db_end(q, e);
}

static void take_app(struct db_stmt *q, struct arena *arena, struct store_oauth_app *out)
{
	out->id = db_get_int(q);
	out->name = db_get_text(q, arena);
	out->website = db_get_text(q, arena);
	out->redirect_uris = db_get_text(q, arena);
	out->scopes = db_get_text(q, arena);
	out->client_id = db_get_text(q, arena);
	out->client_secret_hash = db_get_text(q, arena);
	out->created_at = db_get_int(q);
}

static bool read_app(struct db_stmt *q, struct arena *arena, struct store_oauth_app *out,
		     struct err *e)
{
	bool found = db_row(q);
	if (found)
		take_app(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_oauth_app_get(struct db *db, struct arena *arena, int64_t id,
			 struct store_oauth_app *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_APP_GET);
	db_put_int(q, id);
	return read_app(q, arena, out, e);
}

bool store_oauth_app_get_many(struct db *db, struct arena *arena, const int64_t *ids, size_t count,
			      struct store_oauth_app *out, size_t *found, struct err *e)
{
	*found = 0;
	for (size_t done = 0; done < count; done += DB_IDS_MAX) {
		size_t piece = count - done < DB_IDS_MAX ? count - done : DB_IDS_MAX;
		struct db_stmt *q = db_stmt(db, SQL_APP_GET_MANY);
		db_put_ids(q, ids + done, piece);
		while (*found < count && db_row(q))
			take_app(q, arena, &out[(*found)++]);
		if (!db_end(q, e))
			return false;
	}
	return true;
}

bool store_oauth_app_by_client(struct db *db, struct arena *arena, const char *client_id,
			       struct store_oauth_app *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_APP_BY_CLIENT);
	db_put_text(q, client_id);
	return read_app(q, arena, out, e);
}

bool store_oauth_grant_insert(struct db *w, const struct store_oauth_grant *grant, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_GRANT_INSERT);
	db_put_text(q, grant->code_hash);
	db_put_int(q, grant->app_id);
	db_put_int(q, grant->account_id);
	db_put_text(q, grant->redirect_uri);
	db_put_text(q, grant->scopes);
	db_put_text(q, grant->code_challenge);
	db_put_int(q, grant->expires_at);
	return db_end(q, e);
}

bool store_oauth_grant_take(struct db *w, struct arena *arena, const char *code_hash,
			    struct store_oauth_grant *out, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_GRANT_TAKE);
	db_put_text(q, code_hash);
	bool found = db_row(q);
	if (found) {
		out->code_hash = db_get_text(q, arena);
		out->app_id = db_get_int(q);
		out->account_id = db_get_int(q);
		out->redirect_uri = db_get_text(q, arena);
		out->scopes = db_get_text(q, arena);
		out->code_challenge = db_get_text(q, arena);
		out->expires_at = db_get_int(q);
	}
	return store_end_found(q, found, e);
}

bool store_oauth_token_insert(struct db *w, const struct store_oauth_token *token, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_TOKEN_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, token->id);
	db_put_text(q, token->token_hash);
	db_put_ref(q, token->app_id);
	db_put_ref(q, token->account_id);
	db_put_text(q, token->name ? token->name : "");
	db_put_text(q, token->scopes);
	db_put_int(q, token->created_at);
	db_put_ref(q, token->expires_at);
	return db_end(q, e);
}

bool store_oauth_token_get(struct db *db, struct arena *arena, const char *token_hash,
			   struct store_oauth_token *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_TOKEN_GET);
	db_put_text(q, token_hash);
	bool found = db_row(q);
	if (found) {
		out->id = db_get_int(q);
		out->token_hash = db_get_text(q, arena);
		out->app_id = db_get_int(q);
		out->account_id = db_get_int(q);
		out->name = db_get_text(q, arena);
		out->scopes = db_get_text(q, arena);
		out->created_at = db_get_int(q);
		out->used_at = db_get_int(q);
		out->expires_at = db_get_int(q);
		out->revoked_at = db_get_int(q);
	}
	return store_end_found(q, found, e);
}

bool store_oauth_token_touch(struct db *w, int64_t id, int64_t used_at, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_TOKEN_TOUCH);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, used_at);
	return db_end(q, e);
}

bool store_oauth_token_revoke(struct db *w, int64_t id, int64_t now_ms, struct err *e)
{
	return store_run_2(w, SQL_TOKEN_REVOKE, id, now_ms, e);
}

bool store_oauth_token_revoke_all(struct db *w, int64_t account_id, int64_t now_ms, struct err *e)
{
	return store_run_2(w, SQL_TOKEN_REVOKE_ALL, account_id, now_ms, e);
}

bool store_code_insert(struct db *w, const char *code_hash, enum store_code_purpose purpose,
		       int64_t account_id, int64_t now_ms, int64_t expires_at, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_CODE_INSERT);
	db_put_text(q, code_hash);
	db_put_int(q, purpose);
	db_put_ref(q, account_id);
	db_put_int(q, now_ms);
	db_put_int(q, expires_at);
	return db_end(q, e);
}

bool store_code_find(struct db *db, const char *code_hash, enum store_code_purpose purpose,
		     int64_t now_ms, int64_t *account_id, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_CODE_FIND);
	db_put_text(q, code_hash);
	db_put_int(q, purpose);
	db_put_int(q, now_ms);
	bool found = db_row(q);
	*account_id = found ? db_get_int(q) : 0;
	return store_end_found(q, found, e);
}

bool store_code_delete(struct db *w, const char *code_hash, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_CODE_DELETE);
	db_put_text(q, code_hash);
	return db_end(q, e);
}

bool store_code_delete_purpose(struct db *w, enum store_code_purpose purpose, int64_t account_id,
			       struct err *e)
{
	return store_run_2(w, SQL_CODE_DELETE_PURPOSE, purpose, account_id, e);
}
