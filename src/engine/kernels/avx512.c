/* AVX-512 with VNNI. Product: one tile of 16 outputs lies in one register, so nothing is ever summed across
 * lanes; 1 to 4 tiles times 1 to 8 rows of x are kept in registers, enough chains to hide the latency. Weights are
 * streamed once for up to 8 rows. Pure functions; any thread. */
#include "engine/kernels/impl.h"

#include "engine/kernels/vector512.h"

#include <math.h>

/* Where the weights to come are called: far enough ahead for memory; the next tile follows directly. Intel's first-level
 * caches have too few buffers for what is under way (a quarter of memory's bandwidth was lost by it), so FAR calls
 * into the second level; on AMD's Zen 4 just that loses a quarter (int8) to a half (int4), and NEAR calls all the way.
 * For so few rows that only memory sets the pace, Zen 4 follows the weights best by itself, as long as they lie on huge
 * pages (slab.h): there nothing is CALLED. */
#define FAR_BYTES              8192
#define FAR_HINT               _MM_HINT_T1
#define NEAR_BYTES             4096
#define NEAR_HINT              _MM_HINT_T0
#define NEAR_CALLED_INT8(ROWS) ((ROWS) > 4)
#define NEAR_CALLED_INT4(ROWS) ((ROWS) > 2)

struct store {
	const struct kernel_product *p;
	__m512 scale, bias;
	__mmask16 mask;
	size_t output;
	bool scaled;
};

static inline struct store store_begin(const struct kernel_product *p, size_t tile)
{
	struct store s = {.p = p, .output = tile * KERNEL_TILE_ROWS};
	size_t left = p->outputs - s.output;
	s.mask = left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
	s.scaled = p->weights == KERNEL_INT8;
	s.scale = s.scaled ? _mm512_loadu_ps(p->scale + s.output) : _mm512_setzero_ps();
	s.bias = p->bias ? _mm512_loadu_ps(p->bias + s.output) : _mm512_setzero_ps();
	return s;
}

static inline void store_row(const struct store *s, size_t row, __m512 value)
{
	float *y = s->p->y + row * s->p->y_stride + s->output;
	if (s->scaled)
		value = _mm512_mul_ps(value, s->scale);
	if (s->p->bias)
		value = _mm512_add_ps(value, s->bias);
	if (s->p->add)
		value = _mm512_add_ps(_mm512_maskz_loadu_ps(s->mask, y), value);
	_mm512_mask_storeu_ps(y, s->mask, value);
}

static inline int32_t load_int32(const int8_t *p)
{
	int32_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

/* sum += dot products of 4 bytes each (w unsigned). By hand, since gcc 12 copies every sum of a loop to other
 * registers and back around its own intrinsic. */
static inline void dot4(__m512i *sum, __m512i w, __m512i x)
{
	__asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(w), "v"(x));
}

/* One tile x ROWS rows of x, all of k; every row has SPLIT sums, so that there are enough chains. One tile
 * at a time, so that the weights are one stream for the prefetchers, from tile to tile. */
