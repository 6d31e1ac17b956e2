/* All SQL on followed and featured tags. No state; any thread, with its own handle. */
#include "store/followed_tag.h"

#include "base/id.h"
#include "store/end.h"

static const char SQL_ENSURE[] =
    "INSERT INTO tags (id, name, display, created_at) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (name) DO NOTHING";
static const char SQL_ID[] = "SELECT id FROM tags WHERE name = $1";
static const char SQL_ADD[] =
    "INSERT INTO tag_follows (account_id, tag_id, id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
static const char SQL_REMOVE[] = "DELETE FROM tag_follows WHERE account_id = $1 AND tag_id = $2";
static const char SQL_HAS[] = "SELECT 1 FROM tag_follows WHERE account_id = $1 AND tag_id = $2";
static const char SQL_MARKS[] =
    "SELECT tag_id, 1, 0 FROM tag_follows WHERE account_id = $41 AND tag_id IN " DB_IDS
    " UNION ALL SELECT tag_id, 0, 1 FROM featured_tags WHERE account_id = $41 AND tag_id IN " DB_IDS;
static const char SQL_COUNT[] = "SELECT COUNT(*) FROM tag_follows WHERE account_id = $1";
#define LIST                                                                                      \
	"SELECT f.id, t.id, t.name, t.display, t.posts_count, t.last_post_at FROM tag_follows f " \
	"JOIN tags t ON t.id = f.tag_id WHERE f.account_id = $1"
static const char SQL_LIST[] = STORE_PAGE_DOWN(LIST, "f.id", "$2", "$3", "$4");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(LIST, "f.id", "$2", "$3", "$4");
#define FOLLOWERS                                                                                    \
	"SELECT DISTINCT f.account_id FROM post_tags pt JOIN tag_follows f ON f.tag_id = pt.tag_id " \
	"WHERE pt.post_id = $1 AND f.account_id > $2"
static const char SQL_FOLLOWERS[] = FOLLOWERS " ORDER BY f.account_id LIMIT $3";
static const char SQL_FAN_OUT[] =
    "INSERT INTO home (account_id, post_id, via_id) SELECT x.account_id, CAST($1 AS BIGINT), CAST($4 AS BIGINT) "
    "FROM (" FOLLOWERS
    " AND f.account_id <= $3) AS x WHERE x.account_id <> $4 ON CONFLICT DO NOTHING "
    "RETURNING account_id";
static const char SQL_FEATURE[] =
    "INSERT INTO featured_tags (id, account_id, tag_id, name, created_at) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (account_id, tag_id) DO NOTHING";
static const char SQL_UNFEATURE[] = "DELETE FROM featured_tags WHERE account_id = $1 AND id = $2";
static const char SQL_FEATURED_FIND[] =
    "SELECT id FROM featured_tags WHERE account_id = $1 AND tag_id = $2";
static const char SQL_FEATURED[] =
    "SELECT f.id, f.tag_id, f.name, COUNT(p.id), COALESCE(MAX(p.id), 0) FROM featured_tags f LEFT JOIN "
    "(post_tags pt JOIN posts p ON p.id = pt.post_id AND p.account_id = $1 AND p.visibility < 2) ON "
    "pt.tag_id = f.tag_id WHERE f.account_id = $1 GROUP BY f.id, f.tag_id, f.name ORDER BY f.id LIMIT $2";
static const char SQL_SUGGEST[] =
    "SELECT t.id, t.name, t.display, t.posts_count, t.last_post_at FROM (SELECT pt.tag_id, COUNT(*) AS uses FROM "
    "(SELECT id FROM posts WHERE account_id = $1 ORDER BY id DESC LIMIT 1000) AS mine JOIN post_tags pt ON "
    "pt.post_id = mine.id GROUP BY pt.tag_id) AS used JOIN tags t ON t.id = used.tag_id WHERE NOT EXISTS (SELECT 1 "
    "FROM featured_tags f WHERE f.account_id = $1 AND f.tag_id = t.id) ORDER BY used.uses DESC, t.name LIMIT $2";

static void take(struct db_stmt *q, struct arena *arena, struct store_tag *tag)
{
	tag->id = db_get_int(q);
	tag->name = db_get_text(q, arena);
	tag->display = db_get_text(q, arena);
	tag->posts_count = db_get_int(q);
	tag->last_post_at = db_get_int(q);
}

static struct db_stmt *pair(struct db *db, const char *sql, int64_t a, int64_t b)
{
	struct db_stmt *q = db_stmt(db, sql);
	db_put_int(q, a);
	db_put_int(q, b);
	return q;
}

bool store_tag_ensure(struct db *w, const char *name, const char *display, int64_t now_ms,
		      int64_t *id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_ENSURE);
	db_put_int(q, id_new());
	db_put_text(q, name);
	db_put_text(q, display);
	db_put_int(q, now_ms);
	if (!db_end(q, e))
		return false;
	q = db_stmt(w, SQL_ID);
	db_put_text(q, name);
	return store_end_int(q, id, e);
}

