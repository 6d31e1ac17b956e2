/* The kernels of a CUDA card against sums in double precision, run by the emulated card: every format, ragged shapes,
 * many rows and few, long contexts. Forwards and backwards, and in whatever company, a row's bits are the same. Built
 * with REAL_CARD the same is asked of the machine's card, and skipped where there is none. */
#include "engine/cuda/emulated.h"
#include "engine/cuda/matrix.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct engine_pool *pool;
static struct card *cards[2];

static int open_cards(void **state)
{
	struct err e;
	(void)state;
	pool = engine_pool_create(1, &e);
	for (int i = 0; i < 2; i++) {
#if defined(REAL_CARD)
		cards[i] = engine_card_open(&e);
#else
		cards[i] = engine_card_open_emulated(i == 1, &e);
#endif
		if (!cards[i])
			return -1;
	}
	return pool ? 0 : -1;
}

static int close_cards(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		cards[i]->ops->destroy(cards[i]);
	engine_pool_destroy(pool);
	return 0;
}

static uint32_t seed = 1;

static float number(void)
{
	seed = seed * 1664525u + 1013904223u;
	return (float)(int32_t)seed / 2147483648.0f;
}

static float *numbers(size_t n)
{
	float *to = malloc(n * sizeof(*to));
	assert_non_null(to);
	for (size_t i = 0; i < n; i++)
		to[i] = number();
	return to;
}

static float to_bf16(float v)
{
	uint32_t bits;
	memcpy(&bits, &v, sizeof(bits));
	bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
	memcpy(&v, &bits, sizeof(v));
	return v;
}

static float *upload(struct card *card, const float *from, size_t n)
{
	struct err e;
	float *to = engine_card_floats(card, from, n, &e);
	assert_non_null(to);
	return to;
}

/* Products */

struct product_case {
	enum kernel_weights weights;
	int k, outputs, rows; /* gated: outputs of one of the two */
	bool gated, norm, bias, pick;
	enum card_finish finish;
};

struct product_data {
	struct product_case c;
	size_t out; /* of y's row */
	float *w, *bias, *x, *norm, *y;
	int32_t *pick;
};

static void make_data(struct product_data *d, const struct product_case *c)
{
	size_t matrix_rows = (size_t)c->outputs * (c->gated ? 2 : 1);
	*d = (struct product_data){.c = *c, .out = (size_t)c->outputs};
	d->w = numbers(matrix_rows * (size_t)c->k);
	d->bias = numbers(matrix_rows);
	d->x = numbers((size_t)(c->rows * c->k));
	d->norm = numbers((size_t)c->k);
	d->y = numbers((size_t)c->rows * d->out);
	d->pick = calloc((size_t)c->rows, sizeof(*d->pick));
	assert_non_null(d->pick);
	for (int r = 0; r < c->rows; r++)
		d->pick[r] = c->pick ? (r * 7 + 3) % c->rows : r;
}

static void free_data(struct product_data *d)
{
	free(d->w);
	free(d->bias);
	free(d->x);
	free(d->norm);
	free(d->y);
	free(d->pick);
}

/* The weight as the matrix keeps it. */
static double kept(const struct product_data *d, size_t row, int k)
{
	const float *w = d->w + row * (size_t)d->c.k;
	int8_t q[4096];
	if (d->c.weights == KERNEL_BF16)
		return (double)to_bf16(w[k]);
	if (d->c.weights != KERNEL_INT8)
		return (double)w[k];
	float scale = engine_quantize_int8(w, (size_t)d->c.k, q);
	return (double)((float)q[k] * scale);
}

/* x of one row as the product takes it, without the norm's factor. */
static void taken(const struct product_data *d, int r, double *to)
{
	const float *x = d->x + d->pick[r] * d->c.k;
	float v[4096], most = 0;
	/* the others become f32 on a card */
	enum kernel_weights weights = d->c.k % 16 ? KERNEL_F32 : d->c.weights;
	for (int k = 0; k < d->c.k; k++)
		v[k] = d->c.norm ? x[k] * d->norm[k] : x[k];
	for (int k = 0; k < d->c.k; k++) {
		if (weights == KERNEL_INT8 && k % 128 == 0) {
			most = 0;
			for (int i = k; i < k + 128 && i < d->c.k; i++)
				most = fmaxf(most, fabsf(v[i]));
		}
		to[k] = weights == KERNEL_BF16 ? (double)to_bf16(v[k])
			: weights == KERNEL_INT8
			    ? (double)(rintf(v[k] * (127.0f / most)) * (most / 127.0f))
			    : (double)v[k];
	}
}

