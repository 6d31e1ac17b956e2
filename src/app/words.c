/* Cuts text into words. No state; any thread. What must stay true: what words_ask makes of a text finds what
 * words_add made of it. */
#include "app/words.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum kind { GAP, LETTER, PAIR };

static bool within(uint32_t c, uint32_t low, uint32_t high)
{
	return c >= low && c <= high;
}

static enum kind kind_of(uint32_t c)
{
	if (c < 0x80)
		return within(c, '0', '9') || within(c, 'a', 'z') ? LETTER : GAP;
	if (within(c, 0xac00, 0xd7a3) || within(c, 0x3041, 0x30ff) || within(c, 0x3400, 0x9fff) ||
	    within(c, 0x3131, 0x318e) || within(c, 0xf900, 0xfaff) || within(c, 0xff66, 0xff9f) ||
	    within(c, 0x20000, 0x3ffff) || c == 0x3005)
		return c == 0x30fb ? GAP : PAIR;
	if (within(c, 0x80, 0xbf))
		return c == 0xaa || c == 0xb5 || c == 0xba ? LETTER : GAP;
	if (c == 0xd7 || c == 0xf7 || within(c, 0x2000, 0x2bff) || within(c, 0x2e00, 0x2e7f) ||
	    within(c, 0x3000, 0x303f) || within(c, 0xfe00, 0xfe6f) || within(c, 0xff00, 0xff65) ||
	    within(c, 0xffa0, 0xffff) || within(c, 0xe000, 0xf8ff) || within(c, 0x1f000, 0x1faff) ||
	    c >= 0xe0000)
		return GAP;
	return LETTER;
}

/* Lower case of the alphabets that have one, and the full-width forms of ASCII. */
static uint32_t fold(uint32_t c)
{
	if (within(c, 0xff01, 0xff5e))
		c -= 0xfee0;
	if (within(c, 'A', 'Z') || (within(c, 0xc0, 0xde) && c != 0xd7))
		return c + 0x20;
	if (within(c, 0x100, 0x137) || within(c, 0x14a, 0x177) || within(c, 0x460, 0x481) ||
	    within(c, 0x48a, 0x4bf) || within(c, 0x4d0, 0x52f) || within(c, 0x1e00, 0x1eff))
		return c | 1;
	if ((within(c, 0x139, 0x147) || within(c, 0x179, 0x17d)) && (c & 1))
		return c + 1;
	if (within(c, 0x391, 0x3a9) || within(c, 0x410, 0x42f))
		return c + 0x20;
	if (within(c, 0x400, 0x40f))
		return c + 0x50;
	return c;
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(heads[n] | c);
	return n;
}

enum { WORD_BYTES_MAX = 80, RUN_MAX = 64 };

/* One run of letters, or of characters that go in pairs. Returns where it ends. */
struct run {
	enum kind kind;
	uint32_t characters[RUN_MAX];
	size_t count;
};

static const char *next_run(const char *text, struct run *run)
{
	const char *end = text + strlen(text);
	*run = (struct run){.kind = GAP};
	while (text < end) {
		uint32_t c;
		size_t n = str_utf8_next(text, (size_t)(end - text), &c);
		if (n == 0) {
			n = 1;
			c = ' ';
		}
		c = fold(c);
		enum kind kind = kind_of(c);
		if (run->count && (kind != run->kind || run->count == RUN_MAX))
			return text;
		text += n;
		if (kind == GAP)
			continue;
		run->kind = kind;
		run->characters[run->count++] = c;
	}
	return text;
}

static void word(const struct run *run, size_t from, size_t count, char out[WORD_BYTES_MAX])
{
	size_t length = 0;
	for (size_t i = from; i < from + count && length + 5 < WORD_BYTES_MAX; i++)
		length += put_utf8(out + length, run->characters[i]);
	out[length] = '\0';
}

void words_add(struct buf *out, const char *text, const char *prefix)
{
	struct run run;
	char w[WORD_BYTES_MAX];
	for (text = next_run(text, &run); run.count; text = next_run(text, &run)) {
		size_t step = run.kind == PAIR ? 1 : run.count;
		for (size_t i = 0; i < run.count; i += step) {
			size_t left = run.count - i;
			word(&run, i, run.kind == LETTER ? left : left < 2 ? left : 2, w);
			buf_printf(out, "%s%s ", prefix, w);
		}
	}
}

size_t words_ask(const char *text, struct words_phrase *out, size_t room)
{
	struct run run;
	char w[WORD_BYTES_MAX];
	size_t count = 0;
	for (text = next_run(text, &run); run.count && count < room; text = next_run(text, &run)) {
		struct words_phrase *p = &out[count++];
		size_t length = 0;
		*p = (struct words_phrase){.open = run.kind == LETTER || run.count == 1};
		size_t pairs = run.kind == LETTER || run.count == 1 ? 1 : run.count - 1;
		for (size_t i = 0; i < pairs; i++) {
			word(&run, i, run.kind == LETTER ? run.count : run.count < 2 ? 1 : 2, w);
			if (length + strlen(w) + 2 > sizeof p->words)
				break;
			length += (size_t)snprintf(p->words + length, sizeof p->words - length,
						   "%s%s", i ? " " : "", w);
		}
	}
	return count;
}
