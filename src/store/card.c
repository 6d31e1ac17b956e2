/* All SQL on cards of links. No state; any thread, with its own handle. What must stay true: a card is known to
 * readers only while it has a title; whoever changes what posts show touches those posts. */
#include "store/card.h"

#include "base/id.h"
#include "store/end.h"

static const char SQL_PUBLISHER[] = "SELECT id FROM publishers WHERE domain = $1";
static const char SQL_PUBLISHER_INSERT[] =
    "INSERT INTO publishers (id, domain, created_at) VALUES ($1, $2, $3) ON CONFLICT (domain) DO NOTHING";
static const char SQL_PUBLISHER_GET[] = "SELECT id, domain FROM publishers WHERE id = $1";
static const char SQL_INSERT[] =
    "INSERT INTO cards (id, url, publisher_id, due_at, created_at) VALUES ($1, $2, $3, $4, $4) "
    "ON CONFLICT (url) DO NOTHING";
static const char SQL_FIND[] = "SELECT id, state, fetched_at FROM cards WHERE url = $1";
static const char SQL_AGAIN[] =
    "UPDATE cards SET state = 0, attempts = 0, due_at = $2 WHERE id = $1";
static const char SQL_ATTACH[] =
    "INSERT INTO post_cards (post_id, card_id) VALUES ($1, $2) ON CONFLICT (post_id) DO UPDATE SET "
    "card_id = excluded.card_id";
static const char SQL_DETACH[] = "DELETE FROM post_cards WHERE post_id = $1 RETURNING card_id";
static const char SQL_FORGET[] = "DELETE FROM cards WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM "
				 "post_cards x WHERE x.card_id = $1)";
static const char SQL_DUE[] = "SELECT 1 FROM cards WHERE state = 0 AND due_at <= $1 LIMIT 1";
#define CLAIM(locking)                                                                      \
	"UPDATE cards SET attempts = attempts + 1, due_at = $2 WHERE id = (SELECT id FROM " \
	"cards WHERE state = 0 AND due_at <= $1 ORDER BY due_at, id LIMIT 1" locking        \
	") RETURNING id, url, attempts"
static const char SQL_CLAIM_SQLITE[] = CLAIM("");
static const char SQL_CLAIM_POSTGRES[] = CLAIM(" FOR UPDATE SKIP LOCKED");
static const char SQL_KEEP[] =
    "UPDATE cards SET state = 1, title = $2, description = $3, author_name = $4, author_url = $5, "
    "provider_name = $6, language = $7, published_at = $8, fetched_at = $9 WHERE id = $1";
static const char SQL_NOTHING[] =
    "UPDATE cards SET state = CASE WHEN title = '' THEN 2 ELSE 1 END, fetched_at = $2 WHERE id = $1";
static const char SQL_POSTPONE[] = "UPDATE cards SET due_at = $2 WHERE id = $1";
#define COLUMNS                                                                                  \
	"c.id, c.url, c.publisher_id, c.title, c.description, c.author_name, c.author_url, "     \
	"c.provider_name, c.language, c.published_at, (SELECT p.domain FROM publishers p WHERE " \
	"p.id = c.publisher_id)"
static const char SQL_GET_MANY[] =
    "SELECT " COLUMNS " FROM cards c WHERE c.id IN " DB_IDS " AND c.title <> ''";
static const char SQL_OF_POSTS[] =
    "SELECT x.post_id, " COLUMNS " FROM post_cards x JOIN cards c ON c.id = x.card_id WHERE "
    "x.post_id IN " DB_IDS " AND c.title <> ''";
static const char SQL_POSTS[] =
    "SELECT post_id FROM post_cards WHERE card_id = $1 ORDER BY post_id DESC LIMIT $2";

static void take(struct db_stmt *q, struct arena *arena, struct store_card *c)
{
	c->id = db_get_int(q);
	c->url = db_get_text(q, arena);
	c->publisher_id = db_get_int(q);
	c->title = db_get_text(q, arena);
	c->description = db_get_text(q, arena);
	c->author_name = db_get_text(q, arena);
	c->author_url = db_get_text(q, arena);
	c->provider_name = db_get_text(q, arena);
	c->language = db_get_text(q, arena);
	c->published_at = db_get_int(q);
	c->publisher = db_get_text(q, arena);
}

/* --- which links there are --- */

static bool publisher_find(struct db *w, const char *domain, int64_t *id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_PUBLISHER);
	db_put_text(q, domain);
	return store_end_int(q, id, e);
}

static bool publisher_want(struct db *w, const char *domain, int64_t now_ms, int64_t *id,
			   struct err *e)
{
	if (!publisher_find(w, domain, id, e))
		return false;
	if (*id)
		return true;
	struct db_stmt *q = db_stmt(w, SQL_PUBLISHER_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id_new());
	db_put_text(q, domain);
	db_put_int(q, now_ms);
	return db_end(q, e) && publisher_find(w, domain, id, e);
}

struct found_card {
	int64_t id, state, fetched_at;
};

static bool find(struct db *w, const char *url, struct found_card *out, struct err *e)
{
	*out = (struct found_card){0};
	struct db_stmt *q = db_stmt(w, SQL_FIND);
	db_put_text(q, url);
	if (db_row(q)) {
		out->id = db_get_int(q);
		out->state = db_get_int(q);
		out->fetched_at = db_get_int(q);
	}
	return db_end(q, e);
}

static bool run_2(struct db *w, const char *sql, int64_t a, int64_t b, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, a);
	db_put_int(q, b);
	return db_end(q, e);
}

