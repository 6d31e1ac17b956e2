/* AVX2 and FMA, for machines without AVX-512. A tile of 16 outputs lies in two registers. Int8 products go by
 * |w| x sign(x, w), which cannot overflow 16 bits (|w| <= 128, |x| <= 127), so they are as exact as the
 * oracle's. What is not worth a vector form here is the oracle's. Pure functions; any thread. */
#include "engine/kernels/impl.h"

#include <immintrin.h>
#include <math.h>

static inline void store_row(const struct kernel_product *p, size_t tile, size_t row, __m256 a,
			     __m256 b)
{
	size_t output = tile * KERNEL_TILE_ROWS, left = p->outputs - output;
	float *y = p->y + row * p->y_stride + output, edge[KERNEL_TILE_ROWS];

	if (p->weights == KERNEL_INT8) {
		a = _mm256_mul_ps(a, _mm256_loadu_ps(p->scale + output));
		b = _mm256_mul_ps(b, _mm256_loadu_ps(p->scale + output + 8));
	}
	if (p->bias) {
		a = _mm256_add_ps(a, _mm256_loadu_ps(p->bias + output));
		b = _mm256_add_ps(b, _mm256_loadu_ps(p->bias + output + 8));
	}
	if (left < KERNEL_TILE_ROWS) {
		_mm256_storeu_ps(edge, a);
		_mm256_storeu_ps(edge + 8, b);
		for (size_t i = 0; i < left; i++)
			y[i] = p->add ? y[i] + edge[i] : edge[i];
		return;
	}
	if (p->add) {
		a = _mm256_add_ps(_mm256_loadu_ps(y), a);
		b = _mm256_add_ps(_mm256_loadu_ps(y + 8), b);
	}
	_mm256_storeu_ps(y, a);
	_mm256_storeu_ps(y + 8, b);
}

