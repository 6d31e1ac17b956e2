/* Owns the queues and the threads. Items are the caller's; each is run exactly once.
 *
 * `threads` of them run at a time. One that rests (base/thread.h: it waits for a commit) gives its place to another, so
 * that those who wait share a sync of the disk and stand in nobody's way. Threads beyond the first are started when
 * all others rest, and end when there was nothing to do for a while. One of them all never writes, so that who reads finds
 * somebody even while every other waits for the disk. What must stay true, all under the lock: `running`
 * counts the threads that have a place, among them those just woken or started; work that may be taken does not wait
 * while there is a place and somebody to take it. */
#include "http/worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

static const int64_t IDLE_NS = 20000000000, TRY_AGAIN_NS = 1000000000;

struct worker_thread {
	struct worker_pool *pool;
	pthread_t thread;
	void *worker;
	pthread_cond_t wake;
	struct worker_thread *below; /* in the stack of those who have nothing to do */
	bool awake;                  /* has a place */
	enum { WORKER_ABSENT, WORKER_ALIVE, WORKER_ENDED } state;
};

struct lane {
	void **ring; /* queue_max of them */
	size_t head, count;
};

struct worker_pool {
	struct worker_options options;
	pthread_mutex_t lock;
	struct lane lanes[WORKER_LANES];
	enum worker_lane turn; /* the lane that is served first, where both wait */
	bool stop;
	int alive, running;
	int writing;       /* threads with an item of WORKER_WRITES, those that rest among them */
	int64_t barren_ns; /* no thread could be started: not before then */
	struct worker_thread
	    *idle; /* the last to rest on top: its memory is warm, and the bottom ends */
	struct worker_thread *threads;
};

/* The lane to take from now; WORKER_LANES: none. */
static enum worker_lane next_lane(const struct worker_pool *p)
{
	bool write = p->lanes[WORKER_WRITES].count &&
		     (p->writing < p->options.threads_max - 1 || p->options.threads_max == 1);
	bool read = p->lanes[WORKER_READS].count;
	if (read && write)
		return p->turn;
	return read ? WORKER_READS : write ? WORKER_WRITES : WORKER_LANES;
}

static void *take(struct worker_pool *p, enum worker_lane lane)
{
	struct lane *l = &p->lanes[lane];
	void *item = l->ring[l->head];
	l->head = (l->head + 1) % p->options.queue_max;
	l->count--;
	p->turn = lane == WORKER_READS ? WORKER_WRITES : WORKER_READS;
	return item;
}

static void wake(struct worker_pool *p, struct worker_thread *t)
{
	p->idle = t->below;
	p->running++;
	t->awake = true;
	pthread_cond_signal(&t->wake);
}

/* Waits to be woken; false: for too long, and it is not missed. */
static bool doze(struct worker_pool *p, struct worker_thread *t)
{
	int64_t end = clock_mono_ns() + IDLE_NS;
	p->running--;
	t->awake = false;
	t->below = p->idle;
	p->idle = t;
	while (!t->awake) {
		if (thread_wait_until(&t->wake, &p->lock, end) || t->awake)
			continue;
		if (p->alive > p->options.threads)
			break;
		end = clock_mono_ns() + IDLE_NS;
	}
	if (t->awake)
		return true;
	struct worker_thread **at = &p->idle;
	while (*at != t)
		at = &(*at)->below;
	*at = t->below;
	p->running++; /* ends with a place, as the others do */
	return false;
}

static void work(struct worker_pool *p, struct worker_thread *t)
{
	for (;;) {
		enum worker_lane lane = next_lane(p);
		if (lane != WORKER_LANES && (p->running <= p->options.threads || p->stop)) {
			void *item = take(p, lane);
			p->writing += lane == WORKER_WRITES;
			pthread_mutex_unlock(&p->lock);
			p->options.run(t->worker, item);
			pthread_mutex_lock(&p->lock);
			p->writing -= lane == WORKER_WRITES;
		} else if (p->stop || !doze(p, t)) {
			return;
		}
	}
}

static bool start_one(struct worker_pool *p, struct worker_thread *t, struct err *e);

/* Something waits and there is a place: somebody comes. */
static void call_one(struct worker_pool *p)
{
	struct err e = {0};
	int64_t now;
	if (next_lane(p) == WORKER_LANES || p->stop || p->running >= p->options.threads)
		return;
	if (p->idle) {
		wake(p, p->idle);
		return;
	}
	if (p->alive >= p->options.threads_max || (now = clock_mono_ns()) < p->barren_ns)
		return;
	struct worker_thread *t = p->threads, *end = t + p->options.threads_max;
	while (t < end && t->state == WORKER_ALIVE)
		t++;
	if (t == end)
		return; /* one is just ending */
	if (t->state == WORKER_ENDED)
		thread_join(t->thread); /* it holds nothing any more */
	t->state = WORKER_ABSENT;
	if (!start_one(p, t, &e)) {
		p->barren_ns = now + TRY_AGAIN_NS;
		log_warn("http.worker", LOG_ERR(&e));
	}
}

