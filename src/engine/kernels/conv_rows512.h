/* The loops over whole rows for AVX-512: what conv_rows.h does, written out, because on wide CPUs norm and
 * swish would otherwise cost more than the products. Included by conv_panel512.h and conv_amx.c.
 *
 * The includer defines CONV512_ELEMENT, conv512_store() and CONV512_ROUGH: 1 where the result becomes bf16
 * anyway, and exp and the reciprocal need be good to 12 bits only. */
#ifndef MADANG_ENGINE_KERNELS_CONV_ROWS512_H
#define MADANG_ENGINE_KERNELS_CONV_ROWS512_H

#include "engine/kernels/conv_kernels.h"

#include <immintrin.h>
#include <math.h>

static inline __mmask16 conv512_mask(int left)
{
	return left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
}

static inline __m512 conv512_exp(__m512 x, int rough)
{
	x = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(88.0f)), _mm512_set1_ps(-87.0f));
	__m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 8);
	__m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
	r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
	__m512 p = _mm512_set1_ps(4.2e-2f);
	if (!rough) {
		p = _mm512_set1_ps(1.9875691500e-4f);
		p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
		p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
		p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
	}
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
	p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
	p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
	return _mm512_scalef_ps(p, n);
}

static inline __m512 conv512_reciprocal(__m512 x)
{
	__m512 y = _mm512_rcp14_ps(x);
	if (CONV512_ROUGH)
		return y;
	return _mm512_fmadd_ps(y, _mm512_fnmadd_ps(x, y, _mm512_set1_ps(1.0f)), y);
}

/* erf by Abramowitz and Stegun 7.1.26, as in conv_rows.h. */
static inline __m512 conv512_gelu(__m512 x)
{
	const __m512 one = _mm512_set1_ps(1.0f);
	__m512 z = _mm512_mul_ps(_mm512_abs_ps(x), _mm512_set1_ps(0.70710678f));
	__m512 t = conv512_reciprocal(_mm512_fmadd_ps(z, _mm512_set1_ps(0.3275911f), one));
	__m512 p = _mm512_set1_ps(1.061405429f);
	p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-1.453152027f));
	p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(1.421413741f));
	p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(-0.284496736f));
	p = _mm512_fmadd_ps(p, t, _mm512_set1_ps(0.254829592f));
	__m512 gauss =
	    conv512_exp(_mm512_mul_ps(_mm512_sub_ps(_mm512_setzero_ps(), z), z), CONV512_ROUGH);
	__m512 e = _mm512_fnmadd_ps(_mm512_mul_ps(p, t), gauss, one);
	/* x * (1 + sign(x) e) / 2 = (x + |x| e) / 2 */
	return _mm512_mul_ps(_mm512_fmadd_ps(_mm512_abs_ps(x), e, x), _mm512_set1_ps(0.5f));
}

static inline __m512 conv512_activate(__m512 x, enum conv_act act)
{
	if (act == CONV_ACT_SWISH) {
		__m512 e = conv512_exp(_mm512_sub_ps(_mm512_setzero_ps(), x), CONV512_ROUGH);
		return _mm512_mul_ps(x, conv512_reciprocal(_mm512_add_ps(e, _mm512_set1_ps(1.0f))));
	}
	return act == CONV_ACT_GELU ? conv512_gelu(x) : x;
}

static inline float conv512_sum(const float *x, int n, float shift, int square)
{
	__m512 sum = _mm512_setzero_ps(), s = _mm512_set1_ps(shift);
	for (int c = 0; c < n; c += 16) {
		__mmask16 m = conv512_mask(n - c);
		__m512 v = _mm512_maskz_sub_ps(m, _mm512_maskz_loadu_ps(m, x + c), s);
		sum = square ? _mm512_fmadd_ps(v, v, sum) : _mm512_add_ps(sum, v);
	}
	return _mm512_reduce_add_ps(sum);
}

