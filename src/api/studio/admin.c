/* The administration page. */
#include "app/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/studio/routes.h"
#include "app/setting.h"
#include "base/clock.h"
#include "base/id.h"
#include "http/server.h"

static const char *const ROLES[] = {"user", "moderator", "admin", "owner", NULL};

static void put_account(struct serial *s, const struct app_admin_account *a)
{
	static const char *const states[] = {"active", "pending", "suspended", "deleted"};
	struct json_writer *w = s->w;
	json_put_object(w, NULL);
	json_put_id(w, "id", a->account.id);
	json_put_str(w, "username", a->account.username);
	json_put_str(w, "email", a->user.email);
	json_put_str(w, "state", states[a->account.state]);
	json_put_str(w, "role", ROLES[a->account.role]);
	json_put_str(w, "reason", a->user.reason);
	json_put_time(w, "created_at", a->account.created_at);
	json_put_time(w, "last_sign_in_at", a->user.last_sign_in_at);
	json_put_int(w, "statuses_count", a->account.posts_count);
	json_put_int(w, "media_bytes", a->media_bytes);
	serial_account(s, "account", &a->account);
	json_put_end(w);
}

bool api_admin_account_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const states[] = {"active", "pending", "suspended", NULL};
	struct app app = api_app(rq);
	struct app_admin_accounts found;
	struct store_page page;
	const char *q = NULL;
	int state = 0;
	if (!api_page_params(rq, 40, 80, &page, e) ||
	    !param_choice(rq, "state", states, &state, e) || !param_text(rq, "q", 100, &q, e) ||
	    !app_admin_accounts(&app, (enum store_account_state)state, q && *q ? q : NULL, &page,
				&found, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found.count; i++)
		put_account(&s, &found.items[i]);
	json_put_end(&w);
	if (found.count)
		api_page_link(rq, rs, found.items[0].account.id,
			      found.items[found.count - 1].account.id, found.more);
	return json_finish(&w, e);
}

static bool answer_account(struct http_request *rq, struct http_response *rs, struct app *app,
			   int64_t id, struct err *e)
{
	struct app_admin_account a;
	if (!app_admin_account(app, id, &a, e))
		return false;
	struct json_writer w = api_json(rs);
	put_account(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, &a);
	return json_finish(&w, e);
}

/* The changes that need nothing but the account, by the last word of the path. */
bool api_admin_account_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const struct {
		const char *word;
		bool (*change)(struct app *app, int64_t id, struct err *e);
	} changes[] = {{"approve", app_admin_approve},
		       {"reject", app_admin_reject},
		       {"suspend", app_admin_suspend},
		       {"unsuspend", app_admin_unsuspend}};
	struct app app = api_app(rq);
	const char *word = strrchr(rq->route->path, '/') + 1;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e))
		return false;
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		if (strcmp(changes[i].word, word))
			continue;
		if (!changes[i].change(&app, id, e))
			return false;
		if (!strcmp(word, "reject")) { /* the account is gone */
			http_response_empty(rs);
			return true;
		}
		return answer_account(rq, rs, &app, id, e);
	}
	return err_set(e, ERR_INTERNAL, "no such change");
}

bool api_admin_account_role(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	int role = -1;
	if (!http_request_id(rq, 0, &id, e) || !param_choice(rq, "role", ROLES, &role, e))
		return false;
	if (role < 0)
		return param_fail(rq, "role", e, "can't be blank");
	return app_admin_set_role(&app, id, (enum store_role)role, e) &&
	       answer_account(rq, rs, &app, id, e);
}

bool api_admin_reset_link(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *url;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_password_reset_link(&app, id, &url, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "url", url);
	json_put_end(&w);
	return json_finish(&w, e);
}

static void put_invitation(struct json_writer *w, const struct app_invitation *i)
{
	json_put_object(w, NULL);
	json_put_id(w, "id", i->id);
	json_put_str(w, "code", i->code);
	json_put_str(w, "url", i->url);
	json_put_int(w, "uses", i->uses);
	if (i->uses_max)
		json_put_int(w, "max_uses", i->uses_max);
	else
		json_put_null(w, "max_uses");
	json_put_time(w, "expires_at", i->expires_at);
	json_put_time(w, "created_at", i->created_at);
	json_put_bool(w, "revoked", i->revoked);
	json_put_end(w);
}

