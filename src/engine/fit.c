/* Fitting a picture of any size to the model's: the middle square, scaled in both directions by a
 * triangle filter as wide as a pixel of the smaller picture. Pure; any thread. */
#include "engine/impl.h"

#include <math.h>
#include <stdlib.h>

/* The weights of the inputs that one output pixel covers. */
struct span {
	int first, count;
	float *weight;
};

static void make_span(struct span *s, int at, int from, int to)
{
	float ratio = (float)from / (float)to, reach = ratio > 1 ? ratio : 1, sum = 0;
	float centre = ((float)at + 0.5f) * ratio;
	int first = (int)floorf(centre - reach), last = (int)ceilf(centre + reach);

	s->first = first < 0 ? 0 : first;
	s->count = (last > from ? from : last) - s->first;
	for (int i = 0; i < s->count; i++) {
		float distance = fabsf((float)(s->first + i) + 0.5f - centre) / reach;
		s->weight[i] = distance < 1 ? 1 - distance : 0;
		sum += s->weight[i];
	}
	for (int i = 0; i < s->count; i++)
		s->weight[i] /= sum;
}

static uint8_t to_byte(float v)
{
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : (int)(v + 0.5f));
}

bool engine_fit(const uint8_t *rgb, int width, int height, int size, uint8_t *out, struct err *e)
{
	int side = width < height ? width : height;
	size_t stride = (size_t)width * 3;
	size_t reach = (size_t)(2 * (side / size + 2) + 2);
	const uint8_t *corner =
	    rgb + (size_t)((height - side) / 2) * stride + (size_t)((width - side) / 2) * 3;
	float *columns = malloc(sizeof(float) * 3 * (size_t)side * (size_t)size);
	struct span span = {.weight = malloc(sizeof(float) * reach)};
	bool ok = columns && span.weight;

	for (int x = 0; ok && x < size; x++) {
		make_span(&span, x, side, size);
		for (int y = 0; y < side; y++)
			for (int c = 0; c < 3; c++) {
				const uint8_t *in =
				    corner + (size_t)y * stride + (size_t)(span.first * 3 + c);
				float sum = 0;
				for (int i = 0; i < span.count; i++)
					sum += span.weight[i] * (float)in[3 * i];
				columns[((size_t)y * (size_t)size + (size_t)x) * 3 + (size_t)c] =
				    sum;
			}
	}
	for (int y = 0; ok && y < size; y++) {
		make_span(&span, y, side, size);
		for (size_t x = 0; x < (size_t)size * 3; x++) {
			float sum = 0;
			for (int i = 0; i < span.count; i++)
				sum += span.weight[i] *
				       columns[(size_t)(span.first + i) * (size_t)size * 3 + x];
			out[(size_t)y * (size_t)size * 3 + x] = to_byte(sum);
		}
	}
	free(columns);
	free(span.weight);
	return ok ||
	       err_set(e, ERR_NO_MEMORY, "no memory to scale a picture of %d x %d", width, height);
}
