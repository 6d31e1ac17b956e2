/* What becomes of an upload: where and with what it was taken is forgotten, whose it is is kept; what lies on its
 * side is put upright; what moves goes on moving, where it is not too large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>
#include <cmocka.h>

#include "image/upload.h"

static VipsImage *plain(int width, int height)
{
	VipsImage *im = NULL, *bands[3];
	assert_int_equal(vips_black(&im, width, height, "bands", 3, NULL), 0);
	assert_int_equal(vips_linear1(im, &bands[0], 1, 90, "uchar", TRUE, NULL), 0);
	assert_int_equal(
	    vips_copy(bands[0], &bands[1], "interpretation", VIPS_INTERPRETATION_sRGB, NULL), 0);
	assert_int_equal(vips_copy(bands[1], &bands[2], NULL), 0);
	return bands[2];
}

static VipsImage *made(struct image_upload *out, const void *bytes, size_t length)
{
	struct err e = {0};
	if (!image_upload_make(bytes, length, out, &e))
		fail_msg("%s (%s)", e.message, e.detail);
	VipsImage *im =
	    vips_image_new_from_buffer(out->picture.data, out->picture.length, "", "n", -1, NULL);
	assert_non_null(im);
	return im;
}

static void forget(struct image_upload *out)
{
	buf_finish(&out->picture);
	buf_finish(&out->thumbnail);
}

static bool holds(VipsImage *im, const char *word)
{
	const void *exif = NULL;
	size_t length = 0;
	return !vips_image_get_blob(im, VIPS_META_EXIF_NAME, &exif, &length) &&
	       memmem(exif, length, word, strlen(word)) != NULL;
}

static void test_metadata(void **state)
{
	(void)state;
	VipsImage *im = plain(60, 40);
	vips_image_set_string(im, "exif-ifd0-Artist",
			      "Ann Painter (x, ASCII, 12 components, 12 bytes)");
	vips_image_set_string(im, "exif-ifd0-Copyright",
			      "Copyright Ann (x, ASCII, 14 components, 14 bytes)");
	vips_image_set_string(im, "exif-ifd0-Make", "SpyCam (x, ASCII, 7 components, 7 bytes)");
	vips_image_set_string(im, "exif-ifd3-GPSLatitude", "37/1 33/1 59/1");
	vips_image_set_string(im, "exif-ifd3-GPSLatitudeRef", "N");
	vips_image_set_string(im, "exif-ifd3-GPSProcessingMethod", "HIDEOUT");
	vips_image_set_int(im, "orientation", 6);
	void *bytes = NULL;
	size_t length = 0;
	assert_int_equal(vips_jpegsave_buffer(im, &bytes, &length, NULL), 0);
	/* The test is worth something only where the upload says it all. */
	assert_non_null(memmem(bytes, length, "SpyCam", 6));
	assert_non_null(memmem(bytes, length, "Ann Painter", 11));
	VipsImage *before = vips_jpegload_buffer(bytes, length, &before, NULL) ? NULL : before;
	assert_non_null(before);
	assert_int_not_equal(vips_image_get_typeof(before, "exif-ifd3-GPSLatitude"), 0);

	struct image_upload out = {0};
	VipsImage *after = made(&out, bytes, length);
	assert_true(holds(after, "Ann Painter"));
	assert_true(holds(after, "Copyright Ann"));
	assert_false(holds(after, "SpyCam"));
	assert_int_equal(vips_image_get_typeof(after, "exif-ifd3-GPSLatitude"), 0);
	assert_int_equal(vips_image_get_typeof(after, "exif-ifd0-Make"), 0);
	assert_int_equal(out.width, 40); /* it lay on its side */
	assert_int_equal(out.height, 60);
	g_free(bytes);
	forget(&out);
}

/* Four frames of 30 x 20, each 70 ms. */
static void *moving(bool gif, size_t *length)
{
	VipsImage *im = plain(30, 80);
	int delays[4] = {70, 70, 70, 70};
	for (int i = 0; i < 4; i++) /* unlike each other, or they would be made one */
		assert_int_equal(
		    vips_draw_rect1(im, 40.0 * i, 2 + 5 * i, 20 * i + 3, 8, 8, "fill", TRUE, NULL),
		    0);
	vips_image_set_int(im, VIPS_META_PAGE_HEIGHT, 20);
	vips_image_set_array_int(im, "delay", delays, 4);
	vips_image_set_int(im, "loop", 0);
	void *bytes = NULL;
	assert_int_equal(gif ? vips_gifsave_buffer(im, &bytes, length, NULL)
			     : vips_webpsave_buffer(im, &bytes, length, "lossless", TRUE, NULL),
			 0);
	return bytes;
}

static void test_moving(void **state)
{
	(void)state;
	for (int gif = 0; gif < 2; gif++) {
		size_t length = 0;
		void *bytes = moving(gif, &length);
		struct image_upload out = {0};
		VipsImage *im = made(&out, bytes, length);
		assert_int_equal(vips_image_get_n_pages(im), 4);
		int *delays = NULL, count = 0;
		assert_int_equal(vips_image_get_array_int(im, "delay", &delays, &count), 0);
		assert_true(count >= 1 && delays[0] == 70);
		assert_int_equal(out.width, 30);
		assert_int_equal(out.height, 20);
		VipsImage *thumb =
		    vips_image_new_from_buffer(out.thumbnail.data, out.thumbnail.length, "", NULL);
		assert_int_equal(vips_image_get_n_pages(thumb), 1);
		g_free(bytes);
		forget(&out);
	}
}

static void test_still(void **state)
{
	(void)state;
	void *bytes = NULL;
	size_t length = 0;
	struct image_upload out = {0};
	assert_int_equal(vips_pngsave_buffer(plain(500, 250), &bytes, &length, NULL), 0);
	assert_int_equal(vips_image_get_n_pages(made(&out, bytes, length)), 1);
	assert_int_equal(out.thumbnail_width, 480);
	assert_int_equal(out.thumbnail_height, 240);
	g_free(bytes);
	forget(&out);
}

static bool transparent(int bands, int least)
{
	VipsImage *im = plain(40, 20), *alpha = NULL, *both = NULL;
	void *bytes = NULL;
	size_t length = 0;
	struct image_upload out = {0};
	if (bands == 4) {
		assert_int_equal(vips_black(&alpha, 40, 20, NULL), 0);
		VipsImage *full = NULL, *drawn = NULL;
		assert_int_equal(vips_linear1(alpha, &full, 1, 255, "uchar", TRUE, NULL), 0);
		drawn = vips_image_copy_memory(full);
		assert_int_equal(vips_draw_rect1(drawn, least, 3, 4, 5, 6, "fill", TRUE, NULL), 0);
		assert_int_equal(vips_bandjoin2(im, drawn, &both, NULL), 0);
	}
	assert_int_equal(vips_pngsave_buffer(both ? both : im, &bytes, &length, NULL), 0);
	made(&out, bytes, length);
	bool answer = out.transparent;
	g_free(bytes);
	forget(&out);
	return answer;
}

static void test_transparent(void **state)
{
	(void)state;
	assert_false(transparent(3, 0));
	assert_false(transparent(4, 255));
	assert_true(transparent(4, 254));
	assert_true(transparent(4, 0));
}

int main(void)
{
	struct err e = {0};
	if (!image_upload_init(&e))
		return 1;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_metadata), cmocka_unit_test(test_moving),
	    cmocka_unit_test(test_still), cmocka_unit_test(test_transparent)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
