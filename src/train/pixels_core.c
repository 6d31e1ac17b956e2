/* Forward and backward of the picture decoder, compiled once for each level of kernels (TRAIN_CORE names it).
 *
 * Maps lie channels last, the pictures of a batch below one another, with one column of zeros to the right of each
 * row and one row of zeros between pictures: a neighbour of a pixel is a fixed number of rows away, and a
 * convolution is a product whose operand is the map itself. Must stay true: those zeros are zero in every map of
 * elements, and there is memory of ours before and behind each map. What f32 maps have there is not read.
 * Any thread, one pixels_work each. */
#include "train/flush.h"
#include "train/memory.h"
#include "train/pixels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/core_math.h"
#ifdef TRAIN_BF16
#include "train/gemm_bf16.h"
#else
#include "train/gemm_f32.h"
#endif

#define MEMORY_MAX  512
#define STRIP       512 /* places */
#define EPSILON     1e-6f
#define MSE_WEIGHT  .5f
#define EDGE_WEIGHT .5f

struct packed_conv {
	elem *forward, *back; /* [3 rows of taps or 1][panel][k][32] */
	elem *staging;        /* of its own: convolutions are packed at the same time */
	int kf, kb;           /* k of each row, a multiple of 32 */
};

struct pixels_packed {
	struct pixels_shape s;
	struct packed_conv convs[PIXELS_CONVS_MAX];
	void *memory[3 * PIXELS_CONVS_MAX];
	int memory_count;
};

struct level {                     /* of maps: side, and how the pictures lie */
	int side, stride, rows, m; /* m: places from the first pixel to the last row's end */
};

struct saved {
	float *x, *y; /* in, between the convolutions */
	elem *h1, *h2, *xe;
};

struct pixels_work {
	struct pixels_shape s;
	int pictures;
	struct level levels[PIXELS_STAGES_MAX];
	struct saved mid[2], stage[PIXELS_STAGES_MAX][PIXELS_BLOCKS_MAX];
	elem *z, *up[PIXELS_STAGES_MAX], *last;
	float *top[PIXELS_STAGES_MAX]; /* what leaves a stage */
	float *out;                    /* of conv_out */
	float *gradient, *other, *inner;
	elem *narrow[PIXELS_STAGES_MAX], *turned,
	    *columns;           /* gradients as elements; operands of the weights' */
	float *picture, *slope; /* one, [side][side][3] */
	float *row;
	void *memory[MEMORY_MAX];
	int memory_count;
	bool failed;
};

static struct level level_of(int side, int pictures)
{
	const int stride = side + 1, rows = pictures * (side + 1) + 1;
	return (struct level){side, stride, rows, (rows - 2) * stride};
}

/* Fewer pictures than there is room for lie in the same places. */
static void lie(struct pixels_work *t, int pictures)
{
	t->pictures = pictures;
	for (int i = 0; i < t->s.stages; i++)
		t->levels[i] = level_of(t->s.grid << i, pictures);
}

static void *reserve(struct pixels_work *t, size_t bytes)
{
	char *p = t->memory_count < MEMORY_MAX ? train_memory(bytes + 8192) : NULL;
	if (!p) {
		t->failed = true;
		return NULL;
	}
	t->memory[t->memory_count++] = p;
	return p + (size_t)(t->memory_count * 21 % 64) * 64; /* see reserve() in core.c */
}

/* The place of a picture's row. */
static size_t at(const struct level *l, int picture, int y)
{
	return (size_t)((picture * (l->side + 1) + 1 + y) * l->stride);
}

static size_t places(const struct level *l)
{
	return (size_t)(l->rows * l->stride);
}

/* In front a place and a line; behind a row, a block of 32 and a line. */
static elem *elem_map(struct pixels_work *t, const struct level *l, int channels)
{
	const size_t c = (size_t)channels, front = (c + 63) / 32 * 32;
	elem *p =
	    reserve(t, (front + (places(l) + (size_t)l->stride + 72) * c + 128) * sizeof(elem));
	return p ? p + front : NULL;
}

static float *float_map(struct pixels_work *t, const struct level *l, int channels)
{
	return reserve(t, (places(l) + 40) * (size_t)channels * sizeof(float));
}

