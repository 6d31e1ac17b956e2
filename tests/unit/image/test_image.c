/* Encoding, decoding and resizing, with pictures made here; damaged and oversized ones are refused. */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rand.h"
#include "image/image.h"

#define W 48
#define H 32

static struct arena *arena;
static struct buf file;
static uint8_t pixels[W * H * 3];
static const struct image picture = {W, H, pixels};
static const struct image_origin origin = {.prompt = "노란 배경 위의 <빨간> \"사과\" & 컵",
					   .seed = "42",
					   .style = "3d",
					   .model = "Madang"};

static int setup(void **state)
{
	(void)state;
	struct err e;
	arena = arena_create(64 << 20);
	buf_init(&file, 16 << 20);
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			uint8_t *p = &pixels[(y * W + x) * 3];
			p[0] = (uint8_t)(x * 5);
			p[1] = (uint8_t)(y * 7);
			p[2] = x < W / 2 ? 20 : 220;
		}
	return image_init(&e) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	buf_finish(&file);
	arena_destroy(arena);
	image_finish();
	return 0;
}

static double mean_difference(const struct image *a, const struct image *b)
{
	double sum = 0;
	int n = a->width * a->height * 3;
	for (int i = 0; i < n; i++)
		sum += abs(a->rgb[i] - b->rgb[i]);
	return sum / n;
}

static void encode(enum image_format format)
{
	struct err e;
	buf_clear(&file);
	assert_true(image_encode(&picture, format, &origin, &file, &e));
}

/* The previews of a job carry no origin: nobody keeps them. */
static void test_without_origin(void **state)
{
	(void)state;
	for (enum image_format f = IMAGE_FORMAT_PNG; f <= IMAGE_FORMAT_WEBP; f++) {
		struct image out;
		struct err e;
		buf_clear(&file);
		assert_true(image_encode(&picture, f, NULL, &file, &e));
		assert_true(image_decode(arena, file.data, file.length, NULL, &out, &e));
		assert_int_equal(out.width, picture.width);
	}
}

static void test_formats(void **state)
{
	(void)state;
	assert_int_equal(image_format_of("a.b/c.PNG"), IMAGE_FORMAT_PNG);
	assert_int_equal(image_format_of("x.jpeg"), IMAGE_FORMAT_JPEG);
	assert_int_equal(image_format_of("x.JPG"), IMAGE_FORMAT_JPEG);
	assert_int_equal(image_format_of("x.webp"), IMAGE_FORMAT_WEBP);
	assert_int_equal(image_format_of("x.png.txt"), IMAGE_FORMAT_NONE);
	assert_int_equal(image_format_of("png"), IMAGE_FORMAT_NONE);
	assert_string_equal(image_format_mime(IMAGE_FORMAT_WEBP), "image/webp");
}

static void test_round_trips(void **state)
{
	(void)state;
	static const double difference_max[] = {0, 0, 2.5, 4};
	for (enum image_format f = IMAGE_FORMAT_PNG; f <= IMAGE_FORMAT_WEBP; f++) {
		struct image back;
		struct err e;
		encode(f);
		assert_true(image_decode(arena, file.data, file.length, NULL, &back, &e));
		assert_int_equal(back.width, W);
		assert_int_equal(back.height, H);
		assert_true(mean_difference(&picture, &back) <= difference_max[f]);
	}
}

static bool contains(const char *text)
{
	return memmem(file.data, file.length, text, strlen(text)) != NULL;
}

static void test_origin_is_in_the_file(void **state)
{
	(void)state;
	encode(IMAGE_FORMAT_PNG);
	assert_true(contains(origin.prompt));
	assert_true(memmem(file.data, file.length,
			   "iTXtseed\0\0\0\0\0"
			   "42",
			   15) != NULL);
	for (enum image_format f = IMAGE_FORMAT_JPEG; f <= IMAGE_FORMAT_WEBP; f++) {
		encode(f);
		assert_true(contains(
		    "<madang:prompt>노란 배경 위의 &lt;빨간&gt; &quot;사과&quot; &amp; 컵<"));
		assert_true(contains("<madang:seed>42</madang:seed>"));
		assert_true(contains("<madang:style>3d</madang:style>"));
	}
}

static void test_square(void **state)
{
	(void)state;
	struct image_decode_options options = {.square = 16};
	struct image out;
	struct err e;
	encode(IMAGE_FORMAT_PNG);
	assert_true(image_decode(arena, file.data, file.length, &options, &out, &e));
	assert_int_equal(out.width, 16);
	assert_int_equal(out.height, 16);
	/* the middle 32 columns: the left edge has x = 8, far left of it is cut away */
	assert_true(out.rgb[0] > 25 && out.rgb[0] < 60);
	options.square = 200;
	assert_true(image_decode(arena, file.data, file.length, &options, &out, &e));
	assert_int_equal(out.width * out.height, 40000);
}

