/* One request and its answer while the server handles it; for server.c and send.c only. */
#ifndef MADANG_HTTP_EXCHANGE_H
#define MADANG_HTTP_EXCHANGE_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "http/body.h"
#include "http/files.h"
#include "http/hub.h"
#include "http/rate.h"
#include "http/server.h"
#include "http/worker.h"

enum { STATUS_CLASSES = 6, LATENCY_BUCKETS = 8 };

struct http_server {
	struct http_options options;
	struct MHD_Daemon **daemons;
	int daemons_count, port;
	struct hub *hub;
	struct worker_pool *workers;
	struct rate_table *rates;
	struct router *router;
	struct files *files;
	atomic_bool draining;
	atomic_long active; /* requests between their first call and their end, streams left out */
	atomic_long
	    arriving;        /* connections given to the event loops that they have not taken yet */
	atomic_long unheard; /* connections that have not begun a request yet */
	atomic_ullong answered[STATUS_CLASSES], latency[LATENCY_BUCKETS + 1], latency_us;
};

enum exchange_state {
	EXCHANGE_READING, /* the body is coming in: the event loop's */
	EXCHANGE_QUEUED,  /* parked: a worker's */
	EXCHANGE_DONE     /* the answer is there: the event loop's again */
};

struct exchange {
	struct http_server *server;
	struct MHD_Connection *connection;
	struct visitor *visitor;       /* the connection */
	struct hub_deadline *deadline; /* the connection's */
	enum exchange_state state;
	bool started; /* the first call has been */
	bool head;    /* HEAD */
	bool refused; /* refusal is the answer, the rest of the body is dropped */
	bool answered;
	bool close;          /* the connection cannot be used again */
	atomic_int resumers; /* of a parked request: its handler's return and http_request_resume */
	struct err refusal;
	char *query;
	struct http_request rq; /* its arena is gone once a stream has begun */
	struct http_response rs;
	struct http_params params;
	struct multipart *multipart;
	struct buf body;
	enum { BODY_NONE, BODY_JSON, BODY_FORM, BODY_MULTIPART } body_kind;
	uint64_t body_bytes;
	int64_t began_ns;
	struct rate_result rate;
	bool rated;
	char log_path[160];
};

/* Nobody comes in from now on, but those who have begun to. Fills listeners, one for each daemon, for close(); -1: none. */
void door_close(struct http_server *s, MHD_socket *listeners);
/* Whether a connection that has just started is one of those, and counts as arriving. */
bool door_is_last_visitor(int fd);
/* Queues what exchange.rs holds. Event loop only. */
enum MHD_Result send_answer(struct exchange *x);
/* The front end's file under this path; false where there is none. */
bool send_file(struct exchange *x, const char *path, enum MHD_Result *result);
/* Counts and logs. */
void send_account(struct exchange *x, unsigned status);
/* /metrics */
void send_metrics(struct http_server *s, struct buf *out);

#endif