static double one(const struct product_data *d, const double *x, double factor, size_t row)
{
	double sum = 0;
	int8_t q[4096];
	if (d->c.weights == KERNEL_INT8) {
		float scale = engine_quantize_int8(d->w + row * (size_t)d->c.k, (size_t)d->c.k, q);
		for (int k = 0; k < d->c.k; k++)
			sum += x[k] * (double)q[k];
		return sum * (double)scale * factor;
	}
	for (int k = 0; k < d->c.k; k++)
		sum += x[k] * kept(d, row, k);
	return sum * factor;
}

static double wanted(const struct product_data *d, const double *x, double factor, int r, size_t o)
{
	const struct product_case *c = &d->c;
	double v = one(d, x, factor, o);
	if (c->gated)
		return v / (1 + exp(-v)) * one(d, x, factor, d->out + o);
	if (c->bias)
		v += (double)d->bias[o];
	if (c->finish == CARD_ADD)
		v += (double)d->y[(size_t)r * d->out + o];
	if (c->finish == CARD_GELU)
		v = 0.5 * v * (1 + erf(v * 0.70710678118654752));
	return v;
}

static struct engine_matrix matrix_of(const struct product_data *d)
{
	struct engine_matrix m;
	struct err e;
	size_t outputs = d->out, tiles = (outputs + 15) / 16, k = (size_t)d->c.k;
	bool gated = d->c.gated;
	assert_true(engine_matrix_init(
	    &m,
	    &(struct engine_matrix_options){.weights = d->c.weights,
					    .outputs = gated ? tiles * 32 : outputs,
					    .k = k,
					    .bias = d->c.bias},
	    &e));
	for (size_t o = 0; o < outputs; o++) {
		size_t at = gated ? o / 16 * 32 + o % 16 : o;
		engine_matrix_set_row(&m, at, d->w + o * k);
		if (gated)
			engine_matrix_set_row(&m, at + 16, d->w + (outputs + o) * k);
		if (d->c.bias)
			engine_matrix_set_bias(&m, o, d->bias[o]);
	}
	return m;
}

/* y of the first `rows` rows, the caller's to free. */
static float *multiply(struct card *card, const struct product_data *d, int rows)
{
	const struct card_ops *ops = card->ops;
	struct engine_matrix from = matrix_of(d);
	struct engine_card_matrix m;
	struct err e;
	size_t count = (size_t)rows * d->out;
	float *y = malloc(count * sizeof(*y));

	assert_non_null(y);
	assert_true(engine_card_matrix_init(&m, card, &from, pool, &e));
	float *x = upload(card, d->x, (size_t)(d->c.rows * d->c.k));
	float *norm = upload(card, d->norm, (size_t)d->c.k);
	float *to = upload(card, d->y, count);
	int32_t *pick = ops->alloc(card, (size_t)d->c.rows * sizeof(*pick));
	ops->put(card, pick, d->pick, (size_t)d->c.rows * sizeof(*pick));
	struct card_product p = {.x = x,
				 .x_stride = d->c.k,
				 .y = to,
				 .y_stride = (int32_t)d->out,
				 .rows = rows,
				 .norm = d->c.norm ? norm : NULL,
				 .pick = d->c.pick ? pick : NULL,
				 .eps = 1e-5f,
				 .finish = d->c.finish,
				 .outputs = (int32_t)d->out};
	engine_card_multiply(card, &m, p, d->c.gated);
	ops->get(card, y, to, count * sizeof(*y));
	engine_card_matrix_finish(&m, card);
	engine_matrix_finish(&from);
	ops->release(card, x);
	ops->release(card, norm);
	ops->release(card, to);
	ops->release(card, pick);
	assert_false(card->failed);
	return y;
}