#define INT8_BLOCK(PLACE, CALLED, SPLIT, ROWS)                                                     \
	static void int8_##PLACE##_x##ROWS(const struct kernel_product *p, size_t tile,            \
					   size_t row)                                             \
	{                                                                                          \
		const struct kernel_int8_rows *xq = p->xq;                                         \
		const uint8_t *w = (const uint8_t *)p->tiles + tile * p->tile_bytes;               \
		const int8_t *x = xq->q + row * xq->k_padded;                                      \
		__m512 acc[ROWS];                                                                  \
		for (int r = 0; r < ROWS; r++)                                                     \
			acc[r] = _mm512_setzero_ps();                                              \
		for (size_t g = 0; g < xq->groups; g++) {                                          \
			size_t end = (g + 1) * KERNEL_GROUP;                                       \
			if (end > xq->k_padded)                                                    \
				end = xq->k_padded;                                                \
			__m512i sum[SPLIT][ROWS];                                                  \
			for (int r = 0; r < ROWS; r++) {                                           \
				sum[0][r] =                                                        \
				    _mm512_set1_epi32(xq->undo[kernel_row_group(xq, row + r, g)]); \
				for (int j = 1; j < SPLIT; j++)                                    \
					sum[j][r] = _mm512_setzero_si512();                        \
			}                                                                          \
			for (size_t k = g * KERNEL_GROUP; k < end; k += 4 * SPLIT)                 \
				for (int j = 0; j < SPLIT; j++) {                                  \
					const uint8_t *at = w + (k + 4 * (size_t)j) * 16;          \
					__m512i line = _mm512_loadu_si512(at);                     \
					if (CALLED)                                                \
						_mm_prefetch((const char *)at + PLACE##_BYTES,     \
							     PLACE##_HINT);                        \
					for (int r = 0; r < ROWS; r++)                             \
						dot4(&sum[j][r], line,                             \
						     _mm512_set1_epi32(                            \
							 load_int32(x + r * xq->k_padded + k +     \
								    4 * (size_t)j)));              \
				}                                                                  \
			for (int r = 0; r < ROWS; r++) {                                           \
				__m512 scale =                                                     \
				    _mm512_set1_ps(xq->scale[kernel_row_group(xq, row + r, g)]);   \
				for (int j = 1; j < SPLIT; j++)                                    \
					sum[0][r] = _mm512_add_epi32(sum[0][r], sum[j][r]);        \
				acc[r] = _mm512_add_ps(                                            \
				    acc[r], _mm512_mul_ps(_mm512_cvtepi32_ps(sum[0][r]), scale));  \
			}                                                                          \
		}                                                                                  \
		struct store s = store_begin(p, tile);                                             \
		for (int r = 0; r < ROWS; r++)                                                     \
			store_row(&s, row + r, acc[r]);                                            \
	}

/* int4: one tile; ROWS rows. Block by block, as the scales are; the group's own scale last. */
#define INT4_BLOCK(PLACE, CALLED, ROWS)                                                            \
	static void int4_##PLACE##_x##ROWS(const struct kernel_product *p, size_t tile,            \
					   size_t row)                                             \
	{                                                                                          \
		const struct kernel_int8_rows *xq = p->xq;                                         \
		const uint8_t *w = (const uint8_t *)p->tiles + tile * p->tile_bytes;               \
		const int8_t *x = xq->q + row * xq->k_padded;                                      \
		size_t blocks = xq->k_padded / 32;                                                 \
		const __m512i low = _mm512_set1_epi8(15);                                          \
		__m512 acc[ROWS];                                                                  \
		for (int r = 0; r < ROWS; r++)                                                     \
			acc[r] = _mm512_setzero_ps();                                              \
		for (size_t b = 0, g = 0; b < blocks; g++) {                                       \
			size_t end =                                                               \
			    b + KERNEL_GROUP / 32 < blocks ? b + KERNEL_GROUP / 32 : blocks;       \
			__m512 group[ROWS];                                                        \
			for (int r = 0; r < ROWS; r++)                                             \
				group[r] = _mm512_setzero_ps();                                    \
			for (; b < end; b++, w += 288) {                                           \
				__m512i sum[ROWS];                                                 \
				for (int r = 0; r < ROWS; r++)                                     \
					sum[r] = _mm512_set1_epi32(                                \
					    -8 * xq->sum32[(row + r) * blocks + b]);               \
				for (int j = 0; j < 4; j++) {                                      \
					__m512i pair = _mm512_loadu_si512(w + 64 * j);             \
					__m512i a = _mm512_and_si512(pair, low);                   \
					__m512i c =                                                \
					    _mm512_and_si512(_mm512_srli_epi16(pair, 4), low);     \
					if (CALLED)                                                \
						_mm_prefetch((const char *)w + 64 * j +            \
								 PLACE##_BYTES,                    \
							     PLACE##_HINT);                        \
					for (int r = 0; r < ROWS; r++) {                           \
						const int8_t *at =                                 \
						    x + r * xq->k_padded + b * 32 + 4 * j;         \
						dot4(&sum[r], a,                                   \
						     _mm512_set1_epi32(load_int32(at)));           \
						dot4(&sum[r], c,                                   \
						     _mm512_set1_epi32(load_int32(at + 16)));      \
					}                                                          \
				}                                                                  \
				if (CALLED)                                                        \
					_mm_prefetch((const char *)w + 256 + PLACE##_BYTES,        \
						     PLACE##_HINT);                                \
				__m512 ws = _mm512_cvtph_ps(                                       \
				    _mm256_loadu_si256((const __m256i *)(w + 256)));               \
				for (int r = 0; r < ROWS; r++)                                     \
					group[r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[r]), ws, \
								   group[r]);                      \
			}                                                                          \
			for (int r = 0; r < ROWS; r++) {                                           \
				__m512 scale =                                                     \
				    _mm512_set1_ps(xq->scale[kernel_row_group(xq, row + r, g)]);   \
				acc[r] = _mm512_add_ps(acc[r], _mm512_mul_ps(group[r], scale));    \
			}                                                                          \
		}                                                                                  \
		struct store s = store_begin(p, tile);                                             \
		for (int r = 0; r < ROWS; r++)                                                     \
			store_row(&s, row + r, acc[r]);                                            \
	}

static inline __m512 load_f32(const void *line)
{
	return _mm512_loadu_ps(line);
}

static inline __m512 load_bf16(const void *line)
{
	__m256i v = _mm256_loadu_si256(line);
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
}

#define FLOAT_BLOCK(TYPE, BYTES, TILES, ROWS)                                                  \
	static void TYPE##_##TILES##x##ROWS(const struct kernel_product *p, size_t tile,       \
					    size_t row)                                        \
	{                                                                                      \
		const uint8_t *w = (const uint8_t *)p->tiles + tile * p->tile_bytes;           \
		const float *x = p->x + row * p->x_stride;                                     \
		__m512 acc[TILES][ROWS];                                                       \
		for (int t = 0; t < TILES; t++)                                                \
			for (int r = 0; r < ROWS; r++)                                         \
				acc[t][r] = _mm512_setzero_ps();                               \
		for (size_t k = 0; k < p->k; k++) {                                            \
			__m512 line[TILES];                                                    \
			for (int t = 0; t < TILES; t++)                                        \
				line[t] = load_##TYPE(w + t * p->tile_bytes + k * 16 * BYTES); \
			for (int r = 0; r < ROWS; r++) {                                       \
				__m512 v = _mm512_set1_ps(x[r * p->x_stride + k]);             \
				for (int t = 0; t < TILES; t++)                                \
					acc[t][r] = _mm512_fmadd_ps(line[t], v, acc[t][r]);    \
			}                                                                      \
		}                                                                              \
		for (int t = 0; t < TILES; t++) {                                              \
			struct store s = store_begin(p, tile + t);                             \
			for (int r = 0; r < ROWS; r++)                                         \
				store_row(&s, row + r, acc[t][r]);                             \
		}                                                                              \
	}

