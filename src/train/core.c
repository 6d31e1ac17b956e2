/* Forward and backward of the transformer, compiled once for each level of kernels (TRAIN_CORE names it).
 *
 * Owns packed weights and each thread's work memory. Any thread, one train_work each. Must stay true: every row
 * of an operand up to the next multiple of 32 is memory of ours and finite, and zero where it would be summed
 * over (rows past the last token are zero in all activations and gradients). */
#include "train/core.h"
#include "train/flush.h"
#include "train/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/core_math.h"
#ifdef TRAIN_BF16
#include "train/gemm_amx.h"
#else
#include "train/gemm_f32.h"
#endif
#include "train/core_rows.h"
#ifdef TRAIN_BF16
#include "train/core_vector.h"
#endif

/* One weight matrix [n][k] of the flat array. */
struct matrix {
	size_t offset;
	int n, k;
	elem *forward, *back; /* packed: y = x W^T and dx = dy W */
};

#define MEMORY_MAX (3 * TRAIN_LAYERS_MAX + 48)

/* Tokens (whole samples) that pass through a layer together, so that what one operation writes the next finds in
 * L2; and the blocks of a weight gradient's operands. */
#define GROUP_TOKENS         384
#define HEAD_ROWS            128
#define WEIGHT_ROWS_BYTES    ((size_t)640 << 10)
#define WEIGHT_COLUMNS_BYTES ((size_t)1 << 20)

enum { QKV, O, GATE_UP, DOWN, PER_LAYER };

struct train_packed {
	struct train_shape s;
	int count;
	struct matrix *matrices; /* PER_LAYER for each layer, then: */
	struct matrix *hidden, *proj, *head;
	elem *memory;
};

struct saved {                    /* of one layer, for the backward pass */
	float *x, *middle;        /* [M][d] residual before each half */
	float *factor1, *factor2; /* [M] */
	elem *h1, *qkv, *p, *attended, *h2, *gate_up;
};

struct train_work {
	struct train_shape s;
	int tokens_max, samples_max, length_max, rows_max; /* rows_max: of targets */
	int image_count;
	struct saved layer[TRAIN_LAYERS_MAX];
	float *x;                           /* [M][d] after the last layer; then the gradient */
	float *dh;                          /* [M][d] */
	elem *wide, *dgate_up, *dqkv, *act; /* [M][2f or 3d], [M][2f], [M][3d], [M][f] */
	elem *narrow, *narrow2;             /* [M][d] the gradient behind each half of a layer */
	float *cosine, *sine;               /* [length][head_dim / 2] */
	/* the aligner's and the head's */
	int *image_row;
	float *fc1, *fc1_gradient, *fc1_out, *small;
	elem *aligned;
	float *final, *factor, *proj_out, *dproj, *logits;
	elem *hf, *gelu, *dlogits;
	/* scratch of products and attention */
	elem *pack1, *pack2, *turned, *dscores, *weight_pack, *weight_turned;
	float *scores;
	size_t lda, ldf, ldqkv, ldgu, ldcodes, ldp;
	size_t *p_offset; /* of each sample in layer.p */
	size_t p_max;
	void *memory[MEMORY_MAX];
	int memory_count;
	bool failed;
};

#include "train/core_attention.h"

static void *reserve(struct train_work *t, size_t bytes)
{
	char *p = t->memory_count < MEMORY_MAX ? train_memory(bytes + 2 * 4096) : NULL;
	if (!p) {
		t->failed = true;
		return NULL;
	}
	t->memory[t->memory_count++] = p;
	/* Arrays that are walked together must not meet at the same place of their pages: a processor that compares
	 * the low 12 bits of a load with those of earlier stores would hold it back. */
	return p + (size_t)(t->memory_count * 21 % 64) * 64;
}

static size_t matrix_size(const struct matrix *m)
{
	return (size_t)up32(m->n) * (size_t)m->k;
}

static int core_packed_count(const struct train_shape *s)
{
	return s->layers * PER_LAYER + 3;
}

static void core_packed_destroy(struct train_packed *p)
{
	if (!p)
		return;
	free(p->memory);
	free(p->matrices);
	free(p);
}

