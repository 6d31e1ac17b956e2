/* The picture tokenizer against the golden vectors (VQ) and against itself (strips of rows, encode and
 * decode, random FSQ models of the built-in kind); requests that make no sense. */
#include "base/rand.h"
#include "engine/vq.h"
#include "synthetic_vq.h"

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

/* The tiny model of golden/config.json. */
static const struct engine_vq_shape TINY = {
    .has_decoder = true,
    .has_encoder = true,
    .quantizer = ENGINE_QUANTIZER_VQ_L2,
    .codes = 64,
    .code_dim = 8,
    .latent_channels = 32,
    .base_channels = 32,
    .encoder_base_channels = 32,
    .stages = 2,
    .multiplier = {1, 2},
    .patch = 1,
    .res_blocks = 1,
    .attention = true,
    .norm = ENGINE_NORM_GROUP,
    .norm_groups = 32,
    .norm_eps = 1e-6f,
    .grid = 4,
    .image_size = 8,
};

static int setup(void **state)
{
	(void)state;
	struct err e = {0};
	expected = engine_safetensors_open(golden("expected.safetensors"), &e);
	tiny = engine_weights_open(golden("tiny_janus.safetensors"), &e);
	if (expected == NULL || tiny == NULL)
		fprintf(stderr, "%s\n", e.message);
	return expected != NULL && tiny != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	engine_safetensors_close(expected);
	engine_weights_close(tiny);
	return 0;
}

static const struct engine_tensor *tensor(const char *name)
{
	const struct engine_tensor *t = engine_safetensors_find(expected, name);
	if (t == NULL)
		fail_msg("no %s in expected.safetensors", name);
	return t;
}

static float expected_at(const struct engine_tensor *t, size_t i)
{
	float v;
	memcpy(&v, (const char *)t->data + i * sizeof(v), sizeof(v));
	return v;
}

static struct engine_vq *open_vq(const struct engine_weights *w,
				 const struct engine_vq_shape *shape, enum kernel_level level)
{
	struct err e = {0};
	struct engine_vq_options options = {engine_conv_kernels(level), true, shape->has_encoder};
	struct engine_vq *vq = engine_vq_create(w, shape, &options, &e);
	if (vq == NULL)
		fail_msg("%s", e.message);
	return vq;
}

static struct engine_vq_work *open_work(struct engine_pool *pool)
{
	struct err e = {0};
	struct engine_vq_work *work = engine_vq_work_create(pool, &e);
	assert_non_null(work);
	return work;
}

static bool is_bf16(enum kernel_level level)
{
	return engine_conv_kernels(level)->element_size == 2;
}

/* f32 levels stay within the stated tolerance, bf16 within about 1 % of the values' size. */
static float tolerance(enum kernel_level level, float f32)
{
	return is_bf16(level) ? 0.12f : f32;
}

static void decode_golden(enum kernel_level level, const char *ids_name, const char *pixels_name,
			  const char *u8_name)
{
	struct err e = {0};
	struct engine_vq *vq = open_vq(tiny, &TINY, level);
	struct engine_vq_work *work = open_work(NULL);
	int32_t ids[16];
	float pixels[8 * 8 * 3];
	uint8_t rgb[8 * 8 * 3];
	memcpy(ids, tensor(ids_name)->data, sizeof(ids));
	struct engine_vq_decode d = {ids, 4, 4, 0, 4, -1};
	assert_true(engine_vq_decode(vq, &d, work, pixels, rgb, &e));
	const struct engine_tensor *p = tensor(pixels_name);
	float worst = 0;
	for (int i = 0; i < 8 * 8; i++) {
		for (int c = 0; c < 3; c++)
			worst = fmaxf(
			    worst, fabsf(pixels[i * 3 + c] - expected_at(p, (size_t)(c * 64 + i))));
	}
	printf("%s %s: %g\n", engine_conv_kernels(level)->name, pixels_name, (double)worst);
	assert_true(worst <= tolerance(level, 5e-5f));
	const uint8_t *u8 = tensor(u8_name)->data;
	for (int i = 0; i < 8 * 8 * 3 && !is_bf16(level); i++)
		assert_true(abs(rgb[i] - u8[i]) <= 1);
	engine_vq_work_destroy(work);
	engine_vq_destroy(vq);
}

