/* The picture tokenizer: tokens to pixels and pixels to tokens.
 *
 * An `engine_vq` is a convolutional decoder and (where the model has one) encoder with packed weights;
 * it never changes once it is made. Whoever uses it brings an `engine_vq_work`: the threads and the
 * memory of one computation. Memory of a work grows with the largest picture it has seen: two to three
 * times pixels x channels of the widest layer in f32 (about 45 MB for 256x256 of the built-in model,
 * 190 MB for 384x384 of VQ-16), and 1 MiB a thread; it is kept until the work is destroyed.
 *
 * Where the model's norms are local (RMS) and it has no attention, a strip of a picture can be decoded
 * by itself, exactly; otherwise every pixel depends on every token, and a prefix is decoded as if it
 * were the picture. */
#ifndef MADANG_ENGINE_VQ_H
#define MADANG_ENGINE_VQ_H

#include "base/err.h"
#include "engine/conv.h"
#include "engine/names.h"
#include "engine/shape.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine_vq;
struct engine_vq_work;

struct engine_vq_options {
	const struct conv_kernels *kernels; /* engine_conv_kernels() */
	bool decoder, encoder;              /* which halves to load */
};

struct engine_vq *engine_vq_create(const struct engine_weights *weights,
				   const struct engine_vq_shape *shape,
				   const struct engine_vq_options *options,
				   struct err *e) MUST_CHECK;
void engine_vq_destroy(struct engine_vq *vq); /* NULL-safe */

int engine_vq_scale(const struct engine_vq *vq);    /* pixels a token, each way */
size_t engine_vq_bytes(const struct engine_vq *vq); /* of packed weights */

/* Rows of tokens above and below a row that its pixels depend on; -1 where on all of them. */
int engine_vq_halo(const struct engine_vq *vq);

/* pool may be NULL: one thread. Whoever shares the pool holds engine_pool_lock while it computes. */
struct engine_vq_work *engine_vq_work_create(struct engine_pool *pool, struct err *e) MUST_CHECK;
void engine_vq_work_destroy(struct engine_vq_work *work); /* NULL-safe */
size_t engine_vq_work_bytes(const struct engine_vq_work *work);

/* The pixels of token rows [first, last) of a picture of `rows` known rows of `width` tokens.
 *
 * halo: how many rows of tokens around them are looked at, where the model is local. Negative: all
 * that matter, so that the strip equals that of the whole picture's decoding. A small number (2) is what a
 * growing preview wants: nearly the same pixels for a fraction of the work. */
struct engine_vq_decode {
	const int32_t *ids; /* [rows][width] */
	int width, rows;
	int first, last;
	int halo;
};

/* Either of the outputs may be NULL. Both begin at the strip's first row of pixels:
 * [(last - first) * scale][width * scale][3]; floats are what the net says, nominally -1..1. */
bool engine_vq_decode(const struct engine_vq *vq, const struct engine_vq_decode *what,
		      struct engine_vq_work *work, float *pixels, uint8_t *rgb,
		      struct err *e) MUST_CHECK;

/* Pixels [height][width][3] to ids [height / scale][width / scale]; both sides are multiples of the
 * scale. Either rgb or pixels (-1..1). latents (may be NULL): the numbers that were quantised,
 * [ids][code_dim]. */
struct engine_vq_encode {
	const uint8_t *rgb;
	const float *pixels;
	int width, height;
};

bool engine_vq_encode(const struct engine_vq *vq, const struct engine_vq_encode *what,
		      struct engine_vq_work *work, int32_t *ids, float *latents,
		      struct err *e) MUST_CHECK;

#endif
