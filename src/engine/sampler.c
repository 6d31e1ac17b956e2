/* Choosing a token. Runs on the stepper's thread between two passes, so it must be quick: nothing is
 * sorted, the cuts of top-k and top-p are found by partitioning. */
#include "engine/sampler.h"

#include <math.h>
#include <stdbool.h>

/* What is less than e^-20 as likely as the likeliest token is not looked at: of 16384 such tokens not one
 * in 30,000 draws would fall on any. */
#define TAIL 20.0f

void engine_sampler_guide(const float *guided, const float *unguided, float guidance, float *out,
			  size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = unguided[i] + guidance * (guided[i] - unguided[i]);
}

/* splitmix64 of the seed and the index: 53 even bits in [0, 1). */
static double chance(uint64_t seed, uint64_t index)
{
	uint64_t z = seed * 0xd1342543de82ef95u + (index + 1) * 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (double)(z >> 11) * 0x1p-53;
}

/* Heavier first; of equals, the lower id. A total order, so that no cut depends on the partitioning. */
static bool before(const struct engine_candidate *a, const struct engine_candidate *b)
{
	return a->weight > b->weight || (a->weight == b->weight && a->id < b->id);
}

static void swap(struct engine_candidate *a, struct engine_candidate *b)
{
	struct engine_candidate t = *a;
	*a = *b;
	*b = t;
}

/* Puts what comes before the middle one's value to the left of it; returns its new place. */
static size_t partition(struct engine_candidate *c, size_t begin, size_t end)
{
	size_t place = begin;
	swap(&c[begin + (end - begin) / 2], &c[end - 1]);
	for (size_t i = begin; i + 1 < end; i++)
		if (before(&c[i], &c[end - 1]))
			swap(&c[i], &c[place++]);
	swap(&c[place], &c[end - 1]);
	return place;
}

/* The k first come to the front, in no order. */
static void keep_first(struct engine_candidate *c, size_t n, size_t k)
{
	size_t begin = 0, end = n;
	while (end - begin > 1) {
		size_t place = partition(c, begin, end);
		if (place == k)
			return;
		if (place < k)
			begin = place + 1;
		else
			end = place;
	}
}

/* The fewest first ones whose weights reach `enough` come to the front; returns how many. */
static size_t keep_weight(struct engine_candidate *c, size_t n, double enough)
{
	size_t begin = 0, end = n;
	double sum = 0; /* of [0, begin), which are all kept */

	while (begin < end) {
		size_t place = partition(c, begin, end);
		double left = 0;
		for (size_t i = begin; i < place; i++)
			left += (double)c[i].weight;
		if (place > begin && sum + left >= enough) {
			end = place;
			continue;
		}
		sum += left + (double)c[place].weight;
		begin = place + 1;
		if (sum >= enough)
			break;
	}
	return begin ? begin : 1;
}

static int32_t likeliest(const float *logits, size_t n)
{
	size_t best = 0;
	for (size_t i = 1; i < n; i++)
		if (logits[i] > logits[best])
			best = i;
	return (int32_t)best;
}

int32_t engine_sampler_choose(const struct engine_sampler *s, uint64_t index, const float *logits,
			      size_t n, struct engine_candidate *scratch)
{
	int32_t best = likeliest(logits, n);
	size_t count = 0;
	double total = 0;

	if (!(s->temperature > 0))
		return best;
	float most = logits[best], floor = most - TAIL * s->temperature;
	for (size_t i = 0; i < n; i++)
		if (logits[i] >= floor)
			scratch[count++] = (struct engine_candidate){logits[i], (int32_t)i};
	if (s->top_k > 0 && (size_t)s->top_k < count) {
		keep_first(scratch, count, (size_t)s->top_k);
		count = (size_t)s->top_k;
	}
	for (size_t i = 0; i < count; i++) {
		scratch[i].weight = expf((scratch[i].weight - most) / s->temperature);
		total += (double)scratch[i].weight;
	}
	if (s->top_p < 1) {
		count = keep_weight(scratch, count, (double)s->top_p * total);
		total = 0;
		for (size_t i = 0; i < count; i++)
			total += (double)scratch[i].weight;
	}
	double left = chance(s->seed, index) * total;
	for (size_t i = 0; i < count; i++) {
		left -= (double)scratch[i].weight;
		if (left < 0)
			return scratch[i].id;
	}
	return best;
}
