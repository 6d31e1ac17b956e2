/* Processing uploads behind the answer: as many threads as media/process.h runs children, each with a database handle
 * of its own, and one that tells those who would wait a moment. The rows are the truth (app/upload.h): kill it at
 * any moment, and what was not processed is processed after the next start. Any thread may call this. */
#ifndef MADANG_JOBS_UPLOADS_H
#define MADANG_JOBS_UPLOADS_H

#include "app/app.h"
#include "media/media.h"

struct uploads;

struct uploads_options {
	struct app_core *core;
	struct db_pool *pool;
	struct media_store *media;
	const char *worker; /* the same after a restart, different for each process; borrowed */
	int wait_ms;        /* the longest anybody waits for one; 0: nobody does */
};

enum { UPLOADS_WAITING_MAX = 1024 };

/* Takes up what this worker had begun when it died. */
struct uploads *uploads_start(const struct uploads_options *options, struct err *e);
/* Tells everybody who waits; what is being processed is finished first. Before the HTTP server's end. NULL-safe. */
void uploads_stop(struct uploads *u);
void uploads_destroy(struct uploads *u); /* stopped; NULL-safe */

struct uploads_order {
	int64_t account_id, media_id;
	void *context;
	/* What has become of it, by the time that one waits: still pending, too. A failed one was deleted: nobody
	 * has heard of it. Borrowed for the call. */
	void (*done)(void *context, const struct store_media *media);
};

/* An upload was added: it is processed now. order not NULL and true: `done` is called once, on another thread,
 * perhaps before this returns. False: nobody is to wait for it. */
bool uploads_added(struct uploads *u, const struct uploads_order *order);

#endif
