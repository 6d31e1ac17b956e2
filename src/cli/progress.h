/* What a person sees while pictures are drawn: the picture as far as it is, a bar, the time left. On
 * stderr, and only where that is a terminal; otherwise all of this does nothing. */
#ifndef MADANG_CLI_PROGRESS_H
#define MADANG_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress;

struct progress *progress_create(void);
void progress_destroy(struct progress *p); /* NULL-safe; takes the bar away, leaves the picture */

/* Whether a picture would be shown now: decode one only then. True at most ten times a second. */
bool progress_wants_picture(const struct progress *p);

/* done of total tokens (of all pictures); rgb NULL: only the bar. */
void progress_show(struct progress *p, int64_t done, int64_t total, const uint8_t *rgb, int width,
		   int height);

#endif
