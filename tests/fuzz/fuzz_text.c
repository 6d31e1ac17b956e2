/* A tokenizer.json and a text: the input up to its first NUL byte, and the rest. Input that does not
 * begin with { is all text, for the small test tokenizer. */
#include "engine/text.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static void use(const struct engine_text *t, const char *text, size_t length)
{
	for (int i = 0; i < 4; i++) {
		struct engine_text_options options = {.template = i & 1, .specials = i & 2};
		int32_t ids[600];
		size_t n;
		struct err e;
		if (!engine_text_encode(t, options, text, length, ids, 600, &n, &e))
			continue;
		for (size_t k = 0; k < n; k++) {
			if (ids[k] < 0 || ids[k] >= engine_text_vocab(t))
				abort();
		}
		struct buf out;
		buf_init(&out, 1 << 20);
		engine_text_decode(t, ids, n, &out);
		buf_finish(&out);
	}
}

/* The small tokenizer gives every text back that has none of its special tokens. */
static void round_trip(const struct engine_text *t, const char *text, size_t length)
{
	static int32_t ids[65536];
	struct engine_text_options plain = {0};
	struct err e;
	size_t n;
	if (!engine_text_encode(t, plain, text, length, ids, 65536, &n, &e))
		return;
	struct buf out;
	buf_init(&out, 1 << 20);
	engine_text_decode(t, ids, n, &out);
	if (out.length != length || (length && memcmp(out.data, text, length) != 0))
		abort();
	buf_finish(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct engine_text *tiny;
	struct err e;
	if (!tiny && !(tiny = engine_text_open(FUZZ_GOLDEN "/tiny_tokenizer.json", &e)))
		abort();
	if (size == 0 || data[0] != '{') {
		use(tiny, (const char *)data, size);
		round_trip(tiny, (const char *)data, size);
		return 0;
	}
	const uint8_t *nul = memchr(data, 0, size);
	size_t length = nul ? (size_t)(nul - data) : size;
	struct engine_text *t = engine_text_parse((const char *)data, length, &e);
	if (t)
		use(t, nul ? (const char *)nul + 1 : "a b", nul ? size - length - 1 : 3);
	engine_text_close(t);
	return 0;
}
