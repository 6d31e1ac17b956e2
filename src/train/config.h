/* What a training is told: one JSON file. docs/training.md explains each member. */
#ifndef MADANG_TRAIN_CONFIG_H
#define MADANG_TRAIN_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "json/read.h"

#include <stddef.h>
#include <stdint.h>

#define TRAIN_SHARDS_MAX  64
#define TRAIN_THREADS_MAX 64
#define TRAIN_PROMPTS_MAX 64

struct train_shard_config {
	const char *name, *path;
	double weight;
};

struct train_config {
	const char *model, *base, *init, *out, *part, *optimizer, *schedule, *kernels;
	struct train_shard_config shards[TRAIN_SHARDS_MAX];
	size_t shard_count;
	int64_t batch, micro_tokens, steps, seed, threads, nice, warmup_steps, log_steps, pad_id,
	    muon_steps, sample_steps;
	struct json_strs prompts; /* of the sample sheets */
	double minutes;           /* 0: by steps */
	double lr, table_lr, cooldown, beta1, beta2, momentum, weight_decay, clip, ema;
	double caption_dropout, code_jitter, code_noise, checkpoint_minutes;
};

/* Everything read lives in the arena. Unknown members are an error, so that a slip of the pen is seen. */
MUST_CHECK bool train_config_read(struct arena *a, const char *path, struct train_config *c,
				  struct err *e);

#endif
