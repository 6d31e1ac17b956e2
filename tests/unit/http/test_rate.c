/* Buckets empty, fill again with time, and do not touch one another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/rate.h"

static void test_bucket(void **state)
{
	(void)state;
	struct rate_table *t = rate_table_create();
	const struct rate_rule rule = {.per_s = 2, .burst = 3};
	const int64_t s = 1000000000;
	for (int i = 0; i < 3; i++)
		assert_true(rate_take(t, 1, "a", &rule, s).allowed);
	struct rate_result r = rate_take(t, 1, "a", &rule, s);
	assert_false(r.allowed);
	assert_int_equal(r.reset_s, 1);
	assert_true(rate_take(t, 1, "b", &rule, s).allowed);
	assert_true(rate_take(t, 2, "a", &rule, s).allowed);
	assert_true(rate_take(t, 1, "a", &rule, s + s / 2).allowed);
	assert_false(rate_take(t, 1, "a", &rule, s + s / 2).allowed);
	assert_int_equal(rate_take(t, 1, "a", &rule, 100 * s).remaining, 2);
	rate_table_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bucket)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
