/* How long things take, as histograms that forget: the service times of each maker, task and size, and how far the
 * estimates were off. From these come ranges that are kept nine times out of ten.
 *
 * A range has two expectations of its own. The least: nobody overtakes. The most: people go on coming as they do just
 * now, and those who have less in line than this job's account come first. Each end is then corrected by how far the
 * real waits were from it, by how far behind the queue's clock the job stood.
 *
 * What is measured here waits until it is taken for the database; what the database has (from all processes,
 * also from before) replaces what was loaded before. Any thread. */
#ifndef MADANG_JOBS_TIMES_H
#define MADANG_JOBS_TIMES_H

#include "app/job.h"
#include "app/queue.h"

struct times;

enum times_kind {
	TIMES_SERVICE,      /* seconds from the claim to the finish */
	TIMES_PROMISES = 5, /* bucket 0 broken, 1 kept */
	TIMES_LATE = 6,     /* the real wait over the most that was expected, by class */
	TIMES_EARLY = 12,   /* over the least */
	TIMES_CLASSES = 5
};

struct times *times_create(void);
void times_destroy(struct times *t); /* NULL-safe */

struct times_key {
	const char *maker;
	int task;
	int64_t size; /* pixels of the whole job */
	int kind;
};
void times_add(struct times *t, const struct times_key *key, double value);
void times_promise(struct times *t, const char *maker, bool kept);

/* Of service times; where this size was never measured, from what was, by the pixel. */
double times_mean(struct times *t, const struct times_key *key);
/* 0 samples: *value is left alone. q: 0-1; low ends of buckets below the middle, high ends above. */
double times_quantile(struct times *t, const struct times_key *key, double q, double *value);
/* Over all tasks and sizes of a maker. */
double times_samples(struct times *t, const char *maker, double q, double *value);
void times_promises(struct times *t, const char *maker, double *kept, double *broken);

/* What a job meets: the machines that draw for its maker, and how big its pictures are. */
struct times_place {
	int slots;
	int64_t pixels; /* of one picture */
};
/* Who came last, newest first: whoever waits behind jobs of their own is overtaken by such people. One more, as it
 * comes, until they are read again. */
enum { TIMES_ARRIVALS = 256 };
struct times_arrival {
	const char *maker;
	int task, count;
	double behind; /* the queue's clock, in pictures of its account */
	int64_t at_ms;
};
void times_arrivals(struct times *t, const struct times_arrival *items, size_t count,
		    int64_t now_ms);
void times_arrived(struct times *t, const struct times_arrival *one);
/* Those who still wait although their time is over count as late already, so that the next ones are told sooner. */
struct times_overdue {
	const char *maker;
	int class;
	double ratio; /* of the wait until now to the most that was expected */
};
void times_overdue(struct times *t, const struct times_overdue *items, size_t count);

/* Seconds from now to the finished picture: expected, and the range. */
struct times_wait {
	double mean_s, low_s, high_s;
	double least_s, most_s; /* before calibration */
	int class;              /* whose calibration it is */
};
void times_wait(struct times *t, const struct store_job *job, const struct store_job_ahead *ahead,
		const struct times_place *place, struct times_wait *out);

/* What was measured since, for the database; the rows live in the arena. */
void times_take(struct times *t, struct arena *a, struct store_time **items, size_t *count,
		struct store_time **halve, size_t *halve_count);
void times_load(struct times *t, const struct store_time *items, size_t count);

#endif