static struct train_packed *core_packed_create(const struct train_shape *s, struct err *e)
{
	struct train_packed *p = calloc(1, sizeof(*p));
	if (!p)
		goto failed;
	p->s = *s;
	p->count = core_packed_count(s);
	p->matrices = calloc((size_t)p->count, sizeof(struct matrix));
	if (!p->matrices)
		goto failed;
	struct matrix *m = p->matrices;
	for (int i = 0; i < s->layers; i++, m += PER_LAYER) {
		m[QKV] = (struct matrix){.offset = s->layer[i].qkv, .n = 3 * s->d, .k = s->d};
		m[O] = (struct matrix){.offset = s->layer[i].o, .n = s->d, .k = s->d};
		m[GATE_UP] =
		    (struct matrix){.offset = s->layer[i].gate_up, .n = 2 * s->f, .k = s->d};
		m[DOWN] = (struct matrix){.offset = s->layer[i].down, .n = s->d, .k = s->f};
	}
	*(p->hidden = m) = (struct matrix){.offset = s->hidden_w, .n = s->d, .k = s->d};
	*(p->proj = m + 1) = (struct matrix){.offset = s->proj_w, .n = s->d, .k = s->d};
	*(p->head = m + 2) = (struct matrix){.offset = s->head_w, .n = s->codes, .k = s->d};
	size_t total = 8192; /* the products fetch ahead */
	for (int i = 0; i < p->count; i++)
		total += 2 * matrix_size(&p->matrices[i]);
	p->memory = train_memory(total * sizeof(elem));
	if (!p->memory)
		goto failed;
	elem *at = p->memory;
	for (int i = 0; i < p->count; i++) {
		p->matrices[i].forward = at;
		p->matrices[i].back = at + matrix_size(&p->matrices[i]);
		at += 2 * matrix_size(&p->matrices[i]);
	}
	return p;
failed:
	core_packed_destroy(p);
	err_set(e, ERR_NO_MEMORY, "no memory for packed weights");
	return NULL;
}

/* 32 rows of the matrix at a time, through a piece of elements. */
static void core_pack(struct train_packed *p, const float *w, int index)
{
	struct matrix *m = &p->matrices[index];
	const int n = up32(m->n), k = m->k;
	elem *piece = aligned_alloc(64, (size_t)32 * (size_t)k * sizeof(elem));
	if (!piece)
		abort();
	for (int r = 0; r < n; r += 32) {
		int rows = m->n - r < 32 ? m->n - r : 32;
		gemm_convert(piece, w + m->offset + (size_t)r * (size_t)k,
			     (size_t)rows * (size_t)k);
		memset(piece + (size_t)rows * (size_t)k, 0,
		       (size_t)(32 - rows) * (size_t)k * sizeof(elem));
		gemm_pack_nk(m->forward + (size_t)r * (size_t)k, piece, (size_t)k, 32, k);
		for (int c = 0; c < k; c += 32)
			gemm_pack_kn(m->back + (size_t)c * (size_t)n + (size_t)r * 32, piece + c,
				     (size_t)k, 32, 32);
	}
	free(piece);
}

static void core_work_destroy(struct train_work *t)
{
	if (!t)
		return;
	for (int i = 0; i < t->memory_count; i++)
		free(t->memory[i]);
	free(t);
}

static void reserve_layer(struct train_work *t, struct saved *y, size_t m)
{
	const size_t d = (size_t)t->s.d, f32 = sizeof(float), el = sizeof(elem);
	float *x = reserve(t, (2 * m * d + 2 * m) * f32);
	elem *h = reserve(t, (3 * m * t->lda + m * t->ldqkv + m * t->ldgu) * el);
	y->p = reserve(t, t->p_max * el);
	if (t->failed)
		return;
	y->x = x;
	y->middle = x + m * d;
	y->factor1 = y->middle + m * d;
	y->factor2 = y->factor1 + m;
	y->h1 = h;
	y->h2 = y->h1 + m * t->lda;
	y->attended = y->h2 + m * t->lda;
	y->qkv = y->attended + m * t->lda;
	y->gate_up = y->qkv + m * t->ldqkv;
}

