/* Sample sheets: what the moving average draws, every so often. The training's main thread's. */
#ifndef MADANG_TRAIN_SHEET_H
#define MADANG_TRAIN_SHEET_H

#include "train/config.h"
#include "train/trainer.h"

/* Draws the configuration's prompts with the model in the folder `dir` and writes them side by side. The same weights
 * and configuration give the same picture. */
MUST_CHECK bool train_sheet_write(const struct train_config *c, const char *dir, const char *path,
				  train_write_picture *write_picture, struct err *e);

#endif
