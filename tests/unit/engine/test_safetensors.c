/* The safetensors reader and writer: golden files, round trips, shards, and files that lie. */
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

static char folder[] = "/tmp/madang-safetensors-XXXXXX";

static const char *golden(const char *name)
{
	static char path[4096];
	const char *base = getenv("ENGINE_GOLDEN");
	snprintf(path, sizeof(path), "%s/%s", base ? base : "tests/engine/golden", name);
	return path;
}

static const char *in_folder(const char *name)
{
	static char path[4][4096];
	static int next;
	char *p = path[next++ % 4];
	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static void write_text(const char *name, const char *text)
{
	FILE *f = fopen(in_folder(name), "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

/* A file of this header and this many payload bytes, opened from memory. */
static struct engine_safetensors *open_header(const char *header, size_t payload, struct err *e)
{
	static unsigned char bytes[65536];
	uint64_t n = strlen(header);
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &n, 8);
	memcpy(bytes + 8, header, n);
	return engine_safetensors_open_memory(bytes, 8 + n + payload, e);
}

static void refuse(const char *header, size_t payload, const char *message)
{
	struct err e = {0};
	struct engine_safetensors *s = open_header(header, payload, &e);
	assert_null(s);
	assert_int_not_equal(e.code, ERR_NONE);
	if (!strstr(e.message, message))
		fail_msg("\"%s\" is not in \"%s\"", message, e.message);
}

static void test_golden(void **state)
{
	(void)state;
	struct err e = {0};
	struct engine_safetensors *s =
	    engine_safetensors_open(golden("tiny_janus.safetensors"), &e);
	assert_non_null(s);
	assert_int_equal(engine_safetensors_count(s), 218);
	const struct engine_tensor *t =
	    engine_safetensors_find(s, "gen_vision_model.decoder.conv_in.weight");
	assert_non_null(t);
	assert_int_equal(t->dtype, ENGINE_F16);
	assert_int_equal(t->ndim, 4);
	assert_int_equal(t->shape[1], 32);
	assert_int_equal(t->bytes, 64 * 32 * 9 * 2);
	assert_int_equal(engine_tensor_row_size(t), 32 * 9);
	assert_null(engine_safetensors_find(s, "no.such"));
	for (size_t i = 0; i < engine_safetensors_count(s); i++) {
		t = engine_safetensors_at(s, i);
		assert_ptr_equal(engine_safetensors_find(s, t->name), t);
		float *out = malloc(t->bytes * 2 + 4);
		assert_true(engine_tensor_load_f32(t, out, &e));
		free(out);
	}
	assert_null(engine_safetensors_at(s, 218));
	engine_safetensors_close(s);
}

static void test_half_floats(void **state)
{
	(void)state;
	static const uint16_t f16[] = {0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff,
				       0x0001, 0x03ff, 0x0400, 0x3555};
	static const float want[] = {0,        -0.0f,        1,        -2,         65504,
				     0x1p-24f, 0x1.ff8p-15f, 0x1p-14f, 0x1.554p-2f};
	float out[9];
	struct engine_tensor t = {"x", ENGINE_F16, 1, {9, 1, 1, 1, 1, 1}, f16, sizeof(f16), NULL};
	engine_tensor_rows_f32(&t, 0, 9, out);
	assert_memory_equal(out, want, sizeof(want));
	static const uint16_t bf16[] = {0x3f80, 0xc049};
	t = (struct engine_tensor){"x",  ENGINE_BF16,  1,   {2, 1, 1, 1, 1, 1},
				   bf16, sizeof(bf16), NULL};
	engine_tensor_rows_f32(&t, 1, 1, out);
	assert_float_equal(out[0], -3.140625f, 0);
}

static void test_not_finite(void **state)
{
	(void)state;
	struct err e = {0};
	float f32[] = {1, 2, NAN};
	uint16_t f16[] = {0x7c00}, bf16[] = {0x3f80, 0xff81};
	int8_t q[] = {1, 2};
	float scale[] = {1, INFINITY};
	struct engine_tensor tensors[] = {
	    {"a", ENGINE_F32, 1, {3, 1, 1, 1, 1, 1}, f32, sizeof(f32), NULL},
	    {"b", ENGINE_F16, 1, {1, 1, 1, 1, 1, 1}, f16, sizeof(f16), NULL},
	    {"c", ENGINE_BF16, 1, {2, 1, 1, 1, 1, 1}, bf16, sizeof(bf16), NULL},
	    {"d", ENGINE_I8, 1, {2, 1, 1, 1, 1, 1}, q, sizeof(q), scale},
	};
	const char *messages[] = {"a: value 2", "b: value 0", "c: value 1", "d_scale: value 1"};
	for (int i = 0; i < 4; i++) {
		float out[3];
		assert_false(engine_tensor_load_f32(&tensors[i], out, &e));
		assert_int_equal(e.code, ERR_INVALID);
		assert_non_null(strstr(e.message, messages[i]));
	}
	f32[2] = 0x1.fffffep127f;
	assert_true(engine_tensor_check_finite(&tensors[0], &e));
}

static void test_write_and_read(void **state)
{
	(void)state;
	struct err e = {0};
	const int8_t q[] = {-128, 0, 127, 1, 2, 3};
	const float scale[] = {0.5f, 2}, f[] = {7};
	const int64_t big[] = {INT64_MIN};
	struct engine_tensor tensors[] = {
	    {"m.weight", ENGINE_I8, 2, {2, 3, 1, 1, 1, 1}, q, 6, NULL},
	    {"m.weight_scale", ENGINE_F32, 1, {2, 1, 1, 1, 1, 1}, scale, 8, NULL},
	    {"scalar", ENGINE_F32, 0, {1, 1, 1, 1, 1, 1}, f, 4, NULL},
	    {"big", ENGINE_I64, 1, {1, 1, 1, 1, 1, 1}, big, 8, NULL},
	    {"none", ENGINE_F32, 2, {0, 4, 1, 1, 1, 1}, f, 0, NULL},
	};
	const char *metadata[] = {"format", "pt", NULL};
	const char *path = in_folder("round.safetensors");
	assert_true(engine_safetensors_write(path, tensors, 5, metadata, &e));
	struct engine_safetensors *s = engine_safetensors_open(path, &e);
	assert_non_null(s);
	assert_int_equal(engine_safetensors_count(s), 5);
	const struct engine_tensor *t = engine_safetensors_find(s, "m.weight");
	float out[6];
	assert_true(engine_tensor_load_f32(t, out, &e));
	const float want[] = {-64, 0, 63.5f, 2, 4, 6};
	assert_memory_equal(out, want, sizeof(want));
	engine_tensor_rows_f32(t, 1, 1, out);
	assert_float_equal(out[2], 6, 0);
	t = engine_safetensors_find(s, "scalar");
	assert_true(engine_tensor_load_f32(t, out, &e));
	assert_float_equal(out[0], 7, 0);
	assert_int_equal((uintptr_t)engine_safetensors_find(s, "big")->data % 8, 0);
	engine_safetensors_close(s);
}

static void test_write_failures(void **state)
{
	(void)state;
	struct err e = {0};
	const float f[] = {7};
	struct engine_tensor t = {"x", ENGINE_F32, 1, {2, 1, 1, 1, 1, 1}, f, 4, NULL};
	assert_false(engine_safetensors_write(in_folder("bad.safetensors"), &t, 1, NULL, &e));
	assert_non_null(strstr(e.message, "needs 8 bytes"));
	t.shape[0] = 1;
	assert_false(engine_safetensors_write(in_folder("no/such/folder"), &t, 1, NULL, &e));
	assert_int_equal(e.code, ERR_IO);
	t.name = "\xff";
	assert_false(engine_safetensors_write(in_folder("bad.safetensors"), &t, 1, NULL, &e));
	assert_int_not_equal(access(in_folder("bad.safetensors"), F_OK), 0);
}

static void test_bad_headers(void **state)
{
	(void)state;
	refuse("", 0, "not valid JSON");
	refuse("[]", 0, "not a JSON object");
	refuse("{}", 0, "no tensors");
	refuse("{\"a\":1}", 0, "must be an object");
	refuse("{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
	       "a: unknown dtype");
	refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3, "cut off");
	refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4,
	       "needs 8 bytes");
	refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "dimension");
	refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}}", 4,
	       "dimension");
	refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 8, "rising");
	refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 8, "rising");
	refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 8, "two numbers");
	refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 8,
	       "at most 6");
	/* 2^40 * 2^40 elements, whose byte count wraps around to 0 in 64 bits. */
	refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1099511627776,1099511627776],\"data_offsets\":"
	       "[0,0]}}",
	       0, "too large");
	refuse(
	    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,99999999999999999999]}}",
	    4, "not valid JSON");
	refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
	       "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[3,7]}}",
	       8, "overlap");
	refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
	       "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
	       8, "not valid JSON");
	refuse("{\"a\\u001b[2J\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 8,
	       "printable");
	refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]},"
	       "\"a_scale\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
	       8, "one value per row");
}

