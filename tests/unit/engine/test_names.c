/* The table of names: the tiny model under its original names and, renamed with
 * golden/name_map.json, under the transformers names must give the same weights; LlamaGen's stacked
 * rows; refusals. */
#include "engine/names.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WANTS (T_COUNT * 3 * 2 * 2)

static char renamed[] = "/tmp/madang-names-XXXXXX";

static const char *golden(const char *name)
{
	static char path[4096];
	const char *base = getenv("ENGINE_GOLDEN");
	snprintf(path, sizeof(path), "%s/%s", base ? base : "tests/engine/golden", name);
	return path;
}

/* All that may be asked of a model of two layers and two stages. */
static struct engine_want want_at(int n)
{
	return (struct engine_want){.id = (enum engine_tensor_id)(n / 12),
				    .i = n / 4 % 3 - 1,
				    .j = n / 2 % 2,
				    .bias = n % 2};
}

static struct engine_tensor piece(const struct engine_tensor *t, const char *name, int part,
				  int parts)
{
	struct engine_tensor p = *t;
	p.name = name;
	p.bytes /= (size_t)parts;
	p.shape[0] /= parts;
	p.data = (const char *)t->data + (size_t)part * p.bytes;
	if (!strcmp(t->name, "vision_model.vision_tower.pos_embed")) {
		p.ndim = 2; /* published with a leading 1, which transformers drops */
		p.shape[0] = t->shape[1];
		p.shape[1] = t->shape[2];
	}
	return p;
}

/* Writes the tiny model under its transformers names. */
static void rename_model(const struct engine_safetensors *s, const char *path)
{
	json_t *map = json_load_file(golden("name_map.json"), 0, NULL);
	assert_non_null(map);
	struct engine_tensor out[512];
	size_t count = 0;
	const char *from;
	json_t *to;
	json_object_foreach(map, from, to)
	{
		const struct engine_tensor *t = engine_safetensors_find(s, from);
		assert_non_null(t);
		size_t parts = json_is_array(to) ? json_array_size(to) : 1;
		for (size_t p = 0; p < parts; p++) {
			const json_t *name = json_is_array(to) ? json_array_get(to, p) : to;
			assert_true(count < 512);
			out[count++] = piece(t, json_string_value(name), (int)p, (int)parts);
		}
	}
	struct err e = {0};
	assert_true(engine_safetensors_write(path, out, count, NULL, &e));
	json_decref(map);
}

static void test_both_layouts(void **state)
{
	(void)state;
	struct err e = {0};
	struct engine_weights *a = engine_weights_open(golden("tiny_janus.safetensors"), &e);
	assert_non_null(a);
	assert_int_equal(engine_weights_layout(a), ENGINE_LAYOUT_ORIGINAL);
	rename_model(engine_weights_file(a), renamed);
	struct engine_weights *b = engine_weights_open(renamed, &e);
	assert_non_null(b);
	assert_int_equal(engine_weights_layout(b), ENGINE_LAYOUT_JANUS);
	for (int n = 0; n < WANTS; n++) {
		assert_int_equal(engine_weights_has(a, want_at(n)),
				 engine_weights_has(b, want_at(n)));
		struct engine_tensor x, y;
		if (!engine_weights_get(a, want_at(n), &x, &e)) {
			assert_false(engine_weights_has(a, want_at(n)));
			continue;
		}
		assert_true(engine_weights_get(b, want_at(n), &y, &e));
		assert_int_equal(x.dtype, y.dtype);
		assert_int_equal(x.bytes, y.bytes);
		assert_memory_equal(x.data, y.data, x.bytes);
	}
	engine_weights_close(a);
	engine_weights_close(b);
}

/* Every tensor of the file must be the answer to some question. */
static void all_reached(const char *path)
{
	struct err e = {0};
	struct engine_weights *w = engine_weights_open(path, &e);
	assert_non_null(w);
	const struct engine_safetensors *s = engine_weights_file(w);
	for (size_t i = 0; i < engine_safetensors_count(s); i++) {
		const struct engine_tensor *t = engine_safetensors_at(s, i);
		bool reached = false;
		for (int n = 0; n < WANTS && !reached; n++) {
			struct engine_tensor x;
			reached = engine_weights_get(w, want_at(n), &x, &e) && x.data == t->data;
		}
		if (!reached)
			fail_msg("%s has no row in the table", t->name);
	}
	engine_weights_close(w);
}

static void test_all_reached(void **state)
{
	(void)state;
	char path[4096];
	snprintf(path, sizeof(path), "%s", golden("tiny_janus.safetensors"));
	all_reached(path);
	all_reached(renamed);
	all_reached(golden("tiny_llamagen_c2i.safetensors"));
	all_reached(golden("tiny_llamagen_t2i.safetensors"));
}

