/* What trends: tags, posts and links that stand out, and what moderators say of that. What is rejected is shown to nobody but
 * them; what nobody has looked at is shown. */
#ifndef MADANG_APP_TREND_H
#define MADANG_APP_TREND_H

#include "app/post.h"
#include "app/search.h"
#include "store/card.h"
#include "store/trend.h"

struct app_trend_tag {
	struct app_tag tag;
	int64_t id;
	struct store_trend_day history[STORE_TREND_DAYS];
	enum store_trend_review review;
};
struct app_trend_link {
	struct store_card card;
	struct store_trend_day history[STORE_TREND_DAYS];
	enum store_trend_review review;
};
/* Who publishes what trends. */
struct app_trend_publisher {
	struct store_publisher row;
	enum store_trend_review review;
};
struct app_trend_page {
	int limit; /* at most STORE_TRENDS_MAX */
	int offset;
	bool all; /* also what is rejected: moderators */
};

bool app_trend_tags(struct app *app, const struct app_trend_page *page, struct app_trend_tag **out,
		    size_t *count, struct err *e) MUST_CHECK;
bool app_trend_posts(struct app *app, const struct app_trend_page *page, struct app_posts *out,
		     struct err *e) MUST_CHECK;
/* Those whose page has said something. */
bool app_trend_links(struct app *app, const struct app_trend_page *page,
		     struct app_trend_link **out, size_t *count, struct err *e) MUST_CHECK;
/* Moderators. */
bool app_trend_publishers(struct app *app, const struct app_trend_page *page,
			  struct app_trend_publisher **out, size_t *count,
			  struct err *e) MUST_CHECK;
/* The days of one tag. */
bool app_trend_history(struct app *app, const char *name,
		       struct store_trend_day out[STORE_TREND_DAYS], struct err *e) MUST_CHECK;

/* Moderators. ERR_NOT_FOUND where there is no such thing. A publisher who is rejected has no links that trend. */
bool app_trend_review_tag(struct app *app, const char *name, bool allowed,
			  struct app_trend_tag *out, struct err *e) MUST_CHECK;
bool app_trend_review_post(struct app *app, int64_t id, bool allowed, struct app_post *out,
			   struct err *e) MUST_CHECK;
bool app_trend_review_link(struct app *app, int64_t id, bool allowed, struct app_trend_link *out,
			   struct err *e) MUST_CHECK;
bool app_trend_review_publisher(struct app *app, int64_t id, bool allowed,
				struct app_trend_publisher *out, struct err *e) MUST_CHECK;
bool app_trend_may_review(struct app *app, struct err *e) MUST_CHECK;

#endif
