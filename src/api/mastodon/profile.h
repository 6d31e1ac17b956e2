/* One's own account as verify_credentials shows it. */
#ifndef MADANG_API_MASTODON_PROFILE_H
#define MADANG_API_MASTODON_PROFILE_H

#include "api/serial.h"
#include "app/followed_tag.h"

/* What CredentialAccount has beside the account: preferences and how many ask to follow. */
MUST_CHECK bool api_own_load(struct app *app, struct serial_own *out, struct err *e);
MUST_CHECK bool api_own_answer(struct http_request *rq, struct http_response *rs, struct app *app,
			       const struct store_account *a, struct err *e);

/* account.c: what update_credentials and PATCH profile take alike. */
MUST_CHECK bool api_profile_params(struct http_request *rq, struct app_profile *p, struct err *e);
MUST_CHECK bool api_flag_param(struct http_request *rq, const char *name, const bool **out,
			       struct err *e);
/* profile.c: "attribution_domains", under whatever name; kept as a preference. */
MUST_CHECK bool api_domains_save(struct http_request *rq, struct app *app, const char *name,
				 struct err *e);
/* tag.c */
void api_put_featured_tag(struct serial *s, const struct store_featured_tag *f);

#endif
