/* Preferences, markers, and lists that are empty here but that apps ask for. */
#include "app/setting.h"

#include <string.h>

#include "api/mastodon/routes.h"

bool api_empty_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	(void)rq;
	(void)e;
	buf_add_str(&rs->body, "[]");
	return true;
}

bool api_preferences(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const rows[][2] = {
	    {"posting:default:visibility", "public"}, {"posting:default:sensitive", "false"},
	    {"posting:default:language", NULL},       {"posting:default:quote_policy", "public"},
	    {"reading:expand:media", "default"},      {"reading:expand:spoilers", "false"},
	    {"reading:autoplay:gifs", "false"}};
	struct app app = api_app(rq);
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *value = NULL;
		if (!app_preference_get(&app, rows[i][0], &value, e))
			return false;
		if (!value || !*value)
			value = rows[i][1];
		if (value && (!strcmp(value, "true") || !strcmp(value, "false")))
			json_put_bool(&w, rows[i][0], *value == 't');
		else
			json_put_str(&w, rows[i][0], value);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}

static const char *const TIMELINES[] = {"home", "notifications"};

static void put_marker(struct json_writer *w, const struct app_marker *m)
{
	json_put_object(w, m->timeline);
	json_put_id(w, "last_read_id", m->last_read_id);
	json_put_int(w, "version", m->version);
	json_put_time(w, "updated_at", m->updated_at);
	json_put_end(w);
}

bool api_marker_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char **names;
	size_t n;
	if (!param_texts(rq, "timeline", 8, 64, &names, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	for (size_t t = 0; t < 2; t++) {
		bool wanted = false, found = false;
		for (size_t i = 0; i < n; i++)
			wanted = wanted || !strcmp(names[i], TIMELINES[t]);
		struct app_marker m = {0};
		if (wanted && !app_marker_get(&app, TIMELINES[t], &m, &found, e))
			return false;
		m.timeline = TIMELINES[t];
		if (found)
			put_marker(&w, &m);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_marker_set(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const fields[] = {"home[last_read_id]", "notifications[last_read_id]"};
	struct app app = api_app(rq);
	int64_t ids[2] = {0};
	if (!param_id(rq, fields[0], &ids[0], e) || !param_id(rq, fields[1], &ids[1], e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	for (size_t t = 0; t < 2; t++) {
		struct app_marker m;
		if (!ids[t])
			continue;
		if (!app_marker_set(&app, TIMELINES[t], ids[t], &m, e))
			return false;
		m.timeline = TIMELINES[t];
		put_marker(&w, &m);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}
