/* Addresses and networks: 192.0.2.7, 192.0.2.0/24, 2001:db8::/32. Nothing here allocates or keeps. */
#ifndef MADANG_BASE_NETWORK_H
#define MADANG_BASE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

/* An address is a network of its full length. IPv4 as sockets for both families write it (::ffff:192.0.2.7) is
 * IPv4, so that nobody passes a list by the other spelling; otherwise no network of one family holds an address of
 * the other. */
struct network {
	unsigned char bytes[16];
	int size; /* of an address, in bits: 32 or 128 */
	int bits; /* that count */
};

enum { NETWORK_TEXT_SIZE = 50 };

/* The first `length` bytes of text, all of them. */
bool network_parse(const char *text, size_t length, struct network *out)
    __attribute__((warn_unused_result));
bool network_has(const struct network *n, const struct network *address);
/* Keeps the first `bits`; the rest becomes zero. */
void network_cut(struct network *n, int bits);
/* 192.0.2.0/24; an address without its length. */
void network_text(const struct network *n, char out[NETWORK_TEXT_SIZE]);

#endif
