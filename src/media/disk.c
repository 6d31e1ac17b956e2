/* Owns the folder of objects. Any thread; the file system orders what happens. What must stay true: an
 * object's name appears only when all its bytes are on the disk. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/str.h"
#include "media/media.h"

static const char NEW[] = ".new."; /* what is being written; locked (flock) by who writes it */
enum { LEFT_BEHIND_S = 60 * 60 };  /* since its last byte */

struct media_store {
	char *dir;
};

static bool make_dir(const char *path, struct err *e)
{
	if (!mkdir(path, 0750) || errno == EEXIST)
		return true;
	err_set(e, ERR_IO, "pictures cannot be stored: the folder cannot be made");
	return err_detail(e, "%s: %s", path, strerror(errno));
}

/* Whether what is open as fd was left behind: long untouched, and locked by nobody. A file is without its lock only in
 * the instant in which it is made, and young then. */
static bool left_behind(int fd)
{
	struct stat st;
	return !fstat(fd, &st) && S_ISREG(st.st_mode) && time(NULL) - st.st_mtime > LEFT_BEHIND_S &&
	       !flock(fd, LOCK_EX | LOCK_NB);
}

/* What a process was writing when it was killed. */
static void sweep(const char *path)
{
	int64_t swept = 0;
	DIR *dir = opendir(path);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		if (!str_starts(d->d_name, NEW))
			continue;
		int fd =
		    openat(dirfd(dir), d->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd < 0)
			continue;
		if (left_behind(fd) && !unlinkat(dirfd(dir), d->d_name, 0))
			swept++;
		close(fd);
	}
	if (dir)
		closedir(dir);
	if (swept)
		log_info("media.swept", LOG_INT("files", swept));
}

struct media_store *media_store_open(const char *dir, struct err *e)
{
	if (!make_dir(dir, e))
		return NULL;
	struct media_store *s = calloc(1, sizeof *s);
	if (!s || !(s->dir = strdup(dir)))
		abort();
	sweep(dir);
	return s;
}

void media_store_close(struct media_store *s)
{
	if (!s)
		return;
	free(s->dir);
	free(s);
}

static bool is_hash(const char *text)
{
	return strspn(text, "0123456789abcdef") == MEDIA_HASH_SIZE - 1 &&
	       !text[MEDIA_HASH_SIZE - 1];
}

static void path_of(const struct media_store *s, const char *hash, char *path, size_t size,
		    bool folder)
{
	if (folder)
		snprintf(path, size, "%s/%.2s/%.2s", s->dir, hash, hash + 2);
	else
		snprintf(path, size, "%s/%.2s/%.2s/%s", s->dir, hash, hash + 2, hash);
}

static bool fail_io(struct err *e, const char *what)
{
	int why = errno;
	err_set(e, ERR_IO,
		why == ENOSPC || why == EDQUOT ? "the server's disk is full: nothing was stored"
					       : "the picture cannot be stored: try again later");
	return err_detail(e, "%s: %s", what, strerror(why));
}

/* Gives the finished temporary file its name. */
static bool settle(struct media_store *s, int fd, const char *temp, const char *hash, struct err *e)
{
	char path[4200], folder[4200];
	path_of(s, hash, path, sizeof path, false);
	path_of(s, hash, folder, sizeof folder, true);
	if (!access(path, F_OK)) { /* stored before */
		unlink(temp);
		return true;
	}
	if (fsync(fd))
		return fail_io(e, "fsync");
	char *slash = strrchr(folder, '/');
	*slash = '\0';
	if (!make_dir(folder, e))
		return false;
	*slash = '/';
	if (!make_dir(folder, e))
		return false;
	if (rename(temp, path))
		return fail_io(e, path);
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		fsync(dir);
		close(dir);
	}
	return true;
}

static int temp_open(struct media_store *s, char *temp, size_t size)
{
	snprintf(temp, size, "%s/%s%016llx", s->dir, NEW, (unsigned long long)rand_u64());
	int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd >= 0)
		(void)flock(fd, LOCK_EX | LOCK_NB);
	return fd;
}

static bool write_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t n = write(fd, bytes, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

bool media_put(struct media_store *s, const void *bytes, size_t length, char hash[MEDIA_HASH_SIZE],
	       struct err *e)
{
	unsigned char digest[32];
	char temp[4200];
	EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL);
	codec_hex(hash, digest, sizeof digest);
	int fd = temp_open(s, temp, sizeof temp);
	if (fd < 0)
		return fail_io(e, temp);
	bool ok = write_all(fd, bytes, length) || fail_io(e, "write");
	ok = ok && settle(s, fd, temp, hash, e);
	close(fd);
	if (!ok)
		unlink(temp);
	return ok;
}

static bool copy_hashed(int from, int to, char hash[MEDIA_HASH_SIZE], struct err *e)
{
	unsigned char digest[32];
	char *chunk = malloc(1 << 16);
	EVP_MD_CTX *sum = EVP_MD_CTX_new();
	if (!chunk || !sum)
		abort();
	EVP_DigestInit_ex(sum, EVP_sha256(), NULL);
	off_t at = 0;
	ssize_t n;
	bool ok = true;
	while (ok && (n = pread(from, chunk, 1 << 16, at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		ok = n > 0 && write_all(to, chunk, (size_t)n);
		if (ok)
			EVP_DigestUpdate(sum, chunk, (size_t)n);
		at += n;
	}
	if (ok) {
		EVP_DigestFinal_ex(sum, digest, NULL);
		codec_hex(hash, digest, sizeof digest);
	} else {
		fail_io(e, "copy");
	}
	EVP_MD_CTX_free(sum);
	free(chunk);
	return ok;
}

bool media_put_fd(struct media_store *s, int from, char hash[MEDIA_HASH_SIZE], struct err *e)
{
	char temp[4200];
	int fd = temp_open(s, temp, sizeof temp);
	if (fd < 0)
		return fail_io(e, temp);
	bool ok = copy_hashed(from, fd, hash, e) && settle(s, fd, temp, hash, e);
	close(fd);
	if (!ok)
		unlink(temp);
	return ok;
}

bool media_open(struct media_store *s, const char *hash, int *fd, uint64_t *size, struct err *e)
{
	char path[4200];
	struct stat st;
	if (!is_hash(hash))
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	path_of(s, hash, path, sizeof path, false);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (*fd < 0 || fstat(*fd, &st)) {
		err_set(e, ERR_IO, "the picture cannot be read: try again later");
		err_detail(e, "%s: %s", path, strerror(errno));
		if (*fd >= 0)
			close(*fd);
		return false;
	}
	*size = (uint64_t)st.st_size;
	return true;
}

bool media_delete(struct media_store *s, const char *hash, struct err *e)
{
	char path[4200];
	if (!is_hash(hash))
		return true;
	path_of(s, hash, path, sizeof path, false);
	if (!unlink(path) || errno == ENOENT)
		return true;
	return fail_io(e, path);
}

bool media_disk(struct media_store *s, uint64_t *free_bytes, uint64_t *total_bytes, struct err *e)
{
	struct statvfs v;
	if (statvfs(s->dir, &v))
		return fail_io(e, s->dir);
	*free_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	*total_bytes = (uint64_t)v.f_blocks * v.f_frsize;
	return true;
}