static void test_stacked_rows(void **state)
{
	(void)state;
	struct err e = {0};
	struct engine_weights *w = engine_weights_open(golden("tiny_llamagen_c2i.safetensors"), &e);
	assert_non_null(w);
	assert_int_equal(engine_weights_layout(w), ENGINE_LAYOUT_LLAMAGEN);
	const struct engine_tensor *qkv =
	    engine_safetensors_find(engine_weights_file(w), "layers.1.attention.wqkv.weight");
	for (int part = 0; part < 3; part++) {
		struct engine_tensor t;
		assert_true(engine_weights_get(
		    w,
		    (struct engine_want){(enum engine_tensor_id)(T_LAYER_Q + part), .i = 1,
					 .shape = {64, 64}},
		    &t, &e));
		assert_ptr_equal(t.data, (const char *)qkv->data + part * 64 * 64 * 2);
		assert_int_equal(t.bytes, 64 * 64 * 2);
	}
	engine_weights_close(w);
}

/* Wraps one tensor of the given kind in a model and asks for it. */
static bool ask(struct engine_tensor t, struct engine_want want, struct engine_tensor *out,
		struct err *e)
{
	static const float zeros[256];
	struct engine_tensor all[] = {
	    t,
	    {"model.language_model.norm.weight", ENGINE_F32, 1, {1, 1, 1, 1, 1, 1}, zeros, 4, NULL},
	    {"model.language_model.layers.0.self_attn.q_proj.weight_scale",
	     ENGINE_F32,
	     1,
	     {2, 1, 1, 1, 1, 1},
	     zeros,
	     8,
	     NULL}};
	all[0].data = zeros;
	assert_true(engine_safetensors_write(renamed, all, t.scale ? 3 : 2, NULL, e));
	struct engine_weights *w = engine_weights_open(renamed, e);
	assert_non_null(w);
	bool ok = engine_weights_get(w, want, out, e);
	engine_weights_close(w);
	return ok;
}

static void test_refusals(void **state)
{
	(void)state;
	struct err e = {0};
	struct engine_tensor t = {"model.language_model.layers.0.self_attn.q_proj.weight",
				  ENGINE_F32,
				  2,
				  {2, 3, 1, 1, 1, 1},
				  NULL,
				  24,
				  NULL};
	struct engine_tensor out;
	struct engine_want want = {T_LAYER_Q, .shape = {2, 3}};
	assert_true(ask(t, want, &out, &e));
	want.shape[1] = 4;
	assert_false(ask(t, want, &out, &e));
	assert_non_null(strstr(e.message, "q_proj.weight is [2,3], but this model needs [2,4]"));
	want.shape[1] = 3;
	want.i = 1;
	assert_false(ask(t, want, &out, &e));
	assert_non_null(strstr(e.message, "layers.1.self_attn.q_proj.weight is missing"));
	want.i = 0;
	t.dtype = ENGINE_I32;
	assert_false(ask(t, want, &out, &e));
	assert_int_equal(e.code, ERR_UNSUPPORTED);
	t.dtype = ENGINE_I8;
	t.bytes = 6;
	assert_false(ask(t, want, &out, &e));
	assert_non_null(strstr(e.message, "_scale"));
	t.scale = &t; /* any: the scale is then written beside it */
	assert_true(ask(t, want, &out, &e));
	want.id = T_CLASS_EMBED;
	assert_false(ask(t, want, &out, &e));
}

static void test_load(void **state)
{
	(void)state;
	struct err e = {0};
	struct engine_weights *w = engine_weights_open(golden("tiny_janus.safetensors"), &e);
	assert_non_null(w);
	float v[64];
	assert_true(
	    engine_weights_load(w, (struct engine_want){T_FINAL_NORM, .shape = {64}}, v, &e));
	assert_false(
	    engine_weights_load(w, (struct engine_want){T_FINAL_NORM, .shape = {65}}, v, &e));
	engine_weights_close(w);
	assert_null(engine_weights_open(golden("expected.safetensors"), &e));
	assert_int_equal(e.code, ERR_UNSUPPORTED);
}

static int set_up(void **state)
{
	(void)state;
	int fd = mkstemp(renamed);
	return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
	(void)state;
	return unlink(renamed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_layouts), cmocka_unit_test(test_all_reached),
	    cmocka_unit_test(test_stacked_rows), cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_load),
	};
	return cmocka_run_group_tests_name("names", tests, set_up, tear_down);
}
