/* Which addresses count as private: the edges of every network, and IPv4 dressed up as IPv6. What is trusted, and
 * that a redirect is not. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
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

static void test_under(void **state)
{
	(void)state;
	assert_true(outbound_is_under("http://10.0.0.5:80/a.png", "http://10.0.0.5:80"));
	assert_true(outbound_is_under("http://10.0.0.5/v1/a.png", "http://10.0.0.5/v1"));
	assert_false(outbound_is_under("http://10.0.0.5:8080/a.png", "http://10.0.0.5:80"));
	assert_false(outbound_is_under("http://maker.evil.example/a.png", "http://maker"));
	assert_false(outbound_is_under("http://maker@10.0.0.9/a.png", "http://maker"));
	assert_false(outbound_is_under("http://10.0.0.5/v12/a.png", "http://10.0.0.5/v1"));
	assert_false(outbound_is_under("https://10.0.0.5/v1/a.png", "http://10.0.0.5/v1"));
}

/* A server of one connection after the other, each kept open: /from redirects to itself, anything else answers. */
struct house {
	int listener;
	int asked; /* requests; read after the thread has ended */
};

static void *answer_all(void *context)
{
	struct house *h = context;
	for (int fd; (fd = accept(h->listener, NULL, NULL)) >= 0; close(fd)) {
		char text[4096];
		for (ssize_t n; (n = read(fd, text, sizeof text - 1)) > 0;) {
			text[n] = '\0';
			bool from = !strncmp(text, "GET /from ", 10);
			const char *answer =
			    from
				? "HTTP/1.1 302 Found\r\nLocation: /to\r\nContent-Length: 0\r\n\r\n"
				: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
			h->asked++;
			if (write(fd, answer, strlen(answer)) < 0)
				break;
		}
	}
	return NULL;
}

static void test_redirect(void **state)
{
	(void)state;
	struct house h = {.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof at;
	assert_int_equal(bind(h.listener, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(h.listener, 4), 0);
	assert_int_equal(getsockname(h.listener, (struct sockaddr *)&at, &size), 0);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, answer_all, &h), 0);

	char url[64];
	struct outbound_answer answer;
	struct err e = {0};
	struct outbound_request q = {
	    .method = "GET", .url = url, .trusted = true, .bytes_max = 100, .timeout_s = 30};
	snprintf(url, sizeof url, "http://127.0.0.1:%d/to", ntohs(at.sin_port));
	bool direct = outbound_fetch(&q, &answer, &e) && answer.status == 200;
	buf_finish(&answer.body);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/from", ntohs(at.sin_port));
	bool redirected = outbound_fetch(&q, &answer, &e);
	buf_finish(&answer.body);
	q.trusted = false;
	struct err untrusted = {0};
	bool stranger = outbound_fetch(&q, &answer, &untrusted);
	buf_finish(&answer.body);

	shutdown(h.listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(h.listener);
	assert_true(direct);
	assert_false(redirected); /* though the connection of /from is still open */
	assert_int_equal(e.code, ERR_INVALID);
	assert_false(stranger);
	assert_int_equal(untrusted.code, ERR_INVALID);
	assert_int_equal(h.asked, 2);
}

int main(void)
{
	outbound_init();
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_private),
					   cmocka_unit_test(test_under),
					   cmocka_unit_test(test_redirect)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
