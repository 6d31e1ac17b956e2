/* All SQL on the server's lists, on held posts, and on reading the audit log. No state; any thread. */
#include "store/rule.h"

#include "store/end.h"

#define COLUMNS "id, kind, name, level, flags, comment, public_comment, expires_at, created_at"
static const char SQL_INSERT[] =
    "INSERT INTO block_rules (" COLUMNS
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
static const char SQL_UPDATE[] =
    "UPDATE block_rules SET level = $2, flags = $3, comment = $4, public_comment = $5, expires_at = $6, "
    "name = $7 WHERE id = $1";
#define SELECT "SELECT " COLUMNS " FROM block_rules WHERE "
static const char SQL_GET[] = SELECT "kind = $1 AND id = $2";
static const char SQL_FIND[] = SELECT "kind = $1 AND name = $2";
static const char SQL_DELETE[] = "DELETE FROM block_rules WHERE id = $1";
static const char SQL_LIST[] = STORE_PAGE_DOWN(SELECT "kind = $1", "id", "$2", "$3", "$4");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(SELECT "kind = $1", "id", "$2", "$3", "$4");
static const char SQL_ALL[] =
    SELECT "kind = $1 AND (expires_at IS NULL OR expires_at > $2) ORDER BY id LIMIT $3";

static void take(struct db_stmt *q, struct arena *arena, struct store_rule *r)
{
	r->id = db_get_int(q);
	r->kind = (enum store_rule_kind)db_get_int(q);
	r->name = db_get_text(q, arena);
	r->level = (int)db_get_int(q);
	r->flags = (int)db_get_int(q);
	r->comment = db_get_text(q, arena);
	r->public_comment = db_get_text(q, arena);
	r->expires_at = db_get_int(q);
	r->created_at = db_get_int(q);
}

bool store_rule_insert(struct db *w, const struct store_rule *r, struct err *e)
{
	int64_t rows = 0;
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, r->id);
	db_put_int(q, r->kind);
	db_put_text(q, r->name);
	db_put_int(q, r->level);
	db_put_int(q, r->flags);
	db_put_text(q, r->comment ? r->comment : "");
	db_put_text(q, r->public_comment ? r->public_comment : "");
	db_put_ref(q, r->expires_at);
	db_put_int(q, r->created_at);
	if (!db_end_changed(q, &rows, e))
		return false;
	return rows > 0 ||
	       err_set(e, ERR_CONFLICT, "Validation failed: %.100s is listed already", r->name);
}

bool store_rule_update(struct db *w, const struct store_rule *r, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UPDATE);
	db_put_int(q, r->id);
	db_put_int(q, r->level);
	db_put_int(q, r->flags);
	db_put_text(q, r->comment);
	db_put_text(q, r->public_comment);
	db_put_ref(q, r->expires_at);
	db_put_text(q, r->name);
	return db_end(q, e);
}

bool store_rule_get(struct db *db, struct arena *arena, enum store_rule_kind kind, int64_t id,
		    struct store_rule *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, kind);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_rule_find(struct db *db, struct arena *arena, enum store_rule_kind kind,
		     const char *name, struct store_rule *out, bool *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_FIND);
	db_put_int(q, kind);
	db_put_text(q, name);
	*found = db_row(q);
	if (*found)
		take(q, arena, out);
	return db_end(q, e);
}

bool store_rule_delete(struct db *w, int64_t id, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_put_int(q, id);
	return db_end(q, e);
}

bool store_rule_list(struct db *db, struct arena *arena, enum store_rule_kind kind,
		     const struct store_page *page, struct store_rule *out, size_t *found,
		     struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	db_put_int(q, kind);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_rule_all(struct db *db, struct arena *arena, enum store_rule_kind kind, int64_t now_ms,
		    struct store_rule *out, size_t room, size_t *found, struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_ALL);
	db_put_int(q, kind);
	db_put_int(q, now_ms);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return db_end(q, e);
}

/* --- held posts --- */

