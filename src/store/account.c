/* All SQL on accounts. No state; any thread, with its own handle. */
#include "store/account.h"

#include "base/buf.h"
#include "base/str.h"
#include "store/end.h"

#include <string.h>

static const char SQL_INSERT[] =
    "INSERT INTO accounts (id, username, domain, username_key, uri, url, display_name, note, fields, "
    "avatar_hash, avatar_type, header_hash, header_type, avatar_remote_url, header_remote_url, bot, locked, "
    "discoverable, role, state, created_at, updated_at, public_key, private_key, inbox_uri, "
    "shared_inbox_uri, outbox_uri, followers_uri) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, "
    "$13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)";
static const char SQL_UPDATE[] =
    "UPDATE accounts SET url = $2, display_name = $3, note = $4, fields = $5, avatar_hash = $6, "
    "avatar_type = $7, header_hash = $8, header_type = $9, avatar_remote_url = $10, header_remote_url = $11, "
    "bot = $12, locked = $13, discoverable = $14, updated_at = $15, indexable = $16, hide_collections = $17, "
    "avatar_description = $18, header_description = $19 WHERE id = $1";
#define SELECT "SELECT " STORE_ACCOUNT_COLUMNS " FROM accounts a WHERE "
static const char SQL_GET[] = SELECT "a.id = $1";
static const char SQL_FIND[] = SELECT "a.username_key = $1 AND a.domain = $2";
static const char SQL_GET_MANY[] = SELECT "a.id IN " DB_IDS;
static const char SQL_SET_ROLE[] = "UPDATE accounts SET role = $2 WHERE id = $1";
static const char SQL_SET_STATE[] = "UPDATE accounts SET state = $2 WHERE id = $1";
static const char SQL_SET_LIMITS[] =
    "UPDATE accounts SET limited = $2, sensitized = $3, disabled = $4 WHERE id = $1";
static const char SQL_ADD_FOLLOWERS[] =
    "UPDATE accounts SET followers_count = followers_count + $2 WHERE id = $1";
static const char SQL_ADD_FOLLOWING[] =
    "UPDATE accounts SET following_count = following_count + $2 WHERE id = $1";
static const char SQL_ADD_POSTS[] = "UPDATE accounts SET posts_count = posts_count + $2, "
				    "last_post_at = COALESCE($3, last_post_at) WHERE id = $1";
/* Of names that begin so the first thousand, and those of the thousand most followed whose names do: of a letter that
 * a hundred thousand begin with, no more is read. */
#define NAMED(x)                                                 \
	x ".username_key >= $1 AND " x ".username_key < $2 AND " \
	  "(CAST($3 AS TEXT) IS NULL OR " x ".domain = $3)"
static const char SQL_SEARCH[] =
    "SELECT a.id, " STORE_ACCOUNT_COLUMNS
    " FROM accounts a WHERE a.id IN (SELECT named.id FROM (SELECT x.id FROM "
    "accounts x WHERE " NAMED(
	"x") " AND x.state = 0 ORDER BY x.username_key, x.domain LIMIT 1000) AS named UNION "
	     "SELECT y.id FROM (SELECT z.id, z.username_key, z.domain FROM accounts z WHERE z.discoverable AND z.state = 0 "
	     "ORDER BY z.followers_count DESC LIMIT 1000) AS y WHERE " NAMED(
		 "y") ") AND a.state = 0 "
		      "ORDER BY a.followers_count DESC, a.id LIMIT $4 OFFSET $5";
#define LIST_LOCAL                                                   \
	"SELECT a.id, " STORE_ACCOUNT_COLUMNS                        \
	" FROM accounts a WHERE a.domain = '' AND a.state = $1 AND " \
	"(CAST($2 AS TEXT) IS NULL OR a.username_key LIKE $2)"
static const char SQL_LIST_LOCAL[] = STORE_PAGE_DOWN(LIST_LOCAL, "a.id", "$3", "$4", "$5");
static const char SQL_LIST_LOCAL_UP[] = STORE_PAGE_UP(LIST_LOCAL, "a.id", "$3", "$4", "$5");
static const char SQL_STAFF[] =
    "SELECT id FROM accounts WHERE domain = '' AND state = 0 AND role > 0 ORDER BY id LIMIT $1";
static const char SQL_COUNT_LOCAL[] =
    "SELECT COUNT(*) FROM accounts WHERE domain = '' AND state = 0";

static const char *fold(struct arena *arena, const char *name)
{
	char *key = arena_strdup(arena, name);
	for (char *c = key; *c; c++)
		*c = str_lower(*c);
	return key;
}

