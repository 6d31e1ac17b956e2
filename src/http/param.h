/* Typed parameters. A handler begins by declaring what it takes; each function fails with a message that
 * names the field. Optional values that are absent (or JSON null, or empty where a number or a choice
 * is wanted) leave *out as it was, so that the caller's default stays. */
#ifndef MADANG_HTTP_PARAM_H
#define MADANG_HTTP_PARAM_H

#include "http/request.h"

const struct http_param *param_find(const struct http_request *rq,
				    const char *name); /* the last one */
bool param_given(const struct http_request *rq, const char *name);

/* Valid UTF-8 without control characters other than newline and tab, at most chars_max characters. */
MUST_CHECK bool param_text(struct http_request *rq, const char *name, size_t chars_max,
			   const char **out, struct err *e);
/* Must be there, and not blank. */
MUST_CHECK bool param_text_required(struct http_request *rq, const char *name, size_t chars_max,
				    const char **out, struct err *e);
MUST_CHECK bool param_int(struct http_request *rq, const char *name, int64_t min, int64_t max,
			  int64_t *out, struct err *e);
MUST_CHECK bool param_real(struct http_request *rq, const char *name, double min, double max,
			   double *out, struct err *e);
/* true/false, 1/0, t/f, on/off. */
MUST_CHECK bool param_bool(struct http_request *rq, const char *name, bool *out, struct err *e);
/* choices ends with NULL; *out is the index. */
MUST_CHECK bool param_choice(struct http_request *rq, const char *name, const char *const *choices,
			     int *out, struct err *e);
MUST_CHECK bool param_id(struct http_request *rq, const char *name, int64_t *out, struct err *e);

/* All values of an array, at most `max`; *out in the request's arena. */
MUST_CHECK bool param_ids(struct http_request *rq, const char *name, size_t max, int64_t **out,
			  size_t *count, struct err *e);
MUST_CHECK bool param_texts(struct http_request *rq, const char *name, size_t max, size_t chars_max,
			    const char ***out, size_t *count, struct err *e);

/* The upload under this name, NULL where there is none. ERR_INVALID where the field is not a file. */
MUST_CHECK bool param_file(struct http_request *rq, const char *name,
			   const struct http_upload **out, struct err *e);

/* Fails the request because of one field: "Validation failed: NAME …". Always false. */
bool param_fail(struct http_request *rq, const char *name, struct err *e, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
