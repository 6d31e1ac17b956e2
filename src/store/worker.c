/* All SQL on workers, makers' rules and service times. No state; any thread, with its own handle. */
#include "store/worker.h"

enum { WORKERS_MAX = 1000, RULES_MAX = 256, TIMES_MAX = 20000 };

#define WORKER                                                                                 \
	"name, makers, slots, busy, utilisation, memory_free, started_at, seen_at, pictures, " \
	"cpu_s, joules, joules IS NOT NULL, prefixes_computed, prefixes_shared, "              \
	"prefix_tokens_computed, prefix_tokens_shared"
static const char SQL_SET[] =
    "INSERT INTO workers (name, makers, slots, busy, utilisation, memory_free, started_at, seen_at, pictures, cpu_s, "
    "joules, prefixes_computed, prefixes_shared, prefix_tokens_computed, prefix_tokens_shared) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) "
    "ON CONFLICT (name) DO UPDATE SET makers = excluded.makers, "
    "slots = excluded.slots, busy = excluded.busy, utilisation = excluded.utilisation, "
    "memory_free = excluded.memory_free, started_at = excluded.started_at, seen_at = excluded.seen_at, "
    "pictures = excluded.pictures, cpu_s = excluded.cpu_s, joules = excluded.joules, "
    "prefixes_computed = excluded.prefixes_computed, prefixes_shared = excluded.prefixes_shared, "
    "prefix_tokens_computed = excluded.prefix_tokens_computed, "
    "prefix_tokens_shared = excluded.prefix_tokens_shared";
static const char SQL_DELETE[] = "DELETE FROM workers WHERE name = $1";
static const char SQL_LIST[] =
    "SELECT " WORKER " FROM workers WHERE seen_at >= $1 ORDER BY name LIMIT $2";
static const char SQL_EXPIRE[] = "DELETE FROM workers WHERE seen_at < $1";
#define RULE "SELECT maker, paused, reason, cost FROM maker_rules "
static const char SQL_RULE_GET[] = RULE "WHERE maker = $1";
static const char SQL_RULE_LIST[] = RULE "ORDER BY maker LIMIT $1";
static const char SQL_RULE_SET[] =
    "INSERT INTO maker_rules (maker, paused, reason, cost) VALUES ($1, $2, $3, $4) ON CONFLICT (maker) "
    "DO UPDATE SET paused = excluded.paused, reason = excluded.reason, cost = excluded.cost";
static const char SQL_TIME_ADD[] =
    "INSERT INTO service_times (maker, task, size, kind, bucket, count) VALUES ($1, $2, $3, $4, $5, $6) "
    "ON CONFLICT (maker, task, size, kind, bucket) DO UPDATE SET count = service_times.count + "
    "excluded.count";
static const char SQL_TIME_HALVE[] =
    "UPDATE service_times SET count = count / 2 WHERE maker = $1 AND task = $2 AND size = $3 AND kind = $4";
static const char SQL_TIME_LIST[] =
    "SELECT maker, task, size, kind, bucket, count FROM service_times "
    "ORDER BY maker, task, size, kind LIMIT $1";

static void put_work(struct db_stmt *q, const struct store_work *work)
{
	db_put_int(q, work->pictures);
	db_put_double(q, work->cpu_s);
	if (work->has_joules)
		db_put_double(q, work->joules);
	else
		db_put_null(q);
	db_put_int(q, work->prefixes_computed);
	db_put_int(q, work->prefixes_shared);
	db_put_int(q, work->prefix_tokens_computed);
	db_put_int(q, work->prefix_tokens_shared);
}

static void take_work(struct db_stmt *q, struct store_work *work)
{
	work->pictures = db_get_int(q);
	work->cpu_s = db_get_double(q);
	work->joules = db_get_double(q);
	work->has_joules = db_get_bool(q);
	work->prefixes_computed = db_get_int(q);
	work->prefixes_shared = db_get_int(q);
	work->prefix_tokens_computed = db_get_int(q);
	work->prefix_tokens_shared = db_get_int(q);
}

bool store_worker_set(struct db *w, const struct store_worker *worker, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_text(q, worker->name);
	db_put_text(q, worker->makers);
	db_put_int(q, worker->slots);
	db_put_int(q, worker->busy);
	db_put_double(q, worker->utilisation);
	db_put_double(q, worker->memory_free);
	db_put_int(q, worker->started_at);
	db_put_int(q, worker->seen_at);
	put_work(q, &worker->work);
	return db_end(q, e);
}

