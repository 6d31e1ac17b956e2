/* What a training reports: a line of CSV and a progress line every few steps. The main thread's. */
#ifndef MADANG_TRAIN_METRICS_H
#define MADANG_TRAIN_METRICS_H

#include "base/err.h"
#include "train/data.h"
#include "train/state.h"

#include <stdio.h>

struct train_metrics {
	FILE *csv;
	size_t shards;
	const struct train_data *data;
	double loss[TRAIN_SHARDS_MAX], flops;
	uint64_t samples[TRAIN_SHARDS_MAX];
	double norm, rate; /* of the last step */
	double seconds;    /* at the last line */
	double begin_seconds, begin_progress;
	bool begun;
};

/* Appends where the file is there already. Borrows the data. */
MUST_CHECK bool train_metrics_init(struct train_metrics *m, const char *path,
				   const struct train_data *d, const struct train_state *t,
				   struct err *e);
void train_metrics_finish(struct train_metrics *m);

void train_metrics_add(struct train_metrics *m, int shard, double loss);
void train_metrics_step(struct train_metrics *m, double norm, double rate);

/* The means since the last line. progress: 0 to 1, for the time left. */
MUST_CHECK bool train_metrics_write(struct train_metrics *m, const struct train_state *t,
				    double progress, struct err *e);

/* Operations of forward and backward of one sample, two for each multiply and add. */
double train_flops(const struct train_shape *s, const struct train_shard *h);

#endif
