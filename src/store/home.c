/* All SQL on home timelines. No state; any thread, with its own handle. What must stay true: reading a home is a
 * range of its primary key and as many primary-key look-ups, whatever the size of the network. */
#include "store/home.h"

#include "store/end.h"

#include <stdio.h>
#include <string.h>

#define IDS "SELECT h.post_id FROM home h WHERE h.account_id = $1"
static const char SQL_IDS[] = STORE_PAGE_DOWN(IDS, "h.post_id", "$2", "$3", "$4");
static const char SQL_IDS_UP[] = STORE_PAGE_UP(IDS, "h.post_id", "$2", "$3", "$4");
static const char SQL_HAS[] = "SELECT 1 FROM home WHERE account_id = $1 AND post_id = $2";
static const char SQL_INSERT[] =
    "INSERT INTO home (account_id, post_id, via_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
static const char SQL_FOLLOWERS[] =
    "SELECT account_id FROM follows WHERE target_id = $1 AND local AND "
    "account_id > $2 ORDER BY account_id LIMIT $3";
static const char SQL_FAN_OUT[] =
    "INSERT INTO home (account_id, post_id, via_id) SELECT f.account_id, CAST($1 AS BIGINT), f.target_id "
    "FROM follows f WHERE f.target_id = $2 AND f.local AND f.account_id > $3 AND f.account_id <= $4 "
    "AND (NOT CAST($5 AS BOOLEAN) OR f.reblogs) AND (CAST($6 AS BIGINT) = 0 OR f.account_id = $6 OR "
    "EXISTS (SELECT 1 FROM follows g WHERE g.account_id = f.account_id AND g.target_id = $6)) AND "
    "(f.languages IS NULL OR CAST($7 AS TEXT) IS NULL OR f.languages LIKE $7) AND NOT EXISTS (SELECT 1 FROM "
    "list_members m JOIN lists l ON l.id = m.list_id WHERE m.account_id = f.target_id AND m.owner_id = "
    "f.account_id AND l.exclusive) "
    "ON CONFLICT DO NOTHING RETURNING account_id";
static const char SQL_BACKFILL[] =
    "INSERT INTO home (account_id, post_id, via_id) SELECT CAST($1 AS BIGINT), p.id, p.account_id FROM posts p "
    "WHERE p.account_id = $2 AND p.visibility < 3 AND (p.in_reply_to_id IS NULL OR "
    "p.in_reply_to_account_id = $2) ORDER BY p.id DESC LIMIT $3 ON CONFLICT DO NOTHING";
static const char SQL_REMOVE_VIA[] = "DELETE FROM home WHERE account_id = $1 AND via_id = $2";
static const struct store_trim TRIM = {
    .next = "SELECT MIN(account_id) FROM home WHERE account_id > $1",
    .edge =
	"SELECT post_id FROM home WHERE account_id = $1 ORDER BY post_id DESC LIMIT 1 OFFSET $2",
    .cut = "DELETE FROM home WHERE account_id = $1 AND post_id <= $2",
    .noun = DB_NOUN_HOME,
};
static const char SQL_FANOUT_SET[] =
    "INSERT INTO fanout (post_id, phase, cursor) VALUES ($1, $2, $3) "
    "ON CONFLICT (post_id) DO UPDATE SET phase = excluded.phase, "
    "cursor = excluded.cursor";
static const char SQL_FANOUT_DELETE[] = "DELETE FROM fanout WHERE post_id = $1";
static const char SQL_FANOUT_NEXT[] =
    "SELECT post_id, phase, cursor FROM fanout ORDER BY post_id LIMIT 1";

bool store_home_ids(struct db *db, int64_t account_id, const struct store_page *page, int64_t *ids,
		    size_t *found, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_IDS_UP : SQL_IDS);
	db_put_int(q, account_id);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		ids[(*found)++] = db_get_int(q);
	return store_page_end(q, page, ids, *found, sizeof(*ids), e);
}

