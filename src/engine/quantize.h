/* A model's weights, rounded once and kept: reads a checkpoint, writes model.safetensors with int8 rows or
 * 4-bit blocks in place of the transformer's matrices (safetensors.h says how they lie). All else stays as it is.
 * The engine rounds in the same way when it loads a model with that quantisation, so both draw the same. */
#ifndef MADANG_ENGINE_QUANTIZE_H
#define MADANG_ENGINE_QUANTIZE_H

#include "base/err.h"
#include "engine/engine.h"

struct engine_quantize {
	const char *dir;                               /* the model */
	const char *file;                              /* to write */
	enum engine_quant quant;                       /* INT8 or INT4 */
	void (*progress)(void *context, double share); /* may be NULL */
	void *context;
};

/* One thread; memory for the largest tensor. Complete or not at all. */
bool engine_quantize(const struct engine_quantize *q, struct err *e) MUST_CHECK;

#endif