#define EACH_ROWS(BLOCK) \
	BLOCK(1)         \
	BLOCK(2) BLOCK(3) BLOCK(4) BLOCK(5) BLOCK(6) BLOCK(7) BLOCK(8)
#define INT8_FAR(ROWS) INT8_BLOCK(FAR, true, (ROWS < 3 ? 4 : ROWS < 5 ? 2 : 1), ROWS)
#define INT8_NEAR(ROWS) \
	INT8_BLOCK(NEAR, NEAR_CALLED_INT8(ROWS), (ROWS < 3 ? 4 : ROWS < 5 ? 2 : 1), ROWS)
#define INT4_FAR(ROWS)  INT4_BLOCK(FAR, true, ROWS)
#define INT4_NEAR(ROWS) INT4_BLOCK(NEAR, NEAR_CALLED_INT4(ROWS), ROWS)
#define F32_1(ROWS)     FLOAT_BLOCK(f32, 4, 1, ROWS)
#define F32_2(ROWS)     FLOAT_BLOCK(f32, 4, 2, ROWS)
#define BF16_1(ROWS)    FLOAT_BLOCK(bf16, 2, 1, ROWS)
#define BF16_2(ROWS)    FLOAT_BLOCK(bf16, 2, 2, ROWS)

EACH_ROWS(INT8_FAR)
EACH_ROWS(INT8_NEAR)
EACH_ROWS(INT4_FAR)
EACH_ROWS(INT4_NEAR)
EACH_ROWS(F32_1)
EACH_ROWS(F32_2)
EACH_ROWS(BF16_1)
EACH_ROWS(BF16_2)
FLOAT_BLOCK(f32, 4, 4, 1)
FLOAT_BLOCK(f32, 4, 4, 2)
FLOAT_BLOCK(bf16, 2, 4, 1)
FLOAT_BLOCK(bf16, 2, 4, 2)

#include "engine/kernels/rows512.h"

typedef void (*block_fn)(const struct kernel_product *p, size_t tile, size_t row);

#define ROWS_MAX 8
#define ROW_LIST(NAME)                                                                 \
	{                                                                              \
		NAME##1, NAME##2, NAME##3, NAME##4, NAME##5, NAME##6, NAME##7, NAME##8 \
	}

/* [log2 of the tiles][rows - 1]; NULL: no block of that shape (too few registers, or of no use) */
typedef block_fn block_table[4][3][ROWS_MAX];

