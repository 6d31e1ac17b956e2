/* docs/configuration.md is what the table of settings prints. `test_config_reference --write FILE` writes it. */
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"

static const char INTRODUCTION[] =
    "# Settings\n\n"
    "Each setting is an option of `madang serve`, a variable, or a line `name = value` of the file that `--config` names\n"
    "(with `_` for `-`). The command line wins over the variables, and these over the file. A wrong value is an\n"
    "error; nothing is silently corrected.\n\n"
    "This page is printed from the table in `src/config/config.h`; `meson test config/reference` says how when it is out\n"
    "of date.\n\n";

static void print(struct buf *out)
{
	struct buf tables;
	buf_init(out, 1 << 20);
	buf_init(&tables, 1 << 20);
	option_print_reference(config_table(), &tables);
	buf_add_str(out, INTRODUCTION);
	buf_add_str(out, tables.data);
	buf_finish(&tables);
}

static void test_current(void **state)
{
	const char *path = getenv("CONFIGURATION_MD");
	struct arena *a = arena_create(4 << 20);
	struct file_bytes file;
	struct buf now;
	struct err e = {0};
	(void)state;
	assert_non_null(path);
	print(&now);
	if (!file_read(a, path, 1 << 20, &file, &e))
		fail_msg("%s", e.message);
	if (strcmp(file.data, now.data) != 0)
		fail_msg("out of date: BUILD/tests/unit/config/test_config_reference --write %s",
			 path);
	buf_finish(&now);
	arena_destroy(a);
}

static int write_to(const char *path)
{
	struct buf now;
	struct err e;
	print(&now);
	bool ok = file_write(path, now.data, now.length, &e);
	if (!ok)
		fprintf(stderr, "%s\n", e.message);
	buf_finish(&now);
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_current)};
	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return write_to(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
