/* The whole engine with its transformer on an (emulated) card: the same pictures as on the processor, several at
 * once, with shared prefixes; the same words; int8 and bf16 near what the processor computes; and clear errors. */
#include "engine/cuda/emulated.h"
#include "engine/impl.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOKENS_MAX 64

static struct engine *open_engine(const char *model, bool on_card, enum engine_quant quant)
{
	const char *dir = getenv(model);
	struct err e = {0};
	struct engine_options options = {
	    .threads = 2, .quant = quant, .kernels = ENGINE_KERNELS_SCALAR, .requests_max = 3};
	struct card *card = NULL;
	assert_non_null(dir);
	if (on_card) {
		card = engine_card_open_emulated(false, &e);
		assert_non_null(card);
	}
	struct engine *engine = engine_create_on(card, dir, &options, &e);
	if (!engine)
		print_error("%s\n", e.message);
	assert_non_null(engine);
	return engine;
}

struct drawn {
	uint64_t id;
	int32_t tokens[TOKENS_MAX];
	int count;
	struct err error;
};

struct all_drawn {
	struct drawn pictures[4];
	size_t count;
};

static void on_event(void *context, const struct engine_event *event)
{
	struct all_drawn *all = context;
	for (size_t i = 0; i < all->count; i++) {
		struct drawn *p = &all->pictures[i];
		if (p->id != event->request)
			continue;
		if (event->kind == ENGINE_EVENT_FAILED)
			p->error = event->error;
		if (event->kind != ENGINE_EVENT_DONE)
			continue;
		p->count = event->token_count;
		assert_true(p->count <= TOKENS_MAX);
		memcpy(p->tokens, event->tokens, (size_t)p->count * sizeof(*p->tokens));
	}
}

/* Two of one prompt, one of another, one without guidance: more than run at once. */
static struct all_drawn draw_some(struct engine *engine)
{
	static const char *const prompts[4] = {"a red cup", "a red cup", "blue", "a red cup"};
	struct all_drawn all = {.count = 4};
	struct err e = {0};
	for (size_t i = 0; i < 4; i++) {
		struct engine_request r = ENGINE_REQUEST_INIT;
		r.prompt = prompts[i];
		r.seed = i;
		r.temperature = i == 1 ? 1 : 0;
		r.guidance = i == 3 ? 1 : 3;
		assert_true(engine_submit(engine, &r, &all.pictures[i].id, &e));
	}
	assert_true(engine_run(engine, on_event, &all));
	return all;
}

static void same_pictures(const char *model)
{
	struct engine *here = open_engine(model, false, ENGINE_QUANT_F32);
	struct engine *there = open_engine(model, true, ENGINE_QUANT_F32);
	struct engine_info info;
	struct all_drawn a = draw_some(here), b = draw_some(there);

	engine_info(there, &info);
	assert_string_equal(info.kernels, "cuda");
	for (size_t i = 0; i < a.count; i++) {
		assert_int_equal(a.pictures[i].count, info.tokens);
		assert_int_equal(b.pictures[i].count, info.tokens);
		assert_memory_equal(a.pictures[i].tokens, b.pictures[i].tokens,
				    (size_t)info.tokens * sizeof(int32_t));
	}
	engine_destroy(here);
	engine_destroy(there);
}

static void test_same_pictures(void **state)
{
	(void)state;
	same_pictures("ENGINE_TINY");
}

static void test_same_words(void **state)
{
	struct buf words[2];
	struct err e = {0};
	uint8_t rgb[12 * 12 * 3];
	(void)state;
	for (size_t i = 0; i < sizeof(rgb); i++)
		rgb[i] = (uint8_t)(i * 37 % 256);
	for (int on_card = 0; on_card < 2; on_card++) {
		struct engine *engine = open_engine("ENGINE_TINY_JANUS", on_card, ENGINE_QUANT_F32);
		struct engine_description what = {
		    .rgb = rgb, .width = 12, .height = 12, .tokens_max = 6};
		buf_init(&words[on_card], 4096);
		bool ok = engine_describe(engine, &what, &words[on_card], &e);
		if (!ok)
			print_error("%s\n", e.message);
		assert_true(ok);
		engine_destroy(engine);
	}
	assert_int_equal(words[0].length, words[1].length);
	assert_memory_equal(words[0].data, words[1].data, words[0].length);
	buf_finish(&words[0]);
	buf_finish(&words[1]);
}

