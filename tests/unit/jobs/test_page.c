/* What pages say of themselves: tags of all kinds and orders, old encodings, pages that are broken, cut or endless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "jobs/page.h"

static struct arena *arena;

static bool read_page(const char *type, const char *bytes, size_t length, size_t step,
		      struct page_says *out)
{
	struct page_reader *r = page_reader_create(arena, type);
	bool more = true;
	for (size_t i = 0; more && i < length; i += step)
		more = page_reader_feed(r, bytes + i, length - i < step ? length - i : step);
	page_reader_end(r, out);
	page_reader_destroy(r);
	return more;
}

static struct page_says says_of(const char *html)
{
	struct page_says all, pieces;
	read_page("text/html", html, strlen(html), strlen(html), &all);
	read_page("text/html", html, strlen(html), 7, &pieces);
	assert_string_equal(all.title, pieces.title);
	assert_string_equal(all.description, pieces.description);
	return all;
}

static void test_tags(void **state)
{
	(void)state;
	struct page_says p = says_of(
	    "<!doctype html><html lang=ko-KR><head><title>The &lt;title&gt;\n of it</title>"
	    "<meta name=description content='plain'><META PROPERTY='og:title' CONTENT='Open &amp; Graph'>"
	    "<meta property=og:description content=\"a\tb\"><meta name=author content='Kim'>"
	    "<meta property=og:site_name content='Site'><meta property='og:title' content='second'>"
	    "<meta property='article:author' content='https://a.example/kim'>"
	    "<meta property='article:published_time' content='2026-01-31T09:05:00+09:00'>"
	    "<link rel='x alternate' type='application/json+oembed' href='https://o.example/?a=1&amp;b=2'>"
	    "</head><body><meta property=og:site_name content=other><title>no</title>");
	assert_string_equal(p.title, "Open & Graph");
	assert_string_equal(p.description, "a b");
	assert_string_equal(p.author_name, "Kim");
	assert_string_equal(p.author_url, "https://a.example/kim");
	assert_string_equal(p.site_name, "Site");
	assert_string_equal(p.language, "ko");
	assert_string_equal(p.published, "2026-01-31T09:05:00+09:00");
	assert_string_equal(p.oembed_url, "https://o.example/?a=1&b=2");
	p = says_of(
	    "<title>Only &#xB9C8;&#xB2F9;</title><p>text<meta property=og:title content=late>");
	assert_string_equal(p.title, "Only 마당");
	assert_string_equal(p.description, "");
	p = says_of("<meta name='twitter:title' content='T'><svg><title>x</title></svg>");
	assert_string_equal(p.title, "T");
}

static void test_addresses(void **state)
{
	(void)state;
	struct page_says p =
	    says_of("<meta property='article:author' content='javascript:alert(1)'>"
		    "<link rel=alternate type=application/json+oembed href='/relative'>"
		    "<link rel=alternate type=application/json+oembed href='file:///etc/passwd'>");
	assert_string_equal(p.author_url, "");
	assert_string_equal(p.oembed_url, "");
}

static void test_encodings(void **state)
{
	(void)state;
	static const char euc_kr[] = "<meta charset=euc-kr><title>\xb8\xb6\xb4\xe7</title>",
			  sjis[] = "<title>\x93\xfa\x96\x7b</title>",
			  plain[] = "<title>마당</title>";
	struct page_says p;
	p = says_of(euc_kr);
	assert_string_equal(p.title, "마당");
	read_page("text/html; charset=\"Shift_JIS\"", sjis, sizeof sjis - 1, 5, &p);
	assert_string_equal(p.title, "日本");
	p = says_of(plain);
	assert_string_equal(p.title, "마당");
	read_page("text/html; charset=no-such-thing", plain, sizeof plain - 1, 100, &p);
	assert_true(strlen(p.title) > 0);
}

/* No line breaks, no control characters, nothing that turns other texts around; cut between characters. */
static void test_lines(void **state)
{
	(void)state;
	assert_string_equal(page_line(arena, " a\r\n\tb\x07 c ", 100), "a b c");
	assert_string_equal(page_line(arena, "a\u202Eb\u2066c", 100), "abc");
	assert_string_equal(page_line(arena, "마당", 5), "마");
	assert_string_equal(page_line(arena, "\xff\xfe", 5), "");
	struct page_says p = says_of("<title>\x01\x02</title>");
	assert_string_equal(p.title, "");
}

static void test_endless(void **state)
{
	(void)state;
	size_t length = PAGE_BYTES_MAX + 100000;
	char *page = malloc(length + 1);
	struct page_says p;
	assert_non_null(page);
	for (size_t i = 0; i < length; i++)
		page[i] = "<a><b x=y>"[i % 10];
	page[length] = '\0';
	memcpy(page, "<title>first</title><script>", 28);
	assert_false(read_page("text/html", page, length, 16384, &p)); /* stopped */
	assert_string_equal(p.title, "first");
	memset(page, 'x', length);
	memcpy(page, "<title>", 7);
	read_page("text/html", page, length, 16384, &p);
	assert_true(strlen(p.title) <= PAGE_TITLE_MAX);
	memcpy(page, "<meta property=og:title content=", 32);
	read_page("text/html", page, length, 16384, &p);
	assert_true(strlen(p.title) <= PAGE_TITLE_MAX);
	free(page);
}

static void test_types(void **state)
{
	(void)state;
	assert_true(page_is_html("text/html"));
	assert_true(page_is_html("TEXT/HTML; charset=utf-8"));
	assert_true(page_is_html("application/xhtml+xml"));
	assert_false(page_is_html("text/html-not"));
	assert_false(page_is_html("image/png"));
	assert_false(page_is_html(""));
}

static int setup(void **state)
{
	(void)state;
	arena = arena_create(64 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_destroy(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_tags, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_encodings, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_endless, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_types, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
