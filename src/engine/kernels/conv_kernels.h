/* The inner loops of the convolutions, once per kind of CPU.
 *
 * A convolution is a matrix product whose left side is never written out: a tile is up to 16 output
 * pixels of one row; for each tap the pixel's input channels lie at a fixed offset from the tile's
 * first pixel. Rows are first "staged": normalised, activated and converted to the element type of
 * the kernels (f32, or bf16 for AMX and AVX-512 BF16), with the padding around them, in a buffer that fits the cache.
 * Linear layers and the products of attention are the same thing with one tap.
 *
 * Everything here is a pure function of its arguments; any thread may call it. */
#ifndef MADANG_ENGINE_KERNELS_CONV_KERNELS_H
#define MADANG_ENGINE_KERNELS_CONV_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define CONV_TILE_PIXELS 16 /* output pixels of a tile */
#define CONV_PANEL_WIDTH 32 /* output channels of a panel; the last one may be half as wide */
#define CONV_TAPS_MAX    9

enum conv_norm {
	CONV_NORM_NONE,
	CONV_NORM_AFFINE, /* x * gain + bias: group norm, its statistics already folded in */
	CONV_NORM_RMS,    /* x / rms over channels * gain */
	CONV_NORM_LAYER   /* (x - mean) / deviation over channels * gain + bias */
};

enum conv_act { CONV_ACT_NONE, CONV_ACT_SWISH, CONV_ACT_GELU };

/* What happens to an input pixel before the product. gain and bias hold `channels` numbers; bias is
 * not read for RMS, neither is for NONE. */
struct conv_prepare {
	enum conv_norm norm;
	enum conv_act act;
	float eps;
	const float *gain, *bias;
};

struct conv_panel {
	const void *weights; /* packed, see conv.c */
	int taps;
	size_t tap[CONV_TAPS_MAX]; /* elements from a tile's first pixel */
	int channels;              /* input channels a tap, padding counted in */
	size_t pixel_stride;       /* elements from one output pixel's input to the next one's */
	int width;                 /* 32 or 16 */
	int valid;                 /* output channels that exist: 1..width */
	const float *scale, *bias; /* `width` numbers each */
	size_t out_stride;         /* floats from one output pixel to the next */
	int accumulate;            /* add to what is there */
};

struct conv_tile {
	const void *in;
	float *out; /* first channel of the panel */
	int pixels; /* 1..16; the input of all 16 may be read */
};

struct conv_kernels {
	const char *name;
	size_t element_size;  /* of staged input and packed weights: 4 (f32) or 2 (bf16) */
	int channel_multiple; /* input channels are padded to this */
	/* Writes `pixels` pixels of padded channels (zeros behind the real ones). */
	void (*stage)(const struct conv_prepare *prepare, const float *in, int channels,
		      int channels_padded, int pixels, void *out);
	void (*panel)(const struct conv_panel *panel, const struct conv_tile *tiles, int count);
	/* Adds sum and sum of squares of each channel over a row of pixels. */
	void (*moments)(const float *in, int channels, int pixels, double *sum, double *square);
	/* In place: softmax of scale * x. */
	void (*softmax)(float *x, int count, float scale);
};

extern const struct conv_kernels conv_kernels_scalar;
#ifdef __x86_64__
extern const struct conv_kernels conv_kernels_avx2;
extern const struct conv_kernels conv_kernels_avx512;
extern const struct conv_kernels conv_kernels_bf16;
extern const struct conv_kernels conv_kernels_amx;
#endif

#endif
