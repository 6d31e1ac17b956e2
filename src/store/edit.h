/* The versions of a post that was edited: the first is what it was before. */
#ifndef MADANG_STORE_EDIT_H
#define MADANG_STORE_EDIT_H

#include "store/post.h"

enum { STORE_EDITS_MAX = 200 };

struct store_edit {
	int64_t id;
	int64_t post_id;
	const char *text;
	const char *content;
	const char *spoiler_text;
	bool sensitive;
	const char *media;   /* ids, one a line */
	const char *options; /* of its poll, one a line */
	int64_t created_at;
};

bool store_edit_insert(struct db *w, const struct store_edit *edit, struct err *e) MUST_CHECK;
/* Oldest first, at most STORE_EDITS_MAX. */
bool store_edit_list(struct db *db, struct arena *arena, int64_t post_id, struct store_edit **items,
		     size_t *found, struct err *e) MUST_CHECK;
bool store_edit_count(struct db *db, int64_t post_id, int64_t *count, struct err *e) MUST_CHECK;

/* What an edit changes of the post itself. */
bool store_post_update(struct db *w, const struct store_post *post, struct err *e) MUST_CHECK;
bool store_post_set_quote_policy(struct db *w, int64_t id, enum store_quote_policy policy,
				 struct err *e) MUST_CHECK;
bool store_post_revoke_quote(struct db *w, int64_t id, struct err *e) MUST_CHECK;
bool store_mention_delete(struct db *w, int64_t post_id, int64_t account_id,
			  struct err *e) MUST_CHECK;
bool store_tag_clear(struct db *w, int64_t post_id, struct err *e) MUST_CHECK;
/* Takes one off its post: it becomes a draft again. */
bool store_media_detach(struct db *w, int64_t id, struct err *e) MUST_CHECK;
bool store_media_place(struct db *w, int64_t id, int position, struct err *e) MUST_CHECK;
/* Local accounts that boosted (or quoted, with the quotes' ids) it, for telling them. */
bool store_post_boosters(struct db *db, int64_t post_id, int64_t *ids, size_t room, size_t *found,
			 struct err *e) MUST_CHECK;
bool store_post_quoters(struct db *db, int64_t post_id, int64_t *account_ids, int64_t *post_ids,
			size_t room, size_t *found, struct err *e) MUST_CHECK;
/* Quotes of it that stand, newest first. */
bool store_post_quotes(struct db *db, struct arena *arena, int64_t post_id,
		       const struct store_page *page, struct store_posts *out,
		       struct err *e) MUST_CHECK;

#endif
