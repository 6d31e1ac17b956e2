/* Posts, timelines, pictures, remixes, jobs; on both databases. */
#include "app/account.h"
#include "app/known.h"
#include "app/lineage.h"
#include "app/media.h"
#include "app/notification.h"
#include "app/private.h"
#include "app/relation.h"
#include "app/search.h"
#include "app/timeline.h"
#include "app/trend.h"
#include "testapp.h"
#include "testdb.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/thread.h"

#include <stdio.h>

static enum db_kind kind;
static int64_t a, b, c;
static struct app ana, bo, cho;
static const struct store_page all;

static int set_up(void **state)
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

static int tear_down(void **state)
{
	(void)state;
	return testapp_tear_down();
}

static void follow(struct app *who, int64_t whom)
{
	struct app_relation r;
	OK(app_follow(who, whom, NULL, NULL, &r, &t.e));
}

static size_t home_count(struct app *who)
{
	struct app_posts home;
	OK(app_timeline_home(who, &all, &home, &t.e));
	return home.count;
}

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

static bool was_deleted(const char *hash)
{
	for (int i = 0; i < t.deleted_count; i++)
		if (strcmp(t.deleted[i], hash) == 0)
			return true;
	return false;
}

static void files_go_with_the_last_post(void **state)
{
	(void)state;
	struct store_media first, second;
	struct store_media upload = {.state = STORE_MEDIA_READY,
				     .kind = STORE_MEDIA_IMAGE,
				     .type = "image/png",
				     .hash = "same",
				     .thumbnail_hash = "thumb",
				     .size_bytes = 5};
	struct app_post one, two;
	bool more;
	OK(app_media_create(&ana, &upload, &first, &t.e));
	OK(app_media_create(&bo, &upload, &second, &t.e));
	OK(app_post_create(
	    &ana, &(struct app_post_new){.text = "", .media_ids = &first.id, .media_count = 1},
	    &one, &t.e));
	FAILS(app_post_create(
		  &ana,
		  &(struct app_post_new){.text = "", .media_ids = &first.id, .media_count = 1},
		  &two, &t.e),
	      ERR_INVALID); /* posted already */
	FAILS(app_post_create(
		  &ana,
		  &(struct app_post_new){.text = "", .media_ids = &second.id, .media_count = 1},
		  &two, &t.e),
	      ERR_INVALID); /* somebody else's */
	OK(app_post_create(
	    &bo, &(struct app_post_new){.text = "", .media_ids = &second.id, .media_count = 1},
	    &two, &t.e));
	OK(app_post_delete(&ana, one.row.id, NULL, &t.e));
	assert_int_equal(t.deleted_count, 0);
	t.delete_fails = true;
	OK(app_post_delete(&bo, two.row.id, NULL, &t.e)); /* the disk does not answer: later */
	assert_int_equal(t.deleted_count, 0);
	t.delete_fails = false;
	OK(app_tick(&t.app, &more, &t.e));
	assert_true(was_deleted("same") && was_deleted("thumb"));
	bool in_use;
	OK(store_object_in_use(t.app.db, "same", &in_use, &t.e));
	assert_false(in_use);
	FAILS(app_post_delete(&bo, two.row.id, NULL, &t.e), ERR_NOT_FOUND);
}

static void pending_uploads(void **state)
{
	(void)state;
	struct store_media media, done;
	struct app_post post;
	struct store_media upload = {.state = STORE_MEDIA_PENDING, .type = "image/png"};
	OK(app_media_create(&ana, &upload, &media, &t.e));
	struct app_post_new form = {.text = "", .media_ids = &media.id, .media_count = 1};
	FAILS(app_post_create(&ana, &form, &post, &t.e), ERR_INVALID);
	done = media;
	done.state = STORE_MEDIA_READY;
	done.hash = "h";
	OK(app_media_processed(&t.app, &done, &t.e));
	FAILS(app_media_processed(&t.app, &done, &t.e), ERR_CONFLICT);
	double focus[2] = {0.5, -0.5}, bad[2] = {2, 0};
	FAILS(app_media_describe(&ana, media.id, NULL, bad, &media, &t.e), ERR_INVALID);
	FAILS(app_media_describe(&bo, media.id, "mine", NULL, &media, &t.e), ERR_NOT_FOUND);
	OK(app_media_describe(&ana, media.id, "a red apple", focus, &media, &t.e));
	OK(app_post_create(&ana, &form, &post, &t.e));
	assert_string_equal(post.media[0].description, "a red apple");
	FAILS(app_media_delete(&ana, media.id, &t.e), ERR_CONFLICT);
}

