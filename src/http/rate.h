/* How often a client may ask: token buckets by class and client, in a table of fixed size. */
#ifndef MADANG_HTTP_RATE_H
#define MADANG_HTTP_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate_table;

struct rate_rule {
	double per_s, burst;
};

struct rate_result {
	bool allowed;
	int limit, remaining;
	int reset_s; /* until it is full again, or, where not allowed, until the next is */
};

struct rate_table *rate_table_create(void);
void rate_table_destroy(struct rate_table *t);

/* Takes one from the bucket (class, key). Any thread. */
struct rate_result rate_take(struct rate_table *t, int class, const char *key,
			     const struct rate_rule *rule, int64_t now_ns);

#endif
