/* Posts, timelines, marks, fan-out and quotes; on both databases. */
#include "app/notification.h"
#include "app/search.h"
#include "app/trend.h"
#include "three.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/thread.h"

#include <stdio.h>

static void saying_and_seeing(void **state)
{
	(void)state;
	struct app_posts posts;
	follow(&bo, a);
	struct app_post post =
	    testapp_post(a, "안녕 @bo #그림 https://example.org/a?b=1&c=2 <script>");
	assert_string_equal(
	    post.row.content,
	    "<p>안녕 <span class=\"h-card\" translate=\"no\"><a href=\"https://yard.example/@bo\" "
	    "class=\"u-url mention\">@<span>bo</span></a></span> <a "
	    "href=\"https://yard.example/tags/%EA%B7%B8%EB%A6%BC\" class=\"mention hashtag\" "
	    "rel=\"tag\">#<span>그림</span></a> <a href=\"https://example.org/a?b=1&amp;c=2\" target=\"_blank\" "
	    "rel=\"nofollow noopener noreferrer\"><span class=\"invisible\">https://</span><span "
	    "class=\"\">example.org/a?b=1&amp;c=2</span><span class=\"invisible\"></span></a> &lt;script&gt;</p>");
	assert_int_equal(post.mention_count, 1);
	assert_true(post.mentions[0]->id == b);
	assert_int_equal(home_count(&bo), 1);
	assert_int_equal(home_count(&ana), 1);
	assert_int_equal(home_count(&cho), 0);
	assert_int_equal(t.events[APP_EVENT_POST], 1);
	assert_int_equal(t.last[APP_EVENT_HOME].recipient_count, 2);
	OK(app_timeline_public(&t.app, &(struct app_timeline_filter){0}, &all, &posts, &t.e));
	assert_int_equal(posts.count, 1);
	OK(app_timeline_tag(&t.app, &(struct app_timeline_filter){.tag = "#그림"}, &all, &posts,
			    &t.e));
	assert_int_equal(posts.count, 1);
	struct app_notifications told;
	OK(app_notification_list(&bo, &(struct app_notification_filter){0}, &all, &told, &t.e));
	assert_int_equal(told.count, 1);
	assert_int_equal(told.items[0].kind, APP_NOTIFY_MENTION);
	struct app_search found;
	OK(app_search(&t.app, "그", NULL, &(struct app_search_page){.limit = 10}, &found, &t.e));
	assert_int_equal(found.tag_count, 1);
	OK(app_search(&t.app, post.row.url, NULL, &(struct app_search_page){.limit = 10}, &found,
		      &t.e));
	assert_int_equal(found.posts.count, 1);
}

static void tags_are_counted(void **state)
{
	(void)state;
	struct app_tag tag;
	struct app_trend_tag *trends;
	size_t count;
	bool more;
	struct app_post first = testapp_post(a, "#Art and #art");
	struct app_post second = testapp_post(b, "#art");
	OK(app_tag_get(&t.app, "ART", &tag, &t.e));
	assert_string_equal(tag.name, "Art");
	/* Ids never go back, not even where an earlier test had set the clock forward. */
	clock_set_wall_ms(id_time_ms(second.row.id) + 20000);
	OK(app_tick(&t.app, &more, &t.e));
	OK(app_tick(&t.app, &more, &t.e)); /* again: nothing is counted twice */
	OK(app_tag_get(&t.app, "art", &tag, &t.e));
	assert_int_equal(tag.posts_count, 2);
	OK(app_trend_tags(&t.app, &(struct app_trend_page){.limit = 10}, &trends, &count, &t.e));
	assert_int_equal(count, 1);
	assert_int_equal(trends[0].history[0].accounts + trends[0].history[1].accounts, 2);
	assert_int_equal(trends[0].history[0].uses + trends[0].history[1].uses, 2);
	OK(app_post_delete(&ana, first.row.id, NULL, &t.e));
	OK(app_tag_get(&t.app, "art", &tag, &t.e));
	assert_int_equal(tag.posts_count, 1);
	first = testapp_post(a, "#art");
	OK(app_post_delete(&ana, first.row.id, NULL, &t.e)); /* never counted, so not taken off */
	OK(app_tag_get(&t.app, "art", &tag, &t.e));
	assert_int_equal(tag.posts_count, 1);
	assert_true(second.row.id > 0);
	clock_set_wall_ms(0);
}

