/* The engine as its callers see it, on a tiny random model: pictures that depend on their own request only,
 * sharing of prompts, cancelling, wrong requests, pictures in and out. */
#include "engine/engine.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOKENS   16
#define REQUESTS 8

static struct engine *open_model(const char *variable, struct engine_options options)
{
	struct err e = {0};
	const char *dir = getenv(variable);
	assert_non_null(dir);
	struct engine *engine = engine_create(dir, &options, &e);
	if (!engine)
		print_error("%s: %s\n", dir, e.message);
	assert_non_null(engine);
	return engine;
}

struct outcome {
	uint64_t id[REQUESTS];
	int32_t tokens[REQUESTS][TOKENS];
	enum engine_event_kind last[REQUESTS];
	int rows[REQUESTS];
	enum err_code code[REQUESTS];
};

static void note(void *context, const struct engine_event *event)
{
	struct outcome *o = context;
	for (int i = 0; i < REQUESTS; i++) {
		if (o->id[i] != event->request)
			continue;
		o->last[i] = event->kind;
		o->code[i] = event->error.code;
		if (event->kind == ENGINE_EVENT_ROW) {
			o->rows[i]++;
			assert_int_equal(event->token_count, o->rows[i] * 4);
		}
		if (event->kind == ENGINE_EVENT_DONE)
			memcpy(o->tokens[i], event->tokens, sizeof(o->tokens[i]));
	}
}

