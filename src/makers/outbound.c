/* Owns one libcurl transfer at a time, on the calling thread. What must stay true: the address is checked
 * where the socket is opened, after resolving, so a name that changes its mind does not get around it; and no
 * connection that was opened on somebody's word is used by a request that has only its own. */
#include "makers/outbound.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"

enum { REDIRECTS_MAX = 3, CONNECT_TIMEOUT_S = 10 };

struct transfer {
	const struct outbound_request *request;
	struct outbound_answer *answer;
	CURL *curl;
	bool trusted, refused_address, cancelled, bad_data, too_large;
	size_t received;
	char location[2048];
};

void outbound_init(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool in_network(uint32_t address, uint32_t network, int bits)
{
	return (address ^ network) >> (32 - bits) == 0;
}

static bool private_v4(uint32_t a)
{
	static const struct {
		uint32_t network;
		int bits;
	} networks[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},
			{0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24},
			{0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24},
			{0xe0000000, 3}};
	for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
		if (in_network(a, networks[i].network, networks[i].bits))
			return true;
	return false;
}

static uint32_t read32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool private_v6(const uint8_t a[16])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	if (!memcmp(a, mapped, 12) || !memcmp(a, nat64, 12))
		return private_v4(read32(a + 12));
	if (a[0] == 0x20 && a[1] == 0x02) /* 6to4 carries an IPv4 address */
		return private_v4(read32(a + 2));
	/* Only 2000::/3 is given out; of it, documentation and Teredo are nobody's. */
	if ((a[0] & 0xe0) != 0x20)
		return true;
	return a[0] == 0x20 && a[1] == 0x01 &&
	       ((a[2] == 0x0d && a[3] == 0xb8) || (a[2] == 0 && a[3] == 0));
}

bool outbound_is_private(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return private_v4(
		    ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr));
	if (address->sa_family == AF_INET6)
		return private_v6(
		    ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr);
	return true;
}

bool outbound_is_under(const char *url, const char *base)
{
	return str_starts(url, base) && url[strlen(base)] == '/';
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *t = context;
	(void)purpose;
	if (!t->trusted && outbound_is_private(&address->addr)) {
		t->refused_address = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_header(char *line, size_t size, size_t n, void *context)
{
	struct transfer *t = context;
	size_t length = size * n;
	if (length > 10 && !strncasecmp(line, "Location:", 9)) {
		size_t text_length = length - 9;
		const char *text = str_trim(line + 9, &text_length);
		if (text_length < sizeof t->location) {
			memcpy(t->location, text, text_length);
			t->location[text_length] = '\0';
		}
	} else if (length > 13 && !strncasecmp(line, "Content-Type:", 13)) {
		size_t text_length = length - 13;
		const char *text = str_trim(line + 13, &text_length);
		if (text_length < sizeof t->answer->content_type) {
			memcpy(t->answer->content_type, text, text_length);
			t->answer->content_type[text_length] = '\0';
		}
	} else if (length > 12 && !strncasecmp(line, "Retry-After:", 12)) {
		long seconds = strtol(line + 12, NULL, 10);
		t->answer->retry_after_s = seconds > 0 && seconds < 86400 ? (int)seconds : 0;
	}
	return length;
}

static size_t on_data(char *bytes, size_t size, size_t n, void *context)
{
	struct transfer *t = context;
	size_t length = size * n;
	long status = 0;
	t->received += length;
	if (t->received > t->request->bytes_max) {
		t->too_large = true;
		return 0;
	}
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (t->request->data && status == 200) {
		if (t->request->data(t->request->context, t->answer->content_type, bytes, length))
			return length;
		t->bad_data = true;
		return 0;
	}
	buf_add(&t->answer->body, bytes, length);
	return length;
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct transfer *t = context;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	t->cancelled = t->request->going && !t->request->going(t->request->context);
	return t->cancelled;
}

static struct curl_slist *headers_of(const struct outbound_request *q, bool first)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	char line[4096];
	if (q->content_type && q->body) {
		snprintf(line, sizeof line, "Content-Type: %s", q->content_type);
		list = curl_slist_append(list, line);
	}
	if (q->authorization && first) {
		snprintf(line, sizeof line, "Authorization: %s", q->authorization);
		list = curl_slist_append(list, line);
	}
	for (size_t i = 0; q->headers && first && q->headers[i]; i++)
		list = curl_slist_append(list, q->headers[i]);
	return list;
}

static CURLcode perform(struct transfer *t, const char *url, bool first)
{
	const struct outbound_request *q = t->request;
	CURL *c = t->curl;
	struct curl_slist *headers = headers_of(q, first);
	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROXY, ""); /* a proxy would do the resolving, unchecked */
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)q->timeout_s);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "madang");
	/* A redirect to where the trusted request went: over its open connection it would go unchecked. */
	curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, (long)(q->trusted && !first));
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
	if (q->body && first) {
		curl_easy_setopt(c, CURLOPT_POST, 1L);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_length);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, q->body);
	}
	CURLcode rc = curl_easy_perform(c);
	curl_slist_free_all(headers);
	return rc;
}

