/* All SQL on notifications and their groups. No state; any thread, with its own handle. What must stay true: a
 * group's count is that of its rows, and its latest_id the newest of them; whoever removes rows one by one
 * settles the group in the same transaction. */
#include "store/notification.h"

#include "base/id.h"
#include "store/end.h"

#include <stdlib.h>

#define COLUMNS                                                                                \
	"n.id, n.account_id, n.kind, n.from_account_id, n.post_id, n.subject_id, n.group_id, " \
	"n.filtered, n.created_at"
static const char SQL_INSERT[] =
    "INSERT INTO notifications (id, account_id, kind, from_account_id, post_id, subject_id, group_id, "
    "filtered, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
/* Whom one has blocked or muted since is not heard of any more. */
#define SEEN                                                                                    \
	"a.state < 2 AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.account_id = n.account_id " \
	"AND b.target_id = n.from_account_id) AND NOT EXISTS (SELECT 1 FROM mutes m WHERE "     \
	"m.account_id = n.account_id AND m.target_id = n.from_account_id AND m.notifications)"
#define LIST                                                                                   \
	"SELECT " COLUMNS " FROM notifications n JOIN accounts a ON a.id = n.from_account_id " \
	"WHERE " SEEN " AND n.account_id = $1 AND n.filtered = $2"
#define BOTH(name, text, key, low, high, limit)                                  \
	static const char name[] = STORE_PAGE_DOWN(text, key, low, high, limit); \
	static const char name##_UP[] = STORE_PAGE_UP(text, key, low, high, limit)
BOTH(SQL_LIST, LIST, "n.id", "$3", "$4", "$5");
/* Of one kind, said as a range of pairs: only the index that begins with the kind has that order. Asked for `kind = $3` in
 * the order of ids, PostgreSQL may walk all notifications of the house to find none. */
#define OF_KIND LIST " AND (n.kind, n.id) > ($3, $4) AND (n.kind, n.id) < ($3, $5) "
static const char SQL_LIST_KIND[] = OF_KIND "ORDER BY n.kind DESC, n.id DESC LIMIT $6";
static const char SQL_LIST_KIND_UP[] = OF_KIND "ORDER BY n.kind ASC, n.id ASC LIMIT $6";
BOTH(SQL_LIST_FROM,
     LIST
     " AND n.from_account_id = $3 AND ((CAST($4 AS BIGINT) >> CAST(n.kind AS INTEGER)) & 1) = 1",
     "n.id", "$5", "$6", "$7");
static const char SQL_GET[] =
    "SELECT " COLUMNS " FROM notifications n WHERE n.id = $1 AND n.account_id = $2";
static const char SQL_DELETE[] =
    "DELETE FROM notifications WHERE id = $1 AND account_id = $2 RETURNING group_id";
static const char SQL_CLEAR[] = "DELETE FROM notifications WHERE account_id = $1";
static const char SQL_CLEAR_GROUPS[] = "DELETE FROM notification_groups WHERE account_id = $1";
static const char SQL_WITHDRAW[] =
    "DELETE FROM notifications WHERE account_id = $1 AND kind = $2 AND from_account_id = $3 AND "
    "COALESCE(post_id, 0) = $4 RETURNING group_id";
static const char SQL_COUNT_AFTER[] =
    "SELECT COUNT(*) FROM (SELECT 1 FROM notifications WHERE account_id = $1 AND filtered = FALSE AND "
    "id > $2 AND ((CAST($4 AS BIGINT) >> CAST(kind AS INTEGER)) & 1) = 1 ORDER BY id LIMIT $3) AS unread";
static const char SQL_COUNT_GROUPS[] =
    "SELECT COUNT(*) FROM (SELECT 1 FROM notification_groups WHERE account_id = $1 AND latest_id > $2 AND "
    "((CAST($4 AS BIGINT) >> CAST(kind AS INTEGER)) & 1) = 1 ORDER BY latest_id LIMIT $3) AS unread";

#define GROUP_COLUMNS "g.id, g.key, g.kind, g.post_id, g.latest_id, g.count"
static const char SQL_GROUP_ADD[] =
    "INSERT INTO notification_groups (id, account_id, key, kind, post_id, latest_id, count) VALUES "
    "($1, $2, $3, $4, $5, $6, 1) ON CONFLICT (account_id, key) DO UPDATE SET "
    "latest_id = CASE WHEN excluded.latest_id > notification_groups.latest_id THEN excluded.latest_id ELSE "
    "notification_groups.latest_id END, count = notification_groups.count + 1 RETURNING id";
