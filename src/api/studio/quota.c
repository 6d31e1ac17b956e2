/* Quotas: what is left for who asks; the administrators' list, and the groups that it can name. */
#include "api/studio/quota.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/studio/routes.h"
#include "app/quota.h"
#include "base/clock.h"
#include "base/id.h"
#include "jobs/jobs.h"

static const char *const SUBJECTS[] = {"everyone", "role",  "group", "programme",
				       "account",  "token", NULL};
static const char *const UNITS[] = {"pictures", "film_seconds", "cost", "queued",
				    "running",  "weight",       NULL};
static const char *const ROLES[] = {"user", "moderator", "admin", NULL};
static const char *const WINDOWS[] = {"hour", "day", "week", "month", NULL};
static const char *const REFILLS[] = {"window", "steady", NULL};

/* --- what is left --- */

static void put_left(struct json_writer *w, const struct app_quota_left *l)
{
	const struct store_quota *q = &l->quota;
	json_put_object(w, NULL);
	json_put_str(w, "subject", app_quota_subject_name(q->subject));
	json_put_str(w, "unit", app_quota_unit_name(q->unit));
	json_put_real(w, "amount", q->amount);
	json_put_real(w, "remaining", floor(l->remaining * 1000 + 0.5) / 1000);
	json_put_str(w, "window", app_quota_period_name(q->period_ms));
	json_put_str(w, "refill", REFILLS[q->steady]);
	json_put_time(w, "resets_at", l->full_at);
	json_put_end(w);
}

bool quota_put(struct json_writer *w, const char *key, struct app *app, struct err *e)
{
	struct app_quota_left *items;
	size_t n;
	if (!app_quota_left(app, &items, &n, e))
		return false;
	json_put_array(w, key);
	for (size_t i = 0; i < n; i++)
		put_left(w, &items[i]);
	json_put_end(w);
	return true;
}

bool api_quota_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct json_writer w = api_json(rs);
	return quota_put(&w, NULL, &app, e) && json_finish(&w, e);
}

static void header_int(struct http_response *rs, const char *name, int64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)value);
	http_response_header(rs, name, text);
}

