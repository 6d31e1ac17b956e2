/* The one place where error text is formatted. Thread-safe: touches only the caller's struct. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *e, enum err_code code, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	e->code = code;
	e->detail[0] = '\0';
	vsnprintf(e->message, sizeof e->message, format, args);
	va_end(args);
	return false;
}

bool err_detail(struct err *e, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(e->detail, sizeof e->detail, format, args);
	va_end(args);
	return false;
}

bool err_context(struct err *e, const char *format, ...)
{
	char context[sizeof e->message], old[sizeof e->message];
	va_list args;
	va_start(args, format);
	vsnprintf(context, sizeof context, format, args);
	va_end(args);
	memcpy(old, e->message, sizeof old);
	struct {
		char *p, *end;
	} out = {e->message, e->message + sizeof e->message - 1};
	const char *const parts[] = {context, ": ", old};
	for (size_t i = 0; i < 3; i++)
		for (const char *c = parts[i]; *c && out.p < out.end; c++)
			*out.p++ = *c;
	*out.p = '\0';
	return false;
}

const char *err_code_name(enum err_code code)
{
	static const char *const names[] = {
	    [ERR_NONE] = "none",
	    [ERR_INVALID] = "invalid",
	    [ERR_UNAUTHORIZED] = "unauthorized",
	    [ERR_FORBIDDEN] = "forbidden",
	    [ERR_NOT_FOUND] = "not_found",
	    [ERR_CONFLICT] = "conflict",
	    [ERR_TOO_LARGE] = "too_large",
	    [ERR_LIMIT] = "limit",
	    [ERR_BUSY] = "busy",
	    [ERR_UNSUPPORTED] = "unsupported",
	    [ERR_CANCELLED] = "cancelled",
	    [ERR_NO_MEMORY] = "no_memory",
	    [ERR_IO] = "io",
	    [ERR_INTERNAL] = "internal",
	};
	size_t i = (size_t)code;
	return i < sizeof names / sizeof *names ? names[i] : "internal";
}
