/* Every event comes out of its text as it went in, and what is no event is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "app/event.h"

static void test_round_trip(void **state)
{
	(void)state;
	int64_t recipients[3000];
	for (int i = 0; i < 3000; i++)
		recipients[i] = INT64_MAX - i;
	for (int type = 0; type < APP_EVENT_TYPES; type++) {
		const struct app_event event = {.type = (enum app_event_type)type,
						.post_id = INT64_MAX,
						.account_id = 1,
						.notification_id = 2,
						.job_id = 3,
						.announcement_id = 4,
						.thread_id = 5,
						.name = "🌸",
						.visibility = STORE_VISIBILITY_DIRECT,
						.local = type & 1,
						.media = type & 2,
						.reply = type & 4,
						.boost = type & 8,
						.tags = "봄 \"tree\"",
						.maker = type & 1 ? "builtin" : NULL,
						.recipients = recipients,
						.recipient_count = type & 1 ? 3000 : 0};
		struct arena *a = arena_create(4 << 20);
		struct app_event out;
		struct err e = {0};
		struct buf text;
		buf_init(&text, 1 << 20);
		app_event_write(&text, &event);
		assert_false(text.failed);
		assert_true(app_event_read(a, text.data, &out, &e));
		assert_int_equal(out.type, event.type);
		assert_int_equal(out.post_id, event.post_id);
		assert_int_equal(out.account_id, event.account_id);
		assert_int_equal(out.notification_id, event.notification_id);
		assert_int_equal(out.job_id, event.job_id);
		assert_int_equal(out.announcement_id, event.announcement_id);
		assert_int_equal(out.thread_id, event.thread_id);
		assert_string_equal(out.name, event.name);
		assert_int_equal(out.visibility, event.visibility);
		assert_int_equal(out.local, event.local);
		assert_int_equal(out.media, event.media);
		assert_int_equal(out.reply, event.reply);
		assert_int_equal(out.boost, event.boost);
		assert_string_equal(out.tags, event.tags);
		assert_int_equal(out.maker != NULL, event.maker != NULL);
		assert_int_equal(out.recipient_count, event.recipient_count);
		if (event.recipient_count)
			assert_memory_equal(out.recipients, recipients, sizeof recipients);
		buf_finish(&text);
		arena_destroy(a);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {"",
					    "nonsense",
					    "[]",
					    "{}",
					    "{\"type\":\"no such\"}",
					    "{\"type\":\"post\",\"visibility\":9}",
					    "{\"type\":\"home\",\"recipients\":[\"x\"]}"};
	struct arena *a = arena_create(1 << 20);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct app_event out;
		struct err e = {0};
		assert_false(app_event_read(a, texts[i], &out, &e));
		assert_int_equal(e.code, ERR_INVALID);
	}
	arena_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip),
					   cmocka_unit_test(test_refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
