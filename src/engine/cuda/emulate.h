/* The other side of shim.h: a block's threads as loops. One block runs at a time; not for several threads of the
 * program at once. */
#ifndef MADANG_ENGINE_CUDA_EMULATE_H
#define MADANG_ENGINE_CUDA_EMULATE_H

#include <stdlib.h>

struct emulated_block {
	int x, y, width;
	bool backwards;
	bool open; /* a phase that has not been SYNCed */
};
extern struct emulated_block emulated_block;

#define CARD_KERNEL(name, arguments) static void name(const struct arguments a)
#define CARD_INLINE                  static inline
#define BLOCK_X                      (emulated_block.x)
#define BLOCK_Y                      (emulated_block.y)
#define GRID_X                       (emulated_block.width)
#define WARPS                                   \
	for (int w_at = emulated_phase(), warp; \
	     w_at < CARD_WARPS && (warp = emulated_turn(w_at, CARD_WARPS), (void)warp, 1); w_at++)
#define LANES                                                                                  \
	for (int l_at = 0, lane; l_at < 32 && (lane = emulated_turn(l_at, 32), (void)lane, 1); \
	     l_at++)
#define SYNC() (emulated_block.open = false)
#define SHARED(type, name, n) \
	type name[n];         \
	memset(name, 0xff, sizeof(name))
#define PRIVATE(type, name, n) type name[CARD_THREADS][n]
#define MINE(name)             ((name)[THREAD])
#define UNROLL
#define UNROLL_8

static inline int emulated_turn(int at, int count)
{
	return emulated_block.backwards ? count - 1 - at : at;
}

static inline int emulated_phase(void)
{
	if (emulated_block.open)
		abort(); /* the phase before has no SYNC() */
	emulated_block.open = true;
	return 0;
}

#define WARP_FOLD(name, i, offset)                                                   \
	do {                                                                         \
		float f_sums[32];                                                    \
		for (int f_lane = 0; f_lane < 32; f_lane++)                          \
			f_sums[f_lane] = (name)[warp * 32 + f_lane][i] +             \
					 (name)[warp * 32 + (f_lane ^ (offset))][i]; \
		for (int f_lane = 0; f_lane < 32; f_lane++)                          \
			(name)[warp * 32 + f_lane][i] = f_sums[f_lane];              \
	} while (0)
#define WARP_MOST(name, i, offset)                                                          \
	do {                                                                                \
		float f_most[32];                                                           \
		for (int f_lane = 0; f_lane < 32; f_lane++)                                 \
			f_most[f_lane] = fmaxf((name)[warp * 32 + f_lane][i],               \
					       (name)[warp * 32 + (f_lane ^ (offset))][i]); \
		for (int f_lane = 0; f_lane < 32; f_lane++)                                 \
			(name)[warp * 32 + f_lane][i] = f_most[f_lane];                     \
	} while (0)
#define WARP_TAKE(to, i, from, j, which)                                            \
	do {                                                                        \
		for (int lane = 0; lane < 32; lane++)                               \
			(to)[warp * 32 + lane][i] = (from)[warp * 32 + (which)][j]; \
	} while (0)

#define WARP_MMA_BF16(acc, i, w, j, x, k)                                                          \
	emulated_mma_bf16(&(acc)[warp * 32][i], sizeof(*(acc)) / sizeof(float),                    \
			  &(w)[warp * 32][j], sizeof(*(w)) / sizeof(uint32_t), &(x)[warp * 32][k], \
			  sizeof(*(x)) / sizeof(uint32_t))
#define WARP_MMA_INT8(acc, i, w, j, x, k)                                                          \
	emulated_mma_int8(&(acc)[warp * 32][i], sizeof(*(acc)) / sizeof(int32_t),                  \
			  &(w)[warp * 32][j], sizeof(*(w)) / sizeof(uint32_t), &(x)[warp * 32][k], \
			  sizeof(*(x)) / sizeof(uint32_t))

/* As PTX ISA says the operands of mma.m16n8k16 and m16n8k32 lie in the 32 lanes' registers; each array's lanes are
 * so many elements apart. */
void emulated_mma_bf16(float *acc, size_t acc_apart, const uint32_t *w, size_t w_apart,
		       const uint32_t *x, size_t x_apart);
void emulated_mma_int8(int32_t *acc, size_t acc_apart, const uint32_t *w, size_t w_apart,
		       const uint32_t *x, size_t x_apart);

struct emulated_quad {
	uint32_t word[4];
} __attribute__((aligned(16)));

static inline void read_quad(const void *from, uint32_t *to)
{
	const struct emulated_quad quad = *(const struct emulated_quad *)from;
	memcpy(to, quad.word, sizeof(quad));
}

static inline void write_quad(void *to, const uint32_t *from)
{
	memcpy(((struct emulated_quad *)to)->word, from, sizeof(struct emulated_quad));
}

static inline void load_quad(const void *from, uint32_t *to)
{
	read_quad(from, to);
}

static inline float float_of(uint32_t bits)
{
	float value;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline uint32_t bits_of(float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

#endif
