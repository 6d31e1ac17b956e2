/* Objects: the bytes behind media, named by what they hold (the SHA-256 of their content, in hex).
 *
 * An object is stored before any row names it, and deleted only after the last row that named it is gone.
 * Storing what is there already is no work. On disk: DATA/media/ab/cd/abcd…, written whole or not at all. */
#ifndef MADANG_MEDIA_MEDIA_H
#define MADANG_MEDIA_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define MEDIA_HASH_SIZE 65 /* 64 hex digits and the NUL */

struct media_store;

/* Creates the folder where it is missing. What somebody who was killed had half written is swept away. */
struct media_store *media_store_open(const char *dir, struct err *e);
void media_store_close(struct media_store *s); /* NULL-safe */

MUST_CHECK bool media_put(struct media_store *s, const void *bytes, size_t length,
			  char hash[MEDIA_HASH_SIZE], struct err *e);
/* From the beginning of fd to its end. */
MUST_CHECK bool media_put_fd(struct media_store *s, int fd, char hash[MEDIA_HASH_SIZE],
			     struct err *e);
/* A descriptor for reading, to be closed by the caller. ERR_NOT_FOUND where there is none; also for what
 * is no hash at all. */
MUST_CHECK bool media_open(struct media_store *s, const char *hash, int *fd, uint64_t *size,
			   struct err *e);
/* What is not there counts as deleted. */
MUST_CHECK bool media_delete(struct media_store *s, const char *hash, struct err *e);

/* Bytes free and in all on the disk that holds the objects. */
MUST_CHECK bool media_disk(struct media_store *s, uint64_t *free_bytes, uint64_t *total_bytes,
			   struct err *e);

#endif
