/* An answer. A handler fills it; the server sends it after the handler has returned. */
#ifndef MADANG_HTTP_RESPONSE_H
#define MADANG_HTTP_RESPONSE_H

#include "base/buf.h"
#include "http/feed.h"
#include "http/request.h"
#include "http/stream.h"

enum { HTTP_RESPONSE_HEADERS_MAX = 24 };

struct http_response {
	unsigned status;           /* 200 at first */
	const char *content_type;  /* "application/json; charset=utf-8" at first */
	struct buf body;           /* at most 32 MiB; taken from the handler when it is sent */
	struct http_message *kept; /* set: the body is this, whoever else sends it too */
	int file_fd;               /* >= 0: the body is this file, closed after it is sent */
	uint64_t file_offset, file_size; /* which part of it */
	struct http_feed *feed;          /* set: the body comes from there (http_response_feed) */
	struct http_stream *stream;      /* set: this answer does not end (http_response_stream) */
	bool cacheable;                  /* set: a Cache-Control of the handler's own is there */
	bool parked;                     /* set by http_response_park */
	const char *header_names[HTTP_RESPONSE_HEADERS_MAX];
	const char *header_values[HTTP_RESPONSE_HEADERS_MAX];
	size_t headers_count;
	struct arena *arena;
};

void http_response_init(struct http_response *rs, struct arena *a);
void http_response_finish(struct http_response *rs);

/* name must live as long as the program; value is copied. Values with line breaks are dropped. */
void http_response_header(struct http_response *rs, const char *name, const char *value);

/* The whole answer becomes {"error": …} with the status that belongs to e->code. */
void http_response_error(struct http_response *rs, const struct http_request *rq,
			 const struct err *e);
unsigned http_status_of(enum err_code code);

/* The part of the file that Range asks for, where If-Range allows it: 206, or 416 where there is no such part.
 * One part only; whatever else a client may say there gets the whole file, as it must reckon with. Call it when
 * file_fd, file_size and (etag) are set. */
void http_response_range(struct http_response *rs, const struct http_request *rq, const char *etag);

/* {} with status 200. */
void http_response_empty(struct http_response *rs);

/* Server-sent events on `stream`, or a WebSocket where the client has asked for one; the reference goes
 * to the server. */
void http_response_stream(struct http_response *rs, struct http_stream *stream);

/* The body is what somebody writes into the feed from now on; the reference goes to the server. */
void http_response_feed(struct http_response *rs, struct http_feed *feed);

/* The answer comes later: the handler returns true, its worker goes on with other requests, and request and
 * answer stay until http_request_resume. For what takes minutes and must have a status of its own. */
void http_response_park(struct http_response *rs);
/* The answer of a parked request is complete now: once, from any thread, possibly before its handler has
 * returned; neither of the two may be touched afterwards. Every parked request must come to this before the
 * server stops. */
void http_request_resume(struct http_request *rq);

#endif
