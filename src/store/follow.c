/* All SQL on follows, follow requests, blocks and mutes. No state; any thread, with its own handle. */
#include "store/follow.h"

#include "base/str.h"
#include "store/end.h"

#include <string.h>

static const char SQL_INSERT[] =
    "INSERT INTO follows (account_id, target_id, id, local, reblogs, notify, uri, created_at) VALUES "
    "($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (account_id, target_id) DO NOTHING";
static const char SQL_UPDATE[] =
    "UPDATE follows SET reblogs = $3, notify = $4 WHERE account_id = $1 AND target_id = $2";
static const char SQL_DELETE[] = "DELETE FROM follows WHERE account_id = $1 AND target_id = $2";
#define PEOPLE(table, self, other)                           \
	"SELECT f.id, " STORE_ACCOUNT_COLUMNS " FROM " table \
	" f JOIN accounts a ON a.id = f." other " WHERE f." self " = $1 AND a.state = 0"
#define BOTH(name, text, low, high, limit)                                          \
	static const char name[] = STORE_PAGE_DOWN(text, "f.id", low, high, limit); \
	static const char name##_UP[] = STORE_PAGE_UP(text, "f.id", low, high, limit)
BOTH(SQL_FOLLOWERS, PEOPLE("follows", "target_id", "account_id"), "$2", "$3", "$4");
BOTH(SQL_FOLLOWING, PEOPLE("follows", "account_id", "target_id"), "$2", "$3", "$4");
BOTH(SQL_REQUESTS, PEOPLE("follow_requests", "target_id", "account_id"), "$2", "$3", "$4");
BOTH(SQL_BLOCKS, PEOPLE("blocks", "account_id", "target_id"), "$2", "$3", "$4");
BOTH(SQL_MUTES,
     PEOPLE("mutes", "account_id", "target_id") " AND (f.expires_at IS NULL OR f.expires_at > $2)",
     "$3", "$4", "$5");
static const char SQL_NOTIFIED[] =
    "SELECT account_id FROM follows WHERE target_id = $1 AND local AND notify AND account_id > $2 "
    "ORDER BY account_id LIMIT $3";
static const char SQL_REQUEST_INSERT[] =
    "INSERT INTO follow_requests (account_id, target_id, id, reblogs, notify, uri, created_at) VALUES "
    "($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account_id, target_id) DO NOTHING";
static const char SQL_REQUEST_DELETE[] =
    "DELETE FROM follow_requests WHERE account_id = $1 AND target_id = $2 "
    "RETURNING id, reblogs, notify, languages";
static const char SQL_SET_LANGUAGES[] =
    "UPDATE follows SET languages = $3 WHERE account_id = $1 AND target_id = $2";
static const char SQL_REQUEST_SET_LANGUAGES[] =
    "UPDATE follow_requests SET languages = $3 WHERE account_id = $1 AND target_id = $2";
static const char SQL_LANGUAGES[] =
    "SELECT languages FROM follows WHERE account_id = $1 AND target_id = $2 UNION ALL "
    "SELECT languages FROM follow_requests WHERE account_id = $1 AND target_id = $2";
static const char SQL_BLOCK_INSERT[] =
    "INSERT INTO blocks (account_id, target_id, id, created_at) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (account_id, target_id) DO NOTHING";
static const char SQL_BLOCK_DELETE[] =
    "DELETE FROM blocks WHERE account_id = $1 AND target_id = $2";
static const char SQL_MUTE_SET[] =
    "INSERT INTO mutes (account_id, target_id, id, notifications, expires_at, created_at) VALUES "
    "($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, target_id) DO UPDATE SET "
    "notifications = excluded.notifications, expires_at = excluded.expires_at";
static const char SQL_MUTE_DELETE[] = "DELETE FROM mutes WHERE account_id = $1 AND target_id = $2";
#define FROM_US(kind, columns, table)                         \
	"SELECT target_id, " kind ", " columns " FROM " table \
	" WHERE account_id = $41 AND target_id IN " DB_IDS
#define TO_US(kind, table)                                       \
	"SELECT account_id, " kind ", TRUE, TRUE, 0 FROM " table \
	" WHERE target_id = $41 AND account_id IN " DB_IDS