bool store_card_want(struct db *w, const char *url, const char *domain, int64_t now_ms,
		     int64_t fresh_ms, int64_t *id, struct err *e)
{
	struct found_card before;
	int64_t publisher_id;
	if (!find(w, url, &before, e))
		return false;
	if (before.id) {
		*id = before.id;
		return before.state == 0 || before.fetched_at >= now_ms - fresh_ms ||
		       run_2(w, SQL_AGAIN, before.id, now_ms, e);
	}
	if (!publisher_want(w, domain, now_ms, &publisher_id, e))
		return false;
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id_new());
	db_put_text(q, url);
	db_put_int(q, publisher_id);
	db_put_int(q, now_ms);
	if (!db_end(q, e) || !find(w, url, &before, e))
		return false;
	*id = before.id;
	return true;
}

bool store_card_attach(struct db *w, int64_t id, int64_t post_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_ATTACH);
	db_touch(q, DB_NOUN_POST, post_id);
	db_put_int(q, post_id);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_card_detach(struct db *w, int64_t post_id, struct err *e)
{
	int64_t id;
	struct db_stmt *q = db_stmt(w, SQL_DETACH);
	db_touch(q, DB_NOUN_POST, post_id);
	db_put_int(q, post_id);
	if (!store_end_int(q, &id, e))
		return false;
	if (!id)
		return true;
	q = db_stmt(w, SQL_FORGET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	return db_end(q, e);
}

/* --- fetching --- */

bool store_card_due(struct db *db, int64_t now_ms, bool *due, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_DUE);
	db_put_int(q, now_ms);
	*due = db_row(q);
	return db_end(q, e);
}

bool store_card_claim(struct db *w, struct arena *arena, int64_t now_ms, int64_t lease_until,
		      struct store_card *out, bool *claimed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, DB_SQL(w, SQL_CLAIM_SQLITE, SQL_CLAIM_POSTGRES));
	*out = (struct store_card){0};
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, now_ms);
	db_put_int(q, lease_until);
	*claimed = db_row(q);
	if (*claimed) {
		out->id = db_get_int(q);
		out->url = db_get_text(q, arena);
		out->attempts = (int)db_get_int(q);
	}
	return db_end(q, e);
}

/* Every post that has it shows something else now. Without a word of db_touch all that is kept is read again, which
 * is right for what has too many posts to name. */
static void touch_posts(struct db_stmt *q, const int64_t *posts, size_t count)
{
	if (count == 0)
		db_touch(q, DB_NOUN_NONE, 0);
	for (size_t i = 0; i < count && count < STORE_CARD_POSTS_MAX; i++)
		db_touch(q, DB_NOUN_POST, posts[i]);
}

bool store_card_keep(struct db *w, const struct store_card *card, int64_t now_ms, struct err *e)
{
	int64_t posts[STORE_CARD_POSTS_MAX];
	size_t count;
	if (!card->title || !card->title[0])
		return run_2(w, SQL_NOTHING, card->id, now_ms, e);
	if (!store_card_posts(w, card->id, posts, &count, e))
		return false;
	struct db_stmt *q = db_stmt(w, SQL_KEEP);
	touch_posts(q, posts, count);
	db_put_int(q, card->id);
	db_put_text(q, card->title);
	db_put_text(q, card->description);
	db_put_text(q, card->author_name);
	db_put_text(q, card->author_url);
	db_put_text(q, card->provider_name);
	db_put_text(q, card->language);
	db_put_ref(q, card->published_at);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_card_postpone(struct db *w, int64_t id, int64_t due_at, struct err *e)
{
	return run_2(w, SQL_POSTPONE, id, due_at, e);
}

/* --- reading --- */

bool store_card_get_many(struct db *db, struct arena *arena, const int64_t *ids, size_t count,
			 struct store_card *out, size_t *found, struct err *e)
{
	*found = 0;
	if (count == 0)
		return true;
	struct db_stmt *q = db_stmt(db, SQL_GET_MANY);
	db_put_ids(q, ids, count);
	while (db_row(q)) {
		out[*found] = (struct store_card){0};
		take(q, arena, &out[(*found)++]);
	}
	return db_end(q, e);
}

bool store_card_of_posts(struct db *db, struct arena *arena, const int64_t *ids, size_t count,
			 struct store_post_card *out, size_t *found, struct err *e)
{
	*found = 0;
	for (size_t done = 0; done < count; done += DB_IDS_MAX) {
		struct db_stmt *q = db_stmt(db, SQL_OF_POSTS);
		db_put_ids(q, ids + done, count - done < DB_IDS_MAX ? count - done : DB_IDS_MAX);
		while (db_row(q)) {
			out[*found] = (struct store_post_card){.post_id = db_get_int(q)};
			take(q, arena, &out[(*found)++].card);
		}
		if (!db_end(q, e))
			return false;
	}
	return true;
}

bool store_card_posts(struct db *db, int64_t id, int64_t *ids, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_POSTS);
	db_put_int(q, id);
	db_put_int(q, STORE_CARD_POSTS_MAX);
	return db_end_ids(q, ids, STORE_CARD_POSTS_MAX, found, e);
}

bool store_publisher_get(struct db *db, struct arena *arena, int64_t id,
			 struct store_publisher *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_PUBLISHER_GET);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found) {
		out->id = db_get_int(q);
		out->domain = db_get_text(q, arena);
	}
	return store_end_found(q, found, e);
}