/* What was deleted to be written anew leaves its pictures to its author, for a day. */
static void redrafts_keep_their_pictures(void **state)
{
	(void)state;
	enum { HOUR_MS = 3600 * 1000 };
	struct store_media media;
	struct app_post post, again;
	bool more;
	const struct store_media upload = {.type = "image/png", .hash = "kept"};
	OK(app_media_create(&ana, &upload, &media, &t.e));
	struct app_post_new form = {.text = "typo", .media_ids = &media.id, .media_count = 1};
	OK(app_post_create(&ana, &form, &post, &t.e));
	OK(app_post_redraft(&ana, post.row.id, &post, &t.e));
	assert_int_equal(post.media_count, 1);
	OK(app_post_create(&ana, &form, &again, &t.e));
	assert_int_equal(again.media_count, 1);
	OK(app_post_redraft(&ana, again.row.id, NULL, &t.e));
	int64_t now = clock_wall_ms();
	clock_set_wall_ms(now + 20 * HOUR_MS);
	OK(app_tick(&t.app, &more, &t.e));
	OK(app_media_get(&ana, media.id, &media, &t.e));
	clock_set_wall_ms(now + 25 * HOUR_MS);
	OK(app_tick(&t.app, &more, &t.e));
	FAILS(app_media_get(&ana, media.id, &media, &t.e), ERR_NOT_FOUND);
	OK(app_tick(&t.app, &more, &t.e));
	clock_set_wall_ms(0);
	assert_true(was_deleted("kept"));
}

static struct app_post post_picture(struct app *who, int64_t picture,
				    enum store_prompt_visibility prompt, bool closed)
{
	struct app_post post;
	struct app_post_new form = {.text = "look",
				    .media_ids = &picture,
				    .media_count = 1,
				    .prompt_visibility = prompt,
				    .not_remixable = closed};
	OK(app_post_create(who, &form, &post, &t.e));
	return post;
}

static void prompts_are_seen_by_rule(void **state)
{
	(void)state;
	static const bool in_feed[] = {true, false, false}, in_studio[] = {true, true, false};
	for (int p = STORE_PROMPT_PUBLIC; p <= (int)STORE_PROMPT_PRIVATE; p++) {
		struct app_post post = post_picture(&ana, testapp_picture(a, "a secret cat", 0), p,
						    false),
				seen;
		OK(app_post_get(&ana, post.row.id, &seen, &t.e));
		assert_string_equal(seen.prompt, "a secret cat");
		OK(app_post_get(&bo, post.row.id, &seen, &t.e));
		assert_int_equal(seen.prompt != NULL, in_feed[p]);
		assert_int_equal(seen.media[0].prompt != NULL, in_feed[p]);
		assert_string_equal(seen.made->style, "3d");
		OK(app_post_for_remix(&bo, post.row.id, &seen, &t.e));
		assert_int_equal(seen.prompt != NULL, in_studio[p]);
	}
}

