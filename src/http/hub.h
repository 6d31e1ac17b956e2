/* The hub: one thread for everything that waits. It cuts connections whose deadline has come, notices
 * clients that leave a parked connection, resumes parked streams in batches, speaks WebSocket, and sends
 * heartbeats. */
#ifndef MADANG_HTTP_HUB_H
#define MADANG_HTTP_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct hub;
struct http_stream;

struct hub *hub_create(struct err *e);
/* Ends every stream; they are let go of as their connections close. */
void hub_close_streams(struct hub *h);
void hub_destroy(struct hub *h); /* NULL-safe; after the event loops have stopped */

size_t hub_streams(struct hub *h);

/* A deadline on a socket: when it comes, the socket is shut down, and the event loop sees it closed.
 * One per connection, made when it is accepted and destroyed before its socket is closed. */
struct hub_deadline;
struct hub_deadline *hub_deadline_create(struct hub *h, int fd);
void hub_deadline_set(struct hub_deadline *d, int64_t seconds); /* from now; 0: none */
void hub_deadline_destroy(struct hub_deadline *d);

/* Takes over one reference of the caller's. fd: the client's socket, watched until hub_detach. */
void hub_attach(struct hub *h, struct http_stream *s, int fd);
/* SSE: the connection is done with the stream; its socket is about to be closed. */
void hub_detach(struct hub *h, struct http_stream *s);
/* The stream wants to be looked at. Takes a reference of its own; s->dirty has just become true. */
void hub_kick(struct hub *h, struct http_stream *s);

#endif
