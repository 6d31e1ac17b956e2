/* Any text as Markdown: tags of a short list only, each closed in order, and addresses of the three schemes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/markdown.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH_MAX = 64, NAME_MAX_BYTES = 12 };

static bool known(const char *name)
{
	static const char *const names[] = {"a",      "p",    "h1",  "h2",         "h3", "h4",
					    "h5",     "h6",   "ul",  "ol",         "li", "em",
					    "strong", "code", "pre", "blockquote", "del"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void check_link(const char *tag, size_t length)
{
	const char *href = memmem(tag, length, "href=\"", 6);
	if (!href || (strncasecmp(href + 6, "https://", 8) && strncasecmp(href + 6, "http://", 7) &&
		      strncasecmp(href + 6, "mailto:", 7)))
		abort();
}

static void check(const char *html)
{
	char open[DEPTH_MAX][NAME_MAX_BYTES];
	int depth = 0;
	for (const char *at = html; (at = strchr(at, '<')); at++) {
		bool closes = at[1] == '/';
		const char *name = at + 1 + closes, *end = strchr(at, '>');
		size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");
		char word[NAME_MAX_BYTES] = "";
		if (!end || n == 0 || n >= sizeof word)
			abort();
		memcpy(word, name, n);
		if (!strcmp(word, "br") || !strcmp(word, "hr"))
			continue;
		if (!known(word))
			abort();
		if (!closes && !strcmp(word, "a"))
			check_link(at, (size_t)(end - at));
		if (!closes && depth == DEPTH_MAX)
			abort();
		if (closes && (depth == 0 || strcmp(open[depth - 1], word)))
			abort();
		if (closes)
			depth--;
		else
			memcpy(open[depth++], word, sizeof word);
	}
	if (depth)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (memchr(data, 0, size) || !str_is_utf8((const char *)data, size))
		return 0;
	struct arena *a = arena_create(32 << 20);
	const char *html = app_markdown_html(a, arena_strndup(a, (const char *)data, size));
	if (!str_is_utf8(html, strlen(html)))
		abort();
	check(html);
	arena_destroy(a);
	return 0;
}
