/* The inside of a stream, for stream.c, hub.c and server.c only. */
#ifndef MADANG_HTTP_STREAM_PARTS_H
#define MADANG_HTTP_STREAM_PARTS_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <wslay/wslay.h>

#include "base/network.h"
#include "http/hub.h"
#include "http/stream.h"

struct http_stream {
	atomic_int refs;
	struct http_stream_options options;
	pthread_mutex_t lock; /* guards all below but the hub's own part */
	struct http_message **ring;
	size_t ring_head, ring_count, ring_size, ring_bytes;
	size_t offset;   /* bytes of the first message that are already out (SSE) */
	bool closed;     /* nothing more is taken in */
	bool gone;       /* the client has left or was cut: what is queued is dropped */
	bool dirty;      /* in the hub's list of streams to look at, which holds a reference */
	bool detached;   /* the socket is closed */
	struct hub *hub; /* NULL until attached */

	struct http_stream *dirty_next; /* the hub's, under the hub's lock */

	/* The hub thread's alone. */
	struct http_stream *prev, *next;
	bool listed, on_close_called, writing;
	char peer[NETWORK_TEXT_SIZE]; /* who listens; set before it is attached */
	int fd;
	struct MHD_UpgradeResponseHandle *upgrade; /* WS */
	wslay_event_context_ptr ws;
	char *extra; /* WS: what came with the handshake */
	size_t extra_length, extra_used;
};

/* SSE: writes what is queued until all is out or the socket takes no more (*full). False: the client has gone.
 * The hub's thread. */
bool stream_write(struct http_stream *s, bool *full);

/* Takes the first message out, NULL where there is none. */
struct http_message *stream_pop(struct http_stream *s);

/* The client has left. */
void stream_gone(struct http_stream *s);

#endif
