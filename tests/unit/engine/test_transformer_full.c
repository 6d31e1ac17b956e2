/* Two layers of Janus-Pro-1B at their real shapes, weights from a hash, against golden/full_shapes.json: in f32
 * on the fastest kernels within the stated tolerance, then quantised, with the error of the logits relative to
 * f32 held under a bound. Slow (145 million weights), so it is a test of its own. */
#include "engine/transformer.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LAYERS 2
#define VOCAB \
	512 /* the prompt's ids are below; a row's values do not depend on the number of rows */
#define PROMPT  16
#define STEPS   9
#define CODES   16384
#define SAMPLED 16 /* logits of each stream that the golden file has */

struct tensor {
	char name[96];
	int64_t rows, columns; /* columns 0: a vector */
};

static struct tensor tensors[64];
static size_t tensor_count;
static json_t *root;
static char *file;
static struct engine_weights *weights;

static void add(const char *name, int64_t rows, int64_t columns)
{
	struct tensor *t = &tensors[tensor_count++];
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->rows = rows;
	t->columns = columns;
}

static void list_tensors(void)
{
	static const struct {
		const char *name;
		int64_t rows, columns;
	} LAYER[] = {
	    {"input_layernorm.weight", 2048, 0},     {"post_attention_layernorm.weight", 2048, 0},
	    {"self_attn.q_proj.weight", 2048, 2048}, {"self_attn.k_proj.weight", 2048, 2048},
	    {"self_attn.v_proj.weight", 2048, 2048}, {"self_attn.o_proj.weight", 2048, 2048},
	    {"mlp.gate_proj.weight", 5632, 2048},    {"mlp.up_proj.weight", 5632, 2048},
	    {"mlp.down_proj.weight", 2048, 5632}};
	add("language_model.model.embed_tokens.weight", VOCAB, 2048);
	add("language_model.model.norm.weight", 2048, 0);
	for (int i = 0; i < LAYERS; i++)
		for (size_t j = 0; j < sizeof(LAYER) / sizeof(*LAYER); j++) {
			char name[96];
			snprintf(name, sizeof(name), "language_model.model.layers.%d.%s", i,
				 LAYER[j].name);
			add(name, LAYER[j].rows, LAYER[j].columns);
		}
	add("gen_embed.weight", CODES, 8);
	add("gen_aligner.layers.0.weight", 2048, 8);
	add("gen_aligner.layers.0.bias", 2048, 0);
	add("gen_aligner.layers.2.weight", 2048, 2048);
	add("gen_aligner.layers.2.bias", 2048, 0);
	add("gen_head.output_mlp_projector.weight", 2048, 2048);
	add("gen_head.output_mlp_projector.bias", 2048, 0);
	add("gen_head.vision_head.weight", CODES, 2048);
	add("gen_head.vision_head.bias", CODES, 0);
}

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static void fill(const struct tensor *t, float *out)
{
	uint64_t hash = 0xcbf29ce484222325u;
	size_t count = (size_t)t->rows * (size_t)(t->columns ? t->columns : 1);
	float scale = (float)sqrt(3.0 / (double)(t->columns ? t->columns : 1)), offset = 0;

	for (const char *c = t->name; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
	if (strstr(t->name, "norm")) {
		scale = 0.1f;
		offset = 1;
	} else if (strstr(t->name, ".bias")) {
		scale = 0.05f;
	} else if (strstr(t->name, "embed.") || strstr(t->name, "embed_tokens")) {
		scale = 1;
	}
	for (size_t i = 0; i < count; i++) {
		float u = (float)(mix(hash + i + 0x9E3779B97F4A7C15u) >> 40) * 0x1p-24f;
		out[i] = offset + scale * (2 * u - 1);
	}
}

static size_t tensor_bytes(const struct tensor *t)
{
	return (size_t)t->rows * (size_t)(t->columns ? t->columns : 1) * sizeof(float);
}

static bool make_weights(struct err *e)
{
	size_t length = 0, offset = 0, total = 0;
	char *header = calloc(1, 64 * 256);

	for (size_t i = 0; i < tensor_count; i++)
		total += tensor_bytes(&tensors[i]);
	for (size_t i = 0; i < tensor_count; i++) {
		const struct tensor *t = &tensors[i];
		char shape[64];
		if (t->columns)
			snprintf(shape, sizeof(shape), "%d,%d", (int)t->rows, (int)t->columns);
		else
			snprintf(shape, sizeof(shape), "%d", (int)t->rows);
		length += (size_t)snprintf(
		    header + length, 64 * 256 - length,
		    "%c\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
		    i ? ',' : '{', t->name, shape, offset, offset + tensor_bytes(t));
		offset += tensor_bytes(t);
	}
	length += (size_t)snprintf(header + length, 64 * 256 - length, "}");
	while (length % 8)
		header[length++] = ' ';
	file = malloc(8 + length + total);
	assert_non_null(file);
	uint64_t n = length;
	memcpy(file, &n, sizeof(n));
	memcpy(file + 8, header, length);
	free(header);
	offset = 8 + length;
	for (size_t i = 0; i < tensor_count; i++) {
		fill(&tensors[i], (float *)(file + offset));
		offset += tensor_bytes(&tensors[i]);
	}
	struct engine_safetensors *s = engine_safetensors_open_memory(file, offset, e);
	weights = s ? engine_weights_wrap(s, e) : NULL;
	return weights != NULL;
}

static json_t *expected(const char *name)
{
	char key[96];
	snprintf(key, sizeof(key), "llama1b_2layers/%s", name);
	json_t *value = json_object_get(json_object_get(root, "expected"), key);
	assert_non_null(value);
	return value;
}

struct run {
	struct engine_pool *pool;
	struct engine_transformer t;
	struct engine_batch b;
	struct engine_cache cache[2];
};

static void run_init(struct run *r, enum engine_weights_as as)
{
	static const char CONFIG[] =
	    "{\"text_config\":{\"hidden_size\":2048,\"intermediate_size\":5632,"
	    "\"num_hidden_layers\":2,\"num_attention_heads\":16,\"vocab_size\":512,"
	    "\"max_position_embeddings\":1024},\"gen_vision_config\":{\"params\":"
	    "{\"image_token_size\":16384,\"n_embed\":8}}}";
	struct engine_shape shape;
	struct err e = {0};
	bool ok = engine_shape_parse(CONFIG, strlen(CONFIG), weights, &shape, &e);
	r->pool = engine_pool_create(0, &e);
	struct engine_transformer_options options = {
	    .kernels = kernels_find(kernels_best(), &e), .pool = r->pool, .as = as};
	ok = ok && engine_transformer_init(&r->t, &shape, weights, &options, &e);
	if (!ok)
		print_error("%s\n", e.message);
	assert_true(ok);
	assert_true(engine_batch_init(&r->b, &r->t, 2 * PROMPT, 2 * PROMPT, &e));
	struct engine_cache_options cache = engine_transformer_cache(&r->t, PROMPT + STEPS);
	assert_true(engine_cache_init(&r->cache[0], &cache, &e));
	assert_true(engine_cache_init(&r->cache[1], &cache, &e));
}

static void run_finish(struct run *r)
{
	engine_cache_finish(&r->cache[0]);
	engine_cache_finish(&r->cache[1]);
	engine_batch_finish(&r->b);
	engine_transformer_finish(&r->t);
	engine_pool_destroy(r->pool);
}

/* Both streams' logits of each step, the golden tokens forced. logits: [STEPS][2][CODES] */
static void run_all(struct run *r, float *logits)
{
	int32_t ids[2 * PROMPT], places[2] = {0};
	size_t rows[2] = {PROMPT - 1, 2 * PROMPT - 1};

	for (size_t i = 0; i < 2 * PROMPT; i++) {
		json_t *list = expected(i < PROMPT ? "prompt" : "uncond");
		ids[i] = (int32_t)json_integer_value(json_array_get(list, i % PROMPT));
		r->b.row[i] = (struct engine_row){&r->cache[i / PROMPT], i % PROMPT};
	}
	r->b.rows = 2 * PROMPT;
	engine_transformer_embed_text(&r->t, ids, 2 * PROMPT, r->b.x);
	for (size_t step = 0; step < STEPS; step++) {
		engine_transformer_run(&r->t, &r->b);
		engine_transformer_image_logits(&r->t, &r->b, rows, 2);
		for (size_t s = 0; s < 2; s++)
			memcpy(logits + (step * 2 + s) * CODES,
			       r->b.logits + s * r->b.logits_stride, CODES * sizeof(float));
		ids[0] = ids[1] =
		    (int32_t)json_integer_value(json_array_get(expected("greedy_cfg5"), step));
		r->b.rows = 2;
		for (size_t s = 0; s < 2; s++) {
			rows[s] = s;
			r->b.row[s] = (struct engine_row){&r->cache[s], PROMPT + step};
		}
		engine_transformer_embed_image(&r->t, &r->b, ids, places, 2, r->b.x);
	}
}

static void check_golden(const float *logits)
{
	for (size_t step = 0; step < STEPS; step++) {
		const float *c = logits + step * 2 * CODES, *u = c + CODES;
		json_t *row = json_array_get(expected("logits_every_1024_cond_then_uncond"), step);
		size_t best = 0;
		for (size_t i = 0; i < 2 * SAMPLED; i++) {
			float got = (i < SAMPLED ? c : u)[i % SAMPLED * 1024];
			float want = (float)json_number_value(json_array_get(row, i));
			assert_true(fabsf(got - want) <= 2e-3f);
		}
		for (size_t i = 1; i < CODES; i++)
			if (u[i] + 5 * (c[i] - u[i]) > u[best] + 5 * (c[best] - u[best]))
				best = i;
		assert_int_equal(best,
				 json_integer_value(json_array_get(expected("greedy_cfg5"), step)));
	}
}

/* The error's size relative to the logits', both as root mean squares. */
static double relative_error(const float *got, const float *want, size_t n)
{
	double error = 0, size = 0;
	for (size_t i = 0; i < n; i++) {
		error += (double)(got[i] - want[i]) * (double)(got[i] - want[i]);
		size += (double)want[i] * (double)want[i];
	}
	return sqrt(error / size);
}

static void test_real_shapes(void **state)
{
	static const struct {
		enum engine_weights_as as;
		const char *name;
		double limit;
	} QUANTISED[] = {{ENGINE_AS_BF16, "bf16", 0.01},
			 {ENGINE_AS_INT8, "int8", 0.04},
			 {ENGINE_AS_INT4, "int4", 0.25}};
	size_t n = (size_t)STEPS * 2 * CODES;
	float *f32 = malloc(n * sizeof(float)), *other = malloc(n * sizeof(float));
	struct run r;
	(void)state;

	run_init(&r, ENGINE_AS_F32);
	run_all(&r, f32);
	check_golden(f32);
	run_finish(&r);
	for (size_t i = 0; i < sizeof(QUANTISED) / sizeof(*QUANTISED); i++) {
		run_init(&r, QUANTISED[i].as);
		run_all(&r, other);
		run_finish(&r);
		double error = relative_error(other, f32, n);
		print_message("%s: logits off by %.2f %% of f32's\n", QUANTISED[i].name,
			      100 * error);
		assert_true(error <= QUANTISED[i].limit);
	}
	free(f32);
	free(other);
}

static int set_up(void **state)
{
	char path[4096];
	struct err e = {0};
	(void)state;
	snprintf(path, sizeof(path), "%s/full_shapes.json", getenv("ENGINE_GOLDEN"));
	root = json_load_file(path, 0, NULL);
	if (!root)
		return -1;
	list_tensors();
	return make_weights(&e) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	engine_weights_close(weights);
	free(file);
	json_decref(root);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_real_shapes)};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
