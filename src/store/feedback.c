/* All SQL on feedback and on the ledger. No state; any thread, with its own handle. What must stay true: entries are
 * only ever added, two at a time, and a balance is the sum of its account's entries. */
#include "store/feedback.h"

#include "base/id.h"
#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO feedback (id, programme_id, account_id, media_id, post_id, answers, text, created_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
#define COLUMNS                                                                                   \
	"SELECT id, programme_id, account_id, media_id, post_id, answers, text, state, credits, " \
	"reason, created_at, decided_at FROM feedback WHERE "
static const char SQL_GET[] = COLUMNS "id = $1";
#define LIST    \
	COLUMNS \
	"(account_id = $1 OR $1 = 0) AND (programme_id = $2 OR $2 = 0) AND (state = $3 OR $3 < 0)"
static const char SQL_LIST[] = STORE_PAGE_DOWN(LIST, "id", "$4", "$5", "$6");
static const char SQL_LIST_UP[] = STORE_PAGE_UP(LIST, "id", "$4", "$5", "$6");
static const char SQL_DECIDE[] =
    "UPDATE feedback SET state = $2, credits = $3, reason = $4, decided_at = $5 WHERE id = $1 AND state = 0";
static const char SQL_BALANCE_OPEN[] =
    "INSERT INTO credit_balances (account_id, balance) VALUES ($1, 0) ON CONFLICT (account_id) DO NOTHING";
static const char SQL_BALANCE_ADD[] =
    "UPDATE credit_balances SET balance = balance + $2 WHERE account_id = $1 RETURNING balance";
static const char SQL_BALANCE[] = "SELECT balance FROM credit_balances WHERE account_id = $1";
static const char SQL_ENTRY[] =
    "INSERT INTO credit_entries (id, transfer_id, account_id, amount, balance, reason, created_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7)";
#define ENTRIES                                                                                        \
	"SELECT id, transfer_id, account_id, amount, balance, reason, created_at FROM credit_entries " \
	"WHERE "
static const char SQL_ENTRIES[] =
    STORE_PAGE_DOWN(ENTRIES "account_id = $1", "id", "$2", "$3", "$4");
static const char SQL_ENTRIES_UP[] =
    STORE_PAGE_UP(ENTRIES "account_id = $1", "id", "$2", "$3", "$4");
static const char SQL_EACH[] = ENTRIES "(account_id = $1 OR $1 = 0) ORDER BY id";

static void take(struct db_stmt *q, struct arena *arena, struct store_feedback *f)
{
	f->id = db_get_int(q);
	f->programme_id = db_get_int(q);
	f->account_id = db_get_int(q);
	f->media_id = db_get_int(q);
	f->post_id = db_get_int(q);
	f->answers = db_get_text(q, arena);
	f->text = db_get_text(q, arena);
	f->state = (enum store_feedback_state)db_get_int(q);
	f->credits = db_get_int(q);
	f->reason = db_get_text(q, arena);
	f->created_at = db_get_int(q);
	f->decided_at = db_get_int(q);
}

bool store_feedback_insert(struct db *w, const struct store_feedback *f, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, f->id);
	db_put_int(q, f->programme_id);
	db_put_int(q, f->account_id);
	db_put_ref(q, f->media_id);
	db_put_ref(q, f->post_id);
	db_put_text(q, f->answers);
	db_put_text(q, f->text);
	db_put_int(q, f->created_at);
	return db_end(q, e);
}

bool store_feedback_get(struct db *db, struct arena *arena, int64_t id, struct store_feedback *out,
			struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_feedback_list(struct db *db, struct arena *arena, int64_t account_id,
			 int64_t programme_id, int state, const struct store_page *page,
			 struct store_feedback *out, size_t *found, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_LIST_UP : SQL_LIST);
	*found = 0;
	db_put_int(q, account_id);
	db_put_int(q, programme_id);
	db_put_int(q, state);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_feedback_decide(struct db *w, const struct store_feedback *f, bool *changed,
			   struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DECIDE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, f->id);
	db_put_int(q, f->state);
	db_put_int(q, f->credits);
	db_put_text(q, f->reason);
	db_put_int(q, f->decided_at);
	return store_end_changed(q, changed, e);
}

/* --- the ledger --- */

bool store_credit_balance(struct db *db, int64_t account_id, int64_t *balance, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_BALANCE);
	db_put_int(q, account_id);
	*balance = db_row(q) ? db_get_int(q) : 0;
	return db_end(q, e);
}

static bool add_entry(struct db *w, const struct store_credit *entry, struct err *e)
{
	int64_t balance = 0;
	struct db_stmt *q = db_stmt(w, SQL_BALANCE_OPEN);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, entry->account_id);
	if (!db_end(q, e))
		return false;
	q = db_stmt(w, SQL_BALANCE_ADD);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, entry->account_id);
	db_put_int(q, entry->amount);
	if (db_row(q))
		balance = db_get_int(q);
	if (!db_end(q, e))
		return false;
	q = db_stmt(w, SQL_ENTRY);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, entry->id);
	db_put_int(q, entry->transfer_id);
	db_put_int(q, entry->account_id);
	db_put_int(q, entry->amount);
	db_put_int(q, balance);
	db_put_text(q, entry->reason);
	db_put_int(q, entry->created_at);
	return db_end(q, e);
}

bool store_credit_transfer(struct db *w, int64_t from_id, int64_t to_id, int64_t amount,
			   const char *reason, int64_t now_ms, struct err *e)
{
	int64_t balance = 0, transfer_id = id_new();
	if (amount <= 0 || from_id == to_id)
		return err_set(e, ERR_INTERNAL, "a transfer of nothing");
	/* Asked first for the words; the table's own condition holds it against everybody at once. */
	if (from_id && !store_credit_balance(w, from_id, &balance, e))
		return false;
	if (from_id && balance < amount)
		return err_set(e, ERR_INVALID,
			       "Validation failed: amount is more than the %lld there are",
			       (long long)balance);
	const struct store_credit sides[] = {
	    {id_new(), transfer_id, from_id, -amount, 0, reason, now_ms},
	    {id_new(), transfer_id, to_id, amount, 0, reason, now_ms}};
	return add_entry(w, &sides[0], e) && add_entry(w, &sides[1], e);
}

static void take_entry(struct db_stmt *q, struct arena *arena, struct store_credit *c)
{
	c->id = db_get_int(q);
	c->transfer_id = db_get_int(q);
	c->account_id = db_get_int(q);
	c->amount = db_get_int(q);
	c->balance = db_get_int(q);
	c->reason = db_get_text(q, arena);
	c->created_at = db_get_int(q);
}

bool store_credit_list(struct db *db, struct arena *arena, int64_t account_id,
		       const struct store_page *page, struct store_credit *out, size_t *found,
		       struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_ENTRIES_UP : SQL_ENTRIES);
	*found = 0;
	db_put_int(q, account_id);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take_entry(q, arena, &out[(*found)++]);
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_credit_each(struct db *db, struct arena *arena, int64_t account_id,
		       store_credit_each_fn *each, void *context, struct err *e)
{
	struct db_stmt *q = db_stmt_streamed(db, SQL_EACH);
	bool more = true;
	db_put_int(q, account_id);
	while (more && db_row(q)) {
		struct store_credit entry;
		take_entry(q, arena, &entry);
		more = each(context, &entry);
	}
	return db_end(q, e);
}
