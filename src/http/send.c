/* Hands answers to libmicrohttpd: bodies, files, streams, WebSockets, and the headers that every answer
 * carries. Event loops only. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "http/exchange.h"
#include "http/stream_parts.h"

static const char PAGE_POLICY[] =
    "default-src 'self'; img-src 'self' data: blob: https:; media-src 'self' blob: https:; "
    "connect-src 'self'; script-src 'self'; style-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

static void add(struct MHD_Response *r, const char *name, const char *value)
{
	if (MHD_add_response_header(r, name, value) != MHD_YES)
		log_warn("http.header", LOG_STR("name", name));
}

static void add_int(struct MHD_Response *r, const char *name, long value)
{
	char text[24];
	snprintf(text, sizeof text, "%ld", value);
	add(r, name, text);
}

static void add_common(struct exchange *x, struct MHD_Response *r, const char *content_type)
{
	add(r, "Content-Type", content_type);
	add(r, "X-Request-Id", x->rq.id);
	add(r, "X-Content-Type-Options", "nosniff");
	if (str_starts(content_type, "text/html")) {
		add(r, "Content-Security-Policy", PAGE_POLICY);
		add(r, "Referrer-Policy", "same-origin");
	} else {
		add(r, "Access-Control-Allow-Origin", "*");
		add(r, "Access-Control-Expose-Headers",
		    "Link, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id, Retry-After");
	}
	if (x->rated && x->rate.limit) {
		char reset[CLOCK_TEXT_SIZE];
		add_int(r, "X-RateLimit-Limit", x->rate.limit);
		add_int(r, "X-RateLimit-Remaining", x->rate.remaining);
		add(r, "X-RateLimit-Reset",
		    clock_format(reset, clock_wall_ms() + x->rate.reset_s * 1000ll));
		if (!x->rate.allowed)
			add_int(r, "Retry-After", x->rate.reset_s);
	}
	if (x->close || atomic_load_explicit(&x->server->draining, memory_order_relaxed))
		add(r, "Connection", "close");
}

static enum MHD_Result queue(struct exchange *x, unsigned status, struct MHD_Response *r)
{
	x->answered = true;
	enum MHD_Result ok = MHD_queue_response(x->connection, status, r);
	MHD_destroy_response(r);
	return ok;
}

bool send_file(struct exchange *x, const char *path, enum MHD_Result *result)
{
	const struct files_entry *f = files_find(x->server->files, path);
	if (!f)
		return false;
	const char *seen = http_request_header(&x->rq, "If-None-Match");
	const char *takes = http_request_header(&x->rq, "Accept-Encoding");
	bool same = seen && strstr(seen, f->etag);
	bool gzip = f->gzip && takes && strstr(takes, "gzip");
	struct MHD_Response *r = MHD_create_response_from_buffer(
	    same   ? 0
	    : gzip ? f->gzip_length
		   : f->length,
	    (void *)(gzip ? f->gzip : f->bytes), MHD_RESPMEM_PERSISTENT);
	if (!r)
		return false;
	add_common(x, r, f->content_type);
	add(r, "ETag", f->etag);
	add(r, "Cache-Control", f->immutable ? "public, max-age=31536000, immutable" : "no-cache");
	if (f->gzip)
		add(r, "Vary", "Accept-Encoding");
	if (gzip && !same)
		add(r, "Content-Encoding", "gzip");
	x->rs.status = same ? 304 : 200;
	*result = queue(x, x->rs.status, r);
	return true;
}

/* --- streams --- */

/* The request's memory goes back: a stream may stand for days, and there may be ten thousand. */
static void slim(struct exchange *x)
{
	http_response_finish(&x->rs);
	params_finish(&x->params);
	buf_finish(&x->body);
	arena_destroy(x->rq.arena);
	x->rq.arena = NULL;
	x->rq.params = NULL;
	x->rq.params_count = 0;
	free(x->query);
	x->query = NULL;
}

static int client_fd(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	return info ? info->connect_fd : -1;
}

/* Takes the client's socket away from libmicrohttpd, which gets a closed one under the same number and so ends
 * its connection: it has no way to give a socket away for an answer of 200, and would hold ten kilobytes for each
 * idle stream. Its epoll must know the new file where it knew the old one, or it would go on hearing of the old.
 * -1: the socket stays where it is. */
static int take_socket(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *daemon =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_DAEMON);
	const union MHD_DaemonInfo *epoll =
	    daemon ? MHD_get_daemon_info(daemon->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	int theirs = client_fd(c), pair[2];
	if (!epoll || theirs < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -1;
	close(pair[1]);
	int ours = fcntl(theirs, F_DUPFD_CLOEXEC, 0);
	if (ours >= 0) {
		struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLET,
					 .data.ptr = c};
		bool known = !epoll_ctl(epoll->epoll_fd, EPOLL_CTL_DEL, theirs, NULL);
		dup3(pair[0], theirs, O_CLOEXEC);
		if (known)
			epoll_ctl(epoll->epoll_fd, EPOLL_CTL_ADD, theirs, &ev);
	}
	close(pair[0]);
	return ours;
}