static const int32_t SOURCE[TOKENS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* Eight requests that differ in everything. */
static struct engine_request request(int i)
{
	static const char *const PROMPTS[] = {"a red apple",
					      "a red apple",
					      "",
					      "집",
					      "りんご",
					      "a red apple",
					      "a longer prompt that is cut",
					      "x"};
	struct engine_request r = ENGINE_REQUEST_INIT;
	r.prompt = PROMPTS[i];
	r.seed = (uint64_t)(i == 5 ? 0 : i);
	r.style = i % 2 ? "3d" : NULL;
	r.task = i == 3 ? ENGINE_TASK_EDIT : i == 6 ? ENGINE_TASK_VARY : ENGINE_TASK_DRAW;
	r.source_tokens = i == 3 || i == 6 ? SOURCE : NULL;
	r.source_token_count = r.source_tokens ? TOKENS : 0;
	r.top_k = i == 4 ? 5 : -1;
	r.top_p = i == 7 ? 0.7f : -1;
	r.guidance = i == 2 ? 1 : -1;
	r.temperature = i == 1 ? 0 : -1;
	return r;
}

static void draw_alone(struct engine *engine, struct outcome *o)
{
	struct err e;
	memset(o, 0, sizeof(*o));
	for (int i = 0; i < REQUESTS; i++) {
		struct engine_request r = request(i);
		assert_true(engine_submit(engine, &r, &o->id[i], &e));
		assert_true(engine_run(engine, note, o));
		assert_int_equal(o->last[i], ENGINE_EVENT_DONE);
		assert_int_equal(o->rows[i], 4);
	}
}

/* All at once, each beginning some steps after the one before, in reverse. */
static void draw_together(struct engine *engine, struct outcome *o)
{
	struct engine_event event;
	struct err e;
	memset(o, 0, sizeof(*o));
	for (int i = REQUESTS - 1; i >= 0; i--) {
		struct engine_request r = request(i);
		assert_true(engine_submit(engine, &r, &o->id[i], &e));
		for (int step = 0; step < i % 3; step++) {
			engine_step(engine);
			while (engine_event_next(engine, &event))
				note(o, &event);
		}
	}
	assert_true(engine_run(engine, note, o));
	for (int i = 0; i < REQUESTS; i++)
		assert_int_equal(o->last[i], ENGINE_EVENT_DONE);
}

static void same_seed_same_picture(const char *variable)
{
	struct outcome alone, together;
	for (enum engine_kernels k = ENGINE_KERNELS_SCALAR; k <= ENGINE_KERNELS_AMX; k++) {
		struct err e;
		struct engine_options options = {.threads = 1, .kernels = k};
		struct engine *one = engine_create(getenv(variable), &options, &e);
		if (!one) { /* a machine without these instructions */
			assert_int_equal(e.code, ERR_UNSUPPORTED);
			assert_int_not_equal(k, ENGINE_KERNELS_SCALAR);
			continue;
		}
		options.threads = 3;
		options.requests_max = 3;
		struct engine *three = open_model(variable, options);
		draw_alone(one, &alone);
		draw_together(three, &together);
		assert_memory_equal(alone.tokens, together.tokens, sizeof(alone.tokens));
		draw_together(one, &together);
		assert_memory_equal(alone.tokens, together.tokens, sizeof(alone.tokens));
		/* the prompt alone does not make the picture */
		assert_memory_not_equal(alone.tokens[0], alone.tokens[5] + 1, 4);
		engine_destroy(one);
		engine_destroy(three);
	}
}

static void test_same_f32(void **state)
{
	(void)state;
	same_seed_same_picture("ENGINE_TINY");
}

static void test_same_int8(void **state)
{
	(void)state;
	same_seed_same_picture("ENGINE_TINY_INT8");
}

static void test_seeds_differ(void **state)
{
	struct engine *engine = open_model("ENGINE_TINY", (struct engine_options){0});
	struct outcome o = {0};
	struct err e;
	(void)state;
	for (int i = 0; i < REQUESTS; i++) {
		struct engine_request r = ENGINE_REQUEST_INIT;
		r.prompt = "apple";
		r.seed = (uint64_t)(i / 2);
		assert_true(engine_submit(engine, &r, &o.id[i], &e));
	}
	assert_true(engine_run(engine, note, &o));
	for (int i = 0; i < REQUESTS; i += 2) {
		assert_memory_equal(o.tokens[i], o.tokens[i + 1], sizeof(o.tokens[i]));
		if (i > 0)
			assert_memory_not_equal(o.tokens[i], o.tokens[i - 1], sizeof(o.tokens[i]));
	}
	/* The prompt (bos, 8 of text, style; boi comes with the first token) was read once for all
	 * guided streams and once for all unguided ones. */
	struct engine_info info;
	engine_info(engine, &info);
	assert_int_equal(info.pictures_done, REQUESTS);
	assert_int_equal(info.positions_computed, 2 * 10 + REQUESTS * 2 * TOKENS);
	assert_int_equal(info.prompts.computed, 1);
	assert_int_equal(info.prompts.shared, REQUESTS - 1);
	assert_int_equal(info.prompts.tokens_computed, 10);
	assert_int_equal(info.prompts.tokens_shared, (REQUESTS - 1) * 10);
	engine_destroy(engine);
}

static struct engine_prefix_count prompts_after(struct engine *engine, const char *prompt)
{
	struct engine_request r = ENGINE_REQUEST_INIT;
	struct outcome o = {0};
	struct engine_info info;
	struct err e;
	r.prompt = prompt;
	assert_true(engine_submit(engine, &r, &o.id[0], &e));
	assert_true(engine_run(engine, note, &o));
	engine_info(engine, &info);
	return info.prompts;
}

/* One after the other: another prompt shares what it begins with, not the whole; the same one shares all. */
static void test_prompts_shared_are_counted(void **state)
{
	struct engine *engine = open_model("ENGINE_TINY", (struct engine_options){0});
	(void)state;
	struct engine_prefix_count first = prompts_after(engine, "apple"),
				   other = prompts_after(engine, "pear"),
				   again = prompts_after(engine, "apple");
	assert_int_equal(first.computed, 1);
	assert_int_equal(first.shared, 0);
	assert_int_equal(first.tokens_computed, 10);
	assert_int_equal(first.tokens_shared, 0);
	assert_int_equal(other.computed, 2);
	assert_int_equal(other.shared, 0);
	assert_int_equal(other.tokens_computed + other.tokens_shared, 20);
	assert_true(other.tokens_computed > 10);
	assert_int_equal(again.computed, 2);
	assert_int_equal(again.shared, 1);
	assert_int_equal(again.tokens_computed, other.tokens_computed);
	assert_int_equal(again.tokens_shared, other.tokens_shared + 10);
	engine_destroy(engine);
}

static void test_vary_keeps(void **state)
{
	struct engine *engine = open_model("ENGINE_TINY", (struct engine_options){0});
	struct outcome o = {0};
	struct err e;
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct engine_request r = ENGINE_REQUEST_INIT;
		r.task = ENGINE_TASK_VARY;
		r.source_tokens = SOURCE;
		r.source_token_count = TOKENS;
		r.keep = (float)i * 0.25f;
		assert_true(engine_submit(engine, &r, &o.id[i], &e));
	}
	assert_true(engine_run(engine, note, &o));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(o.rows[i], 4);
		assert_memory_equal(o.tokens[i], SOURCE, (size_t)i * 4 * sizeof(int32_t));
	}
	engine_destroy(engine);
}

