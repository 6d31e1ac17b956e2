/* Approval before publishing. What was made under a programme that asks for it is held: its files are served to
 * its owner and the reviewers only, and a post that carries it is seen by its author only, until somebody
 * approves it. */
#ifndef MADANG_APP_REVIEW_H
#define MADANG_APP_REVIEW_H

#include "app/post.h"
#include "store/programme.h"
#include "store/review.h"

enum { APP_REVIEWS_MAX = 80 };

struct app_review {
	struct store_review row;
	struct store_programme programme;
	struct app_post post; /* as its author sees it */
	bool has_post;        /* false: it was deleted */
	bool overdue;
};

/* One's own; out has room for the page's limit. */
bool app_review_list(struct app *app, const struct store_page *page, struct app_review *out,
		     size_t *found, struct err *e) MUST_CHECK;
/* After changes were asked for. text: NULL leaves it as it is. */
bool app_review_resubmit(struct app *app, int64_t id, const char *text, struct app_review *out,
			 struct err *e) MUST_CHECK;

/* Moderators: the desk, the nearest deadline first; room for APP_REVIEWS_MAX. */
bool app_review_desk(struct app *app, enum store_review_state state, struct app_review *out,
		     size_t *found, struct err *e) MUST_CHECK;
/* to: changes, approved or refused; a reason is needed for all but approval. deadline_hours: for changes; 0: the
 * programme's. ERR_CONFLICT where somebody else was faster. */
bool app_review_decide(struct app *app, int64_t id, enum store_review_state to, const char *reason,
		       int64_t deadline_hours, struct app_review *out, struct err *e) MUST_CHECK;

/* Whether who asks may have an object; *held: it must not be kept by caches. */
bool app_review_object(struct app *app, const char *hash, bool *allowed, bool *held,
		       struct err *e) MUST_CHECK;

#endif
