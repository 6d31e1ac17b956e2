/* Convolution kernels for AMX: bf16 inputs, f32 sums; 32 pixels by 32 channels in four tiles. Pure
 * functions, any thread. Must stay true: called only where the CPU has AMX-BF16, AVX-512 and
 * AVX-512-BF16 (engine_conv_kernels looks) and the kernel has granted the process the tile state
 * (kernels_best asks for it). */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define CONV512_ELEMENT uint16_t
#define CONV512_ROUGH   1
#define conv512_store(to, mask, x) \
	_mm256_mask_storeu_epi16((to), (mask), (__m256i)_mm512_cvtneps_pbh(x))
#include "engine/kernels/conv_rows512.h"

#define STEP 32 /* channels of one tile product */

struct conv_tile_config {
	uint8_t palette, start_row, reserved[14];
	uint16_t column_bytes[16];
	uint8_t rows[16];
};

/* gcc's tile instructions do not say that they read memory (the configuration's: only its first 8 bytes). What
 * they read must be written by then, so nothing may be kept back or dropped across this. */
#define CONV_AMX_WRITTEN() __asm__ volatile("" ::: "memory")

/* Tiles 0-3 sums, 4-5 pixels, 6-7 weights: all of 16 rows of 64 bytes. */
static void conv_amx_configure(void)
{
	struct conv_tile_config config __attribute__((aligned(64)));
	memset(&config, 0, sizeof(config));
	config.palette = 1;
	for (int i = 0; i < 8; i++) {
		config.column_bytes[i] = 64;
		config.rows[i] = 16;
	}
	__asm__ volatile("" : : "r"(&config) : "memory"); /* it escapes, so all of it is written */
	_tile_loadconfig(&config);
}

static void conv_amx_store(const struct conv_panel *p, const struct conv_tile *t,
			   const float (*sums)[16], int n)
{
	int left = p->valid - n;
	if (left <= 0)
		return;
	__mmask16 m = left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
	__m512 scale = _mm512_loadu_ps(p->scale + n), bias = _mm512_loadu_ps(p->bias + n);
	for (int i = 0; i < t->pixels; i++) {
		float *y = t->out + (size_t)i * p->out_stride + n;
		__m512 sum = _mm512_fmadd_ps(_mm512_load_ps(sums[i]), scale, bias);
		if (p->accumulate)
			sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(m, y));
		_mm512_mask_storeu_ps(y, m, sum);
	}
}

/* Steps of weights and pixels that are fetched ahead of the tile loads, which do not teach the processor to. */
#define AHEAD 2

static inline void conv_amx_ahead(const uint16_t *w, size_t tiles)
{
	for (size_t i = 0; i < tiles * 16 * STEP; i += 32)
		__builtin_prefetch(w + AHEAD * tiles * 16 * STEP + i);
}

/* Of 16 pixels, at channel c of tap t; after a tap's last channels come the next tap's first. */
static inline void conv_amx_ahead_pixels(const struct conv_panel *p, const struct conv_tile *tile,
					 int t, int c)
{
	c += AHEAD * STEP;
	if (c >= p->channels) {
		c -= p->channels;
		t++;
	}
	if (t >= p->taps)
		return;
	const uint16_t *a = (const uint16_t *)tile->in + p->tap[t] + c;
	for (size_t i = 0; i < 16; i++)
		__builtin_prefetch(a + i * p->pixel_stride);
}

/* The weights that stream through L1 push out the lines that the sums go to: call them back in time, or each
 * store waits for L2. */
static inline void conv_amx_fetch(const struct conv_panel *p, const struct conv_tile *t0,
				  const struct conv_tile *t1, float (*sums)[16])
{
	for (int i = 0; i < 16; i++) {
		const size_t at = (size_t)i * p->out_stride;
		__builtin_prefetch(sums[i], 1);
		if (i < t0->pixels) {
			__builtin_prefetch(t0->out + at, 1);
			__builtin_prefetch(t0->out + at + 16, 1);
		}
		if (i < t1->pixels) {
			__builtin_prefetch(t1->out + at, 1);
			__builtin_prefetch(t1->out + at + 16, 1);
		}
	}
}

