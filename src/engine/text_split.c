/* Runs the pre-tokenisers. Owns nothing; any thread. What must stay true: pieces cover the text, in
 * order, without gaps; the time is linear in the text for each pre-tokeniser. */
#include "engine/text_split.h"

#include "base/str.h"
#include "engine/unicode.h"

#include <stdlib.h>
#include <string.h>

#define RANGES_MAX 4096

/* One character of a class, with its escapes. False at the end or on an escape that we do not know. */
static bool class_char(const char **p, uint32_t *code)
{
	if (**p == '\\') {
		static const char FROM[] = "rnt\\]-[^/.", TO[] = "\r\n\t\\]-[^/.";
		const char *at = (*p)[1] ? strchr(FROM, (*p)[1]) : NULL;
		if (!at)
			return false;
		*code = (unsigned char)TO[at - FROM];
		*p += 2;
		return true;
	}
	size_t n = str_utf8_next(*p, strlen(*p), code);
	*p += n;
	return n > 0 && *code != 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct engine_range *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* *p stands behind '['; leaves it behind ']'. */
static bool parse_class(struct arena *a, const char **p, struct engine_split *out)
{
	struct engine_range *ranges = ARENA_ARRAY(a, struct engine_range, RANGES_MAX);
	size_t n = 0;
	if (!ranges || **p == '^' || **p == ']')
		return false;
	for (; **p != ']'; n++) {
		struct engine_range r;
		if (n == RANGES_MAX || !**p || !class_char(p, &r.first))
			return false;
		r.last = r.first;
		if (**p == '-' && (*p)[1] != ']') {
			(*p)++;
			if (!**p || !class_char(p, &r.last) || r.last < r.first)
				return false;
		}
		ranges[n] = r;
	}
	(*p)++;
	qsort(ranges, n, sizeof(*ranges), compare_ranges);
	size_t merged = 0; /* join what overlaps, so that a binary search finds it */
	for (size_t i = 1; i < n; i++) {
		if (ranges[i].first <= ranges[merged].last) {
			if (ranges[i].last > ranges[merged].last)
				ranges[merged].last = ranges[i].last;
		} else {
			ranges[++merged] = ranges[i];
		}
	}
	out->ranges = ranges;
	out->range_count = merged + 1;
	return true;
}

bool engine_split_parse(struct arena *a, const char *pattern, struct engine_split *out,
			struct err *e)
{
	const char *p = pattern;
	*out = (struct engine_split){0};
	if (!strncmp(p, "\\s?", 3)) {
		out->lead = true;
		p += 3;
	}
	bool ok = true;
	if (!strncmp(p, "\\s", 2)) {
		out->kind = SPLIT_SPACE;
		p += 2;
	} else if (*p == '[') {
		out->kind = SPLIT_CLASS;
		p++;
		ok = parse_class(a, &p, out);
	} else {
		ok = false;
	}
	if (ok && *p == '+') {
		out->repeat = true;
		p++;
	}
	if (ok && *p == '$') {
		out->end = true;
		p++;
	}
	/* With a class before it, $ would need real backtracking; nobody writes that. */
	if (!ok || *p || (out->end && out->kind != SPLIT_SPACE) ||
	    (out->lead && out->kind == SPLIT_SPACE))
		return err_set(e, ERR_UNSUPPORTED,
			       "a Split pattern is not of the form [..], [..]+, "
			       "\\s?[..]+ or \\s+$");
	return true;
}

static bool matches(const struct engine_split *s, uint32_t code)
{
	if (s->kind == SPLIT_SPACE)
		return engine_unicode_space(code);
	if (s->kind == SPLIT_NUMERIC)
		return engine_unicode_numeric(code);
	size_t low = 0, high = s->range_count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (code > s->ranges[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->range_count && code >= s->ranges[low].first;
}

/* The bytes of the class's characters at the beginning of text: one, or all with +. */
static size_t run_length(const struct engine_split *s, const char *text, size_t length)
{
	size_t n = 0;
	while (n < length) {
		uint32_t code;
		size_t step = str_utf8_next(text + n, length - n, &code);
		if (!matches(s, code))
			break;
		n += step;
		if (!s->repeat)
			break;
	}
	return n;
}

/* The bytes of a match at the beginning of text; 0: none. */
static size_t match_here(const struct engine_split *s, const char *text, size_t length)
{
	uint32_t code;
	size_t step = str_utf8_next(text, length, &code);
	if (s->lead && engine_unicode_space(code)) {
		size_t rest = run_length(s, text + step, length - step);
		if (rest)
			return step + rest;
	}
	return run_length(s, text, length);
}

struct run {
	const struct engine_splits *splits;
	engine_piece_fn *piece;
	void *data;
};

static bool run_from(const struct run *r, int stage, const char *text, size_t length)
{
	if (length == 0)
		return true;
	if (stage == r->splits->count)
		return r->piece(r->data, text, length);
	const struct engine_split *s = &r->splits->list[stage];
	size_t gap = 0, at = 0;
	while (at < length) {
		uint32_t code;
		size_t n = match_here(s, text + at, length - at);
		bool match = n > 0 && (!s->end || at + n == length);
		if (!match) { /* a run of \s+ that $ does not follow matches nowhere: step over it */
			at += n ? n : str_utf8_next(text + at, length - at, &code);
			continue;
		}
		if (!run_from(r, stage + 1, text + gap, at - gap) ||
		    !run_from(r, stage + 1, text + at, n))
			return false;
		at += n;
		gap = at;
	}
	return run_from(r, stage + 1, text + gap, length - gap);
}

bool engine_splits_run(const struct engine_splits *s, const char *text, size_t length,
		       engine_piece_fn *piece, void *data)
{
	struct run r = {s, piece, data};
	return run_from(&r, 0, text, length);
}
