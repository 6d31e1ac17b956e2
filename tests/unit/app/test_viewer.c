/* What is known of a viewer: a page that was read once is known, and nothing is once it may have changed. */
#include "app/viewer.h"

#include "base/id.h"
#include "testapp.h"
#include "testdb.h"

enum { PAGES = 400, PAGE = 20 };

static enum db_kind kind;

static int set_up(void **state)
{
	(void)state;
	return testapp_set_up(kind);
}

static int tear_down(void **state)
{
	(void)state;
	return testapp_tear_down();
}

static size_t unknown(struct app *app, enum app_viewer_of of, const int64_t *ids, size_t count,
		      unsigned *bits)
{
	int64_t missing[PAGE];
	return app_viewer_known(app, of, ids, count, bits, missing);
}

/* Two posts of one page must not push each other out, or the page would be read each time. */
static void page_is_known(void **state)
{
	(void)state;
	int64_t ids[PAGE], at = id_new();
	unsigned bits[PAGE], back[PAGE];
	int torn = 0;
	for (int page = 0; page < PAGES; page++) {
		struct app viewer = testapp_as(1000 + page);
		for (int i = 0; i < PAGE; i++) {
			at += 65536 + (page * 7919 + i * 104729) % 3000001; /* as posts come */
			ids[i] = at;
			bits[i] = (unsigned)(i % 4);
		}
		app_viewer_keep(&viewer, db_seen(t.pool), APP_VIEWER_POST, ids, bits, PAGE);
		size_t lost = unknown(&viewer, APP_VIEWER_POST, ids, PAGE, back);
		torn += lost > 0;
		if (lost == 0)
			assert_memory_equal(bits, back, sizeof(bits));
		assert_int_equal(unknown(&viewer, APP_VIEWER_AUTHOR, ids, PAGE, back), PAGE);
	}
	assert_in_range(torn, 0, PAGES / 50);
}

/* However much is written down, what came last is known, and what is known is true. */
static void newest_stay(void **state)
{
	(void)state;
	struct app viewer = testapp_as(1);
	unsigned bits, back;
	for (int64_t id = 1; id <= 5000; id++) {
		bits = (unsigned)(id % 32);
		app_viewer_keep(&viewer, db_seen(t.pool), APP_VIEWER_POST, &id, &bits, 1);
		assert_int_equal(unknown(&viewer, APP_VIEWER_POST, &id, 1, &back), 0);
		assert_int_equal(back, bits);
		bits = 7;
		app_viewer_keep(&viewer, db_seen(t.pool), APP_VIEWER_POST, &id, &bits, 1);
		assert_int_equal(unknown(&viewer, APP_VIEWER_POST, &id, 1, &back), 0);
		assert_int_equal(back, 7);
	}
	int known = 0;
	for (int64_t id = 1; id <= 5000; id++) {
		size_t missing = unknown(&viewer, APP_VIEWER_POST, &id, 1, &back);
		known += missing == 0;
		assert_true(missing || back == 7);
	}
	assert_in_range(known, 128, 256);
}

static void change_forgets(void **state)
{
	(void)state;
	int64_t ana = testapp_person("ana");
	struct app viewer = testapp_as(ana);
	struct app_post post = testapp_post(ana, "spring");
	unsigned bits = STORE_POST_BOOKMARKED, back; /* which is not so */
	app_viewer_keep(&viewer, db_seen(t.pool), APP_VIEWER_POST, &post.row.id, &bits, 1);
	assert_int_equal(unknown(&viewer, APP_VIEWER_POST, &post.row.id, 1, &back), 0);
	assert_int_equal(back, STORE_POST_BOOKMARKED);
	OK(app_favourite_add(&viewer, post.row.id, &post, &t.e));
	if (unknown(&viewer, APP_VIEWER_POST, &post.row.id, 1, &back) == 0)
		assert_int_equal(back, STORE_POST_FAVOURITED); /* read anew for the answer */
}

static int run(enum db_kind which)
{
	kind = which;
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(page_is_known),
	    TEST(newest_stay),
	    TEST(change_forgets),
	};
	return cmocka_run_group_tests_name(which == DB_SQLITE ? "sqlite" : "postgres", tests, NULL,
					   NULL);
}

int main(void)
{
	return testdb_run_both(run);
}
