/* The engine's threads: one pool, one kind of work, a range that is cut into pieces.
 *
 * `engine_pool_for` runs `fn` over [0, count) on all threads of the pool, the calling one among
 * them, and returns when all of it is done. Pieces are multiples of `grain` (the last may be
 * shorter). Each thread begins with its own equal share, the same one every time (so that weights
 * stay in that core's cache), and takes pieces of others' shares when its own is done. `fn` must
 * not depend on how the range was cut or on `thread` (0 <= thread < engine_pool_threads, for
 * scratch memory): results are the same for any number of threads.
 *
 * Only one engine_pool_for runs at a time: whoever shares a pool between threads of the program
 * holds engine_pool_lock around a whole computation. The lock is fair (first come, first served).
 * engine_pool_for must not be called from within fn.
 *
 * Idle workers poll for a few tens of microseconds, so that the hundred engine_pool_for of one
 * token cost about a microsecond each, then sleep until the next one. */
#ifndef MADANG_ENGINE_POOL_H
#define MADANG_ENGINE_POOL_H

#include "base/err.h"

#include <stddef.h>

#define ENGINE_POOL_THREADS_MAX 256

struct engine_pool;

typedef void (*engine_pool_fn)(void *context, size_t begin, size_t end, int thread);

/* threads 0: as many as this process may use cores. A pool of one thread starts none. */
struct engine_pool *engine_pool_create(int threads, struct err *e) MUST_CHECK;
void engine_pool_destroy(struct engine_pool *pool); /* NULL-safe */
int engine_pool_threads(const struct engine_pool *pool);

void engine_pool_for(struct engine_pool *pool, size_t count, size_t grain, engine_pool_fn fn,
		     void *context);

void engine_pool_lock(struct engine_pool *pool);
void engine_pool_unlock(struct engine_pool *pool);

#endif
