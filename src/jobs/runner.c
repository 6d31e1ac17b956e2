/* Owns the drawing threads: for each maker as many as it draws jobs at once, each with a database handle. A
 * thread claims the next job in fair order, draws, stores, finishes; the row's lease decides who may finish.
 *
 * What must stay true: a running entry is in the list exactly while its thread is inside draw_job, so a
 * cancel finds it or finds nothing. Whatever fails in between leaves the row with a lease that ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/thread.h"
#include "jobs/parts.h"

enum {
	IDLE_MS = 2000,
	ARENA_CAP = 512 << 20,
	PREVIEW_SLOW_MS = 1000, /* at the first level of load */
	TOKENS_MS = 150
};

struct slot {
	struct jobs *jobs;
	struct maker *maker;
	pthread_t thread;
	struct db *db;
};

void jobs_wake(struct jobs *j)
{
	pthread_mutex_lock(&j->lock);
	j->wakes++;
	pthread_cond_broadcast(&j->some);
	pthread_mutex_unlock(&j->lock);
}

void jobs_cancel(struct jobs *j, int64_t job_id)
{
	bool found = false;
	pthread_mutex_lock(&j->lock);
	for (struct running *r = j->running; r; r = r->next)
		if (r->job_id == job_id) {
			atomic_store(&r->cancelled, true);
			found = true;
		}
	pthread_mutex_unlock(&j->lock);
	for (size_t i = 0; found && i < j->options.makers_count; i++)
		maker_wake(j->options.makers[i]);
}

double jobs_progress(struct jobs *j, int64_t job_id)
{
	double progress = 0;
	pthread_mutex_lock(&j->lock);
	for (size_t i = 0; i < HEARD_MAX; i++)
		if (j->heard[i].job_id == job_id && j->heard[i].progress > progress)
			progress = j->heard[i].progress;
	for (struct running *r = j->running; r; r = r->next)
		if (r->job_id == job_id)
			progress = atomic_load(&r->progress);
	pthread_mutex_unlock(&j->lock);
	return progress;
}

size_t jobs_makers(struct jobs *j)
{
	return fleet_count(j->fleet);
}

const struct maker_info *jobs_maker_at(struct jobs *j, size_t i)
{
	return fleet_at(j->fleet, i);
}

const struct maker_info *jobs_maker(struct jobs *j, const char *id)
{
	return fleet_find(j->fleet, id);
}

void jobs_stats(struct jobs *j, struct jobs_stats *out)
{
	pthread_mutex_lock(&j->lock);
	*out = j->stats;
	pthread_mutex_unlock(&j->lock);
}

void jobs_work(struct jobs *j, struct store_work *out)
{
	struct maker_prefixes prefixes = {0};
	for (size_t i = 0; !j->options.watch_only && i < j->options.makers_count; i++)
		maker_prefixes_add(j->options.makers[i], &prefixes);
	pthread_mutex_lock(&j->lock);
	*out = j->work;
	out->pictures = (int64_t)j->stats.pictures;
	pthread_mutex_unlock(&j->lock);
	out->prefixes_computed = (int64_t)prefixes.computed;
	out->prefixes_shared = (int64_t)prefixes.shared;
	out->prefix_tokens_computed = (int64_t)prefixes.tokens_computed;
	out->prefix_tokens_shared = (int64_t)prefixes.tokens_shared;
}

const char *jobs_worker_name(struct jobs *j)
{
	return j->worker;
}

int jobs_slots(struct jobs *j)
{
	return j->slots_count;
}

/* --- one job --- */

struct drawing {
	struct slot *slot;
	struct running *running;
	struct app *app;
	const struct store_job *job;
	int64_t shown_at_ns, told_at_ns;
};

static enum load_level level_now(struct jobs *j)
{
	pthread_mutex_lock(&j->lock);
	enum load_level level = j->load.level;
	pthread_mutex_unlock(&j->lock);
	return level;
}

