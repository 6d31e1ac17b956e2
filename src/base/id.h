/* Time-ordered ids: 47 bits of milliseconds since 1970, 16 bits that begin at random in each millisecond
 * and count on. A later id of one process is always larger; two processes can meet only within one
 * millisecond, by a chance of 1 in 65,536, and then the primary key refuses the second. In JSON and
 * URLs an id is a decimal string, because JavaScript's numbers end at 2^53. */
#ifndef MADANG_BASE_ID_H
#define MADANG_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#define ID_TEXT_SIZE 20 /* 19 digits and the NUL */

int64_t id_new(void); /* > 0; any thread */

char *id_format(char text[ID_TEXT_SIZE], int64_t id); /* returns text; id >= 0 */

/* Only digits, no sign, no leading zero, within int64; otherwise false. */
bool id_parse(const char *text, int64_t *id) __attribute__((warn_unused_result));

int64_t id_time_ms(int64_t id);    /* when it was made */
int64_t id_at_ms(int64_t wall_ms); /* the smallest id of that millisecond, for ranges */

#endif
