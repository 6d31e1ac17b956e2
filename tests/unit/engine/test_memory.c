/* What memory.safetensors gives back, what a broken one gives, and that a model that has one draws as if the picture that it
 * holds had been handed in. */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/engine.h"
#include "engine/memory.h"
#include "engine/safetensors.h"

enum { GRID = 4, TOKENS = GRID * GRID, SMALL = TOKENS / 4, STYLES = 3, THINGS = 3, WHITE = 59 };

static const char CONCEPTS[] =
    "{\"concepts\":[{\"id\":\"apple\",\"en\":[\"apple\"],\"ko\":[\"사과\"]},"
    "{\"id\":\"cat\",\"en\":[\"cat\"]},{\"id\":\"dog\",\"en\":[\"dog\"]}],"
    "\"words\":[\"two\"],\"numbers\":[\"two\"],\"places\":[\"at the beach\"],"
    "\"styles\":{\"line\":[\"line art\"]}}";
static const struct engine_memory_shape SHAPE = {
    .grid = GRID, .vocabulary = 60, .styles = STYLES, .rows = THINGS};

static const struct engine_memory_choice ANY = {0};

static char folder[64];

struct contents {
	int32_t alone[STYLES][THINGS][TOKENS], placed[STYLES][THINGS][TOKENS],
	    small[STYLES][THINGS][SMALL], white;
	uint8_t look[STYLES][THINGS][ENGINE_LOOK_BYTES];
	int64_t look_rows; /* that are written; 0: none */
};

/* Different everywhere; there is no dog in the first style, and only half a cat alone in the second. */
static struct contents contents(void)
{
	struct contents c = {.white = WHITE};
	for (int s = 0; s < STYLES; s++)
		for (int t = 0; t < THINGS; t++) {
			for (int i = 0; i < TOKENS; i++)
				c.alone[s][t][i] =
				    s == 0 && t == 2 ? -1 : (s * 20 + t * 7 + i) % 58,
				c.placed[s][t][i] =
				    s == 0 && t == 2 ? -1 : (s * 3 + t * 11 + i) % 58;
			for (int i = 0; i < SMALL; i++)
				c.small[s][t][i] = s == 0 && t == 2 ? -1 : (s * 9 + t * 5 + i) % 58;
		}
	c.alone[1][1][9] = -1;
	return c;
}

