/* Search. */
#include "app/search.h"

#include "api/mastodon/routes.h"
#include "api/serial.h"

bool api_search(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const types[] = {"accounts", "statuses", "hashtags", NULL};
	struct app app = api_app(rq);
	struct app_search found;
	const char *q;
	int type = -1;
	int64_t offset = 0;
	struct app_search_page page = {0};
	if (!param_text_required(rq, "q", 500, &q, e) ||
	    !param_choice(rq, "type", types, &type, e) ||
	    !api_limit_param(rq, 20, 40, &page.limit, e) ||
	    !param_int(rq, "offset", 0, 10000, &offset, e) ||
	    !param_id(rq, "min_id", &page.min_id, e) || !param_id(rq, "max_id", &page.max_id, e) ||
	    !param_id(rq, "account_id", &page.account_id, e))
		return false;
	page.offset = (int)offset;
	if (!app_search(&app, q, type < 0 ? NULL : types[type], &page, &found, e))
		return false;
	struct app_tag_state *states =
	    arena_alloc(rq->arena, (found.tag_count + 1) * sizeof(*states));
	for (size_t i = 0; i < found.tag_count; i++)
		if (!app_tag_state(&app, found.tags[i].name, &states[i], e))
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
	for (size_t i = 0; i < found.tag_count; i++) {
		json_put_object(&w, NULL);
		serial_tag_members(&s, &found.tags[i], &states[i]);
		json_put_end(&w);
	}
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}
