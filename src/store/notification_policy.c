/* All SQL on the policy before notifications, and on requests and permissions. No state; any thread. */
#include "store/notification.h"

#include "base/id.h"
#include "store/end.h"

static const char SQL_POLICY_GET[] =
    "SELECT not_following, not_followers, new_accounts, private_mentions, limited_accounts "
    "FROM notification_policies WHERE account_id = $1";
static const char SQL_POLICY_SET[] =
    "INSERT INTO notification_policies (account_id, not_following, not_followers, new_accounts, "
    "private_mentions, limited_accounts) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id) DO UPDATE "
    "SET not_following = excluded.not_following, not_followers = excluded.not_followers, "
    "new_accounts = excluded.new_accounts, private_mentions = excluded.private_mentions, "
    "limited_accounts = excluded.limited_accounts";
static const char SQL_PERMITTED[] =
    "SELECT 1 FROM notification_permissions WHERE account_id = $1 AND from_account_id = $2";
static const char SQL_PERMIT[] =
    "INSERT INTO notification_permissions (account_id, from_account_id, created_at) VALUES ($1, $2, $3) "
    "ON CONFLICT DO NOTHING";
#define COLUMNS "r.id, r.from_account_id, r.count, r.last_post_id, r.created_at, r.updated_at"
static const char SQL_ADD[] =
    "INSERT INTO notification_requests (id, account_id, from_account_id, count, last_post_id, created_at, "
    "updated_at) VALUES ($1, $2, $3, 1, $4, $5, $5) ON CONFLICT (account_id, from_account_id) DO UPDATE SET "
    "count = notification_requests.count + 1, "
    "last_post_id = COALESCE(excluded.last_post_id, notification_requests.last_post_id), "
    "updated_at = excluded.updated_at";
#define LIST                                                                         \
	"SELECT " COLUMNS " FROM notification_requests r JOIN accounts a ON a.id = " \
	"r.from_account_id WHERE r.account_id = $1 AND a.state = 0"
static const char SQL_LIST[] = STORE_PAGE_DOWN(LIST, "r.id", "$2", "$3", "$4");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(LIST, "r.id", "$2", "$3", "$4");
static const char SQL_GET[] =
    "SELECT " COLUMNS " FROM notification_requests r WHERE r.account_id = $1 AND r.id = $2";
static const char SQL_DELETE[] =
    "DELETE FROM notification_requests WHERE account_id = $1 AND id = $2";
static const char SQL_TOTALS[] =
    "SELECT COUNT(*), COALESCE(SUM(count), 0) FROM (SELECT count FROM notification_requests "
    "WHERE account_id = $1 ORDER BY id DESC LIMIT 100) AS pending";

bool store_notification_policy_get(struct db *db, int64_t account_id,
				   enum store_notification_verdict out[STORE_POLICIES], bool *found,
				   struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_POLICY_GET);
	db_put_int(q, account_id);
	*found = db_row(q);
	for (int i = 0; *found && i < STORE_POLICIES; i++)
		out[i] = (enum store_notification_verdict)db_get_int(q);
	return db_end(q, e);
}

bool store_notification_policy_set(struct db *w, int64_t account_id,
				   const enum store_notification_verdict policy[STORE_POLICIES],
				   struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_POLICY_SET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	for (int i = 0; i < STORE_POLICIES; i++)
		db_put_int(q, policy[i]);
	return db_end(q, e);
}

bool store_notification_permitted(struct db *db, int64_t account_id, int64_t from_account_id,
				  bool *permitted, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_PERMITTED);
	db_put_int(q, account_id);
	db_put_int(q, from_account_id);
	*permitted = db_row(q);
	return db_end(q, e);
}

bool store_notification_permit(struct db *w, int64_t account_id, int64_t from_account_id,
			       int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_PERMIT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	db_put_int(q, from_account_id);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

bool store_notification_request_add(struct db *w, int64_t account_id, int64_t from_account_id,
				    int64_t post_id, int64_t now_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_ADD);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, id_new());
	db_put_int(q, account_id);
	db_put_int(q, from_account_id);
	db_put_ref(q, post_id);
	db_put_int(q, now_ms);
	return db_end(q, e);
}

static void take(struct db_stmt *q, struct store_notification_request *r)
{
	r->id = db_get_int(q);
	r->from_account_id = db_get_int(q);
	r->count = db_get_int(q);
	r->last_post_id = db_get_int(q);
	r->created_at = db_get_int(q);
	r->updated_at = db_get_int(q);
}

bool store_notification_request_list(struct db *db, int64_t account_id,
				     const struct store_page *page,
				     struct store_notification_request *out, size_t *found,
				     struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	db_put_int(q, account_id);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take(q, &out[(*found)++]);
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_notification_request_get(struct db *db, int64_t account_id, int64_t id,
				    struct store_notification_request *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, account_id);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, out);
	return store_end_found(q, found, e);
}

bool store_notification_request_delete(struct db *w, int64_t account_id, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, account_id);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_notification_request_totals(struct db *db, int64_t account_id, int64_t *requests,
				       int64_t *notifications, struct err *e)
{
	*requests = *notifications = 0;
	struct db_stmt *q = db_stmt(db, SQL_TOTALS);
	db_put_int(q, account_id);
	if (db_row(q)) {
		*requests = db_get_int(q);
		*notifications = db_get_int(q);
	}
	return db_end(q, e);
}
