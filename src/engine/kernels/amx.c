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
#define SIDE     32 /* rows and outputs of a block: two tiles each way */

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

/* Tiles 0-3: sums [row half][output half]; 4, 5: rows of x; 6, 7: weights. */
static void block_sums(const struct kernel_product *p, const uint8_t *w0, const uint8_t *w1,
		       const int8_t *x, size_t k_begin, size_t k_end, int32_t *sums)
{
	size_t stride = p->xq->k_padded;
	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	for (size_t k = k_begin; k < k_end; k += 64) {
		_tile_loadd(4, x + k, stride);
		_tile_loadd(6, w0 + k * 16, 64);
		_tile_dpbsud(0, 4, 6);
		_tile_loadd(7, w1 + k * 16, 64);
		_tile_dpbsud(1, 4, 7);
		_tile_loadd(5, x + 16 * stride + k, stride);
		_tile_dpbsud(2, 5, 6);
		_tile_dpbsud(3, 5, 7);
	}
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

/* Where there is no second tile of outputs, the first is computed twice and stored once. */
static void block(const struct kernel_product *p, size_t tile, bool two, size_t row)
{
	const struct kernel_int8_rows *xq = p->xq;
	const uint8_t *w0 = (const uint8_t *)p->tiles + tile * p->tile_bytes;
	const uint8_t *w1 = two ? w0 + p->tile_bytes : w0;
	_Alignas(64) int32_t sums[SIDE * SIDE];
	_Alignas(64) float acc[SIDE * SIDE] = {0};

	for (size_t g = 0; g < xq->groups; g++) {
		size_t end = (g + 1) * KERNEL_GROUP;
		if (end > xq->k_padded)
			end = xq->k_padded;
		block_sums(p, w0, w1, xq->q + row * xq->k_padded, g * KERNEL_GROUP, end, sums);
		for (size_t r = 0; r < SIDE && row + r < p->rows; r++) {
			size_t at = (row + r) * xq->groups + g;
			__m512 scale = _mm512_set1_ps(xq->scale[at]);
			__m512i undo = _mm512_set1_epi32(-128 * xq->sum[at]);
			for (size_t h = 0; h < SIDE; h += 16) {
				__m512i s = _mm512_load_si512(sums + r * SIDE + h);
				__m512 v = _mm512_cvtepi32_ps(_mm512_add_epi32(s, undo));
				__m512 old =
				    g ? _mm512_load_ps(acc + r * SIDE + h) : _mm512_setzero_ps();
				_mm512_store_ps(acc + r * SIDE + h,
						_mm512_add_ps(old, _mm512_mul_ps(v, scale)));
			}
		}
	}
	store(p, tile * KERNEL_TILE_ROWS, row, acc);
	if (two)
		store(p, (tile + 1) * KERNEL_TILE_ROWS, row, acc + 16);
}

static void amx_product(const struct kernel_product *p, size_t tile_begin, size_t tile_end)
{
	if (p->weights != KERNEL_INT8 || p->rows < ROWS_MIN) {
		kernels_avx512_product(p, tile_begin, tile_end);
		return;
	}
	configure();
	for (size_t tile = tile_begin; tile < tile_end; tile += 2)
		for (size_t row = 0; row < p->rows; row += SIDE)
			block(p, tile, tile + 1 < tile_end, row);
	_tile_release();
}

const struct kernels kernels_amx = {
    .level = KERNEL_AMX,
    .name = "amx",
    .product = amx_product,
    .quantize = kernels_avx512_quantize,
    .rms_norm = kernels_avx512_rms_norm,
    .swiglu = kernels_avx512_swiglu,
    .gelu = kernels_avx512_gelu,
    .gelu_tanh = kernels_avx512_gelu_tanh,
    .silu = kernels_avx512_silu,
    .cache_put = kernels_avx512_cache_put,
    .attend = kernels_avx512_attend,
};
