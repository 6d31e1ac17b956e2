/* The rest of the client API, by its rules: edits, polls, quotes, lists, tags, filters, conversations, scheduled posts,
 * and above all who sees what; on both databases. */
#include "app/conversation.h"
#include "app/edit.h"
#include "app/filter.h"
#include "app/followed_tag.h"
#include "app/list.h"
#include "app/note.h"
#include "app/notification.h"
#include "app/poll.h"
#include "app/private.h"
#include "app/relation.h"
#include "app/scheduled.h"
#include "app/timeline.h"
#include "testapp.h"
#include "testdb.h"

#include "base/clock.h"
#include "base/id.h"

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
	clock_set_wall_ms(0);
	return testapp_tear_down();
}

static void follow(struct app *who, int64_t whom)
{
	struct app_relation r;
	OK(app_follow(who, whom, NULL, NULL, &r, &t.e));
}

static struct app_post say(struct app *who, struct app_post_new form)
{
	struct app_post post;
	OK(app_post_create(who, &form, &post, &t.e));
	return post;
}

static size_t told(struct app *who, enum app_notification_kind which)
{
	struct app_notifications list;
	struct app_notification_filter filter = {.kinds = 1u << which, .include_filtered = true};
	OK(app_notification_list(who, &filter, &all, &list, &t.e));
	return list.count;
}

static size_t home_count(struct app *who)
{
	struct app_posts home;
	OK(app_timeline_home(who, &all, &home, &t.e));
	return home.count;
}

/* The present moves on by so many milliseconds, for everybody. */
static void later(int64_t ms)
{
	int64_t now = ana.now_ms + ms;
	clock_set_wall_ms(now);
	ana.now_ms = bo.now_ms = cho.now_ms = t.app.now_ms = now;
}

static void tick(void)
{
	bool more = true;
	for (int i = 0; i < 50 && more; i++)
		OK(app_tick(&t.app, &more, &t.e));
	assert_false(more);
}

static void edits(void **state)
{
	(void)state;
	struct app_post post = testapp_post(a, "one #old @bo"), out, now;
	struct app_edit *history;
	size_t count;
	struct app_posts tagged;
	OK(app_boost_add(&cho, post.row.id, STORE_VISIBILITY_PUBLIC, &out, &t.e));
	struct app_post_change change = {.text = "two #new @cho"};
	FAILS(app_post_edit(&bo, post.row.id, &change, &out, &t.e), ERR_NOT_FOUND);
	FAILS(app_post_edit(&t.app, post.row.id, &change, &out, &t.e), ERR_UNAUTHORIZED);
	OK(app_post_edit(&ana, post.row.id, &change, &out, &t.e));
	assert_string_equal(out.row.text, "two #new @cho");
	assert_true(out.row.edited_at > 0);
	assert_int_equal(out.mention_count, 1);
	assert_true(out.mentions[0]->id == c);
	assert_int_equal(told(&cho, APP_NOTIFY_UPDATE), 1);
	assert_int_equal(told(&cho, APP_NOTIFY_MENTION), 1);
	assert_int_equal(told(&bo, APP_NOTIFY_MENTION), 0);
	OK(app_timeline_tag(&t.app, &(struct app_timeline_filter){.tag = "old"}, &all, &tagged,
			    &t.e));
	assert_int_equal(tagged.count, 0);
	OK(app_timeline_tag(&t.app, &(struct app_timeline_filter){.tag = "new"}, &all, &tagged,
			    &t.e));
	assert_int_equal(tagged.count, 1);
	OK(app_post_history(&bo, post.row.id, &now, &history, &count, &t.e));
	assert_int_equal(count, 2);
	assert_string_equal(history[0].row.text, "one #old @bo");
	assert_string_equal(history[1].row.text, "two #new @cho");
	/* Nothing new: nothing written. */
	OK(app_post_edit(&ana, post.row.id, &change, &out, &t.e));
	OK(app_post_history(&bo, post.row.id, &now, &history, &count, &t.e));
	assert_int_equal(count, 2);
	change.text = " ";
	FAILS(app_post_edit(&ana, post.row.id, &change, &out, &t.e), ERR_INVALID);
}

static void edits_stay_private(void **state)
{
	(void)state;
	struct app_edit *history;
	size_t count;
	struct app_post out, seen;
	struct app_post post = say(
	    &ana, (struct app_post_new){.text = "@bo psst", .visibility = STORE_VISIBILITY_DIRECT});
	FAILS(app_post_history(&cho, post.row.id, &out, &history, &count, &t.e), ERR_NOT_FOUND);
	OK(app_post_history(&bo, post.row.id, &out, &history, &count, &t.e));
	/* Who is mentioned no more sees neither the post nor what it was. */
	OK(app_post_edit(&ana, post.row.id, &(struct app_post_change){.text = "@cho psst"}, &out,
			 &t.e));
	FAILS(app_post_get(&bo, post.row.id, &seen, &t.e), ERR_NOT_FOUND);
	FAILS(app_post_history(&bo, post.row.id, &out, &history, &count, &t.e), ERR_NOT_FOUND);
	OK(app_post_history(&cho, post.row.id, &out, &history, &count, &t.e));
}