static int conv_level(const struct pixels_conv *c)
{
	return c->taps == 9 ? 3 : 1;
}

static void core_packed_destroy(struct pixels_packed *p)
{
	for (int i = 0; p && i < p->memory_count; i++)
		free(p->memory[i]);
	free(p);
}

static elem *packed_memory(struct pixels_packed *p, size_t count)
{
	elem *m = train_memory(count * sizeof(elem) + 4096);
	if (m)
		p->memory[p->memory_count++] = m;
	return m;
}

static void list_convs(const struct pixels_shape *s, const struct pixels_conv **out)
{
	out[s->conv_in.index] = &s->conv_in;
	out[s->conv_out.index] = &s->conv_out;
	out[s->post_quant.index] = NULL; /* too small: by hand */
	const struct pixels_res *all[2 + PIXELS_STAGES_MAX * PIXELS_BLOCKS_MAX];
	int count = 0;
	for (int i = 0; i < 2; i++)
		all[count++] = &s->mid[i];
	for (int i = 0; i < s->stages; i++) {
		for (int j = 0; j < s->blocks; j++)
			all[count++] = &s->stage[i][j];
		if (i + 1 < s->stages)
			out[s->up[i].index] = &s->up[i];
	}
	for (int i = 0; i < count; i++) {
		out[all[i]->conv1.index] = &all[i]->conv1;
		out[all[i]->conv2.index] = &all[i]->conv2;
		if (all[i]->shortcut.taps)
			out[all[i]->shortcut.index] = &all[i]->shortcut;
	}
}

static struct pixels_packed *core_packed_create(const struct pixels_shape *s, struct err *e)
{
	const struct pixels_conv *convs[PIXELS_CONVS_MAX];
	struct pixels_packed *p = calloc(1, sizeof(*p));
	bool ok = p != NULL;
	if (ok)
		p->s = *s;
	list_convs(s, convs);
	for (int i = 0; ok && i < s->conv_count; i++) {
		const struct pixels_conv *c = convs[i];
		if (!c)
			continue;
		struct packed_conv *q = &p->convs[i];
		const int rows = conv_level(c), in = up32(c->in), out = up32(c->out);
		q->kf = up32(rows * c->in);
		q->kb = up32(rows * c->out);
		q->forward = packed_memory(p, (size_t)(rows * q->kf) * (size_t)out);
		q->back = packed_memory(p, (size_t)(rows * q->kb) * (size_t)in);
		const size_t f = (size_t)q->kf * (size_t)out, b = (size_t)q->kb * (size_t)in;
		q->staging = packed_memory(p, (f > b ? f : b) + 64);
		ok = q->forward && q->back && q->staging;
	}
	if (ok)
		return p;
	core_packed_destroy(p);
	err_set(e, ERR_NO_MEMORY, "no memory for the weights");
	return NULL;
}

/* One row of taps as a matrix [k][n], with zeros where there is no channel. */
static void pack_row(const struct packed_conv *q, const float *w, const struct pixels_conv *c,
		     int dy, bool back, elem *to)
{
	const int wide = conv_level(c), in = back ? c->out : c->in, out = back ? c->in : c->out;
	const int n = up32(out), k = up32(wide * in);
	memset(q->staging, 0, (size_t)n * (size_t)k * sizeof(elem));
	for (int dx = 0; dx < wide; dx++) {
		/* Backwards the taps are seen from the other side. */
		const int tap = back ? (wide - 1 - dy) * wide + wide - 1 - dx : dy * wide + dx;
		const float *from = w + c->w + (size_t)(tap * c->in) * (size_t)c->out;
		for (int i = 0; i < in; i++) {
			elem *row = q->staging + (size_t)(dx * in + i) * (size_t)n;
			for (int j = 0; j < out; j++)
				row[j] =
				    elem_of(back ? from[(size_t)j * (size_t)c->out + (size_t)i]
						 : from[(size_t)i * (size_t)c->out + (size_t)j]);
		}
	}
	gemm_pack_kn(to, q->staging, (size_t)n, k, n);
}

