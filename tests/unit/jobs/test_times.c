/* Service times: what is learned, what is forgotten, and that the ranges are kept. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "jobs/times.h"

static const struct times_place place = {.slots = 2, .pixels = 256};

static struct store_job job_of(int count)
{
	return (struct store_job){.maker = "m", .count = count, .running_max = 4, .weight = 1};
}

static double uniform(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (double)(*state >> 33) / (double)(1u << 31);
}

static void learns(void **unused)
{
	(void)unused;
	struct times *t = times_create();
	const struct times_key one = {"m", 0, 256, TIMES_SERVICE},
			       four = {"m", 0, 1024, TIMES_SERVICE},
			       other = {"other", 0, 256, TIMES_SERVICE};
	double median = -1;
	assert_true(times_mean(t, &one) > 0); /* a guess */
	assert_true(times_quantile(t, &one, 0.5, &median) == 0 && median == -1);
	for (int i = 0; i < 100; i++)
		times_add(t, &one, 2);
	assert_true(fabs(times_mean(t, &one) - 2) < 0.3);
	assert_true(fabs(times_mean(t, &four) - 8) < 1.2); /* by the pixel */
	assert_true(times_mean(t, &other) != times_mean(t, &one));
	assert_true(times_samples(t, "m", 0.5, &median) == 100 && median >= 2 && median < 2.4);
	times_add(t, &one, NAN);
	times_add(t, &one, -5);
	times_add(t, &one, 1e300);
	assert_true(isfinite(times_mean(t, &one)));
	times_destroy(t);
	times_destroy(NULL);
}

static void waits(void **unused)
{
	(void)unused;
	struct times *t = times_create();
	const struct times_key one = {"m", 0, 256, TIMES_SERVICE};
	for (int i = 0; i < 100; i++)
		times_add(t, &one, 2);
	struct store_job job = job_of(1);
	struct store_job_ahead ahead = {0};
	struct times_wait w;
	times_wait(t, &job, &ahead, &place, &w);
	assert_true(fabs(w.mean_s - 2) < 0.3 && w.class == 0);
	assert_true(w.low_s < w.mean_s && w.high_s > w.mean_s);
	ahead = (struct store_job_ahead){.jobs = 4};
	ahead.by[0][1] = 4;
	ahead.drawing[0][1] = 2;
	times_wait(t, &job, &ahead, &place, &w);
	assert_true(fabs(w.mean_s - 7) < 1.1 && w.class == 1); /* (4 + 2/2) * 2 / 2 + 2 */
	ahead = (struct store_job_ahead){.own = 8, .own_drawing = 4};
	times_wait(t, &job, &ahead, &place, &w);
	assert_true(w.mean_s > 5 && w.class == 1); /* one's own cap */
	ahead = (struct store_job_ahead){.jobs = 4, .own = 1, .behind = 1};
	ahead.by[0][1] = 4;
	times_wait(t, &job, &ahead, &place, &w);
	double alone = w.mean_s;
	struct times_arrival newcomer = {.maker = "m", .count = 1};
	for (int i = 0; i < 300; i++) { /* two newcomers in three seconds */
		newcomer.at_ms = (int64_t)i * 1500;
		times_arrived(t, &newcomer);
	}
	times_wait(t, &job, &ahead, &place, &w);
	assert_true(w.most_s > 1.3 * alone); /* who waits behind a job of one's own is overtaken */
	assert_true(fabs(w.least_s - alone) < 0.01 && w.class == 2);
	newcomer.behind = 1; /* those who are as far behind come later */
	struct times_arrival many[TIMES_ARRIVALS + 9];
	for (size_t i = 0; i < TIMES_ARRIVALS + 9; i++) {
		many[i] = newcomer;
		many[i].at_ms -= (int64_t)i * 100;
	}
	times_arrivals(t, many, TIMES_ARRIVALS + 9, newcomer.at_ms);
	times_wait(t, &job, &ahead, &place, &w);
	assert_true(fabs(w.most_s - alone) < 0.01);
	ahead.behind = 0;
	times_wait(t, &job, &ahead, &place, &w);
	assert_true(fabs(w.mean_s - alone) < 0.01 && w.class == 1);
	double told = w.high_s;
	const struct times_overdue late = {.maker = "m", .class = 1, .ratio = 9};
	for (int i = 0; i < 20; i++)
		times_overdue(t, &late, 1);
	times_wait(t, &job, &ahead, &place, &w);
	assert_true(w.high_s > told); /* who still waits counts, once */
	times_overdue(t, NULL, 0);
	times_wait(t, &job, &ahead, &place, &w);
	assert_true(fabs(w.high_s - told) < 0.01);
	times_destroy(t);
}

