/* The rest of the moderators' desk: strikes and appeals, held posts, the audit log. */
#include "api/admin/routes.h"

#include <string.h>

#include "app/account.h"

/* --- strikes and appeals --- */

static bool answer_strikes(struct http_request *rq, struct http_response *rs, struct app *app,
			   const struct store_strikes *found, struct err *e)
{
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found->count; i++) {
		struct store_account target;
		struct err missing = {0};
		if (app_account_get(app, found->items[i].target_id, &target, &missing))
			serial_strike(&s, NULL, &found->items[i], &target);
	}
	json_put_end(&w);
	if (found->count)
		api_page_link(rq, rs, found->items[0].id, found->items[found->count - 1].id,
			      found->more);
	return json_finish(&w, e);
}

static bool answer_strike(struct http_request *rq, struct http_response *rs, struct app *app,
			  const struct store_strike *strike, struct err *e)
{
	struct store_account target;
	if (!app_account_get(app, strike->target_id, &target, e)) {
		http_response_empty(rs); /* with a code: nobody is signed in to see the account */
		return e->code == ERR_NOT_FOUND;
	}
	struct json_writer w = api_json(rs);
	serial_strike(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, strike,
		      &target);
	return json_finish(&w, e);
}

/* One's own, or of account_id where a moderator asks. */
bool api_strike_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_strikes found;
	struct store_page page;
	int64_t id = app.account_id;
	return api_page_params(rq, 20, 40, &page, e) && param_id(rq, "account_id", &id, e) &&
	       app_strikes(&app, id, &page, &found, e) && answer_strikes(rq, rs, &app, &found, e);
}

bool api_appeal_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_strike strike;
	const char *text;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && param_text_required(rq, "text", 2000, &text, e) &&
	       app_appeal(&app, id, NULL, text, &strike, e) &&
	       answer_strike(rq, rs, &app, &strike, e);
}

bool api_appeal_with_code(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_strike strike;
	const char *text, *code;
	if (!param_text_required(rq, "code", 100, &code, e) ||
	    !param_text_required(rq, "text", 2000, &text, e) ||
	    !app_appeal(&app, 0, code, text, &strike, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_appeal_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_strikes found;
	struct store_page page;
	return api_page_params(rq, 20, 40, &page, e) && app_appeals(&app, &page, &found, e) &&
	       answer_strikes(rq, rs, &app, &found, e);
}

bool api_appeal_answer(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_strike strike;
	bool approve = !strcmp(strrchr(rq->route->path, '/') + 1, "approve");
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_appeal_answer(&app, id, approve, &strike, e) &&
	       answer_strike(rq, rs, &app, &strike, e);
}

/* --- held posts --- */

bool api_held_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_held *held = NULL;
	struct store_page page;
	size_t n;
	bool more = false;
	if (!api_page_params(rq, 20, 40, &page, e) ||
	    !app_held_list(&app, &page, &held, &n, &more, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		json_put_object(&w, NULL);
		json_put_id(&w, "id", held[i].row.post_id);
		json_put_str(&w, "reason", held[i].row.reason);
		json_put_str(&w, "visibility",
			     serial_visibility((enum store_visibility)held[i].row.visibility));
		json_put_time(&w, "created_at", held[i].row.created_at);
		serial_status(&s, "status", held[i].post);
		json_put_end(&w);
	}
	json_put_end(&w);
	if (n)
		api_page_link(rq, rs, held[0].row.post_id, held[n - 1].row.post_id, more);
	return json_finish(&w, e);
}

bool api_held_answer(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	bool approve = !strcmp(strrchr(rq->route->path, '/') + 1, "approve");
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_held_answer(&app, id, approve, e))
		return false;
	http_response_empty(rs);
	return true;
}

/* --- the audit log --- */

bool api_audit_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_audit *rows = arena_alloc(rq->arena, STORE_PAGE_MAX * sizeof *rows);
	struct store_page page;
	int64_t account_id = 0, target_id = 0;
	size_t n;
	if (!api_page_params(rq, 40, 80, &page, e) || !param_id(rq, "account_id", &account_id, e) ||
	    !param_id(rq, "target_id", &target_id, e) ||
	    !app_audit_list(&app, account_id, target_id, &page, rows, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		json_put_object(&w, NULL);
		json_put_id(&w, "id", rows[i].id);
		json_put_id(&w, "account_id", rows[i].account_id);
		json_put_str(&w, "action", rows[i].action);
		json_put_id(&w, "target_id", rows[i].target_id);
		json_put_str(&w, "detail", rows[i].detail);
		json_put_time(&w, "created_at", rows[i].created_at);
		json_put_end(&w);
	}
	json_put_end(&w);
	if (n)
		api_page_link(rq, rs, rows[0].id, rows[n - 1].id, n == (size_t)page.limit);
	return json_finish(&w, e);
}
