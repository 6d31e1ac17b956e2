/* Uploads that are processed behind the answer. What was sent lies in the store as an object before its row is
 * written; from then on the row is the truth: whoever processes it may die at any moment, and another takes it up. */
#ifndef MADANG_APP_UPLOAD_H
#define MADANG_APP_UPLOAD_H

#include "app/app.h"
#include "media/process.h"
#include "store/upload.h"

/* Too many wait already: of this account ERR_LIMIT, in all ERR_BUSY. Asked before anything is stored. */
bool app_upload_admit(struct app *app, struct err *e) MUST_CHECK;

struct app_upload_new {
	const char *hash; /* the object, as it was sent */
	const char *type; /* what it looks like */
	int64_t size_bytes;
	const char *description; /* NULL: none */
	double focus[2];
};
/* A pending file of one's own. Where it fails, the object goes. */
bool app_upload_add(struct app *app, const struct app_upload_new *form, struct store_media *out,
		    struct err *e) MUST_CHECK;

/* For who processes (account_id 0): the next, ours until the lease ends. */
bool app_upload_claim(struct app *app, const char *worker, int64_t lease_ms,
		      struct store_upload *out, bool *claimed, struct err *e) MUST_CHECK;
/* It is ready. Where it was processed already, or is gone, what was made now goes. */
bool app_upload_done(struct app *app, const struct store_upload *upload,
		     const struct media_processed *done, struct err *e) MUST_CHECK;
/* It never will be. message: for its owner. */
bool app_upload_failed(struct app *app, const struct store_upload *upload, const char *message,
		       struct err *e) MUST_CHECK;
/* The machine could not, now: again later, and after some tries not any more. */
bool app_upload_later(struct app *app, const struct store_upload *upload, struct err *e) MUST_CHECK;
/* What this worker had begun when it died is due again. */
bool app_upload_take_back(struct app *app, const char *worker, int64_t *count,
			  struct err *e) MUST_CHECK;

#endif
