/* Between the files of jobs/ only. */
#ifndef MADANG_JOBS_PARTS_H
#define MADANG_JOBS_PARTS_H

#include <pthread.h>

#include "app/job.h"
#include "jobs/jobs.h"
#include "jobs/times.h"

/* A job that is being drawn here. In the list exactly while its thread is inside draw_job. */
struct running {
	int64_t job_id, lease;
	atomic_bool cancelled;
	_Atomic double progress;
	struct running *next;
};

enum { HEARD_MAX = 256 };
/* How far a job is that another process draws. */
struct heard {
	int64_t job_id;
	double progress;
};

struct jobs {
	struct jobs_options options;
	char worker[256];
	struct fleet *fleet;
	struct times *times;
	pthread_mutex_t lock;
	pthread_cond_t some; /* a job waits, or it is time to stop */
	unsigned long long
	    wakes; /* counts, so that a wake between looking and waiting is not lost */
	bool stop;
	struct running *running;
	struct slot *slots;
	int slots_count, slots_started;
	struct jobs_stats stats;
	struct heard heard[HEARD_MAX];
	size_t heard_next;
	struct jobs_load load;     /* under the lock */
	struct store_work work;    /* CPU time and energy; under the lock */
	_Atomic int64_t jumped_at; /* when the wall clock last jumped; 0: never */
	/* heart.c */
	pthread_t heart;
	bool heart_runs;
	pthread_cond_t beat;
	unsigned long long nudges;
	bool doubt; /* leases are to be looked at now */
	bool draining;
};

MUST_CHECK bool heart_start(struct jobs *j, struct err *e);
/* Behind the drawing threads: leaves the list of workers, keeps what was measured. */
void heart_stop(struct jobs *j);
void heart_nudge(struct jobs *j, bool doubt);

/* A job has been drawn: how long it took, and whether it came when it was promised. */
void promise_measure(struct jobs *j, const struct maker_info *info, const struct store_job *job,
		     double service_s, int64_t now_ms);

/* What a drawing thread sees goes to who watches, here and elsewhere. */
void preview_tell(struct jobs *j, int64_t job_id, const char *maker, int index, double progress,
		  const int32_t *tokens, size_t count);

/* A whole object, in the arena (*length bytes and room for one more). */
MUST_CHECK bool source_read_object(struct media_store *media, struct arena *a, const char *hash,
				   char **bytes, size_t *length, struct err *e);

/* Fills the request's source from the job's source picture. ERR_NOT_FOUND where it is gone. */
MUST_CHECK bool source_load(struct media_store *media, struct app *app, const struct store_job *job,
			    const struct maker_info *info, struct maker_request *request,
			    struct err *e);

/* Encodes and stores; the rows are app_job_finish's. The prompt stays out of the file: who may see it is decided
 * where posts are shown. */
MUST_CHECK bool result_store(struct media_store *media, struct arena *a,
			     const struct store_job *job, const struct maker_info *info,
			     const struct maker_picture *pictures, int count,
			     struct store_media *out, struct err *e);

#endif
