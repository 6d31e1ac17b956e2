/* Uploads, processed in a process of their own. What was sent to v2 is stored before anything else; the request is then
 * parked for a moment, without a worker: most pictures are ready by then and answered 200, others 202, and go on
 * behind it. v1 waits. Handlers run on workers, `processed` on a thread of jobs/uploads.h. */
#include "app/media.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"
#include "app/upload.h"
#include "base/str.h"
#include "jobs/uploads.h"
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

struct form {
	const struct http_upload *file;
	const char *description;
	double focus[2];
};

static bool unreadable(struct http_request *rq, struct err *e)
{
	return param_fail(rq, "file", e,
			  "is not a picture that can be read (PNG, JPEG, WebP or GIF)");
}

static bool read_form(struct http_request *rq, struct form *out, struct err *e)
{
	bool focused;
	*out = (struct form){.description = ""};
	if (!param_file(rq, "file", &out->file, e) ||
	    !param_text(rq, "description", DESCRIPTION_MAX, &out->description, e) ||
	    !focus_param(rq, out->focus, &focused, e))
		return false;
	if (!out->file)
		return param_fail(rq, "file", e, "can't be blank");
	return media_type_of(out->file->fd) || unreadable(rq, e);
}

bool api_media_add_v1(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct form form;
	struct media_processed *done = ARENA_NEW(rq->arena, struct media_processed);
	struct store_media out;
	if (!read_form(rq, &form, e))
		return false;
	if (!media_process(api_of(rq)->media, form.file->fd, done, e))
		return e->code == ERR_INVALID ? unreadable(rq, e) : false;
	return app_media_upload(&app, done, form.description, form.focus, &out, e) &&
	       answer_media(rq, rs, &app, &out, e);
}

/* In the request's arena. */
struct parked {
	struct http_request *rq;
	struct http_response *rs;
};

static bool fail_reason(const struct store_media *m, struct err *e)
{
	return err_set(e, ERR_INVALID, "%s",
		       m->error_message ? m->error_message : "The upload could not be read");
}

static void processed(void *context, const struct store_media *m)
{
	struct parked *p = context;
	struct app app;
	struct err e = {0};
	app_init(&app, api_of(p->rq)->core, NULL, p->rq->arena);
	const bool failed = m->state == STORE_MEDIA_FAILED;
	if (failed) /* told as any other parameter that is wrong */
		snprintf(p->rq->error_field, sizeof p->rq->error_field, "file");
	bool ok = failed ? fail_reason(m, &e) : answer_media(p->rq, p->rs, &app, m, &e);
	if (ok) {
		p->rs->status = m->state == STORE_MEDIA_PENDING ? 202 : 200;
	} else {
		p->rs->body.failed = false;
		http_response_error(p->rs, p->rq, &e);
	}
	http_request_resume(p->rq);
}

bool api_media_add_v2(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct api *api = api_of(rq);
	struct form form;
	char hash[MEDIA_HASH_SIZE];
	struct store_media *out = ARENA_NEW(rq->arena, struct store_media);
	if (!read_form(rq, &form, e) || !app_upload_admit(&app, e) ||
	    !media_put_fd(api->media, form.file->fd, hash, e))
		return false;
	const struct app_upload_new upload = {.hash = hash,
					      .type = media_type_of(form.file->fd),
					      .size_bytes = (int64_t)form.file->size,
					      .description = form.description,
					      .focus = {form.focus[0], form.focus[1]}};
	if (!app_upload_add(&app, &upload, out, e))
		return false;
	struct parked *p = ARENA_NEW(rq->arena, struct parked);
	*p = (struct parked){rq, rs};
	const struct uploads_order order = {
	    .account_id = app.account_id, .media_id = out->id, .context = p, .done = processed};
	http_response_park(rs);
	if (!uploads_added(api->uploads, &order))
		processed(p, out);
	return true;
}

static bool answer_own(struct http_request *rq, struct http_response *rs, struct app *app,
		       const struct store_media *m, struct err *e)
{
	if (m->state == STORE_MEDIA_FAILED)
		return fail_reason(m, e);
	rs->status = m->state == STORE_MEDIA_PENDING ? 206 : 200;
	return answer_media(rq, rs, app, m, e);
}

bool api_media_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_media m;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_media_get(&app, id, &m, e) &&
	       answer_own(rq, rs, &app, &m, e);
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
	       answer_own(rq, rs, &app, &m, e);
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
