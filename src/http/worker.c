/* Owns the queue and the threads. Items are the caller's; each is run exactly once. */
#include "http/worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/thread.h"

struct worker_pool {
	struct worker_options options;
	pthread_mutex_t lock;
	pthread_cond_t some;
	void **ring;
	size_t head, count;
	bool stop;
	int started;
	struct worker_thread {
		struct worker_pool *pool;
		pthread_t thread;
		void *worker;
	} * threads;
};

static void worker_run(void *argument)
{
	struct worker_thread *t = argument;
	struct worker_pool *p = t->pool;
	for (;;) {
		pthread_mutex_lock(&p->lock);
		while (!p->count && !p->stop)
			pthread_cond_wait(&p->some, &p->lock);
		if (!p->count) {
			pthread_mutex_unlock(&p->lock);
			return;
		}
		void *item = p->ring[p->head];
		p->head = (p->head + 1) % p->options.queue_max;
		p->count--;
		pthread_mutex_unlock(&p->lock);
		p->options.run(t->worker, item);
	}
}

struct worker_pool *worker_pool_start(const struct worker_options *options, struct err *e)
{
	struct worker_pool *p = calloc(1, sizeof *p);
	if (!p)
		abort();
	p->options = *options;
	p->ring = calloc(options->queue_max, sizeof *p->ring);
	p->threads = calloc((size_t)options->threads, sizeof *p->threads);
	if (!p->ring || !p->threads)
		abort();
	pthread_mutex_init(&p->lock, NULL);
	thread_cond_init(&p->some);
	for (; p->started < options->threads; p->started++) {
		struct worker_thread *t = &p->threads[p->started];
		t->pool = p;
		if (options->create && !(t->worker = options->create(options->context, e)))
			goto fail;
		if (!thread_start(&t->thread, "worker", worker_run, t, e)) {
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

bool worker_pool_add(struct worker_pool *p, void *item)
{
	pthread_mutex_lock(&p->lock);
	bool ok = p->count < p->options.queue_max && !p->stop;
	if (ok) {
		p->ring[(p->head + p->count++) % p->options.queue_max] = item;
		pthread_cond_signal(&p->some);
	}
	pthread_mutex_unlock(&p->lock);
	return ok;
}

size_t worker_pool_waiting(struct worker_pool *p)
{
	pthread_mutex_lock(&p->lock);
	size_t n = p->count;
	pthread_mutex_unlock(&p->lock);
	return n;
}

void worker_pool_stop(struct worker_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->some);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->started; i++) {
		thread_join(p->threads[i].thread);
		if (p->options.destroy)
			p->options.destroy(p->threads[i].worker);
	}
	p->started = 0;
}

void worker_pool_destroy(struct worker_pool *p)
{
	if (!p)
		return;
	worker_pool_stop(p);
	pthread_cond_destroy(&p->some);
	pthread_mutex_destroy(&p->lock);
	free(p->ring);
	free(p->threads);
	free(p);
}
