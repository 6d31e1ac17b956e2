/* A whole training, from a configuration file to weights: `madang model train`. */
#ifndef MADANG_TRAIN_TRAINER_H
#define MADANG_TRAIN_TRAINER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Writes a sample sheet as a picture; rgb: width * height * 3. */
typedef bool train_write_picture(const char *path, const uint8_t *rgb, int width, int height,
				 struct err *e);

/* Runs until the configuration's end, or until *stop is set (by a signal): then it saves and returns true. A
 * state found in `out` is continued. Progress goes to stderr. write_picture NULL: sample sheets are refused. */
MUST_CHECK bool train_run(const char *config_path, const volatile bool *stop,
			  train_write_picture *write_picture, struct err *e);

#endif
