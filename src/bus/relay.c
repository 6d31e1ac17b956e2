/* Owns the queue of texts to send and two threads: one sends, with a database handle of its own; one listens,
 * with a connection of its own. Other threads only queue, or send inside their own transactions.
 *
 * A notification is "ORIGIN PART KIND TEXT", PART being '+' where more of the same text follows and '.' at its
 * end: PostgreSQL takes less than 8,000 bytes at once. What must stay true: the parts of a text lie in one
 * transaction, so they arrive one after the other; and a text that arrives in part is never handed on. */
#include "bus/relay.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/thread.h"

enum {
	QUEUE_MAX = 4096,
	BATCH_MAX = 256,
	PART_BYTES = 7800,
	WAIT_MS = 250, /* how long a stop may take to be noticed */
	RETRY_MS = 500
};

static const char CHANNEL[] = "madang";

struct text {
	struct text *next;
	char kind[RELAY_KIND_MAX_BYTES + 1];
	char bytes[];
};

struct relay {
	struct db_pool *pool;
	struct relay_hooks hooks;
	char origin[17];
	atomic_uint
	    parts; /* counts, since PostgreSQL drops a notification that equals another of its transaction */
	bool started;
	atomic_bool stop, deaf, connected;
	pthread_t sender, listener;
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct text *first, **last;
	size_t waiting;
	struct db *db; /* the sender's */
	struct db_listener *ear;
};

struct relay *relay_create(struct db_pool *pool)
{
	struct relay *r = calloc(1, sizeof *r);
	if (!r)
		abort();
	r->pool = pool;
	r->last = &r->first;
	snprintf(r->origin, sizeof r->origin, "%016llx", (unsigned long long)rand_u64());
	pthread_mutex_init(&r->lock, NULL);
	thread_cond_init(&r->some);
	atomic_init(&r->connected, db_pool_kind(pool) == DB_SQLITE);
	return r;
}

bool relay_connected(struct relay *r)
{
	return atomic_load_explicit(&r->connected, memory_order_acquire);
}

/* --- sending --- */

