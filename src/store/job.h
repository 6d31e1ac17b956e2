/* Drawing jobs: the row is the truth; a wake-up is only a hint. */
#ifndef MADANG_STORE_JOB_H
#define MADANG_STORE_JOB_H

#include "store/post.h"

enum store_job_state {
	STORE_JOB_QUEUED,
	STORE_JOB_DRAWING,
	STORE_JOB_FINISHED,
	STORE_JOB_FAILED,
	STORE_JOB_CANCELLED,
};

enum store_job_task { STORE_JOB_DRAW, STORE_JOB_RESTYLE, STORE_JOB_VARY, STORE_JOB_EDIT };

struct store_job {
	int64_t id;
	int64_t account_id;
	enum store_job_state state;
	enum store_job_task task;
	const char *prompt;
	const char *style; /* may be NULL */
	bool has_seed;
	int64_t seed;
	int count;
	double guidance;
	double strength;
	double region_x, region_y, region_width, region_height; /* all 0: the whole picture */
	int64_t source_media_id;
	int64_t source_post_id;
	int64_t reply_to_post_id; /* @draw: answer this post */
	const char *maker;
	const char *model;     /* NULL until drawn */
	const char *programme; /* may be NULL */
	enum store_prompt_visibility prompt_visibility;
	double turn;
	int attempts;
	int64_t lease; /* the right to finish it */
	int64_t lease_until;
	const char *worker;
	const char *error_code;
	const char *error_message;
	bool hidden;
	int64_t created_at;
	int64_t started_at;
	int64_t finished_at;
};

struct store_jobs {
	struct store_job *items;
	size_t count;
	bool more;
};

bool store_job_insert(struct db *w, const struct store_job *job, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_job_get(struct db *db, struct arena *arena, int64_t id, struct store_job *out,
		   struct err *e) MUST_CHECK;
bool store_job_of_account(struct db *db, struct arena *arena, int64_t account_id,
			  const struct store_page *page, struct store_jobs *out,
			  struct err *e) MUST_CHECK;
/* Everything that waits or runs, in the order it will be drawn. */
bool store_job_queue(struct db *db, struct arena *arena, int limit, struct store_jobs *out,
		     struct err *e) MUST_CHECK;
/* How many jobs are before it in its maker's queue (0: it is next). */
bool store_job_position(struct db *db, const struct store_job *job, int64_t *before,
			struct err *e) MUST_CHECK;
bool store_job_count(struct db *db, int64_t *queued, int64_t *drawing, struct err *e) MUST_CHECK;
bool store_job_count_active(struct db *db, int64_t account_id, int64_t *count,
			    struct err *e) MUST_CHECK;

/* The next job of `maker`, in fair order, now ours until lease_until. *claimed false: nothing waits. */
bool store_job_claim(struct db *w, struct arena *arena, const char *maker, const char *worker,
		     int64_t lease, int64_t lease_until, int64_t now_ms, struct store_job *out,
		     bool *claimed, struct err *e) MUST_CHECK;
/* *changed false: the lease is not ours any more. */
bool store_job_renew(struct db *w, int64_t id, int64_t lease, int64_t lease_until, bool *changed,
		     struct err *e) MUST_CHECK;
bool store_job_finish(struct db *w, int64_t id, int64_t lease, const char *model, int64_t seed,
		      int64_t now_ms, bool *changed, struct err *e) MUST_CHECK;
bool store_job_fail(struct db *w, int64_t id, int64_t lease, const char *code, const char *message,
		    int64_t now_ms, bool *changed, struct err *e) MUST_CHECK;
/* Back to the queue, at its old place. */
bool store_job_release(struct db *w, int64_t id, int64_t lease, bool *changed,
		       struct err *e) MUST_CHECK;
/* Queued or drawing becomes cancelled. */
bool store_job_cancel(struct db *w, int64_t id, int64_t now_ms, bool *changed,
		      struct err *e) MUST_CHECK;
bool store_job_hide(struct db *w, int64_t id, struct err *e) MUST_CHECK;
/* Jobs whose lease has ended (worker NULL) or that `worker` held go back to the queue; those with
 * attempts_max attempts fail. Their number in *recovered. */
bool store_job_recover(struct db *w, const char *worker, int attempts_max, int64_t now_ms,
		       int64_t *recovered, struct err *e) MUST_CHECK;

/* The fair order: virtual time. Account 0 is the queue's own. 0 where there is no row. */
bool store_job_turn_get(struct db *db, int64_t account_id, double *turn, struct err *e) MUST_CHECK;
bool store_job_turn_set(struct db *w, int64_t account_id, double turn, struct err *e) MUST_CHECK;

#endif
