/* Lists of short words, which the rules keep as one text with a space between. */
#ifndef MADANG_API_STUDIO_WORDS_H
#define MADANG_API_STUDIO_WORDS_H

#include "api/api.h"

/* *out stays as it is where the parameter is absent; an empty list is "". `separator`: ' ', or '\n' for lines. */
MUST_CHECK bool words_param(struct http_request *rq, const char *name, char separator,
			    const char **out, struct err *e);
void words_put(struct json_writer *w, const char *key, const char *list, char separator);
/* ISO 8601 ("2026-12-01", "2026-12-01T09:00:00Z"), or null or "" for none (0). */
MUST_CHECK bool time_param(struct http_request *rq, const char *name, int64_t *out, struct err *e);

#endif
