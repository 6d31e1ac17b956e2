/* Options as a table: one row describes a member of a struct, and from the rows come the command line,
 * the environment, a file of `name = value` lines, --help, the reference and the example file.
 *
 * Later sources win: defaults, then file, then environment, then command line. A value that is wrong is
 * an error that names the option, where it stood and what is allowed; nothing is silently clamped. */
#ifndef MADANG_CONFIG_OPTION_H
#define MADANG_CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum option_kind {
	OPTION_STR,  /* const char *; NULL where no default is given */
	OPTION_INT,  /* int64_t */
	OPTION_REAL, /* double */
	OPTION_BOOL, /* bool; on the command line `--name` alone, or `--name=false` */
	OPTION_GROUP /* no option: `doc` is a heading for those that follow */
};

struct option_row {
	const char *name; /* "body_bytes_max": --body-bytes-max, MADANG_BODY_BYTES_MAX */
	enum option_kind kind;
	size_t offset;
	const char *initial; /* as text; NULL: the member keeps what it has */
	double min, max;     /* of numbers; of a string's length in bytes (max 0: 4096) */
	const char *doc;     /* one line */
	const char *value;   /* what --help calls the value; NULL: by kind */
	char letter;         /* 'o' for -o; 0: none */
};

struct option_table {
	const struct option_row *rows;
	size_t count;
};

MUST_CHECK bool option_set_initial(const struct option_table *t, void *out, struct err *e);

/* `text` is a whole configuration file, `path` its name for messages. '#' begins a comment line. */
MUST_CHECK bool option_read_file(struct arena *a, const struct option_table *t, const char *path,
				 const char *text, void *out, struct err *e);

/* Looks each row up as MADANG_<NAME>; an empty value counts as not set. */
MUST_CHECK bool option_read_environment(struct arena *a, const struct option_table *t, void *out,
					struct err *e);

/* Reads argv[0..argc); what is not an option is moved to the front of argv, in order, and counted in
 * *positional_count. "--" ends the options. Strings are borrowed from argv. */
MUST_CHECK bool option_read_arguments(const struct option_table *t, int argc, char **argv,
				      int *positional_count, void *out, struct err *e);

void option_print_help(const struct option_table *t, struct buf *out);
void option_print_reference(const struct option_table *t, struct buf *out); /* a Markdown table */
void option_print_example(const struct option_table *t, struct buf *out);   /* all commented out */

#endif
