/* Owns no state but the caller's struct. The grammar is held here (commas, keys, closing), so that a
 * caller can only make valid JSON or a reported misuse. */
#include "json/write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"

void json_begin(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){.out = out};
}

bool json_finish(struct json_writer *w, struct err *e)
{
	if (w->misused || w->depth != 0 || !w->any)
		return err_set(e, ERR_INTERNAL, "the answer could not be written");
	if (w->out->failed)
		return err_set(e, ERR_TOO_LARGE, "the answer is too large");
	return true;
}

/* Bytes that go out as they are, up to the next one that may not. */
static size_t plain_length(const char *s, size_t length)
{
	const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
	size_t i = 0;
	/* Eight at a time: a byte's high bit is set in `odd` where it is not ASCII, below ' ', '"' or '\\'. A
	 * borrow may mark a byte behind an odd one too, which costs a second look and nothing else. */
	for (uint64_t x; i + 8 <= length; i += 8) {
		memcpy(&x, s + i, sizeof x);
		uint64_t quote = x ^ (ones * '"'), slash = x ^ (ones * '\\');
		uint64_t odd = x | (x - ones * ' ') | (quote - ones) | (slash - ones);
		if (odd & highs)
			break;
	}
	while (i < length && (unsigned char)s[i] >= ' ' && (unsigned char)s[i] < 0x80 &&
	       s[i] != '"' && s[i] != '\\')
		i++;
	return i;
}

static void put_escaped(struct buf *out, char c)
{
	static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	for (size_t i = 0; i < sizeof letters - 1; i += 2)
		if (letters[i] == c) {
			buf_add(out, (char[]){'\\', letters[i + 1]}, 2);
			return;
		}
	buf_printf(out, "\\u%04x", (unsigned char)c);
}

static void put_text(struct buf *out, const char *s, size_t length)
{
	if (plain_length(s, length) == length) { /* nearly always */
		char *at = buf_extend(out, length + 2);
		if (at) {
			at[0] = '"';
			memcpy(at + 1, s, length);
			at[length + 1] = '"';
		}
		return;
	}
	buf_add_char(out, '"');
	while (length) {
		size_t n = plain_length(s, length);
		if (n) {
			buf_add(out, s, n);
		} else if ((unsigned char)*s < 0x80) {
			put_escaped(out, *s);
			n = 1;
		} else if ((n = str_utf8_next(s, length, NULL)) != 0) {
			buf_add(out, s, n);
		} else {
			buf_add_str(out, "\xef\xbf\xbd");
			n = 1;
		}
		s += n;
		length -= n;
	}
	buf_add_char(out, '"');
}

/* Writes the comma and the key that a value needs here; false where no value may stand. */
static bool put_lead(struct json_writer *w, const char *key)
{
	bool in_object = w->depth > 0 && w->closers[w->depth - 1] == '}';
	if (w->misused || in_object != (key != NULL) || (w->depth == 0 && w->any)) {
		w->misused = true;
		return false;
	}
	bool comma = w->any;
	w->any = true;
	size_t length = key ? strlen(key) : 0;
	if (key && plain_length(key, length) == length) {
		char *at = buf_extend(w->out, comma + length + 3);
		if (!at)
			return true; /* the buffer remembers */
		if (comma)
			*at++ = ',';
		*at++ = '"';
		memcpy(at, key, length);
		at[length] = '"';
		at[length + 1] = ':';
		return true;
	}
	if (comma)
		buf_add_char(w->out, ',');
	if (key) {
		put_text(w->out, key, length);
		buf_add_char(w->out, ':');
	}
	return true;
}

static void put_open(struct json_writer *w, const char *key, char opener, char closer)
{
	if (w->depth == JSON_WRITE_DEPTH_MAX)
		w->misused = true;
	if (!put_lead(w, key))
		return;
	buf_add_char(w->out, opener);
	w->closers[w->depth++] = closer;
	w->any = false;
}

void json_put_object(struct json_writer *w, const char *key)
{
	put_open(w, key, '{', '}');
}

void json_put_array(struct json_writer *w, const char *key)
{
	put_open(w, key, '[', ']');
}

void json_put_end(struct json_writer *w)
{
	if (w->misused || w->depth == 0) {
		w->misused = true;
		return;
	}
	buf_add_char(w->out, w->closers[--w->depth]);
	w->any = true;
}

void json_put_raw(struct json_writer *w, const char *key, const char *json, size_t length)
{
	if (put_lead(w, key))
		buf_add(w->out, json, length);
}

void json_put_strn(struct json_writer *w, const char *key, const char *s, size_t length)
{
	if (put_lead(w, key))
		put_text(w->out, s, length);
}

void json_put_str(struct json_writer *w, const char *key, const char *s)
{
	if (s)
		json_put_strn(w, key, s, strlen(s));
	else
		json_put_null(w, key);
}

void json_put_int(struct json_writer *w, const char *key, int64_t value)
{
	char text[24];
	size_t at = sizeof text;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	do
		text[--at] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		text[--at] = '-';
	json_put_raw(w, key, text + at, sizeof text - at);
}

void json_put_real(struct json_writer *w, const char *key, double value)
{
	char text[40];
	if (!isfinite(value)) {
		json_put_null(w, key);
		return;
	}
	if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value && !signbit(value)) {
		json_put_int(w, key,
			     (int64_t)value); /* printing a real takes longer than all the rest */
		return;
	}
	size_t n = (size_t)snprintf(text, sizeof text, "%.17g", value);
	char shorter[40];
	size_t m = (size_t)snprintf(shorter, sizeof shorter, "%.15g", value);
	double back;
	char *t = text;
	if (str_to_double(shorter, -INFINITY, INFINITY, &back) &&
	    memcmp(&back, &value, sizeof back) == 0) {
		t = shorter;
		n = m;
	}
	for (size_t i = 0; i < n; i++) /* a locale may have written a comma */
		if (t[i] == ',')
			t[i] = '.';
	json_put_raw(w, key, t, n);
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
	json_put_raw(w, key, value ? "true" : "false", value ? 4 : 5);
}

void json_put_null(struct json_writer *w, const char *key)
{
	json_put_raw(w, key, "null", 4);
}

void json_put_id(struct json_writer *w, const char *key, int64_t id)
{
	char text[ID_TEXT_SIZE];
	json_put_str(w, key, id ? id_format(text, id) : NULL);
}

void json_put_time(struct json_writer *w, const char *key, int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE];
	json_put_str(w, key, wall_ms ? clock_format(text, wall_ms) : NULL);
}
