/* Shards of tokens. Owns the mappings. Must stay true: every id of a mapped shard is checked when it is opened,
 * so that reading a sample needs no checks. */
#include "train/data.h"

#include "train/random.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool train_shard_map(struct train_shard *h, const char *path, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		err_set(e, ERR_NOT_FOUND, "cannot read the shard %s: %s", path, strerror(errno));
		goto failed;
	}
	if (!S_ISREG(st.st_mode) || st.st_size < TRAIN_SHARD_HEADER_BYTES) {
		err_set(e, ERR_INVALID, "%s is no shard", path);
		goto failed;
	}
	h->mapping_bytes = (size_t)st.st_size;
	h->mapping = mmap(NULL, h->mapping_bytes, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (h->mapping == MAP_FAILED) {
		h->mapping = NULL;
		return err_set(e, ERR_IO, "cannot map the shard %s", path);
	}
	return true;
failed:
	if (fd >= 0)
		close(fd);
	return false;
}

static bool read_header(struct train_shard *h, const struct train_shape *s, const char *path,
			struct err *e)
{
	const uint8_t *p = h->mapping;
	if (memcmp(p, "MDSHARD1", 8) != 0)
		return err_set(e, ERR_INVALID, "%s is no shard", path);
	uint32_t prefix = train_get32(p + 8), source = train_get32(p + 12),
		 middle = train_get32(p + 16), target = train_get32(p + 20);
	const uint32_t n = (uint32_t)s->grid_tokens;
	h->count = train_get32(p + 24) | (uint64_t)train_get32(p + 28) << 32;
	if (target != n || (source != 0 && source != n) ||
	    (source ? middle < 1 || middle > 64 : middle != 0) || prefix < 3 || prefix > 4096)
		return err_set(e, ERR_INVALID,
			       "%s: %u+%u+%u+%u tokens a record do not fit a picture of %u", path,
			       prefix, source, middle, target, n);
	h->prefix = (int)prefix;
	h->source = (int)source;
	h->middle = (int)middle;
	h->target = (int)target;
	h->record = h->prefix + h->source + h->middle + h->target;
	h->length = h->record - 1;
	if (h->length > s->positions)
		return err_set(e, ERR_INVALID, "%s: records are longer than the model's positions",
			       path);
	if (h->count < 1 ||
	    h->count > (h->mapping_bytes - TRAIN_SHARD_HEADER_BYTES) / 2 / (size_t)h->record)
		return err_set(e, ERR_INVALID, "%s is cut short: its header promises %llu records",
			       path, (unsigned long long)h->count);
	h->records = p + TRAIN_SHARD_HEADER_BYTES;
	return true;
}

static bool check_ids(const struct train_shard *h, const struct train_shape *s, const char *path,
		      struct err *e)
{
	const uint8_t *p = h->records;
	for (uint64_t i = 0; i < h->count; i++)
		for (int j = 0; j < h->record; j++, p += 2) {
			bool text = j < h->prefix ||
				    (j >= h->prefix + h->source && j < h->record - h->target);
			if (train_get16(p) >= (text ? s->vocab : s->codes))
				return err_set(e, ERR_INVALID,
					       "%s: record %llu, number %d: no such %s: %d", path,
					       (unsigned long long)i, j, text ? "token" : "code",
					       train_get16(p));
		}
	return true;
}

bool train_data_open(struct train_data *d, const struct train_config *c,
		     const struct train_shape *s, struct err *e)
{
	double sum = 0;
	memset(d, 0, sizeof(*d));
	d->shape = *s;
	d->seed = (uint64_t)c->seed;
	d->pad_id = (int)c->pad_id;
	d->caption_dropout = c->caption_dropout;
	d->code_jitter = c->code_jitter;
	d->code_noise = c->code_noise;
	if (d->caption_dropout > 0 && d->pad_id >= s->vocab)
		return err_set(e, ERR_INVALID, "pad_id is not in the vocabulary");
	for (size_t i = 0; i < c->shard_count; i++) {
		struct train_shard *h = &d->shards[i];
		h->name = c->shards[i].name;
		h->weight = c->shards[i].weight;
		d->count++;
		if (!train_shard_map(h, c->shards[i].path, e) ||
		    !read_header(h, s, c->shards[i].path, e) ||
		    !check_ids(h, s, c->shards[i].path, e)) {
			train_data_close(d);
			return false;
		}
		sum += h->weight;
		d->length_max = h->length > d->length_max ? h->length : d->length_max;
	}
	if (sum > 0)
		return true;
	train_data_close(d);
	return err_set(e, ERR_INVALID, "the shards' weights are all zero");
}

