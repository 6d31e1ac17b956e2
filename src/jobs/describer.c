/* Owns the line of those who want a picture described and the thread that serves it. The line is an array under the
 * lock; whoever takes an order out of it calls its `done`, without the lock. What must stay true: accounts take turns,
 * so that one with many pictures does not keep another waiting. */
#include "jobs/describer.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/thread.h"
#include "jobs/parts.h"

enum { ARENA_CAP = 256 << 20, TEXT_BYTES_MAX = 16 << 10 };

struct waiting {
	struct describer_order order;
	char hash[MEDIA_HASH_SIZE];
	/* The round it belongs to: an account's next picture is of the round after its last one's, a newcomer's of
	 * the round that is served. The lowest goes first. */
	uint64_t turn;
};

struct describer {
	struct maker *maker;
	struct media_store *media;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct waiting line[DESCRIBER_WAITING_MAX]; /* in the order of their coming */
	size_t count;
	int64_t served; /* the account whose picture is looked at now; 0: none */
	uint64_t turn;  /* of the one that was served last */
	bool stop;
	atomic_bool cancelled;
};

const char *describer_model(const struct describer *d)
{
	return maker_info(d->maker)->model;
}

static void look(struct describer *d, struct arena *a, const struct waiting *w)
{
	struct err e = {0};
	struct image image;
	struct buf text;
	char *bytes;
	size_t length;

	buf_init(&text, TEXT_BYTES_MAX);
	bool ok = source_read_object(d->media, a, w->hash, &bytes, &length, &e) &&
		  image_decode(a, bytes, length, NULL, &image, &e) &&
		  maker_describe(d->maker, &image, &d->cancelled, &text, &e);
	if (ok && !text.length)
		ok = err_set(&e, ERR_IO, "The model found no words for this picture.");
	if (!ok && e.code == ERR_CANCELLED)
		err_set(&e, ERR_BUSY, "The server is stopping: try again in a moment");
	else if (!ok)
		log_warn("describer.failed", LOG_ERR(&e));
	w->order.done(w->order.context, ok ? text.data : NULL, &e);
	buf_finish(&text);
}

/* The one whose turn is next; of equals, who came first. With the lock. */
static struct waiting take(struct describer *d)
{
	size_t next = 0;
	for (size_t i = 1; i < d->count; i++)
		if (d->line[i].turn < d->line[next].turn)
			next = i;
	struct waiting w = d->line[next];
	d->count--;
	memmove(d->line + next, d->line + next + 1, (d->count - next) * sizeof *d->line);
	return w;
}

static void describer_run(void *argument)
{
	struct describer *d = argument;
	struct arena *a = arena_create(ARENA_CAP);
	thread_give_way();
	pthread_mutex_lock(&d->lock);
	for (;;) {
		while (!d->count && !d->stop)
			pthread_cond_wait(&d->some, &d->lock);
		if (d->stop)
			break;
		struct waiting w = take(d);
		d->served = w.order.account_id;
		d->turn = w.turn;
		pthread_mutex_unlock(&d->lock);
		look(d, a, &w);
		arena_reset(a);
		pthread_mutex_lock(&d->lock);
		d->served = 0;
	}
	pthread_mutex_unlock(&d->lock);
	arena_destroy(a);
}

bool describer_ask(struct describer *d, const struct describer_order *order, struct err *e)
{
	struct waiting w = {.order = *order};
	if (strlen(order->hash) >= sizeof w.hash)
		return err_set(e, ERR_INVALID, "not the name of an object");
	memcpy(w.hash, order->hash, strlen(order->hash) + 1);
	pthread_mutex_lock(&d->lock);
	int own = d->served == order->account_id;
	w.turn = d->turn + (own ? 1 : 0);
	for (size_t i = 0; i < d->count; i++)
		if (d->line[i].order.account_id == order->account_id) {
			own++;
			w.turn = d->line[i].turn + 1;
		}
	bool ok = !d->stop || err_set(e, ERR_BUSY, "The server is stopping: try again in a moment");
	if (ok && own >= DESCRIBER_ACCOUNT_MAX)
		ok = err_set(e, ERR_LIMIT, "%d of your pictures are being described: wait for one",
			     own);
	if (ok && d->count == DESCRIBER_WAITING_MAX)
		ok =
		    err_set(e, ERR_BUSY, "Too many pictures wait to be described: try again later");
	if (ok) {
		d->line[d->count++] = w;
		pthread_cond_signal(&d->some);
	}
	pthread_mutex_unlock(&d->lock);
	return ok;
}

struct describer *describer_start(struct maker *maker, struct media_store *media, struct err *e)
{
	struct describer *d = calloc(1, sizeof *d);
	if (!d)
		abort();
	d->maker = maker;
	d->media = media;
	pthread_mutex_init(&d->lock, NULL);
	thread_cond_init(&d->some);
	if (thread_start(&d->thread, "describer", describer_run, d, e))
		return d;
	pthread_cond_destroy(&d->some);
	pthread_mutex_destroy(&d->lock);
	free(d);
	return NULL;
}

void describer_stop(struct describer *d)
{
	struct err e;
	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	bool first = !d->stop;
	d->stop = true;
	atomic_store(&d->cancelled, true);
	pthread_cond_signal(&d->some);
	pthread_mutex_unlock(&d->lock);
	if (first)
		thread_join(d->thread);
	err_set(&e, ERR_BUSY, "The server is stopping: try again in a moment");
	while (d->count) {
		struct waiting w = take(d);
		w.order.done(w.order.context, NULL, &e);
	}
}

void describer_destroy(struct describer *d)
{
	if (!d)
		return;
	pthread_cond_destroy(&d->some);
	pthread_mutex_destroy(&d->lock);
	free(d);
}
