/* Owns the heart: one thread that wakes about once a second, with a database handle of its own. It keeps the leases of
 * what is drawn here, takes back what dead workers held, tells the others that this process lives and hears who
 * else does, reads the rules, measures the load, and keeps what was learned about times.
 *
 * What must stay true: a lease is renewed at three points of its life, so that a process that is alive never loses
 * a job, and one that is dead does within its lease time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/queue.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/thread.h"
#include "jobs/parts.h"
#include "jobs/still.h"

enum {
	ARENA_CAP = 32 << 20,
	TICK_MS = 1000,
	BEAT_MS = 2000,
	GONE_MS = 7000, /* a worker that was not heard of for so long is not counted */
	TIMES_MS = 5000,
	MOVED_MS = 2000,
	OVERDUE_MS = 2000,
	OVERDUE_MAX = 4096,
	NEWEST_MS = 120 * 1000, /* who came longer ago says nothing about now */
	RUNNING_MAX = 1024,
	LOST_MAX = 100, /* at once */
	JUMP_MS = 2000  /* between two beats, a wall clock that was only corrected moves less */
};

struct heart {
	struct jobs *jobs;
	struct db *db;
	struct arena *arena;
	int64_t renewed_ns, recovered_ns, beaten_ns, times_ns, moved_ns, overdue_ns;
	int64_t started_at;
	struct still *leases, *workers;
	int64_t wall_less_mono_ms;
	struct load_work work;
	unsigned long long pictures_seen;
	double utilisation;
	bool was_drawing;
};

static bool due(int64_t *last_ns, int64_t now_ns, int64_t interval_ms)
{
	if (*last_ns && now_ns - *last_ns < interval_ms * 1000000ll)
		return false;
	*last_ns = now_ns;
	return true;
}

/* --- leases --- */

static void renew(struct heart *h, struct app *app)
{
	struct jobs *j = h->jobs;
	static _Thread_local struct store_job held[RUNNING_MAX];
	size_t n = 0;
	pthread_mutex_lock(&j->lock);
	j->doubt = false;
	for (struct running *r = j->running; r && n < RUNNING_MAX; r = r->next)
		held[n++] = (struct store_job){.id = r->job_id, .lease = r->lease};
	pthread_mutex_unlock(&j->lock);
	for (size_t i = 0; i < n; i++) {
		struct err e = {0};
		if (app_job_renew(app, &held[i], j->options.lease_ms, &e))
			continue;
		if (e.code == ERR_CANCELLED)
			jobs_cancel(j, held[i].id);
		else
			log_warn("job.renew", LOG_INT("job", held[i].id), LOG_ERR(&e));
	}
}

/* A lease is over when it was not renewed for its time, as this process sees it. Of one that looks old already when it is
 * first seen, it is enough to miss the next renewal. */
static void recover(struct heart *h, struct app *app)
{
	struct err e = {0};
	struct store_lease *leases;
	size_t n, lost = 0;
	int64_t recovered = 0, lease_ms = h->jobs->options.lease_ms;
	bool ok = store_job_leases(app->db, app->arena, NULL, &leases, &n, &e);
	still_begin(h->leases, clock_mono_ns());
	for (size_t i = 0; ok && i < n; i++) {
		int64_t first_ms = leases[i].until < app->now_ms ? lease_ms * 6 / 10 : 0;
		int64_t key = leases[i].job_id ^ leases[i].lease << 1;
		if (still_look(h->leases, key, leases[i].until, first_ms) >= lease_ms &&
		    lost < LOST_MAX)
			leases[lost++] = leases[i];
	}
	if (ok)
		still_end(h->leases);
	if (!ok || !app_job_recover(app, leases, lost, &recovered, &e))
		log_warn("job.recover", LOG_ERR(&e));
	else if (recovered)
		log_info("job.recovered", LOG_INT("count", recovered));
}

/* --- who lives --- */

