/* Uploads: processed before the answer, in a process of their own, so an attachment is ready at once. */
#include "app/media.h"

#include <stdlib.h>
#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"
#include "base/str.h"
#include "media/process.h"

enum { DESCRIPTION_MAX = 1500 };

static bool answer_media(struct http_request *rq, struct http_response *rs, struct app *app,
			 const struct store_media *m, struct err *e)
{
	struct json_writer w = api_json(rs);
	serial_media(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, m);
	return json_finish(&w, e);
}

/* "0.5,-0.2" */
static bool focus_param(struct http_request *rq, double focus[2], bool *given, struct err *e)
{
	const char *text = NULL;
	if (!param_text(rq, "focus", 64, &text, e))
		return false;
	*given = text && *text;
	if (!*given)
		return true;
	char *copy = arena_strdup(rq->arena, text), *comma = strchr(copy, ',');
	if (comma) {
		*comma = '\0';
		if (str_to_double(copy, -1, 1, &focus[0]) &&
		    str_to_double(comma + 1, -1, 1, &focus[1]))
			return true;
	}
	return param_fail(rq, "focus", e, "must be two numbers from -1 to 1, with a comma between");
}

static bool add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const struct http_upload *file = NULL;
	const char *description = "";
	double focus[2] = {0, 0};
	bool focused;
	if (!param_file(rq, "file", &file, e) ||
	    !param_text(rq, "description", DESCRIPTION_MAX, &description, e) ||
	    !focus_param(rq, focus, &focused, e))
		return false;
	if (!file)
		return param_fail(rq, "file", e, "can't be blank");
	struct media_processed *done = ARENA_NEW(rq->arena, struct media_processed);
	if (!media_process(api_of(rq)->media, file->fd, done, e)) {
		if (e->code == ERR_INVALID)
			param_fail(rq, "file", e,
				   "is not a picture that can be read (PNG, JPEG, WebP or GIF)");
		return false;
	}
	struct store_media out;
	return app_media_upload(&app, done, description, focus, &out, e) &&
	       answer_media(rq, rs, &app, &out, e);
}

bool api_media_add_v1(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return add(rq, rs, e);
}

bool api_media_add_v2(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return add(rq, rs, e);
}

bool api_media_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_media m;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_media_get(&app, id, &m, e))
		return false;
	if (m.state == STORE_MEDIA_FAILED)
		return err_set(e, ERR_INVALID, "%s",
			       m.error_message ? m.error_message : "The upload could not be read");
	rs->status = m.state == STORE_MEDIA_PENDING ? 206 : 200;
	return answer_media(rq, rs, &app, &m, e);
}

bool api_media_update(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_media m;
	const char *description = NULL;
	double focus[2];
	bool focused;
	int64_t id;
	return http_request_id(rq, 0, &id, e) &&
	       param_text(rq, "description", DESCRIPTION_MAX, &description, e) &&
	       focus_param(rq, focus, &focused, e) &&
	       app_media_describe(&app, id, description, focused ? focus : NULL, &m, e) &&
	       answer_media(rq, rs, &app, &m, e);
}

bool api_media_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_media_delete(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}