static void test_decode_golden(void **state)
{
	(void)state;
	for (int level = KERNEL_SCALAR; level <= (int)kernels_best(); level++) {
		decode_golden((enum kernel_level)level, "vq/decode/grid_ids", "vq/decode/pixels",
			      "vq/decode/pixels_u8_hwc");
		decode_golden((enum kernel_level)level, "janus/greedy_cfg5/ids",
			      "janus/greedy_cfg5/pixels", "janus/greedy_cfg5/pixels_u8_hwc");
	}
}

static void test_encode_golden(void **state)
{
	(void)state;
	for (int level = KERNEL_SCALAR; level <= (int)kernels_best(); level++) {
		struct err e = {0};
		struct engine_vq *vq = open_vq(tiny, &TINY, (enum kernel_level)level);
		struct engine_vq_work *work = open_work(NULL);
		const struct engine_tensor *image = tensor("vq/encode/image_chw");
		const struct engine_tensor *quant = tensor("vq/encode/quant_conv_out");
		float pixels[8 * 8 * 3], latents[16 * 8], worst = 0;
		int32_t ids[16];
		for (int i = 0; i < 8 * 8 * 3; i++)
			pixels[i] = expected_at(image, (size_t)(i % 3 * 64 + i / 3));
		struct engine_vq_encode what = {.pixels = pixels, .width = 8, .height = 8};
		assert_true(engine_vq_encode(vq, &what, work, ids, latents, &e));
		for (int i = 0; i < 16 * 8; i++)
			worst =
			    fmaxf(worst, fabsf(latents[i] -
					       expected_at(quant, (size_t)(i % 8 * 16 + i / 8))));
		printf("%s encode: %g\n", engine_conv_kernels((enum kernel_level)level)->name,
		       (double)worst);
		assert_true(worst <= tolerance((enum kernel_level)level, 2e-5f));
		if (!is_bf16((enum kernel_level)level))
			assert_memory_equal(ids, tensor("vq/encode/ids")->data, sizeof(ids));
		engine_vq_work_destroy(work);
		engine_vq_destroy(vq);
	}
}

