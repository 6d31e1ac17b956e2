/* The key/value cache of one stream: what the transformer remembers of the positions it has read.
 *
 * One stream is one sequence (a guided request has two). Memory for all its positions is taken at once.
 * Belongs to whoever runs the transformer; not locked. */
#ifndef MADANG_ENGINE_CACHE_H
#define MADANG_ENGINE_CACHE_H

#include "base/err.h"
#include "engine/kernels/kernels.h"

struct card;

struct engine_cache_options {
	size_t layers, heads, head_dim; /* heads: those of keys and values */
	size_t positions;               /* the most it will hold */
	bool int8;
	struct card *card; /* where it lies; NULL: here */
	bool bf16;         /* on a card: else f32 */
};

struct engine_cache {
	struct engine_cache_options options;
	size_t capacity;   /* positions, rounded up */
	size_t head_bytes; /* one head of one layer: keys, values, scales */
	size_t key_bytes, value_bytes;
	uint8_t *data;
	/* Positions p < hidden_count with hidden[p] are seen by themselves only (left padding of a
	 * caption). Borrowed; NULL: none. */
	const uint8_t *hidden;
	size_t hidden_count;
};

bool engine_cache_init(struct engine_cache *c, const struct engine_cache_options *options,
		       struct err *e) MUST_CHECK;
void engine_cache_finish(struct engine_cache *c); /* zeroed memory is fine */
size_t engine_cache_bytes(const struct engine_cache_options *options);

/* Not of a cache on a card. */
struct kernel_cache_view engine_cache_view(const struct engine_cache *c, size_t layer, size_t head);

/* The first `positions` positions of `from`, which has the same layers, heads and types (its capacity
 * may differ). */
void engine_cache_copy(struct engine_cache *to, const struct engine_cache *from, size_t positions);

#endif
