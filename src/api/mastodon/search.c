/* Search. */
#include "app/search.h"

#include "api/mastodon/routes.h"
#include "api/serial.h"

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
