/* Choosing a token from its logits. Stateless: the chance that decides token `index` of a request comes from
 * the request's seed and that index alone, so a picture can be drawn again, or on from any token. */
#ifndef MADANG_ENGINE_SAMPLER_H
#define MADANG_ENGINE_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

struct engine_sampler {
	float temperature; /* 0: the likeliest, the first of equals */
	int top_k;         /* 0: all */
	float top_p;       /* 1: all */
	uint64_t seed;
};

struct engine_candidate {
	float weight;
	int32_t id;
};

/* out[i] = unguided[i] + guidance * (guided[i] - unguided[i]) */
void engine_sampler_guide(const float *guided, const float *unguided, float guidance, float *out,
			  size_t n);

/* scratch: n candidates. n is at least 1. */
int32_t engine_sampler_choose(const struct engine_sampler *s, uint64_t index, const float *logits,
			      size_t n, struct engine_candidate *scratch);

#endif
