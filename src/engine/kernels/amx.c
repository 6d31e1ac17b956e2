/* AMX: products of many rows with int8 weights, 32 rows x 32 outputs at a time. The packed weights are AMX's own
 * B tiles (64 k x 16 outputs a kilobyte), so they serve both decoding (VNNI) and this. Sums are integers and
 * scaled group by group as everywhere: the same bits as the oracle's. All else is AVX-512's.
 *
 * Needs the process's permission (kernels.c asks). Tile state is set and released in every call, so that no
 * thread carries it through a context switch without need. Any thread. */
#include "engine/kernels/impl.h"

#include <immintrin.h>

/* Below this, streaming the weights takes as long as the arithmetic and VNNI needs no set-up. */
#define ROWS_MIN 12
#define SIDE     32  /* rows and outputs of a block: two tiles each way */
#define CHUNK    128 /* rows whose sums are kept at a time */

struct tile_config {
	uint8_t palette, start_row;
	uint8_t reserved[14];
	uint16_t column_bytes[16];
	uint8_t rows[16];
};

static void configure(void)
{
	struct tile_config config = {.palette = 1};
	for (int i = 0; i < 8; i++) {
		config.column_bytes[i] = 64;
		config.rows[i] = 16;
	}
	/* gcc's tile instructions do not say what they read (of the configuration: 8 bytes). It, the rows and the
	 * weights must be in memory by now. */
	__asm__ volatile("" : : "r"(&config) : "memory");
	_tile_loadconfig(&config);
}

/* Sums of a block and a group, not yet scaled. */
struct waiting {
	const int32_t *sums; /* [SIDE][SIDE] */
	float *acc;          /* [SIDE][SIDE] */
	const float *scale;  /* of row r and the group: scale[r * groups] */
	size_t groups, rows, done;
};

/* The next rows of it. */
static inline void scale_rows(struct waiting *w, size_t count)
{
	size_t end = w->done + count < w->rows ? w->done + count : w->rows;
	for (size_t r = w->done; r < end; r++) {
		__m512 scale = _mm512_set1_ps(w->scale[r * w->groups]);
		for (size_t h = 0; h < SIDE; h += 16) {
			__m512 v = _mm512_cvtepi32_ps(_mm512_load_si512(w->sums + r * SIDE + h));
			float *acc = w->acc + r * SIDE + h;
			_mm512_store_ps(
			    acc, _mm512_add_ps(_mm512_load_ps(acc), _mm512_mul_ps(v, scale)));
		}
	}
	w->done = end;
}

/* The weights of the next group, which come from memory while this one is computed with: a few lines at a time,
 * since a core has few buffers for what is under way. */
struct fetching {
	const uint8_t *at[2]; /* one for each tile of outputs */
	size_t next, end;     /* bytes */
	size_t each;          /* at a time */
};

/* A group's weights of two tiles as signed numbers (they are kept as q + 128): no sums have to be undone. */
static inline void sign(const uint8_t *from, size_t bytes, int8_t *to)
{
	const __m512i flip = _mm512_set1_epi8(-128);
	for (size_t i = 0; i < bytes; i += 64)
		_mm512_store_si512(to + i, _mm512_xor_si512(_mm512_loadu_si512(from + i), flip));
}

static inline void fetch_some(struct fetching *f)
{
	size_t end = f->next + f->each < f->end ? f->next + f->each : f->end;
	for (; f->next < end; f->next += 64) {
		_mm_prefetch((const char *)f->at[0] + f->next, _MM_HINT_T1);
		_mm_prefetch((const char *)f->at[1] + f->next, _MM_HINT_T1);
	}
}

/* One group of a block into `sums`, while the block before is scaled: the tile unit and the vector units work
 * side by side. Tiles 0-3: sums [row half][output half]; 4, 5: rows of x; 6, 7: weights. */
static inline void block_sums(const int8_t *w0, const int8_t *w1, const int8_t *x, size_t stride,
			      size_t k_end, int32_t *sums, struct waiting *before,
			      struct fetching *ahead)
{
	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	for (size_t k = 0; k < k_end; k += 64) {
		_tile_loadd(4, x + k, stride);
		_tile_loadd(6, w0 + k * 16, 64);
		_tile_dpbssd(0, 4, 6);
		_tile_loadd(7, w1 + k * 16, 64);
		_tile_dpbssd(1, 4, 7);
		_tile_loadd(5, x + 16 * stride + k, stride);
		_tile_dpbssd(2, 5, 6);
		_tile_dpbssd(3, 5, 7);

		fetch_some(ahead);
		scale_rows(before, SIDE * 64 / KERNEL_GROUP);
	}
	scale_rows(before, SIDE); /* what a short group has left */
	_tile_stored(0, sums, SIDE * 4);
	_tile_stored(1, sums + 16, SIDE * 4);
	_tile_stored(2, sums + 16 * SIDE, SIDE * 4);
	_tile_stored(3, sums + 16 * SIDE + 16, SIDE * 4);
}

