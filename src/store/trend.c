/* All SQL on trends. No state; any thread, with its own handle. Uses are counted once, behind the posts, so that nothing
 * here reads all posts, and finding costs what was used in two days. */
#include "store/trend.h"

#include <string.h>

#include "store/end.h"

enum { DAY_MS = 24 * 60 * 60 * 1000, KEEP_DAYS = 14, POST_MS = 2 * DAY_MS, SCANNED_MAX = 20000 };

#define COUNT(kind, subject, table)                                                         \
	"INSERT INTO trend_uses (kind, subject_id, day, account_id, uses) SELECT " kind     \
	", " subject ", p.created_at / 86400000, p.account_id, COUNT(*) FROM " table        \
	" x JOIN posts p ON p.id = x.post_id JOIN accounts a ON a.id = p.account_id WHERE " \
	"x.post_id > $1 AND x.post_id <= $2 AND p.visibility = 0 AND a.state = 0 AND NOT "  \
	"a.limited GROUP BY " subject ", p.created_at / 86400000, p.account_id "            \
	"ON CONFLICT (kind, subject_id, day, account_id) DO UPDATE SET uses = trend_uses.uses + excluded.uses"
static const char SQL_COUNT_TAGS[] = COUNT("1", "x.tag_id", "post_tags");
static const char SQL_COUNT_LINKS[] = COUNT("2", "x.card_id", "post_cards");
static const char SQL_FORGET[] = "DELETE FROM trends WHERE kind = $1";
static const char SQL_EXPIRE[] = "DELETE FROM trend_uses WHERE day < $1";
/* By how many people, those of yesterday the less the more of today has passed; one person alone is no trend. */
static const char SQL_FIND_USED[] =
    "INSERT INTO trends (kind, rank, subject_id, score) SELECT CAST($1 AS SMALLINT), "
    "ROW_NUMBER() OVER (ORDER BY score DESC, subject_id DESC), subject_id, score FROM "
    "(SELECT subject_id, SUM(CASE WHEN day = $2 THEN 1000 ELSE CAST($3 AS BIGINT) END) AS score "
    "FROM trend_uses WHERE day >= $2 - 1 AND kind = $1 GROUP BY subject_id "
    "HAVING COUNT(DISTINCT account_id) >= 2 ORDER BY score DESC, subject_id DESC LIMIT $4) t";
/* By what people did with it, the less the older it is. */
static const char SQL_FIND_POSTS[] =
    "INSERT INTO trends (kind, rank, subject_id, score) SELECT 0, "
    "ROW_NUMBER() OVER (ORDER BY score DESC, id DESC), id, score FROM (SELECT id, weight * 3600000 / "
    "($2 - created_at + 7200000) AS score FROM (SELECT p.id, p.account_id, p.created_at, "
    "1000 * (p.favourites_count + 2 * p.boosts_count + 2 * p.remixes_count) AS weight FROM posts p "
    "WHERE p.visibility = 0 AND p.boost_of_id IS NULL AND p.in_reply_to_id IS NULL AND p.id > $1 "
    "ORDER BY p.id DESC LIMIT $4) s WHERE weight >= 2000 AND EXISTS (SELECT 1 FROM accounts a WHERE "
    "a.id = s.account_id AND a.state = 0 AND a.discoverable AND NOT a.limited) ORDER BY score DESC, id DESC LIMIT $3) t";
#define REVIEWED "SELECT 1 FROM trend_reviews r WHERE NOT r.allowed AND "
static const char SQL_LIST[] =
    "SELECT t.subject_id FROM trends t WHERE t.kind = $1 AND ($2 OR (NOT EXISTS (" REVIEWED
    "r.kind = t.kind AND r.subject_id = t.subject_id) AND (t.kind <> 2 OR NOT EXISTS (" REVIEWED
    "r.kind = 3 AND r.subject_id = (SELECT c.publisher_id FROM cards c WHERE c.id = t.subject_id))))) "
    "ORDER BY t.rank LIMIT $3 OFFSET $4";
static const char SQL_LINK[] =
    "SELECT t.subject_id FROM cards c JOIN trends t ON t.kind = 2 AND t.subject_id = c.id WHERE c.url = $1 AND NOT "
    "EXISTS (" REVIEWED
    "((r.kind = 2 AND r.subject_id = c.id) OR (r.kind = 3 AND r.subject_id = c.publisher_id)))";
static const char SQL_PUBLISHERS[] =
    "SELECT c.publisher_id FROM trends t JOIN cards c ON c.id = t.subject_id WHERE t.kind = 2 AND "
    "CAST($1 AS BIGINT) = 3 AND $2 GROUP BY c.publisher_id ORDER BY MIN(t.rank) LIMIT $3 OFFSET $4";