static void core_pack(struct pixels_packed *p, const float *w, int index)
{
	const struct pixels_conv *convs[PIXELS_CONVS_MAX];
	list_convs(&p->s, convs);
	const struct pixels_conv *c = convs[index];
	if (!c)
		return;
	struct packed_conv *q = &p->convs[index];
	for (int dy = 0; dy < conv_level(c); dy++) {
		pack_row(q, w, c, dy, false,
			 q->forward + (size_t)(dy * q->kf) * (size_t)up32(c->out));
		pack_row(q, w, c, dy, true, q->back + (size_t)(dy * q->kb) * (size_t)up32(c->in));
	}
}

static void reserve_res(struct pixels_work *t, struct saved *r, const struct pixels_res *s,
			const struct level *l)
{
	r->x = float_map(t, l, s->conv1.in);
	r->y = float_map(t, l, s->conv1.out);
	r->h1 = elem_map(t, l, s->conv1.in);
	r->h2 = elem_map(t, l, s->conv2.in);
	if (s->shortcut.taps)
		r->xe = elem_map(t, l, s->conv1.in);
}

static void core_work_destroy(struct pixels_work *t)
{
	for (int i = 0; t && i < t->memory_count; i++)
		free(t->memory[i]);
	free(t);
}

static struct pixels_work *core_work_create(const struct pixels_shape *s, int pictures,
					    struct err *e)
{
	struct pixels_work *t = calloc(1, sizeof(*t));
	size_t most = 0, turned = 0, columns = 0;
	if (!t) {
		err_set(e, ERR_NO_MEMORY, "no memory for activations");
		return NULL;
	}
	t->s = *s;
	lie(t, pictures);
	t->z = elem_map(t, &t->levels[0], s->latent);
	for (int i = 0; i < 2; i++)
		reserve_res(t, &t->mid[i], &s->mid[i], &t->levels[0]);
	for (int i = 0; i < s->stages; i++) {
		const struct level *l = &t->levels[i];
		int widest = 3 * s->patch * s->patch;
		for (int j = 0; j < s->blocks; j++) {
			reserve_res(t, &t->stage[i][j], &s->stage[i][j], l);
			widest =
			    s->stage[i][j].conv1.in > widest ? s->stage[i][j].conv1.in : widest;
		}
		widest = s->channels[i] > widest ? s->channels[i] : widest;
		widest = s->latent > widest ? s->latent : widest;
		if (i + 1 < s->stages)
			t->up[i] = elem_map(t, &t->levels[i + 1], s->channels[i]);
		t->top[i] = float_map(t, l, s->channels[i]);
		t->narrow[i] = elem_map(t, l, widest);
		const size_t before = (size_t)s->channels[i > 0 ? i - 1 : 0];
		const size_t c = (size_t)widest > before ? (size_t)widest : before;
		const size_t k = places(l) + 2 * (size_t)l->stride + 128, n = (c + 31) / 32 * 32;
		most = (places(l) + 40) * c > most ? (places(l) + 40) * c : most;
		turned = k * n > turned ? k * n : turned;
		columns = k * n > columns ? k * n : columns;
	}
	const struct level *l = &t->levels[s->stages - 1];
	t->last = elem_map(t, l, s->channels[s->stages - 1]);
	t->out = float_map(t, l, 3 * s->patch * s->patch);
	t->gradient = reserve(t, most * sizeof(float));
	t->other = reserve(t, most * sizeof(float));
	t->inner = reserve(t, most * sizeof(float));
	t->turned = reserve(t, turned * sizeof(elem));
	t->columns = reserve(t, columns * sizeof(elem));
	const size_t pixels = (size_t)s->side * (size_t)s->side * 3;
	t->picture = reserve(t, pixels * sizeof(float));
	t->slope = reserve(t, pixels * sizeof(float));
	t->row = reserve(t, 4096 * sizeof(float));
	if (!t->failed)
		return t;
	core_work_destroy(t);
	err_set(e, ERR_NO_MEMORY, "no memory for activations");
	return NULL;
}

