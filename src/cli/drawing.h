/* Pictures being drawn by one command: submits them, shows them growing, saves each when it is done. */
#ifndef MADANG_CLI_DRAWING_H
#define MADANG_CLI_DRAWING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "engine/engine.h"

/* What to draw; everything is borrowed for the time of the call. */
struct drawing_order {
	struct engine *engine;
	const char *prompt; /* the person's own words; the request has what the model reads */
	struct engine_request request; /* of the first; the others differ in the seed */
	const char *task;              /* its word, for the JSON */
	const char *output;            /* NULL: madang-SEED.png */
	int count;
	int size;  /* 0: the model's own */
	bool json; /* say in JSON, not in words, what was drawn */
};

/* The file of picture `index`: as given, numbered where there are several. In the arena. */
const char *drawing_path(struct arena *a, const char *output, int count, int index, uint64_t seed);

/* Draws and saves all of it, prints a line for each. The first failure ends it; pictures that were saved
 * before stay. */
MUST_CHECK bool drawing_run(struct arena *a, const struct drawing_order *order, struct err *e);

#endif
