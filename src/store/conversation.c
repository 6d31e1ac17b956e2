/* All SQL on conversations. No state; any thread, with its own handle. */
#include "store/conversation.h"

#include "store/end.h"

static const char SQL_ADD[] =
    "INSERT INTO conversations (id, account_id, thread_id, last_post_id, unread) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (thread_id, account_id) DO UPDATE SET last_post_id = excluded.last_post_id, "
    "unread = excluded.unread RETURNING id";
static const char SQL_STEP_BACK[] =
    "UPDATE conversations SET last_post_id = (SELECT MAX(p.id) FROM posts p WHERE p.thread_id = "
    "conversations.thread_id AND p.visibility = 3 AND p.id <> $1 AND (p.account_id = conversations.account_id OR "
    "EXISTS (SELECT 1 FROM mentions m WHERE m.post_id = p.id AND m.account_id = conversations.account_id))) "
    "WHERE last_post_id = $1";
static const char SQL_EMPTY[] =
    "DELETE FROM conversations WHERE last_post_id IS NULL AND thread_id = "
    "(SELECT thread_id FROM posts WHERE id = $1)";
#define COLUMNS "c.id, c.account_id, c.thread_id, c.last_post_id, c.unread"
static const char SQL_GET[] =
    "SELECT " COLUMNS " FROM conversations c WHERE c.id = $1 AND c.account_id = $2";
#define LIST "SELECT " COLUMNS " FROM conversations c WHERE c.account_id = $1"
static const char SQL_LIST[] = STORE_PAGE_DOWN(LIST, "c.last_post_id", "$2", "$3", "$4");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(LIST, "c.last_post_id", "$2", "$3", "$4");
static const char SQL_SET_UNREAD[] = "UPDATE conversations SET unread = $2 WHERE id = $1";
static const char SQL_DELETE[] = "DELETE FROM conversations WHERE id = $1";

static void take(struct db_stmt *q, struct store_conversation *c)
{
	c->id = db_get_int(q);
	c->account_id = db_get_int(q);
	c->thread_id = db_get_int(q);
	c->last_post_id = db_get_int(q);
	c->unread = db_get_bool(q);
}

bool store_conversation_add(struct db *w, int64_t new_id, int64_t account_id, int64_t thread_id,
			    int64_t post_id, bool unread, int64_t *id, struct err *e)
{
	*id = new_id;
	struct db_stmt *q = db_stmt(w, SQL_ADD);
	db_put_int(q, new_id);
	db_put_int(q, account_id);
	db_put_int(q, thread_id);
	db_put_int(q, post_id);
	db_put_bool(q, unread);
	db_touch(q, DB_NOUN_NONE, 0);
	if (db_row(q))
		*id = db_get_int(q);
	return db_end(q, e);
}

static bool run(struct db *w, const char *sql, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_conversation_remove_post(struct db *w, int64_t post_id, struct err *e)
{
	return run(w, SQL_STEP_BACK, post_id, e) && run(w, SQL_EMPTY, post_id, e);
}

bool store_conversation_get(struct db *db, int64_t account_id, int64_t id,
			    struct store_conversation *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	db_put_int(q, account_id);
	bool found = db_row(q);
	if (found)
		take(q, out);
	return store_end_found(q, found, e);
}

bool store_conversation_list(struct db *db, int64_t account_id, const struct store_page *page,
			     struct store_conversation *out, size_t *found, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	db_put_int(q, account_id);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take(q, &out[(*found)++]);
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_conversation_set_unread(struct db *w, int64_t id, bool unread, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET_UNREAD);
	db_put_int(q, id);
	db_put_bool(q, unread);
	return db_end(q, e);
}

bool store_conversation_delete(struct db *w, int64_t id, struct err *e)
{
	return run(w, SQL_DELETE, id, e);
}
