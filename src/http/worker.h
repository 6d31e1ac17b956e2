/* The worker pool: two bounded queues and threads that take from them in turn, each with a context of its own. Threads that
 * rest (base/thread.h) let others work in their place. */
#ifndef MADANG_HTTP_WORKER_H
#define MADANG_HTTP_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct worker_pool;

/* Where both wait, each gets every other turn: many who write do not hold up who reads, nor the other way round. */
enum worker_lane { WORKER_READS, WORKER_WRITES, WORKER_LANES };

struct worker_options {
	int threads;      /* that work at a time, and are there from the start */
	int threads_max;  /* with those that rest */
	size_t queue_max; /* in both queues together */
	void *context;
	void *(*create)(void *context,
			struct err *e); /* also called on a thread of the pool, later */
	void (*destroy)(void *worker);
	void (*run)(void *worker, void *item);
};

/* Fails where a context of the first threads cannot be made; where one of the later cannot, there are fewer. */
struct worker_pool *worker_pool_start(const struct worker_options *options, struct err *e);
bool worker_pool_add(struct worker_pool *p, enum worker_lane lane,
		     void *item);                  /* false: full, or stopped */
size_t worker_pool_waiting(struct worker_pool *p); /* in both queues */
/* Runs what waits, then ends the threads; from now on worker_pool_add says no. NULL-safe, both. */
void worker_pool_stop(struct worker_pool *p);
void worker_pool_destroy(struct worker_pool *p);

#endif
