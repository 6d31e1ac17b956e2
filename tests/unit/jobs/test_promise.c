/* The promises of an evening, in simulated time: a fair queue of four machines, people who come faster and faster, and some
 * who always have something in line. Nothing here depends on this machine's speed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "jobs/times.h"

enum {
	SLOTS = 4,
	HEAVY = 100,
	ACCOUNTS = 2000,
	JOBS_MAX = 4000,
	OWN_MAX = 6,
	RUNNING_MAX = 4,
	EVENTS_MAX = 8000,
	EVENINGS = 3
};
static const double EVENING_S = 300, CALM_PER_S = 0.15, PEAK = 10;
/* Of the built-in model on two cores (bench/evening_times.csv). */
static const double SERVICE_S[] = {0.28, 0.33, 0.4,  0.98, 2.56, 2.89, 3.09, 3.11,
				   2.7,  2.15, 2.64, 1.76, 0.44, 0.66, 0.78, 0.78};
static const struct times_place PLACE = {.slots = SLOTS, .pixels = 4096};

enum event_kind { LIGHT_ASKS, HEAVY_ASKS, DRAWN, SECOND };
struct event {
	double at_s;
	enum event_kind kind;
	int who;
};
struct one {
	int account;
	enum store_job_state state;
	double turn, behind, asked_s, began_s, ended_s;
	struct times_wait told;
};
struct evening {
	struct times *times;
	struct one jobs[JOBS_MAX];
	int count;
	struct event events[EVENTS_MAX];
	int event_count, busy, served, lights;
	double now_s, clock, ends[ACCOUNTS];
	int running[ACCOUNTS], active[ACCOUNTS];
	uint64_t random;
};

static double uniform(struct evening *v)
{
	v->random = v->random * 6364136223846793005u + 1442695040888963407u;
	return (double)(v->random >> 11) / 9007199254740992.0;
}

static void later(struct evening *v, double at_s, enum event_kind kind, int who)
{
	assert_true(v->event_count < EVENTS_MAX);
	v->events[v->event_count++] = (struct event){at_s, kind, who};
}

static struct event next(struct evening *v)
{
	int first = 0;
	for (int i = 1; i < v->event_count; i++)
		if (v->events[i].at_s < v->events[first].at_s)
			first = i;
	struct event e = v->events[first];
	v->events[first] = v->events[--v->event_count];
	return e;
}

static void claim(struct evening *v)
{
	while (v->busy < SLOTS) {
		int best = -1;
		for (int i = 0; i < v->count; i++)
			if (v->jobs[i].state == STORE_JOB_QUEUED &&
			    v->running[v->jobs[i].account] < RUNNING_MAX &&
			    (best < 0 || v->jobs[i].turn < v->jobs[best].turn))
				best = i;
		if (best < 0)
			return;
		struct one *j = &v->jobs[best];
		j->state = STORE_JOB_DRAWING;
		j->began_s = v->now_s;
		v->busy++;
		v->running[j->account]++;
		v->clock = j->turn > v->clock ? j->turn : v->clock;
		later(v, v->now_s + SERVICE_S[v->served++ % 16], DRAWN, best);
	}
}

static bool ask(struct evening *v, int account)
{
	if (v->active[account] >= OWN_MAX)
		return false;
	assert_true(v->count < JOBS_MAX);
	struct one *j = &v->jobs[v->count];
	double end = v->ends[account];
	*j = (struct one){
	    .account = account, .asked_s = v->now_s, .turn = end > v->clock ? end : v->clock};
	j->behind = j->turn - v->clock;
	v->ends[account] = j->turn + 1;
	struct store_job_ahead ahead = {.behind = j->behind, .own_drawing = v->running[account]};
	for (int i = 0; i < v->count; i++)
		if (v->jobs[i].state == STORE_JOB_DRAWING) {
			ahead.drawing[0][1]++;
		} else if (v->jobs[i].state == STORE_JOB_QUEUED && v->jobs[i].turn <= j->turn) {
			ahead.by[0][1]++;
			ahead.jobs++;
			ahead.own += v->jobs[i].account == account;
		}
	const struct store_job row = {.maker = "m", .count = 1, .running_max = RUNNING_MAX};
	times_wait(v->times, &row, &ahead, &PLACE, &j->told);
	const struct times_arrival arrival = {
	    .maker = "m", .count = 1, .behind = j->behind, .at_ms = (int64_t)(v->now_s * 1000)};
	times_arrived(v->times, &arrival);
	v->count++;
	v->active[account]++;
	claim(v);
	return true;
}

