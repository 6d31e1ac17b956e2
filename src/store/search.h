/* The words of posts and accounts, for searching; and what waits to be cut into words. */
#ifndef MADANG_STORE_SEARCH_H
#define MADANG_STORE_SEARCH_H

#include "store/post.h"

/* words: each with a space behind. "" takes it out of the index. */
bool store_search_index(struct db *w, struct arena *arena, int64_t id, const char *words,
			struct err *e) MUST_CHECK;
/* Ids of posts and accounts whose words have changed. */
bool store_search_queue(struct db *db, int64_t *ids, size_t room, size_t *found,
			struct err *e) MUST_CHECK;
bool store_search_unqueue(struct db *w, int64_t id, struct err *e) MUST_CHECK;

/* What is asked for: terms that must all be there, and some that must not. Words of `own` are found only with
 * their prefix, too: what only their author may find. */
struct store_search_term {
	const char *words; /* a phrase, one space between */
	bool open;         /* the last word may go on */
	bool exact;        /* a mark of the program's ("_made"): never with the prefix */
	bool not ;
};
struct store_search {
	const struct store_search_term *terms;
	size_t count;
	const char *own_prefix; /* NULL: nobody asks */
	int64_t viewer_id;      /* 0: nobody */
	int64_t low_id;         /* only larger ones */
	int64_t high_id;        /* only smaller ones; 0: no bound */
	int limit;              /* at most STORE_PAGE_MAX */
	int offset;
};
/* Newest first: public posts of those who let themselves be found, and what the viewer wrote, was mentioned in,
 * liked or kept. */
bool store_search_posts(struct db *db, struct arena *arena, const struct store_search *search,
			struct store_posts *out, struct err *e) MUST_CHECK;
/* Active accounts, those with most followers first among the newest matches. */
bool store_search_accounts(struct db *db, struct arena *arena, const struct store_search *search,
			   struct store_accounts *out, struct err *e) MUST_CHECK;

#endif
