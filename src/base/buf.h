/* A growing byte buffer with a cap. Always NUL-terminated behind its last byte.
 *
 * A write past the cap (or one that finds no memory) is dropped and sets `failed`, which sticks: write
 * freely, look once at the end. init/finish in place; the buffer owns its bytes. */
#ifndef MADANG_BASE_BUF_H
#define MADANG_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* NULL until the first write */
	size_t length;
	size_t capacity;
	size_t cap; /* the most bytes it may hold */
	bool failed;
};

void buf_init(struct buf *b, size_t cap_bytes);
void buf_finish(struct buf *b);
void buf_clear(struct buf *b); /* length 0, failed false, memory kept */
/* Takes memory for length more bytes at once; what is more or less than that still fits. */
void buf_expect(struct buf *b, size_t length);
/* Makes room for length more bytes, counts them in and gives the place where the caller writes all of them at
 * once; NULL where they do not fit. */
char *buf_extend(struct buf *b, size_t length);
void buf_add(struct buf *b, const void *bytes, size_t length);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
/* As text for HTML, also inside quotes of either kind. */
void buf_add_html(struct buf *b, const char *text, size_t length);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Gives the storage away: the caller must free() it. NULL where the buffer is empty or failed. */
char *buf_take(struct buf *b);

#endif
