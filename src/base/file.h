/* Whole files: read with a cap, written so that a reader sees the old file or the new, never half. */
#ifndef MADANG_BASE_FILE_H
#define MADANG_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct file_bytes {
	char *data; /* in the arena, NUL-terminated behind its last byte */
	size_t length;
};

/* Reads a regular file of at most cap_bytes. ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_IO; the message names the
 * path. */
MUST_CHECK bool file_read(struct arena *a, const char *path, size_t cap_bytes,
			  struct file_bytes *out, struct err *e);

/* Writes beside the target under a temporary name, syncs, renames over the target. On failure nothing is
 * left and an older file stays as it was. */
MUST_CHECK bool file_write(const char *path, const void *bytes, size_t length, struct err *e);

/* Whether a file could be written at path, without touching it: the folder is there and may be written,
 * the path is no folder or device. For a clear answer before minutes of work. */
MUST_CHECK bool file_check_writable(const char *path, struct err *e);

#endif