static const char *in_folder(const char *name)
{
	static char path[160];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void write_memory(const struct contents *c, int64_t styles, enum engine_dtype dtype)
{
	struct err e;
	size_t share = (size_t)styles;
	struct engine_tensor tensors[] = {
	    {.name = "alone",
	     .dtype = dtype,
	     .ndim = 3,
	     .shape = {styles, THINGS, TOKENS},
	     .data = c->alone,
	     .bytes = share * sizeof c->alone[0]},
	    {.name = "placed",
	     .dtype = ENGINE_I32,
	     .ndim = 3,
	     .shape = {styles, THINGS, TOKENS},
	     .data = c->placed,
	     .bytes = share * sizeof c->placed[0]},
	    {.name = "small",
	     .dtype = ENGINE_I32,
	     .ndim = 3,
	     .shape = {styles, THINGS, SMALL},
	     .data = c->small,
	     .bytes = share * sizeof c->small[0]},
	    {.name = "white",
	     .dtype = ENGINE_I32,
	     .ndim = 1,
	     .shape = {1},
	     .data = &c->white,
	     .bytes = sizeof c->white},
	    {.name = "look",
	     .dtype = ENGINE_U8,
	     .ndim = 3,
	     .shape = {STYLES, c->look_rows, ENGINE_LOOK_BYTES},
	     .data = c->look,
	     .bytes = STYLES * (size_t)c->look_rows * ENGINE_LOOK_BYTES}};
	assert_true(engine_safetensors_write(in_folder("memory.safetensors"), tensors,
					     c->look_rows ? 5 : 4, NULL, &e));
}

static int setup(void **state)
{
	(void)state;
	struct err e;
	snprintf(folder, sizeof folder, "/tmp/madang-memory-XXXXXX");
	return mkdtemp(folder) &&
		       file_write(in_folder("concepts.json"), CONCEPTS, sizeof CONCEPTS - 1, &e)
		   ? 0
		   : -1;
}

static int teardown(void **state)
{
	(void)state;
	static const char *const files[] = {"concepts.json", "memory.safetensors", "config.json",
					    "tokenizer.json", "model.safetensors"};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		unlink(in_folder(files[i]));
	return rmdir(folder);
}

static void test_recall(void **state)
{
	(void)state;
	struct contents c = contents();
	struct engine_memory *m;
	struct engine_lexicon *l;
	struct err e;
	int32_t tokens[TOKENS];
	assert_true(engine_memory_open(folder, &SHAPE, &m, &e));
	assert_null(m); /* there is no file */
	write_memory(&c, STYLES, ENGINE_I32);
	assert_true(engine_lexicon_open(folder, &l, &e));
	assert_true(engine_memory_open(folder, &SHAPE, &m, &e));
	assert_int_equal(engine_memory_bytes(m), sizeof c.alone + sizeof c.placed + sizeof c.small);

	assert_true(engine_memory_recall(m, l, "an apple", 2, &ANY, tokens));
	assert_memory_equal(tokens, c.alone[2][0], sizeof tokens);
	assert_true(engine_memory_recall(m, l, "an apple at the beach", 2, &ANY, tokens));
	assert_memory_equal(tokens, c.placed[2][0], sizeof tokens);
	assert_true(engine_memory_recall(m, l, "two apples", 2, &ANY, tokens));
	for (int i = 0; i < TOKENS; i++)
		assert_int_equal(tokens[i], i / GRID < 2 && i % GRID < 2
						? c.small[2][0][i / GRID * 2 + i % GRID]
						: WHITE);
	assert_true(engine_memory_recall(m, l, "a dog left of an apple", 1, &ANY, tokens));
	for (int i = 0; i < TOKENS; i++) {
		int row = i / GRID, column = i % GRID;
		assert_int_equal(tokens[i],
				 row >= 2 ? WHITE
					  : c.small[1][column < 2 ? 2 : 0][row * 2 + column % 2]);
	}
	assert_false(engine_memory_recall(m, l, "a dog", 0, &ANY, tokens));
	assert_false(engine_memory_recall(m, l, "a dog and a cat", 0, &ANY, tokens));
	assert_false(engine_memory_recall(m, l, "a cat", 1, &ANY, tokens));
	assert_false(engine_memory_recall(m, l, "a house", 1, &ANY, tokens));
	assert_false(engine_memory_recall(m, l, "an apple", STYLES, &ANY, tokens));
	engine_memory_close(m);
	engine_memory_close(NULL);
	engine_lexicon_close(l);
}

/* A thing of which there are two kinds, an old one with a hat and a young one with glasses: rows 1 and 2. */
static const char KINDS[] =
    "{\"concepts\":[{\"id\":\"portrait\",\"en\":[\"portrait\",\"man\"],"
    "\"kinds\":[[\"old\",\"hat\"],[\"young\",\"glasses\"]]}],"
    "\"traits\":{\"old\":[\"old man\"],\"young\":[\"young\",\"boy\"],\"hat\":[\"hat\",\"cap\"],\"glasses\":[\"glasses\"]}}";

static const int32_t *recalled(const struct engine_memory *m, const struct engine_lexicon *l,
			       const char *prompt, size_t style, uint64_t seed, const int32_t *like)
{
	static int32_t tokens[TOKENS];
	struct engine_memory_choice choice = {.seed = seed, .like = like};
	assert_true(engine_memory_recall(m, l, prompt, style, &choice, tokens));
	return tokens;
}

#define assert_row(style, row, got) \
	assert_memory_equal(got, c.alone[style][row], sizeof c.alone[style][row])

static void test_kinds(void **state)
{
	(void)state;
	struct contents c = contents();
	struct engine_memory *m;
	struct engine_lexicon *l;
	struct err e;
	c.alone[1][1][9] = 9; /* both are whole there */
	write_memory(&c, STYLES, ENGINE_I32);
	assert_true(file_write(in_folder("concepts.json"), KINDS, sizeof KINDS - 1, &e));
	assert_true(engine_lexicon_open(folder, &l, &e));
	assert_int_equal(engine_lexicon_rows(l), THINGS);
	assert_true(engine_memory_open(folder, &SHAPE, &m, &e));

	/* what is said chooses, whatever the seed */
	for (uint64_t seed = 0; seed < 4; seed++) {
		assert_row(1, 1, recalled(m, l, "portrait of a man with a cap", 1, seed, NULL));
		assert_row(1, 2, recalled(m, l, "portrait with glasses", 1, seed, NULL));
		/* what it is goes before what it has */
		assert_row(1, 1, recalled(m, l, "an old man with glasses", 1, seed, NULL));
	}
	/* where nothing is said, the seed */
	assert_row(1, 1, recalled(m, l, "a portrait", 1, 4, NULL));
	assert_row(1, 2, recalled(m, l, "a portrait", 1, 5, NULL));
	/* the one in a picture, of whatever style, goes before what is said */
	assert_row(1, 2, recalled(m, l, "an old man", 1, 0, c.alone[2][2]));
	assert_row(2, 1, recalled(m, l, "an old man with glasses", 2, 0, c.alone[1][1]));
	/* it is not held in the first style: the nearest that is */
	assert_row(0, 1, recalled(m, l, "a young man with glasses", 0, 3, NULL));
	assert_row(0, 1, recalled(m, l, "a young man with glasses", 0, 3, c.alone[2][2]));
	engine_memory_close(m);
	engine_lexicon_close(l);
	assert_true(file_write(in_folder("concepts.json"), CONCEPTS, sizeof CONCEPTS - 1, &e));
}

static void refused(const struct engine_memory_shape *shape, const char *why)
{
	struct engine_memory *m;
	struct err e;
	assert_false(engine_memory_open(folder, shape, &m, &e));
	assert_null(m);
	assert_int_equal(e.code, ERR_INVALID);
	if (!strstr(e.message, why))
		fail_msg("%s", e.message);
}

/* A picture of one colour on white, everywhere like `look`. */
static struct engine_glance glance_of(uint8_t grey)
{
	struct engine_glance g = {.plain = true, .ground = {255, 255, 255}};
	for (int i = 0; i < ENGINE_GLANCE_CELLS; i++)
		g.look[i][0] = g.look[i][1] = g.look[i][2] = grey;
	return g;
}

static void test_nearest(void **state)
{
	(void)state;
	struct contents c = contents();
	struct engine_memory *m;
	struct engine_lexicon *l;
	struct engine_likeness near[3];
	struct err e;
	c.look_rows = THINGS;
	for (int s = 0; s < STYLES; s++)
		for (int t = 0; t < THINGS; t++)
			for (int i = 0; i < ENGINE_GLANCE_CELLS; i++)
				memset(&c.look[s][t][(size_t)4 * (size_t)i], 40 * t + 10 * s, 3),
				    c.look[s][t][4 * i + 3] = 255;
	write_memory(&c, STYLES, ENGINE_I32);
	assert_true(engine_lexicon_open(folder, &l, &e));
	assert_true(engine_memory_open(folder, &SHAPE, &m, &e));
	assert_true(engine_memory_recognises(m));
	assert_int_equal(engine_memory_bytes(m),
			 sizeof c.alone + sizeof c.placed + sizeof c.small + sizeof c.look);

	struct engine_glance g =
	    glance_of(52); /* the cat is 50 in the second style, where only half of it is held */
	assert_int_equal(engine_memory_nearest(m, l, &g, near, 3), 3);
	assert_int_equal(near[0].row, 1);
	assert_int_equal(near[0].style, 2);
	assert_true(near[0].distance > 7.9f && near[0].distance < 8.1f);
	assert_int_equal(near[1].row, 0);
	assert_int_equal(near[2].row, 2);
	assert_true(near[1].distance <= near[2].distance);
	assert_int_equal(engine_memory_nearest(m, l, &g, near, 1), 1);
	assert_int_equal(near[0].row, 1);
	assert_int_equal(engine_memory_nearest(m, l, &g, near, 0), 0);

	/* Nothing stands there; or it can't be told from what is around it. */
	g.empty = true;
	assert_int_equal(engine_memory_nearest(m, l, &g, near, 3), 0);
	g.empty = false, g.plain = false;
	assert_int_equal(engine_memory_nearest(m, l, &g, near, 3), 0);
	assert_memory_equal(engine_memory_alone(m, 1, 2), c.alone[2][1], sizeof c.alone[2][1]);
	assert_null(engine_memory_alone(m, 1, 1));
	engine_memory_close(m);

	c.look_rows = THINGS - 1;
	write_memory(&c, STYLES, ENGINE_I32);
	refused(&SHAPE, "\"look\"");
	c.look_rows = 0;
	write_memory(&c, STYLES, ENGINE_I32);
	assert_true(engine_memory_open(folder, &SHAPE, &m, &e));
	g = glance_of(52);
	assert_false(engine_memory_recognises(m));
	assert_int_equal(engine_memory_nearest(m, l, &g, near, 3), 0);
	engine_memory_close(m);
	engine_lexicon_close(l);
}

static void test_certain(void **state)
{
	(void)state;
	struct engine_likeness near[] = {{.distance = 20}, {.distance = 30}};
	assert_false(engine_likeness_certain(near, 0));
	assert_true(engine_likeness_certain(near, 2));
	assert_true(engine_likeness_certain(near, 1));
	near[1].distance = 21; /* it may as well be that */
	assert_false(engine_likeness_certain(near, 2));
	near[0].distance = 5;
	near[1].distance = 5;
	assert_true(engine_likeness_certain(near, 2));
	near[0].distance = 30;
	near[1].distance = 90;
	assert_false(engine_likeness_certain(near, 2));
}

static void test_broken(void **state)
{
	(void)state;
	struct contents c = contents();
	struct engine_memory_shape other = SHAPE;
	struct err e;
	write_memory(&c, STYLES, ENGINE_I32);
	other.rows++;
	refused(&other, "\"alone\"");
	other = SHAPE, other.grid = 3;
	refused(&other, "no styles or concepts");
	other = SHAPE, other.styles = 0;
	refused(&other, "no styles or concepts");
	other = SHAPE, other.vocabulary = 59;
	refused(&other, "white");
	c.small[2][1][3] = 60;
	write_memory(&c, STYLES, ENGINE_I32);
	refused(&SHAPE, "small: number");
	c = contents(), c.alone[0][0][0] = -2;
	write_memory(&c, STYLES, ENGINE_I32);
	refused(&SHAPE, "alone: number 0");
	c = contents();
	write_memory(&c, STYLES - 1, ENGINE_I32);
	refused(&SHAPE, "\"alone\"");
	write_memory(&c, STYLES, ENGINE_F32);
	refused(&SHAPE, "\"alone\"");
	assert_true(file_write(in_folder("memory.safetensors"), "torn", 4, &e));
	refused(&SHAPE, "memory.safetensors");
}

static void keep(void *context, const struct engine_event *event)
{
	if (event->kind == ENGINE_EVENT_DONE)
		memcpy(context, event->tokens, TOKENS * sizeof(int32_t));
}

static enum engine_task settled(struct engine *engine, const char *prompt, const char *style)
{
	struct engine_request r = ENGINE_REQUEST_INIT;
	struct arena *a = arena_create(1 << 20);
	struct err e;
	r.task = ENGINE_TASK_RESTYLE;
	r.prompt = prompt;
	r.style = style;
	assert_true(engine_settle(engine, a, &r, &e));
	arena_destroy(a);
	return r.task;
}

static void draw(const struct engine_options *options, struct engine_request r, int32_t *tokens)
{
	struct err e = {0};
	uint64_t id;
	struct engine *engine = engine_create(folder, options, &e);
	if (!engine)
		fail_msg("%s", e.message);
	memset(tokens, 0xff, TOKENS * sizeof *tokens);
	assert_true(engine_submit(engine, &r, &id, &e));
	assert_true(engine_run(engine, keep, tokens));
	assert_string_equal(engine_style(engine, "a cat in line art"), "line");
	assert_null(engine_style(engine, "a cat"));
	assert_int_equal(settled(engine, "a cat", "3d"),
			 options->forget ? ENGINE_TASK_RESTYLE : ENGINE_TASK_DRAW);
	assert_int_equal(settled(engine, "a dog", "3d"), ENGINE_TASK_RESTYLE);
	/* this model has no style of its own */
	assert_int_equal(settled(engine, "a cat", NULL), ENGINE_TASK_RESTYLE);
	engine_destroy(engine);
}

static void test_drawing(void **state)
{
	(void)state;
	struct contents c = contents();
	const char *model = getenv("ENGINE_TINY");
	static const char *const files[] = {"config.json", "tokenizer.json", "model.safetensors"};
	char from[1024];
	assert_non_null(model);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(from, sizeof from, "%s/%s", model, files[i]);
		assert_int_equal(symlink(from, in_folder(files[i])), 0);
	}
	write_memory(&c, STYLES, ENGINE_I32);
	struct engine_options options = {.threads = 1}, forget = {.threads = 1, .forget = true};
	struct engine_request r = ENGINE_REQUEST_INIT;
	int32_t recalled[TOKENS], given[TOKENS], by_heart[TOKENS], varied[TOKENS];
	r.prompt = "a cat";
	r.style = "3d";
	r.seed = 5;
	draw(&options, r, recalled);
	draw(&forget, r, by_heart);
	struct engine_request edit = r;
	edit.task = ENGINE_TASK_EDIT;
	edit.source_style = "3d";
	edit.source_tokens = c.alone[0][1];
	edit.source_token_count = TOKENS;
	draw(&options, edit, given);
	assert_memory_equal(recalled, given, sizeof given);
	assert_memory_not_equal(recalled, by_heart, sizeof given);
	/* What is kept of the source goes before what is drawn after the memory. */
	r.task = ENGINE_TASK_VARY;
	r.keep = .5f;
	r.source_tokens = given;
	r.source_token_count = TOKENS;
	draw(&options, r, varied);
	assert_memory_equal(varied, given, sizeof given / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_recall, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nearest, setup, teardown),
	    cmocka_unit_test(test_certain),
	    cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_drawing, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
