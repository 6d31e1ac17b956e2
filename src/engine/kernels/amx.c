/* AMX: products of many rows with int8 and int4 weights, 32 outputs at a time. The packed int8 weights are AMX's own
 * B tiles (64 k x 16 outputs a kilobyte), so they serve both decoding (VNNI) and this; int4's blocks are unpacked
 * to such tiles, group by group, and stay in the first-level cache for all rows. Sums are integers and scaled
 * group by group (block by block) as everywhere: the same bits as the oracle's. Attention of many rows is in
 * amx_attend.h. All else is AVX-512's.
 *
 * Needs the process's permission (kernels.c asks). Tile state is set and released in every call, so that no
 * thread carries it through a context switch without need. Any thread. */
#include "engine/kernels/impl.h"

#include <immintrin.h>

/* Below this, streaming the weights takes as long as the arithmetic and VNNI needs no set-up. */
#define ROWS_MIN 12
#define SIDE     32 /* rows and outputs of a block: two tiles each way */
/* int8: rows and twos of tiles of outputs that are taken together, group by group: what they read and their sums fit
 * the first-level cache. int4: rows for which a group's weights are unpacked. */
#define CHUNK_INT8 32
#define PAIRS      2
#define CHUNK      128
#define BLOCKS     (KERNEL_GROUP / 32)
#define AHEAD      2048 /* bytes of each operand: two products of tiles */
/* Of x: what stays in the second-level cache while the weights pass. */
#define NEAR_BYTES ((size_t)1280 << 10)

struct tile_config {
	uint8_t palette, start_row;
	uint8_t reserved[14];
	uint16_t column_bytes[16];
	uint8_t rows[16];
};

/* Tiles 0-3: sums; 4, 5: 16 rows of `k` numbers of x; 6, 7: the weights that they meet. */
static void configure(size_t k)
{
	struct tile_config config = {.palette = 1};
	for (int i = 0; i < 8; i++) {
		config.column_bytes[i] = (uint16_t)(i == 4 || i == 5 ? k : 64);
		config.rows[i] = (uint8_t)(i < 6 ? 16 : k / 4);
	}
	/* gcc's tile instructions do not say what they read (of the configuration: 8 bytes). It, the rows and the
	 * weights must be in memory by now. */
	__asm__ volatile("" : : "r"(&config) : "memory");
	_tile_loadconfig(&config);
}

/* What vector code has written for tile loads is in memory from here on (see configure). */
#define WRITTEN(p) __asm__ volatile("" : : "r"(p) : "memory")

/* Sums of a block of rows and a group, not yet scaled. */
struct waiting {
	const int32_t *sums; /* int8: [SIDE][SIDE]; int4: [BLOCKS][16][SIDE] */
	const float *ws;     /* int4: [BLOCKS][SIDE] */
	float *acc;          /* [rows][SIDE] */
	const float *scale;  /* of each row, for the group */
	const int32_t *undo; /* likewise */
	size_t rows, done, blocks;
	bool first;                 /* acc holds nothing yet: */
	const struct results *last; /* or this is the last group, and they go there */
	float *y;
};

/* Where two tiles of outputs go; the second may be nowhere. */
struct results {
	__m512 scale[2], bias[2];
	__mmask16 mask[2];
	size_t y_stride;
	bool add, biased;
};

static struct results results_of(const struct kernel_product *p, size_t output, bool two)
{
	struct results to = {.y_stride = p->y_stride, .add = p->add, .biased = p->bias != NULL};
	for (size_t i = 0; i < 2; i++, output += KERNEL_TILE_ROWS) {
		size_t left = p->outputs - output;
		to.scale[i] = to.bias[i] = _mm512_set1_ps(1);
		if (i == 1 && !two)
			break;
		to.mask[i] = left >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << left) - 1);
		if (p->scale)
			to.scale[i] = _mm512_loadu_ps(p->scale + output);
		if (p->bias)
			to.bias[i] = _mm512_loadu_ps(p->bias + output);
	}
	return to;
}

/* v is one row's final sum for half 0 or 1. */
static inline void finish(const struct results *to, size_t half, __m512 v, float *y)
{
	v = _mm512_mul_ps(v, to->scale[half]);
	if (to->biased)
		v = _mm512_add_ps(v, to->bias[half]);
	if (to->add)
		v = _mm512_add_ps(_mm512_maskz_loadu_ps(to->mask[half], y), v);
	_mm512_mask_storeu_ps(y, to->mask[half], v);
}