static bool beat(struct heart *h, struct app *app, struct err *e)
{
	struct jobs *j = h->jobs;
	struct store_worker *workers;
	struct jobs_stats stats;
	size_t n;
	struct buf makers;
	if (db_pool_kind(j->options.pool) == DB_SQLITE)
		return true; /* there is nobody else */
	jobs_stats(j, &stats);
	buf_init(&makers, 1 << 20);
	fleet_write(j->fleet, &makers);
	struct store_worker me = {.name = j->worker,
				  .makers = makers.data,
				  .slots = j->slots_count,
				  .busy = stats.drawing,
				  .utilisation = h->utilisation,
				  .memory_free = load_memory_free(),
				  .started_at = h->started_at,
				  .seen_at = app->now_ms};
	jobs_work(j, &me.work);
	bool ok = makers.failed || app_worker_beat(app, &me, e);
	buf_finish(&makers);
	if (!ok || !store_worker_list(app->db, app->arena, 0, &workers, &n, e))
		return false;
	size_t alive = 0;
	still_begin(h->workers, clock_mono_ns());
	for (size_t i = 0; i < n; i++) {
		int64_t age_ms = app->now_ms - workers[i].seen_at;
		if (still_look(h->workers, still_key(workers[i].name), workers[i].seen_at,
			       age_ms > 0 ? age_ms : 0) < GONE_MS)
			workers[alive++] = workers[i];
	}
	still_end(h->workers);
	n = alive;
	fleet_set_workers(j->fleet, workers, n, j->worker);
	return true;
}

static bool read_rules(struct heart *h, struct app *app, struct err *e)
{
	struct store_maker_rule *rules;
	size_t n;
	if (!store_maker_rule_list(app->db, app->arena, &rules, &n, e))
		return false;
	bool opened = false;
	for (size_t i = 0; i < n; i++)
		opened =
		    opened || (!rules[i].paused && fleet_paused(h->jobs->fleet, rules[i].maker));
	fleet_set_rules(h->jobs->fleet, rules, n);
	if (opened)
		jobs_wake(h->jobs);
	return true;
}

/* --- load --- */

/* A newcomer waits until everybody whose turn has come was served once; and what has waited longest says how far
 * behind it really is. */
static double newcomers_wait(struct jobs *j, const struct store_job_pressure *p, int slots,
			     double age_s)
{
	double median, mean = 0, n = 0;
	for (size_t i = 0; i < fleet_count(j->fleet); i++) {
		double samples = times_samples(j->times, fleet_at(j->fleet, i)->id, 0.5, &median);
		if (samples > 0) {
			mean += samples * median;
			n += samples;
		}
	}
	double by_count = n > 0 ? (double)p->accounts * mean / n / (slots > 0 ? slots : 1) : 0;
	return by_count > age_s ? by_count : age_s;
}

static void set_level(struct jobs *j, const struct app_load_settings *set, struct jobs_load *l,
		      const struct load_measure *m)
{
	double scale = j->options.load_wait_s;
	l->level =
	    set->level >= 0 ? (enum load_level)set->level : load_level_of(m, scale, l->level);
	l->melting = !strcmp(set->banner, "on") ||
		     (strcmp(set->banner, "off") && l->level >= LOAD_OVER_SHARE);
	snprintf(l->message, sizeof l->message, "%s", set->message);
	l->count_max = l->level >= LOAD_SMALLER_BATCHES ? LOAD_SMALL_BATCH : MAKER_PICTURES_MAX;
	double retry = m->wait_s < 5 ? 5 : m->wait_s > 600 ? 600 : m->wait_s;
	l->retry_after_s = l->level >= LOAD_OVER_SHARE ? (int64_t)retry : 0;
}

static bool measure(struct heart *h, struct app *app, struct err *e)
{
	struct jobs *j = h->jobs;
	struct store_job_pressure p;
	struct app_load_settings set;
	struct jobs_stats stats;
	int slots, busy;
	if (!store_job_pressure(app->db, &p, e) || !app_load_settings_get(app, &set, e))
		return false;
	fleet_totals(j->fleet, &slots, &busy);
	jobs_stats(j, &stats);
	bool drew = stats.drawing > 0 || h->was_drawing || stats.pictures != h->pictures_seen;
	h->was_drawing = stats.drawing > 0;
	h->pictures_seen = stats.pictures;
	load_work_tick(&h->work, drew);
	h->utilisation += 0.2 * ((slots ? (double)busy / slots : 0) - h->utilisation);
	int64_t due_at = p.oldest_due_at > j->jumped_at ? p.oldest_due_at : j->jumped_at;
	double age_s =
	    p.oldest_due_at && app->now_ms > due_at ? (double)(app->now_ms - due_at) * 1e-3 : 0;
	const struct load_measure m = {.wait_s = newcomers_wait(j, &p, slots, age_s),
				       .memory_free = load_memory_free()};
	pthread_mutex_lock(&j->lock);
	struct jobs_load before = j->load, *l = &j->load;
	set_level(j, &set, l, &m);
	l->queued = p.queued;
	l->drawing = p.drawing;
	l->utilisation = h->utilisation;
	l->queue_age_s = age_s;
	l->memory_free = m.memory_free;
	double pictures = (double)stats.pictures;
	l->pictures_per_cpu_s = h->work.cpu_s > 0 ? pictures / h->work.cpu_s : 0;
	l->pictures_per_joule = h->work.joules > 0 ? pictures / h->work.joules : 0;
	j->work.cpu_s = h->work.cpu_s;
	j->work.joules = h->work.joules;
	j->work.has_joules = h->work.has_joules;
	bool changed = before.level != l->level || before.melting != l->melting ||
		       strcmp(before.message, l->message);
	pthread_mutex_unlock(&j->lock);
	if (changed) {
		log_info("load.changed", LOG_STR("level", load_level_name(j->load.level)),
			 LOG_REAL("wait_s", m.wait_s), LOG_REAL("memory_free", m.memory_free));
		if (j->options.hooks.load)
			j->options.hooks.load(j->options.hooks.context);
	}
	return true;
}

