/* The plain C kernels: the oracle that every other level is held against, and the fallback of
 * machines without vector units. Written to be read, not to be fast. Pure functions; any thread. */
#include "engine/kernels/impl.h"

#include <math.h>

static float dot_int8(const struct kernel_product *p, const uint8_t *tile, size_t line_row,
		      size_t r)
{
	const struct kernel_int8_rows *xq = p->xq;
	const int8_t *x = xq->q + r * xq->k_padded;
	float acc = 0;
	for (size_t g = 0; g < xq->groups; g++) {
		size_t begin = g * KERNEL_GROUP, end = begin + KERNEL_GROUP;
		if (end > xq->k_padded)
			end = xq->k_padded;
		int32_t sum = xq->undo[kernel_row_group(xq, r, g)];
		for (size_t k = begin; k < end; k++)
			sum += (int32_t)tile[k / 4 * 64 + line_row * 4 + k % 4] * x[k];
		acc += (float)sum * xq->scale[kernel_row_group(xq, r, g)];
	}
	return acc;
}

/* The blocks' sums times their scales, fused, group by group; then the group's scale. */
static float dot_int4(const struct kernel_product *p, const uint8_t *tile, size_t line_row,
		      size_t r)
{
	const struct kernel_int8_rows *xq = p->xq;
	const int8_t *x = xq->q + r * xq->k_padded;
	size_t blocks = xq->k_padded / 32, each = KERNEL_GROUP / 32;
	float acc = 0, group = 0;
	for (size_t b = 0; b < blocks; b++, tile += 288) {
		int32_t sum = -8 * xq->sum32[r * blocks + b];
		for (size_t k = 0; k < 16; k++) {
			uint8_t pair = tile[k / 4 * 64 + line_row * 4 + k % 4];
			sum += (int32_t)(pair & 15) * x[b * 32 + k];
			sum += (int32_t)(pair >> 4) * x[b * 32 + 16 + k];
		}
		uint16_t half;
		memcpy(&half, tile + 256 + line_row * 2, sizeof(half));
		group = fmaf((float)sum, kernel_from_f16(half), group);
		if (b % each == each - 1 || b + 1 == blocks) {
			acc += group * xq->scale[kernel_row_group(xq, r, b / each)];
			group = 0;
		}
	}
	return acc;
}

static float dot_f32(const struct kernel_product *p, const float *tile, size_t line_row, size_t r)
{
	const float *x = p->x + r * p->x_stride;
	float acc = 0;
	for (size_t k = 0; k < p->k; k++)
		acc += tile[k * KERNEL_TILE_ROWS + line_row] * x[k];
	return acc;
}

static float dot_bf16(const struct kernel_product *p, const uint16_t *tile, size_t line_row,
		      size_t r)
{
	const float *x = p->x + r * p->x_stride;
	float acc = 0;
	for (size_t k = 0; k < p->k; k++)
		acc += kernel_from_bf16(tile[k * KERNEL_TILE_ROWS + line_row]) * x[k];
	return acc;
}

static void scalar_product(const struct kernel_product *p, size_t tile_begin, size_t tile_end)
{
	for (size_t output = tile_begin * KERNEL_TILE_ROWS;
	     output < tile_end * KERNEL_TILE_ROWS && output < p->outputs; output++) {
		const void *tile =
		    (const uint8_t *)p->tiles + output / KERNEL_TILE_ROWS * p->tile_bytes;
		size_t line_row = output % KERNEL_TILE_ROWS;
		for (size_t r = 0; r < p->rows; r++) {
			float value = 0;
			switch (p->weights) {
			case KERNEL_F32:
				value = dot_f32(p, tile, line_row, r);
				break;
			case KERNEL_BF16:
				value = dot_bf16(p, tile, line_row, r);
				break;
			case KERNEL_INT8:
				value = dot_int8(p, tile, line_row, r) * p->scale[output];
				break;
			case KERNEL_INT4:
				value = dot_int4(p, tile, line_row, r);
				break;
			}
			if (p->bias)
				value += p->bias[output];
			float *y = p->y + r * p->y_stride + output;
			*y = p->add ? *y + value : value;
		}
	}
}