/* Two tiles of pixels (the second may be the first again) by a panel of 32. */
static void conv_amx_pair32(const struct conv_panel *p, const struct conv_tile *t0,
			    const struct conv_tile *t1)
{
	const size_t stride = p->pixel_stride * sizeof(uint16_t);
	const uint16_t *w = p->weights;
	float sums[16][16] __attribute__((aligned(64)));
	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	for (int t = 0; t < p->taps; t++) {
		const uint16_t *a0 = (const uint16_t *)t0->in + p->tap[t];
		const uint16_t *a1 = (const uint16_t *)t1->in + p->tap[t];
		if (t == p->taps - 1)
			conv_amx_fetch(p, t0, t1, sums);
		for (int c = 0; c < p->channels; c += STEP, w += 2 * 16 * STEP) {
			_tile_loadd(6, w, 64);
			_tile_loadd(4, a0 + c, stride);
			_tile_dpbf16ps(0, 4, 6);
			_tile_loadd(7, w + 16 * STEP, 64);
			_tile_dpbf16ps(1, 4, 7);
			_tile_loadd(5, a1 + c, stride);
			_tile_dpbf16ps(2, 5, 6);
			_tile_dpbf16ps(3, 5, 7);
			conv_amx_ahead(w, 2);
			conv_amx_ahead_pixels(p, t0, t, c);
			conv_amx_ahead_pixels(p, t1, t, c);
		}
	}
	_tile_stored(0, sums, 64);
	conv_amx_store(p, t0, sums, 0);
	_tile_stored(1, sums, 64);
	conv_amx_store(p, t0, sums, 16);
	if (t1 == t0)
		return;
	_tile_stored(2, sums, 64);
	conv_amx_store(p, t1, sums, 0);
	_tile_stored(3, sums, 64);
	conv_amx_store(p, t1, sums, 16);
}

static void conv_amx_pair16(const struct conv_panel *p, const struct conv_tile *t0,
			    const struct conv_tile *t1)
{
	const size_t stride = p->pixel_stride * sizeof(uint16_t);
	const uint16_t *w = p->weights;
	_tile_zero(0);
	_tile_zero(2);
	for (int t = 0; t < p->taps; t++) {
		const uint16_t *a0 = (const uint16_t *)t0->in + p->tap[t];
		const uint16_t *a1 = (const uint16_t *)t1->in + p->tap[t];
		for (int c = 0; c < p->channels; c += STEP, w += 16 * STEP) {
			_tile_loadd(6, w, 64);
			_tile_loadd(4, a0 + c, stride);
			_tile_dpbf16ps(0, 4, 6);
			_tile_loadd(5, a1 + c, stride);
			_tile_dpbf16ps(2, 5, 6);
			conv_amx_ahead(w, 1);
			conv_amx_ahead_pixels(p, t0, t, c);
			conv_amx_ahead_pixels(p, t1, t, c);
		}
	}
	float sums[2][16][16] __attribute__((aligned(64)));
	_tile_stored(0, sums[0], 64);
	_tile_stored(2, sums[1], 64);
	conv_amx_store(p, t0, sums[0], 0);
	if (t1 != t0)
		conv_amx_store(p, t1, sums[1], 0);
}

static void conv_amx_panel(const struct conv_panel *p, const struct conv_tile *tiles, int count)
{
	conv_amx_configure();
	CONV_AMX_WRITTEN(); /* pixels and weights */
	for (int i = 0; i < count; i += 2) {
		const struct conv_tile *t0 = &tiles[i], *t1 = i + 1 < count ? t0 + 1 : t0;
		if (p->width == CONV_PANEL_WIDTH)
			conv_amx_pair32(p, t0, t1);
		else
			conv_amx_pair16(p, t0, t1);
	}
	_tile_release();
}

const struct conv_kernels conv_kernels_amx = {
    .name = "amx",
    .element_size = sizeof(uint16_t),
    .channel_multiple = STEP,
    .stage = conv512_stage,
    .panel = conv_amx_panel,
    .moments = conv512_moments,
    .softmax = conv512_softmax,
};