bool store_followed_tag_add(struct db *w, int64_t id, int64_t account_id, int64_t tag_id,
			    struct err *e)
{
	struct db_stmt *q = pair(w, SQL_ADD, account_id, tag_id);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_followed_tag_remove(struct db *w, int64_t account_id, int64_t tag_id, struct err *e)
{
	return db_end(pair(w, SQL_REMOVE, account_id, tag_id), e);
}

bool store_followed_tag_has(struct db *db, int64_t account_id, int64_t tag_id, bool *has,
			    struct err *e)
{
	struct db_stmt *q = pair(db, SQL_HAS, account_id, tag_id);
	*has = db_row(q);
	return db_end(q, e);
}

bool store_followed_tag_count(struct db *db, int64_t account_id, int64_t *count, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_COUNT);
	db_put_int(q, account_id);
	return store_end_int(q, count, e);
}

bool store_followed_tag_list(struct db *db, struct arena *arena, int64_t account_id,
			     const struct store_page *page, struct store_tag *out, int64_t *keys,
			     size_t *found, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	db_put_int(q, account_id);
	store_page_put(q, page);
	while (*found < room && db_row(q)) {
		keys[*found] = db_get_int(q);
		take(q, arena, &out[(*found)++]);
	}
	store_page_turn(page, keys, *found, sizeof(*keys));
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_followed_tag_fan_out(struct db *w, const struct store_post *post, int64_t cursor,
				int room, int64_t *ids, size_t *found, size_t *scanned,
				int64_t *next, struct err *e)
{
	*found = *scanned = 0;
	*next = cursor;
	struct db_stmt *q = pair(w, SQL_FOLLOWERS, post->id, cursor);
	db_put_int(q, room);
	while (db_row(q)) {
		*next = db_get_int(q);
		(*scanned)++;
	}
	if (!db_end(q, e))
		return false;
	if (*scanned == 0)
		return true;
	q = pair(w, SQL_FAN_OUT, post->id, cursor);
	db_put_int(q, *next);
	db_put_int(q, post->account_id);
	db_touch(q, DB_NOUN_NONE, 0); /* where nobody follows */
	while (*found < (size_t)room && db_row(q)) {
		ids[*found] = db_get_int(q);
		db_touch(q, DB_NOUN_HOME, ids[(*found)++]);
	}
	return db_end(q, e);
}

bool store_tag_marks(struct db *db, int64_t account_id, const int64_t *ids, size_t count,
		     struct store_tag_mark *out, struct err *e)
{
	for (size_t i = 0; i < count; i++)
		out[i] = (struct store_tag_mark){0};
	if (count == 0)
		return true;
	struct db_stmt *q = db_stmt(db, SQL_MARKS);
	db_put_ids(q, ids, count);
	db_put_int(q, account_id);
	while (db_row(q)) {
		int64_t id = db_get_int(q);
		bool following = db_get_int(q) != 0, featuring = db_get_int(q) != 0;
		for (size_t i = 0; i < count; i++) {
			out[i].following |= ids[i] == id && following;
			out[i].featuring |= ids[i] == id && featuring;
		}
	}
	return db_end(q, e);
}

bool store_featured_tag_add(struct db *w, int64_t id, int64_t account_id, int64_t tag_id,
			    const char *name, int64_t now_ms, bool *added, struct err *e)
{
	struct db_stmt *q = pair(w, SQL_FEATURE, id, account_id);
	db_put_int(q, tag_id);
	db_put_text(q, name);
	db_put_int(q, now_ms);
	return store_end_changed(q, added, e);
}

bool store_featured_tag_remove(struct db *w, int64_t account_id, int64_t id, bool *removed,
			       struct err *e)
{
	return store_end_changed(pair(w, SQL_UNFEATURE, account_id, id), removed, e);
}

bool store_featured_tag_find(struct db *db, int64_t account_id, int64_t tag_id, int64_t *id,
			     struct err *e)
{
	return store_end_int(pair(db, SQL_FEATURED_FIND, account_id, tag_id), id, e);
}

bool store_featured_tag_list(struct db *db, struct arena *arena, int64_t account_id,
			     struct store_featured_tag *out, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = pair(db, SQL_FEATURED, account_id, STORE_FEATURED_TAGS_MAX);
	while (*found < STORE_FEATURED_TAGS_MAX && db_row(q)) {
		struct store_featured_tag *f = &out[(*found)++];
		f->id = db_get_int(q);
		f->tag_id = db_get_int(q);
		f->name = db_get_text(q, arena);
		f->posts_count = db_get_int(q);
		f->last_post_id = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_featured_tag_suggest(struct db *db, struct arena *arena, int64_t account_id, int limit,
				struct store_tag *out, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = pair(db, SQL_SUGGEST, account_id, limit);
	while (*found < (size_t)limit && db_row(q))
		take(q, arena, &out[(*found)++]);
	return db_end(q, e);
}
