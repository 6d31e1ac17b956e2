/* Owns the bytes of a buffer; grows by doubling up to the cap. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t cap_bytes)
{
	*b = (struct buf){.cap = cap_bytes};
}

void buf_finish(struct buf *b)
{
	free(b->data);
	*b = (struct buf){.cap = b->cap};
}

void buf_clear(struct buf *b)
{
	b->length = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

static bool buf_reserve(struct buf *b, size_t more)
{
	if (b->failed || more > b->cap || b->length > b->cap - more) {
		b->failed = true;
		return false;
	}
	size_t need = b->length + more + 1;
	if (need <= b->capacity)
		return true;
	size_t capacity = b->capacity ? b->capacity : 64;
	while (capacity < need)
		capacity *= 2;
	char *data = realloc(b->data, capacity);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->capacity = capacity;
	return true;
}

void buf_expect(struct buf *b, size_t length)
{
	if (length <= b->cap && b->length <= b->cap - length && b->length + length >= b->capacity) {
		char *data = realloc(b->data, b->length + length + 1);
		if (!data)
			return; /* then it grows as it goes */
		b->data = data;
		b->capacity = b->length + length + 1;
		b->data[b->length] = '\0';
	}
}

char *buf_extend(struct buf *b, size_t length)
{
	if (!buf_reserve(b, length))
		return NULL;
	char *at = b->data + b->length;
	b->length += length;
	at[length] = '\0';
	return at;
}

void buf_add(struct buf *b, const void *bytes, size_t length)
{
	if (!buf_reserve(b, length))
		return;
	if (length)
		memcpy(b->data + b->length, bytes, length);
	b->length += length;
	b->data[b->length] = '\0';
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_add_char(struct buf *b, char c)
{
	if (!buf_reserve(b, 1))
		return;
	b->data[b->length++] = c;
	b->data[b->length] = '\0';
}

void buf_add_html(struct buf *b, const char *text, size_t length)
{
	static const char *const names[128] = {
	    ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};
	size_t plain = 0;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= 128 || !names[c])
			continue;
		buf_add(b, text + plain, i - plain);
		buf_add_str(b, names[c]);
		plain = i + 1;
	}
	buf_add(b, text + plain, length - plain);
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	if (n < 0)
		b->failed = true;
	else if (buf_reserve(b, (size_t)n)) {
		vsnprintf(b->data + b->length, (size_t)n + 1, format, again);
		b->length += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

char *buf_take(struct buf *b)
{
	char *data = b->failed ? NULL : b->data;
	if (!data)
		free(b->data);
	*b = (struct buf){.cap = b->cap};
	return data;
}