static void test_truncated(void **state)
{
	(void)state;
	struct err e = {0};
	const char header[] = "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}";
	uint64_t n = sizeof(header) - 1;
	unsigned char bytes[sizeof(header) + 11];
	memcpy(bytes, &n, 8);
	memcpy(bytes + 8, header, n);
	for (size_t size = 0; size < 8 + n + 4; size++) {
		/* A copy of exactly this size, so that the sanitizer sees a byte too many. */
		unsigned char *copy = malloc(size ? size : 1);
		memcpy(copy, bytes, size);
		assert_null(engine_safetensors_open_memory(copy, size, &e));
		free(copy);
	}
	struct engine_safetensors *s = engine_safetensors_open_memory(bytes, 8 + n + 4, &e);
	assert_non_null(s);
	engine_safetensors_close(s);
	memset(bytes, 0xff, 8);
	assert_null(engine_safetensors_open_memory(bytes, sizeof(bytes), &e));
	assert_non_null(strstr(e.message, "header says"));
}

static void write_one(const char *file, const char *name)
{
	struct err e = {0};
	const float f[] = {1};
	struct engine_tensor t = {name, ENGINE_F32, 1, {1, 1, 1, 1, 1, 1}, f, 4, NULL};
	assert_true(engine_safetensors_write(in_folder(file), &t, 1, NULL, &e));
}