static void reserve_rest(struct train_work *t, size_t m)
{
	const struct train_shape *s = &t->s;
	const size_t f32 = sizeof(float), el = sizeof(elem), d = (size_t)s->d,
		     rows = (size_t)up32(t->rows_max) + 32;
	const size_t lp = (size_t)up32(t->length_max), codes = (size_t)up32(s->codes);
	const size_t widest = t->ldgu > t->ldqkv ? t->ldgu : t->ldqkv, most = m > rows ? m : rows;
	size_t columns = widest > codes + 64 ? widest : codes + 64;
	if (columns < (size_t)s->f + 64)
		columns = (size_t)s->f + 64;
	t->x = reserve(t, m * d * f32);
	t->dh = reserve(t, most * d * f32);
	t->wide = reserve(t, m * widest * el);
	t->dgate_up = reserve(t, m * t->ldgu * el);
	t->dqkv = reserve(t, m * t->ldqkv * el);
	t->narrow = reserve(t, most * t->lda * el);
	t->narrow2 = reserve(t, most * t->lda * el);
	t->act = reserve(t, m * t->ldf * el);
	t->cosine = reserve(t, lp * (size_t)s->head_dim / 2 * f32);
	t->sine = reserve(t, lp * (size_t)s->head_dim / 2 * f32);
	t->image_row = reserve(t, m * sizeof(int));
	t->fc1 = reserve(t, d * (size_t)s->embed * f32);
	t->fc1_gradient = reserve(t, d * (size_t)s->embed * f32);
	t->fc1_out = reserve(t, m * d * f32);
	t->small = reserve(t, m * d * f32);
	t->aligned = reserve(t, m * t->lda * el);
	t->final = reserve(t, rows * d * f32);
	t->factor = reserve(t, rows * f32);
	t->proj_out = reserve(t, rows * d * f32);
	t->dproj = reserve(t, rows * d * f32);
	t->logits = reserve(t, HEAD_ROWS * codes * f32);
	t->hf = reserve(t, rows * t->lda * el);
	t->gelu = reserve(t, rows * t->lda * el);
	t->dlogits = reserve(t, rows * t->ldcodes * el);
	t->pack1 = reserve(t, (lp + 32) * (size_t)s->head_dim * el);
	t->pack2 = reserve(t, (lp + 32) * (size_t)s->head_dim * el);
	t->turned = reserve(t, lp * t->ldp * el);
	t->dscores = reserve(t, lp * t->ldp * el);
	t->scores = reserve(t, 32 * lp * f32);
	t->weight_pack = reserve(t, most * (widest > t->ldf ? widest : t->ldf) * el);
	t->weight_turned = reserve(t, (most + 64) * columns * el);
	t->p_offset = reserve(t, (size_t)t->samples_max * sizeof(size_t));
}

static struct train_work *core_work_create(const struct train_shape *s, int tokens_max,
					   int samples_max, int length_max, struct err *e)
{
	struct train_work *t = calloc(1, sizeof(*t));
	if (!t) {
		err_set(e, ERR_NO_MEMORY, "no memory for the trainer");
		return NULL;
	}
	const size_t m = (size_t)up32(tokens_max) + 32, lp = (size_t)up32(length_max);
	t->s = *s;
	t->tokens_max = tokens_max;
	t->samples_max = samples_max;
	t->length_max = length_max;
	t->rows_max = samples_max * s->grid_tokens;
	t->lda = row_of(s->d);
	t->ldf = row_of(s->f);
	t->ldqkv = row_of(3 * s->d);
	t->ldgu = row_of(2 * s->f);
	t->ldcodes = row_of(s->codes);
	t->ldp = row_of((int)lp);
	/* Samples are no longer than length_max, so this bounds any mix of them. */
	t->p_max = ((size_t)tokens_max + 32 * (size_t)samples_max) * t->ldp * (size_t)s->heads;
	for (int i = 0; i < s->layers; i++)
		reserve_layer(t, &t->layer[i], m);
	reserve_rest(t, m);
	if (t->failed) {
		core_work_destroy(t);
		err_set(e, ERR_NO_MEMORY,
			"no memory for a micro-batch of %d tokens: make it smaller", tokens_max);
		return NULL;
	}
	const int half = s->head_dim / 2;
	for (int i = 0; i < (int)lp; i++)
		for (int j = 0; j < half; j++) {
			double angle = i * pow(s->theta, -2.0 * j / s->head_dim);
			t->cosine[i * half + j] = (float)cos(angle);
			t->sine[i * half + j] = (float)sin(angle);
		}
	return t;
}

/* ---- products with weights ---- */

struct out {
	float *c; /* f32, or */
	elem *e;  /* elements */
	size_t ld;
	const float *add, *bias;
};

static void forward_product(const struct matrix *w, const elem *x, size_t ldx, int rows,
			    struct out o)
{
	gemm(&(struct gemm_call){.m = rows,
				 .n = w->n,
				 .k = w->k,
				 .kb = w->k,
				 .a = x,
				 .lda = ldx,
				 .b = w->forward,
				 .c = o.c,
				 .out = o.e,
				 .ldc = o.ld,
				 .add = o.add,
				 .ldadd = o.ld,
				 .bias = o.bias});
}

