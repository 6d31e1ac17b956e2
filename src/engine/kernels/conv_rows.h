/* The loops over whole rows (norm, activation, conversion, statistics, softmax), included by each
 * conv_*.c and compiled for its CPU: written so that the compiler vectorises them.
 *
 * The includer defines CONV_ELEMENT and conv_element_of(), and CONV_EXACT where the C library's exp
 * and erf are wanted (the oracle). */
#ifndef MADANG_ENGINE_KERNELS_CONV_ROWS_H
#define MADANG_ENGINE_KERNELS_CONV_ROWS_H

#include "engine/kernels/conv_kernels.h"

#include <math.h>
#include <string.h>

#define CONV_LANES 16

#ifdef CONV_EXACT
static inline float conv_exp(float x)
{
	return expf(x);
}

static inline float conv_gelu(float x)
{
	return 0.5f * x * (1.0f + erff(x * 0.70710678f));
}
#else
/* 2^n * e^r, |r| <= ln2/2, polynomial of Cephes: within 2 ulp. Rounding by the magic number keeps it
 * free of conversions, so it vectorises everywhere. */
static inline float conv_exp(float x)
{
	x = x < -87.0f ? -87.0f : x;
	x = x > 88.0f ? 88.0f : x;
	float t = x * 1.44269504f + 12582912.0f;
	float n = t - 12582912.0f;
	float r = x - n * 0.693359375f + n * 2.12194440e-4f;
	float p = 1.9875691500e-4f;
	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * r * r + r + 1.0f;
	int32_t bits, power;
	memcpy(&bits, &p, sizeof(bits));
	memcpy(&power, &t, sizeof(power));
	bits = (int32_t)((uint32_t)bits + ((uint32_t)power << 23));
	memcpy(&p, &bits, sizeof(p));
	return p;
}

/* erf by Abramowitz and Stegun 7.1.26: 1.5e-7 absolute. */
static inline float conv_gelu(float x)
{
	float z = fabsf(x) * 0.70710678f;
	float t = 1.0f / (1.0f + 0.3275911f * z);
	float p = 1.061405429f;
	p = p * t - 1.453152027f;
	p = p * t + 1.421413741f;
	p = p * t - 0.284496736f;
	p = p * t + 0.254829592f;
	float e = 1.0f - p * t * conv_exp(-z * z);
	return 0.5f * x * (1.0f + copysignf(e, x));
}
#endif

static inline float conv_activate(float x, enum conv_act act)
{
	if (act == CONV_ACT_SWISH)
		return x / (1.0f + conv_exp(-x));
	return act == CONV_ACT_GELU ? conv_gelu(x) : x;
}

/* Sums by lanes, because the compiler may not reorder a float sum by itself. */
static inline float conv_sum(const float *x, int n, float shift, int square)
{
	float lanes[CONV_LANES] = {0};
	int c = 0;
	for (; c + CONV_LANES <= n; c += CONV_LANES) {
		for (int i = 0; i < CONV_LANES; i++) {
			float v = x[c + i] - shift;
			lanes[i] += square ? v * v : v;
		}
	}
	float sum = 0;
	for (; c < n; c++) {
		float v = x[c] - shift;
		sum += square ? v * v : v;
	}
	for (int i = 0; i < CONV_LANES; i++)
		sum += lanes[i];
	return sum;
}

static inline __attribute__((always_inline)) void
conv_stage_as(const struct conv_prepare *p, const float *restrict in, int channels, int padded,
	      int pixels, CONV_ELEMENT *restrict out, enum conv_norm norm, enum conv_act act)
{
	const float *restrict gain = p->gain;
	const float *restrict bias = p->bias;
	for (int i = 0; i < pixels; i++) {
		const float *restrict x = in + (size_t)i * (size_t)channels;
		CONV_ELEMENT *restrict y = out + (size_t)i * (size_t)padded;
		float mean = 0, rate = 1;
		if (norm == CONV_NORM_LAYER)
			mean = conv_sum(x, channels, 0, 0) / (float)channels;
		if (norm == CONV_NORM_LAYER || norm == CONV_NORM_RMS)
			rate =
			    1.0f / sqrtf(conv_sum(x, channels, mean, 1) / (float)channels + p->eps);
		for (int c = 0; c < channels; c++) {
			float v = x[c];
			if (norm == CONV_NORM_AFFINE)
				v = v * gain[c] + bias[c];
			else if (norm == CONV_NORM_RMS)
				v = v * rate * gain[c];
			else if (norm == CONV_NORM_LAYER)
				v = (v - mean) * rate * gain[c] + bias[c];
			y[c] = conv_element_of(conv_activate(v, act));
		}
		for (int c = channels; c < padded; c++)
			y[c] = 0;
	}
}

#define CONV_STAGE_CASE(norm_, act_)                                                  \
	if (p->norm == (norm_) && p->act == (act_)) {                                 \
		conv_stage_as(p, in, channels, padded, pixels, out, (norm_), (act_)); \
		return;                                                               \
	}

static void conv_rows_stage(const struct conv_prepare *p, const float *in, int channels, int padded,
			    int pixels, void *out)
{
	CONV_STAGE_CASE(CONV_NORM_NONE, CONV_ACT_NONE)
	CONV_STAGE_CASE(CONV_NORM_RMS, CONV_ACT_SWISH)
	CONV_STAGE_CASE(CONV_NORM_AFFINE, CONV_ACT_SWISH)
	CONV_STAGE_CASE(CONV_NORM_AFFINE, CONV_ACT_NONE)
	CONV_STAGE_CASE(CONV_NORM_LAYER, CONV_ACT_NONE)
	CONV_STAGE_CASE(CONV_NORM_NONE, CONV_ACT_GELU)
	conv_stage_as(p, in, channels, padded, pixels, out, p->norm, p->act);
}

static void conv_rows_moments(const float *in, int channels, int pixels, double *sum,
			      double *square)
{
	for (int c0 = 0; c0 < channels; c0 += 64) {
		float s[64] = {0}, q[64] = {0};
		int n = channels - c0 < 64 ? channels - c0 : 64;
		for (int i = 0; i < pixels; i++) {
			const float *x = in + (size_t)i * (size_t)channels + c0;
			for (int c = 0; c < n; c++) {
				s[c] += x[c];
				q[c] += x[c] * x[c];
			}
		}
		for (int c = 0; c < n; c++) {
			sum[c0 + c] += s[c];
			square[c0 + c] += q[c];
		}
	}
}

static void conv_rows_softmax(float *x, int count, float scale)
{
	float top = x[0];
	for (int i = 1; i < count; i++)
		top = x[i] > top ? x[i] : top;
	for (int i = 0; i < count; i++)
		x[i] = conv_exp((x[i] - top) * scale);
	float rate = 1.0f / conv_sum(x, count, 0, 0);
	for (int i = 0; i < count; i++)
		x[i] *= rate;
}

#endif
