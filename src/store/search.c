/* All SQL on searching. No state; any thread, with its own handle. The words come from app/words.c; SQLite keeps
 * them in an FTS5 table, PostgreSQL as a tsvector, and both take phrases of them. Words hold letters, digits and
 * "_" only, so they need no quoting in either language. */
#include "store/search.h"

#include "base/buf.h"
#include "store/search_walk.h"
#include "store/search_window.h"
#include "store/search_words.h"

#include <stdlib.h>
#include <string.h>

static const char SQL_QUEUE[] = "SELECT post_id FROM search_queue ORDER BY post_id LIMIT $1";
static const char SQL_UNQUEUE[] = "DELETE FROM search_queue WHERE post_id = $1";
static const char SQL_REMOVE[] = "DELETE FROM post_search WHERE rowid = $1";
static const char SQL_ADD_SQLITE[] = "INSERT INTO post_search (rowid, words) VALUES ($1, $2)";
static const char SQL_ADD_POSTGRES[] =
    "INSERT INTO post_search (rowid, words) VALUES ($1, CAST($2 AS TSVECTOR) || search_times($1)) ON CONFLICT (rowid) "
    "DO UPDATE SET words = excluded.words";
static const char SQL_FOUND_SQLITE[] =
    "SELECT post_search.rowid FROM post_search WHERE post_search MATCH $1 AND post_search.rowid > $2 AND post_search.rowid < $3 ORDER BY post_search.rowid DESC LIMIT $4";
static const char SQL_TO_BE_SEEN[] =
    "SELECT p.id, " STORE_POST_COLUMNS
    " FROM posts p JOIN accounts a ON a.id = p.account_id WHERE p.id IN " DB_IDS
    " AND a.state = 0 AND ((p.visibility = 0 AND a.discoverable AND a.indexable AND NOT a.limited) OR "
    "p.account_id = $41 OR "
    "EXISTS (SELECT 1 FROM mentions m WHERE m.post_id = p.id AND m.account_id = $41) OR "
    "EXISTS (SELECT 1 FROM favourites f WHERE f.post_id = p.id AND f.account_id = $41) OR "
    "EXISTS (SELECT 1 FROM bookmarks b WHERE b.post_id = p.id AND b.account_id = $41)) ORDER BY p.id DESC";
static const char SQL_ACCOUNTS[] =
    "SELECT a.id, " STORE_ACCOUNT_COLUMNS " FROM accounts a WHERE a.id IN " DB_IDS
    " AND a.state = 0 AND (NOT a.limited OR EXISTS (SELECT 1 FROM follows f WHERE f.account_id = $41 AND "
    "f.target_id = a.id))";

static const char SQL_LEAVE_SQLITE[] =
    "INSERT INTO post_words_left (term) SELECT c0 FROM post_search_content WHERE id = $1";
static const char SQL_BEGINNINGS[] =
    "SELECT term FROM post_words WHERE term >= $1 ORDER BY term LIMIT $2";

enum {
	BEGINNINGS_MAX =
	    200,         /* words that begin with what is typed; further ones are not looked for */
	NAMED_MAX = 200, /* of accounts, the newest: those most followed among them come first */
	FEW = 100,  /* matches that are looked at first, and, where too few of them may be seen, */
	MANY = 1000 /* after them */
};
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

/* What it said until now; PostgreSQL has a trigger for it, which FTS5 can't have. */
static bool leave(struct db *w, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_LEAVE_SQLITE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_search_index(struct db *w, struct arena *arena, int64_t id, const char *words,
			struct err *e)
{
	bool sqlite = db_kind(w) == DB_SQLITE;
	if (sqlite && !leave(w, id, e))
		return false;
	if (sqlite || !*words) {
		struct db_stmt *q = db_stmt(w, SQL_REMOVE);
		db_touch(q, DB_NOUN_NONE, 0);
		db_put_int(q, id);
		if (!db_end(q, e) || !*words)
			return e->code == ERR_NONE;
	}
	const char *text = sqlite ? words : vector(arena, words);
	struct db_stmt *q = db_stmt(w, sqlite ? SQL_ADD_SQLITE : SQL_ADD_POSTGRES);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_text(q, text);
	return db_end(q, e) && store_search_words_keep(w, arena, text, e);
}

bool store_search_queue(struct db *db, int64_t *ids, size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_QUEUE);
	db_put_int(q, (int64_t)room);
	return db_end_ids(q, ids, room, found, e);
}

bool store_search_unqueue(struct db *w, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UNQUEUE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	return db_end(q, e);
}

/* --- asking --- */

/* What is asked, as the database's own text. */
struct question {
	struct db *db;
	struct arena *arena;
	struct buf text;
	bool sqlite;
	bool spelled; /* a beginning as the words that begin so */
};