/* What the last group will write to comes into the second-level cache. */
static inline void fetch_results(const float *y)
{
	_mm_prefetch((const char *)y, _MM_HINT_T1);
	_mm_prefetch((const char *)(y + 16), _MM_HINT_T1);
}

/* 16 sums of a group, scaled. */
static inline __m512 scaled(const int32_t *sums, const int32_t *undo, const float *scale)
{
	__m512i v = _mm512_add_epi32(_mm512_load_si512(sums), _mm512_set1_epi32(*undo));
	return _mm512_mul_ps(_mm512_cvtepi32_ps(v), _mm512_set1_ps(*scale));
}

/* The next rows of it. */
static inline void scale_rows(struct waiting *w, size_t count, size_t y_stride)
{
	size_t left = w->rows - w->done < count ? w->rows - w->done : count;
	const int32_t *sums = w->sums + w->done * SIDE, *undo = w->undo + w->done;
	const float *scale = w->scale + w->done;
	float *acc = w->acc + w->done * SIDE, *y = w->y + w->done * y_stride;
	const struct results *to = w->last;

	w->done += left;
	for (; left; left--, sums += SIDE, acc += SIDE, undo++, scale++) {
		__m512 low = scaled(sums, undo, scale), high = scaled(sums + 16, undo, scale);
		if (!w->first) {
			low = _mm512_add_ps(_mm512_load_ps(acc), low);
			high = _mm512_add_ps(_mm512_load_ps(acc + 16), high);
		} else {
			fetch_results(y);
		}
		if (!to) {
			_mm512_store_ps(acc, low);
			_mm512_store_ps(acc + 16, high);
		} else {
			finish(to, 0, low, y);
			finish(to, 1, high, y + 16);
		}
		y += y_stride;
	}
}

static inline void scale_rows_int4(struct waiting *w, size_t count, size_t y_stride)
{
	size_t end = w->done + count < w->rows ? w->done + count : w->rows;
	for (size_t r = w->done; r < end; r++) {
		__m512 scale = _mm512_set1_ps(w->scale[r]);
		__m512 low = _mm512_setzero_ps(), high = low;
		float *acc = w->acc + r * SIDE, *y = w->y + r * y_stride;
		for (size_t b = 0; b < w->blocks; b++) {
			const int32_t *sums = w->sums + (b * 16 + r) * SIDE;
			low = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_load_si512(sums)),
					      _mm512_load_ps(w->ws + b * SIDE), low);
			high = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_load_si512(sums + 16)),
					       _mm512_load_ps(w->ws + b * SIDE + 16), high);
		}
		low = _mm512_mul_ps(low, scale);
		high = _mm512_mul_ps(high, scale);
		if (!w->first) {
			low = _mm512_add_ps(_mm512_load_ps(acc), low);
			high = _mm512_add_ps(_mm512_load_ps(acc + 16), high);
		} else {
			fetch_results(y);
		}
		if (!w->last) {
			_mm512_store_ps(acc, low);
			_mm512_store_ps(acc + 16, high);
		} else {
			finish(w->last, 0, low, y);
			finish(w->last, 1, high, y + 16);
		}
	}
	w->done = end;
}

/* The weights of the next two tiles of outputs, which come from memory to the second-level cache while these are
 * computed with: a few lines at a time, since a core has few buffers for what is under way. */
struct fetching {
	const char *at, *end;
	size_t each; /* bytes at a time */
};

static inline void fetch_some(struct fetching *f)
{
	const char *end = (size_t)(f->end - f->at) > f->each ? f->at + f->each : f->end;
	for (; f->at < end; f->at += 64)
		_mm_prefetch(f->at, _MM_HINT_T1);
}

/* A tile into the first-level cache. Tile loads do not teach the processor to fetch ahead, and one that misses keeps
 * the tile unit waiting for line after line. */
static inline void fetch_tile(const void *tile)
{
#pragma GCC unroll 16
	for (int i = 0; i < 1024; i += 64)
		_mm_prefetch((const char *)tile + i, _MM_HINT_T0);
}

/* A group's tiles of two tiles of outputs and two of rows; which of them are not in the first-level cache yet. */
struct operands {
	const uint8_t *w[2];
	const int8_t *x[2];
	bool new_w, new_x;
};

