/* All SQL on edits and on what an edit touches beside the post's row. No state; any thread, with its own handle. */
#include "store/edit.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO post_edits (id, post_id, text, content, spoiler_text, sensitive, media, options, created_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
static const char SQL_LIST[] =
    "SELECT id, post_id, text, content, spoiler_text, sensitive, media, options, created_at FROM post_edits "
    "WHERE post_id = $1 ORDER BY id LIMIT $2";
static const char SQL_COUNT[] = "SELECT COUNT(*) FROM post_edits WHERE post_id = $1";
static const char SQL_UPDATE[] =
    "UPDATE posts SET text = $2, content = $3, spoiler_text = $4, sensitive = $5, language = $6, made = $7, "
    "style = $8, media_count = $9, mention_count = $10, tags = $11, edited_at = $12, poll = $13, "
    "quote_policy = $14 WHERE id = $1";
static const char SQL_SET_POLICY[] = "UPDATE posts SET quote_policy = $2 WHERE id = $1";
static const char SQL_REVOKE[] = "UPDATE posts SET quote_state = 2 WHERE id = $1";
static const char SQL_MENTION_DELETE[] =
    "DELETE FROM mentions WHERE post_id = $1 AND account_id = $2";
static const char SQL_TAG_CLEAR[] = "DELETE FROM post_tags WHERE post_id = $1";
static const char SQL_DETACH[] = "UPDATE media SET post_id = NULL, position = 0 WHERE id = $1";
static const char SQL_PLACE[] = "UPDATE media SET position = $2 WHERE id = $1";
static const char SQL_BOOSTERS[] =
    "SELECT p.account_id FROM posts p JOIN accounts a ON a.id = p.account_id WHERE p.boost_of_id = $1 AND "
    "p.boost_of_id IS NOT NULL AND a.domain = '' ORDER BY p.id LIMIT $2";
static const char SQL_QUOTERS[] =
    "SELECT p.account_id, p.id FROM posts p JOIN accounts a ON a.id = p.account_id WHERE p.quote_of_id = $1 AND "
    "p.quote_of_id IS NOT NULL AND p.quote_state = 1 AND a.domain = '' ORDER BY p.id LIMIT $2";
#define QUOTES                                                                           \
	"SELECT p.id, " STORE_POST_COLUMNS " FROM posts p WHERE p.quote_of_id = $1 AND " \
	"p.quote_of_id IS NOT NULL AND p.quote_state = 1"
static const char SQL_QUOTES[] = STORE_PAGE_DOWN(QUOTES, "p.id", "$2", "$3", "$4");
static const char SQL_QUOTES_UP[] = STORE_PAGE_UP(QUOTES, "p.id", "$2", "$3", "$4");

bool store_edit_insert(struct db *w, const struct store_edit *edit, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, edit->id);
	db_put_int(q, edit->post_id);
	db_put_text(q, edit->text);
	db_put_text(q, edit->content);
	db_put_text(q, edit->spoiler_text);
	db_put_bool(q, edit->sensitive);
	db_put_text(q, edit->media);
	db_put_text(q, edit->options);
	db_put_int(q, edit->created_at);
	return db_end(q, e);
}

bool store_edit_list(struct db *db, struct arena *arena, int64_t post_id, struct store_edit **items,
		     size_t *found, struct err *e)
{
	*found = 0;
	*items = ARENA_ARRAY(arena, struct store_edit, STORE_EDITS_MAX);
	if (!*items)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	struct db_stmt *q = db_stmt(db, SQL_LIST);
	db_put_int(q, post_id);
	db_put_int(q, STORE_EDITS_MAX);
	while (*found < STORE_EDITS_MAX && db_row(q)) {
		struct store_edit *edit = &(*items)[(*found)++];
		edit->id = db_get_int(q);
		edit->post_id = db_get_int(q);
		edit->text = db_get_text(q, arena);
		edit->content = db_get_text(q, arena);
		edit->spoiler_text = db_get_text(q, arena);
		edit->sensitive = db_get_bool(q);
		edit->media = db_get_text(q, arena);
		edit->options = db_get_text(q, arena);
		edit->created_at = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_edit_count(struct db *db, int64_t post_id, int64_t *count, struct err *e)
{
	*count = 0;
	struct db_stmt *q = db_stmt(db, SQL_COUNT);
	db_put_int(q, post_id);
	if (db_row(q))
		*count = db_get_int(q);
	return db_end(q, e);
}

bool store_post_update(struct db *w, const struct store_post *post, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UPDATE);
	db_put_int(q, post->id);
	db_put_text(q, post->text);
	db_put_text(q, post->content);
	db_put_text(q, post->spoiler_text);
	db_put_bool(q, post->sensitive);
	db_put_text(q, post->language);
	db_put_bool(q, post->made);
	db_put_text(q, post->style);
	db_put_int(q, post->media_count);
	db_put_int(q, post->mention_count);
	db_put_text(q, post->tags);
	db_put_ref(q, post->edited_at);
	db_put_bool(q, post->poll);
	db_put_int(q, post->quote_policy);
	return db_end(q, e);
}

static bool run(struct db *w, const char *sql, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_post_set_quote_policy(struct db *w, int64_t id, enum store_quote_policy policy,
				 struct err *e)
{
	return store_run_2(w, SQL_SET_POLICY, id, policy, e);
}

bool store_post_revoke_quote(struct db *w, int64_t id, struct err *e)
{
	return run(w, SQL_REVOKE, id, e);
}

bool store_mention_delete(struct db *w, int64_t post_id, int64_t account_id, struct err *e)
{
	return store_run_2(w, SQL_MENTION_DELETE, post_id, account_id, e);
}

bool store_tag_clear(struct db *w, int64_t post_id, struct err *e)
{
	return run(w, SQL_TAG_CLEAR, post_id, e);
}

bool store_media_detach(struct db *w, int64_t id, struct err *e)
{
	return run(w, SQL_DETACH, id, e);
}

bool store_media_place(struct db *w, int64_t id, int position, struct err *e)
{
	return store_run_2(w, SQL_PLACE, id, position, e);
}

bool store_post_boosters(struct db *db, int64_t post_id, int64_t *ids, size_t room, size_t *found,
			 struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_BOOSTERS);
	db_put_int(q, post_id);
	db_put_int(q, (int64_t)room);
	return db_end_ids(q, ids, room, found, e);
}

bool store_post_quoters(struct db *db, int64_t post_id, int64_t *account_ids, int64_t *post_ids,
			size_t room, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_QUOTERS);
	db_put_int(q, post_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q)) {
		account_ids[*found] = db_get_int(q);
		post_ids[(*found)++] = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_post_quotes(struct db *db, struct arena *arena, int64_t post_id,
		       const struct store_page *page, struct store_posts *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_QUOTES_UP : SQL_QUOTES);
	db_put_int(q, post_id);
	store_page_put(q, page);
	return store_posts_read(q, arena, page, out, e);
}
