/* Owns what a pool remembers of changes: for each noun and id (many ids share a slot) the number of the last
 * commit that changed it. Any thread. What must stay true: a commit is counted before whoever asked for it
 * hears that it is done, and after it can be read; so whatever was read after db_seen() and is still
 * db_unchanged() is what a new look would find. */
#include "db/driver.h"

#include <stdlib.h>

enum { SLOTS = 1 << 16 };

struct db_versions {
	atomic_uint_fast64_t count; /* of commits that changed something */
	atomic_uint_fast64_t all;   /* the last that did not say what */
	atomic_uint_fast64_t slots[SLOTS];
	db_changed_fn *tell;
	void *context;
};

struct db_versions *db_versions_create(void)
{
	struct db_versions *v = calloc(1, sizeof *v);
	if (!v)
		abort();
	return v;
}

void db_versions_destroy(struct db_versions *v)
{
	free(v);
}

db_key db_key_of(enum db_noun noun, int64_t id)
{
	return ((uint64_t)noun << 60) ^ ((uint64_t)id & (UINT64_MAX >> 4));
}

static atomic_uint_fast64_t *slot_of(struct db_versions *v, db_key key)
{
	return &v->slots[(key * UINT64_C(0x9E3779B97F4A7C15)) >> 48];
}

/* Numbers only grow, also where two threads set one slot. */
static void raise(atomic_uint_fast64_t *at, uint64_t number)
{
	uint64_t old = atomic_load(at);
	while (old < number && !atomic_compare_exchange_weak(at, &old, number))
		;
}

void db_changed(struct db_pool *p, const db_key *keys, size_t count)
{
	struct db_versions *v = p->versions;
	uint64_t number = atomic_fetch_add(&v->count, 1) + 1;
	if (count == 0)
		raise(&v->all, number);
	for (size_t i = 0; i < count; i++)
		raise(slot_of(v, keys[i]), number);
}

uint64_t db_seen(struct db_pool *p)
{
	return atomic_load(&p->versions->count);
}

bool db_unchanged(struct db_pool *p, uint64_t seen, const db_key *keys, size_t count)
{
	struct db_versions *v = p->versions;
	bool same = atomic_load(&v->all) <= seen;
	for (size_t i = 0; same && i < count; i++)
		same = atomic_load(slot_of(v, keys[i])) <= seen;
	return same;
}

void db_on_change(struct db_pool *p, db_changed_fn *tell, void *context)
{
	p->versions->tell = tell;
	p->versions->context = context;
}

/* --- what one transaction changes --- */

void db_touch(struct db_stmt *q, enum db_noun noun, int64_t id)
{
	struct db_touches *t = &q->db->touches;
	q->touched = true;
	if (noun == DB_NOUN_NONE || t->all)
		return;
	if (t->count == DB_TOUCHES_MAX)
		t->all = true;
	else
		t->keys[t->count++] = db_key_of(noun, id);
}

void db_touches_begin(struct db *db)
{
	db->touches.all = false;
	db->touches.count = 0;
}

void db_touches_publish(struct db *db)
{
	struct db_touches *t = &db->touches;
	struct db_versions *v = db->pool->versions;
	if (!t->all && !t->count)
		return;
	db_changed(db->pool, t->keys, t->all ? 0 : t->count);
	if (v->tell)
		v->tell(v->context, t->keys, t->all ? 0 : t->count);
	db_touches_begin(db);
}
