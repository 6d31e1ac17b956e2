/* What this core's AMX can do at most: bf16 products of tiles that are loaded already, the best of a second's
 * quarters, in TFLOPS. bench/train.py divides by it. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#if defined(__x86_64__) && defined(__AMX_BF16__)
#include <immintrin.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static double rate(void)
{
	const int64_t begin = clock_mono_ns();
	long products = 0;
	int64_t now;
	do {
		for (int i = 0; i < 1000; i++) {
			_tile_dpbf16ps(0, 4, 6);
			_tile_dpbf16ps(1, 4, 7);
			_tile_dpbf16ps(2, 5, 6);
			_tile_dpbf16ps(3, 5, 7);
		}
		products += 4000;
		now = clock_mono_ns();
	} while (now - begin < 250000000);
	return (double)products * 2 * 16 * 16 * 32 / (double)(now - begin) * 1e-3;
}

int main(void)
{
	struct {
		uint8_t palette, start_row, reserved[14];
		uint16_t column_bytes[16];
		uint8_t rows[16];
	} c __attribute__((aligned(64)));
	double best = 0;
	if (syscall(SYS_arch_prctl, 0x1023, 18) != 0) { /* the permission to use tile data */
		fprintf(stderr, "amx_peak: no AMX here\n");
		return 1;
	}
	memset(&c, 0, sizeof(c));
	c.palette = 1;
	for (int i = 0; i < 8; i++) {
		c.column_bytes[i] = 64;
		c.rows[i] = 16;
	}
	__asm__ volatile("" : : "r"(&c) : "memory");
	_tile_loadconfig(&c);
	for (int i = 0; i < 4; i++) {
		double r = rate();
		best = r > best ? r : best;
	}
	_tile_release();
	printf("%.3f\n", best);
	return 0;
}
#else
int main(void)
{
	fprintf(stderr, "amx_peak: no AMX here\n");
	return 1;
}
#endif
