/* The frame of a convolution's panel for AVX-512 without AMX: blocks of 8 pixels by 32 channels, whose sums stay in 16
 * registers from the first tap to the last. Included by conv_avx512.c and conv_bf16.c.
 *
 * The includer defines CONV512_ELEMENT and, before it includes this, conv512_products(): adds all taps and channels of 8
 * pixels of `in` to acc, for 16 outputs (vectors 1) or 32. */
#ifndef MADANG_ENGINE_KERNELS_CONV_PANEL512_H
#define MADANG_ENGINE_KERNELS_CONV_PANEL512_H

#include "engine/kernels/conv_rows512.h"

static inline __attribute__((always_inline)) void conv512_block(const struct conv_panel *p,
								const CONV512_ELEMENT *in,
								float *out, int pixels, int vectors)
{
	__m512 acc[CONV512_PIXELS][2];
	for (int i = 0; i < CONV512_PIXELS; i++)
		acc[i][0] = acc[i][1] = _mm512_setzero_ps();
	conv512_products(p, in, acc, vectors);
	__m512 done[CONV512_PIXELS]
		   [2]; /* what is asked for by a number not known here lies in memory */
	for (int i = 0; i < CONV512_PIXELS; i++) {
		done[i][0] = acc[i][0];
		done[i][1] = acc[i][1];
	}
	for (int v = 0; v < vectors; v++) {
		const __mmask16 m =
		    p->valid > 16 * v ? conv512_mask(p->valid - 16 * v) : (__mmask16)0;
		__m512 scale = _mm512_loadu_ps(p->scale + 16 * v);
		__m512 bias = _mm512_loadu_ps(p->bias + 16 * v);
		for (int i = 0; i < CONV512_PIXELS; i++) {
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

static void conv512_panel(const struct conv_panel *p, const struct conv_tile *tiles, int count)
{
	for (int i = 0; i < count; i++) {
		const struct conv_tile *t = &tiles[i];
		for (int x = 0; x < t->pixels; x += CONV512_PIXELS) {
			const CONV512_ELEMENT *in =
			    (const CONV512_ELEMENT *)t->in + (size_t)x * p->pixel_stride;
			float *out = t->out + (size_t)x * p->out_stride;
			int left = t->pixels - x;
			int pixels = left < CONV512_PIXELS ? left : CONV512_PIXELS;
			if (p->width == CONV_PANEL_WIDTH)
				conv512_block(p, in, out, pixels, 2);
			else
				conv512_block(p, in, out, pixels, 1);
		}
	}
}

#endif
