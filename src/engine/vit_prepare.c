/* Scaling a picture for the vision tower, with Pillow's arithmetic: bicubic (a = -0.5) whose reach grows with
 * the reduction, coefficients rounded to 22 bits, bytes between the two passes. Pure; any thread. Must stay
 * true: the bytes are Pillow's (Image.resize with BICUBIC), because the tower was trained on them. */
#include "engine/vit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PRECISION 22
#define SHORT_MIN 14    /* the shorter side never gets smaller */
#define SIDE_MAX  16384 /* of the picture that comes in */
#define GREY      127   /* int(255 * 0.5), around the picture */

struct vit_taps {
	int reach; /* coefficients an output */
	int *first, *count;
	int32_t *weight; /* [outputs][reach] */
};

static double vit_bicubic(double x)
{
	const double a = -0.5;
	x = fabs(x);
	if (x < 1.0)
		return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
	return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

static void vit_taps_finish(struct vit_taps *t)
{
	free(t->first);
	free(t->count);
	free(t->weight);
}

static bool vit_taps_init(struct vit_taps *t, int from, int to, struct err *e)
{
	const double scale = (double)from / to, wide = scale < 1.0 ? 1.0 : scale,
		     support = 2.0 * wide;
	*t = (struct vit_taps){.reach = (int)ceil(support) * 2 + 1};
	t->first = calloc((size_t)to, sizeof(int));
	t->count = calloc((size_t)to, sizeof(int));
	t->weight = calloc((size_t)to * (size_t)t->reach, sizeof(int32_t));
	double *k = calloc((size_t)t->reach, sizeof(double));
	bool ok = t->first != NULL && t->count != NULL && t->weight != NULL && k != NULL;
	for (int i = 0; ok && i < to; i++) {
		double centre = (i + 0.5) * scale, sum = 0;
		int first = (int)(centre - support + 0.5), last = (int)(centre + support + 0.5);
		first = first < 0 ? 0 : first;
		last = last > from ? from : last;
		for (int x = 0; x < last - first; x++) {
			k[x] = vit_bicubic((x + first - centre + 0.5) * (1.0 / wide));
			sum += k[x];
		}
		for (int x = 0; x < last - first; x++) {
			double w = (sum != 0.0 ? k[x] / sum : k[x]) * (1 << PRECISION);
			t->weight[(size_t)i * (size_t)t->reach + (size_t)x] =
			    (int32_t)(w < 0 ? w - 0.5 : w + 0.5);
		}
		t->first[i] = first;
		t->count[i] = last - first;
	}
	free(k);
	if (!ok) {
		vit_taps_finish(t);
		return err_set(e, ERR_NO_MEMORY, "not enough memory to scale a picture");
	}
	return true;
}

static uint8_t vit_byte(int64_t sum)
{
	sum = (sum + (1 << (PRECISION - 1))) >> PRECISION;
	return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

/* Scales one line of `to` outputs; step: bytes from one pixel of the line to the next. */
static void vit_line(const struct vit_taps *t, int to, const uint8_t *in, size_t in_step,
		     uint8_t *out, size_t out_step)
{
	for (int i = 0; i < to; i++) {
		const int32_t *w = t->weight + (size_t)i * (size_t)t->reach;
		const uint8_t *from = in + (size_t)t->first[i] * in_step;
		for (int c = 0; c < 3; c++) {
			int64_t sum = 0;
			for (int x = 0; x < t->count[i]; x++)
				sum += (int64_t)w[x] * from[(size_t)x * in_step + (size_t)c];
			out[(size_t)i * out_step + (size_t)c] = vit_byte(sum);
		}
	}
}

static bool vit_scale(const uint8_t *rgb, int width, int height, int to_width, int to_height,
		      uint8_t *out, struct err *e)
{
	struct vit_taps across = {0}, down = {0};
	const size_t row = (size_t)to_width * 3;
	bool ok = false;
	uint8_t *middle = malloc((size_t)height * row);
	if (middle == NULL) {
		err_set(e, ERR_NO_MEMORY, "not enough memory to scale a picture");
		goto done;
	}
	if (!vit_taps_init(&across, width, to_width, e) ||
	    !vit_taps_init(&down, height, to_height, e))
		goto done;
	for (int y = 0; y < height; y++)
		vit_line(&across, to_width, rgb + (size_t)y * (size_t)width * 3, 3,
			 middle + (size_t)y * row, 3);
	for (int x = 0; x < to_width; x++)
		vit_line(&down, to_height, middle + (size_t)x * 3, row, out + (size_t)x * 3, row);
	ok = true;
done:
	free(middle);
	vit_taps_finish(&across);
	vit_taps_finish(&down);
	return ok;
}

static int vit_side(int side, int longest, int size)
{
	int to = (int)((double)side / longest * size);
	return to < SHORT_MIN ? SHORT_MIN : to;
}

bool engine_vit_prepare(const uint8_t *rgb, int width, int height, int size, float *pixels,
			struct err *e)
{
	if (width < 1 || height < 1 || width > SIDE_MAX || height > SIDE_MAX || size < SHORT_MIN ||
	    size > SIDE_MAX)
		return err_set(e, ERR_INVALID, "a picture of %d x %d pixels cannot be looked at",
			       width, height);
	const int longest = width > height ? width : height;
	const int w = vit_side(width, longest, size), h = vit_side(height, longest, size);
	uint8_t *scaled = malloc((size_t)w * (size_t)h * 3);
	if (scaled == NULL)
		return err_set(e, ERR_NO_MEMORY, "not enough memory to scale a picture");
	if (!vit_scale(rgb, width, height, w, h, scaled, e)) {
		free(scaled);
		return false;
	}
	const int left = (size - w) / 2, top = (size - h) / 2;
	for (int y = 0; y < size; y++) {
		for (int x = 0; x < size; x++) {
			const bool in = x >= left && x < left + w && y >= top && y < top + h;
			const size_t at = ((size_t)(y - top) * (size_t)w + (size_t)(x - left)) * 3;
			float *to = pixels + ((size_t)y * (size_t)size + (size_t)x) * 3;
			for (int c = 0; c < 3; c++)
				to[c] =
				    ((float)(in ? scaled[at + (size_t)c] : GREY) / 255.0f - 0.5f) /
				    0.5f;
		}
	}
	free(scaled);
	return true;
}
