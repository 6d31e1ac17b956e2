/* Small things with text: UTF-8, trimming, comparing, numbers. Nothing here allocates or keeps. */
#ifndef MADANG_BASE_STR_H
#define MADANG_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strict UTF-8 (no overlong forms, no surrogates, nothing past U+10FFFF). NUL counts as a character. */
bool str_is_utf8(const char *s, size_t length);

/* The bytes of the character that begins at s (1-4, at most `length`), 0 where it is not valid UTF-8. The
 * character itself goes to *code where code is not NULL. */
size_t str_utf8_next(const char *s, size_t length, uint32_t *code);

size_t str_utf8_count(const char *s, size_t length); /* characters; a broken byte counts as one */

/* The longest prefix, in bytes, of at most max_bytes that cuts no character. */
size_t str_utf8_cut(const char *s, size_t length, size_t max_bytes);

/* Without ASCII white space at both ends: the beginning inside s, the new length in *length. */
const char *str_trim(const char *s, size_t *length);

/* ASCII letters compare equal in both cases; other bytes exactly. */
bool str_equal_nocase(const char *a, const char *b);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
char str_lower(char c); /* ASCII */

/* The whole of s is one decimal number within [min, max]; otherwise false and *value is left alone. */
bool str_to_int(const char *s, int64_t min, int64_t max, int64_t *value)
    __attribute__((warn_unused_result));
bool str_to_double(const char *s, double min, double max, double *value)
    __attribute__((warn_unused_result)); /* finite; a point, whatever the locale */

#endif
