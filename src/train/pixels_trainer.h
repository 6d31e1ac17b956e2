/* Trains the decoder of the picture tokenizer from pictures and their codes; the codes stay as they are, so that a
 * transformer trained on them stays valid. The configuration is the transformer's (config.h); its shards hold
 * pictures: a 64-byte header {"MDPIXEL1", u32 codes, u32 side, u64 count} and records of u16[codes] and
 * u8[side][side][3]. */
#ifndef MADANG_TRAIN_PIXELS_TRAINER_H
#define MADANG_TRAIN_PIXELS_TRAINER_H

#include "train/config.h"

#include <stdbool.h>

/* As train_run. */
MUST_CHECK bool pixels_train_run(struct arena *a, const struct train_config *c,
				 const volatile bool *stop, struct err *e);

#endif
