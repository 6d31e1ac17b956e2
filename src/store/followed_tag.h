/* Tags that one follows (their posts come home), and tags that one shows on one's profile. */
#ifndef MADANG_STORE_FOLLOWED_TAG_H
#define MADANG_STORE_FOLLOWED_TAG_H

#include "store/post.h"
#include "store/tag.h"

/* The tag of this name, made where it is missing. */
bool store_tag_ensure(struct db *w, const char *name, const char *display, int64_t now_ms,
		      int64_t *id, struct err *e) MUST_CHECK;

bool store_followed_tag_add(struct db *w, int64_t id, int64_t account_id, int64_t tag_id,
			    struct err *e) MUST_CHECK;
bool store_followed_tag_remove(struct db *w, int64_t account_id, int64_t tag_id,
			       struct err *e) MUST_CHECK;
bool store_followed_tag_has(struct db *db, int64_t account_id, int64_t tag_id, bool *has,
			    struct err *e) MUST_CHECK;
bool store_followed_tag_count(struct db *db, int64_t account_id, int64_t *count,
			      struct err *e) MUST_CHECK;
/* keys: what they are paged by. Both have room for the page's limit. */
bool store_followed_tag_list(struct db *db, struct arena *arena, int64_t account_id,
			     const struct store_page *page, struct store_tag *out, int64_t *keys,
			     size_t *found, struct err *e) MUST_CHECK;
/* A public post into the homes of up to `room` followers of its tags after `cursor`. */
bool store_followed_tag_fan_out(struct db *w, const struct store_post *post, int64_t cursor,
				int room, int64_t *ids, size_t *found, size_t *scanned,
				int64_t *next, struct err *e) MUST_CHECK;

struct store_tag_mark {
	bool following;
	bool featuring;
};
/* How an account stands to each of up to DB_IDS_MAX tags. */
bool store_tag_marks(struct db *db, int64_t account_id, const int64_t *ids, size_t count,
		     struct store_tag_mark *out, struct err *e) MUST_CHECK;

struct store_featured_tag {
	int64_t id;
	int64_t tag_id;
	const char *name; /* as its account writes it */
	int64_t posts_count;
	int64_t last_post_id; /* 0: none */
};
enum { STORE_FEATURED_TAGS_MAX = 10 };
bool store_featured_tag_add(struct db *w, int64_t id, int64_t account_id, int64_t tag_id,
			    const char *name, int64_t now_ms, bool *added,
			    struct err *e) MUST_CHECK;
bool store_featured_tag_remove(struct db *w, int64_t account_id, int64_t id, bool *removed,
			       struct err *e) MUST_CHECK;
bool store_featured_tag_find(struct db *db, int64_t account_id, int64_t tag_id, int64_t *id,
			     struct err *e) MUST_CHECK; /* *id 0: not featured */
/* With how many of the account's public and unlisted posts have the tag. out: STORE_FEATURED_TAGS_MAX. */
bool store_featured_tag_list(struct db *db, struct arena *arena, int64_t account_id,
			     struct store_featured_tag *out, size_t *found,
			     struct err *e) MUST_CHECK;
/* What the account writes most of late and does not feature yet. */
bool store_featured_tag_suggest(struct db *db, struct arena *arena, int64_t account_id, int limit,
				struct store_tag *out, size_t *found, struct err *e) MUST_CHECK;

#endif
