/* The `madang` command: a table of subcommands. A new one is a row here and a function in its folder. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

/* By name. */
static const struct command COMMANDS[] = {
    {"admin", cli_admin, "accounts and tokens from the command line"},
    {"bench", cli_bench, "`bench engine` measures the engine against the machine's limit"},
    {"describe", cli_describe, "say what a picture shows"},
    {"draw", cli_draw, "draw a picture into a file"},
    {"media-child", cli_media_child, NULL},
    {"model", cli_model, "picture models: what they are, adding, quantising and training them"},
    {"serve", cli_serve, "run the server"},
    {"styles", cli_styles, "list the styles to draw in"},
    {"worker", cli_worker, "draw for a server that runs elsewhere"},
};
static const size_t COMMAND_COUNT = sizeof COMMANDS / sizeof *COMMANDS;

static int print_commands(FILE *to, int rc)
{
	fprintf(to, "usage: madang COMMAND [options]      (madang COMMAND --help says more)\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (COMMANDS[i].summary) /* without one: not for people */
			fprintf(to, "  %-10s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
	return fflush(to) ? CLI_EXIT_FILE : rc;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return print_commands(stderr, CLI_EXIT_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return print_commands(stdout, CLI_EXIT_DONE);
	if (strcmp(argv[1], "--version") == 0)
		return printf("madang %s\n", MADANG_VERSION) < 0 ? CLI_EXIT_FILE : CLI_EXIT_DONE;
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(argv[1], COMMANDS[i].name) == 0)
			return COMMANDS[i].run(argc - 2, argv + 2);
	fprintf(stderr, "madang: there is no command '%.60s'\n", argv[1]);
	return print_commands(stderr, CLI_EXIT_USAGE);
}
