/* Finds a row by its path, segment by segment. Rows are few hundred and sorted, so a plain scan with an
 * early look at the first bytes is far below the cost of parsing the request. Runs on the event loops. */
#include "http/router.h"

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

struct http_match router_find(struct arena *a, const struct http_routes *tables,
			      size_t tables_count, const char *method, const char *path)
{
	struct http_match found = {0};
	int best = 0;
	for (size_t t = 0; t < tables_count; t++) {
		for (size_t i = 0; i < tables[t].count; i++) {
			const struct http_route *row = &tables[t].rows[i];
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
