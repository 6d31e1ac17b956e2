/* Numbers by counter: the same for a seed whatever ran before. */
#ifndef MADANG_TRAIN_RANDOM_H
#define MADANG_TRAIN_RANDOM_H

#include <math.h>
#include <stdint.h>

struct train_random {
	uint64_t state;
};

static inline uint64_t train_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline struct train_random train_random_at(uint64_t seed, uint64_t a, uint64_t b)
{
	return (struct train_random){
	    train_mix(train_mix(train_mix(seed + 0x9e3779b97f4a7c15u) + a) + b)};
}

static inline uint64_t train_random_next(struct train_random *r)
{
	return train_mix(r->state += 0x9e3779b97f4a7c15u);
}

/* [0, 1) */
static inline double train_random_unit(struct train_random *r)
{
	return (double)(train_random_next(r) >> 11) * 0x1p-53;
}

static inline uint32_t train_random_below(struct train_random *r, uint32_t n)
{
	return (uint32_t)(((train_random_next(r) >> 32) * n) >> 32);
}

static inline float train_random_normal(struct train_random *r)
{
	double u = 1.0 - train_random_unit(r), v = train_random_unit(r);
	return (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
}

#endif
