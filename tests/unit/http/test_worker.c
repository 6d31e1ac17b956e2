/* The pool: each item once, so many at a time as there are places; who rests gives the place away and gets it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/thread.h"
#include "http/worker.h"

enum { PLACES = 2, THREADS = 8, ITEMS = 2000 };

static atomic_int created, destroyed, ran, computing, computing_most, resting, resting_most;
static atomic_bool open_gate, barren;

static void most(atomic_int *all, int n)
{
	int seen = atomic_load(all);
	while (n > seen && !atomic_compare_exchange_weak(all, &seen, n))
		;
}

static void *create(void *context, struct err *e)
{
	(void)context;
	if (atomic_load(&barren)) {
		err_set(e, ERR_BUSY, "no more of them");
		return NULL;
	}
	atomic_fetch_add(&created, 1);
	return malloc(1);
}

static void destroy(void *worker)
{
	atomic_fetch_add(&destroyed, 1);
	free(worker);
}

static void compute(void *worker, void *item)
{
	(void)item;
	assert_non_null(worker);
	most(&computing_most, atomic_fetch_add(&computing, 1) + 1);
	atomic_fetch_add(&ran, 1);
	atomic_fetch_sub(&computing, 1);
}

/* Waits for a gate, as for a disk. */
static void rest(void *worker, void *item)
{
	(void)worker;
	if (item)
		thread_rest_begin();
	thread_rest_begin(); /* they nest */
	most(&resting_most, atomic_fetch_add(&resting, 1) + 1);
	while (!atomic_load(&open_gate))
		usleep(1000);
	atomic_fetch_sub(&resting, 1);
	thread_rest_end();
	if (item)
		thread_rest_end();
	atomic_fetch_add(&ran, 1);
}

/* A third rests, and the gate is open. */
static void mixed(void *worker, void *item)
{
	uintptr_t n = (uintptr_t)item;
	if (n % 3 == 0) {
		thread_rest_begin();
		usleep((useconds_t)(n % 7) * 50);
		thread_rest_end();
	}
	compute(worker, item);
}

static struct worker_pool *start(void (*run)(void *, void *), int threads_max)
{
	struct err e = {0};
	const struct worker_options o = {.threads = PLACES,
					 .threads_max = threads_max,
					 .queue_max = ITEMS,
					 .create = create,
					 .destroy = destroy,
					 .run = run};
	created = destroyed = ran = computing = computing_most = resting = resting_most = 0;
	open_gate = barren = false;
	struct worker_pool *p = worker_pool_start(&o, &e);
	assert_non_null(p);
	return p;
}

static void await(atomic_int *what, int n)
{
	for (int ms = 0; atomic_load(what) < n && ms < 60000; ms++)
		usleep(1000);
	assert_true(atomic_load(what) >= n);
}

static void test_places(void **state)
{
	(void)state;
	struct worker_pool *p = start(compute, 0);
	for (uintptr_t i = 0; i < ITEMS; i++)
		assert_true(worker_pool_add(p, WORKER_READS, (void *)i));
	await(&ran, ITEMS);
	assert_true(computing_most <= PLACES);
	assert_int_equal(created, PLACES);
	worker_pool_stop(p);
	assert_false(worker_pool_add(p, WORKER_READS, NULL));
	assert_int_equal(destroyed, PLACES);
	worker_pool_destroy(p);
}

static void test_rest(void **state)
{
	(void)state;
	struct worker_pool *p = start(rest, THREADS);
	for (uintptr_t i = 0; i < 2 * THREADS; i++)
		assert_true(worker_pool_add(p, WORKER_READS, (void *)(i % 2)));
	await(&resting, THREADS); /* all that there may be, though only two have a place */
	usleep(20000);
	assert_int_equal(resting_most, THREADS);
	assert_int_equal(worker_pool_waiting(p), THREADS);
	open_gate = true;
	await(&ran, 2 * THREADS);
	worker_pool_destroy(p);
	assert_int_equal(ran, 2 * THREADS);
	assert_int_equal(created, THREADS);
	assert_int_equal(destroyed, THREADS);
}

