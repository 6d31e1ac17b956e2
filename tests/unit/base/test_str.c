/* Text and codecs, with the vectors of RFC 3629 and RFC 4648. */
#include "../test.h"

#include <math.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/rand.h"
#include "base/str.h"

static bool valid(const char *s)
{
	return str_is_utf8(s, strlen(s));
}

static void test_utf8(void **state)
{
	(void)state;
	assert_true(valid("plain, 사과, リンゴ, 🍎"));
	assert_true(valid("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"));
	static const char *const broken[] = {
	    "\xc0\x80",         "\xc1\xbf",     "\xe0\x80\x80", "\xe0\x9f\xbf",
	    "\xf0\x8f\xbf\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80",
	    "\xf5\x80\x80\x80", "\xff",         "\x80",         "\xc2",
	    "\xe1\x80",         "\xf1\x80\x80", "a\xc2z"};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		assert_false(valid(broken[i]));
	assert_int_equal(str_utf8_count("사과🍎a", strlen("사과🍎a")), 4);
	assert_int_equal(str_utf8_count("\xff\xff", 2), 2);
	assert_int_equal(str_utf8_cut("사과", 6, 5), 3);
	assert_int_equal(str_utf8_cut("사과", 6, 6), 6);
	assert_int_equal(str_utf8_cut("사과", 6, 2), 0);
	uint32_t code = 0;
	assert_int_equal(str_utf8_next("🍎", 4, &code), 4);
	assert_int_equal(code, 0x1f34e);
	assert_int_equal(str_utf8_next("", 0, &code), 0);
}

static void test_trim_and_compare(void **state)
{
	(void)state;
	size_t n = 7;
	assert_string_equal(str_trim(" \tapple", &n), "apple");
	n = 9;
	const char *s = str_trim("  a b \r\n ", &n);
	assert_int_equal(n, 3);
	assert_memory_equal(s, "a b", 3);
	n = 3;
	str_trim("   ", &n);
	assert_int_equal(n, 0);
	assert_true(str_equal_nocase("Content-Type", "content-TYPE"));
	assert_false(str_equal_nocase("a", "ab"));
	assert_false(str_equal_nocase("ab", "a"));
	assert_true(str_starts("apple", "app"));
	assert_false(str_starts("ap", "app"));
	assert_true(str_ends("a.png", ".png"));
	assert_false(str_ends("png", ".png"));
}

static void test_numbers(void **state)
{
	(void)state;
	int64_t i = 5;
	assert_true(str_to_int("-12", -20, 20, &i) && i == -12);
	assert_true(str_to_int("9223372036854775807", 0, INT64_MAX, &i) && i == INT64_MAX);
	static const char *const not_int[] = {
	    "", "-", "1x", " 1", "1 ", "+1", "0x10", "9223372036854775808", "21", "1.0", "--1"};
	i = 5;
	for (size_t k = 0; k < sizeof not_int / sizeof *not_int; k++)
		assert_false(str_to_int(not_int[k], -20, 20, &i));
	assert_int_equal(i, 5);
	double d = 5;
	assert_true(str_to_double("-1.5e2", -1000, 1000, &d));
	assert_true(fabs(d + 150) < 1e-12);
	static const char *const not_real[] = {"",      "nan",   "inf",  "1,5", "1e999",
					       "0x1p3", "1.5.5", "2000", "e"};
	for (size_t k = 0; k < sizeof not_real / sizeof *not_real; k++)
		assert_false(str_to_double(not_real[k], -1000, 1000, &d));
}

static void test_hex(void **state)
{
	(void)state;
	char text[9];
	assert_string_equal(codec_hex(text, "\x00\xff\x1a\x80", 4), "00ff1a80");
}

static void test_base64_vectors(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {{"", ""},
					       {"f", "Zg=="},
					       {"fo", "Zm8="},
					       {"foo", "Zm9v"},
					       {"foob", "Zm9vYg=="},
					       {"fooba", "Zm9vYmE="},
					       {"foobar", "Zm9vYmFy"}};
	struct buf b;
	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		buf_clear(&b);
		codec_base64(&b, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(b.data ? b.data : "", pairs[i][1]);
		buf_clear(&b);
		assert_true(codec_base64_decode(&b, pairs[i][1], strlen(pairs[i][1])));
		assert_string_equal(b.data ? b.data : "", pairs[i][0]);
	}
	buf_clear(&b);
	codec_base64url(&b, "\xfb\xff", 2);
	assert_string_equal(b.data, "-_8");
	static const char *const broken[] = {"A",        "Zg=", "Zh==", "Zm9=", "Zm 9v",
					     "Zg==Zg==", "=",   "====", "Zg==="};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		buf_clear(&b);
		assert_false(codec_base64_decode(&b, broken[i], strlen(broken[i])));
	}
	buf_finish(&b);
}

static void test_base64_round_trips(void **state)
{
	(void)state;
	unsigned char bytes[2000];
	struct rng r;
	rng_seed(&r, 1);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)rng_next(&r);
	struct buf text, back;
	buf_init(&text, 4000);
	buf_init(&back, 4000);
	for (size_t n = 0; n <= sizeof bytes; n = n < 20 ? n + 1 : n * 3 / 2) {
		for (int url = 0; url < 2; url++) {
			buf_clear(&text);
			buf_clear(&back);
			(url ? codec_base64url : codec_base64)(&text, bytes, n);
			assert_true(codec_base64_decode(&back, text.data, text.length));
			assert_int_equal(back.length, n);
			if (n)
				assert_memory_equal(back.data, bytes, n);
		}
	}
	buf_finish(&text);
	buf_finish(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_utf8),           cmocka_unit_test(test_trim_and_compare),
	    cmocka_unit_test(test_numbers),        cmocka_unit_test(test_hex),
	    cmocka_unit_test(test_base64_vectors), cmocka_unit_test(test_base64_round_trips),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
