/* Reads captions.csv (RFC 4180) or the .txt beside each picture. Main thread. Must stay true: no file outside the
 * folder is named, whoever wrote the CSV. */
#include "cli/captions.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "image/image.h"

#define CSV_BYTES_MAX  ((size_t)256 << 20)
#define TEXT_BYTES_MAX ((size_t)64 << 10)
#define FIELDS_MAX     32

enum column { FILE_COLUMN, CAPTION, STYLE, CONSENT, COLUMNS };

struct reader {
	struct arena *a;
	const char *folder;
	struct captions *out;
	size_t room;
	struct err *e;
};

bool caption_is_allowed(const char *consent)
{
	static const char *const NO[] = {"",      "-",       "0",      "no",      "none",
					 "false", "unknown", "denied", "refused", "not given"};
	for (size_t i = 0; i < sizeof NO / sizeof *NO; i++)
		if (str_equal_nocase(consent, NO[i]))
			return false;
	return true;
}

static bool inside(const char *file)
{
	if (!file[0] || file[0] == '/')
		return false;
	for (const char *at = file; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || !at[2]))
			return false;
	}
	return true;
}

static bool add(struct reader *r, struct caption c)
{
	if (r->out->count == CAPTIONS_MAX)
		return err_set(r->e, ERR_TOO_LARGE, "%s: more than %d captions", r->folder,
			       CAPTIONS_MAX);
	if (strlen(c.text) > CAPTION_BYTES_MAX)
		return err_set(r->e, ERR_TOO_LARGE, "%.150s: a caption of more than %d bytes",
			       c.file, CAPTION_BYTES_MAX);
	if (r->out->count == r->room) {
		const size_t room = r->room ? 2 * r->room : 256;
		struct caption *more = ARENA_ARRAY(r->a, struct caption, room);
		if (!more)
			return err_set(r->e, ERR_NO_MEMORY, "no memory for the captions");
		if (r->room)
			memcpy(more, r->out->items, r->room * sizeof(*more));
		r->out->items = more;
		r->room = room;
	}
	r->out->items[r->out->count++] = c;
	return true;
}

/* One field, unquoted in place, trimmed; *at comes to what ended it. False where a quote stays open. */
static bool read_field(char **at, char *end, size_t *line, const char **field, size_t *length)
{
	char *p = *at, *to = *at;
	*field = p;
	if (p < end && *p == '"') {
		for (p++; p < end && (*p != '"' || (p + 1 < end && p[1] == '"')); *to++ = *p++) {
			p += *p == '"';
			*line += *p == '\n';
		}
		if (p == end)
			return false;
		for (p++; p < end && *p != ',' && *p != '\n';)
			p++;
	} else {
		while (p < end && *p != ',' && *p != '\n')
			*to++ = *p++;
	}
	*length = (size_t)(to - *field);
	*field = str_trim(*field, length);
	*at = p;
	return true;
}

/* A record of at most FIELDS_MAX fields; *at comes behind it. */
static bool read_record(struct arena *a, char **at, char *end, size_t *line, const char **fields,
			size_t *count)
{
	*count = 0;
	for (;;) {
		const char *field;
		size_t length;
		if (!read_field(at, end, line, &field, &length))
			return false;
		char ended = *at < end ? **at : '\n';
		if (*count < FIELDS_MAX)
			fields[(*count)++] = arena_strndup(a, field, length);
		*at += *at < end;
		if (ended == '\n') {
			++*line;
			return true;
		}
	}
}

static bool read_header(struct reader *r, const char *path, const char **fields, size_t count,
			int columns[COLUMNS])
{
	static const struct {
		const char *name;
		enum column column;
	} NAMES[] = {{"file", FILE_COLUMN}, {"caption", CAPTION}, {"style", STYLE},
		     {"consent", CONSENT},  {"licence", CONSENT}, {"license", CONSENT}};
	for (int i = 0; i < COLUMNS; i++)
		columns[i] = -1;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < sizeof NAMES / sizeof *NAMES; j++)
			if (str_equal_nocase(fields[i], NAMES[j].name))
				columns[NAMES[j].column] = (int)i;
	if (columns[FILE_COLUMN] < 0 || columns[CAPTION] < 0)
		return err_set(r->e, ERR_INVALID,
			       "%.150s: its first line has to name the columns file and caption",
			       path);
	return true;
}

