/* Owns the one override of the wall clock that tests use. Any thread. */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
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
	size_t n = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, CLOCK_TEXT_SIZE - n, ".%03dZ", (int)ms);
	return text;
}