bool api_admin_invitation_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_invitation *items;
	size_t n;
	if (!app_invitation_list(&app, &items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_invitation(&w, &items[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_admin_invitation_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_invitation i;
	int64_t uses = 0, expires = 0;
	if (!param_int(rq, "max_uses", 1, 100000, &uses, e) ||
	    !param_int(rq, "expires_in_s", 60, 366 * 86400, &expires, e) ||
	    !app_invitation_create(&app, uses, expires, &i, e))
		return false;
	struct json_writer w = api_json(rs);
	put_invitation(&w, &i);
	return json_finish(&w, e);
}

bool api_admin_invitation_revoke(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_invitation_revoke(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

static int64_t memory_bytes(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	char text[128];
	if (f && fgets(text, sizeof text, f)) {
		const char *second = strchr(text, ' ');
		pages = second ? strtol(second, NULL, 10) : 0;
	}
	if (f)
		fclose(f);
	return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

bool api_admin_overview(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const struct api *api = api_of(rq);
	struct app_overview o;
	uint64_t disk_free, disk_total;
	if (!app_admin_overview(&app, &o, e) || !media_disk(api->media, &disk_free, &disk_total, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "version", api->version);
	json_put_int(&w, "uptime_s", (clock_mono_ns() - api->started_ns) / 1000000000);
	json_put_int(&w, "accounts", o.accounts);
	json_put_int(&w, "statuses", o.posts);
	json_put_int(&w, "media_count", o.media);
	json_put_int(&w, "media_bytes", o.media_bytes);
	json_put_int(&w, "disk_free_bytes", (int64_t)disk_free);
	json_put_int(&w, "disk_total_bytes", (int64_t)disk_total);
	json_put_str(&w, "database",
		     db_pool_kind(api->pool) == DB_SQLITE ? "sqlite" : "postgresql");
	json_put_int(&w, "memory_bytes", memory_bytes());
	json_put_int(&w, "jobs_queued", o.jobs_queued);
	json_put_int(&w, "jobs_running", o.jobs_drawing);
	json_put_int(&w, "streams", (int64_t)http_server_streams(api->server));
	json_put_end(&w);
	return json_finish(&w, e);
}

static bool answer_settings(struct http_response *rs, const struct app_settings *s, struct err *e)
{
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_str(&w, "title", s->title);
	json_put_str(&w, "description", s->description);
	json_put_str(&w, "registrations", app_registrations_name(s->registrations));
	json_put_str(&w, "contact_email", s->contact_email);
	json_put_str(&w, "rules", s->rules);
	json_put_int(&w, "hold_first_posts", s->hold_first_posts);
	json_put_str(&w, "show_domain_blocks", s->show_domain_blocks);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_admin_settings(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_settings s;
	return app_settings_get(&app, &s, e) && answer_settings(rs, &s, e);
}

bool api_admin_settings_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_settings s;
	struct app_settings_change c = {0};
	enum app_registrations mode;
	const char *registrations = NULL;
	int64_t hold = -1;
	if (!param_text(rq, "title", 100, &c.title, e) ||
	    !param_text(rq, "description", 5000, &c.description, e) ||
	    !param_text(rq, "contact_email", 320, &c.contact_email, e) ||
	    !param_text(rq, "rules", 10000, &c.rules, e) ||
	    !param_int(rq, "hold_first_posts", 0, 1000, &hold, e) ||
	    !param_text(rq, "show_domain_blocks", 20, &c.show_domain_blocks, e) ||
	    !param_text(rq, "registrations", 20, &registrations, e))
		return false;
	if (registrations && !app_registrations_parse(registrations, &mode))
		return param_fail(rq, "registrations", e,
				  "must be one of: open, approval, invitation, closed");
	c.hold_first_posts = hold >= 0 ? &hold : NULL;
	c.registrations = registrations ? &mode : NULL;
	return app_settings_change(&app, &c, &s, e) && answer_settings(rs, &s, e);
}
