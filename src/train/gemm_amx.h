/* Blocks of 32 rows on AMX: tiles 0-3 hold the sums, 4-5 are of A, 6-7 of B. See gemm_bf16.h. */

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

/* The sums of 32 rows by 32 columns in tiles 0-3. */
static inline void gemm_tiles(const struct gemm_sum *g)
{
	const elem *a = g->a, *a1 = g->a + 16 * g->lda, *b = g->b;
	const size_t stride = g->lda * sizeof(elem);
	for (int s = 0; s < g->steps; s++) {
		_tile_loadd(6, b, 64);
		_tile_loadd(4, a, stride);
		_tile_loadd(7, b + 512, 64);
		_tile_dpbf16ps(0, 4, 6);
		_tile_loadd(5, a1, stride);
		_tile_dpbf16ps(1, 4, 7);
		_tile_dpbf16ps(2, 5, 6);
		_tile_dpbf16ps(3, 5, 7);
		/* Two steps ahead: tile loads do not teach the processor to. */
#pragma GCC unroll 32
		for (int i = 0; i < 1024; i += 32)
			_mm_prefetch((const char *)(b + 2048 + i), _MM_HINT_T0);
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
