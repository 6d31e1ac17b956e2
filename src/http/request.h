/* One request as a handler sees it. Handlers run on a worker thread and may block; the request, its arena
 * and everything reached from it live until the answer has been sent. */
#ifndef MADANG_HTTP_REQUEST_H
#define MADANG_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/network.h"

struct http_route;
struct http_response;

enum http_param_kind {
	HTTP_PARAM_TEXT, /* from a form, a query or a JSON string */
	HTTP_PARAM_NUMBER,
	HTTP_PARAM_BOOL,
	HTTP_PARAM_NULL,
	HTTP_PARAM_FILE
};

/* A file of a multipart body, streamed to a temporary file that has no name any more. */
struct http_upload {
	int fd; /* closed with the request */
	uint64_t size;
	const char *filename;     /* as the client says; may be "" */
	const char *content_type; /* as the client says */
};

/* `a[]` has become `a`, JSON {"a":{"b":[1,2]}} has become a[b]=1, a[b]=2: one flat list, in order. */
struct http_param {
	const char *name;
	const char *value; /* NUL-terminated; may hold NULs before length */
	size_t length;
	enum http_param_kind kind;
	const struct http_upload *file;
};

enum { HTTP_PATH_ARGS_MAX = 4, HTTP_PARAMS_MAX = 1024 };

struct http_request {
	struct arena *arena;
	char id[17];
	char client_ip[NETWORK_TEXT_SIZE];
	const char *method; /* HEAD arrives as GET */
	const char *path;   /* decoded, without the query */
	const struct http_route *route;
	const char *path_args[HTTP_PATH_ARGS_MAX]; /* what stood for :id and the like, in order */
	size_t path_args_count;
	const struct http_param *params;
	size_t params_count;
	bool https;           /* by the proxy in front */
	void *worker;         /* what worker_create made for this thread */
	void *context;        /* http_options.context */
	void *identity;       /* for the authorize hook and the handlers behind it */
	char error_field[64]; /* which parameter was wrong */
	void *exchange;       /* the server's own */
};

/* NULL where there is none. `name` in any case. */
const char *http_request_header(const struct http_request *rq, const char *name);
const char *http_request_cookie(struct http_request *rq, const char *name);

/* The id in path argument `index`; ERR_NOT_FOUND where it is none, because no thing has that name. */
MUST_CHECK bool http_request_id(const struct http_request *rq, size_t index, int64_t *id,
				struct err *e);

#endif