static void remixes_make_a_tree(void **state)
{
	(void)state;
	struct app_lineage tree;
	struct app_post seen;
	struct app_posts explore;
	struct app_post root = post_picture(&ana, testapp_picture(a, "a cat", 0), 0, false);
	assert_false(root.in_lineage);
	OK(app_lineage_get(&t.app, root.row.id, &tree, &t.e));
	assert_int_equal(tree.count, 1);
	struct app_post child =
	    post_picture(&bo, testapp_picture(b, "a cat in a hat", root.row.id), 0, false);
	struct app_post grandchild =
	    post_picture(&cho, testapp_picture(c, "a hat", child.row.id), 0, false);
	assert_true(child.has_remix_of && child.remix_of.id == root.row.id &&
		    child.remix_of.account->id == a);
	OK(app_post_get(&t.app, root.row.id, &seen, &t.e));
	assert_true(seen.in_lineage && seen.row.remixes_count == 1);
	struct app_notifications told;
	OK(app_notification_list(&ana,
				 &(struct app_notification_filter){.kinds = 1u << APP_NOTIFY_REMIX},
				 &all, &told, &t.e));
	assert_int_equal(told.count, 1);
	OK(app_post_delete(&bo, child.row.id, NULL, &t.e));
	OK(app_lineage_get(&t.app, grandchild.row.id, &tree, &t.e));
	assert_int_equal(tree.count, 3);
	assert_true(tree.nodes[0].id == root.row.id && !tree.nodes[0].deleted &&
		    tree.nodes[0].post);
	assert_true(tree.nodes[1].deleted && !tree.nodes[1].post &&
		    tree.nodes[1].parent_id == root.row.id);
	assert_true(tree.nodes[2].parent_id == child.row.id);
	OK(app_post_get(&t.app, grandchild.row.id, &seen, &t.e));
	assert_true(seen.has_remix_of && seen.remix_of.deleted && !seen.remix_of.account);
	OK(app_timeline_explore(&t.app, &(struct app_timeline_filter){.style = "3d"}, &all,
				&explore, &t.e));
	assert_int_equal(explore.count, 2);
	OK(app_timeline_explore(&t.app, &(struct app_timeline_filter){.style = "pixel"}, &all,
				&explore, &t.e));
	assert_int_equal(explore.count, 0);
	/* what its author has closed is remixed by nobody else */
	struct app_post closed = post_picture(&ana, testapp_picture(a, "mine", 0), 0, true);
	struct app_job job;
	struct app_job_new form = {.prompt = "x",
				   .count = 1,
				   .maker = "builtin",
				   .task = STORE_JOB_VARY,
				   .source_post_id = closed.row.id};
	FAILS(app_job_submit(&bo, &form, &job, &t.e), ERR_FORBIDDEN);
	form.source_post_id = 0;
	form.source_media_id = closed.media[0].id;
	FAILS(app_job_submit(&bo, &form, &job, &t.e), ERR_FORBIDDEN);
	OK(app_job_submit(&ana, &form, &job, &t.e));
	assert_true(job.row.source_post_id == closed.row.id);
}

static const struct app_job_new cat = {
    .prompt = "a cat", .count = 1, .guidance = 3, .maker = "builtin"};

static struct app_job submit(struct app *who, int count)
{
	struct app_job job;
	struct app_job_new form = cat;
	form.count = count;
	OK(app_job_submit(who, &form, &job, &t.e));
	return job;
}

static bool claim(const char *worker, struct store_job *out)
{
	struct app program = testapp_as(0);
	bool found;
	OK(app_job_claim(&program, "builtin", worker, 60000, out, &found, &t.e));
	return found;
}

static void jobs_are_drawn_in_turn(void **state)
{
	(void)state;
	struct store_job job;
	int64_t order[8];
	for (int i = 0; i < 5; i++)
		submit(&ana, 1); /* a heavy user comes first */
	submit(&bo, 1);
	struct app_job last = submit(&cho, 1);
	assert_true(last.position <= 2);
	for (int i = 0; i < 7; i++) {
		assert_true(claim("w", &job));
		order[i] = job.account_id;
	}
	assert_false(claim("w", &job));
	/* nobody waits behind more than one picture of ana's */
	assert_true(order[0] == a && order[1] == b && order[2] == c);
	for (int i = 3; i < 7; i++)
		assert_true(order[i] == a);
	submit(&bo, 1); /* who comes later does not get back the turns that were not used */
	assert_true(claim("w", &job) && job.account_id == b);
}

static void bad_jobs(void **state)
{
	(void)state;
	struct app_job job;
	struct app_job_new forms[14];
	for (int i = 0; i < 14; i++)
		forms[i] = cat;
	forms[0].prompt = "  ";
	forms[1].prompt = "\xff";
	forms[2].count = 0;
	forms[3].count = 5;
	forms[4].guidance = -1;
	forms[5].guidance = 21;
	forms[6].guidance = 0.0 / 0.0;
	forms[7].has_seed = true;
	forms[7].seed = -1;
	forms[8].task = 9;
	forms[9].task = STORE_JOB_EDIT;
	forms[10].maker = "";
	forms[11].region[0] = 0.8;
	forms[11].region[2] = 0.3;
	forms[12].strength = 2;
	forms[13].prompt = arena_alloc(t.arena, 2000);
	memset((char *)forms[13].prompt, 'x', 1999);
	for (int i = 0; i < 14; i++)
		FAILS(app_job_submit(&ana, &forms[i], &job, &t.e), ERR_INVALID);
	FAILS(app_job_submit(&t.app, &cat, &job, &t.e), ERR_UNAUTHORIZED);
	struct app_job_new from_nothing = cat;
	from_nothing.source_media_id = 42;
	FAILS(app_job_submit(&ana, &from_nothing, &job, &t.e), ERR_NOT_FOUND);
	for (int i = 0; i < 20; i++)
		submit(&ana, 1);
	FAILS(app_job_submit(&ana, &cat, &job, &t.e), ERR_LIMIT);
}

