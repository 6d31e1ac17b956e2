/* The text tokenizer: the 30 published-way cases, a slow but plain BPE as its oracle on random texts,
 * limits, and tokenizer.json files that are wrong. */
#include "base/file.h"
#include "engine/text.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct engine_text *tiny;
static char *tiny_json;
static size_t tiny_length;

static const char *golden(const char *name)
{
	static char path[4096];
	const char *base = getenv("ENGINE_GOLDEN");
	snprintf(path, sizeof(path), "%s/%s", base ? base : "tests/engine/golden", name);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	struct err e = {0};
	struct arena *a = arena_create(1 << 20);
	struct file_bytes f;
	if (!file_read(a, golden("tiny_tokenizer.json"), 1 << 20, &f, &e))
		return -1;
	tiny_json = strdup(f.data);
	tiny_length = f.length;
	arena_destroy(a);
	tiny = engine_text_open(golden("tiny_tokenizer.json"), &e);
	return tiny ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free(tiny_json);
	engine_text_close(tiny);
	return 0;
}

static void check_case(const char *text, size_t length, const json_t *ids, const char *decoded)
{
	struct err e = {0};
	int32_t got[512];
	size_t n;
	struct engine_text_options all = {.template = true, .specials = true};
	assert_true(engine_text_encode(tiny, all, text, length, got, 512, &n, &e));
	if (n != json_array_size(ids))
		fail_msg("\"%s\": %zu ids instead of %zu", text, n, json_array_size(ids));
	for (size_t i = 0; i < n; i++) {
		if (got[i] != json_integer_value(json_array_get(ids, i)))
			fail_msg("\"%s\": id %zu is %d", text, i, got[i]);
	}
	struct buf out;
	buf_init(&out, 4096);
	engine_text_decode(tiny, got, n, &out);
	assert_string_equal(out.data ? out.data : "", decoded);
	buf_finish(&out);
}

static void test_cases(void **state)
{
	(void)state;
	json_t *cases = json_load_file(golden("tokenizer_cases.json"), 0, NULL);
	assert_int_equal(json_array_size(cases), 30);
	for (size_t i = 0; i < 30; i++) {
		const json_t *c = json_array_get(cases, i), *text = json_object_get(c, "text");
		check_case(json_string_value(text), json_string_length(text),
			   json_object_get(c, "ids"),
			   json_string_value(json_object_get(c, "decoded_skip_special")));
	}
	json_decref(cases);
}

static void test_ids(void **state)
{
	(void)state;
	assert_int_equal(engine_text_vocab(tiny), 412);
	assert_int_equal(engine_text_id(tiny, "<begin_of_image>"), 408);
	assert_int_equal(engine_text_id(tiny, "<｜▁pad▁｜>"), 406);
	assert_int_equal(engine_text_id(tiny, "a"), 64);
	assert_int_equal(engine_text_id(tiny, "nothing like this"), -1);
	assert_int_equal(engine_text_id(tiny, ""), -1);
}

/* What a person types can't become a control token. */
static void test_no_forged_specials(void **state)
{
	(void)state;
	struct err e = {0};
	int32_t ids[64];
	size_t n;
	const char *text = "A<begin_of_image>B";
	struct engine_text_options plain = {0};
	assert_true(engine_text_encode(tiny, plain, text, strlen(text), ids, 64, &n, &e));
	assert_int_equal(ids[0], 32); /* no BOS without the template */
	for (size_t i = 0; i < n; i++)
		assert_true(ids[i] < 404);
	struct buf out;
	buf_init(&out, 4096);
	engine_text_decode(tiny, ids, n, &out);
	assert_string_equal(out.data, text);
	buf_finish(&out);
}

static void refuse_text(const char *text, size_t length, size_t max, enum err_code code)
{
	struct err e = {0};
	static int32_t ids[ENGINE_TEXT_BYTES_MAX];
	size_t n;
	struct engine_text_options all = {.template = true, .specials = true};
	assert_false(engine_text_encode(tiny, all, text, length, ids, max, &n, &e));
	assert_int_equal(e.code, code);
}