static void back_product(const struct matrix *w, const elem *dy, size_t ldy, int rows, struct out o)
{
	gemm(&(struct gemm_call){.m = rows,
				 .n = w->k,
				 .k = up32(w->n),
				 .kb = up32(w->n),
				 .a = dy,
				 .lda = ldy,
				 .b = w->back,
				 .c = o.c,
				 .out = o.e,
				 .ldc = o.ld,
				 .add = o.add,
				 .ldadd = o.ld});
}

/* Rows or columns of a block of at most `bytes`, of `total` in all, each of `rows` elements. */
static int block_of(int total, int rows, size_t bytes)
{
	const size_t each = (size_t)rows * sizeof(elem);
	int blocks = (int)(((size_t)total * each + bytes - 1) / bytes);
	int block = up32((total + blocks - 1) / blocks);
	return block < 32 ? 32 : block;
}

/* dW [n][k] += dy^T x over rows (a multiple of 32, zeros at the end). Blocks of both fit L2. */
static void weight_gradient(struct train_work *t, const struct matrix *w, const elem *dy,
			    size_t ldy, const elem *x, size_t ldx, int rows, float *g)
{
	const size_t ldt = row_of(rows);
	const int nb = block_of(up32(w->n), rows, WEIGHT_ROWS_BYTES),
		  kb = block_of(w->k, rows, WEIGHT_COLUMNS_BYTES);
	for (int k = 0; k < w->k; k += kb) {
		const int columns = w->k - k < kb ? w->k - k : kb;
		gemm_pack_kn(t->weight_pack, x + k, ldx, rows, columns);
		for (int n = 0; n < w->n; n += nb) {
			const int outs = w->n - n < nb ? w->n - n : nb;
			float *c = g + w->offset + (size_t)n * (size_t)w->k + k;
			gemm_transpose(t->weight_turned, ldt, dy + n, ldy, rows, up32(outs));
			gemm(&(struct gemm_call){.m = outs,
						 .n = columns,
						 .k = rows,
						 .kb = rows,
						 .a = t->weight_turned,
						 .lda = ldt,
						 .b = t->weight_pack,
						 .c = c,
						 .ldc = (size_t)w->k,
						 .add = c,
						 .ldadd = (size_t)w->k});
		}
	}
}

/* ---- what goes in ---- */

/* fc1's output for one image token. fc1 is [embed][d]. */
static void fc1_row(const struct train_work *t, const float *w, int code, float *out)
{
	const struct train_shape *s = &t->s;
	const float *from = w + s->generation_embeddings + (size_t)code * (size_t)s->embed;
	memcpy(out, w + s->fc1_b, (size_t)s->d * sizeof(float));
	for (int j = 0; j < s->embed; j++) {
		const float v = from[j], *row = t->fc1 + (size_t)j * (size_t)s->d;
#pragma omp simd
		for (int i = 0; i < s->d; i++)
			out[i] += v * row[i];
	}
}

static void embed(struct train_work *t, const struct train_packed *p, const float *w,
		  const struct train_batch *b)
{
	const struct train_shape *s = &t->s;
	const size_t d = (size_t)s->d;
	float *x = t->layer[0].x;
	int n = 0;
	for (int j = 0; j < s->embed; j++)
		for (int i = 0; i < s->d; i++)
			t->fc1[(size_t)j * d + (size_t)i] =
			    w[s->fc1_w + (size_t)i * (size_t)s->embed + (size_t)j];
	for (int i = 0; i < b->tokens; i++) {
		if (b->place[i] < 0) {
			memcpy(x + (size_t)i * d, w + s->embed_tokens + (size_t)b->id[i] * d,
			       d * sizeof(float));
			continue;
		}
		t->image_row[n] = i;
		fc1_row(t, w, b->id[i], t->fc1_out + (size_t)n * d);
		gelu_row(t->aligned + (size_t)n * t->lda, t->fc1_out + (size_t)n * d, s->d);
		n++;
	}
	t->image_count = n;
	for (int i = n; i < up32(n); i++)
		memset(t->aligned + (size_t)i * t->lda, 0, d * sizeof(elem));
	memset(x + (size_t)b->tokens * d, 0,
	       (size_t)(up32(b->tokens) - b->tokens) * d * sizeof(float));
	forward_product(p->hidden, t->aligned, t->lda, up32(n),
			(struct out){.c = t->small, .ld = d});
	for (int i = 0; i < n; i++) {
		float *to = x + (size_t)t->image_row[i] * d;
		memcpy(to, t->small + (size_t)i * d, d * sizeof(float));
		add_row(to, w + s->hidden_b, s->d);
		add_row(to, w + s->place + (size_t)b->place[t->image_row[i]] * d, s->d);
	}
}