static void a_job_ends_once(void **state)
{
	(void)state;
	struct app program = testapp_as(0);
	struct store_job first, second;
	struct app_job job;
	int64_t recovered;
	struct store_media picture = {
	    .hash = "p", .type = "image/png", .has_seed = true, .seed = 9};
	int64_t id = submit(&ana, 1).row.id;
	assert_true(claim("w1", &first));
	const struct store_lease seen = {
	    .job_id = id, .lease = first.lease, .until = first.lease_until};
	OK(app_job_renew(&program, &first, 60000, &t.e)); /* in the same millisecond, perhaps */
	OK(app_job_recover(&program, &seen, 1, &recovered, &t.e));
	assert_int_equal(recovered, 0); /* it was renewed since */
	assert_int_equal(testapp_recover("w2"), 0);
	assert_int_equal(testapp_recover("w1"), 1); /* w1 has started again */
	FAILS(app_job_renew(&program, &first, 60000, &t.e), ERR_CANCELLED);
	assert_true(claim("w2", &second));
	assert_true(second.id == id && second.attempts == 2);
	FAILS(app_job_finish(&program, &first, "m", &picture, 1, &t.e),
	      ERR_CANCELLED); /* the dead come too late */
	OK(app_job_finish(&program, &second, "m", &picture, 1, &t.e));
	FAILS(app_job_finish(&program, &second, "m", &picture, 1, &t.e), ERR_CANCELLED);
	OK(app_job_get(&ana, id, &job, &t.e));
	assert_true(job.row.state == STORE_JOB_FINISHED && job.media_count == 1 &&
		    job.row.seed == 9);
	assert_string_equal(job.media[0].description, "a cat");
	FAILS(app_job_get(&bo, id, &job, &t.e), ERR_NOT_FOUND);
	FAILS(app_job_cancel(&ana, id, &t.e), ERR_CONFLICT);
	OK(app_job_remove(&ana, id, &t.e));
	struct app_jobs list;
	OK(app_job_list(&ana, &all, &list, &t.e));
	assert_int_equal(list.count, 0);
}

static void leases_end(void **state)
{
	(void)state;
	struct store_job job;
	struct app_job seen;
	int64_t id = submit(&ana, 1).row.id;
	for (int attempt = 1; attempt <= 3; attempt++) {
		assert_true(claim("w", &job));
		assert_int_equal(testapp_recover(NULL), 1);
	}
	assert_false(claim("w", &job)); /* three times is enough */
	OK(app_job_get(&ana, id, &seen, &t.e));
	assert_int_equal(seen.row.state, STORE_JOB_FAILED);
	assert_true(strlen(seen.row.error_message) > 0);
}

static void cancelling(void **state)
{
	(void)state;
	struct app program = testapp_as(0);
	struct store_job job;
	struct store_media picture = {.hash = "p", .type = "image/png"};
	int64_t ids[3];
	for (int i = 0; i < 3; i++)
		ids[i] = submit(&ana, i ? 4 : 1).row.id;
	FAILS(app_job_cancel(&bo, ids[0], &t.e), ERR_NOT_FOUND);
	assert_true(claim("w", &job));
	for (int i = 0; i < 3; i++)
		OK(app_job_cancel(&ana, ids[i], &t.e));
	FAILS(app_job_finish(&program, &job, "m", &picture, 1, &t.e), ERR_CANCELLED);
	submit(&bo, 1);
	submit(&ana, 1);
	submit(&bo, 1);
	assert_true(claim("w", &job) && claim("w", &job));
	assert_true(job.account_id ==
		    a); /* what was cancelled undrawn does not count against her */
	struct app_jobs queue;
	FAILS(app_job_queue(&bo, 0, 10, &queue, &t.e), ERR_FORBIDDEN);
	struct app admin = testapp_as_admin(c);
	OK(app_job_queue(&admin, 0, 10, &queue, &t.e));
	assert_int_equal(queue.count, 3);
}

