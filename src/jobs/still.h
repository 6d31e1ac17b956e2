/* Who has fallen silent: a lease, or a worker's sign of life, is read again and again, and counts as dead when it has not
 * changed for a while. No clock but this process's own, which never jumps, has a say in it; whose clock is wrong takes
 * nothing from others. One thread. */
#ifndef MADANG_JOBS_STILL_H
#define MADANG_JOBS_STILL_H

#include <stdint.h>

/* Between two rounds at most step_max_ms are counted: where this process itself stood still, so may the others have. */
struct still *still_create(int64_t step_max_ms);
void still_destroy(struct still *s);

/* A round: begin, look at each that there is, end. What was not looked at is forgotten. */
void still_begin(struct still *s, int64_t now_ns);
/* For how long `key` has had this value; where it is new, first_ms. */
int64_t still_look(struct still *s, int64_t key, int64_t value, int64_t first_ms);
void still_end(struct still *s);

/* A key for a name. */
int64_t still_key(const char *name);

#endif
