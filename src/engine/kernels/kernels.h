/* Kernels: the inner loops, one table of functions for each instruction set, chosen once at run
 * time.
 *
 * `kernels_find` returns the table for a level; a level's table is filled by its own file
 * (scalar.c, avx2.c, avx512.c, amx.c), each compiled with its own flags, and inherits from the
 * level below what it does not do better. scalar.c is the oracle: tests hold every other level
 * against it on fresh random inputs. Integer kernels are exact (the same bits on every level),
 * float kernels agree to rounding.
 *
 * A kernel never allocates, never fails, knows nothing of threads: the caller gives each thread its
 * own piece. No kernel's result for one row of x depends on the other rows (same seed, same
 * picture). */
#ifndef MADANG_ENGINE_KERNELS_KERNELS_H
#define MADANG_ENGINE_KERNELS_KERNELS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kernel_level { KERNEL_SCALAR = 0, KERNEL_AVX2, KERNEL_AVX512, KERNEL_AMX, KERNEL_LEVEL_COUNT };

/* Weights are packed in tiles of 16 output rows, one after the other; within a tile k runs
 * outermost: F32   k:    16 floats BF16  k:    16 bf16 INT8  k/4:  16 rows x 4 k bytes, each q +
 * 128 (u8, so that VNNI's unsigned operand is the weight and AMX can read the same bytes as its B
 * tile); k padded to a multiple of 64 with q = 0 INT4  k/32: 16 rows x 32 k nibbles q + 8 (64-byte
 * lines as INT8; low nibbles k 0-15, high ones k 16-31), then 16 scales f16; k padded to 64 with q
 * = 0 */
#define KERNEL_TILE_ROWS 16
#define KERNEL_K_PAD     64

enum kernel_weights { KERNEL_F32 = 0, KERNEL_BF16, KERNEL_INT8, KERNEL_INT4 };

/* Rows of activations quantised to int8: q in [-127, 127], row r at q + r * stride. Each run of
 * KERNEL_GROUP values has its own scale; undo[] is -128 times the sum of q over the same run (the weights are kept
 * as q + 128), sum32[] the sum over each run of 32 (to undo int4's + 8). */
#define KERNEL_GROUP 256

/* Positions whose weights share a scale when an INT8 cache's values are mixed. */
#define KERNEL_MIX 64

struct kernel_int8_rows {
	int8_t *q;
	float *scale;    /* [row / 32][groups][32] (kernel_row_group) */
	int32_t *undo;   /* likewise */
	int32_t *sum32;  /* [row][k_padded / 32] */
	bool blocks;     /* sum32 is wanted: the weights are INT4 */
	bool tiled;      /* q lies in tiles of 16 rows x 64 k (kernel_row_place): AMX's A tiles */
	size_t k;        /* values a row */
	size_t k_padded; /* multiple of KERNEL_K_PAD; = stride of q */
	size_t groups;   /* of KERNEL_GROUP, the last may be shorter */
};

/* One product: y[r][o] = (add ? y[r][o] : 0) + sum_k x[r][k] * w[o][k] + bias[o], for the tiles
 * [tile_begin, tile_end) and all rows r < rows. */
struct kernel_product {
	enum kernel_weights weights;
	const void *tiles;
	size_t tile_bytes;
	const float *scale; /* INT8: one for each output row, padded to whole tiles */
	const float *bias;  /* padded to whole tiles, or NULL */
	size_t k;
	size_t outputs; /* the last tile may be partial: nothing is written past it */

	const float *x; /* F32, BF16: rows of k floats, x_stride apart */
	size_t x_stride;
	const struct kernel_int8_rows *xq; /* INT8, INT4 */
	size_t rows;

	float *y;
	size_t y_stride;
	bool add;
};

/* One key/value head of one stream. F32: key [position][d], value [position][d]. INT8: keys in tiles
 * of 16 positions as INT8 weights (k = d), values as [position / 4][d][position % 4]; each position has
 * one scale for its key and one for its value. */
