/* Whom a list of X-Forwarded-For names, behind proxies that are trusted and before some that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "http/client.h"

/* Trusted: 10.0.0.0/8 and ::1. "" where the peer itself is not. */
static const char *named(const char *peer, const char *list)
{
	static char text[NETWORK_TEXT_SIZE];
	struct network proxies[2], address;
	assert_true(network_parse("10.0.0.0/8", 10, &proxies[0]));
	assert_true(network_parse("::1", 3, &proxies[1]));
	assert_true(network_parse(peer, strlen(peer), &address));
	bool trusted = client_forwarded(&(struct client_proxies){proxies, 2}, list, &address);
	network_text(&address, text);
	if (!trusted)
		assert_string_equal(text, peer);
	return trusted ? text : "";
}

static void forwarded(void **state)
{
	(void)state;
	assert_string_equal(named("10.0.0.1", "203.0.113.9"), "203.0.113.9");
	assert_string_equal(named("::1", "2001:db8::7"), "2001:db8::7");
	assert_string_equal(named("::ffff:10.0.0.1", "::ffff:203.0.113.9"), "203.0.113.9");
	/* From the right, past the proxies, and no further. */
	assert_string_equal(named("10.0.0.1", "203.0.113.9, 10.0.0.2,10.9.9.9"), "203.0.113.9");
	assert_string_equal(named("10.0.0.1", "192.0.2.1, 203.0.113.9"), "203.0.113.9");
	assert_string_equal(named("10.0.0.1", "10.0.0.7, 203.0.113.9, 10.0.0.2"), "203.0.113.9");
	assert_string_equal(named("10.0.0.1", "10.0.0.7,10.0.0.8"), "10.0.0.7");
	/* What is no address ends the reading. */
	assert_string_equal(named("10.0.0.1", NULL), "10.0.0.1");
	assert_string_equal(named("10.0.0.1", ""), "10.0.0.1");
	assert_string_equal(named("10.0.0.1", "unknown"), "10.0.0.1");
	assert_string_equal(named("10.0.0.1", "203.0.113.9,"), "10.0.0.1");
	assert_string_equal(named("10.0.0.1", "203.0.113.9, x, 10.0.0.2"), "10.0.0.2");
	assert_string_equal(named("10.0.0.1", "203.0.113.0/24"), "10.0.0.1");
	/* Anybody else speaks for nobody. */
	assert_string_equal(named("192.0.2.1", "203.0.113.9"), "");
	assert_string_equal(named("2001:db8::1", "10.0.0.1"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(forwarded)};
	return cmocka_run_group_tests_name("http/client", tests, NULL, NULL);
}
