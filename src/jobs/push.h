/* The worker that sends Web Push messages: one thread with a database handle of its own. The queue's rows are the
 * truth: kill it at any moment, and what was not sent is sent after the next start. */
#ifndef MADANG_JOBS_PUSH_H
#define MADANG_JOBS_PUSH_H

#include "app/app.h"

struct push;

struct push_options {
	struct app_core *core;
	struct db_pool *pool;
	const char *base_url;   /* who sends, and where the icon is */
	bool private_addresses; /* tests only: services on this machine */
};

/* Makes the server's keys where there are none, and starts the thread. */
struct push *push_start(const struct push_options *options, struct err *e);
void push_stop(struct push *p); /* NULL-safe */
const char *push_public_key(const struct push *p);
/* A hint that something waits. Any thread. */
void push_wake(struct push *p);

#endif
