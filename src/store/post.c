/* All SQL on posts, their mentions, idempotency keys and tombstones. No state; any thread, with its own
 * handle. The WHERE clauses of the public lists repeat those of the partial indexes word for word: that is
 * how both databases find the index. */
#include "store/post.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO posts (id, account_id, uri, url, local, visibility, text, content, spoiler_text, sensitive, "
    "language, in_reply_to_id, in_reply_to_account_id, thread_id, boost_of_id, quote_of_id, remix_of_id, "
    "remixable, prompt_visibility, made, style, media_count, mention_count, tags, app_id, created_at, "
    "quote_policy, quote_state, poll) VALUES "
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, "
    "$23, $24, $25, $26, $27, $28, $29)";
#define SELECT "SELECT " STORE_POST_COLUMNS " FROM posts p WHERE "
static const char SQL_GET[] = SELECT "p.id = $1";
static const char SQL_BY_URI[] = SELECT "p.uri = $1";
static const char SQL_GET_MANY[] = SELECT "p.id IN " DB_IDS;
static const char SQL_DELETE[] = "DELETE FROM posts WHERE id = $1";
static const char SQL_TOMBSTONE_INSERT[] = "INSERT INTO post_tombstones (uri, post_id, deleted_at) "
					   "VALUES ($1, $2, $3) ON CONFLICT (uri) DO NOTHING";
static const char SQL_BOOST_FIND[] =
    "SELECT id FROM posts WHERE boost_of_id = $1 AND account_id = $2 AND boost_of_id IS NOT NULL";
static const char SQL_SET_SENSITIVE[] = "UPDATE posts SET sensitive = TRUE WHERE id = $1";
static const char SQL_OF_ERASED[] =
    "SELECT p.id FROM posts p WHERE p.account_id = (SELECT id FROM accounts WHERE state = 3 AND domain = '' AND "
    "posts_count > 0 ORDER BY id LIMIT 1) ORDER BY p.id LIMIT $1";
static const char SQL_ADD_REPLIES[] =
    "UPDATE posts SET replies_count = replies_count + $2 WHERE id = $1";
static const char SQL_ADD_BOOSTS[] =
    "UPDATE posts SET boosts_count = boosts_count + $2 WHERE id = $1";
static const char SQL_ADD_FAVOURITES[] =
    "UPDATE posts SET favourites_count = favourites_count + $2 WHERE id = $1";
static const char SQL_ADD_REMIXES[] =
    "UPDATE posts SET remixes_count = remixes_count + $2 WHERE id = $1";
static const char SQL_ADD_QUOTES[] =
    "UPDATE posts SET quotes_count = quotes_count + $2 WHERE id = $1";
static const char SQL_FLAGS[] =
    "SELECT post_id, 1 FROM favourites WHERE account_id = $41 AND post_id IN " DB_IDS
    " UNION ALL SELECT post_id, 2 FROM bookmarks WHERE account_id = $41 AND post_id IN " DB_IDS
    " UNION ALL SELECT boost_of_id, 4 FROM posts WHERE account_id = $41 AND boost_of_id IS NOT NULL AND "
    "boost_of_id IN " DB_IDS;

#define LIST "SELECT p.id, " STORE_POST_COLUMNS " FROM posts p WHERE "
#define BOTH(name, text, low, high, limit)                                          \
	static const char name[] = STORE_PAGE_DOWN(text, "p.id", low, high, limit); \
	static const char name##_UP[] = STORE_PAGE_UP(text, "p.id", low, high, limit)

#define PUBLIC       "p.visibility = 0 AND p.boost_of_id IS NULL AND p.in_reply_to_id IS NULL"
#define PUBLIC_MEDIA "p.visibility = 0 AND p.boost_of_id IS NULL AND p.media_count > 0"
BOTH(SQL_PUBLIC, LIST PUBLIC, "$1", "$2", "$3");
BOTH(SQL_PUBLIC_LOCAL, LIST PUBLIC " AND p.local", "$1", "$2", "$3");
BOTH(SQL_PUBLIC_MEDIA, LIST PUBLIC_MEDIA, "$1", "$2", "$3");
BOTH(SQL_PUBLIC_MEDIA_LOCAL, LIST PUBLIC_MEDIA " AND p.local", "$1", "$2", "$3");
BOTH(SQL_MADE, LIST "p.visibility = 0 AND p.made", "$1", "$2", "$3");
BOTH(SQL_MADE_STYLE, LIST "p.visibility = 0 AND p.made AND p.style = $1", "$2", "$3", "$4");
/* The newest of one tag: the tag's own rows are in the order of their posts. */
#define TAGGED                                                                                         \
	"SELECT p.id, " STORE_POST_COLUMNS " FROM post_tags pt JOIN posts p ON p.id = pt.post_id "     \
	"WHERE pt.tag_id = (SELECT id FROM tags WHERE name = $1) AND p.visibility = 0 "                \
	"AND (NOT CAST($2 AS BOOLEAN) OR p.local) AND (NOT CAST($3 AS BOOLEAN) OR p.media_count > 0) " \
	"AND (NOT CAST($4 AS BOOLEAN) OR p.made)"
