/* What this core can do at most with bf16 products whose operands are at hand: AMX where there is one, else AVX-512's
 * dot products; the best of a second's hundredths. Prints TFLOPS and which. bench/train.py divides by it. */
#include <cpuid.h>
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

enum { PIECE_NS = 10000000, PIECES = 100, ROUNDS = 1000, SUMS = 12 };

__attribute__((target("amx-tile,amx-bf16"))) static double amx(void)
{
	const int64_t begin = clock_mono_ns();
	long products = 0;
	int64_t now;
	do {
		for (int i = 0; i < ROUNDS; i++) {
			_tile_dpbf16ps(0, 4, 6);
			_tile_dpbf16ps(1, 4, 7);
			_tile_dpbf16ps(2, 5, 6);
			_tile_dpbf16ps(3, 5, 7);
		}
		products += 4L * ROUNDS;
		now = clock_mono_ns();
	} while (now - begin < PIECE_NS);
	return (double)products * 2 * 16 * 16 * 32 / (double)(now - begin) * 1e-3;
}

__attribute__((target("amx-tile"))) static void amx_begin(void)
{
	struct {
		uint8_t palette, start_row, reserved[14];
		uint16_t column_bytes[16];
		uint8_t rows[16];
	} c __attribute__((aligned(64)));
	memset(&c, 0, sizeof(c));
	c.palette = 1;
	for (int i = 0; i < 8; i++) {
		c.column_bytes[i] = 64;
		c.rows[i] = 16;
	}
	__asm__ volatile("" : : "r"(&c) : "memory");
	_tile_loadconfig(&c);
}

/* Twelve sums at once, so that no product waits for another. */
__attribute__((target("avx512f,avx512bf16"))) static double avx512(void)
{
	const int64_t begin = clock_mono_ns();
	long products = 0;
	int64_t now;
	do {
		for (int i = 0; i < ROUNDS; i++)
			__asm__ volatile(
			    "vdpbf16ps %%zmm0, %%zmm0, %%zmm1\n\tvdpbf16ps %%zmm0, %%zmm0, %%zmm2\n\t"
			    "vdpbf16ps %%zmm0, %%zmm0, %%zmm3\n\tvdpbf16ps %%zmm0, %%zmm0, %%zmm4\n\t"
			    "vdpbf16ps %%zmm0, %%zmm0, %%zmm5\n\tvdpbf16ps %%zmm0, %%zmm0, %%zmm6\n\t"
			    "vdpbf16ps %%zmm0, %%zmm0, %%zmm7\n\tvdpbf16ps %%zmm0, %%zmm0, %%zmm8\n\t"
			    "vdpbf16ps %%zmm0, %%zmm0, %%zmm9\n\tvdpbf16ps %%zmm0, %%zmm0, %%zmm10\n\t"
			    "vdpbf16ps %%zmm0, %%zmm0, %%zmm11\n\tvdpbf16ps %%zmm0, %%zmm0, %%zmm12"
			    :
			    :
			    : "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
			      "xmm9", "xmm10", "xmm11", "xmm12");
		products += (long)SUMS * ROUNDS;
		now = clock_mono_ns();
	} while (now - begin < PIECE_NS);
	return (double)products * 2 * 32 / (double)(now - begin) * 1e-3;
}

/* A bit of CPUID's leaf 7; clang 14 has no word for it. */
static bool has_amx_bf16(void)
{
	unsigned a, b, c, d;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && d >> 22 & 1;
}

int main(void)
{
	const bool tiles = has_amx_bf16() && syscall(SYS_arch_prctl, 0x1023, 18) ==
						 0; /* the permission to use tile data */
	double best = 0;
	if (!tiles && !__builtin_cpu_supports("avx512bf16")) {
		fprintf(stderr, "bf16_peak: this machine has neither AMX nor AVX-512 with bf16\n");
		return 1;
	}
	if (tiles)
		amx_begin();
	for (int i = 0; i < PIECES; i++) {
		double r = tiles ? amx() : avx512();
		best = r > best ? r : best;
	}
	printf("%.4f %s\n", best, tiles ? "amx" : "avx512bf16");
	return 0;
}
