/* The places in the queue and who may change them. Any thread; no state.
 *
 * Each maker has a fair order of its own: start-time fair queuing over accounts. A job's turn is its virtual start
 * time, the later of the queue's clock and the end of its account's job before; the account's end moves on by the
 * pictures of the job over the account's weight. The smallest turn is drawn next, and the clock is the turn of the
 * newest that was claimed. What must stay true: an account's turns are changed only under its lock, and nothing
 * that an account does with its own jobs moves them before where the account stands. */
#include "app/queue.h"

#include "app/private.h"
#include "store/setting.h"

#include <stdlib.h>
#include <string.h>

enum { REASON_MAX = 300, MAKER_MAX_BYTES = 60, WORKER_HEARD_MS = 7000 };
/* Rows are kept for longer than clocks of two machines can well be apart. */
#define WORKER_GONE_MS (2 * (int64_t)24 * 3600 * 1000)

static const char SETTING_LEVEL[] = "load.level", SETTING_BANNER[] = "load.banner",
		  SETTING_MESSAGE[] = "load.message";

static bool gone(struct err *e)
{
	return err_set(e, ERR_CONFLICT, "This job does not wait any more.");
}

static void emit(struct app *w, const struct store_job *job)
{
	app_emit(w, &(struct app_event){
			.type = APP_EVENT_JOB, .job_id = job->id, .account_id = job->account_id});
	app_emit(w, &(struct app_event){
			.type = APP_EVENT_JOB_WAITING, .job_id = job->id, .maker = job->maker});
}

/* --- turns --- */

bool app_queue_next_turn(struct app *w, const char *maker, int64_t account_id, double cost,
			 double *turn, struct err *e)
{
	double clock, end;
	if (!store_job_account_lock(w->db, account_id, e) ||
	    !store_job_turn_get(w->db, maker, 0, &clock, e) ||
	    !store_job_turn_get(w->db, maker, account_id, &end, e))
		return false;
	*turn = end > clock ? end : clock;
	return store_job_turn_set(w->db, maker, account_id, *turn + cost, e);
}

bool app_queue_close_up(struct app *w, const char *maker, int64_t account_id, double from_turn,
			struct err *e)
{
	struct store_job_place *places;
	size_t n;
	double clock;
	if (!store_job_account_lock(w->db, account_id, e) ||
	    !store_job_turn_get(w->db, maker, 0, &clock, e) ||
	    !store_job_lane(w->db, w->arena, maker, account_id, from_turn, &places, &n, e))
		return false;
	double turn = from_turn > clock ? from_turn : clock;
	for (size_t i = 0; i < n; i++) {
		struct store_job_place *p = &places[i];
		if (turn < p->turn && !store_job_place_set(w->db, p->id, turn, e))
			return false;
		turn = (turn < p->turn ? turn : p->turn) + p->cost;
	}
	return store_job_turn_set(w->db, maker, account_id, turn, e);
}

bool app_queue_promote(struct app *w, const struct store_job *leader, struct err *e)
{
	struct store_jobs followers;
	double turn;
	if (!store_job_followers(w->db, w->arena, leader->id, &followers, e))
		return false;
	if (!followers.count)
		return true;
	const struct store_job *first = &followers.items[0];
	if (!app_queue_next_turn(w, first->maker, first->account_id, first->count / first->weight,
				 &turn, e) ||
	    !store_job_promote(w->db, first->id, leader->id, turn, e))
		return false;
	emit(w, first);
	return true;
}

/* --- one's own --- */

struct steer_call {
	struct store_job job;
	const char *maker;
	int64_t before_id;
};

