/* What is kept by name: the server's settings, an account's preferences, its markers. */
#ifndef MADANG_APP_SETTING_H
#define MADANG_APP_SETTING_H

#include "app/app.h"

enum app_registrations {
	APP_REGISTRATIONS_OPEN,
	APP_REGISTRATIONS_APPROVAL,
	APP_REGISTRATIONS_INVITATION,
	APP_REGISTRATIONS_CLOSED,
};
const char *app_registrations_name(enum app_registrations mode);
bool app_registrations_parse(const char *name, enum app_registrations *mode) MUST_CHECK;

struct app_settings {
	const char *title;
	const char *description;
	enum app_registrations registrations;
	const char *contact_email;
	const char *rules;              /* one a line */
	int hold_first_posts;           /* of each new account a moderator looks at so many */
	const char *show_domain_blocks; /* to whom: "disabled", "users", "all" */
};
bool app_settings_get(struct app *app, struct app_settings *out, struct err *e) MUST_CHECK;
/* Administrators. NULL members (and registrations NULL) stay as they are. */
struct app_settings_change {
	const char *title;
	const char *description;
	const enum app_registrations *registrations;
	const char *contact_email;
	const char *rules;
	const int64_t *hold_first_posts;
	const char *show_domain_blocks;
};
bool app_settings_change(struct app *app, const struct app_settings_change *change,
			 struct app_settings *out, struct err *e) MUST_CHECK;
/* Any other value of the program by name (VAPID keys, …). *value NULL: not set. */
bool app_setting_get(struct app *app, const char *name, const char **value,
		     struct err *e) MUST_CHECK;
bool app_setting_set(struct app *app, const char *name, const char *value,
		     struct err *e) MUST_CHECK;

/* Preferences: "posting:default:visibility" and the like. *value NULL: not set. */
bool app_preference_get(struct app *app, const char *name, const char **value,
			struct err *e) MUST_CHECK;
bool app_preference_set(struct app *app, const char *name, const char *value,
			struct err *e) MUST_CHECK;

struct app_marker {
	const char *timeline; /* "home" or "notifications" */
	int64_t last_read_id;
	int64_t version;
	int64_t updated_at;
};
/* *found false: none yet. */
bool app_marker_get(struct app *app, const char *timeline, struct app_marker *out, bool *found,
		    struct err *e) MUST_CHECK;
bool app_marker_set(struct app *app, const char *timeline, int64_t last_read_id,
		    struct app_marker *out, struct err *e) MUST_CHECK;

#endif
