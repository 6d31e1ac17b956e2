/* Owns a few places for archives that are being written, and their threads. What must stay true: a place is free only
 * when its thread has been joined; after exports_stop nothing here touches the database. */
#include "api/exports.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "app/export.h"
#include "base/log.h"
#include "base/thread.h"

enum { PLACES = 4, ARENA_CAP = 4 << 20 };

struct place {
	struct exports *exports;
	enum { PLACE_FREE, PLACE_BUSY, PLACE_DONE } state;
	pthread_t thread;
	struct http_feed *feed;
	struct arena *arena;
	struct app app;
	struct store_account account;
};

struct exports {
	struct api *api;
	pthread_mutex_t lock;
	bool stopped;
	struct place places[PLACES];
};

static bool into_feed(void *context, const void *bytes, size_t length, struct err *e)
{
	return http_feed_write(context, bytes, length, e);
}

static void run(void *context)
{
	struct place *p = context;
	const struct app_sink sink = {p->feed, into_feed};
	struct err e = {0};
	struct db *db = db_open(p->exports->api->pool, &e);
	bool ok = false;
	if (db) {
		p->app.db = db;
		ok = app_archive_write(&p->app, &p->account, p->exports->api->media, &sink, &e);
	}
	db_close(db);
	if (!ok)
		log_warn("export.failed", LOG_INT("account", p->account.id), LOG_ERR(&e));
	http_feed_end(p->feed, ok);
	pthread_mutex_lock(&p->exports->lock);
	p->state = PLACE_DONE;
	pthread_mutex_unlock(&p->exports->lock);
}

static void clear(struct place *p)
{
	thread_join(p->thread);
	http_feed_unref(p->feed);
	arena_destroy(p->arena);
	*p = (struct place){.exports = p->exports};
}

/* Under the lock. NULL: none is free. */
static struct place *find(struct exports *x, int64_t account_id, bool *twice)
{
	struct place *found = NULL;
	*twice = false;
	for (int i = 0; i < PLACES; i++) {
		struct place *p = &x->places[i];
		if (p->state == PLACE_DONE)
			clear(p);
		if (p->state == PLACE_FREE)
			found = p;
		*twice |= p->state == PLACE_BUSY && p->account.id == account_id;
	}
	return found;
}

bool exports_begin(struct exports *x, const struct app *app, const struct store_account *account,
		   struct http_response *rs, struct err *e)
{
	bool twice, ok = false;
	pthread_mutex_lock(&x->lock);
	struct place *p = find(x, account->id, &twice);
	if (!p || twice || x->stopped) {
		err_set(e, twice ? ERR_LIMIT : ERR_BUSY,
			twice ? "This archive is being downloaded already."
			      : "Other archives are being made: try again in some minutes.");
		pthread_mutex_unlock(&x->lock);
		return false;
	}
	p->arena = arena_create(ARENA_CAP);
	p->app = *app;
	p->app.arena = p->arena;
	p->app.ip = p->app.agent = p->app.origin = NULL;
	p->app.filters = NULL;
	p->account = *account;
	const char **texts[] = {
	    &p->account.username,    &p->account.domain,       &p->account.uri,
	    &p->account.url,         &p->account.display_name, &p->account.note,
	    &p->account.fields,      &p->account.avatar_hash,  &p->account.avatar_type,
	    &p->account.header_hash, &p->account.header_type};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (*texts[i])
			*texts[i] = arena_strdup(p->arena, *texts[i]);
	p->account.avatar_remote_url = p->account.header_remote_url = NULL;
	p->feed = http_feed_create();
	p->state = PLACE_BUSY;
	ok = thread_start(&p->thread, "export", run, p, e);
	if (ok) {
		http_response_feed(rs, p->feed);
	} else {
		http_feed_unref(p->feed);
		http_feed_unref(p->feed);
		arena_destroy(p->arena);
		*p = (struct place){.exports = x};
	}
	pthread_mutex_unlock(&x->lock);
	return ok;
}

struct exports *exports_create(struct api *api)
{
	struct exports *x = calloc(1, sizeof *x);
	if (!x)
		abort();
	x->api = api;
	pthread_mutex_init(&x->lock, NULL);
	for (int i = 0; i < PLACES; i++)
		x->places[i].exports = x;
	return x;
}

void exports_stop(struct exports *x)
{
	if (!x)
		return;
	pthread_mutex_lock(&x->lock);
	x->stopped = true;
	for (int i = 0; i < PLACES; i++)
		if (x->places[i].state == PLACE_BUSY)
			http_feed_end(x->places[i].feed, false);
	pthread_mutex_unlock(&x->lock);
	for (int i = 0; i < PLACES; i++)
		if (x->places[i].state != PLACE_FREE)
			clear(&x->places[i]);
}

void exports_destroy(struct exports *x)
{
	if (!x)
		return;
	pthread_mutex_destroy(&x->lock);
	free(x);
}
