/* madang-train: the training step by itself, for machines that need nothing else of Madang. The same as
 * `madang model train` but for sample sheets. */
#include "train/trainer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static volatile bool stop;

static void on_signal(int number)
{
	(void)number;
	stop = true;
}

int main(int argc, char **argv)
{
	struct err e;
	if (argc != 3 || strcmp(argv[1], "--config") != 0) {
		fprintf(stderr, "usage: madang-train --config FILE\n");
		return 2;
	}
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (train_run(argv[2], &stop, NULL, &e))
		return 0;
	fprintf(stderr, "madang-train: %s\n", e.message);
	return 1;
}
