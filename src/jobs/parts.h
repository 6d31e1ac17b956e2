/* Between the files of jobs/ only. */
#ifndef MADANG_JOBS_PARTS_H
#define MADANG_JOBS_PARTS_H

#include <pthread.h>

#include "app/job.h"
#include "jobs/jobs.h"

/* How long one picture takes, smoothed. */
struct wait_times {
	pthread_mutex_t lock;
	double mean_s, spread_s; /* 0: nothing measured yet */
};
void wait_init(struct wait_times *w);
void wait_finish(struct wait_times *w);
void wait_measured(struct wait_times *w, double seconds_a_picture);
void wait_estimate(struct wait_times *w, int slots, double pictures_before, int count,
		   int64_t *low_s, int64_t *high_s);

/* Fills the request's source from the job's source picture. ERR_NOT_FOUND where it is gone. */
MUST_CHECK bool source_load(struct media_store *media, struct app *app, const struct store_job *job,
			    const struct maker_info *info, struct maker_request *request,
			    struct err *e);

/* Encodes and stores; the rows are app_job_finish's. The prompt stays out of the file: who may see it is decided
 * where posts are shown. */
MUST_CHECK bool result_store(struct media_store *media, struct arena *a,
			     const struct store_job *job, const struct maker_info *info,
			     const struct maker_picture *pictures, int count,
			     struct app_job_picture *out, struct err *e);

#endif
