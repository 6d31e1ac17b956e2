/* One step of the optimizer over all parameters, on the pool's threads: sums the threads' gradients, clips their
 * norm, moves the weights (Muon for the layers' matrices, AdamW for the rest), and the moving average after
 * them. */
#ifndef MADANG_TRAIN_OPTIMIZER_H
#define MADANG_TRAIN_OPTIMIZER_H

#include "engine/pool.h"
#include "train/core.h"
#include "train/state.h"

struct train_optimizer {
	const struct train_core *core;
	const struct train_config *config;
	struct train_state *state;
	struct engine_pool *pool;
	float **gradients; /* of each thread; borrowed */
	int threads;
	void **scratch;  /* of each thread */
	double *squares; /* of each parameter */
	double factor;   /* of this step: the schedule's, and clipping's */
	float clip;
};

MUST_CHECK bool train_optimizer_init(struct train_optimizer *o,
				     struct err *e); /* the borrowed members are set */
void train_optimizer_finish(struct train_optimizer *o);

/* state->step counts from 0 and is moved here. factor: of the learning rates. Leaves the gradients zero; returns
 * their norm before clipping. A norm that is not finite changes nothing. */
double train_optimizer_step(struct train_optimizer *o, double factor);

#endif
