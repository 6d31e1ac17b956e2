/* What people are told: how long it will take, why, who else could begin at once, and when it is too much. No state of
 * its own; any thread. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/queue.h"
#include "jobs/parts.h"

void jobs_load(struct jobs *j, struct jobs_load *out)
{
	pthread_mutex_lock(&j->lock);
	*out = j->load;
	pthread_mutex_unlock(&j->lock);
}

void jobs_service(struct jobs *j, const char *maker, struct jobs_service *out)
{
	*out = (struct jobs_service){0};
	out->samples = times_samples(j->times, maker, 0.1, &out->p10_s);
	times_samples(j->times, maker, 0.5, &out->p50_s);
	times_samples(j->times, maker, 0.9, &out->p90_s);
	times_promises(j->times, maker, &out->kept, &out->broken);
}

bool jobs_maker_state(struct jobs *j, const char *id, struct fleet_state *out)
{
	return fleet_state(j->fleet, id, out);
}

bool jobs_maker_open(struct jobs *j, const char *id)
{
	struct fleet_state s;
	return fleet_state(j->fleet, id, &s) && s.slots > 0 && !s.paused;
}

const char *jobs_maker_reason(struct jobs *j, struct arena *a, const char *id)
{
	struct fleet_state s;
	if (!fleet_state(j->fleet, id, &s))
		return "It is not offered here.";
	if (s.paused)
		return s.reason[0] ? arena_strdup(a, s.reason)
				   : "It is paused by the administrators.";
	return s.slots > 0 ? NULL : "No machine draws with it at the moment.";
}

/* --- promises --- */

static bool place_of(struct jobs *j, const char *maker, struct times_place *out)
{
	struct fleet_state s;
	const struct maker_info *info = fleet_find(j->fleet, maker);
	if (!info || !fleet_state(j->fleet, maker, &s) || s.paused || s.slots <= 0)
		return false;
	*out =
	    (struct times_place){.slots = s.slots, .pixels = (int64_t)info->width * info->height};
	return true;
}

/* What people see: whole seconds, never zero wide. */
static void whole(const struct times_wait *w, int64_t *low_s, int64_t *high_s)
{
	*low_s = (int64_t)fmin(1e6, floor(w->low_s));
	*high_s = (int64_t)fmin(1e6, ceil(w->high_s));
	if (*high_s <= *low_s)
		*high_s = *low_s + 1;
}

void jobs_promise(struct jobs *j, struct store_job *job, const struct store_job_ahead *ahead)
{
	struct times_place place;
	struct times_wait w;
	int64_t low, high;
	if (!place_of(j, job->maker, &place))
		return;
	times_wait(j->times, job, ahead, &place, &w);
	const struct times_arrival arrival = {.maker = job->maker,
					      .task = (int)job->task,
					      .count = job->count,
					      .behind = ahead->behind,
					      .at_ms = job->created_at};
	times_arrived(j->times, &arrival);
	whole(&w, &low, &high);
	job->promise_low_ms = low * 1000;
	job->promise_high_ms = high * 1000;
	job->promise_mean_ms = (int64_t)fmax(1, w.mean_s * 1000);
	job->promise_least_ms = (int64_t)fmax(1, w.least_s * 1000);
	job->promise_most_ms = (int64_t)fmax(1, w.most_s * 1000);
	job->promise_kind = w.class;
}

void promise_measure(struct jobs *j, const struct maker_info *info, const struct store_job *job,
		     double service_s, int64_t now_ms)
{
	int64_t pixels = (int64_t)info->width * info->height * job->count;
	const struct times_key service = {
	    .maker = info->id, .task = (int)job->task, .size = pixels, .kind = TIMES_SERVICE};
	times_add(j->times, &service, service_s);
	/* A job that was steered, or drawn a second time, was not what the promise was about; and over a jump of
	 * the clock nobody knows how long it waited. */
	if (job->promise_mean_ms <= 0 || job->attempts > 1 ||
	    job->created_at < atomic_load(&j->jumped_at))
		return;
	int64_t waited = now_ms > job->created_at ? now_ms - job->created_at : 0;
	const struct times_key late = {.maker = info->id, .kind = TIMES_LATE + job->promise_kind},
			       early = {.maker = info->id, .kind = TIMES_EARLY + job->promise_kind};
	if (job->promise_most_ms > 0 && job->promise_kind >= 0 &&
	    job->promise_kind < TIMES_CLASSES) {
		times_add(j->times, &late, (double)waited / (double)job->promise_most_ms);
		times_add(j->times, &early, (double)waited / (double)job->promise_least_ms);
	}
	times_promise(j->times, info->id,
		      waited >= job->promise_low_ms && waited <= job->promise_high_ms);
}

