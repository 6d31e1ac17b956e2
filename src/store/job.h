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
enum { STORE_JOB_FURTHER_MAX = 15 };

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
	int further;              /* pictures besides the source: store_job_sources */
	bool masked;              /* and a mask */
	int64_t reply_to_post_id; /* @draw: answer this post */
	const char *maker;
	const char *model;     /* NULL until drawn */
	const char *programme; /* may be NULL */
	int64_t token_id;      /* asked with this token; 0: in a browser */
	int64_t programme_id;  /* 0: none */
	enum store_prompt_visibility prompt_visibility;
	double turn;
	double weight;
	int running_max; /* how many of its account may be drawn at the same time */
	bool paused;
	const char *same;  /* what is asked for, hashed; NULL: never joined with another */
	int64_t leader_id; /* gets the pictures of this identical job; 0: is drawn itself */
	double behind;     /* its turn less the queue's clock, when it was asked for */
	int64_t promise_low_ms, promise_high_ms, promise_mean_ms; /* mean 0: no promise stands */
	int64_t promise_least_ms, promise_most_ms;                /* expected, before calibration */
	int promise_kind;                                         /* whose calibration */
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
/* What it begins with besides its source. Position 0 is the mask; further pictures from 1 on, in their order. */
enum { STORE_JOB_MASK = 0 };
struct store_job_source {
	int position;
	int64_t media_id;
};
bool store_job_source_insert(struct db *w, int64_t job_id, const struct store_job_source *source,
			     struct err *e) MUST_CHECK;
bool store_job_sources(struct db *db, int64_t job_id,
		       struct store_job_source out[STORE_JOB_FURTHER_MAX + 1], size_t *count,
		       struct err *e) MUST_CHECK;
bool store_job_of_account(struct db *db, struct arena *arena, int64_t account_id,
			  const struct store_page *page, struct store_jobs *out,
			  struct err *e) MUST_CHECK;
/* Everything that waits or runs, in the order it will be drawn; behind a job that does, or from the beginning (NULL). */
bool store_job_queue(struct db *db, struct arena *arena, const struct store_job *after, int limit,
		     struct store_jobs *out, struct err *e) MUST_CHECK;
/* What is before a job in its maker's queue, and what is being drawn there. Of very many, `jobs` is exact; of what kind
 * and whose they are is taken from the first hundreds of them. */
enum { STORE_JOB_TASKS = 4, STORE_JOB_COUNT_MAX = 4 };
struct store_job_ahead {
	int64_t jobs;                                         /* 0: it is next */
	int64_t own;                                          /* of them, of the same account */
	int64_t by[STORE_JOB_TASKS][STORE_JOB_COUNT_MAX + 1]; /* by task and count */
	int64_t drawing[STORE_JOB_TASKS][STORE_JOB_COUNT_MAX + 1];
	int64_t own_drawing; /* at any maker */
	double behind;       /* its turn less the queue's clock */
};
bool store_job_ahead(struct db *db, const struct store_job *job, struct store_job_ahead *out,
		     struct err *e) MUST_CHECK;
/* The newest jobs that take a place in a queue, newest first; and those that wait beyond what was promised. */
struct store_job_mark {
	const char *maker;
	enum store_job_task task;
	int count;
	double behind;
	int64_t created_at;
	int64_t promise_most_ms;
	int promise_kind;
};
bool store_job_newest(struct db *db, struct arena *arena, int64_t after_id,
		      struct store_job_mark *out, size_t room, size_t *found,
		      struct err *e) MUST_CHECK;
bool store_job_overdue(struct db *db, struct arena *arena, int64_t now_ms,
		       struct store_job_mark *out, size_t room, size_t *found,
		       struct err *e) MUST_CHECK;
/* Whether anything waits for the maker. */
bool store_job_waits(struct db *db, const char *maker, bool *waits, struct err *e) MUST_CHECK;
bool store_job_count(struct db *db, int64_t *queued, int64_t *drawing, struct err *e) MUST_CHECK;
bool store_job_count_active(struct db *db, int64_t account_id, int64_t *count,
			    struct err *e) MUST_CHECK;
bool store_job_count_running(struct db *db, int64_t account_id, int64_t *count,
			     struct err *e) MUST_CHECK;
/* Whoever adds, claims or moves jobs of an account does so one after the other until the commit. */
bool store_job_account_lock(struct db *w, int64_t account_id, struct err *e) MUST_CHECK;

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
/* Of many at once, at most DB_IDS_MAX: those that have not ended, nobody else's to change until the commit; their
 * cancelling; and which of them others follow. */
bool store_job_open_of(struct db *w, struct arena *arena, const int64_t *ids, size_t count,
		       struct store_jobs *out, struct err *e) MUST_CHECK;