/* Under load the decoding of previews is the first thing to be left out. */
static bool sink_wanted(void *context)
{
	struct drawing *d = context;
	struct jobs *j = d->slot->jobs;
	const struct jobs_hooks *h = &j->options.hooks;
	int64_t now = clock_mono_ns();
	if (level_now(j) >= LOAD_FEWER_PREVIEWS &&
	    now - d->shown_at_ns < PREVIEW_SLOW_MS * 1000000ll)
		return false;
	if (!h->watched || !h->watched(h->context, d->job->id))
		return false;
	d->shown_at_ns = now;
	return true;
}

static void sink_tokens(void *context, int index, double progress, const int32_t *tokens,
			size_t count)
{
	struct drawing *d = context;
	struct jobs *j = d->slot->jobs;
	int64_t now = clock_mono_ns();
	int interval_ms = level_now(j) >= LOAD_FEWER_PREVIEWS ? PREVIEW_SLOW_MS : TOKENS_MS;
	atomic_store(&d->running->progress, progress);
	if (now - d->told_at_ns < interval_ms * 1000000ll)
		return;
	d->told_at_ns = now;
	preview_tell(j, d->job->id, maker_info(d->slot->maker)->id, index, progress, tokens, count);
}

/* Of what has no tokens the other processes hear how far it is. */
static void sink_seen(void *context, int index, double progress, const struct image *image,
		      double rows)
{
	struct drawing *d = context;
	struct jobs *j = d->slot->jobs;
	const struct jobs_hooks *h = &j->options.hooks;
	atomic_store(&d->running->progress, progress);
	if (h->seen)
		h->seen(h->context, d->job->id, index, progress, image, rows);
	if (h->tell && !d->slot->maker->ops->decode)
		sink_tokens(d, index, progress, NULL, 0);
	if (image) {
		pthread_mutex_lock(&j->lock);
		j->stats.previews++;
		pthread_mutex_unlock(&j->lock);
	}
}

static void make_request(const struct store_job *job, const struct maker_info *info,
			 struct maker_request *q)
{
	*q = (struct maker_request){
	    .task = (enum maker_task)job->task,
	    .prompt = job->prompt,
	    .style = job->style,
	    .seed = job->has_seed ? (uint64_t)job->seed : rand_u64() >> 32,
	    .count = job->count,
	    .guidance = info->has_guidance && job->guidance > 0 ? job->guidance : -1,
	    .strength = job->strength > 0 ? job->strength : 0.5,
	    .region = {job->region_x, job->region_y, job->region_width, job->region_height}};
}

static void count(struct jobs *j, enum err_code code, int pictures)
{
	pthread_mutex_lock(&j->lock);
	if (code == ERR_NONE)
		j->stats.finished++;
	else if (code == ERR_CANCELLED)
		j->stats.cancelled++;
	else
		j->stats.failed++;
	j->stats.pictures += (unsigned)pictures;
	pthread_mutex_unlock(&j->lock);
}

/* What cannot be helped by trying again fails for good, with a reason that says what to do. */
static void give_up(struct app *app, const struct store_job *job, const struct err *why)
{
	struct err e = {0};
	bool again = why->code == ERR_BUSY || why->code == ERR_LIMIT || why->code == ERR_IO;
	int attempts_max = app_core_config(app->core)->job_attempts_max;
	bool ok = again && job->attempts < (attempts_max ? attempts_max : 3)
		      ? app_job_release(app, job, &e)
		      : app_job_fail(app, job, err_code_name(why->code), why->message, &e);
	if (!ok && e.code != ERR_CANCELLED)
		log_warn("job.give_up", LOG_INT("job", job->id), LOG_ERR(&e));
}

