/* Products of many rows (a prompt, many streams) with VNNI: two tiles of outputs by 8 or 4 rows stay in registers,
 * so that each number loaded is used 8 times or twice and the multipliers, not the loads, set the pace. x lies in
 * tiles of 16 rows by 64 k (kernel_row_place), which keeps a block's rows side by side in the first-level cache
 * whatever k is. The same sums in the same order as everywhere. Part of avx512.c: included there, nowhere else. */
#ifndef MADANG_ENGINE_KERNELS_ROWS512_H
#define MADANG_ENGINE_KERNELS_ROWS512_H

/* From so many rows on: below, the weights' way from memory sets the pace. */
#define MANY_ROWS      9
#define MANY_ROWS_NEAR 7 /* int8 on AMD: a third faster from memory with 8 rows */
#define ROWS_INT8      8
#define ROWS_INT4      4
#define ROWS_CHUNK     128 /* int4: rows whose sums are kept at a time */

/* The next tiles' weights come to the second-level cache while these are computed with, a few lines at a time. */
struct many_ahead {
	const char *next, *end;
	size_t step;
};

static struct many_ahead many_ahead(const struct kernel_product *p, size_t tile, size_t tiles,
				    size_t steps)
{
	const char *from = (const char *)p->tiles + (tile + tiles) * p->tile_bytes;
	size_t bytes = tiles * p->tile_bytes;
	return (struct many_ahead){from, from + bytes, (bytes / steps + 64) / 64 * 64};
}

static inline void many_fetch(struct many_ahead *a)
{
	const char *end = (size_t)(a->end - a->next) > a->step ? a->next + a->step : a->end;
	for (; a->next < end; a->next += 64)
		_mm_prefetch(a->next, _MM_HINT_T1);
}

/* TILES tiles by 8 rows, all of k. What lies past the last row is computed (the scratch is that large) and dropped. */
static inline __attribute__((always_inline)) void many_int8(const struct kernel_product *p,
							    size_t tile, size_t row,
							    struct many_ahead *ahead,
							    const size_t TILES)
{
	const struct kernel_int8_rows *xq = p->xq;
	const uint8_t *w0 = (const uint8_t *)p->tiles + tile * p->tile_bytes;
	const uint8_t *w1 = w0 + (TILES - 1) * p->tile_bytes;
	const int8_t *x = xq->q + kernel_row_place(xq, row, 0);
	__m512 acc[2][ROWS_INT8];
	for (size_t r = 0; r < ROWS_INT8; r++)
		acc[0][r] = acc[1][r] = _mm512_setzero_ps();
	for (size_t g = 0; g < xq->groups; g++) {
		size_t left = xq->k_padded - g * KERNEL_GROUP;
		size_t lines = (left < KERNEL_GROUP ? left : KERNEL_GROUP) / 64;
		__m512i sum[2][ROWS_INT8];
		for (size_t r = 0; r < ROWS_INT8; r++)
			sum[0][r] = sum[1][r] =
			    _mm512_set1_epi32(xq->undo[kernel_row_group(xq, row + r, g)]);
		for (; lines; lines--, x += 1024, w0 += 1024, w1 += 1024) {
			many_fetch(ahead);
			for (size_t k = 0; k < 64; k += 4) {
				__m512i a = _mm512_loadu_si512(w0 + k * 16);
				__m512i b = _mm512_loadu_si512(w1 + k * 16);
				for (size_t r = 0; r < ROWS_INT8; r++) {
					__m512i v = _mm512_set1_epi32(load_int32(x + r * 64 + k));
					dot4(&sum[0][r], a, v);
					if (TILES == 2)
						dot4(&sum[1][r], b, v);
				}
			}
		}
		for (size_t r = 0; r < ROWS_INT8; r++) {
			__m512 scale = _mm512_set1_ps(xq->scale[kernel_row_group(xq, row + r, g)]);
			for (size_t t = 0; t < TILES; t++)
				acc[t][r] = _mm512_add_ps(
				    acc[t][r], _mm512_mul_ps(_mm512_cvtepi32_ps(sum[t][r]), scale));
		}
	}
	for (size_t t = 0; t < TILES; t++) {
		struct store s = store_begin(p, tile + t);
		for (size_t r = 0; r < ROWS_INT8 && row + r < p->rows; r++)
			store_row(&s, row + r, acc[t][r]);
	}
}

/* A group of two tiles' int4 weights, as bytes q + 8 in the order of INT8's tiles, with their scales. */
struct many_unpacked {
	_Alignas(64) uint8_t tile[2][KERNEL_GROUP * 16];
	_Alignas(64) float scale[2][KERNEL_GROUP / 32][16];
};

static inline void many_unpack(const uint8_t *from, size_t blocks, struct many_unpacked *to,
			       size_t t)
{
	const __m512i low = _mm512_set1_epi8(15);
	uint8_t *tile = to->tile[t];
	for (size_t b = 0; b < blocks; b++, from += 288, tile += 512) {
		for (size_t i = 0; i < 256; i += 64) {
			__m512i pair = _mm512_loadu_si512(from + i);
			_mm512_store_si512(tile + i, _mm512_and_si512(pair, low));
			_mm512_store_si512(tile + 256 + i,
					   _mm512_and_si512(_mm512_srli_epi16(pair, 4), low));
		}
		_mm512_store_ps(to->scale[t][b],
				_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(from + 256))));
	}
}