static void draw_answers(void **state)
{
	(void)state;
	struct app program = testapp_as(0);
	struct store_job job;
	struct app_post asked;
	struct app_posts up, down;
	int64_t draw;
	bool required;
	OK(app_draw_account(&program, &draw, &t.e));
	OK(app_setup_required(&program, &required, &t.e));
	assert_false(required);
	OK(app_post_create(&ana, &(struct app_post_new){.text = "@draw 빨간 사과"}, &asked, &t.e));
	assert_true(claim("w", &job));
	assert_string_equal(job.prompt, "빨간 사과");
	struct store_media picture = {.hash = "p", .type = "image/png"};
	OK(app_job_finish(&program, &job, "m", &picture, 1, &t.e));
	FAILS(app_job_finish(&program, &job, "m", &picture, 1, &t.e), ERR_CANCELLED);
	OK(app_post_context(&ana, asked.row.id, &up, &down, &t.e));
	assert_int_equal(down.count, 1);
	assert_true(down.items[0].account->id == draw && down.items[0].media_count == 1);
	assert_string_equal(down.items[0].made->prompt, "빨간 사과");
	OK(app_post_create(&ana, &(struct app_post_new){.text = "@draw"}, &asked,
			   &t.e)); /* nothing to draw */
	assert_false(claim("w", &job));
	OK(app_post_context(&ana, asked.row.id, &up, &down, &t.e));
	assert_int_equal(down.count, 1);
	assert_non_null(strstr(down.items[0].row.text, "sorry"));
	OK(app_post_create(&ana, &(struct app_post_new){.text = "@draw a dog"}, &asked, &t.e));
	assert_true(claim("w", &job));
	OK(app_job_fail(&program, &job, "no_model", "no model is installed", &t.e));
	OK(app_post_context(&ana, asked.row.id, &up, &down, &t.e));
	assert_non_null(strstr(down.items[0].row.text, "no model is installed"));
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

struct claimer {
	struct app_core *core;
	struct db_pool *pool;
	int claimed;
	int failed;
};

static void claim_all(void *argument)
{
	struct claimer *self = argument;
	struct err e = {0};
	struct db *db = db_open(self->pool, &e);
	struct arena *arena = arena_create(4 << 20);
	struct app app;
	bool found = db != NULL;
	while (found) {
		struct store_job job;
		app_init(&app, self->core, db, arena);
		if (!app_job_claim(&app, "builtin", "w", 60000, &job, &found, &e)) {
			self->failed++;
			break;
		}
		self->claimed += found;
		arena_reset(arena);
	}
	arena_destroy(arena);
	db_close(db);
}

static void workers_share_the_queue(void **state)
{
	(void)state;
	struct claimer claimers[6];
	pthread_t threads[6];
	int claimed = 0;
	for (int i = 0; i < 18; i++)
		submit(i % 2 ? &ana : &bo, 1);
	for (int i = 0; i < 6; i++) {
		claimers[i] = (struct claimer){t.core, t.pool, 0, 0};
		OK(thread_start(&threads[i], "claimer", claim_all, &claimers[i], &t.e));
	}
	for (int i = 0; i < 6; i++) {
		thread_join(threads[i]);
		claimed += claimers[i].claimed;
		assert_int_equal(claimers[i].failed, 0);
	}
	int64_t queued, drawing;
	OK(store_job_count(t.app.db, &queued, &drawing, &t.e));
	assert_int_equal(claimed, 18); /* each once */
	assert_int_equal(drawing, 18);
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
	kind = which;
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(saying_and_seeing),
	    TEST(tags_are_counted),
	    TEST(bad_posts),
	    TEST(idempotency),
	    TEST(who_sees_what),
	    TEST(pages),
	    TEST(replies_and_context),
	    TEST(marks_happen_once),
	    TEST(files_go_with_the_last_post),
	    TEST(pending_uploads),
	    TEST(redrafts_keep_their_pictures),
	    TEST(prompts_are_seen_by_rule),
	    TEST(remixes_make_a_tree),
	    TEST(jobs_are_drawn_in_turn),
	    TEST(bad_jobs),
	    TEST(a_job_ends_once),
	    TEST(leases_end),
	    TEST(cancelling),
	    TEST(draw_answers),
	    TEST(fan_out_goes_on_by_itself),
	    TEST(twins_make_one_post),
	    TEST(workers_share_the_queue),
	    TEST(quotes),
	    TEST(what_is_kept_is_never_old),
	    TEST(what_a_viewer_does_shows_at_once),
	};
	return cmocka_run_group_tests_name(which == DB_SQLITE ? "sqlite" : "postgres", tests, NULL,
					   NULL);
}

int main(void)
{
	return testdb_run_both(run);
}
