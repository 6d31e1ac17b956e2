/* Turns the table into rows and reads the sources in their order. Runs once, on the main thread, before
 * any other starts; the struct is read-only from then on. */
#include "config/config.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"

#define FILE_BYTES_MAX (256u << 10)

#define ROW_GROUP(text) {.kind = OPTION_GROUP, .doc = (text)},
#define ROW_STR(name_, initial_, doc_)             \
	{.name = #name_,                           \
	 .kind = OPTION_STR,                       \
	 .offset = offsetof(struct config, name_), \
	 .initial = (initial_),                    \
	 .doc = (doc_)},
#define ROW_INT(name_, initial_, min_, max_, doc_) \
	{.name = #name_,                           \
	 .kind = OPTION_INT,                       \
	 .offset = offsetof(struct config, name_), \
	 .initial = #initial_,                     \
	 .min = (min_),                            \
	 .max = (max_),                            \
	 .doc = (doc_)},
#define ROW_BOOL(name_, initial_, doc_)            \
	{.name = #name_,                           \
	 .kind = OPTION_BOOL,                      \
	 .offset = offsetof(struct config, name_), \
	 .initial = #initial_,                     \
	 .doc = (doc_)},

static const struct option_row ROWS[] = {CONFIG_TABLE(ROW_GROUP, ROW_STR, ROW_INT, ROW_BOOL)};
static const struct option_table TABLE = {ROWS, sizeof ROWS / sizeof *ROWS};

const struct option_table *config_table(void)
{
	return &TABLE;
}

static bool set_log_level(const char *name, struct err *e)
{
	static const char *const names[] = {"debug", "info", "warn", "error", "off"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i]) == 0) {
			log_set_level((enum log_level)i);
			return true;
		}
	return err_set(e, ERR_INVALID,
		       "--log-level: '%.60s' is not debug, info, warn, error or off", name);
}

/* The command line and the environment are read twice: first to find the file, then over it. */
static bool read_over(struct arena *a, int argc, char **argv, int *positional_count,
		      struct config *c, struct err *e)
{
	return option_read_environment(a, &TABLE, c, e) &&
	       option_read_arguments(&TABLE, argc, argv, positional_count, c, e);
}

bool config_load(struct arena *a, int argc, char **argv, int *positional_count, struct config *c,
		 struct err *e)
{
	struct file_bytes file;
	char **copy = ARENA_ARRAY(a, char *, (size_t)argc + 1);
	memset(c, 0, sizeof *c);
	if (!copy)
		return err_set(e, ERR_NO_MEMORY, "too many arguments");
	memcpy(copy, argv, (size_t)argc * sizeof *copy); /* reading moves the positional ones */
	if (!option_set_initial(&TABLE, c, e) || !read_over(a, argc, copy, positional_count, c, e))
		return false;
	if (c->config) {
		if (!file_read(a, c->config, FILE_BYTES_MAX, &file, e) ||
		    !option_read_file(a, &TABLE, c->config, file.data, c, e))
			return false;
	}
	return read_over(a, argc, argv, positional_count, c, e) && set_log_level(c->log_level, e);
}
