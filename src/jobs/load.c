/* The arithmetic of the load, and what Linux says about memory, CPU time and energy. No state but the caller's. */
#include "jobs/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char POWERCAP[] = "/sys/class/powercap";
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

/* AMD's processors tell it under the same name. */
static int64_t read_package(const struct load_work *w, int package, const char *what)
{
	char path[512];
	snprintf(path, sizeof path, "%s/intel-rapl:%d/%s", w->powercap, package, what);
	return read_number(path);
}

void load_work_init(struct load_work *w, const char *powercap)
{
	*w = (struct load_work){.last_cpu_s = cpu_s(), .powercap = powercap ? powercap : POWERCAP};
	for (; w->packages < LOAD_PACKAGES_MAX; w->packages++) {
		int i = w->packages;
		w->package[i].last_uj = read_package(w, i, "energy_uj");
		w->package[i].max_uj = read_package(w, i, "max_energy_range_uj");
		if (w->package[i].last_uj < 0 || w->package[i].max_uj <= 0)
			break;
	}
	w->has_joules = w->packages > 0;
}

void load_work_tick(struct load_work *w, bool drawing)
{
	double cpu = cpu_s();
	if (drawing)
		w->cpu_s += cpu - w->last_cpu_s;
	w->last_cpu_s = cpu;
	for (int i = 0; i < w->packages; i++) {
		int64_t energy = read_package(w, i, "energy_uj");
		int64_t used = energy - w->package[i].last_uj;
		if (energy < 0)
			continue;
		used = used < 0 ? used + w->package[i].max_uj : used; /* it counts in a circle */
		if (drawing && used >= 0)
			w->joules += (double)used * 1e-6;
		w->package[i].last_uj = energy;
	}
}
