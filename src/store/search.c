/* All SQL on searching. No state; any thread, with its own handle. The words come from app/words.c; SQLite keeps
 * them in an FTS5 table, PostgreSQL as a tsvector, and both take phrases of them. Words hold letters, digits and
 * "_" only, so they need no quoting in either language. */
#include "store/search.h"

#include "base/buf.h"

#include <string.h>

static const char SQL_QUEUE[] = "SELECT post_id FROM search_queue ORDER BY post_id LIMIT $1";
static const char SQL_UNQUEUE[] = "DELETE FROM search_queue WHERE post_id = $1";
static const char SQL_REMOVE[] = "DELETE FROM post_search WHERE rowid = $1";
static const char SQL_ADD_SQLITE[] = "INSERT INTO post_search (rowid, words) VALUES ($1, $2)";
static const char SQL_ADD_POSTGRES[] =
    "INSERT INTO post_search (rowid, words) VALUES ($1, CAST($2 AS TSVECTOR)) ON CONFLICT (rowid) DO UPDATE SET "
    "words = excluded.words";
#define MATCH_SQLITE   "post_search MATCH $1"
#define MATCH_POSTGRES "post_search.words @@ CAST($1 AS TSQUERY)"
#define POSTS(match)                                                                           \
	"SELECT p.id, " STORE_POST_COLUMNS                                                     \
	" FROM post_search JOIN posts p ON p.id = post_search.rowid "                          \
	"JOIN accounts a ON a.id = p.account_id WHERE " match                                  \
	" AND post_search.rowid > $2 AND post_search.rowid < $3 AND a.state = 0 AND ("         \
	"(p.visibility = 0 AND a.discoverable AND NOT a.limited) OR p.account_id = $4 OR "     \
	"EXISTS (SELECT 1 FROM mentions m WHERE m.post_id = p.id AND m.account_id = $4) OR "   \
	"EXISTS (SELECT 1 FROM favourites f WHERE f.post_id = p.id AND f.account_id = $4) OR " \
	"EXISTS (SELECT 1 FROM bookmarks b WHERE b.post_id = p.id AND b.account_id = $4)) "    \
	"ORDER BY post_search.rowid DESC LIMIT $5 OFFSET $6"
static const char SQL_POSTS_SQLITE[] = POSTS(MATCH_SQLITE);
static const char SQL_POSTS_POSTGRES[] = POSTS(MATCH_POSTGRES);
#define ACCOUNTS(match)                                                                  \
	"SELECT a.id, " STORE_ACCOUNT_COLUMNS                                            \
	" FROM (SELECT rowid AS id FROM post_search WHERE " match                        \
	" ORDER BY rowid DESC LIMIT 200) AS found JOIN accounts a ON a.id = found.id "   \
	"WHERE a.state = 0 AND (NOT a.limited OR EXISTS (SELECT 1 FROM follows f WHERE " \
	"f.account_id = $2 AND f.target_id = a.id)) "                                    \
	"ORDER BY a.followers_count DESC, a.id LIMIT $3 OFFSET $4"
static const char SQL_ACCOUNTS_SQLITE[] = ACCOUNTS(MATCH_SQLITE);
static const char SQL_ACCOUNTS_POSTGRES[] = ACCOUNTS(MATCH_POSTGRES);

enum { VECTOR_POSITIONS_MAX = 16000, QUERY_BYTES_MAX = 64 << 10, VECTOR_BYTES_MAX = 1 << 20 };

/* "'a':1 'b':2": a tsvector as text. */
static const char *vector(struct arena *arena, const char *words)
{
	struct buf b;
	int at = 0;
	buf_init(&b, VECTOR_BYTES_MAX);
	while (*words) {
		size_t n = strcspn(words, " ");
		if (n && at < VECTOR_POSITIONS_MAX)
			buf_printf(&b, "'%.*s':%d ", (int)n, words, ++at);
		words += n + (words[n] == ' ');
	}
	const char *text = arena_strdup(arena, b.data ? b.data : "");
	buf_finish(&b);
	return text;
}