/* c[p][n] (+)= bias + the convolution of x at place p, for all places from the first row's on. */
static void conv_map(const struct level *l, const elem *x, int in, int out, int rows, const elem *b,
		     int k, const float *bias, bool add, float *c)
{
	const size_t first = (size_t)l->stride;
	const int half = rows / 2;
	float *to = c + first * (size_t)out;
	/* In strips, so that the sums stay in L2 from one row of taps to the next. */
	for (int m = 0; m < l->m; m += STRIP)
		for (int dy = 0; dy < rows; dy++) {
			const ptrdiff_t place =
			    (ptrdiff_t)first + m + (dy - half) * l->stride - half;
			float *sums = to + (size_t)m * (size_t)out;
			gemm(&(struct gemm_call){.m = l->m - m < STRIP ? l->m - m : STRIP,
						 .n = out,
						 .k = k,
						 .kb = k,
						 .a = x + place * in,
						 .lda = (size_t)in,
						 .b = b + (size_t)(dy * k) * (size_t)up32(out),
						 .c = sums,
						 .ldc = (size_t)out,
						 .add = add || dy ? sums : bias,
						 .ldadd = add || dy ? (size_t)out : 0});
		}
	for (int p = 0; add && bias && p < l->m; p++)
#pragma omp simd
		for (int i = 0; i < out; i++)
			to[(size_t)p * (size_t)out + (size_t)i] += bias[i];
}

static void conv_forward(const struct pixels_packed *p, const float *w, const struct pixels_conv *c,
			 const struct level *l, const elem *x, bool add, float *y)
{
	const struct packed_conv *q = &p->convs[c->index];
	conv_map(l, x, c->in, c->out, conv_level(c), q->forward, q->kf, w + c->b, add, y);
}

/* dx (+)= what reaches x. */
static void conv_back(const struct pixels_packed *p, const struct pixels_conv *c,
		      const struct level *l, const elem *dy, bool add, float *dx)
{
	const struct packed_conv *q = &p->convs[c->index];
	conv_map(l, dy, c->out, c->in, conv_level(c), q->back, q->kb, NULL, add, dx);
}

/* Adds the weights' and the bias' gradients. */
static void conv_weights(struct pixels_work *t, const struct pixels_conv *c, const struct level *l,
			 const elem *x, const elem *dy, float *g)
{
	const int rows = conv_level(c), half = rows / 2;
	const int shift = half * (l->stride + 1), k = up32(l->m);
	const int turned = up32(k + 2 * shift);
	const size_t ld = row_of(turned);
	gemm_transpose(t->turned, ld, x + ((ptrdiff_t)l->stride - shift) * c->in, (size_t)c->in,
		       turned, up32(c->in));
	gemm_pack_kn(t->columns, dy + (size_t)l->stride * (size_t)c->out, (size_t)c->out, k,
		     up32(c->out));
	for (int tap = 0; tap < c->taps; tap++) {
		float *to = g + c->w + (size_t)(tap * c->in) * (size_t)c->out;
		const int off = (tap / rows - half) * l->stride + tap % rows - half;
		gemm(&(struct gemm_call){.m = c->in,
					 .n = c->out,
					 .k = k,
					 .kb = k,
					 .a = t->turned + shift + off,
					 .lda = ld,
					 .b = t->columns,
					 .c = to,
					 .ldc = (size_t)c->out,
					 .add = to,
					 .ldadd = (size_t)c->out});
	}
}

static void bias_gradient(const struct level *l, const elem *dy, int channels, float *g)
{
	/* In parts, so that the sums stay exact enough. */
	const elem *row = dy + (size_t)l->stride * (size_t)channels;
	for (int p = 0; p < l->m; p++, row += channels)
#pragma omp simd
		for (int i = 0; i < channels; i++)
			g[i] += elem_f32(row[i]);
}

static float factor_of(const float *x, int n)
{
	float sum = 0;
#pragma omp simd reduction(+ : sum)
	for (int i = 0; i < n; i++)
		sum += x[i] * x[i];
	return 1.f / sqrtf(sum / (float)n + EPSILON);
}