static bool read_csv(struct reader *r, const char *path, struct file_bytes bytes)
{
	const char *fields[FIELDS_MAX];
	char *at = bytes.data, *end = bytes.data + bytes.length;
	int columns[COLUMNS];
	size_t count, line = 1;
	if (bytes.length >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	for (bool first = true; at < end; first = false) {
		const size_t here = line;
		if (!read_record(r->a, &at, end, &line, fields, &count))
			return err_set(r->e, ERR_INVALID, "%.150s, line %zu: a quote stays open",
				       path, here);
		if (first && !read_header(r, path, fields, count, columns))
			return false;
		if (first || (count == 1 && !fields[0][0]))
			continue;
		const char *cells[COLUMNS] = {"", "", "", ""};
		for (int i = 0; i < COLUMNS; i++)
			if (columns[i] >= 0 && (size_t)columns[i] < count)
				cells[i] = fields[columns[i]];
		if (!inside(cells[FILE_COLUMN]))
			return err_set(r->e, ERR_INVALID,
				       "%.150s, line %zu: \"%.60s\" is no file in this folder",
				       path, here, cells[FILE_COLUMN]);
		if (!add(r, (struct caption){cells[FILE_COLUMN], cells[CAPTION], cells[STYLE],
					     cells[CONSENT]}))
			return false;
	}
	return true;
}

/* NAME.txt: a caption a line; a line "consent: …", "licence: …" or "style: …" is for all of them. */
static bool read_text(struct reader *r, const char *file, struct file_bytes bytes)
{
	static const char *const CONSENTS[] = {"consent:", "licence:", "license:"};
	const size_t first = r->out->count;
	struct caption c = {.file = file, .style = "", .consent = ""};
	char *at = bytes.data;
	while (at && *at) {
		char *next = strchr(at, '\n');
		size_t length = next ? (size_t)(next - at) : strlen(at);
		const char *from = str_trim(at, &length), *line = arena_strndup(r->a, from, length);
		at = next ? next + 1 : NULL;
		c.text = line;
		for (size_t i = 0; i < sizeof CONSENTS / sizeof *CONSENTS; i++)
			if (str_starts(line, CONSENTS[i])) {
				length = strlen(line) - 8;
				from = str_trim(line + 8, &length);
				c.consent = arena_strndup(r->a, from, length);
				c.text = "";
			}
		if (str_starts(line, "style:")) {
			length = strlen(line) - 6;
			from = str_trim(line + 6, &length);
			c.style = arena_strndup(r->a, from, length);
			c.text = "";
		}
		if (c.text[0] && !add(r, c))
			return false;
	}
	for (size_t i = first; i < r->out->count; i++) {
		r->out->items[i].style = c.style;
		r->out->items[i].consent = c.consent;
	}
	return true;
}

static bool read_beside(struct reader *r, const char *name)
{
	struct file_bytes bytes;
	const char *dot = strrchr(name, '.');
	if (image_format_of(name) == IMAGE_FORMAT_NONE || !dot)
		return true;
	const char *path = arena_printf(r->a, "%s/%.*s.txt", r->folder, (int)(dot - name), name);
	if (!file_read(r->a, path, TEXT_BYTES_MAX, &bytes, r->e))
		return r->e->code == ERR_NOT_FOUND || err_context(r->e, "%.150s", name);
	return read_text(r, arena_strdup(r->a, name), bytes);
}

static bool read_folder(struct reader *r)
{
	DIR *dir = opendir(r->folder);
	bool ok = true;
	if (!dir)
		return err_set(r->e, ERR_NOT_FOUND, "cannot read the folder %.150s: %s", r->folder,
			       strerror(errno));
	for (struct dirent *entry; ok && (entry = readdir(dir));)
		ok = read_beside(r, entry->d_name);
	closedir(dir);
	return ok;
}

static int by_file(const void *a, const void *b)
{
	const struct caption *x = a, *y = b;
	const int order = strcmp(x->file, y->file);
	return order ? order : strcmp(x->text, y->text);
}

bool captions_read(struct arena *a, const char *folder, struct captions *out, struct err *e)
{
	struct reader r = {.a = a, .folder = folder, .out = out, .e = e};
	struct file_bytes bytes;
	const char *path = arena_printf(a, "%s/captions.csv", folder);
	*out = (struct captions){0};
	if (file_read(a, path, CSV_BYTES_MAX, &bytes, e)) {
		if (!read_csv(&r, path, bytes))
			return false;
	} else if (e->code != ERR_NOT_FOUND || !read_folder(&r)) {
		return false;
	}
	if (out->count == 0)
		return err_set(e, ERR_INVALID,
			       "%.150s: no captions: neither captions.csv nor a .txt beside a "
			       "picture",
			       folder);
	qsort(out->items, out->count, sizeof(*out->items), by_file);
	return true;
}
