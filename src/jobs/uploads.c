/* Owns the threads that process uploads, the list of those who wait for one, and the thread that tells them. The list
 * is under the lock; only the telling thread takes entries out of it (and uploads_stop, when that thread has ended),
 * and calls their `done` without the lock. Another process may do what was sent here, so the telling thread looks at
 * the rows. What must stay true: nothing but a row says whether an upload is done. */
#include "jobs/uploads.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/media.h"
#include "app/upload.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

enum {
	THREADS = MEDIA_PROCESSES_MAX,
	ARENA_CAP = 8 << 20,
	PROCESS_MS = 60 * 1000,
	LEASE_MS = 3 * 60 * 1000,
	LOOK_NS = 100 * 1000 * 1000,
	IDLE_NS = 500 * 1000 * 1000,
};

struct waiter {
	struct waiter *next;
	struct uploads_order order;
	int64_t until_ns;
};

struct uploads {
	struct uploads_options options;
	pthread_mutex_t lock;
	pthread_cond_t some;  /* an upload was added, or it is time to stop */
	pthread_cond_t ended; /* one was processed, somebody waits, or it is time to stop */
	unsigned long long added, news; /* they only count */
	bool stop;
	struct waiter *first;
	size_t waiting;
	struct worker {
		struct uploads *uploads;
		struct db *db;
		pthread_t thread;
	} workers[THREADS];
	int started;
	struct db *db; /* the telling thread's */
	pthread_t teller;
	bool tells;
};

/* --- processing --- */

static const char *reason(const struct err *e)
{
	return e->code == ERR_INVALID ? "Validation failed: file is not a picture that can be read "
					"(PNG, JPEG, WebP or GIF)"
				      : e->message;
}

static bool process(struct uploads *u, struct app *app, const struct store_upload *upload,
		    struct err *e)
{
	struct media_processed *out = ARENA_NEW(app->arena, struct media_processed);
	struct err why = {0};
	uint64_t size;
	int fd;
	bool ok = media_open(u->options.media, upload->hash, &fd, &size, &why);
	if (ok) {
		ok = media_process_within(u->options.media, fd, PROCESS_MS, out, &why);
		close(fd);
	}
	app->now_ms = clock_house_ms();
	if (ok)
		return app_upload_done(app, upload, out, e);
	log_info("upload.refused", LOG_INT("media", upload->media_id),
		 LOG_INT("attempt", upload->attempts), LOG_ERR(&why));
	if (why.code == ERR_INVALID || why.code == ERR_TOO_LARGE || why.code == ERR_NOT_FOUND)
		return app_upload_failed(app, upload,
					 why.code == ERR_NOT_FOUND
					     ? "The upload is gone. Please upload it again."
					     : reason(&why),
					 e);
	return app_upload_later(app, upload, e);
}

/* False: nothing was due. */
static bool step(struct worker *w, struct arena *a)
{
	struct uploads *u = w->uploads;
	struct app app;
	struct err e = {0};
	struct store_upload upload;
	bool claimed = false;
	app_init(&app, u->options.core, w->db, a);
	if (!app_upload_claim(&app, u->options.worker, LEASE_MS, &upload, &claimed, &e) ||
	    (claimed && !process(u, &app, &upload, &e))) {
		log_warn("upload.queue", LOG_ERR(&e));
		return false;
	}
	return claimed;
}

static void run(void *context)
{
	struct worker *w = context;
	struct uploads *u = w->uploads;
	struct arena *a = arena_create(ARENA_CAP);
	pthread_mutex_lock(&u->lock);
	while (!u->stop) {
		unsigned long long seen = u->added;
		pthread_mutex_unlock(&u->lock);
		bool more = step(w, a);
		arena_reset(a);
		int64_t until = clock_mono_ns() + IDLE_NS;
		pthread_mutex_lock(&u->lock);
		if (more) {
			u->news++;
			pthread_cond_signal(&u->ended);
			continue;
		}
		while (!u->stop && u->added == seen && thread_wait_until(&u->some, &u->lock, until))
			;
	}
	pthread_mutex_unlock(&u->lock);
	arena_destroy(a);
}

/* --- telling --- */

/* What nobody has heard of need not be there. */
static void forget_failed(struct app *app, int64_t media_id)
{
	struct err e = {0};
	if (!app_media_delete(app, media_id, &e))
		log_warn("upload.forget", LOG_ERR(&e));
}

/* Whether there was anything to say: it has ended, or the time is over. */
static bool tell(struct uploads *u, struct arena *a, const struct waiter *n, bool over)
{
	struct app app;
	struct err e = {0};
	struct store_media m;
	app_init(&app, u->options.core, u->db, a);
	app.account_id = n->order.account_id;
	if (!app_media_get(&app, n->order.media_id, &m, &e)) {
		if (e.code != ERR_NOT_FOUND)
			log_warn("upload.look", LOG_ERR(&e));
		if (e.code != ERR_NOT_FOUND && !over)
			return false;
		m = (struct store_media){.id = n->order.media_id,
					 .state = e.code == ERR_NOT_FOUND ? STORE_MEDIA_FAILED
									  : STORE_MEDIA_PENDING,
					 .description = ""};
	} else if (m.state == STORE_MEDIA_FAILED) {
		forget_failed(&app, m.id);
	} else if (m.state == STORE_MEDIA_PENDING && !over) {
		return false;
	}
	n->order.done(n->order.context, &m);
	return true;
}

