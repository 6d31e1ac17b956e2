/* Slabs: chunks of whole huge pages, cut into pieces.
 *
 * Owns the chunks. A chunk counts its pieces, and the slab that still cuts from it as one more; the last to leave frees
 * it. Must stay true: no page is touched that no piece lies on, so a chunk's unused end costs addresses only. */
#include "engine/slab.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define CHUNK_FIRST \
	((size_t)1 << 20) /* all there is of the smallest models, and no huge page for it */
#define CHUNK_TIMES 16
#define CHUNK_MOST  ((size_t)128 << 20)

struct engine_slab_chunk {
	uint8_t *memory;
	size_t size, used;
	atomic_size_t users;
};

static size_t round_up(size_t n, size_t step)
{
	return (n + step - 1) / step * step;
}

void *engine_slab_alone(size_t bytes)
{
	if (bytes < HUGE_PAGE)
		return aligned_alloc(64, round_up(bytes, 64));
	/* what is left over stays on small pages: what is not used of a huge one would be memory lost */
	void *p;
	if (posix_memalign(&p, HUGE_PAGE, bytes) != 0)
		return NULL;
	madvise(p, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); /* only a wish */
	return p;
}

static struct engine_slab_chunk *chunk_create(size_t bytes)
{
	struct engine_slab_chunk *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->size = bytes > CHUNK_FIRST ? round_up(bytes, HUGE_PAGE) : bytes;
	c->memory = engine_slab_alone(c->size);
	if (!c->memory) {
		free(c);
		return NULL;
	}
	atomic_init(&c->users, 1); /* the slab */
	return c;
}

void *engine_slab_take(struct engine_slab *s, size_t bytes, struct engine_slab_chunk **chunk)
{
	struct engine_slab_chunk *c = s->open;

	*chunk = NULL;
	bytes = round_up(bytes, 64);
	if (!c || c->size - c->used < bytes) {
		size_t next = c ? CHUNK_TIMES * c->size : CHUNK_FIRST;
		next = next < CHUNK_MOST ? next : CHUNK_MOST;
		c = chunk_create(bytes > next ? bytes : next);
		if (!c)
			return NULL;
		engine_slab_close(s);
		s->open = c;
	}
	void *piece = c->memory + c->used;
	c->used += bytes;
	atomic_fetch_add(&c->users, 1);
	*chunk = c;
	return memset(piece, 0, bytes);
}

void engine_slab_give_back(struct engine_slab_chunk *chunk)
{
	if (!chunk || atomic_fetch_sub(&chunk->users, 1) > 1)
		return;
	free(chunk->memory);
	free(chunk);
}

void engine_slab_close(struct engine_slab *s)
{
	engine_slab_give_back(s->open);
	s->open = NULL;
}