static inline int32_t load_int32(const int8_t *p)
{
	int32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

/* sum of four products of q (already signed) and x, in 8 lanes */
static inline __m256i dot4(__m256i q, __m256i x)
{
	__m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(x, q));
	return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

#define INT8_BLOCK(ROWS)                                                                         \
	static void int8_x##ROWS(const struct kernel_product *p, size_t tile, size_t row)        \
	{                                                                                        \
		const struct kernel_int8_rows *xq = p->xq;                                       \
		const uint8_t *w = (const uint8_t *)p->tiles + tile * p->tile_bytes;             \
		const int8_t *x = xq->q + row * xq->k_padded;                                    \
		const __m256i flip = _mm256_set1_epi8(-128);                                     \
		__m256 acc[ROWS][2];                                                             \
		for (int r = 0; r < ROWS; r++)                                                   \
			acc[r][0] = acc[r][1] = _mm256_setzero_ps();                             \
		for (size_t g = 0; g < xq->groups; g++) {                                        \
			size_t end = (g + 1) * KERNEL_GROUP;                                     \
			if (end > xq->k_padded)                                                  \
				end = xq->k_padded;                                              \
			__m256i sum[ROWS][2];                                                    \
			for (int r = 0; r < ROWS; r++)                                           \
				sum[r][0] = sum[r][1] = _mm256_setzero_si256();                  \
			for (size_t k = g * KERNEL_GROUP; k < end; k += 4) {                     \
				const __m256i *at = (const __m256i *)(w + k * 16);               \
				__m256i a = _mm256_xor_si256(_mm256_loadu_si256(at), flip);      \
				__m256i b = _mm256_xor_si256(_mm256_loadu_si256(at + 1), flip);  \
				for (int r = 0; r < ROWS; r++) {                                 \
					__m256i v = _mm256_set1_epi32(                           \
					    load_int32(x + r * xq->k_padded + k));               \
					sum[r][0] = _mm256_add_epi32(sum[r][0], dot4(a, v));     \
					sum[r][1] = _mm256_add_epi32(sum[r][1], dot4(b, v));     \
				}                                                                \
			}                                                                        \
			for (int r = 0; r < ROWS; r++) {                                         \
				__m256 s =                                                       \
				    _mm256_set1_ps(xq->scale[kernel_row_group(xq, row + r, g)]); \
				for (int h = 0; h < 2; h++)                                      \
					acc[r][h] = _mm256_add_ps(                               \
					    acc[r][h],                                           \
					    _mm256_mul_ps(_mm256_cvtepi32_ps(sum[r][h]), s));    \
			}                                                                        \
		}                                                                                \
		for (int r = 0; r < ROWS; r++)                                                   \
			store_row(p, tile, row + r, acc[r][0], acc[r][1]);                       \
	}

#define INT4_BLOCK(ROWS)                                                                          \
	static void int4_x##ROWS(const struct kernel_product *p, size_t tile, size_t row)         \
	{                                                                                         \
		const struct kernel_int8_rows *xq = p->xq;                                        \
		const uint8_t *w = (const uint8_t *)p->tiles + tile * p->tile_bytes;              \
		const int8_t *x = xq->q + row * xq->k_padded;                                     \
		size_t blocks = xq->k_padded / 32;                                                \
		const __m256i low = _mm256_set1_epi8(15), eight = _mm256_set1_epi8(8);            \
		__m256 acc[ROWS][2], group[ROWS][2];                                              \
		for (int r = 0; r < ROWS; r++)                                                    \
			acc[r][0] = acc[r][1] = group[r][0] = group[r][1] = _mm256_setzero_ps();  \
		for (size_t b = 0; b < blocks; b++, w += 288) {                                   \
			__m256i sum[ROWS][2];                                                     \
			for (int r = 0; r < ROWS; r++)                                            \
				sum[r][0] = sum[r][1] = _mm256_setzero_si256();                   \
			for (int j = 0; j < 4; j++)                                               \
				for (int h = 0; h < 2; h++) {                                     \
					__m256i pair = _mm256_loadu_si256(                        \
					    (const __m256i *)(w + 64 * j + 32 * h));              \
					__m256i a =                                               \
					    _mm256_sub_epi8(_mm256_and_si256(pair, low), eight);  \
					__m256i c = _mm256_sub_epi8(                              \
					    _mm256_and_si256(_mm256_srli_epi16(pair, 4), low),    \
					    eight);                                               \
					for (int r = 0; r < ROWS; r++) {                          \
						const int8_t *at =                                \
						    x + r * xq->k_padded + b * 32 + 4 * j;        \
						__m256i u = _mm256_set1_epi32(load_int32(at));    \
						__m256i v =                                       \
						    _mm256_set1_epi32(load_int32(at + 16));       \
						sum[r][h] =                                       \
						    _mm256_add_epi32(sum[r][h], dot4(a, u));      \
						sum[r][h] =                                       \
						    _mm256_add_epi32(sum[r][h], dot4(c, v));      \
					}                                                         \
				}                                                                 \
			float ws[KERNEL_TILE_ROWS];                                               \
			for (int i = 0; i < KERNEL_TILE_ROWS; i++) {                              \
				uint16_t half;                                                    \
				memcpy(&half, w + 256 + i * 2, sizeof(half));                     \
				ws[i] = kernel_from_f16(half);                                    \
			}                                                                         \
			bool last =                                                               \
			    b % (KERNEL_GROUP / 32) == KERNEL_GROUP / 32 - 1 || b + 1 == blocks;  \
			for (int r = 0; r < ROWS; r++)                                            \
				for (int h = 0; h < 2; h++) {                                     \
					group[r][h] = _mm256_fmadd_ps(                            \
					    _mm256_cvtepi32_ps(sum[r][h]),                        \
					    _mm256_loadu_ps(ws + 8 * h), group[r][h]);            \
					if (!last)                                                \
						continue;                                         \
					__m256 s = _mm256_set1_ps(xq->scale[kernel_row_group(     \
					    xq, row + r, b * 32 / KERNEL_GROUP)]);                \
					acc[r][h] = _mm256_add_ps(acc[r][h],                      \
								  _mm256_mul_ps(group[r][h], s)); \
					group[r][h] = _mm256_setzero_ps();                        \
				}                                                                 \
		}                                                                                 \
		for (int r = 0; r < ROWS; r++)                                                    \
			store_row(p, tile, row + r, acc[r][0], acc[r][1]);                        \
	}

static inline __m256 load_f32(const uint8_t *w, size_t k, int half)
{
	return _mm256_loadu_ps((const float *)w + k * 16 + half * 8);
}

static inline __m256 load_bf16(const uint8_t *w, size_t k, int half)
{
	const __m128i *at = (const __m128i *)((const uint16_t *)w + k * 16 + half * 8);
	return _mm256_castsi256_ps(
	    _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(at)), 16));
}