bool store_search_index(struct db *w, struct arena *arena, int64_t id, const char *words,
			struct err *e)
{
	bool sqlite = db_kind(w) == DB_SQLITE;
	if (sqlite || !*words) {
		struct db_stmt *q = db_stmt(w, SQL_REMOVE);
		db_touch(q, DB_NOUN_NONE, 0);
		db_put_int(q, id);
		if (!db_end(q, e) || !*words)
			return e->code == ERR_NONE;
	}
	struct db_stmt *q = db_stmt(w, sqlite ? SQL_ADD_SQLITE : SQL_ADD_POSTGRES);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_text(q, sqlite ? words : vector(arena, words));
	return db_end(q, e);
}

bool store_search_queue(struct db *db, int64_t *ids, size_t room, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_QUEUE);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		ids[(*found)++] = db_get_int(q);
	return db_end(q, e);
}

bool store_search_unqueue(struct db *w, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UNQUEUE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	return db_end(q, e);
}

/* --- asking --- */

/* One phrase, each of its words with the prefix. */
static void put_phrase(struct buf *b, bool sqlite, const char *words, const char *prefix, bool open)
{
	if (sqlite)
		buf_add_char(b, '"');
	else
		buf_add_char(b, '(');
	for (bool first = true; *words; first = false) {
		size_t n = strcspn(words, " ");
		bool last = words[n] == '\0';
		if (!first)
			buf_add_str(b, sqlite ? " " : " <-> ");
		if (sqlite)
			buf_printf(b, "%s%.*s", prefix, (int)n, words);
		else
			buf_printf(b, "'%s%.*s'%s", prefix, (int)n, words,
				   last && open ? ":*" : "");
		words += n + !last;
	}
	buf_add_str(b, sqlite ? (open ? "\" *" : "\"") : ")");
}

static void put_term(struct buf *b, bool sqlite, const struct store_search_term *t,
		     const char *own_prefix)
{
	buf_add_char(b, '(');
	put_phrase(b, sqlite, t->words, "", t->open);
	if (!t->exact && own_prefix) {
		buf_add_str(b, sqlite ? " OR " : " | ");
		put_phrase(b, sqlite, t->words, own_prefix, t->open);
	}
	buf_add_char(b, ')');
}

/* Both languages know AND, OR and NOT; in FTS5 NOT stands between two, so what must be there comes first. */
static bool query(struct arena *arena, bool sqlite, const struct store_search *s, const char **out,
		  struct err *e)
{
	struct buf b;
	bool any = false;
	buf_init(&b, QUERY_BYTES_MAX);
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < s->count; i++) {
			const struct store_search_term *t = &s->terms[i];
			if (t->not != (pass == 1))
				continue;
			if (t->not )
				buf_add_str(&b, sqlite ? " NOT " : " & !");
			else if (any)
				buf_add_str(&b, sqlite ? " AND " : " & ");
			put_term(&b, sqlite, t, s->own_prefix);
			any = true;
		}
	bool ok = !b.failed && any;
	*out = ok ? arena_strdup(arena, b.data) : NULL;
	buf_finish(&b);
	return ok || err_set(e, ERR_INVALID, "Validation failed: q is too long");
}

bool store_search_posts(struct db *db, struct arena *arena, const struct store_search *s,
			struct store_posts *out, struct err *e)
{
	bool sqlite = db_kind(db) == DB_SQLITE;
	const char *text;
	struct store_page page = {.limit = s->limit};
	if (!query(arena, sqlite, s, &text, e))
		return false;
	struct db_stmt *q = db_stmt(db, sqlite ? SQL_POSTS_SQLITE : SQL_POSTS_POSTGRES);
	db_put_text(q, text);
	db_put_int(q, s->low_id);
	db_put_int(q, s->high_id ? s->high_id : INT64_MAX);
	db_put_int(q, s->viewer_id);
	db_put_int(q, store_page_limit(&page));
	db_put_int(q, s->offset);
	return store_posts_read(q, arena, &page, out, e);
}

bool store_search_accounts(struct db *db, struct arena *arena, const struct store_search *s,
			   struct store_accounts *out, struct err *e)
{
	bool sqlite = db_kind(db) == DB_SQLITE;
	const char *text;
	struct store_page page = {.limit = s->limit};
	if (!query(arena, sqlite, s, &text, e))
		return false;
	struct db_stmt *q = db_stmt(db, sqlite ? SQL_ACCOUNTS_SQLITE : SQL_ACCOUNTS_POSTGRES);
	db_put_text(q, text);
	db_put_int(q, s->viewer_id);
	db_put_int(q, store_page_limit(&page));
	db_put_int(q, s->offset);
	return store_accounts_read(q, arena, &page, out, e);
}
