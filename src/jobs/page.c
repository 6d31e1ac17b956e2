/* Reads the head of a web page: libxml2 cuts it into elements (it knows the old encodings, too), this file listens. What
 * must stay true: no more than PAGE_BYTES_MAX is read, nothing behind the head, no tree is built, and whatever comes
 * out is one line of UTF-8. */
#include "jobs/page.h"

#include <libxml/HTMLparser.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

enum { STEP = 4096, RAW_MAX = 8 << 10 };

struct page_reader {
	struct arena *a;
	htmlParserCtxtPtr parser;
	const char *charset; /* of the header; "" */
	size_t fed;
	bool begun, over, in_title, has_title;
	struct buf title;
	/* What the tags of others say: in the order of how far they are believed. */
	const char *og_title, *twitter_title, *og_description, *twitter_description, *description;
	const char *author, *creator, *article_author, *site_name, *application_name;
	const char *language, *published, *oembed_url;
};

/* --- texts --- */

const char *page_line(struct arena *a, const char *text, size_t bytes_max)
{
	size_t length = strlen(text), at = 0, step, out = 0;
	uint32_t c;
	if (!str_is_utf8(text, length))
		return "";
	if (length > RAW_MAX)
		length = str_utf8_cut(text, length, RAW_MAX);
	char *line = arena_alloc(a, length + 1);
	bool blank = false;
	for (; at < length && (step = str_utf8_next(text + at, length - at, &c)) > 0; at += step) {
		bool white = c <= 0x20 || c == 0xA0 || c == 0x3000 || c == 0x2028 || c == 0x2029;
		/* Controls, and what turns the direction of other texts around. */
		if (!white && ((c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
			       (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF))
			continue;
		if (white) {
			blank = out > 0;
			continue;
		}
		if (blank)
			line[out++] = ' ';
		blank = false;
		memcpy(line + out, text + at, step);
		out += step;
	}
	if (out > bytes_max)
		out = str_utf8_cut(line, out, bytes_max);
	line[out] = '\0';
	return line;
}

static const char *whole_url(struct arena *a, const char *text)
{
	const char *line = page_line(a, text, PAGE_URL_MAX);
	bool fine = (str_starts(line, "https://") || str_starts(line, "http://")) &&
		    !strchr(line, ' ') && strlen(text) < PAGE_URL_MAX;
	return fine ? line : "";
}

/* --- listening --- */

static const char *attribute(const xmlChar **attributes, const char *name)
{
	for (size_t i = 0; attributes && attributes[i]; i += 2)
		if (attributes[i + 1] && str_equal_nocase((const char *)attributes[i], name))
			return (const char *)attributes[i + 1];
	return "";
}

/* Whether a list with blanks between has the word. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);
	while (*list) {
		list += strspn(list, " \t\r\n\f");
		size_t n = strcspn(list, " \t\r\n\f");
		if (n == length && !strncasecmp(list, word, n))
			return true;
		list += n;
	}
	return false;
}

/* The first one counts. */
static void keep(struct page_reader *r, const char **slot, const char *text, size_t bytes_max)
{
	if (!*slot && *text) {
		const char *line = page_line(r->a, text, bytes_max);
		*slot = *line ? line : NULL;
	}
}

static void on_meta(struct page_reader *r, const xmlChar **attributes)
{
	const struct {
		const char *name;
		const char **slot;
		size_t bytes_max;
	} known[] = {
	    {"og:title", &r->og_title, PAGE_TITLE_MAX},
	    {"twitter:title", &r->twitter_title, PAGE_TITLE_MAX},
	    {"og:description", &r->og_description, PAGE_DESCRIPTION_MAX},
	    {"twitter:description", &r->twitter_description, PAGE_DESCRIPTION_MAX},
	    {"description", &r->description, PAGE_DESCRIPTION_MAX},
	    {"author", &r->author, PAGE_NAME_MAX},
	    {"dc.creator", &r->creator, PAGE_NAME_MAX},
	    {"article:author", &r->article_author, PAGE_URL_MAX},
	    {"og:site_name", &r->site_name, PAGE_NAME_MAX},
	    {"application-name", &r->application_name, PAGE_NAME_MAX},
	    {"og:locale", &r->language, 32},
	    {"article:published_time", &r->published, 40},
	};
	const char *name = attribute(attributes, "property");
	if (!*name)
		name = attribute(attributes, "name");
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (str_equal_nocase(name, known[i].name))
			keep(r, known[i].slot, attribute(attributes, "content"),
			     known[i].bytes_max);
}

static void on_start(void *context, const xmlChar *element, const xmlChar **attributes)
{
	struct page_reader *r = context;
	const char *name = (const char *)element;
	if (r->over)
		return;
	r->in_title = !strcmp(name, "title") && !r->has_title;
	if (!strcmp(name, "body"))
		r->over = true;
	else if (!strcmp(name, "html"))
		keep(r, &r->language, attribute(attributes, "lang"), 32);
	else if (!strcmp(name, "meta"))
		on_meta(r, attributes);
	else if (!strcmp(name, "link") && !r->oembed_url &&
		 has_word(attribute(attributes, "rel"), "alternate") &&
		 str_equal_nocase(attribute(attributes, "type"), "application/json+oembed")) {
		const char *url = whole_url(r->a, attribute(attributes, "href"));
		r->oembed_url = *url ? url : NULL;
	}
}

static void on_end(void *context, const xmlChar *element)
{
	struct page_reader *r = context;
	if (r->in_title && !strcmp((const char *)element, "title")) {
		r->in_title = false;
		r->has_title = true;
	}
}

static void on_text(void *context, const xmlChar *text, int length)
{
	struct page_reader *r = context;
	if (r->in_title && !r->over && length > 0 && r->title.length + (size_t)length < RAW_MAX)
		buf_add(&r->title, (const char *)text, (size_t)length);
}

/* --- feeding --- */

bool page_is_html(const char *content_type)
{
	size_t n = strcspn(content_type, "; \t");
	return (n == 9 && !strncasecmp(content_type, "text/html", n)) ||
	       (n == 21 && !strncasecmp(content_type, "application/xhtml+xml", n));
}

static const char *charset_of(struct arena *a, const char *content_type)
{
	const char *at = strchr(content_type, ';');
	while (at) {
		at += 1 + strspn(at + 1, " \t");
		if (!strncasecmp(at, "charset=", 8)) {
			at += 8;
			at += *at == '"';
			return arena_strndup(a, at, strcspn(at, "\"; \t"));
		}
		at = strchr(at, ';');
	}
	return "";
}

struct page_reader *page_reader_create(struct arena *a, const char *content_type)
{
	static htmlSAXHandler listener = {.startElement = on_start,
					  .endElement = on_end,
					  .characters = on_text,
					  .cdataBlock = on_text};
	struct page_reader *r = calloc(1, sizeof *r);
	if (!r)
		abort();
	r->a = a;
	r->charset = charset_of(a, content_type);
	buf_init(&r->title, RAW_MAX + 1);
	r->parser = htmlCreatePushParserCtxt(&listener, r, NULL, 0, NULL, XML_CHAR_ENCODING_NONE);
	if (!r->parser)
		abort();
	htmlCtxtUseOptions(r->parser, HTML_PARSE_RECOVER | HTML_PARSE_NOERROR |
					  HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
	return r;
}

void page_reader_destroy(struct page_reader *r)
{
	if (!r)
		return;
	xmlFreeDoc(r->parser->myDoc);
	htmlFreeParserCtxt(r->parser);
	buf_finish(&r->title);
	free(r);
}

/* What the header says counts; a page that says nothing at all is UTF-8 where it looks like that. What it says itself,
 * the parser finds. */
static void choose_encoding(struct page_reader *r, const char *bytes, size_t length)
{
	static const char word[] = "charset";
	const char *name = r->charset;
	bool says = false;
	for (size_t i = 0; i + sizeof word <= length && !says; i++)
		says = !strncasecmp(bytes + i, word, sizeof word - 1);
	for (size_t cut = 0; cut < 4 && cut < length && !*name && !says; cut++)
		if (str_is_utf8(bytes, length - cut))
			name = "utf-8";
	xmlCharEncodingHandlerPtr handler = *name ? xmlFindCharEncodingHandler(name) : NULL;
	if (handler)
		xmlSwitchToEncoding(r->parser, handler);
}

bool page_reader_feed(struct page_reader *r, const char *bytes, size_t length)
{
	if (!r->begun && length > 0) {
		choose_encoding(r, bytes, length);
		r->begun = true;
	}
	for (size_t done = 0; done < length && !r->over; done += STEP) {
		size_t n = length - done < STEP ? length - done : STEP;
		r->fed += n;
		if (r->fed > PAGE_BYTES_MAX || arena_exceeded(r->a))
			r->over = true;
		else
			htmlParseChunk(r->parser, bytes + done, (int)n, 0);
	}
	return !r->over;
}

static const char *first(const char *a, const char *b, const char *c)
{
	return a ? a : b ? b : c ? c : "";
}

/* "ko", "pt-BR"; "" for what is no language. */
static const char *language_of(struct arena *a, const char *said)
{
	char *code = arena_strdup(a, said ? said : "");
	for (char *c = code; *c; c++)
		*c = *c == '_' ? '-' : *c;
	size_t letters = strspn(code, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (letters < 2 || letters > 3 || (code[letters] && code[letters] != '-'))
		return "";
	code[letters] = '\0';
	for (char *c = code; *c; c++)
		*c = str_lower(*c);
	return code;
}

void page_reader_end(struct page_reader *r, struct page_says *out)
{
	if (!r->over)
		htmlParseChunk(r->parser, "", 0, 1);
	const char *title = r->title.length ? page_line(r->a, r->title.data, PAGE_TITLE_MAX) : NULL;
	*out = (struct page_says){
	    .title = first(r->og_title, r->twitter_title, title),
	    .description = first(r->og_description, r->twitter_description, r->description),
	    .author_name = first(r->author, r->creator, NULL),
	    .author_url = r->article_author ? whole_url(r->a, r->article_author) : "",
	    .site_name = first(r->site_name, r->application_name, NULL),
	    .language = language_of(r->a, r->language),
	    .published = first(r->published, NULL, NULL),
	    .oembed_url = first(r->oembed_url, NULL, NULL),
	};
}
