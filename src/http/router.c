/* Owns an index of the rows whose path is literal: what is asked for most is found at once. The others are few
 * hundred, and are tried segment by segment. Never changes after it was made; runs on the event loops. */
#include "http/router.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* How well the pattern fits: 0 not at all, otherwise larger for more literal segments. */
static int match(const char *pattern, const char *path, const char *starts[HTTP_PATH_ARGS_MAX],
		 size_t lengths[HTTP_PATH_ARGS_MAX], size_t *count)
{
	int score = 1;
	*count = 0;
	while (*pattern) {
		if (*pattern == ':') {
			const char *end = strchrnul(path, '/');
			if (end == path || *count == HTTP_PATH_ARGS_MAX)
				return 0;
			starts[*count] = path;
			lengths[(*count)++] = (size_t)(end - path);
			path = end;
			pattern = strchrnul(pattern, '/');
			score += 2;
		} else if (*pattern == '*') {
			starts[*count] = path;
			lengths[(*count)++] = strlen(path);
			return score;
		} else {
			if (*pattern != *path)
				return 0;
			score += *pattern == '/' ? 0 : 3;
			pattern++;
			path++;
		}
	}
	return *path ? 0 : score;
}

struct router {
	const struct http_routes *tables;
	size_t tables_count;
	size_t mask;
	const struct http_route
	    *literal[]; /* open addressing, by path; a path has a row for each method */
};

static size_t hash(const char *path)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 32);
}

struct router *router_create(const struct http_routes *tables, size_t tables_count)
{
	size_t rows = 0, size = 16;
	for (size_t t = 0; t < tables_count; t++)
		rows += tables[t].count;
	while (size < rows * 2)
		size *= 2;
	struct router *r = calloc(1, sizeof *r + size * sizeof(struct http_route *));
	if (!r)
		abort();
	r->tables = tables;
	r->tables_count = tables_count;
	r->mask = size - 1;
	for (size_t t = 0; t < tables_count; t++) {
		for (size_t i = 0; i < tables[t].count; i++) {
			const struct http_route *row = &tables[t].rows[i];
			size_t at = hash(row->path) & r->mask;
			if (strpbrk(row->path, ":*"))
				continue;
			while (r->literal[at])
				at = (at + 1) & r->mask;
			r->literal[at] = row;
		}
	}
	return r;
}

void router_destroy(struct router *r)
{
	free(r);
}

/* A path that is literal from end to end fits better than any other pattern. */
static const struct http_route *find_literal(const struct router *r, const char *method,
					     const char *path)
{
	for (size_t at = hash(path) & r->mask; r->literal[at]; at = (at + 1) & r->mask)
		if (!strcmp(r->literal[at]->path, path) && !strcmp(r->literal[at]->method, method))
			return r->literal[at];
	return NULL;
}

struct http_match router_find(const struct router *r, struct arena *a, const char *method,
			      const char *path)
{
	struct http_match found = {.route = find_literal(r, method, path)};
	int best = 0;
	if (found.route) {
		found.path_known = true;
		return found;
	}
	for (size_t t = 0; t < r->tables_count; t++) {
		for (size_t i = 0; i < r->tables[t].count; i++) {
			const struct http_route *row = &r->tables[t].rows[i];
			const char *starts[HTTP_PATH_ARGS_MAX];
			size_t lengths[HTTP_PATH_ARGS_MAX], count;
			int score = match(row->path, path, starts, lengths, &count);
			if (!score)
				continue;
			found.path_known = true;
			if (score <= best || strcmp(row->method, method))
				continue;
			best = score;
			found.route = row;
			found.args_count = count;
			for (size_t k = 0; k < count; k++)
				found.args[k] = arena_strndup(a, starts[k], lengths[k]);
		}
	}
	return found;
}
