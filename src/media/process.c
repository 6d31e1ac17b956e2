/* Starts the child, waits for it, stores what it made. Runs on a worker, which may block; at most
 * MEDIA_PROCESSES_MAX children at a time, so that a crowd of uploads does not take the machine. */
#include "media/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "json/read.h"

enum { ANSWER_MS = 20000, KILLED = -1, TOO_SLOW = -2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t freed = PTHREAD_COND_INITIALIZER;
static int children;

extern char **environ;

static bool child_start(int in, int report, int picture, int thumbnail, pid_t *pid, struct err *e)
{
	char *argv[] = {"madang", "media-child", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	/* Through high numbers first, so that no move overwrites a source of a later one. */
	const int from[4] = {in, report, picture, thumbnail}, to[4] = {0, 1, 3, 4};
	for (int i = 0; i < 4; i++)
		posix_spawn_file_actions_adddup2(&actions, from[i], 200 + i);
	for (int i = 0; i < 4; i++)
		posix_spawn_file_actions_adddup2(&actions, 200 + i, to[i]);
	for (int i = 0; i < 4; i++)
		posix_spawn_file_actions_addclose(&actions, 200 + i);
	int rc = posix_spawn(pid, "/proc/self/exe", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (!rc)
		return true;
	err_set(e, ERR_BUSY, "the picture cannot be processed now: try again in a moment");
	return err_detail(e, "posix_spawn: %s", strerror(rc));
}

/* The exit status; KILLED where its limits ended it, TOO_SLOW where we did. */
static int child_wait(pid_t pid, int time_ms)
{
	const struct timespec nap = {.tv_nsec = 2000000};
	int64_t end = clock_mono_ns() + time_ms * 1000000ll;
	int status;
	for (;;) {
		pid_t done = waitpid(pid, &status, WNOHANG);
		if (done == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : KILLED;
		if (done < 0 && errno != EINTR)
			return KILLED;
		if (clock_mono_ns() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return TOO_SLOW;
		}
		nanosleep(&nap, NULL);
	}
}

static bool read_report(int fd, struct media_processed *out, struct err *e)
{
	char text[1024];
	ssize_t n = pread(fd, text, sizeof text, 0);
	struct arena *a = arena_create(64 << 10);
	const struct json_value *v = NULL;
	bool ok = n > 0 && json_parse(a, text, (size_t)n, NULL, &v, e);
	if (ok) {
		out->width = json_get_int(v, "width", 0);
		out->height = json_get_int(v, "height", 0);
		out->thumbnail_width = json_get_int(v, "thumbnail_width", 0);
		out->thumbnail_height = json_get_int(v, "thumbnail_height", 0);
		out->transparent = json_get_bool(v, "transparent", false);
		snprintf(out->blurhash, sizeof out->blurhash, "%s",
			 json_get_str(v, "blurhash", ""));
	}
	arena_destroy(a);
	if (ok && out->width > 0 && out->height > 0)
		return true;
	return err_set(e, ERR_INVALID, "the picture cannot be read");
}

static bool run_child(struct media_store *s, int fd, const int out_fd[3], int time_ms,
		      struct media_processed *out, struct err *e)
{
	pid_t pid;
	struct stat st;
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    !child_start(fd, out_fd[0], out_fd[1], out_fd[2], &pid, e))
		return e->code != ERR_NONE ? false
					   : err_set(e, ERR_IO, "the upload cannot be read");
	int status = child_wait(pid, time_ms);
	if (status == 3)
		return err_set(e, ERR_TOO_LARGE,
			       "the picture has too many pixels (at most 50 million)");
	if (status == TOO_SLOW)
		return err_set(e, ERR_BUSY,
			       "the picture takes too long to process now: try again later");
	if (status != 0) {
		err_set(e, ERR_INVALID, "the picture cannot be read");
		return err_detail(e, "the child ended with %d", status);
	}
	if (!read_report(out_fd[0], out, e) || !media_put_fd(s, out_fd[1], out->hash, e) ||
	    !media_put_fd(s, out_fd[2], out->thumbnail_hash, e))
		return false;
	out->type = out->thumbnail_type = "image/webp";
	out->size_bytes = fstat(out_fd[1], &st) ? 0 : st.st_size;
	return true;
}

const char *media_type_of(int fd)
{
	unsigned char b[12];
	if (pread(fd, b, sizeof b, 0) != sizeof b)
		return NULL;
	if (!memcmp(b, "\x89PNG\r\n\x1a\n", 8))
		return "image/png";
	if (!memcmp(b, "\xff\xd8\xff", 3))
		return "image/jpeg";
	if (!memcmp(b, "GIF8", 4))
		return "image/gif";
	return !memcmp(b, "RIFF", 4) && !memcmp(b + 8, "WEBP", 4) ? "image/webp" : NULL;
}

bool media_process(struct media_store *s, int fd, struct media_processed *out, struct err *e)
{
	return media_process_within(s, fd, ANSWER_MS, out, e);
}

bool media_process_within(struct media_store *s, int fd, int time_ms, struct media_processed *out,
			  struct err *e)
{
	static const char *const names[] = {"report", "picture", "thumbnail"};
	int fds[3] = {-1, -1, -1};
	bool ok = true;
	*out = (struct media_processed){0};
	pthread_mutex_lock(&lock);
	while (children >= MEDIA_PROCESSES_MAX)
		pthread_cond_wait(&freed, &lock);
	children++;
	pthread_mutex_unlock(&lock);
	for (int i = 0; ok && i < 3; i++) {
		fds[i] = memfd_create(names[i], MFD_CLOEXEC);
		ok = fds[i] >= 0 ||
		     err_set(e, ERR_BUSY,
			     "the picture cannot be processed now: try again in a moment");
	}
	ok = ok && run_child(s, fd, fds, time_ms, out, e);
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	pthread_mutex_lock(&lock);
	children--;
	pthread_cond_signal(&freed);
	pthread_mutex_unlock(&lock);
	return ok;
}
