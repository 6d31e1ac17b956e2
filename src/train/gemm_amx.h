/* Blocks of 32 rows on AMX: tiles 0-3 hold the sums, 4-5 are of A, 6-7 of B. See gemm_bf16.h. */

/* Of k at a time (unless all of it is no more than the second): 32 rows of A stay in L1 while B streams through it.
 * Steps ahead of the tile loads, which do not teach the processor to, all three are fetched to it. */
#define GEMM_KB       256
#define GEMM_KB_WHOLE 320
#define GEMM_AHEAD    2

struct gemm_tile_config {
	uint8_t palette, start_row, reserved[14];
	uint16_t column_bytes[16];
	uint8_t rows[16];
};

/* gcc's tile loads do not say that they read memory: what they read must be written before. */
#define GEMM_WRITTEN() __asm__ volatile("" ::: "memory")

static void gemm_begin(void)
{
	struct gemm_tile_config c __attribute__((aligned(64)));
	memset(&c, 0, sizeof(c));
	c.palette = 1;
	for (int i = 0; i < 8; i++) {
		c.column_bytes[i] = 64;
		c.rows[i] = 16;
	}
	__asm__ volatile("" : : "r"(&c) : "memory");
	_tile_loadconfig(&c);
}

static void gemm_end(void)
{
	_tile_release();
}

static inline void gemm_ahead(const elem *b)
{
#pragma GCC unroll 32
	for (int i = 0; i < 1024; i += 32)
		_mm_prefetch((const char *)(b + i), _MM_HINT_T0);
}

/* 32 rows of one step. */
static inline void gemm_ahead_rows(const elem *a, size_t lda)
{
#pragma GCC unroll 32
	for (int i = 0; i < 32; i++)
		_mm_prefetch((const char *)(a + (size_t)i * lda), _MM_HINT_T0);
}

static inline void gemm_ahead_from(const struct gemm_sum *g)
{
	for (int i = 0; g->next_from && i < 32; i++) {
		_mm_prefetch((const char *)(g->next_from + (size_t)i * g->ldnext), _MM_HINT_T0);
		_mm_prefetch((const char *)(g->next_from + (size_t)i * g->ldnext + 16),
			     _MM_HINT_T0);
	}
}

/* The sums of 32 rows by 32 columns in tiles 0-3. */
static inline void gemm_tiles(const struct gemm_sum *g)
{
	const elem *a = g->a, *a1 = g->a + 16 * g->lda, *b = g->b;
	const size_t stride = g->lda * sizeof(elem);
	gemm_ahead_from(g);
	for (int s = 0; s < g->steps; s++) {
		_tile_loadd(6, b, 64);
		_tile_loadd(4, a, stride);
		_tile_loadd(7, b + 512, 64);
		_tile_dpbf16ps(0, 4, 6);
		_tile_loadd(5, a1, stride);
		_tile_dpbf16ps(1, 4, 7);
		_tile_dpbf16ps(2, 5, 6);
		_tile_dpbf16ps(3, 5, 7);
		const int left = g->steps - s - GEMM_AHEAD;
		if (left > 0)
			gemm_ahead(b + 1024 * GEMM_AHEAD);
		else if (g->next_b)
			gemm_ahead(g->next_b - 1024 * left);
		if (left > 0)
			gemm_ahead_rows(a + GEMM_AHEAD * g->a_step, g->lda);
		a += g->a_step;
		a1 += g->a_step;
		b += 1024;
	}
}

/* The sums of 32 rows by 16 columns, half a panel, in tiles 0 and 2. */
static inline void gemm_tiles_half(const struct gemm_sum *g)
{
	const elem *a = g->a, *a1 = g->a + 16 * g->lda, *b = g->b;
	const size_t stride = g->lda * sizeof(elem);
	for (int s = 0; s < g->steps; s++) {
		_tile_loadd(6, b, 64);
		_tile_loadd(4, a, stride);
		_tile_dpbf16ps(0, 4, 6);
		_tile_loadd(5, a1, stride);
		_tile_dpbf16ps(2, 5, 6);
		a += g->a_step;
		a1 += g->a_step;
		b += 1024;
	}
}

/* 32 rows by 32 columns of sums to c. */
static inline void gemm_block32(const struct gemm_sum *g, float *c, size_t ldc)
{
	if (g->from) {
		_tile_loadd(0, g->from, g->ldfrom * 4);
		_tile_loadd(1, g->from + 16, g->ldfrom * 4);
		_tile_loadd(2, g->from + 16 * g->ldfrom, g->ldfrom * 4);
		_tile_loadd(3, g->from + 16 * g->ldfrom + 16, g->ldfrom * 4);
	} else {
		_tile_zero(0);
		_tile_zero(1);
		_tile_zero(2);
		_tile_zero(3);
	}
	gemm_tiles(g);
	_tile_stored(0, c, ldc * 4);
	_tile_stored(1, c + 16, ldc * 4);
	_tile_stored(2, c + 16 * ldc, ldc * 4);
	_tile_stored(3, c + 16 * ldc + 16, ldc * 4);
}

/* 32 rows by 16 columns, half a panel. */
static inline void gemm_block16(const struct gemm_sum *g, float *c, size_t ldc)
{
	_tile_zero(0);
	_tile_zero(2);
	if (g->from) {
		_tile_loadd(0, g->from, g->ldfrom * 4);
		_tile_loadd(2, g->from + 16 * g->ldfrom, g->ldfrom * 4);
	}
	gemm_tiles_half(g);
	_tile_stored(0, c, ldc * 4);
	_tile_stored(2, c + 16 * ldc, ldc * 4);
}
