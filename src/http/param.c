/* Reads typed values out of a request's parameters. Runs on the worker; keeps nothing. */
#include "http/param.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/str.h"

const struct http_param *param_find(const struct http_request *rq, const char *name)
{
	for (size_t i = rq->params_count; i-- > 0;)
		if (!strcmp(rq->params[i].name, name))
			return &rq->params[i];
	return NULL;
}

bool param_given(const struct http_request *rq, const char *name)
{
	const struct http_param *p = param_find(rq, name);
	return p && p->kind != HTTP_PARAM_NULL;
}

bool param_fail(struct http_request *rq, const char *name, struct err *e, const char *format, ...)
{
	char why[160];
	va_list args;
	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	snprintf(rq->error_field, sizeof rq->error_field, "%s", name);
	return err_set(e, ERR_INVALID, "Validation failed: %s %s", name, why);
}

static bool text_check(struct http_request *rq, const struct http_param *p, const char *name,
		       size_t chars_max, struct err *e)
{
	if (p->kind == HTTP_PARAM_FILE)
		return param_fail(rq, name, e, "must be text, not a file");
	if (!str_is_utf8(p->value, p->length))
		return param_fail(rq, name, e, "is not valid UTF-8");
	for (size_t i = 0; i < p->length; i++) {
		unsigned char c = (unsigned char)p->value[i];
		if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f)
			return param_fail(rq, name, e, "must not contain control characters");
	}
	if (str_utf8_count(p->value, p->length) > chars_max)
		return param_fail(rq, name, e, "is too long (at most %zu characters)", chars_max);
	return true;
}

bool param_text(struct http_request *rq, const char *name, size_t chars_max, const char **out,
		struct err *e)
{
	const struct http_param *p = param_find(rq, name);
	if (!p || p->kind == HTTP_PARAM_NULL)
		return true;
	if (!text_check(rq, p, name, chars_max, e))
		return false;
	*out = p->value;
	return true;
}

bool param_text_required(struct http_request *rq, const char *name, size_t chars_max,
			 const char **out, struct err *e)
{
	const char *text = "";
	if (!param_text(rq, name, chars_max, &text, e))
		return false;
	if (!text[strspn(text, " \t\r\n")])
		return param_fail(rq, name, e, "can't be blank");
	*out = text;
	return true;
}

/* A parameter that holds something a number or a choice can be read from; NULL where it is absent. */
static const struct http_param *find_filled(struct http_request *rq, const char *name)
{
	const struct http_param *p = param_find(rq, name);
	return p && p->kind != HTTP_PARAM_NULL && (p->length || p->kind == HTTP_PARAM_FILE) ? p
											    : NULL;
}

static bool is_plain(const struct http_param *p)
{
	return p->kind != HTTP_PARAM_FILE && strlen(p->value) == p->length;
}

bool param_int(struct http_request *rq, const char *name, int64_t min, int64_t max, int64_t *out,
	       struct err *e)
{
	const struct http_param *p = find_filled(rq, name);
	if (!p ||
	    (is_plain(p) && p->kind != HTTP_PARAM_BOOL && str_to_int(p->value, min, max, out)))
		return true;
	return param_fail(rq, name, e, "must be a whole number from %lld to %lld", (long long)min,
			  (long long)max);
}

bool param_real(struct http_request *rq, const char *name, double min, double max, double *out,
		struct err *e)
{
	const struct http_param *p = find_filled(rq, name);
	if (!p ||
	    (is_plain(p) && p->kind != HTTP_PARAM_BOOL && str_to_double(p->value, min, max, out)))
		return true;
	return param_fail(rq, name, e, "must be a number from %g to %g", min, max);
}

bool param_bool(struct http_request *rq, const char *name, bool *out, struct err *e)
{
	static const char *const words[] = {"false", "true", "0",     "1",    "f", "t",
					    "off",   "on",   "FALSE", "TRUE", NULL};
	const struct http_param *p = find_filled(rq, name);
	if (!p)
		return true;
	for (int i = 0; is_plain(p) && words[i]; i++)
		if (!strcmp(p->value, words[i])) {
			*out = i & 1;
			return true;
		}
	return param_fail(rq, name, e, "must be true or false");
}

bool param_choice(struct http_request *rq, const char *name, const char *const *choices, int *out,
		  struct err *e)
{
	const struct http_param *p = find_filled(rq, name);
	if (!p)
		return true;
	char list[100] = "";
	size_t n = 0;
	for (int i = 0; choices[i]; i++) {
		if (is_plain(p) && !strcmp(p->value, choices[i])) {
			*out = i;
			return true;
		}
		if (n < sizeof list)
			n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "",
					      choices[i]);
	}
	return param_fail(rq, name, e, "must be one of: %s", list);
}

bool param_id(struct http_request *rq, const char *name, int64_t *out, struct err *e)
{
	const struct http_param *p = find_filled(rq, name);
	if (!p || (is_plain(p) && p->kind != HTTP_PARAM_BOOL && id_parse(p->value, out)))
		return true;
	return param_fail(rq, name, e, "is not an id");
}

static size_t count_of(const struct http_request *rq, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < rq->params_count; i++)
		n += !strcmp(rq->params[i].name, name) && rq->params[i].kind != HTTP_PARAM_NULL;
	return n;
}

bool param_ids(struct http_request *rq, const char *name, size_t max, int64_t **out, size_t *count,
	       struct err *e)
{
	size_t n = count_of(rq, name);
	*count = 0;
	if (n > max)
		return param_fail(rq, name, e, "has too many items (at most %zu)", max);
	*out = arena_alloc(rq->arena, (n + 1) * sizeof **out);
	for (size_t i = 0; i < rq->params_count; i++) {
		const struct http_param *p = &rq->params[i];
		if (strcmp(p->name, name) || p->kind == HTTP_PARAM_NULL)
			continue;
		if (!is_plain(p) || p->kind == HTTP_PARAM_BOOL ||
		    !id_parse(p->value, *out + *count))
			return param_fail(rq, name, e, "is not an id");
		++*count;
	}
	return true;
}

bool param_texts(struct http_request *rq, const char *name, size_t max, size_t chars_max,
		 const char ***out, size_t *count, struct err *e)
{
	size_t n = count_of(rq, name);
	*count = 0;
	if (n > max)
		return param_fail(rq, name, e, "has too many items (at most %zu)", max);
	*out = arena_alloc(rq->arena, (n + 1) * sizeof **out);
	for (size_t i = 0; i < rq->params_count; i++) {
		const struct http_param *p = &rq->params[i];
		if (strcmp(p->name, name) || p->kind == HTTP_PARAM_NULL)
			continue;
		if (!text_check(rq, p, name, chars_max, e))
			return false;
		(*out)[(*count)++] = p->value;
	}
	return true;
}

bool param_file(struct http_request *rq, const char *name, const struct http_upload **out,
		struct err *e)
{
	const struct http_param *p = param_find(rq, name);
	if (!p || p->kind == HTTP_PARAM_NULL)
		return true;
	if (!p->file)
		return param_fail(rq, name, e, "must be a file");
	*out = p->file;
	return true;
}
