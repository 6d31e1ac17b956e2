/* Bytes as text and back: hex and base64, the standard alphabet (with padding) and the URL-safe one
 * (without). Decoding takes only what encoding makes, plus missing padding. */
#ifndef MADANG_BASE_CODEC_H
#define MADANG_BASE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* text needs 2 * length + 1 bytes; lower case; returns text. */
char *codec_hex(char *text, const void *bytes, size_t length);

void codec_base64(struct buf *out, const void *bytes, size_t length);
void codec_base64url(struct buf *out, const void *bytes, size_t length);

/* Appends the bytes of either alphabet; false for anything else, or where out is full. */
bool codec_base64_decode(struct buf *out, const char *text, size_t length)
    __attribute__((warn_unused_result));

#endif
