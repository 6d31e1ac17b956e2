/* Owns the one override of the wall clock that tests use. Any thread. */
#include "base/clock.h"

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

void clock_set_wall_ms(int64_t wall_ms)
{
	atomic_store(&wall_override_ms, wall_ms);
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
