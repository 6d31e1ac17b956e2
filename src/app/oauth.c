/* OAuth 2 for apps: registering, consent, exchanging codes for tokens, revoking. Any thread. What must stay
 * true: a code counts once, only for the client, the redirect and the verifier it was made for. */
#include "app/oauth.h"

#include "app/private.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/str.h"

#include <sodium.h>
#include <string.h>

enum { GRANT_TTL_MS = 10 * 60 * 1000, URIS_MAX = 4000, NAME_MAX_CHARACTERS = 200 };

static const char PURPOSE_TOKEN[] = "token";
static const char PURPOSE_CLIENT[] = "client";
static const char PURPOSE_GRANT[] = "grant";

static bool oauth_err(struct err *e, enum err_code code, const char *name, const char *message)
{
	err_set(e, code, "%s", message);
	return err_detail(e, "%s", name);
}

static bool scope_known(const char *s, size_t length)
{
	static const char *const groups[] = {"read",       "write",       "follow", "push",
					     "admin:read", "admin:write", "profile"};
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		size_t group = strlen(groups[i]);
		if (length >= group && strncmp(s, groups[i], group) == 0 &&
		    (length == group || s[group] == ':'))
			return true;
	}
	return false;
}

/* Every scope asked for must be known and held by `held`. */
static bool check_scopes(const char *scopes, const char *held, struct err *e)
{
	if (strlen(scopes) > 1000)
		return oauth_err(e, ERR_INVALID, "invalid_scope", "The requested scope is invalid");
	for (const char *s = scopes; *s;) {
		size_t length = strcspn(s, " +");
		char name[64];
		if (length >= sizeof(name))
			return oauth_err(e, ERR_INVALID, "invalid_scope",
					 "The requested scope is invalid");
		memcpy(name, s, length);
		name[length] = '\0';
		if (length > 0 &&
		    (!scope_known(name, length) || (held && !app_scope_allows(held, name))))
			return oauth_err(e, ERR_INVALID, "invalid_scope",
					 "The requested scope is invalid, unknown, or malformed");
		s += length + (s[length] != '\0');
	}
	return true;
}

static bool redirect_listed(const char *list, const char *uri)
{
	size_t length = strlen(uri);
	while (*list) {
		size_t line = strcspn(list, "\n");
		if (line == length && strncmp(list, uri, length) == 0)
			return true;
		list += line + (list[line] == '\n');
	}
	return false;
}

/* A scheme of its own (com.example.app:/x), http(s), or the out-of-band name; never javascript: or data:. */
static bool check_redirects(const char *list, struct err *e)
{
	static const char message[] = "Validation failed: Redirect URI must be an absolute URI";
	if (!*list || strlen(list) > URIS_MAX || !str_is_utf8(list, strlen(list)))
		return err_set(e, ERR_INVALID, "%s", message);
	for (const char *s = list; *s;) {
		size_t line = strcspn(s, "\n");
		size_t scheme =
		    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
		if (scheme == 0 || scheme >= line || s[scheme] != ':' ||
		    (scheme == 10 && strncasecmp(s, "javascript", 10) == 0) ||
		    (scheme == 4 && strncasecmp(s, "data", 4) == 0) ||
		    (scheme == 8 && strncasecmp(s, "vbscript", 8) == 0))
			return err_set(e, ERR_INVALID, "%s", message);
		s += line + (s[line] == '\n');
	}
	return true;
}

static bool insert_app(struct app *w, void *context, struct err *e)
{
	return store_oauth_app_insert(w->db, context, e);
}

bool app_oauth_app_create(struct app *app, const char *name, const char *redirect_uris,
			  const char *scopes, const char *website, struct store_oauth_app *out,
			  const char **secret, struct err *e)
{
	if (!name || !name[0])
		return err_set(e, ERR_INVALID,
			       "Validation failed: Application Name can't be blank");
	if (!scopes || !scopes[0])
		scopes = "read";
	if (!app_check_text("client_name", name, NAME_MAX_CHARACTERS, e) ||
	    !check_redirects(redirect_uris, e) || !check_scopes(scopes, NULL, e) ||
	    (website && !app_check_text("website", website, 2000, e)))
		return false;
	*secret = app_secret_new(app->arena);
	*out = (struct store_oauth_app){
	    .id = id_new(),
	    .name = name,
	    .website = website && website[0] ? website : NULL,
	    .redirect_uris = redirect_uris,
	    .scopes = scopes,
	    .client_id = app_secret_new(app->arena),
	    .client_secret_hash = app_secret_hash(app->arena, PURPOSE_CLIENT, *secret),
	    .created_at = app->now_ms,
	};
	return app_write(app, insert_app, out, e);
}

