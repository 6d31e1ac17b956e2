/* What another process says: who is told has already forgotten what it knew of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/event.h"
#include "base/log.h"
#include "cli/wire.h"
#include "testdb.h"

struct hearer {
	struct db_pool *pool;
	uint64_t seen;
	int told;
	bool one, two, other; /* was still known when it was told */
};

static bool known(const struct hearer *h, int64_t account_id)
{
	db_key key = db_key_of(DB_NOUN_ACCOUNT, account_id);
	return db_unchanged(h->pool, h->seen, &key, 1);
}

static void on_event(void *context, const struct app_event *event)
{
	struct hearer *h = context;
	(void)event;
	h->told++;
	h->one = known(h, 1);
	h->two = known(h, 2);
	h->other = known(h, 3);
}

static struct hearer hear(struct db_pool *pool, enum app_event_type type)
{
	const int64_t recipients[] = {2};
	const struct app_event event = {
	    .type = type, .account_id = 1, .recipients = recipients, .recipient_count = 1};
	struct hearer h = {.pool = pool, .seen = db_seen(pool)};
	struct buf text;
	buf_init(&text, 1 << 16);
	app_event_write(&text, &event);
	wire_heard(&(struct wire_hearing){.context = &h, .pool = pool, .event = on_event}, "event",
		   text.data);
	buf_finish(&text);
	assert_int_equal(h.told, 1);
	return h;
}

static void what_must_not_be_missed_is_forgotten_first(void **state)
{
	struct err e = {0};
	struct db_pool *pool = db_pool_open(testdb_url(DB_SQLITE), &e);
	(void)state;
	assert_non_null(pool);
	struct hearer h = hear(pool, APP_EVENT_SIGNED_OUT);
	assert_true(!h.one && !h.two && h.other);
	h = hear(pool, APP_EVENT_ACCOUNT);
	assert_true(!h.one && !h.two && h.other);
	h = hear(pool, APP_EVENT_SETTINGS);
	assert_true(!h.one && !h.two && !h.other);
	h = hear(pool, APP_EVENT_HOME); /* a hint; what it changed is told by itself */
	assert_true(h.one && h.two && h.other);
	db_pool_close(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_must_not_be_missed_is_forgotten_first),
	};
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