static void test_resize(void **state)
{
	(void)state;
	struct image out;
	struct err e;
	assert_true(image_resize(arena, &picture, W * 3, H * 3, true, &out, &e));
	for (int y = 0; y < H * 3; y++)
		for (int x = 0; x < W * 3; x++)
			assert_memory_equal(&out.rgb[(y * W * 3 + x) * 3],
					    &pixels[(y / 3 * W + x / 3) * 3], 3);
	assert_true(image_resize(arena, &picture, 100, 70, true, &out, &e));
	assert_int_equal(out.width, 100);
	assert_int_equal(out.height, 70);
	assert_true(image_resize(arena, &picture, 24, 16, false, &out, &e));
	assert_int_equal(out.width, 24);
	assert_false(image_resize(arena, &picture, 0, 5, false, &out, &e));
	assert_false(image_resize(arena, &picture, 1 << 20, 5, false, &out, &e));
}

static void test_limits(void **state)
{
	(void)state;
	struct image out;
	struct err e;
	encode(IMAGE_FORMAT_PNG);
	assert_false(image_decode(arena, file.data, file.length,
				  &(struct image_decode_options){.pixels_max = W * H - 1}, &out,
				  &e));
	assert_int_equal(e.code, ERR_TOO_LARGE);
	assert_false(image_decode(arena, file.data, file.length,
				  &(struct image_decode_options){.bytes_max = 100}, &out, &e));
	assert_int_equal(e.code, ERR_TOO_LARGE);
	/* a header that promises 60,000 x 60,000 pixels */
	static const char bomb[] =
	    "GIF89a\x60\xea\x60\xea\xf0\x00\x00\x00\x00\x00\xff\xff\xff,\0\0\0\0"
	    "\x60\xea\x60\xea\x00\x02\x02\x44\x01\x00;";
	assert_false(image_decode(arena, bomb, sizeof bomb - 1, NULL, &out, &e));
	assert_int_equal(e.code, ERR_TOO_LARGE);
	struct buf small;
	buf_init(&small, 50);
	assert_false(image_encode(&picture, IMAGE_FORMAT_PNG, &origin, &small, &e));
	buf_finish(&small);
}

/* Whatever is done to the bytes: a picture or an error, never more. */
static void test_damage(void **state)
{
	(void)state;
	struct rng r;
	struct image out;
	struct err e;
	rng_seed(&r, 3);
	assert_false(image_decode(arena, "", 0, NULL, &out, &e));
	assert_false(
	    image_decode(arena, "<svg xmlns='http://www.w3.org/2000/svg'/>", 41, NULL, &out, &e));
	for (enum image_format f = IMAGE_FORMAT_PNG; f <= IMAGE_FORMAT_WEBP; f++) {
		encode(f);
		for (size_t cut = 0; cut < file.length * 9 / 10; cut += 1 + file.length / 40) {
			e.code = ERR_NONE;
			assert_false(image_decode(arena, file.data, cut, NULL, &out, &e));
			assert_int_equal(e.code, ERR_INVALID);
		}
		for (int round = 0; round < 100; round++) {
			char *copy = malloc(file.length);
			memcpy(copy, file.data, file.length);
			for (int i = 0; i < 4; i++)
				copy[rng_next(&r) % file.length] = (char)rng_next(&r);
			if (image_decode(arena, copy, file.length, NULL, &out, &e))
				assert_true(out.width > 0 && out.height > 0);
			free(copy);
			arena_reset(arena);
		}
	}
}

/* Exactly as it was, through a PNG and through nothing else. */
static void test_alpha(void **state)
{
	(void)state;
	uint8_t alpha[W * H];
	struct image_alpha in = {.width = W, .height = H, .alpha = alpha}, out;
	struct buf made;
	struct image whole;
	struct err e = {0};
	for (int i = 0; i < W * H; i++)
		alpha[i] = (uint8_t)(i * 7);
	buf_init(&made, 1 << 20);
	assert_true(image_encode_alpha(&in, &made, &e));
	assert_true(image_decode_alpha(arena, made.data, made.length, &out, &e));
	assert_int_equal(out.width, W);
	assert_int_equal(out.height, H);
	assert_memory_equal(out.alpha, alpha, sizeof alpha);
	assert_false(image_decode_alpha(arena, made.data, made.length / 2, &out, &e));
	assert_false(image_decode_alpha(arena, "no picture", 10, &out, &e));
	/* Without transparency it is opaque. */
	buf_clear(&made);
	assert_true(image_encode(&picture, IMAGE_FORMAT_PNG, NULL, &made, &e));
	assert_true(image_decode_alpha(arena, made.data, made.length, &out, &e));
	assert_true(out.alpha[0] == 255 && out.alpha[W * H - 1] == 255);
	/* The hole of a region is where it was asked for. */
	buf_clear(&made);
	assert_true(image_encode_mask(10, 10, (const double[4]){0.2, 0.5, 0.3, 0.5}, &made, &e));
	assert_true(image_decode_alpha(arena, made.data, made.length, &out, &e));
	for (int i = 0; i < 100; i++)
		assert_int_equal(out.alpha[i], i % 10 >= 2 && i % 10 < 5 && i / 10 >= 5 ? 0 : 255);
	assert_true(image_decode(arena, made.data, made.length, NULL, &whole, &e));
	buf_finish(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_formats),     cmocka_unit_test(test_without_origin),
	    cmocka_unit_test(test_round_trips), cmocka_unit_test(test_origin_is_in_the_file),
	    cmocka_unit_test(test_square),      cmocka_unit_test(test_resize),
	    cmocka_unit_test(test_limits),      cmocka_unit_test(test_damage),
	    cmocka_unit_test(test_alpha),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