static void rest_begin(void *context)
{
	struct worker_pool *p = context;
	pthread_mutex_lock(&p->lock);
	p->running--;
	call_one(p);
	pthread_mutex_unlock(&p->lock);
}

/* Has a place at once, even if there is one too many then: it is nearly done. */
static void rest_end(void *context)
{
	struct worker_pool *p = context;
	pthread_mutex_lock(&p->lock);
	p->running++;
	pthread_mutex_unlock(&p->lock);
}

static void worker_run(void *argument)
{
	struct worker_thread *t = argument;
	struct worker_pool *p = t->pool;
	const struct thread_rest told = {.begin = rest_begin, .end = rest_end, .context = p};
	struct err e = {0};
	thread_on_rest(&told);
	bool ok = t->worker || !p->options.create ||
		  (t->worker = p->options.create(p->options.context, &e));
	if (!ok)
		log_warn("http.worker", LOG_ERR(&e));
	pthread_mutex_lock(&p->lock);
	if (!ok)
		p->barren_ns = clock_mono_ns() + TRY_AGAIN_NS;
	else
		work(p, t);
	p->running--;
	p->alive--;
	pthread_mutex_unlock(&p->lock);
	if (t->worker && p->options.destroy)
		p->options.destroy(t->worker);
	t->worker = NULL;
	pthread_mutex_lock(&p->lock);
	call_one(p); /* what it was started for, and never came to */
	t->state = WORKER_ENDED;
	pthread_mutex_unlock(&p->lock);
}

/* With a place. Under the lock. */
static bool start_one(struct worker_pool *p, struct worker_thread *t, struct err *e)
{
	if (!thread_start(&t->thread, "worker", worker_run, t, e))
		return false;
	t->state = WORKER_ALIVE;
	t->awake = true;
	p->alive++;
	p->running++;
	return true;
}

struct worker_pool *worker_pool_start(const struct worker_options *options, struct err *e)
{
	struct worker_pool *p = calloc(1, sizeof *p);
	if (!p)
		abort();
	p->options = *options;
	if (p->options.threads_max < p->options.threads)
		p->options.threads_max = p->options.threads;
	p->threads = calloc((size_t)p->options.threads_max, sizeof *p->threads);
	if (!p->threads)
		abort();
	for (int i = 0; i < WORKER_LANES; i++)
		if (!(p->lanes[i].ring = calloc(options->queue_max, sizeof(void *))))
			abort();
	pthread_mutex_init(&p->lock, NULL);
	for (int i = 0; i < p->options.threads_max; i++) {
		p->threads[i].pool = p;
		thread_cond_init(&p->threads[i].wake);
	}
	for (int i = 0; i < options->threads; i++) {
		struct worker_thread *t = &p->threads[i];
		if (options->create && !(t->worker = options->create(options->context, e)))
			goto fail;
		pthread_mutex_lock(&p->lock);
		bool ok = start_one(p, t, e);
		pthread_mutex_unlock(&p->lock);
		if (!ok) {
			if (options->destroy)
				options->destroy(t->worker);
			goto fail;
		}
	}
	return p;
fail:
	worker_pool_destroy(p);
	return NULL;
}

static size_t waiting(const struct worker_pool *p)
{
	return p->lanes[WORKER_READS].count + p->lanes[WORKER_WRITES].count;
}

bool worker_pool_add(struct worker_pool *p, enum worker_lane lane, void *item)
{
	struct lane *l = &p->lanes[lane];
	pthread_mutex_lock(&p->lock);
	bool ok = waiting(p) < p->options.queue_max && !p->stop;
	if (ok) {
		l->ring[(l->head + l->count++) % p->options.queue_max] = item;
		call_one(p);
	}
	pthread_mutex_unlock(&p->lock);
	return ok;
}

size_t worker_pool_waiting(struct worker_pool *p)
{
	pthread_mutex_lock(&p->lock);
	size_t n = waiting(p);
	pthread_mutex_unlock(&p->lock);
	return n;
}

void worker_pool_stop(struct worker_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	while (p->idle)
		wake(p, p->idle);
	for (int i = 0; i < p->options.threads_max; i++) { /* none starts any more */
		struct worker_thread *t = &p->threads[i];
		if (t->state == WORKER_ABSENT)
			continue;
		pthread_mutex_unlock(&p->lock);
		thread_join(t->thread);
		pthread_mutex_lock(&p->lock);
		t->state = WORKER_ABSENT;
	}
	pthread_mutex_unlock(&p->lock);
}

void worker_pool_destroy(struct worker_pool *p)
{
	if (!p)
		return;
	worker_pool_stop(p);
	for (int i = 0; i < p->options.threads_max; i++)
		pthread_cond_destroy(&p->threads[i].wake);
	pthread_mutex_destroy(&p->lock);
	for (int i = 0; i < WORKER_LANES; i++)
		free(p->lanes[i].ring);
	free(p->threads);
	free(p);
}
