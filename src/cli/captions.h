/* What a folder of pictures says about itself: for each picture its captions, its style, and who allows it to be
 * learnt from. One captions.csv (file, caption, style, consent or licence), or a .txt beside each picture. */
#ifndef MADANG_CLI_CAPTIONS_H
#define MADANG_CLI_CAPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

#define CAPTIONS_MAX      1000000
#define CAPTION_BYTES_MAX 2000

struct caption {
	const char *file; /* under the folder */
	const char *text;
	const char *style;   /* "": any */
	const char *consent; /* "": nothing is said */
};

struct captions {
	struct caption *items; /* by file, in the order of their names */
	size_t count;
};

/* Everything read lives in the arena. The error names the file, and the line where there is one. */
MUST_CHECK bool captions_read(struct arena *a, const char *folder, struct captions *out,
			      struct err *e);

/* Whether what is said of consent or licence means yes. */
bool caption_is_allowed(const char *consent);

#endif
