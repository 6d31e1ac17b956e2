/* Who are you: set-up, sign-up, sign-in, sessions, passwords, the second factor. */
#ifndef MADANG_APP_AUTH_H
#define MADANG_APP_AUTH_H

#include "app/app.h"

/* Who a session or a token stands for. */
struct app_identity {
	int64_t account_id; /* 0: an app's own token (client credentials) */
	enum store_role role;
	unsigned scopes;         /* enum app_scope; a session has all */
	const char *scope_names; /* as granted: "read write:media" */
	int64_t session_id;      /* 0: a token */
	int64_t token_id;        /* 0: a session */
	int64_t app_id;
	const struct store_token *token; /* token_id is that of an API token; NULL: of an app */
	const char *csrf_token;          /* of the session */
	int64_t expires_at;              /* 0: never */
};
/* Makes `app` ask in the name of the identity. */
void app_become(struct app *app, const struct app_identity *identity);

/* ERR_UNAUTHORIZED: unknown, expired, revoked, or the account may not sign in (any more). */
bool app_auth_token(struct app *app, const char *token, struct app_identity *out,
		    struct err *e) MUST_CHECK;
bool app_auth_session(struct app *app, const char *cookie, struct app_identity *out,
		      struct err *e) MUST_CHECK;
/* Whether `scope_names` holds `needed` ("write:media" is held by "write" and by itself). */
bool app_scope_allows(const char *scope_names, const char *needed);

/* A session that has begun: the secret for the cookie, shown once. */
struct app_session {
	const char *cookie;
	struct app_identity identity;
};

/* Set-up: while there is no local account. The code is stored hashed; making a new one ends the old. */
bool app_setup_required(struct app *app, bool *required, struct err *e) MUST_CHECK;
bool app_setup_code(struct app *app, const char **code, struct err *e) MUST_CHECK;
struct app_sign_up {
	const char *username;
	const char *email;
	const char *password;
	const char *display_name; /* may be NULL */
	const char *reason;       /* may be NULL */
	const char *invitation;   /* may be NULL */
	const char *locale;       /* may be NULL */
	const char *agent;        /* User-Agent, for the list of sessions; may be NULL */
	bool agreement;
};
bool app_setup(struct app *app, const char *code, const struct app_sign_up *form,
	       struct app_session *out, struct err *e) MUST_CHECK;
/* *pending: an administrator has to approve; then *out is empty. */
bool app_sign_up(struct app *app, const struct app_sign_up *form, struct app_session *out,
		 bool *pending, struct err *e) MUST_CHECK;
/* The command line's way: no session. */
bool app_account_create(struct app *app, const struct app_sign_up *form, enum store_role role,
			int64_t *account_id, struct err *e) MUST_CHECK;

/* login: a name or an e-mail address; totp: a code of the app, or a recovery code. ERR_UNAUTHORIZED (with *totp_required where only that is missing),
 * ERR_LIMIT after too many tries, ERR_FORBIDDEN where the account is pending or suspended. */
bool app_sign_in(struct app *app, const char *login, const char *password, const char *totp,
		 const char *agent, struct app_session *out, bool *totp_required,
		 struct err *e) MUST_CHECK;
bool app_sign_out(struct app *app, int64_t session_id, struct err *e) MUST_CHECK;

/* The language in which the house writes to who asks: mails, notices outside the page, guesses. */
bool app_locale_set(struct app *app, const char *locale, struct err *e) MUST_CHECK;

/* Ends all other sessions (session_id stays) and every token. */
bool app_password_change(struct app *app, int64_t session_id, const char *current,
			 const char *password, struct err *e) MUST_CHECK;
/* Always succeeds, whether the address is known or not. */
bool app_password_reset_ask(struct app *app, const char *email, struct err *e) MUST_CHECK;
/* By an administrator: the link, to hand over. */
bool app_password_reset_link(struct app *app, int64_t account_id, const char **url,
			     struct err *e) MUST_CHECK;
bool app_password_reset(struct app *app, const char *code, const char *password,
			struct err *e) MUST_CHECK;

struct app_totp {
	const char *secret; /* base32 */
	const char *uri;    /* otpauth:// */
};
bool app_totp_enabled(struct app *app, bool *enabled, struct err *e) MUST_CHECK;
bool app_totp_begin(struct app *app, struct app_totp *out, struct err *e) MUST_CHECK;
struct app_recovery; /* app/recovery.h */
bool app_totp_confirm(struct app *app, const char *code, struct app_recovery *recovery,
		      struct err *e) MUST_CHECK;
/* Its recovery codes go with it. */
bool app_totp_disable(struct app *app, const char *password, struct err *e) MUST_CHECK;

#endif
