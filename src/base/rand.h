/* Random numbers, two kinds that must not be confused: rand_* from the kernel, for keys and tokens;
 * rng_* from a seed, for pictures that must come out the same again (xoshiro256**, seeded by splitmix64;
 * never for secrets). */
#ifndef MADANG_BASE_RAND_H
#define MADANG_BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *bytes, size_t length); /* getrandom(2); aborts where the kernel has none */
uint64_t rand_u64(void);

struct rng {
	uint64_t state[4];
};

void rng_seed(struct rng *r, uint64_t seed); /* every seed is good, also 0 */
uint64_t rng_next(struct rng *r);
double rng_uniform(struct rng *r); /* [0, 1), 53 bits */

#endif
