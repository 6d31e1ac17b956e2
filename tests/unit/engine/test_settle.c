/* What a request to restyle comes to, with the built-in model: which thing and which ground the words leave open is seen in the
 * picture. */
#include "../test.h"

#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"

static struct engine *engine;
static struct engine_info info;
static struct arena *arena;
static int32_t *tokens;
static uint8_t *rgb;

static void keep(void *context, const struct engine_event *event)
{
	(void)context;
	if (event->kind == ENGINE_EVENT_DONE)
		memcpy(tokens, event->tokens, (size_t)event->token_total * sizeof *tokens);
}

/* Into `tokens` and `rgb`. */
static void draw(const char *prompt, const char *style)
{
	struct engine_request r = ENGINE_REQUEST_INIT;
	struct err e;
	uint64_t id;
	r.prompt = prompt;
	r.style = style;
	r.seed = 1;
	assert_true(engine_submit(engine, &r, &id, &e));
	assert_true(engine_run(engine, keep, NULL));
	assert_true(engine_decode(engine, tokens, (size_t)info.tokens, 0, rgb, &e));
}

static int setup(void **state)
{
	(void)state;
	struct engine_options options = {.threads = 1};
	struct err e = {0};
	engine = engine_create(getenv("ENGINE_WEIGHTS"), &options, &e);
	if (!engine) {
		print_error("%s\n", e.message);
		return -1;
	}
	engine_info(engine, &info);
	arena = arena_create((size_t)64 << 20);
	tokens = ARENA_ARRAY(arena, int32_t, (size_t)info.tokens);
	rgb = ARENA_ARRAY(arena, uint8_t, 3 * (size_t)info.width * (size_t)info.height);
	draw("a sunflower on a blue background", "flat");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	engine_destroy(engine);
	arena_destroy(arena);
	return 0;
}

static struct engine_request restyle(const char *prompt)
{
	struct engine_request r = ENGINE_REQUEST_INIT;
	r.task = ENGINE_TASK_RESTYLE;
	r.prompt = prompt;
	r.style = "pixel";
	r.source_rgb = rgb;
	r.source_width = info.width;
	r.source_height = info.height;
	return r;
}

static const char *settled(struct engine_request r)
{
	struct err e = {0};
	if (!engine_settle(engine, arena, &r, &e))
		fail_msg("%s", e.message);
	assert_int_equal(r.task, ENGINE_TASK_DRAW);
	return r.prompt;
}

static void test_what_is_seen_is_said(void **state)
{
	(void)state;
	assert_string_equal(settled(restyle(NULL)), "sunflower, blue background");
	assert_string_equal(settled(restyle("in pixel art style")),
			    "sunflower, in pixel art style, blue background");
	assert_string_equal(settled(restyle("픽셀 아트로")), "해바라기, 픽셀 아트로, 파란 배경");
	assert_string_equal(settled(restyle("ドット絵にして")),
			    "ヒマワリ, ドット絵にして、青い背景");
	/* in the language of who says nothing */
	struct engine_request r = restyle("");
	r.language = "ko-KR";
	assert_string_equal(settled(r), "해바라기, 파란 배경");
	r.language = "ja";
	assert_string_equal(settled(r), "ヒマワリ、青い背景");
	r.language = "de";
	assert_string_equal(settled(r), "sunflower, blue background");
	/* the same from tokens */
	r.language = NULL;
	r.source_rgb = NULL;
	r.source_tokens = tokens;
	r.source_token_count = (size_t)info.tokens;
	assert_string_equal(settled(r), "sunflower, blue background");
}

static void test_what_is_said_goes_before_what_is_seen(void **state)
{
	(void)state;
	assert_string_equal(settled(restyle("the rose")), "the rose, blue background");
	assert_string_equal(settled(restyle("the rose on a red background")),
			    "the rose on a red background");
	assert_string_equal(settled(restyle("the rose in the snow")), "the rose in the snow");
	assert_string_equal(settled(restyle("red background")), "sunflower, red background");
}

/* In the corner of a larger picture, with another picture's ground beside it cut off. */
static void test_moved_and_smaller(void **state)
{
	(void)state;
	int side = 2 * info.width;
	uint8_t *large = ARENA_ARRAY(arena, uint8_t, 3 * (size_t)side * (size_t)side);
	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++) {
			bool inside = x < info.width && y >= info.height;
			const uint8_t *from =
			    inside ? rgb + 3 * ((y - info.height) * info.width + x) : rgb;
			memcpy(large + 3 * (y * side + x), from, 3);
		}
	struct engine_request r = restyle("");
	r.source_rgb = large;
	r.source_width = r.source_height = side;
	assert_string_equal(settled(r), "sunflower, blue background");
}