static const char SQL_TAGGED[] = STORE_PAGE_DOWN(TAGGED, "pt.post_id", "$5", "$6", "$7");
static const char SQL_TAGGED_UP[] = STORE_PAGE_UP(TAGGED, "pt.post_id", "$5", "$6", "$7");
#define BESIDE(n)                                                          \
	"(SELECT 1 FROM post_tags o JOIN tags t ON t.id = o.tag_id WHERE " \
	"o.post_id = p.id AND t.name = " n ")"
#define WITH(n)    " AND (CAST(" n " AS TEXT) IS NULL OR EXISTS " BESIDE(n) ")"
#define WITHOUT(n) " AND NOT EXISTS " BESIDE(n)
#define TAGGED_BESIDE                                                                   \
	TAGGED WITH("$5") WITH("$6") WITH("$7") WITH("$8") WITHOUT("$9") WITHOUT("$10") \
	    WITHOUT("$11") WITHOUT("$12")
static const char SQL_TAGGED_BESIDE[] =
    STORE_PAGE_DOWN(TAGGED_BESIDE, "pt.post_id", "$13", "$14", "$15");
static const char SQL_TAGGED_BESIDE_UP[] =
    STORE_PAGE_UP(TAGGED_BESIDE, "pt.post_id", "$13", "$14", "$15");
#define LINKED                                                   \
	"SELECT p.id, " STORE_POST_COLUMNS                       \
	" FROM post_cards pc JOIN posts p ON p.id = pc.post_id " \
	"WHERE pc.card_id = $1 AND p.visibility = 0"
static const char SQL_LINKED[] = STORE_PAGE_DOWN(LINKED, "pc.post_id", "$2", "$3", "$4");
static const char SQL_LINKED_UP[] = STORE_PAGE_UP(LINKED, "pc.post_id", "$2", "$3", "$4");
#define OF_ACCOUNT                                                                                        \
	LIST                                                                                              \
	    "p.account_id = $1 AND (p.visibility < 2 OR CAST($2 AS BOOLEAN) OR (p.visibility = 2 AND "    \
	    "CAST($3 AS BOOLEAN)) OR EXISTS (SELECT 1 FROM mentions m WHERE m.post_id = p.id AND "        \
	    "m.account_id = $4)) AND (NOT CAST($5 AS BOOLEAN) OR p.media_count > 0) AND "                 \
	    "(NOT CAST($6 AS BOOLEAN) OR p.in_reply_to_id IS NULL OR p.in_reply_to_account_id = $1) AND " \
	    "(NOT CAST($7 AS BOOLEAN) OR p.boost_of_id IS NULL)"
BOTH(SQL_OF_ACCOUNT, OF_ACCOUNT, "$8", "$9", "$10");
#define OF_ACCOUNT_TAGGED                                                                 \
	OF_ACCOUNT " AND EXISTS (SELECT 1 FROM post_tags pt WHERE pt.post_id = p.id AND " \
		   "pt.tag_id = (SELECT id FROM tags WHERE name = $8))"
BOTH(SQL_OF_ACCOUNT_TAGGED, OF_ACCOUNT_TAGGED, "$9", "$10", "$11");
static const char SQL_THREAD[] =
    "SELECT id, in_reply_to_id FROM posts WHERE thread_id = $1 AND id > $2 AND "
    "boost_of_id IS NULL ORDER BY id LIMIT $3";
static const char SQL_THREAD_UP[] =
    "SELECT id, in_reply_to_id FROM posts WHERE thread_id = $1 AND id < $2 AND "
    "boost_of_id IS NULL ORDER BY id DESC LIMIT $3";
#define BOOSTED_BY                                              \
	"SELECT p.id, " STORE_ACCOUNT_COLUMNS                   \
	" FROM posts p JOIN accounts a ON a.id = p.account_id " \
	"WHERE p.boost_of_id = $1 AND p.boost_of_id IS NOT NULL AND a.state = 0"
