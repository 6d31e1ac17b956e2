/* What is trained: the numbers of the Janus-style transformer, and where each parameter lies.
 *
 * All parameters are one flat array of f32; gradients, moments and averages are arrays of the same
 * layout. The order is such that the query, key and value matrices of a layer, and its gate and up
 * matrices, are one matrix to whoever multiplies. */
#ifndef MADANG_TRAIN_SHAPE_H
#define MADANG_TRAIN_SHAPE_H

#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define TRAIN_LAYERS_MAX 64
#define TRAIN_LEVELS_MAX 16

struct train_layer {
	size_t norm1, qkv, o, norm2, gate_up, down; /* qkv [3d][d], gate_up [2f][d], down [d][f] */
};

struct train_shape {
	int d, f, layers, heads, head_dim, vocab; /* d, f, head_dim: multiples of 32 */
	int codes, embed, grid_tokens, positions;
	int levels[TRAIN_LEVELS_MAX], level_count;
	float eps, theta;
	/* offsets into the flat array */
	size_t embed_tokens, generation_embeddings, fc1_w, fc1_b, hidden_w, hidden_b, place;
	struct train_layer layer[TRAIN_LAYERS_MAX];
	size_t norm, proj_w, proj_b, head_w, head_b;
	size_t count; /* of all parameters */
};

enum train_param_kind {
	TRAIN_PARAM_MATRIX, /* inside a layer: Muon's */
	TRAIN_PARAM_TABLE,  /* other matrices and tables: AdamW with weight decay */
	TRAIN_PARAM_VECTOR  /* norms and biases: AdamW without */
};

struct train_param {
	char name[120]; /* the transformers name */
	size_t offset;
	int rows, columns; /* a vector: columns 1 */
	enum train_param_kind kind;
};

/* Reads config.json (the Hugging Face layout) and lays the parameters out. */
MUST_CHECK bool train_shape_read(struct train_shape *s, const char *path, struct err *e);

/* Lays the parameters out; false where the numbers cannot be trained. */
MUST_CHECK bool train_shape_complete(struct train_shape *s, struct err *e);

/* The list of all parameters, in the order of the flat array; *count of them. */
struct train_param *train_shape_params(struct arena *a, const struct train_shape *s, size_t *count);

/* First weights, from a seed: as model/nets.py has them. */
void train_shape_init(const struct train_shape *s, const struct train_param *p, size_t count,
		      uint64_t seed, float *w);

#endif
