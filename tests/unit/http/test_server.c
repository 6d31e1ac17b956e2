/* A real server on a real socket: requests, errors, framing, slow clients, streams, WebSocket, draining. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/param.h"
#include "http/server.h"

static struct http_server *server;
static int port;
static struct http_stream *last_stream;
static int closed_streams;
static atomic_int floods;

static bool echo(struct http_request *rq, struct http_response *rs, struct err *e)
{
	const char *text = "";
	if (!param_text_required(rq, "text", 10, &text, e))
		return false;
	buf_printf(&rs->body, "{\"text\":\"%s\",\"arg\":\"%s\"}", text,
		   rq->path_args_count ? rq->path_args[0] : "");
	return true;
}

static void on_close(void *context)
{
	(void)context;
	__atomic_add_fetch(&closed_streams, 1, __ATOMIC_SEQ_CST);
}

static void on_text(void *context, const char *text, size_t length)
{
	(void)context;
	struct http_message *m = http_message_create(text, length);
	http_stream_send(last_stream, m);
	http_message_unref(m);
}

static bool events(struct http_request *rq, struct http_response *rs, struct err *e)
{
	(void)e;
	bool ws = http_request_header(rq, "Sec-WebSocket-Key") != NULL;
	struct http_stream_options o = {
	    .websocket = ws, .messages_max = 8, .on_close = on_close, .on_text = on_text};
	struct http_stream *s = http_stream_create(&o);
	http_stream_unref(last_stream);
	last_stream = http_stream_ref(s);
	http_response_stream(rs, s);
	return true;
}

/* A stream with more at once than a socket takes, which ends by itself for every second client. */
static bool flood(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static char bytes[100000];
	(void)rq;
	(void)e;
	struct http_stream_options o = {.messages_max = 64, .on_close = on_close};
	struct http_stream *s = http_stream_create(&o);
	struct http_message *m = http_message_create(bytes, sizeof bytes);
	for (int i = 0; i < 30; i++)
		http_stream_send(s, m);
	http_message_unref(m);
	if (atomic_fetch_add(&floods, 1) & 1)
		http_stream_close(s);
	http_response_stream(rs, s);
	return true;
}

static const struct http_route ROWS[] = {
    {.method = "GET", .path = "/events", .scope = "-", .handler = events},
    {.method = "GET", .path = "/flood", .scope = "-", .handler = flood},
    {.method = "POST", .path = "/echo/:id", .scope = "-", .body_max = 1000, .handler = echo},
};
static const struct http_routes TABLE = {.rows = ROWS, .count = 3};

static int start(void **state)
{
	(void)state;
	struct err e = {0};
	struct http_options o = {.host = "127.0.0.1",
				 .port = "0",
				 .loops = 1,
				 .workers = 2,
				 .header_timeout_s = 1,
				 .tables = &TABLE,
				 .tables_count = 1};
	closed_streams = 0;
	server = http_server_start(&o, &e);
	assert_non_null(server);
	port = http_server_port(server);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	http_server_stop(server, 2000);
	http_stream_unref(last_stream);
	last_stream = NULL;
	return 0;
}

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	struct timeval patience = {.tv_sec = 5};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads until `needle` has come or the connection ends. */
static const char *hear(int fd, const char *needle)
{
	static char text[65536];
	size_t n = 0;
	for (;;) {
		ssize_t got = recv(fd, text + n, sizeof text - 1 - n, 0);
		if (got <= 0)
			break;
		n += (size_t)got;
		text[n] = '\0';
		if (needle && memmem(text, n, needle, strlen(needle)))
			break;
	}
	text[n] = '\0';
	return text;
}

static void expect_answer(const char *request, const char *status, const char *body)
{
	int fd = dial();
	say(fd, request);
	const char *text = hear(fd, body);
	if (!strstr(text, status) || !strstr(text, body))
		fail_msg("for %s\nwanted %s and %s, got %s", request, status, body, text);
	close(fd);
}

static void test_answers(void **state)
{
	(void)state;
	expect_answer("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", " 200 ", "OK");
	expect_answer(
	    "POST /echo/5 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n"
	    "{\"text\":\"hi\"}",
	    " 200 ", "{\"text\":\"hi\",\"arg\":\"5\"}");
	expect_answer("POST /echo/5?text=q HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		      " 200 ", "\"q\"");
	expect_answer(
	    "POST /echo/5 HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	    "Content-Length: 6\r\n\r\ntext=f",
	    " 200 ", "\"f\"");
	expect_answer(
	    "POST /echo/5 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{\"text\":\"c\"\r\n"
	    "1\r\n}\r\n0\r\n\r\n",
	    " 200 ", "\"c\"");
	expect_answer("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", " 200 ",
		      "madang_http_requests_total{status=\"2xx\"}");
}