BOTH(SQL_BOOSTED_BY, BOOSTED_BY, "$2", "$3", "$4");
static const char SQL_COUNT_LOCAL[] =
    "SELECT COALESCE(SUM(posts_count), 0) FROM accounts WHERE domain = '' AND state = 0";

static const char SQL_IDEMPOTENCY_FIND[] =
    "SELECT result_id FROM idempotency_keys WHERE account_id = $1 AND kind = $2 AND key = $3";
static const char SQL_IDEMPOTENCY_INSERT[] =
    "INSERT INTO idempotency_keys (account_id, kind, key, result_id, created_at) VALUES ($1, $2, $3, $4, $5)";
static const char SQL_IDEMPOTENCY_EXPIRE[] = "DELETE FROM idempotency_keys WHERE created_at < $1";
static const char SQL_MENTION_INSERT[] =
    "INSERT INTO mentions (post_id, account_id) VALUES ($1, $2) "
    "ON CONFLICT (post_id, account_id) DO NOTHING";
static const char SQL_MENTION_HAS[] =
    "SELECT 1 FROM mentions WHERE post_id = $1 AND account_id = $2";
static const char SQL_MENTIONS[] =
    "SELECT post_id, account_id FROM mentions WHERE post_id IN " DB_IDS
    " ORDER BY post_id, account_id";

void store_post_take(struct db_stmt *q, struct arena *arena, struct store_post *post)
{
	post->id = db_get_int(q);
	post->account_id = db_get_int(q);
	post->uri = db_get_text(q, arena);
	post->url = db_get_text(q, arena);
	post->local = db_get_bool(q);
	post->visibility = (enum store_visibility)db_get_int(q);
	post->text = db_get_text(q, arena);
	post->content = db_get_text(q, arena);
	post->spoiler_text = db_get_text(q, arena);
	post->sensitive = db_get_bool(q);
	post->language = db_get_text(q, arena);
	post->in_reply_to_id = db_get_int(q);
	post->in_reply_to_account_id = db_get_int(q);
	post->thread_id = db_get_int(q);
	post->boost_of_id = db_get_int(q);
	post->quote_of_id = db_get_int(q);
	post->remix_of_id = db_get_int(q);
	post->remixable = db_get_bool(q);
	post->prompt_visibility = (enum store_prompt_visibility)db_get_int(q);
	post->made = db_get_bool(q);
	post->style = db_get_text(q, arena);
	post->media_count = (int)db_get_int(q);
	post->mention_count = (int)db_get_int(q);
	post->tags = db_get_text(q, arena);
	post->app_id = db_get_int(q);
	post->replies_count = db_get_int(q);
	post->boosts_count = db_get_int(q);
	post->favourites_count = db_get_int(q);
	post->remixes_count = db_get_int(q);
	post->created_at = db_get_int(q);
	post->edited_at = db_get_int(q);
	post->quote_policy = (enum store_quote_policy)db_get_int(q);
	post->quote_state = (enum store_quote_state)db_get_int(q);
	post->quotes_count = db_get_int(q);
	post->poll = db_get_bool(q);
}

bool store_posts_read(struct db_stmt *q, struct arena *arena, const struct store_page *page,
		      struct store_posts *out, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*out = (struct store_posts){
	    .items = ARENA_ARRAY(arena, struct store_post, room),
	    .keys = ARENA_ARRAY(arena, int64_t, room),
	};
	while (out->items && out->keys && out->count < room && db_row(q)) {
		out->keys[out->count] = db_get_int(q);
		store_post_take(q, arena, &out->items[out->count++]);
	}
	if (!db_end(q, e))
		return false;
	if (!out->items || !out->keys)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	out->more = out->count == room;
	store_page_turn(page, out->items, out->count, sizeof(*out->items));
	store_page_turn(page, out->keys, out->count, sizeof(*out->keys));
	return true;
}

