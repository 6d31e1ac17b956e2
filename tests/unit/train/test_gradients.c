/* The gradients: the scalar oracle against differences of its own loss, every other level against the oracle.
 * (check_torch.py holds the oracle against PyTorch.) */
#include "../test.h"

#include <math.h>
#include <stdlib.h>

#include "fixture.h"
#include "train/core.h"
#include "train/data.h"
#include "train/state.h"

#define TOKENS_MAX  2048
#define SAMPLES_MAX 128

struct setup {
	struct fixture fixture;
	struct arena *arena;
	struct train_config config;
	struct train_shape shape;
	struct train_state state;
	struct train_data data;
	struct train_batch batch;
	int32_t id[TOKENS_MAX], place[TOKENS_MAX], target[TOKENS_MAX];
	int start[SAMPLES_MAX], length[SAMPLES_MAX];
};

static void take(struct setup *x, int shard, uint64_t record)
{
	struct train_batch *b = &x->batch;
	x->start[b->samples] = b->tokens;
	x->length[b->samples] = x->data.shards[shard].length;
	train_data_read(&x->data, (struct train_draw){shard, record}, 0, record, x->id + b->tokens,
			x->place + b->tokens, x->target + b->samples * x->shape.grid_tokens);
	b->tokens += x->length[b->samples++];
}

/* All records, three times: more tokens than one group takes. Weights larger than the first ones, so that nothing is linear. */
static int set_up(void **state)
{
	struct setup *x = calloc(1, sizeof(*x));
	struct err e;
	fixture_begin(&x->fixture);
	fixture_write_config(&x->fixture, "c", "out", "\"steps\":1,\"pad_id\":0");
	x->arena = arena_create(16 << 20);
	assert_true(
	    train_config_read(x->arena, fixture_path(&x->fixture, "c.json"), &x->config, &e));
	assert_true(train_shape_read(&x->shape, x->config.model, &e));
	assert_true(train_state_init(x->arena, &x->state, &x->shape, 5, &e));
	assert_true(train_data_open(&x->data, &x->config, &x->shape, &e));
	for (size_t i = 0; i < x->state.param_count; i++) {
		const struct train_param *p = &x->state.params[i];
		for (size_t j = 0; j < (size_t)p->rows * (size_t)p->columns; j++)
			x->state.w[p->offset + j] *= p->kind == TRAIN_PARAM_VECTOR ? 1.2f : 3.f;
	}
	for (int i = 0; i < 72; i++)
		take(x, 0, (uint64_t)i % 24);
	for (int i = 0; i < 24; i++)
		take(x, 1, (uint64_t)i % 8);
	x->batch.id = x->id;
	x->batch.place = x->place;
	x->batch.target = x->target;
	x->batch.start = x->start;
	x->batch.length = x->length;
	x->batch.scale = 1.f / (float)(x->batch.samples * x->shape.grid_tokens);
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct setup *x = *state;
	train_data_close(&x->data);
	train_state_finish(&x->state);
	arena_destroy(x->arena);
	fixture_end(&x->fixture);
	free(x);
	return 0;
}

/* The mean loss; gradients into g where it is not NULL. */
static double run(const struct setup *x, const struct train_core *core, const float *w, float *g)
{
	struct err e;
	double losses[SAMPLES_MAX], sum = 0;
	struct train_packed *p = core->packed_create(&x->shape, &e);
	struct train_work *work =
	    core->work_create(&x->shape, x->batch.tokens, x->batch.samples, x->data.length_max, &e);
	assert_non_null(p);
	assert_non_null(work);
	for (int i = 0; i < core->packed_count(&x->shape); i++)
		core->pack(p, w, i);
	if (g)
		memset(g, 0, x->shape.count * sizeof(float));
	core->run(work, p, w, &x->batch, g, losses);
	for (int i = 0; i < x->batch.samples; i++)
		sum += losses[i];
	core->work_destroy(work);
	core->packed_destroy(p);
	return sum / x->batch.samples;
}

