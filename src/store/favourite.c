/* All SQL on favourites and bookmarks. No state; any thread, with its own handle. */
#include "store/favourite.h"

#include "store/end.h"

#define INSERT(table)                                                                          \
	"INSERT INTO " table " (account_id, post_id, id, created_at) VALUES ($1, $2, $3, $4) " \
	"ON CONFLICT (account_id, post_id) DO NOTHING"
#define DELETE(table) "DELETE FROM " table " WHERE account_id = $1 AND post_id = $2"
#define POSTS(table)                                                                             \
	"SELECT f.id, " STORE_POST_COLUMNS " FROM " table " f JOIN posts p ON p.id = f.post_id " \
	"WHERE f.account_id = $1"
#define ACCOUNTS                                                     \
	"SELECT f.id, " STORE_ACCOUNT_COLUMNS                        \
	" FROM favourites f JOIN accounts a ON a.id = f.account_id " \
	"WHERE f.post_id = $1 AND a.state = 0"
#define BOTH(name, text)                                                            \
	static const char name[] = STORE_PAGE_DOWN(text, "f.id", "$2", "$3", "$4"); \
	static const char name##_UP[] = STORE_PAGE_UP(text, "f.id", "$2", "$3", "$4")

static const char SQL_FAVOURITE_INSERT[] = INSERT("favourites");
static const char SQL_FAVOURITE_DELETE[] = DELETE("favourites");
BOTH(SQL_FAVOURITE_POSTS, POSTS("favourites"));
BOTH(SQL_FAVOURITE_ACCOUNTS, ACCOUNTS);
static const char SQL_BOOKMARK_INSERT[] = INSERT("bookmarks");
static const char SQL_BOOKMARK_DELETE[] = DELETE("bookmarks");
BOTH(SQL_BOOKMARK_POSTS, POSTS("bookmarks"));

static bool insert(struct db *w, const char *sql, int64_t id, int64_t account_id, int64_t post_id,
		   int64_t now_ms, bool *added, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, account_id);
	db_put_int(q, post_id);
	db_put_int(q, id);
	db_put_int(q, now_ms);
	db_touch(q, DB_NOUN_VIEWER, account_id);
	return store_end_changed(q, added, e);
}

static bool delete (struct db *w, const char *sql, int64_t account_id, int64_t post_id,
		    bool *removed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, account_id);
	db_put_int(q, post_id);
	db_touch(q, DB_NOUN_VIEWER, account_id);
	return store_end_changed(q, removed, e);
}

static bool posts(struct db *db, const char *sql, struct arena *arena, int64_t account_id,
		  const struct store_page *page, struct store_posts *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, sql);
	db_put_int(q, account_id);
	store_page_put(q, page);
	return store_posts_read(q, arena, page, out, e);
}

bool store_favourite_insert(struct db *w, int64_t id, int64_t account_id, int64_t post_id,
			    int64_t now_ms, bool *added, struct err *e)
{
	return insert(w, SQL_FAVOURITE_INSERT, id, account_id, post_id, now_ms, added, e);
}

bool store_favourite_delete(struct db *w, int64_t account_id, int64_t post_id, bool *removed,
			    struct err *e)
{
	return delete (w, SQL_FAVOURITE_DELETE, account_id, post_id, removed, e);
}

bool store_favourite_posts(struct db *db, struct arena *arena, int64_t account_id,
			   const struct store_page *page, struct store_posts *out, struct err *e)
{
	return posts(db, store_page_up(page) ? SQL_FAVOURITE_POSTS_UP : SQL_FAVOURITE_POSTS, arena,
		     account_id, page, out, e);
}

bool store_favourite_accounts(struct db *db, struct arena *arena, int64_t post_id,
			      const struct store_page *page, struct store_accounts *out,
			      struct err *e)
{
	struct db_stmt *q =
	    db_stmt(db, store_page_up(page) ? SQL_FAVOURITE_ACCOUNTS_UP : SQL_FAVOURITE_ACCOUNTS);
	db_put_int(q, post_id);
	store_page_put(q, page);
	return store_accounts_read(q, arena, page, out, e);
}

bool store_bookmark_insert(struct db *w, int64_t id, int64_t account_id, int64_t post_id,
			   int64_t now_ms, bool *added, struct err *e)
{
	return insert(w, SQL_BOOKMARK_INSERT, id, account_id, post_id, now_ms, added, e);
}

bool store_bookmark_delete(struct db *w, int64_t account_id, int64_t post_id, bool *removed,
			   struct err *e)
{
	return delete (w, SQL_BOOKMARK_DELETE, account_id, post_id, removed, e);
}

bool store_bookmark_posts(struct db *db, struct arena *arena, int64_t account_id,
			  const struct store_page *page, struct store_posts *out, struct err *e)
{
	return posts(db, store_page_up(page) ? SQL_BOOKMARK_POSTS_UP : SQL_BOOKMARK_POSTS, arena,
		     account_id, page, out, e);
}
