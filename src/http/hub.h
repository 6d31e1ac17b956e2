/* The hub: one thread for everything that waits. It cuts connections whose deadline has come, owns the sockets
 * of streams once they have begun (server-sent events and WebSockets), writes to them and notices clients that
 * leave, and sends heartbeats. */
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

/* Ends the streams, of now and later, of peers that are not admitted any more: asks once for each. Called on the hub's
 * thread. */
typedef bool hub_admit_fn(void *context, const char *peer);
void hub_sweep(struct hub *h, hub_admit_fn *admit, void *context);

size_t hub_streams(struct hub *h);

/* A deadline on a socket: when it comes, the socket is shut down, and the event loop sees it closed.
 * One per connection, made when it is accepted and destroyed before its socket is closed. */
struct hub_deadline;
struct hub_deadline *hub_deadline_create(struct hub *h, int fd);
void hub_deadline_set(struct hub_deadline *d, int64_t seconds); /* from now; 0: none */
void hub_deadline_destroy(struct hub_deadline *d);

/* Takes over one reference of the caller's, and the client's socket: it is closed (SSE) or given back to
 * libmicrohttpd (WebSocket) when the stream ends. */
void hub_attach(struct hub *h, struct http_stream *s, int fd);
/* The stream wants to be looked at. Takes a reference of its own; s->dirty has just become true. */
void hub_kick(struct hub *h, struct http_stream *s);

#endif
