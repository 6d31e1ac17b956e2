/* All SQL on hashtags. No state; any thread, with its own handle. */
#include "store/tag.h"

#include "base/id.h"
#include "store/end.h"

/* The common case reads only: a row that every post of a popular tag wrote would make all writers of
 * PostgreSQL wait for one another's commits. Counts follow in store_tag_count. */
static const char SQL_ID[] = "SELECT id FROM tags WHERE name = $1";
static const char SQL_INSERT[] = "INSERT INTO tags (id, name, display, last_post_at, created_at) "
				 "VALUES ($1, $2, $3, $4, $4) ON CONFLICT (name) DO NOTHING";
static const char SQL_POST_INSERT[] =
    "INSERT INTO post_tags (tag_id, post_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
static const char SQL_POST_INSERT_NAMED[] =
    "INSERT INTO post_tags (tag_id, post_id) SELECT id, CAST($2 AS BIGINT) FROM tags WHERE name = $1 "
    "ON CONFLICT DO NOTHING";
static const char SQL_COUNT[] =
    "UPDATE tags SET last_post_at = $3, posts_count = posts_count + (SELECT COUNT(*) FROM post_tags pt WHERE "
    "pt.tag_id = tags.id AND pt.post_id > $1 AND pt.post_id <= $2) "
    "WHERE id IN (SELECT tag_id FROM post_tags WHERE post_id > $1 AND post_id <= $2)";
static const char SQL_NEW[] =
    "SELECT 1 FROM post_tags WHERE post_id > $1 AND post_id <= $2 LIMIT 1";
static const char SQL_REMOVE_POST[] =
    "UPDATE tags SET posts_count = posts_count - 1 WHERE posts_count > 0 AND "
    "id IN (SELECT tag_id FROM post_tags WHERE post_id = $1)";
static const char SQL_COUNT_POST[] = "UPDATE tags SET posts_count = posts_count + 1 WHERE "
				     "id IN (SELECT tag_id FROM post_tags WHERE post_id = $1)";
#define SELECT "SELECT id, name, display, posts_count, last_post_at FROM tags "
static const char SQL_GET[] = SELECT "WHERE name = $1";
static const char SQL_SEARCH[] = SELECT "WHERE name >= $1 AND name < $2 "
					"ORDER BY posts_count DESC, name LIMIT $3 OFFSET $4";
static const char SQL_GET_BY_ID[] = SELECT "WHERE id = $1";

static void take(struct db_stmt *q, struct arena *arena, struct store_tag *tag)
{
	tag->id = db_get_int(q);
	tag->name = db_get_text(q, arena);
	tag->display = db_get_text(q, arena);
	tag->posts_count = db_get_int(q);
	tag->last_post_at = db_get_int(q);
}

static bool read_rows(struct db_stmt *q, struct arena *arena, int limit, struct store_tag *out,
		      size_t *found, struct err *e)
{
	*found = 0;
	while (*found < (size_t)limit && db_row(q))
		take(q, arena, &out[(*found)++]);
	return db_end(q, e);
}

static bool read_id(struct db *w, const char *name, int64_t *id, struct err *e)
{
	*id = 0;
	struct db_stmt *q = db_stmt(w, SQL_ID);
	db_put_text(q, name);
	if (db_row(q))
		*id = db_get_int(q);
	return db_end(q, e);
}

bool store_tag_add(struct db *w, const char *name, const char *display, int64_t post_id,
		   int64_t now_ms, struct err *e)
{
	int64_t id, added;
	struct db_stmt *q = db_stmt(w, SQL_POST_INSERT_NAMED);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_text(q, name);
	db_put_int(q, post_id);
	if (!db_end_changed(q, &added, e))
		return false;
	if (added > 0)
		return true; /* it was known, as nearly always */
	if (!read_id(w, name, &id, e))
		return false;
	if (id == 0) {
		q = db_stmt(w, SQL_INSERT);
		db_touch(q, DB_NOUN_NONE, 0);
		db_put_int(q, id_new());
		db_put_text(q, name);
		db_put_text(q, display);
		db_put_int(q, now_ms);
		if (!db_end(q, e) || !read_id(w, name, &id, e))
			return false;
	}
	q = db_stmt(w, SQL_POST_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, post_id);
	return db_end(q, e);
}

bool store_tag_has_new(struct db *db, int64_t after_id, int64_t up_to_id, bool *has, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_NEW);
	db_put_int(q, after_id);
	db_put_int(q, up_to_id);
	*has = db_row(q);
	return db_end(q, e);
}

bool store_tag_count(struct db *w, int64_t after_id, int64_t up_to_id, int64_t now_ms,
		     struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_COUNT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, after_id);
	db_put_int(q, up_to_id);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_tag_remove_post(struct db *w, int64_t post_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_REMOVE_POST);
	db_put_int(q, post_id);
	return db_end(q, e);
}

bool store_tag_count_post(struct db *w, int64_t post_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_COUNT_POST);
	db_put_int(q, post_id);
	return db_end(q, e);
}

bool store_tag_get(struct db *db, struct arena *arena, const char *name, struct store_tag *out,
		   struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_text(q, name);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_tag_get_by_id(struct db *db, struct arena *arena, int64_t id, struct store_tag *out,
			 struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET_BY_ID);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_tag_search(struct db *db, struct arena *arena, const char *prefix, int limit, int offset,
		      struct store_tag *out, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_SEARCH);
	db_put_text(q, prefix);
	db_put_text(
	    q, arena_printf(arena, "%s\xf4\x8f\xbf\xbf", prefix)); /* the last character there is */
	db_put_int(q, limit);
	db_put_int(q, offset);
	return read_rows(q, arena, limit, out, found, e);
}
