/* What the commands share. Main thread only; owns nothing. */
#include "cli/cli.h"

#include "cli/models.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INSTALLED_MODEL "/usr/local/share/madang/model"
#define HELP_BYTES_MAX  (64u << 10)

static enum cli_exit exit_of(enum err_code code)
{
	switch (code) {
	case ERR_INVALID:
	case ERR_TOO_LARGE:
		return CLI_EXIT_USAGE;
	case ERR_UNSUPPORTED:
		return CLI_EXIT_NOT_YET;
	case ERR_NOT_FOUND:
	case ERR_IO:
		return CLI_EXIT_FILE;
	default:
		return CLI_EXIT_FAILED;
	}
}

int cli_fail(const struct err *e)
{
	fprintf(stderr, "madang: %s%s%s%s\n", e->message, *e->detail ? " (" : "", e->detail,
		*e->detail ? ")" : "");
	return exit_of(e->code);
}

int cli_print(const struct buf *out)
{
	if ((out->length && fwrite(out->data, 1, out->length, stdout) != out->length) ||
	    fflush(stdout)) {
		fprintf(stderr, "madang: can't write to the standard output\n");
		return CLI_EXIT_FILE;
	}
	return CLI_EXIT_DONE;
}

bool cli_read_options(const struct option_table *t, int argc, char **argv, int *positional_count,
		      void *out, bool *help, struct err *e)
{
	*help = false;
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			*help = true;
	if (*help)
		return true;
	return option_set_initial(t, out, e) &&
	       option_read_arguments(t, argc, argv, positional_count, out, e);
}

int cli_help(const char *usage, const struct option_table *t)
{
	struct buf options;
	buf_init(&options, HELP_BYTES_MAX);
	option_print_help(t, &options);
	printf("%s\n%s", usage, options.data ? options.data : "");
	buf_finish(&options);
	return fflush(stdout) ? CLI_EXIT_FILE : CLI_EXIT_DONE;
}

static bool is_model(const char *dir)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof path, "%s/config.json", dir);
	return n > 0 && n < (int)sizeof path && access(path, R_OK) == 0;
}

/* "…/build/madang" gives "…/model/weights"; NULL where /proc is not there. */
static const char *beside_program(struct arena *a)
{
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	if (n <= 0)
		return NULL;
	program[n] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(program, '/');
		if (!slash)
			return NULL;
		*slash = '\0';
	}
	return arena_printf(a, "%s/model/weights", program);
}

bool cli_find_model(struct arena *a, const char *given, const char **dir, struct err *e)
{
	if (!given)
		given = getenv("MADANG_MODEL");
	if (given && *given) {
		const char *named = models_path(a, given);
		*dir = is_model(given) || !named || !is_model(named) ? given : named;
		return is_model(*dir) ||
		       err_set(e, ERR_NOT_FOUND,
			       "there is no model in %s: config.json can't be read", given);
	}
	const char *const places[] = {beside_program(a), "model/weights", INSTALLED_MODEL};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (places[i] && is_model(places[i])) {
			*dir = places[i];
			return true;
		}
	return err_set(e, ERR_NOT_FOUND,
		       "the built-in model is not here: name one with --model DIR");
}
