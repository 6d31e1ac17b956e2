/* Memory for what is read from end to end again and again: the weights. Pieces lie side by side on huge pages, where
 * the machine has them; a matrix of a megabyte of its own would lie on small ones, and those cost a third of memory's
 * bandwidth.
 *
 * A slab is filled by one thread. A piece stays until it is given back, also when its slab is long closed; pieces may
 * be given back on any thread. */
#ifndef MADANG_ENGINE_SLAB_H
#define MADANG_ENGINE_SLAB_H

#include <stddef.h>

struct engine_slab_chunk;

struct engine_slab {
	struct engine_slab_chunk *open; /* NULL: nothing taken yet */
};

/* Zeroed, 64-byte aligned; NULL: no memory. *chunk is for giving it back. */
void *engine_slab_take(struct engine_slab *s, size_t bytes, struct engine_slab_chunk **chunk);
void engine_slab_give_back(struct engine_slab_chunk *chunk); /* NULL is fine */
/* Nothing more is taken. */
void engine_slab_close(struct engine_slab *s);

/* One large piece by itself, not zeroed, 64-byte aligned, on huge pages as far as whole ones go; for free(). */
void *engine_slab_alone(size_t bytes);

#endif
