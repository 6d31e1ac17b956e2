/* Pages of a list that is ordered by an id, newest first: Mastodon's max_id, since_id, min_id, limit. */
#ifndef MADANG_STORE_PAGE_H
#define MADANG_STORE_PAGE_H

#include "base/err.h"
#include "db/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_page {
	int64_t max_id;   /* only smaller ones; 0: no bound */
	int64_t since_id; /* only larger ones, the newest of them; 0: no bound */
	int64_t min_id;   /* only larger ones, the oldest of them; 0: no bound */
	int limit; /* 1 to STORE_PAGE_MAX; anything else is brought into that range, 0 means 20 */
};

#define STORE_PAGE_MAX 80

/* Two texts of one list: what stands before, and the condition on its key. The text before must use $1 …
 * $(from-1); the page takes three more parameters from there on. */
#define STORE_PAGE_DOWN(text, key, low, high, limit) \
	text " AND " key " > " low " AND " key " < " high " ORDER BY " key " DESC LIMIT " limit
#define STORE_PAGE_UP(text, key, low, high, limit) \
	text " AND " key " > " low " AND " key " < " high " ORDER BY " key " ASC LIMIT " limit

/* Whether the page is read upwards (min_id): the caller then runs the UP text and turns the rows round. */
bool store_page_up(const struct store_page *page);
int store_page_limit(const struct store_page *page);
/* Puts low, high, limit. */
void store_page_put(struct db_stmt *q, const struct store_page *page);
/* Turns the rows round where the page was read upwards. */
void store_page_turn(const struct store_page *page, void *items, size_t count, size_t item_size);
/* How the statement of a page ends: db_end, and the rows turned round where they were read upwards. */
bool store_page_end(struct db_stmt *q, const struct store_page *page, void *items, size_t count,
		    size_t item_size, struct err *e) MUST_CHECK;

#endif
