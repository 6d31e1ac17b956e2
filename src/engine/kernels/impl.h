/* Between the files of kernels/: each level's table, and the functions that a higher level
 * inherits. */
#ifndef MADANG_ENGINE_KERNELS_IMPL_H
#define MADANG_ENGINE_KERNELS_IMPL_H

#include "engine/kernels/kernels.h"

#include <string.h>

extern const struct kernels kernels_scalar;
extern const struct kernels kernels_avx2, kernels_avx512, kernels_amx; /* x86 only */
extern const struct kernels kernels_avx512_near; /* the same for AMD: see avx512.c */

/* What a higher level inherits. */
void kernels_scalar_quantize(const float *x, size_t x_stride, struct kernel_int8_rows *out,
			     size_t begin, size_t end);
void kernels_scalar_gelu(float *x, size_t n);
void kernels_scalar_gelu_tanh(float *x, size_t n);
void kernels_scalar_rotate_half(float *x, const float *cosine, const float *sine, size_t half);
void kernels_scalar_cache_put(const struct kernel_cache_view *cache, size_t position,
			      const float *key, const float *value);

void kernels_avx512_product(const struct kernel_product *p, size_t tile_begin, size_t tile_end);
void kernels_avx512_quantize(const float *x, size_t x_stride, struct kernel_int8_rows *out,
			     size_t begin, size_t end);
float kernels_avx512_quantize_run(const float *x, size_t n, int8_t *q, size_t step, int32_t *sum);
float kernels_avx512_soften(float *scores, size_t count, const uint8_t *visible);
float kernels_avx512_quantize_weights(const float *weights, size_t n, uint8_t *q);
void kernels_avx512_rms_norm(const float *x, const float *weight, float eps, float *out, size_t n);
void kernels_avx512_swiglu(const float *in, size_t in_stride, float *out, size_t out_stride,
			   size_t rows, size_t n);
void kernels_avx512_gelu(float *x, size_t n);
void kernels_avx512_gelu_tanh(float *x, size_t n);
void kernels_avx512_silu(float *x, size_t n);
void kernels_avx512_rotate_half(float *x, const float *cosine, const float *sine, size_t half);
void kernels_avx512_cache_put(const struct kernel_cache_view *cache, size_t position,
			      const float *key, const float *value);
void kernels_avx512_attend(const struct kernel_cache_view *cache, size_t count,
			   const uint8_t *visible, const float *query, float scale, float *scratch,
			   float *out);

static inline float kernel_from_bf16(uint16_t v)
{
	uint32_t bits = (uint32_t)v << 16;
	float f;
	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* Without the F16C instructions, subnormals included; no infinities or NaN come here. */
static inline float kernel_from_f16(uint16_t v)
{
	uint32_t sign = (uint32_t)(v & 0x8000) << 16, rest = (uint32_t)(v & 0x7fff) << 13;
	const uint32_t scale_bits = 0x77800000; /* 2^112 */
	float f, scale;
	memcpy(&f, &rest, sizeof(f));
	memcpy(&scale, &scale_bits, sizeof(scale));
	f *= scale;
	memcpy(&rest, &f, sizeof(f));
	rest |= sign;
	memcpy(&f, &rest, sizeof(f));
	return f;
}

/* Where the line of 64 k that begins at k (a multiple of 64) lies in row `row` of x. */
static inline size_t kernel_row_place(const struct kernel_int8_rows *xq, size_t row, size_t k)
{
	if (!xq->tiled)
		return row * xq->k_padded + k;
	return row / 16 * 16 * xq->k_padded + k / 64 * 1024 + row % 16 * 64;
}

/* Where a row's scale and undo of a group lie: 32 rows beside one another, as the tiles of products want them. */
static inline size_t kernel_row_group(const struct kernel_int8_rows *xq, size_t row, size_t group)
{
	return (row / 32 * xq->groups + group) * 32 + row % 32;
}

/* Where byte (position, k) of an int8 key lies: tiles of 16 positions x 4 k, as the weights. */
static inline size_t kernel_key_place(size_t head_dim, size_t position, size_t k)
{
	size_t lines = (head_dim + 3) / 4;
	return (position / KERNEL_TILE_ROWS) * lines * 64 + (k / 4) * 64 +
	       (position % KERNEL_TILE_ROWS) * 4 + k % 4;
}

/* And byte (position, k) of an int8 value. */
static inline size_t kernel_value_place(size_t head_dim, size_t position, size_t k)
{
	return (position / 4 * head_dim + k) * 4 + position % 4;
}

#endif
