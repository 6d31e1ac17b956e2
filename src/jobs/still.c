/* Owns what was seen in the last round, sorted by nothing: there are as many as jobs are drawn at once. The thread of
 * its owner. */
#include "jobs/still.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

struct seen {
	int64_t key, value, ms;
	bool here; /* in this round */
};

struct still {
	struct seen *items;
	size_t count, room;
	int64_t step_max_ms, last_ns, step_ms;
};

struct still *still_create(int64_t step_max_ms)
{
	struct still *s = calloc(1, sizeof *s);
	if (!s)
		abort();
	s->step_max_ms = step_max_ms;
	return s;
}

void still_destroy(struct still *s)
{
	if (!s)
		return;
	free(s->items);
	free(s);
}

void still_begin(struct still *s, int64_t now_ns)
{
	int64_t passed_ms = s->last_ns ? (now_ns - s->last_ns) / 1000000 : 0;
	s->step_ms = passed_ms < s->step_max_ms ? passed_ms : s->step_max_ms;
	s->last_ns = now_ns;
	for (size_t i = 0; i < s->count; i++)
		s->items[i].here = false;
}

static struct seen *find(struct still *s, int64_t key)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].key == key)
			return &s->items[i];
	return NULL;
}

int64_t still_look(struct still *s, int64_t key, int64_t value, int64_t first_ms)
{
	struct seen *found = find(s, key);
	if (!found) {
		if (s->count == s->room) {
			s->room = s->room ? 2 * s->room : 16;
			s->items = realloc(s->items, s->room * sizeof *s->items);
			if (!s->items)
				abort();
		}
		found = &s->items[s->count++];
		*found = (struct seen){.key = key, .value = value, .ms = first_ms};
	} else if (found->value != value) {
		found->value = value;
		found->ms = 0;
	} else if (!found->here) {
		found->ms += s->step_ms;
	}
	found->here = true;
	return found->ms;
}

void still_end(struct still *s)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->count; i++)
		if (s->items[i].here)
			s->items[kept++] = s->items[i];
	s->count = kept;
}

int64_t still_key(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3u;
	return (int64_t)h;
}
