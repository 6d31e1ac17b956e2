/* Reports: anybody sends them, moderators work through them. */
#include "api/admin/routes.h"

#include <stdio.h>
#include <string.h>

#include "app/setting.h"
#include "base/str.h"

static const char *const CATEGORIES[] = {"other", "spam", "legal", "violation", NULL};
enum { IDS_MAX = 40 };

bool api_report_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_report_new form = {.comment = ""};
	struct store_report report;
	struct store_account target;
	int64_t *posts, *rules;
	int category = STORE_REPORT_OTHER;
	bool forward = false; /* nothing is forwarded: `forwarded` says so */
	if (!param_id(rq, "account_id", &form.target_id, e) ||
	    !param_ids(rq, "status_ids", IDS_MAX, &posts, &form.post_count, e) ||
	    !param_ids(rq, "rule_ids", IDS_MAX, &rules, &form.rule_count, e) ||
	    !param_text(rq, "comment", 1000, &form.comment, e) ||
	    !param_bool(rq, "forward", &forward, e) ||
	    !param_choice(rq, "category", CATEGORIES, &category, e))
		return false;
	if (!form.target_id)
		return param_fail(rq, "account_id", e, "can't be blank");
	form.post_ids = posts;
	form.rule_ids = rules;
	form.category = (enum store_report_category)category;
	if (!app_report_create(&app, &form, &report, &target, e))
		return false;
	struct json_writer w = api_json(rs);
	serial_report(&(struct serial){.w = &w, .api = api_of(rq), .app = &app}, NULL, &report,
		      &target);
	return json_finish(&w, e);
}

/* Those of the server's rules that the report names. */
static void put_rules(struct serial *s, const char *ids, const char *rules)
{
	struct json_writer *w = s->w;
	char id[24];
	int n = 0;
	json_put_array(w, "rules");
	while (*rules) {
		size_t length = strcspn(rules, "\n");
		if (length) {
			int width = snprintf(id, sizeof id, " %d ", ++n);
			const char *all = arena_printf(s->app->arena, " %s ", ids);
			if (strstr(all, id)) {
				json_put_object(w, NULL);
				json_put_strn(w, "id", id + 1, (size_t)width - 2);
				json_put_strn(w, "text", rules, length);
				json_put_str(w, "hint", "");
				json_put_end(w);
			}
		}
		rules += length + (rules[length] != '\0');
	}
	json_put_end(w);
}

static void put_report(struct serial *s, const struct app_report *r, const char *rules)
{
	struct json_writer *w = s->w;
	json_put_object(w, NULL);
	json_put_id(w, "id", r->row.id);
	json_put_bool(w, "action_taken", r->row.resolved_at != 0);
	json_put_time(w, "action_taken_at", r->row.resolved_at);
	json_put_str(w, "category", CATEGORIES[r->row.category]);
	json_put_str(w, "comment", r->row.comment);
	json_put_bool(w, "forwarded", r->row.forwarded);
	json_put_time(w, "created_at", r->row.created_at);
	json_put_time(w, "updated_at", r->row.updated_at);
	admin_put_account(s, "account", &r->account);
	admin_put_account(s, "target_account", &r->target);
	admin_put_account(s, "assigned_account", &r->assigned);
	admin_put_account(s, "action_taken_by_account", &r->resolved_by);
	json_put_array(w, "statuses");
	for (size_t i = 0; i < r->posts.count; i++)
		serial_status(s, NULL, &r->posts.items[i]);
	json_put_end(w);
	put_rules(s, r->row.rule_ids, rules);
	json_put_end(w);
}

static bool answer(struct http_request *rq, struct http_response *rs, struct app *app,
		   const struct app_report *r, struct err *e)
{
	struct app_settings settings;
	if (!app_settings_get(app, &settings, e))
		return false;
	struct json_writer w = api_json(rs);
	put_report(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, r, settings.rules);
	return json_finish(&w, e);
}

bool api_report_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_report_filter filter = {0};
	struct app_settings settings;
	struct app_reports found;
	struct store_page page;
	if (!api_page_params(rq, 40, 80, &page, e) ||
	    !param_bool(rq, "resolved", &filter.resolved, e) ||
	    !param_id(rq, "account_id", &filter.account_id, e) ||
	    !param_id(rq, "target_account_id", &filter.target_id, e) ||
	    !app_report_list(&app, &filter, &page, &found, e) ||
	    !app_settings_get(&app, &settings, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < found.count; i++)
		put_report(&s, &found.items[i], settings.rules);
	json_put_end(&w);
	if (found.count)
		api_page_link(rq, rs, found.items[0].row.id, found.items[found.count - 1].row.id,
			      found.more);
	return json_finish(&w, e);
}

bool api_report_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_report r;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_report_get(&app, id, &r, e) &&
	       answer(rq, rs, &app, &r, e);
}

/* PUT changes the category and the rules; the others go by the last word of the path. */
bool api_report_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const words[] = {"assign_to_self", "unassign", "resolve", "reopen"};
	struct app app = api_app(rq);
	struct app_report r;
	const char *word = strrchr(rq->route->path, '/') + 1, *rules = NULL, **ids;
	enum app_report_change change = APP_REPORT_CATEGORY;
	int category = -1;
	int64_t id;
	size_t n;
	if (!http_request_id(rq, 0, &id, e) ||
	    !param_choice(rq, "category", CATEGORIES, &category, e) ||
	    !param_texts(rq, "rule_ids", IDS_MAX, 19, &ids, &n, e))
		return false;
	for (int i = 0; i < 4; i++)
		if (!strcmp(words[i], word))
			change = (enum app_report_change)i;
	for (size_t i = 0; i < n; i++)
		rules = i ? arena_printf(rq->arena, "%s %s", rules, ids[i]) : ids[i];
	if (!app_report_get(&app, id, &r, e))
		return false;
	enum store_report_category wanted =
	    category < 0 ? r.row.category : (enum store_report_category)category;
	return app_report_change(&app, id, change, wanted, rules, &r, e) &&
	       answer(rq, rs, &app, &r, e);
}

/* --- notes --- */

static void put_note(struct json_writer *w, const struct store_report_note *n)
{
	json_put_object(w, NULL);
	json_put_id(w, "id", n->id);
	json_put_id(w, "account_id", n->account_id);
	json_put_str(w, "text", n->text);
	json_put_time(w, "created_at", n->created_at);
	json_put_end(w);
}

bool api_report_note_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_report_note note;
	const char *text;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !param_text_required(rq, "text", 2000, &text, e) ||
	    !app_report_note_add(&app, id, text, &note, e))
		return false;
	struct json_writer w = api_json(rs);
	put_note(&w, &note);
	return json_finish(&w, e);
}

bool api_report_note_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_report_note *notes;
	size_t n;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_report_notes(&app, id, &notes, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_note(&w, &notes[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_report_note_remove(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t report_id, id;
	if (!http_request_id(rq, 0, &report_id, e) || !http_request_id(rq, 1, &id, e) ||
	    !app_report_note_remove(&app, report_id, id, e))
		return false;
	http_response_empty(rs);
	return true;
}
