/* Looks for posts with several words, by those of the rarest one, newest first. No state; any thread, with its own handle. What must
 * stay true: one question looks at DEEP posts at most, however many there are, unless the words are seen to meet.
 * A word of fewer than SAMPLE posts leads to all of its posts; what is missed are old posts with words that are all
 * frequent and seldom meet. */
#include "store/search_walk.h"

#include "base/buf.h"

#include <string.h>

/* FTS5 keeps the words in this table. */
static const char SQL_WORDS[] =
    "SELECT id, ' ' || c0 || ' ' FROM post_search_content WHERE id IN " DB_IDS " ORDER BY id DESC";

enum {
	SAMPLE = 1000, /* of each word's posts, to see which is the rarest */
	DEEP = 3000,   /* of the rarest one's, where the words do not meet */
	MEET = 5       /* as often in the sample: FTS5 will find a page of them soon */
};

/* The posts of one word, newest first. */
struct stream {
	const char *text; /* as the database asks for it; NULL: there is none yet */
	int64_t *ids;
	size_t count;
};

/* own: with the viewer's prefix; NULL: there is none. */
struct needles {
	const char *anybodys, *own;
};

struct walk {
	struct db *db;
	struct arena *arena;
	const struct store_search *search;
	int64_t high;
	struct stream rarest;
	struct needles *needles;
};

bool store_search_walk_needed(const struct store_search *s)
{
	return s->count > 1 || (s->count == 1 && strchr(s->terms[0].words, ' '));
}

/* --- the rarest word --- */

/* Who has fewer posts; of two with enough, whose sample reaches further back. */
static bool is_rarer(const struct stream *a, const struct stream *b)
{
	if (!b->text || a->count != b->count)
		return !b->text || a->count < b->count;
	return a->count && a->ids[a->count - 1] < b->ids[b->count - 1];
}

static bool look_at(struct walk *w, const struct store_search_term *word, struct err *e)
{
	struct stream s = {.ids = ARENA_ARRAY(w->arena, int64_t, SAMPLE)};
	if (!s.ids)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_search_term_text(w->db, w->arena, word, w->search->own_prefix, &s.text, e) ||
	    !store_search_find(w->db, s.text, w->search->low_id, w->high, SAMPLE, s.ids, &s.count,
			       e))
		return false;
	if (is_rarer(&s, &w->rarest))
		w->rarest = s;
	return true;
}

/* A phrase has all of its words; the rarest of these leads to it. */
static bool look_at_words(struct walk *w, const struct store_search_term *t, struct err *e)
{
	for (const char *at = t->words; *at;) {
		size_t n = strcspn(at, " ");
		const struct store_search_term word = {.words = arena_strndup(w->arena, at, n),
						       .open = !at[n] && t->open,
						       .exact = t->exact};
		if (!look_at(w, &word, e))
			return false;
		if (!w->rarest.count)
			return true; /* nothing has this one */
		at += n + (at[n] == ' ');
	}
	return true;
}

/* --- what a post says --- */

/* " one two ": how the words of the term stand in those of a post. */
static const char *needle(struct arena *arena, const struct store_search_term *t,
			  const char *prefix)
{
	struct buf b;
	buf_init(&b, 64 << 10);
	for (const char *at = t->words; *at;) {
		size_t n = strcspn(at, " ");
		buf_printf(&b, " %s%.*s", prefix, (int)n, at);
		at += n + (at[n] == ' ');
	}
	if (!t->open)
		buf_add_char(&b, ' ');
	const char *text = arena_strdup(arena, b.data ? b.data : " ");
	buf_finish(&b);
	return text;
}

static bool make_needles(struct walk *w, struct err *e)
{
	const struct store_search *s = w->search;
	w->needles = ARENA_ARRAY(w->arena, struct needles, s->count);
	for (size_t i = 0; w->needles && i < s->count; i++) {
		const struct store_search_term *t = &s->terms[i];
		w->needles[i].anybodys = needle(w->arena, t, "");
		w->needles[i].own =
		    !t->exact && s->own_prefix ? needle(w->arena, t, s->own_prefix) : NULL;
	}
	return w->needles ||
	       err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
}

static bool fits(const struct walk *w, const char *words)
{
	for (size_t i = 0; i < w->search->count; i++) {
		const struct needles *n = &w->needles[i];
		bool there = strstr(words, n->anybodys) || (n->own && strstr(words, n->own));
		if (there == w->search->terms[i].not )
			return false;
	}
	return true;
}

struct matches {
	int64_t *ids;
	size_t count, room;
};

/* Of the rarest word's posts those from `from` on, until there are enough. */
static bool add_fitting(struct walk *w, size_t from, struct matches *out, struct err *e)
{
	struct arena *scratch = arena_create(16 << 20);
	size_t step = 8; /* few where many fit */
	bool ok = true;
	while (ok && from < w->rarest.count && out->count < out->room) {
		size_t n = w->rarest.count - from < step ? w->rarest.count - from : step;
		arena_reset(scratch);
		struct db_stmt *q = db_stmt(w->db, SQL_WORDS);
		db_put_ids(q, w->rarest.ids + from, n);
		while (db_row(q) && out->count < out->room) {
			int64_t id = db_get_int(q);
			if (fits(w, db_get_text(q, scratch)))
				out->ids[out->count++] = id;
		}
		ok = db_end(q, e);
		from += n;
		step = DB_IDS_MAX;
	}
	arena_destroy(scratch);
	return ok;
}

bool store_search_walk(struct db *db, struct arena *arena, const struct store_search *s,
		       const char *text, int64_t high, size_t room, int64_t *ids, size_t *found,
		       struct err *e)
{
	struct walk w = {.db = db, .arena = arena, .search = s, .high = high};
	struct matches out = {.ids = ids, .room = room};
	*found = 0;
	for (size_t i = 0; i < s->count; i++)
		if (!s->terms[i].not &&!look_at_words(&w, &s->terms[i], e))
			return false;
	bool frequent = w.rarest.count == SAMPLE;
	if (frequent && room > MEET)
		out.room = MEET;
	if (!make_needles(&w, e) || !add_fitting(&w, 0, &out, e))
		return false;
	if (frequent && out.count == MEET)
		return store_search_find(db, text, s->low_id, high, room, ids, found, e);
	out.room = room;
	if (frequent) {
		int64_t *deep = ARENA_ARRAY(arena, int64_t, DEEP);
		if (!deep)
			return err_set(e, ERR_NO_MEMORY,
				       "This is too much at once. Please ask for less.");
		w.rarest.ids = deep;
		if (!store_search_find(db, w.rarest.text, s->low_id, high, DEEP, deep,
				       &w.rarest.count, e) ||
		    !add_fitting(&w, SAMPLE, &out, e))
			return false;
	}
	*found = out.count;
	return true;
}