static inline void fetch_operands(const struct operands *o, size_t k)
{
	if (o->new_x) {
		fetch_tile(o->x[0] + k);
		fetch_tile(o->x[1] + k);
	}
	if (o->new_w) {
		fetch_tile(o->w[0] + k);
		fetch_tile(o->w[1] + k);
	}
}

/* One group of a block into `sums`, while the block before is scaled: the tile unit and the vector units work
 * side by side. `next`: what comes after, on its way from the second-level cache. */
static inline void block_sums(const struct operands *now, const struct operands *next, size_t tiles,
			      int32_t *sums, struct waiting *before, struct fetching *ahead,
			      size_t y_stride)
{
	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	for (size_t k = 0; k < tiles * 1024; k += 1024) {
		_tile_loadd(4, now->x[0] + k, 64);
		_tile_loadd(6, now->w[0] + k, 64);
		_tile_dpbsud(0, 4, 6);
		_tile_loadd(7, now->w[1] + k, 64);
		_tile_dpbsud(1, 4, 7);
		_tile_loadd(5, now->x[1] + k, 64);
		_tile_dpbsud(2, 5, 6);
		_tile_dpbsud(3, 5, 7);

		if (k + AHEAD < tiles * 1024)
			fetch_operands(now, k + AHEAD);
		else
			fetch_operands(next, k + AHEAD - tiles * 1024);
		fetch_some(ahead);
		scale_rows(before, SIDE * 64 / KERNEL_GROUP, y_stride);
	}
	scale_rows(before, SIDE, y_stride); /* what a short group has left */
	_tile_stored(0, sums, SIDE * 4);
	_tile_stored(1, sums + 16, SIDE * 4);
	_tile_stored(2, sums + 16 * SIDE, SIDE * 4);
	_tile_stored(3, sums + 16 * SIDE + 16, SIDE * 4);
}

/* 16 rows' sums of each block of 32 k of a group. */
static inline void block_sums_int4(const int8_t *w0, const int8_t *w1, const int8_t *x,
				   const int8_t *next, size_t blocks, int32_t *sums,
				   struct waiting *before, struct fetching *ahead, size_t y_stride)
{
	for (size_t b = 0; b < blocks; b += 2, x += 1024, next += 1024, sums += 2 * 16 * SIDE) {
		_tile_zero(0);
		_tile_zero(1);
		_tile_zero(2);
		_tile_zero(3);
		_tile_loadd(4, x, 64);
		_tile_loadd(6, w0 + b * 512, 64);
		_tile_dpbssd(0, 4, 6);
		_tile_loadd(7, w1 + b * 512, 64);
		_tile_dpbssd(1, 4, 7);
		_tile_loadd(5, x + 32, 64);
		_tile_loadd(6, w0 + b * 512 + 512, 64);
		_tile_dpbssd(2, 5, 6);
		_tile_loadd(7, w1 + b * 512 + 512, 64);
		_tile_dpbssd(3, 5, 7);

		fetch_tile(next);
		fetch_some(ahead);
		scale_rows_int4(before, 16 * 2 / BLOCKS, y_stride);
		_tile_stored(0, sums, SIDE * 4);
		_tile_stored(1, sums + 16, SIDE * 4);
		_tile_stored(2, sums + 16 * SIDE, SIDE * 4);
		_tile_stored(3, sums + 16 * SIDE + 16, SIDE * 4);
	}
	scale_rows_int4(before, 16, y_stride);
}

/* int4: a group's weights of two tiles of outputs, as signed bytes in tiles. */
struct group_weights {
	_Alignas(64) int8_t tile[2][KERNEL_GROUP * 16];
	_Alignas(64) float ws[BLOCKS * SIDE]; /* [BLOCKS][SIDE] */
};

static inline void unpack(const uint8_t *from, size_t blocks, int8_t *to, float *ws)
{
	const __m512i low = _mm512_set1_epi8(15), eight = _mm512_set1_epi8(8);
	for (size_t b = 0; b < blocks; b++, from += 288, to += 512) {
		for (size_t i = 0; i < 256; i += 64) {
			__m512i pair = _mm512_loadu_si512(from + i);
			__m512i a = _mm512_and_si512(pair, low);
			__m512i c = _mm512_and_si512(_mm512_srli_epi16(pair, 4), low);
			_mm512_store_si512(to + i, _mm512_sub_epi8(a, eight));
			_mm512_store_si512(to + 256 + i, _mm512_sub_epi8(c, eight));
		}
		_mm512_store_ps(ws + b * SIDE,
				_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(from + 256))));
	}
}

