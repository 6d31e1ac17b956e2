/* Polls: asking is part of a post (app/post.h); here: answering, and the end. */
#ifndef MADANG_APP_POLL_H
#define MADANG_APP_POLL_H

#include "app/post.h"

/* The post that asks, as the viewer may see it. A poll's id is its post's. ERR_NOT_FOUND where it asks nothing. */
bool app_poll_get(struct app *app, int64_t id, struct app_post *out, struct err *e) MUST_CHECK;
bool app_poll_vote(struct app *app, int64_t id, const int64_t *choices, size_t count,
		   struct app_post *out, struct err *e) MUST_CHECK;

#endif