#define BLOCK_TABLE(PLACE)                                                                    \
	{                                                                                     \
		[KERNEL_F32] = {ROW_LIST(f32_1x), ROW_LIST(f32_2x), {f32_4x1, f32_4x2}},      \
		[KERNEL_BF16] = {ROW_LIST(bf16_1x), ROW_LIST(bf16_2x), {bf16_4x1, bf16_4x2}}, \
		[KERNEL_INT8] = {ROW_LIST(int8_##PLACE##_x)},                                 \
		[KERNEL_INT4] = {ROW_LIST(int4_##PLACE##_x)},                                 \
	}

static const block_table BLOCKS_FAR = BLOCK_TABLE(FAR), BLOCKS_NEAR = BLOCK_TABLE(NEAR);

/* The widest block there is for so many rows and tiles. */
static int block_width(const block_table blocks, const struct kernel_product *p, size_t tiles_left)
{
	size_t rows = p->rows < ROWS_MAX ? p->rows : ROWS_MAX;
	int wide = 2;
	while (wide > 0 &&
	       (((size_t)1 << wide) > tiles_left || !blocks[p->weights][wide][rows - 1]))
		wide--;
	return wide;
}

/* Tiles outermost: a piece's weights are read once from memory, for further rows from the core's own
 * cache. (Blocks of 4 tiles end at 4 rows, so only narrower ones meet a second round of rows.) */
static void product(const block_table blocks, const struct kernel_product *p, size_t tile_begin,
		    size_t tile_end)
{
	if ((p->weights == KERNEL_INT8 || p->weights == KERNEL_INT4) && p->xq->tiled) {
		many_rows(p, tile_begin, tile_end);
		return;
	}
	for (size_t tile = tile_begin; tile < tile_end;) {
		int wide = block_width(blocks, p, tile_end - tile);
		for (size_t row = 0; row < p->rows; row += ROWS_MAX) {
			size_t rows = p->rows - row < ROWS_MAX ? p->rows - row : ROWS_MAX;
			blocks[p->weights][wide][rows - 1](p, tile, row);
		}
		tile += (size_t)1 << wide;
	}
}

void kernels_avx512_product(const struct kernel_product *p, size_t tile_begin, size_t tile_end)
{
	product(BLOCKS_FAR, p, tile_begin, tile_end);
}

static void product_near(const struct kernel_product *p, size_t tile_begin, size_t tile_end)
{
	product(BLOCKS_NEAR, p, tile_begin, tile_end);
}

static inline __mmask16 head_mask(size_t n)
{
	return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

static inline __m512i quantized16(const float *x, __m512 inverse)
{
	return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), inverse));
}

/* Whole lines of 64, `step` bytes apart; returns the sums of 16 numbers' worth. */
static inline __m512i quantize_lines(const float *x, size_t n, __m512 inverse, int8_t *q,
				     size_t step)
{
	__m512i total = _mm512_setzero_si512();
	for (size_t i = 0; i < n; i += 64, q += step) {
		__m512i a = quantized16(x + i, inverse), b = quantized16(x + i + 16, inverse);
		__m512i c = quantized16(x + i + 32, inverse), d = quantized16(x + i + 48, inverse);
		total = _mm512_add_epi32(
		    total, _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d)));
		_mm_storeu_si128((__m128i *)q, _mm512_cvtepi32_epi8(a));
		_mm_storeu_si128((__m128i *)(q + 16), _mm512_cvtepi32_epi8(b));
		_mm_storeu_si128((__m128i *)(q + 32), _mm512_cvtepi32_epi8(c));
		_mm_storeu_si128((__m128i *)(q + 48), _mm512_cvtepi32_epi8(d));
	}
	return total;
}

static inline __m512 largest16(const float *x, size_t n)
{
	__m512 a = _mm512_setzero_ps(), b = a;
	size_t i = 0;
	for (; i + 32 <= n; i += 32) {
		a = _mm512_max_ps(a, _mm512_abs_ps(_mm512_loadu_ps(x + i)));
		b = _mm512_max_ps(b, _mm512_abs_ps(_mm512_loadu_ps(x + i + 16)));
	}
	for (; i < n; i += 16)
		a = _mm512_max_ps(a, _mm512_abs_ps(_mm512_maskz_loadu_ps(head_mask(n - i), x + i)));
	return _mm512_max_ps(a, b);
}

/* One run, as scalar.c: the same roundings, so the same bytes; lines of 64 are `step` bytes apart. Never writes
 * more than n bytes. */