/* Twos of tiles of outputs (one for int4) for a chunk of rows. Where there is no second tile, the first is computed
 * twice and stored once. */
struct chunk {
	const struct kernel_product *p;
	size_t output, pairs;
	const uint8_t *w[PAIRS][2];
	struct results to[PAIRS];
	size_t first, end; /* rows */
	struct fetching ahead;
	struct group_weights weights;         /* int4 */
	_Alignas(64) float acc[CHUNK * SIDE]; /* int8: [PAIRS][CHUNK_INT8][SIDE] */
	_Alignas(64) int32_t sums[2][BLOCKS * 16 * SIDE];
};

_Static_assert(PAIRS *CHUNK_INT8 <= CHUNK, "the sums of int8 fit");

/* In so many steps; each block of `side` rows is one for every 64 k. */
static struct fetching fetch_after(const struct chunk *c, size_t rows, size_t side)
{
	const struct kernel_product *p = c->p;
	size_t bytes = 2 * c->pairs * p->tile_bytes;
	size_t steps = (rows + side - 1) / side * c->pairs * p->xq->k_padded / 64;
	const char *from = (const char *)c->w[0][0] + bytes;
	return (struct fetching){from, from + bytes, (bytes / steps + 64) / 64 * 64};
}

/* A block: a group of these rows and one of the twos of tiles. */
struct block {
	size_t group, row, pair;
};

static struct waiting wait_for(const struct chunk *c, struct block b, size_t rows,
			       const int32_t *sums)
{
	const struct kernel_int8_rows *xq = c->p->xq;
	size_t at = kernel_row_group(xq, b.row, b.group);
	return (struct waiting){.sums = sums,
				.ws = c->weights.ws,
				.acc = (float *)c->acc +
				       (b.pair * CHUNK_INT8 + b.row - c->first) * SIDE,
				.scale = xq->scale + at,
				.undo = xq->undo + at,
				.rows = c->end - b.row < rows ? c->end - b.row : rows,
				.first = b.group == 0,
				.last = b.group + 1 == xq->groups ? &c->to[b.pair] : NULL,
				.y = c->p->y + b.row * c->p->y_stride + c->output + b.pair * SIDE};
}

/* The next two tiles of outputs, rows, or group; after the last, the first of the next chunk (of which nothing is read
 * but ahead of time). */
static struct block block_after(const struct chunk *c, struct block b)
{
	if (++b.pair < c->pairs)
		return b;
	b.pair = 0;
	if ((b.row += SIDE) < c->end)
		return b;
	if (++b.group < c->p->xq->groups)
		return (struct block){b.group, c->first, 0};
	return (struct block){0, c->end, 0};
}

static struct operands operands_of(const struct chunk *c, struct block b)
{
	const struct kernel_int8_rows *xq = c->p->xq;
	size_t k = b.group * KERNEL_GROUP;
	const int8_t *x = xq->q + b.row * xq->k_padded + k * 16;
	return (struct operands){.w = {c->w[b.pair][0] + k * 16, c->w[b.pair][1] + k * 16},
				 .x = {x, x + 16 * xq->k_padded},
				 .new_w = b.row == c->first || b.row >= c->end,
				 .new_x = b.pair == 0};
}

static void chunk_int8(struct chunk *c)
{
	const struct kernel_int8_rows *xq = c->p->xq;
	struct waiting before = {0};
	struct block b = {0, c->first, 0};
	struct operands now = operands_of(c, b);

	while (b.row < c->end) {
		size_t left = xq->k_padded - b.group * KERNEL_GROUP;
		struct block after = block_after(c, b);
		struct operands next = operands_of(c, after);
		block_sums(&now, &next, (left < KERNEL_GROUP ? left : KERNEL_GROUP) / 64,
			   c->sums[0], &before, &c->ahead, c->p->y_stride);
		before = wait_for(c, b, SIDE, c->sums[0]);
		b = after;
		now = next;
	}
	scale_rows(&before, SIDE, c->p->y_stride);
}

