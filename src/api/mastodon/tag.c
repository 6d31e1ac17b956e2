/* Tags: looking at one, following and featuring it. */
#include <string.h>

#include "api/mastodon/profile.h"
#include "api/mastodon/routes.h"
#include "api/serial.h"
#include "app/followed_tag.h"
#include "base/clock.h"
#include "base/id.h"

static void put_url(struct serial *s, const char *name)
{
	struct buf url;
	buf_init(&url, 2048);
	buf_printf(&url, "%s/tags/", s->api->base_url);
	api_url_encode(&url, name);
	json_put_str(s->w, "url", url.data);
	buf_finish(&url);
}

void serial_tag_members(struct serial *s, const struct app_tag *t,
			const struct app_tag_state *state)
{
	struct json_writer *w = s->w;
	json_put_str(w, "id", t->name); /* tags are known by their names here */
	json_put_str(w, "name", t->name);
	put_url(s, t->name);
	serial_trend_history(s, state->history);
	json_put_bool(w, "following", state->following);
	json_put_bool(w, "featuring", state->featuring);
	json_put_int(w, "statuses_count", t->posts_count);
}

static void put_tag(struct serial *s, const struct app_tag *t, const struct app_tag_state *state)
{
	json_put_object(s->w, NULL);
	serial_tag_members(s, t, state);
	json_put_end(s->w);
}

static bool answer_tag(struct http_request *rq, struct http_response *rs, struct app *app,
		       struct err *e)
{
	struct app_tag t;
	struct app_tag_state state;
	if (!app_tag_get(app, rq->path_args[0], &t, e) || !app_tag_state(app, t.name, &state, e))
		return false;
	struct json_writer w = api_json(rs);
	put_tag(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, &t, &state);
	return json_finish(&w, e);
}

bool api_tag_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	return answer_tag(rq, rs, &app, e);
}

bool api_tag_follow(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	return app_tag_follow(&app, rq->path_args[0], true, e) && answer_tag(rq, rs, &app, e);
}

bool api_tag_unfollow(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	return app_tag_follow(&app, rq->path_args[0], false, e) && answer_tag(rq, rs, &app, e);
}

bool api_tag_feature(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_tag_state state;
	struct store_featured_tag f;
	if (!app_tag_state(&app, rq->path_args[0], &state, e))
		return false;
	return (state.featuring || app_featured_tag_add(&app, rq->path_args[0], &f, e)) &&
	       answer_tag(rq, rs, &app, e);
}

bool api_tag_unfeature(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	return app_featured_tag_remove_name(&app, rq->path_args[0], e) &&
	       answer_tag(rq, rs, &app, e);
}

bool api_followed_tag_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_followed_tags found;
	struct store_page page;
	if (!api_page_params(rq, 80, 80, &page, e) || !app_followed_tags(&app, &page, &found, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found.count; i++) {
		struct app_tag_state state;
		if (!app_tag_state(&app, found.items[i].name, &state, e))
			return false;
		put_tag(&s, &found.items[i], &state);
	}
	json_put_end(&w);
	api_page_link(rq, rs, found.first, found.last, found.more);
	return json_finish(&w, e);
}

/* --- featured --- */

void api_put_featured_tag(struct serial *s, const struct store_featured_tag *f)
{
	char time[CLOCK_TEXT_SIZE];
	struct json_writer *w = s->w;
	json_put_object(w, NULL);
	json_put_id(w, "id", f->id);
	json_put_str(w, "name", f->name);
	put_url(s, f->name);
	json_put_int(w, "statuses_count", f->posts_count);
	if (f->last_post_id) /* a date without a time */
		json_put_strn(w, "last_status_at", clock_format(time, id_time_ms(f->last_post_id)),
			      10);
	else
		json_put_null(w, "last_status_at");
	json_put_end(w);
}

static bool answer_featured(struct http_request *rq, struct http_response *rs, struct app *app,
			    int64_t account_id, struct err *e)
{
	struct store_featured_tag tags[STORE_FEATURED_TAGS_MAX];
	size_t n;
	if (!app_featured_tags(app, account_id, tags, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		api_put_featured_tag(&s, &tags[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_featured_tag_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	return answer_featured(rq, rs, &app, app.account_id, e);
}

bool api_account_featured_tags(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	return http_request_id(rq, 0, &id, e) && answer_featured(rq, rs, &app, id, e);
}

bool api_featured_tag_create(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_featured_tag f = {0};
	const char *name;
	if (!param_text_required(rq, "name", 100, &name, e) ||
	    !app_featured_tag_add(&app, name, &f, e))
		return false;
	struct json_writer w = api_json(rs);
	api_put_featured_tag(&(struct serial){.w = &w, .api = api_of(rq), .app = &app}, &f);
	return json_finish(&w, e);
}

bool api_featured_tag_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_featured_tag_remove(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_featured_tag_suggestions(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_tag *tags;
	size_t n;
	if (!app_featured_tag_suggestions(&app, &tags, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		struct app_tag_state state;
		if (!app_tag_state(&app, tags[i].name, &state, e))
			return false;
		put_tag(&s, &tags[i], &state);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}
