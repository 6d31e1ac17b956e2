/* What the tables of routes are written with. */
#ifndef MADANG_API_ROW_H
#define MADANG_API_ROW_H

#include "http/router.h"

#define HANDLER(name) bool name(struct http_request *rq, struct http_response *rs, struct err *e)

#define MIB (1024 * 1024)
#define READ(path_, scope_, handler_)                                               \
	{                                                                           \
		.method = "GET", .path = path_, .scope = scope_, .rate = RATE_READ, \
		.handler = handler_                                                 \
	}
#define WRITE(method_, path_, scope_, handler_)                                        \
	{                                                                              \
		.method = method_, .path = path_, .scope = scope_, .rate = RATE_WRITE, \
		.handler = handler_                                                    \
	}
#define STREAM(path_, scope_, handler_)                                               \
	{                                                                             \
		.method = "GET", .path = path_, .scope = scope_, .rate = RATE_STREAM, \
		.handler = handler_                                                   \
	}
#define UPLOAD(method_, path_, scope_, handler_)                                        \
	{                                                                               \
		.method = method_, .path = path_, .scope = scope_, .rate = RATE_UPLOAD, \
		.body_max = HTTP_BODY_FILE, .handler = handler_                         \
	}

#endif
