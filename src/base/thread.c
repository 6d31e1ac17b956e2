/* Owns what hands a new thread its function, and whom a thread tells of its rests. A failing mutex or condition is a bug: abort. */
#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { GIVE_WAY = 10 }; /* a tenth of a core's time where somebody else wants it all */

struct start {
	void (*run)(void *);
	void *argument;
	char name[16];
};

static void *thread_main(void *p)
{
	struct start s = *(struct start *)p;
	free(p);
	pthread_setname_np(pthread_self(), s.name);
	s.run(s.argument);
	return NULL;
}

bool thread_start(pthread_t *thread, const char *name, void (*run)(void *), void *argument,
		  struct err *e)
{
	struct start *s = malloc(sizeof *s);
	if (!s)
		abort();
	*s = (struct start){.run = run, .argument = argument};
	snprintf(s->name, sizeof s->name, "%s", name);
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); /* a new thread inherits the mask */
	int rc = pthread_create(thread, NULL, thread_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return true;
	free(s);
	err_set(e, ERR_BUSY, "no more threads can be started");
	return err_detail(e, "pthread_create %s: errno %d", name, rc);
}

void thread_join(pthread_t thread)
{
	if (pthread_join(thread, NULL) != 0)
		abort();
}

/* On Linux this is the thread's alone, not the process's. Not being allowed to be modest costs nothing but speed. */
void thread_give_way(void)
{
	(void)setpriority(PRIO_PROCESS, 0, GIVE_WAY);
}

static _Thread_local struct thread_rest resting;
static _Thread_local int rests;

void thread_on_rest(const struct thread_rest *told)
{
	resting = *told;
}

void thread_rest_begin(void)
{
	if (rests++ == 0 && resting.begin)
		resting.begin(resting.context);
}

void thread_rest_end(void)
{
	if (--rests == 0 && resting.end)
		resting.end(resting.context);
}

/* "max 100000" or "150000 100000" in cgroup v2; rounded up, 0 where there is no quota. */
static int cgroup_cpus(void)
{
	FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
	char line[64] = "", *rest;
	if (!f)
		return 0;
	if (!fgets(line, sizeof line, f))
		line[0] = '\0';
	fclose(f);
	double quota = strtod(line, &rest);
	double period = strtod(rest, NULL);
	return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

int thread_cpu_count(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
	int quota = cgroup_cpus();
	if (quota > 0 && quota < n)
		n = quota;
	return n > 0 ? n : 1;
}

void thread_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	if (pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(cond, &attr) != 0)
		abort();
	pthread_condattr_destroy(&attr);
}

bool thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns)
{
	struct timespec t = {.tv_sec = deadline_ns / 1000000000,
			     .tv_nsec = deadline_ns % 1000000000};
	int rc = pthread_cond_timedwait(cond, mutex, &t);
	if (rc != 0 && rc != ETIMEDOUT)
		abort();
	return rc == 0;
}
