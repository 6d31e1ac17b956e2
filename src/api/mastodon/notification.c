/* Notifications: one by one, in groups, the policy before them and the requests behind it. */
#include "app/notification.h"

#include <stdio.h>
#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"

enum { REQUESTS_MAX = 100 };

/* A list of type names as bits; names that we do not know are ignored, as newer apps send them. */
static bool kinds_param(struct http_request *rq, const char *name, unsigned *bits, bool *any,
			struct err *e)
{
	const char **names;
	size_t n;
	*bits = 0;
	if (!param_texts(rq, name, 64, 64, &names, &n, e))
		return false;
	*any = n > 0;
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < APP_NOTIFY_KINDS; k++) {
			const char *known = app_notification_name((enum app_notification_kind)k);
			if (!strcmp(names[i], known ? known : "mention"))
				*bits |= 1u << k;
		}
	return true;
}

/* *none: what was asked for can hold nothing. */
static bool filter_params(struct http_request *rq, struct app_notification_filter *f, bool *none,
			  struct err *e)
{
	unsigned types, excluded, grouped;
	bool some, without, chosen;
	*f = (struct app_notification_filter){0};
	if (!kinds_param(rq, "types", &types, &some, e) ||
	    !kinds_param(rq, "exclude_types", &excluded, &without, e) ||
	    !kinds_param(rq, "grouped_types", &grouped, &chosen, e) ||
	    !param_id(rq, "account_id", &f->from_account_id, e) ||
	    !param_bool(rq, "include_filtered", &f->include_filtered, e))
		return false;
	f->kinds = (some ? types : APP_NOTIFY_ALL) & ~excluded;
	f->grouped = chosen ? grouped & APP_NOTIFY_GROUPABLE : APP_NOTIFY_GROUPABLE;
	*none = f->kinds == 0;
	return true;
}

bool api_notification_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_notifications found = {0};
	struct app_notification_filter filter;
	struct store_page page;
	bool none;
	if (!api_page_params(rq, 40, 80, &page, e) || !filter_params(rq, &filter, &none, e))
		return false;
	if (!none && !app_notification_list(&app, &filter, &page, &found, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found.count; i++)
		serial_notification(&s, NULL, &found.items[i]);
	json_put_end(&w);
	api_page_link(rq, rs, found.first, found.last, found.more);
	return json_finish(&w, e);
}

bool api_notification_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_notification n;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_notification_get(&app, id, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	serial_notification(&(struct serial){.w = &w, .api = api_of(rq), .app = &app}, NULL, &n);
	return json_finish(&w, e);
}

bool api_notification_dismiss(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_notification_dismiss(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_notification_clear(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	if (!app_notification_clear(&app, e))
		return false;
	http_response_empty(rs);
	return true;
}

static bool answer_unread(struct http_request *rq, struct http_response *rs, bool grouped,
			  struct err *e)
{
	struct app app = api_app(rq);
	struct app_notification_filter filter;
	int64_t count = 0;
	int limit;
	bool none;
	if (!api_limit_param(rq, 100, 1000, &limit, e) || !filter_params(rq, &filter, &none, e))
		return false;
	if (!grouped)
		filter.grouped = 0;
	if (!none && !app_notification_unread(&app, &filter, limit, &count, e))
		return false;
	buf_printf(&rs->body, "{\"count\":%lld}", (long long)count);
	return true;
}

bool api_notification_unread(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_unread(rq, rs, false, e);
}

/* --- groups --- */

static void put_group(struct serial *s, const struct app_notification_group *g, bool paged)
{
	struct json_writer *w = s->w;
	const struct app_notification *n = &g->newest;
	const char *name = app_notification_name(n->kind);
	json_put_object(w, NULL);
	json_put_str(w, "group_key", g->key);
	json_put_int(w, "notifications_count", g->count);
	json_put_str(w, "type", name ? name : "mention");
	/* The one id that Mastodon writes as a number: apps in Swift and Go read no text there. It is too large for
	 * JavaScript's numbers; who needs it whole reads page_max_id. */
	json_put_int(w, "most_recent_notification_id", n->id);
	if (paged) {
		json_put_id(w, "page_min_id", g->page_min_id);
		json_put_id(w, "page_max_id", n->id);
		json_put_time(w, "latest_page_notification_at", n->created_at);
	}
	json_put_array(w, "sample_account_ids");
	for (size_t i = 0; i < g->sample_count; i++)
		json_put_id(w, NULL, g->sample_ids[i]);
	json_put_end(w);
	if (n->post)
		json_put_id(w, "status_id", n->post->row.id);
	serial_notification_subject(s, n);
	json_put_object(w, "madang");
	json_put_bool(w, "remix", n->kind == APP_NOTIFY_REMIX);
	json_put_end(w);
	json_put_end(w);
}

static bool answer_groups(struct http_request *rq, struct http_response *rs, struct app *app,
			  const struct app_notification_groups *groups, bool paged, struct err *e)
{
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = app};
	json_put_object(&w, NULL);
	json_put_array(&w, "accounts");
	for (size_t i = 0; i < groups->accounts.count; i++)
		serial_account(&s, NULL, &groups->accounts.items[i]);
	json_put_end(&w);
	json_put_array(&w, "statuses");
	for (size_t i = 0; i < groups->post_count; i++)
		serial_status(&s, NULL, groups->posts[i]);
	json_put_end(&w);
	json_put_array(&w, "notification_groups");
	for (size_t i = 0; i < groups->count; i++)
		put_group(&s, &groups->items[i], paged);
	json_put_end(&w);
	json_put_end(&w);
	if (paged)
		api_page_link(rq, rs, groups->first, groups->last, groups->more);
	return json_finish(&w, e);
}

bool api_notification_group_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_notification_groups groups = {0};
	struct app_notification_filter filter;
	struct store_page page;
	bool none;
	if (!api_page_params(rq, 40, 80, &page, e) || !filter_params(rq, &filter, &none, e))
		return false;
	if (!none && !app_notification_group_list(&app, &filter, &page, &groups, e))
		return false;
	return answer_groups(rq, rs, &app, &groups, true, e);
}

