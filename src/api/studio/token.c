/* API tokens: one's own, and the administrators' view of all. */
#include "app/token.h"

#include <string.h>

#include "api/studio/routes.h"
#include "api/studio/words.h"
#include "app/account.h"

enum { MINUTE_MS = 60000 };

static void put_token(struct json_writer *w, const struct app *app, const struct store_token *t)
{
	json_put_id(w, "id", t->id);
	json_put_str(w, "name", t->name);
	json_put_str(w, "hint", arena_printf(app->arena, "%s…", t->hint));
	words_put(w, "scopes", t->scopes, ' ');
	words_put(w, "makers", t->makers, ' ');
	words_put(w, "tasks", t->tasks, ' ');
	words_put(w, "networks", t->networks, ' ');
	words_put(w, "origins", t->origins, ' ');
	json_put_id(w, "programme_id", t->programme_id);
	json_put_str(w, "state", app_token_state(t, app->now_ms));
	json_put_str(w, "reason", t->reason);
	json_put_int(w, "use_count", t->use_count);
	json_put_time(w, "last_used_at", t->used_at);
	json_put_str(w, "last_used_network", t->used_network);
	json_put_time(w, "expires_at", t->expires_at);
	json_put_time(w, "created_at", t->created_at);
}

static bool read_form(struct http_request *rq, struct app_token_form *f, struct err *e)
{
	return param_text(rq, "name", 100, &f->name, e) &&
	       words_param(rq, "scopes", ' ', &f->scopes, e) &&
	       words_param(rq, "makers", ' ', &f->makers, e) &&
	       words_param(rq, "tasks", ' ', &f->tasks, e) &&
	       words_param(rq, "networks", ' ', &f->networks, e) &&
	       words_param(rq, "origins", ' ', &f->origins, e) &&
	       param_int(rq, "expires_in_s", 0, INT64_MAX / 2000, &f->expires_in_s, e) &&
	       param_id(rq, "programme_id", &f->programme_id, e);
}

static bool answer(struct http_response *rs, const struct app *app, const struct store_token *t,
		   const char *secret, struct err *e)
{
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	if (secret)
		json_put_str(&w, "token", secret);
	put_token(&w, app, t);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_token_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_token_form f = {0};
	struct store_token t;
	const char *secret;
	return read_form(rq, &f, e) && app_token_create(&app, &f, &t, &secret, e) &&
	       answer(rs, &app, &t, secret, e);
}

bool api_token_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_token_form f = {0};
	struct store_token t;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && read_form(rq, &f, e) &&
	       app_token_change(&app, id, &f, &t, e) && answer(rs, &app, &t, NULL, e);
}

bool api_token_confirm(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_token t;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_token_confirm(&app, id, &t, e) &&
	       answer(rs, &app, &t, NULL, e);
}

bool api_token_end(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_token_end(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_token_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_token t;
	struct store_token_use *uses =
	    ARENA_ARRAY(rq->arena, struct store_token_use, APP_TOKEN_USES_MAX);
	size_t n;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_token_get(&app, id, &t, e) ||
	    !app_token_uses(&app, id, uses, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	put_token(&w, &app, &t);
	json_put_array(&w, "uses");
	for (size_t i = 0; i < n; i++) {
		json_put_object(&w, NULL);
		json_put_str(&w, "network", uses[i].network);
		json_put_str(&w, "agent", uses[i].agent);
		json_put_int(&w, "count", uses[i].count);
		json_put_time(&w, "first_at", uses[i].first_minute * MINUTE_MS);
		json_put_time(&w, "last_at", uses[i].last_minute * MINUTE_MS);
		json_put_end(&w);
	}
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}

static bool list(struct http_request *rq, struct http_response *rs, bool all, struct err *e)
{
	struct app app = api_app(rq);
	struct store_page page;
	struct store_token *items = ARENA_ARRAY(rq->arena, struct store_token, STORE_PAGE_MAX);
	int64_t account_id = 0;
	size_t n;
	if (!api_page_params(rq, 40, STORE_PAGE_MAX, &page, e) ||
	    !param_id(rq, "account_id", &account_id, e) ||
	    !app_token_list(&app, all, account_id, &page, items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		struct store_account a;
		json_put_object(&w, NULL);
		put_token(&w, &app, &items[i]);
		if (all && !store_account_get(app.db, app.arena, items[i].account_id, &a, e))
			return false;
		if (all)
			serial_account(&s, "account", &a);
		json_put_end(&w);
	}
	json_put_end(&w);
	if (n)
		api_page_link(rq, rs, items[0].id, items[n - 1].id, n == (size_t)page.limit);
	return json_finish(&w, e);
}

bool api_token_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return list(rq, rs, false, e);
}

bool api_admin_token_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return list(rq, rs, true, e);
}

static bool answer_policy(struct http_response *rs, const struct app_token_policy *p, struct err *e)
{
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "action", p->suspend ? "suspend" : "confirm");
	json_put_int(&w, "networks_max", p->networks_max);
	json_put_int(&w, "agents_max", p->agents_max);
	json_put_int(&w, "requests_max", p->requests_max);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_admin_token_policy(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_token_policy p;
	return app_token_policy_get(&app, &p, e) && answer_policy(rs, &p, e);
}

bool api_admin_token_policy_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const actions[] = {"confirm", "suspend", NULL};
	struct app app = api_app(rq);
	struct app_token_policy p;
	if (!app_token_policy_get(&app, &p, e))
		return false;
	int action = p.suspend;
	if (!param_choice(rq, "action", actions, &action, e) ||
	    !param_int(rq, "networks_max", 1, 1000000, &p.networks_max, e) ||
	    !param_int(rq, "agents_max", 1, 1000000, &p.agents_max, e) ||
	    !param_int(rq, "requests_max", 1, 1000000, &p.requests_max, e))
		return false;
	p.suspend = action == 1;
	return app_token_policy_set(&app, &p, e) && answer_policy(rs, &p, e);
}