static void compare(const struct product_data *d, const float *y)
{
	double x[4096], worst = 0, size = 0;
	for (int r = 0; r < d->c.rows; r++) {
		double squares = 0, factor = 1;
		for (int k = 0; k < d->c.k; k++)
			squares += pow((double)d->x[d->pick[r] * d->c.k + k], 2);
		if (d->c.norm)
			factor = 1 / sqrt(squares / d->c.k + 1e-5);
		taken(d, r, x);
		for (size_t o = 0; o < d->out; o++) {
			double want = wanted(d, x, factor, r, o);
			double off = fabs(want - (double)y[(size_t)r * d->out + o]);
			size = fmax(size, fabs(want));
			if (!(off <= worst))
				worst = off;
		}
	}
	if (!(worst <= 4e-6 * size))
		print_error("format %d, k %d, outputs %d, rows %d: off by %g of %g\n",
			    (int)d->c.weights, d->c.k, d->c.outputs, d->c.rows, worst, size);
	assert_true(worst <= 4e-6 * size);
}

static void check_product(const struct product_case *c)
{
	struct product_data d;
	size_t bytes;
	make_data(&d, c);
	bytes = (size_t)c->rows * d.out * sizeof(float);
	float *y = multiply(cards[0], &d, c->rows), *again = multiply(cards[1], &d, c->rows);
	compare(&d, y);
	assert_memory_equal(y, again, bytes);
	free(again);
	/* fewer rows, another kernel: the same bits */
	for (int rows = 1; rows < c->rows; rows = rows * 3 + 1) {
		again = multiply(cards[0], &d, rows);
		assert_memory_equal(y, again, (size_t)rows * d.out * sizeof(float));
		free(again);
	}
	free(y);
	free_data(&d);
}

static void test_products(void **state)
{
	static const enum kernel_weights formats[] = {KERNEL_F32, KERNEL_BF16, KERNEL_INT8};
	(void)state;
	for (int i = 0; i < 3; i++) {
		enum kernel_weights w = formats[i];
		const struct product_case cases[] = {
		    {.weights = w, .k = 64, .outputs = 16, .rows = 2},
		    {.weights = w, .k = 144, .outputs = 20, .rows = 9, .bias = true},
		    {.weights = w,
		     .k = 400,
		     .outputs = 40,
		     .rows = 33,
		     .norm = true,
		     .bias = true,
		     .finish = CARD_GELU},
		    {.weights = w,
		     .k = 2064,
		     .outputs = 17,
		     .rows = 17,
		     .norm = true,
		     .pick = true},
		    {.weights = w, .k = 1152, .outputs = 33, .rows = 2, .finish = CARD_ADD},
		    {.weights = w, .k = 144, .outputs = 23, .rows = 3, .gated = true, .norm = true},
		    {.weights = w,
		     .k = 1296,
		     .outputs = 36,
		     .rows = 35,
		     .gated = true,
		     .norm = true},
		    {.weights = w, .k = 2320, .outputs = 16, .rows = 16, .gated = true},
		    {.weights = w, .k = 24, .outputs = 19, .rows = 10, .bias = true},
		};
		for (size_t j = 0; j < sizeof(cases) / sizeof(*cases); j++)
			check_product(&cases[j]);
	}
}

/* A row of noughts has no scale; one number that is far larger than the rest keeps its size. */
static void test_extremes(void **state)
{
	struct product_data d;
	const struct product_case c = {.weights = KERNEL_INT8, .k = 256, .outputs = 16, .rows = 3};
	(void)state;
	make_data(&d, &c);
	memset(d.x, 0, 256 * sizeof(float));
	d.x[256 + 130] = 1e6f;
	float *y = multiply(cards[0], &d, 3);
	for (int o = 0; o < 16; o++) {
		assert_true(y[o] == 0);
		double want = 1e6 * kept(&d, (size_t)o, 130);
		assert_true(fabs((double)y[16 + o] - want) <= 1e6 * 0.02);
	}
	free(y);
	free_data(&d);
}

/* Attention */

struct attend_case {
	int heads, kv_heads, d, positions, streams;
	bool wide, interleaved, norm;
	int loud; /* keys from this position on are larger; 0: none */
};

struct attend_data {
	struct attend_case c;
	size_t width, rope, rows;
	float *qkv, *norm_q, *norm_k, *cosine, *sine;
};