/* What is edited keeps the style that it has; said or not, that is the same request. */
static void test_edit_keeps_the_style(void **state)
{
	static const char *const ASKED[] = {"flat", NULL, "line"};
	struct engine *engine = open_model("ENGINE_TINY", (struct engine_options){0});
	struct outcome o = {0};
	struct err e;
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct engine_request r = request(3);
		r.style = ASKED[i];
		r.source_style = "flat";
		assert_true(engine_submit(engine, &r, &o.id[i], &e));
		assert_true(engine_run(engine, note, &o));
		assert_int_equal(o.last[i], ENGINE_EVENT_DONE);
	}
	assert_memory_equal(o.tokens[0], o.tokens[1], sizeof(o.tokens[0]));
	assert_memory_not_equal(o.tokens[0], o.tokens[2], sizeof(o.tokens[0]));
	engine_destroy(engine);
}

static void test_cancel(void **state)
{
	struct engine *engine =
	    open_model("ENGINE_TINY", (struct engine_options){.requests_max = 2});
	struct outcome o = {0};
	struct engine_event event;
	struct err e;
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct engine_request r = request(i);
		assert_true(engine_submit(engine, &r, &o.id[i], &e));
	}
	for (int i = 0; i < 6; i++)
		engine_step(engine);
	while (engine_event_next(engine, &event))
		note(&o, &event);
	engine_cancel(engine, o.id[1]); /* runs */
	engine_cancel(engine, o.id[3]); /* waits */
	engine_cancel(engine, 12345);   /* nobody */
	engine_step(engine);
	while (engine_event_next(engine, &event))
		note(&o, &event);
	assert_int_equal(o.last[1], ENGINE_EVENT_FAILED);
	assert_int_equal(o.code[1], ERR_CANCELLED);
	assert_int_equal(o.code[3], ERR_CANCELLED);
	assert_true(engine_run(engine, note, &o));
	assert_int_equal(o.last[0], ENGINE_EVENT_DONE);
	assert_int_equal(o.last[2], ENGINE_EVENT_DONE);
	assert_int_equal(o.last[3], ENGINE_EVENT_FAILED);
	engine_destroy(engine);
}

static void refused(struct engine *engine, struct engine_request r, enum err_code code,
		    const char *names)
{
	uint64_t id = 0;
	struct err e = {0};
	assert_false(engine_submit(engine, &r, &id, &e));
	assert_int_equal(e.code, code);
	if (!strstr(e.message, names))
		print_error("\"%s\" does not name %s\n", e.message, names);
	assert_non_null(strstr(e.message, names));
}

static void test_wrong_requests(void **state)
{
	struct engine *engine =
	    open_model("ENGINE_TINY", (struct engine_options){.waiting_max = 2});
	struct engine_request good = ENGINE_REQUEST_INIT, r;
	int32_t wild[TOKENS] = {0, 1 << 30};
	uint64_t id;
	struct err e = {0};
	(void)state;
	r = good, r.style = "nope", refused(engine, r, ERR_INVALID, "style");
	r = good, r.prompt = "\xff\xfe", refused(engine, r, ERR_INVALID, "prompt");
	r = good, r.guidance = 1e9f, refused(engine, r, ERR_INVALID, "guidance");
	r = good, r.top_p = 2, refused(engine, r, ERR_INVALID, "top_p");
	r = good, r.temperature = (float)NAN, refused(engine, r, ERR_INVALID, "temperature");
	r = good, r.task = (enum engine_task)9, refused(engine, r, ERR_INVALID, "task");
	r = good, r.task = ENGINE_TASK_EDIT, refused(engine, r, ERR_INVALID, "source");
	r.source_tokens = SOURCE, r.source_token_count = 3;
	refused(engine, r, ERR_INVALID, "source_tokens");
	r.source_tokens = wild, r.source_token_count = TOKENS;
	refused(engine, r, ERR_INVALID, "source_tokens");
	assert_true(engine_submit(engine, &good, &id, &e));
	assert_true(engine_submit(engine, &good, &id, &e));
	refused(engine, good, ERR_BUSY, "waiting");
	engine_destroy(engine); /* with requests in line */
	assert_null(engine_create("/nonexistent", NULL, &e));
	assert_true(e.message[0]);
	struct engine_options little = {.memory_max_bytes = 1000};
	assert_null(engine_create(getenv("ENGINE_TINY"), &little, &e));
	assert_int_equal(e.code, ERR_NO_MEMORY);
}

