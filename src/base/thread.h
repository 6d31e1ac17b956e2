/* Threads: named, with signals blocked (the main thread gets them all), waiting by the monotonic clock. */
#ifndef MADANG_BASE_THREAD_H
#define MADANG_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Starts run(argument). name: at most 15 bytes, shown by top and gdb. The caller joins *thread. */
MUST_CHECK bool thread_start(pthread_t *thread, const char *name, void (*run)(void *),
			     void *argument, struct err *e);
void thread_join(pthread_t thread);

/* The calling thread, and those that it starts from now on, give way to the others of this machine: for work that
 * takes all the cores it gets, beside answers that take a millisecond. There is no way back. */
void thread_give_way(void);

/* The calling thread waits for what takes no work of its own (a commit, a lock of long standing), and then no longer: a pool
 * that it belongs to may have another thread work meanwhile. They nest; on a thread of no such pool they do nothing. */
void thread_rest_begin(void);
void thread_rest_end(void);
/* Who is told so, of the calling thread, from now on. */
struct thread_rest {
	void (*begin)(void *context);
	void (*end)(void *context);
	void *context;
};
void thread_on_rest(const struct thread_rest *told);

/* Cores that this process may use: affinity and the cgroup's quota counted in; at least 1. */
int thread_cpu_count(void);

/* A condition that thread_wait_until can wait on. pthread_cond_destroy when done. */
void thread_cond_init(pthread_cond_t *cond);

/* Waits until signalled or until clock_mono_ns() reaches deadline_ns; false when the deadline has come.
 * As always: look at what you wait for again, in a loop. */
bool thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns);

#endif
