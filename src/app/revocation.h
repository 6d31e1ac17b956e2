/* Taking back what was given: one token, one person's access, a cohort's, a whole programme's; and giving it
 * again. When app_revocation_create returns, no request gets through any more; streams are cut and jobs are
 * cancelled by the events that follow, in every process. */
#ifndef MADANG_APP_REVOCATION_H
#define MADANG_APP_REVOCATION_H

#include "app/app.h"
#include "store/revocation.h"

struct app_revocation {
	struct store_revocation row;
	const struct store_account *by; /* NULL: the program */
};

/* Administrators. message: for those who are affected; may be NULL. */
bool app_revocation_create(struct app *app, enum store_revocation_kind kind, int64_t target_id,
			   const char *message, struct app_revocation *out,
			   struct err *e) MUST_CHECK;
/* Tokens and access are as they were; jobs that were cancelled stay so. */
bool app_revocation_undo(struct app *app, int64_t id, struct app_revocation *out,
			 struct err *e) MUST_CHECK;
bool app_revocation_list(struct app *app, const struct store_page *page, struct app_revocation *out,
			 size_t *found, struct err *e) MUST_CHECK;

#endif
