/* Convolutions: every level of kernels on fresh random shapes against the definition, written out here in
 * double; strips of rows; group norm and softmax; int8 weights; sizes that make no sense. */
#include "base/rand.h"
#include "engine/conv.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct rng rng;

static float uniform(void)
{
	return (float)(2.0 * rng_uniform(&rng) - 1.0);
}

static int between(int low, int high)
{
	return low + (int)(rng_next(&rng) % (uint64_t)(high - low + 1));
}

static float *noise(size_t count)
{
	float *x = malloc(count * sizeof(float));
	assert_non_null(x);
	for (size_t i = 0; i < count; i++)
		x[i] = uniform();
	return x;
}

/* Of what a level computes: f32 rounds like the oracle, bf16 keeps 8 bits of each factor. */
static double tolerance(const struct conv_kernels *k)
{
	return k->element_size == 4 ? 2e-6 : 8e-3;
}

/* Every table of kernels that this machine can run, not only those it would choose. */
static const struct conv_kernels *const *tables(size_t *count)
{
	static const struct conv_kernels *list[KERNEL_LEVEL_COUNT + 1];
	*count = 0;
	for (int level = KERNEL_SCALAR; level <= (int)kernels_best(); level++)
		list[(*count)++] = engine_conv_kernels((enum kernel_level)level);
#ifdef __x86_64__
	if (kernels_best() >= KERNEL_AVX512)
		list[(*count)++] = engine_conv_kernels(KERNEL_AVX512) == &conv_kernels_avx512 &&
					   __builtin_cpu_supports("avx512bf16")
				       ? &conv_kernels_bf16
				       : &conv_kernels_avx512;
#endif
	return list;
}

static const struct conv_kernels *best(void)
{
	return engine_conv_kernels(kernels_best());
}

struct problem {
	enum engine_conv_kind kind;
	int width, height, in, out, first, last;
	struct conv_prepare prepare;
	bool accumulate, quantized;
	float *x, *w, *bias, *scale, *gain, *shift;
	int8_t *q;
};

static void problem_init(struct problem *p, enum engine_conv_kind kind)
{
	*p = (struct problem){.kind = kind};
	p->width = between(1, 20) * (kind == ENGINE_CONV_DOWN ? 2 : 1);
	p->height = between(1, 14) * (kind == ENGINE_CONV_DOWN ? 2 : 1);
	p->in = between(1, 70);
	p->out = between(1, 70);
	int height = engine_conv_out_size(kind, p->height);
	p->first = between(0, height - 1);
	p->last = between(p->first + 1, height);
	p->accumulate = rng_next(&rng) & 1;
	p->quantized = rng_next(&rng) & 1;
	size_t weights = (size_t)(p->out * p->in * (kind == ENGINE_CONV_1X1 ? 1 : 9));
	p->x = noise((size_t)(p->width * p->height * p->in));
	if (rng_next(&rng) % 8 == 0) /* pixels whose channels are nearly equal */
		for (int i = 0; i < p->width * p->height * p->in; i++)
			p->x[i] = p->x[i / p->in * p->in] * (1 + 1e-3f * uniform());
	p->w = noise(weights);
	p->bias = noise((size_t)p->out);
	p->scale = noise((size_t)p->out);
	p->gain = noise((size_t)p->in);
	p->shift = noise((size_t)p->in);
	p->q = malloc(weights);
	assert_non_null(p->q);
	for (size_t i = 0; p->quantized && i < weights; i++)
		p->q[i] = (int8_t)between(-127, 127);
	for (int i = 0; i < p->out; i++)
		p->scale[i] *= 0.01f;
	p->prepare = (struct conv_prepare){.norm = (enum conv_norm)between(0, CONV_NORM_LAYER),
					   .act = (enum conv_act)between(0, CONV_ACT_GELU),
					   .eps = 1e-6f,
					   .gain = p->gain,
					   .bias = p->shift};
}

static void problem_finish(struct problem *p)
{
	free(p->x);
	free(p->w);
	free(p->bias);
	free(p->scale);
	free(p->gain);
	free(p->shift);
	free(p->q);
}

static double act(double v, enum conv_act a)
{
	if (a == CONV_ACT_SWISH)
		return v / (1 + exp(-v));
	return a == CONV_ACT_GELU ? 0.5 * v * (1 + erf(v / sqrt(2.0))) : v;
}

/* A prepared input, and the magnitude that its rounding is relative to: of what is added and taken away on the
 * way, not of what remains. Where the channels of a pixel are nearly equal, LAYER takes nearly all away
 * and multiplies what is left, with the mean's last bit in it, by up to 1/sqrt(eps) = 1000. */