static void test_limits(void **state)
{
	(void)state;
	refuse_text("caf\xe9", 4, 64, ERR_INVALID);
	refuse_text("\xf0\x9f\x99", 3, 64, ERR_INVALID);
	refuse_text("\xed\xa0\x80", 3, 64, ERR_INVALID);
	refuse_text("abcd", 4, 4, ERR_TOO_LARGE); /* BOS and four letters */
	refuse_text("", 0, 0, ERR_TOO_LARGE);
	char *large = malloc(ENGINE_TEXT_BYTES_MAX + 1);
	memset(large, 'a', ENGINE_TEXT_BYTES_MAX + 1);
	refuse_text(large, ENGINE_TEXT_BYTES_MAX + 1, ENGINE_TEXT_BYTES_MAX, ERR_TOO_LARGE);
	int32_t *ids = malloc(ENGINE_TEXT_BYTES_MAX * sizeof(*ids));
	struct err e = {0};
	size_t n;
	struct engine_text_options plain = {0};
	/* One word of 64 KiB, and one that merges all the way: no quadratic time. */
	assert_true(engine_text_encode(tiny, plain, large, ENGINE_TEXT_BYTES_MAX, ids,
				       ENGINE_TEXT_BYTES_MAX, &n, &e));
	for (size_t i = 0; i < ENGINE_TEXT_BYTES_MAX; i++)
		large[i] = " the"[i % 4];
	assert_true(engine_text_encode(tiny, plain, large, ENGINE_TEXT_BYTES_MAX, ids,
				       ENGINE_TEXT_BYTES_MAX, &n, &e));
	assert_int_equal(n, ENGINE_TEXT_BYTES_MAX / 4);
	free(ids);
	free(large);
}

/* Decoding what was encoded gives the text back, whatever it was. */
static void test_random_round_trip(void **state)
{
	(void)state;
	static const char *const PARTS[] = {
	    "the",    " ",    "a",        "\n", "\r", "1", "½",  "한", "国", "é",
	    "<|User", "🙂", "\xc2\xa0", "　", "!",  "Ω", "\t", "_",  "ſ",  "<begin_of_image",
	    "Ġ",      "٣"};
	struct err e = {0};
	unsigned random = 12345;
	for (int round = 0; round < 2000; round++) {
		char text[512] = "";
		size_t length = 0;
		for (int i = 0; i < round % 40; i++) {
			random = random * 1103515245u + 12345u;
			const char *part =
			    PARTS[(random >> 16) % (sizeof(PARTS) / sizeof(PARTS[0]))];
			memcpy(text + length, part, strlen(part) + 1);
			length += strlen(part);
		}
		int32_t ids[512];
		size_t n;
		struct engine_text_options options = {.template = round % 2,
						      .specials = round % 3 == 0};
		assert_true(engine_text_encode(tiny, options, text, length, ids, 512, &n, &e));
		struct buf out;
		buf_init(&out, 4096);
		engine_text_decode(tiny, ids, n, &out);
		assert_string_equal(out.data ? out.data : "", text);
		buf_finish(&out);
	}
}

/* BPE by its definition: join the pair of the lowest rank, the leftmost first, until none is left. */
static size_t slow_bpe(const json_t *merges, char symbols[64][64], size_t n)
{
	for (;;) {
		size_t best_rank = json_array_size(merges), best = 0;
		for (size_t i = 0; i + 1 < n; i++) {
			char pair[136];
			snprintf(pair, sizeof(pair), "%s %s", symbols[i], symbols[i + 1]);
			for (size_t rank = 0; rank < best_rank; rank++) {
				if (!strcmp(json_string_value(json_array_get(merges, rank)),
					    pair)) {
					best_rank = rank;
					best = i;
				}
			}
		}
		if (best_rank == json_array_size(merges))
			return n;
		char joined[136];
		snprintf(joined, sizeof(joined), "%s%s", symbols[best], symbols[best + 1]);
		memcpy(symbols[best], joined, sizeof(symbols[0]));
		n--;
		memmove(symbols[best + 1], symbols[best + 2], (n - best - 1) * sizeof(symbols[0]));
	}
}

