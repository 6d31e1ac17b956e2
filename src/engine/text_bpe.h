/* Byte-pair encoding of one piece: the table of merges and the merging. For text.c and text_load.c
 * only. */
#ifndef MADANG_ENGINE_TEXT_BPE_H
#define MADANG_ENGINE_TEXT_BPE_H

#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct engine_merge {
	int32_t left, right; /* left -1: an empty slot */
	int32_t rank, id;
};

/* A hash table from a pair of ids to its rank and to the id that they become. */
struct engine_bpe {
	struct engine_merge *slots; /* in the arena */
	uint32_t mask;
	int32_t byte_id[256];
};

/* Makes room for `count` merges. */
bool engine_bpe_init(struct arena *a, struct engine_bpe *b, size_t count, struct err *e) MUST_CHECK;
/* A pair that is there already keeps its first rank. */
bool engine_bpe_add(struct engine_bpe *b, struct engine_merge m, struct err *e) MUST_CHECK;

/* Working memory for pieces of up to length_max bytes. */
struct engine_bpe_scratch {
	struct bpe_symbol *symbols;
	struct bpe_candidate *heap;
	size_t heap_count;
};
bool engine_bpe_scratch_init(struct engine_bpe_scratch *s, size_t length_max,
			     struct err *e) MUST_CHECK;
void engine_bpe_scratch_finish(struct engine_bpe_scratch *s); /* zeroed memory is fine */

/* Merges the bytes of piece to at most ids_max ids. False where there are more. */
bool engine_bpe_encode(const struct engine_bpe *b, struct engine_bpe_scratch *s, const char *piece,
		       size_t length, int32_t *ids, size_t ids_max, size_t *count) MUST_CHECK;

#endif
