/* The arithmetic of pages. No state. */
#include "store/page.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT_DEFAULT = 20 };

bool store_page_up(const struct store_page *page)
{
	return page->min_id > 0;
}

int store_page_limit(const struct store_page *page)
{
	if (page->limit <= 0)
		return LIMIT_DEFAULT;
	return page->limit > STORE_PAGE_MAX ? STORE_PAGE_MAX : page->limit;
}

void store_page_put(struct db_stmt *q, const struct store_page *page)
{
	int64_t low = page->min_id > page->since_id ? page->min_id : page->since_id;
	db_put_int(q, low > 0 ? low : 0);
	db_put_int(q, page->max_id > 0 ? page->max_id : INT64_MAX);
	db_put_int(q, store_page_limit(page));
}

void store_page_turn(const struct store_page *page, void *items, size_t count, size_t item_size)
{
	char *base = items;
	char swap[64];
	if (!store_page_up(page) || count < 2)
		return;
	for (size_t low = 0, high = count - 1; low < high; low++, high--) {
		char *a = base + low * item_size, *b = base + high * item_size;
		for (size_t done = 0; done < item_size; done += sizeof(swap)) {
			size_t piece =
			    item_size - done < sizeof(swap) ? item_size - done : sizeof(swap);
			memcpy(swap, a + done, piece);
			memcpy(a + done, b + done, piece);
			memcpy(b + done, swap, piece);
		}
	}
}

bool store_page_end(struct db_stmt *q, const struct store_page *page, void *items, size_t count,
		    size_t item_size, struct err *e)
{
	if (!db_end(q, e))
		return false;
	store_page_turn(page, items, count, item_size);
	return true;
}
