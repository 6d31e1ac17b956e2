/* A config.json of any bytes: alone and beside the weights of the small test models. What is accepted
 * must keep shape.h's promises. */
#include "engine/names.h"
#include "engine/shape.h"
#include "fuzz.h"

#include <stdlib.h>

static void check(const struct engine_shape *s)
{
	const struct engine_llm_shape *l = &s->llm;
	if (l->hidden < 1 || l->heads < 1 || l->kv_heads < 1 || l->heads % l->kv_heads ||
	    l->head_dim < 2 || l->head_dim % 2 || l->ffn < 1 || l->layers < 1 || !(l->norm_eps > 0))
		abort();
	if (s->image.tokens != s->image.grid * s->image.grid || s->image.vocab < 2 ||
	    s->image.tokens < 1)
		abort();
	if (s->style_count < 0 || s->style_count > ENGINE_STYLES_MAX)
		abort();
	if (s->vq.has_decoder || s->vq.has_encoder) {
		if (s->vq.stages < 1 ||
		    s->vq.image_size != (s->vq.grid << (s->vq.stages - 1)) * s->vq.patch ||
		    s->vq.res_blocks < 1 || s->vq.latent_channels < 1 || s->vq.code_dim < 1)
			abort();
		for (int i = 0; i < s->vq.stages; i++) {
			if (s->vq.multiplier[i] < 1)
				abort();
		}
	}
	if (s->vision.present &&
	    (s->vision.width % s->vision.heads || s->vision.image_size % s->vision.patch ||
	     s->vision.image_size < s->vision.patch))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const FILES[] = {FUZZ_GOLDEN "/tiny_janus.safetensors",
					    FUZZ_GOLDEN "/tiny_llamagen_c2i.safetensors",
					    FUZZ_GOLDEN "/tiny_llamagen_t2i.safetensors"};
	static struct engine_weights *weights[4]; /* the last: none at all */
	struct err e;
	for (int i = 0; i < 4; i++) {
		struct engine_shape shape;
		if (i < 3 && !weights[i])
			weights[i] = engine_weights_open(FILES[i], &e);
		if (i < 3 && !weights[i])
			abort();
		if (engine_shape_parse((const char *)data, size, weights[i], &shape, &e))
			check(&shape);
	}
	return 0;
}