static void refuse(const struct engine_vq *vq, struct engine_vq_work *work,
		   struct engine_vq_decode d, const char *message)
{
	struct err e = {0};
	float pixels[8 * 8 * 3];
	assert_false(engine_vq_decode(vq, &d, work, pixels, NULL, &e));
	if (strstr(e.message, message) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", message, e.message);
}

static void test_refusals(void **state)
{
	(void)state;
	struct err e = {0};
	struct engine_vq *vq = open_vq(tiny, &TINY, KERNEL_SCALAR);
	struct engine_vq_work *work = open_work(NULL);
	int32_t ids[16] = {0}, bad[16] = {[5] = 64}, negative[16] = {[15] = -1};
	refuse(vq, work, (struct engine_vq_decode){ids, 0, 4, 0, 4, -1}, "not possible");
	refuse(vq, work, (struct engine_vq_decode){ids, 4, 100000, 0, 4, -1}, "not possible");
	refuse(vq, work, (struct engine_vq_decode){ids, 4, 4, 2, 2, -1}, "no token rows");
	refuse(vq, work, (struct engine_vq_decode){ids, 4, 4, -1, 2, -1}, "no token rows");
	refuse(vq, work, (struct engine_vq_decode){ids, 4, 4, 0, 5, -1}, "no token rows");
	refuse(vq, work, (struct engine_vq_decode){bad, 4, 4, 0, 4, -1}, "token 5 is 64");
	refuse(vq, work, (struct engine_vq_decode){negative, 4, 4, 0, 4, -1}, "token 15 is -1");
	uint8_t rgb[9 * 9 * 3] = {0};
	struct engine_vq_encode odd = {.rgb = rgb, .width = 9, .height = 8};
	assert_false(engine_vq_encode(vq, &odd, work, ids, NULL, &e));
	assert_int_equal(e.code, ERR_INVALID);
	engine_vq_destroy(vq);
	engine_vq_work_destroy(work);
	engine_vq_destroy(NULL);
	engine_vq_work_destroy(NULL);

	/* Shapes that the tensors do not have. */
	struct engine_vq_options options = {engine_conv_kernels(KERNEL_SCALAR), true, true};
	struct engine_vq_shape wrong = TINY;
	wrong.base_channels = 48;
	assert_null(engine_vq_create(tiny, &wrong, &options, &e));
	wrong = TINY;
	wrong.res_blocks = 2;
	assert_null(engine_vq_create(tiny, &wrong, &options, &e));
	wrong = TINY;
	wrong.patch = 0;
	assert_null(engine_vq_create(tiny, &wrong, &options, &e));
	wrong = TINY;
	wrong.norm_groups = 24;
	assert_null(engine_vq_create(tiny, &wrong, &options, &e));
	wrong = TINY;
	wrong.quantizer = ENGINE_QUANTIZER_FSQ;
	wrong.code_dim = 2;
	wrong.levels[0] = wrong.levels[1] = 5;
	assert_null(engine_vq_create(tiny, &wrong, &options, &e));
	assert_non_null(strstr(e.message, "25 codes"));
	options.encoder = false;
	vq = engine_vq_create(tiny, &TINY, &options, &e);
	work = open_work(NULL);
	struct engine_vq_encode even = {.rgb = rgb, .width = 8, .height = 8};
	assert_false(engine_vq_encode(vq, &even, work, ids, NULL, &e));
	assert_int_equal(e.code, ERR_UNSUPPORTED);
	engine_vq_destroy(vq);
	engine_vq_work_destroy(work);
}

/* The built-in model's tokenizer with fewer channels. */
static struct engine_vq_shape small_builtin(void)
{
	struct engine_vq_shape s = synthetic_builtin();
	s.base_channels = 5;
	s.encoder_base_channels = 4;
	s.latent_channels = 12;
	return s;
}

#define ROWS  40 /* more than two halos, so that a strip in the middle sees neither edge */
#define WIDTH 3
#define ROW   ((size_t)(WIDTH * 16 * 16 * 3)) /* numbers in a row of tokens' pixels */

static void strips_at(const struct engine_vq *vq, struct engine_vq_work *work, const int32_t *ids,
		      float *whole, float *strip)
{
	struct err e = {0};
	struct engine_vq_decode d = {ids, WIDTH, ROWS, 0, ROWS, -1};
	assert_true(engine_vq_decode(vq, &d, work, whole, NULL, &e));
	const int halo = engine_vq_halo(vq);
	const int ranges[][2] = {{0, 1}, {ROWS - 1, ROWS}, {3, 5}, {19, 20}};
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		int first = ranges[i][0], last = ranges[i][1];
		for (int exact = 0; exact < 2; exact++) {
			d = (struct engine_vq_decode){ids,   WIDTH, ROWS,
						      first, last,  exact ? -1 : halo};
			assert_true(engine_vq_decode(vq, &d, work, strip, NULL, &e));
			assert_memory_equal(strip, whole + ROW * (size_t)first,
					    ROW * (size_t)(last - first) * sizeof(float));
		}
	}
	/* A small halo is close, and its error gets smaller with each row. */
	double before = 1e9;
	for (int h = 0; h < 4; h++) {
		d = (struct engine_vq_decode){ids, WIDTH, ROWS, 19, 20, h};
		assert_true(engine_vq_decode(vq, &d, work, strip, NULL, &e));
		double off = 0, size = 0;
		for (size_t k = 0; k < ROW; k++) {
			off += fabs((double)strip[k] - (double)whole[19 * ROW + k]);
			size += fabs((double)whole[19 * ROW + k]);
		}
		printf("halo %d: mean error %g of the mean value\n", h, off / size);
		assert_true(off < before);
		before = off;
	}
}

