/* What a web page says of itself in its head: Open Graph, title, description, language, and where its oEmbed is. Fed
 * as bytes come, with limits; nothing is fetched or run. No state; any thread, one reader a thread. */
#ifndef MADANG_JOBS_PAGE_H
#define MADANG_JOBS_PAGE_H

#include "base/arena.h"

/* One line of UTF-8 each; "" where the page does not say. Addresses are whole, http or https. */
struct page_says {
	const char *title;
	const char *description;
	const char *author_name;
	const char *author_url;
	const char *site_name;
	const char *language;
	const char *published; /* as written */
	const char *oembed_url;
};

enum {
	PAGE_BYTES_MAX = 1 << 20,
	PAGE_TITLE_MAX = 300, /* bytes */
	PAGE_DESCRIPTION_MAX = 1500,
	PAGE_NAME_MAX = 200,
	PAGE_URL_MAX = 2000,
};

struct page_reader;
/* content_type: of the answer; its charset counts. What is read lives in the arena. */
struct page_reader *page_reader_create(struct arena *a, const char *content_type);
void page_reader_destroy(struct page_reader *r); /* NULL-safe */
/* Whether a page of this type has a head. */
bool page_is_html(const char *content_type);
/* False: the head is over, or the limit reached; what comes need not be read. */
bool page_reader_feed(struct page_reader *r, const char *bytes, size_t length);
void page_reader_end(struct page_reader *r, struct page_says *out);

/* A text of others as one line: white space as one blank, no control characters, cut at bytes_max; "" where it is not
 * UTF-8. */
const char *page_line(struct arena *a, const char *text, size_t bytes_max);

#endif
