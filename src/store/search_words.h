/* The words that are in use, each once, to spell out beginnings: neither index comes from a word to
 * the next without passing its posts. */
#ifndef MADANG_STORE_SEARCH_WORDS_H
#define MADANG_STORE_SEARCH_WORDS_H

#include "store/search.h"

/* text: a post's words as the database takes them: a vector, or with spaces between. */
bool store_search_words_keep(struct db *w, struct arena *arena, const char *text,
			     struct err *e) MUST_CHECK;
/* Whether there are words that a post no longer has. */
bool store_search_words_left(struct db *db, bool *left, struct err *e) MUST_CHECK;
/* Some of these go, where no other post has them. */
bool store_search_words_forget(struct db *w, struct arena *arena, struct err *e) MUST_CHECK;

#endif
