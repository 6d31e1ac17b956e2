/* A small strict JSON reader for objects of numbers and lists of strings, which may be a hundred
 * thousand long. Owns nothing; one thread. What must stay true: nothing is read at or past `end`, and
 * a string that comes out is valid UTF-8 without NUL. */
#include "engine/text_json.h"

#include "base/str.h"

#include <string.h>

static void skip_space(struct engine_text_reader *r)
{
	while (r->at < r->end &&
	       (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
		r->at++;
}

char engine_text_peek(struct engine_text_reader *r)
{
	skip_space(r);
	return r->at < r->end ? *r->at : 0;
}

void engine_text_expect(struct engine_text_reader *r, char c)
{
	if (engine_text_peek(r) == c && c)
		r->at++;
	else
		r->bad = true;
}

void engine_text_read(struct engine_text_reader *r, struct engine_text_span span, char open)
{
	*r = (struct engine_text_reader){span.text, span.text + span.length, true, false};
	engine_text_expect(r, open);
}

bool engine_text_more(struct engine_text_reader *r, char close)
{
	if (r->bad)
		return false;
	if (engine_text_peek(r) == close) {
		r->at++;
		r->bad = engine_text_peek(r) != 0; /* the span ends here */
		return false;
	}
	if (!r->first)
		engine_text_expect(r, ',');
	r->first = false;
	return !r->bad;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX; at stands behind the u. */
static uint32_t read_unit(struct engine_text_reader *r)
{
	uint32_t unit = 0;
	for (int i = 0; i < 4; i++, r->at++) {
		int digit = r->at < r->end ? hex(*r->at) : -1;
		if (digit < 0) {
			r->bad = true;
			return 0;
		}
		unit = unit * 16 + (uint32_t)digit;
	}
	return unit;
}

/* An escape as UTF-8; at stands behind the backslash. */
static size_t read_escape(struct engine_text_reader *r, char *out)
{
	static const char FROM[] = "\"\\/bfnrt", TO[] = "\"\\/\b\f\n\r\t";
	char c = r->at < r->end ? *r->at++ : 0;
	const char *simple = c ? strchr(FROM, c) : NULL;
	if (simple) {
		out[0] = TO[simple - FROM];
		return 1;
	}
	uint32_t code = c == 'u' ? read_unit(r) : 0;
	if (code >= 0xd800 && code < 0xdc00 && r->end - r->at >= 2 && r->at[0] == '\\' &&
	    r->at[1] == 'u') {
		r->at += 2;
		uint32_t low = read_unit(r);
		code = low >= 0xdc00 && low < 0xe000
			   ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
			   : 0;
	}
	if (code == 0 || (code >= 0xd800 && code < 0xe000)) {
		r->bad = true;
		return 0;
	}
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char LEAD[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)(LEAD[n] | code);
	return n;
}

size_t engine_text_string(struct engine_text_reader *r, char *out, size_t size)
{
	size_t n = 0;
	engine_text_expect(r, '"');
	while (!r->bad && r->at < r->end && *r->at != '"') {
		char bytes[4] = {*r->at};
		size_t length = 1;
		if ((unsigned char)*r->at < 0x20) {
			r->bad = true;
			break;
		}
		r->at++;
		if (bytes[0] == '\\')
			length = read_escape(r, bytes);
		if (length > size - n) {
			r->bad = true;
			break;
		}
		memcpy(out + n, bytes, length);
		n += length;
	}
	if (!r->bad)
		engine_text_expect(r, '"');
	r->bad = r->bad || !str_is_utf8(out, n);
	return r->bad ? 0 : n;
}

int32_t engine_text_number(struct engine_text_reader *r)
{
	int64_t n = 0;
	skip_space(r);
	const char *begin = r->at;
	while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && n <= INT32_MAX)
		n = n * 10 + (*r->at++ - '0');
	if (r->at == begin || n > INT32_MAX || (*begin == '0' && r->at - begin > 1)) {
		r->bad = true;
		return -1;
	}
	return (int32_t)n;
}

/* Steps over a string without looking into it. */
static void skip_string(struct engine_text_reader *r)
{
	engine_text_expect(r, '"');
	while (!r->bad && r->at < r->end && *r->at != '"')
		r->at += *r->at == '\\' && r->end - r->at > 1 ? 2 : 1;
	if (!r->bad)
		engine_text_expect(r, '"');
}

/* Steps over a value of any kind by counting brackets; the JSON parser looks at it later. */
static void skip_value(struct engine_text_reader *r)
{
	size_t depth = 0;
	for (;;) {
		char c = engine_text_peek(r);
		if (c == '"')
			skip_string(r);
		else if (c == 0 || (depth == 0 && (c == ',' || c == '}' || c == ']')))
			r->bad = true; /* no value at all */
		else
			r->at++;
		depth += c == '{' || c == '[';
		depth -= (c == '}' || c == ']') && depth > 0;
		if (r->bad)
			return;
		if (depth == 0) { /* a number or a word goes on to the next mark */
			while (c != '"' && c != '}' && c != ']' && r->at < r->end &&
			       !strchr(",}] \n\r\t", *r->at))
				r->at++;
			return;
		}
	}
}

/* Goes through the members of an object; where a key is wanted, keeps the span of its value. */
static void find_members(struct engine_text_span object, const char *const keys[2],
			 struct engine_text_span found[2])
{
	struct engine_text_reader r;
	engine_text_read(&r, object, '{');
	while (engine_text_more(&r, '}')) {
		skip_space(&r);
		const char *key = r.at;
		skip_string(&r);
		size_t key_length = (size_t)(r.at - key);
		engine_text_expect(&r, ':');
		skip_space(&r);
		const char *value = r.at;
		skip_value(&r);
		for (int i = 0; i < 2 && !r.bad; i++) {
			if (keys[i] && key_length == strlen(keys[i]) + 2 &&
			    !memcmp(key + 1, keys[i], key_length - 2))
				found[i] = (struct engine_text_span){value, (size_t)(r.at - value)};
		}
	}
}

void engine_text_cut(const char *json, size_t length, struct engine_text_span *vocab,
		     struct engine_text_span *merges, struct buf *rest)
{
	static const char *const TOP[2] = {"model", NULL}, *const MODEL[2] = {"vocab", "merges"};
	struct engine_text_span model[2] = {{NULL, 0}}, parts[2] = {{NULL, 0}};
	find_members((struct engine_text_span){json, length}, TOP, model);
	if (model[0].text)
		find_members(model[0], MODEL, parts);
	const char *at = json;
	for (int i = 0; i < 2; i++) {
		/* The one that comes first, then the other. */
		bool second = parts[1].text && (!parts[0].text || parts[1].text < parts[0].text);
		const struct engine_text_span *part = &parts[second != (i == 1)];
		if (!part->text)
			continue;
		buf_add(rest, at, (size_t)(part->text - at));
		buf_add_str(rest, part == &parts[0] ? "{}" : "[]");
		at = part->text + part->length;
	}
	buf_add(rest, at, length - (size_t)(at - json));
	*vocab = parts[0];
	*merges = parts[1];
}
