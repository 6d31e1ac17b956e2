/* All SQL on programmes, cohorts and members. No state; any thread, with its own handle. */
#include "store/programme.h"

#include "store/end.h"

static const char SQL_INSERT[] =
    "INSERT INTO programmes (id, name, description, makers, models, tasks, places, starts_at, ends_at, terms, "
    "terms_at, review, review_hours, questions, listed, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
    "$10, $11, $12, $13, $14, $15, $16)";
static const char SQL_CHANGE[] =
    "UPDATE programmes SET name = $2, description = $3, makers = $4, models = $5, tasks = $6, places = $7, "
    "starts_at = $8, ends_at = $9, terms = $10, terms_at = $11, review = $12, review_hours = $13, "
    "questions = $14, listed = $15 WHERE id = $1";
#define COLUMNS                                                                                       \
	"id, name, description, makers, models, tasks, places, starts_at, ends_at, terms, terms_at, " \
	"review, review_hours, questions, listed, revocation_id, created_at"
static const char SQL_GET[] = "SELECT " COLUMNS " FROM programmes WHERE id = $1";
static const char SQL_LIST[] = "SELECT " COLUMNS " FROM programmes ORDER BY id DESC LIMIT $1";
static const char SQL_DELETE[] =
    "DELETE FROM programmes WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM members WHERE programme_id = $1)";
#define MEMBER_COLUMNS \
	"id, programme_id, account_id, cohort_id, state, reason, terms_accepted_at, created_at"
static const char SQL_MEMBER_INSERT[] =
    "INSERT INTO members (" MEMBER_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
static const char SQL_MEMBER_CHANGE[] =
    "UPDATE members SET cohort_id = $2, state = $3, reason = $4, terms_accepted_at = $5 WHERE id = $1";
static const char SQL_MEMBER_GET[] = "SELECT " MEMBER_COLUMNS " FROM members WHERE id = $1";
static const char SQL_MEMBER_OF[] =
    "SELECT " MEMBER_COLUMNS " FROM members WHERE programme_id = $1 AND account_id = $2";
#define MEMBERS \
	"SELECT " MEMBER_COLUMNS " FROM members WHERE programme_id = $1 AND (state = $2 OR $2 < 0)"
static const char SQL_MEMBERS[] = STORE_PAGE_DOWN(MEMBERS, "id", "$3", "$4", "$5");
static const char SQL_MEMBERS_UP[] = STORE_PAGE_UP(MEMBERS, "id", "$3", "$4", "$5");
static const char SQL_MEMBER_COUNT[] =
    "SELECT state, COUNT(*) FROM members WHERE programme_id = $1 AND (cohort_id = $2 OR $2 = 0) GROUP BY state";
static const char SQL_COHORT_INSERT[] =
    "INSERT INTO cohorts (id, programme_id, name, places, opens_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
static const char SQL_COHORT_CHANGE[] =
    "UPDATE cohorts SET name = $2, places = $3, opens_at = $4 WHERE id = $1";
#define COHORT_SELECT                                                                           \
	"SELECT id, programme_id, name, places, opens_at, revocation_id, created_at, (SELECT "  \
	"COUNT(*) FROM members m WHERE m.cohort_id = cohorts.id AND m.state < 3) FROM cohorts " \
	"WHERE "
static const char SQL_COHORT_GET[] = COHORT_SELECT "id = $1";
static const char SQL_COHORTS[] = COHORT_SELECT "programme_id = $1 ORDER BY id LIMIT $2";

static void take(struct db_stmt *q, struct arena *arena, struct store_programme *p)
{
	p->id = db_get_int(q);
	p->name = db_get_text(q, arena);
	p->description = db_get_text(q, arena);
	p->makers = db_get_text(q, arena);
	p->models = db_get_text(q, arena);
	p->tasks = db_get_text(q, arena);
	p->places = db_get_int(q);
	p->starts_at = db_get_int(q);
	p->ends_at = db_get_int(q);
	p->terms = db_get_text(q, arena);
	p->terms_at = db_get_int(q);
	p->review = db_get_bool(q);
	p->review_hours = db_get_int(q);
	p->questions = db_get_text(q, arena);
	p->listed = db_get_bool(q);
	p->revocation_id = db_get_int(q);
	p->created_at = db_get_int(q);
}

static void put_changeable(struct db_stmt *q, const struct store_programme *p)
{
	db_put_int(q, p->id);
	db_put_text(q, p->name);
	db_put_text(q, p->description);
	db_put_text(q, p->makers);
	db_put_text(q, p->models);
	db_put_text(q, p->tasks);
	db_put_int(q, p->places);
	db_put_ref(q, p->starts_at);
	db_put_ref(q, p->ends_at);
	db_put_text(q, p->terms);
	db_put_int(q, p->terms_at);
	db_put_bool(q, p->review);
	db_put_int(q, p->review_hours);
	db_put_text(q, p->questions);
	db_put_bool(q, p->listed);
}

bool store_programme_insert(struct db *w, const struct store_programme *p, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	put_changeable(q, p);
	db_put_int(q, p->created_at);
	return db_end(q, e);
}

bool store_programme_change(struct db *w, const struct store_programme *p, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_CHANGE);
	put_changeable(q, p);
	return db_end(q, e);
}

