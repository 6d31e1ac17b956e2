/* Builds answers. Runs on the worker, or on an event loop for answers that need no handler. */
#include "http/response.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
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
	http_message_unref(rs->kept);
	rs->kept = NULL;
	if (rs->file_fd >= 0)
		close(rs->file_fd);
	rs->file_fd = -1;
	http_stream_abandon(rs->stream);
	rs->stream = NULL;
	if (rs->feed)
		http_feed_leave(rs->feed);
	http_feed_unref(rs->feed);
	rs->feed = NULL;
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

/* What the OpenAI SDKs read: an object with a type and a code; a wrong value is 400 there. */
static void put_openai_error(struct json_writer *w, const struct http_response *rs,
			     const struct http_request *rq, const struct err *e)
{
	const char *type = "invalid_request_error", *code = NULL;
	if (e->code == ERR_UNAUTHORIZED) {
		code = "invalid_api_key";
	} else if (e->code == ERR_LIMIT) {
		type = "rate_limit_error";
		code = "rate_limit_exceeded";
	} else if (rs->status >= 500) {
		type = "server_error";
		code = e->code == ERR_BUSY ? "busy" : NULL;
	} else if (e->code == ERR_NOT_FOUND) {
		code = rq->error_field[0] ? "model_not_found" : "not_found";
	} else if (rq->error_field[0]) {
		code = e->code == ERR_UNSUPPORTED ? "unsupported_parameter" : "invalid_value";
	}
	json_put_object(w, "error");
	json_put_str(w, "message", e->message);
	json_put_str(w, "type", type);
	json_put_str(w, "param", rq->error_field[0] ? rq->error_field : NULL);
	json_put_str(w, "code", code);
	json_put_end(w);
}

static bool has_header(const struct http_response *rs, const char *name)
{
	for (size_t i = 0; i < rs->headers_count; i++)
		if (!strcmp(rs->header_names[i], name))
			return true;
	return false;
}

/* The SDKs try again by themselves after 409, 429 and 5xx: where that cannot help, they are told so. */
static void openai_headers(struct http_response *rs, const struct err *e)
{
	enum { WAIT_MAX_S = 60 };
	bool again = e->code == ERR_BUSY || e->code == ERR_IO || e->code == ERR_LIMIT;
	for (size_t i = 0; i < rs->headers_count; i++)
		if (!strcmp(rs->header_names[i], "Retry-After"))
			again = again && strtol(rs->header_values[i], NULL, 10) <= WAIT_MAX_S;
	http_response_header(rs, "X-Should-Retry", again ? "true" : "false");
}

static bool is_openai(const struct http_request *rq)
{
	return rq && rq->path && !strncmp(rq->path, "/v1/", 4);
}

void http_response_error(struct http_response *rs, const struct http_request *rq,
			 const struct err *e)
{
	struct json_writer w;
	struct err ignored = {0};
	if (rs->status < 400) {
		rs->status = http_status_of(e->code);
		if (is_openai(rq) && rs->status == 422)
			rs->status = 400;
	}
	rs->content_type = "application/json; charset=utf-8";
	if (rs->file_fd >= 0)
		close(rs->file_fd);
	rs->file_fd = -1;
	http_message_unref(rs->kept);
	rs->kept = NULL;
	buf_clear(&rs->body);
	json_begin(&w, &rs->body);
	json_put_object(&w, NULL);
	if (is_openai(rq)) {
		put_openai_error(&w, rs, rq, e);
	} else {
		json_put_str(&w, "error", e->message);
		if (rq && rq->error_field[0])
			json_put_str(&w, "field", rq->error_field);
	}
	json_put_end(&w);
	if (!json_finish(&w, &ignored))
		buf_clear(&rs->body);
	if (rs->status == 503 && !has_header(rs, "Retry-After"))
		http_response_header(rs, "Retry-After", "5");
	if (is_openai(rq))
		openai_headers(rs, e);
}

/* "bytes=2-5", "bytes=2-", "bytes=-3"; false: nothing that we serve. *to is the last byte. */
static bool parse_range(const char *text, uint64_t size, uint64_t *from, uint64_t *to)
{
	int64_t a = 0, b = INT64_MAX;
	char first[24] = "", last[24] = "";
	if (!str_starts(text, "bytes=") || strchr(text, ','))
		return false;
	text += 6;
	size_t n = strcspn(text, "-"), m = text[n] ? strlen(text + n + 1) : 0;
	if (!text[n] || n >= sizeof first || m >= sizeof last || (!n && !m))
		return false;
	memcpy(first, text, n);
	memcpy(last, text + n + 1, m);
	if ((n && !str_to_int(first, 0, INT64_MAX, &a)) ||
	    (m && !str_to_int(last, 0, INT64_MAX, &b)) || (n && b < a))
		return false;
	if (!n) { /* the last b bytes */
		*from = (uint64_t)b < size ? size - (uint64_t)b : 0;
		*to = b ? size - 1 : 0;
		if (!b)
			*from = size; /* no such part */
		return true;
	}
	*from = (uint64_t)a;
	*to = (uint64_t)b < size ? (uint64_t)b : size - 1;
	return true;
}

void http_response_range(struct http_response *rs, const struct http_request *rq, const char *etag)
{
	uint64_t from, to, size = rs->file_size;
	const char *range = http_request_header(rq, "Range");
	const char *only = http_request_header(rq, "If-Range");
	http_response_header(rs, "Accept-Ranges", "bytes");
	if (!range || rs->file_fd < 0 || (only && strcmp(only, etag)) ||
	    !parse_range(range, size, &from, &to))
		return;
	if (from >= size) {
		close(rs->file_fd);
		rs->file_fd = -1;
		rs->status = 416;
		http_response_header(
		    rs, "Content-Range",
		    arena_printf(rs->arena, "bytes */%llu", (unsigned long long)size));
		return;
	}
	rs->status = 206;
	rs->file_offset = from;
	rs->file_size = to - from + 1;
	http_response_header(rs, "Content-Range",
			     arena_printf(rs->arena, "bytes %llu-%llu/%llu",
					  (unsigned long long)from, (unsigned long long)to,
					  (unsigned long long)size));
}

void http_response_empty(struct http_response *rs)
{
	buf_clear(&rs->body);
	buf_add_str(&rs->body, "{}");
}

void http_response_park(struct http_response *rs)
{
	rs->parked = true;
}

void http_response_feed(struct http_response *rs, struct http_feed *feed)
{
	rs->feed = feed;
}

void http_response_stream(struct http_response *rs, struct http_stream *stream)
{
	rs->stream = stream;
	rs->content_type = "text/event-stream";
	http_response_header(rs, "Cache-Control", "no-store");
	http_response_header(rs, "X-Accel-Buffering", "no");
}
