/* The engine's threads: one pool, one kind of work, a range that is cut into pieces.
 *
 * `pool_for` runs `fn` over [0, count) on all threads of the pool, the calling one among them, and
 * returns when all of it is done. Pieces are multiples of `grain` (the last may be shorter). Each
 * thread begins with its own equal share, the same one every time (so that weights stay in that
 * core's cache), and takes pieces of others' shares when its own is done. `fn` must not depend on
 * how the range was cut or on `thread` (0 <= thread < pool_threads, for scratch memory): results
 * are the same for any number of threads.
 *
 * Only one pool_for runs at a time: whoever shares a pool between threads of the program holds
 * pool_lock around a whole computation. The lock is fair (first come, first served). pool_for must
 * not be called from within fn.
 *
 * Idle workers poll for a few tens of microseconds, so that the hundred pool_for of one token cost
 * about a microsecond each, then sleep until the next one. */
#ifndef MADANG_ENGINE_POOL_H
#define MADANG_ENGINE_POOL_H

#include "base/err.h"

#include <stddef.h>

#define POOL_THREADS_MAX 256

struct pool;

typedef void (*pool_fn)(void *context, size_t begin, size_t end, int thread);

/* threads 0: as many as this process may use cores. A pool of one thread starts none. */
struct pool *pool_create(int threads, struct err *e) MUST_CHECK;
void pool_destroy(struct pool *pool); /* NULL-safe */
int pool_threads(const struct pool *pool);

void pool_for(struct pool *pool, size_t count, size_t grain, pool_fn fn, void *context);

void pool_lock(struct pool *pool);
void pool_unlock(struct pool *pool);

#endif