bool store_programme_get(struct db *db, struct arena *arena, int64_t id,
			 struct store_programme *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_programme_list(struct db *db, struct arena *arena, struct store_programme *out,
			  size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_LIST);
	*found = 0;
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		take(q, arena, &out[(*found)++]);
	return db_end(q, e);
}

bool store_programme_delete(struct db *w, int64_t id, bool *gone, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_put_int(q, id);
	return store_end_changed(q, gone, e);
}

/* --- members --- */

static void take_member(struct db_stmt *q, struct arena *arena, struct store_member *m)
{
	m->id = db_get_int(q);
	m->programme_id = db_get_int(q);
	m->account_id = db_get_int(q);
	m->cohort_id = db_get_int(q);
	m->state = (enum store_member_state)db_get_int(q);
	m->reason = db_get_text(q, arena);
	m->terms_accepted_at = db_get_int(q);
	m->created_at = db_get_int(q);
}

bool store_member_insert(struct db *w, const struct store_member *m, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_MEMBER_INSERT);
	db_put_int(q, m->id);
	db_put_int(q, m->programme_id);
	db_put_int(q, m->account_id);
	db_put_ref(q, m->cohort_id);
	db_put_int(q, m->state);
	db_put_text(q, m->reason);
	db_put_ref(q, m->terms_accepted_at);
	db_put_int(q, m->created_at);
	return db_end(q, e);
}

bool store_member_change(struct db *w, const struct store_member *m, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_MEMBER_CHANGE);
	db_put_int(q, m->id);
	db_put_ref(q, m->cohort_id);
	db_put_int(q, m->state);
	db_put_text(q, m->reason);
	db_put_ref(q, m->terms_accepted_at);
	return db_end(q, e);
}

static bool one_member(struct db_stmt *q, struct arena *arena, struct store_member *out,
		       struct err *e)
{
	bool found = db_row(q);
	if (found)
		take_member(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_member_get(struct db *db, struct arena *arena, int64_t id, struct store_member *out,
		      struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_MEMBER_GET);
	db_put_int(q, id);
	return one_member(q, arena, out, e);
}

bool store_member_of(struct db *db, struct arena *arena, int64_t programme_id, int64_t account_id,
		     struct store_member *out, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_MEMBER_OF);
	db_put_int(q, programme_id);
	db_put_int(q, account_id);
	return one_member(q, arena, out, e);
}

bool store_member_list(struct db *db, struct arena *arena, int64_t programme_id, int state,
		       const struct store_page *page, struct store_member *out, size_t *found,
		       struct err *e)
{
	size_t room = (size_t)store_page_limit(page);
	struct db_stmt *q = db_stmt(db, store_page_up(page) ? SQL_MEMBERS_UP : SQL_MEMBERS);
	*found = 0;
	db_put_int(q, programme_id);
	db_put_int(q, state);
	store_page_put(q, page);
	while (*found < room && db_row(q))
		take_member(q, arena, &out[(*found)++]);
	return store_page_end(q, page, out, *found, sizeof(*out), e);
}

bool store_member_count(struct db *db, int64_t programme_id, int64_t cohort_id, int64_t counts[5],
			struct err *e)
{
	for (int i = 0; i < 5; i++)
		counts[i] = 0;
	struct db_stmt *q = db_stmt(db, SQL_MEMBER_COUNT);
	db_put_int(q, programme_id);
	db_put_int(q, cohort_id);
	while (db_row(q)) {
		int64_t state = db_get_int(q), n = db_get_int(q);
		if (state >= 0 && state < 5)
			counts[state] = n;
	}
	return db_end(q, e);
}

/* --- cohorts --- */

static void take_cohort(struct db_stmt *q, struct arena *arena, struct store_cohort *c)
{
	c->id = db_get_int(q);
	c->programme_id = db_get_int(q);
	c->name = db_get_text(q, arena);
	c->places = db_get_int(q);
	c->opens_at = db_get_int(q);
	c->revocation_id = db_get_int(q);
	c->created_at = db_get_int(q);
	c->members = db_get_int(q);
}

bool store_cohort_insert(struct db *w, const struct store_cohort *c, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_COHORT_INSERT);
	db_put_int(q, c->id);
	db_put_int(q, c->programme_id);
	db_put_text(q, c->name);
	db_put_int(q, c->places);
	db_put_ref(q, c->opens_at);
	db_put_int(q, c->created_at);
	return db_end(q, e);
}

bool store_cohort_change(struct db *w, const struct store_cohort *c, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_COHORT_CHANGE);
	db_put_int(q, c->id);
	db_put_text(q, c->name);
	db_put_int(q, c->places);
	db_put_ref(q, c->opens_at);
	return db_end(q, e);
}

bool store_cohort_get(struct db *db, struct arena *arena, int64_t id, struct store_cohort *out,
		      struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_COHORT_GET);
	db_put_int(q, id);
	bool found = db_row(q);
	if (found)
		take_cohort(q, arena, out);
	return store_end_found(q, found, e);
}

bool store_cohort_list(struct db *db, struct arena *arena, int64_t programme_id,
		       struct store_cohort *out, size_t room, size_t *found, struct err *e)
{
	struct db_stmt *q = db_stmt(db, SQL_COHORTS);
	*found = 0;
	db_put_int(q, programme_id);
	db_put_int(q, (int64_t)room);
	while (*found < room && db_row(q))
		take_cohort(q, arena, &out[(*found)++]);
	return db_end(q, e);
}
