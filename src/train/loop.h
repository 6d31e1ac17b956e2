/* The loop of a training, whichever part of the model it trains: begin or go on, step, report, save.
 *
 * Owned by the thread that calls train_loop_run; the pool's threads work inside engine_pool_for only. Must stay true:
 * which thread's gradients a sample goes to depends on the configuration alone, so a seed and a number of threads
 * always give the same weights. */
#ifndef MADANG_TRAIN_LOOP_H
#define MADANG_TRAIN_LOOP_H

#include "base/arena.h"
#include "engine/pool.h"
#include "train/config.h"
#include "train/core.h"
#include "train/metrics.h"
#include "train/optimizer.h"

#include <stdbool.h>

#define TRAIN_PATH_BYTES 4200

struct train_loop {
	const struct train_config *config;
	const struct train_core *core;
	struct train_data data;
	struct train_state state;
	struct train_metrics metrics;
	struct train_optimizer optimizer;
	struct engine_pool *pool;
	float **gradients; /* of each thread */
	int threads;
	struct train_draw *draws; /* the samples of the step */
	double *losses;           /* of each */
	char state_path[TRAIN_PATH_BYTES], weights_path[TRAIN_PATH_BYTES];
	int64_t begin_ns;
	double seconds_before;
};

/* What differs. Each takes the part's own memory as its first argument. */
struct train_part {
	const char *title;   /* "decoder, " at the beginning, or "" */
	const char *weights; /* the file's name in `out` */
	bool with_base;      /* the weights are saved with what the base brings */
	/* Fills data, and state with the weights to begin with. */
	bool (*open)(void *part, struct arena *a, struct train_loop *l, struct err *e);
	/* Memory for the threads; the loop's own is there. */
	bool (*reserve)(void *part, struct train_loop *l, struct err *e);
	/* Adds the gradients of the drawn samples, and says their losses. */
	void (*run)(void *part, struct train_loop *l);
	/* Before each line of the metrics; NULL: nothing to say. */
	void (*say)(void *part);
	/* Every sample_steps, after the weights were saved; NULL: draws nothing. */
	bool (*sample)(void *part, struct train_loop *l, struct err *e);
};

/* Runs until the configuration's end or until *stop; then everything is saved. The part's memory is the caller's to
 * give back. */
MUST_CHECK bool train_loop_run(struct arena *a, const struct train_config *c,
			       const struct train_part *p, void *part, const volatile bool *stop,
			       struct err *e);

#endif
