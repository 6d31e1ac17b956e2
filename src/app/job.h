/* Drawing jobs: submitting, watching, cancelling; and the side of the workers, which runs as the program
 * (account_id 0). Fair order: virtual time over accounts, so that nobody's batch delays another's picture. */
#ifndef MADANG_APP_JOB_H
#define MADANG_APP_JOB_H

#include "app/post.h"
#include "store/job.h"

struct app_job_new {
	const char *prompt;
	const char *style; /* may be NULL */
	bool has_seed;
	int64_t seed;
	int count;        /* 1-4 */
	double guidance;  /* 0-20 */
	double strength;  /* 0-1 */
	double region[4]; /* x, y, width, height in 0-1; all 0: the whole picture */
	enum store_job_task task;
	int64_t source_media_id; /* 0: none */
	int64_t source_post_id;  /* 0: none */
	/* EDIT only: further pictures of one's own, and a mask of the source's size. */
	const int64_t *further_ids;
	size_t further_count;
	int64_t mask_id; /* 0: none */
	const char *maker;
	bool
	    reads_source; /* the maker knows the words of a source that was made here, or looks: a restyle needs no others */
	const char
	    *model; /* what the maker would draw with, for what programmes open; may be NULL */
	const char *programme;       /* may be NULL */
	int64_t programme_id;        /* 0: found by itself where one is needed */
	const char *idempotency_key; /* may be NULL */
	int64_t reply_to_post_id;    /* @draw */
	int64_t payer_id;            /* whose quotas count; 0: who asks */
	enum store_prompt_visibility prompt_visibility;
};

struct app_job {
	struct store_job row;
	int64_t position;             /* jobs before it; while queued */
	struct store_job_ahead ahead; /* of itself, or of the identical one that it follows */
	const struct store_media *media;
	size_t media_count;
	const struct store_media *source; /* what it starts from; NULL: none, or gone */
	/* Of row.further and row.masked: those that are still there. */
	const struct store_media *further;
	size_t further_count;
	const struct store_media *mask;      /* NULL: none, or gone */
	const struct store_account *account; /* in app_job_queue only */
};
struct app_jobs {
	struct app_job *items;
	size_t count;
	int64_t first;
	int64_t last;
	bool more;
};

bool app_job_submit(struct app *app, const struct app_job_new *form, struct app_job *out,
		    struct err *e) MUST_CHECK;
bool app_job_get(struct app *app, int64_t id, struct app_job *out, struct err *e) MUST_CHECK;
/* The row alone: without its place, which is looked up over the whole queue. */
bool app_job_row(struct app *app, int64_t id, struct store_job *out, struct err *e) MUST_CHECK;
bool app_job_list(struct app *app, const struct store_page *page, struct app_jobs *out,
		  struct err *e) MUST_CHECK;
/* Cancels what waits or runs; takes what has ended out of the history. Administrators may cancel any. What it
 * took of quotas is given back. */
bool app_job_cancel(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_job_remove(struct app *app, int64_t id, struct err *e) MUST_CHECK;
/* Every one of an account's that waits or is drawn: one's own, or as an administrator anybody's. In steps, each of
 * which holds at once: whoever stops it half way has cancelled the newest. */
bool app_job_cancel_account(struct app *app, int64_t account_id, int64_t *cancelled,
			    struct err *e) MUST_CHECK;
/* Administrators. after_id: behind this one, which has not ended; 0: from the front. */
bool app_job_queue(struct app *app, int64_t after_id, int limit, struct app_jobs *out,
		   struct err *e) MUST_CHECK;

/* Workers. */
bool app_job_claim(struct app *app, const char *maker, const char *worker, int64_t lease_ms,
		   struct store_job *out, bool *claimed, struct err *e) MUST_CHECK;
/* ERR_CANCELLED: it was cancelled, or somebody else has it; stop drawing. */
bool app_job_renew(struct app *app, const struct store_job *job, int64_t lease_ms,
		   struct err *e) MUST_CHECK;
/* Finished pictures, whose objects are stored already: their files (hashes, types, sizes, BlurHash, tokens) and seeds;
 * the rest is filled in from the job. Exactly once: rows of the pictures, the job's state and (for @draw) the
 * answering post are one transaction. ERR_CANCELLED: the job is not ours any more; nothing was changed, delete the objects. */
bool app_job_finish(struct app *app, const struct store_job *job, const char *model,
		    const struct store_media *pictures, size_t count, struct err *e) MUST_CHECK;
/* For good; the reason says what to do. @draw answers politely with it. */
bool app_job_fail(struct app *app, const struct store_job *job, const char *code,
		  const char *message, struct err *e) MUST_CHECK;
/* The language of who asked ("ko"), in the arena; NULL where they have no account here or it isn't known. */
const char *app_job_language(struct app *app, const struct store_job *job);
/* Back to the queue (shutting down, or the maker was busy). */
bool app_job_release(struct app *app, const struct store_job *job, struct err *e) MUST_CHECK;
/* These leases' holders are dead: the jobs of those that were not renewed since wait again, or fail after too many attempts. */
bool app_job_recover(struct app *app, const struct store_lease *leases, size_t count,
		     int64_t *recovered, struct err *e) MUST_CHECK;

/* Consent: whether prompts of this account may leave for a remote maker. */
bool app_consent_get(struct app *app, const char *maker, bool *given, struct err *e) MUST_CHECK;
bool app_consent_give(struct app *app, const char *maker, struct err *e) MUST_CHECK;

/* The local account that answers mentions with pictures; made at first use. 0 where it was switched off. */
bool app_draw_account(struct app *app, int64_t *account_id, struct err *e) MUST_CHECK;

#endif
