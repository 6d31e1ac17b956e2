/* What of a prompt the model reads, where it has more words than the model has room for. */
#ifndef MADANG_ENGINE_GIST_H
#define MADANG_ENGINE_GIST_H

#include "base/arena.h"
#include "base/err.h"
#include "engine/engine.h"

/* *read is the prompt itself where its tokens fit; else what engine_words knows of it, in its order, as much as
 * fits, from the arena. ERR_TOO_LARGE where it does not fit and the model has no list of words. */
bool engine_gist(struct engine *engine, struct arena *a, const char *prompt, const char **read,
		 struct err *e) MUST_CHECK;

#endif
