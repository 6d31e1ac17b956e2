/* The words that are in use, each once, which PostgreSQL needs to spell out beginnings; FTS5 keeps them by itself. */
#ifndef MADANG_STORE_SEARCH_WORDS_H
#define MADANG_STORE_SEARCH_WORDS_H

#include "store/search.h"

/* vector: a post's words as PostgreSQL takes them. */
bool store_search_words_keep(struct db *w, const char *vector, struct err *e) MUST_CHECK;
/* Whether there are words that a post no longer has. */
bool store_search_words_left(struct db *db, bool *left, struct err *e) MUST_CHECK;
/* Some of these go, where no other post has them. */
bool store_search_words_forget(struct db *w, struct arena *arena, struct err *e) MUST_CHECK;

#endif