static void bad_posts(void **state)
{
	(void)state;
	struct app_post post;
	char *longer = arena_alloc(t.arena, 6001);
	memset(longer, 'x', 6000);
	int64_t unknown = 42;
	struct app_post_new forms[] = {
	    {.text = ""},
	    {.text = " \n "},
	    {.text = longer},
	    {.text = "\xc3\x28"},
	    {.text = "x", .language = "not a language"},
	    {.text = "x", .media_ids = &unknown, .media_count = 1},
	    {.text = "x", .visibility = 9},
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		FAILS(app_post_create(&ana, &forms[i], &post, &t.e), ERR_INVALID);
	FAILS(app_post_create(&ana, &(struct app_post_new){.text = "x", .in_reply_to_id = 42},
			      &post, &t.e),
	      ERR_NOT_FOUND);
	FAILS(app_post_create(&t.app, &(struct app_post_new){.text = "x"}, &post, &t.e),
	      ERR_UNAUTHORIZED);
	FAILS(app_post_get(&ana, 42, &post, &t.e), ERR_NOT_FOUND);
}

static void idempotency(void **state)
{
	(void)state;
	struct app_post first, second, third;
	int64_t picture = testapp_picture(a, "a cat", 0);
	struct app_post_new form = {
	    .text = "once", .idempotency_key = "k1", .media_ids = &picture, .media_count = 1};
	OK(app_post_create(&ana, &form, &first, &t.e));
	OK(app_post_create(&ana, &form, &second, &t.e));
	assert_true(first.row.id == second.row.id);
	form.media_count = 0;
	OK(app_post_create(&bo, &form, &third, &t.e)); /* another account's key */
	assert_true(third.row.id != first.row.id);
	struct store_account account;
	OK(store_account_get(t.db, t.arena, a, &account, &t.e));
	assert_int_equal(account.posts_count, 1);
}

static void who_sees_what(void **state)
{
	(void)state;
	static const enum store_visibility levels[] = {
	    STORE_VISIBILITY_PUBLIC, STORE_VISIBILITY_UNLISTED, STORE_VISIBILITY_PRIVATE,
	    STORE_VISIBILITY_DIRECT};
	/* viewer: nobody, a stranger, a follower, who is mentioned, the author */
	static const bool expected[4][5] = {
	    {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}, {0, 0, 1, 1, 1}, {0, 0, 0, 1, 1}};
	int64_t d = testapp_person("dan");
	struct app dan = testapp_as(d);
	struct app *viewers[] = {&t.app, &dan, &bo, &cho, &ana};
	follow(&bo, a);
	for (int level = 0; level < 4; level++) {
		struct app_post post, seen;
		OK(app_post_create(
		    &ana, &(struct app_post_new){.text = "hi @cho", .visibility = levels[level]},
		    &post, &t.e));
		for (int v = 0; v < 5; v++) {
			struct app_posts posts;
			if (expected[level][v])
				OK(app_post_get(viewers[v], post.row.id, &seen, &t.e));
			else
				FAILS(app_post_get(viewers[v], post.row.id, &seen, &t.e),
				      ERR_NOT_FOUND);
			OK(app_timeline_account(viewers[v], a, &(struct app_timeline_filter){0},
						&(struct store_page){.min_id = post.row.id - 1},
						&posts, &t.e));
			assert_int_equal(posts.count, expected[level][v]);
		}
	}
	assert_int_equal(home_count(&bo), 3); /* direct posts are in no home */
	struct app_post boost;
	struct app_posts posts;
	OK(app_timeline_account(&ana, a, &(struct app_timeline_filter){0}, &all, &posts, &t.e));
	FAILS(app_boost_add(&bo, posts.items[1].row.id, 0, &boost, &t.e),
	      ERR_FORBIDDEN); /* followers only */
	OK(app_boost_add(&ana, posts.items[1].row.id, 0, &boost, &t.e));
	assert_int_equal(boost.row.visibility, STORE_VISIBILITY_PRIVATE);
}

static void pages(void **state)
{
	(void)state;
	int64_t ids[25];
	struct app_posts page;
	for (int i = 0; i < 25; i++)
		ids[i] = testapp_post(a, "post").row.id;
	OK(app_timeline_home(&ana, &all, &page, &t.e));
	assert_int_equal(page.count, 20);
	assert_true(page.more && page.first == ids[24] && page.last == ids[5]);
	OK(app_timeline_home(&ana, &(struct store_page){.max_id = page.last}, &page, &t.e));
	assert_int_equal(page.count, 5);
	assert_true(!page.more && page.items[4].row.id == ids[0]);
	OK(app_timeline_home(&ana, &(struct store_page){.since_id = ids[2], .limit = 3}, &page,
			     &t.e));
	assert_true(page.items[0].row.id == ids[24]); /* the newest of those after */
	OK(app_timeline_home(&ana, &(struct store_page){.min_id = ids[2], .limit = 3}, &page,
			     &t.e));
	assert_true(page.items[0].row.id == ids[5] &&
		    page.items[2].row.id == ids[3]); /* the next ones after */
	OK(app_timeline_home(&ana, &(struct store_page){.limit = -5}, &page, &t.e));
	assert_int_equal(page.count, 20);
}

static void replies_and_context(void **state)
{
	(void)state;
	struct app_post root = testapp_post(a, "root"), reply, below, beside;
	struct app_posts up, down;
	follow(&cho, b); /* cho does not follow ana: bo's answer to her stays out of cho's home */
	OK(app_post_create(
	    &bo, &(struct app_post_new){.text = "@ana yes", .in_reply_to_id = root.row.id}, &reply,
	    &t.e));
	OK(app_post_create(&ana,
			   &(struct app_post_new){.text = "@bo no", .in_reply_to_id = reply.row.id},
			   &below, &t.e));
	OK(app_post_create(&cho,
			   &(struct app_post_new){.text = "me too", .in_reply_to_id = root.row.id},
			   &beside, &t.e));
	assert_int_equal(home_count(&cho), 1); /* her own */
	OK(app_post_context(&t.app, reply.row.id, &up, &down, &t.e));
	assert_int_equal(up.count, 1);
	assert_int_equal(down.count, 1);
	assert_true(up.items[0].row.id == root.row.id && down.items[0].row.id == below.row.id);
	OK(app_post_context(&t.app, root.row.id, &up, &down, &t.e));
	assert_int_equal(down.count, 3);
	OK(app_post_get(&t.app, root.row.id, &root, &t.e));
	assert_int_equal(root.row.replies_count, 2);
	OK(app_post_delete(&ana, root.row.id, NULL, &t.e));
	OK(app_post_get(&t.app, reply.row.id, &reply, &t.e)); /* answers stay */
	assert_true(reply.row.in_reply_to_id == 0);
}

static void marks_happen_once(void **state)
{
	(void)state;
	struct app_post post = testapp_post(a, "nice"), marked, boost, again;
	struct app_posts list;
	struct store_accounts people;
	OK(app_favourite_add(&bo, post.row.id, &marked, &t.e));
	OK(app_favourite_add(&bo, post.row.id, &marked, &t.e));
	assert_true(marked.favourited && marked.row.favourites_count == 1);
	OK(app_bookmark_add(&bo, post.row.id, &marked, &t.e));
	assert_true(marked.bookmarked);
	OK(app_boost_add(&bo, post.row.id, 0, &boost, &t.e));
	OK(app_boost_add(&bo, post.row.id, 0, &again, &t.e));
	assert_true(boost.row.id == again.row.id);
	assert_true(boost.boost_of->row.id == post.row.id && boost.boost_of->boosted);
	OK(app_boost_add(&cho, boost.row.id, 0, &again,
			 &t.e)); /* boosting a boost boosts the post */
	assert_true(again.boost_of->row.id == post.row.id);
	assert_int_equal(again.boost_of->row.boosts_count, 2);
	OK(app_timeline_favourites(&bo, &all, &list, &t.e));
	assert_int_equal(list.count, 1);
	assert_true(list.first != post.row.id); /* paged by the favourite's own id */
	OK(app_timeline_bookmarks(&bo, &all, &list, &t.e));
	assert_int_equal(list.count, 1);
	OK(app_favourited_by(&t.app, post.row.id, &all, &people, &t.e));
	assert_int_equal(people.count, 1);
	OK(app_boosted_by(&t.app, post.row.id, &all, &people, &t.e));
	assert_int_equal(people.count, 2);
	OK(app_favourite_remove(&bo, post.row.id, &marked, &t.e));
	OK(app_favourite_remove(&bo, post.row.id, &marked, &t.e));
	assert_int_equal(marked.row.favourites_count, 0);
	OK(app_boost_remove(&bo, post.row.id, &marked, &t.e));
	assert_int_equal(marked.row.boosts_count, 1);
	struct app_notifications told;
	OK(app_notification_list(&ana, &(struct app_notification_filter){0}, &all, &told, &t.e));
	assert_int_equal(told.count, 1); /* cho's boost; what was taken back is withdrawn */
	OK(app_notification_clear(&ana, &t.e));
	OK(app_notification_list(&ana, &(struct app_notification_filter){0}, &all, &told, &t.e));
	assert_int_equal(told.count, 0);
	OK(app_post_delete(&ana, post.row.id, NULL, &t.e));
	FAILS(app_post_get(&cho, again.row.id, &again, &t.e), ERR_NOT_FOUND);
}

static const char SQL_MANY_FOLLOWERS[] =
    "INSERT INTO follows (account_id, target_id, id, local, created_at) VALUES ($1, $2, $3, TRUE, 0)";
static const char SQL_MANY_ACCOUNTS[] =
    "INSERT INTO accounts (id, username, username_key, uri, url, created_at, updated_at) "
    "VALUES ($1, $2, $2, $2, $2, 0, 0)";

static bool many_followers(struct db *w, void *context, struct err *e)
{
	for (int64_t i = 1; i <= *(int *)context; i++) {
		char name[32];
		snprintf(name, sizeof(name), "follower%d", (int)i);
		struct db_stmt *q = db_stmt(w, SQL_MANY_ACCOUNTS);
		db_put_int(q, i);
		db_put_text(q, name);
		if (!db_end(q, e))
			return false;
		q = db_stmt(w, SQL_MANY_FOLLOWERS);
		db_put_int(q, i);
		db_put_int(q, a);
		db_put_int(q, i);
		if (!db_end(q, e))
			return false;
	}
	return true;
}

static void fan_out_goes_on_by_itself(void **state)
{
	(void)state;
	int count = 1203;
	bool more = true, has;
	OK(db_write(t.db, many_followers, &count, &t.e));
	struct app_post post = testapp_post(a, "to many");
	assert_int_equal(t.events[APP_EVENT_HOME], 1);
	assert_int_equal(t.behind, 1);
	OK(app_timeline_home_has(&t.app, 40, post.row.id, &has, &t.e));
	assert_true(has);
	OK(app_timeline_home_has(&t.app, 41, post.row.id, &has, &t.e));
	assert_false(has); /* the author has not waited for all */
	while (more)
		OK(app_tick(&t.app, &more, &t.e));
	OK(app_timeline_home_has(&t.app, 1203, post.row.id, &has, &t.e));
	assert_true(has);
	assert_int_equal(t.events[APP_EVENT_HOME], 4); /* 40, 500, 500 and the others */
	assert_int_equal(t.behind, 1);                 /* who does the work is not told of it */
}

struct poster {
	struct app_core *core;
	struct db_pool *pool;
	int64_t account_id;
	const char *key;
	int64_t id;
};

static void post_with_key(void *argument)
{
	struct poster *p = argument;
	struct err e = {0};
	struct db *db = db_open(p->pool, &e);
	struct arena *arena = arena_create(4 << 20);
	struct app app;
	struct app_post post;
	if (db) {
		app_init(&app, p->core, db, arena);
		app.account_id = p->account_id;
		if (app_post_create(
			&app, &(struct app_post_new){.text = "race", .idempotency_key = p->key},
			&post, &e))
			p->id = post.row.id;
		else
			fprintf(stderr, "%s (%s)\n", e.message, e.detail);
	}
	arena_destroy(arena);
	db_close(db);
}

static void twins_make_one_post(void **state)
{
	(void)state;
	struct poster posters[8];
	pthread_t threads[8];
	for (int i = 0; i < 8; i++) {
		posters[i] = (struct poster){t.core, t.pool, a, "the same", 0};
		OK(thread_start(&threads[i], "poster", post_with_key, &posters[i], &t.e));
	}
	for (int i = 0; i < 8; i++)
		thread_join(threads[i]);
	for (int i = 0; i < 8; i++)
		assert_true(posters[i].id != 0 && posters[i].id == posters[0].id);
	assert_int_equal(home_count(&ana), 1);
}

static void quotes(void **state)
{
	(void)state;
	struct app_post post = testapp_post(a, "quotable"), quote, hidden, seen;
	struct app_post_new form = {.text = "look at this", .quote_of_id = post.row.id};
	OK(app_post_create(&bo, &form, &quote, &t.e));
	assert_true(quote.quote_of && quote.quote_of->row.id == post.row.id);
	OK(app_post_create(
	    &ana, &(struct app_post_new){.text = "@bo psst", .visibility = STORE_VISIBILITY_DIRECT},
	    &hidden, &t.e));
	form.quote_of_id = hidden.row.id;
	FAILS(app_post_create(&bo, &form, &quote, &t.e), ERR_FORBIDDEN);
	OK(app_post_delete(&ana, post.row.id, NULL, &t.e));
	OK(app_timeline_account(&t.app, b, &(struct app_timeline_filter){0}, &all,
				&(struct app_posts){0}, &t.e));
	OK(app_post_get(&t.app, quote.row.id, &seen, &t.e));
	assert_null(seen.quote_of);
}

static int run(enum db_kind which)
{
	const struct CMUnitTest tests[] = {
	    TEST(saying_and_seeing),
	    TEST(tags_are_counted),
	    TEST(bad_posts),
	    TEST(idempotency),
	    TEST(who_sees_what),
	    TEST(pages),
	    TEST(replies_and_context),
	    TEST(marks_happen_once),
	    TEST(fan_out_goes_on_by_itself),
	    TEST(twins_make_one_post),
	    TEST(quotes),
	};
	return run_three(which, tests, sizeof(tests) / sizeof(*tests));
}

int main(void)
{
	return testdb_run_both(run);
}
