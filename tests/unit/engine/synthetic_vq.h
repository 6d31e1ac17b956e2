/* Picture tokenizers of any shape without weight files: values come from a hash of each tensor's name (the
 * rule of golden/full_shapes.json), so that real shapes can be checked and measured. */
#ifndef MADANG_TESTS_SYNTHETIC_VQ_H
#define MADANG_TESTS_SYNTHETIC_VQ_H

#include "engine/names.h"
#include "engine/shape.h"

#include <stdbool.h>

struct synthetic {
	char *bytes; /* a whole .safetensors file, which weights borrows */
	struct engine_weights *weights;
};

/* VQ-16 of Janus and LlamaGen, and the built-in model's tokenizer. */
struct engine_vq_shape synthetic_vq16(void);
struct engine_vq_shape synthetic_builtin(void);

/* int8: convolutions as I8 with a scale for each output channel. Aborts where memory is short. */
struct synthetic synthetic_vq(const struct engine_vq_shape *shape, bool encoder, bool int8);
void synthetic_finish(struct synthetic *s);

/* Multiply-accumulates of decoding one picture of grid x grid tokens: as the layers are defined, and as
 * they are computed (upsampling convolutions folded). */
struct synthetic_work {
	double defined, computed;
};
struct synthetic_work synthetic_vq_work(const struct engine_vq_shape *shape, int grid);

#endif
