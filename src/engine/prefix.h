/* Prefixes that have been read before: snapshots of the cache after a sequence, so that the unguided prefix
 * (the same for all requests) and prompts that come again (several pictures of one) are read once. Least
 * recently used ones go when room is needed. Stepper only. */
#ifndef MADANG_ENGINE_PREFIX_H
#define MADANG_ENGINE_PREFIX_H

#include "engine/cache.h"
#include "engine/prompt.h"

#define ENGINE_PREFIXES_MAX 24

struct engine_prefix {
	struct engine_element *elements;
	size_t length;
	struct engine_cache cache;
	uint64_t used;
};

struct engine_prefixes {
	struct engine_prefix entries[ENGINE_PREFIXES_MAX];
	size_t bytes, bytes_max;
	uint64_t clock;
};

void engine_prefixes_init(struct engine_prefixes *p, size_t bytes_max);
void engine_prefixes_finish(struct engine_prefixes *p);

bool engine_prefix_equal(const struct engine_element *a, const struct engine_element *b, size_t n);

/* Copies the longest known beginning of the sequence into `to`; returns its length (0: none). */
size_t engine_prefix_restore(struct engine_prefixes *p, const struct engine_element *elements,
			     size_t length, struct engine_cache *to);

/* Remembers the cache of the sequence's `length` elements, unless it is known, too large or there is no
 * memory (remembering is never a must). */
void engine_prefix_save(struct engine_prefixes *p, const struct engine_element *elements,
			size_t length, const struct engine_cache *from);

#endif
