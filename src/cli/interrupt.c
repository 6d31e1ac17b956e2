/* Owns the one thread that takes signals, and the lock that file writing holds. All other threads inherit
 * the blocked signals, so no handler ever runs in the middle of anything. */
#include "cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/thread.h"

static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
static sigset_t signals;
static atomic_bool
    leaving; /* no further file is begun: a mutex alone would let the writer in again and again */

static void take_signal(void *unused)
{
	(void)unused;
	int number = 0;
	while (sigwait(&signals, &number) != 0)
		;
	atomic_store(&leaving, true);
	pthread_mutex_lock(&writing);
	if (isatty(STDERR_FILENO)) { /* end a half sent picture, plain colours, a new line */
		static const char restore[] = "\x1b\\\x1b[0m\n";
		ssize_t n = write(STDERR_FILENO, restore, sizeof restore - 1);
		(void)n;
	}
	_exit(128 + number);
}

bool interrupt_start(struct err *e)
{
	pthread_t thread;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error like a full disk */
	if (!thread_start(&thread, "interrupt", take_signal, NULL, e))
		return false;
	pthread_detach(thread);
	return true;
}

void interrupt_hold(void)
{
	pthread_mutex_lock(&writing);
	if (!atomic_load(&leaving))
		return;
	pthread_mutex_unlock(&writing);
	for (;;)
		pause(); /* the process ends in the other thread */
}

void interrupt_release(void)
{
	pthread_mutex_unlock(&writing);
}
