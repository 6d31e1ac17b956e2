/* Arenas and buffers: caps hold, overflow is refused, nothing is read before it is written. */
#include "../test.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"

static void test_arena_zeroes_and_aligns(void **state)
{
	(void)state;
	struct arena *a = arena_create(1 << 20);
	for (size_t n = 1; n < 3000; n += 97) {
		unsigned char *p = arena_alloc(a, n);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
	}
	arena_reset(a);
	assert_int_equal(arena_used(a), 0);
	unsigned char *p = arena_alloc(a, 4096);
	for (size_t i = 0; i < 4096; i++)
		assert_int_equal(p[i], 0);
	arena_destroy(a);
	arena_destroy(NULL);
}

static void test_arena_cap(void **state)
{
	(void)state;
	struct arena *a = arena_create(100000);
	assert_non_null(arena_try(a, 90000, 1));
	assert_null(arena_try(a, 20000, 1));
	assert_null(arena_try(a, SIZE_MAX / 2, 4));
	assert_false(arena_exceeded(a));
	assert_non_null(arena_alloc(a, 20000)); /* grace, but marked */
	assert_true(arena_exceeded(a));
	arena_reset(a);
	assert_false(arena_exceeded(a));
	assert_non_null(arena_try(a, 90000, 1));
	arena_reset(a); /* a large block behind the head must not become the head */
	assert_non_null(arena_alloc(a, 20000));
	arena_destroy(a);
}

static void count_up(void *item)
{
	++*(int *)item;
}

static void test_arena_tells_its_end(void **state)
{
	(void)state;
	int ends = 0;
	struct arena *a = arena_create_small(1 << 20);
	for (int i = 0; i < 100; i++)
		arena_on_end(a, count_up, &ends);
	arena_alloc(a, 100000);
	assert_int_equal(ends, 0);
	arena_reset(a);
	assert_int_equal(ends, 100);
	arena_reset(a);
	assert_int_equal(ends, 100);
	arena_on_end(a, count_up, &ends);
	arena_destroy(a);
	assert_int_equal(ends, 101);
}

static void test_arena_text(void **state)
{
	(void)state;
	struct arena *a = arena_create(1 << 16);
	assert_null(arena_strdup(a, NULL));
	assert_string_equal(arena_strdup(a, "마당"), "마당");
	assert_string_equal(arena_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(arena_printf(a, "%d-%s", 7, "x"), "7-x");
	arena_destroy(a);
}

static void test_buf_cap_sticks(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 10);
	buf_add_str(&b, "12345");
	buf_printf(&b, "%s", "67890");
	assert_false(b.failed);
	assert_string_equal(b.data, "1234567890");
	buf_add_char(&b, 'x');
	assert_true(b.failed);
	buf_add_str(&b, "");
	assert_true(b.failed);
	assert_int_equal(b.length, 10);
	buf_clear(&b);
	assert_false(b.failed);
	buf_add_str(&b, "ok");
	char *taken = buf_take(&b);
	assert_string_equal(taken, "ok");
	free(taken);
	assert_null(b.data);
	buf_finish(&b);
}

static void test_buf_html(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 200);
	buf_add_html(&b, "a<b>&\"'\xed\x99\x94\n", 10);
	assert_string_equal(b.data, "a&lt;b&gt;&amp;&quot;&#39;\xed\x99\x94");
	buf_clear(&b);
	buf_add_html(&b, "", 0);
	buf_add_html(&b, "plain", 5);
	buf_add_html(&b, "<<", 2);
	assert_string_equal(b.data, "plain&lt;&lt;");
	memcpy(buf_extend(&b, 3), "end", 3);
	assert_string_equal(b.data, "plain&lt;&lt;end");
	assert_null(buf_extend(&b, 200));
	assert_true(b.failed);
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_arena_zeroes_and_aligns), cmocka_unit_test(test_arena_cap),
	    cmocka_unit_test(test_arena_tells_its_end),     cmocka_unit_test(test_arena_text),
	    cmocka_unit_test(test_buf_cap_sticks),          cmocka_unit_test(test_buf_html),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
