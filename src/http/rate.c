/* Owns a table of buckets, four to a set; the one that was used longest ago gives way. Whoever floods the
 * table with made-up keys only makes old buckets forget, never takes memory. Any thread, one lock. */
#include "http/rate.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/rand.h"

enum { SETS = 8192, WAYS = 4 };

struct bucket {
	uint64_t key;
	int64_t at_ns;
	double level; /* how many may still come */
};

struct rate_table {
	pthread_mutex_t lock;
	uint64_t salt;
	struct bucket buckets[SETS][WAYS];
};

struct rate_table *rate_table_create(void)
{
	struct rate_table *t = calloc(1, sizeof *t);
	if (!t)
		abort();
	pthread_mutex_init(&t->lock, NULL);
	t->salt = rand_u64();
	return t;
}

void rate_table_destroy(struct rate_table *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static uint64_t hash(uint64_t h, int class, const char *key)
{
	h ^= (uint64_t) class * 0x9e3779b97f4a7c15u;
	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 0x100000001b3u;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return (h ^ h >> 32) | 1; /* 0 marks an empty bucket */
}

struct rate_result rate_take(struct rate_table *t, int class, const char *key,
			     const struct rate_rule *rule, int64_t now_ns)
{
	uint64_t h = hash(t->salt, class, key);
	pthread_mutex_lock(&t->lock);
	struct bucket *set = t->buckets[(h >> 1) % SETS], *b = &set[0];
	for (int i = 0; i < WAYS; i++) {
		if (set[i].key == h) {
			b = &set[i];
			break;
		}
		if (set[i].at_ns < b->at_ns)
			b = &set[i];
	}
	if (b->key != h)
		*b = (struct bucket){.key = h, .at_ns = now_ns, .level = rule->burst};
	b->level = fmin(rule->burst, b->level + (double)(now_ns - b->at_ns) * 1e-9 * rule->per_s);
	b->at_ns = now_ns;
	struct rate_result r = {.limit = (int)rule->burst, .allowed = b->level >= 1};
	if (r.allowed)
		b->level -= 1;
	double wait =
	    r.allowed ? (rule->burst - b->level) / rule->per_s : (1 - b->level) / rule->per_s;
	r.remaining = (int)b->level;
	r.reset_s = (int)ceil(fmin(wait, 1e6));
	pthread_mutex_unlock(&t->lock);
	return r;
}
