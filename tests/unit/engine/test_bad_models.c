/* Model directories that are broken in every way we could think of, opened through the engine's face:
 * each tensor in turn missing, of a wrong shape, with a NaN, of a wrong type; files cut off, swapped,
 * full of noise. The engine must refuse each with a message that names what is wrong, and never crash. */
#include "base/file.h"
#include "engine/engine.h"
#include "engine/safetensors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TENSORS_MAX 512

static char folder[64];
static struct arena *arena;
static struct file_bytes config, tokenizer, weights;
static struct engine_safetensors *good;
static struct engine_tensor tensors[TENSORS_MAX];
static size_t tensor_count;

static const char *in_folder(const char *name)
{
	static char path[4][4096];
	static int next;
	char *p = path[next++ % 4];
	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static void put(const char *name, const void *bytes, size_t length)
{
	struct err e = {0};
	if (!file_write(in_folder(name), bytes, length, &e))
		fail_msg("%s", e.message);
}

static void put_all(void)
{
	put("config.json", config.data, config.length);
	put("tokenizer.json", tokenizer.data, tokenizer.length);
	put("model.safetensors", weights.data, weights.length);
}

static struct engine *open_folder(struct err *e)
{
	struct engine_options options = {.threads = 1, .requests_max = 1};
	return engine_create(folder, &options, e);
}

/* Opens what lies in the folder and expects a refusal whose message says `what`. */
static void refuse(const char *what)
{
	struct err e = {0};
	struct engine *engine = open_folder(&e);
	engine_destroy(engine);
	if (engine)
		fail_msg("opened, though %s", what);
	if (e.code == ERR_NONE || e.code == ERR_INTERNAL || !strstr(e.message, what))
		fail_msg("\"%s\" is not in \"%s\"", what, e.message);
}

static void put_tensors(const struct engine_tensor *list, size_t count)
{
	struct err e = {0};
	if (!engine_safetensors_write(in_folder("model.safetensors"), list, count, NULL, &e))
		fail_msg("%s", e.message);
}

/* What a model can do without: by its absence the shape is another. */
static bool optional(const char *name)
{
	return !strcmp(name, "model.image_position_embeddings.weight") ||
	       !strcmp(name, "model.vqmodel.encoder.conv_out.weight");
}

static void test_good(void **state)
{
	(void)state;
	struct err e = {0};
	put_all();
	struct engine *engine = open_folder(&e);
	if (!engine)
		fail_msg("%s", e.message);
	engine_destroy(engine);
	put_tensors(tensors, tensor_count); /* also when written by our own writer */
	engine = open_folder(&e);
	assert_non_null(engine);
	engine_destroy(engine);
}

static void test_each_missing(void **state)
{
	(void)state;
	struct engine_tensor list[TENSORS_MAX];
	put_all();
	for (size_t i = 0; i < tensor_count; i++) {
		if (optional(tensors[i].name))
			continue;
		memcpy(list, tensors, sizeof(list));
		list[i] = list[tensor_count - 1];
		put_tensors(list, tensor_count - 1);
		/* Without its last convolution a model has no decoder at all. */
		refuse(!strcmp(tensors[i].name, "model.vqmodel.decoder.conv_out.weight")
			   ? "no picture decoder"
			   : tensors[i].name);
	}
}

static void test_each_misshapen(void **state)
{
	(void)state;
	struct engine_tensor list[TENSORS_MAX];
	put_all();
	for (size_t i = 0; i < tensor_count; i++) {
		if (!strcmp(tensors[i].name, "model.image_position_embeddings.weight"))
			continue; /* config.json says the grid, so a table of another size is refused below */
		memcpy(list, tensors, sizeof(list));
		list[i].shape[list[i].ndim++] = 2;
		list[i].bytes = tensors[i].bytes * 2;
		void *twice = calloc(1, list[i].bytes);
		assert_non_null(twice);
		list[i].data = twice;
		put_tensors(list, tensor_count);
		refuse(tensors[i].name);
		free(twice);
	}
}

static void test_each_not_finite(void **state)
{
	(void)state;
	struct engine_tensor list[TENSORS_MAX];
	put_all();
	for (size_t i = 0; i < tensor_count; i++) {
		if (tensors[i].dtype != ENGINE_F32)
			continue; /* int8 is always a number; its scales have their turn */
		float *copy = malloc(tensors[i].bytes);
		assert_non_null(copy);
		size_t n = tensors[i].bytes / sizeof(float);
		memcpy(copy, tensors[i].data, tensors[i].bytes);
		copy[n - 1] = i % 2 ? NAN : -INFINITY;
		memcpy(list, tensors, sizeof(list));
		list[i].data = copy;
		put_tensors(list, tensor_count);
		refuse("is not a finite number");
		refuse(tensors[i].name);
		free(copy);
	}
}

static void test_wrong_types(void **state)
{
	(void)state;
	struct engine_tensor list[TENSORS_MAX];
	put_all();
	for (size_t i = 0; i < tensor_count; i += 7) {
		memcpy(list, tensors, sizeof(list));
		list[i].dtype = ENGINE_I32;
		put_tensors(list, tensor_count);
		refuse(tensors[i].name);
		list[i].dtype = ENGINE_I8; /* without its scales */
		list[i].bytes /= 4;
		put_tensors(list, tensor_count);
		refuse(tensors[i].name);
	}
}

static void test_cut_off(void **state)
{
	(void)state;
	put_all();
	for (size_t part = 0; part < 16; part++) {
		put("model.safetensors", weights.data, weights.length * part / 16);
		refuse("model.safetensors");
	}
	put("model.safetensors", weights.data, weights.length - 1);
	refuse("model.safetensors");
	put("model.safetensors", weights.data, weights.length);
	for (size_t part = 0; part < 16; part++) {
		put("config.json", config.data, config.length * part / 16);
		refuse("config.json");
	}
	put("config.json", config.data, config.length);
	for (size_t part = 0; part < 16; part++) {
		put("tokenizer.json", tokenizer.data, tokenizer.length * part / 16);
		refuse("tokenizer.json");
	}
}

static void test_missing_files(void **state)
{
	(void)state;
	static const char *const NAMES[] = {"config.json", "tokenizer.json"};
	for (int i = 0; i < 2; i++) {
		put_all();
		assert_int_equal(unlink(in_folder(NAMES[i])), 0);
		refuse(NAMES[i]);
	}
	put_all();
	assert_int_equal(unlink(in_folder("model.safetensors")), 0);
	refuse("no .safetensors file");
	assert_int_equal(mkdir(in_folder("model.safetensors"), 0755), 0);
	refuse("not a regular file");
	assert_int_equal(rmdir(in_folder("model.safetensors")), 0);
}

static void test_swapped_files(void **state)
{
	(void)state;
	put_all();
	put("config.json", tokenizer.data, tokenizer.length);
	refuse("config.json");
	put_all();
	put("tokenizer.json", config.data, config.length);
	refuse("tokenizer.json");
	put_all();
	put("model.safetensors", tokenizer.data, tokenizer.length);
	refuse("model.safetensors");
}

/* Bytes of the header and of the JSON files turned over at random: opened or refused, never a crash. */
static void test_noise(void **state)
{
	(void)state;
	unsigned random = 99;
	char *copy = malloc(weights.length + config.length + tokenizer.length);
	assert_non_null(copy);
	const struct {
		const char *name;
		const struct file_bytes *file;
		size_t reach;
	} files[] = {{"model.safetensors", &weights, 4096},
		     {"config.json", &config, config.length},
		     {"tokenizer.json", &tokenizer, tokenizer.length}};
	size_t refused = 0;
	for (int round = 0; round < 60; round++) {
		int f = round % 3;
		put_all();
		memcpy(copy, files[f].file->data, files[f].file->length);
		for (int i = 0; i < 1 + round / 20; i++) {
			random = random * 1103515245u + 12345u;
			copy[(random >> 8) % files[f].reach] ^= (char)(1 << (random >> 4) % 7);
		}
		put(files[f].name, copy, files[f].file->length);
		struct err e = {0};
		struct engine *engine = open_folder(&e);
		refused += !engine;
		assert_true(engine || e.message[0]);
		engine_destroy(engine);
	}
	assert_true(refused > 10);
	free(copy);
}

static int set_up(const char *variable)
{
	struct err e = {0};
	char path[3][4096];
	const char *dir = getenv(variable);
	/* Some 500 models are written, and every write is synced: memory is faster than a disk. */
	snprintf(folder, sizeof(folder), "%s/madang-bad-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!dir || !mkdtemp(folder))
		return -1;
	snprintf(path[0], sizeof(path[0]), "%s/config.json", dir);
	snprintf(path[1], sizeof(path[1]), "%s/tokenizer.json", dir);
	snprintf(path[2], sizeof(path[2]), "%s/model.safetensors", dir);
	arena = arena_create(64 << 20);
	good = engine_safetensors_open(path[2], &e);
	if (!good || !file_read(arena, path[0], 1 << 20, &config, &e) ||
	    !file_read(arena, path[1], 1 << 20, &tokenizer, &e) ||
	    !file_read(arena, path[2], 32 << 20, &weights, &e))
		return -1;
	tensor_count = engine_safetensors_count(good);
	for (size_t i = 0; i < tensor_count && i < TENSORS_MAX; i++)
		tensors[i] = *engine_safetensors_at(good, i);
	return tensor_count < TENSORS_MAX ? 0 : -1;
}

static int set_up_floats(void **state)
{
	(void)state;
	return set_up("ENGINE_TINY");
}

static int set_up_int8(void **state)
{
	(void)state;
	return set_up("ENGINE_TINY_INT8");
}

static int tear_down(void **state)
{
	(void)state;
	char command[4096];
	engine_safetensors_close(good);
	arena_destroy(arena);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),           cmocka_unit_test(test_each_missing),
	    cmocka_unit_test(test_each_misshapen), cmocka_unit_test(test_each_not_finite),
	    cmocka_unit_test(test_wrong_types),    cmocka_unit_test(test_cut_off),
	    cmocka_unit_test(test_missing_files),  cmocka_unit_test(test_swapped_files),
	    cmocka_unit_test(test_noise),
	};
	const struct CMUnitTest int8_tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_each_missing),
	    cmocka_unit_test(test_each_misshapen),
	    cmocka_unit_test(test_each_not_finite),
	};
	int failed = cmocka_run_group_tests_name("bad models", tests, set_up_floats, tear_down);
	return failed +
	       cmocka_run_group_tests_name("bad int8 models", int8_tests, set_up_int8, tear_down);
}