static void norm_forward(const struct level *l, int pictures, const float *x, const float *w, int n,
			 elem *h)
{
	for (int b = 0; b < pictures; b++)
		for (int y = 0; y < l->side; y++) {
			const size_t from = at(l, b, y) * (size_t)n;
			for (int i = 0; i < l->side; i++) {
				const float *in = x + from + (size_t)(i * n);
				elem *out = h + from + (size_t)(i * n);
				const float r = factor_of(in, n);
#pragma omp simd
				for (int j = 0; j < n; j++) {
					const float v = in[j] * r * w[j];
					out[j] = elem_of(v / (1.f + core_exp(-v)));
				}
			}
		}
}

/* d (of h) becomes that of x, or is added to dx where it is given. */
static void norm_back(struct pixels_work *t, const struct level *l, int pictures, const float *x,
		      const float *w, int n, float *d, float *dx, float *gw)
{
	float *back = t->row;
	for (int b = 0; b < pictures; b++)
		for (int y = 0; y < l->side; y++)
			for (int i = 0; i < l->side; i++) {
				const size_t p = (at(l, b, y) + (size_t)i) * (size_t)n;
				const float *in = x + p;
				float *dh = d + p, dot = 0;
				const float r = factor_of(in, n);
#pragma omp simd reduction(+ : dot)
				for (int j = 0; j < n; j++) {
					const float u = in[j] * r, v = u * w[j];
					const float s = 1.f / (1.f + core_exp(-v));
					const float dv = dh[j] * (s + v * s * (1.f - s));
					gw[j] += dv * u;
					back[j] = dv * w[j];
					dot += back[j] * u;
				}
				const float less = dot / (float)n;
				float *to = dx ? dx + p : dh;
				const float keep = dx ? 1.f : 0.f;
#pragma omp simd
				for (int j = 0; j < n; j++)
					to[j] = keep * to[j] + r * (back[j] - in[j] * r * less);
			}
}

/* The pictures of an f32 map as elements. */
static void narrow(const struct level *l, int pictures, const float *x, int n, elem *out)
{
	for (int b = 0; b < pictures; b++)
		for (int y = 0; y < l->side; y++) {
			const size_t p = at(l, b, y) * (size_t)n, count = (size_t)(l->side * n);
#pragma omp simd
			for (size_t i = 0; i < count; i++)
				out[p + i] = elem_of(x[p + i]);
		}
}

/* A map of elements of another width: its zeros where they now have to be. */
static elem *blank(const struct level *l, elem *map, int n)
{
	const size_t c = (size_t)n;
	memset(map - c, 0, (c + (size_t)l->stride * c) * sizeof(elem));
	for (int row = 1; row < l->rows; row++)
		memset(map + ((size_t)(row * l->stride + l->side)) * c, 0, c * sizeof(elem));
	for (int row = l->side + 1; row < l->rows; row += l->side + 1)
		memset(map + (size_t)(row * l->stride) * c, 0,
		       (size_t)l->stride * c * sizeof(elem));
	memset(map + places(l) * c, 0, ((size_t)l->stride + 72) * c * sizeof(elem));
	return map;
}

static void res_forward(struct pixels_work *t, const struct pixels_packed *p, const float *w,
			const struct pixels_res *r, struct saved *s, const struct level *l,
			float *out)
{
	norm_forward(l, t->pictures, s->x, w + r->norm1, r->conv1.in, s->h1);
	conv_forward(p, w, &r->conv1, l, s->h1, false, s->y);
	norm_forward(l, t->pictures, s->y, w + r->norm2, r->conv2.in, s->h2);
	if (r->shortcut.taps) {
		narrow(l, t->pictures, s->x, r->shortcut.in, s->xe);
		conv_forward(p, w, &r->shortcut, l, s->xe, false, out);
	} else {
		memcpy(out, s->x, places(l) * (size_t)r->conv1.in * sizeof(float));
	}
	conv_forward(p, w, &r->conv2, l, s->h2, true, out);
}