static void test_pictures(void **state)
{
	struct engine *engine = open_model("ENGINE_TINY", (struct engine_options){0});
	struct engine_info info;
	struct err e = {0};
	size_t count;
	(void)state;
	engine_info(engine, &info);
	assert_int_equal(info.tokens, TOKENS);
	assert_int_equal(info.width, 16);
	assert_int_equal(info.style_count, 3);
	assert_string_equal(info.styles[0], "3d");
	assert_true(info.memory_bytes > info.weight_bytes);
	for (int t = 0; t < ENGINE_TASK_COUNT; t++)
		assert_true(info.can[t]);
	size_t bytes = (size_t)info.width * (size_t)info.height * 3;
	uint8_t *whole = malloc(bytes), *part = malloc(bytes), *big = malloc(40 * 30 * 3);
	int32_t tokens[TOKENS];
	assert_true(engine_decode(engine, SOURCE, TOKENS, 0, whole, &e));
	assert_true(engine_decode(engine, SOURCE, 6, 0, part, &e));
	assert_int_equal(part[bytes - 1], 128);         /* nothing there yet */
	assert_int_equal(part[(4 * 16 + 15) * 3], 128); /* nor at the end of the second row */
	assert_true(engine_decode(engine, SOURCE, 12, 1, part, &e));
	assert_true(engine_decode(engine, SOURCE, TOKENS, 3, part, &e));
	assert_true(engine_decode(engine, SOURCE, 0, 0, part, &e));
	assert_int_equal(part[0], 128);
	assert_false(engine_decode(engine, (int32_t[]){-1}, 1, 0, part, &e));
	assert_false(engine_decode(engine, SOURCE, TOKENS + 1, 0, part, &e));
	for (size_t i = 0; i < 40 * 30 * 3; i++)
		big[i] = (uint8_t)(i * 7);
	assert_true(engine_encode(engine, big, 40, 30, tokens, &e));
	for (int i = 0; i < TOKENS; i++)
		assert_in_range(tokens[i], 0, info.image_vocabulary - 1);
	assert_true(engine_encode(engine, big, 1, 1, tokens, &e));
	assert_false(engine_encode(engine, big, 0, 1, tokens, &e));
	/* "line" has squares of 4 pixels, in 16 by 16; "flat" is left as it is. */
	assert_true(engine_decode(engine, SOURCE, TOKENS, 0, part, &e));
	engine_finish(engine, "flat", part);
	engine_finish(engine, NULL, part);
	assert_memory_equal(part, whole, 16 * 16 * 3);
	engine_finish(engine, "line", part);
	assert_memory_not_equal(part, whole, 16 * 16 * 3);
	for (int i = 0; i < 16 * 16 * 3; i++)
		assert_int_equal(part[i], part[i / 48 / 4 * 4 * 48 + i % 48 / 12 * 12 + i % 3]);
	memcpy(whole, part, 16 * 16 * 3);
	engine_finish(engine, "line", part);
	assert_memory_equal(part, whole, 16 * 16 * 3);
	assert_true(engine_prompt_tokens(engine, "hello", &count, &e));
	assert_int_equal(count, 5);
	struct engine_request r = ENGINE_REQUEST_INIT;
	struct outcome o = {0};
	r.task = ENGINE_TASK_RESTYLE;
	r.style = "flat";
	r.source_rgb = big;
	r.source_width = 40;
	r.source_height = 30;
	assert_true(engine_submit(engine, &r, &o.id[0], &e));
	assert_true(engine_run(engine, note, &o));
	assert_int_equal(o.last[0], ENGINE_EVENT_DONE);
	free(whole);
	free(part);
	free(big);
	engine_destroy(engine);
}

/* Everything that may be called from other threads, while one steps. */
struct crowd {
	struct engine *engine;
	uint64_t seed;
	int submitted;
};

