/* Any bytes as CSV: rows or an error that names a line; what was read, written again, reads the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "app/csv.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(struct arena *a, const struct csv_row *row)
{
	struct buf text;
	struct csv csv;
	struct csv_row again;
	struct err e = {0};
	bool found = false, blank = true;
	buf_init(&text, 1 << 20);
	buf_add_str(&text, "x\n"); /* a mark of byte order counts at the beginning only */
	for (size_t i = 0; i < row->count; i++) {
		if (!str_is_utf8(row->fields[i], strlen(row->fields[i])))
			abort();
		blank &= row->fields[i][0] == '\0';
		csv_put(&text, row->fields[i], i == 0);
	}
	buf_add_char(&text, '\n');
	csv_begin(&csv, text.data, text.length);
	if (text.failed || !csv_next(&csv, a, &again, &found, &e) ||
	    !csv_next(&csv, a, &again, &found, &e))
		abort();
	if (!blank && (!found || again.count != row->count))
		abort();
	for (size_t i = 0; !blank && i < row->count; i++)
		if (strcmp(again.fields[i], row->fields[i]) != 0)
			abort();
	buf_finish(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create(16 << 20);
	struct csv csv;
	struct csv_row row;
	struct err e = {0};
	bool found = true, ok = true;
	int line = 0;
	csv_begin(&csv, (const char *)data, size);
	while (found && (ok = csv_next(&csv, a, &row, &found, &e)) && found) {
		if (csv.line <= line || row.count == 0 || row.count > CSV_FIELDS_MAX)
			abort();
		line = csv.line;
		read_again(a, &row);
	}
	if (!ok && (e.code != ERR_INVALID || !e.message[0]))
		abort();
	arena_destroy(a);
	return 0;
}