/* dx: the gradient of the input embeddings. */
static void embed_back(struct train_work *t, const struct train_packed *p, const float *w,
		       const struct train_batch *b, const float *dx, float *g)
{
	const struct train_shape *s = &t->s;
	const size_t d = (size_t)s->d;
	const int n = t->image_count;
	for (int i = 0; i < b->tokens; i++)
		if (b->place[i] < 0)
			add_row(g + s->embed_tokens + (size_t)b->id[i] * d, dx + (size_t)i * d,
				s->d);
	for (int i = 0; i < n; i++) {
		const float *row = dx + (size_t)t->image_row[i] * d;
		add_row(g + s->hidden_b, row, s->d);
		add_row(g + s->place + (size_t)b->place[t->image_row[i]] * d, row, s->d);
		gemm_convert(t->narrow + (size_t)i * t->lda, row, d);
	}
	for (int i = n; i < up32(n); i++)
		memset(t->narrow + (size_t)i * t->lda, 0, d * sizeof(elem));
	weight_gradient(t, p->hidden, t->narrow, t->lda, t->aligned, t->lda, up32(n), g);
	back_product(p->hidden, t->narrow, t->lda, up32(n), (struct out){.c = t->small, .ld = d});
	memset(t->fc1_gradient, 0, d * (size_t)s->embed * sizeof(float));
	for (int i = 0; i < n; i++) {
		const size_t at =
		    s->generation_embeddings + (size_t)b->id[t->image_row[i]] * (size_t)s->embed;
		float *dy = t->small + (size_t)i * d;
		gelu_back_row(dy, t->fc1_out + (size_t)i * d, s->d);
		add_row(g + s->fc1_b, dy, s->d);
		for (int j = 0; j < s->embed; j++) {
			const float v = w[at + (size_t)j], *row = t->fc1 + (size_t)j * d;
			float *to = t->fc1_gradient + (size_t)j * d, dot = 0;
#pragma omp simd reduction(+ : dot)
			for (int k = 0; k < s->d; k++) {
				dot += dy[k] * row[k];
				to[k] += v * dy[k];
			}
			g[at + (size_t)j] += dot;
		}
	}
	for (int j = 0; j < s->embed; j++)
		for (int i = 0; i < s->d; i++)
			g[s->fc1_w + (size_t)i * (size_t)s->embed + (size_t)j] +=
			    t->fc1_gradient[(size_t)j * d + (size_t)i];
}

/* ---- layers ---- */

static struct head head_of(const struct train_work *t, const struct saved *y,
			   const struct train_batch *b, int sample, int head)
{
	const elem *q =
	    y->qkv + (size_t)b->start[sample] * t->ldqkv + (size_t)head * (size_t)t->s.head_dim;
	const int padded = up32(b->length[sample]);
	return (struct head){
	    .length = b->length[sample],
	    .padded = padded,
	    .width = t->s.head_dim,
	    .q = q,
	    .k = q + t->s.d,
	    .v = q + 2 * t->s.d,
	    .ld = t->ldqkv,
	    .ldp = t->ldp,
	    .p = y->p + t->p_offset[sample] + (size_t)head * (size_t)padded * t->ldp,
	};
}

/* Some samples that pass through a layer together. */
struct group {
	int first, last; /* samples */
	size_t row;      /* their first token */
	int rows;
};

/* The group that begins with sample `first`. */
static struct group group_at(const struct train_batch *b, int first)
{
	struct group r = {.first = first, .last = first, .row = (size_t)b->start[first]};
	while (r.last < b->samples &&
	       (r.last == first || r.rows + b->length[r.last] <= GROUP_TOKENS))
		r.rows += b->length[r.last++];
	return r;
}

/* Queries and keys. */
static void rotate(const struct train_work *t, elem *qkv, const struct train_batch *b,
		   struct group r, float sign)
{
	const int w = t->s.head_dim, half = w / 2;
	for (int i = r.first; i < r.last; i++)
		for (int j = 0; j < b->length[i]; j++) {
			elem *row = qkv + (size_t)(b->start[i] + j) * t->ldqkv;
			for (int h = 0; h < 2 * t->s.heads; h++)
				rotate_row(row + h * w, t->cosine + j * half, t->sine + j * half,
					   half, sign);
		}
}

static void norm(const struct train_shape *s, elem *h, size_t ldh, const float *x, const float *w,
		 float *factor, int rows)
{
	for (int i = 0; i < rows; i++)
		norm_row(h + (size_t)i * ldh, x + (size_t)i * (size_t)s->d, w, factor + i, s->d,
			 s->eps);
}

