/* Emojis of Unicode, told by the ranges they stand in and by how they are put together. Pure. */
#include "app/reaction.h"

#include "base/str.h"

#include <string.h>

enum {
	BYTES_MAX = 64,
	JOINER = 0x200d,
	TEXT_STYLE = 0xfe0e,
	EMOJI_STYLE = 0xfe0f,
	KEYCAP = 0x20e3,
	TAG_END = 0xe007f,
};

static bool between(uint32_t c, uint32_t first, uint32_t last)
{
	return c >= first && c <= last;
}

static bool is_base(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
	    {0xa9, 0xa9},       {0xae, 0xae},       {0x203c, 0x203c},   {0x2049, 0x2049},
	    {0x2122, 0x2122},   {0x2139, 0x2139},   {0x2194, 0x21aa},   {0x231a, 0x23ff},
	    {0x24c2, 0x24c2},   {0x25aa, 0x27bf},   {0x2934, 0x2935},   {0x2b05, 0x2b55},
	    {0x3030, 0x3030},   {0x303d, 0x303d},   {0x3297, 0x3299},   {0x1f004, 0x1f004},
	    {0x1f0cf, 0x1f0cf}, {0x1f170, 0x1f19a}, {0x1f201, 0x1f251}, {0x1f300, 0x1f3fa},
	    {0x1f400, 0x1faff},
	};
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (between(c, ranges[i].first, ranges[i].last))
			return true;
	return false;
}

static uint32_t take(const char **at)
{
	uint32_t c = 0;
	size_t n = str_utf8_next(*at, strlen(*at), &c);
	*at += n;
	return n ? c : 0;
}

static uint32_t peek(const char *at)
{
	return take(&at);
}

/* One picture: a flag of two letters, a keycap, or a base with what belongs to it. */
static bool skip_one(const char **at)
{
	uint32_t c = take(at);
	if (between(c, 0x1f1e6, 0x1f1ff))
		return between(take(at), 0x1f1e6, 0x1f1ff);
	if (c == '#' || c == '*' || between(c, '0', '9')) {
		if (peek(*at) == EMOJI_STYLE)
			take(at);
		return take(at) == KEYCAP;
	}
	if (!is_base(c))
		return false;
	if (peek(*at) == EMOJI_STYLE || peek(*at) == TEXT_STYLE)
		take(at);
	if (between(peek(*at), 0x1f3fb, 0x1f3ff)) /* skin */
		take(at);
	if (!between(peek(*at), 0xe0020, TAG_END - 1))
		return true;
	while (between(peek(*at), 0xe0020, TAG_END - 1)) /* a flag of a region */
		take(at);
	return take(at) == TAG_END;
}

bool app_reaction_is_emoji(const char *text)
{
	size_t length = strlen(text);
	if (length == 0 || length > BYTES_MAX || !str_is_utf8(text, length) || !skip_one(&text))
		return false;
	while (peek(text) == JOINER) {
		take(&text);
		if (!skip_one(&text))
			return false;
	}
	return *text == '\0';
}
