/* Scheduled statuses, for the handlers that make and show them. */
#ifndef MADANG_API_MASTODON_SCHEDULED_H
#define MADANG_API_MASTODON_SCHEDULED_H

#include "api/api.h"
#include "app/scheduled.h"

/* *out stays where there is none. */
MUST_CHECK bool api_scheduled_at_param(struct http_request *rq, int64_t *out, struct err *e);
MUST_CHECK bool api_scheduled_answer(struct http_request *rq, struct http_response *rs,
				     struct app *app, const struct app_scheduled *s, struct err *e);

#endif
