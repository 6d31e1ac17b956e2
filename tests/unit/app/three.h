/* Three people who meet in a test: ana, bo and cho, with the ids a, b and c. Each test program includes it once. */
#ifndef MADANG_TESTS_THREE_H
#define MADANG_TESTS_THREE_H

#include "app/relation.h"
#include "app/timeline.h"
#include "testapp.h"
#include "testdb.h"

static enum db_kind kind;
static int64_t a, b, c;
static struct app ana, bo, cho;
static const struct store_page all;

static inline int set_up(void **state)
{
	(void)state;
	testapp_set_up(kind);
	a = testapp_person("ana");
	b = testapp_person("bo");
	c = testapp_person("cho");
	ana = testapp_as(a);
	bo = testapp_as(b);
	cho = testapp_as(c);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	return testapp_tear_down();
}

static inline void follow(struct app *who, int64_t whom)
{
	struct app_relation r;
	OK(app_follow(who, whom, NULL, NULL, &r, &t.e));
}

static inline size_t home_count(struct app *who)
{
	struct app_posts home;
	OK(app_timeline_home(who, &all, &home, &t.e));
	return home.count;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static inline int run_three(enum db_kind which, const struct CMUnitTest *tests, size_t count)
{
	kind = which;
	return _cmocka_run_group_tests(which == DB_SQLITE ? "sqlite" : "postgres", tests, count,
				       NULL, NULL);
}

#endif