/* Server-sent events leave libmicrohttpd: the head goes out here, the events are the hub's business. */
static enum MHD_Result send_events(struct exchange *x, struct http_stream *s)
{
	char head[320];
	int n = snprintf(head, sizeof head,
			 "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
			 "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
			 "Access-Control-Allow-Origin: *\r\nX-Content-Type-Options: nosniff\r\n"
			 "X-Request-Id: %s\r\nConnection: close\r\n\r\n",
			 x->rq.id);
	int fd = take_socket(x->connection);
	/* The send buffer is empty: a head always fits, or the client has gone. */
	if (fd < 0 || send(fd, head, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) != n) {
		if (fd >= 0)
			close(fd);
		http_stream_abandon(s);
		return MHD_NO;
	}
	x->answered = true;
	send_account(x, 200);
	atomic_fetch_sub(&x->server->active, 1);
	slim(x);
	memcpy(s->peer, x->rq.client_ip, sizeof s->peer);
	hub_attach(x->server->hub, s, fd); /* the reference goes with it */
	return MHD_NO;                     /* nothing more for libmicrohttpd to do but to forget */
}

static void upgraded(void *cls, struct MHD_Connection *c, void *con_cls, const char *extra,
		     size_t extra_size, MHD_socket sock, struct MHD_UpgradeResponseHandle *handle)
{
	(void)c;
	struct http_stream *s = cls;
	struct exchange *x = con_cls;
	s->upgrade = handle;
	if (extra_size) {
		s->extra = malloc(extra_size);
		if (!s->extra)
			abort();
		memcpy(s->extra, extra, extra_size);
		s->extra_length = extra_size;
	}
	memcpy(s->peer, x->rq.client_ip, sizeof s->peer);
	hub_attach(x->server->hub, s, sock); /* the reference goes with it */
}

static enum MHD_Result send_websocket(struct exchange *x, struct http_stream *s, const char *key)
{
	static const char GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_length = 0;
	char *text = arena_printf(x->rq.arena, "%s%s", key, GUID);
	EVP_Digest(text, strlen(text), digest, &digest_length, EVP_sha1(), NULL);
	struct buf accept;
	buf_init(&accept, 64);
	codec_base64(&accept, digest, digest_length);
	struct MHD_Response *r = MHD_create_response_for_upgrade(upgraded, s);
	if (!r) {
		http_stream_abandon(s);
		buf_finish(&accept);
		return MHD_NO;
	}
	add(r, "Upgrade", "websocket");
	add(r, "Sec-WebSocket-Accept", accept.data);
	const char *protocol = http_request_header(&x->rq, "Sec-WebSocket-Protocol");
	if (protocol) /* masto.js puts the token there and wants it back */
		add(r, "Sec-WebSocket-Protocol", protocol);
	buf_finish(&accept);
	send_account(x, 101);
	atomic_fetch_sub(&x->server->active, 1);
	slim(x);
	return queue(x, 101, r);
}

static enum MHD_Result send_stream(struct exchange *x)
{
	struct http_stream *s = x->rs.stream;
	x->rs.stream = NULL;
	hub_deadline_set(x->deadline, 0);
	if (hub_streams(x->server->hub) >= x->server->options.connections_max) {
		struct err e;
		err_set(&e, ERR_BUSY, "the server is busy: try again in a moment");
		http_stream_abandon(s);
		http_response_error(&x->rs, &x->rq, &e);
		return send_answer(x);
	}
	if (!http_stream_is_websocket(s))
		return send_events(x, s);
	return send_websocket(x, s, http_request_header(&x->rq, "Sec-WebSocket-Key"));
}

static void free_kept(void *cls)
{
	http_message_unref(cls);
}

/* One download by a feed, at most; a reader who takes nothing at all is cut by the idle timeout long before. */
enum { FEED_S = 12 * 60 * 60, FEED_BLOCK = 64 << 10 };

struct feed_reader {
	struct http_feed *feed;
	struct MHD_Connection *connection;
};

static ssize_t read_feed(void *cls, uint64_t position, char *out, size_t room)
{
	(void)position;
	struct feed_reader *reader = cls;
	long n = http_feed_read(reader->feed, reader->connection, out, room);
	return n == -1   ? MHD_CONTENT_READER_END_OF_STREAM
	       : n == -2 ? MHD_CONTENT_READER_END_WITH_ERROR
			 : n;
}

static void leave_feed(void *cls)
{
	struct feed_reader *reader = cls;
	http_feed_leave(reader->feed);
	http_feed_unref(reader->feed);
	free(reader);
}

static struct MHD_Response *feed_response(struct exchange *x)
{
	struct feed_reader *reader = malloc(sizeof *reader);
	if (!reader)
		abort();
	*reader = (struct feed_reader){x->rs.feed, x->connection};
	x->rs.feed = NULL;
	struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, FEED_BLOCK,
								   read_feed, reader, leave_feed);
	if (!r)
		leave_feed(reader);
	return r;
}

