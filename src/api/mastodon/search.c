/* Search, tags, trends. */
#include "app/search.h"

#include "api/mastodon/routes.h"
#include "api/serial.h"
#include "app/timeline.h"

static void put_tag(struct serial *s, const char *key, const struct app_tag *t)
{
	struct buf url;
	buf_init(&url, 2048);
	buf_printf(&url, "%s/tags/", s->api->base_url);
	api_url_encode(&url, t->name);
	json_put_object(s->w, key);
	json_put_str(s->w, "name", t->name);
	json_put_str(s->w, "url", url.data);
	json_put_array(s->w, "history");
	json_put_end(s->w);
	json_put_bool(s->w, "following", false);
	json_put_int(s->w, "statuses_count", t->posts_count);
	json_put_end(s->w);
	buf_finish(&url);
}

bool api_search(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const types[] = {"accounts", "statuses", "hashtags", NULL};
	struct app app = api_app(rq);
	struct app_search found;
	const char *q;
	int type = -1;
	int64_t limit = 20, offset = 0;
	struct app_search_page page = {0};
	if (!param_text_required(rq, "q", 500, &q, e) ||
	    !param_choice(rq, "type", types, &type, e) ||
	    !param_int(rq, "limit", 1, 40, &limit, e) ||
	    !param_int(rq, "offset", 0, 10000, &offset, e) ||
	    !param_id(rq, "min_id", &page.min_id, e) || !param_id(rq, "max_id", &page.max_id, e) ||
	    !param_id(rq, "account_id", &page.account_id, e))
		return false;
	page.limit = (int)limit;
	page.offset = (int)offset;
	if (!app_search(&app, q, type < 0 ? NULL : types[type], &page, &found, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_object(&w, NULL);
	json_put_array(&w, "accounts");
	for (size_t i = 0; i < found.accounts.count; i++)
		serial_account(&s, NULL, &found.accounts.items[i]);
	json_put_end(&w);
	json_put_array(&w, "statuses");
	for (size_t i = 0; i < found.posts.count; i++)
		serial_status(&s, NULL, &found.posts.items[i]);
	json_put_end(&w);
	json_put_array(&w, "hashtags");
	for (size_t i = 0; i < found.tag_count; i++)
		put_tag(&s, NULL, &found.tags[i]);
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_trend_tags(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_tag *tags;
	size_t n;
	int64_t limit = 10;
	if (!param_int(rq, "limit", 1, 20, &limit, e) ||
	    !app_tag_trends(&app, (int)limit, &tags, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_tag(&s, NULL, &tags[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

/* The newest made pictures: what Explore shows. */
bool api_trend_statuses(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_posts posts;
	struct store_page page;
	struct app_timeline_filter filter = {0};
	if (!api_page_params(rq, 20, 40, &page, e) ||
	    !app_timeline_explore(&app, &filter, &page, &posts, e))
		return false;
	return serial_answer_posts(rq, rs, &app, &posts, e);
}