/* Looks at each once. Only this thread takes entries out, so what it holds stays while the lock is given up. */
static void tell_all(struct uploads *u, struct arena *a)
{
	for (struct waiter **at = &u->first; *at;) {
		struct waiter *n = *at;
		bool over = u->stop || clock_mono_ns() >= n->until_ns;
		pthread_mutex_unlock(&u->lock);
		bool told = tell(u, a, n, over);
		arena_reset(a);
		pthread_mutex_lock(&u->lock);
		if (!told) {
			at = &n->next;
			continue;
		}
		if (*at != n) /* newer ones stand in front of it */
			for (at = &u->first; *at != n; at = &(*at)->next)
				;
		*at = n->next;
		u->waiting--;
		free(n);
	}
}

static void run_teller(void *context)
{
	struct uploads *u = context;
	struct arena *a = arena_create(ARENA_CAP);
	pthread_mutex_lock(&u->lock);
	while (!u->stop) {
		unsigned long long seen = u->news;
		tell_all(u, a);
		int64_t until = clock_mono_ns() + (u->first ? LOOK_NS : IDLE_NS);
		while (!u->stop && u->news == seen && thread_wait_until(&u->ended, &u->lock, until))
			;
	}
	tell_all(u, a);
	pthread_mutex_unlock(&u->lock);
	arena_destroy(a);
}

bool uploads_added(struct uploads *u, const struct uploads_order *order)
{
	struct waiter *n = order && u->options.wait_ms > 0 ? calloc(1, sizeof *n) : NULL;
	if (n) {
		n->order = *order;
		n->until_ns = clock_mono_ns() + u->options.wait_ms * INT64_C(1000000);
	}
	pthread_mutex_lock(&u->lock);
	u->added++;
	pthread_cond_signal(&u->some);
	bool waits = n && !u->stop && u->waiting < UPLOADS_WAITING_MAX;
	if (waits) {
		n->next = u->first;
		u->first = n;
		u->waiting++;
		u->news++; /* the teller looks now, and then more often */
		pthread_cond_signal(&u->ended);
	}
	pthread_mutex_unlock(&u->lock);
	if (!waits)
		free(n);
	return waits;
}

/* --- start and end --- */

static bool take_back(struct uploads *u, struct err *e)
{
	struct arena *a = arena_create(ARENA_CAP);
	struct app app;
	int64_t count = 0;
	app_init(&app, u->options.core, u->db, a);
	bool ok = app_upload_take_back(&app, u->options.worker, &count, e);
	if (count)
		log_info("upload.taken_back", LOG_INT("count", count));
	arena_destroy(a);
	return ok;
}

struct uploads *uploads_start(const struct uploads_options *options, struct err *e)
{
	struct uploads *u = calloc(1, sizeof *u);
	if (!u)
		abort();
	u->options = *options;
	pthread_mutex_init(&u->lock, NULL);
	thread_cond_init(&u->some);
	thread_cond_init(&u->ended);
	u->db = db_open(options->pool, e);
	bool ok = u->db && take_back(u, e);
	ok = ok && (u->tells = thread_start(&u->teller, "uploads-tell", run_teller, u, e));
	for (; ok && u->started < THREADS; u->started += ok) {
		struct worker *w = &u->workers[u->started];
		w->uploads = u;
		w->db = db_open(options->pool, e);
		ok = w->db && thread_start(&w->thread, "uploads", run, w, e);
		if (!ok)
			db_close(w->db);
	}
	if (ok)
		return u;
	uploads_stop(u);
	uploads_destroy(u);
	return NULL;
}

void uploads_stop(struct uploads *u)
{
	if (!u)
		return;
	pthread_mutex_lock(&u->lock);
	u->stop = true;
	pthread_cond_broadcast(&u->some);
	pthread_cond_broadcast(&u->ended);
	pthread_mutex_unlock(&u->lock);
	if (u->tells)
		thread_join(u->teller);
	for (int i = 0; i < u->started; i++)
		thread_join(u->workers[i].thread);
	u->tells = false;
	for (int i = 0; i < u->started; i++)
		db_close(u->workers[i].db);
	u->started = 0;
}

void uploads_destroy(struct uploads *u)
{
	if (!u)
		return;
	db_close(u->db);
	pthread_cond_destroy(&u->some);
	pthread_cond_destroy(&u->ended);
	pthread_mutex_destroy(&u->lock);
	free(u);
}
