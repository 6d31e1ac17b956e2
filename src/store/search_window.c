/* Looks for words in PostgreSQL. No state; any thread, with its own handle. What must stay true: what is read is bounded by the
 * windows, or by the posts that have the rarest of the words. What is missed are posts older than the newest
 * WIDE with words that are all frequent and seldom meet. */
#include "store/search_window.h"

#include "store/search_walk.h"

#include <string.h>

/* Looked through one by one, as long as some are wanted. */
static const char SQL_NEWEST[] =
    "SELECT newest.rowid FROM (SELECT post_search.rowid, post_search.words FROM post_search WHERE "
    "post_search.rowid > $2 AND post_search.rowid < $3 ORDER BY post_search.rowid DESC LIMIT $4) AS newest "
    "WHERE newest.words @@ CAST($1 AS TSQUERY) ORDER BY newest.rowid DESC LIMIT $5";
/* All that the index has, and the newest of these. */
static const char SQL_ALL[] =
    "WITH found AS MATERIALIZED (SELECT post_search.rowid FROM post_search WHERE post_search.words @@ "
    "CAST($1 AS TSQUERY)) SELECT found.rowid FROM found WHERE found.rowid > $2 AND found.rowid < $3 "
    "ORDER BY found.rowid DESC LIMIT $4";

enum {
	NEAR = 2000, /* posts */
	WIDE = 20000,
	FREQUENT = 100, /* of NEAR: a word of which there may be too many to read them all */
};

static bool read_ids(struct db_stmt *q, size_t room, int64_t *ids, size_t *found, struct err *e)
{
	*found = 0;
	while (*found < room && db_row(q))
		ids[(*found)++] = db_get_int(q);
	return db_end(q, e);
}

static bool newest(struct db *db, const char *text, int64_t low, int64_t high, size_t width,
		   size_t room, int64_t *ids, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_NEWEST);
	db_put_text(q, text);
	db_put_int(q, low);
	db_put_int(q, high);
	db_put_int(q, (int64_t)width);
	db_put_int(q, (int64_t)room);
	return read_ids(q, room, ids, found, e);
}

static bool all(struct db *db, const char *text, int64_t low, int64_t high, size_t room,
		int64_t *ids, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_ALL);
	db_put_text(q, text);
	db_put_int(q, low);
	db_put_int(q, high);
	db_put_int(q, (int64_t)room);
	return read_ids(q, room, ids, found, e);
}

/* Whether each of the phrase's words is frequent among the newest posts. */
static bool is_frequent(struct db *db, struct arena *arena, const struct store_search *s,
			const struct store_search_term *t, int64_t high, bool *yes, struct err *e)
{
	*yes = true;
	for (const char *at = t->words; *at && *yes;) {
		size_t n = strcspn(at, " "), found;
		const struct store_search_term word = {.words = arena_strndup(arena, at, n),
						       .open = !at[n] && t->open,
						       .exact = t->exact};
		int64_t ids[FREQUENT];
		const char *text;
		if (!store_search_term_text(db, arena, &word, s->own_prefix, &text, e) ||
		    !newest(db, text, s->low_id, high, NEAR, FREQUENT, ids, &found, e))
			return false;
		*yes = found == FREQUENT;
		at += n + (at[n] == ' ');
	}
	return true;
}

bool store_search_window(struct db *db, struct arena *arena, const struct store_search *s,
			 const char *text, int64_t high, size_t room, int64_t *ids, size_t *found,
			 struct err *e)
{
	bool frequent = true;
	if (!newest(db, text, s->low_id, high, NEAR, room, ids, found, e) || *found == room)
		return e->code == ERR_NONE;
	bool some = *found > 0;
	for (size_t i = 0; i < s->count && frequent; i++)
		if (!s->terms[i].not &&!is_frequent(db, arena, s, &s->terms[i], high, &frequent, e))
			return false;
	if (some || frequent) {
		if (!newest(db, text, s->low_id, high, WIDE, room, ids, found, e))
			return false;
		if (frequent || *found == room)
			return true;
	}
	return all(db, text, s->low_id, high, room, ids, found, e);
}