static const char SQL_HELD_INSERT[] =
    "INSERT INTO held_posts (post_id, account_id, visibility, reason, created_at) VALUES ($1, $2, $3, $4, $5)";
#define HELD "SELECT post_id, account_id, visibility, reason, created_at FROM held_posts WHERE "
static const char SQL_HELD_GET[] = HELD "post_id = $1";
static const char SQL_HELD_LIST[] = STORE_PAGE_DOWN(HELD "TRUE", "post_id", "$1", "$2", "$3");
static const char SQL_HELD_LIST_UP[] = STORE_PAGE_UP(HELD "TRUE", "post_id", "$1", "$2", "$3");
static const char SQL_HELD_COUNT[] = "SELECT COUNT(*) FROM held_posts WHERE account_id = $1";
static const char SQL_HELD_DELETE[] = "DELETE FROM held_posts WHERE post_id = $1";
static const char SQL_SET_VISIBILITY[] = "UPDATE posts SET visibility = $2 WHERE id = $1";

static void take_held(struct db_stmt *q, struct arena *arena, struct store_held *h)
{
	h->post_id = db_get_int(q);
	h->account_id = db_get_int(q);
	h->visibility = (int)db_get_int(q);
	h->reason = db_get_text(q, arena);
	h->created_at = db_get_int(q);
}

bool store_held_insert(struct db *w, const struct store_held *h, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_HELD_INSERT);
	db_put_int(q, h->post_id);
	db_put_int(q, h->account_id);
	db_put_int(q, h->visibility);
	db_put_text(q, h->reason);
	db_put_int(q, h->created_at);
	return db_end(q, e);
}

bool store_held_get(struct db *db, struct arena *arena, int64_t post_id, struct store_held *out,
		    struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_HELD_GET);
	db_put_int(q, post_id);
	bool found = db_row(q);
	if (found)
		take_held(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_held_list(struct db *db, struct arena *arena, const struct store_page *page,
		     struct store_held *out, size_t *found, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_HELD_LIST_UP : SQL_HELD_LIST);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take_held(q, arena, &out[(*found)++]);
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_held_count(struct db *db, int64_t account_id, int64_t *count, struct err *e)
{
	*count = 0;
	struct db_stmt *q = db_stmt(db, SQL_HELD_COUNT);
	db_put_int(q, account_id);
	if (db_row(q))
		*count = db_get_int(q);
	return db_end(q, e);
}

bool store_held_release(struct db *w, const struct store_held *h, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_HELD_DELETE);
	db_put_int(q, h->post_id);
	if (!db_end(q, e))
		return false;
	q = db_stmt(w, SQL_SET_VISIBILITY);
	db_put_int(q, h->post_id);
	db_put_int(q, h->visibility);
	return db_end(q, e);
}

/* --- the audit log --- */

#define AUDIT                                                                                \
	"SELECT id, account_id, action, target_id, detail, created_at FROM audit_log WHERE " \
	"(CAST($1 AS BIGINT) = 0 OR account_id = $1) AND (CAST($2 AS BIGINT) = 0 OR target_id = $2)"
static const char SQL_AUDIT[] = STORE_PAGE_DOWN(AUDIT, "id", "$3", "$4", "$5");
static const char SQL_AUDIT_UP[] = STORE_PAGE_UP(AUDIT, "id", "$3", "$4", "$5");

bool store_audit_list(struct db *db, struct arena *arena, int64_t account_id, int64_t target_id,
		      const struct store_page *page, struct store_audit *out, size_t *found,
		      struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	*found = 0;
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_AUDIT_UP : SQL_AUDIT);
	db_put_int(q, account_id);
	db_put_int(q, target_id);
	store_page_put(q, page);
	while (*found < room && db_row(q)) {
		struct store_audit *a = &out[(*found)++];
		a->id = db_get_int(q);
		a->account_id = db_get_int(q);
		a->action = db_get_text(q, arena);
		a->target_id = db_get_int(q);
		a->detail = db_get_text(q, arena);
		a->created_at = db_get_int(q);
	}
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}
