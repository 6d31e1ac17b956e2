/* All SQL on pinned posts and muted conversations. No state; any thread, with its own handle. */
#include "store/pin.h"

static const char SQL_INSERT[] =
    "INSERT INTO pins (account_id, post_id, id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
static const char SQL_DELETE[] = "DELETE FROM pins WHERE account_id = $1 AND post_id = $2";
static const char SQL_COUNT[] = "SELECT COUNT(*) FROM pins WHERE account_id = $1";
#define POSTS                                                                                     \
	"SELECT x.id, " STORE_POST_COLUMNS " FROM pins x JOIN posts p ON p.id = x.post_id WHERE " \
	"x.account_id = $1"
static const char SQL_POSTS[] = STORE_PAGE_DOWN(POSTS, "x.id", "$2", "$3", "$4");
static const char SQL_POSTS_UP[] = STORE_PAGE_UP(POSTS, "x.id", "$2", "$3", "$4");
static const char SQL_OF[] =
    "SELECT post_id FROM pins WHERE account_id = $41 AND post_id IN " DB_IDS;
static const char SQL_MUTE[] =
    "INSERT INTO thread_mutes (account_id, thread_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
static const char SQL_UNMUTE[] =
    "DELETE FROM thread_mutes WHERE account_id = $1 AND thread_id = $2";
static const char SQL_MUTED[] =
    "SELECT thread_id FROM thread_mutes WHERE account_id = $41 AND thread_id IN " DB_IDS;
static const char SQL_MUTES[] = "SELECT EXISTS (SELECT 1 FROM thread_mutes WHERE account_id = $1)";

static bool run(struct db *w, const char *sql, int64_t account_id, int64_t other_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, account_id);
	db_put_int(q, other_id);
	return db_end(q, e);
}

bool store_pin_insert(struct db *w, int64_t id, int64_t account_id, int64_t post_id, int64_t now_ms,
		      struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, account_id);
	db_put_int(q, post_id);
	db_put_int(q, id);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_pin_delete(struct db *w, int64_t account_id, int64_t post_id, struct err *e)
{
	return run(w, SQL_DELETE, account_id, post_id, e);
}

bool store_pin_count(struct db *db, int64_t account_id, int64_t *count, struct err *e)
{
	*count = 0;
	struct db_stmt *q = db_stmt(db, SQL_COUNT);
	db_put_int(q, account_id);
	if (db_row(q))
		*count = db_get_int(q);
	return db_end(q, e);
}

bool store_pin_posts(struct db *db, struct arena *arena, int64_t account_id,
		     const struct store_page *page, struct store_posts *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_POSTS_UP : SQL_POSTS);
	db_put_int(q, account_id);
	store_page_put(q, page);
	return store_posts_read(q, arena, page, out, e);
}

static bool which(struct db *db, const char *sql, int64_t account_id, const int64_t *ids,
		  size_t count, int64_t *out, size_t *found, struct err *e)
{
	*found = 0;
	for (size_t done = 0; done < count; done += DB_IDS_MAX) {
		struct db_stmt *q = db_stmt(db, sql);
		db_put_ids(q, ids + done, count - done < DB_IDS_MAX ? count - done : DB_IDS_MAX);
		db_put_int(q, account_id);
		while (*found < count && db_row(q))
			out[(*found)++] = db_get_int(q);
		if (!db_end(q, e))
			return false;
	}
	return true;
}

bool store_pin_of(struct db *db, int64_t account_id, const int64_t *ids, size_t count, int64_t *out,
		  size_t *found, struct err *e)
{
	return which(db, SQL_OF, account_id, ids, count, out, found, e);
}

bool store_thread_mute(struct db *w, int64_t account_id, int64_t thread_id, struct err *e)
{
	return run(w, SQL_MUTE, account_id, thread_id, e);
}

bool store_thread_unmute(struct db *w, int64_t account_id, int64_t thread_id, struct err *e)
{
	return run(w, SQL_UNMUTE, account_id, thread_id, e);
}

bool store_thread_muted(struct db *db, int64_t account_id, const int64_t *ids, size_t count,
			int64_t *out, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_MUTES);
	db_put_int(q, account_id);
	bool any = db_row(q) && db_get_bool(q);
	if (!db_end(q, e))
		return false;
	return !any || which(db, SQL_MUTED, account_id, ids, count, out, found, e);
}