float kernels_avx512_quantize_run(const float *x, size_t n, int8_t *q, size_t step, int32_t *sum)
{
	float most = _mm512_reduce_max_ps(largest16(x, n));
	*sum = 0;
	if (!(most > 1e-30f)) {
		for (size_t i = 0; i < n; i += 64, q += step)
			memset(q, 0, n - i < 64 ? n - i : 64);
		return 0;
	}
	__m512 inverse = _mm512_set1_ps(127.0f / most);
	size_t whole = n / 64 * 64;
	__m512i total = quantize_lines(x, whole, inverse, q, step);
	q += whole / 64 * step;
	for (size_t i = whole; i < n; i += 16, q += 16) {
		__mmask16 mask = head_mask(n - i);
		__m512i v =
		    _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), inverse));
		total = _mm512_add_epi32(total, v);
		_mm_mask_storeu_epi8(q, mask, _mm512_cvtepi32_epi8(v));
	}
	*sum = _mm512_reduce_add_epi32(total);
	return most / 127.0f;
}

static void quantize_row(const float *x, struct kernel_int8_rows *out, size_t r)
{
	const __m256i ones = _mm256_set1_epi8(1);
	size_t step = out->tiled ? 1024 : 64, padded = out->k_padded;
	int8_t *q = out->q + kernel_row_place(out, r, 0);

	memset(q + out->k / 64 * step + out->k % 64, 0, padded - out->k);
	for (size_t g = 0; g < out->groups; g++) {
		size_t first = g * KERNEL_GROUP, n = out->k - first;
		int32_t sum;
		out->scale[kernel_row_group(out, r, g)] =
		    kernels_avx512_quantize_run(x + first, n < KERNEL_GROUP ? n : KERNEL_GROUP,
						q + first / 64 * step, step, &sum);
		out->undo[kernel_row_group(out, r, g)] = -128 * sum;
	}
	for (size_t b = 0; out->blocks && b < padded / 32; b++) {
		const int8_t *at = q + b / 2 * step + b % 2 * 32;
		__m256i v = _mm256_loadu_si256((const __m256i *)at);
		__m256i four = _mm256_dpbusd_epi32(_mm256_setzero_si256(), ones, v);
		out->sum32[r * (padded / 32) + b] = reduce_add_256(four);
	}
}

void kernels_avx512_quantize(const float *x, size_t x_stride, struct kernel_int8_rows *out,
			     size_t begin, size_t end)
{
	for (size_t r = begin; r < end; r++)
		quantize_row(x + r * x_stride, out, r);
}

void kernels_avx512_rms_norm(const float *x, const float *weight, float eps, float *out, size_t n)
{
	__m512 sum = _mm512_setzero_ps();
	for (size_t i = 0; i < n; i += 16) {
		__m512 v = _mm512_maskz_loadu_ps(head_mask(n - i), x + i);
		sum = _mm512_fmadd_ps(v, v, sum);
	}
	__m512 factor = _mm512_set1_ps(1.0f / sqrtf(_mm512_reduce_add_ps(sum) / (float)n + eps));
	for (size_t i = 0; i < n; i += 16) {
		__mmask16 mask = head_mask(n - i);
		__m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), factor);
		_mm512_mask_storeu_ps(out + i, mask,
				      _mm512_mul_ps(v, _mm512_maskz_loadu_ps(mask, weight + i)));
	}
}

void kernels_avx512_silu(float *x, size_t n)
{
	for (size_t i = 0; i < n; i += 16) {
		__mmask16 mask = head_mask(n - i);
		_mm512_mask_storeu_ps(x + i, mask, vector_silu(_mm512_maskz_loadu_ps(mask, x + i)));
	}
}

void kernels_avx512_swiglu(const float *in, size_t in_stride, float *out, size_t out_stride,
			   size_t rows, size_t n)
{
	for (; rows; rows--, in += in_stride, out += out_stride)
		for (size_t i = 0; i < n; i += 16) {
			__m512 v = vector_silu(_mm512_loadu_ps(in + 2 * i));
			_mm512_mask_storeu_ps(out + i, head_mask(n - i),
					      _mm512_mul_ps(v, _mm512_loadu_ps(in + 2 * i + 16)));
		}
}

void kernels_avx512_gelu(float *x, size_t n)
{
	for (size_t i = 0; i < n; i += 16) {
		__mmask16 mask = head_mask(n - i);
		_mm512_mask_storeu_ps(x + i, mask, vector_gelu(_mm512_maskz_loadu_ps(mask, x + i)));
	}
}

void kernels_avx512_gelu_tanh(float *x, size_t n)
{
	for (size_t i = 0; i < n; i += 16) {
		__mmask16 mask = head_mask(n - i);
		_mm512_mask_storeu_ps(x + i, mask,
				      vector_gelu_tanh(_mm512_maskz_loadu_ps(mask, x + i)));
	}
}