static const char SQL_RELATION[] =
    FROM_US("1", "reblogs, notify, 0", "follows") " UNION ALL " TO_US("2", "follows") " UNION ALL " FROM_US("3", "reblogs, notify, 0", "follow_requests") " UNION ALL " TO_US(
	"4",
	"follow_requests") " UNION ALL " FROM_US("5", "TRUE, TRUE, 0",
						 "blocks") " UNION ALL " TO_US("6",
									       "blocks") " UNION ALL " FROM_US("7",
													       "notifications, TRUE, COALESCE(expires_at, 0)",
													       "mutes");

static const char SQL_HIDES[] =
    "SELECT EXISTS (SELECT 1 FROM blocks WHERE account_id = $1) OR EXISTS (SELECT 1 FROM blocks "
    "WHERE target_id = $1) OR EXISTS (SELECT 1 FROM mutes WHERE account_id = $1)";

static bool delete_pair(struct db *w, const char *sql, int64_t account_id, int64_t target_id,
			bool *removed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, account_id);
	db_put_int(q, target_id);
	return store_end_changed(q, removed, e);
}

static bool people(struct db *db, const char *sql, struct arena *arena, int64_t account_id,
		   const struct store_page *page, struct store_accounts *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, sql);
	db_put_int(q, account_id);
	store_page_put(q, page);
	return store_accounts_read(q, arena, page, out, e);
}

bool store_follow_insert(struct db *w, const struct store_follow *follow, bool *added,
			 struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, follow->account_id);
	db_put_int(q, follow->target_id);
	db_put_int(q, follow->id);
	db_put_bool(q, follow->local);
	db_put_bool(q, follow->reblogs);
	db_put_bool(q, follow->notify);
	db_put_text(q, follow->uri);
	db_put_int(q, follow->created_at);
	return store_end_changed(q, added, e);
}

bool store_follow_update(struct db *w, int64_t account_id, int64_t target_id, bool reblogs,
			 bool notify, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UPDATE);
	db_put_int(q, account_id);
	db_put_int(q, target_id);
	db_put_bool(q, reblogs);
	db_put_bool(q, notify);
	return db_end(q, e);
}

bool store_follow_delete(struct db *w, int64_t account_id, int64_t target_id, bool *removed,
			 struct err *e)
{
	return delete_pair(w, SQL_DELETE, account_id, target_id, removed, e);
}

static bool set_languages(struct db *w, const char *sql, int64_t account_id, int64_t target_id,
			  const char *languages, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_put_int(q, account_id);
	db_put_int(q, target_id);
	db_put_text(q, languages);
	return db_end(q, e);
}

bool store_follow_set_languages(struct db *w, int64_t account_id, int64_t target_id,
				const char *languages, struct err *e)
{
	return set_languages(w, SQL_SET_LANGUAGES, account_id, target_id, languages, e) &&
	       set_languages(w, SQL_REQUEST_SET_LANGUAGES, account_id, target_id, languages, e);
}

bool store_follow_languages(struct db *db, struct arena *arena, int64_t account_id,
			    int64_t target_id, const char **languages, struct err *e)
{
	*languages = "";
	struct db_stmt *q = db_stmt(db, SQL_LANGUAGES);
	db_put_int(q, account_id);
	db_put_int(q, target_id);
	const char *text = db_row(q) ? db_get_text(q, arena) : NULL;
	if (text) { /* without the spaces around it */
		size_t length = strlen(text);
		text = str_trim(text, &length);
		*languages = arena_strndup(arena, text, length);
	}
	return db_end(q, e);
}

bool store_follow_followers(struct db *db, struct arena *arena, int64_t account_id,
			    const struct store_page *page, struct store_accounts *out,
			    struct err *e)
{
	return people(db, store_page_up(page) ? SQL_FOLLOWERS_UP : SQL_FOLLOWERS, arena, account_id,
		      page, out, e);
}

bool store_follow_following(struct db *db, struct arena *arena, int64_t account_id,
			    const struct store_page *page, struct store_accounts *out,
			    struct err *e)
{
	return people(db, store_page_up(page) ? SQL_FOLLOWING_UP : SQL_FOLLOWING, arena, account_id,
		      page, out, e);
}

bool store_follow_notified(struct db *db, int64_t target_id, int64_t cursor, int64_t *ids,
			   size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_NOTIFIED);
	db_put_int(q, target_id);
	db_put_int(q, cursor);
	db_put_int(q, (int64_t)room);
	return db_end_ids(q, ids, room, found, e);
}