static void layer_forward(struct train_work *t, const struct train_packed *p, const float *w,
			  const struct train_batch *b, int index, struct group r)
{
	const struct train_shape *s = &t->s;
	const struct train_layer *l = &s->layer[index];
	const struct matrix *m = p->matrices + index * PER_LAYER;
	struct saved *y = &t->layer[index];
	const size_t d = (size_t)s->d, at = r.row * t->lda;
	const float *x = y->x + r.row * d;
	float *middle = y->middle + r.row * d;
	float *next = (index + 1 < s->layers ? t->layer[index + 1].x : t->x) + r.row * d;
	elem *gate_up = y->gate_up + r.row * t->ldgu;
	norm(s, y->h1 + at, t->lda, x, w + l->norm1, y->factor1 + r.row, r.rows);
	forward_product(&m[QKV], y->h1 + at, t->lda, r.rows,
			(struct out){.e = y->qkv + r.row * t->ldqkv, .ld = t->ldqkv});
	rotate(t, y->qkv, b, r, 1);
	for (int i = r.first; i < r.last; i++)
		for (int h = 0; h < s->heads; h++) {
			struct head head = head_of(t, y, b, i, h);
			attend(t, &head,
			       y->attended + (size_t)b->start[i] * t->lda + h * s->head_dim,
			       t->lda);
		}
	forward_product(&m[O], y->attended + at, t->lda, r.rows,
			(struct out){.c = middle, .ld = d, .add = x});
	norm(s, y->h2 + at, t->lda, middle, w + l->norm2, y->factor2 + r.row, r.rows);
	forward_product(&m[GATE_UP], y->h2 + at, t->lda, r.rows,
			(struct out){.e = gate_up, .ld = t->ldgu});
	for (int i = 0; i < r.rows; i++)
		gate_row(t->act + (size_t)i * t->ldf, gate_up + (size_t)i * t->ldgu, s->f);
	forward_product(&m[DOWN], t->act, t->ldf, r.rows,
			(struct out){.c = next, .ld = d, .add = middle});
}

static void narrow_of(const struct train_work *t, elem *to, const float *dx, int rows)
{
	for (int i = 0; i < rows; i++)
		gemm_convert(to + (size_t)i * t->lda, dx + (size_t)i * (size_t)t->s.d,
			     (size_t)t->s.d);
}

static void norm_back(const struct train_work *t, float *dx, float *dw, const float *x,
		      const float *w, const float *factor, int rows)
{
	const size_t d = (size_t)t->s.d;
	for (int i = 0; i < rows; i++)
		norm_back_row(dx + (size_t)i * d, dw, t->dh + (size_t)i * d, x + (size_t)i * d, w,
			      factor[i], t->s.d);
}

/* dx: the group's gradient behind the layer becomes the one before it. What the weights' gradients need is left
 * in narrow, act, dgate_up, narrow2 and dqkv. */
static void layer_back(struct train_work *t, const struct train_packed *p, const float *w,
		       const struct train_batch *b, int index, struct group r, float *g)
{
	const struct train_shape *s = &t->s;
	const struct train_layer *l = &s->layer[index];
	const struct matrix *m = p->matrices + index * PER_LAYER;
	const struct saved *y = &t->layer[index];
	const size_t d = (size_t)s->d;
	float *dx = t->x + r.row * d;
	elem *narrow = t->narrow + r.row * t->lda, *narrow2 = t->narrow2 + r.row * t->lda;
	elem *dgate_up = t->dgate_up + r.row * t->ldgu, *dqkv = t->dqkv + r.row * t->ldqkv;
	narrow_of(t, narrow, dx, r.rows);
	back_product(&m[DOWN], narrow, t->lda, r.rows, (struct out){.e = t->wide, .ld = t->ldf});
	for (int i = 0; i < r.rows; i++)
		gate_back_row(dgate_up + (size_t)i * t->ldgu, t->act + (r.row + (size_t)i) * t->ldf,
			      t->wide + (size_t)i * t->ldf,
			      y->gate_up + (r.row + (size_t)i) * t->ldgu, s->f);
	back_product(&m[GATE_UP], dgate_up, t->ldgu, r.rows, (struct out){.c = t->dh, .ld = d});
	norm_back(t, dx, g + l->norm2, y->middle + r.row * d, w + l->norm2, y->factor2 + r.row,
		  r.rows);
	narrow_of(t, narrow2, dx, r.rows);
	back_product(&m[O], narrow2, t->lda, r.rows, (struct out){.e = t->wide, .ld = t->lda});
	for (int i = r.first; i < r.last; i++)
		for (int h = 0; h < s->heads; h++) {
			struct head head = head_of(t, y, b, i, h);
			const size_t row = (size_t)b->start[i] - r.row;
			elem *to = dqkv + row * t->ldqkv + h * s->head_dim;
			attend_back(t, &head, t->wide + row * t->lda + h * s->head_dim, t->lda, to,
				    to + d, to + 2 * d, t->ldqkv);
		}
	rotate(t, t->dqkv, b, r, -1);
	back_product(&m[QKV], dqkv, t->ldqkv, r.rows, (struct out){.c = t->dh, .ld = d});
	norm_back(t, dx, g + l->norm1, y->x + r.row * d, w + l->norm1, y->factor1 + r.row, r.rows);
}

