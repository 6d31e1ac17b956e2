/* The tree that a picture belongs to. Any thread; no state. */
#include "app/lineage.h"

#include "app/private.h"
#include "store/lineage.h"

enum { NODES_MAX = 500 };

static const struct app_post *find(const struct app_posts *posts, int64_t id)
{
	for (size_t i = 0; i < posts->count; i++)
		if (posts->items[i].row.id == id)
			return &posts->items[i];
	return NULL;
}

/* Whether the node's parent stands before it: a truncated tree has no loose ends. */
static bool has_parent(const struct app_lineage *tree, int64_t parent_id)
{
	for (size_t i = 0; i < tree->count; i++)
		if (tree->nodes[i].id == parent_id)
			return true;
	return false;
}

static bool fill(struct app *app, const struct store_lineage *rows, size_t count,
		 struct app_lineage *out, struct err *e)
{
	struct app_posts posts;
	int64_t ids[NODES_MAX];
	size_t wanted = 0;
	for (size_t i = 0; i < count; i++)
		if (!rows[i].deleted)
			ids[wanted++] = rows[i].post_id;
	if (!app_post_get_many(app, ids, wanted, &posts, e))
		return false;
	out->nodes = arena_alloc(app->arena, (count + 1) * sizeof(*out->nodes));
	for (size_t i = 0; i < count; i++) {
		if (rows[i].parent_id && !has_parent(out, rows[i].parent_id))
			continue;
		out->nodes[out->count++] = (struct app_lineage_node){
		    .id = rows[i].post_id,
		    .parent_id = rows[i].parent_id,
		    .deleted = rows[i].deleted,
		    .post = rows[i].deleted ? NULL : find(&posts, rows[i].post_id),
		    .created_at = rows[i].created_at,
		};
	}
	return true;
}

bool app_lineage_get(struct app *app, int64_t post_id, struct app_lineage *out, struct err *e)
{
	struct store_lineage node;
	struct app_post post;
	size_t count;
	*out = (struct app_lineage){0};
	struct store_lineage *rows = ARENA_ARRAY(app->arena, struct store_lineage, NODES_MAX);
	if (!rows)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_lineage_get(app->db, post_id, &node, e)) {
		if (e->code != ERR_NOT_FOUND || !app_post_get(app, post_id, &post, e))
			return false;
		/* never remixed: a tree of one */
		node = (struct store_lineage){
		    .post_id = post_id, .root_id = post_id, .created_at = post.row.created_at};
		out->total = 1;
		return fill(app, &node, 1, out, e);
	}
	if (!node.deleted && !app_post_get(app, post_id, &post, e))
		return false;
	if (!store_lineage_tree(app->db, node.root_id, rows, NODES_MAX, &count, &out->total, e))
		return false;
	out->truncated = out->total > (int64_t)count;
	return fill(app, rows, count, out, e);
}
