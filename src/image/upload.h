/* What becomes of an upload: the picture as WebP (upright, its credit and copyright kept, its place and
 * device forgotten; moving, where it moves), a thumbnail of its first frame, and a tiny copy for the BlurHash. */
#ifndef MADANG_IMAGE_UPLOAD_H
#define MADANG_IMAGE_UPLOAD_H

#include "image/image.h"

enum { IMAGE_UPLOAD_TINY = 32, IMAGE_UPLOAD_THUMBNAIL = 480, IMAGE_UPLOAD_SIDE_MAX = 4096 };

struct image_upload {
	struct buf picture, thumbnail; /* the caller's to finish */
	int width, height, thumbnail_width, thumbnail_height;
	uint8_t tiny[IMAGE_UPLOAD_TINY * IMAGE_UPLOAD_TINY * 3];
	int tiny_width, tiny_height;
	bool transparent; /* somewhere, at least in part */
};

/* In a process that does nothing else; before its files are taken away. */
MUST_CHECK bool image_upload_init(struct err *e);
MUST_CHECK bool image_upload_make(const void *bytes, size_t length, struct image_upload *out,
				  struct err *e);

#endif