bool api_notification_group_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_notification_groups groups;
	return app_notification_group_get(&app, rq->path_args[0], &groups, e) &&
	       answer_groups(rq, rs, &app, &groups, false, e);
}

bool api_notification_group_accounts(struct http_request *rq, struct http_response *rs,
				     struct err *e)
{
	struct app app = api_app(rq);
	struct store_accounts accounts;
	struct store_page page;
	return api_page_params(rq, 40, 80, &page, e) &&
	       app_notification_group_accounts(&app, rq->path_args[0], &page, &accounts, e) &&
	       serial_answer_accounts(rq, rs, &app, &accounts, e);
}

bool api_notification_group_dismiss(struct http_request *rq, struct http_response *rs,
				    struct err *e)
{
	struct app app = api_app(rq);
	if (!app_notification_group_dismiss(&app, rq->path_args[0], e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_notification_group_unread(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_unread(rq, rs, true, e);
}

/* --- policy --- */

static const char *const POLICIES[STORE_POLICIES] = {
    [STORE_POLICY_NOT_FOLLOWING] = "for_not_following",
    [STORE_POLICY_NOT_FOLLOWERS] = "for_not_followers",
    [STORE_POLICY_NEW_ACCOUNTS] = "for_new_accounts",
    [STORE_POLICY_PRIVATE_MENTIONS] = "for_private_mentions",
    [STORE_POLICY_LIMITED_ACCOUNTS] = "for_limited_accounts",
};
static const char *const VERDICTS[] = {"accept", "filter", "drop", NULL};

static bool answer_policy(struct http_response *rs, const struct app_notification_policy *p,
			  struct err *e)
{
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	for (int i = 0; i < STORE_POLICIES; i++)
		json_put_str(&w, POLICIES[i], VERDICTS[p->verdicts[i]]);
	json_put_object(&w, "summary");
	json_put_int(&w, "pending_requests_count", p->pending_requests);
	json_put_int(&w, "pending_notifications_count", p->pending_notifications);
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_notification_policy_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_notification_policy p;
	return app_notification_policy_get(&app, &p, e) && answer_policy(rs, &p, e);
}

bool api_notification_policy_set(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_notification_policy p;
	int verdicts[STORE_POLICIES] = {-1, -1, -1, -1, -1};
	for (int i = 0; i < STORE_POLICIES; i++)
		if (!param_choice(rq, POLICIES[i], VERDICTS, &verdicts[i], e))
			return false;
	return app_notification_policy_set(&app, verdicts, &p, e) && answer_policy(rs, &p, e);
}

/* --- requests --- */

static void put_request(struct serial *s, const struct app_notification_request *r)
{
	struct json_writer *w = s->w;
	char count[24];
	snprintf(count, sizeof count, "%lld", (long long)r->row.count);
	json_put_object(w, NULL);
	json_put_id(w, "id", r->row.id);
	json_put_time(w, "created_at", r->row.created_at);
	json_put_time(w, "updated_at", r->row.updated_at);
	json_put_str(w, "notifications_count", count); /* text, as Mastodon has it */
	serial_account(s, "account", r->account);
	if (r->last_post)
		serial_status(s, "last_status", r->last_post);
	else
		json_put_null(w, "last_status");
	json_put_end(w);
}

bool api_notification_request_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_notification_requests found;
	struct store_page page;
	if (!api_page_params(rq, 40, 80, &page, e) ||
	    !app_notification_requests(&app, &page, &found, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found.count; i++)
		put_request(&s, &found.items[i]);
	json_put_end(&w);
	api_page_link(rq, rs, found.first, found.last, found.more);
	return json_finish(&w, e);
}

bool api_notification_request_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_notification_request r;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_notification_request_get(&app, id, &r, e))
		return false;
	struct json_writer w = api_json(rs);
	put_request(&(struct serial){.w = &w, .api = api_of(rq), .app = &app}, &r);
	return json_finish(&w, e);
}

/* One in the path, which must be there, or several as id[], of which those count that are; accept or dismiss by the path's last word. */
bool api_notification_request_answer(struct http_request *rq, struct http_response *rs,
				     struct err *e)
{
	struct app app = api_app(rq);
	bool accept = !strcmp(strrchr(rq->route->path, '/') + 1, "accept");
	struct app_notification_request named;
	int64_t one, *ids = &one;
	size_t n = 1;
	if (rq->path_args_count ? !http_request_id(rq, 0, &one, e) ||
				      !app_notification_request_get(&app, one, &named, e)
				: !param_ids(rq, "id", REQUESTS_MAX, &ids, &n, e))
		return false;
	if (!app_notification_request_answer(&app, ids, n, accept, e))
		return false;
	http_response_empty(rs);
	return true;
}

/* Accepting is done when it is answered. */
bool api_notification_request_merged(struct http_request *rq, struct http_response *rs,
				     struct err *e)
{
	(void)rq;
	(void)e;
	buf_add_str(&rs->body, "{\"merged\":true}");
	return true;
}
