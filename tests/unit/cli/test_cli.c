/* What the commands share, and what terminals get to see. */
#include "../test.h"

#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/thread.h"
#include "cli/cli.h"
#include "cli/drawing.h"
#include "cli/preview.h"
#include "cli/progress.h"

#define SIDE 32

static uint8_t rgb[SIDE * SIDE * 3];

static void test_paths(void **state)
{
	(void)state;
	struct arena *a = arena_create(1 << 16);
	assert_string_equal(drawing_path(a, NULL, 3, 1, 42), "madang-42.png");
	assert_string_equal(drawing_path(a, "a.b/c.webp", 1, 0, 42), "a.b/c.webp");
	assert_string_equal(drawing_path(a, "a.b/c.webp", 3, 1, 43), "a.b/c-2.webp");
	arena_destroy(a);
}

static void test_exit_codes(void **state)
{
	(void)state;
	static const struct {
		enum err_code code;
		int exit;
	} cases[] = {{ERR_INVALID, CLI_EXIT_USAGE},
		     {ERR_TOO_LARGE, CLI_EXIT_USAGE},
		     {ERR_UNSUPPORTED, CLI_EXIT_NOT_YET},
		     {ERR_NOT_FOUND, CLI_EXIT_FILE},
		     {ERR_IO, CLI_EXIT_FILE},
		     {ERR_NO_MEMORY, CLI_EXIT_FAILED},
		     {ERR_INTERNAL, CLI_EXIT_FAILED}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err e;
		err_set(&e, cases[i].code, "case %zu", i);
		assert_int_equal(cli_fail(&e), cases[i].exit);
	}
}

static void test_find_model(void **state)
{
	(void)state;
	char folder[] = "/tmp/madang-model-XXXXXX", path[64];
	struct arena *a = arena_create(1 << 16);
	struct err e;
	const char *dir = NULL;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/config.json", folder);
	assert_false(cli_find_model(a, folder, &dir, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_true(file_write(path, "{}", 2, &e));
	assert_true(cli_find_model(a, folder, &dir, &e));
	assert_string_equal(dir, folder);
	setenv("MADANG_MODEL", folder, 1);
	assert_true(cli_find_model(a, NULL, &dir, &e));
	assert_string_equal(dir, folder);
	unsetenv("MADANG_MODEL");
	unlink(path);
	rmdir(folder);
	arena_destroy(a);
}

/* A terminal of our own: *end is the side that a program writes to. */
static int open_terminal(int *end, unsigned short rows, unsigned short columns)
{
	int screen;
	struct winsize size = {.ws_row = rows, .ws_col = columns};
	assert_int_equal(openpty(&screen, end, NULL, NULL, &size), 0);
	return screen;
}

static void render_as(const char *term, const char *wanted)
{
	int end, screen = open_terminal(&end, 40, 120);
	struct buf out;
	setenv("TERM", term, 1);
	setenv("COLORTERM", "truecolor", 1);
	unsetenv("TERM_PROGRAM");
	struct preview *p = preview_create(end);
	assert_non_null(p);
	assert_int_equal(preview_rows(p), 20);
	buf_init(&out, 8 << 20);
	preview_render(p, rgb, SIDE, SIDE, &out);
	assert_true(out.length > 100);
	assert_non_null(memmem(out.data, out.length, wanted, strlen(wanted)));
	buf_finish(&out);
	preview_destroy(p);
	close(end);
	close(screen);
}

static void test_preview_speaks_the_terminals_language(void **state)
{
	(void)state;
	for (int i = 0; i < SIDE * SIDE * 3; i++)
		rgb[i] = (uint8_t)(i * 7);
	render_as("xterm-kitty", "\x1b_G");
	render_as("mlterm", "\x1bP");
	render_as("xterm-256color", "\x1b[38;2;");
}

static void test_no_preview(void **state)
{
	(void)state;
	int file = open("/dev/null", O_WRONLY), end, screen = open_terminal(&end, 40, 120);
	setenv("TERM", "xterm", 1);
	assert_null(preview_create(file));
	setenv("TERM", "dumb", 1);
	assert_null(preview_create(end));
	close(end);
	close(screen);
	setenv("TERM", "xterm", 1);
	screen = open_terminal(&end, 5, 120);
	assert_null(preview_create(end));
	preview_destroy(NULL);
	close(end);
	close(screen);
	close(file);
}

/* A thread reads the terminal while progress writes to it: its queue is only 4 KiB long. */
struct screen {
	int fd;
	size_t length;
	char seen[1 << 20];
};

static void read_screen(void *p)
{
	struct screen *s = p;
	ssize_t n;
	while (s->length < sizeof s->seen - 1 &&
	       (n = read(s->fd, s->seen + s->length, sizeof s->seen - 1 - s->length)) > 0)
		s->length += (size_t)n;
}

static void test_progress(void **state)
{
	(void)state;
	static struct screen screen;
	int end, saved = dup(STDERR_FILENO);
	pthread_t reader;
	struct err e;
	screen.fd = open_terminal(&end, 30, 100);
	setenv("TERM", "xterm-256color", 1);
	assert_true(thread_start(&reader, "reader", read_screen, &screen, &e));
	dup2(end, STDERR_FILENO);
	close(end);
	struct progress *p = progress_create();
	bool wanted = progress_wants_picture(p);
	progress_show(p, 64, 256, rgb, SIDE, SIDE);
	bool wanted_again = progress_wants_picture(p);
	progress_show(p, 128, 256, NULL, 0, 0);
	progress_destroy(p);
	progress_destroy(NULL);
	dup2(saved, STDERR_FILENO); /* the last one who had the terminal open: the reader ends */
	close(saved);
	thread_join(reader);
	close(screen.fd);
	assert_true(wanted && !wanted_again);
	assert_non_null(strstr(screen.seen, "]  25 %"));
	assert_non_null(strstr(screen.seen, "[###############...............]  50 %"));
	assert_non_null(strstr(screen.seen, " s left"));
	assert_non_null(strstr(screen.seen, "\x1b[20A"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_exit_codes),
	    cmocka_unit_test(test_find_model),
	    cmocka_unit_test(test_preview_speaks_the_terminals_language),
	    cmocka_unit_test(test_no_preview),
	    cmocka_unit_test(test_progress),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
