/* Packing matrices as the tensor cores take them (card.h says how), and launching products with them. Owns what lies
 * on the card. Runs on the thread that opens the model; the pool's threads pack. */
#include "engine/cuda/matrix.h"

#include <stdlib.h>
#include <string.h>

#define GROUP_OF_INT8 128 /* k of a unit */
#define TILE          KERNEL_TILE_ROWS

static bool no_room(struct card *card, size_t bytes, struct err *e)
{
	if (card->failed) {
		*e = card->error;
		return false;
	}
	return err_set(e, ERR_NO_MEMORY, "the card has no room for another %zu MiB",
		       (bytes >> 20) + 1);
}

float *engine_card_floats(struct card *card, const float *from, size_t count, struct err *e)
{
	size_t bytes = count * sizeof(float);
	float *to = card->ops->alloc(card, bytes);
	if (to)
		card->ops->put(card, to, from, bytes);
	else
		no_room(card, bytes, e);
	return to;
}

struct packing {
	const struct engine_matrix *from;
	enum card_format format;
	size_t units, unit_bytes; /* of a tile */
	uint8_t *to;
};

/* One number as it lies in the processor's tiles. */
static uint32_t element(const struct engine_matrix *m, size_t tile, size_t row, size_t k)
{
	const uint8_t *data = (const uint8_t *)m->data + tile * m->tile_bytes;
	uint16_t half;
	uint32_t bits;

	if (k >= m->k)
		return 0;
	switch (m->weights) {
	case KERNEL_INT8:
		return (uint8_t)(data[k / 4 * 64 + row * 4 + k % 4] - 128);
	case KERNEL_BF16:
		memcpy(&half, data + (k * TILE + row) * sizeof(half), sizeof(half));
		return half;
	case KERNEL_F32:
		memcpy(&bits, data + (k * TILE + row) * sizeof(bits), sizeof(bits));
		return bits;
	case KERNEL_INT4:
		break; /* refused */
	}
	return 0;
}

/* Register `r` of a lane: row g or g + 8, the first or second half of k. */
static uint32_t operand(const struct engine_matrix *m, size_t tile, size_t k, size_t lane, size_t r)
{
	size_t row = lane / 4 + r % 2 * 8, t = lane % 4;
	uint32_t word = 0;
	if (m->weights == KERNEL_BF16) {
		k += t * 2 + r / 2 * 8;
		return element(m, tile, row, k) | element(m, tile, row, k + 1) << 16;
	}
	k += t * 4 + r / 2 * 16;
	for (size_t i = 0; i < 4; i++)
		word |= element(m, tile, row, k + i) << (8 * i);
	return word;
}

static float as_float(const struct engine_matrix *m, size_t tile, size_t row, size_t k)
{
	uint32_t bits = element(m, tile, row, k);
	float value;
	if (m->weights == KERNEL_INT8)
		return (float)(int8_t)bits * m->scale[tile * TILE + row];
	if (m->weights == KERNEL_BF16)
		bits <<= 16;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void pack_tiles(void *context, size_t begin, size_t end, int thread)
{
	struct packing *p = context;
	const struct engine_matrix *m = p->from;
	size_t step = m->weights == KERNEL_BF16 ? 16 : 32;
	(void)thread;

	for (size_t tile = begin; tile < end; tile++) {
		uint8_t *to = p->to + tile * p->units * p->unit_bytes;
		if (p->format == CARD_F32) {
			for (size_t i = 0; i < m->k * TILE; i++)
				((float *)to)[i] = as_float(m, tile, i % TILE, i / TILE);
			continue;
		}
		/* operands of 512 bytes, one after the other in k */
		for (size_t i = 0; i < p->units * p->unit_bytes / 4; i++)
			((uint32_t *)to)[i] = operand(m, tile, i / 128 * step, i / 4 % 32, i % 4);
	}
}

static bool pack(struct engine_card_matrix *m, struct card *card, const struct engine_matrix *from,
		 struct engine_pool *pool, struct err *e)
{
	struct packing p = {.from = from, .format = m->format, .units = (size_t)m->units};
	p.unit_bytes = m->format == CARD_F32    ? TILE * sizeof(float)
		       : m->format == CARD_BF16 ? 512
						: 2048;
	size_t bytes = from->tiles * p.units * p.unit_bytes;
	p.to = malloc(bytes);
	if (!p.to)
		return err_set(e, ERR_NO_MEMORY, "no memory to pack %zu MiB", bytes >> 20);
	engine_pool_for(pool, from->tiles, 1, pack_tiles, &p);
	m->weights = card->ops->alloc(card, bytes);
	if (m->weights)
		card->ops->put(card, m->weights, p.to, bytes);
	free(p.to);
	return m->weights || no_room(card, bytes, e);
}

bool engine_card_matrix_init(struct engine_card_matrix *m, struct card *card,
			     struct engine_matrix *from, struct engine_pool *pool, struct err *e)
{
	*m = (struct engine_card_matrix){.outputs = (int32_t)from->outputs,
					 .k = (int32_t)from->k,
					 .tiles = (int32_t)from->tiles};
	if (!from->data)
		return true;
	if (from->weights == KERNEL_INT4)
		return err_set(e, ERR_UNSUPPORTED,
			       "a card takes f32, bf16 or int8 weights, not int4");
	m->format = from->k % 16 != 0              ? CARD_F32
		    : from->weights == KERNEL_INT8 ? CARD_INT8
		    : from->weights == KERNEL_BF16 ? CARD_BF16
						   : CARD_F32;
	m->units = m->format == CARD_F32    ? m->k
		   : m->format == CARD_BF16 ? m->k / 16
					    : (m->k + GROUP_OF_INT8 - 1) / GROUP_OF_INT8;
	size_t column = from->tiles * TILE;
	if (!pack(m, card, from, pool, e) ||
	    (m->format == CARD_INT8 &&
	     !(m->scale = engine_card_floats(card, from->scale, column, e))) ||
	    (from->bias && !(m->bias = engine_card_floats(card, from->bias, column, e))))
		return false;
	engine_matrix_drop_tiles(from);
	return true;
}

void engine_card_matrix_finish(struct engine_card_matrix *m, struct card *card)
{
	card->ops->release(card, m->weights);
	card->ops->release(card, m->scale);
	card->ops->release(card, m->bias);
	*m = (struct engine_card_matrix){0};
}

void engine_card_multiply(struct card *card, const struct engine_card_matrix *m,
			  struct card_product p, bool gated)
{
	enum card_kernel kernel = gated ? CARD_GATED_F32 : CARD_PRODUCT_F32;
	int rows = 8, size = p.rows <= 8 ? 0 : p.rows <= 16 ? 1 : 2;

	if (m->format != CARD_F32) {
		kernel += m->format == CARD_BF16 ? CARD_PRODUCT_BF16_8 : CARD_PRODUCT_INT8_8;
		kernel += size;
		rows <<= size;
	}
	p.weights = m->weights;
	p.scale = m->scale;
	p.bias = m->bias;
	p.k = m->k;
	p.units = m->units;
	if (!gated)
		p.outputs = m->outputs;
	card->ops->launch(card, kernel, gated ? m->tiles / 2 : m->tiles, (p.rows + rows - 1) / rows,
			  &p, sizeof(p));
}