/* One group; returns its scale. */
static float quantize_run(const float *x, size_t n, int8_t *q)
{
	float most = 0;
	for (size_t i = 0; i < n; i++)
		most = fmaxf(most, fabsf(x[i]));
	if (!(most > 1e-30f)) {
		memset(q, 0, n);
		return 0;
	}
	float inverse = 127.0f / most;
	for (size_t i = 0; i < n; i++)
		q[i] = (int8_t)lrintf(x[i] * inverse);
	return most / 127.0f;
}

void kernels_scalar_quantize(const float *x, size_t x_stride, struct kernel_int8_rows *out,
			     size_t begin, size_t end)
{
	for (size_t r = begin; r < end; r++) {
		int8_t *q = out->q + r * out->k_padded;
		memset(q + out->k, 0, out->k_padded - out->k);
		for (size_t g = 0; g < out->groups; g++) {
			size_t first = g * KERNEL_GROUP, n = out->k - first;
			if (n > KERNEL_GROUP)
				n = KERNEL_GROUP;
			out->scale[kernel_row_group(out, r, g)] =
			    quantize_run(x + r * x_stride + first, n, q + first);
			int32_t sum = 0;
			for (size_t i = 0; i < n; i++)
				sum += q[first + i];
			out->undo[kernel_row_group(out, r, g)] = -128 * sum;
		}
		for (size_t b = 0; out->blocks && b < out->k_padded / 32; b++) {
			int32_t sum = 0;
			for (size_t i = 0; i < 32; i++)
				sum += q[b * 32 + i];
			out->sum32[r * (out->k_padded / 32) + b] = sum;
		}
	}
}

static void scalar_rms_norm(const float *x, const float *weight, float eps, float *out, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)x[i];
	float factor = 1.0f / sqrtf((float)(sum / (double)n) + eps);
	for (size_t i = 0; i < n; i++)
		out[i] = x[i] * factor * weight[i];
}

static void scalar_silu(float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = x[i] / (1.0f + expf(-x[i]));
}

static void scalar_swiglu(const float *in, size_t in_stride, float *out, size_t out_stride,
			  size_t rows, size_t n)
{
	for (; rows; rows--, in += in_stride, out += out_stride)
		for (size_t i = 0; i < n; i++) {
			const float *gate = in + i / 16 * 32 + i % 16;
			out[i] = gate[0] / (1.0f + expf(-gate[0])) * gate[16];
		}
}

void kernels_scalar_gelu(float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = 0.5f * x[i] * (1.0f + erff(x[i] * 0.70710678118654752f));
}

void kernels_scalar_gelu_tanh(float *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float inner = 0.79788456080286536f * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
		x[i] = 0.5f * x[i] * (1.0f + tanhf(inner));
	}
}

void kernels_scalar_rotate_half(float *x, const float *cosine, const float *sine, size_t half)
{
	for (size_t i = 0; i < half; i++) {
		float a = x[i], b = x[i + half];
		x[i] = a * cosine[i] - b * sine[i];
		x[i + half] = b * cosine[i] + a * sine[i];
	}
}

void kernels_scalar_cache_put(const struct kernel_cache_view *cache, size_t position,
			      const float *key, const float *value)
{
	size_t d = cache->head_dim;
	int8_t q[256]; /* the most that a head may be wide */

	if (!cache->key_scale) {
		memcpy((float *)cache->key + position * d, key, d * sizeof(float));
		memcpy((float *)cache->value + position * d, value, d * sizeof(float));
		return;
	}
	cache->key_scale[position] = quantize_run(key, d, q);
	for (size_t k = 0; k < d; k++)
		((uint8_t *)cache->key)[kernel_key_place(d, position, k)] = (uint8_t)(q[k] + 128);
	cache->value_scale[position] = quantize_run(value, d, q);
	for (size_t k = 0; k < d; k++)
		((int8_t *)cache->value)[kernel_value_place(d, position, k)] = q[k];
}