bool app_oauth_app_get(struct app *app, int64_t app_id, struct store_oauth_app *out, struct err *e)
{
	return store_oauth_app_get(app->db, app->arena, app_id, out, e);
}

bool app_oauth_check(struct app *app, const struct app_oauth_request *request,
		     struct store_oauth_app *out, struct err *e)
{
	if (!request->client_id ||
	    !store_oauth_app_by_client(app->db, app->arena, request->client_id, out, e)) {
		if (request->client_id && e->code != ERR_NOT_FOUND)
			return false;
		return oauth_err(e, ERR_UNAUTHORIZED, "invalid_client",
				 "Client authentication failed due to unknown client");
	}
	if (!request->redirect_uri || !redirect_listed(out->redirect_uris, request->redirect_uri))
		return oauth_err(e, ERR_INVALID, "invalid_request",
				 "The redirect uri included is not valid.");
	if (request->code_challenge &&
	    (strlen(request->code_challenge) != 43 || !request->code_challenge_method ||
	     strcmp(request->code_challenge_method, "S256") != 0))
		return oauth_err(e, ERR_INVALID, "invalid_request",
				 "The code challenge method must be S256.");
	return !request->scopes || check_scopes(request->scopes, out->scopes, e);
}

static bool insert_grant(struct app *w, void *context, struct err *e)
{
	return store_oauth_grant_insert(w->db, context, e);
}

bool app_oauth_authorize(struct app *app, const struct app_oauth_request *request,
			 const char **code, struct err *e)
{
	struct store_oauth_app client;
	if (!app_need_account(app, e) || !app_oauth_check(app, request, &client, e))
		return false;
	*code = app_secret_new(app->arena);
	struct store_oauth_grant grant = {
	    .code_hash = app_secret_hash(app->arena, PURPOSE_GRANT, *code),
	    .app_id = client.id,
	    .account_id = app->account_id,
	    .redirect_uri = request->redirect_uri,
	    .scopes = request->scopes && request->scopes[0] ? request->scopes : client.scopes,
	    .code_challenge = request->code_challenge,
	    .expires_at = app->now_ms + GRANT_TTL_MS,
	};
	return app_write(app, insert_grant, &grant, e);
}

struct exchange_call {
	const struct app_oauth_exchange *request;
	const struct store_oauth_app *client; /* NULL: no app */
	int64_t account_id;
	const char *name;
	const char *scopes;
	const char *token;
	bool refused; /* the grant is used up, but does not count */
};

static bool insert_token(struct app *w, struct exchange_call *call, struct err *e)
{
	call->token = app_secret_new(w->arena);
	struct store_oauth_token row = {
	    .id = id_new(),
	    .token_hash = app_secret_hash(w->arena, PURPOSE_TOKEN, call->token),
	    .app_id = call->client ? call->client->id : 0,
	    .account_id = call->account_id,
	    .name = call->name,
	    .scopes = call->scopes,
	    .created_at = w->now_ms,
	};
	return store_oauth_token_insert(w->db, &row, e);
}

static bool challenge_met(const char *challenge, const char *verifier)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	struct buf text;
	if (!challenge)
		return true;
	size_t length = verifier ? strlen(verifier) : 0;
	if (length < 43 || length > 128)
		return false;
	crypto_hash_sha256(digest, (const unsigned char *)verifier, length);
	buf_init(&text, 64);
	codec_base64url(&text, digest, sizeof(digest));
	bool met = strcmp(text.data, challenge) == 0;
	buf_finish(&text);
	return met;
}

static bool exchange(struct app *w, void *context, struct err *e)
{
	struct exchange_call *call = context;
	const struct app_oauth_exchange *r = call->request;
	struct store_oauth_grant grant;
	call->refused = false;
	if (!store_oauth_grant_take(w->db, w->arena,
				    app_secret_hash(w->arena, PURPOSE_GRANT, r->code), &grant, e)) {
		call->refused = e->code == ERR_NOT_FOUND;
		return call->refused;
	}
	/* A code without a challenge needs the secret: otherwise whoever sees the code could use it. */
	call->refused = grant.app_id != call->client->id || grant.expires_at <= w->now_ms ||
			!r->redirect_uri || strcmp(grant.redirect_uri, r->redirect_uri) != 0 ||
			!challenge_met(grant.code_challenge, r->code_verifier) ||
			(!r->client_secret && !grant.code_challenge);
	if (call->refused)
		return true; /* commit: the code is gone */
	call->account_id = grant.account_id;
	call->scopes = grant.scopes;
	return insert_token(w, call, e);
}