/* t->gradient: of what leaves; becomes that of x. */
static void res_back(struct pixels_work *t, const struct pixels_packed *p, const float *w,
		     const struct pixels_res *r, struct saved *s, const struct level *l, elem *e,
		     float *g)
{
	const int out = r->conv2.out, in = r->conv1.in;
	narrow(l, t->pictures, t->gradient, out, blank(l, e, out));
	bias_gradient(l, e, out, g + r->conv2.b);
	conv_weights(t, &r->conv2, l, s->h2, e, g);
	conv_back(p, &r->conv2, l, e, false, t->inner);
	if (r->shortcut.taps) {
		bias_gradient(l, e, out, g + r->shortcut.b);
		conv_weights(t, &r->shortcut, l, s->xe, e, g);
		conv_back(p, &r->shortcut, l, e, false, t->other);
		float *swap = t->gradient;
		t->gradient = t->other;
		t->other = swap;
	}
	norm_back(t, l, t->pictures, s->y, w + r->norm2, out, t->inner, NULL, g + r->norm2);
	narrow(l, t->pictures, t->inner, out, e);
	bias_gradient(l, e, out, g + r->conv1.b);
	conv_weights(t, &r->conv1, l, s->h1, e, g);
	conv_back(p, &r->conv1, l, e, false, t->inner);
	norm_back(t, l, t->pictures, s->x, w + r->norm1, in, t->inner, t->gradient, g + r->norm1);
}

static void up_forward(const struct pixels_work *t, int stage)
{
	const struct level *l = &t->levels[stage], *to = &t->levels[stage + 1];
	const int n = t->s.channels[stage];
	const float *x = t->top[stage];
	elem *out = t->up[stage];
	for (int b = 0; b < t->pictures; b++)
		for (int y = 0; y < to->side; y++)
			for (int i = 0; i < to->side; i++) {
				const float *in =
				    x + (at(l, b, y / 2) + (size_t)(i / 2)) * (size_t)n;
				elem *o = out + (at(to, b, y) + (size_t)i) * (size_t)n;
#pragma omp simd
				for (int j = 0; j < n; j++)
					o[j] = elem_of(in[j]);
			}
}

/* t->other (of the doubled map) to t->gradient. */
static void up_back(struct pixels_work *t, int stage)
{
	const struct level *l = &t->levels[stage], *from = &t->levels[stage + 1];
	const int n = t->s.channels[stage];
	for (int b = 0; b < t->pictures; b++)
		for (int y = 0; y < l->side; y++)
			for (int i = 0; i < l->side; i++) {
				const float *d0 =
				    t->other + (at(from, b, 2 * y) + (size_t)(2 * i)) * (size_t)n;
				const float *d1 = d0 + (size_t)(from->stride * n);
				float *to = t->gradient + (at(l, b, y) + (size_t)i) * (size_t)n;
#pragma omp simd
				for (int j = 0; j < n; j++)
					to[j] = d0[j] + d0[n + j] + d1[j] + d1[n + j];
			}
}

static void values_of(const struct pixels_shape *s, int code, float *v)
{
	for (int i = 0; i < s->level_count; i++) {
		v[i] = 2.f * (float)(code % s->levels[i]) / (float)(s->levels[i] - 1) - 1.f;
		code /= s->levels[i];
	}
}

static void codes_forward(struct pixels_work *t, const float *w, const int32_t *codes)
{
	const struct pixels_shape *s = &t->s;
	const struct level *l = &t->levels[0];
	const float *weight = w + s->post_quant.w, *bias = w + s->post_quant.b;
	for (int b = 0; b < t->pictures; b++)
		for (int i = 0; i < s->grid * s->grid; i++) {
			float v[TRAIN_LEVELS_MAX];
			elem *z = t->z + (at(l, b, i / s->grid) + (size_t)(i % s->grid)) *
					     (size_t)s->latent;
			values_of(s, codes[b * s->grid * s->grid + i], v);
			for (int j = 0; j < s->latent; j++) {
				float sum = bias[j];
				for (int k = 0; k < s->level_count; k++)
					sum += v[k] * weight[k * s->latent + j];
				z[j] = elem_of(sum);
			}
		}
}

