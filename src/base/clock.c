/* Owns the one override of the wall clock that tests use, and what the house's time was last. Any thread. */
#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

static _Atomic int64_t wall_override_ms;

int64_t clock_wall_ms(void)
{
	int64_t fixed = atomic_load_explicit(&wall_override_ms, memory_order_relaxed);
	if (fixed)
		return fixed;
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_mono_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static pthread_mutex_t house_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t house_ms, house_mono_ns; /* under the lock: what it was, and when that was */

int64_t clock_house_ms(void)
{
	pthread_mutex_lock(&house_lock);
	int64_t wall_ms = clock_wall_ms(), mono_ns = clock_mono_ns();
	int64_t passed_ms = (mono_ns - house_mono_ns) / 1000000;
	int64_t slowly_ms = house_ms + passed_ms - passed_ms / 8;
	if (wall_ms >= house_ms || !house_ms) {
		house_ms = wall_ms;
		house_mono_ns = mono_ns;
	} else if (passed_ms >= 8) { /* whole eighths, so that nothing is rounded away */
		house_ms = slowly_ms;
		house_mono_ns += passed_ms * 1000000;
	}
	int64_t now_ms = house_ms;
	pthread_mutex_unlock(&house_lock);
	return now_ms;
}

void clock_set_wall_ms(int64_t wall_ms)
{
	pthread_mutex_lock(&house_lock);
	atomic_store(&wall_override_ms, wall_ms);
	if (!wall_ms)
		house_ms = 0;
	pthread_mutex_unlock(&house_lock);
}

char *clock_format(char text[CLOCK_TEXT_SIZE], int64_t wall_ms)
{
	int64_t ms = wall_ms % 1000, seconds = wall_ms / 1000;
	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	struct tm tm;
	time_t t = (time_t)seconds;
	text[0] = '\0';
	if (!gmtime_r(&t, &tm) || tm.tm_year + 1900 > 9999 || tm.tm_year + 1900 < 0)
		return text;
	const int parts[] = {tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
			     tm.tm_min,         tm.tm_sec,     (int)ms};
	static const char form[] = "0000-00-00T00:00:00.000Z";
	memcpy(text, form, sizeof form);
	for (int i = 6, at = 22; i >= 0; i--, at--) /* from the back, each up to its separator */
		for (int rest = parts[i]; at >= 0 && form[at] == '0'; at--, rest /= 10)
			text[at] = (char)('0' + rest % 10);
	return text;
}

static bool digits(const char **text, int count, int *value)
{
	*value = 0;
	for (int i = 0; i < count; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		*value = 10 * *value + (**text - '0');
	}
	return true;
}

static bool literal(const char **text, char c)
{
	return **text == c && (*text)++;
}

/* "Z", "+09:00", "+0900" or nothing, up to the end: minutes east of UTC. */
static bool zone(const char *s, int *minutes)
{
	int sign = *s == '-' ? -1 : 1, h, m;
	*minutes = 0;
	if (!*s || !strcmp(s, "Z"))
		return true;
	if (*s != '+' && *s != '-')
		return false;
	s++;
	if (!digits(&s, 2, &h))
		return false;
	(void)!literal(&s, ':');
	if (!digits(&s, 2, &m) || *s || h > 23 || m > 59)
		return false;
	*minutes = sign * (60 * h + m);
	return true;
}

bool clock_parse(const char *text, int64_t *wall_ms)
{
	struct tm t = {0};
	int ms = 0, unit = 100, minutes;
	const char *s = text;
	if (!digits(&s, 4, &t.tm_year) || !literal(&s, '-') || !digits(&s, 2, &t.tm_mon) ||
	    !literal(&s, '-') || !digits(&s, 2, &t.tm_mday) ||
	    !(literal(&s, 'T') || literal(&s, ' ')) || !digits(&s, 2, &t.tm_hour) ||
	    !literal(&s, ':') || !digits(&s, 2, &t.tm_min))
		return false;
	if (literal(&s, ':') && !digits(&s, 2, &t.tm_sec))
		return false;
	if (literal(&s, '.'))
		for (; *s >= '0' && *s <= '9'; s++, unit /= 10)
			ms += unit * (*s - '0');
	if (!zone(s, &minutes) || t.tm_year < 1970 || t.tm_mon < 1 || t.tm_mon > 12 ||
	    t.tm_mday < 1 || t.tm_mday > 31 || t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 60)
		return false;
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	*wall_ms = 1000 * ((int64_t)timegm(&t) - 60 * minutes) + ms;
	return true;
}
