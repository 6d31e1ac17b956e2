/* The head of any page, in pieces of any size: one-line UTF-8 within its limits, whatever came. The first byte chooses
 * what the header says, the second how the page is cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "jobs/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t bytes_max)
{
	size_t length = strlen(text);
	if (length > bytes_max || !str_is_utf8(text, length) || strpbrk(text, "\r\n\t"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {
	    "text/html; charset=utf-8", "text/html; charset=\"euc-kr\"",
	    "text/html;charset=shift_jis", "text/html; charset=utf-16", "text/html"};
	struct page_says says;
	if (size < 2)
		return 0;
	size_t step = data[1] + 1u;
	struct arena *a = arena_create(8 << 20);
	struct page_reader *r = page_reader_create(a, types[data[0] % 5]);
	for (size_t i = 2; i < size; i += step)
		if (!page_reader_feed(r, (const char *)data + i, size - i < step ? size - i : step))
			break;
	page_reader_end(r, &says);
	check(says.title, PAGE_TITLE_MAX);
	check(says.description, PAGE_DESCRIPTION_MAX);
	check(says.author_name, PAGE_NAME_MAX);
	check(says.author_url, PAGE_URL_MAX);
	check(says.site_name, PAGE_NAME_MAX);
	check(says.language, 3);
	check(says.published, 40);
	check(says.oembed_url, PAGE_URL_MAX);
	page_reader_destroy(r);
	arena_destroy(a);
	return 0;
}
