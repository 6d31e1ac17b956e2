/* The HTTP server: event loops, workers, the hub. One per process. */
#ifndef MADANG_HTTP_SERVER_H
#define MADANG_HTTP_SERVER_H

#include "base/err.h"
#include "base/network.h"
#include "http/router.h"

struct http_server;

struct http_rate_limit {
	double per_s; /* 0: no limit */
	double burst;
};

struct http_options {
	const char *host, *port;              /* port "0": any; see http_server_port */
	int loops, workers;                   /* 0: chosen by the cores */
	int workers_max;                      /* with those that rest (http/worker.h); 0: 64 */
	size_t queue_max;                     /* requests that wait for a worker; 0: 1024 */
	size_t connections_max;               /* 0: 20000 */
	int header_timeout_s, idle_timeout_s; /* 0: 10, 60 */
	size_t upload_bytes_max;              /* one file of a multipart body; 0: 32 MiB */
	const char *temp_dir;
	const char *web_dir;           /* the built front end; NULL: none */
	const struct network *proxies; /* whose X-Forwarded-For and -Proto are believed; borrowed */
	size_t proxies_count;
	struct http_rate_limit rates[RATE_COUNT];
	const struct http_routes *tables; /* borrowed */
	size_t tables_count;

	void *context;
	/* For each worker thread: its database handle and so on, in http_request.worker. */
	void *(*worker_create)(void *context, struct err *e);
	void (*worker_destroy)(void *worker);
	/* Before anything is read, on the event loop, which must not wait: may this address ask at all? May be
	 * NULL. */
	bool (*admit)(void *context, const char *client_ip);
	/* Before each handler, on the worker: who asks, and may they? Fills rq->identity. */
	bool (*authorize)(struct http_request *rq, struct http_response *rs, struct err *e);
	/* Before a worker is troubled, on the event loop, which must not wait: true where the answer is at
	 * hand. It also sees to it that the asker may have it. May be NULL. */
	bool (*quick)(struct http_request *rq, struct http_response *rs);
	/* GET paths that no row knows and that are no file of the front end: the page (may be NULL). */
	http_handler_fn page;
	/* More lines for /metrics. */
	void (*metrics)(void *context, struct buf *out);
};

struct http_server *http_server_start(const struct http_options *options, struct err *e);
int http_server_port(const struct http_server *s);

/* No new connections; what runs is finished within drain_ms; streams end; everything is freed. */
void http_server_stop(struct http_server *s, int drain_ms);

/* Who may be admitted has changed: the streams of those who may not any more end. Any thread. */
void http_server_sweep(struct http_server *s);

/* How many streams are open: for /metrics and the administrator. */
size_t http_server_streams(const struct http_server *s);

#endif