static void test_strips(void **state)
{
	(void)state;
	struct err e = {0};
	struct rng rng;
	rng_seed(&rng, 7);
	struct engine_vq_shape shape = small_builtin();
	struct synthetic s = synthetic_vq(&shape, true, true);
	struct engine_pool *pool = engine_pool_create(3, &e);
	assert_non_null(pool);
	float *whole = malloc(ROWS * ROW * sizeof(float)),
	      *strip = malloc(ROWS * ROW * sizeof(float));
	float *first = malloc(ROWS * ROW * sizeof(float));
	int32_t ids[ROWS * WIDTH];
	assert_true(whole != NULL && strip != NULL && first != NULL);
	for (int i = 0; i < ROWS * WIDTH; i++)
		ids[i] = (int32_t)(rng_next(&rng) % 6000);
	for (int level = KERNEL_SCALAR; level <= (int)kernels_best(); level++) {
		struct engine_vq *vq = open_vq(s.weights, &shape, (enum kernel_level)level);
		struct engine_vq_work *work = open_work(level % 2 ? NULL : pool);
		assert_int_equal(engine_vq_scale(vq), 16);
		assert_int_equal(engine_vq_halo(vq), 15);
		strips_at(vq, work, ids, whole, strip);
		if (level == KERNEL_SCALAR)
			memcpy(first, whole, ROWS * ROW * sizeof(float));
		double worst = 0, off = 0, size = 0;
		for (size_t i = 0; i < ROWS * ROW; i++) {
			double d = fabs((double)whole[i] - (double)first[i]);
			worst = fmax(worst, d);
			off += d;
			size += fabs((double)first[i]);
		}
		printf("%s from scalar: at most %g, mean %g of the mean value\n",
		       engine_conv_kernels((enum kernel_level)level)->name, worst, off / size);
		assert_true(off / size <= (is_bf16((enum kernel_level)level) ? 0.02 : 1e-5));
		assert_true(worst <= (is_bf16((enum kernel_level)level) ? 0.3 : 1e-4));
		engine_vq_work_destroy(work);
		engine_vq_destroy(vq);
	}
	free(whole);
	free(strip);
	free(first);
	engine_pool_destroy(pool);
	synthetic_finish(&s);
}

/* Row step * i + phase of one model's tensor becomes row i of the other's, which has `rows` of them. */
static void copy_rows(const struct synthetic *to, const struct synthetic *from,
		      struct engine_want want, int rows, const int step_phase[2])
{
	struct err e = {0};
	struct engine_tensor a, b;
	assert_true(engine_weights_get(to->weights, want, &a, &e));
	assert_true(engine_weights_get(from->weights, want, &b, &e));
	size_t row = a.bytes / (size_t)rows; /* synthetic weights lie in our own memory */
	for (int i = 0; i < rows; i++)
		memcpy((char *)(uintptr_t)a.data + (size_t)i * row,
		       (const char *)b.data + (size_t)(i * step_phase[0] + step_phase[1]) * row,
		       row);
}

/* A model whose last convolution makes patches of 2 x 2 pixels, against four models without patches, each
 * with the channels of one pixel of the patch. */
static void test_patches_decode(void **state)
{
	(void)state;
	struct err e = {0};
	struct engine_vq_shape shape = small_builtin(), plain = shape;
	plain.patch = 1;
	struct synthetic s = synthetic_vq(&shape, false, false);
	struct synthetic parts = synthetic_vq(&plain, false, false);
	const int32_t ids[6] = {5, 4321, 77, 5999, 0, 2500};
	static float pixels[48 * 32 * 3], part[24 * 16 * 3];
	struct engine_vq_work *work = open_work(NULL);
	struct engine_vq_decode d = {ids, 3, 2, 0, 2, -1};
	struct engine_vq_options options = {engine_conv_kernels(KERNEL_SCALAR), true, false};
	struct engine_vq *vq = engine_vq_create(s.weights, &shape, &options, &e);
	assert_non_null(vq);
	assert_int_equal(engine_vq_scale(vq), 16);
	assert_true(engine_vq_decode(vq, &d, work, pixels, NULL, &e));
	engine_vq_destroy(vq);
	for (int k = 0; k < 4; k++) {
		int step_phase[2] = {4, k};
		copy_rows(&parts, &s, (struct engine_want){.id = T_DEC_CONV_OUT}, 3, step_phase);
		copy_rows(&parts, &s, (struct engine_want){.id = T_DEC_CONV_OUT, .bias = true}, 3,
			  step_phase);
		vq = engine_vq_create(parts.weights, &plain, &options, &e);
		assert_non_null(vq);
		assert_int_equal(engine_vq_scale(vq), 8);
		assert_true(engine_vq_decode(vq, &d, work, part, NULL, &e));
		for (int i = 0; i < 24 * 16 * 3; i++) {
			int c = i % 3, x = i / 3 % 24, y = i / 72;
			assert_true(part[i] ==
				    pixels[((2 * y + k / 2) * 48 + 2 * x + k % 2) * 3 + c]);
		}
		engine_vq_destroy(vq);
	}
	engine_vq_work_destroy(work);
	synthetic_finish(&s);
	synthetic_finish(&parts);
}