static void layer_gradients(struct train_work *t, const struct train_packed *p, int index, int rows,
			    float *g)
{
	const struct matrix *m = p->matrices + index * PER_LAYER;
	const struct saved *y = &t->layer[index];
	weight_gradient(t, &m[DOWN], t->narrow, t->lda, t->act, t->ldf, rows, g);
	weight_gradient(t, &m[GATE_UP], t->dgate_up, t->ldgu, y->h2, t->lda, rows, g);
	weight_gradient(t, &m[O], t->narrow2, t->lda, y->attended, t->lda, rows, g);
	weight_gradient(t, &m[QKV], t->dqkv, t->ldqkv, y->h1, t->lda, rows, g);
}

static void clear_rows(elem *x, size_t ld, int from, int to)
{
	memset(x + (size_t)from * ld, 0, (size_t)(to - from) * ld * sizeof(elem));
}

/* Rows past the last token, which the weights' gradients sum over. */
static void clear_ends(struct train_work *t, int from, int to)
{
	clear_rows(t->narrow, t->lda, from, to);
	clear_rows(t->narrow2, t->lda, from, to);
	clear_rows(t->dgate_up, t->ldgu, from, to);
	clear_rows(t->dqkv, t->ldqkv, from, to);
}

/* ---- the head and the loss ---- */

static int target_row(const struct train_shape *s, const struct train_batch *b, int row)
{
	int sample = row / s->grid_tokens, at = row % s->grid_tokens;
	return b->start[sample] + b->length[sample] - s->grid_tokens + at;
}

static void head_forward(struct train_work *t, const struct train_packed *p, const float *w,
			 const struct train_batch *b)
{
	const struct train_shape *s = &t->s;
	const size_t d = (size_t)s->d;
	const int n = b->samples * s->grid_tokens, rows = up32(n);
	for (int i = 0; i < rows; i++) {
		float *to = t->final + (size_t)i * d;
		if (i < n)
			memcpy(to, t->x + (size_t)target_row(s, b, i) * d, d * sizeof(float));
		else
			memset(to, 0, d * sizeof(float));
		norm_row(t->hf + (size_t)i * t->lda, to, w + s->norm, t->factor + i, s->d, s->eps);
	}
	forward_product(p->proj, t->hf, t->lda, rows, (struct out){.c = t->proj_out, .ld = d});
	for (int i = 0; i < rows; i++) {
		add_row(t->proj_out + (size_t)i * d, w + s->proj_b, s->d);
		gelu_row(t->gelu + (size_t)i * t->lda, t->proj_out + (size_t)i * d, s->d);
	}
}

/* Logits of HEAD_ROWS rows at a time become their gradients at once, and those the gradients of what went in. */
static void head_loss(struct train_work *t, const struct train_packed *p, const float *w,
		      const struct train_batch *b, float *g, double *loss)
{
	const struct train_shape *s = &t->s;
	const size_t d = (size_t)s->d, codes = (size_t)up32(s->codes);
	const int n = b->samples * s->grid_tokens, rows = up32(n);
	for (int i = 0; i < b->samples; i++)
		loss[i] = 0;
	for (int m = 0; m < n; m += HEAD_ROWS) {
		int count = rows - m < HEAD_ROWS ? rows - m : HEAD_ROWS;
		forward_product(p->head, t->gelu + (size_t)m * t->lda, t->lda, count,
				(struct out){.c = t->logits, .ld = codes});
		for (int i = m; i < m + count; i++) {
			elem *dz = t->dlogits + (size_t)i * t->ldcodes;
			if (i >= n) {
				memset(dz, 0, t->ldcodes * sizeof(elem));
				continue;
			}
			loss[i / s->grid_tokens] +=
			    entropy_row(dz, t->logits + (size_t)(i - m) * codes, w + s->head_b,
					s->codes, b->target[i], b->scale) /
			    s->grid_tokens;
			if (g)
				add_elem_row(g + s->head_b, dz, s->codes);
		}
		if (g)
			back_product(p->head, t->dlogits + (size_t)m * t->ldcodes, t->ldcodes,
				     count, (struct out){.c = t->dproj + (size_t)m * d, .ld = d});
	}
}

