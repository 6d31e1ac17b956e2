/* A whole server on a socket, and one client that says anything: request lines, heads, cookies, ranges, bodies,
 * pipelines, WebSocket frames. What comes back, if anything does, is HTTP; and the server still answers. The first
 * byte chooses: the bytes as they are, or put where a path, a query, a header or a frame belongs. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "fuzz.h"
#include "http/param.h"
#include "http/server.h"

static struct http_server *server;

static bool echo(struct http_request *rq, struct http_response *rs, struct err *e)
{
	const char *cookie = http_request_cookie(rq, "a"), *text = NULL;
	int64_t number = 0, id;
	bool flag;
	struct err ignored = {0};
	if (!param_text(rq, "text", 100, &text, e) || !param_int(rq, "n", 0, 9, &number, e) ||
	    !param_bool(rq, "flag", &flag, e))
		return false;
	if (http_request_id(rq, 0, &id, &ignored))
		buf_printf(&rs->body, "%lld ", (long long)id);
	if (cookie)
		http_response_header(rs, "X-Cookie", cookie);
	buf_add_str(&rs->body, text ? text : "-");
	return true;
}

static bool part(struct http_request *rq, struct http_response *rs, struct err *e)
{
	(void)e;
	rs->file_fd = memfd_create("part", 0);
	if (rs->file_fd < 0 || write(rs->file_fd, "0123456789", 10) != 10)
		abort();
	rs->file_size = 10;
	http_response_range(rs, rq, "\"tag\"");
	if (rs->file_offset + rs->file_size > 10)
		abort();
	return true;
}

static void on_text(void *context, const char *text, size_t length)
{
	(void)context;
	if (length && !text)
		abort();
}

static bool events(struct http_request *rq, struct http_response *rs, struct err *e)
{
	(void)e;
	struct http_stream_options o = {
	    .websocket = http_request_header(rq, "Sec-WebSocket-Key") != NULL, .on_text = on_text};
	struct http_stream *s = http_stream_create(&o);
	if (!o.websocket)
		http_stream_close(s);
	http_response_stream(rs, s);
	return true;
}

static const struct http_route ROWS[] = {
    {.method = "GET", .path = "/echo/:id", .scope = "-", .handler = echo},
    {.method = "POST", .path = "/echo/:id", .scope = "-", .body_max = 4096, .handler = echo},
    {.method = "GET", .path = "/events", .scope = "-", .handler = events},
    {.method = "GET", .path = "/part", .scope = "-", .handler = part},
};
static const struct http_routes TABLE = {.rows = ROWS, .count = sizeof ROWS / sizeof *ROWS};

static void start(void)
{
	struct err e = {0};
	const struct http_options o = {.host = "127.0.0.1",
				       .port = "0",
				       .loops = 1,
				       .workers = 1,
				       .header_timeout_s = 2,
				       .idle_timeout_s = 2,
				       .tables = &TABLE,
				       .tables_count = 1};
	log_set_level(LOG_LEVEL_OFF);
	server = http_server_start(&o, &e);
	if (!server)
		abort();
}

static int dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)http_server_port(server))};
	const struct timeval patience = {.tv_sec = 5};
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof sa))
		abort();
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return fd;
}

static void say(int fd, const void *bytes, size_t length)
{
	ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
	(void)n; /* it may have been cut already */
}

static void say_text(int fd, const char *text)
{
	say(fd, text, strlen(text));
}

#define WEBSOCKET                                                                          \
	"GET /events HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static void say_all(int fd, const uint8_t *data, size_t size)
{
	static const char *const before[] = {
	    "",
	    "GET /echo/",
	    "GET /echo/1?",
	    "GET /echo/1 HTTP/1.1\r\nHost: x\r\nCookie: ",
	    "GET /part HTTP/1.1\r\nHost: x\r\nRange: bytes=",
	    "GET /echo/1 HTTP/1.1\r\nHost: x\r\n",
	    "POST /echo/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\nContent-Type: ",
	    WEBSOCKET};
	static const char *const behind[] = {"",
					     " HTTP/1.1\r\nHost: x\r\n\r\n",
					     " HTTP/1.1\r\nHost: x\r\n\r\n",
					     "\r\n\r\n",
					     "\r\n\r\n",
					     "\r\n\r\n",
					     "\r\n\r\n{\"text\":\"1234567890\"}",
					     ""};
	int kind = data[0] % 8;
	say_text(fd, before[kind]);
	say(fd, data + 1, size - 1);
	say_text(fd, behind[kind]);
}

/* Reads to the end; the answer must begin as HTTP does. */
static void hear(int fd)
{
	char head[5] = "", bytes[4096];
	size_t heard = 0;
	for (ssize_t n; (n = recv(fd, bytes, sizeof bytes, 0)) > 0; heard += (size_t)n)
		for (ssize_t i = 0; i < n && heard + (size_t)i < sizeof head; i++)
			head[heard + (size_t)i] = bytes[i];
	if (heard >= sizeof head && memcmp(head, "HTTP/", sizeof head) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned count;
	if (!server)
		start();
	if (size < 1 || size > 20000)
		return 0;
	int fd = dial();
	say_all(fd, data, size);
	shutdown(fd, SHUT_WR);
	hear(fd);
	close(fd);
	if (++count % 64)
		return 0;
	char answer[4096] = "";
	fd = dial();
	say_text(fd, "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	if (recv(fd, answer, sizeof answer - 1, MSG_WAITALL) <= 0 || !strstr(answer, " 200 "))
		abort();
	close(fd);
	return 0;
}