static bool fail(struct transfer *t, CURLcode rc, struct err *e)
{
	if (t->cancelled)
		return err_set(e, ERR_CANCELLED, "cancelled");
	if (t->refused_address)
		return err_set(e, ERR_INVALID,
			       "the other server leads to a private network, which is refused");
	if (t->too_large)
		return err_set(e, ERR_INVALID, "the other server's answer is too large");
	if (t->bad_data)
		return err_set(e, ERR_INVALID, "the other server's answer cannot be read");
	if (rc == CURLE_UNSUPPORTED_PROTOCOL || rc == CURLE_URL_MALFORMAT)
		return err_set(e, ERR_INVALID,
			       "the other server answers with an address that is not of the web");
	err_set(e, ERR_IO,
		rc == CURLE_OPERATION_TIMEDOUT ? "the other server took too long to answer"
					       : "the other server cannot be reached");
	return err_detail(e, "curl: %s", curl_easy_strerror(rc));
}

/* The absolute address of a redirect. */
static char *resolve(const char *base, const char *location)
{
	CURLU *u = curl_url();
	char *out = NULL;
	if (u && !curl_url_set(u, CURLUPART_URL, base, 0) &&
	    !curl_url_set(u, CURLUPART_URL, location, 0) && curl_url_get(u, CURLUPART_URL, &out, 0))
		out = NULL;
	curl_url_cleanup(u);
	return out;
}

bool outbound_fetch(const struct outbound_request *q, struct outbound_answer *answer, struct err *e)
{
	struct transfer t = {.request = q, .answer = answer, .trusted = q->trusted};
	char *url = strdup(q->url);
	*answer = (struct outbound_answer){0};
	buf_init(&answer->body, q->bytes_max);
	t.curl = curl_easy_init();
	if (!t.curl || !url)
		abort();
	bool ok = false;
	for (int hop = 0; hop <= REDIRECTS_MAX; hop++) {
		t.location[0] = '\0';
		buf_clear(&answer->body);
		CURLcode rc = perform(&t, url, hop == 0);
		if (rc != CURLE_OK) {
			fail(&t, rc, e);
			break;
		}
		curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &answer->status);
		ok = answer->status < 300 || answer->status >= 400 || !t.location[0];
		if (ok)
			break;
		char *next = resolve(url, t.location);
		if (!next || hop == REDIRECTS_MAX) {
			err_set(e, ERR_INVALID, "the other server redirects without an end");
			curl_free(next);
			break;
		}
		free(url);
		url = strdup(next);
		curl_free(next);
		t.trusted = false;
	}
	curl_easy_cleanup(t.curl);
	free(url);
	return ok;
}
