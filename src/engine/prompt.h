/* From a request to what the transformer reads: the sequence before the first new picture token, for the
 * guided stream and the unguided one. Each family has its own; nothing else in the engine knows them. */
#ifndef MADANG_ENGINE_PROMPT_H
#define MADANG_ENGINE_PROMPT_H

#include "base/err.h"
#include "engine/engine.h"
#include "engine/shape.h"
#include "engine/text.h"

/* One position of a sequence. */
struct engine_element {
	enum { ENGINE_ELEMENT_TEXT, ENGINE_ELEMENT_IMAGE, ENGINE_ELEMENT_CLASS } kind;
	int32_t id;    /* class -1: none */
	int32_t place; /* IMAGE: in its grid */
};

struct engine_prompt {
	struct engine_element *guided, *unguided; /* both `length` long */
	size_t length;
	size_t kept; /* the last of them that are the picture's own first tokens (VARY) */
};

/* source: shape->image.tokens tokens where the task needs them (checked), else NULL; recalled: as many, what the
 * model's memory holds of the prompt (Madang's family, DRAW and VARY), or NULL. text may be NULL where
 * the model has none. */
bool engine_prompt_init(struct engine_prompt *p, const struct engine_shape *shape,
			const struct engine_text *text, const struct engine_request *request,
			const int32_t *source, const int32_t *recalled, struct err *e) MUST_CHECK;
void engine_prompt_finish(struct engine_prompt *p); /* zeroed memory is fine */

/* Text tokens of a prompt before it is cut. */
bool engine_prompt_count(const struct engine_shape *shape, const struct engine_text *text,
			 const char *prompt, size_t *count, struct err *e) MUST_CHECK;

/* How long a sequence can get, picture included. */
size_t engine_prompt_positions_max(const struct engine_shape *shape);

#endif