static void *submit_and_look(void *context)
{
	struct crowd *c = context;
	uint8_t *rgb = malloc(16 * 16 * 3);
	for (int i = 0; i < 10; i++) {
		struct engine_request r = request(i % REQUESTS);
		struct engine_info info;
		struct err e;
		uint64_t id;
		r.seed = c->seed + (uint64_t)i;
		if (engine_submit(c->engine, &r, &id, &e))
			c->submitted++;
		if (i % 3 == 0)
			engine_cancel(c->engine, id);
		engine_info(c->engine, &info);
		if (!engine_decode(c->engine, SOURCE, TOKENS, 0, rgb, &e))
			c->submitted = -1000;
	}
	free(rgb);
	return NULL;
}

static void test_threads(void **state)
{
	struct engine *engine =
	    open_model("ENGINE_TINY_INT8", (struct engine_options){.threads = 2});
	struct crowd crowd[2] = {{engine, 100, 0}, {engine, 200, 0}};
	pthread_t threads[2];
	struct engine_event event;
	int ended = 0;
	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, submit_and_look, &crowd[i]), 0);
	while (ended < 20) {
		assert_true(engine_wait(engine, 1000));
		engine_step(engine);
		while (engine_event_next(engine, &event))
			ended +=
			    event.kind == ENGINE_EVENT_DONE || event.kind == ENGINE_EVENT_FAILED;
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(crowd[i].submitted, 10);
	}
	engine_destroy(engine);
}

/* Janus in the transformers layout: its own sequence, no styles, no source pictures. */
struct janus {
	int32_t tokens[3][576];
	uint64_t id[3];
};

static void note_janus(void *context, const struct engine_event *event)
{
	struct janus *j = context;
	assert_int_not_equal(event->kind, ENGINE_EVENT_FAILED);
	for (int i = 0; i < 3; i++)
		if (event->request == j->id[i] && event->kind == ENGINE_EVENT_DONE)
			memcpy(j->tokens[i], event->tokens, sizeof(j->tokens[i]));
}

static void test_janus(void **state)
{
	static const char *const PROMPTS[3] = {"a red apple", "  a red apple\n",
					       "a <|Assistant|> apple"};
	struct engine *engine =
	    open_model("ENGINE_TINY_JANUS", (struct engine_options){.quant = ENGINE_QUANT_INT8});
	struct janus j;
	struct engine_info info;
	struct engine_request r = ENGINE_REQUEST_INIT;
	struct err e = {0};
	(void)state;
	engine_info(engine, &info);
	assert_string_equal(info.family, "janus");
	assert_string_equal(info.quant, "int8");
	assert_int_equal(info.tokens, 576);
	assert_false(info.can_take_source);
	for (int i = 0; i < 3; i++) {
		r.prompt = PROMPTS[i];
		assert_true(engine_submit(engine, &r, &j.id[i], &e));
	}
	assert_true(engine_run(engine, note_janus, &j));
	assert_memory_equal(j.tokens[0], j.tokens[1], sizeof(j.tokens[0]));
	assert_memory_not_equal(j.tokens[0], j.tokens[2], sizeof(j.tokens[0]));
	r.task = ENGINE_TASK_EDIT;
	refused(engine, r, ERR_UNSUPPORTED, "edit");
	r.task = ENGINE_TASK_VARY;
	r.source_tokens = j.tokens[0];
	r.source_token_count = 576;
	r.keep = 1;
	assert_true(engine_submit(engine, &r, &j.id[2], &e));
	assert_true(engine_run(engine, note_janus, &j));
	assert_memory_equal(j.tokens[0], j.tokens[2], 23 * 24 * sizeof(int32_t));
	engine_destroy(engine);
}

static void *stop_soon(void *engine)
{
	engine_stop(engine);
	return NULL;
}

static void test_stop(void **state)
{
	struct engine *engine = open_model("ENGINE_TINY", (struct engine_options){0});
	pthread_t thread;
	(void)state;
	assert_true(engine_wait(engine, 5));
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, engine), 0);
	assert_false(engine_wait(engine, -1));
	pthread_join(thread, NULL);
	assert_false(engine_run(engine, NULL, NULL));
	engine_destroy(engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same_f32),     cmocka_unit_test(test_same_int8),
	    cmocka_unit_test(test_seeds_differ), cmocka_unit_test(test_prompts_shared_are_counted),
	    cmocka_unit_test(test_vary_keeps),   cmocka_unit_test(test_edit_keeps_the_style),
	    cmocka_unit_test(test_cancel),       cmocka_unit_test(test_wrong_requests),
	    cmocka_unit_test(test_pictures),     cmocka_unit_test(test_stop),
	    cmocka_unit_test(test_threads),      cmocka_unit_test(test_janus),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