/* --- times --- */

/* Who came, at every process; and who waits longer than they were told. What a paused maker keeps waiting says
 * nothing about the others. */
static bool watch_queue(struct heart *h, struct app *app, struct err *e)
{
	struct jobs *j = h->jobs;
	struct store_job_mark *marks = arena_alloc(app->arena, OVERDUE_MAX * sizeof *marks);
	struct times_arrival *newest = arena_alloc(app->arena, TIMES_ARRIVALS * sizeof *newest);
	struct times_overdue *late = arena_alloc(app->arena, OVERDUE_MAX * sizeof *late);
	size_t n, late_count = 0;
	if (!store_job_newest(app->db, app->arena, id_at_ms(app->now_ms - NEWEST_MS), marks,
			      TIMES_ARRIVALS, &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		newest[i] = (struct times_arrival){.maker = marks[i].maker,
						   .task = (int)marks[i].task,
						   .count = marks[i].count,
						   .behind = marks[i].behind,
						   .at_ms = marks[i].created_at};
	times_arrivals(j->times, newest, n, app->now_ms);
	if (!due(&h->overdue_ns, clock_mono_ns(), OVERDUE_MS))
		return true;
	if (!store_job_overdue(app->db, app->arena, app->now_ms, marks, OVERDUE_MAX, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct store_job_mark *m = &marks[i];
		if (m->promise_most_ms <= 0 || m->promise_kind < 0 ||
		    m->promise_kind >= TIMES_CLASSES || fleet_paused(j->fleet, m->maker) ||
		    m->created_at < j->jumped_at)
			continue;
		double waited_ms = (double)(app->now_ms - m->created_at);
		late[late_count++] =
		    (struct times_overdue){.maker = m->maker,
					   .class = m->promise_kind,
					   .ratio = waited_ms / (double)m->promise_most_ms};
	}
	times_overdue(j->times, late, late_count);
	return true;
}

static bool keep_times(struct heart *h, struct app *app, struct err *e)
{
	struct times *t = h->jobs->times;
	struct store_time *items, *halve;
	size_t n, halves, loaded;
	times_take(t, app->arena, &items, &n, &halve, &halves);
	const struct app_times fresh = {items, n, halve, halves};
	if (n && !app_times_add(app, &fresh, e))
		return false;
	if (!store_time_list(app->db, app->arena, &items, &loaded, e))
		return false;
	times_load(t, items, loaded);
	return true;
}

/* --- the clock --- */

/* What began before the wall clock was put forward or back did not take as long as it seems. */
static void watch_clock(struct heart *h, const struct app *app)
{
	int64_t apart_ms = clock_wall_ms() - clock_mono_ns() / 1000000;
	int64_t jump_ms = apart_ms - h->wall_less_mono_ms;
	bool first = h->wall_less_mono_ms == 0;
	h->wall_less_mono_ms = apart_ms;
	if (first || (jump_ms > -JUMP_MS && jump_ms < JUMP_MS))
		return;
	atomic_store(&h->jobs->jumped_at, app->now_ms);
	log_warn("clock.jumped", LOG_INT("ms", jump_ms));
}

/* --- the thread --- */

static void tick(struct heart *h)
{
	struct jobs *j = h->jobs;
	struct app app;
	struct err e = {0};
	int64_t now = clock_mono_ns();
	int lease = j->options.lease_ms;
	app_init(&app, j->options.core, h->db, h->arena);
	watch_clock(h, &app);
	pthread_mutex_lock(&j->lock);
	bool doubt = j->doubt;
	pthread_mutex_unlock(&j->lock);
	if (due(&h->renewed_ns, now, lease / 3) || doubt)
		renew(h, &app);
	if (due(&h->recovered_ns, now, lease / 4))
		recover(h, &app);
	bool ok = (!due(&h->beaten_ns, now, BEAT_MS) || beat(h, &app, &e)) &&
		  read_rules(h, &app, &e) && measure(h, &app, &e) && watch_queue(h, &app, &e) &&
		  (!due(&h->times_ns, now, TIMES_MS) || keep_times(h, &app, &e));
	if (!ok)
		log_warn("jobs.heart", LOG_ERR(&e));
	const struct jobs_hooks *hooks = &j->options.hooks;
	if (hooks->moved && j->load.queued > 0 && due(&h->moved_ns, now, MOVED_MS))
		hooks->moved(hooks->context);
	arena_reset(h->arena);
}

static void finish(struct heart *h)
{
	struct jobs *j = h->jobs;
	struct app app;
	struct err e = {0};
	app_init(&app, j->options.core, h->db, h->arena);
	bool ok = keep_times(h, &app, &e) && (db_pool_kind(j->options.pool) == DB_SQLITE ||
					      app_worker_leave(&app, j->worker, &e));
	if (!ok)
		log_warn("jobs.heart", LOG_ERR(&e));
}

static void destroy(struct heart *h)
{
	still_destroy(h->leases);
	still_destroy(h->workers);
	db_close(h->db);
	arena_destroy(h->arena);
	free(h);
}

static void heart_run(void *argument)
{
	struct heart *h = argument;
	struct jobs *j = h->jobs;
	int tick_ms = j->options.lease_ms / 4 < TICK_MS ? j->options.lease_ms / 4 : TICK_MS;
	for (;;) {
		tick(h);
		pthread_mutex_lock(&j->lock);
		unsigned long long nudges = j->nudges;
		int64_t end = clock_mono_ns() + tick_ms * 1000000ll;
		while (!j->draining && !j->doubt && j->nudges == nudges &&
		       thread_wait_until(&j->beat, &j->lock, end))
			;
		bool stop = j->draining;
		pthread_mutex_unlock(&j->lock);
		if (stop)
			break;
	}
	finish(h);
	destroy(h);
}

void heart_nudge(struct jobs *j, bool doubt)
{
	pthread_mutex_lock(&j->lock);
	j->nudges++;
	j->doubt = j->doubt || doubt;
	pthread_cond_broadcast(&j->beat);
	pthread_mutex_unlock(&j->lock);
}

void jobs_refresh(struct jobs *j)
{
	heart_nudge(j, false);
}

void jobs_doubt(struct jobs *j, int64_t job_id)
{
	bool here = false;
	pthread_mutex_lock(&j->lock);
	for (struct running *r = j->running; r; r = r->next)
		here = here || r->job_id == job_id;
	pthread_mutex_unlock(&j->lock);
	if (here)
		heart_nudge(j, true);
}

/* The first beat is here, so that the levels and the other makers are known before anybody asks. */
bool heart_start(struct jobs *j, struct err *e)
{
	struct heart *h = calloc(1, sizeof *h);
	if (!h)
		abort();
	*h = (struct heart){.jobs = j,
			    .arena = arena_create(ARENA_CAP),
			    .started_at = clock_house_ms(),
			    .leases = still_create(j->options.lease_ms / 2),
			    .workers = still_create(BEAT_MS * 2)};
	load_work_init(&h->work, NULL);
	h->db = db_open(j->options.pool, e);
	if (h->db)
		tick(h);
	if (h->db && thread_start(&j->heart, "heart", heart_run, h, e)) {
		j->heart_runs = true;
		return true;
	}
	destroy(h);
	return false;
}

void heart_stop(struct jobs *j)
{
	if (!j->heart_runs)
		return;
	pthread_mutex_lock(&j->lock);
	j->draining = true;
	pthread_cond_broadcast(&j->beat);
	pthread_mutex_unlock(&j->lock);
	thread_join(j->heart);
}