static void turn(const struct attend_data *a, const float *from, const float *norm, int position,
		 double *to)
{
	int d = a->c.d, half = d / 2;
	double squares = 0;
	for (int i = 0; i < d; i++)
		squares += (double)from[i] * (double)from[i];
	double factor = a->c.norm ? 1 / sqrt(squares / d + 1e-5) : 1;
	for (int p = 0; p < half; p++) {
		int i = a->c.interleaved ? 2 * p : p, j = a->c.interleaved ? i + 1 : p + half;
		double x = (double)from[i] * factor * (a->c.norm ? (double)norm[i] : 1);
		double y = (double)from[j] * factor * (a->c.norm ? (double)norm[j] : 1);
		double c = (double)a->cosine[position * half + p];
		double s = (double)a->sine[position * half + p];
		to[i] = x * c - y * s;
		to[j] = y * c + x * s;
	}
}

static double stored(const struct attend_data *a, double v)
{
	return a->c.wide ? v : (double)to_bf16((float)v);
}

/* One query of stream s at its last position. */
static void attend_in_double(const struct attend_data *a, int s, int q, double *out)
{
	const struct attend_case *c = &a->c;
	int kv = q / (c->heads / c->kv_heads), n = c->positions;
	double query[256], key[256], total = 0, most = -1e300;
	double *score = malloc(sizeof(*score) * (size_t)n);
	const float *rows = a->qkv + (size_t)(s * n) * a->width;

	assert_non_null(score);
	turn(a, rows + (size_t)(n - 1) * a->width + q * c->d, a->norm_q, n - 1, query);
	for (int p = 0; p < n; p++) {
		turn(a, rows + (size_t)p * a->width + (c->heads + kv) * c->d, a->norm_k, p, key);
		score[p] = 0;
		for (int i = 0; i < c->d; i++)
			score[p] += query[i] * stored(a, key[i]);
		score[p] *= 0.3;
		most = fmax(most, score[p]);
	}
	memset(out, 0, sizeof(*out) * (size_t)c->d);
	for (int p = 0; p < n; p++) {
		double weight = exp(score[p] - most);
		total += weight;
		for (int i = 0; i < c->d; i++)
			out[i] +=
			    weight *
			    stored(
				a,
				(double)rows[(size_t)p * a->width +
					     (size_t)((c->heads + c->kv_heads + kv) * c->d + i)]);
	}
	for (int i = 0; i < c->d; i++)
		out[i] /= total;
	free(score);
}

static void make_attend(struct attend_data *a, const struct attend_case *c)
{
	*a = (struct attend_data){.c = *c, .rows = (size_t)(c->positions * c->streams)};
	a->width = (size_t)((c->heads + 2 * c->kv_heads) * c->d);
	a->rope = (size_t)(c->positions * c->d / 2);
	a->qkv = numbers(a->rows * a->width);
	for (size_t r = 0; c->loud && r < a->rows; r++)
		for (size_t i = 0; r >= (size_t)c->loud && i < a->width; i++)
			a->qkv[r * a->width + i] *= 3;
	a->norm_q = numbers((size_t)c->d);
	a->norm_k = numbers((size_t)c->d);
	a->cosine = numbers(a->rope);
	a->sine = numbers(a->rope);
}

/* Attention of the rows [first, first + count) of every stream, in one pass: theirs are in b's order. */
static void attend_rows(struct card *card, const struct attend_data *a, uint8_t *const *caches,
			int capacity, int first, int count, float *out)
{
	const struct card_ops *ops = card->ops;
	size_t rows = (size_t)(count * a->c.streams), heads = (size_t)(a->c.heads * a->c.d);
	struct card_row *here = calloc(rows, sizeof(*here));
	float *qkv = malloc(rows * a->width * sizeof(*qkv));
	assert_true(here && qkv);
	for (size_t r = 0; r < rows; r++) {
		int s = (int)r / count, p = first + (int)r % count;
		here[r] = (struct card_row){caches[s], p, capacity};
		memcpy(qkv + r * a->width, a->qkv + (size_t)(s * a->c.positions + p) * a->width,
		       a->width * sizeof(*qkv));
	}
	struct card_attend launch = {.heads = a->c.heads,
				     .kv_heads = a->c.kv_heads,
				     .head_dim = a->c.d,
				     .layer = 1,
				     .interleaved = a->c.interleaved,
				     .wide = a->c.wide,
				     .put = count == 1,
				     .scale = 0.3f,
				     .eps = 1e-5f};
	struct card_row *there = ops->alloc(card, rows * sizeof(*there));
	ops->put(card, there, here, rows * sizeof(*here));
	launch.rows = there;
	launch.qkv = upload(card, qkv, rows * a->width);
	launch.out = ops->alloc(card, rows * heads * sizeof(float));
	float *norm_q = upload(card, a->norm_q, (size_t)a->c.d);
	float *norm_k = upload(card, a->norm_k, (size_t)a->c.d);
	float *cosine = upload(card, a->cosine, a->rope), *sine = upload(card, a->sine, a->rope);
	launch.norm_q = a->c.norm ? norm_q : NULL;
	launch.norm_k = a->c.norm ? norm_k : NULL;
	launch.cosine = cosine;
	launch.sine = sine;
	if (count > 1)
		ops->launch(card, CARD_REMEMBER, (int)rows, a->c.kv_heads, &launch, sizeof(launch));
	ops->launch(card, CARD_ATTEND, (int)rows, a->c.kv_heads, &launch, sizeof(launch));
	ops->get(card, out, launch.out, rows * heads * sizeof(float));
	void *all[] = {there, launch.qkv, launch.out, norm_q, norm_k, cosine, sine};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		ops->release(card, all[i]);
	assert_false(card->failed);
	free(here);
	free(qkv);
}

