/* What one notes about others, domains one hides, the directory, suggestions. */
#include "app/note.h"

#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"

static bool answer_relation(struct http_request *rq, struct http_response *rs, struct app *app,
			    const struct app_relation *r, struct err *e)
{
	struct json_writer w = api_json(rs);
	serial_relation(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, r);
	return json_finish(&w, e);
}

bool api_note_set(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_relation r;
	const char *comment = "";
	int64_t id;
	return http_request_id(rq, 0, &id, e) &&
	       param_text(rq, "comment", APP_NOTE_CHARACTERS, &comment, e) &&
	       app_note_set(&app, id, comment, &r, e) && answer_relation(rq, rs, &app, &r, e);
}

bool api_endorse(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_relation r;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_endorse(&app, id, &r, e) &&
	       answer_relation(rq, rs, &app, &r, e);
}

bool api_unendorse(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_relation r;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_unendorse(&app, id, &r, e) &&
	       answer_relation(rq, rs, &app, &r, e);
}

static bool answer_endorsements(struct http_request *rq, struct http_response *rs, struct app *app,
				int64_t id, struct err *e)
{
	struct store_accounts found;
	struct store_page page;
	return api_page_params(rq, 40, 80, &page, e) &&
	       app_endorsements(app, id, &page, &found, e) &&
	       serial_answer_accounts(rq, rs, app, &found, e);
}

bool api_endorsement_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	return answer_endorsements(rq, rs, &app, app.account_id, e);
}

bool api_account_endorsements(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	return http_request_id(rq, 0, &id, e) && answer_endorsements(rq, rs, &app, id, e);
}

/* --- domains --- */

bool api_hidden_domain_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_hidden_domains found;
	struct store_page page;
	if (!api_page_params(rq, 80, 80, &page, e) || !app_hidden_domains(&app, &page, &found, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found.count; i++)
		json_put_str(&w, NULL, found.items[i]);
	json_put_end(&w);
	api_page_link(rq, rs, found.first, found.last, found.more);
	return json_finish(&w, e);
}

bool api_hidden_domain_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *domain;
	if (!param_text_required(rq, "domain", 253, &domain, e) ||
	    !app_hidden_domain_add(&app, domain, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_hidden_domain_remove(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *domain;
	if (!param_text_required(rq, "domain", 253, &domain, e) ||
	    !app_hidden_domain_remove(&app, domain, e))
		return false;
	http_response_empty(rs);
	return true;
}

/* --- whom one might want to know --- */

bool api_directory(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const orders[] = {"active", "new", NULL};
	struct app app = api_app(rq);
	struct store_accounts found;
	int64_t offset = 0;
	int limit, order = 0;
	bool local = false;
	if (!api_limit_param(rq, 40, 80, &limit, e) ||
	    !param_int(rq, "offset", 0, 100000, &offset, e) ||
	    !param_choice(rq, "order", orders, &order, e) || !param_bool(rq, "local", &local, e) ||
	    !app_directory(&app, order == 1, local, limit, (int)offset, &found, e))
		return false;
	found.first = 0; /* paged by offset */
	return serial_answer_accounts(rq, rs, &app, &found, e);
}

static bool suggestions(struct http_request *rq, struct app *app, struct store_accounts *found,
			bool friends[STORE_PAGE_MAX], struct err *e)
{
	int limit;
	return api_limit_param(rq, 40, 80, &limit, e) &&
	       app_suggestions(app, limit, found, friends, e);
}

bool api_suggestion_list_v1(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_accounts found;
	bool friends[STORE_PAGE_MAX];
	if (!suggestions(rq, &app, &found, friends, e))
		return false;
	found.first = 0;
	return serial_answer_accounts(rq, rs, &app, &found, e);
}

bool api_suggestion_list_v2(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_accounts found;
	bool friends[STORE_PAGE_MAX];
	if (!suggestions(rq, &app, &found, friends, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found.count; i++) {
		json_put_object(&w, NULL);
		json_put_str(&w, "source", friends[i] ? "past_interactions" : "global");
		json_put_array(&w, "sources");
		json_put_str(&w, NULL, friends[i] ? "friends_of_friends" : "most_followed");
		json_put_end(&w);
		serial_account(&s, "account", &found.items[i]);
		json_put_end(&w);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_suggestion_dismiss(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_suggestion_dismiss(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_familiar_followers(struct http_request *rq, struct http_response *rs, struct err *e)
{
	enum { IDS_MAX = 40 };
	struct app app = api_app(rq);
	struct store_accounts found[IDS_MAX];
	int64_t *ids;
	size_t n;
	if (!param_ids(rq, "id", IDS_MAX, &ids, &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!app_familiar_followers(&app, ids[i], &found[i], e))
			return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		json_put_object(&w, NULL);
		json_put_id(&w, "id", ids[i]);
		json_put_array(&w, "accounts");
		for (size_t k = 0; k < found[i].count; k++)
			serial_account(&s, NULL, &found[i].items[k]);
		json_put_end(&w);
		json_put_end(&w);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}
