/* Owns the pictures of memory.safetensors, checked once when they are opened: a thing is held in a style whole or not
 * at all. */
#include "engine/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/safetensors.h"

struct engine_memory {
	struct engine_memory_shape shape;
	size_t alone_size, small_size; /* tokens of one */
	/* [styles][rows][size]; the first is -1 where none is held */
	int32_t *alone, *placed, *small;
	int32_t white;
	uint8_t *look; /* [styles][rows][ENGINE_LOOK_BYTES]; NULL: the file has none */
};

/* Measured on pictures of this model as they are, compressed, moved and made smaller, and on drawings of the same things by
 * others: docs/decisions.md, 69. */
#define LIKENESS_PLAIN 8    /* nothing else comes so near */
#define LIKENESS_MAX   28   /* beyond it is something else */
#define LIKENESS_AHEAD 0.85 /* of the distance to the next thing */

static bool take(const struct engine_safetensors *file, const char *name, const int64_t *shape,
		 int ndim, int32_t least, int32_t below, int32_t *out, struct err *e)
{
	const struct engine_tensor *t = engine_safetensors_find(file, name);
	size_t count = 1;
	bool fits = t && t->dtype == ENGINE_I32 && t->ndim == ndim;
	for (int i = 0; i < ndim; i++) {
		fits = fits && t->shape[i] == shape[i];
		count *= (size_t)shape[i];
	}
	if (!fits)
		return err_set(e, ERR_INVALID, "no I32 tensor \"%s\" of this model's shape", name);
	memcpy(out, t->data, count * sizeof(*out));
	for (size_t i = 0; i < count; i++)
		if (out[i] < least || out[i] >= below)
			return err_set(e, ERR_INVALID, "%s: number %zu is no token: %d", name, i,
				       (int)out[i]);
	return true;
}

/* A picture of which one token is missing is not held. */
static void drop_torn(int32_t *pictures, size_t count, size_t size)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < size; j++)
			if (pictures[i * size + j] < 0)
				pictures[i * size] = -1;
}

/* How things look, where the file says it. */
static bool take_looks(struct engine_memory *m, const struct engine_safetensors *file,
		       struct err *e)
{
	const struct engine_tensor *t = engine_safetensors_find(file, "look");
	size_t bytes = m->shape.styles * m->shape.rows * ENGINE_LOOK_BYTES;
	if (!t)
		return true;
	if (t->dtype != ENGINE_U8 || t->ndim != 3 || t->shape[0] != (int64_t)m->shape.styles ||
	    t->shape[1] != (int64_t)m->shape.rows || t->shape[2] != ENGINE_LOOK_BYTES)
		return err_set(e, ERR_INVALID, "no U8 tensor \"look\" of this model's shape");
	m->look = malloc(bytes);
	if (!m->look)
		return err_set(e, ERR_NO_MEMORY, "no memory for the model's memory");
	memcpy(m->look, t->data, bytes);
	return true;
}

static bool load(struct engine_memory *m, const struct engine_safetensors *file, struct err *e)
{
	size_t held = m->shape.styles * m->shape.rows;
	int64_t shape[3] = {(int64_t)m->shape.styles, (int64_t)m->shape.rows,
			    (int64_t)m->alone_size};
	m->alone = malloc(held * m->alone_size * sizeof(*m->alone));
	m->placed = malloc(held * m->alone_size * sizeof(*m->placed));
	m->small = malloc(held * m->small_size * sizeof(*m->small));
	if (!m->alone || !m->placed || !m->small)
		return err_set(e, ERR_NO_MEMORY, "no memory for the model's memory");
	if (!take(file, "alone", shape, 3, -1, m->shape.vocabulary, m->alone, e) ||
	    !take(file, "placed", shape, 3, -1, m->shape.vocabulary, m->placed, e))
		return false;
	shape[2] = (int64_t)m->small_size;
	if (!take(file, "small", shape, 3, -1, m->shape.vocabulary, m->small, e) ||
	    !take(file, "white", (const int64_t[]){1}, 1, 0, m->shape.vocabulary, &m->white, e))
		return false;
	drop_torn(m->alone, held, m->alone_size);
	drop_torn(m->placed, held, m->alone_size);
	drop_torn(m->small, held, m->small_size);
	return take_looks(m, file, e);
}

