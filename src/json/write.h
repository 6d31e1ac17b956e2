/* A streaming JSON writer into a struct buf.
 *
 *     struct json_writer w;
 *     json_begin(&w, &body);
 *     json_put_object(&w, NULL);
 *     json_put_id(&w, "id", post->id);
 *     json_put_str(&w, "content", post->content);
 *     json_put_array(&w, "tags");
 *     json_put_str(&w, NULL, "moon");
 *     json_put_end(&w);
 *     json_put_end(&w);
 *     if (!json_finish(&w, e)) …
 *
 * `key` is the member's name inside an object, NULL inside an array and at the top. Text may be any bytes:
 * invalid UTF-8 becomes U+FFFD. Misuse (a key in an array, an unclosed object, two tops) and a full buffer
 * are remembered and reported once, by json_finish. Borrows the buffer; several documents may follow one
 * another in it (a JSON-lines file, an event stream). */
#ifndef MADANG_JSON_WRITE_H
#define MADANG_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define JSON_WRITE_DEPTH_MAX 32

struct json_writer {
	struct buf *out;
	int depth;
	bool misused;
	bool any;                           /* something stands at this level, so a comma is due */
	char closers[JSON_WRITE_DEPTH_MAX]; /* '}' or ']' of each open level */
};

void json_begin(struct json_writer *w, struct buf *out);
MUST_CHECK bool json_finish(struct json_writer *w, struct err *e);

void json_put_object(struct json_writer *w, const char *key);
void json_put_array(struct json_writer *w, const char *key);
void json_put_end(struct json_writer *w); /* closes the innermost object or array */

void json_put_str(struct json_writer *w, const char *key, const char *s); /* NULL writes null */
void json_put_strn(struct json_writer *w, const char *key, const char *s, size_t length);
void json_put_int(struct json_writer *w, const char *key, int64_t value);
void json_put_real(struct json_writer *w, const char *key, double value); /* not finite: null */
void json_put_bool(struct json_writer *w, const char *key, bool value);
void json_put_null(struct json_writer *w, const char *key);
void json_put_id(struct json_writer *w, const char *key,
		 int64_t id); /* decimal string; 0 is null */
void json_put_time(struct json_writer *w, const char *key,
		   int64_t wall_ms); /* ISO 8601; 0 is null */
void json_put_raw(struct json_writer *w, const char *key, const char *json,
		  size_t length); /* trusted */

#endif
