/* Forms, JSON and multipart bodies become the same parameters; broken ones are refused with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "http/body.h"

static struct arena *arena;
static struct http_params params;
static struct err e;

static int setup(void **state)
{
	(void)state;
	arena = arena_create(1 << 20);
	params = (struct http_params){.arena = arena};
	e = (struct err){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	params_finish(&params);
	arena_destroy(arena);
	return 0;
}

static void expect(size_t i, const char *name, const char *value, enum http_param_kind kind)
{
	assert_true(i < params.count);
	assert_string_equal(params.items[i].name, name);
	assert_string_equal(params.items[i].value, value);
	assert_int_equal(params.items[i].kind, kind);
}

static void test_form(void **state)
{
	(void)state;
	const char *text = "status=a+b%20c%C3%A9&types%5B%5D=x&types[]=y&&empty=&bare&bad=%zz%4";
	assert_true(form_parse(&params, text, strlen(text), &e));
	expect(0, "status", "a b c\xc3\xa9", HTTP_PARAM_TEXT);
	expect(1, "types", "x", HTTP_PARAM_TEXT);
	expect(2, "types", "y", HTTP_PARAM_TEXT);
	expect(3, "empty", "", HTTP_PARAM_TEXT);
	expect(4, "bare", "", HTTP_PARAM_TEXT);
	expect(5, "bad", "%zz%4", HTTP_PARAM_TEXT);
	assert_int_equal(params.count, 6);
}

static void test_form_limit(void **state)
{
	(void)state;
	char text[4 * (HTTP_PARAMS_MAX + 1)];
	for (size_t i = 0; i < sizeof text; i += 4)
		memcpy(text + i, "a=1&", 4);
	assert_false(form_parse(&params, text, sizeof text, &e));
	assert_int_equal(e.code, ERR_INVALID);
}

static void test_json(void **state)
{
	(void)state;
	const char *text =
	    " {\"a\":\"x\",\"n\":-5,\"r\":0.5,\"t\":true,\"z\":null,\"l\":[\"p\",\"q\"],"
	    "\"o\":{\"k\":{\"m\":1}},\"f\":[{\"name\":\"N\"}]}";
	assert_true(json_body_parse(&params, text, strlen(text), &e));
	expect(0, "a", "x", HTTP_PARAM_TEXT);
	expect(1, "n", "-5", HTTP_PARAM_NUMBER);
	expect(2, "r", "0.5", HTTP_PARAM_NUMBER);
	expect(3, "t", "true", HTTP_PARAM_BOOL);
	expect(4, "z", "", HTTP_PARAM_NULL);
	expect(5, "l", "p", HTTP_PARAM_TEXT);
	expect(6, "l", "q", HTTP_PARAM_TEXT);
	expect(7, "o[k][m]", "1", HTTP_PARAM_NUMBER);
	expect(8, "f[0][name]", "N", HTTP_PARAM_TEXT);
}

static void test_json_bad(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "{",
	    "[1]",
	    "3",
	    "{\"a\":}",
	    "{\"a\":\"\xff\"}",
	    "nope",
	    "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		e = (struct err){0};
		assert_false(json_body_parse(&params, bad[i], strlen(bad[i]), &e));
		assert_int_equal(e.code, ERR_INVALID);
		assert_true(e.message[0]);
	}
	e = (struct err){0};
	assert_true(json_body_parse(&params, "  \n", 3, &e));
}

static const char MULTIPART[] =
    "--XX\r\n"
    "Content-Disposition: form-data; name=\"description\"\r\n\r\n"
    "two\r\nlines --XX\r\n"
    "--XX\r\n"
    "Content-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".png\"\r\n"
    "Content-Type: image/png\r\n\r\n"
    "\x89PNG\r\n--X\r\n-\r\n"
    "--XX--\r\nepilogue";

static bool feed(const char *bytes, size_t length, size_t step, uint64_t file_max)
{
	struct multipart_options o = {.boundary = "XX",
				      .temp_dir = "/tmp",
				      .file_bytes_max = file_max,
				      .text_bytes_max = 1000};
	struct multipart *m = multipart_create(arena, &o, &e);
	assert_non_null(m);
	bool ok = true;
	for (size_t i = 0; ok && i < length; i += step)
		ok = multipart_feed(m, &params, bytes + i, length - i < step ? length - i : step,
				    &e);
	ok = ok && multipart_end(m, &e);
	multipart_finish(m);
	return ok;
}

/* However the bytes are cut, the result is the same. */
static void test_multipart_any_cut(void **state)
{
	for (size_t step = 1; step < sizeof MULTIPART; step++) {
		assert_true(feed(MULTIPART, sizeof MULTIPART - 1, step, 100));
		assert_int_equal(params.count, 2);
		expect(0, "description", "two\r\nlines --XX", HTTP_PARAM_TEXT);
		expect(1, "file", "", HTTP_PARAM_FILE);
		const struct http_upload *f = params.items[1].file;
		assert_string_equal(f->filename, "a \"b\".png");
		assert_string_equal(f->content_type, "image/png");
		char bytes[32] = "";
		assert_int_equal(f->size, 12);
		assert_int_equal(pread(f->fd, bytes, sizeof bytes, 0), 12);
		assert_memory_equal(bytes, "\x89PNG\r\n--X\r\n-", 12);
		teardown(state);
		setup(state);
	}
}

static void test_multipart_bad(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "--YY\r\n",
	    "--XX",
	    "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\ncut",
	    "--XX\r\n\r\n\r\nno name\r\n--XX--",
	    "--XX\r\nbroken\r\n\r\nx\r\n--XX--",
	    "--XXjunk\r\n",
	    "--XX\r\nContent-Disposition: form-data; name=\"\"\r\n\r\nx\r\n--XX--"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		e = (struct err){0};
		assert_false(feed(bad[i], strlen(bad[i]), 7, 100));
		assert_int_equal(e.code, ERR_INVALID);
	}
	e = (struct err){0};
	assert_false(feed(MULTIPART, sizeof MULTIPART - 1, 50, 5));
	assert_int_equal(e.code, ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_form, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_form_limit, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_json, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_json_bad, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_multipart_any_cut, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_multipart_bad, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
