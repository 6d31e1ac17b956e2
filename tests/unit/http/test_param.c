/* Typed reading: absent values keep the default, wrong ones name the field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "http/body.h"
#include "http/param.h"

static struct http_request rq;
static struct err e;

static void given(const char *json)
{
	arena_reset(rq.arena);
	struct http_params p = {.arena = rq.arena};
	e = (struct err){0};
	rq.error_field[0] = '\0';
	assert_true(json_body_parse(&p, json, strlen(json), &e));
	rq.params = p.items;
	rq.params_count = p.count;
}

static void fails_naming(bool result, const char *field)
{
	assert_false(result);
	assert_int_equal(e.code, ERR_INVALID);
	assert_string_equal(rq.error_field, field);
	assert_non_null(strstr(e.message, field));
	e = (struct err){0};
}

static void test_numbers(void **state)
{
	(void)state;
	int64_t n = 7;
	double r = 0.5;
	bool b = true;
	given(
	    "{\"a\":\"12\",\"b\":3,\"c\":\"x\",\"d\":99,\"e\":null,\"f\":\"\",\"g\":true,\"h\":\"off\",\"i\":0.25}");
	assert_true(param_int(&rq, "none", 0, 10, &n, &e) && n == 7);
	assert_true(param_int(&rq, "e", 0, 10, &n, &e) && n == 7);
	assert_true(param_int(&rq, "f", 0, 10, &n, &e) && n == 7);
	assert_true(param_int(&rq, "a", 0, 20, &n, &e) && n == 12);
	assert_true(param_int(&rq, "b", 0, 20, &n, &e) && n == 3);
	fails_naming(param_int(&rq, "c", 0, 20, &n, &e), "c");
	fails_naming(param_int(&rq, "d", 0, 20, &n, &e), "d");
	fails_naming(param_int(&rq, "g", 0, 20, &n, &e), "g");
	fails_naming(param_int(&rq, "i", 0, 20, &n, &e), "i");
	assert_true(param_real(&rq, "i", 0, 1, &r, &e) && r == 0.25);
	fails_naming(param_real(&rq, "d", 0, 1, &r, &e), "d");
	assert_true(param_bool(&rq, "h", &b, &e) && !b);
	assert_true(param_bool(&rq, "g", &b, &e) && b);
	fails_naming(param_bool(&rq, "c", &b, &e), "c");
}

static void test_text(void **state)
{
	(void)state;
	const char *s = "default";
	given(
	    "{\"a\":\"\xed\x95\x9c\xea\xb8\x80\",\"blank\":\" \\n\",\"tab\":\"a\\tb\",\"ctl\":\"a\\u0001\",\"n\":5}");
	assert_true(param_text(&rq, "none", 5, &s, &e));
	assert_string_equal(s, "default");
	assert_true(param_text(&rq, "a", 2, &s, &e));
	assert_string_equal(s, "\xed\x95\x9c\xea\xb8\x80");
	fails_naming(param_text(&rq, "a", 1, &s, &e), "a");
	fails_naming(param_text(&rq, "ctl", 5, &s, &e), "ctl");
	fails_naming(param_text_required(&rq, "blank", 5, &s, &e), "blank");
	fails_naming(param_text_required(&rq, "none", 5, &s, &e), "none");
	assert_true(param_text(&rq, "n", 5, &s, &e));
	assert_string_equal(s, "5");
}

static void test_lists(void **state)
{
	(void)state;
	static const char *const words[] = {"public", "private", NULL};
	int64_t *ids;
	size_t n;
	const char **texts;
	int choice = 1;
	given(
	    "{\"ids\":[\"1\",22],\"bad\":[\"1\",\"x\"],\"t\":[\"a\",\"b\"],\"v\":\"public\",\"w\":\"other\"}");
	assert_true(param_ids(&rq, "ids", 4, &ids, &n, &e));
	assert_int_equal(n, 2);
	assert_int_equal(ids[1], 22);
	fails_naming(param_ids(&rq, "ids", 1, &ids, &n, &e), "ids");
	fails_naming(param_ids(&rq, "bad", 4, &ids, &n, &e), "bad");
	assert_true(param_texts(&rq, "t", 4, 1, &texts, &n, &e));
	assert_string_equal(texts[1], "b");
	assert_true(param_choice(&rq, "none", words, &choice, &e) && choice == 1);
	assert_true(param_choice(&rq, "v", words, &choice, &e) && choice == 0);
	fails_naming(param_choice(&rq, "w", words, &choice, &e), "w");
}

int main(void)
{
	rq.arena = arena_create(1 << 20);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_lists),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	arena_destroy(rq.arena);
	return rc;
}
