/* Convolution kernels for AVX-512 with bf16 dot products, without AMX: bf16 inputs, f32 sums; 8 pixels by 32 channels
 * in 16 registers. The weights are packed as AMX's are: a line of 16 outputs by a pair of channels is one operand.
 * Pure functions, any thread. Must stay true: called only where the CPU has AVX-512 F, BW, DQ, VL and BF16
 * (engine_conv_kernels looks). */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define CONV512_ELEMENT uint16_t
#define CONV512_ROUGH   1
#define conv512_store(to, mask, x) \
	_mm256_mask_storeu_epi16((to), (mask), (__m256i)_mm512_cvtneps_pbh(x))
#include "engine/kernels/conv_rows512.h"

#define PIXELS 8
#define STEP   32 /* channels of one tile of weights */

static inline __attribute__((always_inline)) void
conv_bf16_block(const struct conv_panel *p, const uint16_t *in, float *out, int pixels, int vectors)
{
	__m512 acc[PIXELS][2];
	const uint16_t *w = p->weights;
	const size_t s = p->pixel_stride;
	for (int i = 0; i < PIXELS; i++)
		acc[i][0] = acc[i][1] = _mm512_setzero_ps();
	for (int t = 0; t < p->taps; t++) {
		const uint16_t *a = in + p->tap[t];
		for (int pair = 0; pair < p->channels / 2; pair++, w += 32) {
			/* `vectors` tiles of weights of STEP channels lie one after the other */
			if (pair > 0 && pair % (STEP / 2) == 0)
				w += (vectors - 1) * 16 * STEP;
			__m512bh w0 = (__m512bh)_mm512_loadu_si512(w);
			__m512bh w1 =
			    vectors == 2 ? (__m512bh)_mm512_loadu_si512(w + 16 * STEP) : w0;
			for (int i = 0; i < PIXELS; i++) {
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
	__m512 done[PIXELS][2]; /* what is asked for by a number not known here lies in memory */
	for (int i = 0; i < PIXELS; i++) {
		done[i][0] = acc[i][0];
		done[i][1] = acc[i][1];
	}
	for (int v = 0; v < vectors; v++) {
		const __mmask16 m =
		    p->valid > 16 * v ? conv512_mask(p->valid - 16 * v) : (__mmask16)0;
		__m512 scale = _mm512_loadu_ps(p->scale + 16 * v);
		__m512 bias = _mm512_loadu_ps(p->bias + 16 * v);
		for (int i = 0; i < PIXELS; i++) {
			if (i >= pixels)
				break;
			float *y = out + (size_t)i * p->out_stride + 16 * v;
			__m512 sum = _mm512_fmadd_ps(done[i][v], scale, bias);
			if (p->accumulate)
				sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(m, y));
			_mm512_mask_storeu_ps(y, m, sum);
		}
	}
}

static void conv_bf16_panel(const struct conv_panel *p, const struct conv_tile *tiles, int count)
{
	for (int i = 0; i < count; i++) {
		const struct conv_tile *t = &tiles[i];
		for (int x = 0; x < t->pixels; x += PIXELS) {
			const uint16_t *in = (const uint16_t *)t->in + (size_t)x * p->pixel_stride;
			float *out = t->out + (size_t)x * p->out_stride;
			int pixels = t->pixels - x < PIXELS ? t->pixels - x : PIXELS;
			if (p->width == CONV_PANEL_WIDTH)
				conv_bf16_block(p, in, out, pixels, 2);
			else
				conv_bf16_block(p, in, out, pixels, 1);
		}
	}
}

const struct conv_kernels conv_kernels_bf16 = {
    .name = "avx512-bf16",
    .element_size = sizeof(uint16_t),
    .channel_multiple = STEP,
    .stage = conv512_stage,
    .panel = conv_bf16_panel,
    .moments = conv512_moments,
    .softmax = conv512_softmax,
};
