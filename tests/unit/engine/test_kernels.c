/* Every level of kernels that this machine has against the scalar oracle, on fresh random inputs of awkward
 * sizes: integer kernels to the bit, float ones to rounding. The seed is printed by a failing run. */
#include "engine/kernels/kernels.h"
#include "engine/matrix.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static uint64_t seed, state;

static float uniform(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (float)(state >> 40) / 8388608.0f - 1.0f;
}

static size_t between(size_t low, size_t high)
{
	return low + (size_t)((uniform() + 1) / 2 * (float)(high - low + 1)) % (high - low + 1);
}

static float *random_floats(size_t n)
{
	float *p = malloc((n + 64) * sizeof(*p));
	for (size_t i = 0; i < n + 64; i++)
		p[i] = uniform() * 2;
	return p;
}

static float worst(const float *a, const float *b, size_t n)
{
	float w = 0;
	for (size_t i = 0; i < n; i++) {
		float d = fabsf(a[i] - b[i]) / (1.0f + fabsf(b[i]));
		if (!(d <= w)) /* NaN is the worst of all */
			w = d;
	}
	return w;
}

static void check(const char *what, const struct kernels *k, float got, float limit)
{
	if (got <= limit)
		return;
	print_error("%s of %s: off by %g (limit %g), seed %llu\n", what, k->name, (double)got,
		    (double)limit, (unsigned long long)seed);
	fail();
}

static void product_case(const struct kernels *k, const struct kernels *oracle,
			 enum kernel_weights weights, size_t rows, size_t width)
{
	struct err e;
	struct engine_matrix m;
	struct engine_matrix_scratch a, b;
	size_t outputs = between(1, 130);
	struct engine_pool *pool = engine_pool_create(1, &e);
	float *row = random_floats(width), *x = random_floats(rows * width);
	float *want = random_floats(rows * (outputs + 3)),
	      *got = malloc(sizeof(float) * rows * (outputs + 3));
	bool bias = uniform() > 0, add = uniform() > 0;

	memcpy(got, want, sizeof(float) * rows * (outputs + 3));
	assert_true(engine_matrix_init(
	    &m,
	    &(struct engine_matrix_options){
		.weights = weights, .outputs = outputs, .k = width, .bias = bias},
	    &e));
	for (size_t o = 0; o < outputs; o++) {
		for (size_t i = 0; i < width; i++)
			row[i] = uniform();
		engine_matrix_set_row(&m, o, row);
		if (bias)
			engine_matrix_set_bias(&m, o, uniform());
	}
	assert_true(engine_matrix_scratch_init(&a, rows, width, &e));
	assert_true(engine_matrix_scratch_init(&b, rows, width, &e));
	struct engine_matrix_product p = {.x = x,
					  .x_stride = width,
					  .y = want,
					  .y_stride = outputs + 3,
					  .rows = rows,
					  .add = add};
	engine_matrix_multiply(&m, oracle, pool, &a, &p);
	p.y = got;
	engine_matrix_multiply(&m, k, pool, &b, &p);
	bool exact = weights == KERNEL_INT8 || weights == KERNEL_INT4;
	/* the padding between the rows of y is compared too: nobody may write there */
	check(exact ? "integer product" : "float product", k,
	      worst(got, want, rows * (outputs + 3)), exact ? 0 : 3e-5f);
	engine_matrix_scratch_finish(&a);
	engine_matrix_scratch_finish(&b);
	engine_matrix_finish(&m);
	engine_pool_destroy(pool);
	free(row);
	free(x);
	free(want);
	free(got);
}

static void attention_case(const struct kernels *k, const struct kernels *oracle, bool int8)
{
	size_t d = between(1, 32) * 8, count = between(1, 300), capacity = (count + 15) / 16 * 16;
	size_t key_bytes = capacity * ((d + 3) / 4 * 4) * 4;
	float *memory[2][4], *out[2], *scratch = random_floats(count + 64),
				      *query = random_floats(d);
	uint8_t *visible = malloc(count + 64);
	struct kernel_cache_view view[2];

	for (size_t p = 0; p < count; p++)
		visible[p] = uniform() > -0.8f || p + 1 == count;
	for (int side = 0; side < 2; side++) {
		memory[side][0] = calloc(1, key_bytes);
		memory[side][1] = calloc(1, key_bytes);
		memory[side][2] = calloc(capacity, sizeof(float));
		memory[side][3] = calloc(capacity, sizeof(float));
		out[side] = random_floats(d);
		view[side] = (struct kernel_cache_view){memory[side][0],
							memory[side][1],
							int8 ? memory[side][2] : NULL,
							int8 ? memory[side][3] : NULL,
							d,
							capacity};
	}
	for (size_t p = 0; p < count; p++) {
		float *key = random_floats(d), *value = random_floats(d);
		oracle->cache_put(&view[0], p, key, value);
		k->cache_put(&view[1], p, key, value);
		free(key);
		free(value);
	}
	assert_memory_equal(memory[0][0], memory[1][0], key_bytes);
	assert_memory_equal(memory[0][1], memory[1][1], key_bytes);
	assert_memory_equal(memory[0][2], memory[1][2], capacity * sizeof(float));
	for (int masked = 0; masked < 2; masked++) {
		oracle->attend(&view[0], count, masked ? visible : NULL, query, 0.2f, scratch,
			       out[0]);
		k->attend(&view[1], count, masked ? visible : NULL, query, 0.2f, scratch, out[1]);
		check(int8 ? "int8 attention" : "f32 attention", k, worst(out[1], out[0], d),
		      3e-5f);
	}
	for (int side = 0; side < 2; side++) {
		for (int i = 0; i < 4; i++)
			free(memory[side][i]);
		free(out[side]);
	}
	free(scratch);
	free(query);
	free(visible);
}

