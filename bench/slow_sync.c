/* A disk that takes its time, for measurements where the real one answers from a cache: preloaded into a program
 * (LD_PRELOAD), it makes each fsync and fdatasync wait for MADANG_SYNC_MS milliseconds before the real one. bench_store
 * preloads it into itself and PostgreSQL where it is asked to ("sync_ms=8"). Any thread; no state but the number. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef int sync_fn(int fd);

static int after_a_while(const char *name, int fd)
{
	sync_fn *real = (sync_fn *)dlsym(RTLD_NEXT, name);
	const char *ms = getenv("MADANG_SYNC_MS");
	long wait = ms ? strtol(ms, NULL, 10) : 0;
	struct timespec rest = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000};
	while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
		;
	return real(fd);
}

int fsync(int fd)
{
	return after_a_while("fsync", fd);
}

int fdatasync(int fd)
{
	return after_a_while("fdatasync", fd);
}
