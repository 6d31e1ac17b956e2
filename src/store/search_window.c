/* Looks for words in PostgreSQL. No state; any thread, with its own handle. What must stay true: what is read does not grow with
 * the network. The newest posts are looked through one by one; older ones are asked of the index by spans of time that grow until
 * enough is found, along the rarest of the words. What is missed are old posts with words that are all frequent and
 * seldom meet: older than the newest WIDE where each is frequent, and than the newest DEEP of the rarest word
 * where one is not. */
#include "store/search_window.h"

#include "base/buf.h"
#include "store/search_walk.h"

#include <string.h>

/* The newest post older than $1, the last of the $2 newest, and the oldest of all; 0: there is none. */
static const char SQL_EDGE[] =
    "SELECT COALESCE((SELECT MAX(rowid) FROM post_search WHERE rowid < $1), 0), COALESCE((SELECT rowid FROM post_search "
    "WHERE rowid < $1 ORDER BY rowid DESC LIMIT 1 OFFSET $2), 0), COALESCE((SELECT MIN(rowid) FROM post_search), 0)";
/* Looked through one by one, as long as some are wanted. */
static const char SQL_NEWEST[] =
    "SELECT newest.rowid FROM (SELECT post_search.rowid, post_search.words FROM post_search WHERE "
    "post_search.rowid > $2 AND post_search.rowid < $3 ORDER BY post_search.rowid DESC LIMIT $4) AS newest "
    "WHERE newest.words @@ CAST($1 AS TSQUERY) ORDER BY newest.rowid DESC LIMIT $5";
/* What the index has of a word in a time, the newest of these, and which of them fit the whole question. Two conditions: the
 * index leaps from either to the other. */
static const char SQL_WITHIN[] =
    "WITH found AS MATERIALIZED (SELECT post_search.rowid, post_search.words @@ CAST($3 AS TSQUERY) AS fits FROM "
    "post_search WHERE post_search.words @@ CAST($1 AS TSQUERY) AND post_search.words @@ CAST($2 AS TSQUERY)) SELECT "
    "found.rowid, found.fits FROM found WHERE found.rowid > $4 AND found.rowid < $5 ORDER BY found.rowid DESC LIMIT $6";

enum {
	NEAR = 2000, /* posts */
	WIDE = 20000,
	FREQUENT = 100, /* of NEAR: a word of which there may be too many to go along */
	DEEP = 3000,    /* posts of the rarest word */
	CHUNK = 1000    /* of them at a time */
};
/* As search_times() in the database has them: words for times of 2^30 ids, 2^34, …, 2^50. */
enum { SHIFT = 30, SHIFT_STEP = 4, LEVEL_MAX = 5, SPAN_GROWTH = 8 };
static const int64_t SPAN_MAX = INT64_C(1) << 58;

/* --- the newest posts --- */

struct window {
	struct db *db;
	struct arena *arena;
	const struct store_search *search;
	int64_t high;         /* right behind the newest post */
	int64_t edge, oldest; /* the last of the newest NEAR; 0: there are fewer */
};

static bool look_for_edge(struct window *w, int64_t high, struct err *e)
{
	struct db_stmt *q = db_stmt(w->db, SQL_EDGE);
	db_put_int(q, high);
	db_put_int(q, NEAR - 1);
	if (db_row(q)) {
		w->high = db_get_int(q) + 1;
		w->edge = db_get_int(q);
		w->oldest = db_get_int(q);
	}
	return db_end(q, e);
}

static bool newest(const struct window *w, const char *text, size_t width, size_t room,
		   int64_t *ids, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(w->db, SQL_NEWEST);
	db_put_text(q, text);
	db_put_int(q, w->search->low_id);
	db_put_int(q, w->high);
	db_put_int(q, (int64_t)width);
	db_put_int(q, (int64_t)room);
	*found = 0;
	while (*found < room && db_row(q))
		ids[(*found)++] = db_get_int(q);
	return db_end(q, e);
}

/* --- one word's posts, from the newest on --- */

struct reader {
	const struct window *window;
	const char *word, *question; /* as the index takes it, and as posts do */
	int64_t low, high;           /* what has not been read */
	int64_t span;                /* to be read next */
};

/* What is wanted, and where it goes. */
struct matches {
	int64_t *ids;
	size_t count, room;
};

/* "'@2.17' | '@2.18'": the times that hold the ids from `from` up to `high`; *begin: where the first begins. */
static void put_times(struct buf *b, int64_t from, int64_t high, int64_t *begin)
{
	int level = LEVEL_MAX, shift = SHIFT + SHIFT_STEP * LEVEL_MAX;
	for (; level > 0 && high - from < INT64_C(2) << shift; level--)
		shift -= SHIFT_STEP;
	*begin = from >> shift << shift;
	for (int64_t time = from >> shift; time <= (high - 1) >> shift; time++)
		buf_printf(b, "%s'@%d.%lld'", b->length ? " | " : "", level, (long long)time);
}

