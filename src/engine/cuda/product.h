/* Products of a few rows with a large matrix: what decoding is made of.
 *
 * A block makes 16 outputs (GATED: 16 of gate and the same of up) of all its rows; its eight warps take turns at
 * the units of k, so that each output's sum has the same order however many rows there are, and a row's result is
 * its own. Weights lie as the tensor cores want them and go from memory to registers, 16 bytes a lane, eight such
 * loads in flight; x is rounded (BF16) or quantised (INT8, 128 k to a scale) on its way. The norm's factor comes
 * last, since it is the same for all k. At the end the warps' sums are added up in their order. */
#ifndef MADANG_ENGINE_CUDA_PRODUCT_H
#define MADANG_ENGINE_CUDA_PRODUCT_H

#include "engine/cuda/shim.h"

#define CARD_INT8_GROUP 128
#define QUADS_IN_FLIGHT 8

CARD_INLINE float gelu_of(float v)
{
	return 0.5f * v * (1.0f + erff(v * 0.70710678118654752f));
}

CARD_INLINE float silu_of(float v)
{
	return v / (1.0f + expf(-v));
}

/* Of the sums lying in part[warp][outputs][rows]. */
CARD_INLINE float total_of(const float *part, int outputs, int rows, int output, int row)
{
	float sum = 0;
	for (int w = 0; w < CARD_WARPS; w++)
		sum += part[(w * outputs + output) * rows + row];
	return sum;
}

/* squares[warp][rows]: of what the norm is over. */
CARD_INLINE float factor_of(const struct card_product *a, const float *squares, int rows, int row)
{
	float sum = 0;
	if (!a->norm)
		return 1.0f;
	for (int w = 0; w < CARD_WARPS; w++)
		sum += squares[w * rows + row];
	return 1.0f / sqrtf(sum / (float)a->k + a->eps);
}

CARD_INLINE void finish_output(const struct card_product *a, float value, int output, int row)
{
	float *y = a->y + (size_t)row * (size_t)a->y_stride + output;
	if (output >= a->outputs || row >= a->rows)
		return;
	if (a->scale)
		value *= a->scale[output];
	if (a->bias)
		value += a->bias[output];
	if (a->finish == CARD_ADD)
		value += *y;
	else if (a->finish == CARD_GELU)
		value = gelu_of(value);
	*y = value;
}

/* What one thread finishes; tiles 2: gate and up. */
CARD_INLINE void finish_product(const struct card_product *a, const float *part,
				const float *squares, int tiles, int rows, int tile, int first_row,
				int thread)
{
	for (int i = thread; i < 16 * rows; i += CARD_THREADS) {
		const int output = tile * 16 + i % 16, row = i / 16;
		const float factor = factor_of(a, squares, rows, row);
		float value = total_of(part, tiles * 16, rows, i % 16, row) * factor;
		if (tiles == 1) {
			finish_output(a, value, output, first_row + row);
			continue;
		}
		float up = total_of(part, tiles * 16, rows, 16 + i % 16, row) * factor;
		if (output >= a->outputs || first_row + row >= a->rows)
			continue;
		if (a->scale) {
			value *= a->scale[tile * 32 + i % 16];
			up *= a->scale[tile * 32 + 16 + i % 16];
		}
		a->y[(size_t)(first_row + row) * (size_t)a->y_stride + output] =
		    silu_of(value) * up;
	}
}

/* Row r of x, or NULL past the last. */
CARD_INLINE const float *x_row(const struct card_product *a, int row)
{
	if (row >= a->rows)
		return NULL;
	return a->x + (size_t)(a->pick ? a->pick[row] : row) * (size_t)a->x_stride;
}

/* Of the rows that a lane takes x of. */
CARD_INLINE void begin_product(const struct card_product *a, int first_row, int row_tiles,
			       int tiles, int lane, float *acc, float *square, const float **from)
{
	UNROLL
	for (int i = 0; i < tiles * row_tiles * 4; i++)
		acc[i] = 0;
	UNROLL
	for (int n = 0; n < row_tiles; n++) {
		square[n] = 0;
		from[n] = x_row(a, first_row + n * 8 + lane / 4);
	}
}

/* What one lane loads of its warp's next `depth` units of `tiles` tiles, in `quads` operands each. Units past the
 * last are left as they are. */
CARD_INLINE void load_weights(const struct card_product *a, int first_tile, int tiles, int first,
			      int depth, int quads, int lane, uint32_t *w)
{
	const uint8_t *weights = (const uint8_t *)a->weights;
	UNROLL
	for (int i = 0; i < depth * tiles * quads; i++) {
		const int unit = first + i / quads / tiles * CARD_WARPS;
		const size_t tile = (size_t)(first_tile + i / quads % tiles);
		const size_t at = (tile * (size_t)a->units + (size_t)unit) * (size_t)quads;
		if (unit < a->units)
			load_quad(weights + ((at + (size_t)(i % quads)) * 32 + (size_t)lane) * 16,
				  w + i * 4);
	}
}