bool store_follow_request_insert(struct db *w, const struct store_follow *request, bool *added,
				 struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_REQUEST_INSERT);
	db_put_int(q, request->account_id);
	db_put_int(q, request->target_id);
	db_put_int(q, request->id);
	db_put_bool(q, request->reblogs);
	db_put_bool(q, request->notify);
	db_put_text(q, request->uri);
	db_put_int(q, request->created_at);
	return store_end_changed(q, added, e);
}

bool store_follow_request_delete(struct db *w, struct arena *arena, int64_t account_id,
				 int64_t target_id, struct store_follow *out, bool *removed,
				 struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_REQUEST_DELETE);
	db_put_int(q, account_id);
	db_put_int(q, target_id);
	*removed = db_row(q);
	if (*removed && out) {
		*out = (struct store_follow){.account_id = account_id, .target_id = target_id};
		out->id = db_get_int(q);
		out->reblogs = db_get_bool(q);
		out->notify = db_get_bool(q);
		out->languages = db_get_text(q, arena);
	}
	return db_end(q, e);
}

bool store_follow_request_list(struct db *db, struct arena *arena, int64_t target_id,
			       const struct store_page *page, struct store_accounts *out,
			       struct err *e)
{
	return people(db, store_page_up(page) ? SQL_REQUESTS_UP : SQL_REQUESTS, arena, target_id,
		      page, out, e);
}

bool store_block_insert(struct db *w, int64_t id, int64_t account_id, int64_t target_id,
			int64_t now_ms, bool *added, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_BLOCK_INSERT);
	db_put_int(q, account_id);
	db_put_int(q, target_id);
	db_put_int(q, id);
	db_put_int(q, now_ms);
	return store_end_changed(q, added, e);
}

bool store_block_delete(struct db *w, int64_t account_id, int64_t target_id, bool *removed,
			struct err *e)
{
	return delete_pair(w, SQL_BLOCK_DELETE, account_id, target_id, removed, e);
}

bool store_block_list(struct db *db, struct arena *arena, int64_t account_id,
		      const struct store_page *page, struct store_accounts *out, struct err *e)
{
	return people(db, store_page_up(page) ? SQL_BLOCKS_UP : SQL_BLOCKS, arena, account_id, page,
		      out, e);
}

bool store_mute_set(struct db *w, int64_t id, int64_t account_id, int64_t target_id,
		    bool notifications, int64_t expires_at, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_MUTE_SET);
	db_put_int(q, account_id);
	db_put_int(q, target_id);
	db_put_int(q, id);
	db_put_bool(q, notifications);
	db_put_ref(q, expires_at);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_mute_delete(struct db *w, int64_t account_id, int64_t target_id, bool *removed,
		       struct err *e)
{
	return delete_pair(w, SQL_MUTE_DELETE, account_id, target_id, removed, e);
}

bool store_mute_list(struct db *db, struct arena *arena, int64_t account_id, int64_t now_ms,
		     const struct store_page *page, struct store_accounts *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_MUTES_UP : SQL_MUTES);
	db_put_int(q, account_id);
	db_put_int(q, now_ms);
	store_page_put(q, page);
	return store_accounts_read(q, arena, page, out, e);
}

static bool relations(struct db *db, const char *sql, int64_t account_id, const int64_t *ids,
		      size_t count, struct store_relation *out, size_t *found, struct err *e)
{
	*found = 0;
	if (count == 0)
		return true;
	struct db_stmt *q = db_stmt(db, sql);
	db_put_ids(q, ids, count);
	db_put_int(q, account_id);
	while (*found < 7 * count && db_row(q)) {
		struct store_relation *r = &out[(*found)++];
		r->account_id = db_get_int(q);
		r->kind = (enum store_relation_kind)db_get_int(q);
		r->flag_1 = db_get_bool(q);
		r->flag_2 = db_get_bool(q);
		r->expires_at = db_get_int(q);
	}
	return db_end(q, e);
}

bool store_relation_get(struct db *db, int64_t account_id, const int64_t *ids, size_t count,
			struct store_relation *out, size_t *found, struct err *e)
{
	return relations(db, SQL_RELATION, account_id, ids, count, out, found, e);
}

bool store_relation_hides(struct db *db, int64_t account_id, bool *any, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_HIDES);
	db_put_int(q, account_id);
	*any = db_row(q) && db_get_bool(q);
	return db_end(q, e);
}