/* Where no more contexts can be had, those that are there do it all. */
static void test_barren(void **state)
{
	(void)state;
	struct worker_pool *p = start(rest, THREADS);
	barren = true;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_true(worker_pool_add(p, WORKER_READS, NULL));
	await(&resting, PLACES);
	usleep(20000);
	assert_int_equal(resting_most, PLACES);
	open_gate = true;
	await(&ran, THREADS);
	worker_pool_destroy(p);
	assert_int_equal(created, PLACES);
	assert_int_equal(destroyed, PLACES);
}

static char order[16];

static void note(void *worker, void *item)
{
	(void)worker;
	if (!item) { /* until the others are in line */
		thread_rest_begin();
		while (!atomic_load(&open_gate))
			usleep(1000);
		thread_rest_end();
		return;
	}
	order[atomic_load(&ran)] = *(char *)item;
	atomic_fetch_add(&ran, 1);
}

/* Who reads waits for one of those who write, not for all. */
static void test_turns(void **state)
{
	(void)state;
	struct err e = {0};
	const struct worker_options o = {.threads = 1, .queue_max = 8, .run = note};
	struct worker_pool *p = worker_pool_start(&o, &e);
	assert_non_null(p);
	ran = 0;
	open_gate = false;
	assert_true(worker_pool_add(p, WORKER_READS, NULL));
	for (int i = 0; worker_pool_waiting(p) && i < 60000; i++)
		usleep(1000);
	for (int i = 0; i < 5; i++)
		assert_true(worker_pool_add(p, WORKER_WRITES, "w"));
	for (int i = 0; i < 3; i++)
		assert_true(worker_pool_add(p, WORKER_READS, "r"));
	assert_false(worker_pool_add(p, WORKER_READS, "r")); /* full, all in all */
	assert_false(worker_pool_add(p, WORKER_WRITES, "w"));
	open_gate = true;
	await(&ran, 8);
	worker_pool_destroy(p);
	assert_string_equal(order, "wrwrwrww");
}

static void write_or_read(void *worker, void *item)
{
	if (item)
		rest(worker, item);
	else
		compute(worker, item);
}

/* Even where all that may wait for the disk do so, who reads is served. */
static void test_reads_beside(void **state)
{
	(void)state;
	struct worker_pool *p = start(write_or_read, THREADS);
	for (uintptr_t i = 0; i < 2 * THREADS; i++)
		assert_true(worker_pool_add(p, WORKER_WRITES, &ran));
	await(&resting, THREADS - 1);
	for (uintptr_t i = 0; i < ITEMS / 10; i++)
		assert_true(worker_pool_add(p, WORKER_READS, NULL));
	await(&ran, ITEMS / 10);
	assert_int_equal(resting_most, THREADS - 1);
	assert_int_equal(worker_pool_waiting(p), THREADS + 1);
	open_gate = true;
	await(&ran, ITEMS / 10 + 2 * THREADS);
	worker_pool_destroy(p);
	assert_int_equal(ran, ITEMS / 10 + 2 * THREADS);
}

/* What waits when it is stopped is still done. */
static void test_stop(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		struct worker_pool *p = start(mixed, THREADS);
		for (uintptr_t i = 0; i < ITEMS / 10; i++)
			assert_true(
			    worker_pool_add(p, i % 2 ? WORKER_READS : WORKER_WRITES, (void *)i));
		if (round % 2)
			usleep((useconds_t)round * 100);
		worker_pool_destroy(p);
		assert_int_equal(ran, ITEMS / 10);
		assert_int_equal(created, destroyed);
		/* One more for each that came back from its rest. */
		assert_true(computing_most <= THREADS);
	}
}

int main(void)
{
	log_set_level(LOG_LEVEL_OFF);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_places),       cmocka_unit_test(test_rest),
	    cmocka_unit_test(test_barren),       cmocka_unit_test(test_turns),
	    cmocka_unit_test(test_reads_beside), cmocka_unit_test(test_stop)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