/* Adds one group's part of two tiles by 4 rows to acc [4][32]. */
static inline void many_int4_group(const struct kernel_int8_rows *xq, size_t row, size_t group,
				   size_t blocks, const struct many_unpacked *w, float *acc)
{
	const int8_t *x = xq->q + kernel_row_place(xq, row, group * KERNEL_GROUP);
	const uint8_t *w0 = w->tile[0], *w1 = w->tile[1];
	const int32_t *undo = xq->sum32 + row * (xq->k_padded / 32) + group * (KERNEL_GROUP / 32);
	__m512 part[2][ROWS_INT4];
	for (size_t r = 0; r < ROWS_INT4; r++)
		part[0][r] = part[1][r] = _mm512_setzero_ps();
	for (size_t b = 0; b < blocks; b++, w0 += 512, w1 += 512) {
		const int8_t *at = x + b / 2 * 1024 + b % 2 * 32;
		__m512i sum[2][ROWS_INT4];
		for (size_t r = 0; r < ROWS_INT4; r++)
			sum[0][r] = sum[1][r] =
			    _mm512_set1_epi32(-8 * undo[r * (xq->k_padded / 32) + b]);
		for (size_t k = 0; k < 32; k += 4) {
			__m512i a = _mm512_load_si512(w0 + k * 16),
				c = _mm512_load_si512(w1 + k * 16);
			for (size_t r = 0; r < ROWS_INT4; r++) {
				__m512i v = _mm512_set1_epi32(load_int32(at + r * 64 + k));
				dot4(&sum[0][r], a, v);
				dot4(&sum[1][r], c, v);
			}
		}
		for (size_t t = 0; t < 2; t++) {
			__m512 scale = _mm512_load_ps(w->scale[t][b]);
			for (size_t r = 0; r < ROWS_INT4; r++)
				part[t][r] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[t][r]), scale,
							     part[t][r]);
		}
	}
	for (size_t r = 0; r < ROWS_INT4; r++, acc += 32) {
		__m512 scale = _mm512_set1_ps(xq->scale[kernel_row_group(xq, row + r, group)]);
		for (size_t t = 0; t < 2; t++)
			_mm512_store_ps(acc + 16 * t,
					_mm512_add_ps(_mm512_load_ps(acc + 16 * t),
						      _mm512_mul_ps(part[t][r], scale)));
	}
}

/* Two tiles (or one, twice) for the rows [first, end): group by group, so that what is unpacked serves all of them. */
static void many_int4(const struct kernel_product *p, size_t tile, size_t tiles, size_t first,
		      size_t end, struct many_ahead *ahead)
{
	const struct kernel_int8_rows *xq = p->xq;
	const uint8_t *w = (const uint8_t *)p->tiles + tile * p->tile_bytes;
	struct many_unpacked unpacked;
	_Alignas(64) float acc[ROWS_CHUNK * 32];

	memset(acc, 0, (end - first + ROWS_INT4 - 1) / ROWS_INT4 * ROWS_INT4 * 32 * sizeof(float));
	for (size_t g = 0; g < xq->groups; g++, w += KERNEL_GROUP / 32 * 288) {
		size_t left = xq->k_padded - g * KERNEL_GROUP;
		size_t blocks = (left < KERNEL_GROUP ? left : KERNEL_GROUP) / 32;
		many_unpack(w, blocks, &unpacked, 0);
		many_unpack(w + (tiles - 1) * p->tile_bytes, blocks, &unpacked, 1);
		for (size_t row = first; row < end; row += ROWS_INT4) {
			many_fetch(ahead);
			many_int4_group(xq, row, g, blocks, &unpacked, acc + (row - first) * 32);
		}
	}
	for (size_t t = 0; t < tiles; t++) {
		struct store s = store_begin(p, tile + t);
		for (size_t row = first; row < end; row++)
			store_row(&s, row, _mm512_load_ps(acc + (row - first) * 32 + 16 * t));
	}
}

static void many_rows(const struct kernel_product *p, size_t tile_begin, size_t tile_end)
{
	bool int4 = p->weights == KERNEL_INT4;
	size_t side = int4 ? ROWS_INT4 : ROWS_INT8;
	size_t steps = (p->rows + side - 1) / side * (int4 ? p->xq->groups : p->xq->k_padded / 64);
	for (size_t tile = tile_begin; tile < tile_end; tile += 2) {
		size_t tiles = tile_end - tile < 2 ? 1 : 2, chunk = int4 ? ROWS_CHUNK : ROWS_INT8;
		struct many_ahead ahead = many_ahead(p, tile, tiles, steps);
		for (size_t row = 0; row < p->rows; row += chunk) {
			size_t end = p->rows - row < chunk ? p->rows : row + chunk;
			if (int4)
				many_int4(p, tile, tiles, row, end, &ahead);
			else if (tiles == 2)
				many_int8(p, tile, row, &ahead, 2);
			else
				many_int8(p, tile, row, &ahead, 1);
		}
	}
}

#endif