static void test_against_slow_bpe(void **state)
{
	(void)state;
	static char symbols[64][64];
	struct err e = {0};
	json_t *root = json_loads(tiny_json, 0, NULL);
	const json_t *merges = json_object_get(json_object_get(root, "model"), "merges");
	unsigned random = 4711;
	for (int round = 0; round < 500; round++) {
		char text[40] = " ";
		memcpy(symbols[0], "Ġ", sizeof("Ġ"));
		size_t n = 1;
		for (; n < 4 + (size_t)round % 30; n++) {
			random = random * 1103515245u + 12345u;
			text[n] = "aaeeoonnrcdghilpstuwbkmq"[(random >> 16) % 24];
			snprintf(symbols[n], sizeof(symbols[n]), "%c", text[n]);
		}
		int32_t ids[64];
		size_t count;
		struct engine_text_options plain = {0};
		assert_true(engine_text_encode(tiny, plain, text, n, ids, 64, &count, &e));
		assert_int_equal(count, slow_bpe(merges, symbols, n));
		for (size_t i = 0; i < count; i++)
			assert_int_equal(ids[i], engine_text_id(tiny, symbols[i]));
	}
	json_decref(root);
}

static void test_decode_odd(void **state)
{
	(void)state;
	/* Half a character, ids that do not exist. */
	int32_t ids[] = {-1, 9999999, 172, 253, 64};
	struct buf out;
	buf_init(&out, 64);
	engine_text_decode(tiny, ids, 5, &out);
	assert_string_equal(out.data, "\xef\xbf\xbd\xef\xbf\xbd"
				      "a");
	buf_finish(&out);
	buf_init(&out, 2);
	engine_text_decode(tiny, ids, 5, &out);
	assert_true(out.failed);
	buf_finish(&out);
}

/* The tiny file with the first `from` replaced by `to`. */
static char *changed(const char *from, const char *to)
{
	const char *at = strstr(tiny_json, from);
	if (!at)
		fail_msg("no %s in the file", from);
	size_t size = tiny_length + strlen(to) + 1;
	char *text = malloc(size);
	snprintf(text, size, "%.*s%s%s", (int)(at - tiny_json), tiny_json, to, at + strlen(from));
	return text;
}

static void refuse_file(const char *from, const char *to, const char *message)
{
	struct err e = {0};
	char *text = changed(from, to);
	if (engine_text_parse(text, strlen(text), &e))
		fail_msg("accepted, though %s", message);
	if (!strstr(e.message, message))
		fail_msg("\"%s\" is not in \"%s\"", message, e.message);
	free(text);
}

