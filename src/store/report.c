/* All SQL on reports, their notes and strikes. No state; any thread, with its own handle. */
#include "store/report.h"

#include "store/end.h"

#define COLUMNS                                                                            \
	"r.id, r.account_id, r.target_id, r.category, r.comment, r.rule_ids, r.post_ids, " \
	"r.forwarded, r.assigned_id, r.resolved_by, r.resolved_at, r.created_at, r.updated_at"
static const char SQL_INSERT[] =
    "INSERT INTO reports (id, account_id, target_id, category, comment, rule_ids, post_ids, forwarded, "
    "created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
static const char SQL_GET[] = "SELECT " COLUMNS " FROM reports r WHERE r.id = $1";
#define WHOSE                                                     \
	" AND (CAST($1 AS BIGINT) = 0 OR r.account_id = $1) AND " \
	"(CAST($2 AS BIGINT) = 0 OR r.target_id = $2)"
#define LIST_OPEN     "SELECT " COLUMNS " FROM reports r WHERE r.resolved_at IS NULL" WHOSE
#define LIST_RESOLVED "SELECT " COLUMNS " FROM reports r WHERE r.resolved_at IS NOT NULL" WHOSE
#define BOTH(name, text, key, low, high, limit)                                  \
	static const char name[] = STORE_PAGE_DOWN(text, key, low, high, limit); \
	static const char name##_UP[] = STORE_PAGE_UP(text, key, low, high, limit)
BOTH(SQL_LIST_OPEN, LIST_OPEN, "r.id", "$3", "$4", "$5");
BOTH(SQL_LIST_RESOLVED, LIST_RESOLVED, "r.id", "$3", "$4", "$5");
static const char SQL_UPDATE[] =
    "UPDATE reports SET category = $2, rule_ids = $3, assigned_id = $4, resolved_by = $5, resolved_at = $6, "
    "updated_at = $7 WHERE id = $1";
static const char SQL_COUNT_OPENED[] =
    "SELECT COUNT(*) FROM reports WHERE created_at >= $1 AND created_at < $2";
static const char SQL_COUNT_RESOLVED[] =
    "SELECT COUNT(*) FROM reports WHERE resolved_at >= $1 AND resolved_at < $2";
static const char SQL_NOTE_INSERT[] =
    "INSERT INTO report_notes (id, report_id, account_id, text, created_at) VALUES ($1, $2, $3, $4, $5)";
static const char SQL_NOTE_DELETE[] = "DELETE FROM report_notes WHERE report_id = $1 AND id = $2";
static const char SQL_NOTE_LIST[] =
    "SELECT id, report_id, account_id, text, created_at FROM report_notes WHERE report_id = $1 "
    "ORDER BY id LIMIT $2";

#define STRIKE_COLUMNS                                                                   \
	"s.id, s.account_id, s.target_id, s.action, s.reason, s.report_id, s.post_ids, " \
	"s.appeal_code_hash, s.appeal, s.appealed_at, s.appeal_state, s.created_at"
static const char SQL_STRIKE_INSERT[] =
    "INSERT INTO strikes (id, account_id, target_id, action, reason, report_id, post_ids, appeal_code_hash, "
    "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
static const char SQL_STRIKE_GET[] = "SELECT " STRIKE_COLUMNS " FROM strikes s WHERE s.id = $1";
static const char SQL_STRIKE_BY_CODE[] =
    "SELECT " STRIKE_COLUMNS " FROM strikes s WHERE s.appeal_code_hash = $1";
#define STRIKES_OF      "SELECT " STRIKE_COLUMNS " FROM strikes s WHERE s.target_id = $1"
#define STRIKES_APPEALS "SELECT " STRIKE_COLUMNS " FROM strikes s WHERE s.appeal_state = 1"
BOTH(SQL_STRIKES_OF, STRIKES_OF, "s.id", "$2", "$3", "$4");
BOTH(SQL_STRIKES_APPEALS, STRIKES_APPEALS, "s.id", "$1", "$2", "$3");
static const char SQL_STRIKE_APPEAL[] =
    "UPDATE strikes SET appeal = $2, appealed_at = $3, appeal_state = $4 WHERE id = $1 AND "
    "appeal_state = $5";

static void take(struct db_stmt *q, struct arena *arena, struct store_report *r)
{
	r->id = db_get_int(q);
	r->account_id = db_get_int(q);
	r->target_id = db_get_int(q);
	r->category = (enum store_report_category)db_get_int(q);
	r->comment = db_get_text(q, arena);
	r->rule_ids = db_get_text(q, arena);
	r->post_ids = db_get_text(q, arena);
	r->forwarded = db_get_bool(q);
	r->assigned_id = db_get_int(q);
	r->resolved_by = db_get_int(q);
	r->resolved_at = db_get_int(q);
	r->created_at = db_get_int(q);
	r->updated_at = db_get_int(q);
}

bool store_report_insert(struct db *w, const struct store_report *r, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, r->id);
	db_put_ref(q, r->account_id);
	db_put_int(q, r->target_id);
	db_put_int(q, r->category);
	db_put_text(q, r->comment);
	db_put_text(q, r->rule_ids);
	db_put_text(q, r->post_ids);
	db_put_bool(q, r->forwarded);
	db_put_int(q, r->created_at);
	return db_end(q, e);
}

