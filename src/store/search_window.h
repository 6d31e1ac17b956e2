/* Private to store/search*.c: where PostgreSQL looks for words. A planner has to guess how often words meet, and its wrong guess
 * reads every post there is; so the newest posts are looked through first, and how often the words stand there
 * decides what else is read. */
#ifndef MADANG_STORE_SEARCH_WINDOW_H
#define MADANG_STORE_SEARCH_WINDOW_H

#include "store/search.h"

/* The newest matches between search->low_id and high. text: the whole question. */
bool store_search_window(struct db *db, struct arena *arena, const struct store_search *search,
			 const char *text, int64_t high, size_t room, int64_t *ids, size_t *found,
			 struct err *e) MUST_CHECK;

#endif
