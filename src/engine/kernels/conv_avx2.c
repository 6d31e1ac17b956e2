/* Convolution kernels for AVX2 and FMA: 4 pixels by 16 channels in 8 registers. Pure functions, any
 * thread. Must stay true: called only where the CPU has AVX2 and FMA. */
#define CONV_ELEMENT       float
#define conv_element_of(x) (x)
#include "engine/kernels/conv_rows.h"

#include <immintrin.h>

#define PIXELS 4

/* 16 channels of PIXELS pixels, starting at channel n of the panel. */
static inline void conv_avx2_block(const struct conv_panel *p, const float *in, int n,
				   float sums[PIXELS][16])
{
	__m256 acc[PIXELS][2];
	for (int i = 0; i < PIXELS; i++)
		acc[i][0] = acc[i][1] = _mm256_setzero_ps();
	const float *w = (const float *)p->weights + n;
	const size_t s = p->pixel_stride, width = (size_t)p->width;
	for (int t = 0; t < p->taps; t++) {
		const float *a = in + p->tap[t];
		for (int c = 0; c < p->channels; c++, w += width) {
			__m256 w0 = _mm256_loadu_ps(w), w1 = _mm256_loadu_ps(w + 8);
			for (int i = 0; i < PIXELS; i++) {
				__m256 x = _mm256_broadcast_ss(a + (size_t)i * s + c);
				acc[i][0] = _mm256_fmadd_ps(x, w0, acc[i][0]);
				acc[i][1] = _mm256_fmadd_ps(x, w1, acc[i][1]);
			}
		}
	}
	__m256 k0 = _mm256_loadu_ps(p->scale + n), k1 = _mm256_loadu_ps(p->scale + n + 8);
	__m256 b0 = _mm256_loadu_ps(p->bias + n), b1 = _mm256_loadu_ps(p->bias + n + 8);
	for (int i = 0; i < PIXELS; i++) {
		_mm256_storeu_ps(sums[i], _mm256_fmadd_ps(acc[i][0], k0, b0));
		_mm256_storeu_ps(sums[i] + 8, _mm256_fmadd_ps(acc[i][1], k1, b1));
	}
}

static void conv_avx2_store(const struct conv_panel *p, float *out, int n, int pixels,
			    float sums[PIXELS][16])
{
	int valid = p->valid - n < 16 ? p->valid - n : 16;
	for (int i = 0; i < pixels; i++) {
		float *y = out + (size_t)i * p->out_stride + n;
		if (p->accumulate) {
			for (int c = 0; c < valid; c++)
				y[c] += sums[i][c];
		} else {
			memcpy(y, sums[i], (size_t)valid * sizeof(float));
		}
	}
}

static void conv_avx2_panel(const struct conv_panel *p, const struct conv_tile *tiles, int count)
{
	float sums[PIXELS][16];
	for (int i = 0; i < count; i++) {
		const struct conv_tile *t = &tiles[i];
		for (int x = 0; x < t->pixels; x += PIXELS) {
			const float *in = (const float *)t->in + (size_t)x * p->pixel_stride;
			int pixels = t->pixels - x < PIXELS ? t->pixels - x : PIXELS;
			for (int n = 0; n < p->valid; n += 16) {
				conv_avx2_block(p, in, n, sums);
				conv_avx2_store(p, t->out + (size_t)x * p->out_stride, n, pixels,
						sums);
			}
		}
	}
}

const struct conv_kernels conv_kernels_avx2 = {
    .name = "avx2",
    .element_size = sizeof(float),
    .channel_multiple = 1,
    .stage = conv_rows_stage,
    .panel = conv_avx2_panel,
    .moments = conv_rows_moments,
    .softmax = conv_rows_softmax,
};