bool store_post_insert(struct db *w, const struct store_post *post, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, post->id);
	db_put_int(q, post->account_id);
	db_put_text(q, post->uri);
	db_put_text(q, post->url);
	db_put_bool(q, post->local);
	db_put_int(q, post->visibility);
	db_put_text(q, post->text ? post->text : "");
	db_put_text(q, post->content ? post->content : "");
	db_put_text(q, post->spoiler_text ? post->spoiler_text : "");
	db_put_bool(q, post->sensitive);
	db_put_text(q, post->language);
	db_put_ref(q, post->in_reply_to_id);
	db_put_ref(q, post->in_reply_to_account_id);
	db_put_int(q, post->thread_id ? post->thread_id : post->id);
	db_put_ref(q, post->boost_of_id);
	db_put_ref(q, post->quote_of_id);
	db_put_ref(q, post->remix_of_id);
	db_put_bool(q, post->remixable);
	db_put_int(q, post->prompt_visibility);
	db_put_bool(q, post->made);
	db_put_text(q, post->style);
	db_put_int(q, post->media_count);
	db_put_int(q, post->mention_count);
	db_put_text(q, post->tags ? post->tags : "");
	db_put_ref(q, post->app_id);
	db_put_int(q, post->created_at);
	db_put_int(q, post->quote_policy);
	db_put_int(q, post->quote_state);
	db_put_bool(q, post->poll);
	db_touch(q, DB_NOUN_POST, post->id);
	if (post->boost_of_id)
		db_touch(q, DB_NOUN_VIEWER, post->account_id);
	if (post->visibility == STORE_VISIBILITY_PUBLIC)
		db_touch(q, DB_NOUN_PUBLIC, 0);
	return db_end_later(q, e);
}

static bool read_one(struct db_stmt *q, struct arena *arena, struct store_post *out, struct err *e)
{
	bool found = db_row(q);
	if (found)
		store_post_take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_post_get(struct db *db, struct arena *arena, int64_t id, struct store_post *out,
		    struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	return read_one(q, arena, out, e);
}

bool store_post_by_uri(struct db *db, struct arena *arena, const char *uri, struct store_post *out,
		       struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_BY_URI);
	db_put_text(q, uri);
	return read_one(q, arena, out, e);
}

bool store_post_get_many(struct db *db, struct arena *arena, const int64_t *ids, size_t count,
			 struct store_post *out, size_t *found, struct err *e)
{
	*found = 0;
	for (size_t done = 0; done < count; done += DB_IDS_MAX) {
		size_t piece = count - done < DB_IDS_MAX ? count - done : DB_IDS_MAX;
		struct db_stmt *q = db_stmt(db, piece == 1 ? SQL_GET : SQL_GET_MANY);
		if (piece == 1)
			db_put_int(q, ids[done]);
		else
			db_put_ids(q, ids + done, piece);
		while (*found < count && db_row(q))
			store_post_take(q, arena, &out[(*found)++]);
		if (!db_end(q, e))
			return false;
	}
	return true;
}

bool store_post_delete(struct db *w, const struct store_post *post, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_put_int(q, post->id);
	if (!db_end(q, e))
		return false;
	q = db_stmt(w, SQL_TOMBSTONE_INSERT);
	db_put_text(q, post->uri);
	db_put_int(q, post->id);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_post_set_sensitive(struct db *w, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET_SENSITIVE);
	db_touch(q, DB_NOUN_POST, id);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_post_of_erased(struct db *db, int64_t *ids, size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_OF_ERASED);
	db_put_int(q, (int64_t)room);
	return db_end_ids(q, ids, room, found, e);
}

bool store_post_boost_find(struct db *db, int64_t account_id, int64_t boost_of_id, int64_t *post_id,
			   struct err *e)
{
	*post_id = 0;
	struct db_stmt *q = db_stmt(db, SQL_BOOST_FIND);
	db_put_int(q, boost_of_id);
	db_put_int(q, account_id);
	if (db_row(q))
		*post_id = db_get_int(q);
	return db_end(q, e);
}

static bool add(struct db *w, const char *sql, int64_t id, int64_t delta, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, id);
	db_put_int(q, delta);
	db_touch(q, DB_NOUN_POST, id);
	return db_end_later(q, e);
}

bool store_post_add_replies(struct db *w, int64_t id, int64_t delta, struct err *e)
{
	return add(w, SQL_ADD_REPLIES, id, delta, e);
}

bool store_post_add_boosts(struct db *w, int64_t id, int64_t delta, struct err *e)
{
	return add(w, SQL_ADD_BOOSTS, id, delta, e);
}

bool store_post_add_favourites(struct db *w, int64_t id, int64_t delta, struct err *e)
{
	return add(w, SQL_ADD_FAVOURITES, id, delta, e);
}

bool store_post_add_remixes(struct db *w, int64_t id, int64_t delta, struct err *e)
{
	return add(w, SQL_ADD_REMIXES, id, delta, e);
}

bool store_post_add_quotes(struct db *w, int64_t id, int64_t delta, struct err *e)
{
	return add(w, SQL_ADD_QUOTES, id, delta, e);
}