/* Logits of the last of a few rows, then of one step more. */
static void logits_of(struct engine *engine, float *out)
{
	struct engine_transformer *t = &engine->transformer;
	struct engine_batch *b = &engine->batch;
	struct engine_cache_options options = engine_transformer_cache(t, 16);
	struct engine_cache cache;
	struct err e = {0};
	const int32_t ids[6] = {1, 5, 9, 2, 7, 3}, places[6] = {0, 1, 2, 3, 4, 5};
	size_t vocabulary = (size_t)t->shape.image.vocab, row;

	assert_true(engine_cache_init(&cache, &options, &e));
	for (size_t step = 0; step < 2; step++) {
		size_t first = step * 5, n = step ? 1 : 5;
		b->rows = n;
		for (size_t i = 0; i < n; i++)
			b->row[i] = (struct engine_row){&cache, first + i};
		engine_transformer_embed_image(t, b, ids + first, places + first, n, b->x);
		engine_transformer_run(t, b);
		row = n - 1;
		engine_transformer_image_logits(t, b, &row, 1);
		memcpy(out + step * vocabulary, b->logits, vocabulary * sizeof(*out));
	}
	engine_cache_finish(&cache);
}

static double distance(enum engine_quant quant)
{
	struct engine *here = open_engine("ENGINE_TINY", false, ENGINE_QUANT_F32);
	struct engine *there = open_engine("ENGINE_TINY", true, quant);
	size_t n = 2 * (size_t)here->transformer.shape.image.vocab;
	float *want = malloc(n * sizeof(*want)), *got = malloc(n * sizeof(*got));
	double off = 0, size = 0;
	assert_true(want && got);
	logits_of(here, want);
	logits_of(there, got);
	for (size_t i = 0; i < n; i++) {
		off += pow((double)(got[i] - want[i]), 2);
		size += pow((double)want[i], 2);
	}
	free(want);
	free(got);
	engine_destroy(here);
	engine_destroy(there);
	return sqrt(off / size);
}

static void test_rounded_weights(void **state)
{
	(void)state;
	double f32 = distance(ENGINE_QUANT_F32), bf16 = distance(ENGINE_QUANT_BF16);
	double int8 = distance(ENGINE_QUANT_INT8);
	if (!(f32 < 1e-5 && bf16 < 0.02 && int8 < 0.04))
		print_error("off by %g in f32, %g in bf16, %g in int8\n", f32, bf16, int8);
	assert_true(f32 < 1e-5);
	assert_true(bf16 > 0 && bf16 < 0.02);
	assert_true(int8 > 0 && int8 < 0.04);
}

/* What breaks on the way ends the pictures with its message. */
static void test_card_that_fails(void **state)
{
	struct engine *engine = open_engine("ENGINE_TINY", true, ENGINE_QUANT_F32);
	struct engine_request r = ENGINE_REQUEST_INIT;
	struct all_drawn all = {.count = 1};
	struct err e = {0};
	(void)state;
	r.prompt = "a red cup";
	assert_true(engine_submit(engine, &r, &all.pictures[0].id, &e));
	engine_step(engine);
	err_set(&engine->card->error, ERR_IO, "the card failed: on purpose");
	engine->card->failed = true;
	assert_true(engine_run(engine, on_event, &all));
	assert_int_equal(all.pictures[0].error.code, ERR_IO);
	assert_string_equal(all.pictures[0].error.message, "the card failed: on purpose");
	engine_destroy(engine);
}

static void test_int4_is_refused(void **state)
{
	struct engine_options options = {.quant = ENGINE_QUANT_INT4, .threads = 1};
	struct err e = {0};
	(void)state;
	assert_null(engine_create_on(engine_card_open_emulated(false, &e), getenv("ENGINE_TINY"),
				     &options, &e));
	assert_int_equal(e.code, ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same_pictures),   cmocka_unit_test(test_same_words),
	    cmocka_unit_test(test_rounded_weights), cmocka_unit_test(test_card_that_fails),
	    cmocka_unit_test(test_int4_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
