/* Whose request it is: the address of the peer, or of whom a trusted proxy speaks for. No state; the event loops. */
#include "http/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

enum { FORWARDED_MAX_BYTES = 8 << 10 };

static bool is_trusted(const struct client_proxies *proxies, const struct network *address)
{
	for (size_t i = 0; i < proxies->count; i++)
		if (network_has(&proxies->items[i], address))
			return true;
	return false;
}

/* The last word of a list with commas; *length: what is left of the list before it. */
static const char *last_of(const char *list, size_t *length, size_t *word)
{
	size_t end = *length, at = end;
	while (at && list[at - 1] != ',')
		at--;
	*word = end - at;
	*length = at ? at - 1 : 0;
	return str_trim(list + at, word);
}

bool client_forwarded(const struct client_proxies *proxies, const char *list,
		      struct network *address)
{
	size_t left = list ? strlen(list) : 0, length;
	if (!is_trusted(proxies, address))
		return false;
	/* Each proxy adds at the right whom it has seen: what stands left of somebody untrusted may be a lie. */
	while (left && is_trusted(proxies, address)) {
		struct network said;
		const char *word = last_of(list, &left, &length);
		if (!network_parse(word, length, &said) || said.bits != said.size)
			break;
		*address = said;
	}
	return true;
}

static enum MHD_Result join(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct buf *list = cls;
	(void)kind;
	if (!str_equal_nocase(key, "X-Forwarded-For"))
		return MHD_YES;
	if (list->length)
		buf_add_char(list, ',');
	buf_add_str(list, value ? value : "");
	return MHD_YES;
}

void client_address(struct exchange *x)
{
	struct http_request *rq = &x->rq;
	const struct client_proxies proxies = {x->server->options.proxies,
					       x->server->options.proxies_count};
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = info ? info->client_addr : NULL;
	char text[INET6_ADDRSTRLEN] = "";
	struct network address;
	if (sa && sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, text, sizeof text);
	else if (sa && sa->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, text,
			  sizeof text);
	if (!network_parse(text, strlen(text), &address))
		return;
	if (proxies.count) {
		const char *proto = http_request_header(rq, "X-Forwarded-Proto");
		struct buf list;
		buf_init(&list, FORWARDED_MAX_BYTES);
		MHD_get_connection_values(x->connection, MHD_HEADER_KIND, join, &list);
		if (client_forwarded(&proxies, list.failed ? NULL : list.data, &address))
			rq->https = proto && !strcmp(proto, "https");
		buf_finish(&list);
	}
	network_text(&address, rq->client_ip);
}
