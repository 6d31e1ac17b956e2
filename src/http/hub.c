/* Owns the deadlines, the list of streams and their sockets. One thread; other threads reach it
 * through hub_kick, hub_attach and the deadlines, each under the hub's lock.
 *
 * What must stay true: a stream leaves the hub's list only on the hub's thread, after the batch of epoll
 * events at hand, so an event never points at freed memory. */
#include "http/hub.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "http/stream_parts.h"

enum { TICK_MS = 250, HEARTBEAT_S = 15, EVENTS_MAX = 256, WS_TEXT_MAX = 16 << 10 };

struct hub_deadline {
	struct hub *hub;
	int fd;
	int64_t at_ns; /* 0: not armed */
	struct hub_deadline *prev, *next;
};

struct hub {
	pthread_t thread;
	int epoll_fd, wake_fd;
	pthread_mutex_t lock;
	struct hub_deadline *deadlines; /* the armed ones */
	struct http_stream *dirty;
	struct http_stream *attached; /* new ones, linked by ->next until the thread lists them */
	size_t streams;
	bool stop, close_all, sweep;
	hub_admit_fn *admit; /* NULL until the first sweep */
	void *admit_context;
	struct http_stream *streams_head; /* the thread's alone */
};

static void wake(struct hub *h)
{
	uint64_t one = 1;
	ssize_t n = write(h->wake_fd, &one, sizeof one);
	(void)n; /* a full counter wakes just as well */
}

struct hub_deadline *hub_deadline_create(struct hub *h, int fd)
{
	struct hub_deadline *d = calloc(1, sizeof *d);
	if (!d)
		abort();
	d->hub = h;
	d->fd = fd;
	return d;
}

static void deadline_unlink(struct hub_deadline *d)
{
	if (!d->at_ns)
		return;
	d->at_ns = 0;
	if (d->prev)
		d->prev->next = d->next;
	else
		d->hub->deadlines = d->next;
	if (d->next)
		d->next->prev = d->prev;
}

void hub_deadline_set(struct hub_deadline *d, int64_t seconds)
{
	pthread_mutex_lock(&d->hub->lock);
	deadline_unlink(d);
	if (seconds) {
		d->at_ns = clock_mono_ns() + seconds * 1000000000;
		d->prev = NULL;
		d->next = d->hub->deadlines;
		if (d->next)
			d->next->prev = d;
		d->hub->deadlines = d;
	}
	pthread_mutex_unlock(&d->hub->lock);
}

void hub_deadline_destroy(struct hub_deadline *d)
{
	if (!d)
		return;
	struct hub *h = d->hub;
	pthread_mutex_lock(&h->lock);
	deadline_unlink(d);
	pthread_mutex_unlock(&h->lock);
	free(d);
}

static void cut_expired(struct hub *h)
{
	int64_t now = clock_mono_ns();
	pthread_mutex_lock(&h->lock);
	for (struct hub_deadline *d = h->deadlines, *next; d; d = next) {
		next = d->next;
		if (d->at_ns <= now) {
			shutdown(d->fd, SHUT_RDWR);
			deadline_unlink(d);
		}
	}
	pthread_mutex_unlock(&h->lock);
}

void hub_kick(struct hub *h, struct http_stream *s)
{
	pthread_mutex_lock(&h->lock);
	bool first = !h->dirty;
	s->dirty_next = h->dirty;
	h->dirty = http_stream_ref(s);
	pthread_mutex_unlock(&h->lock);
	if (first)
		wake(h);
}

void hub_attach(struct hub *h, struct http_stream *s, int fd)
{
	int on = 1;
	unsigned patience_ms = 60000;
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof patience_ms);
	pthread_mutex_lock(&s->lock);
	s->fd = fd;
	s->hub = h;
	pthread_mutex_unlock(&s->lock);
	/* Before the thread lists it: what is listed may end at once, and its socket's number be another's. */
	struct epoll_event ev = {.events = EPOLLRDHUP | (s->options.websocket ? EPOLLIN : 0u),
				 .data.ptr = s};
	epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
	http_stream_ref(s); /* until this ends: the hub's own goes when it does */
	pthread_mutex_lock(&h->lock);
	s->next = h->attached;
	h->attached = s;
	h->streams++;
	bool closing = h->close_all;
	pthread_mutex_unlock(&h->lock);
	wake(h);
	if (closing)
		http_stream_close(s);
	http_stream_unref(s);
}