struct value {
	double v, size;
};

static struct value *prepared(const struct problem *p)
{
	size_t pixels = (size_t)(p->width * p->height);
	struct value *y = malloc(pixels * (size_t)p->in * sizeof(*y));
	assert_non_null(y);
	for (size_t i = 0; i < pixels; i++) {
		const float *x = p->x + i * (size_t)p->in;
		double mean = 0, square = 0;
		for (int c = 0; c < p->in; c++)
			mean += (double)x[c] / p->in;
		mean = p->prepare.norm == CONV_NORM_LAYER ? mean : 0;
		for (int c = 0; c < p->in; c++)
			square += (x[c] - mean) * (x[c] - mean) / p->in;
		double rate = 1 / sqrt(square + 1e-6);
		for (int c = 0; c < p->in; c++) {
			double v = x[c], size = fabs(v);
			if (p->prepare.norm == CONV_NORM_AFFINE) {
				v = v * p->gain[c] + p->shift[c];
				size = fabs(x[c] * (double)p->gain[c]) + fabs((double)p->shift[c]);
			}
			if (p->prepare.norm == CONV_NORM_RMS) {
				v = v * rate * p->gain[c];
				size = fabs(v);
			}
			if (p->prepare.norm == CONV_NORM_LAYER) {
				v = (v - mean) * rate * p->gain[c] + p->shift[c];
				size = (size + fabs(mean)) * rate * fabs((double)p->gain[c]) +
				       fabs((double)p->shift[c]);
			}
			y[i * (size_t)p->in + (size_t)c] =
			    (struct value){act(v, p->prepare.act), size};
		}
	}
	return y;
}

/* The input pixel that output (y, x) sees at tap (ky, kx); false: padding. */
static bool source(const struct problem *p, int y, int x, int *sy, int *sx)
{
	(void)p;
	switch (p->kind) {
	case ENGINE_CONV_UP:
		if (y < 0 || x < 0 || y >= 2 * p->height || x >= 2 * p->width)
			return false;
		*sy = y / 2;
		*sx = x / 2;
		return true;
	default:
		*sy = y;
		*sx = x;
		return y >= 0 && x >= 0 && y < p->height && x < p->width;
	}
}

static double weight_at(const struct problem *p, int n, int c, int t)
{
	size_t i = ((size_t)n * (size_t)p->in + (size_t)c) * (p->kind == ENGINE_CONV_1X1 ? 1 : 9) +
		   (size_t)t;
	return p->quantized ? (double)p->q[i] * (double)p->scale[n] : (double)p->w[i];
}

/* One output by the definition; *size is the sum of the magnitudes, what rounding is relative to. */
static double definition(const struct problem *p, const struct value *in, int y, int x, int n,
			 double *size)
{
	int side = p->kind == ENGINE_CONV_1X1 ? 1 : 3, stride = p->kind == ENGINE_CONV_DOWN ? 2 : 1;
	int pad = p->kind == ENGINE_CONV_3X3 || p->kind == ENGINE_CONV_UP ? 1 : 0, sy, sx;
	double sum = p->bias[n];
	*size = fabs(sum) + 1;
	for (int t = 0; t < side * side; t++) {
		if (!source(p, y * stride + t / side - pad, x * stride + t % side - pad, &sy, &sx))
			continue;
		for (int c = 0; c < p->in; c++) {
			size_t i = ((size_t)sy * (size_t)p->width + (size_t)sx) * (size_t)p->in +
				   (size_t)c;
			double w = weight_at(p, n, c, t);
			sum += in[i].v * w;
			*size += in[i].size * fabs(w);
		}
	}
	return sum;
}

static void run(const struct problem *p, const struct conv_kernels *k, struct engine_pool *pool,
		const struct engine_plane *in, struct engine_plane *out)
{
	struct err e = {0};
	struct engine_conv_work work;
	struct engine_conv_weights w = {
	    .kind = p->kind, .out = p->out, .in = p->in, .bias = p->bias};
	w.weight = p->quantized ? NULL : p->w;
	w.quantized = p->quantized ? p->q : NULL;
	w.scale = p->scale;
	struct engine_conv *c = engine_conv_create(k, &w, &e);
	assert_non_null(c);
	assert_true(engine_conv_work_init(&work, pool, &e));
	struct engine_conv_call call = {
	    .in = in, .out = out, .prepare = p->prepare, .accumulate = p->accumulate};
	assert_true(engine_conv_run(c, &call, &work, &e));
	engine_conv_work_finish(&work);
	engine_conv_destroy(c);
}