static void test_bad_files(void **state)
{
	(void)state;
	struct err e = {0};
	assert_null(engine_text_parse("", 0, &e));
	assert_null(engine_text_parse("{}", 2, &e));
	assert_null(engine_text_parse("[]", 2, &e));
	assert_null(engine_text_open("/nowhere/tokenizer.json", &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	refuse_file("\"type\":\"BPE\"", "\"type\":\"Unigram\"", "other than BPE");
	refuse_file("\"dropout\":null", "\"dropout\":0.1", "dropout");
	refuse_file("\"normalizers\":[]", "\"normalizers\":[{\"type\":\"NFC\"}]", "a normalizer");
	refuse_file("[\\r\\n]", "(a|b)", "Split pattern");
	refuse_file("[\\r\\n]", "[^a]", "Split pattern");
	refuse_file("\\\\s+$", "\\\\s+$x", "Split pattern");
	refuse_file("Isolated", "Removed", "a Split of this kind");
	refuse_file("\"use_regex\":false", "\"use_regex\":true", "use_regex");
	refuse_file("\"type\":\"Digits\"", "\"type\":\"Metaspace\"",
		    "a pre-tokenizer of this kind");
	refuse_file("\"!\":0", "\"!\":-1", "vocab must be an object");
	refuse_file("\"!\":0", "\"!\":99999999", "id is not a number");
	refuse_file("\"!\":0", "\"!\":99999999999999999999", "vocab must be an object");
	refuse_file("\"!\":0", "\"!\":\"0\"", "vocab must be an object");
	refuse_file("\"!\":0", "\"!\":01", "vocab must be an object");
	refuse_file("\"!\":0", "\"!\" 0", "vocab must be an object");
	refuse_file("\"!\":0,", "\"!\":0", "vocab must be an object");
	refuse_file("\"!\":0,", "\"!\":0,,", "vocab must be an object");
	refuse_file("\"!\":0", "\"\xff\":0", "vocab must be an object");
	refuse_file("\"!\":0", "\"\\ud800\":0", "vocab must be an object");
	refuse_file("\"!\":0", "\"\\u0000\":0", "vocab must be an object");
	refuse_file("\"!\":0", "\"!\":0,\"!\":500", "tokens 500 and 0 are the same");
	refuse_file("\"vocab\":{", "\"vocab\":[],\"vocab\":{", "not valid JSON");
	refuse_file("\"vocab\":{", "\"vocabulary\":{", "model needs vocab and merges");
	refuse_file("\"merges\":[", "\"merges\":7,\"more\":[", "merge 0 is not a pair");
	refuse_file("\"!\":0", "\"!\":1", "two tokens have the id 1");
	refuse_file("\"!\":0,", "", "vocab lacks byte 33");
	refuse_file("\"Ġ a\"", "\"Ġ zzz\"", "merge 0 names a token that vocab lacks");
	refuse_file("\"Ġ a\"", "\"Ġa\"", "merge 0 is not a pair");
	refuse_file("\"Ġ a\"", "[\"Ġ\"]", "merge 0 is not a pair");
	refuse_file("\"lstrip\":false", "\"lstrip\":true", "lstrip");
	refuse_file("\"content\":\"<image_placeholder>\"", "\"content\":\"\"", "is empty");
	refuse_file("\"content\":\"<image_placeholder>\"", "\"content\":1", "no content");
	refuse_file("\"ids\":[404]", "\"ids\":[99999]", "post_processor names");
	refuse_file("\"ids\":[404]", "\"ids\":[]", "without ids");
	refuse_file("TemplateProcessing", "BertProcessing", "a post_processor of this kind");
}

/* Merges may also be written as pairs; a Sequence of post-processors is the same as its one. */
static void test_other_spellings(void **state)
{
	(void)state;
	struct err e = {0};
	char *text = changed("\"Ġ a\",\"Ġ o\"", "[\"\\u0120\", \"a\"] , [\"Ġ\",\"\\u006F\"]");
	struct engine_text *t = engine_text_parse(text, strlen(text), &e);
	assert_non_null(t);
	int32_t ids[8];
	size_t n;
	struct engine_text_options plain = {0};
	assert_true(engine_text_encode(t, plain, " a", 2, ids, 8, &n, &e));
	assert_int_equal(n, 1);
	assert_int_equal(ids[0], engine_text_id(t, "Ġa"));
	engine_text_close(t);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_ids),
	    cmocka_unit_test(test_no_forged_specials),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_against_slow_bpe),
	    cmocka_unit_test(test_random_round_trip),
	    cmocka_unit_test(test_decode_odd),
	    cmocka_unit_test(test_bad_files),
	    cmocka_unit_test(test_other_spellings),
	};
	return cmocka_run_group_tests_name("text", tests, set_up, tear_down);
}
