/* Accounts as moderators see them, and what is done to them. */
#include "api/admin/routes.h"

#include <string.h>

#include "app/figure.h"

static void put_role(struct json_writer *w, enum store_role role)
{
	static const char *const names[] = {"", "Moderator", "Admin", "Owner"};
	static const char *const permissions[] = {"0", "400", "1", "1"};
	json_put_object(w, "role");
	json_put_str(w, "id", role == STORE_ROLE_USER ? "-99" : names[role]);
	json_put_str(w, "name", names[role]);
	json_put_str(w, "permissions", permissions[role]);
	json_put_str(w, "color", "");
	json_put_bool(w, "highlighted", role != STORE_ROLE_USER);
	json_put_end(w);
}

void admin_put_account(struct serial *s, const char *key, const struct app_admin_account *a)
{
	struct json_writer *w = s->w;
	struct store_seen_ip ips[APP_IPS_MAX];
	struct err e = {0};
	size_t count = 0;
	const struct store_account *row = &a->account;
	if (!row->id) {
		json_put_null(w, key);
		return;
	}
	if (!app_admin_ips(s->app, row->id, ips, &count, &e))
		count = 0;
	json_put_object(w, key);
	json_put_id(w, "id", row->id);
	json_put_str(w, "username", row->username);
	json_put_str(w, "domain", row->domain[0] ? row->domain : NULL);
	json_put_time(w, "created_at", row->created_at);
	json_put_str(w, "email", a->user.email);
	json_put_str(w, "ip", count ? ips[0].ip : NULL);
	json_put_array(w, "ips");
	for (size_t i = 0; i < count; i++) {
		json_put_object(w, NULL);
		json_put_str(w, "ip", ips[i].ip);
		json_put_time(w, "used_at", ips[i].used_at);
		json_put_end(w);
	}
	json_put_end(w);
	json_put_str(w, "locale", a->user.locale);
	json_put_str(w, "invite_request", a->user.reason);
	put_role(w, row->role);
	json_put_bool(w, "confirmed", a->user.confirmed);
	json_put_bool(w, "approved", row->state != STORE_ACCOUNT_PENDING);
	json_put_bool(w, "disabled", row->disabled);
	json_put_bool(w, "silenced", row->limited);
	json_put_bool(w, "suspended", row->state == STORE_ACCOUNT_SUSPENDED);
	json_put_bool(w, "sensitized", row->sensitized);
	serial_account(s, "account", row);
	json_put_null(w, "created_by_application_id");
	json_put_null(w, "invited_by_account_id");
	json_put_end(w);
}

static bool answer(struct http_request *rq, struct http_response *rs, struct app *app, int64_t id,
		   struct err *e)
{
	struct app_admin_account a;
	if (!app_admin_account(app, id, &a, e))
		return false;
	struct json_writer w = api_json(rs);
	admin_put_account(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, &a);
	return json_finish(&w, e);
}

static bool text_params(struct http_request *rq, struct store_admin_filter *f, struct err *e)
{
	return param_text(rq, "username", 100, &f->username, e) &&
	       param_text(rq, "display_name", 100, &f->display_name, e) &&
	       param_text(rq, "by_domain", 253, &f->domain, e) &&
	       param_text(rq, "email", 320, &f->email, e) && param_text(rq, "ip", 64, &f->ip, e);
}

static bool answer_list(struct http_request *rq, struct http_response *rs,
			const struct store_admin_filter *f, struct err *e)
{
	struct app app = api_app(rq);
	struct app_admin_accounts found;
	struct store_page page;
	int64_t first = 0, last = 0;
	if (!api_page_params(rq, 40, 80, &page, e) ||
	    !app_admin_search(&app, f, &page, &found, &first, &last, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found.count; i++)
		admin_put_account(&s, NULL, &found.items[i]);
	json_put_end(&w);
	api_page_link(rq, rs, first, last, found.more);
	return json_finish(&w, e);
}

bool api_moderation_account_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const flags[] = {"active",   "pending",   "disabled",
					    "silenced", "suspended", "sensitized"};
	struct store_admin_filter f = {0};
	bool local = false, remote = false;
	if (!text_params(rq, &f, e) || !param_bool(rq, "staff", &f.staff, e) ||
	    !param_bool(rq, "local", &local, e) || !param_bool(rq, "remote", &remote, e))
		return false;
	f.origin = local == remote ? 0 : local ? 1 : 2;
	for (int i = 0; i < 6; i++) {
		bool on = false;
		if (!param_bool(rq, flags[i], &on, e))
			return false;
		if (on)
			f.status = (enum store_admin_status)(i + 1);
	}
	return answer_list(rq, rs, &f, e);
}