bool store_post_flags(struct db *db, int64_t account_id, const int64_t *ids, size_t count,
		      unsigned *flags, struct err *e)
{
	for (size_t i = 0; i < count; i++)
		flags[i] = 0;
	for (size_t done = 0; done < count; done += DB_IDS_MAX) {
		struct db_stmt *q = db_stmt(db, SQL_FLAGS);
		db_put_ids(q, ids + done, count - done < DB_IDS_MAX ? count - done : DB_IDS_MAX);
		db_put_int(q, account_id);
		while (db_row(q)) {
			int64_t id = db_get_int(q);
			unsigned flag = (unsigned)db_get_int(q);
			for (size_t i = 0; i < count; i++)
				flags[i] |= ids[i] == id ? flag : 0;
		}
		if (!db_end(q, e))
			return false;
	}
	return true;
}

static bool list(struct db *db, const char *down, const char *up, struct arena *arena,
		 const struct store_page *page, struct store_posts *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? up : down);
	store_page_put(q, page);
	return store_posts_read(q, arena, page, out, e);
}

bool store_post_public(struct db *db, struct arena *arena, const struct store_post_filter *filter,
		       const struct store_page *page, struct store_posts *out, struct err *e)
{
	if (filter->only_media && filter->only_local)
		return list(db, SQL_PUBLIC_MEDIA_LOCAL, SQL_PUBLIC_MEDIA_LOCAL_UP, arena, page, out,
			    e);
	if (filter->only_media)
		return list(db, SQL_PUBLIC_MEDIA, SQL_PUBLIC_MEDIA_UP, arena, page, out, e);
	if (filter->only_local)
		return list(db, SQL_PUBLIC_LOCAL, SQL_PUBLIC_LOCAL_UP, arena, page, out, e);
	return list(db, SQL_PUBLIC, SQL_PUBLIC_UP, arena, page, out, e);
}

bool store_post_made(struct db *db, struct arena *arena, const struct store_post_filter *filter,
		     const struct store_page *page, struct store_posts *out, struct err *e)
{
	if (!filter->style)
		return list(db, SQL_MADE, SQL_MADE_UP, arena, page, out, e);
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_MADE_STYLE_UP : SQL_MADE_STYLE);
	db_put_text(q, filter->style);
	store_page_put(q, page);
	return store_posts_read(q, arena, page, out, e);
}

bool store_post_of_tag(struct db *db, struct arena *arena, const struct store_post_filter *filter,
		       const struct store_page *page, struct store_posts *out, struct err *e)
{
	const bool up = store_page_up(page),
		   beside = filter->with_tags[0] || filter->without_tags[0];
	struct db_stmt *q = db_stmt(db, beside ? up ? SQL_TAGGED_BESIDE_UP : SQL_TAGGED_BESIDE
					: up   ? SQL_TAGGED_UP
					       : SQL_TAGGED);
	db_put_text(q, filter->tag);
	db_put_bool(q, filter->only_local);
	db_put_bool(q, filter->only_media);
	db_put_bool(q, filter->only_made);
	for (int i = 0; beside && i < 2 * STORE_TAGS_BESIDE_MAX; i++)
		db_put_text(q, i < STORE_TAGS_BESIDE_MAX
				   ? filter->with_tags[i]
				   : filter->without_tags[i - STORE_TAGS_BESIDE_MAX]);
	store_page_put(q, page);
	return store_posts_read(q, arena, page, out, e);
}

bool store_post_of_card(struct db *db, struct arena *arena, int64_t card_id,
			const struct store_page *page, struct store_posts *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LINKED_UP : SQL_LINKED);
	db_put_int(q, card_id);
	store_page_put(q, page);
	return store_posts_read(q, arena, page, out, e);
}

bool store_post_of_account(struct db *db, struct arena *arena,
			   const struct store_post_filter *filter, const struct store_page *page,
			   struct store_posts *out, struct err *e)
{
	const bool up = store_page_up(page), tagged = filter->tag && filter->tag[0];
	const char *plain = up ? SQL_OF_ACCOUNT_UP : SQL_OF_ACCOUNT;
	struct db_stmt *q = db_stmt(db, !tagged ? plain
					: up    ? SQL_OF_ACCOUNT_TAGGED_UP
						: SQL_OF_ACCOUNT_TAGGED);
	db_put_int(q, filter->account_id);
	db_put_bool(q, filter->viewer_id == filter->account_id);
	db_put_bool(q, filter->viewer_follows);
	db_put_int(q, filter->viewer_id);
	db_put_bool(q, filter->only_media);
	db_put_bool(q, filter->exclude_replies);
	db_put_bool(q, filter->exclude_boosts);
	if (tagged)
		db_put_text(q, filter->tag);
	store_page_put(q, page);
	return store_posts_read(q, arena, page, out, e);
}

