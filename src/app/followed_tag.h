/* Tags that one follows: their public posts come home. And tags that one shows on one's profile. */
#ifndef MADANG_APP_FOLLOWED_TAG_H
#define MADANG_APP_FOLLOWED_TAG_H

#include "app/search.h"
#include "store/followed_tag.h"
#include "store/trend.h"

enum { APP_FOLLOWED_TAGS_MAX = 1000 };

struct app_tag_state {
	bool following;
	bool featuring;
	struct store_trend_day history[STORE_TREND_DAYS];
};
struct app_followed_tags {
	struct app_tag *items;
	size_t count;
	int64_t first;
	int64_t last;
	bool more;
};
/* How the viewer stands to a tag; both false for nobody and for tags that nobody has used. */
bool app_tag_state(struct app *app, const char *name, struct app_tag_state *out,
		   struct err *e) MUST_CHECK;
/* The same of up to DB_IDS_MAX tags at once, by their ids. */
bool app_tag_marks(struct app *app, const int64_t *ids, size_t count, struct store_tag_mark *out,
		   struct err *e) MUST_CHECK;
bool app_tag_follow(struct app *app, const char *name, bool follow, struct err *e) MUST_CHECK;
bool app_followed_tags(struct app *app, const struct store_page *page,
		       struct app_followed_tags *out, struct err *e) MUST_CHECK;

/* ERR_INVALID where it is featured already, or where there are as many as one may have. */
bool app_featured_tag_add(struct app *app, const char *name, struct store_featured_tag *out,
			  struct err *e) MUST_CHECK;
bool app_featured_tag_remove(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_featured_tag_remove_name(struct app *app, const char *name, struct err *e) MUST_CHECK;
/* Of any account. out: STORE_FEATURED_TAGS_MAX. */
bool app_featured_tags(struct app *app, int64_t account_id, struct store_featured_tag *out,
		       size_t *count, struct err *e) MUST_CHECK;
bool app_featured_tag_suggestions(struct app *app, struct app_tag **out, size_t *count,
				  struct err *e) MUST_CHECK;

#endif
