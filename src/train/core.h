/* Forward and backward of the transformer for one micro-batch: the arithmetic and nothing else.
 *
 * The same source (core.c) is compiled four times: scalar (f32, the C library's exp and erf: the oracle), avx512
 * (f32), avx512bf16 and amx (bf16 operands, f32 sums and everything else). Weights are packed once a step for both
 * directions and then shared; a train_work belongs to one thread. */
#ifndef MADANG_TRAIN_CORE_H
#define MADANG_TRAIN_CORE_H

#include "base/err.h"
#include "train/shape.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Samples one after another, without padding between them. A sample's last grid_tokens positions are
 * those that predict its targets. */
struct train_batch {
	int samples, tokens;
	const int *start, *length; /* of each sample */
	const int32_t *id;         /* of each token: text id or code */
	const int32_t *place;      /* of each token: -1 for text, else the place in its grid */
	const int32_t *target;     /* [samples][grid_tokens] */
	float scale;               /* of the loss: 1 / targets of the whole step */
};

struct train_packed; /* weights as the products read them */
struct train_work;   /* activations and scratch of one thread */

struct train_core {
	const char *name;
	bool (*available)(void);
	/* Matrices to pack; each may be packed by another thread. */
	int (*packed_count)(const struct train_shape *s);
	struct train_packed *(*packed_create)(const struct train_shape *s, struct err *e);
	void (*packed_destroy)(struct train_packed *p);
	void (*pack)(struct train_packed *p, const float *w, int matrix);

	/* tokens_max: of a micro-batch; length_max: of a sample. */
	struct train_work *(*work_create)(const struct train_shape *s, int tokens_max,
					  int samples_max, int length_max, struct err *e);
	void (*work_destroy)(struct train_work *work);

	/* Adds the gradients of scale * (sum of cross entropies) to g and each sample's mean cross entropy to
	 * loss[sample]. w: the f32 weights. g NULL: forward only. */
	void (*run)(struct train_work *work, const struct train_packed *p, const float *w,
		    const struct train_batch *b, float *g, double *loss);

	/* x [rows][columns] becomes its orthogonal factor, roughly (Newton-Schulz, `steps` times). */
	void (*orthogonalise)(float *x, int rows, int columns, int steps, void *scratch);
	size_t (*orthogonalise_bytes)(int rows, int columns);
};

extern const struct train_core train_core_scalar, train_core_avx512, train_core_avx512bf16,
    train_core_amx;

/* "auto" takes the fastest that this machine has. NULL: no such kernels, or not here. */
const struct train_core *train_core_find(const char *name, struct err *e);

#endif