/* Many rows at once are to the bit what they are one by one. */
static void attention_rows_case(const struct kernels *k)
{
	size_t d = 64 * between(1, 4), rows = between(1, KERNEL_ATTEND_ROWS);
	size_t position = between(0, 200), count = position + rows;
	size_t capacity = (count + 15) / 16 * 16, bytes = (capacity + KERNEL_MIX) * d;
	struct kernel_cache_view view = {calloc(1, bytes),
					 calloc(1, bytes),
					 calloc(capacity, sizeof(float)),
					 calloc(capacity, sizeof(float)),
					 d,
					 capacity};
	float *scratch = malloc(sizeof(float) * KERNEL_ATTEND_ROWS * (count + KERNEL_ATTEND_SLACK));
	float *query = random_floats(rows * d), *want = malloc(rows * d * sizeof(float));
	float *got = malloc(rows * d * sizeof(float));

	for (size_t p = 0; p < count; p++) {
		float *key = random_floats(2 * d);
		k->cache_put(&view, p, key, key + d);
		free(key);
	}
	for (size_t r = 0; r < rows; r++)
		k->attend(&view, position + r + 1, NULL, query + r * d, 0.1f, scratch,
			  want + r * d);
	struct kernel_attention a = {&view, position, rows, query, d, 0.1f, scratch, got, d};
	k->attend_rows(&a);
	check("attention of rows", k, worst(got, want, rows * d), 0);
	free(view.key);
	free(view.value);
	free(view.key_scale);
	free(view.value_scale);
	free(scratch);
	free(query);
	free(want);
	free(got);
}

static void vector_cases(const struct kernels *k, const struct kernels *oracle)
{
	void (*const fns[2][3])(float *, size_t) = {{oracle->silu, oracle->gelu, oracle->gelu_tanh},
						    {k->silu, k->gelu, k->gelu_tanh}};
	static const char *const NAMES[] = {"silu", "gelu", "gelu_tanh"};
	size_t n = between(1, 300);
	float *x = random_floats(n), *a = malloc(n * 4), *b = malloc(n * 4), *w = random_floats(n);

	for (size_t i = 0; i < n; i++)
		x[i] *= i % 7 == 0 ? 60.0f : 4.0f;
	for (int f = 0; f < 3; f++) {
		memcpy(a, x, n * 4);
		memcpy(b, x, n * 4);
		fns[0][f](a, n);
		fns[1][f](b, n);
		check(NAMES[f], k, worst(b, a, n), 2e-6f);
	}
	memcpy(a, x, n * 4);
	memcpy(b, x, n * 4);
	oracle->rms_norm(x, w, 1e-6f, a, n);
	k->rms_norm(x, w, 1e-6f, b, n);
	check("rms_norm", k, worst(b, a, n), 2e-6f);
	free(x);
	free(a);
	free(b);
	free(w);
}

/* Nothing is written past n numbers of a row. */
static void swiglu_case(const struct kernels *k, const struct kernels *oracle)
{
	size_t rows = between(1, 5), n = between(1, 130), stride = n + between(0, 3);
	size_t in_stride = (n + 15) / 16 * 32;
	float *in = random_floats(rows * in_stride), *a = random_floats(rows * stride);
	float *b = malloc(rows * stride * sizeof(float));

	for (size_t i = 0; i < rows * in_stride; i++)
		in[i] *= i % 7 == 0 ? 60.0f : 4.0f;
	memcpy(b, a, rows * stride * sizeof(float));
	oracle->swiglu(in, in_stride, a, stride, rows, n);
	k->swiglu(in, in_stride, b, stride, rows, n);
	check("swiglu", k, worst(b, a, rows * stride), 2e-6f);
	free(in);
	free(a);
	free(b);
}

