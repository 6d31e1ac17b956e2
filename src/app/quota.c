/* Quotas: the arithmetic of the buckets, charging and giving back, and what administrators set. Any thread; no
 * state. What must stay true: a job's charges and the job's row are one transaction, and what a job took is
 * given back at most once, because the charges are forgotten in the same transaction. */
#include "app/quota.h"

#include "app/job.h"
#include "app/private.h"
#include "base/id.h"
#include "store/setting.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS ((int64_t)3600 * 1000)
#define DAY_MS  (24 * HOUR_MS)

enum { GROUP_NAME_MAX = 60 };
static const double EPSILON = 1e-9, AMOUNT_MAX = 1e9;

static const char *const SUBJECTS[] = {"everyone",  "role",    "group",
				       "programme", "account", "token"};
static const char *const UNITS[] = {"pictures", "film_seconds", "cost",
				    "queued",   "running",      "weight"};
static const struct {
	const char *name;
	int64_t ms;
} PERIODS[] = {{"hour", HOUR_MS}, {"day", DAY_MS}, {"week", 7 * DAY_MS}, {"month", 30 * DAY_MS}};
enum { PERIODS_COUNT = sizeof PERIODS / sizeof *PERIODS };

const char *app_quota_subject_name(enum store_quota_subject subject)
{
	return SUBJECTS[subject];
}

const char *app_quota_unit_name(enum store_quota_unit unit)
{
	return UNITS[unit];
}

const char *app_quota_period_name(int64_t period_ms)
{
	for (int i = 0; i < PERIODS_COUNT; i++)
		if (PERIODS[i].ms == period_ms)
			return PERIODS[i].name;
	return NULL;
}

bool app_quota_period_parse(const char *name, int64_t *period_ms)
{
	for (int i = 0; i < PERIODS_COUNT; i++)
		if (!strcmp(PERIODS[i].name, name)) {
			*period_ms = PERIODS[i].ms;
			return true;
		}
	return false;
}

/* --- the arithmetic --- */

/* Which period a time belongs to; weeks begin on Mondays, and 1970 began on a Thursday. */
static int64_t period_of(const struct store_quota *q, int64_t ms)
{
	int64_t shifted = q->period_ms == 7 * DAY_MS ? ms + 3 * DAY_MS : ms;
	return shifted / q->period_ms;
}

static int64_t period_end(const struct store_quota *q, int64_t ms)
{
	int64_t shift = q->period_ms == 7 * DAY_MS ? 3 * DAY_MS : 0;
	return (period_of(q, ms) + 1) * q->period_ms - shift;
}

double app_quota_refill(const struct store_quota *q, double used, int64_t *at_ms, int64_t now_ms)
{
	int64_t at = *at_ms;
	if (now_ms <= at) {
		/* Time that was counted already is not counted again; but a clock that was years ahead must
		 * not stop the refilling for years. */
		*at_ms = at - now_ms > q->period_ms ? now_ms : at;
		return used;
	}
	*at_ms = now_ms;
	if (!q->steady)
		return period_of(q, now_ms) > period_of(q, at) ? 0 : used;
	double left = used - q->amount * (double)(now_ms - at) / (double)q->period_ms;
	return left > 0 ? left : 0;
}

int64_t app_quota_fits_at(const struct store_quota *q, double used, double need, int64_t now_ms)
{
	double over = used + need - q->amount;
	if (over <= EPSILON)
		return now_ms;
	if (need > q->amount + EPSILON)
		return INT64_MAX;
	if (!q->steady)
		return period_end(q, now_ms);
	return now_ms + (int64_t)ceil(over / q->amount * (double)q->period_ms);
}

static bool has_bucket(const struct store_quota *q)
{
	return q->unit <= STORE_QUOTA_COST;
}

static int64_t holder_of(const struct store_quota *q, const struct store_quota_holder *who)
{
	if (q->shared)
		return 0;
	return q->subject == STORE_QUOTA_TOKEN ? who->token_id : who->account_id;
}

/* --- a job's side --- */