/* A problem on one level: only the rows wanted, only the input rows that they need. */
static void check(const struct problem *p, const struct conv_kernels *k, struct engine_pool *pool)
{
	struct engine_plane in = {.width = p->width, .height = p->height, .channels = p->in};
	struct engine_plane out = {.width = engine_conv_out_size(p->kind, p->width),
				   .height = engine_conv_out_size(p->kind, p->height),
				   .channels = p->out,
				   .first = p->first,
				   .last = p->last};
	in.first = p->first;
	in.last = p->last;
	engine_conv_rows_needed(p->kind, p->height, &in.first, &in.last);
	size_t row = (size_t)(p->width * p->in);
	size_t in_count = (size_t)(in.last - in.first) * row;
	in.data = malloc(in_count * sizeof(float)); /* of its own: a read outside is caught */
	assert_non_null(in.data);
	memcpy(in.data, p->x + (size_t)in.first * row, in_count * sizeof(float));
	size_t count = (size_t)(out.last - out.first) * (size_t)(out.width * out.channels);
	out.data = noise(count);
	float *before = malloc(count * sizeof(float));
	assert_non_null(before);
	memcpy(before, out.data, count * sizeof(float));
	run(p, k, pool, &in, &out);
	struct value *x = prepared(p);
	double size;
	for (size_t i = 0; i < count; i++) {
		int n = (int)(i % (size_t)p->out), pixel = (int)(i / (size_t)p->out);
		double expected =
		    definition(p, x, out.first + pixel / out.width, pixel % out.width, n, &size);
		if (p->accumulate)
			expected += (double)before[i];
		double off = fabs((double)out.data[i] - expected) / size;
		if (!(off <= tolerance(k)))
			fail_msg(
			    "%s kind %d, %dx%d %d->%d rows %d-%d norm %d act %d int8 %d: %g is not %g (%g)",
			    k->name, p->kind, p->width, p->height, p->in, p->out, p->first, p->last,
			    p->prepare.norm, p->prepare.act, p->quantized, (double)out.data[i],
			    expected, off);
	}
	free(x);
	free(before);
	free(in.data);
	free(out.data);
}

static void test_random_shapes(void **state)
{
	(void)state;
	struct err e = {0};
	struct engine_pool *pool = engine_pool_create(3, &e);
	assert_non_null(pool);
	size_t count;
	const struct conv_kernels *const *table = tables(&count);
	for (int i = 0; i < 120; i++) {
		struct problem p;
		problem_init(&p, (enum engine_conv_kind)(i % 4));
		for (size_t t = 0; t < count; t++)
			check(&p, table[t], i % 3 ? NULL : pool);
		problem_finish(&p);
	}
	engine_pool_destroy(pool);
}

/* Larger than a thread's staging buffer holds at once, so that rows are carried over. */
static void test_long_strips(void **state)
{
	size_t count;
	const struct conv_kernels *const *table = tables(&count);
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct problem p;
		problem_init(&p, (enum engine_conv_kind)kind);
		problem_finish(&p);
		p = (struct problem){
		    .kind = (enum engine_conv_kind)kind, .width = 160, .height = 14};
		p.in = 250;
		p.out = 3;
		p.last = engine_conv_out_size(p.kind, p.height);
		p.x = noise((size_t)(p.width * p.height * p.in));
		p.w = noise((size_t)(p.out * p.in * 9));
		p.bias = noise(3);
		for (size_t t = 0; t < count; t++)
			check(&p, table[t], NULL);
		problem_finish(&p);
	}
}

