/* Matrix products of bf16 operands with f32 sums.
 *
 * C[m][n] = sum over k of A[m][k] * B[k][n]. A is row-major bf16 with at least the rows rounded up to 32
 * in memory; B is packed in panels of 32 columns: for every 32 k two tiles of 16 pairs of k by 16
 * columns, so a panel is read front to back. Blocks of k: 32 rows of A and a panel of B fit L1, and B streams
 * from L2. Included by the cores, compiled for AVX-512 with bf16; the sums of a block are made on AMX
 * (gemm_amx.h) or, where there is none, by dot products of pairs (gemm_pairs.h). */
#include <immintrin.h>

#define GEMM_GROUP_BYTES (900 << 10) /* of B that stay in L2 while all rows of A pass */

/* What a block of 32 rows is the sum of: `steps` times 32 of k, A a_step further each time, onto `from` or zero. */
struct gemm_sum {
	const elem *a, *b;
	size_t lda, a_step;
	int steps;
	const float *from;
	size_t ldfrom;
	const elem *next_b; /* of the block that comes next, to be fetched ahead; NULL: not */
	const float *next_from;
	size_t ldnext;
};

#ifdef __AMX_BF16__
#include "train/gemm_amx.h"
#else
#include "train/gemm_pairs.h"
#endif

/* The same as bf16, so many rows and columns of it. */
static inline void gemm_block_bf16(const struct gemm_sum *g, elem *c, size_t ldc, int rows,
				   int columns)
{
	float s[32][32] __attribute__((aligned(64)));
	gemm_block32(g, s[0], 32);
	for (int i = 0; i < rows; i++) {
		__m512i v =
		    (__m512i)_mm512_cvtne2ps_pbh(_mm512_load_ps(s[i] + 16), _mm512_load_ps(s[i]));
		if (columns == 32)
			_mm512_storeu_si512(c + (size_t)i * ldc, v);
		else
			_mm512_mask_storeu_epi16(c + (size_t)i * ldc,
						 (__mmask32)((1u << columns) - 1), v);
	}
}

/* A block at an edge: through one on the stack. */
static void gemm_edge(const struct gemm_sum *block, float *c, size_t ldc, int rows, int columns)
{
	float s[32][32] __attribute__((aligned(64)));
	struct gemm_sum g = *block;
	memset(s, 0, sizeof(s));
	if (g.from) {
		for (int i = 0; i < rows; i++)
			memcpy(s[i], g.from + (size_t)i * g.ldfrom, (size_t)columns * 4);
		g.from = s[0];
		g.ldfrom = 32;
	}
	__asm__ volatile("" : : "r"(s) : "memory");
	gemm_block32(&g, s[0], 32);
	for (int i = 0; i < rows; i++)
		memcpy(c + (size_t)i * ldc, s[i], (size_t)columns * 4);
}

/* Where a block lies: 32 rows from m on by a panel, of k from k0 on. */
struct gemm_place {
	int m, panel, k0;
};

/* How the blocks follow one another. */
struct gemm_walk {
	const struct gemm_call *g;
	int step;          /* of k */
	int panels, group; /* so many of them at a time, for all rows */
};

static struct gemm_place gemm_after(const struct gemm_walk *w, struct gemm_place at)
{
	const int first = at.panel / w->group * w->group,
		  end = first + w->group < w->panels ? first + w->group : w->panels;
	if (++at.panel < end)
		return at;
	at.panel = first;
	if ((at.m += 32) < w->g->m)
		return at;
	at.m = 0;
	if ((at.panel = end) < w->panels)
		return at;
	at.panel = 0;
	at.k0 += w->step;
	return at;
}

static const elem *gemm_b(const struct gemm_call *g, struct gemm_place at)
{
	return g->b + (size_t)at.panel * (size_t)g->kb * 32 + (size_t)at.k0 * 32;
}

/* What a block's sums begin with, and the row length of that. */
static const float *gemm_from(const struct gemm_call *g, struct gemm_place at, size_t *ld)
{
	const size_t n = (size_t)at.panel * 32, m = (size_t)at.m;
	if (g->out)
		return NULL;
	*ld = at.k0 > g->k_begin ? g->ldc : g->ldadd;
	if (at.k0 > g->k_begin)
		return g->c + m * g->ldc + n;
	return g->add ? g->add + m * g->ldadd + n : NULL;
}

