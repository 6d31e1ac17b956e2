/* Owns the list of those who wait over /v1, and the thread that answers them. Whoever changes the list holds
 * the lock; the bus is never called under it, because the bus calls us under its own. What must stay true: an
 * entry leaves the list exactly once, and whoever took it out answers or frees it. Events are only a hint: once a
 * second the thread looks at the rows themselves, some at a time. */
#include "api/openai/waiting.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/openai/answer.h"
#include "app/job.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

enum {
	POLL_MS = 1000,
	ARENA_CAP = 256 << 20,
	STREAM_BYTES_MAX = 48 << 20,
	ENTRIES_MAX = 4096,
};

struct entry {
	struct entry *next;
	struct waiting *waiting;
	struct waiting_order order;
	struct http_request *rq; /* parked */
	struct http_response *rs;
	struct http_stream *stream;
	struct bus_subscription *signed_out;
	int64_t looked_at_ns;
	int partials; /* sent so far */
	bool due;     /* look at its job now */
	bool gone;    /* its client has left, or was cut */
};

struct waiting {
	struct api *api;
	struct db *db;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct entry *first;
	size_t count;
	bool stop;
};

/* --- streams --- */

static struct http_message *message_of(struct buf *b)
{
	struct http_message *m = b->failed ? NULL : http_message_create(b->data, b->length);
	buf_finish(b);
	return m;
}

static void send_and_forget(struct http_stream *s, struct buf *b)
{
	struct http_message *m = message_of(b);
	if (m)
		http_stream_send(s, m);
	http_message_unref(m);
}

static void entry_free(struct entry *n)
{
	bus_unsubscribe(n->signed_out);
	http_stream_unref(n->stream);
	free(n);
}

static void mark_gone(struct entry *n)
{
	struct waiting *w = n->waiting;
	pthread_mutex_lock(&w->lock);
	n->gone = true;
	pthread_cond_signal(&w->some);
	pthread_mutex_unlock(&w->lock);
}

/* On the hub's thread: the client has left. The entry is freed by ours. */
static void on_close(void *context)
{
	mark_gone(context);
}

static void on_signed_out(void *context, const void *message)
{
	struct entry *n = context;
	struct buf out;
	struct err e;
	(void)message;
	err_set(&e, ERR_FORBIDDEN, "This token, or the access behind it, has ended");
	buf_init(&out, 4096);
	openai_put_stream_error(&out, &e);
	send_and_forget(n->stream, &out);
	http_stream_close(n->stream);
}

/* --- who waits --- */

/* A stream always gets in: its client may be told why there is nothing for it. */
static bool add(struct waiting *w, struct entry *n)
{
	pthread_mutex_lock(&w->lock);
	bool ok = !w->stop && w->count < ENTRIES_MAX;
	if (!ok)
		n->order.job_id = 0;
	if (ok || n->stream) {
		n->due = true; /* it may have ended between its making and now */
		n->next = w->first;
		w->first = n;
		w->count++;
		pthread_cond_signal(&w->some);
	}
	pthread_mutex_unlock(&w->lock);
	return ok;
}

static struct entry *entry_new(struct waiting *w, const struct waiting_order *order)
{
	struct entry *n = calloc(1, sizeof *n);
	if (!n)
		abort();
	n->waiting = w;
	n->order = *order;
	return n;
}

static void answer_error(struct entry *n, const struct err *e);

void waiting_park(struct waiting *w, const struct waiting_order *order, struct http_request *rq,
		  struct http_response *rs)
{
	struct entry *n = entry_new(w, order);
	n->rq = rq;
	n->rs = rs;
	http_response_park(rs);
	if (!add(w, n)) {
		struct err e;
		err_set(&e, ERR_BUSY, "The server cannot take more of these now: try again");
		answer_error(n, &e);
		entry_free(n);
	}
}