static void drawn(struct evening *v, struct one *j)
{
	double waited = v->now_s - j->asked_s;
	j->state = STORE_JOB_FINISHED;
	j->ended_s = v->now_s;
	v->busy--;
	v->running[j->account]--;
	v->active[j->account]--;
	const struct times_key service = {.maker = "m", .size = 4096},
			       late = {.maker = "m", .kind = TIMES_LATE + j->told.class},
			       early = {.maker = "m", .kind = TIMES_EARLY + j->told.class};
	times_add(v->times, &service, v->now_s - j->began_s);
	times_add(v->times, &late, waited / j->told.most_s);
	times_add(v->times, &early, waited / j->told.least_s);
	claim(v);
}

static void tell_overdue(struct evening *v)
{
	static struct times_overdue late[JOBS_MAX];
	size_t n = 0;
	for (int i = 0; i < v->count; i++) {
		const struct one *j = &v->jobs[i];
		double waited = v->now_s - j->asked_s;
		if (j->state == STORE_JOB_QUEUED && waited > j->told.high_s)
			late[n++] = (struct times_overdue){
			    .maker = "m", .class = j->told.class, .ratio = waited / j->told.most_s};
	}
	times_overdue(v->times, late, n);
}

static void happens(struct evening *v, const struct event *e)
{
	double per_s = CALM_PER_S * (1 + (PEAK - 1) * v->now_s / EVENING_S);
	switch (e->kind) {
	case LIGHT_ASKS:
		(void)ask(v, HEAVY + v->lights++ % (ACCOUNTS - HEAVY));
		later(v, v->now_s - log(1 - uniform(v)) / per_s, LIGHT_ASKS, 0);
		break;
	case HEAVY_ASKS:
		later(v, v->now_s + (ask(v, e->who) ? 0.2 : 11), HEAVY_ASKS, e->who);
		break;
	case DRAWN:
		drawn(v, &v->jobs[e->who]);
		break;
	case SECOND:
		tell_overdue(v);
		later(v, v->now_s + 1, SECOND, 0);
		break;
	}
}

struct score {
	int light, light_kept, heavy, heavy_kept, count;
	double widths[EVENINGS * JOBS_MAX];
};

static void count_promises(const struct evening *v, struct score *s)
{
	for (int i = 0; i < v->count; i++) {
		const struct one *j = &v->jobs[i];
		double low = floor(j->told.low_s), high = fmax(low + 1, ceil(j->told.high_s));
		double waited = j->ended_s - j->asked_s;
		if (j->state != STORE_JOB_FINISHED)
			continue;
		bool kept = waited >= low && waited <= high;
		s->heavy += j->account < HEAVY;
		s->heavy_kept += j->account < HEAVY && kept;
		s->light += j->account >= HEAVY;
		s->light_kept += j->account >= HEAVY && kept;
		s->widths[s->count++] = (high - low) / fmax(1, waited);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void promises_are_kept(void **unused)
{
	(void)unused;
	static struct score s;
	static struct evening v;
	for (int seed = 0; seed < EVENINGS; seed++) {
		v = (struct evening){.times = times_create(), .random = (uint64_t)seed * 7919 + 3};
		later(&v, 0, LIGHT_ASKS, 0);
		later(&v, 0, SECOND, 0);
		for (int i = 0; i < HEAVY; i++)
			later(&v, uniform(&v) * EVENING_S * 0.2, HEAVY_ASKS, i);
		while (v.now_s < EVENING_S) {
			struct event e = next(&v);
			v.now_s = e.at_s;
			happens(&v, &e);
		}
		count_promises(&v, &s);
		times_destroy(v.times);
	}
	qsort(s.widths, (size_t)s.count, sizeof *s.widths, compare);
	double light = (double)s.light_kept / s.light, heavy = (double)s.heavy_kept / s.heavy,
	       width = s.widths[s.count / 2];
	print_message("light %.3f of %d, heavy %.3f of %d, width over wait %.2f\n", light, s.light,
		      heavy, s.heavy, width);
	assert_true(s.light > 300 && s.heavy > 800);
	assert_true(light >= 0.9 && heavy >= 0.9);
	assert_true(width <= 3); /* a range that says something */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(promises_are_kept)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
