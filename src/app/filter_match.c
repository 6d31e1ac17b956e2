/* Which filters catch a post. The viewer's filters are read once a request and folded once; each post is folded once
 * and searched for each keyword. Any thread; no state beside the request's arena. What must stay true: matching
 * looks only at what the viewer is about to be shown. */
#include "app/filter.h"
#include "app/private.h"
#include "app/viewer.h"
#include "base/buf.h"
#include "base/str.h"

#include <string.h>

enum { TEXT_MAX = 256 << 10 };

struct app_filters {
	struct store_filters rows;
	const char **folded; /* one for each of rows.keywords */
	size_t *lengths;
};

/* Lower case, for the scripts that have two cases. */
static uint32_t fold(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) ||
	    (c >= 0x410 && c <= 0x42F) || (c >= 0xFF21 && c <= 0xFF3A))
		return c + 32;
	if (c >= 0x400 && c <= 0x40F)
		return c + 80;
	if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E))
		return c & 1 ? c + 1 : c;
	return c;
}

static void add_code(struct buf *out, uint32_t c)
{
	char b[4];
	if (c < 0x80) {
		buf_add_char(out, (char)c);
		return;
	}
	int n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};
	for (int i = n - 1; i > 0; i--, c >>= 6)
		b[i] = (char)(0x80 | (c & 0x3F));
	b[0] = (char)(first[n] | c);
	buf_add(out, b, (size_t)n);
}

static void add_folded(struct buf *out, const char *text)
{
	size_t length = strlen(text);
	while (length > 0) {
		uint32_t code;
		size_t n = str_utf8_next(text, length, &code);
		if (n == 0) {
			n = 1;
			code = 0xFFFD;
		}
		add_code(out, fold(code));
		text += n;
		length -= n;
	}
}

/* Of HTML from elsewhere only the words between the tags. */
static void add_html(struct arena *arena, struct buf *out, const char *html)
{
	while (*html) {
		size_t words = strcspn(html, "<");
		add_folded(out, arena_strndup(arena, html, words));
		html += words;
		if (*html) {
			buf_add_char(out, ' ');
			html += strcspn(html, ">");
			html += *html == '>';
		}
	}
}

bool app_filters_load(struct app *app, struct err *e)
{
	if (app->filters || app->account_id == 0)
		return true;
	struct app_filters *f = ARENA_NEW(app->arena, struct app_filters);
	uint64_t seen = db_seen(app->core->pool);
	bool none = app_viewer_has_none(app, APP_VIEWER_NO_FILTERS);
	if (!none && !store_filter_list(app->db, app->arena, app->account_id, &f->rows, e))
		return false;
	if (!none && f->rows.count == 0)
		app_viewer_keep_none(app, seen, APP_VIEWER_NO_FILTERS);
	size_t count = f->rows.keyword_count;
	f->folded = arena_alloc(app->arena, (count + 1) * sizeof(*f->folded));
	f->lengths = arena_alloc(app->arena, (count + 1) * sizeof(*f->lengths));
	for (size_t i = 0; i < count; i++) {
		struct buf b;
		buf_init(&b, 16 << 10);
		add_folded(&b, f->rows.keywords[i].keyword);
		f->folded[i] = arena_strndup(app->arena, b.data ? b.data : "", b.length);
		f->lengths[i] = b.length;
		buf_finish(&b);
	}
	app->filters = f;
	return true;
}

static bool counts(const struct app *app, const struct store_filter *f)
{
	return !f->expires_at || f->expires_at > app->now_ms;
}

/* Letters and digits of scripts that put spaces between words. Korean, Japanese and Chinese glue particles to words,
 * so there a word may begin and end anywhere. */
static bool is_word(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '_' ||
	       (c >= 0xC0 && c <= 0x24F && c != 0xD7 && c != 0xF7) || (c >= 0x370 && c <= 0x52F);
}

static uint32_t code_before(const char *start, const char *at)
{
	const char *s = at;
	uint32_t code = 0;
	while (s > start && at - s < 4) {
		s--;
		if (((unsigned char)*s & 0xC0) != 0x80)
			break;
	}
	return s < at && str_utf8_next(s, (size_t)(at - s), &code) ? code : 0;
}