bool engine_memory_open(const char *dir, const struct engine_memory_shape *shape,
			struct engine_memory **out, struct err *e)
{
	char path[4096];
	*out = NULL;
	if (snprintf(path, sizeof path, "%s/memory.safetensors", dir) >= (int)sizeof path)
		return err_set(e, ERR_INVALID, "%.100s…: a path that is too long", dir);
	if (access(path, F_OK) != 0)
		return true;
	if (shape->grid < 2 || shape->grid % 2 || !shape->styles || !shape->rows)
		return err_set(e, ERR_INVALID,
			       "%.200s: this model has no styles or concepts to remember", path);
	struct engine_safetensors *file = engine_safetensors_open(path, e);
	struct engine_memory *m = file ? calloc(1, sizeof(*m)) : NULL;
	bool ok = m != NULL;
	if (file && !m)
		err_set(e, ERR_NO_MEMORY, "no memory for the model's memory");
	if (ok) {
		m->shape = *shape;
		m->alone_size = (size_t)(shape->grid * shape->grid);
		m->small_size = m->alone_size / 4;
		ok = load(m, file, e) || err_context(e, "%.200s", path);
	}
	engine_safetensors_close(file);
	if (!ok) {
		engine_memory_close(m);
		return false;
	}
	*out = m;
	return true;
}

void engine_memory_close(struct engine_memory *memory)
{
	if (!memory)
		return;
	free(memory->alone);
	free(memory->placed);
	free(memory->small);
	free(memory->look);
	free(memory);
}

size_t engine_memory_bytes(const struct engine_memory *memory)
{
	if (!memory)
		return 0;
	return memory->shape.styles * memory->shape.rows *
	       ((2 * memory->alone_size + memory->small_size) * sizeof(int32_t) +
		(memory->look ? ENGINE_LOOK_BYTES : 0));
}

/* Of the rows of one thing the one whose picture, in any style, has most tokens in common with `like`. */
static size_t most_like(const struct engine_memory *m, size_t first, size_t count,
			const int32_t *like)
{
	size_t best = first, most = 0;
	for (size_t style = 0; style < m->shape.styles; style++)
		for (size_t row = first; row < first + count; row++) {
			const int32_t *held =
			    m->alone + (style * m->shape.rows + row) * m->alone_size;
			size_t same = 0;
			for (size_t i = 0; i < m->alone_size; i++)
				same += held[i] == like[i] && held[i] != m->white;
			if (same > most) {
				most = same;
				best = row;
			}
		}
	return best;
}

/* Where in `pictures` the thing is that was meant; false: none of its kinds is held in this style. */
static bool choose(const struct engine_memory *m, const struct engine_lexicon *lexicon,
		   size_t concept, size_t style, uint64_t said,
		   const struct engine_memory_choice *choice, const int32_t *pictures, size_t size,
		   size_t *at)
{
	size_t first, count = engine_lexicon_kinds(lexicon, concept, &first), equal = 0;
	unsigned best = 0;
	if (style >= m->shape.styles || first + count > m->shape.rows)
		return false;
	const int32_t *held = pictures + style * m->shape.rows * size;
	if (count > 1 && choice->like) {
		size_t row = most_like(m, first, count, choice->like);
		said = engine_lexicon_traits_of(lexicon, row);
		if (held[row * size] >= 0)
			first = row, count = 1;
	}
	for (size_t row = first; row < first + count; row++) {
		unsigned suits = engine_lexicon_suits(lexicon, row, said);
		if (held[row * size] < 0 || (equal && suits < best))
			continue;
		equal = suits > best ? 1 : equal + 1;
		best = suits;
	}
	if (!equal)
		return false;
	size_t nth = choice->seed % equal;
	for (size_t row = first; row < first + count; row++)
		if (held[row * size] >= 0 && engine_lexicon_suits(lexicon, row, said) == best &&
		    nth-- == 0) {
			*at = (style * m->shape.rows + row) * size;
			return true;
		}
	return false;
}

