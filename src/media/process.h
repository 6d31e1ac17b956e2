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

enum { MEDIA_PROCESSES_MAX = 2 }; /* at a time */

/* What the first bytes say that it is ("image/png"), of what media_process may be able to read; NULL: nothing of that. */
const char *media_type_of(int fd);

/* fd: the upload. Both objects are in the store on success. ERR_INVALID: no picture that we can read. ERR_TOO_LARGE:
 * too many pixels. ERR_BUSY and ERR_IO: not now. */
MUST_CHECK bool media_process(struct media_store *s, int fd, struct media_processed *out,
			      struct err *e);

/* The same where nobody waits for the answer: on a crowded machine its 15 s of CPU time may take much longer. */
MUST_CHECK bool media_process_within(struct media_store *s, int fd, int time_ms,
				     struct media_processed *out, struct err *e);

/* What the process does: `madang media-child`, looking at the file that is fd 0 and writing to fds 3 and 4; its exit status
 * is 0, or 2 for a picture that cannot be read, or 3 for one too large. */
int media_child_main(void);

#endif