enum MHD_Result send_answer(struct exchange *x)
{
	struct http_response *rs = &x->rs;
	if (rs->stream && rs->status == 200)
		return send_stream(x);
	if (rs->body.failed || arena_exceeded(x->rq.arena)) {
		log_error("http.answer_too_large", LOG_STR("req", x->rq.id));
		struct err e;
		err_set(&e, ERR_INTERNAL, "the answer is too large");
		rs->status = 500;
		http_response_error(rs, &x->rq, &e);
	}
	uint64_t length = rs->file_fd >= 0 ? rs->file_size
			  : rs->kept       ? http_message_length(rs->kept)
					   : rs->body.length;
	bool fed = rs->feed != NULL;
	struct MHD_Response *r;
	if (fed) {
		r = feed_response(x);
	} else if (rs->kept) {
		r = MHD_create_response_from_buffer_with_free_callback_cls(
		    length, (void *)http_message_bytes(rs->kept), free_kept, rs->kept);
		if (r)
			rs->kept = NULL;
	} else if (rs->file_fd >= 0) {
		r = MHD_create_response_from_fd_at_offset64(length, rs->file_fd, rs->file_offset);
		if (r)
			rs->file_fd = -1;
	} else {
		char *bytes = buf_take(&rs->body);
		r = bytes ? MHD_create_response_from_buffer_with_free_callback(length, bytes, free)
			  : MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
		if (!r)
			free(bytes);
	}
	if (!r)
		return MHD_NO;
	add_common(x, r, rs->content_type);
	if (!rs->cacheable)
		add(r, "Cache-Control", "private, no-store");
	for (size_t i = 0; i < rs->headers_count; i++)
		add(r, rs->header_names[i], rs->header_values[i]);
	/* A reader slower than 8 KiB/s is cut. */
	hub_deadline_set(x->deadline,
			 fed ? FEED_S
			     : x->server->options.idle_timeout_s + (int64_t)(length >> 13));
	return queue(x, rs->status, r);
}

/* --- figures --- */

static const int LATENCY_LIMITS_US[LATENCY_BUCKETS] = {500,   1000,   2500,    10000,
						       50000, 250000, 1000000, 10000000};

void send_account(struct exchange *x, unsigned status)
{
	struct http_server *s = x->server;
	int64_t us = (clock_mono_ns() - x->began_ns) / 1000;
	atomic_fetch_add_explicit(&s->answered[status / 100 % STATUS_CLASSES], 1,
				  memory_order_relaxed);
	int bucket = 0;
	while (bucket < LATENCY_BUCKETS && us > LATENCY_LIMITS_US[bucket])
		bucket++;
	atomic_fetch_add_explicit(&s->latency[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->latency_us, (unsigned long long)us, memory_order_relaxed);
	log_info("http.request", LOG_STR("req", x->rq.id),
		 LOG_STR("method", x->head ? "HEAD" : x->rq.method), LOG_STR("path", x->log_path),
		 LOG_INT("status", status), LOG_INT("us", us), LOG_STR("ip", x->rq.client_ip));
}

void send_metrics(struct http_server *s, struct buf *out)
{
	buf_add_str(out, "# TYPE madang_http_requests_total counter\n");
	for (int i = 1; i < STATUS_CLASSES; i++)
		buf_printf(out, "madang_http_requests_total{status=\"%dxx\"} %llu\n", i,
			   atomic_load(&s->answered[i]));
	buf_add_str(out, "# TYPE madang_http_seconds histogram\n");
	unsigned long long sum = 0;
	for (int i = 0; i < LATENCY_BUCKETS; i++) {
		sum += atomic_load(&s->latency[i]);
		buf_printf(out, "madang_http_seconds_bucket{le=\"%g\"} %llu\n",
			   LATENCY_LIMITS_US[i] * 1e-6, sum);
	}
	sum += atomic_load(&s->latency[LATENCY_BUCKETS]);
	buf_printf(out, "madang_http_seconds_bucket{le=\"+Inf\"} %llu\n", sum);
	buf_printf(out, "madang_http_seconds_sum %.6f\n",
		   (double)atomic_load(&s->latency_us) * 1e-6);
	buf_printf(out, "madang_http_seconds_count %llu\n", sum);
	buf_printf(out, "# TYPE madang_http_active gauge\nmadang_http_active %ld\n",
		   atomic_load(&s->active));
	buf_printf(out, "# TYPE madang_http_waiting gauge\nmadang_http_waiting %zu\n",
		   worker_pool_waiting(s->workers));
	buf_printf(out, "# TYPE madang_http_streams gauge\nmadang_http_streams %zu\n",
		   hub_streams(s->hub));
	if (s->options.metrics)
		s->options.metrics(s->options.context, out);
}