bool engine_memory_recall(const struct engine_memory *memory, const struct engine_lexicon *lexicon,
			  const char *prompt, size_t style,
			  const struct engine_memory_choice *choice, int32_t *tokens)
{
	enum { THINGS_MAX = 2 };
	size_t things[THINGS_MAX], held[THINGS_MAX], count = 0, grid = (size_t)memory->shape.grid;
	size_t named = engine_lexicon_things(lexicon, prompt, things, THINGS_MAX);
	bool small = named > 1 || engine_lexicon_counts(lexicon, prompt);
	const int32_t *pictures = small                                    ? memory->small
				  : engine_lexicon_places(lexicon, prompt) ? memory->placed
									   : memory->alone;
	size_t size = small ? memory->small_size : memory->alone_size;
	uint64_t said = engine_lexicon_traits(lexicon, prompt);

	for (size_t i = 0; i < named; i++)
		count += choose(memory, lexicon, things[i], style, said, choice, pictures, size,
				&held[count]);
	if (count < named || count == 0)
		return false;
	if (!small) {
		memcpy(tokens, pictures + held[0], size * sizeof(*tokens));
		return true;
	}
	for (size_t i = 0; i < grid * grid; i++)
		tokens[i] = memory->white;
	for (size_t i = 0; i < count; i++)
		for (size_t row = 0; row < grid / 2; row++)
			memcpy(tokens + row * grid + i * (grid / 2),
			       pictures + held[i] + row * (grid / 2), grid / 2 * sizeof(*tokens));
	return true;
}

bool engine_memory_recognises(const struct engine_memory *memory)
{
	return memory->look != NULL;
}

const int32_t *engine_memory_alone(const struct engine_memory *memory, size_t row, size_t style)
{
	const int32_t *held =
	    memory->alone + (style * memory->shape.rows + row) * memory->alone_size;
	return held[0] >= 0 ? held : NULL;
}

/* The row of a concept, in any style, that the picture is most like; false: none of it is held. */
static bool nearest_of(const struct engine_memory *m, size_t first, size_t count,
		       const struct engine_glance *glance, struct engine_likeness *best)
{
	bool found = false;
	for (size_t style = 0; style < m->shape.styles; style++)
		for (size_t row = first; row < first + count; row++) {
			if (!engine_memory_alone(m, row, style))
				continue;
			float d = engine_glance_distance(
			    glance, m->look + (style * m->shape.rows + row) * ENGINE_LOOK_BYTES);
			if (!found || d < best->distance)
				*best = (struct engine_likeness){row, style, d};
			found = true;
		}
	return found;
}

size_t engine_memory_nearest(const struct engine_memory *memory,
			     const struct engine_lexicon *lexicon,
			     const struct engine_glance *glance, struct engine_likeness *nearest,
			     size_t max)
{
	size_t found = 0;
	if (!memory->look || !glance->plain || glance->empty)
		return 0;
	for (size_t c = 0; c < engine_lexicon_size(lexicon); c++) {
		struct engine_likeness one;
		size_t first, count = engine_lexicon_kinds(lexicon, c, &first), at;
		if (first + count > memory->shape.rows ||
		    !nearest_of(memory, first, count, glance, &one))
			continue;
		for (at = found < max ? found++ : max;
		     at > 0 && one.distance < nearest[at - 1].distance; at--)
			if (at < max)
				nearest[at] = nearest[at - 1];
		if (at < max)
			nearest[at] = one;
	}
	return found;
}

bool engine_likeness_certain(const struct engine_likeness *nearest, size_t count)
{
	if (count == 0 || nearest[0].distance >= LIKENESS_MAX)
		return false;
	return nearest[0].distance < LIKENESS_PLAIN || count < 2 ||
	       nearest[0].distance < (float)LIKENESS_AHEAD * nearest[1].distance;
}
