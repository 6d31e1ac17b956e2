/* Lists and figures for moderators. Any thread; no state. */
#include "app/figure.h"

#include "app/private.h"
#include "store/report.h"

#include <string.h>

bool app_admin_search(struct app *app, const struct store_admin_filter *filter,
		      const struct store_page *page, struct app_admin_accounts *out, int64_t *first,
		      int64_t *last, struct err *e)
{
	struct store_accounts rows;
	*out = (struct app_admin_accounts){0};
	if (!app_need_moderator(app, e) ||
	    !store_admin_accounts(app->db, app->arena, filter, page, &rows, e))
		return false;
	out->items = arena_alloc(app->arena, (rows.count + 1) * sizeof(*out->items));
	for (; out->count < rows.count; out->count++)
		if (!app_admin_account(app, rows.items[out->count].id, &out->items[out->count], e))
			return false;
	*first = rows.first;
	*last = rows.last;
	out->more = rows.more;
	return true;
}

bool app_admin_ips(struct app *app, int64_t account_id, struct store_seen_ip out[APP_IPS_MAX],
		   size_t *count, struct err *e)
{
	return app_need_moderator(app, e) &&
	       store_account_ips(app->db, app->arena, account_id, out, APP_IPS_MAX, count, e);
}

bool app_figure(struct app *app, const char *name, int64_t from_ms, int64_t to_ms, int64_t *value,
		bool *known, struct err *e)
{
	static const struct {
		const char *name;
		enum store_figure figure;
	} rows[] = {{"active_users", STORE_FIGURE_ACTIVE},
		    {"new_users", STORE_FIGURE_NEW},
		    {"interactions", STORE_FIGURE_INTERACTIONS}};
	*known = true;
	if (!app_need_moderator(app, e))
		return false;
	if (!strcmp(name, "opened_reports") || !strcmp(name, "resolved_reports"))
		return store_report_count(app->db, *name == 'r', from_ms, to_ms, value, e);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!strcmp(rows[i].name, name))
			return store_figure_count(app->db, rows[i].figure, from_ms, to_ms, value,
						  e);
	*known = false;
	return true;
}

bool app_figure_retained(struct app *app, int64_t from_ms, int64_t to_ms, int64_t since_ms,
			 int64_t *all, int64_t *seen, struct err *e)
{
	return app_need_moderator(app, e) &&
	       store_figure_retained(app->db, from_ms, to_ms, since_ms, all, seen, e);
}

bool app_figure_languages(struct app *app, struct store_figure_row *out, size_t room, size_t *count,
			  struct err *e)
{
	return app_need_moderator(app, e) &&
	       store_figure_languages(app->db, app->arena, out, room, count, e);
}