/* --- the card --- */

static bool can(const struct maker_info *m, const struct store_job *job)
{
	bool style = !job->style;
	for (size_t i = 0; !style && m->has_style && i < m->styles_count; i++)
		style = !strcmp(m->styles[i], job->style);
	const bool region = job->region_width > 0 || job->region_height > 0;
	return m->tasks[job->task] && style && job->count <= m->count_max &&
	       (!region || m->has_region) && (!job->masked || m->has_mask) &&
	       (!job->further || job->further < m->sources_max) &&
	       (!job->has_seed || m->has_seed) && (!(job->guidance > 0) || m->has_guidance);
}

static void find_elsewhere(struct jobs *j, const struct store_job *job, struct jobs_card *out)
{
	const struct store_job_ahead nothing = {0};
	for (size_t i = 0; i < fleet_count(j->fleet); i++) {
		const struct maker_info *m = fleet_at(j->fleet, i);
		struct fleet_state s;
		struct times_place place;
		struct times_wait w;
		if (!strcmp(m->id, job->maker) || !can(m, job) || !place_of(j, m->id, &place) ||
		    !fleet_state(j->fleet, m->id, &s) || s.busy >= s.slots)
			continue;
		struct store_job there = *job;
		there.maker = m->id;
		times_wait(j->times, &there, &nothing, &place, &w);
		struct jobs_elsewhere *one = &out->elsewhere[out->elsewhere_count++];
		one->maker = m;
		whole(&w, &one->low_s, &one->high_s);
	}
}

static const char *reason(struct jobs *j, const struct app_job *job)
{
	struct fleet_state s;
	if (job->row.paused)
		return "paused";
	if (!fleet_state(j->fleet, job->row.maker, &s) || (!s.paused && s.slots <= 0))
		return "no_maker";
	if (s.paused)
		return "maker_paused";
	if (job->row.leader_id)
		return "joined";
	if (job->ahead.own_drawing >= job->row.running_max)
		return "running_limit";
	if (job->ahead.own > 0 && job->ahead.own == job->ahead.jobs)
		return "own_jobs_first";
	return job->ahead.jobs ? "others_first" : "next";
}

void jobs_card(struct jobs *j, const struct app_job *job, struct jobs_card *out)
{
	struct times_place place;
	struct times_wait w;
	*out = (struct jobs_card){.reason = reason(j, job)};
	if (!job->row.paused && place_of(j, job->row.maker, &place)) {
		times_wait(j->times, &job->row, &job->ahead, &place, &w);
		whole(&w, &out->low_s, &out->high_s);
	}
	if (!job->row.leader_id)
		find_elsewhere(j, &job->row, out);
}

/* --- admission --- */

static bool refuse(struct jobs *j, struct err *e, const char *why)
{
	pthread_mutex_lock(&j->lock);
	j->stats.refused++;
	pthread_mutex_unlock(&j->lock);
	return err_set(e, ERR_BUSY, "%s", why);
}

bool jobs_admit(struct jobs *j, struct app *app, const struct app_job_new *form, struct err *e)
{
	struct jobs_load l;
	int64_t own;
	double share;
	const char *closed = jobs_maker_reason(j, app->arena, form->maker);
	if (closed) {
		const struct maker_info *m = fleet_find(j->fleet, form->maker);
		return refuse(j, e,
			      arena_printf(app->arena, "%s cannot draw this now. %s",
					   m ? m->name : form->maker, closed));
	}
	jobs_load(j, &l);
	if (l.level >= LOAD_EVERYONE)
		return refuse(
		    j, e,
		    "The machines are melting: nothing new is drawn for the moment. Reading "
		    "and posting work as ever.");
	if (l.level >= LOAD_OVER_SHARE) {
		if (!app_queue_share(app, &own, &share, e))
			return false;
		if (own > 0 && (double)own + form->count > share)
			return refuse(j, e,
				      "Very many people are drawing: wait until what you have "
				      "asked for is drawn, then ask for more.");
	}
	if (form->count > l.count_max)
		return refuse(j, e,
			      arena_printf(app->arena,
					   "Many people are drawing: at most %d pictures at a time "
					   "for the moment.",
					   l.count_max));
	return true;
}