static const char SQL_GROUP_SETTLE[] =
    "UPDATE notification_groups SET count = count - 1, latest_id = COALESCE((SELECT MAX(id) FROM notifications "
    "WHERE group_id = $1), 0) WHERE id = $1";
static const char SQL_GROUP_EMPTY[] =
    "DELETE FROM notification_groups WHERE id = $1 AND (count <= 0 OR latest_id = 0)";
#define GROUP_LIST              \
	"SELECT " GROUP_COLUMNS \
	" FROM notification_groups g WHERE g.account_id = $1 AND g.kind = $2"
BOTH(SQL_GROUP_LIST, GROUP_LIST, "g.latest_id", "$3", "$4", "$5");
static const char SQL_GROUP_GET[] =
    "SELECT " GROUP_COLUMNS " FROM notification_groups g WHERE g.account_id = $1 AND g.key = $2";
/* The group alone finds its rows: with the account named beside it both databases think that there are few, and PostgreSQL
 * then reads and sorts the whole group. */
static const char SQL_GROUP_ROWS[] =
    "SELECT " COLUMNS " FROM notifications n JOIN accounts a ON a.id = n.from_account_id "
    "WHERE " SEEN " AND n.group_id = $1 ORDER BY n.id DESC LIMIT $2";
static const char SQL_GROUP_OLDEST[] = "SELECT MIN(id) FROM notifications WHERE group_id = $1";
#define GROUP_ACCOUNTS                                                                           \
	"SELECT n.id, " STORE_ACCOUNT_COLUMNS " FROM notifications n JOIN accounts a ON a.id = " \
	"n.from_account_id WHERE " SEEN " AND n.group_id = $1"
BOTH(SQL_GROUP_ACCOUNTS, GROUP_ACCOUNTS, "n.id", "$2", "$3", "$4");
static const char SQL_GROUP_DELETE_ROWS[] =
    "DELETE FROM notifications WHERE account_id = $1 AND group_id = $2";
static const char SQL_GROUP_DELETE[] =
    "DELETE FROM notification_groups WHERE account_id = $1 AND id = $2";

static void take(struct db_stmt *q, struct store_notification *n)
{
	n->id = db_get_int(q);
	n->account_id = db_get_int(q);
	n->kind = (int)db_get_int(q);
	n->from_account_id = db_get_int(q);
	n->post_id = db_get_int(q);
	n->subject_id = db_get_int(q);
	n->group_id = db_get_int(q);
	n->filtered = db_get_bool(q);
	n->created_at = db_get_int(q);
}

static bool settle(struct db *w, int64_t group_id, struct err *e)
{
	static const char *const steps[] = {SQL_GROUP_SETTLE, SQL_GROUP_EMPTY};
	for (int i = 0; group_id && i < 2; i++) {
		struct db_stmt *q = db_stmt(w, steps[i]);
		db_touch(q, DB_NOUN_NONE, 0);
		db_put_int(q, group_id);
		if (!db_end(q, e))
			return false;
	}
	return true;
}

static bool add_to_group(struct db *w, const struct store_notification *n, const char *key,
			 int64_t *group_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_GROUP_ADD);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id_new());
	db_put_int(q, n->account_id);
	db_put_text(q, key);
	db_put_int(q, n->kind);
	db_put_ref(q, n->post_id);
	db_put_int(q, n->id);
	if (db_row(q))
		*group_id = db_get_int(q);
	return db_end(q, e);
}

bool store_notification_insert(struct db *w, struct store_notification *n, const char *group_key,
			       bool *added, struct err *e)
{
	int64_t rows = 0;
	*added = false;
	n->group_id = 0;
	if (group_key && !add_to_group(w, n, group_key, &n->group_id, e))
		return false;
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, n->id);
	db_put_int(q, n->account_id);
	db_put_int(q, n->kind);
	db_put_int(q, n->from_account_id);
	db_put_ref(q, n->post_id);
	db_put_ref(q, n->subject_id);
	db_put_ref(q, n->group_id);
	db_put_bool(q, n->filtered);
	db_put_int(q, n->created_at);
	if (!db_end_changed(q, &rows, e))
		return false;
	*added = rows > 0;
	return *added || settle(w, n->group_id, e);
}

/* --- lists --- */

static int newest_first(const void *a, const void *b)
{
	int64_t x = ((const struct store_notification *)a)->id;
	int64_t y = ((const struct store_notification *)b)->id;
	return (x < y) - (x > y);
}

static int oldest_first(const void *a, const void *b)
{
	return newest_first(b, a);
}

struct list_call {
	struct db *db;
	const struct store_notification_filter *filter;
	const struct store_page *page;
	struct store_notification *rows;
	size_t count;
	size_t room;
};

