/* Reads shards of pictures. Drawn by the training's main thread, read by any. */
#include "train/pixels_data.h"

#include "train/random.h"

#include <string.h>

static size_t record_bytes(const struct pixels_shape *s)
{
	return (size_t)(s->grid * s->grid) * 2 + (size_t)s->side * (size_t)s->side * 3;
}

static bool check(struct train_shard *h, const struct pixels_shape *s, const char *path,
		  struct err *e)
{
	const uint8_t *p = h->mapping;
	const int tokens = s->grid * s->grid;
	if (memcmp(p, "MDPIXEL1", 8) != 0)
		return err_set(e, ERR_INVALID, "%s is no shard of pictures", path);
	if (train_get32(p + 8) != (uint32_t)tokens || train_get32(p + 12) != (uint32_t)s->side)
		return err_set(e, ERR_INVALID,
			       "%s: %u codes and %u pixels a side, but the model has %d and %d",
			       path, train_get32(p + 8), train_get32(p + 12), tokens, s->side);
	h->count = train_get32(p + 16) | (uint64_t)train_get32(p + 20) << 32;
	h->records = p + TRAIN_SHARD_HEADER_BYTES;
	if (h->count < 1 ||
	    h->count > (h->mapping_bytes - TRAIN_SHARD_HEADER_BYTES) / record_bytes(s))
		return err_set(e, ERR_INVALID, "%s is cut short: its header promises %llu records",
			       path, (unsigned long long)h->count);
	for (uint64_t i = 0; i < h->count; i++)
		for (int j = 0; j < tokens; j++)
			if (train_get16(h->records + i * record_bytes(s) + 2 * j) >= s->codes)
				return err_set(e, ERR_INVALID, "%s: record %llu has no such code",
					       path, (unsigned long long)i);
	return true;
}

bool pixels_data_open(struct train_data *d, const struct train_config *c,
		      const struct pixels_shape *s, struct err *e)
{
	double sum = 0;
	memset(d, 0, sizeof(*d));
	d->seed = (uint64_t)c->seed;
	d->code_jitter = c->code_jitter;
	d->shape.codes = s->codes; /* of the shape only what is needed to jitter a code */
	d->shape.level_count = s->level_count;
	memcpy(d->shape.levels, s->levels, sizeof(d->shape.levels));
	for (size_t i = 0; i < c->shard_count; i++) {
		struct train_shard *h = &d->shards[d->count++];
		h->name = c->shards[i].name;
		h->weight = c->shards[i].weight;
		sum += h->weight;
		if (!train_shard_map(h, c->shards[i].path, e) ||
		    !check(h, s, c->shards[i].path, e)) {
			train_data_close(d);
			return false;
		}
	}
	if (sum > 0)
		return true;
	train_data_close(d);
	return err_set(e, ERR_INVALID, "the shards' weights are all zero");
}

const uint8_t *pixels_data_read(const struct train_data *d, const struct pixels_shape *s,
				struct train_draw w, uint64_t step, uint64_t index, int32_t *codes)
{
	const uint8_t *p = d->shards[w.shard].records + w.record * record_bytes(s);
	struct train_random r = train_random_at(d->seed, step * 2 + 1, index);
	for (int j = 0; j < s->grid * s->grid; j++) {
		codes[j] = train_get16(p + 2 * j);
		if (d->code_jitter > 0 && train_random_unit(&r) < d->code_jitter)
			codes[j] = train_code_jitter(&d->shape, codes[j], &r);
	}
	return p + (size_t)(s->grid * s->grid) * 2;
}
