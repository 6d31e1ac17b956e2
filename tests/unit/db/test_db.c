/* The driver interface, on both databases: values there and back, failures, transactions, 64 writers. */
#include "base/id.h"
#include "base/log.h"
#include "base/thread.h"
#include "db/driver.h"
#include "testdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum db_kind kind;
static const char *url;
static struct db_pool *pool;
static struct db *db;
static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	struct err e = {0};
	url = testdb_url(kind);
	pool = db_pool_open(url, &e);
	if (!pool)
		print_error("%s (%s)\n", e.message, e.detail);
	assert_non_null(pool);
	db = db_open(pool, &e);
	assert_non_null(db);
	arena = arena_create(16 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	db_close(db);
	db_pool_close(pool);
	arena_destroy(arena);
	return 0;
}

static const char SQL_SET[] = "INSERT INTO settings (name, value) VALUES ($1, $2)";
static const char SQL_GET[] = "SELECT value FROM settings WHERE name = $1";
static const char SQL_COUNT[] = "SELECT COUNT(*) FROM settings";
static const char SQL_SWAPPED[] = "UPDATE settings SET value = $2 WHERE name = $1";
static const char SQL_BROKEN[] = "SELECT nothing FROM nowhere";

struct pair {
	const char *name;
	const char *value;
	bool then_fail;
};

static bool set(struct db *w, void *context, struct err *e)
{
	struct pair *pair = context;
	struct db_stmt *q = db_stmt(w, SQL_SET);
	db_put_text(q, pair->name);
	db_put_text(q, pair->value);
	if (!db_end(q, e))
		return false;
	return pair->then_fail ? err_set(e, ERR_LIMIT, "on purpose") : true;
}

static int64_t count_settings(void)
{
	struct err e = {0};
	int64_t count = -1;
	struct db_stmt *q = db_stmt(db, SQL_COUNT);
	if (db_row(q))
		count = db_get_int(q);
	assert_true(db_end(q, &e));
	return count;
}

static char *get(const char *name)
{
	struct err e = {0};
	char *value = NULL;
	struct db_stmt *q = db_stmt(db, SQL_GET);
	db_put_text(q, name);
	if (db_row(q))
		value = db_get_text(q, arena);
	assert_true(db_end(q, &e));
	return value;
}

static const char SQL_VALUES[] =
    "SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS DOUBLE PRECISION), CAST($4 AS BOOLEAN), "
    "CAST($5 AS BIGINT), CAST($6 AS TEXT), $7 LIKE 'x%'";

static void values_come_back(void **state)
{
	(void)state;
	struct err e = {0};
	struct db_stmt *q = db_stmt(db, SQL_VALUES);
	db_put_int(q, INT64_MIN);
	db_put_text(q, "마당 'quoted' \"text\"");
	db_put_double(q, 0.1);
	db_put_bool(q, true);
	db_put_ref(q, 0);
	db_put_text(q, NULL);
	db_put_text(q, "xyz");
	assert_true(db_row(q));
	assert_true(db_get_int(q) == INT64_MIN);
	assert_string_equal(db_get_text(q, arena), "마당 'quoted' \"text\"");
	assert_true(db_get_double(q) == 0.1);
	assert_true(db_get_bool(q));
	assert_int_equal(db_get_int(q), 0);
	assert_null(db_get_text(q, arena));
	assert_true(db_get_bool(q));
	assert_false(db_row(q));
	assert_true(db_end(q, &e));
}

static bool set_swapped(struct db *db_or_w, void *context, struct err *e)
{
	struct pair *pair = context;
	struct db_stmt *q = db_stmt(db_or_w, SQL_SWAPPED); /* $2 stands before $1 in the text */
	db_put_text(q, pair->name);
	db_put_text(q, pair->value);
	int64_t changed = 0;
	if (!db_end_changed(q, &changed, e))
		return false;
	return changed == 1 || err_set(e, ERR_NOT_FOUND, "no row");
}

static void parameters_go_by_number(void **state)
{
	(void)state;
	struct err e = {0};
	struct pair pair = {"title", "old", false};
	assert_true(db_write(db, set, &pair, &e));
	pair.value = "new";
	assert_true(db_write(db, set_swapped, &pair, &e));
	assert_string_equal(get("title"), "new");
}

