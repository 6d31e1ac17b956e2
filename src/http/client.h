/* Whose request it is. For server.c only. */
#ifndef MADANG_HTTP_CLIENT_H
#define MADANG_HTTP_CLIENT_H

#include "base/network.h"
#include "http/exchange.h"

struct client_proxies {
	const struct network *items;
	size_t count;
};

/* *address: the peer's. Where that is a trusted proxy: true, and *address becomes whom the list (the values of
 * X-Forwarded-For, NULL: none) names, read from the right up to the first who is no trusted proxy. */
bool client_forwarded(const struct client_proxies *proxies, const char *list,
		      struct network *address);

/* Fills client_ip and https of the request. */
void client_address(struct exchange *x);

#endif
