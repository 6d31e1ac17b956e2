/* VQ-16 at its real shapes, weights from a hash, against golden/full_shapes.json: slow (half a gigabyte of
 * weights, the oracle's speed), so it is a test of its own. */
#include "engine/vq.h"
#include "synthetic_vq.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *root;
static struct synthetic vq16;
static struct engine_pool *pool;

static json_t *expected(const char *name)
{
	json_t *value = json_object_get(json_object_get(root, "expected"), name);
	if (value == NULL)
		fail_msg("no %s in full_shapes.json", name);
	return value;
}

static float number(const json_t *array, size_t i)
{
	return (float)json_number_value(json_array_get(array, i));
}

static int integer(const json_t *array, size_t i)
{
	return (int)json_integer_value(json_array_get(array, i));
}

static int setup(void **state)
{
	(void)state;
	char path[4096];
	struct err e = {0};
	const char *base = getenv("ENGINE_GOLDEN");
	snprintf(path, sizeof(path), "%s/full_shapes.json", base ? base : "tests/engine/golden");
	root = json_load_file(path, 0, NULL);
	struct engine_vq_shape shape = synthetic_vq16();
	vq16 = synthetic_vq(&shape, true, false);
	pool = engine_pool_create(0, &e);
	return root != NULL && pool != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(root);
	synthetic_finish(&vq16);
	engine_pool_destroy(pool);
	return 0;
}

static void decode(const struct engine_vq *vq, struct engine_vq_work *work, float tolerance)
{
	struct err e = {0};
	int32_t ids[64];
	float *pixels = malloc(128 * 128 * 3 * sizeof(float)), worst = 0;
	double sum = 0, square = 0;
	assert_non_null(pixels);
	for (size_t i = 0; i < 64; i++)
		ids[i] = integer(expected("vq16/ids"), i);
	struct engine_vq_decode d = {ids, 8, 8, 0, 8, -1};
	assert_true(engine_vq_decode(vq, &d, work, pixels, NULL, &e));
	json_t *points = expected("vq16/points_cyx"), *values = expected("vq16/values");
	for (size_t i = 0; i < json_array_size(points); i++) {
		json_t *cyx = json_array_get(points, i);
		int at = (integer(cyx, 1) * 128 + integer(cyx, 2)) * 3 + integer(cyx, 0);
		worst = fmaxf(worst, fabsf(pixels[at] - number(values, i)));
	}
	for (int i = 0; i < 128 * 128 * 3; i++) {
		sum += (double)pixels[i];
		square += (double)pixels[i] * (double)pixels[i];
	}
	double mean = sum / (128 * 128 * 3),
	       deviation = sqrt(square / (128 * 128 * 3) - mean * mean);
	json_t *stats = expected("vq16/pixels_mean_std_min_max");
	printf("decode: worst %g, mean %g, deviation %g\n", (double)worst, mean, deviation);
	assert_true(worst <= tolerance);
	assert_true(fabs(mean - (double)number(stats, 0)) <= (double)tolerance);
	assert_true(fabs(deviation - (double)number(stats, 1)) <= (double)tolerance);
	free(pixels);
}

static void encode(const struct engine_vq *vq, struct engine_vq_work *work, float tolerance)
{
	struct err e = {0};
	static float pixels[64 * 64 * 3];
	float latents[16 * 8], worst = 0;
	int32_t ids[16];
	for (int i = 0; i < 64 * 64; i++) {
		double y = i / 64, x = i % 64;
		pixels[i * 3] = (float)sin(.19 * x + .07 * y);
		pixels[i * 3 + 1] = (float)cos(.23 * y - .05 * x);
		pixels[i * 3 + 2] = (float)sin((x - 30) * (y - 25) * .004);
	}
	struct engine_vq_encode what = {.pixels = pixels, .width = 64, .height = 64};
	assert_true(engine_vq_encode(vq, &what, work, ids, latents, &e));
	for (size_t i = 0; i < 16 * 8; i++) {
		json_t *channel = json_array_get(expected("vq16/encode_z"), i % 8);
		worst = fmaxf(worst, fabsf(latents[i] - number(channel, i / 8)));
	}
	printf("encode: worst %g\n", (double)worst);
	assert_true(worst <= tolerance);
	int same = 0;
	for (size_t i = 0; i < 16; i++)
		same += ids[i] == integer(expected("vq16/encode_ids"), i);
	printf("encode: %d of 16 ids\n", same);
	/* With bf16 the nearest of nearly equal codes may be another one. */
	assert_true(same >= (tolerance < 1e-3f ? 16 : 12));
}

static void full_shape(enum kernel_level level, float decode_tolerance, float encode_tolerance)
{
	struct err e = {0};
	struct engine_vq_shape shape = synthetic_vq16();
	struct engine_vq_options options = {engine_conv_kernels(level), true, true};
	struct engine_vq *vq = engine_vq_create(vq16.weights, &shape, &options, &e);
	struct engine_vq_work *work = engine_vq_work_create(pool, &e);
	assert_non_null(vq);
	assert_non_null(work);
	printf("%s: ", options.kernels->name);
	assert_int_equal(engine_vq_halo(vq), -1);
	decode(vq, work, decode_tolerance);
	encode(vq, work, encode_tolerance);
	engine_vq_work_destroy(work);
	engine_vq_destroy(vq);
}

static void test_full_shapes(void **state)
{
	(void)state;
	for (int level = KERNEL_SCALAR; level <= (int)kernels_best(); level++) {
		bool bf16 = engine_conv_kernels((enum kernel_level)level)->element_size == 2;
		full_shape((enum kernel_level)level, bf16 ? 0.1f : 2e-3f, bf16 ? 0.05f : 1e-4f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_full_shapes)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
