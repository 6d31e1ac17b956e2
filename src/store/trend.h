/* What trends: who used what on which day, what stands out of it, and what moderators say of that. */
#ifndef MADANG_STORE_TREND_H
#define MADANG_STORE_TREND_H

#include "store/page.h"

enum store_trend { STORE_TREND_POSTS, STORE_TREND_TAGS, STORE_TREND_LINKS, STORE_TREND_PUBLISHERS };
enum { STORE_TRENDS_MAX = 80, STORE_TREND_DAYS = 7 };

/* Counts the tags and links of the posts in (after_id, up_to_id], by account and day. */
bool store_trend_count(struct db *w, int64_t after_id, int64_t up_to_id, struct err *e) MUST_CHECK;
/* Finds what stands out now, of one kind, and forgets uses that are older than a fortnight. */
bool store_trend_find(struct db *w, enum store_trend kind, int64_t now_ms,
		      struct err *e) MUST_CHECK;
/* Best first. all: also what moderators have rejected. */
bool store_trend_list(struct db *db, enum store_trend kind, bool all, int limit, int offset,
		      int64_t *ids, size_t *found, struct err *e) MUST_CHECK;

/* The card of a link that stands out and is not rejected; 0: there is none. */
bool store_trend_link(struct db *db, const char *url, int64_t *card_id, struct err *e) MUST_CHECK;

struct store_trend_day {
	int64_t uses;
	int64_t accounts;
};
/* Today first; days without a use are zero. */
bool store_trend_history(struct db *db, enum store_trend kind, int64_t id, int64_t now_ms,
			 struct store_trend_day out[STORE_TREND_DAYS], struct err *e) MUST_CHECK;

enum store_trend_review { STORE_TREND_UNSEEN, STORE_TREND_APPROVED, STORE_TREND_REJECTED };
bool store_trend_review_set(struct db *w, enum store_trend kind, int64_t id, bool allowed,
			    int64_t account_id, int64_t now_ms, struct err *e) MUST_CHECK;
bool store_trend_review_get(struct db *db, enum store_trend kind, int64_t id,
			    enum store_trend_review *out, struct err *e) MUST_CHECK;

#endif