void store_account_take(struct db_stmt *q, struct arena *arena, struct store_account *account)
{
	account->id = db_get_int(q);
	account->username = db_get_text(q, arena);
	account->domain = db_get_text(q, arena);
	account->uri = db_get_text(q, arena);
	account->url = db_get_text(q, arena);
	account->display_name = db_get_text(q, arena);
	account->note = db_get_text(q, arena);
	account->fields = db_get_text(q, arena);
	account->avatar_hash = db_get_text(q, arena);
	account->avatar_type = db_get_text(q, arena);
	account->header_hash = db_get_text(q, arena);
	account->header_type = db_get_text(q, arena);
	account->avatar_remote_url = db_get_text(q, arena);
	account->header_remote_url = db_get_text(q, arena);
	account->bot = db_get_bool(q);
	account->locked = db_get_bool(q);
	account->discoverable = db_get_bool(q);
	account->role = (enum store_role)db_get_int(q);
	account->state = (enum store_account_state)db_get_int(q);
	account->followers_count = db_get_int(q);
	account->following_count = db_get_int(q);
	account->posts_count = db_get_int(q);
	account->last_post_at = db_get_int(q);
	account->created_at = db_get_int(q);
	account->updated_at = db_get_int(q);
	account->limited = db_get_bool(q);
	account->sensitized = db_get_bool(q);
	account->disabled = db_get_bool(q);
	account->indexable = db_get_bool(q);
	account->hide_collections = db_get_bool(q);
	account->avatar_description = db_get_text(q, arena);
	account->header_description = db_get_text(q, arena);
}

bool store_accounts_read(struct db_stmt *q, struct arena *arena, const struct store_page *page,
			 struct store_accounts *out, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	int64_t keys[STORE_PAGE_MAX];
	*out = (struct store_accounts){.items = arena_alloc(arena, room * sizeof(*out->items))};
	while (out->count < room && db_row(q)) {
		keys[out->count] = db_get_int(q);
		store_account_take(q, arena, &out->items[out->count++]);
	}
	if (!db_end(q, e))
		return false;
	store_page_turn(page, out->items, out->count, sizeof(*out->items));
	store_page_turn(page, keys, out->count, sizeof(*keys));
	if (out->count > 0) {
		out->first = keys[0];
		out->last = keys[out->count - 1];
	}
	out->more = out->count == room;
	return true;
}

bool store_account_insert(struct db *w, const struct store_account *account,
			  const struct store_account_keys *keys, struct err *e)
{
	char key[256];
	if (strlen(account->username) >= sizeof(key))
		return err_set(e, ERR_TOO_LARGE, "username is too long");
	size_t length = strlen(account->username);
	for (size_t i = 0; i <= length; i++)
		key[i] = str_lower(account->username[i]);
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, account->id);
	db_put_text(q, account->username);
	db_put_text(q, account->domain);
	db_put_text(q, key);
	db_put_text(q, account->uri);
	db_put_text(q, account->url);
	db_put_text(q, account->display_name ? account->display_name : "");
	db_put_text(q, account->note ? account->note : "");
	db_put_text(q, account->fields ? account->fields : "");
	db_put_text(q, account->avatar_hash);
	db_put_text(q, account->avatar_type);
	db_put_text(q, account->header_hash);
	db_put_text(q, account->header_type);
	db_put_text(q, account->avatar_remote_url);
	db_put_text(q, account->header_remote_url);
	db_put_bool(q, account->bot);
	db_put_bool(q, account->locked);
	db_put_bool(q, account->discoverable);
	db_put_int(q, account->role);
	db_put_int(q, account->state);
	db_put_int(q, account->created_at);
	db_put_int(q, account->created_at);
	db_put_text(q, keys->public_key);
	db_put_text(q, keys->private_key);
	db_put_text(q, keys->inbox_uri);
	db_put_text(q, keys->shared_inbox_uri);
	db_put_text(q, keys->outbox_uri);
	db_put_text(q, keys->followers_uri);
	return db_end(q, e);
}

