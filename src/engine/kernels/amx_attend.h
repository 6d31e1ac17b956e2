/* Attention of up to 16 rows of one stream at a time with AMX: scores are products of 16 queries with the cache's key
 * tiles, and the mixing of values one of 16 rows of weights with 64 positions. Sums are integers, and all else is
 * done row by row as AVX-512 does it for one: the same bits. For amx.c only. */
#ifndef MADANG_ENGINE_KERNELS_AMX_ATTEND_H
#define MADANG_ENGINE_KERNELS_AMX_ATTEND_H

#define QUERY_STRIDE 256 /* bytes; the most that a head is wide */

struct attending {
	const struct kernel_attention *a;
	size_t d, count; /* of the last row: positions that anybody sees */
	size_t stride;   /* of the rows of scores, floats */
	_Alignas(64) int8_t query[16 * QUERY_STRIDE];
	float query_scale[16], factor[16];
	int32_t undo[16];
	_Alignas(64) int32_t sums[16 * 64];
	_Alignas(64) uint8_t weights[2][16 * 64];
	float weights_scale[16];
	_Alignas(64) float mixed[16 * QUERY_STRIDE];
};

static void take_queries(struct attending *t)
{
	const struct kernel_attention *a = t->a;
	memset(t->query, 0, sizeof(t->query));
	for (size_t r = 0; r < a->rows; r++) {
		int32_t sum;
		float scale = kernels_avx512_quantize_run(a->query + r * a->query_stride, t->d,
							  t->query + r * QUERY_STRIDE, 64, &sum);
		t->query_scale[r] = scale * a->scale;
		t->undo[r] = -128 * sum;
		/* the next rows' queries, which may be as far as memory; past the last ones nothing is read */
		for (size_t k = 0; k < t->d; k += 16)
			_mm_prefetch((const char *)(a->query + (16 + r) * a->query_stride + k),
				     _MM_HINT_T1);
	}
	WRITTEN(t->query);
}

/* Sums of up to 64 positions from p on with all queries. */
static void score_sums(struct attending *t, size_t p)
{
	const uint8_t *key = (const uint8_t *)t->a->cache->key + p * t->d;
	size_t tiles = (t->count - p + 15) / 16, step = 16 * t->d;

	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	for (size_t k = 0; k < t->d; k += 64) {
		for (size_t i = 4; i < 8 && p + 16 * i < t->count; i++)
			fetch_tile(key + i * step + k * 16);
		_tile_loadd(4, t->query + k, QUERY_STRIDE);
		_tile_loadd(6, key + k * 16, 64);
		_tile_dpbsud(0, 4, 6);
		if (tiles > 1) {
			_tile_loadd(7, key + step + k * 16, 64);
			_tile_dpbsud(1, 4, 7);
		}
		if (tiles > 2) {
			_tile_loadd(6, key + 2 * step + k * 16, 64);
			_tile_dpbsud(2, 4, 6);
		}
		if (tiles > 3) {
			_tile_loadd(7, key + 3 * step + k * 16, 64);
			_tile_dpbsud(3, 4, 7);
		}
	}
	_tile_stored(0, t->sums, 256);
	_tile_stored(1, t->sums + 16, 256);
	_tile_stored(2, t->sums + 32, 256);
	_tile_stored(3, t->sums + 48, 256);
}

static void scores(struct attending *t)
{
	const struct kernel_attention *a = t->a;
	for (size_t p = 0; p < t->count; p += 64) {
		score_sums(t, p);
		for (size_t i = 0; i < 64 && p + i < t->count; i += 16) {
			__m512 key_scale = _mm512_loadu_ps(a->cache->key_scale + p + i);
			for (size_t r = 0; r < a->rows; r++) {
				__m512i v =
				    _mm512_add_epi32(_mm512_load_si512(t->sums + r * 64 + i),
						     _mm512_set1_epi32(t->undo[r]));
				__m512 s =
				    _mm512_mul_ps(key_scale, _mm512_set1_ps(t->query_scale[r]));
				_mm512_storeu_ps(a->scratch + r * t->stride + p + i,
						 _mm512_mul_ps(_mm512_cvtepi32_ps(v), s));
			}
		}
	}
}

