/* Sessions, OAuth apps, grants and tokens, one-time codes. Of every secret only the SHA-256 is here: they are
 * random and long, so a fast hash is enough. */
#ifndef MADANG_STORE_OAUTH_H
#define MADANG_STORE_OAUTH_H

#include "store/page.h"

struct store_session {
	int64_t id;
	const char *token_hash;
	int64_t account_id;
	const char *ip;
	const char *agent;
	int64_t created_at;
	int64_t used_at;
	int64_t expires_at;
};

struct store_oauth_app {
	int64_t id;
	const char *name;
	const char *website;
	const char *redirect_uris; /* one a line */
	const char *scopes;
	const char *client_id;
	const char *client_secret_hash;
	int64_t created_at;
};

struct store_oauth_grant {
	const char *code_hash;
	int64_t app_id;
	int64_t account_id;
	const char *redirect_uri;
	const char *scopes;
	const char *code_challenge;
	int64_t expires_at;
};

struct store_oauth_token {
	int64_t id;
	const char *token_hash;
	int64_t app_id;     /* 0: made by the command line or as an API key */
	int64_t account_id; /* 0: client credentials */
	const char *name;
	const char *scopes;
	int64_t created_at;
	int64_t used_at;
	int64_t expires_at; /* 0: never */
	int64_t revoked_at;
};

enum store_code_purpose { STORE_CODE_SETUP, STORE_CODE_RESET, STORE_CODE_CONFIRM };

/* All getters: ERR_NOT_FOUND where there is none. */
bool store_session_insert(struct db *w, const struct store_session *session,
			  struct err *e) MUST_CHECK;
bool store_session_get(struct db *db, struct arena *arena, const char *token_hash,
		       struct store_session *out, struct err *e) MUST_CHECK;
bool store_session_touch(struct db *w, int64_t id, int64_t used_at, int64_t expires_at,
			 struct err *e) MUST_CHECK;
bool store_session_delete(struct db *w, int64_t id, struct err *e) MUST_CHECK;
/* All sessions of an account but `except_id` (0: all). */
bool store_session_delete_all(struct db *w, int64_t account_id, int64_t except_id,
			      struct err *e) MUST_CHECK;
bool store_session_expire(struct db *w, int64_t now_ms, struct err *e) MUST_CHECK;

bool store_oauth_app_insert(struct db *w, const struct store_oauth_app *app,
			    struct err *e) MUST_CHECK;
/* Those of `ids` that exist, in no order; out has room for `count`. */
bool store_oauth_app_get_many(struct db *db, struct arena *arena, const int64_t *ids, size_t count,
			      struct store_oauth_app *out, size_t *found, struct err *e) MUST_CHECK;
bool store_oauth_app_get(struct db *db, struct arena *arena, int64_t id,
			 struct store_oauth_app *out, struct err *e) MUST_CHECK;
bool store_oauth_app_by_client(struct db *db, struct arena *arena, const char *client_id,
			       struct store_oauth_app *out, struct err *e) MUST_CHECK;

bool store_oauth_grant_insert(struct db *w, const struct store_oauth_grant *grant,
			      struct err *e) MUST_CHECK;
/* Reads and deletes it: a grant counts once. */
bool store_oauth_grant_take(struct db *w, struct arena *arena, const char *code_hash,
			    struct store_oauth_grant *out, struct err *e) MUST_CHECK;

bool store_oauth_token_insert(struct db *w, const struct store_oauth_token *token,
			      struct err *e) MUST_CHECK;
bool store_oauth_token_get(struct db *db, struct arena *arena, const char *token_hash,
			   struct store_oauth_token *out, struct err *e) MUST_CHECK;
bool store_oauth_token_touch(struct db *w, int64_t id, int64_t used_at, struct err *e) MUST_CHECK;
bool store_oauth_token_revoke(struct db *w, int64_t id, int64_t now_ms, struct err *e) MUST_CHECK;
bool store_oauth_token_revoke_all(struct db *w, int64_t account_id, int64_t now_ms,
				  struct err *e) MUST_CHECK;

bool store_code_insert(struct db *w, const char *code_hash, enum store_code_purpose purpose,
		       int64_t account_id, int64_t now_ms, int64_t expires_at,
		       struct err *e) MUST_CHECK;
/* *account_id 0 for set-up codes. ERR_NOT_FOUND where there is none that still counts. */
bool store_code_find(struct db *db, const char *code_hash, enum store_code_purpose purpose,
		     int64_t now_ms, int64_t *account_id, struct err *e) MUST_CHECK;
bool store_code_delete(struct db *w, const char *code_hash, struct err *e) MUST_CHECK;
bool store_code_delete_purpose(struct db *w, enum store_code_purpose purpose, int64_t account_id,
			       struct err *e) MUST_CHECK;

#endif
