/* The transformer: Llama blocks over text and picture tokens, with the knobs of engine_llm_shape.
 *
 * `struct engine_transformer` is the weights and never changes once loaded. A `struct engine_batch` is the
 * work of one pass: rows that each say which stream and position they are; their input embeddings are
 * written into x, engine_transformer_run moves them through all layers, and logits are taken from the rows
 * that need them. Rows of one stream lie side by side in order of position; streams come in any mixture and
 * number. What a row computes depends on its own stream only. */
#ifndef MADANG_ENGINE_TRANSFORMER_H
#define MADANG_ENGINE_TRANSFORMER_H

#include "engine/cache.h"
#include "engine/matrix.h"
#include "engine/names.h"
#include "engine/shape.h"

struct card;
struct engine_card_model;
struct engine_card_batch;

struct engine_layer {
	float *norm_attention, *norm_ffn;
	float *norm_q, *norm_k; /* NULL unless qk_norm */
	struct engine_matrix qkv, output;
	struct engine_matrix gate_up; /* tiles of gate and up take turns */
	struct engine_matrix down;
};

struct engine_transformer {
	struct engine_shape shape;
	const struct kernels *kernels;
	struct engine_pool *pool;
	struct engine_card_model *card; /* NULL: the processor computes, from the matrices below */

	struct engine_layer *layers;
	float *final_norm;
	float *rope_cos, *rope_sin; /* [positions][head_dim / 2] */
	size_t rope_positions;

	struct engine_tensor text_embedding; /* read row by row from the file */
	struct engine_matrix text_head;      /* empty unless asked for */

	struct engine_tensor image_embedding;
	struct engine_matrix aligner[ENGINE_ALIGNER_MAX];
	float *random_embedding;                /* its data, where there is no file */
	float *image_positions;                 /* [tokens][hidden] or NULL */
	struct engine_matrix head_in, head_out; /* head_in is empty where the head is one Linear */

	struct engine_tensor class_embedding; /* LlamaGen c2i */
	struct engine_matrix caption_in, caption_out;
	float *caption_empty; /* [prefix][caption_dim] */

	enum kernel_weights weights; /* of the blocks */
	bool cache_int8;
	size_t positions_max;
	float attention_scale; /* head_dim^-0.5 */
	uint64_t parameters;
	size_t bytes;
};

enum engine_weights_as {
	ENGINE_AS_FILE,
	ENGINE_AS_F32,
	ENGINE_AS_BF16,
	ENGINE_AS_INT8,
	ENGINE_AS_INT4
};

struct engine_transformer_options {
	const struct kernels *kernels;
	struct engine_pool *pool; /* borrowed, as is the file */
	struct card *card;        /* that computes, borrowed; NULL: the processor */
	enum engine_weights_as as;
	bool text_head; /* load lm_head, for writing text */
	bool check; /* only see that all tensors are there: nothing is packed, and it cannot run */
};

/* The file stays open (embedding rows are read from it) until the transformer is gone. Without a file
 * the weights are random, for measuring; then only rows whose x the caller fills itself can run. */
bool engine_transformer_init(struct engine_transformer *t, const struct engine_shape *shape,
			     const struct engine_weights *file,
			     const struct engine_transformer_options *options,
			     struct err *e) MUST_CHECK;
void engine_transformer_finish(struct engine_transformer *t);

/* lm_head, where it was not asked for at first: from then on batches that are made can write text. */
bool engine_transformer_load_text_head(struct engine_transformer *t,
				       const struct engine_weights *file, enum engine_weights_as as,
				       struct err *e) MUST_CHECK;

struct engine_row {
	struct engine_cache *cache;
	size_t position;
};

struct engine_batch {
	size_t rows, rows_max;
	struct engine_row *row;
	float *x; /* [rows][hidden]: embeddings in, the last block's output out */

	/* between the steps of a pass */
	float *h, *qkv, *attention, *between, *ffn;
	float *logits; /* [logit rows][image vocabulary or text vocabulary] */
	size_t logits_stride;
	size_t *segment; /* first row of each stream's rows; one more at the end */
	float **scratch; /* one for each thread, for attention */
	float **gate;    /* and for what a piece of gate and up gives */
	uint8_t **visible;
	int threads;
	size_t bytes; /* of the floats */
	struct engine_card_batch
	    *card; /* the same on the card; there, of the above, only x and logits are used */
	struct engine_matrix_scratch quantized;
};

/* logit_rows_max: of how many rows logits are ever taken at once. */
bool engine_batch_init(struct engine_batch *b, const struct engine_transformer *t, size_t rows_max,
		       size_t logit_rows_max, struct err *e) MUST_CHECK;
void engine_batch_finish(struct engine_batch *b);

struct engine_cache_options engine_transformer_cache(const struct engine_transformer *t,
						     size_t positions);

/* Input embeddings, n rows of `hidden` floats. ids must be in range. place[i] is the token's own place in
 * its grid. */
void engine_transformer_embed_text(const struct engine_transformer *t, const int32_t *ids, size_t n,
				   float *x);
void engine_transformer_embed_image(const struct engine_transformer *t, struct engine_batch *b,
				    const int32_t *ids, const int32_t *place, size_t n, float *x);
/* classes and captions of LlamaGen; a class < 0 or a NULL caption is the empty one. x: prefix rows */
void engine_transformer_embed_class(const struct engine_transformer *t, int32_t class, float *x);
void engine_transformer_embed_caption(const struct engine_transformer *t, struct engine_batch *b,
				      const float *caption, float *x);

/* All layers for all rows of the batch; their keys and values are then in their caches. */
void engine_transformer_run(const struct engine_transformer *t, struct engine_batch *b);

/* A card that failed computes nothing any more, and what comes out of a batch is void: true, and *e says why. */
bool engine_transformer_failed(const struct engine_transformer *t, struct err *e);

/* Logits of n chosen rows (indices in rising order) into b->logits, one row each. */
void engine_transformer_image_logits(const struct engine_transformer *t, struct engine_batch *b,
				     const size_t *rows, size_t n);
void engine_transformer_text_logits(const struct engine_transformer *t, struct engine_batch *b,
				    const size_t *rows, size_t n);

#endif
