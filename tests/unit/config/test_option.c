/* The option machine and the house's table. */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"

struct sample {
	const char *output;
	int64_t count;
	double guidance;
	bool json;
	const char *long_name;
};

static const struct option_row ROWS[] = {
    {.kind = OPTION_GROUP, .doc = "Drawing"},
    {.name = "output",
     .kind = OPTION_STR,
     .offset = offsetof(struct sample, output),
     .letter = 'o',
     .value = "FILE",
     .doc = "where to",
     .min = 1},
    {.name = "count",
     .kind = OPTION_INT,
     .offset = offsetof(struct sample, count),
     .initial = "1",
     .min = 1,
     .max = 16,
     .doc = "how many"},
    {.name = "guidance",
     .kind = OPTION_REAL,
     .offset = offsetof(struct sample, guidance),
     .initial = "2.5",
     .max = 20,
     .doc = "how close"},
    {.name = "json",
     .kind = OPTION_BOOL,
     .offset = offsetof(struct sample, json),
     .doc = "as JSON"},
    {.name = "long_name",
     .kind = OPTION_STR,
     .offset = offsetof(struct sample, long_name),
     .max = 8,
     .doc = "a name"},
};
static const struct option_table TABLE = {ROWS, sizeof ROWS / sizeof *ROWS};

static bool read_words(struct sample *s, int *positional, struct err *e, char **words)
{
	int n = 0;
	while (words[n])
		n++;
	*s = (struct sample){0};
	return option_set_initial(&TABLE, s, e) &&
	       option_read_arguments(&TABLE, n, words, positional, s, e);
}

#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})

static void test_arguments(void **state)
{
	(void)state;
	struct sample s;
	struct err e;
	int n;
	char **words = WORDS("a red apple", "-o", "x.png", "--count=3", "-", "--json",
			     "--long-name", "--x", "--", "--count");
	assert_true(read_words(&s, &n, &e, words));
	assert_int_equal(n, 3);
	assert_string_equal(words[0], "a red apple");
	assert_string_equal(words[1], "-");
	assert_string_equal(words[2], "--count");
	assert_string_equal(s.output, "x.png");
	assert_int_equal(s.count, 3);
	assert_true(s.json && s.guidance > 2.4 && s.guidance < 2.6);
	assert_string_equal(s.long_name, "--x");
	assert_true(
	    read_words(&s, &n, &e, WORDS("-ox.png", "--json", "--json=no", "--guidance", "0")));
	assert_string_equal(s.output, "x.png");
	assert_false(s.json);
}

static void test_argument_errors(void **state)
{
	(void)state;
	struct sample s;
	struct err e;
	int n;
	assert_false(read_words(&s, &n, &e, WORDS("--count", "17")));
	assert_string_equal(e.message, "--count: '17' is not a whole number from 1 to 16");
	assert_false(read_words(&s, &n, &e, WORDS("--count")));
	assert_string_equal(e.message, "--count needs a value");
	assert_false(read_words(&s, &n, &e, WORDS("--colour=1")));
	assert_string_equal(e.message, "there is no option '--colour=1'");
	assert_false(read_words(&s, &n, &e, WORDS("-x")));
	assert_false(read_words(&s, &n, &e, WORDS("--guidance=nan")));
	assert_false(read_words(&s, &n, &e, WORDS("--json=maybe")));
	assert_false(read_words(&s, &n, &e, WORDS("--output=")));
	assert_false(read_words(&s, &n, &e, WORDS("--long-name=123456789")));
	assert_false(read_words(&s, &n, &e, WORDS("--output=\xff")));
	assert_false(read_words(&s, &n, &e, WORDS("--=3")));
	assert_int_equal(e.code, ERR_INVALID);
}

static void test_file(void **state)
{
	(void)state;
	struct arena *a = arena_create(1 << 16);
	struct sample s = {0};
	struct err e;
	assert_true(option_read_file(
	    a, &TABLE, "f", "# comment\n\n count = 4 \r\nlong-name=a=b\nlong_name = c\njson=yes",
	    &s, &e));
	assert_int_equal(s.count, 4);
	assert_string_equal(s.long_name, "c");
	assert_true(s.json);
	assert_false(option_read_file(a, &TABLE, "f", "count = 4\nnope = 1", &s, &e));
	assert_string_equal(e.message, "f, line 2: there is no option 'nope'");
	assert_false(option_read_file(a, &TABLE, "f", "count", &s, &e));
	assert_false(option_read_file(a, &TABLE, "f", "count = x", &s, &e));
	assert_string_equal(e.message, "f, line 1: count: 'x' is not a whole number from 1 to 16");
	arena_destroy(a);
}

static void test_help_names_every_option(void **state)
{
	(void)state;
	struct buf help, reference, example;
	buf_init(&help, 100000);
	buf_init(&reference, 100000);
	buf_init(&example, 100000);
	option_print_help(config_table(), &help);
	option_print_reference(config_table(), &reference);
	option_print_example(config_table(), &example);
	const struct option_table *t = config_table();
	for (size_t i = 0; i < t->count; i++) {
		assert_non_null(strstr(help.data, t->rows[i].doc));
		assert_non_null(strstr(reference.data, t->rows[i].doc));
		assert_non_null(strstr(example.data, t->rows[i].doc));
	}
	assert_non_null(strstr(help.data, "--engine-threads N"));
	assert_non_null(strstr(reference.data, "`MADANG_ENGINE_THREADS`"));
	assert_non_null(strstr(example.data, "#engine-threads = 0\n"));
	buf_finish(&help);
	buf_finish(&reference);
	buf_finish(&example);
}

static void test_sources_in_order(void **state)
{
	(void)state;
	struct arena *a = arena_create(1 << 20);
	struct config c;
	struct err e;
	int n;
	char path[] = "/tmp/madang-config-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = "engine-threads = 2\ndata = file\nmodel = file\n";
	assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
	close(fd);
	setenv("MADANG_CONFIG", path, 1);
	setenv("MADANG_DATA", "environment", 1);
	setenv("MADANG_ENGINE_THREADS", "3", 1);
	setenv("MADANG_MODEL", "", 1);
	assert_true(config_load(a, 3, WORDS("serve", "--data", "line"), &n, &c, &e));
	assert_int_equal(n, 1);
	assert_string_equal(c.data, "line");
	assert_int_equal(c.engine_threads, 3);
	assert_string_equal(c.model, "file");
	assert_string_equal(c.log_level, "info");
	assert_false(config_load(a, 2, WORDS("--log-level", "loud"), &n, &c, &e));
	unlink(path);
	assert_false(config_load(a, 0, WORDS("x"), &n, &c, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	unsetenv("MADANG_CONFIG");
	unsetenv("MADANG_DATA");
	unsetenv("MADANG_ENGINE_THREADS");
	unsetenv("MADANG_MODEL");
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_arguments),
	    cmocka_unit_test(test_argument_errors),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_help_names_every_option),
	    cmocka_unit_test(test_sources_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
