/* Blocks of 32 rows without AMX: a pair of A's k in every lane, times pairs of B's k by column (vdpbf16ps). Eight rows
 * by 32 columns of sums stay in registers. See gemm_bf16.h. */

#define GEMM_ROWS     8
#define GEMM_KB       352 /* of k at a time, */
#define GEMM_KB_WHOLE 384 /* unless all of it is no more than this */

static void gemm_begin(void)
{
}

static void gemm_end(void)
{
}

#define GEMM_WRITTEN() ((void)0)

/* `columns` is 32 or 16, known where this is called: the loops over halves disappear. */
static inline __attribute__((always_inline)) void gemm_rows(const struct gemm_sum *g, float *c,
							    size_t ldc, int row, int columns)
{
	__m512 sum[GEMM_ROWS][2];
	const elem *a = g->a + (size_t)row * g->lda, *b = g->b;
	const int halves = columns / 16;
#pragma GCC unroll 8
	for (int i = 0; i < GEMM_ROWS; i++)
#pragma GCC unroll 2
		for (int h = 0; h < halves; h++)
			sum[i][h] =
			    g->from
				? _mm512_loadu_ps(g->from + (size_t)(row + i) * g->ldfrom + h * 16)
				: _mm512_setzero_ps();
	for (int s = 0; s < g->steps; s++) {
#pragma GCC unroll 2
		for (int p = 0; p < 16; p++) {
			__m512bh right[2];
#pragma GCC unroll 2
			for (int h = 0; h < halves; h++)
				right[h] = (__m512bh)_mm512_loadu_si512(b + h * 512 + p * 32);
#pragma GCC unroll 8
			for (int i = 0; i < GEMM_ROWS; i++) {
				int32_t pair;
				memcpy(&pair, a + (size_t)i * g->lda + p * 2, sizeof(pair));
				const __m512bh left = (__m512bh)_mm512_set1_epi32(pair);
#pragma GCC unroll 2
				for (int h = 0; h < halves; h++)
					sum[i][h] = _mm512_dpbf16_ps(sum[i][h], left, right[h]);
			}
		}
		a += g->a_step;
		b += 1024;
	}
#pragma GCC unroll 8
	for (int i = 0; i < GEMM_ROWS; i++)
#pragma GCC unroll 2
		for (int h = 0; h < halves; h++)
			_mm512_storeu_ps(c + (size_t)(row + i) * ldc + h * 16, sum[i][h]);
}

/* 32 rows by 32 columns of sums to c. */
static inline void gemm_block32(const struct gemm_sum *g, float *c, size_t ldc)
{
	for (int row = 0; row < 32; row += GEMM_ROWS)
		gemm_rows(g, c, ldc, row, 32);
}

/* 32 rows by 16 columns, half a panel. */
static inline void gemm_block16(const struct gemm_sum *g, float *c, size_t ldc)
{
	for (int row = 0; row < 32; row += GEMM_ROWS)
		gemm_rows(g, c, ldc, row, 16);
}
