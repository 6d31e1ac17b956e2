/* How busy the machines are, measured; what is held back at which level; what a picture costs in work. */
#ifndef MADANG_JOBS_LOAD_H
#define MADANG_JOBS_LOAD_H

#include <stdbool.h>
#include <stdint.h>

enum load_level {
	LOAD_CALM,
	LOAD_FEWER_PREVIEWS,
	LOAD_SMALLER_BATCHES,
	LOAD_OVER_SHARE, /* nothing new for accounts over their share */
	LOAD_EVERYONE    /* nothing new */
};
enum { LOAD_LEVELS = 5, LOAD_SMALL_BATCH = 2 };

struct load_measure {
	double wait_s;      /* a newcomer's, for a picture */
	double memory_free; /* 0-1 */
};
/* wait_s: a newcomer's wait at which batches get smaller; the other levels follow from it. A level is left only
 * when it is well below, so that it does not flutter. */
enum load_level load_level_of(const struct load_measure *m, double wait_s, enum load_level now);
const char *load_level_name(enum load_level level);

double load_memory_free(void); /* 1 where it cannot be read */

/* Work done while pictures are drawn. One thread. */
enum { LOAD_PACKAGES_MAX = 16 };
struct load_work {
	double cpu_s, joules;
	bool has_joules; /* RAPL can be read */
	double last_cpu_s;
	const char *powercap;
	int packages; /* processors that tell what they use */
	struct {
		int64_t last_uj, max_uj;
	} package[LOAD_PACKAGES_MAX];
};
/* powercap: the folder that Linux tells energy in; NULL: where it is on every machine. Borrowed. */
void load_work_init(struct load_work *w, const char *powercap);
/* About once a second; `drawing`: something was drawn since the last time. */
void load_work_tick(struct load_work *w, bool drawing);

#endif
