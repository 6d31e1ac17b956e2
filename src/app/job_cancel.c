/* Cancelling many jobs at once, of one account or of many: what a revocation and a token that ends do. Any thread; no
 * state. What must stay true: within the caller's transaction everything follows that follows from cancelling one:
 * what was taken of quotas is given back, who followed is drawn, each line closes up. */
#include "app/private.h"
#include "app/quota.h"
#include "store/job.h"
#include "store/setting.h"

#include <string.h>

static const struct store_job *find_job(const struct store_jobs *jobs, int64_t id)
{
	for (size_t i = 0; i < jobs->count; i++)
		if (jobs->items[i].id == id)
			return &jobs->items[i];
	return NULL;
}

/* At most DB_IDS_MAX. The ones that were open before are in *jobs. */
static bool cancel_some(struct app *w, const int64_t *ids, size_t count, struct store_jobs *jobs,
			struct err *e)
{
	int64_t charged[DB_IDS_MAX], followed[DB_IDS_MAX];
	size_t charged_count, followed_count;
	if (!store_job_open_of(w->db, w->arena, ids, count, jobs, e) ||
	    !store_job_cancel_of(w->db, ids, count, w->now_ms, e) ||
	    !store_quota_charged_of(w->db, ids, count, charged, &charged_count, e) ||
	    !store_job_followed_of(w->db, ids, count, followed, &followed_count, e))
		return false;
	for (size_t i = 0; i < jobs->count; i++)
		app_emit(w, &(struct app_event){.type = APP_EVENT_JOB,
						.job_id = jobs->items[i].id,
						.account_id = jobs->items[i].account_id});
	for (size_t i = 0; i < charged_count; i++)
		if (find_job(jobs, charged[i]) && !app_quota_refund(w, charged[i], e))
			return false;
	for (size_t i = 0; i < followed_count; i++) {
		const struct store_job *leader = find_job(jobs, followed[i]);
		if (leader && !app_queue_promote(w, leader, e))
			return false;
	}
	return true;
}

/* Each lane once, from the first place that became free in it. */
static bool close_up_lanes(struct app *w, const struct store_job **waited, size_t count,
			   struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		const struct store_job *job = waited[i];
		if (!job)
			continue;
		double first = job->turn;
		for (size_t k = i + 1; k < count; k++) {
			const struct store_job *other = waited[k];
			if (!other || other->account_id != job->account_id ||
			    strcmp(other->maker, job->maker) != 0)
				continue;
			first = other->turn < first ? other->turn : first;
			waited[k] = NULL;
		}
		if (!app_queue_close_up(w, job->maker, job->account_id, first, e))
			return false;
	}
	return true;
}

bool app_job_cancel_all_in(struct app *w, const int64_t *ids, size_t count, struct err *e)
{
	const struct store_job **waited = arena_alloc(w->arena, (count + 1) * sizeof *waited);
	size_t n = 0;
	for (size_t done = 0; done < count; done += DB_IDS_MAX) {
		struct store_jobs jobs;
		size_t rest = count - done;
		if (!cancel_some(w, ids + done, rest < DB_IDS_MAX ? rest : DB_IDS_MAX, &jobs, e))
			return false;
		for (size_t i = 0; i < jobs.count; i++) {
			const struct store_job *j = &jobs.items[i];
			if (j->state == STORE_JOB_QUEUED && !j->paused && !j->leader_id)
				waited[n++] = j;
		}
	}
	return close_up_lanes(w, waited, n, e);
}

/* --- all of one account --- */

enum { STEP = 200, STEPS_MAX = 5000, STEP_ARENA_BYTES = 16 << 20 };

struct all_call {
	int64_t account_id;
	size_t found;
};

static bool cancel_step(struct app *w, void *context, struct err *e)
{
	struct all_call *c = context;
	int64_t ids[STEP];
	return store_job_account_lock(w->db, c->account_id, e) &&
	       store_job_open_ids(w->db, c->account_id, ids, STEP, &c->found, e) &&
	       app_job_cancel_all_in(w, ids, c->found, e);
}

static bool note_down(struct app *w, void *context, struct err *e)
{
	return store_audit_insert(w->db, w->account_id, "queue.cancel_all", *(int64_t *)context, "",
				  w->now_ms, e);
}

bool app_job_cancel_account(struct app *app, int64_t account_id, int64_t *cancelled, struct err *e)
{
	bool own = account_id == app->account_id, ok = true;
	struct all_call c = {.account_id = account_id};
	*cancelled = 0;
	if (!app_need_account(app, e) || (!own && !app_need_admin(app, e)) ||
	    (!own && !app_write(app, note_down, &account_id, e)))
		return false;
	for (int i = 0; ok && i < STEPS_MAX && (i == 0 || c.found == STEP); i++) {
		struct app step = *app;
		step.arena = arena_create(STEP_ARENA_BYTES);
		ok = app_write(&step, cancel_step, &c, e);
		*cancelled += ok ? (int64_t)c.found : 0;
		arena_destroy(step.arena);
	}
	return ok;
}