#define FLOAT_BLOCK(TYPE, ROWS)                                                             \
	static void TYPE##_x##ROWS(const struct kernel_product *p, size_t tile, size_t row) \
	{                                                                                   \
		const uint8_t *w = (const uint8_t *)p->tiles + tile * p->tile_bytes;        \
		const float *x = p->x + row * p->x_stride;                                  \
		__m256 acc[ROWS][2];                                                        \
		for (int r = 0; r < ROWS; r++)                                              \
			acc[r][0] = acc[r][1] = _mm256_setzero_ps();                        \
		for (size_t k = 0; k < p->k; k++) {                                         \
			__m256 a = load_##TYPE(w, k, 0), b = load_##TYPE(w, k, 1);          \
			for (int r = 0; r < ROWS; r++) {                                    \
				__m256 v = _mm256_set1_ps(x[r * p->x_stride + k]);          \
				acc[r][0] = _mm256_fmadd_ps(a, v, acc[r][0]);               \
				acc[r][1] = _mm256_fmadd_ps(b, v, acc[r][1]);               \
			}                                                                   \
		}                                                                           \
		for (int r = 0; r < ROWS; r++)                                              \
			store_row(p, tile, row + r, acc[r][0], acc[r][1]);                  \
	}

#define EACH_ROWS(BLOCK) BLOCK(1) BLOCK(2) BLOCK(3) BLOCK(4)
#define F32_BLOCK(ROWS)  FLOAT_BLOCK(f32, ROWS)
#define BF16_BLOCK(ROWS) FLOAT_BLOCK(bf16, ROWS)

EACH_ROWS(INT8_BLOCK)
EACH_ROWS(INT4_BLOCK)
EACH_ROWS(F32_BLOCK)
EACH_ROWS(BF16_BLOCK)

#define ROWS_MAX 4

typedef void (*block_fn)(const struct kernel_product *p, size_t tile, size_t row);

static const block_fn BLOCKS[4][ROWS_MAX] = {
    [KERNEL_F32] = {f32_x1, f32_x2, f32_x3, f32_x4},
    [KERNEL_BF16] = {bf16_x1, bf16_x2, bf16_x3, bf16_x4},
    [KERNEL_INT8] = {int8_x1, int8_x2, int8_x3, int8_x4},
    [KERNEL_INT4] = {int4_x1, int4_x2, int4_x3, int4_x4},
};

static void avx2_product(const struct kernel_product *p, size_t tile_begin, size_t tile_end)
{
	for (size_t tile = tile_begin; tile < tile_end; tile++)
		for (size_t row = 0; row < p->rows; row += ROWS_MAX) {
			size_t rows = p->rows - row < ROWS_MAX ? p->rows - row : ROWS_MAX;
			BLOCKS[p->weights][rows - 1](p, tile, row);
		}
}

/* e^x, as vector512.h's. */
static inline __m256 vector_exp(__m256 x)
{
	__m256 alive = _mm256_cmp_ps(x, _mm256_set1_ps(-87.0f), _CMP_GT_OQ);
	x = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(-87.0f)), _mm256_set1_ps(88.0f));
	__m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504088896341f)),
				   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	__m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
	r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
	__m256 y = _mm256_set1_ps(1.9875691500e-4f);
	y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(1.3981999507e-3f));
	y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(8.3334519073e-3f));
	y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(4.1665795894e-2f));
	y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(1.6666665459e-1f));
	y = _mm256_fmadd_ps(y, r, _mm256_set1_ps(5.0000001201e-1f));
	y = _mm256_add_ps(_mm256_fmadd_ps(y, _mm256_mul_ps(r, r), r), _mm256_set1_ps(1.0f));
	__m256i power =
	    _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
	return _mm256_and_ps(_mm256_mul_ps(y, _mm256_castsi256_ps(power)), alive);
}

static inline __m256 vector_silu(__m256 x)
{
	__m256 e = vector_exp(_mm256_sub_ps(_mm256_setzero_ps(), x));
	return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0f), e));
}

