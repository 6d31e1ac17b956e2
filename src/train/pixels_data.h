/* Shards of pictures with their codes, read by memory mapping; see pixels_trainer.h for a file's form. */
#ifndef MADANG_TRAIN_PIXELS_DATA_H
#define MADANG_TRAIN_PIXELS_DATA_H

#include "train/data.h"
#include "train/pixels.h"

/* Fills d, so that train_data_draw and train_data_close serve it. */
MUST_CHECK bool pixels_data_open(struct train_data *d, const struct train_config *c,
				 const struct pixels_shape *s, struct err *e);

/* The codes of a record, some of them (code_jitter) one digit off, and its pixels, which stay in the mapping. */
const uint8_t *pixels_data_read(const struct train_data *d, const struct pixels_shape *s,
				struct train_draw w, uint64_t step, uint64_t index, int32_t *codes);

#endif