static void polls(void **state)
{
	(void)state;
	struct app_poll_new poll = {
	    .options = {"tea", "coffee", "water"}, .option_count = 3, .expires_in_s = 300};
	struct app_post out,
	    asked = say(&ana, (struct app_post_new){.text = "what?", .poll = &poll});
	assert_non_null(asked.poll);
	int64_t tea = 0, both[] = {0, 1}, none[] = {7};
	FAILS(app_poll_vote(&ana, asked.row.id, &tea, 1, &out, &t.e), ERR_INVALID);
	FAILS(app_poll_vote(&bo, asked.row.id, both, 2, &out, &t.e), ERR_INVALID);
	FAILS(app_poll_vote(&bo, asked.row.id, none, 1, &out, &t.e), ERR_INVALID);
	FAILS(app_poll_vote(&bo, asked.row.id, &tea, 0, &out, &t.e), ERR_INVALID);
	FAILS(app_poll_vote(&t.app, asked.row.id, &tea, 1, &out, &t.e), ERR_UNAUTHORIZED);
	OK(app_poll_vote(&bo, asked.row.id, &tea, 1, &out, &t.e));
	assert_true(out.poll->own[0] && out.poll->votes[0] == 1 && out.poll->voters_count == 1);
	FAILS(app_poll_vote(&bo, asked.row.id, &both[1], 1, &out, &t.e), ERR_INVALID);
	OK(app_poll_get(&cho, asked.row.id, &out, &t.e));
	assert_false(out.poll->own[0]);
	tick();
	assert_int_equal(told(&bo, APP_NOTIFY_POLL), 0);
	later(301 * 1000);
	FAILS(app_poll_vote(&cho, asked.row.id, &tea, 1, &out, &t.e), ERR_INVALID);
	tick();
	tick();
	assert_int_equal(told(&bo, APP_NOTIFY_POLL), 1);
	assert_int_equal(told(&ana, APP_NOTIFY_POLL), 1);
	assert_int_equal(told(&cho, APP_NOTIFY_POLL), 0);
	/* Not everybody sees every poll. */
	struct app_post hidden =
	    say(&ana, (struct app_post_new){
			  .text = "you?", .poll = &poll, .visibility = STORE_VISIBILITY_PRIVATE});
	FAILS(app_poll_get(&bo, hidden.row.id, &out, &t.e), ERR_NOT_FOUND);
	FAILS(app_poll_vote(&bo, hidden.row.id, &tea, 1, &out, &t.e), ERR_NOT_FOUND);
	FAILS(app_poll_get(&ana, testapp_post(a, "no poll").row.id, &out, &t.e), ERR_NOT_FOUND);
	/* Another question: the votes go; the same one: they stay. */
	poll.options[2] = "milk";
	OK(app_post_edit(&ana, asked.row.id,
			 &(struct app_post_change){.poll = &poll, .change_poll = true}, &out,
			 &t.e));
	assert_int_equal(out.poll->votes[0], 0);
	OK(app_poll_vote(&bo, asked.row.id, &tea, 1, &out, &t.e));
	poll.expires_in_s = 900;
	OK(app_post_edit(&ana, asked.row.id,
			 &(struct app_post_change){.poll = &poll, .change_poll = true}, &out,
			 &t.e));
	assert_int_equal(out.poll->votes[0], 1);
}

static void bad_polls(void **state)
{
	(void)state;
	struct app_post out;
	struct app_poll_new forms[] = {
	    {.options = {"one"}, .option_count = 1, .expires_in_s = 300},
	    {.options = {"a", "a"}, .option_count = 2, .expires_in_s = 300},
	    {.options = {"a", " "}, .option_count = 2, .expires_in_s = 300},
	    {.options = {"a", "b"}, .option_count = 2, .expires_in_s = 1},
	    {.options = {"a", "b\nc"}, .option_count = 2, .expires_in_s = 300},
	    {.options = {"a", "b", "c", "d", "e"}, .option_count = 5, .expires_in_s = 300},
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct app_post_new form = {.text = "x", .poll = &forms[i]};
		FAILS(app_post_create(&ana, &form, &out, &t.e), ERR_INVALID);
	}
}

