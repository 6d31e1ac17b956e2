/* The thread pool: every index once, whatever the cut; sleeping and waking; several users of one pool. */
#include "engine/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define COUNT 1000

struct counts {
	int seen[COUNT];
	size_t grain;
	int threads;
	atomic_int wrong;
};

static void count(void *context, size_t begin, size_t end, int thread)
{
	struct counts *c = context;
	if (begin % c->grain || thread < 0 || thread >= c->threads)
		atomic_fetch_add(&c->wrong, 1);
	for (size_t i = begin; i < end; i++)
		c->seen[i]++; /* the sanitizer sees it, should two threads get one index */
}

static void every_index_once(void **state)
{
	(void)state;
	for (int threads = 1; threads <= 5; threads++) {
		struct err e;
		struct engine_pool *pool = engine_pool_create(threads, &e);
		assert_non_null(pool);
		assert_int_equal(engine_pool_threads(pool), threads);
		for (size_t n = 0; n <= COUNT; n += n < 20 ? 1 : 163)
			for (size_t grain = 1; grain < 40; grain += 13) {
				struct counts c = {.grain = grain, .threads = threads};
				engine_pool_for(pool, n, grain, count, &c);
				assert_int_equal(c.wrong, 0);
				for (size_t i = 0; i < COUNT; i++)
					assert_int_equal(c.seen[i], i < n);
			}
		engine_pool_destroy(pool);
	}
	engine_pool_destroy(NULL);
}

static double cpu_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Idle threads cost nothing, and wake for the next job. */
static void sleeps_when_idle(void **state)
{
	struct err e;
	struct engine_pool *pool = engine_pool_create(4, &e);
	struct timespec nap = {0, 300000000};
	(void)state;
	for (int round = 0; round < 2; round++) {
		struct counts c = {.grain = 1, .threads = 4};
		engine_pool_for(pool, COUNT, 1, count, &c);
		for (size_t i = 0; i < COUNT; i++)
			assert_int_equal(c.seen[i], 1);
		double before = cpu_seconds();
		nanosleep(&nap, NULL);
		assert_true(cpu_seconds() - before < 0.1);
	}
	engine_pool_destroy(pool);
}

static struct engine_pool *shared;
static atomic_int inside;

static void *user(void *unused)
{
	(void)unused;
	for (int i = 0; i < 200; i++) {
		struct counts c = {.grain = 7, .threads = 3};
		engine_pool_lock(shared);
		if (atomic_fetch_add(&inside, 1) != 0)
			atomic_fetch_add(&c.wrong, 1);
		engine_pool_for(shared, COUNT, 7, count, &c);
		atomic_fetch_sub(&inside, 1);
		engine_pool_unlock(shared);
		if (c.wrong || c.seen[0] != 1 || c.seen[COUNT - 1] != 1)
			return (void *)1;
	}
	return NULL;
}

static void users_take_turns(void **state)
{
	struct err e;
	pthread_t threads[3];
	void *failed;
	(void)state;
	shared = engine_pool_create(3, &e);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, user, NULL), 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	engine_pool_destroy(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_index_once),
	    cmocka_unit_test(sleeps_when_idle),
	    cmocka_unit_test(users_take_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
