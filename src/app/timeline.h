/* Timelines: pages of posts, as the viewer may see them. */
#ifndef MADANG_APP_TIMELINE_H
#define MADANG_APP_TIMELINE_H

#include "app/post.h"

bool app_timeline_home(struct app *app, const struct store_page *page, struct app_posts *out,
		       struct err *e) MUST_CHECK;
#define APP_TAGS_BESIDE_MAX STORE_TAGS_BESIDE_MAX
struct app_timeline_filter {
	bool only_local;
	bool only_media;
	bool exclude_replies;
	bool exclude_boosts;
	const char *tag; /* with or without # */
	/* tag timelines: this one or any of those, with all of these, with none of those; NULL behind the last */
	const char *any[APP_TAGS_BESIDE_MAX], *all[APP_TAGS_BESIDE_MAX], *none[APP_TAGS_BESIDE_MAX];
	const char *style; /* explore only */
};
bool app_timeline_public(struct app *app, const struct app_timeline_filter *filter,
			 const struct store_page *page, struct app_posts *out,
			 struct err *e) MUST_CHECK;
bool app_timeline_tag(struct app *app, const struct app_timeline_filter *filter,
		      const struct store_page *page, struct app_posts *out,
		      struct err *e) MUST_CHECK;
/* Of a link that trends; ERR_NOT_FOUND for any other. */
bool app_timeline_link(struct app *app, const char *url, const struct store_page *page,
		       struct app_posts *out, struct err *e) MUST_CHECK;
bool app_timeline_explore(struct app *app, const struct app_timeline_filter *filter,
			  const struct store_page *page, struct app_posts *out,
			  struct err *e) MUST_CHECK;
bool app_timeline_account(struct app *app, int64_t account_id,
			  const struct app_timeline_filter *filter, const struct store_page *page,
			  struct app_posts *out, struct err *e) MUST_CHECK;
/* What an account has pinned, as the viewer may see it. */
bool app_timeline_pinned(struct app *app, int64_t account_id, const struct store_page *page,
			 struct app_posts *out, struct err *e) MUST_CHECK;
bool app_timeline_favourites(struct app *app, const struct store_page *page, struct app_posts *out,
			     struct err *e) MUST_CHECK;
bool app_timeline_bookmarks(struct app *app, const struct store_page *page, struct app_posts *out,
			    struct err *e) MUST_CHECK;

/* Which of `account_ids` has the post in its home: for streams that came late. */
bool app_timeline_home_has(struct app *app, int64_t account_id, int64_t post_id, bool *has,
			   struct err *e) MUST_CHECK;

#endif
