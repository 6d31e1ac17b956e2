/* A whole training, from a configuration file to weights: `madang model train`. */
#ifndef MADANG_TRAIN_TRAINER_H
#define MADANG_TRAIN_TRAINER_H

#include "base/err.h"

#include <stdbool.h>

/* Runs until the configuration's end, or until *stop is set (by a signal): then it saves and returns true. A
 * state found in `out` is continued. Progress goes to stderr. */
MUST_CHECK bool train_run(const char *config_path, const volatile bool *stop, struct err *e);

#endif
