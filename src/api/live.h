/* What has happened becomes messages on streams: one thread with a database handle of its own, so that
 * whoever posts never waits for those who listen. */
#ifndef MADANG_API_LIVE_H
#define MADANG_API_LIVE_H

#include "app/app.h"
#include "bus/bus.h"
#include "http/stream.h"

struct api;
struct live;

/* The stream of a conversation as it grows; its parameter is the conversation's id. */
#define LIVE_THREAD "madang:thread"
/* The topic of what everybody who is signed in hears on the stream "user". */
#define LIVE_EVERYBODY "everybody"

/* What the bus carries for streams: the same event in both framings, made once for all who listen. */
struct live_message {
	struct http_message *sse, *ws;
	const char *event, *payload; /* what they say; payload may be NULL */
};
/* A message of a stream, as a WebSocket carries it; parameter and payload may be NULL. */
struct http_message *live_frame_ws(const char *stream, const char *parameter, const char *event,
				   const char *payload);

struct live *live_start(struct api *api, struct err *e);
void live_stop(struct live *l); /* NULL-safe */

/* Takes a copy; drops it (and says so in the log) where 4,096 wait already: streams are a hint, clients page. */
void live_event(struct live *l, const struct app_event *event);
/* What other processes have said may have been missed: streams of people who are signed in are cut, and who
 * comes back shows a token again. */
void live_missed(struct live *l);

#endif
