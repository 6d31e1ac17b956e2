/* Figures over time, as Mastodon's dashboards ask for them. */
#include "api/admin/routes.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/figure.h"
#include "base/clock.h"

enum { DAYS_MAX = 92, KEYS_MAX = 20, COHORTS_MAX = 31 };
static const int64_t DAY_MS = 24LL * 60 * 60 * 1000;

/* "2026-01-31", with or without a time behind it. */
static bool day_param(struct http_request *rq, const char *name, int64_t *ms, struct err *e)
{
	struct tm t = {0};
	const char *text;
	if (!param_text_required(rq, name, 40, &text, e))
		return false;
	const char *end = strptime(text, "%Y-%m-%d", &t);
	if (!end || (*end && *end != 'T' && *end != ' '))
		return param_fail(rq, name, e, "must be a day, as 2026-01-31");
	*ms = (int64_t)timegm(&t) * 1000;
	return true;
}

static bool period_params(struct http_request *rq, int64_t *from, int64_t *to, struct err *e)
{
	if (!day_param(rq, "start_at", from, e) || !day_param(rq, "end_at", to, e))
		return false;
	if (*to < *from || *to - *from > DAYS_MAX * DAY_MS)
		return param_fail(rq, "end_at", e, "must be at most %d days after start_at",
				  DAYS_MAX);
	return true;
}

static void put_count(struct json_writer *w, const char *key, int64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)value);
	json_put_str(w, key, text); /* as Mastodon has it */
}

static bool put_measure(struct json_writer *w, struct app *app, const char *key, int64_t from,
			int64_t to, struct err *e)
{
	int64_t total, before, value;
	bool known;
	if (!app_figure(app, key, from, to + DAY_MS, &total, &known, e))
		return false;
	if (!known)
		return true;
	if (!app_figure(app, key, from - (to + DAY_MS - from), from, &before, &known, e))
		return false;
	json_put_object(w, NULL);
	json_put_str(w, "key", key);
	json_put_null(w, "unit");
	put_count(w, "total", total);
	put_count(w, "previous_total", before);
	json_put_array(w, "data");
	for (int64_t day = from; day <= to; day += DAY_MS) {
		if (!app_figure(app, key, day, day + DAY_MS, &value, &known, e))
			return false;
		json_put_object(w, NULL);
		json_put_time(w, "date", day);
		put_count(w, "value", value);
		json_put_end(w);
	}
	json_put_end(w);
	json_put_end(w);
	return true;
}

bool api_measures(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char **keys;
	int64_t from, to;
	size_t n;
	if (!param_texts(rq, "keys", KEYS_MAX, 40, &keys, &n, e) ||
	    !period_params(rq, &from, &to, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		if (!put_measure(&w, &app, keys[i], from, to, e))
			return false;
	json_put_end(&w);
	return json_finish(&w, e);
}

static void put_row(struct json_writer *w, const char *key, const char *human, const char *value,
		    const char *unit)
{
	json_put_object(w, NULL);
	json_put_str(w, "key", key);
	json_put_str(w, "human_key", human);
	json_put_str(w, "value", value);
	json_put_str(w, "unit", unit);
	json_put_str(w, "human_value", value);
	json_put_end(w);
}

static bool put_languages(struct json_writer *w, struct app *app, size_t limit, struct err *e)
{
	struct store_figure_row rows[COHORTS_MAX];
	size_t n;
	if (!app_figure_languages(app, rows, limit, &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		put_row(w, rows[i].key, rows[i].key,
			arena_printf(app->arena, "%lld", (long long)rows[i].value), NULL);
	return true;
}

static bool put_dimension(struct json_writer *w, struct http_request *rq, struct app *app,
			  const char *key, size_t limit, struct err *e)
{
	const struct api *api = api_of(rq);
	bool languages = !strcmp(key, "languages"), space = !strcmp(key, "space_usage");
	struct app_overview o;
	if (!languages && !space && strcmp(key, "software_versions"))
		return true;
	json_put_object(w, NULL);
	json_put_str(w, "key", key);
	json_put_array(w, "data");
	if (languages) {
		if (!put_languages(w, app, limit, e))
			return false;
	} else if (space) {
		if (!app_admin_overview(app, &o, e))
			return false;
		put_row(w, "media", "Media",
			arena_printf(rq->arena, "%lld", (long long)o.media_bytes), "bytes");
	} else {
		put_row(w, "madang", "Madang", api->version, NULL);
		put_row(w, "database", "Database",
			db_pool_kind(api->pool) == DB_SQLITE ? "SQLite" : "PostgreSQL", NULL);
	}
	json_put_end(w);
	json_put_end(w);
	return true;
}

bool api_dimensions(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char **keys;
	int64_t limit = 10;
	size_t n;
	if (!param_texts(rq, "keys", KEYS_MAX, 40, &keys, &n, e) ||
	    !param_int(rq, "limit", 1, COHORTS_MAX, &limit, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		if (!put_dimension(&w, rq, &app, keys[i], (size_t)limit, e))
			return false;
	json_put_end(&w);
	return json_finish(&w, e);
}

/* The beginning of the next day or month. */
static int64_t next_period(int64_t ms, bool months)
{
	if (!months)
		return ms + DAY_MS;
	struct tm t;
	time_t s = (time_t)(ms / 1000);
	gmtime_r(&s, &t);
	t.tm_mday = 1;
	t.tm_mon++;
	return (int64_t)timegm(&t) * 1000;
}

static bool put_cohort(struct json_writer *w, struct app *app, int64_t from, int64_t to,
		       bool months, struct err *e)
{
	int64_t end = next_period(from, months), all, seen;
	json_put_object(w, NULL);
	json_put_time(w, "period", from);
	json_put_str(w, "frequency", months ? "month" : "day");
	json_put_array(w, "data");
	for (int64_t at = from; at <= to; at = next_period(at, months)) {
		if (!app_figure_retained(app, from, end, at, &all, &seen, e))
			return false;
		json_put_object(w, NULL);
		json_put_time(w, "date", at);
		json_put_real(w, "rate", all ? (double)seen / (double)all : 0);
		put_count(w, "value", seen);
		json_put_end(w);
	}
	json_put_end(w);
	json_put_end(w);
	return true;
}

bool api_retention(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const frequencies[] = {"day", "month", NULL};
	struct app app = api_app(rq);
	int64_t from, to;
	int frequency = 0, count = 0;
	if (!period_params(rq, &from, &to, e) ||
	    !param_choice(rq, "frequency", frequencies, &frequency, e))
		return false;
	bool months = frequency == 1;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (int64_t at = from; at <= to && count < COHORTS_MAX;
	     at = next_period(at, months), count++)
		if (!put_cohort(&w, &app, at, to, months, e))
			return false;
	json_put_end(&w);
	return json_finish(&w, e);
}
