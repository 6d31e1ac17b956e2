/* Between processes on one PostgreSQL (here: relays of one process): others hear, in order and whole, whatever
 * the length; oneself does not; a text of a transaction comes if that commits, and only then; after the database
 * was gone, whoever listens learns that something may have been missed. On SQLite nothing happens. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/log.h"
#include "bus/relay.h"
#include "testdb.h"

struct ear {
	pthread_mutex_t lock;
	int count, missed;
	char kind[32];
	char *text; /* the last one */
};

static void on_heard(void *context, const char *kind, const char *text)
{
	struct ear *ear = context;
	pthread_mutex_lock(&ear->lock);
	ear->count++;
	snprintf(ear->kind, sizeof ear->kind, "%s", kind);
	free(ear->text);
	ear->text = strdup(text);
	pthread_mutex_unlock(&ear->lock);
}

static void on_missed(void *context)
{
	struct ear *ear = context;
	pthread_mutex_lock(&ear->lock);
	ear->missed++;
	pthread_mutex_unlock(&ear->lock);
}

static void wait_for(struct ear *ear, const int *what, int count)
{
	const struct timespec nap = {.tv_nsec = 5000000};
	for (int i = 0; i < 6000; i++) {
		pthread_mutex_lock(&ear->lock);
		bool there = *what >= count;
		pthread_mutex_unlock(&ear->lock);
		if (there)
			return;
		nanosleep(&nap, NULL);
	}
	fail_msg("it never came");
}

static struct relay *open_relay(struct db_pool *pool, struct ear *ear)
{
	struct err e = {0};
	*ear = (struct ear){.lock = PTHREAD_MUTEX_INITIALIZER};
	struct relay *r = relay_create(pool);
	const struct relay_hooks hooks = {.context = ear, .heard = on_heard, .missed = on_missed};
	if (!relay_start(r, &hooks, &e))
		fail_msg("%s (%s)", e.message, e.detail);
	return r;
}

/* 20,000 characters of three bytes, so that every cut falls near one, and no two parts are alike in length. */
static char *long_text(void)
{
	char *text = malloc(60001);
	for (int i = 0; i < 20000; i++)
		memcpy(text + 3 * i, i % 7 ? "마" : "당", 3);
	text[60000] = '\0';
	return text;
}

struct call {
	struct relay *relay;
	bool fail;
};

static bool send_in(struct db *w, void *context, struct err *e)
{
	const struct call *call = context;
	return relay_send_in(call->relay, w, "exact", "from a transaction", e) &&
	       (!call->fail || err_set(e, ERR_CONFLICT, "taken back"));
}

static void test_postgres(void **state)
{
	(void)state;
	struct err e = {0};
	struct db_pool *pool = db_pool_open(testdb_url(DB_POSTGRES), &e);
	assert_non_null(pool);
	struct ear a_ear, b_ear;
	struct relay *a = open_relay(pool, &a_ear), *b = open_relay(pool, &b_ear);
	relay_send(a, "event", "one");
	wait_for(&b_ear, &b_ear.count, 1);
	assert_string_equal(b_ear.text, "one");
	assert_string_equal(b_ear.kind, "event");

	char *text = long_text();
	relay_send(a, "event", text);
	relay_send(a, "event", text);
	wait_for(&b_ear, &b_ear.count, 3);
	assert_string_equal(b_ear.text, text);
	free(text);

	for (int i = 0; i < 600; i++) /* in order, none lost, though many go in one transaction */
		relay_send(a, "event", i == 599 ? "the last" : "the same");
	wait_for(&b_ear, &b_ear.count, 603);
	assert_string_equal(b_ear.text, "the last");

	struct db *db = db_open(pool, &e);
	assert_non_null(db);
	assert_false(db_write(db, send_in, &(struct call){a, true}, &e));
	assert_true(db_write(db, send_in, &(struct call){a, false}, &e));
	wait_for(&b_ear, &b_ear.count, 604);
	assert_string_equal(b_ear.kind, "exact");
	relay_send(b, "event", "back");
	wait_for(&a_ear, &a_ear.count, 1);
	assert_int_equal(a_ear.count, 1); /* nothing of its own */
	assert_int_equal(b_ear.count, 604);

	assert_true(relay_connected(a));
	testdb_postgres_stop();
	wait_for(&a_ear, &a_ear.missed, 1);
	assert_false(relay_connected(a));
	testdb_postgres_start();
	wait_for(&a_ear, &a_ear.missed, 2);
	wait_for(&b_ear, &b_ear.missed, 2);
	relay_deafen(b);
	relay_send(b, "event", "again");
	wait_for(&a_ear, &a_ear.count, 2);
	assert_string_equal(a_ear.text, "again");

	db_close(db);
	relay_destroy(a);
	relay_destroy(b);
	free(a_ear.text);
	free(b_ear.text);
	db_pool_close(pool);
}

static void test_sqlite(void **state)
{
	(void)state;
	struct err e = {0};
	struct db_pool *pool = db_pool_open(testdb_url(DB_SQLITE), &e);
	struct ear ear;
	struct relay *r = open_relay(pool, &ear);
	struct db *db = db_open(pool, &e);
	relay_send(r, "event", "nobody");
	assert_true(db_write(db, send_in, &(struct call){r, false}, &e));
	assert_true(relay_connected(r));
	relay_deafen(r);
	relay_destroy(r);
	relay_destroy(NULL);
	assert_int_equal(ear.count, 0);
	db_close(db);
	db_pool_close(pool);
}

int main(void)
{
	log_set_level(LOG_LEVEL_OFF);
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sqlite),
					   cmocka_unit_test(test_postgres)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
