/* A model's memory: of every thing in every style one picture, in tokens, memory.safetensors beside the weights. What a
 * prompt names is put before the picture that is drawn, as a source is, so that the weights need to know how a thing
 * is put on a ground, in a place, in a colour, in a number or beside another, and not every thing by heart (retrieval
 * augmentation; RA-CM3, arXiv:2211.12561). A thing that is taken out of the file is forgotten.
 *
 * The file: I32 tensors `alone` and `placed` [styles, rows, tokens of a picture] and `small` [styles, rows, a quarter of
 * that], in the order of config.json's styles and concepts.json's concepts and kinds (engine_lexicon_rows), -1 where nothing is held; `white` [1], the token of an
 * empty ground; and perhaps `look` U8 [styles, rows, ENGINE_LOOK_BYTES], each alone as engine/glance.h has it, zeros where nothing is held.
 *
 * Read-only after it is opened: any thread. */
#ifndef MADANG_ENGINE_MEMORY_H
#define MADANG_ENGINE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/glance.h"
#include "engine/lexicon.h"

struct engine_memory;

struct engine_memory_shape {
	int grid,
	    vocabulary; /* tokens a side of a picture, an even number; ids are below vocabulary */
	size_t styles, rows;
};

/* Reads DIR/memory.safetensors. A directory without the file gives true and *out NULL. */
MUST_CHECK bool engine_memory_open(const char *dir, const struct engine_memory_shape *shape,
				   struct engine_memory **out, struct err *e);
void engine_memory_close(struct engine_memory *memory); /* NULL-safe */
size_t engine_memory_bytes(const struct engine_memory *memory);

/* Which of a thing's kinds, where the prompt's traits leave several: the one that is most like a picture, or by the seed. */
struct engine_memory_choice {
	uint64_t seed;
	const int32_t
	    *like; /* tokens of a picture of one of them, in any style; NULL: there is none */
};

/* What is held of what the prompt names, as tokens of one picture (grid * grid, the caller's): one thing as it stands
 * alone, or in a place where the prompt says one; on an empty ground, small, a thing that is asked for in a number (top left) or the first two of
 * several, in the order of their names (the second right of the first). False: nothing of it is held. */
bool engine_memory_recall(const struct engine_memory *memory, const struct engine_lexicon *lexicon,
			  const char *prompt, size_t style,
			  const struct engine_memory_choice *choice, int32_t *tokens);

/* A row of the lexicon's that a picture may show, and how unlike the picture it is to what is held (engine_glance_distance). */
struct engine_likeness {
	size_t row, style;
	float distance;
};

/* Whether the memory can tell what a picture shows at all: its file says how things look. */
bool engine_memory_recognises(const struct engine_memory *memory);

/* What the picture is most like, each of another thing, nearest first, at most `max`; returns how many were written: none
 * where the ground isn't plain or nothing stands on it. */
size_t engine_memory_nearest(const struct engine_memory *memory,
			     const struct engine_lexicon *lexicon,
			     const struct engine_glance *glance, struct engine_likeness *nearest,
			     size_t max);

/* Whether the first of them is what the picture shows, and not just what is least unlike it. */
bool engine_likeness_certain(const struct engine_likeness *nearest, size_t count);

/* The picture that is held of a row alone, borrowed: grid * grid tokens. NULL: none is. */
const int32_t *engine_memory_alone(const struct engine_memory *memory, size_t row, size_t style);

#endif
