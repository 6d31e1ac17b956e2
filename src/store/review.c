/* All SQL on reviews and held pictures. No state; any thread, with its own handle. */
#include "store/review.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO reviews (id, post_id, account_id, programme_id, visibility, state, deadline_at, created_at) "
    "VALUES ($1, $2, $3, $4, $5, 0, $6, $7)";
#define SELECT                                                                                   \
	"SELECT id, post_id, account_id, programme_id, visibility, state, reason, deadline_at, " \
	"reviewer_id, created_at, decided_at FROM reviews WHERE "
static const char SQL_GET[] = SELECT "id = $1";
static const char SQL_OF_POSTS[] = SELECT "post_id IN " DB_IDS;
static const char SQL_OF_ACCOUNT[] =
    STORE_PAGE_DOWN(SELECT "account_id = $1", "id", "$2", "$3", "$4");
static const char SQL_OF_ACCOUNT_UP[] =
    STORE_PAGE_UP(SELECT "account_id = $1", "id", "$2", "$3", "$4");
static const char SQL_DESK[] = SELECT "state = $1 ORDER BY deadline_at, id LIMIT $2";
static const char SQL_DECIDE[] =
    "UPDATE reviews SET state = $2, reason = $3, deadline_at = $4, reviewer_id = $5, decided_at = $6 "
    "WHERE id = $1 AND state = $7";
static const char SQL_LATE[] =
    SELECT "state = 1 AND deadline_at < $1 ORDER BY deadline_at LIMIT $2";
static const char SQL_HOLD[] = "UPDATE media SET held = TRUE WHERE job_id = $1";
static const char SQL_RELEASE[] = "UPDATE media SET held = FALSE WHERE post_id = $1";
static const char SQL_GUARDS[] =
    "SELECT COUNT(*), MIN(account_id), MAX(account_id) FROM (SELECT account_id FROM media WHERE held AND hash = "
    "$1 UNION ALL SELECT account_id FROM media WHERE held AND thumbnail_hash = $1) AS named";
static const char SQL_REFS[] = "SELECT refs FROM objects WHERE hash = $1";
static const char SQL_PUBLISH[] =
    "UPDATE posts SET visibility = $2, text = $3, content = $4, tags = $5, mention_count = $6 WHERE id = $1";

static void take(struct db_stmt *q, struct arena *arena, struct store_review *r)
{
	r->id = db_get_int(q);
	r->post_id = db_get_int(q);
	r->account_id = db_get_int(q);
	r->programme_id = db_get_int(q);
	r->visibility = (enum store_visibility)db_get_int(q);
	r->state = (enum store_review_state)db_get_int(q);
	r->reason = db_get_text(q, arena);
	r->deadline_at = db_get_int(q);
	r->reviewer_id = db_get_int(q);
	r->created_at = db_get_int(q);
	r->decided_at = db_get_int(q);
}

bool store_review_insert(struct db *w, const struct store_review *r, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, r->id);
	db_put_int(q, r->post_id);
	db_put_int(q, r->account_id);
	db_put_int(q, r->programme_id);
	db_put_int(q, r->visibility);
	db_put_ref(q, r->deadline_at);
	db_put_int(q, r->created_at);
	return db_end(q, e);
}

bool store_review_get(struct db *db, struct arena *arena, int64_t id, struct store_review *out,
		      struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

static bool read_rows(struct db_stmt *q, struct arena *arena, struct store_review *out, size_t room,
		      size_t *found, struct err *e)
{
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return db_end(q, e);
}

bool store_review_of_posts(struct db *db, struct arena *arena, const int64_t *post_ids,
			   size_t count, struct store_review *out, size_t *found, struct err *e)
{
	*found = 0;
	for (size_t done = 0; done < count; done += DB_IDS_MAX) {
		struct db_stmt *q = db_stmt(db, SQL_OF_POSTS);
		db_put_ids(q, post_ids + done,
			   count - done < DB_IDS_MAX ? count - done : DB_IDS_MAX);
		if (!read_rows(q, arena, out, count, found, e))
			return false;
	}
	return true;
}

bool store_review_of_account(struct db *db, struct arena *arena, int64_t account_id,
			     const struct store_page *page, struct store_review *out, size_t *found,
			     struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_OF_ACCOUNT_UP : SQL_OF_ACCOUNT);
	db_put_int(q, account_id);
	store_page_put(q, page);
	if (!read_rows(q, arena, out, (size_t)store_page_limit(page), found, e))
		return false;
	store_page_turn(page, out, *found, sizeof(*out));
	return true;
}

bool store_review_desk(struct db *db, struct arena *arena, enum store_review_state state,
		       struct store_review *out, size_t room, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_DESK);
	db_put_int(q, state);
	db_put_int(q, (int64_t)room);
	return read_rows(q, arena, out, room, found, e);
}

bool store_review_decide(struct db *w, const struct store_review *r, enum store_review_state from,
			 bool *changed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DECIDE);
	db_put_int(q, r->id);
	db_put_int(q, r->state);
	db_put_text(q, r->reason);
	db_put_ref(q, r->deadline_at);
	db_put_ref(q, r->reviewer_id);
	db_put_ref(q, r->decided_at);
	db_put_int(q, from);
	return store_end_changed(q, changed, e);
}

bool store_review_late(struct db *db, struct arena *arena, int64_t now_ms, struct store_review *out,
		       size_t room, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_LATE);
	db_put_int(q, now_ms);
	db_put_int(q, (int64_t)room);
	return read_rows(q, arena, out, room, found, e);
}

static bool run(struct db *w, const char *sql, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_review_hold(struct db *w, int64_t job_id, struct err *e)
{
	return run(w, SQL_HOLD, job_id, e);
}

bool store_review_release(struct db *w, int64_t post_id, struct err *e)
{
	return run(w, SQL_RELEASE, post_id, e);
}

bool store_review_guards(struct db *db, const char *hash, bool *guarded, int64_t *owner_id,
			 struct err *e)
{
	int64_t held = 0, first = 0, last = 0, refs = 0;
	*guarded = false;
	struct db_stmt *q = db_stmt(db, SQL_GUARDS);
	db_put_text(q, hash);
	if (db_row(q)) {
		held = db_get_int(q);
		first = db_get_int(q);
		last = db_get_int(q);
	}
	if (!db_end(q, e))
		return false;
	if (!held)
		return true;
	q = db_stmt(db, SQL_REFS);
	db_put_text(q, hash);
	if (db_row(q))
		refs = db_get_int(q);
	/* Who made the very same picture elsewhere may show it. */
	*guarded = refs <= held;
	*owner_id = first == last ? first : 0;
	return db_end(q, e);
}

bool store_review_publish(struct db *w, const struct store_post *p, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_PUBLISH);
	db_put_int(q, p->id);
	db_put_int(q, p->visibility);
	db_put_text(q, p->text);
	db_put_text(q, p->content);
	db_put_text(q, p->tags);
	db_put_int(q, p->mention_count);
	return db_end(q, e);
}
