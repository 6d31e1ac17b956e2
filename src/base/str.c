/* Pure functions over borrowed text. Any thread. */
#include "base/str.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t str_utf8_next(const char *s, size_t length, uint32_t *code)
{
	const unsigned char *p = (const unsigned char *)s;
	if (length == 0)
		return 0;
	uint32_t c = p[0], least;
	size_t n;
	if (c < 0x80) {
		if (code)
			*code = c;
		return 1;
	} else if (c >= 0xc2 && c <= 0xdf) {
		n = 2, c &= 0x1f, least = 0x80;
	} else if (c >= 0xe0 && c <= 0xef) {
		n = 3, c &= 0x0f, least = 0x800;
	} else if (c >= 0xf0 && c <= 0xf4) {
		n = 4, c &= 0x07, least = 0x10000;
	} else {
		return 0;
	}
	if (n > length)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (code)
		*code = c;
	return n;
}

bool str_is_utf8(const char *s, size_t length)
{
	while (length) {
		size_t n = str_utf8_next(s, length, NULL);
		if (n == 0)
			return false;
		s += n;
		length -= n;
	}
	return true;
}

size_t str_utf8_count(const char *s, size_t length)
{
	size_t count = 0;
	while (length) {
		size_t n = str_utf8_next(s, length, NULL);
		n = n ? n : 1;
		s += n;
		length -= n;
		count++;
	}
	return count;
}

size_t str_utf8_cut(const char *s, size_t length, size_t max_bytes)
{
	if (length <= max_bytes)
		return length;
	size_t n = max_bytes;
	while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

const char *str_trim(const char *s, size_t *length)
{
	while (*length && is_space(*s)) {
		s++;
		--*length;
	}
	while (*length && is_space(s[*length - 1]))
		--*length;
	return s;
}

char str_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_equal_nocase(const char *a, const char *b)
{
	while (*a && str_lower(*a) == str_lower(*b)) {
		a++;
		b++;
	}
	return *a == '\0' && *b == '\0';
}

bool str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

bool str_to_int(const char *s, int64_t min, int64_t max, int64_t *value)
{
	const char *digits = *s == '-' ? s + 1 : s;
	if (*digits == '\0' || strspn(digits, "0123456789") != strlen(digits))
		return false;
	errno = 0;
	long long n = strtoll(s, NULL, 10);
	if (errno || n < min || n > max)
		return false;
	*value = n;
	return true;
}

bool str_to_double(const char *s, double min, double max, double *value)
{
	if (*s == '\0' || strspn(s, "+-.0123456789eE") != strlen(s))
		return false;
	locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
	if (!c)
		return false;
	char *end;
	double x = strtod_l(s, &end, c);
	freelocale(c);
	if (*end || !isfinite(x) || x < min || x > max)
		return false;
	*value = x;
	return true;
}
