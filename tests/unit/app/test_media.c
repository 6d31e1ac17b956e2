/* Uploads, pictures, prompts and remixes; on both databases. */
#include "app/lineage.h"
#include "app/media.h"
#include "app/notification.h"
#include "app/upload.h"
#include "three.h"

#include "base/clock.h"

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

static struct store_media send(struct app *who, const char *hash)
{
	struct store_media media;
	const struct app_upload_new form = {.hash = hash, .type = "image/png", .size_bytes = 3};
	OK(app_upload_add(who, &form, &media, &t.e));
	return media;
}

static bool take(const char *worker, struct store_upload *out)
{
	bool claimed;
	t.app.now_ms = clock_house_ms();
	OK(app_upload_claim(&t.app, worker, 60000, out, &claimed, &t.e));
	return claimed;
}

static const struct media_processed made = {.hash = "picture",
					    .thumbnail_hash = "small",
					    .type = "image/webp",
					    .thumbnail_type = "image/webp",
					    .size_bytes = 7,
					    .width = 4,
					    .height = 2,
					    .transparent = true};

static bool in_use(const char *hash)
{
	bool yes;
	OK(store_object_in_use(t.app.db, hash, &yes, &t.e));
	return yes;
}

static void pending_uploads(void **state)
{
	(void)state;
	struct store_upload upload, none;
	struct app_post post;
	bool more;
	struct store_media media = send(&ana, "raw");
	struct app_post_new form = {.text = "", .media_ids = &media.id, .media_count = 1};
	FAILS(app_post_create(&ana, &form, &post, &t.e), ERR_INVALID);
	FAILS(app_post_create(&bo, &form, &post, &t.e), ERR_INVALID);
	assert_true(take("one", &upload));
	assert_false(take("two", &none));
	assert_true(upload.media_id == media.id && upload.attempts == 1);
	assert_string_equal(upload.hash, "raw");
	OK(app_upload_done(&t.app, &upload, &made, &t.e));
	assert_true(in_use("picture") && in_use("small") && !in_use("raw"));
	OK(app_upload_done(&t.app, &upload, &made, &t.e)); /* twice is once */
	OK(app_tick(&t.app, &more, &t.e));
	assert_true(was_deleted("raw") && !was_deleted("picture"));
	assert_false(take("one", &none));
	double focus[2] = {0.5, -0.5}, bad[2] = {2, 0};
	FAILS(app_media_describe(&ana, media.id, NULL, bad, &media, &t.e), ERR_INVALID);
	FAILS(app_media_describe(&bo, media.id, "mine", NULL, &media, &t.e), ERR_NOT_FOUND);
	OK(app_media_describe(&ana, media.id, "a red apple", focus, &media, &t.e));
	assert_true(media.state == STORE_MEDIA_READY && media.transparent && media.width == 4);
	OK(app_post_create(&ana, &form, &post, &t.e));
	assert_string_equal(post.media[0].description, "a red apple");
	FAILS(app_media_delete(&ana, media.id, &t.e), ERR_INVALID);
}

static void uploads_survive_who_processes_them(void **state)
{
	(void)state;
	struct store_upload upload;
	struct store_media media = send(&ana, "raw"), other = send(&bo, "raw");
	int64_t count;
	assert_true(take("one", &upload) && upload.media_id == media.id);
	OK(app_upload_take_back(&t.app, "two", &count, &t.e));
	assert_int_equal(count, 0);
	OK(app_upload_take_back(&t.app, "one", &count, &t.e));
	assert_int_equal(count, 1);
	assert_true(take("one", &upload) && upload.media_id == other.id);
	OK(app_upload_done(&t.app, &upload, &made, &t.e));
	assert_true(in_use("raw")); /* ana's */
	/* What ends everybody who tries is given up. */
	for (int i = 2; i <= 4; i++) {
		assert_true(take("one", &upload));
		assert_true(upload.media_id == media.id && upload.attempts == i);
		OK(app_upload_take_back(&t.app, "one", &count, &t.e));
		assert_int_equal(count, 1);
	}
	assert_false(take("one", &upload));
	OK(app_media_get(&ana, media.id, &media, &t.e));
	assert_int_equal(media.state, STORE_MEDIA_FAILED);
	assert_non_null(strstr(media.error_message, "upload it again"));
	assert_false(in_use("raw"));
}

static void uploads_that_cannot_be_read(void **state)
{
	(void)state;
	struct store_upload upload;
	struct app_post post;
	struct store_media media = send(&ana, "raw");
	const struct app_post_new form = {.text = "", .media_ids = &media.id, .media_count = 1};
	assert_true(take("one", &upload));
	OK(app_upload_later(&t.app, &upload, &t.e));
	assert_false(take("one", &upload)); /* some seconds later */
	OK(app_upload_failed(&t.app, &upload, "no picture", &t.e));
	FAILS(app_post_create(&ana, &form, &post, &t.e), ERR_INVALID);
	OK(app_media_delete(&ana, media.id, &t.e));
	assert_false(in_use("raw"));
	/* Deleted while somebody is at it: what comes of it goes too. */
	media = send(&ana, "gone");
	assert_true(take("one", &upload));
	OK(app_media_delete(&ana, media.id, &t.e));
	assert_true(was_deleted("gone"));
	OK(app_upload_done(&t.app, &upload, &made, &t.e));
	bool more;
	OK(app_tick(&t.app, &more, &t.e));
	assert_true(was_deleted("picture") && was_deleted("small"));
}

static void uploads_have_limits(void **state)
{
	(void)state;
	struct store_media media;
	struct app_upload_new form = {.hash = "raw", .type = "image/png", .size_bytes = 3};
	for (int i = 0; i < 16; i++)
		send(&ana, "raw");
	FAILS(app_upload_admit(&ana, &t.e), ERR_LIMIT);
	form.hash = "one too many";
	FAILS(app_upload_add(&ana, &form, &media, &t.e), ERR_LIMIT);
	bool more;
	OK(app_tick(&t.app, &more, &t.e));
	assert_true(was_deleted("one too many") && in_use("raw"));
	OK(app_upload_admit(&bo, &t.e));
	FAILS(app_upload_admit(&t.app, &t.e), ERR_UNAUTHORIZED);
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

static int run(enum db_kind which)
{
	const struct CMUnitTest tests[] = {
	    TEST(files_go_with_the_last_post),
	    TEST(pending_uploads),
	    TEST(uploads_survive_who_processes_them),
	    TEST(uploads_that_cannot_be_read),
	    TEST(uploads_have_limits),
	    TEST(redrafts_keep_their_pictures),
	    TEST(prompts_are_seen_by_rule),
	    TEST(remixes_make_a_tree),
	};
	return run_three(which, tests, sizeof(tests) / sizeof(*tests));
}

int main(void)
{
	return testdb_run_both(run);
}
