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

/* sum += the products of 16 pairs. By hand, since gcc 12 copies every sum of a loop to other registers and back
 * around its own intrinsic. */
static inline void conv_bf16_dot(__m512 *sum, __m512i w, __m512i x)
{
	__asm__("vdpbf16ps %2, %1, %0" : "+v"(*sum) : "v"(w), "v"(x));
}

/* The next STEP channels; `vectors` tiles of weights lie one after the other. */
static inline __attribute__((always_inline)) void conv_bf16_step(const uint16_t *in,
								 size_t pixel_stride,
								 const uint16_t *w, int vectors,
								 __m512 (*acc)[2])
{
	for (int pair = 0; pair < STEP / 2; pair++) {
		__m512i w0 = _mm512_loadu_si512(w + pair * 32);
		__m512i w1 = vectors == 2 ? _mm512_loadu_si512(w + 16 * STEP + pair * 32) : w0;
		for (int i = 0; i < PIXELS; i++) {
			int32_t two;
			memcpy(&two, in + (size_t)i * pixel_stride + 2 * pair, sizeof(two));
			__m512i x = _mm512_set1_epi32(two);
			conv_bf16_dot(&acc[i][0], w0, x);
			if (vectors == 2)
				conv_bf16_dot(&acc[i][1], w1, x);
		}
	}
}

static inline __attribute__((always_inline)) void
conv_bf16_block(const struct conv_panel *p, const uint16_t *in, float *out, int pixels, int vectors)
{
	__m512 acc[PIXELS][2];
	const uint16_t *w = p->weights;
	for (int i = 0; i < PIXELS; i++)
		acc[i][0] = acc[i][1] = _mm512_setzero_ps();
	for (int t = 0; t < p->taps; t++) {
		const uint16_t *a = in + p->tap[t];
		for (int c = 0; c < p->channels; c += STEP, w += vectors * 16 * STEP)
			conv_bf16_step(a + c, p->pixel_stride, w, vectors, acc);
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
			__m512 sum = _mm512_fmadd_ps(acc[i][v], scale, bias);
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
