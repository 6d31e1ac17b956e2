/* Search, the basic one: accounts and tags by their beginning, a post or an account by its address. */
#ifndef MADANG_APP_SEARCH_H
#define MADANG_APP_SEARCH_H

#include "app/post.h"

struct app_tag {
	const char *name;
	int64_t posts_count;
};
struct app_search {
	struct store_accounts accounts;
	struct app_posts posts;
	struct app_tag *tags;
	size_t tag_count;
};
/* type: NULL, "accounts", "statuses" or "hashtags". */
bool app_search(struct app *app, const char *q, const char *type, int limit, int offset,
		struct app_search *out, struct err *e) MUST_CHECK;
bool app_tag_get(struct app *app, const char *name, struct app_tag *out, struct err *e) MUST_CHECK;
/* The most used of the last days. */
bool app_tag_trends(struct app *app, int limit, struct app_tag **out, size_t *count,
		    struct err *e) MUST_CHECK;

#endif
