/* A request's body on its way in: bytes as they arrive, parameters at the end. JSON, urlencoded forms and
 * multipart bodies alike become http_params; the query string is added by the server. */
#ifndef MADANG_HTTP_BODY_H
#define MADANG_HTTP_BODY_H

#include "base/buf.h"
#include "http/request.h"

/* The list under construction; grows in the arena. */
struct http_params {
	struct arena *arena;
	struct http_param *items;
	size_t count, capacity;
};

/* name and value are copied. ERR_INVALID past HTTP_PARAMS_MAX or for a name past 256 bytes. */
MUST_CHECK bool params_add(struct http_params *p, const char *name, size_t name_length,
			   const char *value, size_t value_length, enum http_param_kind kind,
			   struct err *e);

/* a=1&b%5B%5D=2: a query or a form. */
MUST_CHECK bool form_parse(struct http_params *p, const char *text, size_t length, struct err *e);

/* A JSON object (or nothing but white space). Nested names become a[b]; depth at most 8. */
MUST_CHECK bool json_body_parse(struct http_params *p, const char *text, size_t length,
				struct err *e);

struct multipart;
struct multipart_options {
	const char *boundary;
	const char *temp_dir;
	uint64_t file_bytes_max;
	size_t text_bytes_max; /* of all fields that are no files */
};
struct multipart *multipart_create(struct arena *a, const struct multipart_options *options,
				   struct err *e);
MUST_CHECK bool multipart_feed(struct multipart *m, struct http_params *p, const char *bytes,
			       size_t length, struct err *e);
/* The end of the body: false where the last boundary is missing. */
MUST_CHECK bool multipart_end(struct multipart *m, struct err *e);
void multipart_finish(struct multipart *m); /* closes a file that was left half; NULL-safe */

/* Closes the files of uploads. */
void params_finish(struct http_params *p);

#endif
