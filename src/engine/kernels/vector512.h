/* exp, erf and what follows from them, 16 floats at a time; within 2 units in the last place of libm (erf:
 * 2e-7 absolute). For files compiled for AVX-512 only. */
#ifndef MADANG_ENGINE_KERNELS_VECTOR512_H
#define MADANG_ENGINE_KERNELS_VECTOR512_H

#include <immintrin.h>
#include <stdint.h>

/* e^x; 0 below -87 (-infinity included), e^88 above 88. */
static inline __m512 vector_exp(__m512 x)
{
	__mmask16 alive = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.0f), _CMP_GT_OQ);
	x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-87.0f)), _mm512_set1_ps(88.0f));
	__m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504088896341f)), 0);
	__m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
	r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
	__m512 y = _mm512_set1_ps(1.9875691500e-4f);
	y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(1.3981999507e-3f));
	y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(8.3334519073e-3f));
	y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(4.1665795894e-2f));
	y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(1.6666665459e-1f));
	y = _mm512_fmadd_ps(y, r, _mm512_set1_ps(5.0000001201e-1f));
	y = _mm512_add_ps(_mm512_fmadd_ps(y, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0f));
	return _mm512_maskz_scalef_ps(alive, y, n);
}

static inline __m512 vector_silu(__m512 x)
{
	__m512 e = vector_exp(_mm512_sub_ps(_mm512_setzero_ps(), x));
	return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1.0f), e));
}

/* Abramowitz and Stegun 7.1.26. */
static inline __m512 vector_erf(__m512 x)
{
	const __m512 one = _mm512_set1_ps(1.0f);
	__m512 a = _mm512_abs_ps(x);
	__m512 t = _mm512_div_ps(one, _mm512_fmadd_ps(a, _mm512_set1_ps(0.3275911f), one));
	__m512 y = _mm512_set1_ps(1.061405429f);
	y = _mm512_fmadd_ps(y, t, _mm512_set1_ps(-1.453152027f));
	y = _mm512_fmadd_ps(y, t, _mm512_set1_ps(1.421413741f));
	y = _mm512_fmadd_ps(y, t, _mm512_set1_ps(-0.284496736f));
	y = _mm512_fmadd_ps(y, t, _mm512_set1_ps(0.254829592f));
	y = _mm512_mul_ps(y, t);
	__m512 e = vector_exp(_mm512_sub_ps(_mm512_setzero_ps(), _mm512_mul_ps(a, a)));
	y = _mm512_fnmadd_ps(y, e, one);
	__mmask16 negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
	return _mm512_mask_sub_ps(y, negative, _mm512_setzero_ps(), y);
}

static inline __m512 vector_gelu(__m512 x)
{
	__m512 half = _mm512_mul_ps(x, _mm512_set1_ps(0.5f));
	__m512 y = vector_erf(_mm512_mul_ps(x, _mm512_set1_ps(0.70710678118654752f)));
	return _mm512_fmadd_ps(half, y, half);
}

/* 0.5 (1 + tanh z) is 1 / (1 + e^-2z). */
static inline __m512 vector_gelu_tanh(__m512 x)
{
	__m512 cube = _mm512_mul_ps(_mm512_mul_ps(x, x), x);
	__m512 z = _mm512_fmadd_ps(cube, _mm512_set1_ps(0.044715f), x);
	__m512 e = vector_exp(_mm512_mul_ps(z, _mm512_set1_ps(-1.59576912160573071f)));
	return _mm512_div_ps(x, _mm512_add_ps(_mm512_set1_ps(1.0f), e));
}

static inline int32_t reduce_add_256(__m256i v)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
	return _mm_cvtsi128_si32(s);
}

#endif
