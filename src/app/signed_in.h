/* Where I am signed in, and signing out from there. */
#ifndef MADANG_APP_SIGNED_IN_H
#define MADANG_APP_SIGNED_IN_H

#include "app/app.h"
#include "store/signed_in.h"

enum { APP_SIGNED_IN_MAX = 200 };

/* out has room for APP_SIGNED_IN_MAX. */
bool app_signed_in_list(struct app *app, struct store_signed_in *out, size_t *found,
			struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where it is none of one's own. */
bool app_signed_in_end(struct app *app, int64_t id, struct err *e) MUST_CHECK;

#endif