static void avx2_swiglu(const float *in, size_t in_stride, float *out, size_t out_stride,
			size_t rows, size_t n)
{
	for (; rows; rows--, in += in_stride, out += out_stride)
		for (size_t i = 0; i < n; i += 8) {
			const float *gate = in + i / 16 * 32 + i % 16;
			float last[8];
			__m256 v = _mm256_mul_ps(vector_silu(_mm256_loadu_ps(gate)),
						 _mm256_loadu_ps(gate + 16));
			_mm256_storeu_ps(n - i < 8 ? last : out + i, v);
			if (n - i < 8)
				memcpy(out + i, last, (n - i) * sizeof(float));
		}
}

static void avx2_silu(float *x, size_t n)
{
	size_t i = 0;
	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(x + i, vector_silu(_mm256_loadu_ps(x + i)));
	kernels_scalar.silu(x + i, n - i);
}

static inline float reduce_max(__m256 v)
{
	float lanes[8], most;
	_mm256_storeu_ps(lanes, v);
	most = lanes[0];
	for (int i = 1; i < 8; i++)
		most = lanes[i] > most ? lanes[i] : most;
	return most;
}

static inline float reduce_add(__m256 v)
{
	float lanes[8];
	_mm256_storeu_ps(lanes, v);
	return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
	       ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

static void scores_int8(const struct kernel_cache_view *cache, size_t count, const int8_t *q,
			float scale, float *scores)
{
	const __m256i flip = _mm256_set1_epi8(-128);
	size_t lines = (cache->head_dim + 3) / 4;
	const uint8_t *key = cache->key;
	__m256 factor = _mm256_set1_ps(scale);

	for (size_t p = 0; p < count; p += 16, key += lines * 64)
		for (size_t h = 0; h < 2; h++) {
			__m256i sum = _mm256_setzero_si256();
			for (size_t k = 0; k < lines; k++) {
				const __m256i *at = (const __m256i *)(key + k * 64 + h * 32);
				__m256i w = _mm256_xor_si256(_mm256_loadu_si256(at), flip);
				__m256i v = _mm256_set1_epi32(load_int32(q + 4 * k));
				sum = _mm256_add_epi32(sum, dot4(w, v));
			}
			__m256 s =
			    _mm256_mul_ps(_mm256_loadu_ps(cache->key_scale + p + h * 8), factor);
			_mm256_storeu_ps(scores + p + h * 8,
					 _mm256_mul_ps(_mm256_cvtepi32_ps(sum), s));
		}
}

/* The oracle's quantisation of one query, with 4 zeros behind it. */
static float quantize_query(const float *query, size_t d, int8_t *q)
{
	int32_t sum, sum32[256 / 32];
	float scale;
	struct kernel_int8_rows row = {.q = q,
				       .scale = &scale,
				       .undo = &sum,
				       .sum32 = sum32,
				       .k = d,
				       .k_padded = d,
				       .groups = 1};
	row.k_padded = (d + 31) / 32 * 32;
	kernels_scalar_quantize(query, d, &row, 0, 1);
	return scale;
}

/* Weights from scores: e^(score - largest); returns their sum. */
static float soften(float *scores, size_t count, const uint8_t *visible)
{
	size_t whole = (count + 7) / 8 * 8;
	__m256 most8 = _mm256_set1_ps(-INFINITY), total = _mm256_setzero_ps();

	for (size_t p = 0; p < whole; p++)
		if (p >= count || (visible && !visible[p]))
			scores[p] = -INFINITY;
	for (size_t p = 0; p < whole; p += 8)
		most8 = _mm256_max_ps(most8, _mm256_loadu_ps(scores + p));
	__m256 most = _mm256_set1_ps(reduce_max(most8));
	for (size_t p = 0; p < whole; p += 8) {
		__m256 v = vector_exp(_mm256_sub_ps(_mm256_loadu_ps(scores + p), most));
		total = _mm256_add_ps(total, v);
		_mm256_storeu_ps(scores + p, v);
	}
	return reduce_add(total);
}

static void mix_int8(const struct kernel_cache_view *cache, size_t count, float *weights,
		     float factor, float *out)
{
	const __m256i ones = _mm256_set1_epi16(1);
	size_t d = cache->head_dim;
	uint8_t q[KERNEL_MIX];

	memset(out, 0, d * sizeof(float));
	for (size_t p = 0; p < count; p++)
		weights[p] *= cache->value_scale[p];
	for (size_t begin = 0; begin < count; begin += KERNEL_MIX) {
		size_t n = count - begin < KERNEL_MIX ? count - begin : KERNEL_MIX, at = 0;
		float most = 0;
		for (size_t p = 0; p < n; p++)
			most = weights[begin + p] > most ? weights[begin + p] : most;
		float inverse = most > 0 ? 127.0f / most : 0, scale = most / 127.0f;
		memset(q, 0, sizeof(q));
		for (size_t p = 0; p < n; p++)
			q[p] = (uint8_t)_mm_cvtss_si32(_mm_set_ss(weights[begin + p] * inverse));
		const int8_t *value = (const int8_t *)cache->value + begin * d;
		for (; at + 8 <= d; at += 8) {
			__m256i sum = _mm256_setzero_si256();
			for (size_t p = 0; p < n; p += 4) {
				__m256i w = _mm256_set1_epi32(load_int32((const int8_t *)q + p));
				__m256i v =
				    _mm256_loadu_si256((const __m256i *)(value + p * d + at * 4));
				sum = _mm256_add_epi32(
				    sum, _mm256_madd_epi16(_mm256_maddubs_epi16(w, v), ones));
			}
			__m256 add = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_set1_ps(scale));
			_mm256_storeu_ps(out + at, _mm256_add_ps(_mm256_loadu_ps(out + at), add));
		}
		for (; at < d; at++) {
			int32_t sum = 0;
			for (size_t p = 0; p < n; p++)
				sum += q[p] * value[p / 4 * 4 * d + at * 4 + p % 4];
			out[at] += (float)sum * scale;
		}
	}
	for (size_t k = 0; k < d; k++)
		out[k] *= factor;
}

