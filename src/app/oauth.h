/* OAuth 2 with PKCE: apps, consent, tokens. Failures carry the OAuth error name in detail ("invalid_grant",
 * "invalid_client", "invalid_scope", "invalid_request", "unsupported_grant_type"). */
#ifndef MADANG_APP_OAUTH_H
#define MADANG_APP_OAUTH_H

#include "app/auth.h"
#include "store/oauth.h"

/* redirect_uris: one a line. *secret is shown once. */
bool app_oauth_app_create(struct app *app, const char *name, const char *redirect_uris,
			  const char *scopes, const char *website, struct store_oauth_app *out,
			  const char **secret, struct err *e) MUST_CHECK;
bool app_oauth_app_get(struct app *app, int64_t app_id, struct store_oauth_app *out,
		       struct err *e) MUST_CHECK;

/* Checks what the consent page is asked to show: client, redirect, scopes, challenge. */
struct app_oauth_request {
	const char *client_id;
	const char *redirect_uri;
	const char *scopes;                /* NULL: those of the app */
	const char *code_challenge;        /* may be NULL */
	const char *code_challenge_method; /* "S256" where there is a challenge */
};
bool app_oauth_check(struct app *app, const struct app_oauth_request *request,
		     struct store_oauth_app *out, struct err *e) MUST_CHECK;
/* The person agrees: a code that counts once, for ten minutes. */
bool app_oauth_authorize(struct app *app, const struct app_oauth_request *request,
			 const char **code, struct err *e) MUST_CHECK;

struct app_oauth_exchange {
	const char *grant_type; /* "authorization_code" or "client_credentials" */
	const char *client_id;
	const char *client_secret; /* may be NULL where there is a verifier */
	const char *code;
	const char *redirect_uri;
	const char *code_verifier;
	const char *scopes;
};
struct app_oauth_token {
	const char *access_token; /* shown once */
	const char *scopes;
	int64_t created_at;
};
bool app_oauth_exchange(struct app *app, const struct app_oauth_exchange *request,
			struct app_oauth_token *out, struct err *e) MUST_CHECK;
/* Unknown tokens are no error. */
bool app_oauth_revoke(struct app *app, const char *client_id, const char *client_secret,
		      const char *token, struct err *e) MUST_CHECK;
/* A token without an app: the command line, API keys. */
bool app_oauth_token_create(struct app *app, int64_t account_id, const char *name,
			    const char *scopes, struct app_oauth_token *out,
			    struct err *e) MUST_CHECK;

#endif
