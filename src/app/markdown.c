/* Markdown as safe HTML. No state; any thread. A line at a time: what a line begins with says to which block it
 * belongs; inside, emphasis and links. What must stay true: every byte of the text goes through buf_add_html(), and
 * every tag that is opened is closed in the same function. */
#include "app/markdown.h"

#include "base/buf.h"
#include "base/str.h"

#include <string.h>

/* SPAN_MAX: how far away, in bytes, the end of something may stand; that bounds the work. */
enum { HTML_MAX = 1 << 20, DEPTH_MAX = 6, QUOTE_DEPTH_MAX = 3, SPAN_MAX = 4000 };

/* --- inside a line --- */

static void spans(struct buf *out, const char *s, size_t n, int depth);

static const char *find(const char *s, size_t n, const char *mark, size_t length)
{
	return n ? memmem(s, n < SPAN_MAX ? n : SPAN_MAX, mark, length) : NULL;
}

static bool may_link(const char *url, size_t n)
{
	static const char *const schemes[] = {"https://", "http://", "mailto:"};
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (n > strlen(schemes[i]) && !strncasecmp(url, schemes[i], strlen(schemes[i])))
			return !memchr(url, ' ', n) && !memchr(url, '\n', n);
	return false;
}

static void open_link(struct buf *out, const char *url, size_t n)
{
	buf_add_str(out, "<a href=\"");
	buf_add_html(out, url, n);
	buf_add_str(out, "\" target=\"_blank\" rel=\"nofollow noopener noreferrer\">");
}

/* [words](url), whole or not at all; how much of s it takes. */
static size_t named_link(struct buf *out, const char *s, size_t n)
{
	const char *close = find(s, n, "](", 2), *end;
	if (!close || memchr(s + 1, '[', (size_t)(close - s - 1)))
		return 0;
	const char *url = close + 2;
	end = find(url, n - (size_t)(url - s), ")", 1);
	if (!end || !may_link(url, (size_t)(end - url)))
		return 0;
	open_link(out, url, (size_t)(end - url));
	spans(out, s + 1, (size_t)(close - s - 1), DEPTH_MAX); /* no link in a link */
	buf_add_str(out, "</a>");
	return (size_t)(end - s) + 1;
}

static size_t bare_link(struct buf *out, const char *s, size_t n)
{
	size_t length = 0;
	while (length < n && !strchr(" \t\n<>\"'`)*", s[length]))
		length++;
	while (length && strchr(".,;:!?", s[length - 1]))
		length--;
	if (!may_link(s, length))
		return 0;
	open_link(out, s, length);
	buf_add_html(out, s, length);
	buf_add_str(out, "</a>");
	return length;
}

/* What stands between two marks, in an element; how much of s it takes. */
static size_t marked(struct buf *out, const char *s, size_t n, const char *mark,
		     const char *element, int depth)
{
	size_t length = strlen(mark);
	if (n < 2 * length + 1 || memcmp(s, mark, length) != 0 || s[length] == ' ')
		return 0;
	const char *inner = s + length, *end = find(inner, n - length, mark, length);
	if (!end || end == inner)
		return 0;
	buf_printf(out, "<%s>", element);
	if (*mark == '`')
		buf_add_html(out, inner, (size_t)(end - inner));
	else
		spans(out, inner, (size_t)(end - inner), depth + 1);
	buf_printf(out, "</%s>", element);
	return (size_t)(end - s) + length;
}

static size_t span(struct buf *out, const char *s, size_t n, int depth)
{
	size_t used = 0;
	switch (*s) {
	case '`':
		return marked(out, s, n, "`", "code", depth);
	case '*':
		used = marked(out, s, n, "**", "strong", depth);
		return used ? used : marked(out, s, n, "*", "em", depth);
	case '[':
		return named_link(out, s, n);
	case 'h':
		return bare_link(out, s, n);
	case '\\':
		if (n < 2 || !strchr("\\`*[]()#>-_.!", s[1]))
			return 0;
		buf_add_html(out, s + 1, 1);
		return 2;
	default:
		return 0;
	}
}

static void spans(struct buf *out, const char *s, size_t n, int depth)
{
	size_t plain = 0; /* from here to i nothing is written yet */
	for (size_t i = 0; i < n;) {
		if (depth >= DEPTH_MAX || !strchr("`*[h\\", s[i])) {
			i++;
			continue;
		}
		buf_add_html(out, s + plain, i - plain);
		plain = i;
		size_t used = span(out, s + i, n - i, depth);
		i += used ? used : 1;
		plain = used ? i : plain;
	}
	buf_add_html(out, s + plain, n - plain);
}

/* --- blocks --- */

enum block { NOTHING, PARAGRAPH, BULLETS, NUMBERS };

struct blocks {
	struct buf *out;
	enum block open;
	int depth; /* of quotes */
};

static void close_block(struct blocks *b)
{
	static const char *const ends[] = {"", "</p>", "</li></ul>", "</li></ol>"};
	buf_add_str(b->out, ends[b->open]);
	b->open = NOTHING;
}

