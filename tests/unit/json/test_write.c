/* Writing: what comes out is valid JSON whatever goes in, and misuse is told. */
#include "../test.h"

#include <math.h>

#include "base/rand.h"
#include "json/read.h"
#include "json/write.h"

static struct buf out;

static int setup(void **state)
{
	(void)state;
	buf_init(&out, 100000);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_finish(&out);
	return 0;
}

static void test_document(void **state)
{
	(void)state;
	struct json_writer w;
	struct err e;
	json_begin(&w, &out);
	json_put_object(&w, NULL);
	json_put_id(&w, "id", 123);
	json_put_id(&w, "none", 0);
	json_put_str(&w, "s", "a\"\\\n\x01 사과\xff!");
	json_put_str(&w, "null", NULL);
	json_put_array(&w, "list");
	json_put_int(&w, NULL, INT64_MIN);
	json_put_real(&w, NULL, 0.1);
	json_put_real(&w, NULL, NAN);
	json_put_bool(&w, NULL, true);
	json_put_object(&w, NULL);
	json_put_end(&w);
	json_put_end(&w);
	json_put_time(&w, "at", 1000);
	json_put_raw(&w, "raw", "[1]", 3);
	json_put_end(&w);
	assert_true(json_finish(&w, &e));
	assert_string_equal(
	    out.data,
	    "{\"id\":\"123\",\"none\":null,\"s\":\"a\\\"\\\\\\n\\u0001 사과\xef\xbf\xbd!\","
	    "\"null\":null,\"list\":[-9223372036854775808,0.1,null,true,{}],"
	    "\"at\":\"1970-01-01T00:00:01.000Z\",\"raw\":[1]}");
}

static void misuse_key_in_array(struct json_writer *w)
{
	json_put_array(w, NULL);
	json_put_int(w, "key", 1);
	json_put_end(w);
}

static void misuse_no_key(struct json_writer *w)
{
	json_put_object(w, NULL);
	json_put_int(w, NULL, 1);
	json_put_end(w);
}

static void misuse_unclosed(struct json_writer *w)
{
	json_put_object(w, NULL);
}

static void misuse_two_tops(struct json_writer *w)
{
	json_put_int(w, NULL, 1);
	json_put_int(w, NULL, 2);
}

static void misuse_end(struct json_writer *w)
{
	json_put_int(w, NULL, 1);
	json_put_end(w);
}

static void misuse_depth(struct json_writer *w)
{
	for (int i = 0; i <= JSON_WRITE_DEPTH_MAX; i++)
		json_put_array(w, NULL);
	for (int i = 0; i <= JSON_WRITE_DEPTH_MAX; i++)
		json_put_end(w);
}

static void misuse_nothing(struct json_writer *w)
{
	(void)w;
}

static void test_misuse(void **state)
{
	(void)state;
	void (*const cases[])(struct json_writer *) = {
	    misuse_key_in_array, misuse_no_key, misuse_unclosed, misuse_two_tops,
	    misuse_end,          misuse_depth,  misuse_nothing};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json_writer w;
		struct err e;
		buf_clear(&out);
		json_begin(&w, &out);
		cases[i](&w);
		assert_false(json_finish(&w, &e));
		assert_int_equal(e.code, ERR_INTERNAL);
	}
}

static void test_full_buffer(void **state)
{
	(void)state;
	struct buf small;
	struct json_writer w;
	struct err e;
	buf_init(&small, 8);
	json_begin(&w, &small);
	json_put_str(&w, NULL, "more than eight");
	assert_false(json_finish(&w, &e));
	assert_int_equal(e.code, ERR_TOO_LARGE);
	buf_finish(&small);
}

/* Whatever bytes go in, the reader takes what came out; real numbers come back exactly. */
static void test_round_trip(void **state)
{
	(void)state;
	struct rng r;
	rng_seed(&r, 7);
	struct arena *a = arena_create(1 << 20);
	for (int round = 0; round < 500; round++) {
		char bytes[64];
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (char)(rng_next(&r) >> 40);
		double x = ldexp(rng_uniform(&r), (int)(rng_next(&r) % 200) - 100);
		struct json_writer w;
		struct err e;
		const struct json_value *v;
		buf_clear(&out);
		json_begin(&w, &out);
		json_put_array(&w, NULL);
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = bytes[i] ? bytes[i] : 1; /* the reader refuses NUL, by design */
		json_put_strn(&w, NULL, bytes, sizeof bytes);
		json_put_real(&w, NULL, x);
		json_put_end(&w);
		assert_true(json_finish(&w, &e));
		assert_true(json_parse(a, out.data, out.length, NULL, &v, &e));
		double back = v->items[1].kind == JSON_KIND_INT ? (double)v->items[1].integer
								: v->items[1].real;
		assert_memory_equal(&back, &x, sizeof x);
		arena_reset(a);
	}
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_document),
	    cmocka_unit_test(test_misuse),
	    cmocka_unit_test(test_full_buffer),
	    cmocka_unit_test(test_round_trip),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
