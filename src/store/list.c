/* All SQL on lists. No state; any thread, with its own handle. What must stay true: reading a list is a range of
 * its primary key, and a post reaches the lists of a chunk of followers together with their homes. */
#include "store/list.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO lists (id, account_id, title, replies_policy, exclusive, created_at) "
    "VALUES ($1, $2, $3, $4, $5, $6)";
static const char SQL_UPDATE[] =
    "UPDATE lists SET title = $2, replies_policy = $3, exclusive = $4 WHERE id = $1";
static const char SQL_DELETE[] = "DELETE FROM lists WHERE id = $1";
static const char SQL_DELETE_POSTS[] = "DELETE FROM list_posts WHERE list_id = $1";
#define COLUMNS "l.id, l.account_id, l.title, l.replies_policy, l.exclusive, l.created_at"
static const char SQL_GET[] =
    "SELECT " COLUMNS " FROM lists l WHERE l.id = $1 AND l.account_id = $2";
static const char SQL_OWNER[] = "SELECT account_id FROM lists WHERE id = $1";
static const char SQL_OF_ACCOUNT[] =
    "SELECT " COLUMNS
    " FROM lists l WHERE l.account_id = $1 AND (CAST($2 AS BIGINT) = 0 OR EXISTS (SELECT 1 FROM "
    "list_members m WHERE m.list_id = l.id AND m.account_id = $2)) ORDER BY l.title, l.id LIMIT $3";
static const char SQL_ADD[] =
    "INSERT INTO list_members (list_id, account_id, owner_id, id) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT DO NOTHING";
static const char SQL_REMOVE[] = "DELETE FROM list_members WHERE list_id = $1 AND account_id = $2";
static const char SQL_REMOVE_POSTS[] = "DELETE FROM list_posts WHERE list_id = $1 AND via_id = $2";
static const char SQL_FORGET_POSTS[] =
    "DELETE FROM list_posts WHERE via_id = $2 AND list_id IN (SELECT id FROM lists WHERE account_id = $1)";
static const char SQL_FORGET[] = "DELETE FROM list_members WHERE owner_id = $1 AND account_id = $2";
static const char SQL_MEMBER_COUNT[] = "SELECT COUNT(*) FROM list_members WHERE list_id = $1";
#define MEMBERS                                                        \
	"SELECT m.id, " STORE_ACCOUNT_COLUMNS                          \
	" FROM list_members m JOIN accounts a ON a.id = m.account_id " \
	"WHERE m.list_id = $1 AND a.state = 0"
static const char SQL_MEMBERS[] = STORE_PAGE_DOWN(MEMBERS, "m.id", "$2", "$3", "$4");
static const char SQL_MEMBERS_UP[] = STORE_PAGE_UP(MEMBERS, "m.id", "$2", "$3", "$4");
#define POSTS                                   \
	"SELECT h.post_id, " STORE_POST_COLUMNS \
	" FROM list_posts h JOIN posts p ON p.id = h.post_id WHERE h.list_id = $1"
static const char SQL_POSTS[] = STORE_PAGE_DOWN(POSTS, "h.post_id", "$2", "$3", "$4");
static const char SQL_POSTS_UP[] = STORE_PAGE_UP(POSTS, "h.post_id", "$2", "$3", "$4");
static const char SQL_HAS[] = "SELECT 1 FROM list_posts WHERE list_id = $1 AND post_id = $2";
/* $3 the followers after, $4 up to; $5 answers somebody else: whom, else 0; $6 a boost. */
static const char SQL_FAN_OUT[] =
    "INSERT INTO list_posts (list_id, post_id, via_id) SELECT m.list_id, CAST($1 AS BIGINT), m.account_id "
    "FROM list_members m JOIN lists l ON l.id = m.list_id WHERE m.account_id = $2 AND "
    "((m.owner_id > $3 AND m.owner_id <= $4) OR (CAST($3 AS BIGINT) = 0 AND m.owner_id = $2)) AND "
    "(CAST($5 AS BIGINT) = 0 OR m.owner_id = $5 OR (l.replies_policy = 0 AND EXISTS (SELECT 1 FROM follows f "
    "WHERE f.account_id = m.owner_id AND f.target_id = $5)) OR (l.replies_policy = 1 AND EXISTS (SELECT 1 FROM "
    "list_members o WHERE o.list_id = m.list_id AND o.account_id = $5))) AND (m.owner_id = $2 OR EXISTS (SELECT "
    "1 FROM follows g WHERE g.account_id = m.owner_id AND g.target_id = $2 AND (g.reblogs OR NOT "
    "CAST($6 AS BOOLEAN)))) ON CONFLICT DO NOTHING RETURNING list_id";
static const char SQL_BACKFILL[] =
    "INSERT INTO list_posts (list_id, post_id, via_id) SELECT CAST($1 AS BIGINT), p.id, p.account_id FROM posts p "
    "WHERE p.account_id = $2 AND p.visibility < 3 AND (p.in_reply_to_id IS NULL OR "
    "p.in_reply_to_account_id = $2) ORDER BY p.id DESC LIMIT $3 ON CONFLICT DO NOTHING";
static const struct store_trim TRIM = {
    .next = "SELECT MIN(list_id) FROM list_posts WHERE list_id > $1",
    .edge =
	"SELECT post_id FROM list_posts WHERE list_id = $1 ORDER BY post_id DESC LIMIT 1 OFFSET $2",
    .cut = "DELETE FROM list_posts WHERE list_id = $1 AND post_id <= $2",
    .noun = DB_NOUN_NONE,
};

