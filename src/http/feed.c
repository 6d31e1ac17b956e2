/* Owns the buffer between who makes a body and the event loop that sends it. What must stay true: a connection that is
 * suspended here is resumed exactly once, by whoever changes what it waits for, and never after the loop has left. */
#include "http/feed.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 256 << 10 };

struct http_feed {
	atomic_int refs;
	pthread_mutex_t lock;
	pthread_cond_t room;
	char *ring;
	size_t at, count;
	bool ended, broken, left;
	struct MHD_Connection *suspended;
};

struct http_feed *http_feed_create(void)
{
	struct http_feed *f = calloc(1, sizeof *f);
	if (!f || !(f->ring = malloc(ROOM)))
		abort();
	atomic_init(&f->refs, 2);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->room, NULL);
	return f;
}

void http_feed_unref(struct http_feed *f)
{
	if (!f || atomic_fetch_sub(&f->refs, 1) > 1)
		return;
	pthread_cond_destroy(&f->room);
	pthread_mutex_destroy(&f->lock);
	free(f->ring);
	free(f);
}

/* Under the lock. */
static void wake_reader(struct http_feed *f)
{
	if (f->suspended)
		MHD_resume_connection(f->suspended);
	f->suspended = NULL;
}

bool http_feed_write(struct http_feed *f, const void *bytes, size_t length, struct err *e)
{
	const char *from = bytes;
	pthread_mutex_lock(&f->lock);
	while (length && !f->ended && !f->left) {
		while (f->count == ROOM && !f->ended && !f->left)
			pthread_cond_wait(&f->room, &f->lock);
		size_t end = (f->at + f->count) % ROOM;
		size_t n = ROOM - f->count;
		if (n > ROOM - end)
			n = ROOM - end;
		if (n > length)
			n = length;
		memcpy(f->ring + end, from, n);
		f->count += n;
		from += n;
		length -= n;
		if (n)
			wake_reader(f);
	}
	bool read_on = !f->ended && !f->left;
	pthread_mutex_unlock(&f->lock);
	return read_on || err_set(e, ERR_CANCELLED, "nobody reads any more");
}

void http_feed_end(struct http_feed *f, bool complete)
{
	pthread_mutex_lock(&f->lock);
	f->broken |= !f->ended && !complete;
	f->ended = true;
	wake_reader(f);
	pthread_cond_broadcast(&f->room);
	pthread_mutex_unlock(&f->lock);
}

long http_feed_read(struct http_feed *f, struct MHD_Connection *c, char *out, size_t room)
{
	pthread_mutex_lock(&f->lock);
	size_t n = f->count < ROOM - f->at ? f->count : ROOM - f->at;
	if (n > room)
		n = room;
	memcpy(out, f->ring + f->at, n);
	f->at = (f->at + n) % ROOM;
	f->count -= n;
	long result = n ? (long)n : f->broken ? -2 : f->ended ? -1 : 0;
	if (result == 0) {
		MHD_suspend_connection(c);
		f->suspended = c;
	}
	pthread_cond_broadcast(&f->room);
	pthread_mutex_unlock(&f->lock);
	return result;
}

void http_feed_leave(struct http_feed *f)
{
	pthread_mutex_lock(&f->lock);
	f->left = true;
	f->suspended = NULL;
	pthread_cond_broadcast(&f->room);
	pthread_mutex_unlock(&f->lock);
}