bool store_worker_delete(struct db *w, const char *name, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_DELETE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_text(q, name);
	return db_end(q, e);
}

bool store_worker_list(struct db *db, struct arena *arena, int64_t since_ms,
		       struct store_worker **items, size_t *count, struct err *e)
{
	*count = 0;
	*items = arena_alloc(arena, WORKERS_MAX * sizeof **items);
	struct db_stmt *q = db_stmt(db, SQL_LIST);
	db_put_int(q, since_ms);
	db_put_int(q, WORKERS_MAX);
	while (*count < WORKERS_MAX && db_row(q)) {
		struct store_worker *w = &(*items)[(*count)++];
		w->name = db_get_text(q, arena);
		w->makers = db_get_text(q, arena);
		w->slots = db_get_int(q);
		w->busy = db_get_int(q);
		w->utilisation = db_get_double(q);
		w->memory_free = db_get_double(q);
		w->started_at = db_get_int(q);
		w->seen_at = db_get_int(q);
		take_work(q, &w->work);
	}
	return db_end(q, e);
}

bool store_worker_expire(struct db *w, int64_t before_ms, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_EXPIRE);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_int(q, before_ms);
	return db_end(q, e);
}

static void take_rule(struct db_stmt *q, struct arena *arena, struct store_maker_rule *out)
{
	out->maker = db_get_text(q, arena);
	out->paused = db_get_bool(q);
	out->reason = db_get_text(q, arena);
	out->cost = db_get_double(q);
}

bool store_maker_rule_get(struct db *db, struct arena *arena, const char *maker,
			  struct store_maker_rule *out, struct err *e)
{
	*out = (struct store_maker_rule){.maker = maker, .reason = ""};
	struct db_stmt *q = db_stmt(db, SQL_RULE_GET);
	db_put_text(q, maker);
	if (db_row(q))
		take_rule(q, arena, out);
	return db_end(q, e);
}

bool store_maker_rule_set(struct db *w, const struct store_maker_rule *rule, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_RULE_SET);
	db_touch(q, DB_NOUN_NONE, 0);
	db_put_text(q, rule->maker);
	db_put_bool(q, rule->paused);
	db_put_text(q, rule->reason);
	db_put_double(q, rule->cost);
	return db_end(q, e);
}

bool store_maker_rule_list(struct db *db, struct arena *arena, struct store_maker_rule **items,
			   size_t *count, struct err *e)
{
	*count = 0;
	*items = arena_alloc(arena, RULES_MAX * sizeof **items);
	struct db_stmt *q = db_stmt(db, SQL_RULE_LIST);
	db_put_int(q, RULES_MAX);
	while (*count < RULES_MAX && db_row(q))
		take_rule(q, arena, &(*items)[(*count)++]);
	return db_end(q, e);
}

static void put_key(struct db_stmt *q, const struct store_time *t)
{
	db_put_text(q, t->maker);
	db_put_int(q, t->task);
	db_put_int(q, t->size);
	db_put_int(q, t->kind);
}

bool store_time_add(struct db *w, const struct store_time *t, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_TIME_ADD);
	db_touch(q, DB_NOUN_NONE, 0);
	put_key(q, t);
	db_put_int(q, t->bucket);
	db_put_double(q, t->count);
	return db_end(q, e);
}

bool store_time_halve(struct db *w, const struct store_time *t, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_TIME_HALVE);
	db_touch(q, DB_NOUN_NONE, 0);
	put_key(q, t);
	return db_end(q, e);
}

bool store_time_list(struct db *db, struct arena *arena, struct store_time **items, size_t *count,
		     struct err *e)
{
	size_t room = 256;
	*count = 0;
	*items = arena_alloc(arena, room * sizeof **items);
	struct db_stmt *q = db_stmt(db, SQL_TIME_LIST);
	db_put_int(q, TIMES_MAX);
	while (db_row(q)) {
		if (*count == room) {
			struct store_time *old = *items;
			*items = arena_alloc(arena, 2 * room * sizeof **items);
			for (size_t i = 0; i < room; i++)
				(*items)[i] = old[i];
			room *= 2;
		}
		struct store_time *t = &(*items)[(*count)++];
		t->maker = db_get_text(q, arena);
		t->task = (int)db_get_int(q);
		t->size = db_get_int(q);
		t->kind = (int)db_get_int(q);
		t->bucket = (int)db_get_int(q);
		t->count = db_get_double(q);
	}
	return db_end(q, e);
}
