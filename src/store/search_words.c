/* All SQL on the words that are in use. No state; any thread, with its own handle. What must stay true: a word of any post is
 * there; one that no post has any more goes soon after. */
#include "store/search_words.h"

#include "store/end.h"
#include "store/search_walk.h"

#include <string.h>

static const char SQL_KEEP_SQLITE[] =
    "INSERT INTO post_words (term) VALUES ($1) ON CONFLICT DO NOTHING";
static const char SQL_KEEP_POSTGRES[] =
    "INSERT INTO post_words (term) SELECT lexeme FROM unnest(CAST($1 AS TSVECTOR)) ON CONFLICT DO NOTHING";
static const char SQL_LEFT[] = "SELECT term FROM post_words_left LIMIT $1";
static const char SQL_FORGET[] = "DELETE FROM post_words WHERE term = $1";
static const char SQL_DONE[] = "DELETE FROM post_words_left WHERE term = $1";

enum { TERMS_MAX = 20 };

static bool run(struct db *w, const char *sql, const char *text, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_text(q, text);
	return db_end(q, e);
}

/* The word at *at, and *at behind it; NULL: there is none. */
static const char *next_word(struct arena *arena, const char **at)
{
	*at += strspn(*at, " ");
	size_t n = strcspn(*at, " ");
	const char *word = n ? arena_strndup(arena, *at, n) : NULL;
	*at += n;
	return word;
}

bool store_search_words_keep(struct db *w, struct arena *arena, const char *text, struct err *e)
{
	if (db_kind(w) == DB_POSTGRES)
		return run(w, SQL_KEEP_POSTGRES, text, e);
	for (const char *word; (word = next_word(arena, &text));)
		if (!run(w, SQL_KEEP_SQLITE, word, e))
			return false;
	return true;
}

bool store_search_words_left(struct db *db, bool *left, struct err *e)
{
	*left = false;
	struct db_stmt *q = db_stmt(db, SQL_LEFT);
	db_put_int(q, 1);
	*left = db_row(q);
	return db_end(q, e);
}

static bool is_used(struct db *w, struct arena *arena, const char *term, bool *used, struct err *e)
{
	const struct store_search_term word = {.words = term, .exact = true};
	const struct store_search one = {.terms = &word, .count = 1};
	const char *text;
	int64_t id;
	size_t found;
	if (!store_search_text(w, arena, &one, &text, e) ||
	    !store_search_newest(w, arena, &one, text, INT64_MAX, 1, &id, &found, e))
		return false;
	*used = found > 0;
	return true;
}

static bool forget_unused(struct db *w, struct arena *arena, const char *words, struct err *e)
{
	for (const char *word; (word = next_word(arena, &words));) {
		bool used;
		if (!is_used(w, arena, word, &used, e) || (!used && !run(w, SQL_FORGET, word, e)))
			return false;
	}
	return true;
}

bool store_search_words_forget(struct db *w, struct arena *arena, struct err *e)
{
	const char *terms[TERMS_MAX];
	size_t count = 0;
	struct db_stmt *q = db_stmt(w, SQL_LEFT);
	db_put_int(q, TERMS_MAX);
	while (count < TERMS_MAX && db_row(q))
		terms[count++] = db_get_text(q, arena);
	if (!db_end(q, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!forget_unused(w, arena, terms[i], e) || !run(w, SQL_DONE, terms[i], e))
			return false;
	return true;
}
