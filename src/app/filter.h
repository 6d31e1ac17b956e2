/* What one does not want to see. Filters never take a post away here: each post carries which of its viewer's filters
 * catch it, as Mastodon's apps expect it, and the app hides or warns. Filters for made pictures travel the same way, so
 * that any app obeys them. */
#ifndef MADANG_APP_FILTER_H
#define MADANG_APP_FILTER_H

#include "app/post.h"

enum { APP_FILTER_TITLE_CHARACTERS = 256, APP_FILTER_KEYWORD_CHARACTERS = 512 };

struct app_keyword_form {
	int64_t id;          /* 0: a new one */
	const char *keyword; /* NULL: as it is */
	const bool *whole_word;
	bool destroy;
};
/* NULL members stay as they are (or as filters begin). */
struct app_filter_form {
	const char *title;
	unsigned contexts; /* 0: as they are */
	const enum store_filter_action *action;
	const int64_t *expires_in_s; /* 0: never */
	const struct app_keyword_form *keywords;
	size_t keyword_count;
	bool made;         /* new ones only: catches made pictures, … */
	const char *maker; /* … of this maker only */
};

/* One filter with what belongs to it. */
struct app_filter {
	struct store_filter row;
	const struct store_filter_keyword *keywords;
	size_t keyword_count;
	const struct store_filter_post *posts;
	size_t post_count;
};

bool app_filter_list(struct app *app, struct app_filter **out, size_t *count,
		     struct err *e) MUST_CHECK;
bool app_filter_get(struct app *app, int64_t id, struct app_filter *out, struct err *e) MUST_CHECK;
bool app_filter_create(struct app *app, const struct app_filter_form *form, struct app_filter *out,
		       struct err *e) MUST_CHECK;
bool app_filter_update(struct app *app, int64_t id, const struct app_filter_form *form,
		       struct app_filter *out, struct err *e) MUST_CHECK;
bool app_filter_delete(struct app *app, int64_t id, struct err *e) MUST_CHECK;

bool app_filter_keyword_get(struct app *app, int64_t id, struct store_filter_keyword *out,
			    struct err *e) MUST_CHECK;
bool app_filter_keyword_add(struct app *app, int64_t filter_id, const char *keyword,
			    bool whole_word, struct store_filter_keyword *out,
			    struct err *e) MUST_CHECK;
bool app_filter_keyword_update(struct app *app, int64_t id, const char *keyword,
			       const bool *whole_word, struct store_filter_keyword *out,
			       struct err *e) MUST_CHECK;
bool app_filter_keyword_delete(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_filter_post_get(struct app *app, int64_t id, struct store_filter_post *out,
			 struct err *e) MUST_CHECK;
bool app_filter_post_add(struct app *app, int64_t filter_id, int64_t post_id,
			 struct store_filter_post *out, struct err *e) MUST_CHECK;
bool app_filter_post_delete(struct app *app, int64_t id, struct err *e) MUST_CHECK;

/* The label: what happens to pictures that a model made, all of them (maker NULL) or of one maker. Kept as filters
 * of their own. action NULL: nothing happens. */
bool app_made_filter_set(struct app *app, const char *maker, const enum store_filter_action *action,
			 struct err *e) MUST_CHECK;

/* Whether what author_id says may look different to this account than to others: for streams, which write a post
 * once for all who see it alike. */
bool app_filter_any(struct app *app, int64_t author_id, bool *any, struct err *e) MUST_CHECK;

#endif