static void quotes_by_policy(void **state)
{
	(void)state;
	struct app_post out;
	struct app_posts list;
	struct app_post open = testapp_post(a, "open");
	struct app_post mine =
	    say(&ana, (struct app_post_new){.text = "mine", .quote_policy = STORE_QUOTE_NOBODY});
	struct app_post some =
	    say(&ana, (struct app_post_new){.text = "some", .quote_policy = STORE_QUOTE_FOLLOWERS});
	struct app_post secret = say(
	    &ana, (struct app_post_new){.text = "secret", .visibility = STORE_VISIBILITY_PRIVATE});
	struct app_post_new form = {.text = "look", .quote_of_id = mine.row.id};
	FAILS(app_post_create(&bo, &form, &out, &t.e), ERR_FORBIDDEN);
	form.quote_of_id = some.row.id;
	FAILS(app_post_create(&bo, &form, &out, &t.e), ERR_FORBIDDEN);
	follow(&bo, a);
	struct app_post quote = say(&bo, form);
	assert_int_equal(told(&ana, APP_NOTIFY_QUOTE), 1);
	form.quote_of_id = secret.row.id;
	FAILS(app_post_create(&bo, &form, &out, &t.e), ERR_FORBIDDEN);
	/* One's own for followers: the quote has no more readers. */
	struct app_post own = say(&ana, form);
	assert_int_equal(own.row.visibility, STORE_VISIBILITY_PRIVATE);
	FAILS(app_post_get(&cho, own.row.id, &out, &t.e), ERR_NOT_FOUND);
	OK(app_quotes(&cho, some.row.id, &all, &list, &t.e));
	assert_int_equal(list.count, 1);
	OK(app_quotes(&cho, open.row.id, &all, &list, &t.e));
	assert_int_equal(list.count, 0);
	FAILS(app_quotes(&cho, secret.row.id, &all, &list, &t.e), ERR_NOT_FOUND);
	OK(app_post_get(&cho, some.row.id, &out, &t.e));
	assert_int_equal(out.row.quotes_count, 1);
	/* Revoked: the words stay, what they quote does not show. */
	FAILS(app_quote_revoke(&cho, some.row.id, quote.row.id, &out, &t.e), ERR_FORBIDDEN);
	FAILS(app_quote_revoke(&ana, open.row.id, quote.row.id, &out, &t.e), ERR_NOT_FOUND);
	OK(app_quote_revoke(&ana, some.row.id, quote.row.id, &out, &t.e));
	assert_int_equal(out.quote, APP_QUOTE_REVOKED);
	assert_null(out.quote_of);
	OK(app_post_get(&cho, some.row.id, &out, &t.e));
	assert_int_equal(out.row.quotes_count, 0);
	/* Of who blocks the reader nothing shows through somebody else's quote. */
	form.quote_of_id = open.row.id;
	quote = say(&bo, form);
	struct app_relation r;
	OK(app_block(&ana, c, &r, &t.e));
	OK(app_post_get(&cho, quote.row.id, &out, &t.e));
	assert_int_equal(out.quote, APP_QUOTE_UNAUTHORIZED);
	assert_null(out.quote_of);
	OK(app_post_delete(&ana, open.row.id, NULL, &t.e));
	OK(app_post_get(&bo, quote.row.id, &out, &t.e));
	assert_int_equal(out.quote, APP_QUOTE_DELETED);
	OK(app_quote_policy_set(&ana, mine.row.id, STORE_QUOTE_PUBLIC, &out, &t.e));
	FAILS(app_quote_policy_set(&bo, mine.row.id, STORE_QUOTE_PUBLIC, &out, &t.e),
	      ERR_FORBIDDEN);
	form.quote_of_id = mine.row.id;
	(void)say(&bo, form);
}

static void quoted_and_edited(void **state)
{
	(void)state;
	struct app_post out, post = testapp_post(a, "first");
	(void)say(&bo, (struct app_post_new){.text = "see", .quote_of_id = post.row.id});
	OK(app_post_edit(&ana, post.row.id, &(struct app_post_change){.text = "second"}, &out,
			 &t.e));
	assert_int_equal(told(&bo, APP_NOTIFY_QUOTED_UPDATE), 1);
	OK(app_post_edit(&ana, post.row.id, &(struct app_post_change){.text = "third"}, &out,
			 &t.e));
	assert_int_equal(told(&bo, APP_NOTIFY_QUOTED_UPDATE), 1);
}

static void pins_and_mutes(void **state)
{
	(void)state;
	struct app_post out, post = testapp_post(a, "look");
	struct app_post direct = say(
	    &ana, (struct app_post_new){.text = "@bo x", .visibility = STORE_VISIBILITY_DIRECT});
	struct app_posts pinned;
	OK(app_pin_add(&ana, post.row.id, &out, &t.e));
	assert_true(out.pinned);
	FAILS(app_pin_add(&bo, post.row.id, &out, &t.e), ERR_INVALID);
	FAILS(app_pin_add(&ana, direct.row.id, &out, &t.e), ERR_INVALID);
	for (int i = 0; i < APP_PINS_MAX - 1; i++)
		OK(app_pin_add(&ana, testapp_post(a, "more").row.id, &out, &t.e));
	FAILS(app_pin_add(&ana, testapp_post(a, "more").row.id, &out, &t.e), ERR_INVALID);
	struct app_post hidden = say(
	    &bo, (struct app_post_new){.text = "for some", .visibility = STORE_VISIBILITY_PRIVATE});
	OK(app_pin_add(&bo, hidden.row.id, &out, &t.e));
	OK(app_timeline_pinned(&cho, b, &all, &pinned, &t.e));
	assert_int_equal(pinned.count, 0);
	OK(app_timeline_pinned(&cho, a, &all, &pinned, &t.e));
	assert_int_equal(pinned.count, APP_PINS_MAX);
	OK(app_pin_remove(&ana, post.row.id, &out, &t.e));
	assert_false(out.pinned);
	/* A muted conversation is silent, for the one who muted it. */
	OK(app_thread_mute(&ana, post.row.id, &out, &t.e));
	assert_true(out.muted);
	(void)say(&bo, (struct app_post_new){.text = "@ana hey", .in_reply_to_id = post.row.id});
	assert_int_equal(told(&ana, APP_NOTIFY_MENTION), 0);
	OK(app_thread_unmute(&ana, post.row.id, &out, &t.e));
	(void)say(&bo, (struct app_post_new){.text = "@ana hey", .in_reply_to_id = post.row.id});
	assert_int_equal(told(&ana, APP_NOTIFY_MENTION), 1);
}