void waiting_stream(struct waiting *w, const struct waiting_order *order, struct http_response *rs)
{
	struct entry *n = entry_new(w, order);
	char topic[48];
	const struct http_stream_options o = {
	    .messages_max = 64, .bytes_max = STREAM_BYTES_MAX, .on_close = on_close, .context = n};
	n->stream = http_stream_create(&o);
	snprintf(topic, sizeof topic, "signed_out:%lld", (long long)order->account_id);
	n->signed_out = bus_subscribe(w->api->bus, topic, on_signed_out, n);
	http_response_stream(rs, http_stream_ref(n->stream));
	if (!add(w, n)) {
		struct err e;
		err_set(&e, ERR_BUSY, "The server cannot take more of these now: try again");
		answer_error(n, &e);
	}
}

static double threshold(const struct entry *n)
{
	return (double)(n->partials + 1) / (n->order.partials + 1);
}

static bool wants(const struct entry *n, int64_t job_id, double progress)
{
	return n->order.job_id == job_id && n->stream && !n->gone &&
	       n->partials < n->order.partials && progress >= threshold(n);
}

bool waiting_watched(struct waiting *w, int64_t job_id)
{
	bool found = false;
	pthread_mutex_lock(&w->lock);
	for (struct entry *n = w->first; n && !found; n = n->next)
		found = n->order.job_id == job_id && n->stream && n->partials < n->order.partials;
	pthread_mutex_unlock(&w->lock);
	return found;
}

void waiting_seen(struct waiting *w, int64_t job_id, double progress, const struct image *image)
{
	struct buf files[IMAGE_FORMAT_WEBP + 1];
	bool any = false;
	pthread_mutex_lock(&w->lock);
	for (struct entry *n = w->first; n && !any; n = n->next)
		any = image && wants(n, job_id, progress);
	pthread_mutex_unlock(&w->lock);
	if (!any)
		return;
	for (int i = 0; i <= IMAGE_FORMAT_WEBP; i++)
		buf_init(&files[i], 16 << 20);
	pthread_mutex_lock(&w->lock);
	for (struct entry *n = w->first; n; n = n->next) {
		struct err e = {0};
		struct buf *file = &files[n->order.format], out;
		if (!wants(n, job_id, progress) ||
		    (!file->length && !image_encode(image, n->order.format, NULL, file, &e)))
			continue;
		buf_init(&out, STREAM_BYTES_MAX);
		openai_put_partial(&out, &n->order, n->partials++, image->width, image->height,
				   file);
		send_and_forget(n->stream, &out);
	}
	pthread_mutex_unlock(&w->lock);
	for (int i = 0; i <= IMAGE_FORMAT_WEBP; i++)
		buf_finish(&files[i]);
}

void waiting_changed(struct waiting *w, int64_t job_id)
{
	pthread_mutex_lock(&w->lock);
	for (struct entry *n = w->first; n; n = n->next)
		if (n->order.job_id == job_id) {
			n->due = true;
			pthread_cond_signal(&w->some);
		}
	pthread_mutex_unlock(&w->lock);
}

/* --- answers --- */

static void answer_error(struct entry *n, const struct err *e)
{
	if (n->stream) {
		struct buf out;
		buf_init(&out, 64 << 10);
		openai_put_stream_error(&out, e);
		send_and_forget(n->stream, &out);
		http_stream_close(n->stream);
	} else {
		n->rs->body.failed = false;
		http_response_error(n->rs, n->rq, e);
		http_request_resume(n->rq);
	}
}

static void answer_pictures(struct waiting *w, struct entry *n, struct app *app,
			    const struct app_job *job)
{
	struct err e = {0};
	if (n->stream) {
		for (size_t i = 0; i < job->media_count; i++) {
			struct buf out;
			buf_init(&out, STREAM_BYTES_MAX);
			if (!openai_put_completed(w->api, app, &n->order, job, i, &out, &e)) {
				buf_finish(&out);
				answer_error(n, &e);
				return;
			}
			send_and_forget(n->stream, &out);
		}
		http_stream_close(n->stream);
	} else if (openai_put_answer(w->api, app, &n->order, job, &n->rs->body, &e)) {
		http_request_resume(n->rq);
	} else {
		answer_error(n, &e);
	}
}

