/* Private to store/search*.c: questions of several words in SQLite, without ever reading all there is. Backwards, FTS5 goes from one
 * common post of words to the next through every post between them, inside one call, which nothing can end. */
#ifndef MADANG_STORE_SEARCH_WALK_H
#define MADANG_STORE_SEARCH_WALK_H

#include "store/search.h"

/* Whether the question needs it: one word alone gives its posts one by one. */
bool store_search_walk_needed(const struct store_search *search);
/* The newest matches between search->low_id and high. text: the whole question. */
bool store_search_walk(struct db *db, struct arena *arena, const struct store_search *search,
		       const char *text, int64_t high, size_t room, int64_t *ids, size_t *found,
		       struct err *e) MUST_CHECK;

/* search.c: a question as the database's text, which SQLite's index takes, and PostgreSQL's posts one by one; and one term as
 * either index takes it, with its beginnings spelled out. */
bool store_search_text(struct db *db, struct arena *arena, const struct store_search *search,
		       const char **text, struct err *e) MUST_CHECK;
bool store_search_term_text(struct db *db, struct arena *arena, const struct store_search_term *t,
			    const char *own_prefix, const char **text, struct err *e) MUST_CHECK;
/* search.c: the newest matches between search->low_id and high, as the database finds them. text: the whole question. */
bool store_search_newest(struct db *db, struct arena *arena, const struct store_search *search,
			 const char *text, int64_t high, size_t room, int64_t *ids, size_t *found,
			 struct err *e) MUST_CHECK;
/* In SQLite: the newest posts between the two ids. */
bool store_search_find(struct db *db, const char *text, int64_t low, int64_t high, size_t room,
		       int64_t *ids, size_t *found, struct err *e) MUST_CHECK;

#endif