/* The same bits with one thread and with several. */
static void test_threads_do_not_show(void **state)
{
	(void)state;
	struct err e = {0};
	struct engine_pool *pool = engine_pool_create(4, &e);
	assert_non_null(pool);
	const int channels = 64;
	struct engine_plane in = {.width = 37, .height = 41, .channels = channels, .last = 41};
	in.data = noise((size_t)(37 * 41 * channels));
	struct engine_conv_work work[2];
	assert_true(engine_conv_work_init(&work[0], NULL, &e));
	assert_true(engine_conv_work_init(&work[1], pool, &e));
	float *gain = noise((size_t)channels), factor[2][64], summand[2][64];
	struct engine_group_norm norm = {.groups = 32, .eps = 1e-6f, .gain = gain, .bias = gain};
	const struct conv_kernels *k = best();
	for (int i = 0; i < 2; i++)
		assert_true(
		    engine_conv_group_norm(k, &in, &norm, &work[i], factor[i], summand[i], &e));
	assert_memory_equal(factor[0], factor[1], sizeof(factor[0]));
	assert_memory_equal(summand[0], summand[1], sizeof(summand[0]));
	for (int g = 0; g < 32; g++) {
		double sum = 0, square = 0, count = 37 * 41 * 2;
		for (int i = 0; i < 37 * 41; i++) {
			for (int c = 2 * g; c < 2 * g + 2; c++) {
				double v = in.data[i * channels + c];
				sum += v;
				square += v * v;
			}
		}
		double mean = sum / count, rate = 1 / sqrt(square / count - mean * mean + 1e-6);
		for (int c = 2 * g; c < 2 * g + 2; c++) {
			assert_true(fabs(factor[0][c] - rate * gain[c]) < 1e-5);
			assert_true(fabs(summand[0][c] - (gain[c] - mean * rate * gain[c])) < 1e-5);
		}
	}
	engine_conv_work_finish(&work[0]);
	engine_conv_work_finish(&work[1]);
	free(gain);
	free(in.data);
	engine_pool_destroy(pool);
}

static void test_matrix_and_softmax(void **state)
{
	(void)state;
	struct err e = {0};
	const int m = 21, n = 45, depth = 37;
	float *a = noise((size_t)(m * depth)), *b = noise((size_t)(n * depth));
	float *y = noise((size_t)(m * n)), *s = noise((size_t)(m * n));
	size_t count;
	const struct conv_kernels *const *table = tables(&count);
	for (size_t t = 0; t < count; t++) {
		const struct conv_kernels *k = table[t];
		struct engine_conv_work work;
		struct engine_plane in = {a, m, 1, depth, 0, 1}, out = {y, m, 1, n, 0, 1};
		struct engine_plane soft = {s, m, 1, n, 0, 1};
		struct engine_conv_call call = {.in = &in, .out = &out};
		struct engine_conv *c = engine_conv_matrix_create(k, n, depth, &e);
		assert_non_null(c);
		assert_true(engine_conv_work_init(&work, NULL, &e));
		engine_conv_matrix_pack(c, b, 1, (size_t)n, &work); /* b is [depth][n] */
		assert_true(engine_conv_run(c, &call, &work, &e));
		memcpy(s, y, (size_t)(m * n) * sizeof(float));
		engine_conv_softmax(k, &soft, 0.5f, &work);
		for (int i = 0; i < m; i++) {
			double sum = 0;
			for (int j = 0; j < n; j++)
				sum += exp(0.5 * (double)y[i * n + j]);
			for (int j = 0; j < n; j++) {
				double dot = 0;
				for (int d = 0; d < depth; d++)
					dot += (double)a[i * depth + d] * (double)b[d * n + j];
				assert_true(fabs(dot - (double)y[i * n + j]) <
					    tolerance(k) * depth);
				double p = exp(0.5 * (double)y[i * n + j]) / sum;
				assert_true(fabs(p - (double)s[i * n + j]) < 1e-6);
			}
		}
		engine_conv_work_finish(&work);
		engine_conv_destroy(c);
	}
	free(a);
	free(b);
	free(y);
	free(s);
}

static void test_refusals(void **state)
{
	(void)state;
	struct err e = {0};
	float w = 1;
	const struct conv_kernels *k = engine_conv_kernels(KERNEL_SCALAR);
	struct engine_conv_weights none = {.kind = ENGINE_CONV_1X1, .out = 1, .in = 1};
	struct engine_conv_weights zero = {
	    .kind = ENGINE_CONV_1X1, .out = 0, .in = 1, .weight = &w};
	struct engine_conv_weights wide = {
	    .kind = ENGINE_CONV_1X1, .out = 1, .in = ENGINE_CONV_CHANNELS_MAX + 1, .weight = &w};
	assert_null(engine_conv_create(k, &none, &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_null(engine_conv_create(k, &zero, &e));
	assert_null(engine_conv_create(k, &wide, &e));
	engine_conv_destroy(NULL);
}

int main(void)
{
	/* Another seed each time; it is printed, so that a failure can be had again. */
	const char *text = getenv("ENGINE_TEST_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
	printf("ENGINE_TEST_SEED=%llu, best level %s\n", (unsigned long long)seed, best()->name);
	rng_seed(&rng, seed);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_shapes),
	    cmocka_unit_test(test_long_strips),
	    cmocka_unit_test(test_threads_do_not_show),
	    cmocka_unit_test(test_matrix_and_softmax),
	    cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