static bool limit_reached(const struct store_quota *q, double remaining, int64_t fits_at,
			  int64_t now_ms, struct err *e)
{
	static const char *const words[] = {"pictures", "seconds of film", "credits of cost"};
	if (fits_at == INT64_MAX)
		return err_set(e, ERR_LIMIT, "This is more than your whole quota of %g %s a %s.",
			       q->amount, words[q->unit], app_quota_period_name(q->period_ms));
	int64_t minutes = (fits_at - now_ms + 59999) / 60000;
	return err_set(e, ERR_LIMIT,
		       "Your quota has %g of %g %s left for this %s. Try again in %lld %s.",
		       floor(remaining * 100) / 100, q->amount, words[q->unit],
		       app_quota_period_name(q->period_ms),
		       (long long)(minutes > 120 ? (minutes + 59) / 60 : minutes),
		       minutes > 120 ? "hours" : "minutes");
}

static bool charge_one(struct app *w, const struct store_quota *q,
		       const struct store_quota_holder *who, int64_t job_id, double need,
		       struct err *e)
{
	struct store_quota_charge c = {
	    .quota_id = q->id, .holder_id = holder_of(q, who), .amount = need};
	double used;
	int64_t at;
	if (!store_quota_bucket_lock(w->db, q->id, c.holder_id, w->now_ms, &used, &at, e))
		return false;
	used = app_quota_refill(q, used, &at, w->now_ms);
	if (used + need > q->amount + EPSILON)
		return limit_reached(q, fmax(0, q->amount - used),
				     app_quota_fits_at(q, used, need, w->now_ms), w->now_ms, e);
	c.at = at;
	return store_quota_bucket_set(w->db, q->id, c.holder_id, used + need, at, e) &&
	       store_quota_charge_insert(w->db, job_id, &c, e);
}

bool app_quota_charge(struct app *w, const struct app_quota_set *set, int64_t job_id,
		      const double need[3], struct err *e)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct store_quota *q = &set->items[i];
		if (has_bucket(q) && need[q->unit] > 0 &&
		    !charge_one(w, q, &set->holder, job_id, need[q->unit], e))
			return false;
	}
	return true;
}

