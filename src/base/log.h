/* The log: one line of key=value pairs per event, to stderr, one write(2) a line, so that lines of
 * several threads never mix.
 *
 *     log_info("draw.done", LOG_STR("prompt", prompt), LOG_INT("ms", ms));
 *     time=2026-01-31T09:05:00.123Z level=info event=draw.done req=4f1c prompt="a red apple" ms=812
 *
 * Values are quoted and escaped here; a line is cut at 4 KiB. Never log a password, a token or a key. */
#ifndef MADANG_BASE_LOG_H
#define MADANG_BASE_LOG_H

#include <stdint.h>

#include "base/err.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_OFF };

struct log_field {
	const char *key; /* NULL ends a list */
	enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_REAL, LOG_FIELD_ERR } kind;
	union {
		const char *s; /* NULL leaves the pair out */
		int64_t i;
		double d;
		const struct err *e; /* code, message and private detail, as three pairs */
	};
};

#define LOG_STR(k, value)  ((struct log_field){.key = (k), .kind = LOG_FIELD_STR, .s = (value)})
#define LOG_INT(k, value)  ((struct log_field){.key = (k), .kind = LOG_FIELD_INT, .i = (value)})
#define LOG_REAL(k, value) ((struct log_field){.key = (k), .kind = LOG_FIELD_REAL, .d = (value)})
#define LOG_ERR(error)     ((struct log_field){.key = "error", .kind = LOG_FIELD_ERR, .e = (error)})

#define log_event(level, ...) LOG_EVENT_(level, __VA_ARGS__, {.key = NULL})
#define LOG_EVENT_(level, event, ...) \
	log_write(level, event, (const struct log_field[]){__VA_ARGS__})
#define log_debug(...) log_event(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)  log_event(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...)  log_event(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_event(LOG_LEVEL_ERROR, __VA_ARGS__)

void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* Lines below `level` are dropped. At the start: info. */
void log_set_level(enum log_level level);

/* This thread's lines carry key=value from now on: which request or job it works for. The texts are
 * borrowed until the next call; NULL, NULL takes them away. */
void log_set_context(const char *key, const char *value);

/* Tests only: where lines go; 2 is stderr. */
void log_set_fd(int fd);

#endif
