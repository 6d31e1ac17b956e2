/* Errors: a code, a message that is safe to show, and a private detail for the log.
 *
 * The last argument of every function that can fail is a `struct err *e`, never NULL, owned by the
 * caller. Such a function returns bool (true = success) or a pointer (NULL = failure). On failure it
 * has filled *e; on success it has left *e alone. Only http/response.c turns codes into statuses and
 * only cli/ turns them into exit codes. */
#ifndef MADANG_BASE_ERR_H
#define MADANG_BASE_ERR_H

#include <stdbool.h>

enum err_code {
	ERR_NONE = 0,
	ERR_INVALID,      /* the input is wrong; the message names what */
	ERR_UNAUTHORIZED, /* nobody is signed in, or the token is not valid */
	ERR_FORBIDDEN,    /* signed in, but not allowed */
	ERR_NOT_FOUND,    /* no such thing, or none that the asker may see */
	ERR_CONFLICT,     /* it exists already, or has changed since */
	ERR_TOO_LARGE,    /* over a configured limit */
	ERR_LIMIT,        /* over a rate or a quota: later */
	ERR_BUSY,         /* the machine is full: later */
	ERR_UNSUPPORTED,  /* understood, but not offered here */
	ERR_CANCELLED,    /* the one who asked took it back */
	ERR_NO_MEMORY,    /* an arena's cap, or a tensor that does not fit */
	ERR_IO,           /* disk, network, database, another process */
	ERR_INTERNAL      /* a bug of ours */
};

struct err {
	enum err_code code;
	char message[256]; /* for the person: what is wrong and what to do next */
	char detail[256];  /* for the log: errno, SQL state, offsets; may be empty */
};

/* Fills *e with a code and a formatted message, clears the detail. Always returns false, so that a
 * failure reads `return err_set(e, ERR_INVALID, "…")`. */
bool err_set(struct err *e, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds the private detail to an error that is already set. Always returns false. */
bool err_detail(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the message. Always returns false. */
bool err_context(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The code's stable name ("invalid", "not_found"), for logs and JSON. */
const char *err_code_name(enum err_code code);

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
