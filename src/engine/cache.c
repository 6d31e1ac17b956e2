/* Key/value caches. Owns their layout: layer by layer, head by head, so that what one task of the
 * attention reads lies together. */
#include "engine/cache.h"

#include "engine/cuda/card.h"
#include "engine/slab.h"

#include <stdlib.h>
#include <string.h>

static size_t round_up(size_t n, size_t step)
{
	return (n + step - 1) / step * step;
}

static void measure(struct engine_cache *c, const struct engine_cache_options *o)
{
	c->options = *o;
	c->capacity = round_up(o->positions, KERNEL_TILE_ROWS);
	size_t element = o->int8 ? 1 : o->bf16 ? sizeof(uint16_t) : sizeof(float);
	/* int8 keys lie in lines of 4 k */
	size_t key_width = o->int8 ? round_up(o->head_dim, 4) : o->head_dim;
	c->key_bytes = round_up(c->capacity * key_width * element, 64);
	c->value_bytes = round_up(c->capacity * o->head_dim * element, 64);
	c->head_bytes = c->key_bytes + c->value_bytes;
	if (o->int8)
		c->head_bytes += round_up(2 * c->capacity * sizeof(float), 64);
}

size_t engine_cache_bytes(const struct engine_cache_options *options)
{
	struct engine_cache c;
	measure(&c, options);
	return c.head_bytes * options->layers * options->heads;
}

bool engine_cache_init(struct engine_cache *c, const struct engine_cache_options *options,
		       struct err *e)
{
	*c = (struct engine_cache){0};
	measure(c, options);
	size_t bytes = c->head_bytes * options->layers * options->heads;
	if (options->card) {
		c->data = options->card->ops->alloc(options->card, bytes);
		if (c->data)
			return true;
		if (!options->card->failed)
			return err_set(e, ERR_NO_MEMORY,
				       "the card has no room for %zu positions of context",
				       options->positions);
		*e = options->card->error;
		return false;
	}
	/* kernels read values up to a whole KERNEL_MIX of positions */
	bytes += KERNEL_MIX * options->head_dim;
	c->data = engine_slab_alone(bytes);
	if (!c->data)
		return err_set(e, ERR_NO_MEMORY, "no memory for %zu positions of context",
			       options->positions);
	/* kernels may read whole tiles, positions that are not there yet among them */
	memset(c->data, 0, bytes);
	return true;
}

void engine_cache_finish(struct engine_cache *c)
{
	if (c->options.card)
		c->options.card->ops->release(c->options.card, c->data);
	else
		free(c->data);
	*c = (struct engine_cache){0};
}

struct kernel_cache_view engine_cache_view(const struct engine_cache *c, size_t layer, size_t head)
{
	uint8_t *base = c->data + (layer * c->options.heads + head) * c->head_bytes;
	struct kernel_cache_view view = {
	    .key = base,
	    .value = base + c->key_bytes,
	    .head_dim = c->options.head_dim,
	    .capacity = c->capacity,
	};
	if (c->options.int8) {
		view.key_scale = (float *)(base + c->key_bytes + c->value_bytes);
		view.value_scale = view.key_scale + c->capacity;
	}
	return view;
}

void engine_cache_copy(struct engine_cache *to, const struct engine_cache *from, size_t positions)
{
	const struct engine_cache_options *o = &from->options;
	if (o->card) {
		struct card_carry carry = {.to = to->data,
					   .from = from->data,
					   .to_capacity = (int32_t)to->capacity,
					   .from_capacity = (int32_t)from->capacity,
					   .positions = (int32_t)positions,
					   .head_dim = (int32_t)o->head_dim,
					   .wide = !o->bf16};
		o->card->ops->launch(o->card, CARD_CARRY, (int)(o->layers * o->heads), 1, &carry,
				     sizeof(carry));
		return;
	}
	size_t tiles = round_up(positions, KERNEL_TILE_ROWS);
	for (size_t i = 0; i < o->layers * o->heads; i++) {
		struct kernel_cache_view a = engine_cache_view(from, i / o->heads, i % o->heads);
		struct kernel_cache_view b = engine_cache_view(to, i / o->heads, i % o->heads);
		size_t element = o->int8 ? 1 : sizeof(float);
		size_t key_width = o->int8 ? round_up(o->head_dim, 4) : o->head_dim;
		memcpy(b.key, a.key, (o->int8 ? tiles : positions) * key_width * element);
		memcpy(b.value, a.value, (o->int8 ? tiles : positions) * o->head_dim * element);
		if (o->int8) {
			memcpy(b.key_scale, a.key_scale, positions * sizeof(float));
			memcpy(b.value_scale, a.value_scale, positions * sizeof(float));
		}
	}
}
