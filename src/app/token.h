/* API tokens: keys for programs, with bounds. A token begins with "mad-", is shown once, and is kept as a hash. Where
 * it is used is counted, and looked at: a token that is used from everywhere has leaked. */
#ifndef MADANG_APP_TOKEN_H
#define MADANG_APP_TOKEN_H

#include "app/auth.h"
#include "store/token.h"

#define APP_TOKEN_PREFIX "mad-"
enum { APP_TOKEN_USES_MAX = 100 };

/* What is called a token's state where people see it: "active", "confirm", "suspended", "revoked", "expired". */
const char *app_token_state(const struct store_token *token, int64_t now_ms);

/* Lists are words with a space between; NULL or "": all (scopes: read write:media). */
struct app_token_form {
	const char *name;
	const char *scopes;
	const char *makers;
	const char *tasks;
	const char *networks; /* CIDR */
	const char *origins;
	int64_t expires_in_s; /* 0: never */
	int64_t programme_id; /* 0: none */
};
/* *secret: the token itself, shown once. Not with a token: that one could outlive itself. */
bool app_token_create(struct app *app, const struct app_token_form *form, struct store_token *out,
		      const char **secret, struct err *e) MUST_CHECK;
/* NULL members stay as they are; scopes, expiry and programme cannot be changed. */
bool app_token_change(struct app *app, int64_t id, const struct app_token_form *form,
		      struct store_token *out, struct err *e) MUST_CHECK;
/* One's own; administrators also see others'. ERR_NOT_FOUND for the others. */
bool app_token_get(struct app *app, int64_t id, struct store_token *out, struct err *e) MUST_CHECK;
/* all: administrators only. out has room for the page's limit. */
bool app_token_list(struct app *app, bool all, int64_t account_id, const struct store_page *page,
		    struct store_token *out, size_t *found, struct err *e) MUST_CHECK;
bool app_token_uses(struct app *app, int64_t id, struct store_token_use *out, size_t *found,
		    struct err *e) MUST_CHECK; /* room for APP_TOKEN_USES_MAX */
/* For good. */
bool app_token_end(struct app *app, int64_t id, struct err *e) MUST_CHECK;
/* "Yes, that was me": the owner, where the token asks for it. An administrator lifts a suspension likewise. */
bool app_token_confirm(struct app *app, int64_t id, struct store_token *out,
		       struct err *e) MUST_CHECK;

/* What counts as a leak, and what then happens. */
struct app_token_policy {
	bool suspend;                     /* otherwise its owner is asked for confirmation */
	int64_t networks_max, agents_max; /* in an hour */
	int64_t requests_max;             /* in a minute */
};
bool app_token_policy_get(struct app *app, struct app_token_policy *out, struct err *e) MUST_CHECK;
bool app_token_policy_set(struct app *app, const struct app_token_policy *policy,
			  struct err *e) MUST_CHECK;

/* Writes down the uses since the last call and looks for leaks. app_tick does it; a server that ends, too. */
bool app_token_flush(struct app *app, struct err *e) MUST_CHECK;

#endif
