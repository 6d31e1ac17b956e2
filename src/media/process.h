/* Makes what strangers upload fit to be shown: in a process of its own, with limits, so that a picture made
 * to break a decoder breaks only that process. */
#ifndef MADANG_MEDIA_PROCESS_H
#define MADANG_MEDIA_PROCESS_H

#include "base/arena.h"
#include "media/media.h"

struct media_processed {
	char hash[MEDIA_HASH_SIZE];
	char thumbnail_hash[MEDIA_HASH_SIZE];
	const char *type; /* static */
	const char *thumbnail_type;
	int64_t size_bytes, width, height, thumbnail_width, thumbnail_height;
	char blurhash[64];
	bool transparent; /* somewhere, at least in part */
};

/* fd: the upload. Both objects are in the store on success. ERR_INVALID: no picture that we can read. */
MUST_CHECK bool media_process(struct media_store *s, int fd, struct media_processed *out,
			      struct err *e);

/* What the process does: `madang media-child`, reading from fd 0 and writing to fds 3 and 4; its exit status
 * is 0, or 2 for a picture that cannot be read, or 3 for one too large. */
int media_child_main(void);

#endif