static bool read_thread(struct db *db, const char *sql, int64_t thread_id, int64_t edge_id,
			struct store_thread_node *out, size_t room, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, sql);
	db_put_int(q, thread_id);
	db_put_int(q, edge_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q)) {
		out[*found].id = db_get_int(q);
		out[(*found)++].in_reply_to_id = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_post_thread(struct db *db, int64_t thread_id, int64_t after_id,
		       struct store_thread_node *out, size_t room, size_t *found, struct err *e)
{
	return read_thread(db, SQL_THREAD, thread_id, after_id, out, room, found, e);
}

bool store_post_thread_up(struct db *db, int64_t thread_id, int64_t before_id,
			  struct store_thread_node *out, size_t room, size_t *found, struct err *e)
{
	return read_thread(db, SQL_THREAD_UP, thread_id, before_id, out, room, found, e);
}

bool store_post_boosted_by(struct db *db, struct arena *arena, int64_t post_id,
			   const struct store_page *page, struct store_accounts *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_BOOSTED_BY_UP : SQL_BOOSTED_BY);
	db_put_int(q, post_id);
	store_page_put(q, page);
	return store_accounts_read(q, arena, page, out, e);
}

bool store_post_count_local(struct db *db, int64_t *count, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_COUNT_LOCAL);
	if (db_row(q))
		*count = db_get_int(q);
	return db_end(q, e);
}

bool store_idempotency_find(struct db *db, int64_t account_id, int kind, const char *key,
			    int64_t *result_id, struct err *e)
{
	*result_id = 0;
	struct db_stmt *q = db_stmt(db, SQL_IDEMPOTENCY_FIND);
	db_put_int(q, account_id);
	db_put_int(q, kind);
	db_put_text(q, key);
	if (db_row(q))
		*result_id = db_get_int(q);
	return db_end(q, e);
}

bool store_idempotency_insert(struct db *w, int64_t account_id, int kind, const char *key,
			      int64_t result_id, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_IDEMPOTENCY_INSERT);
	db_put_int(q, account_id);
	db_put_int(q, kind);
	db_put_text(q, key);
	db_put_int(q, result_id);
	db_put_int(q, now_ms);
	db_touch(q, DB_NOUN_NONE, 0);
	return db_end(q, e);
}

bool store_idempotency_expire(struct db *w, int64_t before_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_IDEMPOTENCY_EXPIRE);
	db_put_int(q, before_ms);
	db_touch(q, DB_NOUN_NONE, 0);
	return db_end(q, e);
}

bool store_mention_insert(struct db *w, int64_t post_id, int64_t account_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_MENTION_INSERT);
	db_put_int(q, post_id);
	db_put_int(q, account_id);
	db_touch(q, DB_NOUN_POST, post_id);
	return db_end_later(q, e);
}

bool store_mention_has(struct db *db, int64_t post_id, int64_t account_id, bool *has, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_MENTION_HAS);
	db_put_int(q, post_id);
	db_put_int(q, account_id);
	*has = db_row(q);
	return db_end(q, e);
}

enum { MENTIONS_MAX = 20000 };

bool store_mention_of_posts(struct db *db, struct arena *arena, const int64_t *post_ids,
			    size_t count, struct store_mention **items, size_t *found,
			    struct err *e)
{
	size_t room = 0;
	*items = NULL;
	*found = 0;
	for (size_t done = 0; done < count; done += DB_IDS_MAX) {
		struct db_stmt *q = db_stmt(db, SQL_MENTIONS);
		db_put_ids(q, post_ids + done,
			   count - done < DB_IDS_MAX ? count - done : DB_IDS_MAX);
		while (*found < MENTIONS_MAX && db_row(q)) {
			if (*found == room) {
				struct store_mention *old = *items;
				room = room ? 2 * room : 16;
				*items = arena_alloc(arena, room * sizeof(**items));
				for (size_t i = 0; i < *found; i++)
					(*items)[i] = old[i];
			}
			(*items)[*found].post_id = db_get_int(q);
			(*items)[(*found)++].account_id = db_get_int(q);
		}
		if (!db_end(q, e))
			return false;
	}
	return true;
}