static void chunk_int4(struct chunk *c)
{
	const struct kernel_int8_rows *xq = c->p->xq;

	for (size_t g = 0; g < xq->groups; g++) {
		size_t k = g * KERNEL_GROUP, wide = xq->k_padded - k, turn = 0;
		size_t blocks = (wide < KERNEL_GROUP ? wide : KERNEL_GROUP) / 32;
		struct waiting before = {0};
		for (int i = 0; i < 2; i++)
			unpack(c->w[0][i] + k / 32 * 288, blocks, c->weights.tile[i],
			       c->weights.ws + i * 16);
		WRITTEN(&c->weights);
		for (size_t row = c->first; row < c->end; row += 16, turn = !turn) {
			const int8_t *x = xq->q + row * xq->k_padded + k * 16;
			block_sums_int4(c->weights.tile[0], c->weights.tile[1], x,
					x + 16 * xq->k_padded, blocks, c->sums[turn], &before,
					&c->ahead, c->p->y_stride);
			before = wait_for(c, (struct block){g, row, 0}, 16, c->sums[turn]);
			before.blocks = blocks;
		}
		scale_rows_int4(&before, 16,
				c->p->y_stride); /* the next group's scales take their place */
	}
}

/* So many tiles of outputs for the rows [first, end). */
static void tiles_product(struct chunk *c, size_t tile, size_t tiles, size_t first, size_t end)
{
	const struct kernel_product *p = c->p;
	bool int4 = p->weights == KERNEL_INT4;
	size_t rows = int4 ? CHUNK : CHUNK_INT8;
	c->output = tile * KERNEL_TILE_ROWS;
	c->pairs = (tiles + 1) / 2;
	for (size_t i = 0; i < c->pairs; i++) {
		bool two = 2 * i + 1 < tiles;
		c->to[i] = results_of(p, c->output + i * SIDE, two);
		c->w[i][0] = (const uint8_t *)p->tiles + (tile + 2 * i) * p->tile_bytes;
		c->w[i][1] = two ? c->w[i][0] + p->tile_bytes : c->w[i][0];
	}
	c->ahead = fetch_after(c, end - first, int4 ? 16 : SIDE);
	for (c->first = first; c->first < end; c->first = c->end) {
		c->end = c->first + rows < end ? c->first + rows : end;
		if (int4)
			chunk_int4(c);
		else
			chunk_int8(c);
	}
}

static void amx_product(const struct kernel_product *p, size_t tile_begin, size_t tile_end)
{
	bool int4 = p->weights == KERNEL_INT4;
	if ((p->weights != KERNEL_INT8 && !int4) || p->rows < ROWS_MIN) {
		kernels_avx512_product(p, tile_begin, tile_end);
		return;
	}
	struct chunk c;
	size_t near = NEAR_BYTES / p->xq->k_padded / 64 * 64, each = int4 ? 2 : 2 * PAIRS;
	near = near < 64 ? 64 : near;
	c.p = p;
	configure(int4 ? 32 : 64);
	for (size_t first = 0; first < p->rows; first += near) {
		size_t end = p->rows - first < near ? p->rows : first + near;
		for (size_t tile = tile_begin; tile < tile_end; tile += each)
			tiles_product(&c, tile, tile_end - tile < each ? tile_end - tile : each,
				      first, end);
	}
	_tile_release();
}

#include "engine/kernels/amx_attend.h"

static double busy(size_t rounds)
{
	configure(64);
	_tile_zero(4);
	_tile_zero(5);
	_tile_zero(6);
	_tile_zero(7);
	for (size_t i = 0; i < rounds; i++) {
		_tile_dpbsud(0, 4, 6);
		_tile_dpbsud(1, 4, 7);
		_tile_dpbsud(2, 5, 6);
		_tile_dpbsud(3, 5, 7);
	}
	_tile_release();
	return (double)rounds * 4 * 2 * 16 * 16 * 64;
}

const struct kernels kernels_amx = {
    .level = KERNEL_AMX,
    .name = "amx",
    .product = amx_product,
    .tiled_rows = ROWS_MIN,
    .busy = busy,
    .quantize = kernels_avx512_quantize,
    .rms_norm = kernels_avx512_rms_norm,
    .swiglu = kernels_avx512_swiglu,
    .gelu = kernels_avx512_gelu,
    .gelu_tanh = kernels_avx512_gelu_tanh,
    .silu = kernels_avx512_silu,
    .rotate_half = kernels_avx512_rotate_half,
    .cache_put = kernels_avx512_cache_put,
    .attend = kernels_avx512_attend,
    .attend_rows = amx_attend_rows,
};
