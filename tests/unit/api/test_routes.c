/* The route tables are sorted, complete rows; docs/api.md lists each of them with its scope, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "api/api.h"
#include "base/file.h"

static struct http_routes tables[API_TABLES];
static const char *docs;

static int compare(const struct http_route *a, const struct http_route *b)
{
	int by_path = strcmp(a->path, b->path);
	return by_path ? by_path : strcmp(a->method, b->method);
}

static void test_sorted(void **state)
{
	(void)state;
	for (int t = 0; t < API_TABLES; t++)
		for (size_t i = 0; i < tables[t].count; i++) {
			const struct http_route *r = &tables[t].rows[i];
			assert_non_null(r->handler);
			assert_non_null(r->scope);
			if (i && compare(r - 1, r) >= 0)
				fail_msg("%s %s is out of order", r->method, r->path);
		}
}

static void test_documented(void **state)
{
	(void)state;
	size_t rows = 0, listed = 0;
	for (int t = 0; t < API_TABLES; t++)
		for (size_t i = 0; i < tables[t].count; i++, rows++) {
			const struct http_route *r = &tables[t].rows[i];
			char line[300];
			snprintf(line, sizeof line, "| %s | `%s` | %s |", r->method, r->path,
				 r->scope);
			if (!strstr(docs, line))
				fail_msg("docs/api.md lacks: %s", line);
		}
	for (const char *at = docs; (at = strstr(at, "\n| ")); at++)
		listed += strchr("GPD", at[3]) && strstr(at, " | `/") == strchr(at + 3, ' ');
	assert_int_equal(listed, rows);
}

int main(int argc, char **argv)
{
	struct arena *a = arena_create(4 << 20);
	struct file_bytes bytes;
	struct err e = {0};
	if (argc != 2 || !file_read(a, argv[1], 1 << 20, &bytes, &e)) {
		fprintf(stderr, "usage: test_routes docs/api.md: %s\n", e.message);
		return 2;
	}
	docs = bytes.data;
	api_tables(tables);
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sorted),
					   cmocka_unit_test(test_documented)};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	arena_destroy(a);
	return rc;
}