static void gemm_block(const struct gemm_walk *w, struct gemm_place at, struct gemm_place next)
{
	const struct gemm_call *g = w->g;
	const int n = at.panel * 32, rows = g->m - at.m < 32 ? g->m - at.m : 32,
		  columns = g->n - n < 32 ? g->n - n : 32;
	const bool last = next.k0 >= g->k;
	struct gemm_sum block = {.lda = g->lda,
				 .a_step = g->a_step ? g->a_step : 32,
				 .b = gemm_b(g, at),
				 .steps = ((g->k - at.k0 < w->step ? g->k - at.k0 : w->step)) / 32,
				 .next_b = last ? NULL : gemm_b(g, next)};
	block.from = gemm_from(g, at, &block.ldfrom);
	block.next_from = last ? NULL : gemm_from(g, next, &block.ldnext);
	block.a = g->a + (size_t)at.m * g->lda + (size_t)(at.k0 / 32) * block.a_step;
	if (g->out) {
		gemm_block_bf16(&block, g->out + (size_t)at.m * g->ldc + n, g->ldc, rows, columns);
		return;
	}
	float *c = g->c + (size_t)at.m * g->ldc + n;
	if (rows == 32 && columns == 16)
		gemm_block16(&block, c, g->ldc);
	else if (rows < 32 || columns < 32)
		gemm_edge(&block, c, g->ldc, rows, columns);
	else
		gemm_block32(&block, c, g->ldc);
}

/* The lines of both pieces, so many a block. */
struct gemm_fetch {
	const char *at[2], *end[2];
	size_t lines;
};

static inline void gemm_fetch(struct gemm_fetch *f)
{
	for (int i = 0; i < 2; i++) {
		const char *to = f->at[i] + f->lines * 64;
		if (to > f->end[i])
			to = f->end[i];
		for (; f->at[i] < to; f->at[i] += 64)
			_mm_prefetch(f->at[i], _MM_HINT_T1);
	}
}

static struct gemm_fetch gemm_fetch_of(const struct gemm_call *g, size_t blocks)
{
	struct gemm_fetch f = {.lines = 0};
	for (int i = 0; i < 2; i++) {
		const size_t lines = (g->fetch[i].bytes / 64 + blocks - 1) / blocks;
		f.at[i] = g->fetch[i].from;
		f.end[i] = f.at[i] ? f.at[i] + g->fetch[i].bytes : NULL;
		f.lines = lines > f.lines ? lines : f.lines;
	}
	return f;
}

static void gemm(const struct gemm_call *g)
{
	const int span = g->k - g->k_begin,
		  blocks = g->out || span <= GEMM_KB_WHOLE ? 1 : (span + GEMM_KB - 1) / GEMM_KB;
	struct gemm_walk w = {.g = g, .panels = (g->n + 31) / 32};
	w.step = blocks ? (span / 32 + blocks - 1) / blocks * 32 : 0;
	if (w.step == 0)
		return;
	GEMM_WRITTEN();
	w.group = GEMM_GROUP_BYTES / (w.step * 64);
	if (w.group < 1)
		w.group = 1;
	struct gemm_fetch f =
	    gemm_fetch_of(g, (size_t)blocks * (size_t)w.panels * (size_t)((g->m + 31) / 32));
	for (struct gemm_place at = {.k0 = g->k_begin}, next; at.k0 < g->k; at = next) {
		next = gemm_after(&w, at);
		gemm_fetch(&f);
		gemm_block(&w, at, next);
	}
}

static inline void gemm_transpose16(__m512i r[16])
{
	__m512i t[16];
	for (int i = 0; i < 8; i++) {
		t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
		t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
	}
	for (int i = 0; i < 4; i++) {
		r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
		r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
		r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
		r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
	}
	for (int i = 0; i < 4; i++) {
		t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
		t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
		t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
		t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
	}
	for (int i = 0; i < 4; i++) {
		r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
		r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
		r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
		r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
	}
}

/* B[k][n] = w[n][k] (w bf16, rows n): 16 rows of 32 k become one tile. n, k: whole 32s in memory. */
static inline void gemm_pack_nk(elem *b, const elem *w, size_t ld, int n, int k)
{
	for (int p = 0; p < n; p += 32)
		for (int k0 = 0; k0 < k; k0 += 32)
			for (int h = 0; h < 32; h += 16, b += 512) {
				__m512i r[16];
				for (int i = 0; i < 16; i++)
					r[i] =
					    _mm512_loadu_si512(w + (size_t)(p + h + i) * ld + k0);
				gemm_transpose16(r);
				for (int i = 0; i < 16; i++)
					_mm512_store_si512(b + i * 32, r[i]);
			}
}

