/* What is kept of posts and of viewers is never old; on both databases. */
#include "app/account.h"
#include "app/known.h"
#include "three.h"

#include "base/thread.h"

static struct app_post first_of_home(struct app *viewer)
{
	struct app_posts home;
	OK(app_timeline_home(viewer, &all, &home, &t.e));
	assert_int_equal(home.count, 1);
	return home.items[0];
}

static void what_is_kept_is_never_old(void **state)
{
	(void)state;
	struct app_relation relation;
	follow(&bo, a);
	struct app_post post = testapp_post(a, "hello @cho"), seen = first_of_home(&bo), again;
	assert_ptr_equal(first_of_home(&bo).known, seen.known);
	const char text[] = "{\"a\":1}";
	app_known_piece_keep(seen.known, &(struct app_piece){.bytes = text, .length = 7});
	assert_memory_equal(app_known_piece(first_of_home(&bo).known)->bytes, text, 7);
	/* what one has marked is one's own; that it is marked is everybody's */
	OK(app_favourite_add(&bo, post.row.id, &again, &t.e));
	seen = first_of_home(&bo);
	assert_true(seen.favourited);
	assert_int_equal(seen.row.favourites_count, 1);
	assert_null(app_known_piece(seen.known));
	OK(app_post_get(&cho, post.row.id, &again, &t.e));
	assert_ptr_equal(again.known, seen.known);
	assert_false(again.favourited);
	/* the author, and who is mentioned */
	OK(app_account_update(&ana, &(struct app_profile){.display_name = "Ana N."},
			      &(struct store_account){0}, &t.e));
	assert_string_equal(first_of_home(&bo).account->display_name, "Ana N.");
	OK(app_account_update(&cho, &(struct app_profile){.display_name = "Cho"},
			      &(struct store_account){0}, &t.e));
	seen = first_of_home(&bo);
	assert_int_equal(seen.mention_count, 1);
	assert_string_equal(seen.mentions[0]->display_name, "Cho");
	/* who blocks sees nothing more of it, and nobody sees what is gone */
	OK(app_block(&ana, c, &relation, &t.e));
	FAILS(app_post_get(&cho, post.row.id, &again, &t.e), ERR_NOT_FOUND);
	OK(app_post_get(&bo, post.row.id, &again, &t.e));
	OK(app_post_delete(&ana, post.row.id, NULL, &t.e));
	FAILS(app_post_get(&bo, post.row.id, &again, &t.e), ERR_NOT_FOUND);
	app_known_trust(t.core, false);
	post = testapp_post(a, "another");
	seen = first_of_home(&bo);
	assert_ptr_not_equal(first_of_home(&bo).known, seen.known);
}

/* Each is looked at twice, so that it is known before it changes. */
static struct app_post seen_twice(struct app *viewer, int64_t id)
{
	struct app_post post;
	OK(app_post_get(viewer, id, &post, &t.e));
	OK(app_post_get(viewer, id, &post, &t.e));
	return post;
}

static size_t home_twice(struct app *viewer)
{
	struct app_posts home;
	OK(app_timeline_home(viewer, &all, &home, &t.e));
	OK(app_timeline_home(viewer, &all, &home, &t.e));
	return home.count;
}

static void what_a_viewer_does_shows_at_once(void **state)
{
	(void)state;
	struct app_relation relation;
	struct app_post again;
	follow(&bo, a);
	int64_t id = testapp_post(a, "a word to be filtered").row.id;
	struct app_post post = seen_twice(&bo, id);
	assert_false(post.favourited || post.bookmarked || post.boosted || post.muted);
	OK(app_favourite_add(&bo, id, &again, &t.e));
	assert_true(seen_twice(&bo, id).favourited);
	assert_false(seen_twice(&cho, id).favourited);
	OK(app_favourite_remove(&bo, id, &again, &t.e));
	assert_false(seen_twice(&bo, id).favourited);
	OK(app_bookmark_add(&bo, id, &again, &t.e));
	assert_true(seen_twice(&bo, id).bookmarked);
	OK(app_bookmark_remove(&bo, id, &again, &t.e));
	assert_false(seen_twice(&bo, id).bookmarked);
	OK(app_boost_add(&bo, id, STORE_VISIBILITY_PUBLIC, &again, &t.e));
	assert_true(seen_twice(&bo, id).boosted);
	OK(app_boost_remove(&bo, id, &again, &t.e));
	assert_false(seen_twice(&bo, id).boosted);
	OK(app_thread_mute(&bo, id, &again, &t.e));
	assert_true(seen_twice(&bo, id).muted);
	OK(app_thread_unmute(&bo, id, &again, &t.e));
	assert_false(seen_twice(&bo, id).muted);
	OK(app_pin_add(&ana, id, &again, &t.e));
	assert_true(seen_twice(&ana, id).pinned);
	/* whom one hides, and who hides oneself */
	assert_int_equal(home_twice(&bo), 1);
	OK(app_mute(&bo, a, false, 0, &relation, &t.e));
	assert_int_equal(home_twice(&bo), 0);
	OK(app_unmute(&bo, a, &relation, &t.e));
	assert_int_equal(home_twice(&bo), 1);
	OK(app_block(&ana, b, &relation, &t.e));
	FAILS(app_post_get(&bo, id, &again, &t.e), ERR_NOT_FOUND);
}

static int run(enum db_kind which)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_kept_is_never_old),
	    TEST(what_a_viewer_does_shows_at_once),
	};
	return run_three(which, tests, sizeof(tests) / sizeof(*tests));
}

int main(void)
{
	return testdb_run_both(run);
}