void train_data_close(struct train_data *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->shards[i].mapping)
			munmap(d->shards[i].mapping, d->shards[i].mapping_bytes);
	d->count = 0;
}

/* Place `at` of a random order of n: four rounds of a Feistel network over the next power of four, walked until
 * it falls inside. */
static uint64_t shuffled(uint64_t at, uint64_t n, uint64_t key)
{
	int half = 1;
	while (((uint64_t)1 << (2 * half)) < n)
		half++;
	const uint64_t mask = ((uint64_t)1 << half) - 1;
	do {
		uint64_t l = at >> half, r = at & mask;
		for (uint64_t i = 0; i < 4; i++) {
			uint64_t next = l ^ (train_mix(key + r * 0x9e3779b97f4a7c15u + i) & mask);
			l = r;
			r = next;
		}
		at = l << half | r;
	} while (at >= n);
	return at;
}

struct train_draw train_data_draw(struct train_data *d, uint64_t step, uint64_t index)
{
	struct train_random r = train_random_at(d->seed, step * 2, index);
	double sum = 0;
	for (size_t i = 0; i < d->count; i++)
		sum += d->shards[i].weight;
	double at = train_random_unit(&r) * sum;
	size_t i = 0;
	while (i + 1 < d->count && at >= d->shards[i].weight)
		at -= d->shards[i++].weight;
	while (d->shards[i].weight <= 0 && i > 0) /* rounding past the last one with a weight */
		i--;
	struct train_shard *h = &d->shards[i];
	uint64_t n = h->cursor++;
	return (struct train_draw){
	    (int)i, shuffled(n % h->count, h->count, train_mix(d->seed * 64 + i) + n / h->count)};
}

int train_code_jitter(const struct train_shape *s, int code, struct train_random *r)
{
	if (s->level_count == 0)
		return (int)train_random_below(r, (uint32_t)s->codes);
	int base = 1, j = (int)train_random_below(r, (uint32_t)s->level_count);
	for (int i = 0; i < j; i++)
		base *= s->levels[i];
	int digit = code / base % s->levels[j];
	bool up = train_random_next(r) >> 63;
	if (digit == 0)
		up = true;
	if (digit == s->levels[j] - 1)
		up = false;
	return up ? code + base : code - base;
}

void train_data_read(const struct train_data *d, struct train_draw w, uint64_t step, uint64_t index,
		     int32_t *id, int32_t *place, int32_t *target)
{
	const struct train_shard *h = &d->shards[w.shard];
	const uint8_t *p = h->records + w.record * (uint64_t)h->record * 2;
	struct train_random r = train_random_at(d->seed, step * 2 + 1, index);
	const bool drop = train_random_unit(&r) < d->caption_dropout;
	/* Teacher forcing tells what the thing is by its first tokens, and the words are hardly read. In
	 * a share of the samples many of the tokens shown are any token at all: only the words can tell. */
	double noise = 0;
	if (d->code_noise > 0 && train_random_unit(&r) < d->code_noise)
		noise = train_random_unit(&r);
	/* With a source the style stays, and with it the last two of the prefix. */
	const int dropped_end = h->prefix - (h->source ? 2 : 1);
	const int first = h->record - h->target;
	for (int j = 0; j < h->length; j++) {
		id[j] = train_get16(p + 2 * j);
		place[j] = -1;
		if (j < h->prefix) {
			if (drop && j >= 1 && j < dropped_end)
				id[j] = d->pad_id;
		} else if (j < h->prefix + h->source) {
			place[j] = j - h->prefix;
		} else if (j >= first) {
			place[j] = j - first;
			if (noise > 0 && train_random_unit(&r) < noise)
				id[j] = (int)train_random_below(&r, (uint32_t)d->shape.codes);
			else if (train_random_unit(&r) < d->code_jitter)
				id[j] = train_code_jitter(&d->shape, id[j], &r);
		}
	}
	for (int j = 0; j < h->target; j++)
		target[j] = train_get16(p + 2 * (first + j));
}
