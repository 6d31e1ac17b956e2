/* Between the files of kernels/: each level's table, and the functions that a higher level
 * inherits. */
#ifndef MADANG_ENGINE_KERNELS_IMPL_H
#define MADANG_ENGINE_KERNELS_IMPL_H

#include "engine/kernels/kernels.h"

#include <string.h>

extern const struct kernels kernels_scalar;
extern const struct kernels kernels_avx2, kernels_avx512, kernels_amx; /* x86 only */

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

/* Where byte (position, k) of an int8 key lies: tiles of 16 positions x 4 k, as the weights. */
static inline size_t kernel_key_place(size_t head_dim, size_t position, size_t k)
{
	size_t lines = (head_dim + 3) / 4;
	return (position / KERNEL_TILE_ROWS) * lines * 64 + (k / 4) * 64 +
	       (position % KERNEL_TILE_ROWS) * 4 + k % 4;
}

#endif
