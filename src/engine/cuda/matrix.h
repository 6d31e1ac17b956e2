/* A matrix of weights on a card. */
#ifndef MADANG_ENGINE_CUDA_MATRIX_H
#define MADANG_ENGINE_CUDA_MATRIX_H

#include "engine/cuda/card.h"
#include "engine/matrix.h"

struct engine_card_matrix {
	enum card_format format;
	void *weights; /* NULL: no such matrix */
	float *scale, *bias;
	int32_t outputs, k, tiles, units;
};

/* count floats, on the card; NULL and *e where it has no room. */
float *engine_card_floats(struct card *card, const float *from, size_t count,
			  struct err *e) MUST_CHECK;

/* Takes the tiles of `from` to the card and frees them here; an empty `from` gives an empty matrix. INT8 and BF16
 * keep their bits; those whose k is no multiple of 16 become f32. */
bool engine_card_matrix_init(struct engine_card_matrix *m, struct card *card,
			     struct engine_matrix *from, struct engine_pool *pool,
			     struct err *e) MUST_CHECK;
void engine_card_matrix_finish(struct engine_card_matrix *m, struct card *card);

/* Launches p, whose matrix's part is filled in here; gated: m is gate and up, p->outputs those of one. */
void engine_card_multiply(struct card *card, const struct engine_card_matrix *m,
			  struct card_product p, bool gated);

#endif
