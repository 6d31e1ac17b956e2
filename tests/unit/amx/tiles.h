/* AMX's tile instructions done by ordinary code, so that what is written for AMX is tested on every machine with AVX-512:
 * its sources are compiled with this header in front of them (-include). As Intel's manual says (Software Developer's
 * Manual, volume 2, TILELOADD and others): tiles of up to 16 rows of 64 bytes, shapes from the configuration, what a
 * load does not fill is zero. Where the processor would fault, this ends the program; loads and stores are ordinary
 * ones, so the sanitizers see each of them. */
#ifndef MADANG_TESTS_AMX_TILES_H
#define MADANG_TESTS_AMX_TILES_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct amx_tile {
	_Alignas(64) uint8_t data[16][64];
	int rows, bytes;
};

static _Thread_local struct amx_tiles {
	struct amx_tile tile[8];
	int configured;
} amx;

static inline void amx_demand(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "AMX would fault: %s\n", what);
	abort();
}

static inline struct amx_tile *amx_tile(int i)
{
	amx_demand(amx.configured, "tiles are not configured");
	amx_demand(amx.tile[i].rows > 0 && amx.tile[i].bytes > 0, "a tile without a shape");
	return &amx.tile[i];
}

static inline void amx_configure(const void *config)
{
	const uint8_t *c = config;
	amx_demand(c[0] == 1, "the palette is not 1");
	memset(&amx, 0, sizeof(amx));
	for (int i = 0; i < 8; i++) {
		uint16_t bytes;
		memcpy(&bytes, c + 16 + 2 * i, sizeof(bytes));
		amx_demand(bytes <= 64 && c[48 + i] <= 16, "a tile's shape is too large");
		amx.tile[i].bytes = bytes;
		amx.tile[i].rows = c[48 + i];
	}
	amx.configured = 1;
}

static inline void amx_release(void)
{
	memset(&amx, 0, sizeof(amx));
}

static inline void amx_zero(int to)
{
	struct amx_tile *t = amx_tile(to);
	memset(t->data, 0, sizeof(t->data));
}

static inline void amx_load(int to, const void *from, size_t stride)
{
	struct amx_tile *t = amx_tile(to);
	memset(t->data, 0, sizeof(t->data));
	for (int r = 0; r < t->rows; r++)
		memcpy(t->data[r], (const uint8_t *)from + (size_t)r * stride, (size_t)t->bytes);
}

static inline void amx_store(int from, void *to, size_t stride)
{
	const struct amx_tile *t = amx_tile(from);
	for (int r = 0; r < t->rows; r++)
		memcpy((uint8_t *)to + (size_t)r * stride, t->data[r], (size_t)t->bytes);
}

static inline void amx_demand_product(const struct amx_tile *c, const struct amx_tile *a,
				      const struct amx_tile *b)
{
	amx_demand(c != a && c != b && a != b, "a product's tiles are not three");
	amx_demand(a->bytes % 4 == 0 && c->bytes % 4 == 0, "a product's row is not whole numbers");
	amx_demand(c->rows == a->rows && b->rows == a->bytes / 4 && c->bytes == b->bytes,
		   "a product's shapes do not match");
}

/* Byte i of each of 16 numbers. */
static inline __m512i amx_byte(__m512i x, unsigned i, int is_signed)
{
	x = _mm512_slli_epi32(x, 24 - 8 * i);
	return is_signed ? _mm512_srai_epi32(x, 24) : _mm512_srli_epi32(x, 24);
}

/* c += a b, bytes of a and b with a sign or without */
static inline void amx_bytes(int to, int left, int right, int left_signed, int right_signed)
{
	struct amx_tile *c = amx_tile(to), *a = amx_tile(left), *b = amx_tile(right);
	amx_demand_product(c, a, b);
	for (int m = 0; m < c->rows; m++) {
		__m512i sum = _mm512_load_si512(c->data[m]);
		for (int k = 0; k < a->bytes; k++) {
			const int x = left_signed ? (int8_t)a->data[m][k] : a->data[m][k];
			const __m512i y = _mm512_load_si512(b->data[k / 4]);
			sum = _mm512_add_epi32(
			    sum, _mm512_mullo_epi32(_mm512_set1_epi32(x),
						    amx_byte(y, k % 4, right_signed)));
		}
		_mm512_store_si512(c->data[m], sum);
	}
}

/* Number i of each of 16 pairs of bf16. */
static inline __m512 amx_half(__m512i x, int i)
{
	return _mm512_castsi512_ps(i == 0 ? _mm512_slli_epi32(x, 16)
					  : _mm512_and_si512(x, _mm512_set1_epi32(-65536)));
}

/* c += a b of bf16: sums of even and of odd k, then both. (Numbers below the normal range are not flushed.) */
static inline void amx_halves(int to, int left, int right)
{
	struct amx_tile *c = amx_tile(to), *a = amx_tile(left), *b = amx_tile(right);
	amx_demand_product(c, a, b);
	for (int m = 0; m < c->rows; m++) {
		__m512 sum[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
		for (int k = 0; k < a->bytes / 4; k++) {
			int32_t pair;
			memcpy(&pair, &a->data[m][4 * k], sizeof(pair));
			const __m512i x = _mm512_set1_epi32(pair),
				      y = _mm512_load_si512(b->data[k]);
			for (int i = 0; i < 2; i++)
				sum[i] = _mm512_fmadd_ps(amx_half(x, i), amx_half(y, i), sum[i]);
		}
		_mm512_store_ps(c->data[m], _mm512_add_ps(_mm512_load_ps(c->data[m]),
							  _mm512_add_ps(sum[0], sum[1])));
	}
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbssd
#undef _tile_dpbsud
#undef _tile_dpbusd
#undef _tile_dpbuud
#undef _tile_dpbf16ps
#define _tile_loadconfig(config)       amx_configure(config)
#define _tile_release()                amx_release()
#define _tile_zero(to)                 amx_zero(to)
#define _tile_loadd(to, from, stride)  amx_load(to, from, stride)
#define _tile_stored(from, to, stride) amx_store(from, to, stride)
#define _tile_dpbssd(to, a, b)         amx_bytes(to, a, b, 1, 1)
#define _tile_dpbsud(to, a, b)         amx_bytes(to, a, b, 1, 0)
#define _tile_dpbusd(to, a, b)         amx_bytes(to, a, b, 0, 1)
#define _tile_dpbuud(to, a, b)         amx_bytes(to, a, b, 0, 0)
#define _tile_dpbf16ps(to, a, b)       amx_halves(to, a, b)

#endif