/* Along the gradient of each parameter by itself, so that none can hide behind the others. */
static void oracle_agrees_with_differences(void **state)
{
	struct setup *x = *state;
	const size_t bytes = x->shape.count * sizeof(float);
	float *g = malloc(bytes), *w = malloc(bytes);
	run(x, &train_core_scalar, x->state.w, g);
	for (size_t i = 0; i < x->state.param_count; i++) {
		const struct train_param *p = &x->state.params[i];
		const size_t n = (size_t)p->rows * (size_t)p->columns;
		double norm = 0, loss[2];
		for (size_t j = 0; j < n; j++)
			norm += (double)g[p->offset + j] * (double)g[p->offset + j];
		norm = sqrt(norm);
		assert_true(norm > 1e-5);
		const double step =
		    2e-3 / norm < .1 ? 2e-3 / norm : .1; /* the loss moves by about 4e-3 */
		for (int side = 0; side < 2; side++) {
			memcpy(w, x->state.w, bytes);
			for (size_t j = 0; j < n; j++)
				w[p->offset + j] += (float)((side ? 1 : -1) * step *
							    (double)g[p->offset + j] / norm);
			loss[side] = run(x, &train_core_scalar, w, NULL);
		}
		const double slope = (loss[1] - loss[0]) / (2 * step);
		if (fabs(slope / norm - 1) > 5e-3)
			fail_msg("%s: gradient %g, difference %g", p->name, norm, slope);
	}
	free(g);
	free(w);
}

static void compare(const struct setup *x, const char *name, double limit)
{
	struct err e;
	const struct train_core *core = train_core_find(name, &e);
	if (!core)
		skip();
	float *g = malloc(x->shape.count * sizeof(float)),
	      *oracle = malloc(x->shape.count * sizeof(float));
	const double loss = run(x, &train_core_scalar, x->state.w, oracle);
	assert_true(fabs(run(x, core, x->state.w, g) / loss - 1) < limit);
	for (size_t i = 0; i < x->state.param_count; i++) {
		const struct train_param *p = &x->state.params[i];
		double difference = 0, norm = 0;
		for (size_t j = p->offset; j < p->offset + (size_t)p->rows * (size_t)p->columns;
		     j++) {
			difference += pow((double)g[j] - (double)oracle[j], 2);
			norm += pow((double)oracle[j], 2);
		}
		if (sqrt(difference / norm) > limit)
			fail_msg("%s: relative error %g", p->name, sqrt(difference / norm));
	}
	free(g);
	free(oracle);
}

static void avx512_agrees(void **state)
{
	compare(*state, "avx512", 1e-4);
}

/* bf16 keeps 8 bits; a few layers of it stay within this. */
static void avx512bf16_agrees(void **state)
{
	compare(*state, "avx512bf16", 2e-2);
}

static void amx_agrees(void **state)
{
	compare(*state, "amx", 2e-2);
}

/* What Newton-Schulz leaves of a matrix has singular values near 1: x x^T is near the identity. */
static void muon_is_nearly_orthogonal(void **state)
{
	struct setup *x = *state;
	const int rows = 96, columns = 64;
	float m[96 * 64];
	struct err e;
	const struct train_core *core = train_core_find("auto", &e);
	void *scratch =
	    aligned_alloc(64, (core->orthogonalise_bytes(rows, columns) + 63) / 64 * 64);
	for (int i = 0; i < rows * columns; i++)
		m[i] = x->state.w[x->shape.layer[0].gate_up + (size_t)i];
	core->orthogonalise(m, rows, columns, 5, scratch);
	for (int i = 0; i < columns; i++) {
		double sum = 0;
		for (int j = 0; j < rows; j++)
			sum += (double)m[j * columns + i] * (double)m[j * columns + i];
		assert_true(sum > .4 && sum < 1.6);
	}
	free(scratch);
}

/* An argument: the one test to run. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(oracle_agrees_with_differences),
	    cmocka_unit_test(avx512_agrees),
	    cmocka_unit_test(avx512bf16_agrees),
	    cmocka_unit_test(amx_agrees),
	    cmocka_unit_test(muon_is_nearly_orthogonal),
	};
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