static void take(struct db_stmt *q, struct arena *arena, struct store_list *list)
{
	list->id = db_get_int(q);
	list->account_id = db_get_int(q);
	list->title = db_get_text(q, arena);
	list->replies = (enum store_replies)db_get_int(q);
	list->exclusive = db_get_bool(q);
	list->created_at = db_get_int(q);
}

bool store_list_insert(struct db *w, const struct store_list *list, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, list->id);
	db_put_int(q, list->account_id);
	db_put_text(q, list->title);
	db_put_int(q, list->replies);
	db_put_bool(q, list->exclusive);
	db_put_int(q, list->created_at);
	return db_end(q, e);
}

bool store_list_update(struct db *w, const struct store_list *list, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UPDATE);
	db_put_int(q, list->id);
	db_put_text(q, list->title);
	db_put_int(q, list->replies);
	db_put_bool(q, list->exclusive);
	return db_end(q, e);
}

bool store_list_delete(struct db *w, int64_t id, struct err *e)
{
	return store_run_1(w, SQL_DELETE, id, e) && store_run_1(w, SQL_DELETE_POSTS, id, e);
}

bool store_list_get(struct db *db, struct arena *arena, int64_t account_id, int64_t id,
		    struct store_list *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	db_put_int(q, account_id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_list_owner(struct db *db, int64_t id, int64_t *owner_id, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_OWNER);
	db_put_int(q, id);
	return store_end_int(q, owner_id, e);
}

bool store_list_of_account(struct db *db, struct arena *arena, int64_t account_id,
			   int64_t member_id, struct store_list *out, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_OF_ACCOUNT);
	db_put_int(q, account_id);
	db_put_int(q, member_id);
	db_put_int(q, STORE_LISTS_MAX);
	while (*found < STORE_LISTS_MAX && db_row(q))
		take(q, arena, &out[(*found)++]);
	return db_end(q, e);
}

bool store_list_member_add(struct db *w, int64_t id, const struct store_list *list,
			   int64_t account_id, bool *added, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_ADD);
	db_put_int(q, list->id);
	db_put_int(q, account_id);
	db_put_int(q, list->account_id);
	db_put_int(q, id);
	return store_end_changed(q, added, e);
}

bool store_list_member_remove(struct db *w, int64_t list_id, int64_t account_id, struct err *e)
{
	return store_run_2(w, SQL_REMOVE, list_id, account_id, e) &&
	       store_run_2(w, SQL_REMOVE_POSTS, list_id, account_id, e);
}

bool store_list_member_forget(struct db *w, int64_t owner_id, int64_t account_id, struct err *e)
{
	int64_t rows = 0;
	struct db_stmt *q = db_stmt(w, SQL_FORGET);
	db_put_int(q, owner_id);
	db_put_int(q, account_id);
	if (!db_end_changed(q, &rows, e))
		return false;
	return rows == 0 || store_run_2(w, SQL_FORGET_POSTS, owner_id, account_id, e);
}

bool store_list_member_count(struct db *db, int64_t list_id, int64_t *count, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_MEMBER_COUNT);
	db_put_int(q, list_id);
	return store_end_int(q, count, e);
}

bool store_list_members(struct db *db, struct arena *arena, int64_t list_id,
			const struct store_page *page, struct store_accounts *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_MEMBERS_UP : SQL_MEMBERS);
	db_put_int(q, list_id);
	store_page_put(q, page);
	return store_accounts_read(q, arena, page, out, e);
}

bool store_list_posts(struct db *db, struct arena *arena, int64_t list_id,
		      const struct store_page *page, struct store_posts *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_POSTS_UP : SQL_POSTS);
	db_put_int(q, list_id);
	store_page_put(q, page);
	return store_posts_read(q, arena, page, out, e);
}

bool store_list_has(struct db *db, int64_t list_id, int64_t post_id, bool *has, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_HAS);
	db_put_int(q, list_id);
	db_put_int(q, post_id);
	*has = db_row(q);
	return db_end(q, e);
}

bool store_list_fan_out(struct db *w, const struct store_post *post, int64_t after, int64_t up_to,
			int64_t *ids, size_t room, size_t *found, struct err *e)
{
	bool to_other = post->in_reply_to_id && post->in_reply_to_account_id != post->account_id;
	*found = 0;
	struct db_stmt *q = db_stmt(w, SQL_FAN_OUT);
	db_put_int(q, post->id);
	db_put_int(q, post->account_id);
	db_put_int(q, after);
	db_put_int(q, up_to);
	db_put_int(q, to_other ? post->in_reply_to_account_id : 0);
	db_put_bool(q, post->boost_of_id != 0);
	db_touch(q, DB_NOUN_NONE, 0); /* nobody keeps lists */
	while (db_row(q)) {           /* to the end: the rows are written as they are read */
		int64_t id = db_get_int(q);
		if (*found < room)
			ids[(*found)++] = id;
	}
	return db_end(q, e);
}

bool store_list_backfill(struct db *w, int64_t list_id, int64_t via_id, int limit, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_BACKFILL);
	db_put_int(q, list_id);
	db_put_int(q, via_id);
	db_put_int(q, limit);
	return db_end(q, e);
}

bool store_list_trim(struct db *w, int64_t *cursor, int keep, struct err *e)
{
	return store_trim(w, &TRIM, cursor, keep, e);
}
