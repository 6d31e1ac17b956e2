/* Where one is signed in. */
#include "app/signed_in.h"

#include "api/studio/routes.h"

bool api_signed_in_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const struct app_identity *who = api_who(rq);
	size_t n;
	struct store_signed_in *items =
	    ARENA_ARRAY(rq->arena, struct store_signed_in, APP_SIGNED_IN_MAX);
	if (!app_signed_in_list(&app, items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		json_put_object(&w, NULL);
		json_put_id(&w, "id", items[i].id);
		json_put_bool(&w, "current",
			      items[i].id == (items[i].app ? who->token_id : who->session_id));
		json_put_str(&w, "kind", items[i].app ? "app" : "browser");
		json_put_str(&w, "name", items[i].name);
		json_put_time(&w, "created_at", items[i].created_at);
		json_put_time(&w, "last_used_at", items[i].used_at);
		json_put_end(&w);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_signed_in_end(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_signed_in_end(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}
