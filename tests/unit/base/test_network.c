/* Addresses and networks: what is read, what holds what, and that no spelling passes a list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/network.h"

static struct network of(const char *text)
{
	struct network n;
	assert_true(network_parse(text, strlen(text), &n));
	return n;
}

static bool has(const char *network, const char *address)
{
	struct network n = of(network), a = of(address);
	return network_has(&n, &a);
}

static void reading(void **state)
{
	(void)state;
	static const char *const good[] = {
	    "192.0.2.7", "192.0.2.0/24",  "0.0.0.0/0",           "::/0",
	    "::1",       "2001:db8::/32", "::ffff:192.0.2.0/120"};
	static const char *const bad[] = {
	    "",          "x",           "192.0.2",     "999.0.0.1",
	    "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8",
	    "::1/129",   "10.0.0.0 ",   "/8",          "fe80::1%eth0"};
	struct network n;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(network_parse(good[i], strlen(good[i]), &n));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(network_parse(bad[i], strlen(bad[i]), &n));
	assert_true(network_parse("10.0.0.0/8,::1", 10, &n));
	assert_false(network_parse("10.0.0.1\0x", 10, &n));
	char long_text[200];
	memset(long_text, '1', sizeof long_text);
	assert_false(network_parse(long_text, sizeof long_text, &n));
}

static void holding(void **state)
{
	(void)state;
	assert_true(has("192.0.2.0/24", "192.0.2.255"));
	assert_false(has("192.0.2.0/24", "192.0.3.0"));
	assert_true(has("192.0.2.128/25", "192.0.2.129"));
	assert_false(has("192.0.2.128/25", "192.0.2.127"));
	assert_true(has("192.0.2.7", "192.0.2.7"));
	assert_true(has("0.0.0.0/0", "203.0.113.9"));
	assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
	/* One spelling is the other; one family is not the other. */
	assert_true(has("192.0.2.0/24", "::ffff:192.0.2.9"));
	assert_true(has("::ffff:192.0.2.0/120", "192.0.2.9"));
	assert_false(has("::/0", "192.0.2.9"));
	assert_false(has("0.0.0.0/0", "2001:db8::1"));
	assert_false(has("192.0.0.0/8", "c000::"));
}

static void writing(void **state)
{
	(void)state;
	char text[NETWORK_TEXT_SIZE];
	struct network n = of("::ffff:192.0.2.77");
	network_text(&n, text);
	assert_string_equal(text, "192.0.2.77");
	network_cut(&n, 26);
	network_text(&n, text);
	assert_string_equal(text, "192.0.2.64/26");
	n = of("2001:db8:1:2:3::4");
	network_cut(&n, 48);
	network_text(&n, text);
	assert_string_equal(text, "2001:db8:1::/48");
	network_cut(&n, 60); /* never more than there is */
	assert_int_equal(n.bits, 48);
	n = of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127");
	network_text(&n, text);
	assert_string_equal(text, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reading),
	    cmocka_unit_test(holding),
	    cmocka_unit_test(writing),
	};
	return cmocka_run_group_tests_name("base/network", tests, NULL, NULL);
}
