/* Lineage: the tree of remixes that a post belongs to. */
#ifndef MADANG_APP_LINEAGE_H
#define MADANG_APP_LINEAGE_H

#include "app/post.h"

struct app_lineage_node {
	int64_t id;
	int64_t parent_id; /* 0: the root */
	bool deleted;
	const struct app_post *post; /* NULL: deleted, or not the viewer's to see */
	int64_t created_at;
};
struct app_lineage {
	struct app_lineage_node *nodes; /* the root first, parents before children; at most 500 */
	size_t count;
	int64_t total;
	bool truncated;
};
bool app_lineage_get(struct app *app, int64_t post_id, struct app_lineage *out,
		     struct err *e) MUST_CHECK;

#endif
