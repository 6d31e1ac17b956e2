/* One's own account as verify_credentials shows it. */
#ifndef MADANG_API_MASTODON_PROFILE_H
#define MADANG_API_MASTODON_PROFILE_H

#include "api/serial.h"

/* What CredentialAccount has beside the account: preferences and how many ask to follow. */
MUST_CHECK bool api_own_load(struct app *app, struct serial_own *out, struct err *e);
MUST_CHECK bool api_own_answer(struct http_request *rq, struct http_response *rs, struct app *app,
			       const struct store_account *a, struct err *e);

#endif