/* Estimates that are off by a factor that nobody told: after some time the ranges hold nine of ten. */
static void ranges_are_kept(void **unused)
{
	(void)unused;
	struct times *t = times_create();
	uint64_t random = 7;
	const struct times_key one = {"m", 0, 256, TIMES_SERVICE}, early = {"m", 0, 0, TIMES_EARLY},
			       late = {"m", 0, 0, TIMES_LATE};
	int kept = 0;
	for (int i = 0; i < 3000; i++) {
		struct store_job job = job_of(1);
		struct store_job_ahead ahead = {0};
		struct times_wait w;
		times_wait(t, &job, &ahead, &place, &w);
		double real =
		    3 * exp(2 * (uniform(&random) - 0.5)); /* the drawing itself takes 1 */
		if (i >= 1000)
			kept += real >= w.low_s && real <= w.high_s;
		times_add(t, &one, 1);
		times_add(t, &early, real / w.least_s);
		times_add(t, &late, real / w.most_s);
	}
	assert_true(kept >= 1800); /* of 2,000 */
	times_destroy(t);
}

static void goes_to_the_database_and_back(void **unused)
{
	(void)unused;
	struct times *t = times_create(), *after = times_create();
	struct arena *a = arena_create(8 << 20);
	const struct times_key one = {"m", 0, 256, TIMES_SERVICE};
	struct store_time *items, *halve;
	size_t n, halves;
	for (int i = 0; i < 10; i++)
		times_add(t, &one, 3);
	times_promise(t, "m", true);
	times_promise(t, "m", false);
	times_take(t, a, &items, &n, &halve, &halves);
	assert_int_equal(n, 3);
	assert_int_equal(halves, 0);
	times_load(after, items, n);
	assert_true(times_mean(after, &one) == times_mean(t, &one));
	double kept, broken;
	times_promises(after, "m", &kept, &broken);
	assert_true(kept == 1 && broken == 1);
	times_take(t, a, &items, &n, &halve, &halves);
	assert_int_equal(n, 0); /* nothing new */
	for (int i = 0; i < 1200; i++)
		times_add(t, &one, 9);
	times_take(t, a, &items, &n, &halve, &halves);
	assert_int_equal(halves, 1); /* what was long ago counts less */
	const struct store_time wrong[] = {
	    {"m", 0, 256, 0, -1, 5},
	    {"m", 0, 256, 0, 5000, 5},
	    {"m", 0, 256, 0, 3, -5},
	    {"a name that is far longer than any maker of this house "
	     "could have, and then some",
	     0, 1, 0, 3, 5}};
	times_load(after, wrong, 4);
	assert_true(times_mean(after, &one) > 0);
	for (int i = 0; i < 1000; i++) { /* no more than it has room for */
		char name[20];
		snprintf(name, sizeof name, "m%d", i);
		times_add(after, &(struct times_key){name, 0, 1, 0}, 1);
	}
	arena_destroy(a);
	times_destroy(t);
	times_destroy(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(learns), cmocka_unit_test(waits),
					   cmocka_unit_test(ranges_are_kept),
					   cmocka_unit_test(goes_to_the_database_and_back)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
