/* Reading: limits, strictness, tables. */
#include "../test.h"

#include "json/read.h"

static struct arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_create(8 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_destroy(arena);
	return 0;
}

static const struct json_value *parse(const char *text)
{
	const struct json_value *v = NULL;
	struct err e;
	return json_parse(arena, text, strlen(text), NULL, &v, &e) ? v : NULL;
}

static void test_values(void **state)
{
	(void)state;
	const struct json_value *v = parse(
	    " {\"s\":\"\\ud83c\\udf4e 사과\",\"i\":-7,\"r\":2.5,\"t\":true,\"n\":null,\"a\":[1,\"x\",{}]} ");
	assert_non_null(v);
	assert_string_equal(json_get_str(v, "s", ""), "🍎 사과");
	assert_int_equal(json_get_int(v, "i", 0), -7);
	assert_true(json_get_number(v, "r", 0) > 2.4 && json_get_number(v, "i", 0) < -6);
	assert_true(json_get_bool(v, "t", false));
	assert_int_equal(json_get(v, "n")->kind, JSON_KIND_NULL);
	const struct json_value *a = json_get(v, "a");
	assert_int_equal(a->length, 3);
	assert_string_equal(a->items[1].s, "x");
	assert_null(json_get(v, "missing"));
	assert_null(json_get(a, "s"));
	assert_null(json_get(NULL, "s"));
	assert_string_equal(json_get_str(v, "i", "other"), "other");
	assert_int_equal(parse("3")->integer, 3);
}

static void test_invalid(void **state)
{
	(void)state;
	static const char *const broken[] = {"",
					     "{",
					     "[1,]",
					     "{\"a\":1,\"a\":2}",
					     "\"\\u0000\"",
					     "\"\xff\"",
					     "[1] x",
					     "'a'",
					     "01",
					     "nul",
					     "\"\\ud800\"",
					     "{\"a\" 1}",
					     "99999999999999999999",
					     "\"",
					     "]",
					     "1e999"};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		assert_null(parse(broken[i]));
	assert_null(parse("\"\x01\""));
}

static void test_limits(void **state)
{
	(void)state;
	const struct json_limits limits = {.bytes_max = 40, .values_max = 5, .depth_max = 3};
	const struct json_value *v;
	struct err e;
	static const char *const good[] = {"[[[]]]", "[1,2,3]", "\"[[[[[[,,,,,,,,\\\"[[[[\""};
	static const char *const bad[] = {"[[[[]]]]", "[1,2,3,4,5,6]",
					  "\"1234567890123456789012345678901234567890\""};
	for (size_t i = 0; i < 3; i++) {
		assert_true(json_parse(arena, good[i], strlen(good[i]), &limits, &v, &e));
		assert_false(json_parse(arena, bad[i], strlen(bad[i]), &limits, &v, &e));
		assert_int_equal(e.code, ERR_TOO_LARGE);
	}
	struct arena *small = arena_create(64);
	assert_false(json_parse(small, "[1,2,3,4,5,6,7,8]", 17, NULL, &v, &e));
	assert_int_equal(e.code, ERR_TOO_LARGE);
	arena_destroy(small);
}

struct params {
	const char *prompt;
	int64_t n;
	double guidance;
	bool stream;
	int64_t source_id;
	struct json_strs tags;
	struct json_ids media;
	const struct json_value *extra;
};

static const struct json_field FIELDS[] = {
    JSON_FIELD_STR(struct params, prompt, "prompt", .required = true, .max = 5),
    JSON_FIELD_INT(struct params, n, "n", .min = 1, .max = 10),
    JSON_FIELD_REAL(struct params, guidance, "guidance", .max = 20),
    JSON_FIELD_BOOL(struct params, stream, "stream"),
    JSON_FIELD_ID(struct params, source_id, "source_id"),
    JSON_FIELD_STRS(struct params, tags, "tags", .max = 2),
    JSON_FIELD_IDS(struct params, media, "media_ids"),
    JSON_FIELD_VALUE(struct params, extra, "extra"),
};

static bool read_params(const char *text, struct params *p, struct err *e)
{
	const struct json_value *v = parse(text);
	assert_non_null(v);
	*p = (struct params){.n = 1, .guidance = 4};
	return json_read(arena, v, FIELDS, sizeof FIELDS / sizeof *FIELDS, p, e);
}

static void test_tables(void **state)
{
	(void)state;
	struct params p;
	struct err e;
	assert_true(read_params(
	    "{\"prompt\":\"빨간사과!\",\"n\":3,\"guidance\":2,\"stream\":true,\"source_id\":\"77\","
	    "\"tags\":[\"a\",\"b\"],\"media_ids\":[\"1\",2],\"extra\":{},\"other\":1}",
	    &p, &e));
	assert_string_equal(p.prompt, "빨간사과!");
	assert_int_equal(p.n, 3);
	assert_true(p.guidance > 1.9 && p.guidance < 2.1 && p.stream);
	assert_int_equal(p.source_id, 77);
	assert_int_equal(p.tags.count, 2);
	assert_string_equal(p.tags.items[1], "b");
	assert_int_equal(p.media.items[1], 2);
	assert_non_null(p.extra);
	assert_true(read_params("{\"prompt\":\"x\",\"n\":null}", &p, &e));
	assert_int_equal(p.n, 1);
	assert_false(p.stream);
}

static void test_table_errors(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	    {"{}", "'prompt' is missing"},
	    {"{\"prompt\":null}", "'prompt' is missing"},
	    {"{\"prompt\":5}", "'prompt' must be a string"},
	    {"{\"prompt\":\"toolong\"}", "'prompt' must be at most 5 characters long"},
	    {"{\"prompt\":\"x\",\"n\":0}", "'n' must be at least 1"},
	    {"{\"prompt\":\"x\",\"n\":2.5}", "'n' must be a whole number"},
	    {"{\"prompt\":\"x\",\"guidance\":\"4\"}", "'guidance' must be a number"},
	    {"{\"prompt\":\"x\",\"stream\":1}", "'stream' must be true or false"},
	    {"{\"prompt\":\"x\",\"source_id\":\"-4\"}", "'source_id' must be an id"},
	    {"{\"prompt\":\"x\",\"tags\":[\"a\",\"b\",\"c\"]}",
	     "'tags' must be at most 2 items long"},
	    {"{\"prompt\":\"x\",\"tags\":[1]}", "'tags' must be a string"},
	    {"{\"prompt\":\"x\",\"media_ids\":7}", "'media_ids' must be a list of ids"},
	    {"[]", "a JSON object is expected"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct params p;
		struct err e;
		assert_false(read_params(cases[i][0], &p, &e));
		assert_string_equal(e.message, cases[i][1]);
		assert_int_equal(e.code, ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),       cmocka_unit_test(test_invalid),
	    cmocka_unit_test(test_limits),       cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_table_errors),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
