/* All SQL on announcements. No state; any thread, with its own handle. */
#include "store/announcement.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO announcements (id, text, published, pinned, all_day, starts_at, ends_at, post_id, "
    "scheduled_at, published_at, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
static const char SQL_UPDATE[] =
    "UPDATE announcements SET text = $2, published = $3, pinned = $4, all_day = $5, starts_at = $6, ends_at = $7, "
    "post_id = $8, scheduled_at = $9, published_at = $10, updated_at = $11 WHERE id = $1";
static const char SQL_DELETE[] = "DELETE FROM announcements WHERE id = $1";
#define SELECT                                                                                       \
	"SELECT a.id, a.text, a.published, a.pinned, a.all_day, a.starts_at, a.ends_at, a.post_id, " \
	"a.scheduled_at, a.published_at, a.created_at, a.updated_at, EXISTS (SELECT 1 FROM "         \
	"announcement_reads r WHERE r.account_id = $1 AND r.announcement_id = a.id) "                \
	"FROM announcements a WHERE "
/* The last day of one that is all day counts to its end. */
#define END "a.ends_at + CASE WHEN a.all_day THEN 86400000 ELSE 0 END"
static const char SQL_GET[] = SELECT "a.id = $2";
static const char SQL_ALL[] = SELECT "CAST($2 AS BIGINT) = 0 ORDER BY a.pinned DESC, a.id DESC "
				     "LIMIT $3";
static const char SQL_LIST[] = SELECT "a.published AND (a.ends_at IS NULL OR " END " > $2) "
				      "ORDER BY a.pinned DESC, a.id DESC LIMIT $3";
static const char SQL_DUE[] = SELECT "a.scheduled_at <= $2 ORDER BY a.scheduled_at LIMIT 1";
static const char SQL_OVER[] = SELECT "a.published AND a.ends_at <= $2 AND " END " <= $2 LIMIT 1";
static const char SQL_READ[] = "INSERT INTO announcement_reads (account_id, announcement_id) "
			       "VALUES ($1, $2) ON CONFLICT DO NOTHING";
static const char SQL_REACT[] =
    "INSERT INTO announcement_reactions (announcement_id, name, account_id, created_at) "
    "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
static const char SQL_UNREACT[] =
    "DELETE FROM announcement_reactions WHERE announcement_id = $1 AND name = $2 AND account_id = $3";
static const char SQL_FORGET[] = "DELETE FROM announcement_reactions WHERE name = $1";
static const char SQL_REACTIONS[] =
    "SELECT name, COUNT(*), MAX(CASE WHEN account_id = $2 THEN 1 ELSE 0 END) FROM announcement_reactions "
    "WHERE announcement_id = $1 GROUP BY name ORDER BY MIN(created_at), name LIMIT $3";

static void take(struct db_stmt *q, struct arena *arena, struct store_announcement *a)
{
	a->id = db_get_int(q);
	a->text = db_get_text(q, arena);
	a->published = db_get_bool(q);
	a->pinned = db_get_bool(q);
	a->all_day = db_get_bool(q);
	a->starts_at = db_get_int(q);
	a->ends_at = db_get_int(q);
	a->post_id = db_get_int(q);
	a->scheduled_at = db_get_int(q);
	a->published_at = db_get_int(q);
	a->created_at = db_get_int(q);
	a->updated_at = db_get_int(q);
	a->read = db_get_bool(q);
}

static void put(struct db_stmt *q, const struct store_announcement *a)
{
	db_put_int(q, a->id);
	db_put_text(q, a->text);
	db_put_bool(q, a->published);
	db_put_bool(q, a->pinned);
	db_put_bool(q, a->all_day);
	db_put_ref(q, a->starts_at);
	db_put_ref(q, a->ends_at);
	db_put_ref(q, a->post_id);
	db_put_ref(q, a->scheduled_at);
	db_put_ref(q, a->published_at);
}

bool store_announcement_insert(struct db *w, const struct store_announcement *a, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	put(q, a);
	db_put_int(q, a->created_at);
	db_put_int(q, a->updated_at);
	return db_end(q, e);
}

bool store_announcement_update(struct db *w, const struct store_announcement *a, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UPDATE);
	db_touch(q, DB_NOUN_NONE, 0);
	put(q, a);
	db_put_int(q, a->updated_at);
	return db_end(q, e);
}

bool store_announcement_delete(struct db *w, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_announcement_get(struct db *db, struct arena *arena, int64_t id, int64_t account_id,
			    struct store_announcement *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, account_id);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_announcement_list(struct db *db, struct arena *arena, int64_t account_id, int64_t now_ms,
			     struct store_announcement *out, size_t room, size_t *found,
			     struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, now_ms ? SQL_LIST : SQL_ALL);
	db_put_int(q, account_id);
	db_put_int(q, now_ms);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return db_end(q, e);
}

static bool first_of(struct db *db, const char *sql, struct arena *arena, int64_t now_ms,
		     struct store_announcement *out, bool *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, sql);
	db_put_int(q, 0);
	db_put_int(q, now_ms);
	*found = db_row(q);
	if (*found)
		take(q, arena, out);
	return db_end(q, e);
}

bool store_announcement_due(struct db *db, struct arena *arena, int64_t now_ms,
			    struct store_announcement *out, bool *found, struct err *e)
{
	return first_of(db, SQL_DUE, arena, now_ms, out, found, e) &&
	       (*found || first_of(db, SQL_OVER, arena, now_ms, out, found, e));
}

bool store_announcement_read(struct db *w, int64_t id, int64_t account_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_READ);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_reaction_set(struct db *w, int64_t announcement_id, int64_t account_id, const char *name,
			bool on, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, on ? SQL_REACT : SQL_UNREACT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, announcement_id);
	db_put_text(q, name);
	db_put_int(q, account_id);
	if (on)
		db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_reaction_forget(struct db *w, const char *name, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_FORGET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_text(q, name);
	return db_end(q, e);
}

bool store_reaction_list(struct db *db, struct arena *arena, int64_t announcement_id,
			 int64_t account_id, struct store_reaction *out, size_t room, size_t *found,
			 struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_REACTIONS);
	db_put_int(q, announcement_id);
	db_put_int(q, account_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q)) {
		struct store_reaction *r = &out[(*found)++];
		r->name = db_get_text(q, arena);
		r->count = db_get_int(q);
		r->me = db_get_int(q) != 0;
	}
	return db_end(q, e);
}
