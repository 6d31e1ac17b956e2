/* `madang model train`: trains the picture model. Main thread; SIGTERM and SIGINT let it save first. */
#include <signal.h>
#include <stdio.h>

#include "base/file.h"
#include "cli/cli.h"
#include "image/image.h"
#include "train/trainer.h"

#define SHEET_BYTES_MAX ((size_t)256 << 20)

struct train_options {
	const char *config;
};

static const struct option_row ROWS[] = {
    {.name = "config",
     .kind = OPTION_STR,
     .offset = offsetof(struct train_options, config),
     .value = "FILE",
     .doc = "What to train, on what, and how: docs/training.md"},
};
static const struct option_table OPTIONS = {ROWS, sizeof ROWS / sizeof *ROWS};

static volatile bool stop;

static void on_signal(int number)
{
	(void)number;
	stop = true;
}

static bool write_picture(const char *path, const uint8_t *rgb, int width, int height,
			  struct err *e)
{
	const struct image sheet = {width, height, rgb};
	struct buf out;
	buf_init(&out, SHEET_BYTES_MAX);
	const bool ok = image_encode(&sheet, IMAGE_FORMAT_PNG, NULL, &out, e) &&
			file_write(path, out.data, out.length, e);
	buf_finish(&out);
	return ok;
}

int cli_model_train(int argc, char **argv)
{
	struct train_options o = {0};
	struct err e;
	bool help;
	int count = 0;
	if (!cli_read_options(&OPTIONS, argc, argv, &count, &o, &help, &e))
		return cli_fail(&e);
	if (help)
		return cli_help("usage: madang model train --config FILE\n\n"
				"Trains the picture model, or goes on where a training stopped.\n",
				&OPTIONS);
	if (count != 0 || !o.config) {
		err_set(&e, ERR_INVALID, "say `madang model train --config FILE`");
		return cli_fail(&e);
	}
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	const bool ok = image_init(&e) && train_run(o.config, &stop, write_picture, &e);
	image_finish();
	return ok ? CLI_EXIT_DONE : cli_fail(&e);
}