/* One phrase, each of its words with the prefix; its last word is `last`, or begins with it. */
static void put_phrase(struct question *q, const char *words, size_t length, const char *prefix,
		       const char *last, bool open)
{
	buf_add_char(&q->text, q->sqlite ? '"' : '(');
	for (size_t at = 0; at < length;) {
		size_t n = strcspn(words + at, " ");
		buf_printf(&q->text, q->sqlite ? "%s%.*s " : "'%s%.*s' <-> ", prefix, (int)n,
			   words + at);
		at += n + 1;
	}
	if (q->sqlite)
		buf_printf(&q->text, "%s\"", last);
	else
		buf_printf(&q->text, "'%s'%s)", last, open ? ":*" : "");
}

/* Either index would gather every post of every word that begins so before it gave the first; of whole words it
 * reads as many posts as are wanted. So the beginning becomes the words that there are. */
static bool put_beginnings(struct question *q, const char *words, size_t length, const char *prefix,
			   const char *begin, struct err *e)
{
	bool any = false;
	struct db_stmt *s = db_stmt(q->db, SQL_BEGINNINGS);
	db_put_text(s, begin);
	db_put_int(s, BEGINNINGS_MAX);
	while (db_row(s)) {
		const char *word = db_get_text(s, q->arena);
		if (strncmp(word, begin, strlen(begin)) != 0)
			break;
		if (any)
			buf_add_str(&q->text, q->sqlite ? " OR " : " | ");
		put_phrase(q, words, length, prefix, word, false);
		any = true;
	}
	if (!any) /* nothing begins so; the question stays whole */
		put_phrase(q, words, length, prefix, begin, false);
	return db_end(s, e);
}

static bool put_words(struct question *q, const char *words, const char *prefix, bool open,
		      struct err *e)
{
	const char *space = strrchr(words, ' ');
	size_t length = space ? (size_t)(space - words) : 0;
	const char *last = arena_printf(q->arena, "%s%s", prefix, space ? space + 1 : words);
	if (q->spelled && open)
		return put_beginnings(q, words, length, prefix, last, e);
	put_phrase(q, words, length, prefix, last, open);
	return true;
}

static bool put_term(struct question *q, const struct store_search_term *t, const char *own_prefix,
		     struct err *e)
{
	buf_add_char(&q->text, '(');
	if (!put_words(q, t->words, "", t->open, e))
		return false;
	if (!t->exact && own_prefix) {
		buf_add_str(&q->text, q->sqlite ? " OR " : " | ");
		if (!put_words(q, t->words, own_prefix, t->open, e))
			return false;
	}
	buf_add_char(&q->text, ')');
	return true;
}

/* Both languages know AND, OR and NOT; in FTS5 NOT stands between two, so what must be there comes first. */
static bool put_terms(struct question *q, const struct store_search *s, struct err *e)
{
	bool any = false;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < s->count; i++) {
			const struct store_search_term *t = &s->terms[i];
			if (t->not != (pass == 1))
				continue;
			if (t->not )
				buf_add_str(&q->text, q->sqlite ? " NOT " : " & !");
			else if (any)
				buf_add_str(&q->text, q->sqlite ? " AND " : " & ");
			if (!put_term(q, t, s->own_prefix, e))
				return false;
			any = true;
		}
	return (any && !q->text.failed) ||
	       err_set(e, ERR_INVALID, "Validation failed: q is too long");
}

static bool query(struct db *db, struct arena *arena, const struct store_search *s, bool spelled,
		  const char **out, struct err *e)
{
	struct question q = {
	    .db = db, .arena = arena, .sqlite = db_kind(db) == DB_SQLITE, .spelled = spelled};
	buf_init(&q.text, QUERY_BYTES_MAX);
	bool ok = put_terms(&q, s, e);
	*out = ok ? arena_strdup(arena, q.text.data) : NULL;
	buf_finish(&q.text);
	return ok;
}

bool store_search_text(struct db *db, struct arena *arena, const struct store_search *s,
		       const char **text, struct err *e)
{
	return query(db, arena, s, db_kind(db) == DB_SQLITE, text, e);
}

bool store_search_term_text(struct db *db, struct arena *arena, const struct store_search_term *t,
			    const char *own_prefix, const char **text, struct err *e)
{
	struct store_search_term there = *t;
	const struct store_search one = {.terms = &there, .count = 1, .own_prefix = own_prefix};
	there.not = false;
	return query(db, arena, &one, true, text, e);
}

bool store_search_find(struct db *db, const char *text, int64_t low, int64_t high, size_t room,
		       int64_t *ids, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_FOUND_SQLITE);
	db_put_text(q, text);
	db_put_int(q, low);
	db_put_int(q, high);
	db_put_int(q, (int64_t)room);
	return db_end_ids(q, ids, room, found, e);
}

