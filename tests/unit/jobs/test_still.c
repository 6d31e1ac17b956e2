/* Who has fallen silent, without any wall clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "jobs/still.h"

#define MS ((int64_t)1000000)

static void counts_only_silence(void **unused)
{
	(void)unused;
	struct still *s = still_create(1000);
	int64_t now = 5 * MS;
	still_begin(s, now);
	assert_int_equal(still_look(s, 1, 100, 0), 0);
	assert_int_equal(still_look(s, 2, 100, 600), 600); /* looked old when it was first seen */
	still_end(s);
	still_begin(s, now += 500 * MS);
	assert_int_equal(still_look(s, 1, 100, 0), 500);
	assert_int_equal(still_look(s, 1, 100, 0), 500); /* once a round */
	assert_int_equal(still_look(s, 2, 90, 600), 0);  /* alive, though its clock went back */
	still_end(s);
	still_begin(s, now += 500 * MS);
	assert_int_equal(still_look(s, 1, 100, 0), 1000);
	assert_int_equal(still_look(s, 2, 90, 600), 500);
	still_end(s);
	still_destroy(s);
}

static void standing_still_oneself_counts_little(void **unused)
{
	(void)unused;
	struct still *s = still_create(1000);
	still_begin(s, MS);
	assert_int_equal(still_look(s, 1, 100, 0), 0);
	still_end(s);
	still_begin(s, 3600 * 1000 * MS);
	assert_int_equal(still_look(s, 1, 100, 0), 1000);
	still_end(s);
	still_begin(s, 3601 * 1000 * MS); /* who was not there is forgotten */
	still_end(s);
	still_begin(s, 3602 * 1000 * MS);
	assert_int_equal(still_look(s, 1, 100, 7), 7);
	for (int64_t key = 10; key < 100; key++)
		assert_int_equal(still_look(s, key, key, key), key);
	still_end(s);
	still_destroy(s);
	still_destroy(NULL);
	assert_true(still_key("worker:a") != still_key("worker:b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_only_silence),
	    cmocka_unit_test(standing_still_oneself_counts_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
