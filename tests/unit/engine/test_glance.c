/* What is seen of a picture does not depend on where a thing stands or how large it is, and nothing is said of what has no
 * plain ground. */
#include "../test.h"

#include <string.h>

#include "engine/glance.h"

enum { SIDE = 96 };

static const uint8_t BLUE[3] = {76, 134, 232}, RED[3] = {229, 72, 77}, WHITE[3] = {255, 255, 255};

static uint8_t picture[SIDE * SIDE * 3];

static void fill(const uint8_t *colour)
{
	for (int i = 0; i < SIDE * SIDE * 3; i++)
		picture[i] = colour[i % 3];
}

/* An L of two colours in a box of that size. */
static void draw_thing(int x0, int y0, int size)
{
	for (int y = 0; y < size; y++)
		for (int x = 0; x < size; x++)
			if (x < size / 2 || y >= size / 2)
				memcpy(picture + 3 * ((y0 + y) * SIDE + x0 + x),
				       y < size / 2 ? RED : WHITE, 3);
}

static struct engine_glance glance_at(const uint8_t *ground, int x, int y, int size)
{
	struct engine_glance g;
	fill(ground);
	if (size)
		draw_thing(x, y, size);
	engine_glance(picture, SIDE, &g);
	return g;
}

/* A look of a picture of the thing that fills it. */
static void look_of(uint8_t *look)
{
	int end = ENGINE_GLANCE_SIDE;
	memset(look, 0, ENGINE_LOOK_BYTES);
	for (int y = 0; y < end; y++)
		for (int x = 0; x < end; x++) {
			uint8_t *cell = look + 4 * (y * end + x);
			if (x >= end / 2 && y < end / 2)
				continue;
			memcpy(cell, y < end / 2 ? RED : WHITE, 3);
			cell[3] = 255;
		}
}

static void test_place_and_size_do_not_matter(void **state)
{
	(void)state;
	static const int sizes[] = {80, 60, 48}, places[] = {6, 20, 30};
	uint8_t look[ENGINE_LOOK_BYTES];
	look_of(look);
	for (int i = 0; i < 3; i++) {
		struct engine_glance g = glance_at(BLUE, places[i], 8, sizes[i]);
		assert_true(g.plain);
		assert_false(g.empty);
		assert_memory_equal(g.ground, BLUE, 3);
		assert_true(engine_glance_distance(&g, look) < 24);
	}
	/* The same thing is as near on another ground, because the ground is put behind the look; another isn't. */
	struct engine_glance g = glance_at(RED, 6, 8, 80);
	assert_true(engine_glance_distance(&g, look) > 60); /* its red part is lost on red */
	g = glance_at(BLUE, 6, 8, 80);
	memset(look, 0, sizeof look);
	assert_true(engine_glance_distance(&g, look) > 60);
}

static void test_noise_does_not_matter(void **state)
{
	(void)state;
	struct engine_glance clean = glance_at(BLUE, 10, 10, 60), noisy;
	for (int i = 0; i < SIDE * SIDE * 3; i++) {
		int v = picture[i] + (i * 7919 % 17) - 8;
		picture[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
	}
	engine_glance(picture, SIDE, &noisy);
	assert_true(noisy.plain);
	for (int i = 0; i < ENGINE_GLANCE_CELLS; i++)
		for (int c = 0; c < 3; c++)
			assert_true(noisy.look[i][c] - clean.look[i][c] < 8 &&
				    clean.look[i][c] - noisy.look[i][c] < 8);
}

static void test_nothing_to_see(void **state)
{
	(void)state;
	struct engine_glance g = glance_at(WHITE, 0, 0, 0);
	assert_true(g.plain);
	assert_true(g.empty);
	g = glance_at(WHITE, 40, 40, 3); /* a speck */
	assert_true(g.empty);
	for (int i = 0; i < SIDE * SIDE * 3; i++)
		picture[i] = (uint8_t)(i * 7919 % 251);
	engine_glance(picture, SIDE, &g);
	assert_false(g.plain);
	g.plain = true;
	engine_glance(picture, 1, &g); /* smaller than anything */
	assert_false(g.plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_place_and_size_do_not_matter),
	    cmocka_unit_test(test_noise_does_not_matter),
	    cmocka_unit_test(test_nothing_to_see),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
