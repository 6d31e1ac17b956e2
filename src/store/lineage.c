/* All SQL on lineage. No state; any thread, with its own handle. */
#include "store/lineage.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO lineage (post_id, parent_id, root_id, account_id, created_at) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (post_id) DO NOTHING";
#define COLUMNS "post_id, parent_id, root_id, account_id, deleted, created_at"
static const char SQL_GET[] = "SELECT " COLUMNS " FROM lineage WHERE post_id = $1";
static const char SQL_GET_MANY[] = "SELECT " COLUMNS " FROM lineage WHERE post_id IN " DB_IDS;
static const char SQL_TREE[] =
    "SELECT " COLUMNS " FROM lineage WHERE root_id = $1 ORDER BY post_id LIMIT $2";
static const char SQL_TOTAL[] = "SELECT COUNT(*) FROM lineage WHERE root_id = $1";
static const char SQL_BURY[] =
    "UPDATE lineage SET deleted = TRUE, account_id = NULL WHERE post_id = $1";

static void take(struct db_stmt *q, struct store_lineage *node)
{
	node->post_id = db_get_int(q);
	node->parent_id = db_get_int(q);
	node->root_id = db_get_int(q);
	node->account_id = db_get_int(q);
	node->deleted = db_get_bool(q);
	node->created_at = db_get_int(q);
}

bool store_lineage_insert(struct db *w, const struct store_lineage *node, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_POST, node->post_id);
	db_put_int(q, node->post_id);
	db_put_ref(q, node->parent_id);
	db_put_int(q, node->root_id);
	db_put_ref(q, node->account_id);
	db_put_int(q, node->created_at);
	return db_end(q, e);
}

bool store_lineage_get(struct db *db, int64_t post_id, struct store_lineage *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, post_id);
	bool found = db_row(q);
	if (found)
		take(q, out);
	return store_end_found(q, found, e);
}

bool store_lineage_get_many(struct db *db, const int64_t *ids, size_t count,
			    struct store_lineage *out, size_t *found, struct err *e)
{
	*found = 0;
	for (size_t done = 0; done < count; done += DB_IDS_MAX) {
		struct db_stmt *q = db_stmt(db, SQL_GET_MANY);
		db_put_ids(q, ids + done, count - done < DB_IDS_MAX ? count - done : DB_IDS_MAX);
		while (*found < count && db_row(q))
			take(q, &out[(*found)++]);
		if (!db_end(q, e))
			return false;
	}
	return true;
}

bool store_lineage_tree(struct db *db, int64_t root_id, struct store_lineage *out, size_t room,
			size_t *found, int64_t *total, struct err *e)
{
	*found = 0;
	*total = 0;
	struct db_stmt *q = db_stmt(db, SQL_TREE);
	db_put_int(q, root_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		take(q, &out[(*found)++]);
	if (!db_end(q, e))
		return false;
	q = db_stmt(db, SQL_TOTAL);
	db_put_int(q, root_id);
	if (db_row(q))
		*total = db_get_int(q);
	return db_end(q, e);
}

bool store_lineage_bury(struct db *w, int64_t post_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_BURY);
	db_put_int(q, post_id);
	return db_end(q, e);
}
