/* The engine's thread pool.
 *
 * Owns the worker threads. A job is open while `open` holds its generation; a worker that wants in
 * first announces itself in `inside`, then looks at `open` again, so that the caller, who first
 * closes the job and then waits for `inside` to fall to 0, never frees a job that somebody still
 * works on (both sides use sequentially consistent order; weaker would let both miss each other). A
 * worker that was not awake in time is therefore never waited for. */
#include "engine/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define SPINS_BEFORE_SLEEP 3000 /* of about 40 ns each */
#define SPINS_BEFORE_YIELD 300

#if defined(__x86_64__)
#define SPIN_PAUSE() __builtin_ia32_pause()
#else
#define SPIN_PAUSE() atomic_signal_fence(memory_order_seq_cst)
#endif

struct share {
	_Alignas(64) atomic_size_t next;
	size_t end;
};

struct engine_pool {
	int threads;
	int started; /* workers that run, for the failure path */
	pthread_t *workers;
	struct share *shares; /* one for each thread, on a cache line of its own */

	engine_pool_fn fn;
	void *context;
	size_t grain;

	_Alignas(64) atomic_uint_fast64_t open; /* the open job's number; 0: none */
	_Alignas(64) atomic_int inside;         /* workers that may touch the job */
	uint_fast64_t generation;

	_Alignas(64) atomic_int sleepers;
	atomic_bool stop;
	pthread_mutex_t sleep_mutex;
	pthread_cond_t sleep_cond;

	pthread_mutex_t turn_mutex;
	pthread_cond_t turn_cond;
	uint64_t turn_next, turn_now;
};

struct worker_start {
	struct engine_pool *pool;
	int thread;
};

/* Own share first, then the others', beginning with the neighbour's. */
static void work(struct engine_pool *pool, int thread)
{
	for (int i = 0; i < pool->threads; i++) {
		struct share *share = &pool->shares[(thread + i) % pool->threads];
		for (;;) {
			size_t begin = atomic_fetch_add(&share->next, pool->grain);
			if (begin >= share->end)
				break;
			size_t end = begin + pool->grain;
			pool->fn(pool->context, begin, end < share->end ? end : share->end, thread);
		}
	}
}

static uint_fast64_t wait_for_job(struct engine_pool *pool, uint_fast64_t last)
{
	for (int spins = 0;; spins++) {
		uint_fast64_t open = atomic_load(&pool->open);
		if (open != 0 && open != last)
			return open;
		if (atomic_load_explicit(&pool->stop, memory_order_relaxed))
			return 0;
		SPIN_PAUSE();
		if (spins < SPINS_BEFORE_SLEEP)
			continue;
		pthread_mutex_lock(&pool->sleep_mutex);
		atomic_fetch_add(&pool->sleepers, 1);
		for (;;) {
			open = atomic_load(&pool->open);
			if ((open != 0 && open != last) || atomic_load(&pool->stop))
				break;
			pthread_cond_wait(&pool->sleep_cond, &pool->sleep_mutex);
		}
		atomic_fetch_sub(&pool->sleepers, 1);
		pthread_mutex_unlock(&pool->sleep_mutex);
		spins = 0;
	}
}

static void *worker_main(void *argument)
{
	struct worker_start start = *(struct worker_start *)argument;
	struct engine_pool *pool = start.pool;
	uint_fast64_t last = 0;

	free(argument);
	for (;;) {
		uint_fast64_t job = wait_for_job(pool, last);
		if (job == 0)
			return NULL;
		last = job;
		atomic_fetch_add(&pool->inside, 1);
		if (atomic_load(&pool->open) == job)
			work(pool, start.thread);
		atomic_fetch_sub(&pool->inside, 1);
	}
}

static int usable_cores(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
		return CPU_COUNT(&set);
	long count = sysconf(_SC_NPROCESSORS_ONLN);
	return count > 0 ? (int)count : 1;
}

static bool start_worker(struct engine_pool *pool, int thread, struct err *e)
{
	struct worker_start *start = malloc(sizeof(*start));
	if (!start)
		return err_set(e, ERR_NO_MEMORY, "no memory for the engine's threads");
	*start = (struct worker_start){pool, thread};
	if (pthread_create(&pool->workers[thread], NULL, worker_main, start) != 0) {
		free(start);
		return err_set(e, ERR_NO_MEMORY, "cannot start thread %d of the engine", thread);
	}
	pool->started++;
	return true;
}