static inline __attribute__((always_inline)) void
conv512_stage_as(const struct conv_prepare *p, const float *in, int channels, int padded,
		 int pixels, CONV512_ELEMENT *out, enum conv_norm norm, enum conv_act act)
{
	for (int i = 0; i < pixels; i++) {
		const float *x = in + (size_t)i * (size_t)channels;
		CONV512_ELEMENT *y = out + (size_t)i * (size_t)padded;
		float mean = 0, rate = 1;
		if (norm == CONV_NORM_LAYER)
			mean = conv512_sum(x, channels, 0, 0) / (float)channels;
		if (norm == CONV_NORM_LAYER || norm == CONV_NORM_RMS)
			rate = 1.0f /
			       sqrtf(conv512_sum(x, channels, mean, 1) / (float)channels + p->eps);
		const __m512 r = _mm512_set1_ps(rate), o = _mm512_set1_ps(mean);
		for (int c = 0; c < padded; c += 16) {
			const int left = channels - c > 0 ? channels - c : 0;
			const __mmask16 m = conv512_mask(left);
			__m512 v = _mm512_maskz_loadu_ps(m, x + c);
			if (norm == CONV_NORM_LAYER)
				v = _mm512_sub_ps(v, o);
			if (norm == CONV_NORM_LAYER || norm == CONV_NORM_RMS)
				v = _mm512_mul_ps(v, r);
			if (norm == CONV_NORM_RMS)
				v = _mm512_mul_ps(v, _mm512_maskz_loadu_ps(m, p->gain + c));
			if (norm == CONV_NORM_LAYER || norm == CONV_NORM_AFFINE)
				v = _mm512_fmadd_ps(v, _mm512_maskz_loadu_ps(m, p->gain + c),
						    _mm512_maskz_loadu_ps(m, p->bias + c));
			/* Each activation of 0 is 0: padding stays zero. */
			conv512_store(y + c, conv512_mask(padded - c), conv512_activate(v, act));
		}
	}
}

#define CONV512_CASE(norm_, act_)                                                        \
	if (p->norm == (norm_) && p->act == (act_)) {                                    \
		conv512_stage_as(p, in, channels, padded, pixels, out, (norm_), (act_)); \
		return;                                                                  \
	}

static void conv512_stage(const struct conv_prepare *p, const float *in, int channels, int padded,
			  int pixels, void *out)
{
	CONV512_CASE(CONV_NORM_NONE, CONV_ACT_NONE)
	CONV512_CASE(CONV_NORM_RMS, CONV_ACT_SWISH)
	CONV512_CASE(CONV_NORM_AFFINE, CONV_ACT_SWISH)
	CONV512_CASE(CONV_NORM_AFFINE, CONV_ACT_NONE)
	CONV512_CASE(CONV_NORM_LAYER, CONV_ACT_NONE)
	CONV512_CASE(CONV_NORM_NONE, CONV_ACT_GELU)
	conv512_stage_as(p, in, channels, padded, pixels, out, p->norm, p->act);
}

static void conv512_moments(const float *in, int channels, int pixels, double *sum, double *square)
{
	for (int c = 0; c < channels; c += 32) {
		const __mmask16 m0 = conv512_mask(channels - c);
		const __mmask16 m1 = channels - c > 16 ? conv512_mask(channels - c - 16) : 0;
		__m512 s0 = _mm512_setzero_ps(), s1 = s0, q0 = s0, q1 = s0;
		for (int i = 0; i < pixels; i++) {
			const float *x = in + (size_t)i * (size_t)channels + c;
			__m512 v0 = _mm512_maskz_loadu_ps(m0, x);
			__m512 v1 = _mm512_maskz_loadu_ps(m1, x + 16);
			s0 = _mm512_add_ps(s0, v0);
			s1 = _mm512_add_ps(s1, v1);
			q0 = _mm512_fmadd_ps(v0, v0, q0);
			q1 = _mm512_fmadd_ps(v1, v1, q1);
		}
		float s[32], q[32];
		_mm512_storeu_ps(s, s0);
		_mm512_storeu_ps(s + 16, s1);
		_mm512_storeu_ps(q, q0);
		_mm512_storeu_ps(q + 16, q1);
		for (int i = 0; i < 32 && c + i < channels; i++) {
			sum[c + i] += (double)s[i];
			square[c + i] += (double)q[i];
		}
	}
}

static void conv512_softmax(float *x, int count, float scale)
{
	__m512 top = _mm512_set1_ps(x[0]), sum = _mm512_setzero_ps();
	for (int i = 0; i < count; i += 16)
		top = _mm512_mask_max_ps(top, conv512_mask(count - i), top,
					 _mm512_maskz_loadu_ps(conv512_mask(count - i), x + i));
	top = _mm512_set1_ps(_mm512_reduce_max_ps(top));
	for (int i = 0; i < count; i += 16) {
		const __mmask16 m = conv512_mask(count - i);
		__m512 v = _mm512_sub_ps(_mm512_maskz_loadu_ps(m, x + i), top);
		v = conv512_exp(_mm512_mul_ps(v, _mm512_set1_ps(scale)), 0);
		sum = _mm512_mask_add_ps(sum, m, sum, v);
		_mm512_mask_storeu_ps(x + i, m, v);
	}
	const __m512 rate = _mm512_set1_ps(1.0f / _mm512_reduce_add_ps(sum));
	for (int i = 0; i < count; i += 16) {
		const __mmask16 m = conv512_mask(count - i);
		_mm512_mask_storeu_ps(x + i, m,
				      _mm512_mul_ps(rate, _mm512_maskz_loadu_ps(m, x + i)));
	}
}

#endif