bool store_job_cancel_of(struct db *w, const int64_t *ids, size_t count, int64_t now_ms,
			 struct err *e) MUST_CHECK;
bool store_job_followed_of(struct db *db, const int64_t *ids, size_t count, int64_t *followed,
			   size_t *found, struct err *e) MUST_CHECK;
/* Some of an account's that have not ended, newest first, so that who cancels them all never moves those behind;
 * and its words taken out of all of them. */
bool store_job_open_ids(struct db *db, int64_t account_id, int64_t *ids, size_t room, size_t *found,
			struct err *e) MUST_CHECK;
bool store_job_forget(struct db *w, int64_t account_id, struct err *e) MUST_CHECK;
bool store_job_hide(struct db *w, int64_t id, struct err *e) MUST_CHECK;
/* The leases of what is drawn: all, or those of `worker`. A lease that is renewed has another `until`. */
struct store_lease {
	int64_t job_id, lease, until;
};
bool store_job_leases(struct db *db, struct arena *arena, const char *worker,
		      struct store_lease **out, size_t *count, struct err *e) MUST_CHECK;
/* The job of a lease that nobody has renewed since, nobody else's to change until the commit; *found false: somebody has. */
bool store_job_silent(struct db *w, struct arena *arena, const struct store_lease *lease,
		      struct store_job *out, bool *found, struct err *e) MUST_CHECK;
/* Back to the queue, at its old place; the attempt counts. */
bool store_job_give_back(struct db *w, int64_t id, int64_t lease, struct err *e) MUST_CHECK;

/* The fair order of one maker: virtual time. Account 0 is the queue's own. 0 where there is no row. */
bool store_job_turn_get(struct db *db, const char *maker, int64_t account_id, double *turn,
			struct err *e) MUST_CHECK;
bool store_job_turn_set(struct db *w, const char *maker, int64_t account_id, double turn,
			struct err *e) MUST_CHECK;
/* The account's jobs that wait for this maker behind a turn and are not paused, in their order; on PostgreSQL without those
 * that are being claimed now, and held until the commit. */
struct store_job_place {
	int64_t id;
	double turn, cost; /* cost: in turns */
};
bool store_job_lane(struct db *w, struct arena *arena, const char *maker, int64_t account_id,
		    double behind_turn, struct store_job_place **places, size_t *count,
		    struct err *e) MUST_CHECK;
/* A job that waits gets another place; what was promised for the old one stands no more. */
bool store_job_place_set(struct db *w, int64_t id, double turn, struct err *e) MUST_CHECK;
bool store_job_pause(struct db *w, int64_t id, bool paused, double turn, bool *changed,
		     struct err *e) MUST_CHECK;
bool store_job_move(struct db *w, int64_t id, const char *maker, double turn, bool *changed,
		    struct err *e) MUST_CHECK;
/* The turn of the first that waits for the maker. *found false: none does. */
bool store_job_first_turn(struct db *db, const char *maker, double *turn, bool *found,
			  struct err *e) MUST_CHECK;

/* Identical jobs. *id 0: none waits or runs. */
bool store_job_same(struct db *db, const char *same, int64_t *id, struct err *e) MUST_CHECK;
bool store_job_count_joined(struct db *db, int64_t *count, struct err *e) MUST_CHECK;
bool store_job_followers(struct db *db, struct arena *arena, int64_t leader_id,
			 struct store_jobs *out, struct err *e) MUST_CHECK;
/* The leader is gone: `id` is drawn itself from now on, at this turn; the others follow it. */
bool store_job_promote(struct db *w, int64_t id, int64_t old_leader_id, double turn,
		       struct err *e) MUST_CHECK;
bool store_job_follower_finish(struct db *w, int64_t id, const char *model, int64_t seed,
			       int64_t now_ms, bool *changed, struct err *e) MUST_CHECK;

/* How full the queue is, over all makers: of those whose turn has come. */
struct store_job_pressure {
	int64_t queued, drawing;
	int64_t accounts;      /* with jobs whose turn has come */
	int64_t oldest_due_at; /* 0: none is due */
	int64_t pictures;      /* of all that waits or is drawn */
	double weights;        /* of the accounts with such jobs */
};
bool store_job_pressure(struct db *db, struct store_job_pressure *out, struct err *e) MUST_CHECK;
/* Pictures that wait or are drawn for one account. */
bool store_job_pictures(struct db *db, int64_t account_id, int64_t *pictures,
			struct err *e) MUST_CHECK;
/* Of one maker, for administrators. */
bool store_job_count_of(struct db *db, const char *maker, int64_t *queued, int64_t *drawing,
			struct err *e) MUST_CHECK;

#endif
