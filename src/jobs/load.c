/* The arithmetic of the load, and what Linux says about memory, CPU time and energy. No state but the caller's. */
#include "jobs/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char RAPL[] = "/sys/class/powercap/intel-rapl:0/energy_uj",
		  RAPL_MAX[] = "/sys/class/powercap/intel-rapl:0/max_energy_range_uj";
static const double WAITS[LOAD_LEVELS] = {0, 1.0 / 3, 1, 4, 20}, LEAVE = 0.7;
/* Below so much memory the machine begins to swap, or to kill. */
static const double MEMORY_SCARCE = 0.04, MEMORY_GONE = 0.02;

enum load_level load_level_of(const struct load_measure *m, double wait_s, enum load_level now)
{
	enum load_level level = LOAD_CALM;
	for (int i = 1; i < LOAD_LEVELS; i++) {
		double limit = wait_s * WAITS[i] * (i <= (int)now ? LEAVE : 1);
		if (m->wait_s >= limit)
			level = (enum load_level)i;
	}
	enum load_level memory = m->memory_free < MEMORY_GONE     ? LOAD_EVERYONE
				 : m->memory_free < MEMORY_SCARCE ? LOAD_SMALLER_BATCHES
								  : LOAD_CALM;
	return level > memory ? level : memory;
}

const char *load_level_name(enum load_level level)
{
	static const char *const names[] = {"calm", "fewer_previews", "smaller_batches",
					    "over_share", "everyone"};
	return names[level];
}

/* "MemTotal:       16384 kB"; 0 where the line is another. */
static int64_t line_value(const char *line, const char *name)
{
	size_t n = strlen(name);
	return strncmp(line, name, n) ? 0 : strtoll(line + n, NULL, 10);
}

double load_memory_free(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	int64_t total = 0, available = 0;
	while (f && fgets(line, sizeof line, f)) {
		total += line_value(line, "MemTotal:");
		available += line_value(line, "MemAvailable:");
	}
	if (f)
		fclose(f);
	return total > 0 ? (double)available / (double)total : 1;
}

static double cpu_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* -1: it cannot be read (no such machine, or only root may). */
static int64_t read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[64];
	int64_t value = f && fgets(line, sizeof line, f) ? strtoll(line, NULL, 10) : -1;
	if (f)
		fclose(f);
	return value;
}

void load_work_init(struct load_work *w)
{
	*w = (struct load_work){.last_cpu_s = cpu_s(),
				.last_energy_uj = read_number(RAPL),
				.energy_max_uj = read_number(RAPL_MAX)};
	w->has_joules = w->last_energy_uj >= 0 && w->energy_max_uj > 0;
}

void load_work_tick(struct load_work *w, bool drawing)
{
	double cpu = cpu_s();
	if (drawing)
		w->cpu_s += cpu - w->last_cpu_s;
	w->last_cpu_s = cpu;
	if (!w->has_joules)
		return;
	int64_t energy = read_number(RAPL), used = energy - w->last_energy_uj;
	if (energy < 0)
		return;
	used = used < 0 ? used + w->energy_max_uj : used; /* it counts in a circle */
	if (drawing && used >= 0)
		w->joules += (double)used * 1e-6;
	w->last_energy_uj = energy;
}
