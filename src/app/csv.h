/* Comma-separated values (RFC 4180), as Mastodon writes and reads them. */
#ifndef MADANG_APP_CSV_H
#define MADANG_APP_CSV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum { CSV_FIELDS_MAX = 16 };

struct csv {
	const char *at, *end;
	int line; /* of what was read last, from 1 */
};
struct csv_row {
	const char *fields[CSV_FIELDS_MAX]; /* in the arena, trimmed; what is beyond is left out */
	size_t count;
};

/* Borrows the text. A mark of byte order at its beginning is passed over. */
void csv_begin(struct csv *csv, const char *text, size_t length);
/* The next row that is not blank; *found false at the end. ERR_INVALID naming the line where a quote does not end, or
 * text is no UTF-8. */
bool csv_next(struct csv *csv, struct arena *arena, struct csv_row *row, bool *found,
	      struct err *e) MUST_CHECK;

/* Adds one field, quoted where it must be; first: no comma before it. */
void csv_put(struct buf *out, const char *text, bool first);

#endif
