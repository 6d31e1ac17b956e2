/* The training's state: parameters, what the optimizer remembers, the moving average, and where in the data it
 * stands; saved whole, so that a resumed run computes what an uninterrupted one would have. */
#ifndef MADANG_TRAIN_STATE_H
#define MADANG_TRAIN_STATE_H

#include "base/arena.h"
#include "train/config.h"
#include "train/data.h"
#include "train/shape.h"

struct train_state {
	struct train_shape shape;
	struct train_param *params; /* in the arena given to init */
	size_t param_count;
	float *w, *first, *second,
	    *average; /* shape.count each; the moments of gradients and the EMA */
	uint64_t step, samples;
	double seconds; /* trained so far, over all runs */
};

/* Zeroed memory for `count` numbers laid out by params, which are borrowed; of the shape only count is set. */
MUST_CHECK bool train_state_reserve(struct train_state *t, struct train_param *params,
				    size_t param_count, size_t count, struct err *e);
MUST_CHECK bool train_state_init(struct arena *a, struct train_state *t,
				 const struct train_shape *s, uint64_t seed, struct err *e);
void train_state_finish(struct train_state *t);

/* The whole state, with the data's cursors; written beside and renamed. */
MUST_CHECK bool train_state_save(const struct train_state *t, const struct train_data *d,
				 const char *path, struct err *e);
/* *found false: there is no such file, nothing was changed. */
MUST_CHECK bool train_state_load(struct train_state *t, struct train_data *d, const char *path,
				 bool *found, struct err *e);

/* Weights in the Hugging Face layout: w (any layout of shape.count) as bf16, and of `base` (a model's folder or file;
 * NULL: none) what is not trained here, as it is there. */
MUST_CHECK bool train_weights_save(const struct train_state *t, const float *w, const char *base,
				   const char *path, struct err *e);
/* Into w and the average. Names with or without "model."; other tensors are ignored. */
MUST_CHECK bool train_weights_load(struct train_state *t, const char *path, struct err *e);

#endif
