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
#include "train/gemm_bf16.h"
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

#define MEMORY_MAX (4 * TRAIN_LAYERS_MAX + 64)

/* Tokens (whole samples) that pass through a layer together, before its weights give way in L2 and what its weights'
 * gradients need in L3; codes whose logits are made together (a multiple of 32). */
#define GROUP_TOKENS 1408
#define HEAD_CODES   768
/* Of weights that pass through L2 with all rows of a group; the same of a weight gradient's operand. */
#define PART_BYTES   ((size_t)860 << 10)
#define COLUMN_BYTES ((size_t)1 << 20)

enum { QKV, O, GATE_UP, DOWN, PER_LAYER };

struct train_packed {
	struct train_shape s;
	int count;
	struct matrix *matrices; /* PER_LAYER for each layer, then: */
	struct matrix *hidden, *proj, *head;
	elem *memory;
};

struct saved {                    /* of one layer, for the backward pass */
	float *factor1, *factor2; /* [M] of the norms */
	elem *qkv;                /* [M][3d] */
	elem *gate_up;            /* by groups, parts of the gates and strips: [32][2 part] */
	elem *x1, *attended, *x2; /* kept: see below; x: normalised, before the norm's weights */
};

struct head_part {      /* of a row's logits */
	float top, sum; /* then top becomes the factor of their gradients */
};

