/* Posts that wait for their time. */
#ifndef MADANG_APP_SCHEDULED_H
#define MADANG_APP_SCHEDULED_H

#include "app/post.h"
#include "store/scheduled.h"

enum { APP_SCHEDULED_MAX = 300, APP_SCHEDULED_A_DAY_MAX = 25 };

struct app_scheduled {
	struct store_scheduled row; /* form: what Mastodon calls params, as JSON */
	const struct store_media *media;
	size_t media_count;
};
struct app_scheduleds {
	struct app_scheduled *items;
	size_t count;
	int64_t first;
	int64_t last;
	bool more;
};

/* Checks the form as if it were posted now, and keeps it and its uploads. */
bool app_scheduled_create(struct app *app, const struct app_post_new *form, int64_t at_ms,
			  struct app_scheduled *out, struct err *e) MUST_CHECK;
bool app_scheduled_list(struct app *app, const struct store_page *page, struct app_scheduleds *out,
			struct err *e) MUST_CHECK;
bool app_scheduled_get(struct app *app, int64_t id, struct app_scheduled *out,
		       struct err *e) MUST_CHECK;
bool app_scheduled_move(struct app *app, int64_t id, int64_t at_ms, struct app_scheduled *out,
			struct err *e) MUST_CHECK;
bool app_scheduled_delete(struct app *app, int64_t id, struct err *e) MUST_CHECK;

#endif