/* One range of an index. kind < 0: all kinds. */
static bool read_range(struct list_call *c, bool filtered, int kind, struct err *e)
{
	bool up = store_page_up(c->page), from = c->filter->from_account_id != 0;
	const char *sql = up ? SQL_LIST_UP : SQL_LIST;
	if (from)
		sql = up ? SQL_LIST_FROM_UP : SQL_LIST_FROM;
	else if (kind >= 0)
		sql = up ? SQL_LIST_KIND_UP : SQL_LIST_KIND;
	struct db_stmt *q = db_stmt(c->db, sql);
	db_put_int(q, c->filter->account_id);
	db_put_bool(q, filtered);
	if (from) {
		db_put_int(q, c->filter->from_account_id);
		db_put_int(q, c->filter->kinds);
	} else if (kind >= 0) {
		db_put_int(q, kind);
	}
	store_page_put(q, c->page);
	while (c->count < c->room && db_row(q))
		take(q, &c->rows[c->count++]);
	return db_end(q, e);
}

enum { KINDS_MAX = 32 };

/* Rows of each wanted kind are a range of their own, merged here: a rare kind is found at once among
 * a hundred thousand of another. */
bool store_notification_list(struct db *db, struct arena *arena,
			     const struct store_notification_filter *filter,
			     const struct store_page *page, struct store_notification *out,
			     size_t *found, struct err *e)
{
	size_t limit = (size_t)store_page_limit(page);
	bool all = filter->kinds == ~0u || filter->from_account_id;
	size_t ranges = all ? 1 : (size_t)__builtin_popcount(filter->kinds);
	struct list_call c = {.db = db, .filter = filter, .page = page, .room = 2 * ranges * limit};
	*found = 0;
	c.rows = ARENA_ARRAY(arena, struct store_notification, c.room + 1);
	if (!c.rows)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	for (int filtered = 0; filtered <= (filter->include_filtered ? 1 : 0); filtered++) {
		if (all && !read_range(&c, filtered, -1, e))
			return false;
		for (int kind = 0; !all && kind < KINDS_MAX; kind++)
			if ((filter->kinds >> kind & 1) && !read_range(&c, filtered, kind, e))
				return false;
	}
	qsort(c.rows, c.count, sizeof(*c.rows), store_page_up(page) ? oldest_first : newest_first);
	*found = c.count < limit ? c.count : limit;
	for (size_t i = 0; i < *found; i++)
		out[i] = c.rows[i];
	qsort(out, *found, sizeof(*out), newest_first);
	return true;
}

bool store_notification_get(struct db *db, int64_t account_id, int64_t id,
			    struct store_notification *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	db_put_int(q, account_id);
	bool found = db_row(q);
	if (found)
		take(q, out);
	return store_end_found(q, found, e);
}

bool store_notification_delete(struct db *w, int64_t account_id, int64_t id, struct err *e)
{
	int64_t group_id = 0;
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id);
	db_put_int(q, account_id);
	if (db_row(q))
		group_id = db_get_int(q);
	return db_end(q, e) && settle(w, group_id, e);
}

static bool run_for(struct db *w, const char *sql, int64_t account_id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, sql);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	return db_end(q, e);
}

bool store_notification_clear(struct db *w, int64_t account_id, struct err *e)
{
	return run_for(w, SQL_CLEAR, account_id, e) && run_for(w, SQL_CLEAR_GROUPS, account_id, e);
}

bool store_notification_withdraw(struct db *w, int64_t account_id, int kind,
				 int64_t from_account_id, int64_t post_id, struct err *e)
{
	enum { ROOM = 16 };
	int64_t groups[ROOM];
	size_t count = 0;
	struct db_stmt *q = db_stmt(w, SQL_WITHDRAW);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	db_put_int(q, kind);
	db_put_int(q, from_account_id);
	db_put_int(q, post_id);
	while (db_row(q))
		if (count < ROOM)
			groups[count++] = db_get_int(q);
	if (!db_end(q, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!settle(w, groups[i], e))
			return false;
	return true;
}

bool store_notification_count_after(struct db *db, int64_t account_id, unsigned single,
				    unsigned grouped, int64_t after_id, int limit, int64_t *count,
				    struct err *e)
{
	const char *const texts[] = {SQL_COUNT_AFTER, SQL_COUNT_GROUPS};
	const unsigned kinds[] = {single, grouped};
	*count = 0;
	for (int i = 0; i < 2; i++) {
		if (!kinds[i])
			continue;
		struct db_stmt *q = db_stmt(db, texts[i]);
		db_put_int(q, account_id);
		db_put_int(q, after_id);
		db_put_int(q, limit);
		db_put_int(q, kinds[i]);
		if (db_row(q))
			*count += db_get_int(q);
		if (!db_end(q, e))
			return false;
	}
	if (*count > limit)
		*count = limit;
	return true;
}

/* --- groups --- */

static void take_group(struct db_stmt *q, struct arena *arena, struct store_notification_group *g)
{
	g->id = db_get_int(q);
	g->key = db_get_text(q, arena);
	g->kind = (int)db_get_int(q);
	g->post_id = db_get_int(q);
	g->latest_id = db_get_int(q);
	g->count = db_get_int(q);
}

bool store_notification_group_list(struct db *db, struct arena *arena, int64_t account_id, int kind,
				   const struct store_page *page,
				   struct store_notification_group *out, size_t *found,
				   struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_GROUP_LIST_UP : SQL_GROUP_LIST);
	db_put_int(q, account_id);
	db_put_int(q, kind);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take_group(q, arena, &out[(*found)++]);
	return db_end(q, e);
}