static void test_people(void **state)
{
	(void)state;
	uint8_t *flower = ARENA_ARRAY(arena, uint8_t, 3 * (size_t)info.width * (size_t)info.height);
	memcpy(flower, rgb, 3 * (size_t)info.width * (size_t)info.height);
	draw("a smiling woman with long hair", "flat");
	struct engine_request r = restyle("");
	struct err e = {0};
	assert_true(engine_settle(engine, arena, &r, &e));
	assert_int_equal(r.task, ENGINE_TASK_DRAW);
	assert_string_equal(r.prompt, "portrait");
	assert_non_null(r.source_tokens); /* who it is */
	assert_int_equal(r.source_token_count, info.tokens);
	memcpy(rgb, flower, 3 * (size_t)info.width * (size_t)info.height);
}

static void refuses(struct engine_request r, enum err_code code, const char *why)
{
	struct err e = {0};
	assert_false(engine_settle(engine, arena, &r, &e));
	assert_int_equal(e.code, code);
	if (!strstr(e.message, why))
		fail_msg("%s", e.message);
}

static void test_what_is_not_recognised(void **state)
{
	(void)state;
	uint8_t noise[32 * 32 * 3], disc[32 * 32 * 3];
	struct engine_request r = restyle("in pixel art style");
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)(i * 7919 % 251);
	r.source_rgb = noise;
	r.source_width = r.source_height = 32;
	refuses(r, ERR_UNSUPPORTED, "I can't tell what this picture shows; say it in your words");
	/* what has a plain ground is a little like something */
	for (int i = 0; i < 32 * 32; i++) {
		int x = i % 32 - 16, y = i / 32 - 16;
		bool in = x * x + y * y < 160 && (x + y) % 6 < 3;
		memcpy(disc + (size_t)3 * (size_t)i, in ? "\x20\xf0\x20" : "\xff\xff\xff", 3);
	}
	r.source_rgb = disc;
	refuses(r, ERR_UNSUPPORTED, "It looks a little like: ");
	r.prompt = NULL;
	r.language = "ko";
	struct err e = {0};
	assert_false(engine_settle(engine, arena, &r, &e));
	assert_true((unsigned char)strstr(e.message, "like: ")[6] >=
		    0xea); /* a syllable of Hangul */
	r.prompt = "a cat";
	assert_string_equal(settled(r), "a cat"); /* on white, which goes without saying */
	r = restyle("");
	r.source_tokens = tokens;
	r.source_token_count = 3;
	refuses(r, ERR_INVALID, "source_tokens");
}

/* What people say is drawn in the words that the model was taught; what is to be changed of a picture is left as it is. */
static void test_plain_words(void **state)
{
	static const char *const SAID[][2] = {
	    {"a unicorn under a rainbow", "a unicorn below a rainbow"},
	    {"케이크와 커피", "케이크, 커피"},
	    {"눈 내리는 마을의 집", "눈 속의 마을의 집"},
	    {"海の上の船", "海辺の船"},
	    {"a red apple at the beach", "a red apple at the beach"},
	};
	struct err e;
	(void)state;
	for (size_t i = 0; i < sizeof SAID / sizeof *SAID; i++) {
		struct engine_request r = ENGINE_REQUEST_INIT;
		r.prompt = SAID[i][0];
		assert_true(engine_settle(engine, arena, &r, &e));
		assert_string_equal(r.prompt, SAID[i][1]);
	}
	struct engine_request edit = ENGINE_REQUEST_INIT;
	edit.task = ENGINE_TASK_EDIT;
	edit.prompt = "a unicorn under a rainbow";
	assert_true(engine_settle(engine, arena, &edit, &e));
	assert_string_equal(edit.prompt, "a unicorn under a rainbow");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_is_seen_is_said),
	    cmocka_unit_test(test_what_is_said_goes_before_what_is_seen),
	    cmocka_unit_test(test_moved_and_smaller),
	    cmocka_unit_test(test_people),
	    cmocka_unit_test(test_what_is_not_recognised),
	    cmocka_unit_test(test_plain_words),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
