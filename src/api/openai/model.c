/* The makers as models, and what is not offered. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/openai/routes.h"
#include "jobs/jobs.h"

bool openai_fail(struct http_request *rq, const char *name, struct err *e, const char *format, ...)
{
	char why[200];
	va_list args;
	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	snprintf(rq->error_field, sizeof rq->error_field, "%s", name);
	return err_set(e, ERR_UNSUPPORTED, "%s: %s", name, why);
}

static const char *model_name(const struct maker_info *m)
{
	return m->model ? m->model : m->id;
}

const struct maker_info *openai_maker(struct http_request *rq, struct app *app, const char *model,
				      struct err *e)
{
	struct jobs *jobs = api_of(rq)->jobs;
	size_t n = jobs ? jobs_makers(jobs) : 0;
	(void)app;
	if (!n) {
		err_set(e, ERR_BUSY,
			"Nothing here can draw: the administrator has configured no maker");
		return NULL;
	}
	if (!model || !*model)
		return jobs_maker_at(jobs, 0);
	for (size_t i = 0; i < n; i++) {
		const struct maker_info *m = jobs_maker_at(jobs, i);
		if (!strcmp(m->id, model) || !strcmp(model_name(m), model))
			return m;
	}
	snprintf(rq->error_field, sizeof rq->error_field, "model");
	err_set(e, ERR_NOT_FOUND,
		"The model '%.80s' does not exist here: GET /v1/models names them", model);
	return NULL;
}

static void put_model(struct json_writer *w, const struct api *api, const struct maker_info *m)
{
	json_put_object(w, NULL);
	json_put_str(w, "id", model_name(m));
	json_put_str(w, "object", "model");
	json_put_int(w, "created", api->started_ms / 1000);
	json_put_str(w, "owned_by", m->remote ? m->host : "madang");
	json_put_str(w, "maker", m->id);
	json_put_end(w);
}

bool api_model_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct jobs *jobs = api_of(rq)->jobs;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "object", "list");
	json_put_array(&w, "data");
	for (size_t i = 0; jobs && i < jobs_makers(jobs); i++)
		put_model(&w, api_of(rq), jobs_maker_at(jobs, i));
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_model_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const struct maker_info *m = openai_maker(rq, &app, rq->path_args[0], e);
	if (!m)
		return false;
	struct json_writer w = api_json(rs);
	put_model(&w, api_of(rq), m);
	return json_finish(&w, e);
}

bool api_openai_absent(struct http_request *rq, struct http_response *rs, struct err *e)
{
	(void)rs;
	return err_set(e, ERR_NOT_FOUND,
		       "%.80s is not offered here; what is: /v1/models, /v1/images/generations, "
		       "/v1/images/edits, /v1/images/variations",
		       rq->path);
}