struct engine_pool *engine_pool_create(int threads, struct err *e)
{
	if (threads <= 0)
		threads = usable_cores();
	if (threads > ENGINE_POOL_THREADS_MAX)
		threads = ENGINE_POOL_THREADS_MAX;
	struct engine_pool *pool = aligned_alloc(64, (sizeof(*pool) + 63) / 64 * 64);
	if (!pool)
		goto no_memory;
	*pool = (struct engine_pool){.threads = threads};
	pthread_mutex_init(&pool->sleep_mutex, NULL);
	pthread_cond_init(&pool->sleep_cond, NULL);
	pthread_mutex_init(&pool->turn_mutex, NULL);
	pthread_cond_init(&pool->turn_cond, NULL);
	pool->shares = aligned_alloc(64, sizeof(*pool->shares) * (size_t)threads);
	pool->workers = calloc((size_t)threads, sizeof(*pool->workers));
	if (!pool->shares || !pool->workers)
		goto no_memory;
	for (int t = 1; t < threads; t++)
		if (!start_worker(pool, t, e)) {
			engine_pool_destroy(pool);
			return NULL;
		}
	return pool;
no_memory:
	engine_pool_destroy(pool);
	err_set(e, ERR_NO_MEMORY, "no memory for the engine's threads");
	return NULL;
}

void engine_pool_destroy(struct engine_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->sleep_mutex);
	atomic_store(&pool->stop, true);
	pthread_cond_broadcast(&pool->sleep_cond);
	pthread_mutex_unlock(&pool->sleep_mutex);
	for (int t = 1; t <= pool->started; t++)
		pthread_join(pool->workers[t], NULL);
	pthread_cond_destroy(&pool->turn_cond);
	pthread_mutex_destroy(&pool->turn_mutex);
	pthread_cond_destroy(&pool->sleep_cond);
	pthread_mutex_destroy(&pool->sleep_mutex);
	free(pool->workers);
	free(pool->shares);
	free(pool);
}

int engine_pool_threads(const struct engine_pool *pool)
{
	return pool->threads;
}

/* Cuts [0, count) at multiples of grain into one share for each thread. */
static void deal(struct engine_pool *pool, size_t count, size_t grain)
{
	size_t pieces = (count + grain - 1) / grain, threads = (size_t)pool->threads, begin = 0;
	for (size_t t = 0; t < threads; t++) {
		size_t end = pieces * (t + 1) / threads * grain;
		if (end > count)
			end = count;
		atomic_store_explicit(&pool->shares[t].next, begin, memory_order_relaxed);
		pool->shares[t].end = end;
		begin = end;
	}
}

void engine_pool_for(struct engine_pool *pool, size_t count, size_t grain, engine_pool_fn fn,
		     void *context)
{
	if (count == 0)
		return;
	if (grain == 0)
		grain = 1;
	if (pool->threads == 1 || count <= grain) {
		fn(context, 0, count, 0);
		return;
	}
	pool->fn = fn;
	pool->context = context;
	pool->grain = grain;
	deal(pool, count, grain);
	atomic_store(&pool->open, ++pool->generation);
	if (atomic_load(&pool->sleepers) > 0) {
		pthread_mutex_lock(&pool->sleep_mutex);
		pthread_cond_broadcast(&pool->sleep_cond);
		pthread_mutex_unlock(&pool->sleep_mutex);
	}
	work(pool, 0);
	atomic_store(&pool->open, 0);
	for (int spins = 1; atomic_load(&pool->inside) != 0; spins++) {
		SPIN_PAUSE();
		if (spins % SPINS_BEFORE_YIELD == 0)
			sched_yield(); /* the one we wait for may want this core */
	}
}

void engine_pool_lock(struct engine_pool *pool)
{
	pthread_mutex_lock(&pool->turn_mutex);
	uint64_t turn = pool->turn_next++;
	while (pool->turn_now != turn)
		pthread_cond_wait(&pool->turn_cond, &pool->turn_mutex);
	pthread_mutex_unlock(&pool->turn_mutex);
}

void engine_pool_unlock(struct engine_pool *pool)
{
	pthread_mutex_lock(&pool->turn_mutex);
	pool->turn_now++;
	pthread_cond_broadcast(&pool->turn_cond);
	pthread_mutex_unlock(&pool->turn_mutex);
}
