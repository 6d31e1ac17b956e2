/* The vision tower (SigLIP) and its aligner: a picture as rows of the language model's embeddings, which take
 * the places of the image placeholders in a prompt.
 *
 * An `engine_vit` never changes once it is made; any number of threads may run it, each call with memory of
 * its own (about 12 KiB a place and 1 MiB a thread, freed on return). */
#ifndef MADANG_ENGINE_VIT_H
#define MADANG_ENGINE_VIT_H

#include "base/err.h"
#include "engine/conv.h"
#include "engine/names.h"
#include "engine/shape.h"

#include <stddef.h>
#include <stdint.h>

struct engine_vit;

/* hidden: the width of the language model, which the aligner ends in. */
struct engine_vit *engine_vit_create(const struct engine_weights *weights,
				     const struct engine_vision_shape *shape, int hidden,
				     const struct conv_kernels *kernels, struct err *e) MUST_CHECK;
void engine_vit_destroy(struct engine_vit *vit); /* NULL-safe */

int engine_vit_places(const struct engine_vit *vit); /* rows that a picture becomes */
int engine_vit_hidden(const struct engine_vit *vit); /* numbers a row */
size_t engine_vit_bytes(const struct engine_vit *vit);

/* A picture of image_size x image_size pixels, [y][x][3], -1..1, to aligned [places][hidden]. features (may
 * be NULL): what the tower gives the aligner, [places][width]. pool may be NULL; the caller holds its lock. */
bool engine_vit_run(const struct engine_vit *vit, const float *pixels, struct engine_pool *pool,
		    float *features, float *aligned, struct err *e) MUST_CHECK;

/* Any picture as the tower wants it: the longer side scaled to `size` (bicubic, with the arithmetic of Pillow,
 * which the models were trained with), centred on a grey square. pixels: [size][size][3]. */
bool engine_vit_prepare(const uint8_t *rgb, int width, int height, int size, float *pixels,
			struct err *e) MUST_CHECK;

#endif