bool quota_headers(struct http_response *rs, struct app *app, struct err *e)
{
	struct app_quota_left *items;
	size_t n;
	char reset[CLOCK_TEXT_SIZE];
	if (!app_quota_left(app, &items, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct app_quota_left *l = &items[i];
		if (l->quota.unit != STORE_QUOTA_PICTURES)
			continue;
		header_int(rs, "X-RateLimit-Limit", (int64_t)l->quota.amount);
		header_int(rs, "X-RateLimit-Remaining", (int64_t)l->remaining);
		http_response_header(rs, "X-RateLimit-Reset", clock_format(reset, l->full_at));
		break;
	}
	return true;
}

void quota_refused(struct http_request *rq, struct http_response *rs, struct app *app, int pictures,
		   const struct err *e)
{
	enum { RETRY_MAX_S = 31 * 86400, RETRY_ACTIVE_S = 10 };
	struct jobs *jobs = api_of(rq)->jobs;
	struct err ignored = {0};
	int64_t seconds;
	if (e->code == ERR_LIMIT && app_quota_wait(app, pictures, &seconds, &ignored)) {
		/* Nothing in the way of the quotas: then it is the cap on what waits, or another unit. */
		seconds = seconds == 0 ? RETRY_ACTIVE_S : seconds;
		if (seconds > 0 && seconds < RETRY_MAX_S)
			header_int(rs, "Retry-After", seconds);
		if (!quota_headers(rs, app, &ignored))
			return;
	} else if (e->code == ERR_BUSY && jobs) {
		struct jobs_load l;
		jobs_load(jobs, &l);
		header_int(rs, "Retry-After", l.retry_after_s > 0 ? l.retry_after_s : 5);
		if (pictures > l.count_max && !rq->error_field[0])
			snprintf(rq->error_field, sizeof rq->error_field, "count");
	}
}

/* --- administrators --- */

static void put_quota(struct json_writer *w, const struct store_quota *q)
{
	json_put_object(w, NULL);
	json_put_id(w, "id", q->id);
	json_put_str(w, "subject", app_quota_subject_name(q->subject));
	if (q->subject == STORE_QUOTA_ROLE)
		json_put_str(w, "subject_id",
			     q->subject_id >= 0 && q->subject_id < 3 ? ROLES[q->subject_id] : NULL);
	else
		json_put_id(w, "subject_id", q->subject_id);
	json_put_str(w, "unit", app_quota_unit_name(q->unit));
	json_put_real(w, "amount", q->amount);
	json_put_str(w, "window", app_quota_period_name(q->period_ms));
	json_put_str(w, "refill", q->period_ms ? REFILLS[q->steady] : NULL);
	json_put_bool(w, "shared", q->shared);
	json_put_time(w, "created_at", q->created_at);
	json_put_end(w);
}

static bool answer_quota(struct http_response *rs, const struct store_quota *q, struct err *e)
{
	struct json_writer w = api_json(rs);
	put_quota(&w, q);
	return json_finish(&w, e);
}

bool api_admin_quota_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_quota *items;
	size_t n;
	if (!app_quota_list(&app, &items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_quota(&w, &items[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

static bool read_subject(struct http_request *rq, struct store_quota *q, struct err *e)
{
	int subject = -1, role = -1;
	if (!param_choice(rq, "subject", SUBJECTS, &subject, e))
		return false;
	if (subject < 0)
		return param_fail(rq, "subject", e, "can't be blank");
	q->subject = (enum store_quota_subject)subject;
	if (q->subject != STORE_QUOTA_ROLE)
		return param_id(rq, "subject_id", &q->subject_id, e);
	if (!param_choice(rq, "subject_id", ROLES, &role, e))
		return false;
	if (role < 0)
		return param_fail(rq, "subject_id", e, "must be user, moderator or admin");
	q->subject_id = role;
	return true;
}

static bool read_window(struct http_request *rq, int64_t *period_ms, bool *steady, struct err *e)
{
	int window = -1, refill = *steady;
	if (!param_choice(rq, "window", WINDOWS, &window, e) ||
	    !param_choice(rq, "refill", REFILLS, &refill, e))
		return false;
	*steady = refill == 1;
	if (window >= 0 && !app_quota_period_parse(WINDOWS[window], period_ms))
		return err_set(e, ERR_INTERNAL, "no such window");
	return true;
}

bool api_admin_quota_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_quota form = {0}, out;
	int unit = -1;
	if (!read_subject(rq, &form, e) || !param_choice(rq, "unit", UNITS, &unit, e))
		return false;
	if (unit < 0)
		return param_fail(rq, "unit", e, "can't be blank");
	form.unit = (enum store_quota_unit)unit;
	if (!param_given(rq, "amount"))
		return param_fail(rq, "amount", e, "can't be blank");
	form.period_ms = form.unit <= STORE_QUOTA_COST ? (int64_t)86400 * 1000 : 0;
	return param_real(rq, "amount", 0, 1e9, &form.amount, e) &&
	       read_window(rq, &form.period_ms, &form.steady, e) &&
	       param_bool(rq, "shared", &form.shared, e) && app_quota_add(&app, &form, &out, e) &&
	       answer_quota(rs, &out, e);
}

bool api_admin_quota_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_quota out;
	struct app_quota_change change = {0};
	double amount = 0;
	int64_t id, period_ms = 0;
	bool steady = false;
	if (!http_request_id(rq, 0, &id, e) || !param_real(rq, "amount", 0, 1e9, &amount, e) ||
	    !read_window(rq, &period_ms, &steady, e))
		return false;
	change.amount = param_given(rq, "amount") ? &amount : NULL;
	change.period_ms = period_ms ? &period_ms : NULL;
	change.steady = param_given(rq, "refill") ? &steady : NULL;
	return app_quota_change(&app, id, &change, &out, e) && answer_quota(rs, &out, e);
}

bool api_admin_quota_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_quota_delete(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

/* --- groups --- */

static void put_group(struct json_writer *w, const struct store_group *g)
{
	json_put_object(w, NULL);
	json_put_id(w, "id", g->id);
	json_put_str(w, "name", g->name);
	json_put_int(w, "members", g->members);
	json_put_end(w);
}

bool api_admin_group_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_group *items;
	size_t n;
	if (!app_group_list(&app, &items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_group(&w, &items[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_admin_group_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_group group;
	const char *name;
	if (!param_text_required(rq, "name", 60, &name, e) || !app_group_add(&app, name, &group, e))
		return false;
	struct json_writer w = api_json(rs);
	put_group(&w, &group);
	return json_finish(&w, e);
}

bool api_admin_group_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_group_delete(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

static bool member(struct http_request *rq, struct http_response *rs, bool is_member, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id, account_id;
	if (!http_request_id(rq, 0, &id, e) || !http_request_id(rq, 1, &account_id, e) ||
	    !app_group_member(&app, id, account_id, is_member, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_admin_group_join(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return member(rq, rs, true, e);
}

bool api_admin_group_leave(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return member(rq, rs, false, e);
}