/* How much of text goes into one part: never half a character. */
static size_t part_length(const char *text, size_t length)
{
	if (length <= PART_BYTES)
		return length;
	size_t n = PART_BYTES;
	while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static bool notify(struct relay *r, struct db *w, const char *kind, const char *text, struct err *e)
{
	char payload[PART_BYTES + 100];
	size_t left = strlen(text);
	if (left > RELAY_TEXT_MAX_BYTES || strlen(kind) > RELAY_KIND_MAX_BYTES)
		return err_set(e, ERR_TOO_LARGE, "This is too much to tell the other servers.");
	do {
		size_t n = part_length(text, left);
		snprintf(payload, sizeof payload, "%s %u%c %s %.*s", r->origin,
			 atomic_fetch_add(&r->parts, 1), n < left ? '+' : '.', kind, (int)n, text);
		if (!db_notify(w, CHANNEL, payload, e))
			return false;
		text += n;
		left -= n;
	} while (left);
	return true;
}

bool relay_send_in(struct relay *r, struct db *w, const char *kind, const char *text, struct err *e)
{
	return db_kind(w) == DB_SQLITE || notify(r, w, kind, text, e);
}

void relay_send(struct relay *r, const char *kind, const char *text)
{
	if (!r->started)
		return;
	size_t length = strlen(text);
	struct text *t = malloc(sizeof *t + length + 1);
	if (!t)
		abort();
	t->next = NULL;
	snprintf(t->kind, sizeof t->kind, "%s", kind);
	memcpy(t->bytes, text, length + 1);
	pthread_mutex_lock(&r->lock);
	bool room = r->waiting < QUEUE_MAX;
	if (room) {
		*r->last = t;
		r->last = &t->next;
		r->waiting++;
		pthread_cond_signal(&r->some);
	}
	pthread_mutex_unlock(&r->lock);
	if (!room) {
		log_warn("relay.dropped", LOG_STR("kind", kind));
		free(t);
	}
}

struct batch {
	struct relay *relay;
	struct text *first;
};

static bool send_batch(struct db *w, void *context, struct err *e)
{
	const struct batch *b = context;
	/* Nothing here is worth waiting for the disk, and others wait for our lock meanwhile. */
	if (!db_relax(w, e))
		return false;
	for (const struct text *t = b->first; t; t = t->next)
		if (!notify(b->relay, w, t->kind, t->bytes, e))
			return false;
	return true;
}

static struct text *take_batch(struct relay *r)
{
	struct text *first = r->first, *last = first;
	size_t n = 1;
	for (; last->next && n < BATCH_MAX; n++)
		last = last->next;
	r->first = last->next;
	if (!r->first)
		r->last = &r->first;
	r->waiting -= n;
	last->next = NULL;
	return first;
}

static void sender_run(void *argument)
{
	struct relay *r = argument;
	for (;;) {
		pthread_mutex_lock(&r->lock);
		while (!r->first && !atomic_load(&r->stop))
			pthread_cond_wait(&r->some, &r->lock);
		struct batch b = {.relay = r, .first = r->first ? take_batch(r) : NULL};
		pthread_mutex_unlock(&r->lock);
		if (!b.first)
			return;
		struct err e = {0};
		if (!db_write(r->db, send_batch, &b, &e))
			log_warn("relay.not_sent", LOG_ERR(&e));
		while (b.first) {
			struct text *t = b.first;
			b.first = t->next;
			free(t);
		}
	}
}

/* --- listening --- */

/* A text as it comes in, of one sender at a time: a transaction's notifications are never mixed with others. */
struct incoming {
	char origin[17];
	struct buf text;
};

/* The next word of *at goes to out; false where there is none that fits. */
static bool take_word(const char **at, char *out, size_t size)
{
	size_t n = strcspn(*at, " ");
	if (!n || n >= size || (*at)[n] != ' ')
		return false;
	memcpy(out, *at, n);
	out[n] = '\0';
	*at += n + 1;
	return true;
}

static void take(struct relay *r, struct incoming *in, const char *payload)
{
	char origin[sizeof in->origin], part[16], kind[RELAY_KIND_MAX_BYTES + 1];
	const char *text = payload;
	if (!take_word(&text, origin, sizeof origin) || !take_word(&text, part, sizeof part) ||
	    !take_word(&text, kind, sizeof kind)) {
		log_warn("relay.not_understood", LOG_INT("bytes", (int64_t)strlen(payload)));
		return;
	}
	if (!strcmp(origin, r->origin))
		return;
	if (strcmp(in->origin, origin)) {
		buf_clear(&in->text);
		memcpy(in->origin, origin, sizeof origin);
	}
	buf_add_str(&in->text, text);
	if (part[strlen(part) - 1] == '+')
		return;
	if (!in->text.failed)
		r->hooks.heard(r->hooks.context, kind, in->text.data ? in->text.data : "");
	buf_clear(&in->text);
}

static void lost(struct relay *r, struct incoming *in, const struct err *e)
{
	if (atomic_exchange(&r->connected, false)) {
		log_warn("relay.lost", LOG_ERR(e));
		r->hooks.missed(r->hooks.context);
	}
	buf_clear(&in->text);
	in->origin[0] = '\0';
	const struct timespec nap = {.tv_nsec = RETRY_MS * 1000000l};
	nanosleep(&nap, NULL);
}

static void listener_run(void *argument)
{
	struct relay *r = argument;
	struct arena *a = arena_create(64 << 10);
	struct incoming in = {0};
	buf_init(&in.text, RELAY_TEXT_MAX_BYTES);
	while (!atomic_load(&r->deaf)) {
		struct err e = {0};
		char *payload = NULL;
		bool came = db_listener_wait(r->ear, WAIT_MS, a, &payload, &e);
		if (!came && e.code != ERR_BUSY) {
			lost(r, &in, &e);
			continue;
		}
		if (!atomic_load(&r->connected)) {
			log_info("relay.connected");
			atomic_store_explicit(&r->connected, true, memory_order_release);
			r->hooks.missed(r->hooks.context);
		}
		if (came)
			take(r, &in, payload);
		arena_reset(a);
	}
	buf_finish(&in.text);
	arena_destroy(a);
}

bool relay_start(struct relay *r, const struct relay_hooks *hooks, struct err *e)
{
	r->hooks = *hooks;
	if (db_pool_kind(r->pool) == DB_SQLITE)
		return true;
	if (!(r->db = db_open(r->pool, e)) || !(r->ear = db_listener_open(r->pool, CHANNEL, e)))
		return false;
	atomic_store(&r->connected, true);
	if (!thread_start(&r->sender, "relay-send", sender_run, r, e))
		return false;
	if (!thread_start(&r->listener, "relay-hear", listener_run, r, e)) {
		atomic_store(&r->stop, true);
		pthread_cond_broadcast(&r->some);
		thread_join(r->sender);
		return false;
	}
	return r->started = true;
}

void relay_deafen(struct relay *r)
{
	if (r && r->started && !atomic_exchange(&r->deaf, true))
		thread_join(r->listener);
}

void relay_destroy(struct relay *r)
{
	if (!r)
		return;
	relay_deafen(r);
	if (r->started) {
		pthread_mutex_lock(&r->lock);
		atomic_store(&r->stop, true);
		pthread_cond_broadcast(&r->some);
		pthread_mutex_unlock(&r->lock);
		thread_join(r->sender);
	}
	db_listener_close(r->ear);
	db_close(r->db);
	pthread_cond_destroy(&r->some);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
