/* All SQL on filters. No state; any thread, with its own handle. */
#include "store/filter.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO filters (id, account_id, title, contexts, action, made, maker, expires_at, created_at) VALUES "
    "($1, $2, $3, $4, $5, $6, $7, $8, $9)";
static const char SQL_UPDATE[] =
    "UPDATE filters SET title = $2, contexts = $3, action = $4, expires_at = $5 WHERE id = $1";
static const char SQL_DELETE[] = "DELETE FROM filters WHERE id = $1";
static const char SQL_ANY[] =
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM filters WHERE account_id = $1) OR EXISTS (SELECT 1 FROM mutes WHERE "
    "account_id = $1 AND target_id = $2) OR EXISTS (SELECT 1 FROM blocks WHERE (account_id = $1 AND target_id = $2) "
    "OR (account_id = $2 AND target_id = $1)) OR EXISTS (SELECT 1 FROM account_domain_blocks WHERE account_id = $1)";
static const char SQL_LIST[] =
    "SELECT id, account_id, title, contexts, action, made, maker, expires_at FROM filters WHERE account_id = $1 "
    "ORDER BY id LIMIT $2";
static const char SQL_KEYWORDS[] =
    "SELECT k.id, k.filter_id, k.keyword, k.whole_word FROM filters f JOIN filter_keywords k ON "
    "k.filter_id = f.id WHERE f.account_id = $1 ORDER BY k.filter_id, k.id LIMIT $2";
static const char SQL_POSTS[] =
    "SELECT x.id, x.filter_id, x.post_id FROM filters f JOIN filter_posts x ON x.filter_id = f.id "
    "WHERE f.account_id = $1 ORDER BY x.filter_id, x.id LIMIT $2";
static const char SQL_KEYWORD_INSERT[] =
    "INSERT INTO filter_keywords (id, filter_id, keyword, whole_word) VALUES ($1, $2, $3, $4)";
static const char SQL_KEYWORD_UPDATE[] =
    "UPDATE filter_keywords SET keyword = $2, whole_word = $3 WHERE id = $1";
static const char SQL_KEYWORD_DELETE[] = "DELETE FROM filter_keywords WHERE id = $1";
static const char SQL_POST_INSERT[] =
    "INSERT INTO filter_posts (id, filter_id, post_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
static const char SQL_POST_DELETE[] = "DELETE FROM filter_posts WHERE id = $1";

bool store_filter_insert(struct db *w, const struct store_filter *filter, int64_t now_ms,
			 struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, filter->id);
	db_put_int(q, filter->account_id);
	db_put_text(q, filter->title);
	db_put_int(q, filter->contexts);
	db_put_int(q, filter->action);
	db_put_bool(q, filter->made);
	db_put_text(q, filter->maker);
	db_put_ref(q, filter->expires_at);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_filter_update(struct db *w, const struct store_filter *filter, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UPDATE);
	db_put_int(q, filter->id);
	db_put_text(q, filter->title);
	db_put_int(q, filter->contexts);
	db_put_int(q, filter->action);
	db_put_ref(q, filter->expires_at);
	return db_end(q, e);
}

static bool run(struct db *w, const char *sql, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_filter_delete(struct db *w, int64_t id, struct err *e)
{
	return run(w, SQL_DELETE, id, e);
}

bool store_filter_any(struct db *db, int64_t account_id, int64_t author_id, bool *any,
		      struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_ANY);
	db_put_int(q, account_id);
	db_put_int(q, author_id);
	*any = db_row(q);
	return db_end(q, e);
}

static bool read_filters(struct db *db, struct arena *arena, int64_t account_id,
			 struct store_filters *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_LIST);
	db_put_int(q, account_id);
	db_put_int(q, STORE_FILTERS_MAX);
	while (out->count < STORE_FILTERS_MAX && db_row(q)) {
		if (!out->items)
			out->items = arena_alloc(arena, STORE_FILTERS_MAX * sizeof(*out->items));
		struct store_filter *f = &out->items[out->count++];
		f->id = db_get_int(q);
		f->account_id = db_get_int(q);
		f->title = db_get_text(q, arena);
		f->contexts = (unsigned)db_get_int(q);
		f->action = (enum store_filter_action)db_get_int(q);
		f->made = db_get_bool(q);
		f->maker = db_get_text(q, arena);
		f->expires_at = db_get_int(q);
	}
	return db_end(q, e);
}

static bool read_keywords(struct db *db, struct arena *arena, int64_t account_id,
			  struct store_filters *out, struct err *e)
{
	out->keywords = arena_alloc(arena, STORE_FILTER_KEYWORDS_MAX * sizeof(*out->keywords));
	struct db_stmt *q = db_stmt(db, SQL_KEYWORDS);
	db_put_int(q, account_id);
	db_put_int(q, STORE_FILTER_KEYWORDS_MAX);
	while (out->keyword_count < STORE_FILTER_KEYWORDS_MAX && db_row(q)) {
		struct store_filter_keyword *k = &out->keywords[out->keyword_count++];
		k->id = db_get_int(q);
		k->filter_id = db_get_int(q);
		k->keyword = db_get_text(q, arena);
		k->whole_word = db_get_bool(q);
	}
	return db_end(q, e);
}

static bool read_posts(struct db *db, struct arena *arena, int64_t account_id,
		       struct store_filters *out, struct err *e)
{
	out->posts = arena_alloc(arena, STORE_FILTER_POSTS_MAX * sizeof(*out->posts));
	struct db_stmt *q = db_stmt(db, SQL_POSTS);
	db_put_int(q, account_id);
	db_put_int(q, STORE_FILTER_POSTS_MAX);
	while (out->post_count < STORE_FILTER_POSTS_MAX && db_row(q)) {
		struct store_filter_post *p = &out->posts[out->post_count++];
		p->id = db_get_int(q);
		p->filter_id = db_get_int(q);
		p->post_id = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_filter_list(struct db *db, struct arena *arena, int64_t account_id,
		       struct store_filters *out, struct err *e)
{
	*out = (struct store_filters){0};
	if (!read_filters(db, arena, account_id, out, e))
		return false;
	return out->count == 0 || (read_keywords(db, arena, account_id, out, e) &&
				   read_posts(db, arena, account_id, out, e));
}

bool store_filter_keyword_insert(struct db *w, const struct store_filter_keyword *keyword,
				 struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_KEYWORD_INSERT);
	db_put_int(q, keyword->id);
	db_put_int(q, keyword->filter_id);
	db_put_text(q, keyword->keyword);
	db_put_bool(q, keyword->whole_word);
	return db_end(q, e);
}

bool store_filter_keyword_update(struct db *w, const struct store_filter_keyword *keyword,
				 struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_KEYWORD_UPDATE);
	db_put_int(q, keyword->id);
	db_put_text(q, keyword->keyword);
	db_put_bool(q, keyword->whole_word);
	return db_end(q, e);
}

bool store_filter_keyword_delete(struct db *w, int64_t id, struct err *e)
{
	return run(w, SQL_KEYWORD_DELETE, id, e);
}

bool store_filter_post_insert(struct db *w, const struct store_filter_post *post, bool *added,
			      struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_POST_INSERT);
	db_put_int(q, post->id);
	db_put_int(q, post->filter_id);
	db_put_int(q, post->post_id);
	return store_end_changed(q, added, e);
}

bool store_filter_post_delete(struct db *w, int64_t id, struct err *e)
{
	return run(w, SQL_POST_DELETE, id, e);
}