static uint32_t code_at(const char *at, const char *end)
{
	uint32_t code = 0;
	return at < end && str_utf8_next(at, (size_t)(end - at), &code) ? code : 0;
}

static bool contains(const char *text, size_t length, const char *word, size_t word_length,
		     bool whole)
{
	const char *end = text + length, *at = text;
	if (word_length == 0)
		return false;
	bool left = whole && is_word(code_at(word, word + word_length));
	bool right = whole && is_word(code_before(word, word + word_length));
	while ((at = memmem(at, (size_t)(end - at), word, word_length))) {
		if (!(left && is_word(code_before(text, at))) &&
		    !(right && is_word(code_at(at + word_length, end))))
			return true;
		at++;
	}
	return false;
}

static void put_text(struct app *app, const struct app_post *view, struct buf *out)
{
	buf_init(out, TEXT_MAX);
	add_folded(out, view->row.spoiler_text ? view->row.spoiler_text : "");
	buf_add_char(out, '\n');
	if (view->row.local)
		add_folded(out, view->row.text ? view->row.text : "");
	else
		add_html(app->arena, out, view->row.content ? view->row.content : "");
	for (size_t i = 0; i < view->media_count; i++) {
		buf_add_char(out, '\n');
		add_folded(out, view->media[i].description);
	}
	for (size_t i = 0; view->poll && i < view->poll->option_count; i++) {
		buf_add_char(out, '\n');
		add_folded(out, view->poll->options[i]);
	}
}

static bool made_by(const struct store_filter *f, const struct app_post *view, const char **maker)
{
	for (size_t i = 0; f->made && i < view->media_count; i++) {
		const char *by = view->media[i].maker;
		if (!by || (f->maker && strcmp(f->maker, by) != 0))
			continue;
		*maker = by;
		return true;
	}
	return false;
}

/* Everything of filter number `at` that catches the post. text NULL: no words are looked for. */
static bool match(struct app *app, size_t at, const struct app_post *view, const struct buf *text,
		  struct app_filter_match *out)
{
	const struct app_filters *f = app->filters;
	const struct store_filter *row = &f->rows.items[at];
	size_t own = 1;
	*out = (struct app_filter_match){.filter = row};
	for (size_t i = 0; i < f->rows.keyword_count; i++)
		own += f->rows.keywords[i].filter_id == row->id;
	const char **words = arena_alloc(app->arena, own * sizeof(*words));
	if (made_by(row, view, &words[0]))
		out->keyword_count = 1;
	for (size_t i = 0; i < f->rows.keyword_count; i++) {
		const struct store_filter_keyword *k = &f->rows.keywords[i];
		if (k->filter_id == row->id &&
		    contains(text->data, text->length, f->folded[i], f->lengths[i], k->whole_word))
			words[out->keyword_count++] = k->keyword;
	}
	for (size_t i = 0; i < f->rows.post_count; i++)
		out->by_post |= f->rows.posts[i].filter_id == row->id &&
				f->rows.posts[i].post_id == view->row.id;
	out->keywords = words;
	return out->keyword_count > 0 || out->by_post;
}

void app_filters_apply(struct app *app, struct app_post *view)
{
	const struct app_filters *f = app->filters;
	if (!f || f->rows.count == 0 || view->row.boost_of_id)
		return;
	struct buf text;
	struct app_filter_match *found = arena_alloc(app->arena, f->rows.count * sizeof(*found));
	put_text(app, view, &text);
	for (size_t i = 0; i < f->rows.count; i++)
		if (counts(app, &f->rows.items[i]) &&
		    match(app, i, view, &text, &found[view->filtered_count]))
			view->filtered_count++;
	view->filtered = found;
	buf_finish(&text);
}

bool app_filter_any(struct app *app, int64_t author_id, bool *any, struct err *e)
{
	*any = false;
	return app->account_id == 0 ||
	       store_filter_any(app->db, app->account_id, author_id, any, e);
}
