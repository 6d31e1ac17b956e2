/* Packed weight matrices.
 *
 * Owns the packing of rows into the kernels' tiles (and so the rounding of weights) and the cutting
 * of a product into pieces for the pool. Immutable once filled: any thread may multiply with its
 * own scratch. */
#include "engine/matrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *aligned_zeroed(size_t bytes)
{
	void *p = engine_slab_alone(bytes);
	return p ? memset(p, 0, bytes) : NULL;
}

bool engine_matrix_init(struct engine_matrix *m, const struct engine_matrix_options *o,
			struct err *e)
{
	*m = (struct engine_matrix){.weights = o->weights, .outputs = o->outputs, .k = o->k};
	m->tiles = (m->outputs + KERNEL_TILE_ROWS - 1) / KERNEL_TILE_ROWS;
	m->tile_bytes = kernel_tile_bytes(m->weights, m->k);
	size_t column = m->tiles * KERNEL_TILE_ROWS * sizeof(float);
	m->bytes = m->tiles * m->tile_bytes;
	m->data =
	    o->slab ? engine_slab_take(o->slab, m->bytes, &m->chunk) : aligned_zeroed(m->bytes);
	if (!m->data)
		goto no_memory;
	if (m->weights == KERNEL_INT8) {
		memset(m->data, 128, m->bytes); /* q = 0 in the padding */
		m->scale = aligned_zeroed(column);
		if (!m->scale)
			goto no_memory;
		m->bytes += column;
	}
	if (o->bias) {
		m->bias = aligned_zeroed(column);
		if (!m->bias)
			goto no_memory;
		m->bytes += column;
	}
	return true;
no_memory:
	engine_matrix_finish(m);
	return err_set(e, ERR_NO_MEMORY, "no memory for a matrix of %zu x %zu", o->outputs, o->k);
}

void engine_matrix_repeat(struct engine_matrix *m)
{
	for (size_t tile = 1; tile < m->tiles; tile++) {
		memcpy((uint8_t *)m->data + tile * m->tile_bytes, m->data, m->tile_bytes);
		if (m->scale)
			memcpy(m->scale + tile * KERNEL_TILE_ROWS, m->scale,
			       KERNEL_TILE_ROWS * sizeof(*m->scale));
	}
}

void engine_matrix_drop_tiles(struct engine_matrix *m)
{
	if (m->chunk)
		engine_slab_give_back(m->chunk);
	else
		free(m->data);
	m->data = NULL;
	m->chunk = NULL;
}

void engine_matrix_finish(struct engine_matrix *m)
{
	engine_matrix_drop_tiles(m);
	free(m->scale);
	free(m->bias);
	*m = (struct engine_matrix){0};
}