/* *read: how many of the word, at most `limit`; *last: the oldest of these. */
static bool within(const struct reader *r, const char *times, size_t limit, struct matches *out,
		   size_t *read, int64_t *last, struct err *e)
{
	struct db_stmt *q = db_stmt(r->window->db, SQL_WITHIN);
	db_put_text(q, r->word);
	db_put_text(q, times);
	db_put_text(q, r->question);
	db_put_int(q, r->low);
	db_put_int(q, r->high);
	db_put_int(q, (int64_t)limit);
	for (*read = 0; *read < limit && db_row(q); (*read)++) {
		*last = db_get_int(q);
		if (db_get_bool(q) && out->count < out->room)
			out->ids[out->count++] = *last;
	}
	return db_end(q, e);
}

/* Next as long a time as these many would be found in, had it as many everywhere; half as many again. */
static void grow(struct reader *r, size_t found, size_t wanted)
{
	double factor = found ? 1.5 * (double)wanted / (double)found : SPAN_GROWTH;
	if (factor > SPAN_GROWTH)
		factor = SPAN_GROWTH;
	r->span = (double)r->span * factor < (double)SPAN_MAX
		      ? (int64_t)((double)r->span * factor) + 1
		      : SPAN_MAX;
}

/* Of `limit` more posts of the word those that fit; *read: how many there were. */
static bool reader_next(struct reader *r, size_t limit, struct matches *out, size_t *read,
			struct err *e)
{
	struct buf times;
	bool ok = true;
	*read = 0;
	buf_init(&times, 64 << 10);
	while (ok && *read < limit && out->count < out->room && r->high > r->low + 1) {
		int64_t begin, last = 0;
		int64_t from = r->high - r->low > r->span ? r->high - r->span : r->low + 1;
		size_t wanted = limit - *read, n;
		buf_clear(&times);
		put_times(&times, from, r->high, &begin);
		ok = within(r, times.data, wanted, out, &n, &last, e);
		*read += n;
		r->high = n == wanted ? last : begin;
		if (n < wanted)
			grow(r, n, wanted - n);
	}
	buf_finish(&times);
	return ok;
}

/* --- the rarest of the words --- */

struct rarest {
	struct store_search_term word;
	size_t count; /* among the newest */
};

/* A phrase has all of its words. */
static bool look_at(const struct window *w, const struct store_search_term *t, struct rarest *out,
		    struct err *e)
{
	for (const char *at = t->words; *at && out->count;) {
		int64_t ids[FREQUENT];
		const char *text;
		size_t n = strcspn(at, " "), found;
		const struct store_search_term word = {.words = arena_strndup(w->arena, at, n),
						       .open = !at[n] && t->open,
						       .exact = t->exact};
		const struct store_search one = {
		    .terms = &word, .count = 1, .own_prefix = w->search->own_prefix};
		if (!store_search_text(w->db, w->arena, &one, &text, e) ||
		    !newest(w, text, NEAR, FREQUENT, ids, &found, e))
			return false;
		if (found < out->count)
			*out = (struct rarest){.word = word, .count = found};
		at += n + (at[n] == ' ');
	}
	return true;
}

/* Posts older than the edge: along the rarest word, or all of a single one's. */
static bool add_older(const struct window *w, const struct rarest *rarest, const char *text,
		      struct matches *out, struct err *e)
{
	const struct store_search *s = w->search;
	bool single = !store_search_walk_needed(s);
	struct reader r = {.window = w,
			   .question = text,
			   .low = s->low_id < w->oldest ? w->oldest - 1 : s->low_id,
			   .high = w->edge,
			   .span = SPAN_GROWTH * (w->high - w->edge)};
	size_t step = out->room - out->count, read = 1; /* few where many fit */
	if (!store_search_term_text(w->db, w->arena, &rarest->word, s->own_prefix, &r.word, e))
		return false;
	for (size_t done = 0; read && (single || done < DEEP) && out->count < out->room;
	     done += read, step = CHUNK)
		if (!reader_next(&r, single || step < CHUNK ? step : CHUNK, out, &read, e))
			return false;
	return true;
}

bool store_search_window(struct db *db, struct arena *arena, const struct store_search *s,
			 const char *text, int64_t high, size_t room, int64_t *ids, size_t *found,
			 struct err *e)
{
	struct window w = {.db = db, .arena = arena, .search = s};
	struct rarest rarest = {.count = FREQUENT};
	if (!look_for_edge(&w, high, e) || !newest(&w, text, NEAR, room, ids, found, e))
		return false;
	if (*found == room || w.edge <= s->low_id)
		return true;
	for (size_t i = 0; i < s->count; i++)
		if (!s->terms[i].not &&!look_at(&w, &s->terms[i], &rarest, e))
			return false;
	if (rarest.count == FREQUENT)
		return newest(&w, text, WIDE, room, ids, found, e);
	struct matches out = {.ids = ids, .count = *found, .room = room};
	if (!add_older(&w, &rarest, text, &out, e))
		return false;
	*found = out.count;
	return true;
}