/* t->other: the gradient of z. */
static void codes_back(struct pixels_work *t, const int32_t *codes, float *g)
{
	const struct pixels_shape *s = &t->s;
	const struct level *l = &t->levels[0];
	float *weight = g + s->post_quant.w, *bias = g + s->post_quant.b;
	for (int b = 0; b < t->pictures; b++)
		for (int i = 0; i < s->grid * s->grid; i++) {
			float v[TRAIN_LEVELS_MAX];
			const float *d =
			    t->other +
			    (at(l, b, i / s->grid) + (size_t)(i % s->grid)) * (size_t)s->latent;
			values_of(s, codes[b * s->grid * s->grid + i], v);
			for (int j = 0; j < s->latent; j++)
				bias[j] += d[j];
			for (int k = 0; k < s->level_count; k++)
				for (int j = 0; j < s->latent; j++)
					weight[k * s->latent + j] += v[k] * d[j];
		}
}

/* The place in t->out of a picture's pixel, colour 0; the others are patch * patch apart. */
static size_t pixel(const struct pixels_work *t, int picture, int y, int x)
{
	const int p = t->s.patch;
	const struct level *l = &t->levels[t->s.stages - 1];
	return (at(l, picture, y / p) + (size_t)(x / p)) * (size_t)(3 * p * p) +
	       (size_t)(y % p * p + x % p);
}

static void take_picture(struct pixels_work *t, int picture)
{
	const int side = t->s.side, step = t->s.patch * t->s.patch;
	float *to = t->picture;
	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++, to += 3) {
			const float *from = t->out + pixel(t, picture, y, x);
			for (int c = 0; c < 3; c++)
				to[c] = from[c * step];
		}
}

static float sign(float x)
{
	return x > 0 ? 1.f : x < 0 ? -1.f : 0.f;
}

/* Mean absolute error, some of the squares, and the absolute error of the differences of neighbours, which makes
 * edges crisp. Leaves the slope of the loss in t->slope. */
static double picture_loss(struct pixels_work *t, const uint8_t *rgb, double *square)
{
	const int side = t->s.side;
	const size_t count = (size_t)side * (size_t)side * 3, line = (size_t)side * 3;
	const float one = 1.f / (float)count, edge = EDGE_WEIGHT / (float)((side - 1) * side * 3);
	double absolute = 0, squares = 0, edges = 0;
	float *d = t->picture, *g = t->slope;
	for (size_t i = 0; i < count; i++) {
		d[i] -= (float)rgb[i] * (1.f / 127.5f) - 1.f;
		absolute += (double)fabsf(d[i]);
		squares += (double)(d[i] * d[i]);
		g[i] = one * (sign(d[i]) + 2 * MSE_WEIGHT * d[i]);
	}
	for (int way = 0; way < 2; way++) {
		const size_t step = way ? 3 : line;
		for (size_t y = 0; y < (size_t)side - !way; y++)
			for (size_t x = 0; x < line - (way ? 3 : 0); x++) {
				const size_t i = y * line + x;
				const float u = d[i + step] - d[i], s = edge * sign(u);
				edges += (double)fabsf(u);
				g[i + step] += s;
				g[i] -= s;
			}
	}
	*square = squares / (double)count;
	return absolute / (double)count + (double)MSE_WEIGHT * *square + edges * (double)edge;
}

/* The slopes of a picture to t->gradient, as the last convolution has them. */
static void give_slope(struct pixels_work *t, int picture, float scale)
{
	const int side = t->s.side, step = t->s.patch * t->s.patch;
	const float *from = t->slope;
	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++, from += 3) {
			float *to = t->gradient + pixel(t, picture, y, x);
			for (int c = 0; c < 3; c++)
				to[c * step] = scale * from[c];
		}
}

static void forward(struct pixels_work *t, const struct pixels_packed *p, const float *w,
		    const int32_t *codes)
{
	const struct pixels_shape *s = &t->s;
	codes_forward(t, w, codes);
	conv_forward(p, w, &s->conv_in, &t->levels[0], t->z, false, t->mid[0].x);
	res_forward(t, p, w, &s->mid[0], &t->mid[0], &t->levels[0], t->mid[1].x);
	res_forward(t, p, w, &s->mid[1], &t->mid[1], &t->levels[0], t->stage[0][0].x);
	for (int i = 0; i < s->stages; i++) {
		for (int j = 0; j < s->blocks; j++)
			res_forward(t, p, w, &s->stage[i][j], &t->stage[i][j], &t->levels[i],
				    j + 1 < s->blocks ? t->stage[i][j + 1].x : t->top[i]);
		if (i + 1 == s->stages)
			break;
		up_forward(t, i);
		conv_forward(p, w, &s->up[i], &t->levels[i + 1], t->up[i], false,
			     t->stage[i + 1][0].x);
	}
	const int last = s->stages - 1;
	norm_forward(&t->levels[last], t->pictures, t->top[last], w + s->norm_out,
		     s->channels[last], t->last);
	conv_forward(p, w, &s->conv_out, &t->levels[last], t->last, false, t->out);
}

