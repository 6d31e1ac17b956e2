/* A body without a known length that is made while it is sent: one thread writes, the event loop reads, and a bounded
 * buffer stands between them, so that a slow reader holds up only the one who writes for it. */
#ifndef MADANG_HTTP_FEED_H
#define MADANG_HTTP_FEED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct http_feed;
struct MHD_Connection;

/* With two references: the writer's, and the one that goes to http_response_feed. */
struct http_feed *http_feed_create(void);
void http_feed_unref(struct http_feed *f); /* NULL-safe */

/* Waits while the buffer is full. ERR_CANCELLED: nobody reads any more. The writer's thread only. */
MUST_CHECK bool http_feed_write(struct http_feed *f, const void *bytes, size_t length,
				struct err *e);
/* Nothing follows. complete false: the client must not take what it has for the whole. Any thread; the first counts. */
void http_feed_end(struct http_feed *f, bool complete);

/* The event loop's: up to `room` bytes; 0: the connection is suspended until there are some; -1: the end; -2: broken. */
long http_feed_read(struct http_feed *f, struct MHD_Connection *c, char *out, size_t room);
/* The event loop's: it reads no more. */
void http_feed_leave(struct http_feed *f);

#endif