bool store_account_update(struct db *w, const struct store_account *account, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UPDATE);
	db_put_int(q, account->id);
	db_put_text(q, account->url);
	db_put_text(q, account->display_name);
	db_put_text(q, account->note);
	db_put_text(q, account->fields);
	db_put_text(q, account->avatar_hash);
	db_put_text(q, account->avatar_type);
	db_put_text(q, account->header_hash);
	db_put_text(q, account->header_type);
	db_put_text(q, account->avatar_remote_url);
	db_put_text(q, account->header_remote_url);
	db_put_bool(q, account->bot);
	db_put_bool(q, account->locked);
	db_put_bool(q, account->discoverable);
	db_put_int(q, account->updated_at);
	db_put_bool(q, account->indexable);
	db_put_bool(q, account->hide_collections);
	db_put_text(q, account->avatar_description ? account->avatar_description : "");
	db_put_text(q, account->header_description ? account->header_description : "");
	return db_end(q, e);
}

/* Ends q, which holds at most one account. */
static bool read_one(struct db_stmt *q, struct arena *arena, struct store_account *out,
		     struct err *e)
{
	bool found = db_row(q);
	if (found)
		store_account_take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_account_get(struct db *db, struct arena *arena, int64_t id, struct store_account *out,
		       struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	return read_one(q, arena, out, e);
}

bool store_account_find(struct db *db, struct arena *arena, const char *username,
			const char *domain, struct store_account *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_FIND);
	db_put_text(q, fold(arena, username));
	db_put_text(q, fold(arena, domain));
	return read_one(q, arena, out, e);
}

bool store_account_get_many(struct db *db, struct arena *arena, const int64_t *ids, size_t count,
			    struct store_account *out, size_t *found, struct err *e)
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
			store_account_take(q, arena, &out[(*found)++]);
		if (!db_end(q, e))
			return false;
	}
	return true;
}

static bool set_int(struct db *w, const char *sql, int64_t id, int64_t value, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, id);
	db_put_int(q, value);
	return db_end(q, e);
}

bool store_account_set_role(struct db *w, int64_t id, enum store_role role, struct err *e)
{
	return set_int(w, SQL_SET_ROLE, id, role, e);
}

bool store_account_set_state(struct db *w, int64_t id, enum store_account_state state,
			     struct err *e)
{
	return set_int(w, SQL_SET_STATE, id, state, e);
}

bool store_account_set_limits(struct db *w, const struct store_account *account, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET_LIMITS);
	db_put_int(q, account->id);
	db_put_bool(q, account->limited);
	db_put_bool(q, account->sensitized);
	db_put_bool(q, account->disabled);
	return db_end(q, e);
}

bool store_account_add_followers(struct db *w, int64_t id, int64_t delta, struct err *e)
{
	return set_int(w, SQL_ADD_FOLLOWERS, id, delta, e);
}

bool store_account_add_following(struct db *w, int64_t id, int64_t delta, struct err *e)
{
	return set_int(w, SQL_ADD_FOLLOWING, id, delta, e);
}

bool store_account_add_posts(struct db *w, int64_t id, int64_t delta, int64_t last_post_at,
			     struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_ADD_POSTS);
	db_touch(q, DB_NOUN_ACCOUNT, id);
	db_put_int(q, id);
	db_put_int(q, delta);
	db_put_ref(q, last_post_at);
	return db_end_later(q, e);
}

bool store_account_search(struct db *db, struct arena *arena, const char *prefix,
			  const char *domain, int limit, int offset, struct store_accounts *out,
			  struct err *e)
{
	struct store_page page = {.limit = limit};
	struct db_stmt *q = db_stmt(db, SQL_SEARCH);
	const char *low = fold(arena, prefix);
	db_put_text(q, low);
	db_put_text(
	    q, arena_printf(arena, "%s\xf4\x8f\xbf\xbf", low)); /* the last character there is */
	db_put_text(q, domain);
	db_put_int(q, store_page_limit(&page));
	db_put_int(q, offset > 0 ? offset : 0);
	return store_accounts_read(q, arena, &page, out, e);
}

bool store_account_list_local(struct db *db, struct arena *arena, enum store_account_state state,
			      const char *text, const struct store_page *page,
			      struct store_accounts *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_LOCAL_UP : SQL_LIST_LOCAL);
	db_put_int(q, state);
	db_put_text(q, text ? arena_printf(arena, "%%%s%%", fold(arena, text)) : NULL);
	store_page_put(q, page);
	return store_accounts_read(q, arena, page, out, e);
}

bool store_account_staff(struct db *db, int64_t *ids, size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_STAFF);
	db_put_int(q, (int64_t)room);
	return db_end_ids(q, ids, room, found, e);
}

bool store_account_count_local(struct db *db, int64_t *count, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_COUNT_LOCAL);
	if (db_row(q))
		*count = db_get_int(q);
	return db_end(q, e);
}