size_t hub_streams(struct hub *h)
{
	pthread_mutex_lock(&h->lock);
	size_t n = h->streams;
	pthread_mutex_unlock(&h->lock);
	return n;
}

/* --- WebSocket, on the hub's thread --- */

static ssize_t ws_recv(wslay_event_context_ptr ctx, uint8_t *bytes, size_t length, int flags,
		       void *user)
{
	(void)flags;
	struct http_stream *s = user;
	if (s->extra_used < s->extra_length) {
		size_t n = s->extra_length - s->extra_used;
		if (n > length)
			n = length;
		memcpy(bytes, s->extra + s->extra_used, n);
		s->extra_used += n;
		return (ssize_t)n;
	}
	ssize_t n = recv(s->fd, bytes, length, MSG_DONTWAIT);
	if (n > 0)
		return n;
	bool later = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
	wslay_event_set_error(ctx, later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t ws_send(wslay_event_context_ptr ctx, const uint8_t *bytes, size_t length, int flags,
		       void *user)
{
	struct http_stream *s = user;
	ssize_t n = send(s->fd, bytes, length,
			 MSG_DONTWAIT | MSG_NOSIGNAL | (flags & WSLAY_MSG_MORE ? MSG_MORE : 0));
	if (n >= 0)
		return n;
	bool later = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
	wslay_event_set_error(ctx, later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static void ws_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *arg,
		       void *user)
{
	(void)ctx;
	struct http_stream *s = user;
	if (arg->opcode == WSLAY_TEXT_FRAME && s->options.on_text)
		s->options.on_text(s->options.context, (const char *)arg->msg, arg->msg_length);
}

static void ws_finish(struct hub *h, struct http_stream *s)
{
	epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	MHD_upgrade_action(s->upgrade, MHD_UPGRADE_ACTION_CLOSE);
	pthread_mutex_lock(&s->lock);
	s->detached = true;
	pthread_mutex_unlock(&s->lock);
	stream_gone(s);
}

/* Moves queued messages to the socket while it takes them. wslay copies what it queues, so only a few at
 * a time: the bound is the stream's own. */
static bool ws_pump(struct http_stream *s)
{
	for (;;) {
		while (wslay_event_get_queued_msg_count(s->ws) < 4) {
			struct http_message *m = stream_pop(s);
			if (!m)
				break;
			struct wslay_event_msg frame = {.opcode = WSLAY_TEXT_FRAME,
							.msg =
							    (const uint8_t *)http_message_bytes(m),
							.msg_length = http_message_length(m)};
			int rc = wslay_event_queue_msg(s->ws, &frame);
			http_message_unref(m);
			if (rc)
				return false;
		}
		if (!wslay_event_want_write(s->ws))
			return true;
		size_t before = wslay_event_get_queued_msg_count(s->ws);
		if (wslay_event_send(s->ws))
			return false;
		if (wslay_event_want_write(s->ws) ||
		    wslay_event_get_queued_msg_count(s->ws) == before)
			return true; /* the socket is full: EPOLLOUT tells when */
	}
}

static void ws_serve(struct hub *h, struct http_stream *s, bool readable)
{
	if (s->detached)
		return;
	if (!s->ws) {
		static const struct wslay_event_callbacks callbacks = {.recv_callback = ws_recv,
								       .send_callback = ws_send,
								       .on_msg_recv_callback =
									   ws_message};
		if (wslay_event_context_server_init(&s->ws, &callbacks, s))
			abort();
		wslay_event_config_set_max_recv_msg_length(s->ws, WS_TEXT_MAX);
		readable = true; /* what came with the handshake */
	}
	bool ok = !readable || !wslay_event_want_read(s->ws) || !wslay_event_recv(s->ws);
	pthread_mutex_lock(&s->lock);
	bool closed = s->closed, gone = s->gone, empty = !s->ring_count;
	pthread_mutex_unlock(&s->lock);
	if (ok && closed && !gone && empty && !wslay_event_get_close_sent(s->ws))
		wslay_event_queue_close(s->ws, WSLAY_CODE_GOING_AWAY, NULL, 0);
	ok = ok && !gone && ws_pump(s);
	if (!ok || wslay_event_get_close_sent(s->ws) || wslay_event_get_close_received(s->ws)) {
		if (!ok || !wslay_event_want_write(s->ws)) {
			ws_finish(h, s);
			return;
		}
	}
	bool writing = wslay_event_want_write(s->ws);
	if (writing != s->writing) {
		s->writing = writing;
		struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP | (writing ? EPOLLOUT : 0u),
					 .data.ptr = s};
		epoll_ctl(h->epoll_fd, EPOLL_CTL_MOD, s->fd, &ev);
	}
}

/* --- server-sent events, on the hub's thread --- */

static void sse_serve(struct hub *h, struct http_stream *s)
{
	bool full;
	if (s->detached)
		return;
	pthread_mutex_lock(&s->lock);
	bool gone = s->gone;
	pthread_mutex_unlock(&s->lock);
	bool ok = !gone && stream_write(s, &full);
	pthread_mutex_lock(&s->lock);
	bool over = s->closed && !s->ring_count;
	pthread_mutex_unlock(&s->lock);
	if (!ok || over) {
		epoll_ctl(h->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
		shutdown(s->fd, SHUT_RDWR);
		close(s->fd);
		pthread_mutex_lock(&s->lock);
		s->detached = true;
		pthread_mutex_unlock(&s->lock);
		stream_gone(s);
	} else if (full != s->writing) {
		s->writing = full;
		struct epoll_event ev = {.events = EPOLLRDHUP | (full ? EPOLLOUT : 0u),
					 .data.ptr = s};
		epoll_ctl(h->epoll_fd, EPOLL_CTL_MOD, s->fd, &ev);
	}
}

/* --- the thread --- */

static void list_attached(struct hub *h)
{
	pthread_mutex_lock(&h->lock);
	struct http_stream *s = h->attached;
	hub_admit_fn *admit = h->admit;
	void *context = h->admit_context;
	h->attached = NULL;
	pthread_mutex_unlock(&h->lock);
	while (s) {
		struct http_stream *next = s->next;
		s->prev = NULL;
		s->next = h->streams_head;
		if (s->next)
			s->next->prev = s;
		h->streams_head = s;
		s->listed = true;
		if (admit && !admit(context, s->peer))
			http_stream_close(s); /* let in just before its network was closed */
		/* It may have been sent to, or have ended, before it was listed. */
		pthread_mutex_lock(&s->lock);
		bool kick = !s->dirty;
		s->dirty = true;
		pthread_mutex_unlock(&s->lock);
		if (kick)
			hub_kick(h, s);
		s = next;
	}
}

static void unlist(struct hub *h, struct http_stream *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		h->streams_head = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->listed = false;
	pthread_mutex_lock(&h->lock);
	h->streams--;
	pthread_mutex_unlock(&h->lock);
	http_stream_unref(s);
}

static void serve_dirty(struct hub *h)
{
	pthread_mutex_lock(&h->lock);
	struct http_stream *s = h->dirty;
	h->dirty = NULL;
	pthread_mutex_unlock(&h->lock);
	while (s) {
		struct http_stream *next = s->dirty_next;
		pthread_mutex_lock(&s->lock);
		s->dirty = false;
		pthread_mutex_unlock(&s->lock);
		if (!s->options.websocket)
			sse_serve(h, s);
		else if (s->upgrade)
			ws_serve(h, s, false);
		pthread_mutex_lock(&s->lock);
		bool closed = s->closed, done = s->detached;
		pthread_mutex_unlock(&s->lock);
		if (closed && s->listed && !s->on_close_called) {
			s->on_close_called = true;
			if (s->options.on_close)
				s->options.on_close(s->options.context);
		}
		if (done && s->listed)
			unlist(h, s);
		http_stream_unref(s);
		s = next;
	}
}

static void heartbeat(struct hub *h)
{
	struct http_message *thump = http_message_create(":thump\n\n", 8);
	for (struct http_stream *s = h->streams_head; s; s = s->next) {
		if (s->options.websocket) {
			struct wslay_event_msg ping = {.opcode = WSLAY_PING};
			if (s->ws && !s->detached && !wslay_event_queue_msg(s->ws, &ping))
				ws_serve(h, s, false);
		} else {
			pthread_mutex_lock(&s->lock);
			bool idle = !s->ring_count && !s->closed;
			pthread_mutex_unlock(&s->lock);
			if (idle)
				http_stream_send(s, thump);
		}
	}
	http_message_unref(thump);
}

static void sweep(struct hub *h)
{
	pthread_mutex_lock(&h->lock);
	bool wanted = h->sweep;
	hub_admit_fn *admit = h->admit;
	void *context = h->admit_context;
	h->sweep = false;
	pthread_mutex_unlock(&h->lock);
	for (struct http_stream *s = h->streams_head; wanted && s; s = s->next)
		if (!s->on_close_called && !admit(context, s->peer))
			http_stream_close(s);
}

static void hub_run(void *argument)
{
	struct hub *h = argument;
	int64_t next_tick = 0, next_heartbeat = clock_mono_ns() + HEARTBEAT_S * 1000000000ll;
	for (;;) {
		struct epoll_event events[EVENTS_MAX];
		int n = epoll_wait(h->epoll_fd, events, EVENTS_MAX, TICK_MS);
		for (int i = 0; i < n; i++) {
			struct http_stream *s = events[i].data.ptr;
			if (!s) {
				uint64_t count;
				ssize_t got = read(h->wake_fd, &count, sizeof count);
				(void)got;
			} else if (s->options.websocket) {
				ws_serve(h, s,
					 events[i].events &
					     (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR));
			} else {
				if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
					stream_gone(s);
				sse_serve(h, s);
			}
		}
		list_attached(h);
		sweep(h);
		serve_dirty(h);
		int64_t now = clock_mono_ns();
		if (now >= next_tick) {
			cut_expired(h);
			next_tick = now + TICK_MS * 1000000ll;
		}
		if (now >= next_heartbeat) {
			heartbeat(h);
			next_heartbeat = now + HEARTBEAT_S * 1000000000ll;
		}
		pthread_mutex_lock(&h->lock);
		bool stop = h->stop && !h->dirty && !h->attached;
		bool close_all = h->close_all;
		pthread_mutex_unlock(&h->lock);
		if (close_all)
			for (struct http_stream *s = h->streams_head; s; s = s->next)
				if (!s->on_close_called)
					http_stream_close(s);
		if (stop && !h->streams_head)
			return;
	}
}

struct hub *hub_create(struct err *e)
{
	struct hub *h = calloc(1, sizeof *h);
	if (!h)
		abort();
	pthread_mutex_init(&h->lock, NULL);
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	h->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event ev = {.events = EPOLLIN};
	if (h->epoll_fd >= 0 && h->wake_fd >= 0 &&
	    !epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, h->wake_fd, &ev) &&
	    thread_start(&h->thread, "hub", hub_run, h, e))
		return h;
	if (e->code == ERR_NONE)
		err_set(e, ERR_IO, "the server cannot start: no file descriptors are left");
	close(h->epoll_fd);
	close(h->wake_fd);
	pthread_mutex_destroy(&h->lock);
	free(h);
	return NULL;
}

void hub_sweep(struct hub *h, hub_admit_fn *admit, void *context)
{
	pthread_mutex_lock(&h->lock);
	h->sweep = admit != NULL;
	h->admit = admit;
	h->admit_context = context;
	pthread_mutex_unlock(&h->lock);
	wake(h);
}

void hub_close_streams(struct hub *h)
{
	pthread_mutex_lock(&h->lock);
	h->close_all = true;
	pthread_mutex_unlock(&h->lock);
	wake(h);
}

void hub_destroy(struct hub *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_mutex_unlock(&h->lock);
	wake(h);
	thread_join(h->thread);
	close(h->epoll_fd);
	close(h->wake_fd);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