bool app_quota_refund(struct app *w, int64_t job_id, struct err *e)
{
	struct store_quota_charge charges[STORE_QUOTAS_MAX];
	size_t n;
	if (!store_quota_charges(w->db, job_id, charges, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct store_quota_charge *c = &charges[i];
		struct store_quota q;
		double used;
		int64_t at;
		if (!store_quota_get(w->db, c->quota_id, &q, e) ||
		    !store_quota_bucket_lock(w->db, c->quota_id, c->holder_id, w->now_ms, &used,
					     &at, e))
			return false;
		/* What was taken in a period that is over was given back by its end. */
		bool over = !q.steady && period_of(&q, c->at) != period_of(&q, at);
		used =
		    app_quota_refill(&q, over ? used : fmax(0, used - c->amount), &at, w->now_ms);
		if (!store_quota_bucket_set(w->db, c->quota_id, c->holder_id, used, at, e))
			return false;
	}
	return !n || store_quota_charges_forget(w->db, job_id, e);
}

/* The nearest subject first. */
static int nearness(enum store_quota_subject subject)
{
	static const int order[] = {
	    [STORE_QUOTA_ACCOUNT] = 6, [STORE_QUOTA_TOKEN] = 5, [STORE_QUOTA_PROGRAMME] = 4,
	    [STORE_QUOTA_GROUP] = 3,   [STORE_QUOTA_ROLE] = 2,  [STORE_QUOTA_EVERYONE] = 1};
	return order[subject];
}

bool app_quota_set_of(struct app *app, const struct store_quota_holder *holder,
		      struct app_quota_set *out, struct err *e)
{
	int near[STORE_QUOTA_UNITS] = {0};
	double value[STORE_QUOTA_UNITS] = {0};
	value[STORE_QUOTA_QUEUED] = app->core->config.jobs_active_max;
	value[STORE_QUOTA_RUNNING] = app->core->config.jobs_running_max;
	value[STORE_QUOTA_WEIGHT] = 1;
	out->holder = *holder;
	if (!store_quota_of(app->db, holder, out->items, &out->count, e))
		return false;
	for (size_t i = 0; i < out->count; i++) {
		const struct store_quota *q = &out->items[i];
		if (!has_bucket(q) && nearness(q->subject) > near[q->unit]) {
			near[q->unit] = nearness(q->subject);
			value[q->unit] = q->amount;
		}
	}
	out->queued_max = (int64_t)value[STORE_QUOTA_QUEUED];
	out->running_max = (int)value[STORE_QUOTA_RUNNING];
	out->weight = value[STORE_QUOTA_WEIGHT];
	return true;
}

/* --- what is left --- */

static struct store_quota_holder holder(const struct app *app)
{
	return (struct store_quota_holder){.account_id = app->account_id,
					   .role = (int)app->role,
					   .programme_id = app->programme_id,
					   .token_id = app->token_id};
}

static double share_left(const struct app_quota_left *l)
{
	return l->quota.amount > 0 ? l->remaining / l->quota.amount : 0;
}

static int64_t full_at(const struct store_quota *q, double used, int64_t now_ms)
{
	if (used <= 0)
		return now_ms;
	if (!q->steady || q->amount <= 0)
		return period_end(q, now_ms);
	double ms =
	    used / q->amount * (double)q->period_ms; /* lowered since: as if it never were */
	return ms < 1e15 ? now_ms + (int64_t)ceil(ms) : INT64_MAX / 2;
}

static int tightest_first(const void *a, const void *b)
{
	const struct app_quota_left *x = a, *y = b;
	double first = share_left(x), second = share_left(y);
	return first < second ? -1 : first > second;
}

bool app_quota_left(struct app *app, struct app_quota_left **items, size_t *count, struct err *e)
{
	struct app_quota_set set;
	struct store_quota_holder who = holder(app);
	*count = 0;
	*items = arena_alloc(app->arena, STORE_QUOTAS_MAX * sizeof **items);
	if (!app->account_id)
		return true;
	if (!app_quota_set_of(app, &who, &set, e))
		return false;
	for (size_t i = 0; i < set.count; i++) {
		const struct store_quota *q = &set.items[i];
		double used;
		int64_t at;
		if (!has_bucket(q))
			continue;
		if (!store_quota_bucket_get(app->db, q->id, holder_of(q, &who), app->now_ms, &used,
					    &at, e))
			return false;
		used = app_quota_refill(q, used, &at, app->now_ms);
		struct app_quota_left *left = &(*items)[(*count)++];
		*left =
		    (struct app_quota_left){.quota = *q, .remaining = fmax(0, q->amount - used)};
		left->full_at = full_at(q, used, app->now_ms);
	}
	qsort(*items, *count, sizeof **items, tightest_first);
	return true;
}

bool app_quota_wait(struct app *app, int pictures, int64_t *seconds, struct err *e)
{
	struct app_quota_left *left;
	size_t n;
	*seconds = 0;
	if (!app_quota_left(app, &left, &n, e))
		return false;
	for (size_t i = 0; i < n && *seconds >= 0; i++) {
		const struct store_quota *q = &left[i].quota;
		int64_t at = q->unit != STORE_QUOTA_PICTURES
				 ? app->now_ms
				 : app_quota_fits_at(q, q->amount - left[i].remaining, pictures,
						     app->now_ms);
		int64_t wait = at == INT64_MAX ? -1 : (at - app->now_ms + 999) / 1000;
		*seconds = wait < 0 || wait > *seconds ? wait : *seconds;
	}
	return true;
}

/* --- what administrators set --- */

static bool check_quota(const struct store_quota *q, struct err *e)
{
	static const struct {
		double min, max;
	} limits[] = {{0, 1e9}, {0, 1e9}, {0, 1e9}, {0, 1000000}, {1, 1000}, {0.01, 100}};
	if (!(q->amount >= limits[q->unit].min && q->amount <= limits[q->unit].max) ||
	    q->amount > AMOUNT_MAX)
		return err_set(e, ERR_INVALID,
			       "Validation failed: amount must be between %g and %g",
			       limits[q->unit].min, limits[q->unit].max);
	if (has_bucket(q) && !app_quota_period_name(q->period_ms))
		return err_set(e, ERR_INVALID,
			       "Validation failed: window must be hour, day, week or month");
	if (!has_bucket(q) && (q->period_ms || q->steady || q->shared))
		return err_set(e, ERR_INVALID,
			       "Validation failed: window, refill and shared are for pictures, "
			       "film_seconds and cost");
	if ((q->subject == STORE_QUOTA_EVERYONE) != (q->subject_id == 0) &&
	    q->subject != STORE_QUOTA_ROLE)
		return err_set(e, ERR_INVALID, "Validation failed: subject_id must name one %s",
			       SUBJECTS[q->subject]);
	return true;
}

/* For the log of who did what: "role 0: 50 pictures". */
static const char *describe(struct app *app, const struct store_quota *q)
{
	return arena_printf(app->arena, "%s %lld: %g %s", SUBJECTS[q->subject],
			    (long long)q->subject_id, q->amount, UNITS[q->unit]);
}

static bool add(struct app *w, void *context, struct err *e)
{
	const struct store_quota *q = context;
	return store_quota_insert(w->db, q, e) &&
	       store_audit_insert(w->db, w->account_id, "quota.add", q->id, describe(w, q),
				  w->now_ms, e);
}

bool app_quota_add(struct app *app, const struct store_quota *form, struct store_quota *out,
		   struct err *e)
{
	*out = *form;
	out->id = id_new();
	out->created_at = app->now_ms;
	if (!app_need_admin(app, e) || !check_quota(out, e))
		return false;
	if (app_write(app, add, out, e))
		return true;
	return e->code == ERR_CONFLICT
		   ? err_set(e, ERR_CONFLICT, "There is such a quota already: change that one.")
		   : false;
}

static bool change(struct app *w, void *context, struct err *e)
{
	const struct store_quota *q = context;
	return store_quota_set(w->db, q, e) &&
	       store_audit_insert(w->db, w->account_id, "quota.change", q->id, describe(w, q),
				  w->now_ms, e);
}

bool app_quota_change(struct app *app, int64_t id, const struct app_quota_change *c,
		      struct store_quota *out, struct err *e)
{
	if (!app_need_admin(app, e) || !store_quota_get(app->db, id, out, e))
		return false;
	out->amount = c->amount ? *c->amount : out->amount;
	out->period_ms = c->period_ms ? *c->period_ms : out->period_ms;
	out->steady = c->steady ? *c->steady : out->steady;
	return check_quota(out, e) && app_write(app, change, out, e);
}

static bool delete_quota(struct app *w, void *context, struct err *e)
{
	int64_t id = *(int64_t *)context;
	return store_quota_delete(w->db, id, e) &&
	       store_audit_insert(w->db, w->account_id, "quota.delete", id, "", w->now_ms, e);
}

bool app_quota_delete(struct app *app, int64_t id, struct err *e)
{
	return app_need_admin(app, e) && app_write(app, delete_quota, &id, e);
}

bool app_quota_list(struct app *app, struct store_quota **items, size_t *count, struct err *e)
{
	return app_need_admin(app, e) && store_quota_list(app->db, app->arena, items, count, e);
}

/* --- groups --- */

static bool group_add(struct app *w, void *context, struct err *e)
{
	const struct store_group *g = context;
	return store_group_insert(w->db, g->id, g->name, w->now_ms, e) &&
	       store_audit_insert(w->db, w->account_id, "group.add", g->id, g->name, w->now_ms, e);
}

bool app_group_add(struct app *app, const char *name, struct store_group *out, struct err *e)
{
	*out = (struct store_group){.id = id_new(), .name = name, .created_at = app->now_ms};
	if (!app_need_admin(app, e) || !app_check_text("name", name, GROUP_NAME_MAX, e))
		return false;
	if (!name[strspn(name, " \t")])
		return err_set(e, ERR_INVALID, "Validation failed: name can't be blank");
	if (app_write(app, group_add, out, e))
		return true;
	return e->code == ERR_CONFLICT
		   ? err_set(e, ERR_CONFLICT, "There is a group of this name already.")
		   : false;
}

bool app_group_list(struct app *app, struct store_group **items, size_t *count, struct err *e)
{
	return app_need_admin(app, e) && store_group_list(app->db, app->arena, items, count, e);
}

static bool group_delete(struct app *w, void *context, struct err *e)
{
	int64_t id = *(int64_t *)context;
	return store_group_delete(w->db, id, e) &&
	       store_audit_insert(w->db, w->account_id, "group.delete", id, "", w->now_ms, e);
}

bool app_group_delete(struct app *app, int64_t id, struct err *e)
{
	return app_need_admin(app, e) && app_write(app, group_delete, &id, e);
}

struct member_call {
	int64_t id, account_id;
	bool member;
};

static bool member(struct app *w, void *context, struct err *e)
{
	const struct member_call *c = context;
	const char *who = arena_printf(w->arena, "account %lld", (long long)c->account_id);
	return store_group_member_set(w->db, c->id, c->account_id, c->member, e) &&
	       store_audit_insert(w->db, w->account_id, c->member ? "group.join" : "group.leave",
				  c->id, who, w->now_ms, e);
}

bool app_group_member(struct app *app, int64_t id, int64_t account_id, bool is_member,
		      struct err *e)
{
	struct member_call c = {id, account_id, is_member};
	return app_need_admin(app, e) && app_write(app, member, &c, e);
}
