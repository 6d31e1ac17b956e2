/* Reads and writes comma-separated values. Pure; the text comes from strangers. */
#include "app/csv.h"

#include "base/str.h"

#include <string.h>

void csv_begin(struct csv *csv, const char *text, size_t length)
{
	if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		length -= 3;
	}
	*csv = (struct csv){.at = text, .end = text + length};
}

/* Behind the opening quote. False: it does not end. */
static bool quoted(struct csv *csv, struct buf *out)
{
	while (csv->at < csv->end) {
		char c = *csv->at++;
		if (c == '"' && (csv->at == csv->end || *csv->at != '"'))
			return true;
		csv->at += c == '"';
		csv->line += c == '\n';
		buf_add_char(out, c);
	}
	return false;
}

static bool ends_field(char c)
{
	return c == ',' || c == '\n' || c == '\r';
}

static bool field(struct csv *csv, struct buf *out)
{
	while (csv->at < csv->end && (*csv->at == ' ' || *csv->at == '\t'))
		csv->at++;
	if (csv->at < csv->end && *csv->at == '"') {
		csv->at++;
		if (!quoted(csv, out))
			return false;
	}
	while (csv->at < csv->end && !ends_field(*csv->at))
		buf_add_char(out, *csv->at++);
	return true;
}

static bool keep(struct csv *csv, struct arena *arena, const struct buf *text, struct csv_row *row,
		 struct err *e)
{
	size_t length = text->length;
	const char *bytes = length ? text->data : "";
	if (memchr(bytes, '\0', length) || !str_is_utf8(bytes, length))
		return err_set(e, ERR_INVALID, "Validation failed: line %d is not text", csv->line);
	const char *trimmed = str_trim(bytes, &length);
	if (row->count < CSV_FIELDS_MAX)
		row->fields[row->count++] = arena_strndup(arena, trimmed, length);
	return true;
}

static bool read_row(struct csv *csv, struct arena *arena, struct buf *text, struct csv_row *row,
		     struct err *e)
{
	*row = (struct csv_row){0};
	csv->line++;
	int line = csv->line;
	for (;;) {
		buf_clear(text);
		if (!field(csv, text))
			return err_set(e, ERR_INVALID,
				       "Validation failed: a quote in line %d does not end", line);
		if (text->failed)
			return err_set(e, ERR_INVALID, "Validation failed: line %d is too long",
				       line);
		if (!keep(csv, arena, text, row, e))
			return false;
		if (csv->at == csv->end || *csv->at != ',')
			break;
		csv->at++;
	}
	if (csv->at < csv->end && *csv->at == '\r')
		csv->at++;
	if (csv->at < csv->end && *csv->at == '\n')
		csv->at++;
	return true;
}

bool csv_next(struct csv *csv, struct arena *arena, struct csv_row *row, bool *found, struct err *e)
{
	struct buf text;
	bool ok = true;
	buf_init(&text, 16 << 10);
	*found = false;
	while (ok && !*found && csv->at < csv->end) {
		ok = read_row(csv, arena, &text, row, e);
		*found = ok && (row->count > 1 || row->fields[0][0]);
	}
	buf_finish(&text);
	return ok;
}

void csv_put(struct buf *out, const char *text, bool first)
{
	if (!first)
		buf_add_char(out, ',');
	if (!strpbrk(text, ",\"\r\n") && text[0] != ' ') {
		buf_add_str(out, text);
		return;
	}
	buf_add_char(out, '"');
	for (; *text; text++) {
		if (*text == '"')
			buf_add_char(out, '"');
		buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}