bool store_report_get(struct db *db, struct arena *arena, int64_t id, struct store_report *out,
		      struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_report_list(struct db *db, struct arena *arena, const struct store_report_filter *filter,
		       const struct store_page *page, struct store_reports *out, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	bool up = store_page_up(page);
	const char *sql = filter->resolved ? (up ? SQL_LIST_RESOLVED_UP : SQL_LIST_RESOLVED)
					   : (up ? SQL_LIST_OPEN_UP : SQL_LIST_OPEN);
	*out =
	    (struct store_reports){.items = arena_alloc(arena, (room + 1) * sizeof(*out->items))};
	struct db_stmt *q = db_stmt(db, sql);
	db_put_int(q, filter->account_id);
	db_put_int(q, filter->target_id);
	store_page_put(q, page);
	while (out->count < room && db_row(q))
		take(q, arena, &out->items[out->count++]);
	out->more = out->count == room;
	return store_page_end(q, page, out->items, out->count, sizeof(*out->items), e);
}

bool store_report_update(struct db *w, const struct store_report *r, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_UPDATE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, r->id);
	db_put_int(q, r->category);
	db_put_text(q, r->rule_ids);
	db_put_ref(q, r->assigned_id);
	db_put_ref(q, r->resolved_by);
	db_put_ref(q, r->resolved_at);
	db_put_int(q, r->updated_at);
	return db_end(q, e);
}

bool store_report_count(struct db *db, bool resolved, int64_t from_ms, int64_t to_ms,
			int64_t *count, struct err *e)
{
	*count = 0;
	struct db_stmt *q = db_stmt(db, resolved ? SQL_COUNT_RESOLVED : SQL_COUNT_OPENED);
	db_put_int(q, from_ms);
	db_put_int(q, to_ms);
	if (db_row(q))
		*count = db_get_int(q);
	return db_end(q, e);
}

bool store_report_note_insert(struct db *w, const struct store_report_note *n, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_NOTE_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, n->id);
	db_put_int(q, n->report_id);
	db_put_ref(q, n->account_id);
	db_put_text(q, n->text);
	db_put_int(q, n->created_at);
	return db_end(q, e);
}

bool store_report_note_delete(struct db *w, int64_t report_id, int64_t id, bool *removed,
			      struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_NOTE_DELETE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, report_id);
	db_put_int(q, id);
	return store_end_changed(q, removed, e);
}

bool store_report_note_list(struct db *db, struct arena *arena, int64_t report_id,
			    struct store_report_note *out, size_t room, size_t *found,
			    struct err *e)
{
	*found = 0;
	struct db_stmt *q = db_stmt(db, SQL_NOTE_LIST);
	db_put_int(q, report_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q)) {
		struct store_report_note *n = &out[(*found)++];
		n->id = db_get_int(q);
		n->report_id = db_get_int(q);
		n->account_id = db_get_int(q);
		n->text = db_get_text(q, arena);
		n->created_at = db_get_int(q);
	}
	return db_end(q, e);
}

/* --- strikes --- */

static void take_strike(struct db_stmt *q, struct arena *arena, struct store_strike *s)
{
	s->id = db_get_int(q);
	s->account_id = db_get_int(q);
	s->target_id = db_get_int(q);
	s->action = (enum store_strike_action)db_get_int(q);
	s->reason = db_get_text(q, arena);
	s->report_id = db_get_int(q);
	s->post_ids = db_get_text(q, arena);
	s->appeal_code_hash = db_get_text(q, arena);
	s->appeal = db_get_text(q, arena);
	s->appealed_at = db_get_int(q);
	s->appeal_state = (enum store_appeal_state)db_get_int(q);
	s->created_at = db_get_int(q);
}

bool store_strike_insert(struct db *w, const struct store_strike *s, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_STRIKE_INSERT);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, s->id);
	db_put_ref(q, s->account_id);
	db_put_int(q, s->target_id);
	db_put_int(q, s->action);
	db_put_text(q, s->reason);
	db_put_ref(q, s->report_id);
	db_put_text(q, s->post_ids);
	db_put_text(q, s->appeal_code_hash);
	db_put_int(q, s->created_at);
	return db_end(q, e);
}

static bool read_strike(struct db_stmt *q, struct arena *arena, struct store_strike *out,
			struct err *e)
{
	bool found = db_row(q);
	if (found)
		take_strike(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_strike_get(struct db *db, struct arena *arena, int64_t id, struct store_strike *out,
		      struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_STRIKE_GET);
	db_put_int(q, id);
	return read_strike(q, arena, out, e);
}

bool store_strike_by_code(struct db *db, struct arena *arena, const char *code_hash,
			  struct store_strike *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_STRIKE_BY_CODE);
	db_put_text(q, code_hash);
	return read_strike(q, arena, out, e);
}

bool store_strike_list(struct db *db, struct arena *arena, int64_t target_id,
		       const struct store_page *page, struct store_strikes *out, struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	bool up = store_page_up(page);
	*out =
	    (struct store_strikes){.items = arena_alloc(arena, (room + 1) * sizeof(*out->items))};
	struct db_stmt *q =
	    db_stmt(db, target_id ? (up ? SQL_STRIKES_OF_UP : SQL_STRIKES_OF)
				  : (up ? SQL_STRIKES_APPEALS_UP : SQL_STRIKES_APPEALS));
	if (target_id)
		db_put_int(q, target_id);
	store_page_put(q, page);
	while (out->count < room && db_row(q))
		take_strike(q, arena, &out->items[out->count++]);
	out->more = out->count == room;
	return store_page_end(q, page, out->items, out->count, sizeof(*out->items), e);
}

bool store_strike_set_appeal(struct db *w, const struct store_strike *s,
			     enum store_appeal_state from, bool *changed, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_STRIKE_APPEAL);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, s->id);
	db_put_text(q, s->appeal);
	db_put_ref(q, s->appealed_at);
	db_put_int(q, s->appeal_state);
	db_put_int(q, from);
	return store_end_changed(q, changed, e);
}