bool store_home_has(struct db *db, int64_t account_id, int64_t post_id, bool *has, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_HAS);
	db_put_int(q, account_id);
	db_put_int(q, post_id);
	*has = db_row(q);
	return db_end(q, e);
}

bool store_home_insert(struct db *w, int64_t account_id, int64_t post_id, int64_t via_id,
		       struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, account_id);
	db_put_int(q, post_id);
	db_put_int(q, via_id);
	db_touch(q, DB_NOUN_HOME, account_id);
	return db_end_later(q, e);
}

bool store_home_fan_out(struct db *w, const struct store_post *post, int64_t cursor, int room,
			int64_t *ids, size_t *found, size_t *scanned, int64_t *next, struct err *e)
{
	*found = *scanned = 0;
	*next = cursor;
	struct db_stmt *q = db_stmt(w, SQL_FOLLOWERS);
	db_put_int(q, post->account_id);
	db_put_int(q, cursor);
	db_put_int(q, room);
	while (db_row(q)) {
		*next = db_get_int(q);
		(*scanned)++;
	}
	if (!db_end(q, e))
		return false;
	if (*scanned == 0)
		return true;
	bool to_other = post->in_reply_to_id && post->in_reply_to_account_id != post->account_id;
	q = db_stmt(w, SQL_FAN_OUT);
	db_put_int(q, post->id);
	db_put_int(q, post->account_id);
	db_put_int(q, cursor);
	db_put_int(q, *next);
	db_put_bool(q, post->boost_of_id != 0);
	db_put_int(q, to_other ? post->in_reply_to_account_id : 0);
	char language[40]; /* "zh-Hant" is wanted by who wants "zh" */
	snprintf(language, sizeof(language), "%% %.*s %%",
		 (int)strcspn(post->language ? post->language : "", "-"),
		 post->language ? post->language : "");
	db_put_text(q, post->language && !post->boost_of_id ? language : NULL);
	db_touch(q, DB_NOUN_NONE, 0); /* where nobody follows */
	while (*found < (size_t)room && db_row(q)) {
		ids[*found] = db_get_int(q);
		db_touch(q, DB_NOUN_HOME, ids[(*found)++]);
	}
	return db_end(q, e);
}

bool store_home_backfill(struct db *w, int64_t account_id, int64_t via_id, int limit, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_BACKFILL);
	db_put_int(q, account_id);
	db_put_int(q, via_id);
	db_put_int(q, limit);
	return db_end(q, e);
}

bool store_home_remove_via(struct db *w, int64_t account_id, int64_t via_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_REMOVE_VIA);
	db_put_int(q, account_id);
	db_put_int(q, via_id);
	return db_end(q, e);
}

bool store_home_trim(struct db *w, int64_t *cursor, int keep, struct err *e)
{
	return store_trim(w, &TRIM, cursor, keep, e);
}

bool store_fanout_set(struct db *w, int64_t post_id, int phase, int64_t cursor, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_FANOUT_SET);
	db_put_int(q, post_id);
	db_put_int(q, phase);
	db_put_int(q, cursor);
	db_touch(q, DB_NOUN_NONE, 0);
	return db_end_later(q, e);
}

bool store_fanout_delete(struct db *w, int64_t post_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_FANOUT_DELETE);
	db_put_int(q, post_id);
	db_touch(q, DB_NOUN_NONE, 0);
	return db_end_later(q, e);
}

bool store_fanout_next(struct db *db, int64_t *post_id, int *phase, int64_t *cursor, struct err *e)
{
	*post_id = *cursor = *phase = 0;
	struct db_stmt *q = db_stmt(db, SQL_FANOUT_NEXT);
	if (db_row(q)) {
		*post_id = db_get_int(q);
		*phase = (int)db_get_int(q);
		*cursor = db_get_int(q);
	}
	return db_end(q, e);
}
