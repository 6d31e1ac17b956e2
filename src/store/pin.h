/* Posts pinned to one's profile, and conversations one has muted. */
#ifndef MADANG_STORE_PIN_H
#define MADANG_STORE_PIN_H

#include "store/post.h"

bool store_pin_insert(struct db *w, int64_t id, int64_t account_id, int64_t post_id, int64_t now_ms,
		      struct err *e) MUST_CHECK;
bool store_pin_delete(struct db *w, int64_t account_id, int64_t post_id, struct err *e) MUST_CHECK;
bool store_pin_count(struct db *db, int64_t account_id, int64_t *count, struct err *e) MUST_CHECK;
/* Paged by the pins' own ids, newest pin first. */
bool store_pin_posts(struct db *db, struct arena *arena, int64_t account_id,
		     const struct store_page *page, struct store_posts *out,
		     struct err *e) MUST_CHECK;
/* Those of `ids` that the account has pinned; out has room for count. */
bool store_pin_of(struct db *db, int64_t account_id, const int64_t *ids, size_t count, int64_t *out,
		  size_t *found, struct err *e) MUST_CHECK;

bool store_thread_mute(struct db *w, int64_t account_id, int64_t thread_id,
		       struct err *e) MUST_CHECK;
bool store_thread_unmute(struct db *w, int64_t account_id, int64_t thread_id,
			 struct err *e) MUST_CHECK;
/* Those of `ids` (threads) that the account has muted. */
bool store_thread_muted(struct db *db, int64_t account_id, const int64_t *ids, size_t count,
			int64_t *out, size_t *found, struct err *e) MUST_CHECK;

#endif
