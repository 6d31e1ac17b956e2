/* Owns the log's level and target, and each thread's context. Any thread; a line is built on the stack
 * and leaves in one write. */
#include "base/log.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_BYTES_MAX 4096

static _Atomic int threshold = LOG_LEVEL_INFO;
static _Atomic int target_fd = STDERR_FILENO;
static _Thread_local const char *context_key, *context_value;

struct line {
	size_t length;
	char text[LINE_BYTES_MAX];
};

/* Room for the newline is always kept. */
static void add(struct line *l, const char *bytes, size_t n)
{
	size_t room = sizeof l->text - 1 - l->length;
	n = n < room ? n : room;
	memcpy(l->text + l->length, bytes, n);
	l->length += n;
}

static void add_value(struct line *l, const char *s)
{
	bool quote = *s == '\0';
	for (const char *c = s; *c && !quote; c++)
		quote =
		    (unsigned char)*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c == 0x7f;
	if (!quote) {
		add(l, s, strlen(s));
		return;
	}
	add(l, "\"", 1);
	for (; *s; s++) {
		char escape[8];
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			add(l, (char[]){'\\', *s}, 2);
		else if (c == '\n')
			add(l, "\\n", 2);
		else if (c < ' ' || c == 0x7f)
			add(l, escape, (size_t)snprintf(escape, sizeof escape, "\\x%02x", c));
		else
			add(l, s, 1);
	}
	add(l, "\"", 1);
}

static void add_str(struct line *l, const char *key, const char *value)
{
	if (!value)
		return;
	if (l->length)
		add(l, " ", 1);
	add(l, key, strlen(key));
	add(l, "=", 1);
	add_value(l, value);
}

static void add_field(struct line *l, const struct log_field *f)
{
	char number[32];
	switch (f->kind) {
	case LOG_FIELD_STR:
		add_str(l, f->key, f->s);
		break;
	case LOG_FIELD_INT:
		snprintf(number, sizeof number, "%lld", (long long)f->i);
		add_str(l, f->key, number);
		break;
	case LOG_FIELD_REAL:
		snprintf(number, sizeof number, "%.6g", f->d);
		add_str(l, f->key, number);
		break;
	case LOG_FIELD_ERR:
		add_str(l, f->key, err_code_name(f->e->code));
		add_str(l, "message", f->e->message);
		add_str(l, "detail", f->e->detail[0] ? f->e->detail : NULL);
		break;
	}
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	if ((int)level < atomic_load_explicit(&threshold, memory_order_relaxed) ||
	    level >= LOG_LEVEL_OFF)
		return;
	struct line l;
	char now[CLOCK_TEXT_SIZE];
	l.length = 0;
	add_str(&l, "time", clock_format(now, clock_wall_ms()));
	add_str(&l, "level", names[level]);
	add_str(&l, "event", event);
	if (context_key)
		add_str(&l, context_key, context_value);
	for (; fields->key; fields++)
		add_field(&l, fields);
	l.text[l.length++] = '\n';
	/* A log that can't be written must not stop the work it tells of. */
	ssize_t written = write(atomic_load(&target_fd), l.text, l.length);
	(void)written;
}

void log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

void log_set_context(const char *key, const char *value)
{
	context_key = key;
	context_value = value;
}

void log_set_fd(int fd)
{
	atomic_store(&target_fd, fd);
}