/* Adds those of them that the viewer may see, until the page is full. *skip: how many of these to leave out. */
static bool add_seen(struct db *db, struct arena *arena, const struct store_search *s,
		     const int64_t *ids, size_t count, size_t room, int *skip,
		     struct store_posts *out, struct err *e)
{
	for (size_t done = 0; done < count && out->count < room; done += DB_IDS_MAX) {
		size_t n = count - done < DB_IDS_MAX ? count - done : DB_IDS_MAX;
		struct store_posts some;
		struct db_stmt *q = db_stmt(db, SQL_TO_BE_SEEN);
		db_put_ids(q, ids + done, n);
		db_put_int(q, s->viewer_id);
		if (!store_posts_read(q, arena, &(struct store_page){.limit = DB_IDS_MAX}, &some,
				      e))
			return false;
		for (size_t i = 0; i < some.count && out->count < room; i++) {
			if (*skip > 0) {
				(*skip)--;
				continue;
			}
			out->keys[out->count] = some.keys[i];
			out->items[out->count++] = some.items[i];
		}
	}
	return true;
}

/* The newest matches older than high, whoever may see them. */
bool store_search_newest(struct db *db, struct arena *arena, const struct store_search *s,
			 const char *text, int64_t high, size_t room, int64_t *ids, size_t *found,
			 struct err *e)
{
	if (db_kind(db) == DB_POSTGRES)
		return store_search_window(db, arena, s, text, high, room, ids, found, e);
	if (store_search_walk_needed(s))
		return store_search_walk(db, arena, s, text, high, room, ids, found, e);
	return store_search_find(db, text, s->low_id, high, room, ids, found, e);
}

bool store_search_posts(struct db *db, struct arena *arena, const struct store_search *s,
			struct store_posts *out, struct err *e)
{
	const char *text;
	size_t room = (size_t)store_page_limit(&(struct store_page){.limit = s->limit}), found;
	size_t wanted = (size_t)s->offset + FEW;
	int64_t high = s->high_id ? s->high_id : INT64_MAX;
	int skip = s->offset;
	int64_t *ids = ARENA_ARRAY(arena, int64_t, wanted + MANY);
	*out = (struct store_posts){.items = ARENA_ARRAY(arena, struct store_post, room),
				    .keys = ARENA_ARRAY(arena, int64_t, room)};
	if (!ids || !out->items || !out->keys)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_search_text(db, arena, s, &text, e) ||
	    !store_search_newest(db, arena, s, text, high, wanted, ids, &found, e) ||
	    !add_seen(db, arena, s, ids, found, room, &skip, out, e))
		return false;
	/* Where most of them are nobody's to see, as many again: what is older yet stays unread. */
	if (out->count < room && found == wanted &&
	    (!store_search_newest(db, arena, s, text, ids[found - 1], MANY, ids, &found, e) ||
	     !add_seen(db, arena, s, ids, found, room, &skip, out, e)))
		return false;
	out->more = out->count == room;
	return true;
}

static int more_followers(const void *a, const void *b)
{
	const struct store_account *x = a, *y = b;
	if (x->followers_count != y->followers_count)
		return x->followers_count < y->followers_count ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

bool store_search_accounts(struct db *db, struct arena *arena, const struct store_search *s,
			   struct store_accounts *out, struct err *e)
{
	const char *text;
	int64_t ids[NAMED_MAX];
	size_t found, room = (size_t)store_page_limit(&(struct store_page){.limit = s->limit});
	size_t skip = s->offset > 0 ? (size_t)s->offset : 0;
	*out =
	    (struct store_accounts){.items = ARENA_ARRAY(arena, struct store_account, NAMED_MAX)};
	if (!out->items)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_search_text(db, arena, s, &text, e) ||
	    !store_search_newest(db, arena, s, text, INT64_MAX, NAMED_MAX, ids, &found, e))
		return false;
	for (size_t done = 0; done < found; done += DB_IDS_MAX) {
		struct store_accounts some;
		struct db_stmt *q = db_stmt(db, SQL_ACCOUNTS);
		db_put_ids(q, ids + done, found - done < DB_IDS_MAX ? found - done : DB_IDS_MAX);
		db_put_int(q, s->viewer_id);
		if (!store_accounts_read(q, arena, &(struct store_page){.limit = DB_IDS_MAX}, &some,
					 e))
			return false;
		for (size_t i = 0; i < some.count; i++)
			out->items[out->count++] = some.items[i];
	}
	qsort(out->items, out->count, sizeof(*out->items), more_followers);
	skip = skip < out->count ? skip : out->count;
	out->items += skip;
	out->count = out->count - skip < room ? out->count - skip : room;
	return true;
}
