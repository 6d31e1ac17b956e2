/* Weights that were rounded into a file draw and write the same as weights rounded at load; what cannot be
 * rounded is refused, and nothing is left behind. */
#include "engine/quantize.h"

#include "engine/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TOKENS_MAX 576

static char folder[] = "/tmp/madang-quantize-XXXXXX";
static double share;

static void note_share(void *context, double now)
{
	(void)context;
	assert_true(now > share && now < 1.0001);
	share = now;
}

static const char *path_of(const char *name)
{
	static char path[2][512];
	static int turn;
	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static void copy(const char *dir, const char *name)
{
	char command[1024];
	snprintf(command, sizeof(command), "cp '%s/%s' '%s/%s'", dir, name, folder, name);
	assert_int_equal(system(command), 0);
}

struct drawn {
	int32_t tokens[TOKENS_MAX];
	int count;
	char text[256];
};

static void note(void *context, const struct engine_event *event)
{
	struct drawn *d = context;
	if (event->kind != ENGINE_EVENT_DONE)
		return;
	d->count = event->token_count;
	memcpy(d->tokens, event->tokens, (size_t)d->count * sizeof(*d->tokens));
}

static void draw(const char *dir, enum engine_quant quant, const char *expected, struct drawn *d)
{
	struct engine_options options = {.threads = 2, .quant = quant};
	struct engine_request r = ENGINE_REQUEST_INIT;
	struct engine_info info;
	struct err e = {0};
	uint64_t id;
	struct engine *engine = engine_create(dir, &options, &e);

	if (!engine)
		fail_msg("%s: %s", dir, e.message);
	memset(d, 0, sizeof(*d));
	engine_info(engine, &info);
	assert_string_equal(info.quant, expected);
	r.prompt = "a red apple";
	r.seed = 7;
	assert_true(engine_submit(engine, &r, &id, &e));
	assert_true(engine_run(engine, note, d));
	assert_int_equal(d->count, info.tokens);
	if (info.can_describe) {
		uint8_t rgb[8 * 8 * 3];
		struct buf text;
		for (size_t i = 0; i < sizeof(rgb); i++)
			rgb[i] = (uint8_t)(i * 37);
		buf_init(&text, 4096);
		struct engine_description what = {
		    .rgb = rgb, .width = 8, .height = 8, .tokens_max = 8};
		assert_true(engine_describe(engine, &what, &text, &e));
		snprintf(d->text, sizeof(d->text), "%s", text.data ? text.data : "");
		buf_finish(&text);
	}
	engine_destroy(engine);
}

static void same_as_at_load(const char *variable, enum engine_quant quant, const char *name)
{
	const char *dir = getenv(variable);
	struct drawn at_load, kept;
	struct err e = {0};

	assert_non_null(dir);
	share = 0;
	struct engine_quantize q = {.dir = dir,
				    .file = path_of("model.safetensors"),
				    .quant = quant,
				    .progress = note_share};
	if (!engine_quantize(&q, &e))
		fail_msg("%s", e.message);
	assert_true(share > 0.9999);
	copy(dir, "config.json");
	copy(dir, "tokenizer.json");
	draw(dir, quant, name, &at_load);
	draw(folder, ENGINE_QUANT_FILE, name, &kept);
	assert_memory_equal(at_load.tokens, kept.tokens, sizeof(kept.tokens));
	assert_string_equal(at_load.text, kept.text);

	/* rounding what is rounded already would only lose more; and the old file stays */
	q.dir = folder;
	assert_false(engine_quantize(&q, &e));
	assert_int_equal(e.code, ERR_UNSUPPORTED);
	draw(folder, ENGINE_QUANT_FILE, name, &at_load);
	assert_memory_equal(at_load.tokens, kept.tokens, sizeof(kept.tokens));
}

static void test_int8(void **state)
{
	(void)state;
	same_as_at_load("ENGINE_TINY", ENGINE_QUANT_INT8, "int8");
	same_as_at_load("ENGINE_TINY_JANUS", ENGINE_QUANT_INT8, "int8");
}

static void test_int4(void **state)
{
	(void)state;
	same_as_at_load("ENGINE_TINY", ENGINE_QUANT_INT4, "int4");
	same_as_at_load("ENGINE_TINY_JANUS", ENGINE_QUANT_INT4, "int4");
}

/* Numbers of the file itself: 144 columns are four and a half blocks. */
static void test_file(void **state)
{
	const char *name = "model.language_model.layers.0.mlp.down_proj.weight";
	struct err e = {0};
	float before[144], after[160], most = 0;
	(void)state;
	struct engine_quantize q = {.dir = getenv("ENGINE_TINY"),
				    .file = path_of("model.safetensors"),
				    .quant = ENGINE_QUANT_INT4};
	assert_true(engine_quantize(&q, &e));
	struct engine_safetensors *a = engine_safetensors_open(q.dir, &e);
	struct engine_safetensors *b = engine_safetensors_open(folder, &e);
	assert_true(a && b);
	const struct engine_tensor *x = engine_safetensors_find(a, name);
	const struct engine_tensor *y = engine_safetensors_find(b, name);
	assert_true(x && y);
	assert_int_equal(y->dtype, ENGINE_I4);
	assert_int_equal(y->shape[1], 160);
	assert_true(engine_tensor_check_finite(y, &e));
	for (int64_t r = 0; r < x->shape[0]; r++) {
		engine_tensor_rows_f32(x, r, 1, before);
		engine_tensor_rows_f32(y, r, 1, after);
		for (int i = 0; i < 144; i++)
			most = before[i] > most ? before[i] : most;
		for (int i = 0; i < 144; i++) {
			float off = before[i] - after[i];
			assert_true(off < most / 7 && -off < most / 7);
		}
		for (int i = 144; i < 160; i++)
			assert_true(after[i] == 0);
	}
	engine_safetensors_close(a);
	engine_safetensors_close(b);
}

static void test_refusals(void **state)
{
	struct err e = {0};
	(void)state;
	unlink(path_of("model.safetensors"));
	struct engine_quantize q = {.dir = getenv("ENGINE_TINY"),
				    .file = path_of("model.safetensors"),
				    .quant = ENGINE_QUANT_BF16};
	assert_false(engine_quantize(&q, &e));
	assert_int_equal(e.code, ERR_INVALID);
	q.quant = ENGINE_QUANT_INT8;
	q.file = path_of("nowhere/model.safetensors");
	assert_false(engine_quantize(&q, &e));
	assert_int_equal(e.code, ERR_IO);
	q.dir = path_of("nowhere");
	assert_false(engine_quantize(&q, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_int_equal(access(path_of("model.safetensors"), F_OK), -1);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[600];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_int8),
	    cmocka_unit_test(test_int4),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
