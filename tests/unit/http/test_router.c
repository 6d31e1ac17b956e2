/* Literal segments win over :id; arguments are cut out; an unknown method is told from an unknown path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http/router.h"

static const struct http_route ROWS[] = {
    {.method = "GET", .path = "/api/accounts/:id"},
    {.method = "GET", .path = "/api/accounts/:id/statuses"},
    {.method = "GET", .path = "/api/accounts/lookup"},
    {.method = "POST", .path = "/api/accounts/lookup"},
    {.method = "POST", .path = "/api/accounts/:id/pin/:other"},
    {.method = "GET", .path = "/media/*"},
};
static const struct http_routes TABLE = {.rows = ROWS, .count = sizeof ROWS / sizeof *ROWS};

static void test_find(void **state)
{
	(void)state;
	struct arena *a = arena_create(1 << 16);
	struct router *r = router_create(&TABLE, 1);
	struct http_match m = router_find(r, a, "GET", "/api/accounts/7");
	assert_ptr_equal(m.route, &ROWS[0]);
	assert_string_equal(m.args[0], "7");
	m = router_find(r, a, "GET", "/api/accounts/lookup");
	assert_ptr_equal(m.route, &ROWS[2]);
	m = router_find(r, a, "POST", "/api/accounts/lookup");
	assert_ptr_equal(m.route, &ROWS[3]);
	m = router_find(r, a, "DELETE", "/api/accounts/lookup");
	assert_null(m.route);
	assert_true(m.path_known);
	m = router_find(r, a, "GET", "/api/accounts/:id"); /* a name as good as any */
	assert_ptr_equal(m.route, &ROWS[0]);
	assert_string_equal(m.args[0], ":id");
	m = router_find(r, a, "POST", "/api/accounts/7/pin/ab");
	assert_ptr_equal(m.route, &ROWS[4]);
	assert_string_equal(m.args[1], "ab");
	m = router_find(r, a, "GET", "/media/a/b.webp");
	assert_ptr_equal(m.route, &ROWS[5]);
	assert_string_equal(m.args[0], "a/b.webp");
	m = router_find(r, a, "POST", "/api/accounts/7/statuses");
	assert_null(m.route);
	assert_true(m.path_known);
	static const char *const unknown[] = {
	    "/api/accounts", "/api/accounts/", "/api/accounts/7/", "/api", "", "/x"};
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
		m = router_find(r, a, "GET", unknown[i]);
		assert_null(m.route);
		assert_false(m.path_known);
	}
	router_destroy(r);
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_find)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
