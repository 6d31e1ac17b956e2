/* Owns nothing. The ground is what most of the rim has; what differs from it clearly is what stands there, and the square
 * around that is compared, so that neither place nor size matters. */
#include "engine/glance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUND_NEAR  24 /* of a ground's colour; JPEG's noise is less */
#define GROUND_SHARE 0.6
#define THING_FAR    30 /* from the ground's colour */
#define THING_MIN    4  /* pixels each way */
#define MARGIN \
	1.04 /* of the square, as the sprites have it that the looks are made of (model/rasterise.py) */
#define SAMPLES_A_CELL  8 /* each way */
#define SIDE_OF_RIM_MIN 2

static const uint8_t *at(const uint8_t *rgb, int side, int x, int y)
{
	return rgb + 3 * ((size_t)y * (size_t)side + (size_t)x);
}

/* The largest difference of a channel. */
static int far_from(const uint8_t *pixel, const uint8_t *ground)
{
	int most = 0;
	for (int c = 0; c < 3; c++) {
		int d = abs(pixel[c] - ground[c]);
		most = d > most ? d : most;
	}
	return most;
}

static bool on_rim(int side, int x, int y)
{
	int wide = side / 32 > SIDE_OF_RIM_MIN ? side / 32 : SIDE_OF_RIM_MIN;
	return x < wide || y < wide || x >= side - wide || y >= side - wide;
}

/* The median of each channel along the rim, and whether most of it is near that. */
static bool find_ground(const uint8_t *rgb, int side, uint8_t *ground)
{
	size_t seen[3][256] = {{0}}, total = 0, near = 0;
	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++) {
			if (!on_rim(side, x, y))
				continue;
			for (int c = 0; c < 3; c++)
				seen[c][at(rgb, side, x, y)[c]]++;
			total++;
		}
	for (int c = 0; c < 3; c++) {
		size_t below = 0;
		int v = 0;
		while (v < 255 && (below += seen[c][v]) * 2 < total)
			v++;
		ground[c] = (uint8_t)v;
	}
	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++)
			near += on_rim(side, x, y) &&
				far_from(at(rgb, side, x, y), ground) < GROUND_NEAR;
	return (double)near >= GROUND_SHARE * (double)total;
}

/* [first, end) of the columns (or rows) in which at least two pixels are not ground. */
static bool extent(const uint8_t *rgb, int side, const uint8_t *ground, bool columns, int *first,
		   int *end)
{
	*first = *end = 0;
	for (int i = 0; i < side; i++) {
		int count = 0;
		for (int j = 0; j < side && count < 2; j++)
			count += far_from(columns ? at(rgb, side, i, j) : at(rgb, side, j, i),
					  ground) > THING_FAR;
		if (count < 2)
			continue;
		*first = *end ? *first : i;
		*end = i + 1;
	}
	return *end - *first >= THING_MIN;
}

/* Beyond the picture's edge lies ground. */
static const uint8_t *sample(const uint8_t *rgb, int side, const uint8_t *ground, double x,
			     double y)
{
	if (x < 0 || y < 0 || x >= side || y >= side)
		return ground;
	return at(rgb, side, (int)x, (int)y);
}

void engine_glance(const uint8_t *rgb, int side, struct engine_glance *glance)
{
	int left, right, top, bottom;
	memset(glance, 0, sizeof *glance);
	glance->plain = side >= THING_MIN && find_ground(rgb, side, glance->ground);
	if (!glance->plain)
		return;
	/* Both, so that all four are set. */
	bool wide = extent(rgb, side, glance->ground, true, &left, &right);
	bool high = extent(rgb, side, glance->ground, false, &top, &bottom);
	glance->empty = !wide || !high;
	if (glance->empty)
		return;
	int longer = right - left > bottom - top ? right - left : bottom - top;
	double step = longer * MARGIN / (ENGINE_GLANCE_SIDE * SAMPLES_A_CELL);
	double x0 = (left + right) / 2.0 - longer * MARGIN / 2,
	       y0 = (top + bottom) / 2.0 - longer * MARGIN / 2;
	int samples = ENGINE_GLANCE_SIDE * SAMPLES_A_CELL;
	for (int y = 0; y < samples; y++)
		for (int x = 0; x < samples; x++) {
			int cell = y / SAMPLES_A_CELL * ENGINE_GLANCE_SIDE + x / SAMPLES_A_CELL;
			const uint8_t *pixel = sample(rgb, side, glance->ground,
						      x0 + (x + .5) * step, y0 + (y + .5) * step);
			for (int c = 0; c < 3; c++)
				glance->look[cell][c] +=
				    (float)pixel[c] / (SAMPLES_A_CELL * SAMPLES_A_CELL);
		}
}

float engine_glance_distance(const struct engine_glance *glance, const uint8_t *look)
{
	float sum = 0;
	for (int i = 0; i < ENGINE_GLANCE_CELLS; i++, look += 4) {
		float bare = 1 - (float)look[3] / 255;
		for (int c = 0; c < 3; c++) {
			float d =
			    (float)look[c] + bare * (float)glance->ground[c] - glance->look[i][c];
			sum += d * d;
		}
	}
	return sqrtf(sum / (3 * ENGINE_GLANCE_CELLS));
}