/* What the last position of each stream gets: all in one pass, or the last in one of its own. */
static float *attend_all(struct card *card, const struct attend_data *a, bool at_once)
{
	int n = a->c.positions, capacity = (n + 31) / 16 * 16, d = a->c.d;
	size_t each = (size_t)(2 * a->c.kv_heads * 2 * capacity * d) * (a->c.wide ? 4 : 2);
	size_t floats = (size_t)(a->c.heads * d);
	uint8_t *caches[2];
	float *out = malloc(sizeof(*out) * floats * a->rows);
	float *last = malloc(sizeof(*last) * floats * (size_t)a->c.streams);
	assert_true(out && last);
	for (int s = 0; s < a->c.streams; s++)
		assert_non_null(caches[s] = card->ops->alloc(card, each));
	if (at_once) {
		attend_rows(card, a, caches, capacity, 0, n, out);
		for (int s = 0; s < a->c.streams; s++)
			memcpy(last + (size_t)s * floats, out + (size_t)(s * n + n - 1) * floats,
			       floats * sizeof(*last));
	} else {
		if (n > 1)
			attend_rows(card, a, caches, capacity, 0, n - 1, out);
		attend_rows(card, a, caches, capacity, n - 1, 1, last);
	}
	for (int s = 0; s < a->c.streams; s++)
		card->ops->release(card, caches[s]);
	free(out);
	return last;
}

static void check_attention(const struct attend_case *c)
{
	struct attend_data a;
	double want[256], worst = 0;
	make_attend(&a, c);
	size_t bytes = sizeof(float) * (size_t)(c->heads * c->d * c->streams);
	float *out = attend_all(cards[0], &a, false), *again = attend_all(cards[1], &a, false);
	float *at_once = attend_all(cards[0], &a, true);
	assert_memory_equal(out, again, bytes);
	assert_memory_equal(out, at_once, bytes);
	for (int s = 0; s < c->streams; s++)
		for (int q = 0; q < c->heads; q++) {
			attend_in_double(&a, s, q, want);
			for (int i = 0; i < c->d; i++) {
				double got = (double)out[(s * c->heads + q) * c->d + i];
				worst = fmax(worst, isfinite(got) ? fabs(got - want[i]) : 1e9);
			}
		}
	/* a bf16 key whose f32 sum falls to the other side differs in its last bit */
	double limit = c->wide ? 3e-6 : 3e-3;
	if (!(worst <= limit))
		print_error("%d heads of %d, %d positions: off by %g\n", c->heads, c->d,
			    c->positions, worst);
	assert_true(worst <= limit);
	free(out);
	free(again);
	free(at_once);
	free(a.qkv);
	free(a.norm_q);
	free(a.norm_k);
	free(a.cosine);
	free(a.sine);
}