static size_t list_count(struct app *who, int64_t id)
{
	struct app_posts posts;
	OK(app_list_timeline(who, id, &all, &posts, &t.e));
	return posts.count;
}

static void lists(void **state)
{
	(void)state;
	struct store_list list, other;
	struct store_list *mine;
	struct store_accounts members;
	size_t count;
	bool yes = true;
	OK(app_list_create(&ana, &(struct app_list_form){.title = "friends"}, &list, &t.e));
	FAILS(app_list_create(&ana, &(struct app_list_form){.title = " "}, &other, &t.e),
	      ERR_INVALID);
	FAILS(app_list_members_add(&ana, list.id, &b, 1, &t.e), ERR_NOT_FOUND); /* not followed */
	follow(&ana, b);
	follow(&ana, c);
	(void)testapp_post(b, "before");
	OK(app_list_members_add(&ana, list.id, &b, 1, &t.e));
	assert_int_equal(list_count(&ana, list.id), 1);
	(void)testapp_post(b, "after");
	(void)testapp_post(c, "of somebody else");
	assert_int_equal(list_count(&ana, list.id), 2);
	assert_int_equal(t.events[APP_EVENT_LIST], 1);
	/* Nobody else sees it or changes it. */
	struct app_posts posts;
	FAILS(app_list_get(&bo, list.id, &other, &t.e), ERR_NOT_FOUND);
	FAILS(app_list_timeline(&bo, list.id, &all, &posts, &t.e), ERR_NOT_FOUND);
	FAILS(app_list_delete(&bo, list.id, &t.e), ERR_NOT_FOUND);
	FAILS(app_list_members(&bo, list.id, &all, &members, &t.e), ERR_NOT_FOUND);
	OK(app_list_all(&ana, b, &mine, &count, &t.e));
	assert_int_equal(count, 1);
	OK(app_list_all(&ana, c, &mine, &count, &t.e));
	assert_int_equal(count, 0);
	/* Answers, by the list's policy. */
	struct app_post theirs = testapp_post(c, "question");
	(void)say(&bo, (struct app_post_new){.text = "answer", .in_reply_to_id = theirs.row.id});
	assert_int_equal(list_count(&ana, list.id), 2); /* cho is not in the list */
	enum store_replies policy = STORE_REPLIES_FOLLOWED;
	OK(app_list_update(&ana, list.id, &(struct app_list_form){.replies = &policy}, &list,
			   &t.e));
	(void)say(&bo, (struct app_post_new){.text = "answer", .in_reply_to_id = theirs.row.id});
	assert_int_equal(list_count(&ana, list.id), 3);
	policy = STORE_REPLIES_NONE;
	OK(app_list_update(&ana, list.id, &(struct app_list_form){.replies = &policy}, &list,
			   &t.e));
	(void)say(&bo, (struct app_post_new){.text = "answer", .in_reply_to_id = theirs.row.id});
	assert_int_equal(list_count(&ana, list.id), 3);
	/* Exclusive: no more at home. */
	size_t home = home_count(&ana);
	OK(app_list_update(&ana, list.id, &(struct app_list_form){.exclusive = &yes}, &list, &t.e));
	(void)testapp_post(b, "only in the list");
	assert_int_equal(home_count(&ana), home);
	assert_int_equal(list_count(&ana, list.id), 4);
	/* Followers' posts reach the list, direct ones do not; unfollowing takes everything out. */
	(void)say(&bo, (struct app_post_new){.text = "p", .visibility = STORE_VISIBILITY_PRIVATE});
	(void)say(&bo,
		  (struct app_post_new){.text = "@ana d", .visibility = STORE_VISIBILITY_DIRECT});
	assert_int_equal(list_count(&ana, list.id), 5);
	struct app_relation r;
	OK(app_unfollow(&ana, b, &r, &t.e));
	assert_int_equal(list_count(&ana, list.id), 0);
	OK(app_list_members(&ana, list.id, &all, &members, &t.e));
	assert_int_equal(members.count, 0);
	OK(app_list_delete(&ana, list.id, &t.e));
	FAILS(app_list_get(&ana, list.id, &other, &t.e), ERR_NOT_FOUND);
}

