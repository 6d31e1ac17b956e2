/* What is left, as JSON and in headers. */
#ifndef MADANG_API_STUDIO_QUOTA_H
#define MADANG_API_STUDIO_QUOTA_H

#include "api/api.h"

MUST_CHECK bool quota_put(struct json_writer *w, const char *key, struct app *app, struct err *e);

/* X-RateLimit-* of the tightest quota in pictures; none where there is none. */
MUST_CHECK bool quota_headers(struct http_response *rs, struct app *app, struct err *e);
/* A job of so many pictures was refused with *e: says when to come again, and names the field. */
void quota_refused(struct http_request *rq, struct http_response *rs, struct app *app, int pictures,
		   const struct err *e);

#endif