static void test_attention(void **state)
{
	static const struct attend_case cases[] = {
	    {.heads = 2, .kv_heads = 2, .d = 64, .positions = 37, .streams = 2, .wide = true},
	    {.heads = 2, .kv_heads = 2, .d = 64, .positions = 37, .streams = 2},
	    {.heads = 4,
	     .kv_heads = 2,
	     .d = 16,
	     .positions = 70,
	     .streams = 1,
	     .interleaved = true,
	     .wide = true},
	    {.heads = 4, .kv_heads = 1, .d = 128, .positions = 19, .streams = 2, .norm = true},
	    {.heads = 1,
	     .kv_heads = 1,
	     .d = 256,
	     .positions = 5,
	     .streams = 1,
	     .wide = true,
	     .norm = true},
	    {.heads = 1,
	     .kv_heads = 1,
	     .d = 80,
	     .positions = 40,
	     .streams = 1,
	     .interleaved = true},
	    {.heads = 2, .kv_heads = 1, .d = 8, .positions = 1, .streams = 2, .wide = true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_attention(&cases[i]);
}

/* More positions than a block weighs at once, the largest scores among the last or not. */
static void test_long_context(void **state)
{
	(void)state;
	check_attention(&(struct attend_case){
	    .heads = 1, .kv_heads = 1, .d = 16, .positions = 1100, .streams = 1, .wide = true});
	check_attention(&(struct attend_case){.heads = 1,
					      .kv_heads = 1,
					      .d = 16,
					      .positions = 1100,
					      .streams = 1,
					      .wide = true,
					      .loud = 1030});
}

/* The small ones */

static void test_carry(void **state)
{
	const int capacities[2] = {48, 32}, positions = 21, d = 16, blocks = 3;
	(void)state;
	for (int wide = 0; wide < 2; wide++) {
		const struct card_ops *ops = cards[wide]->ops;
		size_t element = wide ? 4 : 2, bytes[2];
		uint8_t *there[2], *here[2];
		for (int i = 0; i < 2; i++) {
			bytes[i] = (size_t)(blocks * 2 * capacities[i] * d) * element;
			assert_non_null(there[i] = ops->alloc(cards[wide], bytes[i]));
			assert_non_null(here[i] = malloc(bytes[i]));
		}
		for (size_t i = 0; i < bytes[0]; i++)
			here[0][i] = (uint8_t)(i * 31 % 251 + 1);
		ops->put(cards[wide], there[0], here[0], bytes[0]);
		struct card_carry c = {there[1],  there[0], capacities[1], capacities[0],
				       positions, d,        wide};
		ops->launch(cards[wide], CARD_CARRY, blocks, 1, &c, sizeof(c));
		ops->get(cards[wide], here[1], there[1], bytes[1]);
		size_t pieces = (size_t)d * element / 16;
		for (size_t i = 0; i < bytes[1]; i++) {
			size_t half = bytes[1] / (size_t)blocks / 2, head = i / half;
			size_t quad = i % half / 16;
			bool key = head % 2 == 0;
			size_t piece = key ? quad / (size_t)capacities[1] : quad % pieces;
			size_t p = key ? quad % (size_t)capacities[1] : quad / pieces;
			size_t from_quad = key ? piece * (size_t)capacities[0] + p : quad;
			size_t from =
			    head * (bytes[0] / (size_t)blocks / 2) + from_quad * 16 + i % 16;
			uint8_t want = p < (size_t)positions ? here[0][from] : 0;
			assert_int_equal(here[1][i], want);
		}
		for (int i = 0; i < 2; i++) {
			ops->release(cards[wide], there[i]);
			free(here[i]);
		}
	}
}

static void test_int4_is_refused(void **state)
{
	struct engine_matrix from;
	struct engine_card_matrix m;
	struct err e = {0};
	(void)state;
	assert_true(engine_matrix_init(
	    &from, &(struct engine_matrix_options){.weights = KERNEL_INT4, .outputs = 16, .k = 64},
	    &e));
	assert_false(engine_card_matrix_init(&m, cards[0], &from, pool, &e));
	assert_int_equal(e.code, ERR_UNSUPPORTED);
	engine_matrix_finish(&from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_products),  cmocka_unit_test(test_extremes),
	    cmocka_unit_test(test_attention), cmocka_unit_test(test_long_context),
	    cmocka_unit_test(test_carry),     cmocka_unit_test(test_int4_is_refused),
	};
#if defined(REAL_CARD)
	struct err e = {0};
	struct card *card = engine_card_open(&e);
	if (!card) {
		printf("skipped: %s\n", e.message);
		return 77;
	}
	card->ops->destroy(card);
#endif
	return cmocka_run_group_tests(tests, open_cards, close_cards);
}
