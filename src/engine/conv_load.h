/* Convolutions and Linear layers straight from a model's tensors. */
#ifndef MADANG_ENGINE_CONV_LOAD_H
#define MADANG_ENGINE_CONV_LOAD_H

#include "engine/conv.h"
#include "engine/names.h"

/* A vector of `count` finite numbers, the caller's to free; NULL on failure. */
float *engine_conv_load_vector(const struct engine_weights *weights, struct engine_want want,
			       int count, struct err *e) MUST_CHECK;

/* The layer whose weight `want` names, with its bias. want.shape is the weight's, as the file has it:
 * [out][in][side][side], [out][in], or anything of as many numbers in that order. */
struct engine_conv_source {
	const struct engine_weights *weights;
	const struct conv_kernels *kernels;
	struct engine_want want;
	enum engine_conv_kind kind;
	int in, out;
};

struct engine_conv *engine_conv_load(const struct engine_conv_source *source,
				     struct err *e) MUST_CHECK;

#endif