static bool draw(struct drawing *d, struct arena *a, struct err *e)
{
	struct slot *s = d->slot;
	const struct maker_info *info = maker_info(s->maker);
	const struct store_job *job = d->job;
	struct maker_request q;
	struct maker_picture pictures[MAKER_PICTURES_MAX] = {0};
	struct store_media rows[MAKER_PICTURES_MAX];
	if (job->count < 1 || job->count > MAKER_PICTURES_MAX || job->count > info->count_max)
		return err_set(e, ERR_INVALID,
			       "so many pictures at a time are not offered: ask for fewer");
	make_request(job, info, &q);
	q.cancelled = &d->running->cancelled;
	struct maker_sink sink = {.context = d, .seen = sink_seen, .wanted = sink_wanted};
	if (s->jobs->options.hooks.tell)
		sink.tokens = sink_tokens;
	const bool drawn = source_load(s->jobs->options.media, d->app, job, info, &q, e) &&
			   maker_draw(s->maker, a, &q, &sink, pictures, e);
	d->app->now_ms = clock_house_ms(); /* that took its time */
	return drawn &&
	       result_store(s->jobs->options.media, a, job, info, pictures, job->count, rows, e) &&
	       app_job_finish(d->app, job, info->model, rows, (size_t)job->count, e);
}

/* False: the process is stopping. */
static bool enter(struct slot *s, struct running *r)
{
	struct jobs *j = s->jobs;
	pthread_mutex_lock(&j->lock);
	r->next = j->running;
	j->running = r;
	j->stats.drawing++;
	bool stop = j->stop;
	pthread_mutex_unlock(&j->lock);
	fleet_busy(j->fleet, maker_info(s->maker)->id, 1);
	return !stop;
}

static bool leave(struct slot *s, struct running *r)
{
	struct jobs *j = s->jobs;
	pthread_mutex_lock(&j->lock);
	for (struct running **at = &j->running; *at; at = &(*at)->next)
		if (*at == r) {
			*at = r->next;
			break;
		}
	j->stats.drawing--;
	bool stop = j->stop;
	pthread_mutex_unlock(&j->lock);
	fleet_busy(j->fleet, maker_info(s->maker)->id, -1);
	return !stop;
}

static void draw_job(struct slot *s, struct arena *a, struct app *app, const struct store_job *job)
{
	struct jobs *j = s->jobs;
	struct running r = {.job_id = job->id, .lease = job->lease};
	struct drawing d = {.slot = s, .running = &r, .app = app, .job = job};
	struct err e = {0};
	int64_t began = clock_mono_ns();
	bool ok = enter(s, &r) ? draw(&d, a, &e) : err_set(&e, ERR_CANCELLED, "stopping");
	bool stop = !leave(s, &r);
	double seconds = (double)(clock_mono_ns() - began) * 1e-9;
	count(j, ok ? ERR_NONE : e.code, ok ? job->count : 0);
	if (ok) {
		promise_measure(j, maker_info(s->maker), job, seconds, clock_house_ms());
		log_info("job.finished", LOG_INT("job", job->id), LOG_INT("count", job->count),
			 LOG_REAL("s", seconds));
		return;
	}
	log_warn("job.ended", LOG_INT("job", job->id), LOG_INT("attempt", job->attempts),
		 LOG_ERR(&e));
	struct err ignored = {0};
	if (e.code != ERR_CANCELLED)
		give_up(app, job, &e);
	else if (stop && !app_job_release(app, job, &ignored) && ignored.code != ERR_CANCELLED)
		log_warn("job.release", LOG_INT("job", job->id), LOG_ERR(&ignored));
}

/* --- threads --- */

static bool claim(struct slot *s, struct app *app, struct store_job *job)
{
	struct err e = {0};
	bool claimed = false;
	const char *maker = maker_info(s->maker)->id;
	if (fleet_paused(s->jobs->fleet, maker) ||
	    app_job_claim(app, maker, s->jobs->worker, s->jobs->options.lease_ms, job, &claimed,
			  &e))
		return claimed;
	log_warn("job.claim", LOG_ERR(&e));
	return false;
}

