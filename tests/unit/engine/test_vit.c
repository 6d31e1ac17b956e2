/* The vision tower against the golden vectors on every level of kernels; its scaling of pictures against
 * Pillow's bytes; shapes and pictures that make no sense. */
#include "engine/vit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *golden(const char *name)
{
	static char path[4096];
	const char *base = getenv("ENGINE_GOLDEN");
	snprintf(path, sizeof(path), "%s/%s", base ? base : "tests/engine/golden", name);
	return path;
}

static struct engine_safetensors *expected;
static struct engine_weights *tiny;

static const struct engine_vision_shape TINY = {.present = true,
						.image_size = 16,
						.patch = 4,
						.width = 64,
						.layers = 2,
						.heads = 4,
						.ffn = 256,
						.aligner_depth = 2,
						.norm_eps = 1e-6f};

static int setup(void **state)
{
	(void)state;
	struct err e = {0};
	expected = engine_safetensors_open(golden("expected.safetensors"), &e);
	tiny = engine_weights_open(golden("tiny_janus.safetensors"), &e);
	return expected != NULL && tiny != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	engine_safetensors_close(expected);
	engine_weights_close(tiny);
	return 0;
}

static float expected_at(const char *name, size_t i)
{
	const struct engine_tensor *t = engine_safetensors_find(expected, name);
	float v;
	if (t == NULL)
		fail_msg("no %s in expected.safetensors", name);
	memcpy(&v, (const char *)t->data + i * sizeof(v), sizeof(v));
	return v;
}

static float worst(const char *name, const float *got)
{
	float w = 0;
	for (size_t i = 0; i < 16 * 64; i++)
		w = fmaxf(w, fabsf(got[i] - expected_at(name, i)));
	return w;
}

static void test_golden(void **state)
{
	(void)state;
	struct err e = {0};
	struct engine_pool *pool = engine_pool_create(3, &e);
	float pixels[16 * 16 * 3], features[16 * 64], aligned[16 * 64], alone[16 * 64];
	for (int i = 0; i < 16 * 16 * 3; i++)
		pixels[i] = expected_at("vit/pixels_chw", (size_t)(i % 3 * 256 + i / 3));
	for (int level = KERNEL_SCALAR; level <= (int)kernels_best(); level++) {
		const struct conv_kernels *k = engine_conv_kernels((enum kernel_level)level);
		struct engine_vit *vit = engine_vit_create(tiny, &TINY, 64, k, &e);
		if (vit == NULL)
			fail_msg("%s", e.message);
		assert_int_equal(engine_vit_places(vit), 16);
		assert_true(engine_vit_run(vit, pixels, pool, features, aligned, &e));
		assert_true(engine_vit_run(vit, pixels, NULL, NULL, alone, &e));
		assert_memory_equal(aligned, alone, sizeof(aligned));
		float f = worst("vit/features", features), a = worst("vit/aligned", aligned);
		printf("%s: features %g, aligned %g\n", k->name, (double)f, (double)a);
		float limit = k->element_size == 2 ? 0.05f : 2e-5f;
		assert_true(f <= limit);
		assert_true(a <= limit);
		engine_vit_destroy(vit);
	}
	engine_pool_destroy(pool);
}

/* FNV-1a of the bytes, and the middle pixel and the next one, as Pillow 9.4 gives them for rgb[i] =
 * i * i * 31 + i * 7 + (i >> 5) * 13. */
static const struct {
	int width, height, size;
	uint64_t hash;
	uint8_t middle[6];
} SCALED[] = {
    {37, 23, 24, 0xb87b0eece7a06a2e, {163, 109, 79, 91, 138, 51}},
    {100, 301, 32, 0xca9a881d7506cca9, {124, 117, 114, 127, 123, 116}},
    {9, 5, 48, 0x7721fffe9560d230, {113, 127, 225, 115, 118, 212}},
    {300, 12, 40, 0x7d6adc28f4ba2973, {125, 124, 90, 146, 95, 111}},
    {64, 64, 64, 0x5bc612ababfbed25, {135, 237, 145, 115, 147, 241}},
    {1, 1, 16, 0xf72212dc19d6d325, {0, 38, 138, 0, 38, 138}},
};

static void test_scaling_is_pillows(void **state)
{
	(void)state;
	struct err e = {0};
	for (size_t t = 0; t < sizeof(SCALED) / sizeof(SCALED[0]); t++) {
		const int w = SCALED[t].width, h = SCALED[t].height, size = SCALED[t].size;
		uint8_t *rgb = malloc((size_t)(w * h * 3));
		float *pixels = malloc((size_t)(size * size * 3) * sizeof(float));
		assert_true(rgb != NULL && pixels != NULL);
		for (unsigned i = 0; i < (unsigned)(w * h * 3); i++)
			rgb[i] = (uint8_t)(i * i * 31 + i * 7 + (i >> 5) * 13);
		assert_true(engine_vit_prepare(rgb, w, h, size, pixels, &e));
		uint64_t hash = 0xcbf29ce484222325u;
		int middle = (size / 2 * size + size / 2) * 3;
		for (int i = 0; i < size * size * 3; i++) {
			uint8_t byte = (uint8_t)lrintf((pixels[i] * 0.5f + 0.5f) * 255.0f);
			hash = (hash ^ byte) * 0x100000001b3u;
			if (i >= middle && i < middle + 6)
				assert_int_equal(byte, SCALED[t].middle[i - middle]);
		}
		assert_true(hash == SCALED[t].hash);
		free(rgb);
		free(pixels);
	}
}

static void test_refusals(void **state)
{
	(void)state;
	struct err e = {0};
	uint8_t rgb[3] = {0};
	float pixels[16 * 16 * 3];
	assert_false(engine_vit_prepare(rgb, 0, 1, 16, pixels, &e));
	assert_false(engine_vit_prepare(rgb, 1, 1 << 20, 16, pixels, &e));
	assert_false(engine_vit_prepare(rgb, 1, 1, 3, pixels, &e));
	const struct conv_kernels *k = engine_conv_kernels(KERNEL_SCALAR);
	struct engine_vision_shape wrong = TINY;
	wrong.present = false;
	assert_null(engine_vit_create(tiny, &wrong, 64, k, &e));
	assert_int_equal(e.code, ERR_UNSUPPORTED);
	wrong = TINY;
	wrong.heads = 3;
	assert_null(engine_vit_create(tiny, &wrong, 64, k, &e));
	wrong = TINY;
	wrong.layers = 3;
	assert_null(engine_vit_create(tiny, &wrong, 64, k, &e));
	wrong = TINY;
	wrong.ffn = 128;
	assert_null(engine_vit_create(tiny, &wrong, 64, k, &e));
	wrong = TINY;
	wrong.image_size = 32;
	assert_null(engine_vit_create(tiny, &wrong, 64, k, &e));
	assert_null(engine_vit_create(tiny, &TINY, 32, k, &e));
	engine_vit_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),
	    cmocka_unit_test(test_scaling_is_pillows),
	    cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