static void backward(struct pixels_work *t, const struct pixels_packed *p, const float *w,
		     const int32_t *codes, float *g)
{
	const struct pixels_shape *s = &t->s;
	const int last = s->stages - 1;
	const struct level *l = &t->levels[last];
	elem *e = t->narrow[last];
	narrow(l, t->pictures, t->gradient, s->conv_out.out, blank(l, e, s->conv_out.out));
	bias_gradient(l, e, s->conv_out.out, g + s->conv_out.b);
	conv_weights(t, &s->conv_out, l, t->last, e, g);
	conv_back(p, &s->conv_out, l, e, false, t->inner);
	norm_back(t, l, t->pictures, t->top[last], w + s->norm_out, s->channels[last], t->inner,
		  NULL, g + s->norm_out);
	float *swap = t->gradient;
	t->gradient = t->inner;
	t->inner = swap;
	for (int i = last; i >= 0; i--) {
		l = &t->levels[i];
		e = t->narrow[i];
		for (int j = s->blocks - 1; j >= 0; j--)
			res_back(t, p, w, &s->stage[i][j], &t->stage[i][j], l, e, g);
		if (i == 0)
			break;
		const struct pixels_conv *c = &s->up[i - 1];
		narrow(l, t->pictures, t->gradient, c->out, blank(l, e, c->out));
		bias_gradient(l, e, c->out, g + c->b);
		conv_weights(t, c, l, t->up[i - 1], e, g);
		conv_back(p, c, l, e, false, t->other);
		up_back(t, i - 1);
	}
	for (int i = 1; i >= 0; i--)
		res_back(t, p, w, &s->mid[i], &t->mid[i], l, e, g);
	narrow(l, t->pictures, t->gradient, s->conv_in.out, blank(l, e, s->conv_in.out));
	bias_gradient(l, e, s->conv_in.out, g + s->conv_in.b);
	conv_weights(t, &s->conv_in, l, t->z, e, g);
	conv_back(p, &s->conv_in, l, e, false, t->other);
	codes_back(t, codes, g);
}

static void core_run(struct pixels_work *t, const struct pixels_packed *p, const float *w, int n,
		     const int32_t *codes, const uint8_t *const *rgb, float scale, float *g,
		     double *loss, double *square, float *out)
{
	const size_t pixels = (size_t)t->s.side * (size_t)t->s.side * 3;
	const unsigned mode = train_flush_begin();
	const int room = t->pictures;
	lie(t, n);
	gemm_begin();
	forward(t, p, w, codes);
	for (int i = 0; i < n; i++) {
		take_picture(t, i);
		if (out)
			memcpy(out + (size_t)i * pixels, t->picture, pixels * sizeof(float));
		if (!rgb)
			continue;
		loss[i] = picture_loss(t, rgb[i], &square[i]);
		if (g)
			give_slope(t, i, scale);
	}
	if (g)
		backward(t, p, w, codes, g);
	gemm_end();
	lie(t, room);
	train_flush_end(mode);
}

#define CORE_NAME_(level) pixels_core_##level
#define CORE_NAME(level)  CORE_NAME_(level)
#define CORE_TEXT_(level) #level
#define CORE_TEXT(level)  CORE_TEXT_(level)

const struct pixels_core CORE_NAME(TRAIN_CORE) = {
    .name = CORE_TEXT(TRAIN_CORE),
    .packed_create = core_packed_create,
    .packed_destroy = core_packed_destroy,
    .pack = core_pack,
    .work_create = core_work_create,
    .work_destroy = core_work_destroy,
    .run = core_run,
};
