/* Owns no state; any thread. A temporary file lives in the target's folder (rename must not cross file
 * systems) and is unlinked on every way out but success. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct err *e, const char *verb, const char *path, int number)
{
	enum err_code code = number == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	char text[96];
	return err_set(e, code, "can't %s %s: %s", verb, path,
		       strerror_r(number, text, sizeof text));
}

bool file_read(struct arena *a, const char *path, size_t cap_bytes, struct file_bytes *out,
	       struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail(e, "read", path, errno);
	if (fstat(fd, &st) < 0) {
		fail(e, "read", path, errno);
		goto out_close;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_INVALID, "can't read %s: not a file", path);
		goto out_close;
	}
	if ((uint64_t)st.st_size > cap_bytes) {
		err_set(e, ERR_TOO_LARGE, "%s is %lld bytes; at most %zu are read", path,
			(long long)st.st_size, cap_bytes);
		goto out_close;
	}
	size_t size = (size_t)st.st_size, length = 0;
	char *data = arena_try(a, size + 1, 1);
	if (!data) {
		err_set(e, ERR_NO_MEMORY, "no memory to read %s", path);
		goto out_close;
	}
	while (length < size) { /* a file that shrinks meanwhile is read as far as it goes */
		ssize_t n = read(fd, data + length, size - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fail(e, "read", path, errno);
			goto out_close;
		}
		if (n == 0)
			break;
		length += (size_t)n;
	}
	close(fd);
	*out = (struct file_bytes){.data = data, .length = length};
	return true;
out_close:
	close(fd);
	return false;
}

static bool write_all(int fd, const char *p, size_t length)
{
	while (length) {
		ssize_t n = write(fd, p, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		length -= (size_t)n;
	}
	return true;
}

/* The folder of path into folder[PATH_MAX]: "." where path has none. */
static bool folder_of(char folder[PATH_MAX], const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;
	if (strlen(path) > PATH_MAX - 32)
		return err_set(e, ERR_INVALID, "the file name is too long");
	if (!slash || slash[1] == '\0') {
		if (*path == '\0' || slash)
			return err_set(e, ERR_INVALID, "'%s' is not a file name", path);
		n = 1;
		path = ".";
	}
	if (n == 0)
		n = 1; /* "/name" */
	memcpy(folder, path, n);
	folder[n] = '\0';
	return true;
}

/* A new rename survives a power cut only when its folder is synced too. */
static void sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

/* mkstemp makes 0600; a written file gets what open(…, 0666) would have given it. The umask can be read
 * only by setting it, which other threads would see, so it is asked from the kernel's report. */
static mode_t file_mode(void)
{
	unsigned mask = 022;
	char line[128];
	FILE *f = fopen("/proc/self/status", "re");
	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, "Umask:", 6) == 0)
			mask = (unsigned)strtoul(line + 6, NULL, 8);
	if (f)
		fclose(f);
	return 0666 & ~(mode_t)mask;
}

/* Renaming over a device or a pipe would replace it. */
static bool check_replaceable(const char *path, struct err *e)
{
	struct stat st;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? fail(e, "write", path, EISDIR)
					   : err_set(e, ERR_IO, "can't write %s: not a file", path);
	return true;
}

bool file_write(const char *path, const void *bytes, size_t length, struct err *e)
{
	char folder[PATH_MAX], temporary[PATH_MAX];
	if (!folder_of(folder, path, e) || !check_replaceable(path, e))
		return false;
	const char *slash = strrchr(path, '/');
	int prefix = slash ? (int)(slash + 1 - path) : 0;
	snprintf(temporary, sizeof temporary, "%.*s.madang-XXXXXX", prefix, path);
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail(e, "write", path, errno);
	if (!write_all(fd, bytes, length) || fchmod(fd, file_mode()) < 0 || fsync(fd) < 0) {
		fail(e, "write", path, errno);
		close(fd);
		goto out_unlink;
	}
	if (close(fd) < 0 || rename(temporary, path) < 0) {
		fail(e, "write", path, errno);
		goto out_unlink;
	}
	sync_folder(folder);
	return true;
out_unlink:
	unlink(temporary);
	return false;
}

bool file_check_writable(const char *path, struct err *e)
{
	char folder[PATH_MAX];
	struct stat st;
	if (!folder_of(folder, path, e))
		return false;
	if (stat(folder, &st) < 0)
		return fail(e, "write", path, errno);
	if (!S_ISDIR(st.st_mode))
		return fail(e, "write", path, ENOTDIR);
	if (access(folder, W_OK | X_OK) < 0)
		return fail(e, "write", path, errno);
	return check_replaceable(path, e);
}
