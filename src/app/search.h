/* Search: posts by their words, accounts by their names, tags by their beginning, a post by its address. */
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
struct app_search_page {
	int limit;
	int offset;
	int64_t min_id; /* posts only; 0: no bound */
	int64_t max_id;
	int64_t account_id; /* posts of this account only; 0: anybody's */
};
/* type: NULL, "accounts", "statuses" or "hashtags". */
bool app_search(struct app *app, const char *q, const char *type,
		const struct app_search_page *page, struct app_search *out,
		struct err *e) MUST_CHECK;
/* search_ask.c: words and operators. */
bool app_search_posts(struct app *app, const char *q, const struct app_search_page *page,
		      struct app_posts *out, struct err *e) MUST_CHECK;
/* Accounts by their names, and by the words of these. limit: at most STORE_PAGE_MAX. */
bool app_search_people(struct app *app, const char *q, int limit, int offset,
		       struct store_accounts *out, struct err *e) MUST_CHECK;
bool app_search_accounts(struct app *app, const char *q, int limit, int offset,
			 struct store_accounts *out, struct err *e) MUST_CHECK;
bool app_tag_get(struct app *app, const char *name, struct app_tag *out, struct err *e) MUST_CHECK;

#endif
