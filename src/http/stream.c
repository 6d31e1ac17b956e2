/* Owns messages and the queue of a stream. Senders are any thread; the taker is the hub. What must stay true:
 * only the hub takes from the queue, so what it is sending stays first until it is out or all is dropped. */
#include "http/stream_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"

struct http_message {
	atomic_int refs;
	size_t length;
	char *taken; /* the bytes, where they were somebody else's before */
	char bytes[];
};

struct http_message *http_message_create(const void *bytes, size_t length)
{
	struct http_message *m = malloc(sizeof *m + length + 1);
	if (!m)
		abort();
	atomic_init(&m->refs, 1);
	m->length = length;
	memcpy(m->bytes, bytes, length);
	m->bytes[length] = '\0';
	m->taken = NULL;
	return m;
}

struct http_message *http_message_take(char *bytes, size_t length)
{
	struct http_message *m = malloc(sizeof *m);
	if (!m)
		abort();
	atomic_init(&m->refs, 1);
	m->length = length;
	m->taken = bytes;
	return m;
}

struct http_message *http_message_ref(struct http_message *m)
{
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	return m;
}

void http_message_unref(struct http_message *m)
{
	if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(m->taken);
	free(m);
}

const char *http_message_bytes(const struct http_message *m)
{
	return m->taken ? m->taken : m->bytes;
}

size_t http_message_length(const struct http_message *m)
{
	return m->length;
}

struct http_stream *http_stream_create(const struct http_stream_options *options)
{
	struct http_stream *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->options = *options;
	if (!s->options.messages_max)
		s->options.messages_max = 256;
	if (!s->options.bytes_max)
		s->options.bytes_max = 4u << 20;
	atomic_init(&s->refs, 1);
	pthread_mutex_init(&s->lock, NULL);
	s->fd = -1;
	return s;
}

struct http_stream *http_stream_ref(struct http_stream *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

static void ring_clear(struct http_stream *s)
{
	for (size_t i = 0; i < s->ring_count; i++)
		http_message_unref(s->ring[(s->ring_head + i) % s->ring_size]);
	free(s->ring);
	s->ring = NULL;
	s->ring_head = s->ring_count = s->ring_size = s->ring_bytes = s->offset = 0;
}

void http_stream_unref(struct http_stream *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	ring_clear(s);
	if (s->ws)
		wslay_event_context_free(s->ws);
	free(s->extra);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void ring_push(struct http_stream *s, struct http_message *m)
{
	if (s->ring_count == s->ring_size) {
		size_t size = s->ring_size ? s->ring_size * 2 : 4;
		struct http_message **ring = malloc(size * sizeof *ring);
		if (!ring)
			abort();
		for (size_t i = 0; i < s->ring_count; i++)
			ring[i] = s->ring[(s->ring_head + i) % s->ring_size];
		free(s->ring);
		s->ring = ring;
		s->ring_size = size;
		s->ring_head = 0;
	}
	s->ring[(s->ring_head + s->ring_count++) % s->ring_size] = m;
	s->ring_bytes += m->length;
}

/* Under the lock: whether the caller must kick the hub after it has unlocked. */
static bool wants_kick(struct http_stream *s)
{
	if (!s->hub || s->dirty)
		return false;
	return s->dirty = true;
}

bool http_stream_send(struct http_stream *s, struct http_message *m)
{
	pthread_mutex_lock(&s->lock);
	bool ok = !s->closed, slow = false;
	size_t waiting = s->ring_count, bytes = s->ring_bytes;
	if (ok &&
	    (waiting >= s->options.messages_max || bytes + m->length > s->options.bytes_max)) {
		s->closed = s->gone = slow = true;
		ok = false;
		ring_clear(s);
	} else if (ok) {
		ring_push(s, http_message_ref(m));
	}
	bool kick = (ok || s->gone) && wants_kick(s);
	struct hub *hub = s->hub;
	pthread_mutex_unlock(&s->lock);
	if (slow)
		log_warn("stream.cut", LOG_STR("why", "slow"), LOG_STR("ip", s->peer),
			 LOG_INT("messages", (int64_t)waiting), LOG_INT("bytes", (int64_t)bytes));
	if (kick)
		hub_kick(hub, s);
	return ok;
}

static void stream_end(struct http_stream *s, bool gone)
{
	pthread_mutex_lock(&s->lock);
	s->closed = true;
	if (gone) {
		s->gone = true;
		ring_clear(s);
	}
	bool kick = wants_kick(s);
	struct hub *hub = s->hub;
	pthread_mutex_unlock(&s->lock);
	if (kick)
		hub_kick(hub, s);
}

void http_stream_close(struct http_stream *s)
{
	stream_end(s, false);
}

void http_stream_abandon(struct http_stream *s)
{
	if (!s)
		return;
	http_stream_close(s);
	if (s->options.on_close)
		s->options.on_close(s->options.context);
	http_stream_unref(s);
}

void stream_gone(struct http_stream *s)
{
	stream_end(s, true);
}

bool http_stream_is_websocket(const struct http_stream *s)
{
	return s->options.websocket;
}

static struct http_message *pop_locked(struct http_stream *s)
{
	if (!s->ring_count)
		return NULL;
	struct http_message *m = s->ring[s->ring_head];
	s->ring_head = (s->ring_head + 1) % s->ring_size;
	s->ring_bytes -= m->length;
	s->offset = 0;
	if (!--s->ring_count) { /* an idle stream holds nothing */
		free(s->ring);
		s->ring = NULL;
		s->ring_head = s->ring_size = 0;
	}
	return m;
}

struct http_message *stream_pop(struct http_stream *s)
{
	pthread_mutex_lock(&s->lock);
	struct http_message *m = pop_locked(s);
	pthread_mutex_unlock(&s->lock);
	return m;
}

bool stream_write(struct http_stream *s, bool *full)
{
	*full = false;
	for (;;) {
		pthread_mutex_lock(&s->lock);
		struct http_message *m =
		    s->ring_count ? http_message_ref(s->ring[s->ring_head]) : NULL;
		size_t at = s->offset;
		pthread_mutex_unlock(&s->lock);
		if (!m)
			return true;
		ssize_t n = send(s->fd, m->bytes + at, m->length - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0) {
			http_message_unref(m);
			*full = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
			return *full;
		}
		/* The queue may have been dropped meanwhile; only this thread takes from it. */
		pthread_mutex_lock(&s->lock);
		struct http_message *done = NULL;
		if (s->ring_count && s->ring[s->ring_head] == m) {
			s->offset = at + (size_t)n;
			if (s->offset == m->length)
				done = pop_locked(s);
		}
		pthread_mutex_unlock(&s->lock);
		http_message_unref(done);
		http_message_unref(m);
	}
}
