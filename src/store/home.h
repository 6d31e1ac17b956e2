/* Home timelines: written when a post is made (fan-out on write), read as a range of a few rows. */
#ifndef MADANG_STORE_HOME_H
#define MADANG_STORE_HOME_H

#include "store/post.h"

/* The ids of a page of posts; ids has room for STORE_PAGE_MAX. */
bool store_home_ids(struct db *db, int64_t account_id, const struct store_page *page, int64_t *ids,
		    size_t *found, struct err *e) MUST_CHECK;
bool store_home_has(struct db *db, int64_t account_id, int64_t post_id, bool *has,
		    struct err *e) MUST_CHECK;
bool store_home_insert(struct db *w, int64_t account_id, int64_t post_id, int64_t via_id,
		       struct err *e) MUST_CHECK;
/* Writes the post into the homes of up to `room` local followers after `cursor` (by account id). A reply
 * reaches only those who follow the answered account, too; a boost only those who want boosts; a language only
 * those who want it; and nobody who has the author in an exclusive list. *ids: whom it
 * reached; *scanned: how many followers were looked at; *next: the last of them. */
bool store_home_fan_out(struct db *w, const struct store_post *post, int64_t cursor, int room,
			int64_t *ids, size_t *found, size_t *scanned, int64_t *next,
			struct err *e) MUST_CHECK;
/* The newest posts of `via_id` come into the home of a new follower. */
bool store_home_backfill(struct db *w, int64_t account_id, int64_t via_id, int limit,
			 struct err *e) MUST_CHECK;
bool store_home_remove_via(struct db *w, int64_t account_id, int64_t via_id,
			   struct err *e) MUST_CHECK;
/* Keeps the newest `keep` of the next account after `cursor` that has more; *cursor 0: was the last one. */
bool store_home_trim(struct db *w, int64_t *cursor, int keep, struct err *e) MUST_CHECK;

/* Fan-outs that go on. */
bool store_fanout_set(struct db *w, int64_t post_id, int phase, int64_t cursor,
		      struct err *e) MUST_CHECK;
bool store_fanout_delete(struct db *w, int64_t post_id, struct err *e) MUST_CHECK;
bool store_fanout_next(struct db *db, int64_t *post_id, int *phase, int64_t *cursor,
		       struct err *e) MUST_CHECK; /* 0: none */

#endif
