/* The transformer on a card: its weights, uploaded once, and the passes of a batch over them. transformer.c hands
 * over here what it would else compute itself; the rest of the engine only opens the card.
 *
 * Weights stay f32, bf16 or int8 (a scale for each output), as the processor's matrices hold them; int4 is refused.
 * Caches are f32 beside f32 weights, else bf16. A step of pure decoding is recorded once for each number of rows
 * and played again: what changes from step to step lies in the card's memory. */
#ifndef MADANG_ENGINE_CUDA_MODEL_H
#define MADANG_ENGINE_CUDA_MODEL_H

#include "engine/cuda/card.h"
#include "engine/transformer.h"

/* Takes what t's matrices hold to the card and frees it here; t keeps their shapes. Not for models that are
 * conditioned on captions. The card is borrowed. */
struct engine_card_model *engine_card_model_create(struct card *card, struct engine_transformer *t,
						   struct err *e) MUST_CHECK;
void engine_card_model_destroy(struct engine_card_model *model); /* NULL-safe */
/* t's text head, which came later. */
bool engine_card_model_add_text_head(struct engine_card_model *model, struct engine_transformer *t,
				     struct err *e) MUST_CHECK;

/* How a stream's cache is to be made. */
struct engine_cache_options engine_card_model_cache(const struct engine_card_model *model,
						    size_t positions);

struct engine_card_batch *engine_card_batch_create(const struct engine_transformer *t,
						   size_t rows_max, size_t logit_rows_max,
						   size_t logits_stride, struct err *e) MUST_CHECK;
void engine_card_batch_destroy(struct engine_card_batch *batch); /* NULL-safe */

/* As transformer.h has them. Picture rows of b->x are only noted down, and made by the run. */
void engine_card_embed_image(const struct engine_transformer *t, struct engine_batch *b,
			     const int32_t *ids, const int32_t *place, size_t n, float *x);
void engine_card_run(const struct engine_transformer *t, struct engine_batch *b);
void engine_card_image_logits(const struct engine_transformer *t, struct engine_batch *b,
			      const size_t *rows, size_t n);
void engine_card_text_logits(const struct engine_transformer *t, struct engine_batch *b,
			     const size_t *rows, size_t n);

/* What the first failure was; false: none so far. */
bool engine_card_model_failed(const struct engine_card_model *model, struct err *e);
/* Bytes/s at which so many bytes of the card's memory are read, the best in so many seconds; 0: could not. */
double engine_card_model_bandwidth(const struct engine_card_model *model, size_t bytes,
				   double seconds);

#endif
