/* Snapshots of read prefixes. Owns copies of caches; stepper only. What must stay true: a restored cache holds
 * the same bytes as one that was computed, since a row's result does not depend on its batch. */
#include "engine/prefix.h"

#include <stdlib.h>
#include <string.h>

void engine_prefixes_init(struct engine_prefixes *p, size_t bytes_max)
{
	*p = (struct engine_prefixes){.bytes_max = bytes_max};
}

static void drop(struct engine_prefixes *p, struct engine_prefix *entry)
{
	if (!entry->elements)
		return;
	p->bytes -= engine_cache_bytes(&entry->cache.options);
	engine_cache_finish(&entry->cache);
	free(entry->elements);
	*entry = (struct engine_prefix){0};
}

void engine_prefixes_finish(struct engine_prefixes *p)
{
	for (size_t i = 0; i < ENGINE_PREFIXES_MAX; i++)
		drop(p, &p->entries[i]);
}

static size_t common(const struct engine_element *a, const struct engine_element *b, size_t n)
{
	size_t i = 0;
	while (i < n && a[i].kind == b[i].kind && a[i].id == b[i].id && a[i].place == b[i].place)
		i++;
	return i;
}

bool engine_prefix_equal(const struct engine_element *a, const struct engine_element *b, size_t n)
{
	return common(a, b, n) == n;
}

size_t engine_prefix_restore(struct engine_prefixes *p, const struct engine_element *elements,
			     size_t length, struct engine_cache *to)
{
	struct engine_prefix *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < ENGINE_PREFIXES_MAX; i++) {
		struct engine_prefix *entry = &p->entries[i];
		size_t n = entry->length < length ? entry->length : length;
		n = common(entry->elements, elements, n);
		if (n > most) {
			most = n;
			best = entry;
		}
	}
	if (!best)
		return 0;
	best->used = ++p->clock;
	engine_cache_copy(to, &best->cache, most);
	return most;
}

static struct engine_prefix *make_room(struct engine_prefixes *p, size_t bytes)
{
	for (;;) {
		struct engine_prefix *oldest = NULL, *empty = NULL;
		for (size_t i = 0; i < ENGINE_PREFIXES_MAX; i++) {
			struct engine_prefix *entry = &p->entries[i];
			if (!entry->elements)
				empty = entry;
			else if (!oldest || entry->used < oldest->used)
				oldest = entry;
		}
		if (empty && p->bytes + bytes <= p->bytes_max)
			return empty;
		if (!oldest)
			return NULL;
		drop(p, oldest);
	}
}

void engine_prefix_save(struct engine_prefixes *p, const struct engine_element *elements,
			size_t length, const struct engine_cache *from)
{
	struct engine_cache_options options = from->options;
	struct err ignored;

	for (size_t i = 0; i < ENGINE_PREFIXES_MAX; i++)
		if (p->entries[i].length >= length &&
		    engine_prefix_equal(p->entries[i].elements, elements, length))
			return;
	options.positions = length;
	size_t bytes = engine_cache_bytes(&options);
	struct engine_prefix *entry = bytes <= p->bytes_max ? make_room(p, bytes) : NULL;
	if (!entry)
		return;
	entry->elements = malloc(length * sizeof(*elements));
	if (!entry->elements)
		return;
	if (!engine_cache_init(&entry->cache, &options, &ignored)) {
		free(entry->elements);
		entry->elements = NULL;
		return;
	}
	memcpy(entry->elements, elements, length * sizeof(*elements));
	engine_cache_copy(&entry->cache, from, length);
	entry->length = length;
	entry->used = ++p->clock;
	p->bytes += bytes;
}
