/* A card: memory of its own, and the few things that can be asked of it. Two there are: the real one (card.cu,
 * where nvcc is) and the emulated one (emulated.c), which runs the very same kernels on the processor, for
 * tests. Everything above (model.c) is plain C and cannot tell them apart.
 *
 * All work is queued and done in order; get and wait do wait for it. What fails is remembered in the card
 * (`failed`) and everything after it does nothing, so that a pass need not look at each of its hundred steps.
 * A card belongs to one thread at a time. */
#ifndef MADANG_ENGINE_CUDA_CARD_H
#define MADANG_ENGINE_CUDA_CARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#include "base/err.h"

#define CARD_THREADS 256 /* of every block */
#define CARD_WARPS   8

/* How a matrix lies. Tiles are 16 outputs high, as the tensor cores take them.
 * F32: as the CPU's tiles, [tile][k][16]. BF16: units of 16 k, INT8: of 128 k (a scale of x each, and four
 * operands); an operand is 32 lanes of 16 bytes, [tile][unit][operand][lane][16]. */
enum card_format { CARD_F32, CARD_BF16, CARD_INT8, CARD_FORMATS };

enum card_finish { CARD_STORE, CARD_ADD, CARD_GELU, CARD_SWIGLU };

/* y[r] = finish(W x[pick[r]] + bias), where x was normed first if `norm` is there. SWIGLU: tiles of gate and up
 * take turns, `outputs` are those of one of them. */
struct card_product {
	const void *weights;
	const float *scale; /* INT8: of each output */
	const float *bias;  /* or NULL */
	const float *x;
	const int32_t *pick; /* NULL: row r itself */
	const float *norm;   /* or NULL */
	float *y;
	int32_t k, units, outputs, rows;
	int32_t x_stride, y_stride;
	int32_t finish;
	float eps;
};

struct card_row {
	uint8_t *cache;
	int32_t position, capacity;
};

/* A picture token to embed: which, where it stands in its picture, in which row of x. */
struct card_image {
	int32_t id, place, row, unused;
};

/* Queries and keys are turned, keys and values of row r remembered (put), and every query attends. A head of a
 * layer lies in a cache as keys [d / e][capacity][e] and values [capacity][d], e elements being 16 bytes. */
struct card_attend {
	const struct card_row *rows;
	float *qkv;
	float *out;
	const float *norm_q, *norm_k; /* or NULL */
	const float *cosine, *sine;
	int32_t layer, heads, kv_heads, head_dim;
	int32_t interleaved; /* which pairs are turned */
	int32_t wide;        /* the cache is f32, else bf16 */
	int32_t put;         /* every row is a stream's only one: `remember` has not been */
	float scale, eps;
};

/* to[i] = table[image[i].id] */
struct card_gather {
	const struct card_image *images;
	const float *table;
	float *to;
	int32_t width;
};

/* to[image[i].row] = from[i] + positions[image[i].place] */
struct card_scatter {
	const struct card_image *images;
	const float *from, *positions;
	float *to;
	int32_t width;
};

/* The first positions of one cache to another. */
struct card_carry {
	uint8_t *to;
	const uint8_t *from;
	int32_t to_capacity, from_capacity, positions, head_dim, wide;
};

/* Reads everything, for measuring. */
struct card_sweep {
	const void *from;
	uint64_t quads; /* of 16 bytes */
	uint32_t *sums; /* one for each block */
};

/* Products of up to 8, 16 and 32 rows; F32 has one of 8. Those with SWIGLU have tables of their own. */
enum card_kernel {
	CARD_PRODUCT_F32,
	CARD_PRODUCT_BF16_8,
	CARD_PRODUCT_BF16_16,
	CARD_PRODUCT_BF16_32,
	CARD_PRODUCT_INT8_8,
	CARD_PRODUCT_INT8_16,
	CARD_PRODUCT_INT8_32,
	CARD_GATED_F32,
	CARD_GATED_BF16_8,
	CARD_GATED_BF16_16,
	CARD_GATED_BF16_32,
	CARD_GATED_INT8_8,
	CARD_GATED_INT8_16,
	CARD_GATED_INT8_32,
	CARD_REMEMBER,
	CARD_ATTEND,
	CARD_GATHER,
	CARD_SCATTER,
	CARD_CARRY,
	CARD_SWEEP,
	CARD_KERNELS
};

#define CARD_ARGUMENT_BYTES_MAX 128

struct card {
	const struct card_ops *ops;
	char name[64];
	size_t memory_bytes; /* all that it has */
	bool failed;
	struct err error; /* the first */
};

struct card_ops {
	void (*destroy)(struct card *card);
	void *(*alloc)(struct card *card, size_t bytes); /* zeroed; NULL: no memory */
	void (*release)(struct card *card, void *memory);
	void (*put)(struct card *card, void *to, const void *from, size_t bytes); /* from may go */
	void (*get)(struct card *card, void *to, const void *from, size_t bytes);
	void (*wait)(struct card *card);
	/* Blocks of CARD_THREADS in a grid of width x height; the arguments are copied. */
	void (*launch)(struct card *card, enum card_kernel kernel, int width, int height,
		       const void *arguments, size_t bytes);
	/* What is launched between these two is not done, but becomes one thing that can be done again. */
	void (*record_begin)(struct card *card);
	void *(*record_end)(struct card *card);
	void (*play)(struct card *card, void *recording);
	void (*forget)(struct card *card, void *recording); /* NULL-safe */
};

/* The machine's card. NULL and *e where there is none, or where this program was built without CUDA. */
struct card *engine_card_open(struct err *e) MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