/* Two neighbours of a row of x (NULL: noughts), rounded. */
CARD_INLINE uint32_t take_bf16(const struct card_product *a, const float *row, int k, float *square)
{
	float low = row ? row[k] : 0.0f, high = row ? row[k + 1] : 0.0f;
	*square += low * low + high * high;
	if (a->norm) {
		low *= a->norm[k];
		high *= a->norm[k + 1];
	}
	return bf16_pair(low, high);
}

/* A lane's 32 numbers of a unit of a row of x (NULL: noughts), and the size of the largest. */
CARD_INLINE void take_int8(const struct card_product *a, const float *row, int unit, int lane,
			   float *square, float *v, float *most)
{
	*most = 0;
	UNROLL
	for (int i = 0; i < 8; i++) {
		const int k = unit * CARD_INT8_GROUP + i * 16 + lane % 4 * 4;
		const bool there = row && k < a->k;
		float got[4] = {0, 0, 0, 0}, norm[4] = {1, 1, 1, 1};
		if (there)
			read_floats(row + k, got);
		if (there && a->norm)
			read_floats(a->norm + k, norm);
		UNROLL
		for (int j = 0; j < 4; j++) {
			*square += got[j] * got[j];
			v[i * 4 + j] = got[j] * norm[j];
			*most = fmaxf(*most, fabsf(v[i * 4 + j]));
		}
	}
}

/* The same as operands; what was the largest becomes their scale, and the sums of their products begin. */
CARD_INLINE void quantize_int8(const float *v, float *most, uint32_t *x, int32_t *sum, int tiles)
{
	const bool some = *most > 1e-30f;
	const float inverse = some ? 127.0f / *most : 0.0f;
	UNROLL
	for (int i = 0; i < 8; i++) {
		uint32_t word = 0;
		UNROLL
		for (int j = 0; j < 4; j++)
			word |= ((uint32_t)(int32_t)rintf(v[i * 4 + j] * inverse) & 255u)
				<< (8 * j);
		x[i] = word;
	}
	*most = some ? *most / 127.0f : 0.0f;
	UNROLL
	for (int i = 0; i < tiles * 4; i++)
		sum[i] = 0;
}

#define TILES   1
#define PRODUCT product_f32
#include "engine/cuda/product_f32.h"
#undef PRODUCT
#define ROW_TILES 1
#define QUADS     1
#define PRODUCT   product_bf16_8
#include "engine/cuda/product_mma.h"
#undef PRODUCT
#undef QUADS
#define QUADS   4
#define PRODUCT product_int8_8
#include "engine/cuda/product_mma.h"
#undef PRODUCT
#undef QUADS
#undef ROW_TILES
#define ROW_TILES 2
#define QUADS     1
#define PRODUCT   product_bf16_16
#include "engine/cuda/product_mma.h"
#undef PRODUCT
#undef QUADS
#define QUADS   4
#define PRODUCT product_int8_16
#include "engine/cuda/product_mma.h"
#undef PRODUCT
#undef QUADS
#undef ROW_TILES
#define ROW_TILES 4
#define QUADS     1
#define PRODUCT   product_bf16_32
#include "engine/cuda/product_mma.h"
#undef PRODUCT
#undef QUADS
#define QUADS   4
#define PRODUCT product_int8_32
#include "engine/cuda/product_mma.h"
#undef PRODUCT
#undef QUADS
#undef ROW_TILES
#undef TILES

#define TILES   2
#define PRODUCT gated_f32
#include "engine/cuda/product_f32.h"
#undef PRODUCT
#define ROW_TILES 1
#define QUADS     1
#define PRODUCT   gated_bf16_8
#include "engine/cuda/product_mma.h"
#undef PRODUCT
#undef QUADS
#define QUADS   4
#define PRODUCT gated_int8_8
#include "engine/cuda/product_mma.h"
#undef PRODUCT
#undef QUADS
#undef ROW_TILES
#define ROW_TILES 2
#define QUADS     1
#define PRODUCT   gated_bf16_16
#include "engine/cuda/product_mma.h"
#undef PRODUCT
#undef QUADS
#define QUADS   4
#define PRODUCT gated_int8_16
#include "engine/cuda/product_mma.h"
#undef PRODUCT
#undef QUADS
#undef ROW_TILES
#define ROW_TILES 4
#define QUADS     1
#define PRODUCT   gated_bf16_32
#include "engine/cuda/product_mma.h"
#undef PRODUCT
#undef QUADS
#define QUADS   4
#define PRODUCT gated_int8_32
#include "engine/cuda/product_mma.h"
#undef PRODUCT
#undef QUADS
#undef ROW_TILES
#undef TILES

#endif