static inline void gemm_put(elem *to, __m512i x, bool away)
{
	if (away)
		_mm512_stream_si512((__m512i *)to, x);
	else
		_mm512_storeu_si512(to, x);
}

/* Two rows of 32 columns -> pairs. */
static inline void gemm_pair(elem *b, __m512i x, __m512i y, bool away)
{
	const __m512i first =
	    _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7,
			     38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
	const __m512i second = _mm512_add_epi16(first, _mm512_set1_epi16(16));
	gemm_put(b, _mm512_permutex2var_epi16(x, first, y), away);
	gemm_put(b + 512, _mm512_permutex2var_epi16(x, second, y), away);
}

/* 32 rows of 32 columns. */
static inline void gemm_pairs(elem *b, const elem *x, size_t ld, bool away)
{
	for (int i = 0; i < 16; i++) {
		const elem *row = x + (size_t)(2 * i) * ld;
		gemm_pair(b + i * 32, _mm512_loadu_si512(row), _mm512_loadu_si512(row + ld), away);
	}
}

/* B[k][n] = x[k][n] (rows k). */
static inline void gemm_pack_kn(elem *b, const elem *x, size_t ld, int k, int n)
{
	for (int p = 0; p < n; p += 32)
		for (int k0 = 0; k0 < k; k0 += 32, b += 1024)
			gemm_pairs(b, x + (size_t)k0 * ld + p, ld, false);
}

/* 32 rows of 32 columns of what gemm_pack_kn made. */
static inline void gemm_unpack_kn(elem *x, size_t ld, const elem *b)
{
	const __m512i even =
	    _mm512_set_epi16(62, 60, 58, 56, 54, 52, 50, 48, 46, 44, 42, 40, 38, 36, 34, 32, 30, 28,
			     26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
	const __m512i odd = _mm512_add_epi16(even, _mm512_set1_epi16(1));
	for (int i = 0; i < 16; i++) {
		const __m512i u = _mm512_loadu_si512(b + i * 32),
			      v = _mm512_loadu_si512(b + 512 + i * 32);
		elem *row = x + (size_t)(2 * i) * ld;
		_mm512_storeu_si512(row, _mm512_permutex2var_epi16(u, even, v));
		_mm512_storeu_si512(row + ld, _mm512_permutex2var_epi16(u, odd, v));
	}
}

/* 32 rows of 32 columns turned: pairs first, then 32-bit transposes. */
static inline void gemm_turn(elem *at, size_t ldt, const elem *x, size_t ld, bool away)
{
	elem pairs[1024] __attribute__((aligned(64)));
	gemm_pairs(pairs, x, ld, false);
	for (int h = 0; h < 32; h += 16) {
		__m512i r[16];
		for (int i = 0; i < 16; i++)
			r[i] = _mm512_load_si512(pairs + h * 32 + i * 32);
		gemm_transpose16(r);
		for (int i = 0; i < 16; i++)
			gemm_put(at + (size_t)(h + i) * ldt, r[i], away);
	}
}

/* at[n][k] = x[k][n]. */
static inline void gemm_transpose(elem *at, size_t ldt, const elem *x, size_t ld, int k, int n)
{
	for (int k0 = 0; k0 < k; k0 += 32)
		for (int p = 0; p < n; p += 32)
			gemm_turn(at + (size_t)p * ldt + k0, ldt, x + (size_t)k0 * ld + p, ld,
				  false);
}

/* To memory that is not read soon, past the caches, in whole cache lines: a store would read each line first, and
 * push out what is needed. Copied; 32 rows of 32 columns as gemm_pack_kn has them; the same turned. */
static inline void gemm_put_away(elem *to, const elem *from, size_t count)
{
	for (size_t i = 0; i < count; i += 32)
		gemm_put(to + i, _mm512_loadu_si512(from + i), true);
}

static inline void gemm_pack_away(elem *b, const elem *x, size_t ld)
{
	gemm_pairs(b, x, ld, true);
}

static inline void gemm_turn_away(elem *at, const elem *x, size_t ld)
{
	gemm_turn(at, 32, x, ld, true);
}

/* f32 -> bf16, count a multiple of 32. */
static inline void gemm_convert(elem *to, const float *from, size_t count)
{
	for (size_t i = 0; i < count; i += 32)
		_mm512_storeu_si512(to + i,
				    (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + i + 16),
								 _mm512_loadu_ps(from + i)));
}
