/* Settings, preferences, markers. Any thread; no state. */
#include "app/setting.h"

#include "app/private.h"
#include "base/str.h"
#include "store/setting.h"

#include <string.h>

enum { VALUE_MAX_CHARACTERS = 10000, NAME_MAX = 100 };

static const char *const registrations_names[] = {"open", "approval", "invitation", "closed"};

const char *app_registrations_name(enum app_registrations mode)
{
	return registrations_names[mode];
}

bool app_registrations_parse(const char *name, enum app_registrations *mode)
{
	for (int i = 0; i < 4; i++) {
		if (strcmp(name, registrations_names[i]) == 0) {
			*mode = (enum app_registrations)i;
			return true;
		}
	}
	return false;
}

static bool get_or(struct app *app, const char *name, const char *fallback, const char **value,
		   struct err *e)
{
	if (!store_setting_get(app->db, app->arena, name, value, e))
		return false;
	if (!*value)
		*value = fallback;
	return true;
}

bool app_settings_get(struct app *app, struct app_settings *out, struct err *e)
{
	const char *mode, *hold;
	int64_t held = 0;
	if (!get_or(app, "title", "Madang", &out->title, e) ||
	    !get_or(app, "description", "", &out->description, e) ||
	    !get_or(app, "contact_email", "", &out->contact_email, e) ||
	    !get_or(app, "rules", "", &out->rules, e) ||
	    !get_or(app, "hold_first_posts", "0", &hold, e) ||
	    !get_or(app, "show_domain_blocks", "disabled", &out->show_domain_blocks, e) ||
	    !get_or(app, "registrations", "invitation", &mode, e))
		return false;
	if (!app_registrations_parse(mode, &out->registrations))
		out->registrations = APP_REGISTRATIONS_CLOSED;
	out->hold_first_posts = str_to_int(hold, 0, 1000, &held) ? (int)held : 0;
	return true;
}

static bool set_if(struct app *w, const char *name, const char *value, struct err *e)
{
	return !value || store_setting_set(w->db, name, value, e);
}

static bool change(struct app *w, void *context, struct err *e)
{
	const struct app_settings_change *c = context;
	const char *mode = c->registrations ? app_registrations_name(*c->registrations) : NULL;
	const char *hold = c->hold_first_posts
			       ? arena_printf(w->arena, "%lld", (long long)*c->hold_first_posts)
			       : NULL;
	app_emit(w, &(struct app_event){.type = APP_EVENT_SETTINGS});
	return set_if(w, "title", c->title, e) && set_if(w, "description", c->description, e) &&
	       set_if(w, "contact_email", c->contact_email, e) && set_if(w, "rules", c->rules, e) &&
	       set_if(w, "registrations", mode, e) && set_if(w, "hold_first_posts", hold, e) &&
	       set_if(w, "show_domain_blocks", c->show_domain_blocks, e) &&
	       store_audit_insert(w->db, w->account_id, "settings.change", 0, mode, w->now_ms, e);
}

bool app_settings_change(struct app *app, const struct app_settings_change *c,
			 struct app_settings *out, struct err *e)
{
	struct app_settings_change copy = *c;
	if (!app_need_admin(app, e) || (c->title && !app_check_text("title", c->title, 200, e)) ||
	    (c->description &&
	     !app_check_text("description", c->description, VALUE_MAX_CHARACTERS, e)) ||
	    (c->contact_email && !app_check_text("contact_email", c->contact_email, 254, e)) ||
	    (c->rules && !app_check_text("rules", c->rules, VALUE_MAX_CHARACTERS, e)))
		return false;
	if (c->show_domain_blocks && strcmp(c->show_domain_blocks, "disabled") != 0 &&
	    strcmp(c->show_domain_blocks, "users") != 0 &&
	    strcmp(c->show_domain_blocks, "all") != 0)
		return err_set(e, ERR_INVALID,
			       "Validation failed: show_domain_blocks must be one of: disabled, "
			       "users, all");
	if (c->title && !c->title[0])
		return err_set(e, ERR_INVALID, "Validation failed: title can't be blank");
	return app_write(app, change, &copy, e) && app_settings_get(app, out, e);
}

struct value_call {
	const char *name;
	const char *value;
};

static bool set_setting(struct app *w, void *context, struct err *e)
{
	struct value_call *call = context;
	return store_setting_set(w->db, call->name, call->value, e);
}

bool app_setting_get(struct app *app, const char *name, const char **value, struct err *e)
{
	return store_setting_get(app->db, app->arena, name, value, e);
}

bool app_setting_set(struct app *app, const char *name, const char *value, struct err *e)
{
	struct value_call call = {name, value};
	return app_write(app, set_setting, &call, e);
}

bool app_preference_get(struct app *app, const char *name, const char **value, struct err *e)
{
	return app_need_account(app, e) &&
	       store_preference_get(app->db, app->arena, app->account_id, name, value, e);
}

static bool set_preference(struct app *w, void *context, struct err *e)
{
	struct value_call *call = context;
	return store_preference_set(w->db, w->account_id, call->name, call->value, e);
}

bool app_preference_set(struct app *app, const char *name, const char *value, struct err *e)
{
	struct value_call call = {name, value};
	return app_need_account(app, e) && app_check_text("name", name, NAME_MAX, e) &&
	       app_check_text(name, value, VALUE_MAX_CHARACTERS, e) &&
	       app_write(app, set_preference, &call, e);
}

static bool check_timeline(const char *timeline, struct err *e)
{
	return strcmp(timeline, "home") == 0 || strcmp(timeline, "notifications") == 0 ||
	       err_set(e, ERR_INVALID, "Validation failed: timeline must be home or notifications");
}

static void from_row(const char *timeline, const struct store_marker *row, struct app_marker *out)
{
	*out = (struct app_marker){timeline, row->last_read_id, row->version, row->updated_at};
}

bool app_marker_get(struct app *app, const char *timeline, struct app_marker *out, bool *found,
		    struct err *e)
{
	struct store_marker row = {0};
	if (!app_need_account(app, e) || !check_timeline(timeline, e) ||
	    !store_marker_get(app->db, app->account_id, timeline, &row, found, e))
		return false;
	from_row(timeline, &row, out);
	return true;
}

struct marker_call {
	const char *timeline;
	int64_t last_read_id;
	struct store_marker row;
};

static bool set_marker(struct app *w, void *context, struct err *e)
{
	struct marker_call *call = context;
	return store_marker_set(w->db, w->account_id, call->timeline, call->last_read_id, w->now_ms,
				&call->row, e);
}

bool app_marker_set(struct app *app, const char *timeline, int64_t last_read_id,
		    struct app_marker *out, struct err *e)
{
	struct marker_call call = {.timeline = timeline, .last_read_id = last_read_id};
	if (!app_need_account(app, e) || !check_timeline(timeline, e))
		return false;
	if (last_read_id < 0)
		return err_set(e, ERR_INVALID, "Validation failed: last_read_id is not an id");
	if (!app_write(app, set_marker, &call, e))
		return false;
	from_row(timeline, &call.row, out);
	return true;
}