static void languages(void **state)
{
	(void)state;
	struct app_relation r;
	follow(&ana, b);
	OK(app_follow_languages(&ana, b, "ko ja", &r, &t.e));
	assert_string_equal(r.languages, "ko ja");
	(void)say(&bo, (struct app_post_new){.text = "english", .language = "en"});
	assert_int_equal(home_count(&ana), 0);
	(void)say(&bo, (struct app_post_new){.text = "한국어", .language = "ko"});
	(void)say(&bo, (struct app_post_new){.text = "whatever"});
	assert_int_equal(home_count(&ana), 2);
	OK(app_follow_languages(&ana, b, "", &r, &t.e));
	(void)say(&bo, (struct app_post_new){.text = "english", .language = "en"});
	assert_int_equal(home_count(&ana), 3);
	FAILS(app_follow_languages(&ana, b, "%", &r, &t.e), ERR_INVALID);
}

static void followed_tags(void **state)
{
	(void)state;
	struct app_followed_tags tags;
	struct app_tag_state tag;
	struct app_relation r;
	OK(app_tag_follow(&ana, "Moon", true, &t.e));
	OK(app_tag_follow(&ana, "moon", true, &t.e));
	FAILS(app_tag_follow(&ana, "no tag", true, &t.e), ERR_INVALID);
	OK(app_followed_tags(&ana, &all, &tags, &t.e));
	assert_int_equal(tags.count, 1);
	OK(app_tag_state(&ana, "MOON", &tag, &t.e));
	assert_true(tag.following && !tag.featuring);
	(void)testapp_post(b, "the #moon");
	assert_int_equal(home_count(&ana), 1);
	(void)say(&bo,
		  (struct app_post_new){.text = "#moon", .visibility = STORE_VISIBILITY_UNLISTED});
	(void)say(&bo,
		  (struct app_post_new){.text = "#moon", .visibility = STORE_VISIBILITY_PRIVATE});
	(void)say(&bo, (struct app_post_new){.text = "@ana #moon",
					     .visibility = STORE_VISIBILITY_DIRECT});
	assert_int_equal(home_count(&ana), 1);
	OK(app_mute(&ana, b, false, 0, &r, &t.e));
	assert_int_equal(home_count(&ana), 0);
	OK(app_unmute(&ana, b, &r, &t.e));
	OK(app_tag_follow(&ana, "moon", false, &t.e));
	(void)testapp_post(b, "the #moon again");
	assert_int_equal(home_count(&ana), 1);
	/* Featured: with what everybody may count. */
	struct store_featured_tag featured, list[STORE_FEATURED_TAGS_MAX];
	size_t count;
	OK(app_featured_tag_add(&bo, "moon", &featured, &t.e));
	assert_int_equal(featured.posts_count, 3);
	FAILS(app_featured_tag_add(&bo, "#Moon", &featured, &t.e), ERR_INVALID);
	OK(app_featured_tags(&ana, b, list, &count, &t.e));
	assert_int_equal(count, 1);
	FAILS(app_featured_tag_remove(&ana, list[0].id, &t.e), ERR_NOT_FOUND);
	OK(app_featured_tag_remove(&bo, list[0].id, &t.e));
}

static struct app_filter filter(struct app *who, const char *keyword, bool whole)
{
	struct app_filter out;
	struct app_keyword_form k = {.keyword = keyword, .whole_word = &whole};
	struct app_filter_form form = {
	    .title = keyword, .contexts = STORE_FILTER_HOME, .keywords = &k, .keyword_count = 1};
	OK(app_filter_create(who, &form, &out, &t.e));
	who->filters = NULL;
	return out;
}

static size_t caught(struct app *who, int64_t id)
{
	struct app_post post;
	who->filters = NULL;
	OK(app_post_get(who, id, &post, &t.e));
	return post.filtered_count;
}

