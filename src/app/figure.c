/* Lists and figures for moderators. Any thread; no state. */
#include "app/figure.h"

#include "app/private.h"
#include "store/report.h"

#include <stdlib.h>
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

/* --- what everybody may know --- */

#define ACTIVITY_MS INT64_C(3600000)
#define DAY_MS      INT64_C(86400000)

struct app_activity_kept {
	pthread_mutex_t lock;
	int64_t until_ms; /* 0: never looked */
	struct app_activity weeks[APP_ACTIVITY_WEEKS];
	int64_t month_until_ms, month; /* the same for the last thirty days */
};

struct app_activity_kept *app_activity_create(void)
{
	struct app_activity_kept *k = calloc(1, sizeof(*k));
	if (!k)
		abort();
	pthread_mutex_init(&k->lock, NULL);
	return k;
}

void app_activity_destroy(struct app_activity_kept *k)
{
	if (!k)
		return;
	pthread_mutex_destroy(&k->lock);
	free(k);
}

static bool look(struct app *app, struct app_activity weeks[APP_ACTIVITY_WEEKS], struct err *e)
{
	/* The first day of 1970 was a Thursday. */
	int64_t monday = (app->now_ms / DAY_MS + 3) / 7 * 7 - 3;
	for (int i = 0; i < APP_ACTIVITY_WEEKS; i++) {
		int64_t from = (monday - 7 * i) * DAY_MS, to = from + 7 * DAY_MS;
		weeks[i].week_s = from / 1000;
		if (!store_figure_count(app->db, STORE_FIGURE_POSTS, from, to, &weeks[i].posts,
					e) ||
		    !store_figure_count(app->db, STORE_FIGURE_SEEN, from, to, &weeks[i].seen, e) ||
		    !store_figure_count(app->db, STORE_FIGURE_NEW, from, to, &weeks[i].sign_ups, e))
			return false;
	}
	return true;
}

bool app_activity(struct app *app, struct app_activity out[APP_ACTIVITY_WEEKS], struct err *e)
{
	struct app_activity_kept *k = app->core->activity;
	bool ok = true;
	/* Who comes meanwhile waits for the one who looks. */
	pthread_mutex_lock(&k->lock);
	if (k->until_ms <= app->now_ms) {
		ok = look(app, k->weeks, e);
		k->until_ms = ok ? app->now_ms + ACTIVITY_MS : 0;
	}
	memcpy(out, k->weeks, sizeof(k->weeks));
	pthread_mutex_unlock(&k->lock);
	return ok;
}

bool app_active_month(struct app *app, int64_t *people, struct err *e)
{
	struct app_activity_kept *k = app->core->activity;
	bool ok = true;
	pthread_mutex_lock(&k->lock);
	if (k->month_until_ms <= app->now_ms) {
		ok = store_figure_count(app->db, STORE_FIGURE_PRESENT, app->now_ms - 30 * DAY_MS,
					app->now_ms + 1, &k->month, e);
		k->month_until_ms = ok ? app->now_ms + ACTIVITY_MS : 0;
	}
	*people = k->month;
	pthread_mutex_unlock(&k->lock);
	return ok;
}
