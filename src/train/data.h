/* Training data: shards read by memory mapping, mixed by weight, each in an order of its own that is new in
 * every round.
 *
 * What is drawn depends on the seed, the step and the cursors only. Belongs to the training's main thread;
 * samples are read by any. */
#ifndef MADANG_TRAIN_DATA_H
#define MADANG_TRAIN_DATA_H

#include "base/err.h"
#include "train/config.h"
#include "train/random.h"
#include "train/shape.h"

#define TRAIN_SHARD_HEADER_BYTES 64

/* Of a shard's bytes: little endian. */
static inline uint32_t train_get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline int train_get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

struct train_shard {
	const char *name;
	double weight;
	int prefix, source, middle, target; /* tokens of a record */
	int record, length;                 /* numbers of a record; positions of its sample */
	uint64_t count;
	const uint8_t *records;
	void *mapping;
	size_t mapping_bytes;
	uint64_t cursor; /* records drawn so far; saved in checkpoints */
};

struct train_data {
	struct train_shape shape;
	struct train_shard shards[TRAIN_SHARDS_MAX];
	size_t count;
	uint64_t seed;
	int pad_id;
	double caption_dropout, code_jitter, code_noise;
	int length_max;
};

struct train_draw {
	int shard;
	uint64_t record;
};

/* Maps a shard's file; nothing of it is checked but that it has a header's length. train_data_close ends it. */
MUST_CHECK bool train_shard_map(struct train_shard *h, const char *path, struct err *e);

MUST_CHECK bool train_data_open(struct train_data *d, const struct train_config *c,
				const struct train_shape *s, struct err *e);
void train_data_close(struct train_data *d); /* zeroed memory is fine */

/* Sample `index` of step `step`; moves its shard's cursor. */
struct train_draw train_data_draw(struct train_data *d, uint64_t step, uint64_t index);

/* Writes the sample's tokens (shard.length of each), places and targets, with captions dropped and codes
 * jittered. */
void train_data_read(const struct train_data *d, struct train_draw w, uint64_t step, uint64_t index,
		     int32_t *id, int32_t *place, int32_t *target);

/* One digit of a code one level up or down, or the other way at the end. */
int train_code_jitter(const struct train_shape *s, int code, struct train_random *r);

#endif