static void all_levels(void **unused)
{
	struct err e;
	const struct kernels *oracle = kernels_find(KERNEL_SCALAR, &e);
	(void)unused;
	for (enum kernel_level level = KERNEL_AVX2; level <= kernels_best(); level++) {
		const struct kernels *k = kernels_find(level, &e);
		assert_non_null(k);
		for (int round = 0; round < 12; round++) {
			for (enum kernel_weights w = KERNEL_F32; w <= KERNEL_INT4; w++)
				for (size_t rows = 1; rows <= 9; rows++)
					product_case(k, oracle, w, rows, between(1, 700));
			product_case(k, oracle, KERNEL_INT8, between(10, 70), between(1, 700));
			product_case(k, oracle, KERNEL_INT4, between(10, 40), between(1, 700));
			attention_case(k, oracle, false);
			attention_case(k, oracle, true);
			if (k->attend_rows)
				attention_rows_case(k);
			vector_cases(k, oracle);
			swiglu_case(k, oracle);
		}
	}
}

/* Enough rows for tiles of rows, and for more than are summed at a time. */
static void many_rows(void **unused)
{
	struct err e;
	const struct kernels *oracle = kernels_find(KERNEL_SCALAR, &e);
	(void)unused;
	for (int level = KERNEL_AVX2; level <= (int)kernels_best(); level++) {
		const struct kernels *k = kernels_find((enum kernel_level)level, &e);
		static const size_t ROWS[] = {12, 31, 32, 33, 128, 129, 290};
		for (size_t i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++)
			for (int w = KERNEL_INT8; w <= KERNEL_INT4; w++)
				product_case(k, oracle, (enum kernel_weights)w, ROWS[i],
					     between(1, 700));
		/* so wide that not all rows of x are near at a time */
		product_case(k, oracle, KERNEL_INT8, 150, 12000);
	}
}

static void rotations(void **unused)
{
	struct err e;
	const struct kernels *oracle = kernels_find(KERNEL_SCALAR, &e);
	(void)unused;
	for (int level = KERNEL_AVX2; level <= (int)kernels_best(); level++)
		for (size_t half = 1; half <= 128; half += 5) {
			const struct kernels *k = kernels_find((enum kernel_level)level, &e);
			float *want = random_floats(2 * half), *turn = random_floats(2 * half);
			float *got = malloc(2 * half * sizeof(float));
			memcpy(got, want, 2 * half * sizeof(float));
			oracle->rotate_half(want, turn, turn + half, half);
			k->rotate_half(got, turn, turn + half, half);
			check("rotation", k, worst(got, want, 2 * half), 0);
			free(want);
			free(turn);
			free(got);
		}
}

/* A row's product is the same whatever rows stand beside it: what "same seed, same picture" rests on. */
static void rows_stand_alone(void **unused)
{
	struct err e;
	struct engine_pool *pool = engine_pool_create(3, &e);
	(void)unused;
	for (enum kernel_level level = KERNEL_SCALAR; level <= kernels_best(); level++)
		for (enum kernel_weights w = KERNEL_F32; w <= KERNEL_INT4; w++) {
			const struct kernels *k = kernels_find(level, &e);
			size_t rows = 37, width = 300, outputs = 77;
			struct engine_matrix m;
			struct engine_matrix_scratch s;
			float *x = random_floats(rows * width),
			      *all = random_floats(rows * outputs);
			float *one = random_floats(outputs);
			assert_true(
			    engine_matrix_init(&m,
					       &(struct engine_matrix_options){
						   .weights = w, .outputs = outputs, .k = width},
					       &e));
			for (size_t o = 0; o < outputs; o++)
				engine_matrix_set_row(&m, o, x + o % rows * width);
			assert_true(engine_matrix_scratch_init(&s, rows, width, &e));
			struct engine_matrix_product p = {
			    .x = x, .x_stride = width, .y = all, .y_stride = outputs, .rows = rows};
			engine_matrix_multiply(&m, k, pool, &s, &p);
			for (size_t r = 0; r < rows; r++) {
				p = (struct engine_matrix_product){
				    .x = x + r * width, .y = one, .rows = 1};
				engine_matrix_multiply(&m, k, pool, &s, &p);
				assert_memory_equal(one, all + r * outputs,
						    outputs * sizeof(float));
			}
			engine_matrix_scratch_finish(&s);
			engine_matrix_finish(&m);
			free(x);
			free(all);
			free(one);
		}
	engine_pool_destroy(pool);
}

int main(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	seed = state = (uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_levels),
	    cmocka_unit_test(rows_stand_alone),
	    cmocka_unit_test(many_rows),
	    cmocka_unit_test(rotations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