static void filters_match_words(void **state)
{
	(void)state;
	static const struct {
		const char *keyword;
		bool whole;
		const char *text;
		bool caught;
	} cases[] = {
	    {"cat", true, "a Cat!", true},        {"cat", true, "category", false},
	    {"cat", false, "category", true},     {"#moon", true, "the #Moon", true},
	    {"축구", true, "축구를 봤다", true},  {"サッカー", true, "今日サッカーを見た", true},
	    {"ÉTÉ", true, "cet été-là", true},    {"été", true, "étés", false},
	    {"война", true, "ВОЙНА и мир", true}, {"a b", false, "xa by", true},
	    {"cat", true, "dog", false},          {"e", true, "<e>", true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct app_filter f = filter(&bo, cases[i].keyword, cases[i].whole);
		struct app_post post = testapp_post(a, cases[i].text);
		if ((caught(&bo, post.row.id) == 1) != cases[i].caught)
			fail_msg("'%s' in '%s'", cases[i].keyword, cases[i].text);
		OK(app_filter_delete(&bo, f.row.id, &t.e));
	}
}

static void filters_are_one_s_own(void **state)
{
	(void)state;
	struct app_post post = testapp_post(a, "about cats"), boost, quote;
	struct app_filter f = filter(&bo, "cats", true), other;
	struct store_filter_keyword k;
	struct store_filter_post p;
	struct app_posts home;
	assert_int_equal(caught(&bo, post.row.id), 1);
	assert_int_equal(caught(&cho, post.row.id), 0);
	assert_int_equal(caught(&t.app, post.row.id), 0);
	FAILS(app_filter_get(&cho, f.row.id, &other, &t.e), ERR_NOT_FOUND);
	FAILS(app_filter_keyword_get(&cho, f.keywords[0].id, &k, &t.e), ERR_NOT_FOUND);
	FAILS(app_filter_delete(&cho, f.row.id, &t.e), ERR_NOT_FOUND);
	/* Another one's keyword does not become mine by naming it. */
	struct app_keyword_form steal = {.id = f.keywords[0].id, .keyword = "mine"};
	struct app_filter mine = filter(&cho, "x", true);
	FAILS(app_filter_update(&cho, mine.row.id,
				&(struct app_filter_form){.keywords = &steal, .keyword_count = 1},
				&other, &t.e),
	      ERR_NOT_FOUND);
	/* A boost and a quote carry what their post does. */
	follow(&bo, c);
	OK(app_boost_add(&cho, post.row.id, STORE_VISIBILITY_PUBLIC, &boost, &t.e));
	bo.filters = NULL;
	OK(app_timeline_home(&bo, &all, &home, &t.e));
	assert_int_equal(home.count, 1);
	assert_int_equal(home.items[0].filtered_count, 1);
	assert_string_equal(home.items[0].filtered[0].keywords[0], "cats");
	quote = say(&cho, (struct app_post_new){.text = "see", .quote_of_id = post.row.id});
	bo.filters = NULL;
	OK(app_post_get(&bo, quote.row.id, &quote, &t.e));
	assert_int_equal(quote.filtered_count, 0);
	assert_int_equal(quote.quote_of->filtered_count, 1);
	/* A single post; not one that may not be seen. */
	struct app_post dull = testapp_post(a, "dull");
	OK(app_filter_post_add(&bo, f.row.id, dull.row.id, &p, &t.e));
	FAILS(app_filter_post_add(&bo, f.row.id, dull.row.id, &p, &t.e), ERR_INVALID);
	assert_int_equal(caught(&bo, dull.row.id), 1);
	struct app_post secret =
	    say(&ana, (struct app_post_new){.text = "x", .visibility = STORE_VISIBILITY_PRIVATE});
	FAILS(app_filter_post_add(&bo, f.row.id, secret.row.id, &p, &t.e), ERR_NOT_FOUND);
	/* It ends. */
	int64_t hour = 3600;
	OK(app_filter_update(&bo, f.row.id, &(struct app_filter_form){.expires_in_s = &hour},
			     &other, &t.e));
	assert_int_equal(caught(&bo, post.row.id), 1);
	later(3601 * 1000);
	assert_int_equal(caught(&bo, post.row.id), 0);
}

static void made_pictures_are_labelled(void **state)
{
	(void)state;
	enum store_filter_action hide = STORE_FILTER_HIDE, warn = STORE_FILTER_WARN;
	int64_t media = testapp_picture(a, "an apple", 0);
	struct app_post post =
	    say(&ana, (struct app_post_new){.media_ids = &media, .media_count = 1});
	struct app_post plain = testapp_post(a, "words"), seen;
	OK(app_made_filter_set(&bo, NULL, &hide, &t.e));
	OK(app_post_get(&bo, post.row.id, &seen, &t.e));
	assert_int_equal(seen.filtered_count, 1);
	assert_int_equal(seen.filtered[0].filter->action, STORE_FILTER_HIDE);
	assert_string_equal(seen.filtered[0].keywords[0], "builtin");
	assert_int_equal(caught(&bo, plain.row.id), 0);
	assert_int_equal(caught(&cho, post.row.id), 0);
	OK(app_made_filter_set(&bo, NULL, &warn, &t.e)); /* the same filter, changed */
	assert_int_equal(caught(&bo, post.row.id), 1);
	OK(app_made_filter_set(&bo, NULL, NULL, &t.e));
	assert_int_equal(caught(&bo, post.row.id), 0);
	OK(app_made_filter_set(&bo, "another", &hide, &t.e));
	assert_int_equal(caught(&bo, post.row.id), 0);
	OK(app_made_filter_set(&bo, "builtin", &hide, &t.e));
	assert_int_equal(caught(&bo, post.row.id), 1);
}

static void conversations(void **state)
{
	(void)state;
	struct app_conversations list;
	struct app_conversation one;
	struct app_post first = say(
	    &ana, (struct app_post_new){.text = "@bo psst", .visibility = STORE_VISIBILITY_DIRECT});
	OK(app_conversation_list(&bo, &all, &list, &t.e));
	assert_int_equal(list.count, 1);
	assert_true(list.items[0].row.unread);
	assert_int_equal(list.items[0].account_count, 1);
	assert_true(list.items[0].accounts[0]->id == a);
	int64_t id = list.items[0].row.id;
	OK(app_conversation_list(&cho, &all, &list, &t.e));
	assert_int_equal(list.count, 0);
	FAILS(app_conversation_get(&ana, id, &one, &t.e), ERR_NOT_FOUND);
	OK(app_conversation_mark(&bo, id, false, &one, &t.e));
	assert_false(one.row.unread);
	struct app_post answer =
	    say(&bo, (struct app_post_new){.text = "@ana what?",
					   .visibility = STORE_VISIBILITY_DIRECT,
					   .in_reply_to_id = first.row.id});
	OK(app_conversation_list(&ana, &all, &list, &t.e));
	assert_int_equal(list.count, 1);
	assert_true(list.items[0].row.unread);
	assert_true(list.items[0].last->row.id == answer.row.id);
	/* Taking the last one back shows the one before. */
	OK(app_post_delete(&bo, answer.row.id, NULL, &t.e));
	OK(app_conversation_list(&ana, &all, &list, &t.e));
	assert_true(list.items[0].last->row.id == first.row.id);
	OK(app_post_delete(&ana, first.row.id, NULL, &t.e));
	OK(app_conversation_list(&ana, &all, &list, &t.e));
	assert_int_equal(list.count, 0);
	(void)say(&ana,
		  (struct app_post_new){.text = "@bo more", .visibility = STORE_VISIBILITY_DIRECT});
	OK(app_conversation_list(&bo, &all, &list, &t.e));
	FAILS(app_conversation_delete(&cho, list.items[0].row.id, &t.e), ERR_NOT_FOUND);
	OK(app_conversation_delete(&bo, list.items[0].row.id, &t.e));
	OK(app_conversation_list(&bo, &all, &list, &t.e));
	assert_int_equal(list.count, 0);
}

static void scheduled(void **state)
{
	(void)state;
	struct app_scheduled s, other;
	struct app_scheduleds list;
	struct app_post out;
	struct app_posts posts;
	struct app_poll_new poll = {.options = {"a", "b"}, .option_count = 2, .expires_in_s = 600};
	struct app_post parent = testapp_post(b, "parent");
	struct app_post_new form = {.text = "later #then",
				    .spoiler_text = "cw",
				    .visibility = STORE_VISIBILITY_UNLISTED,
				    .language = "ko",
				    .poll = &poll,
				    .in_reply_to_id = parent.row.id,
				    .quote_policy = STORE_QUOTE_FOLLOWERS};
	int64_t at = ana.now_ms + 60000;
	FAILS(app_scheduled_create(&ana, &form, ana.now_ms - 1, &s, &t.e), ERR_INVALID);
	FAILS(app_scheduled_create(&ana, &(struct app_post_new){.text = ""}, at, &s, &t.e),
	      ERR_INVALID);
	OK(app_scheduled_create(&ana, &form, at, &s, &t.e));
	FAILS(app_scheduled_get(&bo, s.row.id, &other, &t.e), ERR_NOT_FOUND);
	FAILS(app_scheduled_delete(&bo, s.row.id, &t.e), ERR_NOT_FOUND);
	OK(app_scheduled_move(&ana, s.row.id, at + 1000, &s, &t.e));
	later(60500);
	tick();
	OK(app_scheduled_list(&ana, &all, &list, &t.e));
	assert_int_equal(list.count, 1);
	/* What it answers is gone when its time comes: it is said all the same. */
	OK(app_post_delete(&bo, parent.row.id, NULL, &t.e));
	later(1000);
	tick();
	tick();
	OK(app_scheduled_list(&ana, &all, &list, &t.e));
	assert_int_equal(list.count, 0);
	OK(app_timeline_account(&ana, a, &(struct app_timeline_filter){0}, &all, &posts, &t.e));
	assert_int_equal(posts.count, 1);
	out = posts.items[0];
	assert_string_equal(out.row.text, "later #then");
	assert_string_equal(out.row.spoiler_text, "cw");
	assert_string_equal(out.row.language, "ko");
	assert_int_equal(out.row.visibility, STORE_VISIBILITY_UNLISTED);
	assert_int_equal(out.row.quote_policy, STORE_QUOTE_FOLLOWERS);
	assert_non_null(out.poll);
	assert_int_equal(out.row.in_reply_to_id, 0);
	OK(app_scheduled_create(&ana, &(struct app_post_new){.text = "never"}, ana.now_ms + 1000,
				&s, &t.e));
	OK(app_scheduled_delete(&ana, s.row.id, &t.e));
	later(2000);
	tick();
	OK(app_timeline_account(&ana, a, &(struct app_timeline_filter){0}, &all, &posts, &t.e));
	assert_int_equal(posts.count, 1);
}

static void scheduled_pictures_are_held(void **state)
{
	(void)state;
	struct app_scheduled s;
	struct app_post out;
	struct app_posts posts;
	int64_t media = testapp_picture(a, "an apple", 0);
	struct app_post_new form = {.text = "x", .media_ids = &media, .media_count = 1};
	OK(app_scheduled_create(&ana, &form, ana.now_ms + 1000, &s, &t.e));
	assert_int_equal(s.media_count, 1);
	FAILS(app_post_create(&ana, &form, &out, &t.e), ERR_INVALID);
	later(2000);
	tick();
	OK(app_timeline_account(&bo, a, &(struct app_timeline_filter){0}, &all, &posts, &t.e));
	assert_int_equal(posts.count, 1);
	assert_int_equal(posts.items[0].media_count, 1);
}

static void notes(void **state)
{
	(void)state;
	struct app_relation r;
	struct store_accounts list;
	struct app_hidden_domains domains;
	bool friends[STORE_PAGE_MAX];
	OK(app_note_set(&ana, b, "owes me tea", &r, &t.e));
	assert_string_equal(r.note, "owes me tea");
	OK(app_relation_get(&cho, b, &r, &t.e));
	assert_string_equal(r.note, "");
	OK(app_note_set(&ana, b, "", &r, &t.e));
	assert_string_equal(r.note, "");
	FAILS(app_endorse(&ana, b, &r, &t.e), ERR_INVALID);
	follow(&ana, b);
	OK(app_endorse(&ana, b, &r, &t.e));
	assert_true(r.endorsed);
	OK(app_endorsements(&cho, a, &all, &list, &t.e));
	assert_int_equal(list.count, 1);
	/* cho follows ana, ana follows bo: ana is known to both, bo is suggested. */
	follow(&cho, a);
	OK(app_familiar_followers(&cho, b, &list, &t.e));
	assert_int_equal(list.count, 1);
	assert_true(list.items[0].id == a);
	OK(app_suggestions(&cho, 40, &list, friends, &t.e));
	assert_int_equal(list.count, 1);
	assert_true(list.items[0].id == b && friends[0]);
	OK(app_suggestion_dismiss(&cho, b, &t.e));
	OK(app_suggestions(&cho, 40, &list, friends, &t.e));
	assert_int_equal(list.count, 0);
	OK(app_unfollow(&ana, b, &r, &t.e));
	assert_false(r.endorsed);
	(void)testapp_post(b, "active");
	OK(app_directory(&ana, false, true, 40, 0, &list, &t.e));
	assert_int_equal(list.count, 1);
	OK(app_directory(&ana, true, true, 40, 0, &list, &t.e));
	assert_int_equal(list.count, 3);
	OK(app_block(&ana, b, &r, &t.e));
	OK(app_directory(&ana, false, true, 40, 0, &list, &t.e));
	assert_int_equal(list.count, 0);
	OK(app_hidden_domain_add(&ana, "Bad.Example", &t.e));
	FAILS(app_hidden_domain_add(&ana, "not a domain", &t.e), ERR_INVALID);
	FAILS(app_hidden_domain_add(&ana, "yard.example", &t.e), ERR_INVALID);
	OK(app_hidden_domains(&ana, &all, &domains, &t.e));
	assert_int_equal(domains.count, 1);
	assert_string_equal(domains.items[0], "bad.example");
	OK(app_hidden_domain_remove(&ana, "bad.example", &t.e));
	OK(app_hidden_domains(&ana, &all, &domains, &t.e));
	assert_int_equal(domains.count, 0);
}

static void long_threads(void **state)
{
	(void)state;
	enum { REPLIES = 120 };
	struct app_post root = testapp_post(a, "root"), hidden = {0};
	struct app_posts above, below;
	int64_t last = root.row.id;
	for (int i = 0; i < REPLIES; i++) {
		struct app_post_new form = {.text = "re",
					    .in_reply_to_id = i % 3 ? last : root.row.id,
					    .visibility = i == 7 ? STORE_VISIBILITY_PRIVATE
								 : STORE_VISIBILITY_PUBLIC};
		struct app_post post = say(&bo, form);
		last = post.row.id;
		if (i == 7)
			hidden = post;
	}
	OK(app_post_context(&cho, root.row.id, &above, &below, &t.e));
	assert_int_equal(above.count, 0);
	assert_int_equal(below.count, REPLIES - 1);
	for (size_t i = 0; i < below.count; i++)
		assert_true(below.items[i].row.id != hidden.row.id);
	OK(app_post_context(&bo, last, &above, &below, &t.e));
	assert_int_equal(above.count, 3);
}

static int run(enum db_kind which)
{
	kind = which;
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(edits),
	    TEST(edits_stay_private),
	    TEST(polls),
	    TEST(bad_polls),
	    TEST(quotes_by_policy),
	    TEST(quoted_and_edited),
	    TEST(pins_and_mutes),
	    TEST(lists),
	    TEST(languages),
	    TEST(followed_tags),
	    TEST(filters_match_words),
	    TEST(filters_are_one_s_own),
	    TEST(made_pictures_are_labelled),
	    TEST(conversations),
	    TEST(scheduled),
	    TEST(scheduled_pictures_are_held),
	    TEST(notes),
	    TEST(long_threads),
	};
	return cmocka_run_group_tests_name(which == DB_SQLITE ? "sqlite" : "postgres", tests, NULL,
					   NULL);
}

int main(void)
{
	return testdb_run_both(run);
}
