/* Where a training stands between its beginning and its end, and what that does to the learning rates. */
#ifndef MADANG_TRAIN_SCHEDULE_H
#define MADANG_TRAIN_SCHEDULE_H

#include "train/config.h"
#include "train/state.h"

#include <math.h>
#include <string.h>

/* 0 to 1 */
static inline double train_progress(const struct train_config *c, const struct train_state *t)
{
	return c->minutes > 0 ? t->seconds / (60 * c->minutes) : (double)t->step / (double)c->steps;
}

static inline double train_rate(const struct train_config *c, const struct train_state *t)
{
	const double left = 1 - train_progress(c, t), warm = (double)t->step + 1;
	double f = c->warmup_steps > 0 && warm < (double)c->warmup_steps
		       ? warm / (double)c->warmup_steps
		       : 1;
	if (strcmp(c->schedule, "cosine") == 0)
		f *= left > 0 ? .5 - .5 * cos(3.14159265358979 * left) : 0;
	else if (left < c->cooldown)
		f *= left > 0 ? left / c->cooldown : 0;
	return f;
}

#endif
