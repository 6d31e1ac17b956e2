/* Polls. A poll's id is its status's. */
#include "app/poll.h"

#include "api/mastodon/routes.h"
#include "api/serial.h"
#include "base/str.h"

static bool answer_poll(struct http_request *rq, struct http_response *rs, struct app *app,
			const struct app_post *p, struct err *e)
{
	struct json_writer w = api_json(rs);
	serial_poll(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, p->poll);
	return json_finish(&w, e);
}

bool api_poll_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_poll_get(&app, id, &p, e) &&
	       answer_poll(rq, rs, &app, &p, e);
}

bool api_poll_vote(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	const char **texts;
	int64_t id, choices[STORE_POLL_OPTIONS_MAX];
	size_t n;
	if (!http_request_id(rq, 0, &id, e) ||
	    !param_texts(rq, "choices", STORE_POLL_OPTIONS_MAX, 4, &texts, &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!str_to_int(texts[i], 0, STORE_POLL_OPTIONS_MAX - 1, &choices[i]))
			return param_fail(rq, "choices", e, "must be numbers of options");
	return app_poll_vote(&app, id, choices, n, &p, e) && answer_poll(rq, rs, &app, &p, e);
}