static bool insert_token_write(struct app *w, void *context, struct err *e)
{
	return insert_token(w, context, e);
}

static bool secret_matches(struct app *app, const struct store_oauth_app *client,
			   const char *secret)
{
	const char *hash = app_secret_hash(app->arena, PURPOSE_CLIENT, secret);
	return sodium_memcmp(hash, client->client_secret_hash, 64) == 0;
}

static bool find_client(struct app *app, const char *client_id, const char *secret,
			bool secret_needed, struct store_oauth_app *out, struct err *e)
{
	static const char message[] =
	    "Client authentication failed due to unknown client, no client "
	    "authentication included, or unsupported authentication method.";
	if (client_id && !store_oauth_app_by_client(app->db, app->arena, client_id, out, e) &&
	    e->code != ERR_NOT_FOUND)
		return false;
	if (!client_id || e->code == ERR_NOT_FOUND || (secret_needed && !secret) ||
	    (secret && !secret_matches(app, out, secret)))
		return oauth_err(e, ERR_UNAUTHORIZED, "invalid_client", message);
	return true;
}

bool app_oauth_exchange(struct app *app, const struct app_oauth_exchange *request,
			struct app_oauth_token *out, struct err *e)
{
	struct store_oauth_app client;
	struct exchange_call call = {.request = request, .client = &client};
	bool own = request->grant_type && strcmp(request->grant_type, "client_credentials") == 0;
	struct err found = {0};
	if (!own &&
	    (!request->grant_type || strcmp(request->grant_type, "authorization_code") != 0))
		return oauth_err(
		    e, ERR_INVALID, "unsupported_grant_type",
		    "The authorization grant type is not supported by the authorization server.");
	if (!find_client(app, request->client_id, request->client_secret, own, &client, &found)) {
		*e = found;
		return false;
	}
	if (own) {
		call.scopes = request->scopes && request->scopes[0] ? request->scopes : "read";
		if (!check_scopes(call.scopes, client.scopes, e) ||
		    !app_write(app, insert_token_write, &call, e))
			return false;
	} else {
		if (!request->code)
			return oauth_err(e, ERR_INVALID, "invalid_request",
					 "Missing required parameter: code.");
		if (!app_write(app, exchange, &call, e))
			return false;
		if (call.refused)
			return oauth_err(
			    e, ERR_INVALID, "invalid_grant",
			    "The provided authorization grant is invalid, expired, revoked, or was made for another "
			    "client.");
	}
	*out = (struct app_oauth_token){call.token, call.scopes, app->now_ms};
	return true;
}

struct revoke_call {
	int64_t token_id;
	int64_t account_id;
};

static bool revoke(struct app *w, void *context, struct err *e)
{
	struct revoke_call *call = context;
	app_emit(w,
		 &(struct app_event){.type = APP_EVENT_SIGNED_OUT, .account_id = call->account_id});
	return store_oauth_token_revoke(w->db, call->token_id, w->now_ms, e);
}

bool app_oauth_revoke(struct app *app, const char *client_id, const char *client_secret,
		      const char *token, struct err *e)
{
	struct store_oauth_app client;
	struct store_oauth_token row;
	struct err found = {0};
	if (!find_client(app, client_id, client_secret, true, &client, &found)) {
		*e = found;
		return false;
	}
	if (!token ||
	    !store_oauth_token_get(app->db, app->arena,
				   app_secret_hash(app->arena, PURPOSE_TOKEN, token), &row, e))
		return !token || e->code == ERR_NOT_FOUND;
	if (row.app_id != client.id)
		return oauth_err(e, ERR_FORBIDDEN, "unauthorized_client",
				 "You are not authorized to revoke this token");
	struct revoke_call call = {row.id, row.account_id};
	return app_write(app, revoke, &call, e);
}

bool app_oauth_token_create(struct app *app, int64_t account_id, const char *name,
			    const char *scopes, struct app_oauth_token *out, struct err *e)
{
	struct exchange_call call = {.account_id = account_id, .name = name, .scopes = scopes};
	if (!check_scopes(scopes, NULL, e) || !app_write(app, insert_token_write, &call, e))
		return false;
	*out = (struct app_oauth_token){call.token, scopes, app->now_ms};
	return true;
}
