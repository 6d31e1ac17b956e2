/* The queue's working side: claims jobs, has them drawn, stores the pictures. */
#ifndef MADANG_JOBS_JOBS_H
#define MADANG_JOBS_JOBS_H

#include "app/app.h"
#include "makers/maker.h"
#include "media/media.h"

struct jobs;

struct jobs_hooks {
	void *context;
	/* Whether anybody watches this job now. */
	bool (*watched)(void *context, int64_t job_id);
	/* What can be seen of it so far; image NULL: only progress is known. On the drawing thread. */
	void (*seen)(void *context, int64_t job_id, int index, double progress,
		     const struct image *image, double rows);
};

struct jobs_options {
	struct app_core *core;
	struct db_pool *pool;
	struct media_store *media;
	struct maker *const *makers; /* borrowed; at least as long as the jobs */
	size_t makers_count;
	const char *worker; /* the same after a restart, different for each process */
	struct jobs_hooks hooks;
};

/* Takes back what this worker was drawing when it died, then begins. */
struct jobs *jobs_start(const struct jobs_options *options, struct err *e);
/* What is being drawn goes back to the queue. NULL-safe. */
void jobs_stop(struct jobs *j);

/* A job waits (or may): look now. Any thread. */
void jobs_wake(struct jobs *j);
/* The job was cancelled: stop drawing it. Any thread; unknown jobs are ignored. */
void jobs_cancel(struct jobs *j, int64_t job_id);

/* 0-1 of a job that is being drawn here; 0 for others. */
double jobs_progress(struct jobs *j, int64_t job_id);

size_t jobs_makers(struct jobs *j);
const struct maker_info *jobs_maker_at(struct jobs *j, size_t i);
const struct maker_info *jobs_maker(struct jobs *j, const char *id); /* NULL: there is none */

/* Between how many seconds from now a job with `before` others in front will be finished. */
void jobs_wait(struct jobs *j, const char *maker, int64_t before, int count, int64_t *low_s,
	       int64_t *high_s);

struct jobs_stats {
	unsigned long long finished, failed, cancelled, pictures;
	int drawing;
};
void jobs_stats(struct jobs *j, struct jobs_stats *out);

#endif
