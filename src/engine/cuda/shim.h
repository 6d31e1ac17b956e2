/* One source of the kernels for two machines. nvcc compiles it for the card; gcc compiles it as plain C, where a
 * block's threads are loops, so that every index and every sum can be tested where there is no card.
 *
 * A kernel is a row of phases. WARPS { } is one phase: what stands in it is done by each warp, and nothing that
 * one warp writes may be read by another before SYNC(), which must follow every phase. LANES { } within it is what
 * each lane does. What a thread keeps from one LANES to the next is PRIVATE and read through MINE; what the block
 * shares is SHARED. Within a phase, lanes know of each other by WARP_FOLD and its like alone, which exchange
 * PRIVATEs and stand in WARPS, outside of LANES. `warp`, `lane`, THREAD, BLOCK_X and
 * BLOCK_Y say where one is. Array indices of PRIVATEs are constants after unrolling, or they leave the registers.
 *
 * The emulation goes through warps, lanes and blocks forwards or backwards, as a test says: what depends on the
 * order differs. A phase without SYNC() aborts, SHARED begins as NaN. */
#ifndef MADANG_ENGINE_CUDA_SHIM_H
#define MADANG_ENGINE_CUDA_SHIM_H

#include "engine/cuda/card.h"

#include <math.h>
#include <string.h>

#define THREAD (warp * 32 + lane)

#ifdef __CUDACC__

#define CARD_KERNEL(name, arguments) \
	extern "C" __global__ void __launch_bounds__(CARD_THREADS) name(const struct arguments a)
#define CARD_INLINE static __device__ __forceinline__
#define BLOCK_X     ((int)blockIdx.x)
#define BLOCK_Y     ((int)blockIdx.y)
#define GRID_X      ((int)gridDim.x)
#define WARPS \
	for ([[maybe_unused]] int warp = (int)threadIdx.x / 32, w_once = 1; w_once; w_once = 0)
#define LANES \
	for ([[maybe_unused]] int lane = (int)threadIdx.x % 32, l_once = 1; l_once; l_once = 0)
#define SYNC()                 __syncthreads()
#define SHARED(type, name, n)  __shared__ type name[n]
#define PRIVATE(type, name, n) type name[n]
#define MINE(name)             (name)
#define UNROLL                 _Pragma("unroll")
#define UNROLL_8               _Pragma("unroll 8")

#define WARP_FOLD(name, i, offset) (name)[i] += __shfl_xor_sync(~0u, (name)[i], offset)
#define WARP_MOST(name, i, offset) \
	(name)[i] = fmaxf((name)[i], __shfl_xor_sync(~0u, (name)[i], offset))
/* to[i] = from[j] of the lane that the expression names */
#define WARP_TAKE(to, i, from, j, which)                      \
	do {                                                  \
		const int lane = (int)threadIdx.x % 32;       \
		(to)[i] = __shfl_sync(~0u, (from)[j], which); \
	} while (0)

/* acc[16 outputs][8 rows] += w[16][16 k] x[16 k][8] */
#define WARP_MMA_BF16(acc, i, w, j, x, k)                                                    \
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "                  \
		     "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                 \
		     : "+f"((acc)[i]), "+f"((acc)[(i) + 1]), "+f"((acc)[(i) + 2]),           \
		       "+f"((acc)[(i) + 3])                                                  \
		     : "r"((w)[j]), "r"((w)[(j) + 1]), "r"((w)[(j) + 2]), "r"((w)[(j) + 3]), \
		       "r"((x)[k]), "r"((x)[(k) + 1]))
/* the same in whole numbers, 32 k */
#define WARP_MMA_INT8(acc, i, w, j, x, k)                                                    \
	asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "                      \
		     "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"                 \
		     : "+r"((acc)[i]), "+r"((acc)[(i) + 1]), "+r"((acc)[(i) + 2]),           \
		       "+r"((acc)[(i) + 3])                                                  \
		     : "r"((w)[j]), "r"((w)[(j) + 1]), "r"((w)[(j) + 2]), "r"((w)[(j) + 3]), \
		       "r"((x)[k]), "r"((x)[(k) + 1]))

/* 16 bytes that never change while kernels run; aligned */
CARD_INLINE void load_quad(const void *from, uint32_t *to)
{
	const uint4 quad = __ldg((const uint4 *)from);
	to[0] = quad.x;
	to[1] = quad.y;
	to[2] = quad.z;
	to[3] = quad.w;
}

/* the same of memory that does change */
CARD_INLINE void read_quad(const void *from, uint32_t *to)
{
	const uint4 quad = *(const uint4 *)from;
	to[0] = quad.x;
	to[1] = quad.y;
	to[2] = quad.z;
	to[3] = quad.w;
}

CARD_INLINE void write_quad(void *to, const uint32_t *from)
{
	*(uint4 *)to = make_uint4(from[0], from[1], from[2], from[3]);
}

CARD_INLINE float float_of(uint32_t bits)
{
	return __uint_as_float(bits);
}

CARD_INLINE uint32_t bits_of(float value)
{
	return __float_as_uint(value);
}

#else

#include "engine/cuda/emulate.h"

#endif

CARD_INLINE void read_floats(const float *from, float *to)
{
	uint32_t bits[4];
	read_quad(from, bits);
	UNROLL
	for (int i = 0; i < 4; i++)
		to[i] = float_of(bits[i]);
}

/* To nearest even; finite values only. */
CARD_INLINE uint32_t bf16_of(float value)
{
	const uint32_t bits = bits_of(value);
	return (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

CARD_INLINE uint32_t bf16_pair(float low, float high)
{
	return bf16_of(low) | bf16_of(high) << 16;
}

#endif
