/* Time: the wall clock for what people see, the monotonic clock for how long things take. */
#ifndef MADANG_BASE_CLOCK_H
#define MADANG_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_ms(void); /* milliseconds since 1970-01-01 UTC; may jump */
int64_t clock_mono_ns(void); /* nanoseconds since some start; never goes back */

/* The time by which the house decides what has begun, what is over, and whose turn it is: the wall clock, but never
 * before what was said already. Where the wall clock was put back, this one goes on, an eighth slower, until the wall
 * clock has caught up: what has expired stays so, and nothing waits for an hour to come again. */
int64_t clock_house_ms(void);

/* Tests only: from now on clock_wall_ms() says wall_ms; 0 gives the real clock back, and clock_house_ms() starts anew. */
void clock_set_wall_ms(int64_t wall_ms);

#define CLOCK_TEXT_SIZE 32
/* "2026-01-31T09:05:00.123Z" into text[CLOCK_TEXT_SIZE]; returns text. */
char *clock_format(char text[CLOCK_TEXT_SIZE], int64_t wall_ms);

/* The other way: also with an offset ("+09:00") and without a fraction. False: it is no such time. */
bool clock_parse(const char *text, int64_t *wall_ms) __attribute__((warn_unused_result));

#endif