/* Scores to weights times their values' scales, 0 up to a whole 64. */
static void weigh(struct attending *t)
{
	const struct kernel_attention *a = t->a;
	size_t padded = (t->count + 63) / 64 * 64;
	for (size_t r = 0; r < a->rows; r++) {
		float *row = a->scratch + r * t->stride;
		size_t seen = a->position + r + 1, whole = (seen + 15) / 16 * 16;
		t->factor[r] = 1.0f / kernels_avx512_soften(row, seen, NULL);
		for (size_t p = 0; p < whole; p += 16)
			_mm512_storeu_ps(row + p,
					 _mm512_mul_ps(_mm512_loadu_ps(row + p),
						       _mm512_loadu_ps(a->cache->value_scale + p)));
		for (size_t p = whole; p < padded; p += 16)
			_mm512_storeu_ps(row + p, _mm512_setzero_ps());
	}
}

/* What the 64 positions from p on give for 64 numbers of the head, added. */
static void mix_sums(struct attending *t, const uint8_t *weights, size_t p, size_t at)
{
	const uint8_t *value = (const uint8_t *)t->a->cache->value + p * t->d + at * 4;
	size_t stride = t->d * 4;
	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	if (p + KERNEL_MIX < t->count)
		for (size_t i = 0; i < 16; i++)
			for (size_t line = 0; line < 256; line += 64)
				_mm_prefetch((const char *)value + (16 + i) * stride + line,
					     _MM_HINT_T0);
	_tile_loadd(4, weights, 64);
	_tile_loadd(6, value, stride);
	_tile_dpbssd(0, 4, 6);
	_tile_loadd(7, value + 64, stride);
	_tile_dpbssd(1, 4, 7);
	_tile_loadd(6, value + 128, stride);
	_tile_dpbssd(2, 4, 6);
	_tile_loadd(7, value + 192, stride);
	_tile_dpbssd(3, 4, 7);
	_tile_stored(0, t->sums, 256);
	_tile_stored(1, t->sums + 16, 256);
	_tile_stored(2, t->sums + 32, 256);
	_tile_stored(3, t->sums + 48, 256);
	for (size_t r = 0; r < t->a->rows; r++) {
		__m512 scale = _mm512_set1_ps(t->weights_scale[r]);
		for (size_t i = 0; i < 64; i += 16) {
			float *acc = t->mixed + r * QUERY_STRIDE + at + i;
			__m512 v = _mm512_cvtepi32_ps(_mm512_load_si512(t->sums + r * 64 + i));
			_mm512_store_ps(
			    acc, _mm512_add_ps(_mm512_load_ps(acc), _mm512_mul_ps(v, scale)));
		}
	}
}

static void amx_attend_rows(const struct kernel_attention *a)
{
	struct attending t;
	t.a = a;
	t.d = a->cache->head_dim;
	t.count = a->position + a->rows;
	t.stride = (t.count + 63) / 64 * 64 + 16; /* not all rows in the same lines of the cache */
	configure(64);
	take_queries(&t);
	scores(&t);
	weigh(&t);
	memset(t.mixed, 0, sizeof(t.mixed));
	memset(t.weights, 0, sizeof(t.weights));
	for (size_t p = 0; p < t.count; p += KERNEL_MIX) {
		uint8_t *weights = t.weights[p / KERNEL_MIX % 2];
		for (size_t r = 0; r < a->rows; r++)
			t.weights_scale[r] = kernels_avx512_quantize_weights(
			    a->scratch + r * t.stride + p, KERNEL_MIX, weights + r * 64);
		WRITTEN(weights);
		for (size_t at = 0; at < t.d; at += 64)
			mix_sums(&t, weights, p, at);
	}
	_tile_release();
	for (size_t r = 0; r < a->rows; r++)
		for (size_t k = 0; k < t.d; k += 16)
			_mm512_storeu_ps(
			    a->out + r * a->out_stride + k,
			    _mm512_mul_ps(_mm512_load_ps(t.mixed + r * QUERY_STRIDE + k),
					  _mm512_set1_ps(t.factor[r])));
}

#endif
