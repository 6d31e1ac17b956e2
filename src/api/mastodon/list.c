/* Lists of people, and their timelines. */
#include "app/list.h"

#include "api/mastodon/routes.h"
#include "api/serial.h"

enum { ALL_PAGES_MAX = 100 };

static const char *const REPLIES[] = {"followed", "list", "none", NULL};

static void put_list(struct json_writer *w, const struct store_list *list)
{
	json_put_object(w, NULL);
	json_put_id(w, "id", list->id);
	json_put_str(w, "title", list->title);
	json_put_str(w, "replies_policy", REPLIES[list->replies]);
	json_put_bool(w, "exclusive", list->exclusive);
	json_put_end(w);
}

static bool answer_list(struct http_response *rs, const struct store_list *list, struct err *e)
{
	struct json_writer w = api_json(rs);
	put_list(&w, list);
	return json_finish(&w, e);
}

static bool answer_all(struct http_request *rq, struct http_response *rs, int64_t member_id,
		       struct err *e)
{
	struct app app = api_app(rq);
	struct store_list *lists;
	size_t n;
	if (!app_list_all(&app, member_id, &lists, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_list(&w, &lists[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_list_all(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_all(rq, rs, 0, e);
}

/* Which of my lists this account is in. */
bool api_account_lists(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_account account;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_account_get(&app, id, &account, e) &&
	       answer_all(rq, rs, id, e);
}

static bool read_form(struct http_request *rq, struct app_list_form *form, struct err *e)
{
	int replies = -1;
	enum store_replies *policy = ARENA_NEW(rq->arena, enum store_replies);
	bool *exclusive = ARENA_NEW(rq->arena, bool);
	if (!param_text(rq, "title", APP_LIST_TITLE_CHARACTERS, &form->title, e) ||
	    !param_choice(rq, "replies_policy", REPLIES, &replies, e) ||
	    !param_bool(rq, "exclusive", exclusive, e))
		return false;
	if (replies >= 0) {
		*policy = (enum store_replies)replies;
		form->replies = policy;
	}
	if (param_given(rq, "exclusive"))
		form->exclusive = exclusive;
	return true;
}

bool api_list_create(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_list_form form = {0};
	struct store_list list;
	return read_form(rq, &form, e) && app_list_create(&app, &form, &list, e) &&
	       answer_list(rs, &list, e);
}

bool api_list_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_list list;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_list_get(&app, id, &list, e) &&
	       answer_list(rs, &list, e);
}

bool api_list_update(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_list_form form = {0};
	struct store_list list;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && read_form(rq, &form, e) &&
	       app_list_update(&app, id, &form, &list, e) && answer_list(rs, &list, e);
}

bool api_list_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_list_delete(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

/* limit=0: all of them in one answer, without pages, as apps that edit lists ask for it. */
static bool answer_all_members(struct http_request *rq, struct http_response *rs, int64_t id,
			       struct err *e)
{
	struct app app = api_app(rq);
	struct store_accounts found = {0};
	struct store_page page = {.limit = STORE_PAGE_MAX};
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (int i = 0; i < ALL_PAGES_MAX && (i == 0 || found.more); i++) {
		page.max_id = found.last;
		if (!app_list_members(&app, id, &page, &found, e))
			return false;
		for (size_t k = 0; k < found.count; k++)
			serial_account(&s, NULL, &found.items[k]);
	}
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_list_members(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_accounts found;
	struct store_page page;
	int64_t id, limit = 1;
	if (!http_request_id(rq, 0, &id, e) || !param_int(rq, "limit", 0, INT64_MAX, &limit, e))
		return false;
	if (limit == 0)
		return answer_all_members(rq, rs, id, e);
	return api_page_params(rq, 40, 80, &page, e) &&
	       app_list_members(&app, id, &page, &found, e) &&
	       serial_answer_accounts(rq, rs, &app, &found, e);
}

typedef bool change(struct app *app, int64_t id, const int64_t *ids, size_t count, struct err *e);

static bool change_members(struct http_request *rq, struct http_response *rs, change *fn,
			   struct err *e)
{
	struct app app = api_app(rq);
	int64_t id, *ids;
	size_t n;
	if (!http_request_id(rq, 0, &id, e) ||
	    !param_ids(rq, "account_ids", APP_LIST_IDS_MAX, &ids, &n, e) ||
	    !fn(&app, id, ids, n, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_list_members_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return change_members(rq, rs, app_list_members_add, e);
}

bool api_list_members_remove(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return change_members(rq, rs, app_list_members_remove, e);
}

bool api_timeline_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_posts posts;
	struct store_page page;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && api_page_params(rq, 20, 40, &page, e) &&
	       app_list_timeline(&app, id, &page, &posts, e) &&
	       serial_answer_posts(rq, rs, &app, &posts, e);
}
