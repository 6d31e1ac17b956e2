/* Finds links, mentions and hashtags in plain text, and renders it. No state; any thread. One tokenizer
 * serves the scanner and the renderer, so that what is found is what is shown. What must stay true: every
 * byte of the text goes through buf_add_html(), and no URL but http and https becomes a link. */
#include "app/text.h"

#include "base/buf.h"
#include "base/str.h"

#include <string.h>

enum { HTML_MAX = 1 << 20 };

enum token_kind { TOKEN_TEXT, TOKEN_LINK, TOKEN_MENTION, TOKEN_TAG, TOKEN_NEWLINE };

struct token {
	enum token_kind kind;
	const char *start;
	size_t length;
	size_t name_length; /* of a mention's name, behind the @ */
};

static bool is_word_ascii(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

/* Letters of any script. Punctuation and spaces beyond ASCII end a word; emoji end one, too. */
static bool is_word(uint32_t c)
{
	if (c < 0x80)
		return is_word_ascii((char)c);
	if (c < 0xC0)
		return c == 0xAA || c == 0xB5 || c == 0xBA;
	if (c == 0xD7 || c == 0xF7 || (c >= 0x2000 && c <= 0x2BFF) || (c >= 0x3000 && c <= 0x3004))
		return false;
	if ((c >= 0x3008 && c <= 0x3020) || c == 0x30FB || (c >= 0xFF01 && c <= 0xFF0F) ||
	    (c >= 0xFF1A && c <= 0xFF20) || (c >= 0xFF3B && c <= 0xFF40) ||
	    (c >= 0xFF5B && c <= 0xFF65))
		return false;
	return c < 0x1F000 || c >= 0x20000;
}

static size_t word_length(const char *s, bool *only_digits)
{
	size_t done = 0, step;
	uint32_t c;
	*only_digits = true;
	while (s[done] &&
	       (step = str_utf8_next(s + done, strlen(s + done) < 4 ? strlen(s + done) : 4, &c)) >
		   0 &&
	       is_word(c)) {
		*only_digits = *only_digits && c >= '0' && c <= '9';
		done += step;
	}
	return done;
}

static size_t link_length(const char *s)
{
	size_t scheme = str_starts(s, "https://") ? 8 : str_starts(s, "http://") ? 7 : 0;
	if (scheme == 0 ||
	    !(is_word_ascii(s[scheme]) || (unsigned char)s[scheme] >= 0x80 || s[scheme] == '['))
		return 0;
	size_t length = strcspn(s, " \t\r\n<>\"\\^`{|}");
	int open = 0;
	for (size_t i = 0; i < length; i++)
		open += s[i] == '(' ? 1 : s[i] == ')' ? -1 : 0;
	while (length > scheme &&
	       (strchr(".,;:!?'*", s[length - 1]) || (s[length - 1] == ')' && open < 0))) {
		open += s[length - 1] == ')';
		length--;
	}
	return length > scheme ? length : 0;
}

static size_t mention_length(const char *s, size_t *name_length)
{
	size_t length = 1;
	while (is_word_ascii(s[length]) || ((s[length] == '.' || s[length] == '-') && length > 1 &&
					    is_word_ascii(s[length + 1])))
		length++;
	*name_length = length - 1;
	if (*name_length == 0 || *name_length > 100)
		return 0;
	if (s[length] == '@' && is_word_ascii(s[length + 1])) {
		size_t domain = length + 1;
		while (is_word_ascii(s[domain]) ||
		       ((s[domain] == '.' || s[domain] == '-' || s[domain] == ':') &&
			is_word_ascii(s[domain + 1])))
			domain++;
		length = domain;
	}
	return length;
}

/* The token that begins at s. before: the byte in front of it, 0 at the start. */
static struct token next_token(const char *s, char before)
{
	struct token t = {.kind = TOKEN_TEXT, .start = s};
	bool free_before = !is_word_ascii(before) && (unsigned char)before < 0x80 && before != '/';
	if (*s == '\n' || *s == '\r') {
		t.kind = TOKEN_NEWLINE;
		t.length = s[0] == '\r' && s[1] == '\n' ? 2 : 1;
		return t;
	}
	if (*s == 'h' && !is_word_ascii(before) && (t.length = link_length(s)) > 0) {
		t.kind = TOKEN_LINK;
		return t;
	}
	if (*s == '@' && free_before && (t.length = mention_length(s, &t.name_length)) > 0) {
		t.kind = TOKEN_MENTION;
		return t;
	}
	bool only_digits;
	if (*s == '#' && free_before && before != '&' &&
	    (t.length = word_length(s + 1, &only_digits)) > 0 && !only_digits && t.length <= 300) {
		t.kind = TOKEN_TAG;
		t.length++;
		return t;
	}
	t.length = str_utf8_next(s, strnlen(s, 4), NULL);
	if (t.length == 0)
		t.length = 1;
	return t;
}

static void add_mention(struct arena *arena, struct app_text *out, const struct token *t)
{
	const char *username = arena_strndup(arena, t->start + 1, t->name_length);
	size_t used = 1 + t->name_length;
	const char *domain =
	    t->length > used ? arena_strndup(arena, t->start + used + 1, t->length - used - 1) : "";
	for (size_t i = 0; i < out->mention_count; i++)
		if (str_equal_nocase(out->mentions[i].username, username) &&
		    str_equal_nocase(out->mentions[i].domain, domain))
			return;
	if (out->mention_count < APP_TEXT_MENTIONS_MAX)
		out->mentions[out->mention_count++] =
		    (struct app_text_mention){.username = username, .domain = domain};
}

static void add_tag(struct arena *arena, struct app_text *out, const struct token *t)
{
	const char *tag = arena_strndup(arena, t->start + 1, t->length - 1);
	for (size_t i = 0; i < out->tag_count; i++)
		if (str_equal_nocase(out->tags[i], tag))
			return;
	if (out->tag_count < APP_TEXT_TAGS_MAX)
		out->tags[out->tag_count++] = tag;
}

void app_text_scan(struct arena *arena, const char *text, struct app_text *out)
{
	char before = 0;
	memset(out, 0, sizeof(*out));
	for (const char *s = text; *s;) {
		struct token t = next_token(s, before);
		if (t.kind == TOKEN_MENTION)
			add_mention(arena, out, &t);
		else if (t.kind == TOKEN_TAG)
			add_tag(arena, out, &t);
		out->characters +=
		    t.kind == TOKEN_LINK ? APP_TEXT_URL_CHARACTERS : str_utf8_count(s, t.length);
		before = s[t.length - 1];
		s += t.length;
	}
}

const char *app_text_next_link(struct arena *arena, const char **at)
{
	/* What stands before a second call is a link's last byte, so that no link begins inside another. */
	char before = 0;
	for (const char *s = *at; *s;) {
		struct token t = next_token(s, before);
		before = s[t.length - 1];
		s += t.length;
		if (t.kind == TOKEN_LINK) {
			*at = s;
			return arena_strndup(arena, t.start, t.length);
		}
	}
	return NULL;
}

static void render_link(struct buf *out, const struct token *t)
{
	enum { SHOWN = 30 };
	size_t scheme = t->start[4] == 's' ? 8 : 7;
	scheme += strncmp(t->start + scheme, "www.", 4) == 0 ? 4 : 0;
	if (scheme > t->length)
		scheme = t->length;
	size_t rest = t->length - scheme;
	size_t shown = str_utf8_cut(t->start + scheme, rest, SHOWN);
	buf_add_str(out, "<a href=\"");
	buf_add_html(out, t->start, t->length);
	buf_add_str(
	    out,
	    "\" target=\"_blank\" rel=\"nofollow noopener noreferrer\"><span class=\"invisible\">");
	buf_add_html(out, t->start, scheme);
	buf_add_str(out,
		    shown < rest ? "</span><span class=\"ellipsis\">" : "</span><span class=\"\">");
	buf_add_html(out, t->start + scheme, shown);
	buf_add_str(out, "</span><span class=\"invisible\">");
	buf_add_html(out, t->start + scheme + shown, rest - shown);
	buf_add_str(out, "</span></a>");
}

static void render_mention(struct buf *out, const struct token *t, const struct app_text *scanned)
{
	const struct app_text_mention *found = NULL;
	const char *name = t->start + 1;
	size_t used = 1 + t->name_length;
	for (size_t i = 0; i < scanned->mention_count && !found; i++) {
		const struct app_text_mention *m = &scanned->mentions[i];
		bool same_name = strlen(m->username) == t->name_length &&
				 strncasecmp(m->username, name, t->name_length) == 0;
		size_t domain_length = t->length > used ? t->length - used - 1 : 0;
		if (same_name && strlen(m->domain) == domain_length &&
		    strncasecmp(m->domain, t->start + used + 1, domain_length) == 0)
			found = m;
	}
	if (!found || !found->url) {
		buf_add_html(out, t->start, t->length);
		return;
	}
	buf_add_str(out, "<span class=\"h-card\" translate=\"no\"><a href=\"");
	buf_add_html(out, found->url, strlen(found->url));
	buf_add_str(out, "\" class=\"u-url mention\">@<span>");
	buf_add_html(out, name, t->name_length);
	buf_add_str(out, "</span></a></span>");
}

static void render_tag(struct arena *arena, struct buf *out, const char *base_url,
		       const struct token *t)
{
	static const char hex[] = "0123456789ABCDEF";
	const char *tag =
	    app_text_fold_tag(arena, arena_strndup(arena, t->start + 1, t->length - 1));
	buf_add_str(out, "<a href=\"");
	buf_add_html(out, base_url, strlen(base_url));
	buf_add_str(out, "/tags/");
	for (const char *c = tag; *c; c++) {
		if (is_word_ascii(*c)) {
			buf_add_char(out, *c);
		} else {
			buf_add_char(out, '%');
			buf_add_char(out, hex[(unsigned char)*c >> 4]);
			buf_add_char(out, hex[(unsigned char)*c & 15]);
		}
	}
	buf_add_str(out, "\" class=\"mention hashtag\" rel=\"tag\">#<span>");
	buf_add_html(out, t->start + 1, t->length - 1);
	buf_add_str(out, "</span></a>");
}

const char *app_text_html(struct arena *arena, const char *base_url, const char *text,
			  const struct app_text *scanned)
{
	struct buf out;
	char before = 0;
	int newlines = 0;
	buf_init(&out, HTML_MAX);
	for (const char *s = text; *s;) {
		struct token t = next_token(s, before);
		before = s[t.length - 1];
		s += t.length;
		if (t.kind == TOKEN_NEWLINE) {
			newlines++;
			continue;
		}
		if (out.length == 0)
			buf_add_str(&out, "<p>");
		else if (newlines > 0)
			buf_add_str(&out, newlines == 1 ? "<br />" : "</p><p>");
		newlines = 0;
		if (t.kind == TOKEN_LINK)
			render_link(&out, &t);
		else if (t.kind == TOKEN_MENTION)
			render_mention(&out, &t, scanned);
		else if (t.kind == TOKEN_TAG)
			render_tag(arena, &out, base_url, &t);
		else
			buf_add_html(&out, t.start, t.length);
	}
	if (out.length > 0)
		buf_add_str(&out, "</p>");
	const char *html = arena_strdup(arena, out.length > 0 && !out.failed ? out.data : "");
	buf_finish(&out);
	return html;
}

const char *app_text_fold_tag(struct arena *arena, const char *tag)
{
	char *folded = arena_strdup(arena, *tag == '#' ? tag + 1 : tag);
	for (char *c = folded; *c; c++)
		*c = str_lower(*c);
	return folded;
}

const char *app_text_without_mentions(struct arena *arena, const char *text)
{
	struct buf out;
	char before = 0;
	buf_init(&out, HTML_MAX);
	for (const char *s = text; *s;) {
		struct token t = next_token(s, before);
		if (t.kind != TOKEN_MENTION)
			buf_add(&out, t.start, t.length);
		before = s[t.length - 1];
		s += t.length;
	}
	size_t length = out.length;
	const char *start = length ? str_trim(out.data, &length) : "";
	const char *result = arena_strndup(arena, start, length);
	buf_finish(&out);
	return result;
}