void kernels_avx512_rotate_half(float *x, const float *cosine, const float *sine, size_t half)
{
	for (size_t i = 0; i < half; i += 16) {
		__mmask16 mask = head_mask(half - i);
		__m512 a = _mm512_maskz_loadu_ps(mask, x + i);
		__m512 b = _mm512_maskz_loadu_ps(mask, x + half + i);
		__m512 c = _mm512_maskz_loadu_ps(mask, cosine + i);
		__m512 s = _mm512_maskz_loadu_ps(mask, sine + i);
		_mm512_mask_storeu_ps(x + i, mask,
				      _mm512_sub_ps(_mm512_mul_ps(a, c), _mm512_mul_ps(b, s)));
		_mm512_mask_storeu_ps(x + half + i, mask,
				      _mm512_add_ps(_mm512_mul_ps(b, c), _mm512_mul_ps(a, s)));
	}
}

void kernels_avx512_cache_put(const struct kernel_cache_view *cache, size_t position,
			      const float *key, const float *value)
{
	size_t d = cache->head_dim;
	int8_t q[256 + 64];
	int32_t sum;

	if (!cache->key_scale) {
		memcpy((float *)cache->key + position * d, key, d * sizeof(float));
		memcpy((float *)cache->value + position * d, value, d * sizeof(float));
		return;
	}
	memset(q, 0, sizeof(q));
	cache->key_scale[position] = kernels_avx512_quantize_run(key, d, q, 64, &sum);
	uint8_t *to = (uint8_t *)cache->key + kernel_key_place(d, position, 0);
	for (size_t k = 0; k < d; k += 4, to += 64) {
		uint32_t four;
		memcpy(&four, q + k, sizeof(four));
		four ^= 0x80808080; /* q + 128 */
		memcpy(to, &four, sizeof(four));
	}
	cache->value_scale[position] = kernels_avx512_quantize_run(value, d, q, 64, &sum);
	/* one byte of each of d words */
	uint32_t *words = (uint32_t *)cache->value + position / 4 * d;
	unsigned shift = (unsigned)(position % 4) * 8;
	__m512i keep = _mm512_set1_epi32((int)~(0xffu << shift));
	for (size_t k = 0; k < d; k += 16) {
		__mmask16 mask = head_mask(d - k);
		__m512i v = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(q + k)));
		__m512i old = _mm512_maskz_loadu_epi32(mask, words + k);
		v = _mm512_or_si512(_mm512_and_si512(old, keep),
				    _mm512_sll_epi32(v, _mm_cvtsi32_si128((int)shift)));
		_mm512_mask_storeu_epi32(words + k, mask, v);
	}
}

/* Brings lines into the second-level cache ahead of their use. */
static inline void fetch(const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 64)
		_mm_prefetch((const char *)from + i, FAR_HINT);
}

/* Scores of all positions < count, 16 at a time; returns nothing, the largest is found after masking. */
static void scores_int8(const struct kernel_cache_view *cache, size_t count, const float *query,
			float scale, float *scores)
{
	size_t d = cache->head_dim, lines = (d + 3) / 4;
	int8_t q[256 + 64];
	int32_t total;

	memset(q + d, 0, 64);
	__m512 query_scale =
	    _mm512_set1_ps(kernels_avx512_quantize_run(query, d, q, 64, &total) * scale);
	__m512i undo = _mm512_set1_epi32(-128 * total);
	const uint8_t *key = cache->key;
	fetch(cache->key_scale, count * sizeof(float));
	fetch(cache->value_scale, count * sizeof(float));
	for (size_t p = 0; p < count; p += 32, key += 2 * lines * 64) {
		/* while the keys are computed with, the same positions' values come */
		fetch((const int8_t *)cache->value + p * d, 32 * d);
		__m512i a0 = undo, a1 = _mm512_setzero_si512(), b0 = undo, b1 = a1;
		bool two = p + 16 < count;
		const uint8_t *key2 = two ? key + lines * 64 : key;
		size_t k = 0;
		for (; k + 2 <= lines; k += 2) {
			__m512i v = _mm512_set1_epi32(load_int32(q + 4 * k));
			__m512i w = _mm512_set1_epi32(load_int32(q + 4 * k + 4));
			a0 = _mm512_dpbusd_epi32(a0, _mm512_loadu_si512(key + k * 64), v);
			b0 = _mm512_dpbusd_epi32(b0, _mm512_loadu_si512(key2 + k * 64), v);
			a1 = _mm512_dpbusd_epi32(a1, _mm512_loadu_si512(key + k * 64 + 64), w);
			b1 = _mm512_dpbusd_epi32(b1, _mm512_loadu_si512(key2 + k * 64 + 64), w);
		}
		if (k < lines) {
			__m512i v = _mm512_set1_epi32(load_int32(q + 4 * k));
			a0 = _mm512_dpbusd_epi32(a0, _mm512_loadu_si512(key + k * 64), v);
			b0 = _mm512_dpbusd_epi32(b0, _mm512_loadu_si512(key2 + k * 64), v);
		}
		__m512 f = _mm512_cvtepi32_ps(_mm512_add_epi32(a0, a1));
		__m512 s = _mm512_mul_ps(_mm512_loadu_ps(cache->key_scale + p), query_scale);
		_mm512_storeu_ps(scores + p, _mm512_mul_ps(f, s));
		if (!two)
			break;
		f = _mm512_cvtepi32_ps(_mm512_add_epi32(b0, b1));
		s = _mm512_mul_ps(_mm512_loadu_ps(cache->key_scale + p + 16), query_scale);
		_mm512_storeu_ps(scores + p + 16, _mm512_mul_ps(f, s));
	}
}

