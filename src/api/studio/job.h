/* A drawing job as JSON and as events on a stream. */
#ifndef MADANG_API_STUDIO_JOB_H
#define MADANG_API_STUDIO_JOB_H

#include "api/serial.h"
#include "app/job.h"
#include "jobs/jobs.h"

void job_put(struct serial *s, const char *key, const struct app_job *job);

/* The job has another state: stops drawing what was cancelled, tells everybody who watches how it stands. Runs
 * on the live thread. */
void job_changed(struct api *api, struct app *app, int64_t job_id);

/* Places in the queue have changed: whoever watches a job that waits is told its new one. */
void job_moved(struct api *api);

/* The hooks of jobs_options; context: struct api. Any thread. */
bool job_watched(void *context, int64_t job_id);
void job_seen(void *context, int64_t job_id, int index, double progress, const struct image *image,
	      double rows);

#endif
