/* Who draws, what administrators say about makers, and how long things have taken. */
#ifndef MADANG_STORE_WORKER_H
#define MADANG_STORE_WORKER_H

#include "store/page.h"

/* What a process has done since it started. */
struct store_work {
	int64_t pictures;
	double cpu_s;    /* while something was drawn */
	double joules;   /* as well */
	bool has_joules; /* this machine tells them */
	/* Prompts that were read, those known to their end from a job before, and their tokens. */
	int64_t prefixes_computed, prefixes_shared;
	int64_t prefix_tokens_computed, prefix_tokens_shared;
};

struct store_worker {
	const char *name;
	const char *makers; /* JSON: what each can do */
	int64_t slots;
	int64_t busy;
	double utilisation; /* 0-1 */
	double memory_free; /* 0-1 */
	struct store_work work;
	int64_t started_at;
	int64_t seen_at;
};
bool store_worker_set(struct db *w, const struct store_worker *worker, struct err *e) MUST_CHECK;
bool store_worker_delete(struct db *w, const char *name, struct err *e) MUST_CHECK;
/* Those heard of since; older ones are deleted by store_worker_expire. At most 1,000. */
bool store_worker_list(struct db *db, struct arena *arena, int64_t since_ms,
		       struct store_worker **items, size_t *count, struct err *e) MUST_CHECK;
bool store_worker_expire(struct db *w, int64_t before_ms, struct err *e) MUST_CHECK;

struct store_maker_rule {
	const char *maker;
	bool paused;
	const char *reason;
	double cost; /* of one picture */
};
/* Where there is no row: not paused, free. */
bool store_maker_rule_get(struct db *db, struct arena *arena, const char *maker,
			  struct store_maker_rule *out, struct err *e) MUST_CHECK;
bool store_maker_rule_set(struct db *w, const struct store_maker_rule *rule,
			  struct err *e) MUST_CHECK;
bool store_maker_rule_list(struct db *db, struct arena *arena, struct store_maker_rule **items,
			   size_t *count, struct err *e) MUST_CHECK;

/* One bucket of a histogram. */
struct store_time {
	const char *maker;
	int task;
	int64_t size;
	int kind;
	int bucket;
	double count;
};
/* Adds to what is there. */
bool store_time_add(struct db *w, const struct store_time *t, struct err *e) MUST_CHECK;
/* Halves a whole histogram, so that what was long ago counts less. */
bool store_time_halve(struct db *w, const struct store_time *t, struct err *e) MUST_CHECK;
bool store_time_list(struct db *db, struct arena *arena, struct store_time **items, size_t *count,
		     struct err *e) MUST_CHECK; /* at most 20,000 */

#endif
