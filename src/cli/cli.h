/* The commands of `madang`, one function each, and what they share: exit codes, messages, the model's
 * place. A command gets argv without its own name and returns the exit code. */
#ifndef MADANG_CLI_CLI_H
#define MADANG_CLI_CLI_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "config/option.h"

enum cli_exit {
	CLI_EXIT_DONE = 0,
	CLI_EXIT_FAILED = 1,  /* something else went wrong */
	CLI_EXIT_USAGE = 2,   /* the command line is wrong: an option, a prompt, a picture given */
	CLI_EXIT_NOT_YET = 3, /* the model can't draw that */
	CLI_EXIT_FILE = 4     /* a file can't be read or written, the disk is full */
};

int cli_admin(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_describe(int argc, char **argv);
int cli_draw(int argc, char **argv);
int cli_media_child(int argc, char **argv);
int cli_model(int argc, char **argv);
int cli_model_prepare(int argc, char **argv);
int cli_model_train(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_worker(int argc, char **argv);
int cli_styles(int argc, char **argv);

/* Prints "madang: message" to stderr; returns the exit code of e. */
int cli_fail(const struct err *e);

/* Prints the buffer to stdout; the exit code: FILE where that fails (a full disk, a closed pipe). */
int cli_print(const struct buf *out);

/* Reads the options that follow a command. Sets *help where --help or -h stands among them. */
MUST_CHECK bool cli_read_options(const struct option_table *t, int argc, char **argv,
				 int *positional_count, void *out, bool *help, struct err *e);

/* Prints usage and the table; returns CLI_EXIT_DONE. */
int cli_help(const char *usage, const struct option_table *t);

/* Where the model is: `given` (a folder, or a name that `madang model add` made), or MADANG_MODEL, or model/weights beside the program's build folder or
 * under the working directory, or the place it is installed to. The path lives in the arena. */
MUST_CHECK bool cli_find_model(struct arena *a, const char *given, const char **dir, struct err *e);

#endif
