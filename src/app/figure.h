/* Lists and figures for moderators. ERR_FORBIDDEN to others. */
#ifndef MADANG_APP_FIGURE_H
#define MADANG_APP_FIGURE_H

#include "app/admin.h"
#include "store/figure.h"

bool app_admin_search(struct app *app, const struct store_admin_filter *filter,
		      const struct store_page *page, struct app_admin_accounts *out, int64_t *first,
		      int64_t *last, struct err *e) MUST_CHECK;
#define APP_IPS_MAX 10
bool app_admin_ips(struct app *app, int64_t account_id, struct store_seen_ip out[APP_IPS_MAX],
		   size_t *count, struct err *e) MUST_CHECK;
/* opened_reports, resolved_reports, active_users, new_users, interactions; *known false: none of them. */
bool app_figure(struct app *app, const char *name, int64_t from_ms, int64_t to_ms, int64_t *value,
		bool *known, struct err *e) MUST_CHECK;
bool app_figure_retained(struct app *app, int64_t from_ms, int64_t to_ms, int64_t since_ms,
			 int64_t *all, int64_t *seen, struct err *e) MUST_CHECK;

/* For everybody: the last weeks, this one first. Looked up once an hour. */
enum { APP_ACTIVITY_WEEKS = 12 };
struct app_activity {
	int64_t week_s; /* its Monday, UTC */
	int64_t posts, seen, sign_ups;
};
bool app_activity(struct app *app, struct app_activity out[APP_ACTIVITY_WEEKS],
		  struct err *e) MUST_CHECK;

/* How many were seen in the last thirty days. Looked up once an hour. */
bool app_active_month(struct app *app, int64_t *people, struct err *e) MUST_CHECK;

bool app_figure_languages(struct app *app, struct store_figure_row *out, size_t room, size_t *count,
			  struct err *e) MUST_CHECK;

#endif