/* Leaves the gradient behind the last layer in t->x. */
static void head_back(struct train_work *t, const struct train_packed *p, const float *w,
		      const struct train_batch *b, float *g)
{
	const struct train_shape *s = &t->s;
	const size_t d = (size_t)s->d;
	const int n = b->samples * s->grid_tokens, rows = up32(n);
	weight_gradient(t, p->head, t->dlogits, t->ldcodes, t->gelu, t->lda, rows, g);
	for (int i = 0; i < rows; i++) {
		float *dp = t->dproj + (size_t)i * d;
		gelu_back_row(dp, t->proj_out + (size_t)i * d, s->d);
		add_row(g + s->proj_b, dp, s->d);
		gemm_convert(t->narrow + (size_t)i * t->lda, dp, d);
	}
	back_product(p->proj, t->narrow, t->lda, rows, (struct out){.c = t->dh, .ld = d});
	weight_gradient(t, p->proj, t->narrow, t->lda, t->hf, t->lda, rows, g);
	memset(t->x, 0, (size_t)up32(b->tokens) * d * sizeof(float));
	for (int i = 0; i < n; i++)
		norm_back_row(t->x + (size_t)target_row(s, b, i) * d, g + s->norm,
			      t->dh + (size_t)i * d, t->final + (size_t)i * d, w + s->norm,
			      t->factor[i], s->d);
}

static void forward(struct train_work *t, const struct train_packed *p, const float *w,
		    const struct train_batch *b)
{
	size_t offset = 0;
	for (int i = 0; i < b->samples; i++) {
		t->p_offset[i] = offset;
		offset += (size_t)up32(b->length[i]) * t->ldp * (size_t)t->s.heads;
	}
	embed(t, p, w, b);
	for (int i = 0; i < b->samples;) {
		struct group r = group_at(b, i);
		for (int layer = 0; layer < t->s.layers; layer++)
			layer_forward(t, p, w, b, layer, r);
		i = r.last;
	}
}

static void core_run(struct train_work *t, const struct train_packed *p, const float *w,
		     const struct train_batch *b, float *g, double *loss)
{
	const int rows = up32(b->tokens);
	const unsigned mode = train_flush_begin();
	gemm_begin();
	forward(t, p, w, b);
	head_forward(t, p, w, b);
	head_loss(t, p, w, b, g, loss);
	if (g) {
		head_back(t, p, w, b, g);
		clear_ends(t, b->tokens, rows);
		for (int layer = t->s.layers; layer-- > 0;) {
			for (int i = 0; i < b->samples;) {
				struct group r = group_at(b, i);
				layer_back(t, p, w, b, layer, r, g);
				i = r.last;
			}
			layer_gradients(t, p, layer, rows, g);
		}
		embed_back(t, p, w, b, t->x, g);
	}
	gemm_end();
	train_flush_end(mode);
}

#include "train/core_muon.h"

#ifdef TRAIN_BF16
#include <sys/syscall.h>
#include <unistd.h>

#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_TILE_DATA  18

/* The tiles are asked of the system once for the whole process. */
static bool core_available(void)
{
	return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") &&
	       syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_TILE_DATA) == 0;
}
#elif defined(TRAIN_SCALAR)
static bool core_available(void)
{
	return true;
}
#else
static bool core_available(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

#define CORE_NAME_(level) train_core_##level
#define CORE_NAME(level)  CORE_NAME_(level)
#define CORE_TEXT_(level) #level
#define CORE_TEXT(level)  CORE_TEXT_(level)

const struct train_core CORE_NAME(TRAIN_CORE) = {
    .name = CORE_TEXT(TRAIN_CORE),
    .available = core_available,
    .packed_count = core_packed_count,
    .packed_create = core_packed_create,
    .packed_destroy = core_packed_destroy,
    .pack = core_pack,
    .work_create = core_work_create,
    .work_destroy = core_work_destroy,
    .run = core_run,
    .orthogonalise = core_orthogonalise,
    .orthogonalise_bytes = core_orthogonalise_bytes,
};
