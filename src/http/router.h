/* Route tables: one sorted table a protocol; the router enforces what a row says, so that handlers only
 * parse, call and write. */
#ifndef MADANG_HTTP_ROUTER_H
#define MADANG_HTTP_ROUTER_H

#include "http/request.h"
#include "http/response.h"

/* Runs on a worker thread. On false *e becomes the answer. */
typedef bool (*http_handler_fn)(struct http_request *rq, struct http_response *rs, struct err *e);

/* How many requests a client may make: a bucket per class and client (http_rate in server.h). */
enum http_rate {
	RATE_READ,
	RATE_WRITE,
	RATE_UPLOAD,
	RATE_SIGN_IN,
	RATE_STREAM,
	RATE_NONE,
	RATE_COUNT
};

/* A file of the largest size that may be uploaded (http_options.upload_bytes_max), and what comes with it. */
#define HTTP_BODY_FILE SIZE_MAX

struct http_route {
	const char *method;
	const char *path;  /* "/api/v1/statuses/:id"; a last segment "*" takes the rest */
	const char *scope; /* "-", "any", "admin", or an OAuth scope: the authorize hook reads it */
	size_t body_max;   /* bytes; 0: 64 KiB; HTTP_BODY_FILE */
	enum http_rate rate;
	http_handler_fn handler;
};

struct http_routes {
	const struct http_route *rows; /* sorted by path, then method (tests/unit/api holds it) */
	size_t count;
};

struct http_match {
	const struct http_route *route; /* NULL: see path_known */
	bool path_known;                /* the path is there under another method */
	const char *args[HTTP_PATH_ARGS_MAX];
	size_t args_count;
};

/* Knows the tables by heart; they must outlive it. */
struct router;
struct router *router_create(const struct http_routes *tables, size_t tables_count);
void router_destroy(struct router *r); /* NULL-safe */

/* Finds the row for a decoded path; a literal segment wins over :id. Arguments go to the arena. Any thread. */
struct http_match router_find(const struct router *r, struct arena *a, const char *method,
			      const char *path);

#endif
