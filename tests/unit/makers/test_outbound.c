/* Which addresses count as private: the edges of every network, and IPv4 dressed up as IPv6. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "makers/outbound.h"

static bool is_private(const char *text)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return outbound_is_private((struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return outbound_is_private((struct sockaddr *)&v6);
}

static void test_private(void **state)
{
	(void)state;
	static const char *const inside[] = {"0.0.0.0",
					     "10.0.0.1",
					     "10.255.255.255",
					     "100.64.0.1",
					     "127.0.0.1",
					     "127.9.9.9",
					     "169.254.169.254",
					     "172.16.0.1",
					     "172.31.255.255",
					     "192.168.0.1",
					     "198.18.0.1",
					     "224.0.0.1",
					     "255.255.255.255",
					     "::",
					     "::1",
					     "::ffff:10.0.0.1",
					     "fe80::1",
					     "fc00::1",
					     "fd12::1",
					     "64:ff9b::a00:1",
					     "2002:a00:1::",
					     "2001:db8::1",
					     "2001::1",
					     "ff02::1",
					     "192.0.2.1",
					     "203.0.113.9"};
	static const char *const outside[] = {
	    "1.1.1.1",       "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
	    "100.128.0.0",   "172.15.255.255",  "172.32.0.0",      "192.167.255.255",
	    "192.169.0.0",   "223.255.255.255", "2606:4700::1111", "::ffff:1.1.1.1",
	    "2002:101:101::"};
	for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
		if (!is_private(inside[i]))
			fail_msg("%s is private", inside[i]);
	for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
		if (is_private(outside[i]))
			fail_msg("%s is not private", outside[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_private)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
