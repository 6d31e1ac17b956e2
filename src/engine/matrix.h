/* A weight matrix, packed for the kernels, and the product of rows of activations with it.
 *
 * A matrix is made once, at load: from float rows (kept, rounded to bf16, or quantised) or from the
 * int8 rows and scales of the file. It owns its packed copy; the file's bytes may go away. Every
 * Linear of every network of the engine is one of these. */
#ifndef MADANG_ENGINE_MATRIX_H
#define MADANG_ENGINE_MATRIX_H

#include "base/err.h"
#include "engine/kernels/kernels.h"
#include "engine/pool.h"
#include "engine/slab.h"

/* The rounding of weights, for files that keep it: k numbers to k int8 and their scale; and to 4-bit blocks
 * (16 bytes and an f16 scale for each 32, the last filled up with 0). */
float engine_quantize_int8(const float *row, size_t k, int8_t *q);
void engine_quantize_int4(const float *row, size_t k, uint8_t *q, uint16_t *scales);

struct engine_matrix {
	enum kernel_weights weights;
	size_t outputs, k;
	size_t tiles;
	size_t tile_bytes;
	size_t bytes;                    /* everything this matrix holds */
	void *data;                      /* 64-byte aligned tiles */
	struct engine_slab_chunk *chunk; /* that the tiles lie in; NULL: in memory of their own */
	float *scale;                    /* INT8, [tiles * 16] */
	float *bias;                     /* [tiles * 16] or NULL */
};

/* What a matrix is to be. */
struct engine_matrix_options {
	enum kernel_weights weights;
	size_t outputs, k;
	bool bias;
	struct engine_slab *slab; /* that the tiles are taken from; NULL: memory of their own */
};

/* Zeroed memory for the tiles; the rows follow with engine_matrix_set_*, in any order and any
 * number of calls (fused matrices are put together from several tensors). */
bool engine_matrix_init(struct engine_matrix *m, const struct engine_matrix_options *options,
			struct err *e) MUST_CHECK;
void engine_matrix_finish(struct engine_matrix *m); /* zeroed memory is fine */
/* Gives the tiles alone back: they lie elsewhere now. */
void engine_matrix_drop_tiles(struct engine_matrix *m);

/* Output row `output` from k floats. */
void engine_matrix_set_row(struct engine_matrix *m, size_t output, const float *row);
/* The same from k int8 values and their scale, exact; the matrix is INT8. */
void engine_matrix_set_row_int8(struct engine_matrix *m, size_t output, const int8_t *row,
				float scale);
/* And from 4-bit blocks as safetensors.h has them, exact; the matrix is INT4. scales: f16, unaligned. */
void engine_matrix_set_row_int4(struct engine_matrix *m, size_t output, const uint8_t *row,
				const void *scales);
/* The first 16 rows again and again: for measuring. */
void engine_matrix_repeat(struct engine_matrix *m);
void engine_matrix_set_bias(struct engine_matrix *m, size_t output, float value);

/* Scratch of the products of one caller: quantised activations for up to `rows` rows of up to `k`.
 */
struct engine_matrix_scratch {
	struct kernel_int8_rows xq;
	size_t rows_max, k_max;
};
bool engine_matrix_scratch_init(struct engine_matrix_scratch *s, size_t rows_max, size_t k_max,
				struct err *e) MUST_CHECK;
void engine_matrix_scratch_finish(struct engine_matrix_scratch *s);

/* y[r] = (add ? y[r] : 0) + W x[r] + bias for r < rows, on all threads of the pool. y may not be x.
 */
struct engine_matrix_product {
	const float *x;
	size_t x_stride;
	float *y;
	size_t y_stride;
	size_t rows;
	bool add;
	/* Makes rows [begin, end) of x, right before they are read; NULL: they are there. */
	engine_pool_fn fill;
	void *context;
};
void engine_matrix_multiply(const struct engine_matrix *m, const struct kernels *kernels,
			    struct engine_pool *pool, struct engine_matrix_scratch *scratch,
			    const struct engine_matrix_product *p);

/* For products with something more in the same pass: the first half of engine_matrix_multiply
 * (quantises x into scratch where the weights want it, fills *out), for the caller's own pool_for
 * over tiles with kernels->product; and a good grain for units of unit_bytes of weights each. */
void engine_matrix_prepare(const struct engine_matrix *m, const struct kernels *kernels,
			   struct engine_pool *pool, struct engine_matrix_scratch *scratch,
			   const struct engine_matrix_product *p, struct kernel_product *out);
size_t engine_matrix_grain(size_t units, size_t unit_bytes, const struct engine_pool *pool);

#endif