bool store_notification_group_get(struct db *db, struct arena *arena, int64_t account_id,
				  const char *key, struct store_notification_group *out,
				  struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GROUP_GET);
	db_put_int(q, account_id);
	db_put_text(q, key);
	bool found = db_row(q);
	if (found)
		take_group(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_notification_group_rows(struct db *db, int64_t account_id, int64_t group_id, int limit,
				   struct store_notification *out, size_t *found,
				   int64_t *oldest_id, struct err *e)
{
	*found = 0;
	*oldest_id = 0;
	struct db_stmt *q = db_stmt(db, SQL_GROUP_ROWS);
	db_put_int(q, group_id);
	db_put_int(q, limit);
	while (*found < (size_t)limit && db_row(q)) {
		take(q, &out[*found]);
		*found += out[*found].account_id == account_id;
	}
	if (!db_end(q, e))
		return false;
	q = db_stmt(db, SQL_GROUP_OLDEST);
	db_put_int(q, group_id);
	if (db_row(q))
		*oldest_id = db_get_int(q);
	return db_end(q, e);
}

bool store_notification_group_accounts(struct db *db, struct arena *arena, int64_t group_id,
				       const struct store_page *page, struct store_accounts *out,
				       struct err *e)
{
	struct db_stmt *q =
	    db_stmt(db, store_page_up(page) ? SQL_GROUP_ACCOUNTS_UP : SQL_GROUP_ACCOUNTS);
	db_put_int(q, group_id);
	store_page_put(q, page);
	return store_accounts_read(q, arena, page, out, e);
}

bool store_notification_group_delete(struct db *w, int64_t account_id, int64_t group_id,
				     struct err *e)
{
	static const char *const steps[] = {SQL_GROUP_DELETE_ROWS, SQL_GROUP_DELETE};
	for (int i = 0; i < 2; i++) {
		struct db_stmt *q = db_stmt(w, steps[i]);
		db_touch(q, DB_NOUN_NONE, 0);
		db_put_int(q, account_id);
		db_put_int(q, group_id);
		if (!db_end(q, e))
			return false;
	}
	return true;
}

/* --- what was kept back --- */

static const char SQL_KEPT_BACK[] =
    "SELECT " COLUMNS " FROM notifications n WHERE n.account_id = $1 AND n.filtered = TRUE AND "
    "n.from_account_id = $2 AND n.id > $3 ORDER BY n.id LIMIT $4";
static const char SQL_SHOW[] =
    "UPDATE notifications SET filtered = FALSE, group_id = $2 WHERE id = $1";
static const char SQL_DROP[] =
    "DELETE FROM notifications WHERE account_id = $1 AND filtered = TRUE AND from_account_id = $2";

bool store_notification_kept_back(struct db *db, int64_t account_id, int64_t from_account_id,
				  int64_t after_id, size_t room, struct store_notification *out,
				  size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_KEPT_BACK);
	db_put_int(q, account_id);
	db_put_int(q, from_account_id);
	db_put_int(q, after_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		take(q, &out[(*found)++]);
	return db_end(q, e);
}

bool store_notification_show(struct db *w, const struct store_notification *n,
			     const char *group_key, struct err *e)
{
	int64_t group_id = 0;
	if (group_key && !add_to_group(w, n, group_key, &group_id, e))
		return false;
	struct db_stmt *q = db_stmt(w, SQL_SHOW);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, n->id);
	db_put_ref(q, group_id);
	return db_end(q, e);
}

bool store_notification_drop_kept_back(struct db *w, int64_t account_id, int64_t from_account_id,
				       struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DROP);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	db_put_int(q, from_account_id);
	return db_end(q, e);
}
