/* Scheduled statuses: listing, moving, taking back. */
#include "api/mastodon/scheduled.h"

#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"

static void put_scheduled(struct serial *s, const struct app_scheduled *p)
{
	struct json_writer *w = s->w;
	json_put_object(w, NULL);
	json_put_id(w, "id", p->row.id);
	json_put_time(w, "scheduled_at", p->row.scheduled_at);
	json_put_raw(w, "params", p->row.form,
		     strlen(p->row.form)); /* written by app/scheduled.c */
	json_put_array(w, "media_attachments");
	for (size_t i = 0; i < p->media_count; i++)
		serial_media(s, NULL, &p->media[i]);
	json_put_end(w);
	json_put_end(w);
}

bool api_scheduled_answer(struct http_request *rq, struct http_response *rs, struct app *app,
			  const struct app_scheduled *s, struct err *e)
{
	struct json_writer w = api_json(rs);
	put_scheduled(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, s);
	return json_finish(&w, e);
}

bool api_scheduled_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_scheduleds found;
	struct store_page page;
	if (!api_page_params(rq, 20, 40, &page, e) || !app_scheduled_list(&app, &page, &found, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found.count; i++)
		put_scheduled(&s, &found.items[i]);
	json_put_end(&w);
	api_page_link(rq, rs, found.first, found.last, found.more);
	return json_finish(&w, e);
}

bool api_scheduled_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_scheduled s;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_scheduled_get(&app, id, &s, e) &&
	       api_scheduled_answer(rq, rs, &app, &s, e);
}

bool api_scheduled_update(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_scheduled s;
	int64_t id, at = 0;
	return http_request_id(rq, 0, &id, e) && api_scheduled_at_param(rq, &at, e) &&
	       app_scheduled_move(&app, id, at, &s, e) && api_scheduled_answer(rq, rs, &app, &s, e);
}

bool api_scheduled_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_scheduled_delete(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}