static void avx2_attend(const struct kernel_cache_view *cache, size_t count, const uint8_t *visible,
			const float *query, float scale, float *scratch, float *out)
{
	int8_t q[256 + 32] = {0};

	if (!cache->key_scale) {
		kernels_scalar.attend(cache, count, visible, query, scale, scratch, out);
		return;
	}
	float query_scale = quantize_query(query, cache->head_dim, q);
	scores_int8(cache, count, q, query_scale * scale, scratch);
	float total = soften(scratch, count, visible);
	mix_int8(cache, count, scratch, 1.0f / total, out);
}

static void avx2_rms_norm(const float *x, const float *weight, float eps, float *out, size_t n)
{
	__m256 sum = _mm256_setzero_ps();
	size_t whole = n / 8 * 8;
	for (size_t i = 0; i < whole; i += 8)
		sum = _mm256_fmadd_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(x + i), sum);
	float total = reduce_add(sum);
	for (size_t i = whole; i < n; i++)
		total += x[i] * x[i];
	float factor = 1.0f / sqrtf(total / (float)n + eps);
	for (size_t i = 0; i < n; i++)
		out[i] = x[i] * factor * weight[i];
}

/* What products are made of, without the signs: pairs, fours, sums. */
static double busy(size_t rounds)
{
	__m256i sum[10], a = _mm256_set1_epi8((char)rounds), b = _mm256_set1_epi8(3);
	const __m256i ones = _mm256_set1_epi16(1);
	int32_t out[8];
	for (int i = 0; i < 10; i++)
		sum[i] = _mm256_setzero_si256();
	for (size_t r = 0; r < rounds; r++)
		for (int i = 0; i < 10; i++) {
			__asm__ volatile("" : "+x"(a), "+x"(b)); /* not one product for all */
			sum[i] = _mm256_add_epi32(
			    sum[i], _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
		}
	for (int i = 1; i < 10; i++)
		sum[0] = _mm256_add_epi32(sum[0], sum[i]);
	_mm256_storeu_si256((__m256i *)out, sum[0]);
	__asm__ volatile("" : : "r"(out) : "memory");
	return (double)rounds * 10 * 2 * 32;
}

const struct kernels kernels_avx2 = {
    .level = KERNEL_AVX2,
    .name = "avx2",
    .product = avx2_product,
    .busy = busy,
    .quantize = kernels_scalar_quantize,
    .rms_norm = avx2_rms_norm,
    .swiglu = avx2_swiglu,
    .gelu = kernels_scalar_gelu,
    .gelu_tanh = kernels_scalar_gelu_tanh,
    .silu = avx2_silu,
    .rotate_half = kernels_scalar_rotate_half,
    .cache_put = kernels_scalar_cache_put,
    .attend = avx2_attend,
};
