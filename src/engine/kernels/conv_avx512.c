/* Convolution kernels for AVX-512, f32: 8 pixels by 32 channels in 16 registers. Pure functions, any
 * thread. Must stay true: called only where the CPU has AVX-512 F, BW, DQ and VL. */
#include <immintrin.h>

#define CONV512_ELEMENT            float
#define CONV512_ROUGH              0
#define conv512_store(to, mask, x) _mm512_mask_storeu_ps((to), (mask), (x))
#include "engine/kernels/conv_rows512.h"

#define PIXELS 8

static inline __attribute__((always_inline)) void
conv_avx512_block(const struct conv_panel *p, const float *in, float *out, int pixels, int vectors)
{
	__m512 acc[PIXELS][2];
	for (int i = 0; i < PIXELS; i++)
		acc[i][0] = acc[i][1] = _mm512_setzero_ps();
	const float *w = p->weights;
	const size_t s = p->pixel_stride;
	for (int t = 0; t < p->taps; t++) {
		const float *a = in + p->tap[t];
		for (int c = 0; c < p->channels; c++, w += 16 * vectors) {
			__m512 w0 = _mm512_loadu_ps(w);
			__m512 w1 = vectors == 2 ? _mm512_loadu_ps(w + 16) : w0;
			for (int i = 0; i < PIXELS; i++) {
				__m512 x = _mm512_set1_ps(a[(size_t)i * s + (size_t)c]);
				acc[i][0] = _mm512_fmadd_ps(x, w0, acc[i][0]);
				if (vectors == 2)
					acc[i][1] = _mm512_fmadd_ps(x, w1, acc[i][1]);
			}
		}
	}
	for (int v = 0; v < vectors; v++) {
		int left = p->valid - 16 * v;
		__mmask16 m = left >= 16 ? 0xffff : left <= 0 ? 0 : (__mmask16)((1u << left) - 1);
		__m512 scale = _mm512_loadu_ps(p->scale + 16 * v);
		__m512 bias = _mm512_loadu_ps(p->bias + 16 * v);
		for (int i = 0; i < PIXELS; i++) {
			if (i >= pixels)
				break;
			float *y = out + (size_t)i * p->out_stride + 16 * v;
			__m512 sum = _mm512_fmadd_ps(acc[i][v], scale, bias);
			if (p->accumulate)
				sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(m, y));
			_mm512_mask_storeu_ps(y, m, sum);
		}
	}
}

static void conv_avx512_panel(const struct conv_panel *p, const struct conv_tile *tiles, int count)
{
	for (int i = 0; i < count; i++) {
		const struct conv_tile *t = &tiles[i];
		for (int x = 0; x < t->pixels; x += PIXELS) {
			const float *in = (const float *)t->in + (size_t)x * p->pixel_stride;
			float *out = t->out + (size_t)x * p->out_stride;
			int pixels = t->pixels - x < PIXELS ? t->pixels - x : PIXELS;
			if (p->width == CONV_PANEL_WIDTH)
				conv_avx512_block(p, in, out, pixels, 2);
			else
				conv_avx512_block(p, in, out, pixels, 1);
		}
	}
}

const struct conv_kernels conv_kernels_avx512 = {
    .name = "avx512",
    .element_size = sizeof(float),
    .channel_multiple = 1,
    .stage = conv512_stage,
    .panel = conv_avx512_panel,
    .moments = conv512_moments,
    .softmax = conv512_softmax,
};
