/* Pure functions. Any thread. Not constant-time: compare secrets as bytes, not as text. */
#include "base/codec.h"

#include <stdint.h>
#include <string.h>

static const char STANDARD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *codec_hex(char *text, const void *bytes, size_t length)
{
	const unsigned char *p = bytes;
	for (size_t i = 0; i < length; i++) {
		text[2 * i] = "0123456789abcdef"[p[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
	}
	text[2 * length] = '\0';
	return text;
}

/* A block of whole groups at a time, so that a picture does not cost a buf_add per four characters. */
static void encode(struct buf *out, const unsigned char *p, size_t length, const char *alphabet,
		   bool pad)
{
	char block[4 * 192];
	size_t n = 0;
	for (; length >= 3; p += 3, length -= 3) {
		uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		for (int shift = 18; shift >= 0; shift -= 6)
			block[n++] = alphabet[v >> shift & 63];
		if (n == sizeof block) {
			buf_add(out, block, n);
			n = 0;
		}
	}
	if (length) {
		uint32_t v = (uint32_t)p[0] << 16 | (length == 2 ? (uint32_t)p[1] << 8 : 0);
		block[n++] = alphabet[v >> 18];
		block[n++] = alphabet[v >> 12 & 63];
		if (length == 2)
			block[n++] = alphabet[v >> 6 & 63];
		for (size_t i = length; pad && i < 3; i++)
			block[n++] = '=';
	}
	buf_add(out, block, n);
}

void codec_base64(struct buf *out, const void *bytes, size_t length)
{
	encode(out, bytes, length, STANDARD, true);
}

void codec_base64url(struct buf *out, const void *bytes, size_t length)
{
	encode(out, bytes, length, URL, false);
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

bool codec_base64_decode(struct buf *out, const char *text, size_t length)
{
	for (int i = 0;
	     i < 2 && length && text[length - 1] == '=' && length % 4 == (size_t)(-i & 3); i++)
		length--;
	if (length % 4 == 1)
		return false;
	char block[3 * 256];
	size_t n = 0;
	uint32_t v = 0;
	for (size_t i = 0; i < length; i++) {
		int digit = base64_digit(text[i]);
		if (digit < 0)
			return false;
		v = v << 6 | (uint32_t)digit;
		if (i % 4 != 0)
			block[n++] = (char)(v >> (6 - 2 * (i % 4)));
		if (n == sizeof block) {
			buf_add(out, block, n);
			n = 0;
		}
	}
	unsigned spare = length % 4 == 2 ? 15 : length % 4 == 3 ? 3 : 0;
	if (v &
	    spare) /* bits that encode nothing must be zero, so that each text has one spelling */
		return false;
	buf_add(out, block, n);
	return !out->failed;
}