static void store(const struct kernel_product *p, size_t output, size_t row, const float *acc)
{
	size_t left = p->outputs - output;
	__mmask16 mask = left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
	__m512 scale = _mm512_loadu_ps(p->scale + output);
	__m512 bias = p->bias ? _mm512_loadu_ps(p->bias + output) : _mm512_setzero_ps();
	for (size_t r = 0; r < SIDE && row + r < p->rows; r++) {
		float *y = p->y + (row + r) * p->y_stride + output;
		__m512 v = _mm512_mul_ps(_mm512_load_ps(acc + r * SIDE), scale);
		if (p->bias)
			v = _mm512_add_ps(v, bias);
		if (p->add)
			v = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, y), v);
		_mm512_mask_storeu_ps(y, mask, v);
	}
}

/* Two tiles of outputs for up to CHUNK rows, group by group, so that a group's weights serve all rows from the
 * first-level cache. Where there is no second tile, the first is computed twice and stored once. */
static void chunk(const struct kernel_product *p, size_t tile, bool two, size_t first)
{
	const struct kernel_int8_rows *xq = p->xq;
	const uint8_t *w0 = (const uint8_t *)p->tiles + tile * p->tile_bytes;
	const uint8_t *w1 = two ? w0 + p->tile_bytes : w0;
	size_t end = first + CHUNK < p->rows ? first + CHUNK : p->rows, turn = 0;
	_Alignas(64) int32_t sums[2][SIDE * SIDE];
	_Alignas(64) float acc[CHUNK * SIDE] = {0};
	_Alignas(64) int8_t signed0[KERNEL_GROUP * 16], signed1[KERNEL_GROUP * 16];
	struct waiting before = {0};

	for (size_t g = 0; g < xq->groups; g++) {
		size_t k_begin = g * KERNEL_GROUP, k_end = k_begin + KERNEL_GROUP;
		if (k_end > xq->k_padded)
			k_end = xq->k_padded;
		sign(w0 + k_begin * 16, (k_end - k_begin) * 16, signed0);
		sign(w1 + k_begin * 16, (k_end - k_begin) * 16, signed1);
		__asm__ volatile(""
				 :
				 : "r"(signed0), "r"(signed1)
				 : "memory"); /* see configure() */
		/* the next group, or the first one of the tiles after these */
		size_t to = g + 1 < xq->groups ? k_end * 16 : 2 * p->tile_bytes;
		struct fetching ahead = {
		    .at = {w0 + to, w1 + to},
		    .end = KERNEL_GROUP * 16,
		    .each = KERNEL_GROUP * 16 * SIDE / (end - first) / 4 / 64 * 64 + 64};
		for (size_t row = first; row < end; row += SIDE, turn = !turn) {
			block_sums(signed0, signed1, xq->q + row * xq->k_padded + k_begin,
				   xq->k_padded, k_end - k_begin, sums[turn], &before, &ahead);
			before = (struct waiting){.sums = sums[turn],
						  .acc = acc + (row - first) * SIDE,
						  .scale = xq->scale + row * xq->groups + g,
						  .groups = xq->groups,
						  .rows = end - row < SIDE ? end - row : SIDE};
		}
	}
	scale_rows(&before, SIDE);
	for (size_t row = first; row < end; row += SIDE) {
		store(p, tile * KERNEL_TILE_ROWS, row, acc + (row - first) * SIDE);
		if (two)
			store(p, (tile + 1) * KERNEL_TILE_ROWS, row,
			      acc + (row - first) * SIDE + 16);
	}
}

static void amx_product(const struct kernel_product *p, size_t tile_begin, size_t tile_end)
{
	if (p->weights != KERNEL_INT8 || p->rows < ROWS_MIN) {
		kernels_avx512_product(p, tile_begin, tile_end);
		return;
	}
	configure();
	for (size_t tile = tile_begin; tile < tile_end; tile += 2)
		for (size_t row = 0; row < p->rows; row += CHUNK)
			chunk(p, tile, tile + 1 < tile_end, row);
	_tile_release();
}

static double busy(size_t rounds)
{
	configure();
	_tile_zero(4);
	_tile_zero(5);
	_tile_zero(6);
	_tile_zero(7);
	for (size_t i = 0; i < rounds; i++) {
		_tile_dpbsud(0, 4, 6);
		_tile_dpbsud(1, 4, 7);
		_tile_dpbsud(2, 5, 6);
		_tile_dpbsud(3, 5, 7);
	}
	_tile_release();
	return (double)rounds * 4 * 2 * 16 * 16 * 64;
}

const struct kernels kernels_amx = {
    .level = KERNEL_AMX,
    .name = "amx",
    .product = amx_product,
    .busy = busy,
    .quantize = kernels_avx512_quantize,
    .rms_norm = kernels_avx512_rms_norm,
    .swiglu = kernels_avx512_swiglu,
    .gelu = kernels_avx512_gelu,
    .gelu_tanh = kernels_avx512_gelu_tanh,
    .silu = kernels_avx512_silu,
    .rotate_half = kernels_avx512_rotate_half,
    .cache_put = kernels_avx512_cache_put,
    .attend = kernels_avx512_attend,
};
