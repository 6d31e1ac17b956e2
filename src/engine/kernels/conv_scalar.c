/* Convolution kernels in plain C: the oracle for the others, and what runs where nothing better does.
 * Pure functions, any thread. Must stay true: every sum runs over taps, then channels, in order, in
 * f32, and exp and erf are the C library's. */
#define CONV_EXACT
#define CONV_ELEMENT       float
#define conv_element_of(x) (x)
#include "engine/kernels/conv_rows.h"

static void conv_scalar_pixel(const struct conv_panel *p, const float *in, float *out)
{
	float sum[CONV_PANEL_WIDTH] = {0};
	const float *w = p->weights;
	for (int t = 0; t < p->taps; t++) {
		const float *a = in + p->tap[t];
		for (int c = 0; c < p->channels; c++, w += p->width) {
			for (int n = 0; n < p->width; n++)
				sum[n] += a[c] * w[n];
		}
	}
	for (int n = 0; n < p->valid; n++) {
		float y = sum[n] * p->scale[n] + p->bias[n];
		out[n] = p->accumulate ? out[n] + y : y;
	}
}

static void conv_scalar_panel(const struct conv_panel *p, const struct conv_tile *tiles, int count)
{
	for (int i = 0; i < count; i++) {
		const float *in = tiles[i].in;
		for (int x = 0; x < tiles[i].pixels; x++)
			conv_scalar_pixel(p, in + (size_t)x * p->pixel_stride,
					  tiles[i].out + (size_t)x * p->out_stride);
	}
}

const struct conv_kernels conv_kernels_scalar = {
    .name = "scalar",
    .element_size = sizeof(float),
    .channel_multiple = 1,
    .stage = conv_rows_stage,
    .panel = conv_scalar_panel,
    .moments = conv_rows_moments,
    .softmax = conv_rows_softmax,
};