struct train_work {
	struct train_shape s;
	int tokens_max, samples_max, length_max, blocks_max;
	int rows_max, image_count; /* rows_max: of targets */
	struct saved layer[TRAIN_LAYERS_MAX];
	float *x;              /* [M][ldx] the residual stream; then its gradient */
	elem *strip;           /* [32][d] */
	elem *wide, *wide2;    /* [32][f] */
	elem *gate_up, *plain; /* [32][2f], [32][d] */
	float *dh, *dw;        /* [group][ldx], [32][f] */
	elem *normal;          /* [group][d] */
	elem *attended;        /* [group][d], then its gradient */
	elem *qkv;             /* [group][3d], then its gradient */
	int *position;         /* [M] in its sample */
	float *cosine, *sine;  /* [length][head_dim / 2] */
	/* operands of the weights' gradients of one layer, head and aligner */
	elem *turned_down, *turned_gate_up, *turned_o, *turned_qkv, *turned_logits;
	elem *kept_act, *kept_aligned, *kept_final, *kept_gelu;
	/* the aligner's and the head's */
	int *image_row;
	float *fc1, *fc1_gradient, *fc1_out;
	float *factor, *proj_out, *dproj, *logits, *target_logit, *target_gradient;
	elem *gelu, *dlogits;
	struct head_part *parts; /* [rows][part_count] */
	size_t part_count;
	/* scratch of attention */
	elem *pack1, *pack2, *pack3, *turned, *scores_out, *dscores;
	float *scores;
	size_t ldx, lda, ldf, ldqkv, ldgu, ldcodes, ldp; /* ldx: of x and dh */
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

static elem *reserve_operand(struct train_work *t, int columns)
{
	return reserve(t, (size_t)up32(columns) * 32 * (size_t)t->blocks_max * sizeof(elem));
}

static void reserve_layer(struct train_work *t, struct saved *y, size_t m)
{
	const size_t d = (size_t)t->s.d, el = sizeof(elem);
	float *factors = reserve(t, 2 * m * sizeof(float));
	elem *qkv = reserve(t, m * t->ldqkv * el);
	y->gate_up = reserve_operand(t, 2 * t->s.f);
	elem *operand = reserve_operand(t, 3 * t->s.d);
	if (t->failed)
		return;
	y->factor1 = factors;
	y->factor2 = factors + m;
	y->qkv = qkv;
	y->x1 = operand;
	y->attended = operand + d * 32 * (size_t)t->blocks_max;
	y->x2 = operand + 2 * d * 32 * (size_t)t->blocks_max;
}

static void reserve_head(struct train_work *t)
{
	const struct train_shape *s = &t->s;
	const size_t f32 = sizeof(float), el = sizeof(elem), rows = (size_t)up32(t->rows_max) + 32;
	t->part_count = (size_t)((s->codes + HEAD_CODES - 1) / HEAD_CODES);
	t->factor = reserve(t, rows * f32);
	t->proj_out = reserve(t, rows * t->ldx * f32);
	t->dproj = reserve(t, rows * t->ldx * f32);
	t->logits = reserve(t, (size_t)32 * HEAD_CODES * f32);
	t->target_logit = reserve(t, rows * f32);
	t->target_gradient = reserve(t, rows * f32);
	t->parts = reserve(t, rows * t->part_count * sizeof(struct head_part));
	t->gelu = reserve(t, rows * t->lda * el);
	t->dlogits = reserve(t, rows * t->ldcodes * el);
	t->turned_logits = reserve_operand(t, HEAD_CODES);
	t->kept_final = reserve_operand(t, s->d);
	t->kept_gelu = reserve_operand(t, s->d);
}

static void reserve_rest(struct train_work *t, size_t m)
{
	const struct train_shape *s = &t->s;
	const size_t f32 = sizeof(float), el = sizeof(elem), d = (size_t)s->d;
	const size_t lp = (size_t)up32(t->length_max);
	const size_t group = 32 + (lp > GROUP_TOKENS ? lp : GROUP_TOKENS);
	t->x = reserve(t, m * t->ldx * f32);
	t->strip = reserve(t, 32 * t->lda * el);
	t->plain = reserve(t, 32 * t->lda * el);
	t->wide = reserve(t, 32 * t->ldf * el);
	t->wide2 = reserve(t, 32 * t->ldf * el);
	t->gate_up = reserve(t, 32 * t->ldgu * el);
	t->dh = reserve(t, group * t->ldx * f32);
	t->normal = reserve(t, group * t->lda * el);
	t->dw = reserve(t, 32 * float_row_of(s->d > s->f ? s->d : s->f) * f32);
	t->attended = reserve(t, group * t->lda * el);
	t->qkv = reserve(t, group * t->ldqkv * el);
	t->position = reserve(t, m * sizeof(int));
	t->cosine = reserve(t, lp * (size_t)s->head_dim / 2 * f32);
	t->sine = reserve(t, lp * (size_t)s->head_dim / 2 * f32);
	t->turned_down = reserve_operand(t, s->d);
	t->turned_gate_up = reserve_operand(t, 2 * s->f);
	t->turned_o = reserve_operand(t, s->d);
	t->turned_qkv = reserve_operand(t, 3 * s->d);
	t->kept_act = reserve_operand(t, s->f);
	t->kept_aligned = reserve_operand(t, s->d);
	t->image_row = reserve(t, m * sizeof(int));
	t->fc1 = reserve(t, d * (size_t)s->embed * f32);
	t->fc1_gradient = reserve(t, d * (size_t)s->embed * f32);
	t->fc1_out = reserve(t, m * d * f32);
	t->pack1 = reserve(t, (lp + 32) * (size_t)s->head_dim * el);
	t->pack2 = reserve(t, (lp + 32) * (size_t)s->head_dim * el);
	t->pack3 = reserve(t, (lp + 32) * (size_t)s->head_dim * el);
	t->turned = reserve(t, lp * t->ldp * el);
	t->scores_out = reserve(t, lp * t->ldp * el);
	t->dscores = reserve(t, lp * t->ldp * el);
	t->scores = reserve(t, 32 * lp * f32);
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
	/* A group's strips begin anew: each group has at most one that is not full. */
	t->blocks_max = up32(tokens_max) / 32 + samples_max + 1;
	t->ldx = float_row_of(s->d);
	t->lda = row_of(s->d);
	t->ldf = row_of(s->f);
	t->ldqkv = row_of(3 * s->d);
	t->ldgu = row_of(2 * s->f);
	t->ldcodes = row_of(s->codes);
	t->ldp = row_of((int)lp);
	for (int i = 0; i < s->layers; i++)
		reserve_layer(t, &t->layer[i], m);
	reserve_rest(t, m);
	reserve_head(t);
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

struct range {
	int begin, end; /* multiples of 32; an end of 0: all */
};

struct out {
	float *c; /* f32, or */
	elem *e;  /* elements */
	size_t ld;
	const float *add;
	struct range n,
	    k; /* of the matrix: what is summed over, and what is written (its beginning is at c or e) */
	struct fetch fetch;
};

static struct range whole(struct range r, int all)
{
	return r.end ? r : (struct range){0, all};
}

static void forward_product(const struct matrix *w, const elem *x, size_t ldx, int rows,
			    struct out o)
{
	const struct range n = whole(o.n, w->n), k = whole(o.k, w->k);
	gemm(&(struct gemm_call){.m = rows,
				 .n = n.end - n.begin,
				 .k_begin = k.begin,
				 .k = k.end,
				 .kb = w->k,
				 .a = x,
				 .lda = ldx,
				 .b = w->forward + (size_t)n.begin * (size_t)w->k,
				 .c = o.c,
				 .out = o.e,
				 .ldc = o.ld,
				 .add = o.add,
				 .ldadd = o.ld,
				 .fetch = {o.fetch}});
}

static void back_product(const struct matrix *w, const elem *dy, size_t ldy, int rows, struct out o)
{
	const struct range n = whole(o.n, w->n), k = whole(o.k, w->k);
	gemm(&(struct gemm_call){.m = rows,
				 .n = k.end - k.begin,
				 .k_begin = n.begin,
				 .k = up32(n.end),
				 .kb = up32(w->n),
				 .a = dy,
				 .lda = ldy,
				 .b = w->back + (size_t)k.begin * (size_t)up32(w->n),
				 .c = o.c,
				 .out = o.e,
				 .ldc = o.ld,
				 .add = o.add,
				 .ldadd = o.ld,
				 .fetch = {o.fetch}});
}

/* How many columns to take at a time, of `columns` with `bytes` each, so that `most` bytes suffice. */
static int part_of(int columns, size_t bytes, size_t most)
{
	const int parts = (int)(((size_t)columns * bytes + most - 1) / most);
	const int part = up32((columns + parts - 1) / parts);
	return part < 32 ? 32 : part;
}

/* ---- operands of the weights' gradients ----
 *
 * dW = dy^T x sums over the rows of a group. Both are kept in blocks of 32 rows by 32 columns, [column / 32]
 * [row / 32][1024]: dy^T turned, x as the products read it. They are written where their rows are at hand, 32 at
 * a time (a strip), and then read front to back. */

static void keep_turned(elem *to, int blocks, int block, const elem *dy, size_t ld, int columns)
{
	for (int c = 0; c < columns; c += 32)
		gemm_turn_away(to + ((size_t)(c / 32) * (size_t)blocks + (size_t)block) * 1024,
			       dy + c, ld);
}

static void keep(elem *to, int blocks, int block, const elem *x, size_t ld, int columns)
{
	for (int c = 0; c < columns; c += 32)
		gemm_pack_away(to + ((size_t)(c / 32) * (size_t)blocks + (size_t)block) * 1024,
			       x + c, ld);
}

/* The strip that was kept. */
static void kept_strip(elem *x, size_t ld, const elem *from, int blocks, int block, int columns)
{
	for (int c = 0; c < columns; c += 32)
		gemm_unpack_kn(x + c, ld,
			       from + ((size_t)(c / 32) * (size_t)blocks + (size_t)block) * 1024);
}

/* The rows of a strip past its end. */
static void clear_rows(elem *strip, size_t ld, int rows)
{
	if (rows < 32)
		memset(strip + (size_t)rows * ld, 0, (size_t)(32 - rows) * ld * sizeof(elem));
}

struct gradient {
	const elem *dy, *x;
	const float *scale; /* [k] of x's columns; NULL: 1 */
	int blocks;
};

/* Rows [i, i + rows) of dW, columns [c, end). */
static void gradient_strip(struct train_work *t, float *g, size_t k, struct gradient v, size_t i,
			   int rows, struct range c)
{
	const int columns = c.end - c.begin;
	const elem *dy = v.dy + i * (size_t)v.blocks * 32;
	const size_t strip = (size_t)v.blocks * 1024, ld = float_row_of(columns);
	gemm(&(struct gemm_call){.m = rows,
				 .n = columns,
				 .k = 32 * v.blocks,
				 .kb = 32 * v.blocks,
				 .a = dy,
				 .lda = 32,
				 .a_step = 1024,
				 .b = v.x + (size_t)c.begin * (size_t)v.blocks * 32,
				 .c = t->dw,
				 .ldc = ld,
				 .fetch = {{dy + strip, strip * sizeof(elem)},
					   {g + i * k, (size_t)rows * k * sizeof(float)}}});
	for (int j = 0; j < rows; j++) {
		float *to = g + (i + (size_t)j) * k + c.begin;
		const float *from = t->dw + (size_t)j * ld;
		if (v.scale)
			add_product_row(to, from, v.scale + c.begin, columns);
		else
			add_row(to, from, columns);
	}
}

/* dW [n][k] += dy^T x. The part of x stays in L2, the rows of a strip of dW in L1. */
static void weight_gradient(struct train_work *t, float *g, size_t n, size_t k, struct gradient v)
{
	const int part = part_of((int)k, (size_t)v.blocks * 32 * sizeof(elem), COLUMN_BYTES);
	for (int c = 0; c < (int)k; c += part)
		for (size_t i = 0; i < n; i += 32)
			gradient_strip(t, g, k, v, i, n - i < 32 ? (int)(n - i) : 32,
				       (struct range){c, c + part < (int)k ? c + part : (int)k});
}

static void matrix_gradient(struct train_work *t, const struct matrix *m, struct gradient v,
			    float *g)
{
	weight_gradient(t, g + m->offset, (size_t)m->n, (size_t)m->k, v);
}

#include "train/core_embed.h"
#include "train/core_head.h"
#include "train/core_layer.h"

static void core_forward(struct train_work *t, const struct train_packed *p, const float *w,
			 const struct train_batch *b)
{
	for (int i = 0; i < b->samples; i++)
		for (int j = 0; j < b->length[i]; j++)
			t->position[b->start[i] + j] = j;
	embed(t, p, w, b);
	for (int layer = 0; layer < t->s.layers; layer++)
		for (struct group r = group_at(b, 0, 0); r.rows; r = group_next(b, r))
			layer_forward(t, p, w, b, layer, r);
}

static void core_run(struct train_work *t, const struct train_packed *p, const float *w,
		     const struct train_batch *b, float *g, double *loss)
{
	const unsigned mode = train_flush_begin();
	gemm_begin();
	core_forward(t, p, w, b);
	head_forward(t, p, w, b);
	head_loss(t, p, w, b, loss);
	if (g) {
		head_back(t, p, w, b, g);
		for (int layer = t->s.layers; layer-- > 0;)
			for (struct group r = group_at(b, 0, 0); r.rows; r = group_next(b, r))
				layer_back(t, p, w, b, layer, r, g);
		embed_back(t, p, w, b, g);
	}
	gemm_end();
	train_flush_end(mode);
}

#include "train/core_muon.h"

#ifdef __AMX_BF16__
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
#elif defined(TRAIN_BF16)
static bool core_available(void)
{
	return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
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
