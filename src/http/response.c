/* Builds answers. Runs on the worker, or on an event loop for answers that need no handler. */
#include "http/response.h"

#include <string.h>
#include <unistd.h>

#include "json/write.h"

enum { BODY_MAX_BYTES = 32 << 20 };

void http_response_init(struct http_response *rs, struct arena *a)
{
	*rs = (struct http_response){.status = 200,
				     .content_type = "application/json; charset=utf-8",
				     .file_fd = -1,
				     .arena = a};
	buf_init(&rs->body, BODY_MAX_BYTES);
}

void http_response_finish(struct http_response *rs)
{
	buf_finish(&rs->body);
	if (rs->file_fd >= 0)
		close(rs->file_fd);
	rs->file_fd = -1;
	if (rs->stream) {
		http_stream_close(rs->stream);
		http_stream_unref(rs->stream);
	}
	rs->stream = NULL;
}

void http_response_header(struct http_response *rs, const char *name, const char *value)
{
	if (rs->headers_count == HTTP_RESPONSE_HEADERS_MAX || strpbrk(value, "\r\n"))
		return;
	rs->cacheable = rs->cacheable || !strcmp(name, "Cache-Control");
	rs->header_names[rs->headers_count] = name;
	rs->header_values[rs->headers_count++] = arena_strdup(rs->arena, value);
}

unsigned http_status_of(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return 200;
	case ERR_INVALID:
		return 422;
	case ERR_UNAUTHORIZED:
		return 401;
	case ERR_FORBIDDEN:
		return 403;
	case ERR_NOT_FOUND:
		return 404;
	case ERR_CONFLICT:
		return 409;
	case ERR_TOO_LARGE:
	case ERR_NO_MEMORY:
		return 413;
	case ERR_LIMIT:
		return 429;
	case ERR_UNSUPPORTED:
		return 422;
	case ERR_CANCELLED:
		return 409;
	case ERR_BUSY:
		return 503;
	case ERR_IO:
		return 503;
	case ERR_INTERNAL:
		break;
	}
	return 500;
}

void http_response_error(struct http_response *rs, const struct http_request *rq,
			 const struct err *e)
{
	struct json_writer w;
	struct err ignored = {0};
	if (rs->status < 400)
		rs->status = http_status_of(e->code);
	rs->content_type = "application/json; charset=utf-8";
	if (rs->file_fd >= 0)
		close(rs->file_fd);
	rs->file_fd = -1;
	buf_clear(&rs->body);
	json_begin(&w, &rs->body);
	json_put_object(&w, NULL);
	json_put_str(&w, "error", e->message);
	if (rq && rq->error_field[0])
		json_put_str(&w, "field", rq->error_field);
	json_put_end(&w);
	if (!json_finish(&w, &ignored))
		buf_clear(&rs->body);
	if (rs->status == 503)
		http_response_header(rs, "Retry-After", "5");
}

void http_response_empty(struct http_response *rs)
{
	buf_clear(&rs->body);
	buf_add_str(&rs->body, "{}");
}

void http_response_redirect(struct http_response *rs, const char *location)
{
	rs->status = 302;
	http_response_header(rs, "Location", location);
	http_response_empty(rs);
}

void http_response_stream(struct http_response *rs, struct http_stream *stream)
{
	rs->stream = stream;
	rs->content_type = "text/event-stream";
	http_response_header(rs, "Cache-Control", "no-store");
	http_response_header(rs, "X-Accel-Buffering", "no");
}