static void refuse_open(const char *name, const char *message)
{
	struct err e = {0};
	assert_null(engine_safetensors_open(in_folder(name), &e));
	if (!strstr(e.message, message))
		fail_msg("\"%s\" is not in \"%s\"", message, e.message);
}

static void test_shards(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(mkdir(in_folder("sharded"), 0755), 0);
	write_one("sharded/m-1.safetensors", "one");
	write_one("sharded/m-2.safetensors", "two");
	const char *index = "sharded/model.safetensors.index.json";
	write_text(index,
		   "{\"weight_map\":{\"one\":\"m-1.safetensors\",\"two\":\"m-2.safetensors\"}}");
	const char *ways[] = {"sharded", index};
	for (int i = 0; i < 2; i++) {
		struct engine_safetensors *s = engine_safetensors_open(in_folder(ways[i]), &e);
		assert_non_null(s);
		assert_non_null(engine_safetensors_find(s, "one"));
		assert_non_null(engine_safetensors_find(s, "two"));
		engine_safetensors_close(s);
	}
	write_text(index, "{\"weight_map\":{\"one\":\"../round.safetensors\"}}");
	refuse_open("sharded", "plain name");
	write_text(index, "{\"weight_map\":{\"one\":\"/etc/passwd\"}}");
	refuse_open("sharded", "plain name");
	write_text(index, "{\"weight_map\":{\"one\":\"m-3.safetensors\"}}");
	refuse_open("sharded", "cannot be opened");
	write_text(index, "{\"weight_map\":{\"three\":\"m-1.safetensors\"}}");
	refuse_open("sharded", "lacks tensor three");
	write_text(index, "{\"weight_map\":[]}");
	refuse_open("sharded", "weight_map");
	write_text(index, "{");
	refuse_open("sharded", "not valid JSON");
	assert_int_equal(unlink(in_folder(index)), 0);
	struct engine_safetensors *s = engine_safetensors_open(in_folder("sharded"), &e);
	assert_non_null(s); /* no index: all weight files of the directory */
	assert_int_equal(engine_safetensors_count(s), 2);
	engine_safetensors_close(s);
	write_one("sharded/m-3.safetensors", "two");
	refuse_open("sharded", "there twice");
}

static void test_bad_paths(void **state)
{
	(void)state;
	refuse_open("nothing-here", "No such file");
	assert_int_equal(mkdir(in_folder("empty"), 0755), 0);
	refuse_open("empty", "no .safetensors file");
	write_text("zero.safetensors", "");
	refuse_open("zero.safetensors", "empty");
	assert_int_equal(mkfifo(in_folder("fifo.safetensors"), 0600), 0);
	refuse_open("fifo.safetensors", "not a regular file");
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	char command[4096];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),         cmocka_unit_test(test_half_floats),
	    cmocka_unit_test(test_not_finite),     cmocka_unit_test(test_write_and_read),
	    cmocka_unit_test(test_write_failures), cmocka_unit_test(test_bad_headers),
	    cmocka_unit_test(test_truncated),      cmocka_unit_test(test_shards),
	    cmocka_unit_test(test_bad_paths),
	};
	return cmocka_run_group_tests_name("safetensors", tests, set_up, tear_down);
}
