/* Pictures as files and as pixels: decode what strangers send, resize, encode with what was asked of the
 * model written into it. libvips does the work and is seen nowhere else.
 *
 * image_init once, before other threads; image_finish last. Everything between may run on any thread. */
#ifndef MADANG_IMAGE_IMAGE_H
#define MADANG_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/* 8-bit sRGB, three bytes a pixel, rows without gaps. */
struct image {
	int width, height;
	const uint8_t *rgb;
};

enum image_format { IMAGE_FORMAT_NONE, IMAGE_FORMAT_PNG, IMAGE_FORMAT_JPEG, IMAGE_FORMAT_WEBP };

/* What went into the picture; NULL leaves a line out. */
struct image_origin {
	const char *prompt, *style, *model;
	const char *seed; /* decimal */
};

struct image_decode_options {
	size_t bytes_max; /* of the file; 0: 32 MiB */
	int64_t
	    pixels_max; /* width times height, looked at before pixels are decoded; 0: 50 million */
	int square;     /* > 0: the middle square, scaled to this many pixels a side */
};

MUST_CHECK bool image_init(struct err *e);
void image_finish(void);

/* By the extension, in either case; NONE where it is none of ours. */
enum image_format image_format_of(const char *path);
const char *image_format_mime(enum image_format format);

/* Whether it is what the formats we name would take: never whatever loaders the machine has. */
bool image_known(const void *bytes, size_t length);

/* PNG, JPEG, WebP or GIF (its first frame), told by content, not by name. Turned upright by its EXIF,
 * transparency laid over white. ERR_INVALID for what is no such picture or is broken, ERR_TOO_LARGE. The
 * pixels live in the arena. options NULL: all zero. */
MUST_CHECK bool image_decode(struct arena *a, const void *bytes, size_t length,
			     const struct image_decode_options *options, struct image *out,
			     struct err *e);

/* Lanczos; where `sharp` and the new size is a whole multiple of the old, each pixel becomes a block, so
 * that pixel art stays pixel art. */
MUST_CHECK bool image_resize(struct arena *a, const struct image *in, int width, int height,
			     bool sharp, struct image *out, struct err *e);

/* Appends the file to `out`. The origin goes into PNG as iTXt chunks, into JPEG and WebP as XMP; NULL: none, for a
 * preview that nobody keeps. */
MUST_CHECK bool image_encode(const struct image *in, enum image_format format,
			     const struct image_origin *origin, struct buf *out, struct err *e);
/* The same with the quality of JPEG and WebP, 1 to 100; 0: the usual. */
MUST_CHECK bool image_encode_at(const struct image *in, enum image_format format, int quality,
				const struct image_origin *origin, struct buf *out, struct err *e);

/* How opaque each pixel is, 0 to 255; rows without gaps. */
struct image_alpha {
	int width, height;
	const uint8_t *alpha;
};
/* Of what image_decode reads; all 255 where the picture has no transparency. */
MUST_CHECK bool image_decode_alpha(struct arena *a, const void *bytes, size_t length,
				   struct image_alpha *out, struct err *e);
/* A PNG, white, with this transparency. */
MUST_CHECK bool image_encode_alpha(const struct image_alpha *in, struct buf *out, struct err *e);

/* A PNG of this size, opaque, with a hole of full transparency: what of a picture is to be drawn anew, in the way that
 * servers of others ask for it. hole: x, y, width, height as shares. */
MUST_CHECK bool image_encode_mask(int width, int height, const double hole[4], struct buf *out,
				  struct err *e);

#endif
