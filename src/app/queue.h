/* Steering the queue: one's own jobs by their owner, all of them by administrators; the makers' rules and the
 * load's settings. Only what waits can be steered. */
#ifndef MADANG_APP_QUEUE_H
#define MADANG_APP_QUEUE_H

#include "app/job.h"
#include "store/worker.h"

/* The owner's. ERR_CONFLICT: it does not wait any more. Whether the maker can do it is the caller's to know. */
bool app_queue_move(struct app *app, int64_t id, const char *maker, struct err *e) MUST_CHECK;
bool app_queue_pause(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_queue_resume(struct app *app, int64_t id, struct err *e) MUST_CHECK;
/* Before another of one's own with the same maker; before_id 0: behind all of these. */
bool app_queue_reorder(struct app *app, int64_t id, int64_t before_id, struct err *e) MUST_CHECK;

/* Administrators. */
bool app_queue_front(struct app *app, int64_t id, struct err *e) MUST_CHECK;
struct app_maker_change {
	const bool *paused; /* NULL: as it is */
	const char *reason;
	const double *cost;
};
bool app_maker_change(struct app *app, const char *maker, const struct app_maker_change *change,
		      struct store_maker_rule *out, struct err *e) MUST_CHECK;

/* Anybody: what one picture of it costs. */
bool app_queue_cost(struct app *app, const char *maker, double *cost, struct err *e) MUST_CHECK;

bool app_maker_counts(struct app *app, const char *maker, int64_t *queued, int64_t *drawing,
		      struct err *e) MUST_CHECK;
/* Every process that was heard of in the last seconds. */
bool app_worker_list(struct app *app, struct store_worker **items, size_t *count,
		     struct err *e) MUST_CHECK;
/* How many jobs got the pictures of an identical one. */
bool app_job_joined(struct app *app, int64_t *count, struct err *e) MUST_CHECK;

/* Anybody. level -1: measured; banner: "auto", "on" or "off"; message "": the front end's own. */
struct app_load_settings {
	int level;
	const char *banner;
	const char *message;
};
bool app_load_settings_get(struct app *app, struct app_load_settings *out,
			   struct err *e) MUST_CHECK;
/* Administrators. NULL members stay as they are. */
struct app_load_change {
	const int *level;
	const char *banner;
	const char *message;
};
bool app_load_settings_change(struct app *app, const struct app_load_change *change,
			      struct app_load_settings *out, struct err *e) MUST_CHECK;

/* How many pictures this account has in the queue, and how many would be its share of what is there. */
bool app_queue_share(struct app *app, int64_t *own, double *share, struct err *e) MUST_CHECK;

/* The workers' side, as the program. */
bool app_worker_beat(struct app *app, const struct store_worker *worker, struct err *e) MUST_CHECK;
bool app_worker_leave(struct app *app, const char *name, struct err *e) MUST_CHECK;
/* Adds to the histograms; `halve` marks those that are full: what was long ago counts less. */
struct app_times {
	const struct store_time *items;
	size_t count;
	const struct store_time *halve;
	size_t halve_count;
};
bool app_times_add(struct app *app, const struct app_times *times, struct err *e) MUST_CHECK;

#endif