static uint16_t to_bf16(float f)
{
	uint32_t bits;
	memcpy(&bits, &f, sizeof(bits));
	return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/* To nearest even; what is too small for a normal f16 becomes subnormal, what is too large the
 * most. */
static uint16_t to_f16(float f)
{
	uint32_t bits, sign;
	memcpy(&bits, &f, sizeof(bits));
	sign = bits >> 16 & 0x8000;
	bits &= 0x7fffffff;
	if (bits >= 0x477ff000)
		return (uint16_t)(sign | 0x7bff);
	if (bits < 0x38800000)
		return (uint16_t)(sign | (uint16_t)lrintf(fabsf(f) * 16777216.0f));
	bits += 0xfff + (bits >> 13 & 1);
	return (uint16_t)(sign | ((bits - 0x38000000) >> 13));
}

static float magnitude(float v)
{
	return v < 0 ? -v : v;
}

/* To the nearest, halves away from 0. v is small. */
static int32_t round_away(float v)
{
	return (int32_t)(v < 0 ? v - 0.5f : v + 0.5f);
}

static float largest(const float *row, size_t k)
{
	float most = 0;
	for (size_t i = 0; i < k; i++)
		most = magnitude(row[i]) > most ? magnitude(row[i]) : most;
	return most;
}

float engine_quantize_int8(const float *row, size_t k, int8_t *q)
{
	float most = largest(row, k), inverse = most > 1e-30f ? 127.0f / most : 0;
	for (size_t i = 0; i < k; i++)
		q[i] = (int8_t)round_away(row[i] * inverse);
	return most / 127.0f;
}

static void quantize_int8(struct engine_matrix *m, size_t output, const float *row)
{
	uint8_t *tile = (uint8_t *)m->data + output / KERNEL_TILE_ROWS * m->tile_bytes;
	size_t line_row = output % KERNEL_TILE_ROWS;
	float most = largest(row, m->k), inverse = most > 1e-30f ? 127.0f / most : 0;
	m->scale[output] = most / 127.0f;
	for (size_t k = 0; k < m->k; k++)
		tile[k / 4 * 64 + line_row * 4 + k % 4] =
		    (uint8_t)(round_away(row[k] * inverse) + 128);
}

/* The nearest of the 16 steps. Adding 1.5 * 2^23 leaves no room for a fraction; this the compiler can do for many at
 * once. */
static inline float int4_step(float v)
{
	v = (v + 12582912.0f) - 12582912.0f;
	v = v < -8.0f ? -8.0f : v;
	return v > 7.0f ? 7.0f : v;
}

/* How far a scale's inverse may be from taking the value of largest size to a whole step. */
#define INT4_TRIES      3
#define INT4_TRY_FIRST  7.0f
#define INT4_TRY_STRIDE 0.6f

/* The scale with the least squared error, of those that take the value of largest size near -8 or near 7 (the other
 * values then have a step more, or less, on their side). For given steps q the best scale is v.q / q.q, and leaves
 * v.v - (v.q)^2 / q.q. */
static float int4_scale(const float *values, float extreme)
{
	float best = extreme / -8.0f, most = 0;
	for (int i = 0; i < 2 * INT4_TRIES; i++) {
		float near = INT4_TRY_FIRST + INT4_TRY_STRIDE * (float)(i / 2);
		float inverse = (i % 2 ? near - 1.0f : -near) / extreme;
		float vq[8] = {0}, qq[8] = {0}, product = 0, square = 0;
		for (int k = 0; k < 32; k += 8)
			for (int j = 0; j < 8; j++) {
				float q = int4_step(values[k + j] * inverse);
				vq[j] += values[k + j] * q;
				qq[j] += q * q;
			}
		for (int j = 0; j < 8; j++) {
			product += vq[j];
			square += qq[j];
		}
		if (square > 0 && product * product > most * square) {
			most = product * product / square;
			best = product / square;
		}
	}
	return best;
}

/* 32 numbers to 16 bytes and an f16 scale. */
static void quantize_int4_block(const float *values, uint8_t *q, uint16_t *half)
{
	float extreme = 0;
	for (int k = 0; k < 32; k++)
		if (magnitude(values[k]) > magnitude(extreme))
			extreme = values[k];
	float scale = magnitude(extreme) > 1e-30f ? int4_scale(values, extreme) : 0;
	float inverse = magnitude(scale) > 1e-30f ? 1.0f / scale : 0;
	*half = to_f16(scale);
	for (int k = 0; k < 16; k++) {
		int32_t low = (int32_t)int4_step(values[k] * inverse) + 8;
		int32_t high = (int32_t)int4_step(values[k + 16] * inverse) + 8;
		q[k] = (uint8_t)(low | high << 4);
	}
}

void engine_quantize_int4(const float *row, size_t k, uint8_t *q, uint16_t *scales)
{
	for (size_t i = 0; i < k; i += 32, q += 16, scales++) {
		float values[32] = {0};
		memcpy(values, row + i, (k - i < 32 ? k - i : 32) * sizeof(float));
		quantize_int4_block(values, q, scales);
	}
}

static void put_int4_block(uint8_t *tile, size_t line_row, const uint8_t *q, uint16_t half)
{
	memcpy(tile + 256 + line_row * 2, &half, sizeof(half));
	for (size_t k = 0; k < 16; k++)
		tile[k / 4 * 64 + line_row * 4 + k % 4] = q[k];
}

static void quantize_int4(struct engine_matrix *m, size_t output, const float *row)
{
	uint8_t *tile = (uint8_t *)m->data + output / KERNEL_TILE_ROWS * m->tile_bytes;
	for (size_t k = 0; k < m->k; k += 32, tile += 288) {
		float values[32] = {0};
		uint8_t q[16];
		uint16_t half;
		memcpy(values, row + k, (m->k - k < 32 ? m->k - k : 32) * sizeof(float));
		quantize_int4_block(values, q, &half);
		put_int4_block(tile, output % KERNEL_TILE_ROWS, q, half);
	}
}

void engine_matrix_set_row(struct engine_matrix *m, size_t output, const float *row)
{
	uint8_t *tile = (uint8_t *)m->data + output / KERNEL_TILE_ROWS * m->tile_bytes;
	size_t line_row = output % KERNEL_TILE_ROWS;

	switch (m->weights) {
	case KERNEL_F32:
		for (size_t k = 0; k < m->k; k++)
			((float *)tile)[k * KERNEL_TILE_ROWS + line_row] = row[k];
		break;
	case KERNEL_BF16:
		for (size_t k = 0; k < m->k; k++)
			((uint16_t *)tile)[k * KERNEL_TILE_ROWS + line_row] = to_bf16(row[k]);
		break;
	case KERNEL_INT8:
		quantize_int8(m, output, row);
		break;
	case KERNEL_INT4:
		quantize_int4(m, output, row);
		break;
	}
}

void engine_matrix_set_row_int8(struct engine_matrix *m, size_t output, const int8_t *row,
				float scale)
{
	uint8_t *tile = (uint8_t *)m->data + output / KERNEL_TILE_ROWS * m->tile_bytes;
	size_t line_row = output % KERNEL_TILE_ROWS;
	for (size_t k = 0; k < m->k; k++)
		tile[k / 4 * 64 + line_row * 4 + k % 4] = (uint8_t)(row[k] + 128);
	m->scale[output] = scale;
}

void engine_matrix_set_row_int4(struct engine_matrix *m, size_t output, const uint8_t *row,
				const void *scales)
{
	uint8_t *tile = (uint8_t *)m->data + output / KERNEL_TILE_ROWS * m->tile_bytes;
	for (size_t k = 0; k < m->k; k += 32, tile += 288, row += 16) {
		uint16_t half;
		memcpy(&half, (const uint8_t *)scales + k / 32 * sizeof(half), sizeof(half));
		put_int4_block(tile, output % KERNEL_TILE_ROWS, row, half);
	}
}

void engine_matrix_set_bias(struct engine_matrix *m, size_t output, float value)
{
	m->bias[output] = value;
}

bool engine_matrix_scratch_init(struct engine_matrix_scratch *s, size_t rows_max, size_t k_max,
				struct err *e)
{
	size_t padded = kernel_k_padded(k_max), groups = kernel_groups(k_max);
	*s = (struct engine_matrix_scratch){.rows_max = rows_max, .k_max = k_max};
	rows_max = (rows_max + 31) / 32 * 32; /* kernels may read whole tiles of rows */
	s->xq.q = aligned_zeroed(rows_max * padded);
	s->xq.scale = aligned_zeroed(rows_max * groups * sizeof(float));
	s->xq.undo = aligned_zeroed(rows_max * groups * sizeof(int32_t));
	s->xq.sum32 = aligned_zeroed(rows_max * (padded / 32) * sizeof(int32_t));
	if (s->xq.q && s->xq.scale && s->xq.undo && s->xq.sum32)
		return true;
	engine_matrix_scratch_finish(s);
	return err_set(e, ERR_NO_MEMORY, "no memory for %zu rows of %zu activations", rows_max,
		       k_max);
}

void engine_matrix_scratch_finish(struct engine_matrix_scratch *s)
{
	free(s->xq.q);
	free(s->xq.scale);
	free(s->xq.undo);
	free(s->xq.sum32);
	*s = (struct engine_matrix_scratch){0};
}

struct quantize_job {
	const struct kernels *kernels;
	const struct engine_matrix_product *p;
	struct kernel_int8_rows *xq;
};

static void quantize_rows(void *context, size_t begin, size_t end, int thread)
{
	struct quantize_job *job = context;
	const struct engine_matrix_product *p = job->p;
	if (!p->fill) {
		job->kernels->quantize(p->x, p->x_stride, job->xq, begin, end);
		return;
	}
	for (size_t r = begin; r < end; r++) { /* from the first-level cache */
		p->fill(p->context, r, r + 1, thread);
		job->kernels->quantize(p->x, p->x_stride, job->xq, r, r + 1);
	}
}

static bool tiled(const struct kernels *kernels, enum kernel_weights weights, size_t rows)
{
	if (weights == KERNEL_INT8 && kernels->tiled_rows_int8 && rows >= kernels->tiled_rows_int8)
		return true;
	return kernels->tiled_rows && rows >= kernels->tiled_rows;
}

void engine_matrix_prepare(const struct engine_matrix *m, const struct kernels *kernels,
			   struct engine_pool *pool, struct engine_matrix_scratch *scratch,
			   const struct engine_matrix_product *p, struct kernel_product *out)
{
	*out = (struct kernel_product){
	    .weights = m->weights,
	    .tiles = m->data,
	    .tile_bytes = m->tile_bytes,
	    .scale = m->scale,
	    .bias = m->bias,
	    .k = m->k,
	    .outputs = m->outputs,
	    .x = p->x,
	    .x_stride = p->x_stride,
	    .rows = p->rows,
	    .y = p->y,
	    .y_stride = p->y_stride,
	    .add = p->add,
	};
	if (m->weights != KERNEL_INT8 && m->weights != KERNEL_INT4) {
		if (p->fill)
			engine_pool_for(pool, p->rows, 8, p->fill, p->context);
		return;
	}
	scratch->xq.k = m->k;
	scratch->xq.k_padded = kernel_k_padded(m->k);
	scratch->xq.groups = kernel_groups(m->k);
	scratch->xq.blocks = m->weights == KERNEL_INT4;
	scratch->xq.tiled = tiled(kernels, m->weights, p->rows);
	out->xq = &scratch->xq;
	struct quantize_job job = {kernels, p, &scratch->xq};
	/* a row takes some 100 ns: not worth waking anybody for a few */
	engine_pool_for(pool, p->rows, 8, quantize_rows, &job);
}

struct multiply_job {
	const struct kernels *kernels;
	struct kernel_product product;
};

static void multiply_tiles(void *context, size_t begin, size_t end, int thread)
{
	struct multiply_job *job = context;
	(void)thread;
	job->kernels->product(&job->product, begin, end);
}

/* Pieces large enough that claiming one costs nothing, and at least four for each thread, so that a
 * thread that is held up is helped out. Even, because AMX computes two tiles at a time. */
size_t engine_matrix_grain(size_t units, size_t unit_bytes, const struct engine_pool *pool)
{
	size_t grain = (32768 + unit_bytes - 1) / unit_bytes;
	size_t most = units / ((size_t)engine_pool_threads(pool) * 4);
	if (grain > most)
		grain = most;
	return grain ? (grain + 1) / 2 * 2 : 1;
}

void engine_matrix_multiply(const struct engine_matrix *m, const struct kernels *kernels,
			    struct engine_pool *pool, struct engine_matrix_scratch *scratch,
			    const struct engine_matrix_product *p)
{
	if (p->rows == 0)
		return;
	struct multiply_job job = {.kernels = kernels};
	engine_matrix_prepare(m, kernels, pool, scratch, p, &job.product);
	engine_pool_for(pool, m->tiles, engine_matrix_grain(m->tiles, m->tile_bytes, pool),
			multiply_tiles, &job);
}