struct kernel_cache_view {
	void *key, *value;
	float *key_scale, *value_scale; /* NULL: F32 */
	size_t head_dim;
	size_t capacity; /* positions, a multiple of 16 */
};

/* Attention of rows at neighbouring positions of one stream with one INT8 head of at most 256 numbers, whole 64s of
 * them: row r is at position + r and sees itself and what is before it. */
struct kernel_attention {
	const struct kernel_cache_view
	    *cache;            /* values are read up to a whole KERNEL_MIX of positions */
	size_t position, rows; /* rows: 1 to KERNEL_ATTEND_ROWS */
	const float *query;    /* rows of head_dim, query_stride floats apart */
	size_t query_stride;
	float scale;
	float *scratch; /* KERNEL_ATTEND_ROWS * (position + rows + KERNEL_ATTEND_SLACK) floats */
	float *out;
	size_t out_stride;
};

#define KERNEL_ATTEND_ROWS  16
#define KERNEL_ATTEND_SLACK 80

struct kernels {
	enum kernel_level level;
	const char *name;

	void (*product)(const struct kernel_product *p, size_t tile_begin, size_t tile_end);

	/* From so many rows on, product wants INT8's and INT4's x tiled (below that, never). 0: never. */
	size_t tiled_rows;
	size_t tiled_rows_int8; /* from fewer on, for INT8 alone; 0: not */

	/* int8 operations (two for each multiplication) done on what lies in registers, in `rounds` rounds:
	 * the most that a core can do, for measuring. NULL: not measured. */
	double (*busy)(size_t rounds);

	/* Quantises rows [begin, end) of x. */
	void (*quantize)(const float *x, size_t x_stride, struct kernel_int8_rows *out,
			 size_t begin, size_t end);

	/* out[i] = x[i] * rsqrt(mean(x^2) + eps) * weight[i] */
	void (*rms_norm)(const float *x, const float *weight, float eps, float *out, size_t n);

	/* out[r][i] = silu(gate) * up, i < n. A row of `in`: 16 gates, then the 16 ups that they meet, and so on, whole
	 * sixteens of both. */
	void (*swiglu)(const float *in, size_t in_stride, float *out, size_t out_stride,
		       size_t rows, size_t n);
	void (*gelu)(float *x, size_t n);      /* erf form */
	void (*gelu_tanh)(float *x, size_t n); /* tanh form */
	void (*silu)(float *x, size_t n);

	/* Turns the pairs (x[i], x[i + half]) by angles whose cosines and sines are given. */
	void (*rotate_half)(float *x, const float *cosine, const float *sine, size_t half);

	/* Puts one position's key and value (head_dim floats each) into the cache. */
	void (*cache_put)(const struct kernel_cache_view *cache, size_t position, const float *key,
			  const float *value);

	/* out[d] = softmax over the positions p < count of (query . key_p * scale + mask_p) applied to
	 * the values. `visible` NULL shows all, else visible[p] == 0 hides p. scratch holds count + 64
	 * floats. With an INT8 cache the query is quantised, and so are the weights (times their
	 * values' scales): KERNEL_MIX positions at a time, to 0..127. */
	void (*attend)(const struct kernel_cache_view *cache, size_t count, const uint8_t *visible,
		       const float *query, float scale, float *scratch, float *out);

	/* The same for several rows at once, to the bit. NULL: no faster than one by one. */
	void (*attend_rows)(const struct kernel_attention *attention);
};

/* The best level that this machine has (AMX only where the kernel grants its state). */
enum kernel_level kernels_best(void);

/* NULL and *e where the machine lacks the level. */
const struct kernels *kernels_find(enum kernel_level level, struct err *e) MUST_CHECK;

size_t kernel_tile_bytes(enum kernel_weights weights, size_t k);
size_t kernel_k_padded(size_t k);
size_t kernel_groups(size_t k);

#endif
