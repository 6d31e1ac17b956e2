/* Convolution kernels for AVX-512 with bf16 dot products, without AMX: bf16 inputs, f32 sums; 8 pixels by 32 channels
 * in 16 registers. The weights are packed as AMX's are: a line of 16 outputs by a pair of channels is one operand.
 * Pure functions, any thread. Must stay true: called only where the CPU has AVX-512 F, BW, DQ, VL and BF16
 * (engine_conv_kernels looks). */
#include "engine/kernels/conv_kernels.h"

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define CONV512_ELEMENT uint16_t
#define CONV512_ROUGH   1
#define CONV512_PIXELS  8
#define conv512_store(to, mask, x) \
	_mm256_mask_storeu_epi16((to), (mask), (__m256i)_mm512_cvtneps_pbh(x))

#define STEP 32 /* channels of one tile of weights */

static inline __attribute__((always_inline)) void
conv512_products(const struct conv_panel *p, const uint16_t *in, __m512 (*acc)[2], int vectors)
{
	const uint16_t *w = p->weights;
	const size_t s = p->pixel_stride;
	for (int t = 0; t < p->taps; t++) {
		const uint16_t *a = in + p->tap[t];
		for (int pair = 0; pair < p->channels / 2; pair++, w += 32) {
			/* `vectors` tiles of weights of STEP channels lie one after the other */
			if (pair > 0 && pair % (STEP / 2) == 0)
				w += (vectors - 1) * 16 * STEP;
			__m512bh w0 = (__m512bh)_mm512_loadu_si512(w);
			__m512bh w1 =
			    vectors == 2 ? (__m512bh)_mm512_loadu_si512(w + 16 * STEP) : w0;
			for (int i = 0; i < CONV512_PIXELS; i++) {
				int32_t two;
				memcpy(&two, a + (size_t)i * s + 2 * pair, sizeof(two));
				__m512bh x = (__m512bh)_mm512_set1_epi32(two);
				acc[i][0] = _mm512_dpbf16_ps(acc[i][0], w0, x);
				if (vectors == 2)
					acc[i][1] = _mm512_dpbf16_ps(acc[i][1], w1, x);
			}
		}
		w += (vectors - 1) * 16 * STEP;
	}
}

#include "engine/kernels/conv_panel512.h"

const struct conv_kernels conv_kernels_bf16 = {
    .name = "avx512-bf16",
    .element_size = sizeof(uint16_t),
    .channel_multiple = STEP,
    .stage = conv512_stage,
    .panel = conv512_panel,
    .moments = conv512_moments,
    .softmax = conv512_softmax,
};