/* Whether it has ended, one way or the other; then it is answered. */
static bool look(struct waiting *w, struct arena *a, struct entry *n)
{
	struct app app;
	struct app_job job;
	struct err e = {0};
	app_init(&app, w->api->core, w->db, a);
	app.account_id = n->order.account_id;
	if (!app_job_get(&app, n->order.job_id, &job, &e)) {
		if (e.code != ERR_NOT_FOUND && e.code != ERR_FORBIDDEN) {
			log_warn("openai.look", LOG_ERR(&e));
			return false; /* the database does not answer: the next time */
		}
		answer_error(n, &e);
		return true;
	}
	if (job.row.state < STORE_JOB_FINISHED)
		return false;
	if (job.row.state == STORE_JOB_FINISHED) {
		answer_pictures(w, n, &app, &job);
		return true;
	}
	openai_job_error(&job, &e);
	answer_error(n, &e);
	return true;
}

/* --- the thread --- */

/* The next that has news or has not been looked at for a second. Only this thread takes entries out of the list,
 * so what it finds stays while the lock is given up. Under the lock. */
static struct entry *next_due(struct waiting *w, int64_t now_ns)
{
	for (struct entry *n = w->first; n; n = n->next)
		if (n->gone || (n->order.job_id &&
				(n->due || now_ns - n->looked_at_ns >= POLL_MS * 1000000ll)))
			return n;
	return NULL;
}

static void take_out(struct waiting *w, struct entry *n)
{
	struct entry **at = &w->first;
	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	w->count--;
}

/* Called and left with the lock. */
static void serve(struct waiting *w, struct arena *a, struct entry *n)
{
	bool gone = n->gone;
	n->due = false;
	n->looked_at_ns = clock_mono_ns();
	pthread_mutex_unlock(&w->lock);
	bool ended = !gone && look(w, a, n);
	arena_reset(a);
	pthread_mutex_lock(&w->lock);
	if (ended)
		n->order.job_id = 0;
	/* A stream that has been answered stays until its client has left: on_close still knows it. */
	if (!gone && !(ended && !n->stream))
		return;
	take_out(w, n);
	pthread_mutex_unlock(&w->lock);
	entry_free(n);
	pthread_mutex_lock(&w->lock);
}

static void waiting_run(void *argument)
{
	struct waiting *w = argument;
	struct arena *a = arena_create(ARENA_CAP);
	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		int64_t now = clock_mono_ns();
		struct entry *n = next_due(w, now);
		if (n)
			serve(w, a, n);
		else
			thread_wait_until(&w->some, &w->lock, now + POLL_MS * 1000000ll / 4);
	}
	pthread_mutex_unlock(&w->lock);
	arena_destroy(a);
}

struct waiting *waiting_start(struct api *api, struct err *e)
{
	struct waiting *w = calloc(1, sizeof *w);
	if (!w)
		abort();
	w->api = api;
	pthread_mutex_init(&w->lock, NULL);
	thread_cond_init(&w->some);
	w->db = db_open(api->pool, e);
	if (w->db && thread_start(&w->thread, "waiting", waiting_run, w, e))
		return w;
	db_close(w->db);
	pthread_cond_destroy(&w->some);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}

void waiting_stop(struct waiting *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->some);
	pthread_mutex_unlock(&w->lock);
	thread_join(w->thread);
	struct err e;
	err_set(&e, ERR_BUSY, "The server is stopping: try again in a moment");
	for (struct entry **at = &w->first; *at;) {
		struct entry *n = *at;
		if (n->order.job_id)
			answer_error(n, &e);
		if (n->stream) { /* its on_close is still to come */
			at = &n->next;
			continue;
		}
		*at = n->next;
		entry_free(n);
	}
}

void waiting_destroy(struct waiting *w)
{
	if (!w)
		return;
	while (w->first) {
		struct entry *n = w->first;
		w->first = n->next;
		entry_free(n);
	}
	db_close(w->db);
	pthread_cond_destroy(&w->some);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
