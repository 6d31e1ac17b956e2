/* Favourites and bookmarks. */
#ifndef MADANG_STORE_FAVOURITE_H
#define MADANG_STORE_FAVOURITE_H

#include "store/post.h"

bool store_favourite_insert(struct db *w, int64_t id, int64_t account_id, int64_t post_id,
			    int64_t now_ms, bool *added, struct err *e) MUST_CHECK;
bool store_favourite_delete(struct db *w, int64_t account_id, int64_t post_id, bool *removed,
			    struct err *e) MUST_CHECK;
/* Posts, paged by the ids of the favourites. */
bool store_favourite_posts(struct db *db, struct arena *arena, int64_t account_id,
			   const struct store_page *page, struct store_posts *out,
			   struct err *e) MUST_CHECK;
bool store_favourite_accounts(struct db *db, struct arena *arena, int64_t post_id,
			      const struct store_page *page, struct store_accounts *out,
			      struct err *e) MUST_CHECK;

bool store_bookmark_insert(struct db *w, int64_t id, int64_t account_id, int64_t post_id,
			   int64_t now_ms, bool *added, struct err *e) MUST_CHECK;
bool store_bookmark_delete(struct db *w, int64_t account_id, int64_t post_id, bool *removed,
			   struct err *e) MUST_CHECK;
bool store_bookmark_posts(struct db *db, struct arena *arena, int64_t account_id,
			  const struct store_page *page, struct store_posts *out,
			  struct err *e) MUST_CHECK;

#endif