static void item(struct blocks *b, enum block kind, const char *s, size_t n)
{
	if (b->open == kind) {
		buf_add_str(b->out, "</li><li>");
	} else {
		close_block(b);
		buf_add_str(b->out, kind == BULLETS ? "<ul><li>" : "<ol><li>");
		b->open = kind;
	}
	spans(b->out, s, n, 0);
}

/* A line that goes on with what is open, or begins a paragraph. */
static void words(struct blocks *b, const char *s, size_t n)
{
	if (b->open == NOTHING) {
		buf_add_str(b->out, "<p>");
		b->open = PARAGRAPH;
	} else {
		buf_add_str(b->out, "\n");
	}
	bool broken = n > 2 && s[n - 1] == ' ' && s[n - 2] == ' ';
	while (n && s[n - 1] == ' ')
		n--;
	spans(b->out, s, n, 0);
	if (broken)
		buf_add_str(b->out, "<br />");
}

static bool heading(struct blocks *b, const char *s, size_t n)
{
	size_t level = 0;
	while (level < n && s[level] == '#')
		level++;
	if (level == 0 || level > 6 || level == n || s[level] != ' ')
		return false;
	close_block(b);
	buf_printf(b->out, "<h%zu>", level);
	spans(b->out, s + level + 1, n - level - 1, 0);
	buf_printf(b->out, "</h%zu>", level);
	return true;
}

static bool is_rule(const char *s, size_t n)
{
	size_t dashes = 0;
	while (dashes < n && s[dashes] == '-')
		dashes++;
	return dashes == n && n >= 3;
}

static size_t number_length(const char *s, size_t n)
{
	size_t digits = 0;
	while (digits < n && digits < 9 && s[digits] >= '0' && s[digits] <= '9')
		digits++;
	return digits && digits + 1 < n && s[digits] == '.' && s[digits + 1] == ' ' ? digits + 2
										    : 0;
}

static void line(struct blocks *b, const char *s, size_t n)
{
	size_t numbers;
	if (heading(b, s, n))
		return;
	if (is_rule(s, n)) {
		close_block(b);
		buf_add_str(b->out, "<hr />");
	} else if (n > 2 && (s[0] == '-' || s[0] == '*') && s[1] == ' ') {
		item(b, BULLETS, s + 2, n - 2);
	} else if ((numbers = number_length(s, n))) {
		item(b, NUMBERS, s + numbers, n - numbers);
	} else {
		words(b, s, n);
	}
}

/* One line of text, its end cut off. */
static size_t line_length(const char *s, size_t n, size_t *whole)
{
	const char *end = memchr(s, '\n', n);
	size_t length = end ? (size_t)(end - s) : n;
	*whole = length + (end != NULL);
	return length && s[length - 1] == '\r' ? length - 1 : length;
}

/* Up to the closing fence, or to the end. */
static size_t code(struct blocks *b, const char *s, size_t n)
{
	size_t whole, done;
	close_block(b);
	buf_add_str(b->out, "<pre><code>");
	(void)line_length(s, n, &whole);
	for (done = whole; done < n; done += whole) {
		size_t length = line_length(s + done, n - done, &whole);
		if (length >= 3 && !memcmp(s + done, "```", 3)) {
			done += whole;
			break;
		}
		buf_add_html(b->out, s + done, length);
		buf_add_char(b->out, '\n');
	}
	buf_add_str(b->out, "</code></pre>");
	return done;
}

static void text_blocks(struct arena *arena, struct buf *out, const char *s, size_t n, int depth);

/* The lines that begin with ">", without it. */
static size_t quote(struct arena *arena, struct blocks *b, const char *s, size_t n)
{
	size_t done = 0, kept = 0, whole;
	char *inner = arena_alloc(arena, n + 1);
	while (done < n && s[done] == '>') {
		size_t length = line_length(s + done, n - done, &whole);
		size_t skip = length > 1 && s[done + 1] == ' ' ? 2 : 1;
		memcpy(inner + kept, s + done + skip, length - skip);
		kept += length - skip;
		inner[kept++] = '\n';
		done += whole;
	}
	close_block(b);
	buf_add_str(b->out, "<blockquote>");
	text_blocks(arena, b->out, inner, kept, b->depth + 1);
	buf_add_str(b->out, "</blockquote>");
	return done;
}

static void text_blocks(struct arena *arena, struct buf *out, const char *s, size_t n, int depth)
{
	struct blocks b = {.out = out, .depth = depth};
	while (n) {
		size_t whole, length = line_length(s, n, &whole), indent = 0;
		while (indent < length && (s[indent] == ' ' || s[indent] == '\t'))
			indent++;
		if (length >= 3 && !memcmp(s, "```", 3))
			whole = code(&b, s, n);
		else if (*s == '>' && depth < QUOTE_DEPTH_MAX)
			whole = quote(arena, &b, s, n);
		else if (indent == length)
			close_block(&b);
		else
			line(&b, s + indent, length - indent);
		s += whole;
		n -= whole;
	}
	close_block(&b);
}

const char *app_markdown_html(struct arena *arena, const char *text)
{
	struct buf out;
	buf_init(&out, HTML_MAX);
	text_blocks(arena, &out, text, strlen(text), 0);
	const char *html = arena_strdup(arena, out.length > 0 && !out.failed ? out.data : "");
	buf_finish(&out);
	return html;
}
