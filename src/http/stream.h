/* A stream: one client that listens (server-sent events or a WebSocket), behind a bounded queue.
 *
 * Any number of threads send; the event loop (SSE) or the hub (WebSocket) takes. Messages are shared,
 * reference-counted bytes, so one post to 10,000 listeners is one copy. A reader so slow that its queue
 * overflows is cut: it misses nothing, because it reconnects and pages. */
#ifndef MADANG_HTTP_STREAM_H
#define MADANG_HTTP_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct http_stream;
struct http_message; /* immutable bytes with a count of references */

struct http_message *http_message_create(const void *bytes, size_t length);
/* The bytes, from malloc, are the message's from now on. */
struct http_message *http_message_take(char *bytes, size_t length);
struct http_message *http_message_ref(struct http_message *m);
void http_message_unref(struct http_message *m); /* NULL-safe */
const char *http_message_bytes(const struct http_message *m);
size_t http_message_length(const struct http_message *m);

struct http_stream_options {
	bool websocket;
	size_t messages_max; /* 0: 256 */
	size_t bytes_max;    /* 0: 4 MiB */
	/* The client has gone, or was cut, or http_stream_close was called: once, on the hub's thread (on the
	 * event loop's for a stream that never began). */
	void (*on_close)(void *context);
	/* A text message of the client (WebSocket): on the hub's thread, which must not block. */
	void (*on_text)(void *context, const char *text, size_t length);
	void *context;
};

/* The caller owns one reference. */
struct http_stream *http_stream_create(const struct http_stream_options *options);
struct http_stream *http_stream_ref(struct http_stream *s);
void http_stream_unref(struct http_stream *s); /* NULL-safe */

/* Takes its own reference of m. False where the stream is closed or has just been cut. Any thread. */
bool http_stream_send(struct http_stream *s, struct http_message *m);

/* What is queued still goes out, then the stream ends. Any thread. */
void http_stream_close(struct http_stream *s);
/* It never begins: its client has left before. Takes over the caller's reference. NULL-safe. */
void http_stream_abandon(struct http_stream *s);
bool http_stream_is_websocket(const struct http_stream *s);

#endif
