/* Announcements as administrators write them. */
#include "app/announcement.h"

#include <string.h>
#include <time.h>

#include "api/admin/routes.h"

static bool answer(struct http_request *rq, struct http_response *rs, struct app *app, int64_t id,
		   struct err *e)
{
	struct app_announcement a;
	if (!app_announcement_get(app, id, &a, e))
		return false;
	struct json_writer w = api_json(rs);
	serial_announcement(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, &a,
			    true);
	return json_finish(&w, e);
}

bool api_announcement_all(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_announcement *items = NULL;
	size_t n;
	if (!app_announcements(&app, true, true, &items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		serial_announcement(&s, NULL, &items[i], true);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_announcement_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	return app_announcement_may_write(&app, e) && http_request_id(rq, 0, &id, e) &&
	       answer(rq, rs, &app, id, e);
}

/* 2026-01-31T09:00:00Z, with another zone too, or a day; "" takes the time away. */
static bool time_param(struct http_request *rq, const char *name, int64_t *ms, struct err *e)
{
	struct tm t = {0};
	const char *text = NULL;
	if (!param_text(rq, name, 40, &text, e))
		return false;
	if (!text)
		return true;
	*ms = 0;
	if (!*text)
		return true;
	const char *rest = strptime(text, "%Y-%m-%d", &t);
	if (rest && *rest == 'T')
		rest = strptime(rest, "T%H:%M", &t);
	if (rest && *rest == ':')
		rest = strptime(rest, ":%S", &t);
	if (rest && *rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	struct tm zone = {0};
	if (rest && (*rest == 'Z' || *rest == '+' || *rest == '-'))
		rest = strptime(rest, "%z", &zone);
	int64_t at = timegm(&t);
	if (!rest || *rest || at < 0)
		return param_fail(rq, name, e, "must be a time, as 2026-01-31T09:00:00Z");
	*ms = 1000 * (at - zone.tm_gmtoff);
	return true;
}

/* A change that has been read; whoever sends nothing about publishing leaves that as it is. */
static bool save(struct http_request *rq, struct http_response *rs, struct app *app,
		 struct store_announcement *a, struct err *e)
{
	int64_t id;
	bool ok = param_text(rq, "text", 5000, &a->text, e) &&
		  param_bool(rq, "published", &a->published, e) &&
		  param_bool(rq, "pinned", &a->pinned, e) &&
		  param_bool(rq, "all_day", &a->all_day, e) &&
		  time_param(rq, "starts_at", &a->starts_at, e) &&
		  time_param(rq, "ends_at", &a->ends_at, e) &&
		  time_param(rq, "scheduled_at", &a->scheduled_at, e);
	const char *post = NULL;
	if (!ok || !param_text(rq, "status_id", 20, &post, e))
		return false;
	if (post && !*post)
		a->post_id = 0;
	else if (!param_id(rq, "status_id", &a->post_id, e))
		return false;
	return app_announcement_save(app, a, &id, e) && answer(rq, rs, app, id, e);
}

bool api_announcement_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_announcement a = {.text = "", .published = true};
	return save(rq, rs, &app, &a, e);
}

bool api_announcement_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_announcement a;
	int64_t id;
	return app_announcement_may_write(&app, e) && http_request_id(rq, 0, &id, e) &&
	       app_announcement_get(&app, id, &a, e) && save(rq, rs, &app, &a.row, e);
}

/* …/publish and …/unpublish. */
bool api_announcement_publish(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_announcement a;
	int64_t id;
	if (!app_announcement_may_write(&app, e) || !http_request_id(rq, 0, &id, e) ||
	    !app_announcement_get(&app, id, &a, e))
		return false;
	a.row.published = strstr(rq->route->path, "/unpublish") == NULL;
	a.row.scheduled_at = 0;
	return app_announcement_save(&app, &a.row, &id, e) && answer(rq, rs, &app, id, e);
}

bool api_announcement_remove(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_announcement_remove(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}