/* A picture that is zero but for one pixel of each patch, against a model without patches. */
static void test_patches_encode(void **state)
{
	(void)state;
	struct err e = {0};
	struct rng rng;
	rng_seed(&rng, 5);
	struct engine_vq_shape shape = small_builtin(), plain = shape;
	plain.patch = 1;
	struct synthetic s = synthetic_vq(&shape, true, false);
	struct synthetic parts = synthetic_vq(&plain, true, false);
	struct engine_vq_work *work = open_work(NULL);
	struct engine_vq *vq = open_vq(s.weights, &shape, KERNEL_SCALAR);
	static float pixels[48 * 32 * 3], part[24 * 16 * 3];
	float latents[6 * 5], same[6 * 5];
	int32_t ids[6];
	for (int k = 0; k < 4; k++) {
		memset(pixels, 0, sizeof(pixels));
		for (int i = 0; i < 24 * 16 * 3; i++) {
			int c = i % 3, x = i / 3 % 24, y = i / 72;
			part[i] = (float)rng_uniform(&rng);
			pixels[((2 * y + k / 2) * 48 + 2 * x + k % 2) * 3 + c] = part[i];
		}
		struct engine_vq_encode what = {.pixels = pixels, .width = 48, .height = 32};
		assert_true(engine_vq_encode(vq, &what, work, ids, latents, &e));
		/* [out][3 * 4][9]: rows of 9 numbers; those of an output lie side by side. */
		int step_phase[2] = {4, k};
		struct engine_want in = {.id = T_ENC_CONV_IN};
		copy_rows(&parts, &s, in, 3 * shape.encoder_base_channels, step_phase);
		struct engine_vq *one = open_vq(parts.weights, &plain, KERNEL_SCALAR);
		what = (struct engine_vq_encode){.pixels = part, .width = 24, .height = 16};
		assert_true(engine_vq_encode(one, &what, work, ids, same, &e));
		for (int i = 0; i < 6 * 5; i++)
			assert_true(fabsf(latents[i] - same[i]) < 1e-5f);
		engine_vq_destroy(one);
	}
	engine_vq_destroy(vq);
	engine_vq_work_destroy(work);
	synthetic_finish(&s);
	synthetic_finish(&parts);
}

/* FSQ: an id's digits are those of the numbers that were quantised; edges of the range hold. */
static void test_fsq_encode(void **state)
{
	(void)state;
	struct err e = {0};
	struct rng rng;
	rng_seed(&rng, 9);
	struct engine_vq_shape shape = small_builtin();
	struct synthetic s = synthetic_vq(&shape, true, true);
	struct engine_vq *vq = open_vq(s.weights, &shape, KERNEL_SCALAR);
	struct engine_vq_work *work = open_work(NULL);
	uint8_t rgb[48 * 32 * 3];
	float pixels[48 * 32 * 3], latents[6 * 5], again[6 * 5];
	int32_t ids[6], same[6];
	for (size_t i = 0; i < sizeof(rgb); i++) {
		rgb[i] = (uint8_t)rng_next(&rng);
		pixels[i] = (float)rgb[i] / 127.5f - 1.0f;
	}
	struct engine_vq_encode what = {.rgb = rgb, .width = 48, .height = 32};
	assert_true(engine_vq_encode(vq, &what, work, ids, latents, &e));
	what.rgb = NULL;
	what.pixels = pixels;
	assert_true(engine_vq_encode(vq, &what, work, same, again, &e));
	assert_memory_equal(ids, same, sizeof(ids));
	assert_memory_equal(latents, again, sizeof(again));
	for (int i = 0; i < 6; i++) {
		int id = ids[i];
		for (int j = 0; j < 5; j++) {
			int levels = shape.levels[j], digit = id % levels;
			double place = (tanh((double)latents[i * 5 + j]) + 1) / 2 * (levels - 1);
			assert_true(fabs(place - digit) <= 0.5 + 1e-5);
			id /= levels;
		}
		assert_int_equal(id, 0);
	}
	engine_vq_work_destroy(work);
	engine_vq_destroy(vq);
	synthetic_finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_decode_golden),  cmocka_unit_test(test_encode_golden),
	    cmocka_unit_test(test_strips),         cmocka_unit_test(test_fsq_encode),
	    cmocka_unit_test(test_patches_decode), cmocka_unit_test(test_patches_encode),
	    cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
