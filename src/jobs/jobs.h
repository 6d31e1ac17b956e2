/* The queue's working side: claims jobs, has them drawn, stores the pictures; knows who can draw what, how long it
 * takes, and when it is too much. */
#ifndef MADANG_JOBS_JOBS_H
#define MADANG_JOBS_JOBS_H

#include "app/app.h"
#include "app/job.h"
#include "app/queue.h"
#include "jobs/fleet.h"
#include "jobs/load.h"
#include "makers/maker.h"
#include "media/media.h"

struct jobs;

struct jobs_hooks {
	void *context;
	/* Whether anybody watches this job in this process now. NULL: nobody ever does. */
	bool (*watched)(void *context, int64_t job_id);
	/* What can be seen of it so far; image NULL: only progress is known. On the drawing thread, or the one
	 * that heard of it. */
	void (*seen)(void *context, int64_t job_id, int index, double progress,
		     const struct image *image, double rows);
	/* Tells the other processes what can be seen, as text for their jobs_heard. NULL: there are none. */
	void (*tell)(void *context, const char *text);
	/* About every two seconds while something waits: places and waits have changed. On the heart's thread. May
	 * be NULL. */
	void (*moved)(void *context);
	/* The level, the banner or its words have changed. On the heart's thread. May be NULL. */
	void (*load)(void *context);
};

struct jobs_options {
	struct app_core *core;
	struct db_pool *pool;
	struct media_store *media;
	struct maker *const *makers; /* borrowed; at least as long as the jobs */
	size_t makers_count;
	bool watch_only;    /* draws nothing: these makers only decode what others draw */
	const char *worker; /* the same after a restart, different for each process */
	int lease_ms;       /* how long a job waits for a worker that has died */
	double load_wait_s; /* see load_level_of */
	struct jobs_hooks hooks;
};

/* Takes back what this worker was drawing when it died, then begins. */
struct jobs *jobs_start(const struct jobs_options *options, struct err *e);
/* What is being drawn goes back to the queue. NULL-safe. */
void jobs_stop(struct jobs *j);

/* A job waits (or may): look now. Any thread. */
void jobs_wake(struct jobs *j);
/* Rules or settings have changed: read them now. Any thread. */
void jobs_refresh(struct jobs *j);
/* The job was cancelled: stop drawing it. Any thread; unknown jobs are ignored. */
void jobs_cancel(struct jobs *j, int64_t job_id);
/* The job has another state, perhaps: if it is drawn here, see whether it is still ours. Any thread. */
void jobs_doubt(struct jobs *j, int64_t job_id);
/* What another process told. Wrong texts are ignored. */
void jobs_heard(struct jobs *j, const char *text);

/* 0-1 of a job that is being drawn here, or that others told of lately; 0 for others. */
double jobs_progress(struct jobs *j, int64_t job_id);

/* Those of this process and of others. */
size_t jobs_makers(struct jobs *j);
const struct maker_info *jobs_maker_at(struct jobs *j, size_t i);
const struct maker_info *jobs_maker(struct jobs *j, const char *id); /* NULL: there is none */
bool jobs_maker_state(struct jobs *j, const char *id, struct fleet_state *out);
/* Somebody draws with it, and no administrator has paused it. */
bool jobs_maker_open(struct jobs *j, const char *id);
/* A sentence for the person, in the arena; NULL where it is open. */
const char *jobs_maker_reason(struct jobs *j, struct arena *a, const char *id);

/* app_hooks.job_admit and app_hooks.job_promise. */
bool jobs_admit(struct jobs *j, struct app *app, const struct app_job_new *form,
		struct err *e) MUST_CHECK;
void jobs_promise(struct jobs *j, struct store_job *job, const struct store_job_ahead *ahead);

/* The queue card of a job that waits. */
struct jobs_elsewhere {
	const struct maker_info *maker;
	int64_t low_s, high_s;
};
struct jobs_card {
	int64_t low_s,
	    high_s; /* between how many seconds from now it will be finished; 0, 0: nobody knows */
	const char *reason;                                /* a word: see docs/api.md */
	struct jobs_elsewhere elsewhere[FLEET_MAKERS_MAX]; /* who could begin at once */
	size_t elsewhere_count;
};
void jobs_card(struct jobs *j, const struct app_job *job, struct jobs_card *out);

/* How busy it is, for everybody. */
struct jobs_load {
	enum load_level level;
	bool melting;
	char message[320]; /* "": none */
	int count_max;     /* pictures a job may ask for */
	int64_t retry_after_s;
	int64_t queued, drawing;
	/* For administrators. */
	double utilisation, queue_age_s, memory_free;
	double pictures_per_cpu_s, pictures_per_joule; /* 0: not known */
};
void jobs_load(struct jobs *j, struct jobs_load *out);

struct jobs_service {
	double samples, p10_s, p50_s, p90_s;
	double kept, broken; /* promises */
};
void jobs_service(struct jobs *j, const char *maker, struct jobs_service *out);

struct jobs_stats {
	unsigned long long finished, failed, cancelled, pictures, refused, previews, tokens_told;
	int drawing;
};
void jobs_stats(struct jobs *j, struct jobs_stats *out);
/* What this process has done, as others are told it. */
void jobs_work(struct jobs *j, struct store_work *out);
const char *jobs_worker_name(struct jobs *j);
int jobs_slots(struct jobs *j); /* of this process */

#endif
