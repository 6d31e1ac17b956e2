/* Feedback from testers, and the credit they earn by it. Taking part is voluntary. */
#ifndef MADANG_APP_FEEDBACK_H
#define MADANG_APP_FEEDBACK_H

#include "app/app.h"
#include "base/buf.h"
#include "store/feedback.h"

struct app_feedback {
	struct store_feedback row;
	struct store_media media; /* of row.media_id, where has_media */
	bool has_media;
	struct store_account account;
};

struct app_feedback_new {
	int64_t programme_id;
	int64_t media_id;    /* one's own; 0: none */
	int64_t post_id;     /* one that the tester may see; 0: none */
	const char *answers; /* one a line, for each question of the form; NULL: none */
	const char *text;    /* may be NULL */
};
/* By members. */
bool app_feedback_add(struct app *app, const struct app_feedback_new *form,
		      struct app_feedback *out, struct err *e) MUST_CHECK;
/* all: administrators only; programme_id 0, state -1: any. Otherwise one's own. */
bool app_feedback_list(struct app *app, bool all, int64_t programme_id, int state,
		       const struct store_page *page, struct app_feedback *out, size_t *found,
		       struct err *e) MUST_CHECK;
/* Administrators, once. credits: 0 to APP_CREDITS_MAX where accepted. */
enum { APP_CREDITS_MAX = 1000 };
bool app_feedback_decide(struct app *app, int64_t id, bool accepted, int64_t credits,
			 const char *reason, struct app_feedback *out, struct err *e) MUST_CHECK;

bool app_credit_list(struct app *app, const struct store_page *page, int64_t *balance,
		     struct store_credit *out, size_t *found, struct err *e) MUST_CHECK;
/* Administrators. amount > 0: gives; < 0: takes for something; never below nothing. */
bool app_credit_move(struct app *app, int64_t account_id, int64_t amount, const char *reason,
		     int64_t *balance, struct err *e) MUST_CHECK;
/* The ledger as CSV (RFC 4180), oldest first: one's own, or (administrators) all. */
bool app_credit_export(struct app *app, bool all, struct buf *out, struct err *e) MUST_CHECK;

#endif
