/* Addresses and networks as text. No state; any thread. */
#include "app/private.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { BITS_V4 = 24, BITS_V6 = 48 }; /* of what counts as one network */

struct address {
	unsigned char bytes[16];
	int bits; /* 32 or 128 */
};

static bool parse(const char *text, struct address *out)
{
	if (inet_pton(AF_INET, text, out->bytes) == 1)
		out->bits = 32;
	else if (inet_pton(AF_INET6, text, out->bytes) == 1)
		out->bits = 128;
	else
		return false;
	return true;
}

/* "192.0.2.0/24"; without a length it is one address. */
static bool parse_network(const char *text, size_t length, struct address *out, int *prefix)
{
	char copy[64];
	int64_t bits;
	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	char *slash = strchr(copy, '/');
	if (slash)
		*slash = '\0';
	if (!parse(copy, out))
		return false;
	*prefix = out->bits;
	if (slash && !str_to_int(slash + 1, 0, out->bits, &bits))
		return false;
	if (slash)
		*prefix = (int)bits;
	return true;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, int bits)
{
	if (memcmp(a, b, (size_t)(bits / 8)) != 0)
		return false;
	int rest = bits % 8;
	return rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0;
}

bool app_networks_valid(const char *list)
{
	struct address network;
	int prefix;
	while (*list) {
		size_t length = strcspn(list, " ");
		if (length && !parse_network(list, length, &network, &prefix))
			return false;
		list += length + (list[length] == ' ');
	}
	return true;
}

bool app_networks_have(const char *list, const char *ip)
{
	struct address network, address;
	int prefix;
	if (!ip || !parse(ip, &address))
		return false;
	while (*list) {
		size_t length = strcspn(list, " ");
		if (parse_network(list, length, &network, &prefix) &&
		    network.bits == address.bits && same_bits(network.bytes, address.bytes, prefix))
			return true;
		list += length + (list[length] == ' ');
	}
	return false;
}

void app_network_of(const char *ip, char out[APP_NETWORK_SIZE])
{
	struct address a;
	char text[INET6_ADDRSTRLEN] = "";
	snprintf(out, APP_NETWORK_SIZE, "?");
	if (!ip || !parse(ip, &a))
		return;
	int bits = a.bits == 32 ? BITS_V4 : BITS_V6;
	memset(a.bytes + bits / 8, 0, (size_t)(a.bits - bits) / 8);
	if (inet_ntop(a.bits == 32 ? AF_INET : AF_INET6, a.bytes, text, sizeof(text)))
		snprintf(out, APP_NETWORK_SIZE, "%s/%d", text, bits);
}

bool app_words_have(const char *list, const char *word)
{
	size_t whole = strlen(word);
	if (!list[0])
		return true;
	while (*list) {
		size_t length = strcspn(list, " ");
		if (length == whole && strncmp(list, word, whole) == 0)
			return true;
		list += length + (list[length] == ' ');
	}
	return false;
}
