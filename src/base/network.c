/* Addresses and networks as bytes. No state; any thread. What must stay true: bits <= size, and an IPv4 address has one
 * form only, whichever way it was written. */
#include "base/network.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { BITS_V4 = 32, BITS_V6 = 128, MAPPED = 96 };

static const unsigned char MAPPED_PREFIX[MAPPED / 8] = {[10] = 0xff, [11] = 0xff};

bool network_parse(const char *text, size_t length, struct network *out)
{
	char copy[64];
	if (!length || length >= sizeof copy || memchr(text, '\0', length))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	char *slash = strchr(copy, '/');
	if (slash)
		*slash = '\0';
	struct network n = {0};
	if (inet_pton(AF_INET, copy, n.bytes) == 1)
		n.size = BITS_V4;
	else if (inet_pton(AF_INET6, copy, n.bytes) == 1)
		n.size = BITS_V6;
	else
		return false;
	int64_t bits = n.size;
	if (slash && !str_to_int(slash + 1, 0, n.size, &bits))
		return false;
	n.bits = (int)bits;
	if (n.size == BITS_V6 && n.bits >= MAPPED &&
	    !memcmp(n.bytes, MAPPED_PREFIX, sizeof MAPPED_PREFIX)) {
		memmove(n.bytes, n.bytes + MAPPED / 8, BITS_V4 / 8);
		memset(n.bytes + BITS_V4 / 8, 0, sizeof n.bytes - BITS_V4 / 8);
		n.size = BITS_V4;
		n.bits -= MAPPED;
	}
	*out = n;
	return true;
}

bool network_has(const struct network *n, const struct network *address)
{
	int whole = n->bits / 8, rest = n->bits % 8;
	if (n->size != address->size || memcmp(n->bytes, address->bytes, (size_t)whole))
		return false;
	return !rest || (n->bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

void network_cut(struct network *n, int bits)
{
	n->bits = bits < n->bits ? bits : n->bits;
	int whole = n->bits / 8, rest = n->bits % 8;
	if (rest)
		n->bytes[whole++] &= (unsigned char)(0xff << (8 - rest));
	memset(n->bytes + whole, 0, sizeof n->bytes - (size_t)whole);
}

void network_text(const struct network *n, char out[NETWORK_TEXT_SIZE])
{
	char text[INET6_ADDRSTRLEN] = "?";
	inet_ntop(n->size == BITS_V4 ? AF_INET : AF_INET6, n->bytes, text, sizeof text);
	if (n->bits == n->size)
		snprintf(out, NETWORK_TEXT_SIZE, "%s", text);
	else
		snprintf(out, NETWORK_TEXT_SIZE, "%s/%d", text, n->bits);
}
