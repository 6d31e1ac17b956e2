/* Owns the state of one multipart body. Fed by an event loop as bytes arrive: fields are kept, files go to
 * a nameless temporary file. What must stay true: `window` never holds more than one chunk and one
 * delimiter or one part's headers, whatever the client sends. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "http/body.h"

enum { BOUNDARY_MAX = 200, PART_HEADERS_MAX = 4096, PARTS_MAX = 256, FEED_MAX = 32 << 10 };

enum part_state { AT_START, AT_BOUNDARY, AT_HEADERS, AT_DATA, AT_END };

struct multipart {
	struct multipart_options options;
	struct arena *arena;
	enum part_state state;
	char delimiter[BOUNDARY_MAX + 5]; /* CR LF - - boundary */
	size_t delimiter_length;
	struct buf window;
	struct buf field; /* the text field at hand */
	size_t text_bytes, parts;
	char *name, *filename, *content_type; /* of the part at hand */
	int fd;                               /* its file, or -1 */
	uint64_t file_bytes;
};

struct multipart *multipart_create(struct arena *a, const struct multipart_options *options,
				   struct err *e)
{
	size_t length = strlen(options->boundary);
	if (!length || length > BOUNDARY_MAX) {
		err_set(e, ERR_INVALID, "the multipart body has no usable boundary");
		return NULL;
	}
	struct multipart *m = ARENA_NEW(a, struct multipart);
	m->options = *options;
	m->arena = a;
	m->fd = -1;
	m->delimiter_length =
	    (size_t)snprintf(m->delimiter, sizeof m->delimiter, "\r\n--%s", options->boundary);
	buf_init(&m->window, FEED_MAX + PART_HEADERS_MAX + sizeof m->delimiter);
	buf_init(&m->field, options->text_bytes_max);
	return m;
}

void multipart_finish(struct multipart *m)
{
	if (!m)
		return;
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
	buf_finish(&m->window);
	buf_finish(&m->field);
}

static void window_drop(struct multipart *m, size_t n)
{
	memmove(m->window.data, m->window.data + n, m->window.length - n);
	m->window.length -= n;
	m->window.data[m->window.length] = '\0';
}

/* The value of key="…" in a header line; NULL where there is none. Backslash escapes one character; browsers
 * send %22 for a quote, which stays. */
static char *header_value(struct multipart *m, const char *line, const char *key)
{
	size_t key_length = strlen(key);
	for (const char *at = line; (at = strchr(at, ';'));) {
		at++;
		at += strspn(at, " \t");
		if (strncmp(at, key, key_length) || at[key_length] != '=')
			continue;
		at += key_length + 1;
		bool quoted = *at == '"';
		at += quoted;
		char *out = arena_alloc(m->arena, strlen(at) + 1);
		size_t n = 0;
		while (*at && (quoted ? *at != '"' : *at != ';')) {
			if (quoted && *at == '\\' && at[1])
				at++;
			out[n++] = *at++;
		}
		return out;
	}
	return NULL;
}