static void scores_f32(const struct kernel_cache_view *cache, size_t count, const float *query,
		       float scale, float *scores)
{
	size_t d = cache->head_dim;
	for (size_t p = 0; p < count; p++) {
		const float *key = (const float *)cache->key + p * d;
		__m512 sum = _mm512_setzero_ps();
		for (size_t k = 0; k < d; k += 16) {
			__mmask16 mask = head_mask(d - k);
			sum = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, query + k),
					      _mm512_maskz_loadu_ps(mask, key + k), sum);
		}
		scores[p] = _mm512_reduce_add_ps(sum) * scale;
	}
}

/* scores -> exp(score - largest), hidden ones and those past the end 0; returns their sum. */
float kernels_avx512_soften(float *scores, size_t count, const uint8_t *visible)
{
	const __m512 nothing = _mm512_set1_ps(-INFINITY);
	__m512 most16 = nothing, total = _mm512_setzero_ps();

	for (size_t p = 0; p < count; p += 16) {
		__mmask16 mask = head_mask(count - p);
		if (visible)
			mask &= _mm_test_epi8_mask(_mm_maskz_loadu_epi8(mask, visible + p),
						   _mm_set1_epi8(-1));
		__m512 v = _mm512_mask_loadu_ps(nothing, mask, scores + p);
		most16 = _mm512_max_ps(most16, v);
		_mm512_storeu_ps(scores + p, v);
	}
	__m512 most = _mm512_set1_ps(_mm512_reduce_max_ps(most16));
	for (size_t p = 0; p < count; p += 16) {
		__m512 v = vector_exp(_mm512_sub_ps(_mm512_loadu_ps(scores + p), most));
		total = _mm512_add_ps(total, v);
		_mm512_storeu_ps(scores + p, v);
	}
	return _mm512_reduce_add_ps(total);
}

