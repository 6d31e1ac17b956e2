/* Recovery codes: ten of them sign in once each, where the app of the second factor is not at hand. */
#ifndef MADANG_APP_RECOVERY_H
#define MADANG_APP_RECOVERY_H

#include "app/app.h"

enum { APP_RECOVERY_CODES = 10 };

/* Shown once, where they are made. */
struct app_recovery {
	const char *codes[APP_RECOVERY_CODES]; /* "abcd-efgh-jkmn" */
};

bool app_recovery_left(struct app *app, int64_t *left, struct err *e) MUST_CHECK;
/* New ones; those before count no more. ERR_CONFLICT where there is no second factor. */
bool app_recovery_renew(struct app *app, const char *password, struct app_recovery *out,
			struct err *e) MUST_CHECK;

#endif