static void readers_cannot_write(void **state)
{
	(void)state;
	struct err e = {0};
	struct pair pair = {"title", "old", false};
	assert_true(db_write(db, set, &pair, &e));
	pair.value = "new";
	assert_false(set_swapped(db, &pair, &e));
	assert_string_equal(get("title"), "old");
}

static void failures_are_not_absence(void **state)
{
	(void)state;
	struct err e = {0};
	struct db_stmt *q = db_stmt(db, SQL_BROKEN);
	assert_false(db_row(q));
	assert_false(db_end(q, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_true(strlen(e.detail) > 0);
	assert_null(get("missing")); /* the handle goes on */
}

static const char SQL_THREE[] =
    "SELECT CAST(7 AS BIGINT) AS id UNION ALL SELECT 5 UNION ALL SELECT 3 ORDER BY id DESC";

static void ids_stop_where_the_room_ends(void **state)
{
	(void)state;
	struct err e = {0};
	int64_t ids[4] = {1, 1, 1, 1};
	size_t found = 9;
	assert_true(db_end_ids(db_stmt(db, SQL_THREE), ids, 2, &found, &e));
	assert_int_equal(found, 2);
	assert_true(ids[0] == 7 && ids[1] == 5 && ids[2] == 1);
	assert_true(db_end_ids(db_stmt(db, SQL_THREE), ids, 4, &found, &e));
	assert_int_equal(found, 3);
	assert_true(ids[2] == 3 && ids[3] == 1);
	assert_false(db_end_ids(db_stmt(db, SQL_BROKEN), ids, 4, &found, &e));
	assert_int_equal(found, 0);
	assert_int_equal(e.code, ERR_INTERNAL);
}

static void duplicate_is_a_conflict(void **state)
{
	(void)state;
	struct err e = {0};
	struct pair pair = {"a", "1", false};
	assert_true(db_write(db, set, &pair, &e));
	assert_false(db_write(db, set, &pair, &e));
	assert_int_equal(e.code, ERR_CONFLICT);
	assert_int_equal(count_settings(), 1);
}

static bool set_two(struct db *w, void *context, struct err *e)
{
	struct pair *pairs = context;
	struct err inner = {0};
	if (!set(w, &pairs[0], e))
		return false;
	/* the inner one fails and is undone; the outer one goes on */
	if (db_write(w, set, &pairs[1], &inner))
		return err_set(e, ERR_INTERNAL, "the inner write should have failed");
	return db_write(w, set, &pairs[2], e);
}

static void inner_failure_undoes_itself(void **state)
{
	(void)state;
	struct err e = {0};
	struct pair pairs[] = {{"a", "1", false}, {"a", "2", false}, {"c", "3", false}};
	assert_true(db_write(db, set_two, pairs, &e));
	assert_int_equal(count_settings(), 2);
	assert_string_equal(get("a"), "1");
	struct pair failing = {"d", "4", true};
	assert_false(db_write(db, set, &failing, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	assert_int_equal(count_settings(), 2);
}

static bool ignore_a_failure(struct db *w, void *context, struct err *e)
{
	struct pair *pair = context;
	(void)set(w, pair, e);
	(void)set(w, pair, e);
	return true; /* wrong, and caught */
}

static void ignored_failure_is_caught(void **state)
{
	(void)state;
	struct err e = {0};
	struct pair pair = {"a", "1", false};
	assert_false(db_write(db, ignore_a_failure, &pair, &e));
	assert_int_equal(count_settings(), 0);
	assert_true(db_write(db, set, &pair, &e));
}

static void query_inside_its_own_rows(void **state)
{
	(void)state;
	struct err e = {0};
	struct pair pairs[] = {{"a", "1", false}, {"b", "2", false}};
	for (int i = 0; i < 2; i++)
		assert_true(db_write(db, set, &pairs[i], &e));
	struct db_stmt *outer = db_stmt(db, SQL_GET);
	db_put_text(outer, "a");
	assert_true(db_row(outer));
	assert_string_equal(get("b"), "2");
	assert_string_equal(db_get_text(outer, arena), "1");
	assert_true(db_end(outer, &e));
}

/* --- changes whose outcome may wait --- */

static bool set_later(struct db *w, const char *name, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_SET);
	db_put_text(q, name);
	db_put_text(q, "later");
	return db_end_later(q, e);
}

static bool count_in(struct db *w, int64_t *count, struct err *e)
{
	struct db_stmt *q = db_stmt(w, SQL_COUNT);
	*count = db_row(q) ? db_get_int(q) : -1;
	return db_end(q, e);
}

enum { MANY = 100 };

static bool set_many_later(struct db *w, void *context, struct err *e)
{
	char name[16];
	(void)context;
	for (int i = 0; i < MANY; i++) {
		int64_t count;
		snprintf(name, sizeof(name), "n%d", i);
		if (!set_later(w, name, e))
			return false;
		/* What has not been waited for is there for whoever looks; a text that is used for the first time too. */
		if (i == 3 && (!count_in(w, &count, e) || count != 4))
			return err_set(e, ERR_INTERNAL, "not seen");
	}
	return true;
}

static void later_is_done(void **state)
{
	(void)state;
	struct err e = {0};
	assert_true(db_write(db, set_many_later, NULL, &e));
	assert_int_equal(count_settings(), MANY);
}

/* What follows the statement that fails. */
enum then {
	THEN_COMMIT,
	THEN_READ,
	THEN_NEW_TEXT,
	THEN_LATER,
	THEN_WRITE,
	THEN_GIVE_UP,
	THEN_COUNT
};

static bool fail_later(struct db *w, void *context, struct err *e)
{
	static const char SQL_NEW[] = "SELECT name FROM settings WHERE name = $1";
	enum then then = *(enum then *)context;
	struct pair pair = {"z", "1", false};
	struct db_stmt *q;
	int64_t count;
	if (!set_later(w, "b", e) || !set_later(w, "a", e))
		return false;
	switch (then) {
	case THEN_READ:
		return count_in(w, &count, e);
	case THEN_NEW_TEXT:
		q = db_stmt(w, SQL_NEW);
		db_put_text(q, "a");
		return db_end(q, e);
	case THEN_LATER:
		return set_later(w, "c", e);
	case THEN_WRITE:
		return db_write(w, set, &pair, e);
	case THEN_GIVE_UP:
		return err_set(e, ERR_LIMIT, "on purpose");
	default:
		return true;
	}
}

static void later_failure_is_found(void **state)
{
	(void)state;
	struct pair before = {"a", "1", false}, after = {"b", "2", false};
	struct err e = {0};
	assert_true(db_write(db, set, &before, &e));
	for (enum then then = 0; then < THEN_COUNT; then++) {
		e = (struct err){0};
		assert_false(db_write(db, fail_later, &then, &e));
		bool gave_up = then == THEN_GIVE_UP && kind == DB_POSTGRES;
		if (e.code != (gave_up ? ERR_LIMIT : ERR_CONFLICT))
			print_error("%d: %s (%s)\n", (int)then, e.message, e.detail);
		assert_int_equal(e.code, gave_up ? ERR_LIMIT : ERR_CONFLICT);
		assert_int_equal(count_settings(), 1);
	}
	assert_true(db_write(db, set, &after, &e));
	assert_int_equal(count_settings(), 2);
}

static bool later_within(struct db *w, void *context, struct err *e)
{
	return set_later(w, "c", e) && set_later(w, context, e);
}

static bool later_around(struct db *w, void *context, struct err *e)
{
	struct err inner = {0};
	(void)context;
	if (!set_later(w, "a", e))
		return false;
	if (db_write(w, later_within, "a", &inner) || inner.code != ERR_CONFLICT)
		return err_set(e, ERR_INTERNAL, "the inner write should have failed");
	return db_write(w, later_within, "d", e) && set_later(w, "e", e);
}

static void later_keeps_to_its_savepoint(void **state)
{
	(void)state;
	struct err e = {0};
	assert_true(db_write(db, later_around, NULL, &e));
	assert_int_equal(count_settings(), 4);
}

static bool later_inside_rows(struct db *w, void *context, struct err *e)
{
	(void)context;
	struct db_stmt *outer = db_stmt(w, SQL_GET), *inner;
	db_put_text(outer, "a");
	bool found = db_row(outer) && set_later(w, "b", e);
	inner = db_stmt(w, SQL_GET); /* not the cached one, and gone when it ends */
	db_put_text(inner, "b");
	found = found && db_row(inner) && set_later(w, "c", e);
	return db_end(inner, e) && db_end(outer, e) &&
	       (found || err_set(e, ERR_INTERNAL, "not found"));
}

static void later_among_others(void **state)
{
	(void)state;
	struct err e = {0};
	struct pair first = {"a", "1", false};
	assert_true(db_write(db, set, &first, &e));
	assert_true(db_write(db, later_inside_rows, NULL, &e));
	assert_int_equal(count_settings(), 3);
}

static const char SQL_PID[] = "SELECT pg_backend_pid()";
static const char SQL_CUT[] =
    "SELECT CAST(pg_terminate_backend(CAST($1 AS INTEGER), 5000) AS TEXT)";

struct cut {
	int cuts;  /* in how many runs the connection goes */
	bool read; /* something is asked before the commit */
	int runs;
};

static bool cut_off(struct db *w, void *context, struct err *e)
{
	struct cut *cut = context;
	struct err other_error = {0};
	struct db_stmt *q = db_stmt(w, SQL_PID);
	int64_t pid = db_row(q) ? db_get_int(q) : 0, count;
	if (!db_end(q, e) || !set_later(w, "a", e))
		return false;
	if (cut->runs++ < cut->cuts) {
		struct db *other = db_open(pool, &other_error);
		q = db_stmt(other, SQL_CUT);
		db_put_int(q, pid);
		if (!db_end(q, &other_error))
			print_error("%s\n", other_error.detail);
		db_close(other);
	}
	return !cut->read || count_in(w, &count, e);
}

/* What was not committed for certain is done once more; what may have been is not. */
static void cut_in_the_middle(void **state)
{
	(void)state;
	struct err e = {0};
	struct cut at_commit = {.cuts = 1}, always = {.cuts = 9, .read = true},
		   once = {.cuts = 1, .read = true};
	if (kind == DB_SQLITE)
		return;
	assert_false(db_write(db, cut_off, &at_commit, &e));
	assert_int_equal(e.code, ERR_IO);
	assert_int_equal(at_commit.runs, 1);
	assert_false(db_write(db, cut_off, &always, &e));
	assert_int_equal(e.code, ERR_IO);
	assert_int_equal(always.runs, 2);
	assert_int_equal(count_settings(), 0);
	assert_true(db_write(db, cut_off, &once, &e));
	assert_int_equal(once.runs, 2);
	assert_int_equal(count_settings(), 1);
}

static void invalid_text(void **state)
{
	(void)state;
	struct err e = {0};
	struct pair pair = {"bad", "\xff\xfe", false};
	bool ok = db_write(db, set, &pair, &e);
	assert_true(ok ||
		    e.code == ERR_INVALID); /* SQLite keeps it; the rules above refuse it before */
	assert_true(kind == DB_SQLITE ? ok : !ok);
}

enum { WRITERS = 64, WRITES_EACH = 20 };

static void writer_run(void *argument)
{
	struct err e = {0};
	struct db *own = db_open(pool, &e);
	if (!own) {
		*(int *)argument = -1;
		return;
	}
	for (int i = 0; i < WRITES_EACH; i++) {
		char name[40];
		snprintf(name, sizeof(name), "n%lld", (long long)id_new());
		struct pair pair = {name, "x", i % 5 == 4}; /* every fifth fails on purpose */
		*(int *)argument += db_write(own, set, &pair, &e);
	}
	db_close(own);
}

static void many_writers(void **state)
{
	(void)state;
	struct err e = {0};
	pthread_t threads[WRITERS];
	int done[WRITERS] = {0};
	for (int i = 0; i < WRITERS; i++)
		assert_true(thread_start(&threads[i], "writer", writer_run, &done[i], &e));
	int sum = 0;
	for (int i = 0; i < WRITERS; i++) {
		thread_join(threads[i]);
		sum += done[i];
	}
	assert_int_equal(sum, WRITERS * WRITES_EACH * 4 / 5);
	assert_int_equal(count_settings(), sum);
	struct db_stats stats;
	db_pool_stats(pool, &stats);
	assert_int_equal(stats.writes, sum);
	if (kind == DB_SQLITE)
		assert_true(stats.commits < stats.writes); /* they shared commits */
}

static void migrations_run_once(void **state)
{
	(void)state;
	struct err e = {0};
	struct db_pool *second = db_pool_open(url, &e);
	assert_non_null(second);
	db_pool_close(second);
}

static const char SQL_NEWER[] =
    "INSERT INTO schema_migrations (version, name, applied_at) VALUES (9999, 'x', 0)";

static bool make_newer(struct db *w, void *context, struct err *e)
{
	(void)context;
	return db_end(db_stmt(w, SQL_NEWER), e);
}

static void newer_database_is_refused(void **state)
{
	(void)state;
	struct err e = {0};
	assert_true(db_write(db, make_newer, NULL, &e));
	assert_null(db_pool_open(url, &e));
	assert_int_equal(e.code, ERR_UNSUPPORTED);
}

static void bad_urls(void **state)
{
	(void)state;
	static const char *const urls[] = {"", "sqlite:", "mysql://x", "sqlite:/nowhere/at/all.db",
					   "postgres://nobody@/x?host=/nowhere"};
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct err e = {0};
		assert_null(db_pool_open(urls[i], &e));
		assert_true(e.code == ERR_INVALID || e.code == ERR_IO);
	}
}

static bool notify_in_write(struct db *w, void *context, struct err *e)
{
	return db_notify(w, "events", context, e);
}

static void notify_arrives(void **state)
{
	(void)state;
	struct err e = {0};
	struct db_listener *l = db_listener_open(pool, "events", &e);
	assert_true(db_write(db, notify_in_write, "hello", &e));
	if (kind == DB_SQLITE) {
		assert_null(l);
		return;
	}
	assert_non_null(l);
	char *payload = NULL;
	assert_true(db_listener_wait(l, 5000, arena, &payload, &e));
	assert_string_equal(payload, "hello");
	assert_false(db_listener_wait(l, 10, arena, &payload, &e));
	assert_int_equal(e.code, ERR_BUSY);
	db_listener_close(l);
	assert_null(db_listener_open(pool, "no good; name", &e));
}

/* The database goes away and comes back; the process stays. */
static void gone_and_back(void **state)
{
	(void)state;
	struct err e = {0};
	struct pair first = {"a", "1", false}, second = {"b", "2", false};
	assert_true(db_write(db, set, &first, &e));
	char away[256];
	if (kind == DB_SQLITE) {
		snprintf(away, sizeof(away), "%s.away", url + 7);
		assert_int_equal(rename(url + 7, away), 0);
	} else {
		testdb_postgres_stop();
	}
	assert_false(db_write(db, set, &second, &e));
	if (e.code != ERR_IO)
		print_error("%s (%s)\n", e.message, e.detail);
	assert_int_equal(e.code, ERR_IO);
	if (kind == DB_SQLITE)
		assert_int_equal(rename(away, url + 7), 0);
	else
		testdb_postgres_start();
	e = (struct err){0};
	assert_true(db_write(db, set, &second, &e));
	assert_string_equal(get("a"), "1");
	assert_string_equal(get("b"), "2");
}

static int run(enum db_kind which)
{
	kind = which;
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(values_come_back),
	    TEST(parameters_go_by_number),
	    TEST(readers_cannot_write),
	    TEST(failures_are_not_absence),
	    TEST(ids_stop_where_the_room_ends),
	    TEST(duplicate_is_a_conflict),
	    TEST(inner_failure_undoes_itself),
	    TEST(ignored_failure_is_caught),
	    TEST(query_inside_its_own_rows),
	    TEST(later_is_done),
	    TEST(later_failure_is_found),
	    TEST(later_keeps_to_its_savepoint),
	    TEST(later_among_others),
	    TEST(cut_in_the_middle),
	    TEST(invalid_text),
	    TEST(many_writers),
	    TEST(migrations_run_once),
	    TEST(newer_database_is_refused),
	    TEST(bad_urls),
	    TEST(notify_arrives),
	    TEST(gone_and_back),
	};
	return cmocka_run_group_tests_name(which == DB_SQLITE ? "sqlite" : "postgres", tests, NULL,
					   NULL);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	return testdb_run_both(run);
}