bool api_moderation_account_list_v2(struct http_request *rq, struct http_response *rs,
				    struct err *e)
{
	static const char *const origins[] = {"local", "remote", NULL};
	static const char *const statuses[] = {"active",   "pending",   "disabled",
					       "silenced", "suspended", NULL};
	static const char *const staff[] = {"staff", NULL};
	struct store_admin_filter f = {0};
	int origin = -1, status = -1, permissions = -1;
	if (!text_params(rq, &f, e) || !param_choice(rq, "origin", origins, &origin, e) ||
	    !param_choice(rq, "status", statuses, &status, e) ||
	    !param_choice(rq, "permissions", staff, &permissions, e))
		return false;
	f.origin = origin + 1;
	f.status = (enum store_admin_status)(status + 1);
	f.staff = permissions == 0;
	return answer_list(rq, rs, &f, e);
}

bool api_moderation_account_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	return http_request_id(rq, 0, &id, e) && answer(rq, rs, &app, id, e);
}

bool api_moderation_account_action(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const types[] = {"none",
					    "disable",
					    "mark_statuses_as_sensitive",
					    "delete_statuses",
					    "sensitive",
					    "silence",
					    "suspend",
					    NULL};
	struct app app = api_app(rq);
	struct app_moderation m = {0};
	struct store_strike strike;
	const char *url, **ids;
	size_t n;
	int type = -1;
	if (!http_request_id(rq, 0, &m.target_id, e) ||
	    !param_choice(rq, "type", types, &type, e) ||
	    !param_text(rq, "text", 5000, &m.text, e) ||
	    !param_id(rq, "report_id", &m.report_id, e) ||
	    !param_texts(rq, "status_ids", 40, 19, &ids, &n, e) ||
	    !param_bool(rq, "send_email_notification", &m.send_mail, e))
		return false;
	if (type < 0)
		return param_fail(rq, "type", e, "can't be blank");
	for (size_t i = 0; i < n; i++)
		m.post_ids = i ? arena_printf(rq->arena, "%s %s", m.post_ids, ids[i]) : ids[i];
	m.action = (enum store_strike_action)type;
	if (!app_moderate(&app, &m, &strike, &url, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_object(&w, "madang");
	json_put_id(&w, "strike_id", strike.id);
	json_put_str(&w, "appeal_url", url);
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}

static bool enable(struct app *app, int64_t id, struct err *e)
{
	return app_unmoderate(app, id, STORE_STRIKE_DISABLE, e);
}

static bool unsensitive(struct app *app, int64_t id, struct err *e)
{
	return app_unmoderate(app, id, STORE_STRIKE_SENSITIVE, e);
}

static bool unsilence(struct app *app, int64_t id, struct err *e)
{
	return app_unmoderate(app, id, STORE_STRIKE_SILENCE, e);
}

static bool unsuspend(struct app *app, int64_t id, struct err *e)
{
	return app_unmoderate(app, id, STORE_STRIKE_SUSPEND, e);
}

/* By the last word of the path. */
bool api_moderation_account_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const struct {
		const char *word;
		bool (*change)(struct app *app, int64_t id, struct err *e);
	} changes[] = {{"approve", app_admin_approve}, {"enable", enable},
		       {"reject", app_admin_reject},   {"unsensitive", unsensitive},
		       {"unsilence", unsilence},       {"unsuspend", unsuspend}};
	struct app app = api_app(rq);
	const char *word = strrchr(rq->route->path, '/') + 1;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e))
		return false;
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		if (!strcmp(changes[i].word, word))
			return changes[i].change(&app, id, e) && answer(rq, rs, &app, id, e);
	return err_set(e, ERR_INTERNAL, "no such change");
}

bool api_moderation_account_erase(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_account_erase(&app, id, e) &&
	       answer(rq, rs, &app, id, e);
}