static void test_bad(void **state)
{
	(void)state;
	expect_answer("GET /nope HTTP/1.1\r\nHost: x\r\n\r\n", " 404 ", "Record not found");
	expect_answer("DELETE /echo/5 HTTP/1.1\r\nHost: x\r\n\r\n", " 405 ", "method");
	expect_answer("POST /echo/5 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", " 422 ",
		      "\"field\":\"text\"");
	expect_answer("POST /echo/5 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{\"a", " 400 ",
		      "JSON");
	expect_answer(
	    "POST /echo/5 HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx",
	    " 415 ", "JSON");
	expect_answer("POST /echo/5 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
		      " 413 ", "too large");
	expect_answer(
	    "POST /echo/5 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    " 400 ", "");
	expect_answer(
	    "POST /echo/5 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
	    " 400 ", "");
	expect_answer(
	    "POST /echo/5 HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\nx",
	    " 400 ", "boundary");
	expect_answer("GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", " 400 ", "path");
}

static void test_slow_header_is_cut(void **state)
{
	(void)state;
	int fd = dial();
	bool open = true;
	for (int i = 0; open && i < 300; i++) { /* what it says buys no time; a busy machine may */
		open = send(fd, "G", 1, MSG_NOSIGNAL) == 1;
		usleep(100000);
	}
	assert_false(open);
	close(fd);
}

static void send_text(const char *text)
{
	struct http_message *m = http_message_create(text, strlen(text));
	http_stream_send(last_stream, m);
	http_message_unref(m);
}

static void wait_closed(int count)
{
	for (int i = 0; i < 3000 && __atomic_load_n(&closed_streams, __ATOMIC_SEQ_CST) < count; i++)
		usleep(10000);
	assert_int_equal(closed_streams, count);
}

static void test_events(void **state)
{
	(void)state;
	int fd = dial();
	say(fd, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_non_null(strstr(hear(fd, "\r\n\r\n"), "text/event-stream"));
	send_text("data: one\n\n");
	assert_non_null(strstr(hear(fd, "one"), "data: one"));
	send_text("data: two\n\n");
	assert_non_null(strstr(hear(fd, "two"), "data: two"));
	close(fd); /* noticed at once, though nothing is sent */
	wait_closed(1);
	for (int i = 0; i < 3000 && http_server_streams(server);
	     i++) /* counted down after it is told */
		usleep(10000);
	assert_int_equal(http_server_streams(server), 0);
}

static void test_events_end(void **state)
{
	(void)state;
	int fd = dial();
	say(fd, "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
	hear(fd, "\r\n\r\n");
	send_text("data: last\n\n");
	http_stream_close(last_stream);
	assert_non_null(strstr(hear(fd, NULL), "last")); /* and then the end */
	wait_closed(1);
	close(fd);
}

enum { LEAVERS = 4, VISITS = 40 };

/* Leaves in every way there is: at once, with a reset, half read, or after the end. */
static void *come_and_leave(void *argument)
{
	(void)argument;
	char text[5000];
	for (int i = 0; i < VISITS; i++) {
		const struct linger reset = {.l_onoff = 1};
		int fd = dial();
		say(fd, "GET /flood HTTP/1.1\r\nHost: x\r\n\r\nGET /more HTTP/1.1\r\n\r\n");
		ssize_t n = 1;
		for (int k = 0; i % 4 && n > 0 && k < (i % 4 == 1 ? 3 : 400); k++)
			n = recv(fd, text, sizeof text, 0);
		if (i % 3 == 0)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		close(fd);
	}
	return NULL;
}

static void test_events_churn(void **state)
{
	(void)state;
	pthread_t threads[LEAVERS];
	for (int i = 0; i < LEAVERS; i++)
		pthread_create(&threads[i], NULL, come_and_leave, NULL);
	for (int i = 0; i < LEAVERS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 3000 && http_server_streams(server); i++)
		usleep(10000);
	assert_int_equal(http_server_streams(server), 0);
	assert_true(floods > LEAVERS * VISITS / 2);
	assert_int_equal(closed_streams, floods);
	expect_answer("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", "200", "OK");
}

static void test_events_overflow(void **state)
{
	(void)state;
	struct http_stream *s =
	    http_stream_create(&(struct http_stream_options){.messages_max = 8});
	struct http_message *m = http_message_create("x", 1);
	int taken = 0;
	while (http_stream_send(s, m))
		taken++;
	assert_int_equal(taken, 8);
	assert_false(http_stream_send(s, m));
	http_message_unref(m);
	http_stream_unref(s);
}

static void test_websocket(void **state)
{
	(void)state;
	int fd = dial();
	say(fd, "GET /events HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		"Sec-WebSocket-Protocol: secret\r\n\r\n");
	const char *head = hear(fd, "\r\n\r\n");
	assert_non_null(strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
	assert_non_null(strstr(head, "Sec-WebSocket-Protocol: secret"));
	send_text("hello");
	assert_non_null(strstr(hear(fd, "hello"), "\x81\x05hello"));
	say(fd, "\x81\x82\x01\x02\x03\x04\x69\x6b"); /* "hi", masked */
	assert_non_null(strstr(hear(fd, "hi"), "\x81\x02hi"));
	say(fd, "\x81\x02no"); /* unmasked: against the protocol */
	hear(fd, NULL);
	wait_closed(1);
	close(fd);
}

static void test_stop_ends_streams(void **state)
{
	(void)state;
	int fd[3];
	for (int i = 0; i < 3; i++) {
		fd[i] = dial();
		say(fd[i],
		    i == 2
			? "GET /events HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
			  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
			: "GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
		hear(fd[i], "\r\n\r\n");
	}
	int64_t began = clock_mono_ns();
	stop(NULL);
	assert_true(clock_mono_ns() - began < 2500000000ll);
	assert_int_equal(closed_streams, 3);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	start(NULL);
}

int main(void)
{
	log_set_level(LOG_LEVEL_WARN);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_answers, start, stop),
	    cmocka_unit_test_setup_teardown(test_bad, start, stop),
	    cmocka_unit_test_setup_teardown(test_slow_header_is_cut, start, stop),
	    cmocka_unit_test_setup_teardown(test_events, start, stop),
	    cmocka_unit_test_setup_teardown(test_events_end, start, stop),
	    cmocka_unit_test_setup_teardown(test_events_churn, start, stop),
	    cmocka_unit_test_setup_teardown(test_events_overflow, start, stop),
	    cmocka_unit_test_setup_teardown(test_websocket, start, stop),
	    cmocka_unit_test_setup_teardown(test_stop_ends_streams, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
