/* Convolution kernels for AVX-512, f32: 8 pixels by 32 channels in 16 registers. Pure functions, any
 * thread. Must stay true: called only where the CPU has AVX-512 F, BW, DQ and VL. */
#include "engine/kernels/conv_kernels.h"

#include <immintrin.h>

#define CONV512_ELEMENT            float
#define CONV512_ROUGH              0
#define CONV512_PIXELS             8
#define conv512_store(to, mask, x) _mm512_mask_storeu_ps((to), (mask), (x))

static inline __attribute__((always_inline)) void
conv512_products(const struct conv_panel *p, const float *in, __m512 (*acc)[2], int vectors)
{
	const float *w = p->weights;
	const size_t s = p->pixel_stride;
	for (int t = 0; t < p->taps; t++) {
		const float *a = in + p->tap[t];
		for (int c = 0; c < p->channels; c++, w += 16 * vectors) {
			__m512 w0 = _mm512_loadu_ps(w);
			__m512 w1 = vectors == 2 ? _mm512_loadu_ps(w + 16) : w0;
			for (int i = 0; i < CONV512_PIXELS; i++) {
				__m512 x = _mm512_set1_ps(a[(size_t)i * s + (size_t)c]);
				acc[i][0] = _mm512_fmadd_ps(x, w0, acc[i][0]);
				if (vectors == 2)
					acc[i][1] = _mm512_fmadd_ps(x, w1, acc[i][1]);
			}
		}
	}
}

#include "engine/kernels/conv_panel512.h"

const struct conv_kernels conv_kernels_avx512 = {
    .name = "avx512",
    .element_size = sizeof(float),
    .channel_multiple = 1,
    .stage = conv512_stage,
    .panel = conv512_panel,
    .moments = conv512_moments,
    .softmax = conv512_softmax,
};