static const char SQL_HISTORY[] =
    "SELECT day, CAST(SUM(uses) AS BIGINT), COUNT(*) FROM trend_uses WHERE kind = $1 AND subject_id = $2 AND day > $3 "
    "GROUP BY day";
static const char SQL_REVIEW[] =
    "INSERT INTO trend_reviews (kind, subject_id, allowed, account_id, created_at) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (kind, subject_id) DO UPDATE SET allowed = excluded.allowed, account_id = excluded.account_id, "
    "created_at = excluded.created_at";
static const char SQL_REVIEW_GET[] =
    "SELECT allowed FROM trend_reviews WHERE kind = $1 AND subject_id = $2";

static bool count(struct db *w, const char *sql, int64_t after_id, int64_t up_to_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, after_id);
	db_put_int(q, up_to_id);
	return db_end(q, e);
}

bool store_trend_count(struct db *w, int64_t after_id, int64_t up_to_id, struct err *e)
{
	return count(w, SQL_COUNT_TAGS, after_id, up_to_id, e) &&
	       count(w, SQL_COUNT_LINKS, after_id, up_to_id, e);
}

static bool run_1(struct db *w, const char *sql, int64_t a, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, a);
	return db_end(q, e);
}

bool store_trend_find(struct db *w, enum store_trend kind, int64_t now_ms, struct err *e)
{
	int64_t day = now_ms / DAY_MS;
	if (!run_1(w, SQL_FORGET, kind, e) || !run_1(w, SQL_EXPIRE, day - KEEP_DAYS, e))
		return false;
	struct db_stmt *q = db_stmt(w, kind == STORE_TREND_POSTS ? SQL_FIND_POSTS : SQL_FIND_USED);
	db_touch(q, DB_NOUN_NONE, 0);
	if (kind == STORE_TREND_POSTS) {
		db_put_int(q, (now_ms - POST_MS) << 16);
		db_put_int(q, now_ms);
		db_put_int(q, STORE_TRENDS_MAX);
		db_put_int(q, SCANNED_MAX);
	} else {
		db_put_int(q, kind);
		db_put_int(q, day);
		db_put_int(q, 1000 - (now_ms % DAY_MS) * 1000 / DAY_MS);
		db_put_int(q, STORE_TRENDS_MAX);
	}
	return db_end(q, e);
}

bool store_trend_list(struct db *db, enum store_trend kind, bool all, int limit, int offset,
		      int64_t *ids, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, kind == STORE_TREND_PUBLISHERS ? SQL_PUBLISHERS : SQL_LIST);
	db_put_int(q, kind);
	db_put_bool(q, all);
	db_put_int(q, limit);
	db_put_int(q, offset);
	return db_end_ids(q, ids, (size_t)limit, found, e);
}

bool store_trend_link(struct db *db, const char *url, int64_t *card_id, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_LINK);
	db_put_text(q, url);
	*card_id = db_row(q) ? db_get_int(q) : 0;
	return db_end(q, e);
}

bool store_trend_history(struct db *db, enum store_trend kind, int64_t id, int64_t now_ms,
			 struct store_trend_day out[STORE_TREND_DAYS], struct err *e)
{
	int64_t today = now_ms / DAY_MS;
	memset(out, 0, STORE_TREND_DAYS * sizeof(*out));
	struct db_stmt *q = db_stmt(db, SQL_HISTORY);
	db_put_int(q, kind);
	db_put_int(q, id);
	db_put_int(q, today - STORE_TREND_DAYS);
	while (db_row(q)) {
		int64_t back = today - db_get_int(q);
		struct store_trend_day day = {.uses = db_get_int(q)};
		day.accounts = db_get_int(q);
		if (back >= 0 && back < STORE_TREND_DAYS)
			out[back] = day;
	}
	return db_end(q, e);
}

bool store_trend_review_set(struct db *w, enum store_trend kind, int64_t id, bool allowed,
			    int64_t account_id, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_REVIEW);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, kind);
	db_put_int(q, id);
	db_put_bool(q, allowed);
	db_put_int(q, account_id);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_trend_review_get(struct db *db, enum store_trend kind, int64_t id,
			    enum store_trend_review *out, struct err *e)
{
	*out = STORE_TREND_UNSEEN;
	struct db_stmt *q = db_stmt(db, SQL_REVIEW_GET);
	db_put_int(q, kind);
	db_put_int(q, id);
	if (db_row(q))
		*out = db_get_bool(q) ? STORE_TREND_APPROVED : STORE_TREND_REJECTED;
	return db_end(q, e);
}