static bool own_waiting(struct app *app, int64_t id, struct store_job *out, struct err *e)
{
	if (!app_need_account(app, e) || !store_job_get(app->db, app->arena, id, out, e))
		return false;
	if (out->account_id != app->account_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	return out->state == STORE_JOB_QUEUED || gone(e);
}

/* The other maker may cost something else: what was taken is given back, and taken anew. */
static bool charge_again(struct app *w, const struct store_job *job, const char *maker,
			 struct err *e)
{
	struct app_quota_set set;
	struct store_maker_rule rule;
	const struct store_quota_holder holder = {.account_id = job->account_id,
						  .role = (int)w->role,
						  .programme_id = job->programme_id,
						  .token_id = job->token_id};
	if (!store_maker_rule_get(w->db, w->arena, maker, &rule, e) ||
	    !app_quota_set_of(w, &holder, &set, e))
		return false;
	const double need[3] = {job->count, 0, rule.cost * job->count};
	return app_quota_refund(w, job->id, e) && app_quota_charge(w, &set, job->id, need, e);
}

static bool move(struct app *w, void *context, struct err *e)
{
	struct steer_call *c = context;
	const struct store_job *job = &c->job;
	double turn;
	bool changed;
	if (!app_queue_next_turn(w, c->maker, job->account_id, job->count / job->weight, &turn,
				 e) ||
	    !store_job_move(w->db, job->id, c->maker, turn, &changed, e))
		return false;
	if (!changed)
		return gone(e);
	if (!charge_again(w, job, c->maker, e))
		return false;
	if (!job->leader_id && !job->paused &&
	    !app_queue_close_up(w, job->maker, job->account_id, job->turn, e))
		return false;
	struct store_job moved = *job;
	moved.maker = c->maker;
	emit(w, &moved);
	return app_queue_promote(w, job, e);
}

bool app_queue_move(struct app *app, int64_t id, const char *maker, struct err *e)
{
	struct steer_call c = {.maker = maker};
	if (!own_waiting(app, id, &c.job, e))
		return false;
	if (!strcmp(c.job.maker, maker))
		return err_set(e, ERR_CONFLICT, "This job waits for that maker already.");
	struct app_job_new form = {
	    .maker = maker, .task = c.job.task, .programme_id = c.job.programme_id};
	if (!app_job_sources_again(app, &c.job, &form, e) || !app_token_admit(app, &form, e) ||
	    !app_programme_admit(app, &form, e))
		return false;
	if (app->programme_id != c.job.programme_id)
		return err_set(e, ERR_CONFLICT,
			       "That maker belongs to a programme: ask for the picture anew.");
	return app_write(app, move, &c, e);
}

static bool pause_job(struct app *w, void *context, struct err *e)
{
	struct steer_call *c = context;
	const struct store_job *job = &c->job;
	bool changed;
	if (!store_job_pause(w->db, job->id, true, job->turn, &changed, e))
		return false;
	if (!changed)
		return gone(e);
	emit(w, job);
	return (job->leader_id ||
		app_queue_close_up(w, job->maker, job->account_id, job->turn, e)) &&
	       app_queue_promote(w, job, e);
}

static bool resume(struct app *w, void *context, struct err *e)
{
	struct steer_call *c = context;
	const struct store_job *job = &c->job;
	double turn;
	bool changed;
	if (!app_queue_next_turn(w, job->maker, job->account_id, job->count / job->weight, &turn,
				 e) ||
	    !store_job_pause(w->db, job->id, false, turn, &changed, e))
		return false;
	if (!changed)
		return gone(e);
	emit(w, job);
	return true;
}

bool app_queue_pause(struct app *app, int64_t id, struct err *e)
{
	struct steer_call c = {0};
	return own_waiting(app, id, &c.job, e) &&
	       (c.job.paused || app_write(app, pause_job, &c, e));
}

bool app_queue_resume(struct app *app, int64_t id, struct err *e)
{
	struct steer_call c = {0};
	return own_waiting(app, id, &c.job, e) && (!c.job.paused || app_write(app, resume, &c, e));
}

static bool find(const struct store_job_place *places, size_t n, int64_t id, size_t *at)
{
	for (*at = 0; *at < n; (*at)++)
		if (places[*at].id == id)
			return true;
	return false;
}

/* Below every turn: who is drawn next by an administrator's word stands below nothing. */
static const double ALL_TURNS = -1e300;

/* The turns stay where they are, the jobs change places on them: so nothing is won from others. */
static bool reorder(struct app *w, void *context, struct err *e)
{
	struct steer_call *c = context;
	struct store_job_place *places;
	size_t n, from, to;
	if (!store_job_account_lock(w->db, c->job.account_id, e) ||
	    !store_job_lane(w->db, w->arena, c->job.maker, c->job.account_id, ALL_TURNS, &places,
			    &n, e))
		return false;
	if (!find(places, n, c->job.id, &from))
		return gone(e);
	if (!c->before_id)
		to = n;
	else if (!find(places, n, c->before_id, &to))
		return err_set(e, ERR_INVALID,
			       "Validation failed: before is not a job of yours that waits there");
	if (to > from)
		to--;
	while (from != to) {
		size_t next = from < to ? from + 1 : from - 1;
		int64_t id = places[from].id;
		places[from].id = places[next].id;
		places[next].id = id;
		if (!store_job_place_set(w->db, places[from].id, places[from].turn, e))
			return false;
		from = next;
	}
	emit(w, &c->job);
	return store_job_place_set(w->db, places[to].id, places[to].turn, e);
}

bool app_queue_reorder(struct app *app, int64_t id, int64_t before_id, struct err *e)
{
	struct steer_call c = {.before_id = before_id};
	if (!own_waiting(app, id, &c.job, e))
		return false;
	if (before_id == id)
		return err_set(e, ERR_INVALID, "Validation failed: before is the job itself");
	return app_write(app, reorder, &c, e);
}

/* --- administrators --- */

static bool front(struct app *w, void *context, struct err *e)
{
	const struct store_job *job = &((struct steer_call *)context)->job;
	double first;
	bool found;
	if (!store_job_account_lock(w->db, job->account_id, e) ||
	    !store_job_first_turn(w->db, job->maker, &first, &found, e))
		return false;
	if (!found || job->paused || job->leader_id)
		return gone(e);
	if (!store_job_place_set(w->db, job->id, first - 1, e))
		return false;
	emit(w, job);
	return app_queue_close_up(w, job->maker, job->account_id, job->turn, e) &&
	       store_audit_insert(w->db, w->account_id, "queue.front", job->id, "", w->now_ms, e);
}

bool app_queue_front(struct app *app, int64_t id, struct err *e)
{
	struct steer_call c = {0};
	if (!app_need_admin(app, e) || !store_job_get(app->db, app->arena, id, &c.job, e))
		return false;
	return c.job.state == STORE_JOB_QUEUED ? app_write(app, front, &c, e) : gone(e);
}

static bool set_rule(struct app *w, void *context, struct err *e)
{
	const struct store_maker_rule *rule = context;
	const char *detail = arena_printf(w->arena, "%s: %s, cost %g", rule->maker,
					  rule->paused ? "paused" : "open", rule->cost);
	app_emit(w, &(struct app_event){.type = APP_EVENT_SETTINGS});
	app_emit(w, &(struct app_event){.type = APP_EVENT_JOB_WAITING, .maker = rule->maker});
	return store_maker_rule_set(w->db, rule, e) &&
	       store_audit_insert(w->db, w->account_id, "maker.change", 0, detail, w->now_ms, e);
}

bool app_maker_change(struct app *app, const char *maker, const struct app_maker_change *change,
		      struct store_maker_rule *out, struct err *e)
{
	if (!app_need_admin(app, e) || !app_check_text("maker", maker, MAKER_MAX_BYTES, e) ||
	    (change->reason && !app_check_text("reason", change->reason, REASON_MAX, e)))
		return false;
	if (change->cost && !(*change->cost >= 0 && *change->cost <= 1e6))
		return err_set(e, ERR_INVALID,
			       "Validation failed: cost must be between 0 and 1000000");
	if (!store_maker_rule_get(app->db, app->arena, maker, out, e))
		return false;
	out->paused = change->paused ? *change->paused : out->paused;
	out->reason = change->reason ? change->reason : out->reason;
	out->cost = change->cost ? *change->cost : out->cost;
	return app_write(app, set_rule, out, e);
}

bool app_queue_cost(struct app *app, const char *maker, double *cost, struct err *e)
{
	struct store_maker_rule rule;
	if (!store_maker_rule_get(app->db, app->arena, maker, &rule, e))
		return false;
	*cost = rule.cost;
	return true;
}

bool app_maker_counts(struct app *app, const char *maker, int64_t *queued, int64_t *drawing,
		      struct err *e)
{
	return app_need_admin(app, e) && store_job_count_of(app->db, maker, queued, drawing, e);
}

bool app_worker_list(struct app *app, struct store_worker **items, size_t *count, struct err *e)
{
	return app_need_admin(app, e) &&
	       store_worker_list(app->db, app->arena, app->now_ms - WORKER_HEARD_MS, items, count,
				 e);
}

bool app_job_joined(struct app *app, int64_t *count, struct err *e)
{
	return store_job_count_joined(app->db, count, e);
}

bool app_load_settings_get(struct app *app, struct app_load_settings *out, struct err *e)
{
	const char *level, *banner, *message;
	if (!store_setting_get(app->db, app->arena, SETTING_LEVEL, &level, e) ||
	    !store_setting_get(app->db, app->arena, SETTING_BANNER, &banner, e) ||
	    !store_setting_get(app->db, app->arena, SETTING_MESSAGE, &message, e))
		return false;
	bool set = level && level[0] >= '0' && level[0] <= '4' && !level[1];
	out->level = set ? level[0] - '0' : -1;
	out->banner = banner ? banner : "auto";
	out->message = message ? message : "";
	return true;
}

static bool set_load(struct app *w, void *context, struct err *e)
{
	const struct app_load_settings *s = context;
	const char *level = s->level < 0 ? "auto" : arena_printf(w->arena, "%d", s->level);
	app_emit(w, &(struct app_event){.type = APP_EVENT_SETTINGS});
	return store_setting_set(w->db, SETTING_LEVEL, level, e) &&
	       store_setting_set(w->db, SETTING_BANNER, s->banner, e) &&
	       store_setting_set(w->db, SETTING_MESSAGE, s->message, e) &&
	       store_audit_insert(w->db, w->account_id, "load.change", 0,
				  arena_printf(w->arena, "level %s, banner %s", level, s->banner),
				  w->now_ms, e);
}

bool app_load_settings_change(struct app *app, const struct app_load_change *change,
			      struct app_load_settings *out, struct err *e)
{
	if (!app_need_admin(app, e) ||
	    (change->message && !app_check_text("message", change->message, REASON_MAX, e)) ||
	    !app_load_settings_get(app, out, e))
		return false;
	out->level = change->level ? *change->level : out->level;
	out->banner = change->banner ? change->banner : out->banner;
	out->message = change->message ? change->message : out->message;
	return app_write(app, set_load, out, e);
}

bool app_queue_share(struct app *app, int64_t *own, double *share, struct err *e)
{
	struct store_job_pressure p;
	struct app_quota_set set;
	const struct store_quota_holder holder = {.account_id = app->account_id,
						  .role = (int)app->role,
						  .programme_id = app->programme_id,
						  .token_id = app->token_id};
	if (!store_job_pictures(app->db, app->account_id, own, e) ||
	    !store_job_pressure(app->db, &p, e) || !app_quota_set_of(app, &holder, &set, e))
		return false;
	double weights = *own ? p.weights : p.weights + set.weight;
	*share = weights > 0 ? (double)p.pictures * set.weight / weights : 0;
	*share = *share < 1 ? 1 : *share;
	return true;
}

/* --- the workers' side --- */

static bool beat(struct app *w, void *context, struct err *e)
{
	return store_worker_set(w->db, context, e) &&
	       store_worker_expire(w->db, w->now_ms - WORKER_GONE_MS, e);
}

bool app_worker_beat(struct app *app, const struct store_worker *worker, struct err *e)
{
	struct store_worker copy = *worker;
	return app_write(app, beat, &copy, e);
}

static bool leave(struct app *w, void *context, struct err *e)
{
	return store_worker_delete(w->db, *(const char **)context, e);
}

bool app_worker_leave(struct app *app, const char *name, struct err *e)
{
	return app_write(app, leave, &name, e);
}

static bool add_times(struct app *w, void *context, struct err *e)
{
	const struct app_times *t = context;
	for (size_t i = 0; i < t->count; i++)
		if (!store_time_add(w->db, &t->items[i], e))
			return false;
	for (size_t i = 0; i < t->halve_count; i++)
		if (!store_time_halve(w->db, &t->halve[i], e))
			return false;
	return true;
}

bool app_times_add(struct app *app, const struct app_times *times, struct err *e)
{
	struct app_times copy = *times;
	return app_write(app, add_times, &copy, e);
}
