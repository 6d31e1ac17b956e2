/* What one does not want to see: words, single posts, pictures that a model made. */
#ifndef MADANG_STORE_FILTER_H
#define MADANG_STORE_FILTER_H

#include "store/page.h"

enum store_filter_context {
	STORE_FILTER_HOME = 1,
	STORE_FILTER_NOTIFICATIONS = 2,
	STORE_FILTER_PUBLIC = 4,
	STORE_FILTER_THREAD = 8,
	STORE_FILTER_ACCOUNT = 16,
	STORE_FILTER_CONTEXTS = 31,
};
enum store_filter_action { STORE_FILTER_WARN, STORE_FILTER_HIDE, STORE_FILTER_BLUR };
enum { STORE_FILTERS_MAX = 100, STORE_FILTER_KEYWORDS_MAX = 500, STORE_FILTER_POSTS_MAX = 500 };

struct store_filter {
	int64_t id;
	int64_t account_id;
	const char *title;
	unsigned contexts;
	enum store_filter_action action;
	bool made;          /* catches pictures that were made by a model, … */
	const char *maker;  /* … of this maker only; may be NULL */
	int64_t expires_at; /* 0: never */
};
struct store_filter_keyword {
	int64_t id;
	int64_t filter_id;
	const char *keyword;
	bool whole_word;
};
struct store_filter_post {
	int64_t id;
	int64_t filter_id;
	int64_t post_id;
};

bool store_filter_insert(struct db *w, const struct store_filter *filter, int64_t now_ms,
			 struct err *e) MUST_CHECK;
bool store_filter_update(struct db *w, const struct store_filter *filter, struct err *e) MUST_CHECK;
bool store_filter_delete(struct db *w, int64_t id, struct err *e) MUST_CHECK;
/* Whether what author_id says may look different to this account: it has filters, or one of the two blocks or
 * mutes the other. */
bool store_filter_any(struct db *db, int64_t account_id, int64_t author_id, bool *any,
		      struct err *e) MUST_CHECK;
/* All of an account, by id: *filters, and what belongs to them. The arrays live in the arena. */
struct store_filters {
	struct store_filter *items;
	size_t count;
	struct store_filter_keyword *keywords;
	size_t keyword_count;
	struct store_filter_post *posts;
	size_t post_count;
};
bool store_filter_list(struct db *db, struct arena *arena, int64_t account_id,
		       struct store_filters *out, struct err *e) MUST_CHECK;

bool store_filter_keyword_insert(struct db *w, const struct store_filter_keyword *keyword,
				 struct err *e) MUST_CHECK;
bool store_filter_keyword_update(struct db *w, const struct store_filter_keyword *keyword,
				 struct err *e) MUST_CHECK;
bool store_filter_keyword_delete(struct db *w, int64_t id, struct err *e) MUST_CHECK;
bool store_filter_post_insert(struct db *w, const struct store_filter_post *post, bool *added,
			      struct err *e) MUST_CHECK;
bool store_filter_post_delete(struct db *w, int64_t id, struct err *e) MUST_CHECK;

#endif
