/* What is kept is never old: a statement that says what it changes ends what was made of that and nothing else;
 * one that says nothing ends everything; what was rolled back ends nothing it need not. And with threads: whoever
 * has heard that a write is done finds no kept value from before it. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "db/db.h"
#include "testdb.h"

static enum db_kind kind;

static const char SQL_SET[] =
    "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE "
    "SET value = excluded.value";
static const char SQL_GET[] = "SELECT CAST(value AS BIGINT) FROM settings WHERE name = 'n'";

struct call {
	enum { QUIET, SAYS_NONE, SAYS_KEY } how;
	int64_t key;
	int64_t value;
	bool fail;
};

static bool set(struct db *w, void *context, struct err *e)
{
	const struct call *call = context;
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)call->value);
	struct db_stmt *q = db_stmt(w, SQL_SET);
	db_put_text(q, "n");
	db_put_text(q, text);
	if (call->how == SAYS_NONE)
		db_touch(q, DB_NOUN_NONE, 0);
	else if (call->how == SAYS_KEY)
		db_touch(q, DB_NOUN_POST, call->key);
	return db_end(q, e) && (!call->fail || err_set(e, ERR_CONFLICT, "taken back"));
}

static void write_it(struct db *db, struct call call)
{
	struct err e = {0};
	assert_int_equal(db_write(db, set, &call, &e), !call.fail);
}

static int told;
static void on_change(void *context, const db_key *keys, size_t count)
{
	(void)context;
	told += count == 0 ? 100 : (int)count;
	if (count)
		assert_true(keys[0] == db_key_of(DB_NOUN_POST, 7));
}

static void test_keys(void **state)
{
	(void)state;
	struct err e = {0};
	struct db_pool *pool = db_pool_open(testdb_url(kind), &e);
	struct db *db = db_open(pool, &e);
	const db_key seven = db_key_of(DB_NOUN_POST, 7), eight = db_key_of(DB_NOUN_POST, 8),
		     other = db_key_of(DB_NOUN_HOME, 7);
	db_on_change(pool, on_change, NULL);
	told = 0;
	uint64_t seen = db_seen(pool);
	write_it(db, (struct call){.how = SAYS_NONE});
	assert_true(db_unchanged(pool, seen, &seven, 1));
	assert_int_equal(told, 0);
	write_it(db, (struct call){.how = SAYS_KEY, .key = 7});
	assert_false(db_unchanged(pool, seen, &seven, 1));
	assert_true(db_unchanged(pool, seen, &eight, 1));
	assert_true(db_unchanged(pool, seen, &other, 1));
	assert_true(db_unchanged(pool, db_seen(pool), &seven, 1));
	assert_int_equal(told, 1);
	seen = db_seen(pool);
	write_it(db, (struct call){.how = SAYS_KEY, .key = 7, .fail = true});
	if (kind == DB_POSTGRES)
		assert_true(db_unchanged(pool, seen, &seven, 1));
	assert_true(db_unchanged(pool, seen, &eight, 1));
	told = 0;
	write_it(db, (struct call){.how = QUIET});
	assert_false(db_unchanged(pool, seen, &eight, 1));
	assert_false(db_unchanged(pool, seen, NULL, 0));
	assert_int_equal(told, 100);
	seen = db_seen(pool);
	db_changed(pool, &eight, 1);
	assert_false(db_unchanged(pool, seen, &eight, 1));
	assert_true(db_unchanged(pool, seen, &other, 1));
	db_changed(pool, NULL, 0);
	assert_false(db_unchanged(pool, seen, &other, 1));
	db_close(db);
	db_pool_close(pool);
}

struct race {
	struct db_pool *pool;
	_Atomic int64_t done; /* the newest value whose write has been acknowledged */
	atomic_bool stop;
	atomic_int kept, failed;
};

static void *look(void *argument)
{
	struct race *race = argument;
	struct err e = {0};
	const db_key key = db_key_of(DB_NOUN_POST, 7);
	struct db *db = db_open(race->pool, &e);
	while (!atomic_load(&race->stop)) {
		uint64_t seen = db_seen(race->pool);
		struct db_stmt *q = db_stmt(db, SQL_GET);
		int64_t value = db_row(q) ? db_get_int(q) : 0;
		if (!db_end(q, &e))
			atomic_fetch_add(&race->failed, 1);
		for (int i = 0; i < 50; i++) {
			int64_t done = atomic_load(&race->done);
			if (!db_unchanged(race->pool, seen, &key, 1))
				break;
			atomic_fetch_add(&race->kept, 1);
			if (value < done)
				atomic_fetch_add(&race->failed, 1);
		}
	}
	db_close(db);
	return NULL;
}

static void test_race(void **state)
{
	(void)state;
	struct err e = {0};
	struct race race = {.pool = db_pool_open(testdb_url(kind), &e)};
	struct db *db = db_open(race.pool, &e);
	pthread_t threads[3];
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, look, &race);
	for (int64_t i = 1; i <= 300; i++) {
		write_it(db, (struct call){.how = SAYS_KEY, .key = 7, .value = i});
		atomic_store(&race.done, i);
	}
	atomic_store(&race.stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(race.failed, 0);
	assert_true(race.kept > 0);
	db_close(db);
	db_pool_close(race.pool);
}

static int run(enum db_kind k)
{
	kind = k;
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys),
					   cmocka_unit_test(test_race)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return testdb_run_both(run);
}