/* One block's weights to bytes (what lies past count is 0 already, up to a whole 16); returns the scale. */
float kernels_avx512_quantize_weights(const float *weights, size_t n, uint8_t *q)
{
	__m512 most16 = _mm512_setzero_ps();
	for (size_t p = 0; p < n; p += 16)
		most16 = _mm512_max_ps(most16, _mm512_loadu_ps(weights + p));
	float most = _mm512_reduce_max_ps(most16);
	__m512 inverse = _mm512_set1_ps(most > 0 ? 127.0f / most : 0);
	for (size_t p = 0; p < n; p += 16) {
		__m512 v = _mm512_mul_ps(_mm512_loadu_ps(weights + p), inverse);
		_mm_storeu_si128((__m128i *)(q + p), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
	}
	return most / 127.0f;
}

/* Sums of the block's positions for 64 numbers of the head, four registers; added to acc. */
static inline void mix_block(const struct kernel_cache_view *cache, size_t begin, size_t n,
			     size_t at, const uint8_t *q, float scale, const __mmask16 *mask,
			     __m512 *acc)
{
	size_t d = cache->head_dim;
	const int32_t *words = (const int32_t *)cache->value + begin / 4 * d + at;
	__m512i sum[4];
	for (int j = 0; j < 4; j++)
		sum[j] = _mm512_setzero_si512();
	for (size_t p = 0; p < n; p += 4, words += d) {
		__m512i w = _mm512_set1_epi32(load_int32((const int8_t *)q + p));
		for (int j = 0; j < 4; j++)
			sum[j] = _mm512_dpbusd_epi32(
			    sum[j], w, _mm512_maskz_loadu_epi32(mask[j], words + j * 16));
	}
	for (int j = 0; j < 4; j++)
		acc[j] = _mm512_add_ps(
		    acc[j], _mm512_mul_ps(_mm512_cvtepi32_ps(sum[j]), _mm512_set1_ps(scale)));
}

/* weights: times their values' scales, 0 from count to a whole 16 */
static void mix_int8(const struct kernel_cache_view *cache, size_t count, const float *weights,
		     float factor, float *out)
{
	size_t d = cache->head_dim;
	for (size_t at = 0; at < d; at += 64) {
		size_t wide = d - at < 64 ? d - at : 64;
		__mmask16 mask[4];
		__m512 acc[4];
		for (int j = 0; j < 4; j++) {
			mask[j] = wide > (size_t)j * 16 ? head_mask(wide - (size_t)j * 16) : 0;
			acc[j] = _mm512_setzero_ps();
		}
		for (size_t begin = 0; begin < count; begin += KERNEL_MIX) {
			uint8_t q[KERNEL_MIX];
			size_t n = count - begin < KERNEL_MIX ? count - begin : KERNEL_MIX;
			float scale = kernels_avx512_quantize_weights(weights + begin, n, q);
			mix_block(cache, begin, n, at, q, scale, mask, acc);
		}
		for (int j = 0; j < 4; j++)
			_mm512_mask_storeu_ps(out + at + j * 16, mask[j],
					      _mm512_mul_ps(acc[j], _mm512_set1_ps(factor)));
	}
}

static void mix_f32(const struct kernel_cache_view *cache, size_t count, const float *weights,
		    float factor, float *out)
{
	size_t d = cache->head_dim;
	for (size_t at = 0; at < d; at += 16) {
		__mmask16 mask = head_mask(d - at);
		__m512 acc = _mm512_setzero_ps();
		const float *value = (const float *)cache->value + at;
		for (size_t p = 0; p < count; p++, value += d)
			acc = _mm512_fmadd_ps(_mm512_set1_ps(weights[p]),
					      _mm512_maskz_loadu_ps(mask, value), acc);
		_mm512_mask_storeu_ps(out + at, mask, _mm512_mul_ps(acc, _mm512_set1_ps(factor)));
	}
}

void kernels_avx512_attend(const struct kernel_cache_view *cache, size_t count,
			   const uint8_t *visible, const float *query, float scale, float *scratch,
			   float *out)
{
	if (!cache->key_scale) {
		scores_f32(cache, count, query, scale, scratch);
		float total = kernels_avx512_soften(scratch, count, visible);
		mix_f32(cache, count, scratch, 1.0f / total, out);
		return;
	}
	scores_int8(cache, count, query, scale, scratch);
	float total = kernels_avx512_soften(scratch, count, visible);
	for (size_t p = 0; p < count; p += 16)
		_mm512_storeu_ps(scratch + p,
				 _mm512_mul_ps(_mm512_loadu_ps(scratch + p),
					       _mm512_loadu_ps(cache->value_scale + p)));
	mix_int8(cache, count, scratch, 1.0f / total, out);
}

static double busy(size_t rounds)
{
	__m512i sum[12], a = _mm512_set1_epi8((char)rounds), b = _mm512_set1_epi8(3);
	int32_t out[16];
	for (int i = 0; i < 12; i++)
		sum[i] = _mm512_setzero_si512();
	for (size_t r = 0; r < rounds; r++) {
		for (int i = 0; i < 12; i++)
			sum[i] = _mm512_dpbusd_epi32(sum[i], a, b);
		__asm__ volatile("" : "+v"(a), "+v"(b)); /* not one round for all */
	}
	for (int i = 1; i < 12; i++)
		sum[0] = _mm512_add_epi32(sum[0], sum[i]);
	_mm512_storeu_si512(out, sum[0]);
	__asm__ volatile("" : : "r"(out) : "memory");
	return (double)rounds * 12 * 2 * 64;
}

#define TABLE(PRODUCT, TILED_INT8)                                                                \
	{                                                                                         \
		.level = KERNEL_AVX512, .name = "avx512", .product = PRODUCT,                     \
		.tiled_rows = MANY_ROWS, .tiled_rows_int8 = TILED_INT8, .busy = busy,             \
		.quantize = kernels_avx512_quantize, .rms_norm = kernels_avx512_rms_norm,         \
		.swiglu = kernels_avx512_swiglu, .gelu = kernels_avx512_gelu,                     \
		.gelu_tanh = kernels_avx512_gelu_tanh, .silu = kernels_avx512_silu,               \
		.rotate_half = kernels_avx512_rotate_half, .cache_put = kernels_avx512_cache_put, \
		.attend = kernels_avx512_attend,                                                  \
	}

const struct kernels kernels_avx512 = TABLE(kernels_avx512_product, 0);
const struct kernels kernels_avx512_near = TABLE(product_near, MANY_ROWS_NEAR);