static void slot_run(void *argument)
{
	struct slot *s = argument;
	struct jobs *j = s->jobs;
	struct arena *a = arena_create(ARENA_CAP);
	thread_give_way(); /* pictures take seconds; whoever reads waits milliseconds */
	for (;;) {
		pthread_mutex_lock(&j->lock);
		unsigned long long wakes = j->wakes;
		bool stop = j->stop;
		pthread_mutex_unlock(&j->lock);
		if (stop)
			break;
		struct app app;
		struct store_job job;
		app_init(&app, j->options.core, s->db, a);
		if (claim(s, &app, &job)) {
			draw_job(s, a, &app, &job);
		} else {
			pthread_mutex_lock(&j->lock);
			int64_t end = clock_mono_ns() + IDLE_MS * 1000000ll;
			while (!j->stop && j->wakes == wakes &&
			       thread_wait_until(&j->some, &j->lock, end))
				;
			pthread_mutex_unlock(&j->lock);
		}
		arena_reset(a);
	}
	arena_destroy(a);
}

static bool recover_own(struct jobs *j, struct err *e)
{
	struct arena *a = arena_create(4 << 20);
	struct db *db = db_open(j->options.pool, e);
	struct app app;
	struct store_lease *leases;
	size_t count;
	int64_t n = 0;
	bool ok = db != NULL;
	if (ok) {
		app_init(&app, j->options.core, db, a);
		ok = store_job_leases(db, a, j->worker, &leases, &count, e) &&
		     app_job_recover(&app, leases, count, &n, e);
	}
	if (n)
		log_info("job.recovered", LOG_INT("count", n));
	db_close(db);
	arena_destroy(a);
	return ok;
}

static bool start_slots(struct jobs *j, struct err *e)
{
	for (size_t i = 0; !j->options.watch_only && i < j->options.makers_count; i++)
		j->slots_count += maker_info(j->options.makers[i])->slots;
	j->slots = calloc((size_t)j->slots_count + 1, sizeof *j->slots);
	if (!j->slots)
		abort();
	for (size_t i = 0; j->slots_count && i < j->options.makers_count; i++) {
		for (int k = 0; k < maker_info(j->options.makers[i])->slots; k++) {
			struct slot *s = &j->slots[j->slots_started];
			*s = (struct slot){.jobs = j, .maker = j->options.makers[i]};
			s->db = db_open(j->options.pool, e);
			if (!s->db)
				return false;
			if (!thread_start(&s->thread, "draw", slot_run, s, e)) {
				db_close(s->db);
				return false;
			}
			j->slots_started++;
		}
	}
	return true;
}

struct jobs *jobs_start(const struct jobs_options *options, struct err *e)
{
	struct jobs *j = calloc(1, sizeof *j);
	if (!j)
		abort();
	j->options = *options;
	snprintf(j->worker, sizeof j->worker, "%s", options->worker);
	j->options.worker = j->worker;
	pthread_mutex_init(&j->lock, NULL);
	thread_cond_init(&j->some);
	thread_cond_init(&j->beat);
	j->fleet = fleet_create(options->makers, options->makers_count, !options->watch_only);
	j->times = times_create();
	j->load.count_max = MAKER_PICTURES_MAX;
	j->load.memory_free = 1;
	if (recover_own(j, e) && heart_start(j, e) && start_slots(j, e))
		return j;
	jobs_stop(j);
	return NULL;
}

void jobs_stop(struct jobs *j)
{
	if (!j)
		return;
	pthread_mutex_lock(&j->lock);
	j->stop = true;
	for (struct running *r = j->running; r; r = r->next)
		atomic_store(&r->cancelled, true);
	pthread_cond_broadcast(&j->some);
	pthread_mutex_unlock(&j->lock);
	for (size_t i = 0; i < j->options.makers_count; i++)
		maker_wake(j->options.makers[i]);
	for (int i = 0; i < j->slots_started; i++) {
		thread_join(j->slots[i].thread);
		db_close(j->slots[i].db);
	}
	heart_stop(j);
	times_destroy(j->times);
	fleet_destroy(j->fleet);
	pthread_cond_destroy(&j->beat);
	pthread_cond_destroy(&j->some);
	pthread_mutex_destroy(&j->lock);
	free(j->slots);
	free(j);
}