static int temp_file(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	char path[4096]; /* a file system without O_TMPFILE */
	snprintf(path, sizeof path, "%s/upload.XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static bool part_begin(struct multipart *m, char *headers, struct err *e)
{
	m->name = m->filename = NULL;
	m->content_type = "";
	for (char *line = headers, *next; line && *line; line = next) {
		next = strstr(line, "\r\n");
		if (next) {
			*next = '\0';
			next += 2;
		}
		char *colon = strchr(line, ':');
		if (!colon)
			return err_set(e, ERR_INVALID, "the multipart body has a broken header");
		*colon = '\0';
		const char *value = colon + 1 + strspn(colon + 1, " \t");
		if (str_equal_nocase(line, "Content-Disposition")) {
			m->name = header_value(m, value, "name");
			m->filename = header_value(m, value, "filename");
		} else if (str_equal_nocase(line, "Content-Type")) {
			m->content_type = arena_strdup(m->arena, value);
		}
	}
	if (!m->name || !*m->name)
		return err_set(e, ERR_INVALID, "a part of the multipart body has no name");
	if (++m->parts > PARTS_MAX)
		return err_set(e, ERR_INVALID, "the multipart body has too many parts (at most %d)",
			       PARTS_MAX);
	m->file_bytes = 0;
	buf_clear(&m->field);
	if (m->filename && (m->fd = temp_file(m->options.temp_dir)) < 0) {
		err_set(e, ERR_IO, "the upload cannot be stored: try again later");
		return err_detail(e, "%s: %s", m->options.temp_dir, strerror(errno));
	}
	return true;
}

static bool part_data(struct multipart *m, const char *bytes, size_t length, struct err *e)
{
	if (m->fd < 0) {
		m->text_bytes += length;
		if (m->text_bytes > m->options.text_bytes_max)
			return err_set(e, ERR_TOO_LARGE, "the fields of the form are too large");
		buf_add(&m->field, bytes, length);
		return !m->field.failed ||
		       err_set(e, ERR_TOO_LARGE, "the fields of the form are too large");
	}
	m->file_bytes += length;
	if (m->file_bytes > m->options.file_bytes_max)
		return err_set(e, ERR_TOO_LARGE, "the file is too large (at most %llu MiB)",
			       (unsigned long long)(m->options.file_bytes_max >> 20));
	while (length) {
		ssize_t n = write(m->fd, bytes, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err_set(e, ERR_IO,
				"the upload cannot be stored: the server's disk may be full");
			return err_detail(e, "write: %s", strerror(errno));
		}
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

static bool part_end(struct multipart *m, struct http_params *p, struct err *e)
{
	size_t name_length = strlen(m->name);
	if (m->fd < 0)
		return params_add(p, m->name, name_length, m->field.data, m->field.length,
				  HTTP_PARAM_TEXT, e);
	if (!params_add(p, m->name, name_length, "", 0, HTTP_PARAM_FILE, e))
		return false;
	struct http_upload *file = ARENA_NEW(m->arena, struct http_upload);
	*file = (struct http_upload){.fd = m->fd,
				     .size = m->file_bytes,
				     .filename = m->filename,
				     .content_type = m->content_type};
	p->items[p->count - 1].file = file;
	m->fd = -1;
	return true;
}

/* One step with what the window holds; *more is false where it needs further bytes. */
static bool step(struct multipart *m, struct http_params *p, bool *more, struct err *e)
{
	struct buf *w = &m->window;
	*more = true;
	if (m->state == AT_START) {
		/* The delimiter without its line break, which a first boundary need not have. */
		size_t skip = w->length >= 2 && !memcmp(w->data, "\r\n", 2) ? 0 : 2;
		size_t length = m->delimiter_length - skip;
		if (w->length < length) {
			*more = false;
			return true;
		}
		if (memcmp(w->data, m->delimiter + skip, length))
			return err_set(e, ERR_INVALID,
				       "the multipart body does not begin with its boundary");
		window_drop(m, length);
		m->state = AT_BOUNDARY;
	} else if (m->state == AT_BOUNDARY) {
		if (w->length < 2) {
			*more = false;
			return true;
		}
		bool last = !memcmp(w->data, "--", 2);
		if (!last && memcmp(w->data, "\r\n", 2))
			return err_set(e, ERR_INVALID, "the multipart body has a broken boundary");
		m->state = last ? AT_END : AT_HEADERS;
		if (!last)
			window_drop(m, 2);
	} else if (m->state == AT_HEADERS) {
		char *end = memmem(w->data, w->length, "\r\n\r\n", 4);
		size_t length = end ? (size_t)(end - w->data) : w->length;
		if (length > PART_HEADERS_MAX || memchr(w->data, '\0', length))
			return err_set(
			    e, ERR_INVALID,
			    "a part of the multipart body has broken or overlong headers");
		if (!end) {
			*more = false;
			return true;
		}
		if (!part_begin(m, arena_strndup(m->arena, w->data, length), e))
			return false;
		window_drop(m, length + 4);
		m->state = AT_DATA;
	} else if (m->state == AT_DATA) {
		char *end = memmem(w->data, w->length, m->delimiter, m->delimiter_length);
		size_t safe = end ? (size_t)(end - w->data)
			      : w->length >= m->delimiter_length
				  ? w->length - m->delimiter_length + 1
				  : 0;
		if (!part_data(m, w->data, safe, e))
			return false;
		window_drop(m, safe);
		*more = end != NULL;
		if (end) {
			window_drop(m, m->delimiter_length);
			m->state = AT_BOUNDARY;
			return part_end(m, p, e);
		}
	} else {
		buf_clear(w); /* whatever follows the last boundary */
		*more = false;
	}
	return true;
}

bool multipart_feed(struct multipart *m, struct http_params *p, const char *bytes, size_t length,
		    struct err *e)
{
	while (length) {
		size_t n = length < FEED_MAX ? length : FEED_MAX;
		buf_add(&m->window, bytes, n);
		if (m->window.failed)
			return err_set(e, ERR_INTERNAL, "the multipart body cannot be read");
		bytes += n;
		length -= n;
		for (bool more = true; more && m->window.length;)
			if (!step(m, p, &more, e))
				return false;
	}
	return true;
}

bool multipart_end(struct multipart *m, struct err *e)
{
	if (m->state == AT_END)
		return true;
	return err_set(e, ERR_INVALID, "the multipart body is cut off");
}
