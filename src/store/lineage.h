/* The tree of remixes. A row outlives its post as a tombstone. */
#ifndef MADANG_STORE_LINEAGE_H
#define MADANG_STORE_LINEAGE_H

#include "store/page.h"

struct store_lineage {
	int64_t post_id;
	int64_t parent_id; /* 0: the root */
	int64_t root_id;
	int64_t account_id; /* 0 when deleted */
	bool deleted;
	int64_t created_at;
};

bool store_lineage_insert(struct db *w, const struct store_lineage *node, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where the post is in no tree. */
bool store_lineage_get(struct db *db, int64_t post_id, struct store_lineage *out,
		       struct err *e) MUST_CHECK;
/* Oldest first, so that parents come before children. out has room for `room`. */
bool store_lineage_tree(struct db *db, int64_t root_id, struct store_lineage *out, size_t room,
			size_t *found, int64_t *total, struct err *e) MUST_CHECK;
/* Which of `ids` are tombstones or nodes: *out has room for count. */
bool store_lineage_get_many(struct db *db, const int64_t *ids, size_t count,
			    struct store_lineage *out, size_t *found, struct err *e) MUST_CHECK;
bool store_lineage_bury(struct db *w, int64_t post_id, struct err *e) MUST_CHECK;

#endif
