/* What one is told of tokens, programmes and reviews. */
#include "app/notice.h"

#include "api/studio/routes.h"

bool api_notice_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_page page;
	struct store_notice *items = ARENA_ARRAY(rq->arena, struct store_notice, STORE_PAGE_MAX);
	size_t n;
	if (!api_page_params(rq, 40, STORE_PAGE_MAX, &page, e) ||
	    !app_notice_list(&app, &page, items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		json_put_object(&w, NULL);
		json_put_id(&w, "id", items[i].id);
		json_put_str(&w, "kind", items[i].kind);
		json_put_str(&w, "text", items[i].text);
		json_put_id(&w, "target_id", items[i].target_id);
		json_put_bool(&w, "read", items[i].read);
		json_put_time(&w, "created_at", items[i].created_at);
		json_put_end(&w);
	}
	json_put_end(&w);
	if (n)
		api_page_link(rq, rs, items[0].id, items[n - 1].id, n == (size_t)page.limit);
	return json_finish(&w, e);
}

bool api_notice_read(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_notice_read(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

static bool put_mail(struct http_response *rs, bool on, bool possible, struct err *e)
{
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_bool(&w, "mail", on);
	json_put_bool(&w, "possible", possible);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_notice_mail(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	bool on, possible;
	return app_notice_mail_get(&app, &on, &possible, e) && put_mail(rs, on, possible, e);
}

bool api_notice_mail_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	bool on, possible;
	return app_notice_mail_get(&app, &on, &possible, e) && param_bool(rq, "mail", &on, e) &&
	       app_notice_mail_set(&app, on, e) && put_mail(rs, on, possible, e);
}