/* scores[p] for all p < count; returns the largest that is visible. */
static float scores_int8(const struct kernel_cache_view *cache, size_t count, const float *query,
			 float scale, const uint8_t *visible, float *scores)
{
	size_t d = cache->head_dim;
	int8_t q[256];
	float query_scale = quantize_run(query, d, q) * scale, most = -INFINITY;
	for (size_t p = 0; p < count; p++) {
		int32_t sum = 0;
		for (size_t k = 0; k < d; k++)
			sum += (((uint8_t *)cache->key)[kernel_key_place(d, p, k)] - 128) * q[k];
		scores[p] = (float)sum * (cache->key_scale[p] * query_scale);
		if (!visible || visible[p])
			most = fmaxf(most, scores[p]);
	}
	return most;
}

static float scores_f32(const struct kernel_cache_view *cache, size_t count, const float *query,
			float scale, const uint8_t *visible, float *scores)
{
	size_t d = cache->head_dim;
	float most = -INFINITY;
	for (size_t p = 0; p < count; p++) {
		const float *key = (const float *)cache->key + p * d;
		float sum = 0;
		for (size_t k = 0; k < d; k++)
			sum += query[k] * key[k];
		scores[p] = sum * scale;
		if (!visible || visible[p])
			most = fmaxf(most, scores[p]);
	}
	return most;
}

static void mix_f32(const struct kernel_cache_view *cache, size_t count, const float *weights,
		    float *out)
{
	size_t d = cache->head_dim;
	for (size_t p = 0; p < count; p++)
		for (size_t k = 0; k < d; k++)
			out[k] += weights[p] * ((const float *)cache->value)[p * d + k];
}

static void mix_int8(const struct kernel_cache_view *cache, size_t count, float *weights,
		     float *out)
{
	size_t d = cache->head_dim;
	for (size_t p = 0; p < count; p++)
		weights[p] *= cache->value_scale[p];
	for (size_t begin = 0; begin < count; begin += KERNEL_MIX) {
		size_t end = begin + KERNEL_MIX < count ? begin + KERNEL_MIX : count;
		float most = 0;
		for (size_t p = begin; p < end; p++)
			most = fmaxf(most, weights[p]);
		float inverse = most > 0 ? 127.0f / most : 0;
		for (size_t k = 0; k < d; k++) {
			int32_t sum = 0;
			for (size_t p = begin; p < end; p++)
				sum += (int32_t)lrintf(weights[p] * inverse) *
				       ((const int8_t *)cache->value)[kernel_value_place(d, p, k)];
			out[k] += (float)sum * (most / 127.0f);
		}
	}
}

static void scalar_attend(const struct kernel_cache_view *cache, size_t count,
			  const uint8_t *visible, const float *query, float scale, float *scratch,
			  float *out)
{
	size_t d = cache->head_dim;
	bool int8 = cache->key_scale != NULL;
	float most = int8 ? scores_int8(cache, count, query, scale, visible, scratch)
			  : scores_f32(cache, count, query, scale, visible, scratch);
	float total = 0;

	memset(out, 0, d * sizeof(float));
	for (size_t p = 0; p < count; p++) {
		scratch[p] = visible && !visible[p] ? 0 : expf(scratch[p] - most);
		total += scratch[p];
	}
	if (int8)
		mix_int8(cache, count, scratch, out);
	else
		mix_f32(cache, count, scratch, out);
	for (size_t k = 0; k < d; k++)
		out[k] /= total;
}

const struct kernels kernels_scalar = {
    .level = KERNEL_SCALAR,
    .name = "scalar",
    .product = scalar_product,
    .quantize = kernels_scalar_quantize,
    .rms_norm = scalar_rms_norm,
    .swiglu = scalar_swiglu,
    .gelu = kernels_scalar_gelu,
    .gelu_tanh = kernels_scalar_gelu_tanh,
    .silu = scalar_silu,
    .rotate_half = kernels_scalar_rotate_half,
    .cache_put = kernels_scalar_cache_put,
    .attend = scalar_attend,
};
