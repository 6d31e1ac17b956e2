/* A picture's origin as bytes inside its file; image.c places them. */
#ifndef MADANG_IMAGE_ORIGIN_H
#define MADANG_IMAGE_ORIGIN_H

#include "image/image.h"

/* Appends an XMP packet. */
void origin_xmp(const struct image_origin *origin, struct buf *out);

/* Appends the PNG file `png` to `out` with one iTXt chunk for each line of the origin behind its header.
 * Plain tEXt would be Latin-1; prompts are not. */
void origin_png(const struct image_origin *origin, const uint8_t *png, size_t length,
		struct buf *out);

#endif
