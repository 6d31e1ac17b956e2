/* The queue and its quotas: fair turns, caps, steering, identical jobs, buckets and what they give back; on both
 * databases. */
#include "testapp.h"

#include "app/media.h"
#include "app/queue.h"
#include "app/quota.h"
#include "base/id.h"
#include "base/thread.h"
#include "testdb.h"

#include <math.h>
#include <stdio.h>

#define HOUR_MS ((int64_t)3600 * 1000)
#define DAY_MS  (24 * HOUR_MS)

static int64_t a, b, c;
static struct app ana, bo, cho, admin, program;

static int set_up(enum db_kind kind)
{
	testapp_set_up(kind);
	a = testapp_person("ana");
	b = testapp_person("bo");
	c = testapp_person("cho");
	ana = testapp_as(a);
	bo = testapp_as(b);
	cho = testapp_as(c);
	admin = testapp_as_admin(c);
	program = testapp_as(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return testapp_tear_down();
}

static bool try_submit(struct app *who, int count, const char *maker, int64_t seed,
		       struct app_job *out)
{
	const struct app_job_new form = {.prompt = "a cat",
					 .count = count,
					 .guidance = 3,
					 .maker = maker,
					 .has_seed = seed != 0,
					 .seed = seed};
	return app_job_submit(who, &form, out, &t.e);
}

static int64_t submit(struct app *who, int count)
{
	struct app_job job;
	OK(try_submit(who, count, "builtin", 0, &job));
	return job.row.id;
}

static bool claim(const char *maker, struct store_job *out)
{
	bool found = false;
	OK(app_job_claim(&program, maker, "w", 60000, out, &found, &t.e));
	return found;
}

static struct store_job claimed(void)
{
	struct store_job job = {0};
	assert_true(claim("builtin", &job));
	return job;
}

static void finish(const struct store_job *job)
{
	struct store_media pictures[4];
	for (int i = 0; i < 4; i++)
		pictures[i] = (struct store_media){.hash = "p", .type = "image/png"};
	OK(app_job_finish(&program, job, "m", pictures, (size_t)job->count, &t.e));
}

static struct app_job get(struct app *who, int64_t id)
{
	struct app_job job;
	OK(app_job_get(who, id, &job, &t.e));
	return job;
}

static struct store_quota add_quota(struct store_quota q)
{
	struct store_quota out;
	OK(app_quota_add(&admin, &q, &out, &t.e));
	return out;
}

static double left(struct app *who)
{
	struct app_quota_left *items;
	size_t n;
	OK(app_quota_left(who, &items, &n, &t.e));
	return n ? items[0].remaining : -1;
}

/* --- turns --- */

static void one_slow_maker_does_not_disturb_the_order_of_another(void **state)
{
	(void)state;
	struct app_job job;
	struct store_job drawn;
	for (int i = 0; i < 6; i++)
		OK(try_submit(&ana, 1, "slow", 0, &job));
	assert_true(claim("slow", &drawn));
	for (int i = 0; i < 10; i++) { /* the fast one's clock runs on */
		OK(try_submit(&bo, 1, "builtin", 0, &job));
		struct store_job other = claimed();
		finish(&other);
	}
	OK(try_submit(&cho, 1, "slow", 0, &job));
	assert_true(claim("slow", &drawn) && claim("slow", &drawn));
	assert_true(drawn.account_id == c || get(&cho, job.row.id).row.state == STORE_JOB_DRAWING);
}

static void weights_share_the_makers(void **state)
{
	(void)state;
	add_quota((struct store_quota){.subject = STORE_QUOTA_ACCOUNT,
				       .subject_id = a,
				       .unit = STORE_QUOTA_WEIGHT,
				       .amount = 3});
	int of_ana = 0;
	for (int i = 0; i < 12; i++) {
		submit(&ana, 1);
		submit(&bo, 1);
	}
	for (int i = 0; i < 12; i++) {
		struct store_job job = claimed();
		of_ana += job.account_id == a;
		finish(&job);
	}
	assert_in_range(of_ana, 8, 10); /* three times as many as bo's */
}

static void caps(void **state)
{
	(void)state;
	struct app_job job;
	struct store_job drawn;
	add_quota((struct store_quota){
	    .subject = STORE_QUOTA_ROLE, .unit = STORE_QUOTA_RUNNING, .amount = 1});
	add_quota((struct store_quota){.unit = STORE_QUOTA_QUEUED, .amount = 3});
	submit(&ana, 1);
	submit(&ana, 1);
	struct store_job first = claimed();
	assert_false(claim("builtin", &drawn));
	submit(&bo, 1);
	assert_true(claimed().account_id == b); /* over ana's, who is at her cap */
	submit(&ana, 1);
	FAILS(try_submit(&ana, 1, "builtin", 0, &job), ERR_LIMIT);
	finish(&first);
	assert_true(claimed().account_id == a);
	submit(&ana, 1);
}

struct racer {
	struct app_core *core;
	struct db_pool *pool;
	int64_t account_id;
	int rounds, accepted, refused, failed;
	bool claims;
};

static void race(void *argument)
{
	struct racer *self = argument;
	struct err e = {0};
	struct db *db = db_open(self->pool, &e);
	struct arena *arena = arena_create(8 << 20);
	for (int i = 0; db && i < self->rounds; i++) {
		struct app app;
		struct app_job job;
		struct store_job row;
		bool found = false;
		app_init(&app, self->core, db, arena);
		app.account_id = self->claims ? 0 : self->account_id;
		const struct app_job_new form = {
		    .prompt = "x", .count = 1, .guidance = 3, .maker = "builtin"};
		e = (struct err){0};
		bool ok = self->claims
			      ? app_job_claim(&app, "builtin", "w", 60000, &row, &found, &e)
			      : app_job_submit(&app, &form, &job, &e);
		self->accepted += self->claims ? found : ok;
		self->refused += !ok && e.code == ERR_LIMIT;
		self->failed += !ok && e.code != ERR_LIMIT;
		arena_reset(arena);
	}
	arena_destroy(arena);
	db_close(db);
}

static void run_racers(struct racer *racers, int n)
{
	pthread_t threads[8];
	for (int i = 0; i < n; i++)
		OK(thread_start(&threads[i], "racer", race, &racers[i], &t.e));
	for (int i = 0; i < n; i++) {
		thread_join(threads[i]);
		assert_int_equal(racers[i].failed, 0);
	}
}

static void nothing_is_spent_twice(void **state)
{
	(void)state;
	struct racer racers[8];
	int accepted[2] = {0}, drawn = 0;
	add_quota((struct store_quota){.amount = 10, .period_ms = DAY_MS, .shared = true});
	add_quota((struct store_quota){.unit = STORE_QUOTA_QUEUED, .amount = 1000});
	add_quota((struct store_quota){.unit = STORE_QUOTA_RUNNING, .amount = 2});
	for (int i = 0; i < 8; i++)
		racers[i] = (struct racer){
		    .core = t.core, .pool = t.pool, .account_id = i % 2 ? a : b, .rounds = 4};
	run_racers(racers, 8);
	for (int i = 0; i < 8; i++)
		accepted[i % 2] += racers[i].accepted;
	assert_int_equal(accepted[0] + accepted[1], 10); /* not one more, not one less */
	for (int i = 0; i < 8; i++)
		racers[i] =
		    (struct racer){.core = t.core, .pool = t.pool, .rounds = 4, .claims = true};
	run_racers(racers, 8);
	for (int i = 0; i < 8; i++)
		drawn += racers[i].accepted;
	/* two of each account, if the race left it so many */
	assert_int_equal(drawn,
			 (accepted[0] < 2 ? accepted[0] : 2) + (accepted[1] < 2 ? accepted[1] : 2));
}

/* --- steering --- */

static void order_of(const int64_t *expected, int n)
{
	for (int i = 0; i < n; i++) {
		struct store_job job = claimed();
		assert_true(job.id == expected[i]);
	}
}

static void one_orders_ones_own(void **state)
{
	(void)state;
	int64_t ids[3], other = submit(&bo, 1);
	for (int i = 0; i < 3; i++)
		ids[i] = submit(&ana, 1);
	FAILS(app_queue_reorder(&bo, ids[0], 0, &t.e), ERR_NOT_FOUND);
	FAILS(app_queue_pause(&bo, ids[0], &t.e), ERR_NOT_FOUND);
	FAILS(app_queue_move(&admin, ids[0], "x", &t.e), ERR_NOT_FOUND);
	FAILS(app_queue_reorder(&ana, ids[0], other, &t.e), ERR_INVALID);
	FAILS(app_queue_reorder(&ana, ids[0], ids[0], &t.e), ERR_INVALID);
	OK(app_queue_reorder(&ana, ids[2], ids[0], &t.e)); /* 2 0 1 */
	OK(app_queue_reorder(&ana, ids[0], 0, &t.e));      /* 2 1 0 */
	OK(app_queue_pause(&ana, ids[1], &t.e));
	OK(app_queue_pause(&ana, ids[1], &t.e));
	assert_true(get(&ana, ids[1]).row.paused);
	const int64_t first[] = {other, ids[2], ids[0]};
	order_of(first, 3);
	struct store_job job;
	assert_false(claim("builtin", &job));
	FAILS(app_queue_pause(&ana, ids[0], &t.e), ERR_CONFLICT);
	OK(app_queue_resume(&ana, ids[1], &t.e));
	order_of(&ids[1], 1);
}

static void what_is_not_drawn_moves_up(void **state)
{
	(void)state;
	int64_t ids[4];
	submit(&bo, 1);
	for (int i = 0; i < 4; i++)
		ids[i] = submit(&ana, 4);
	OK(app_job_cancel(&ana, ids[0], &t.e));
	OK(app_job_cancel(&ana, ids[1], &t.e));
	submit(&bo, 1);
	claimed();
	assert_true(claimed().id == ids[2]); /* with the turn of the first */
	assert_true(claimed().account_id == b);
}

/* --- very many --- */

enum { CROWD = 620 }; /* more than are looked at one by one */

static void a_place_among_very_many_is_counted(void **state)
{
	(void)state;
	struct app_job job;
	struct app_jobs page;
	add_quota((struct store_quota){.unit = STORE_QUOTA_QUEUED, .amount = CROWD});
	for (int i = 0; i < CROWD; i++)
		OK(try_submit(&ana, 1 + i % 2, "builtin", 0, &job));
	assert_int_equal(job.position, CROWD - 1); /* as it was answered, and as it is looked up */
	struct app_job again = get(&ana, job.row.id);
	assert_int_equal(again.position, CROWD - 1);
	assert_int_equal(again.ahead.own, CROWD - 1);
	int64_t by = again.ahead.by[STORE_JOB_DRAW][1] + again.ahead.by[STORE_JOB_DRAW][2];
	assert_true(by >= CROWD - 2 && by <= CROWD);
	FAILS(try_submit(&ana, 1, "builtin", 0, &job), ERR_LIMIT);
	OK(try_submit(&bo, 1, "builtin", 0, &job));
	assert_true(job.position <= 1);

	int64_t after = 0, seen = 0, last = -1;
	do {
		OK(app_job_queue(&admin, after, 100, &page, &t.e));
		for (size_t i = 0; i < page.count; i++, seen++) {
			assert_true(page.items[i].position > last);
			last = page.items[i].position;
		}
		after = page.last;
	} while (page.count == 100);
	assert_int_equal(seen, CROWD + 1);
	FAILS(app_job_queue(&admin, 5, 100, &page, &t.e), ERR_NOT_FOUND);

	int64_t cancelled;
	struct store_job drawn = claimed();
	struct app *other = drawn.account_id == a ? &bo : &ana;
	FAILS(app_job_cancel_account(&bo, a, &cancelled, &t.e), ERR_FORBIDDEN);
	OK(app_job_cancel_account(&ana, a, &cancelled, &t.e));
	assert_int_equal(cancelled, CROWD);
	OK(app_job_cancel_account(&ana, a, &cancelled, &t.e));
	assert_int_equal(cancelled, 0);
	if (other == &bo) { /* hers was drawn, his waits */
		FAILS(app_job_renew(&program, &drawn, 60000, &t.e), ERR_CANCELLED);
		drawn = claimed();
	}
	assert_true(drawn.account_id == b);
	struct store_job none;
	assert_false(claim("builtin", &none));
	OK(app_job_cancel_account(&admin, b, &cancelled, &t.e));
	assert_int_equal(cancelled, 1);
	OK(try_submit(&ana, 1, "builtin", 0, &job));
	assert_int_equal(job.position, 0);
}

/* --- what an edit begins with --- */

static int64_t upload(struct app *who, int64_t width, int64_t height, bool transparent)
{
	static int number;
	char hash[32];
	struct store_media out;
	snprintf(hash, sizeof hash, "upload%d", ++number);
	const struct store_media m = {.type = "image/webp",
				      .hash = arena_strdup(t.arena, hash),
				      .width = width,
				      .height = height,
				      .transparent = transparent};
	OK(app_media_create(who, &m, &out, &t.e));
	return out.id;
}

static bool media_is_there(int64_t id)
{
	struct store_media m;
	struct err e = {0};
	return store_media_get(t.db, t.arena, id, &m, &e);
}

static void an_edit_keeps_its_pictures_as_long_as_it_waits(void **state)
{
	(void)state;
	int64_t first = upload(&ana, 40, 30, false),
		further[2] = {upload(&ana, 9, 9, false), first}, mask = upload(&ana, 40, 30, true),
		idle = upload(&ana, 5, 5, false), his = upload(&bo, 40, 30, true),
		small = upload(&ana, 30, 40, true);
	struct app_job job, same;
	struct app_job_new form = {.prompt = "x",
				   .count = 1,
				   .maker = "m",
				   .task = STORE_JOB_EDIT,
				   .has_seed = true,
				   .seed = 7,
				   .source_media_id = first,
				   .further_ids = further,
				   .further_count = 2,
				   .mask_id = mask};
	OK(app_job_submit(&ana, &form, &job, &t.e));
	assert_int_equal(job.further_count, 2);
	assert_true(job.further[0].id == further[0] && job.further[1].id == first);
	assert_true(job.mask && job.mask->id == mask);
	struct app_job read = get(&ana, job.row.id);
	assert_true(read.row.masked && read.row.further == 2 && read.further_count == 2);
	assert_true(read.further[1].id == first && read.mask->id == mask);
	/* The same but for the mask, or for the pictures' order, is not the same. */
	form.mask_id = 0;
	OK(app_job_submit(&ana, &form, &same, &t.e));
	assert_true(same.row.leader_id == 0 && !same.mask);
	form.further_count = 1;
	OK(app_job_submit(&ana, &form, &same, &t.e));
	assert_true(same.row.leader_id == 0);
	OK(app_job_submit(&ana, &form, &same, &t.e));
	assert_true(same.row.leader_id != 0 && same.further_count == 1);

	form.mask_id = his;
	FAILS(app_job_submit(&ana, &form, &same, &t.e), ERR_NOT_FOUND);
	form.mask_id = small;
	FAILS(app_job_submit(&ana, &form, &same, &t.e), ERR_INVALID);
	form.mask_id = first; /* opaque */
	FAILS(app_job_submit(&ana, &form, &same, &t.e), ERR_INVALID);
	form.mask_id = mask;
	form.task = STORE_JOB_VARY;
	FAILS(app_job_submit(&ana, &form, &same, &t.e), ERR_INVALID);

	int64_t stale[16], later = t.app.now_ms + 3 * DAY_MS;
	size_t n;
	OK(store_media_stale(t.db, later, later, stale, 16, &n, &t.e));
	for (size_t i = 0; i < n; i++)
		assert_true(stale[i] == idle || stale[i] == his || stale[i] == small);
	assert_int_equal(n, 3);
	int64_t cancelled;
	OK(app_job_cancel_account(&ana, a, &cancelled, &t.e));
	assert_int_equal(cancelled, 4);
	OK(store_media_stale(t.db, later, later, stale, 16, &n, &t.e));
	assert_int_equal(n, 6);
	OK(app_media_delete(&ana, mask, &t.e));
	assert_false(media_is_there(mask));
	assert_null(get(&ana, job.row.id).mask);
}

static void to_another_maker(void **state)
{
	(void)state;
	struct store_job job;
	int64_t id = submit(&ana, 2), stays = submit(&ana, 1);
	struct store_maker_rule rule;
	double cost = 2;
	OK(app_maker_change(&admin, "b", &(struct app_maker_change){.cost = &cost}, &rule, &t.e));
	add_quota((struct store_quota){
	    .unit = STORE_QUOTA_COST, .amount = 5, .period_ms = DAY_MS, .steady = true});
	FAILS(app_queue_move(&ana, id, "builtin", &t.e), ERR_CONFLICT);
	OK(app_queue_move(&ana, id, "b", &t.e));
	assert_true(fabs(left(&ana) - 1) < 0.01);
	FAILS(app_queue_move(&ana, stays, "b", &t.e), ERR_LIMIT); /* 2 where 1 is left */
	assert_string_equal(get(&ana, stays).row.maker, "builtin");
	assert_true(claim("b", &job) && job.id == id);
	FAILS(app_queue_move(&ana, id, "builtin", &t.e), ERR_CONFLICT);
	assert_true(claimed().id == stays);
}

static void administrators_steer(void **state)
{
	(void)state;
	submit(&bo, 1);
	int64_t first = submit(&ana, 1), last = submit(&ana, 1);
	FAILS(app_queue_front(&ana, last, &t.e), ERR_FORBIDDEN);
	OK(app_queue_front(&admin, last, &t.e));
	assert_true(get(&ana, last).position == 0);
	OK(app_queue_reorder(&ana, first, last, &t.e)); /* her own, on her own turns */
	assert_true(claimed().id == first);
	struct app_load_settings load;
	int level = 3;
	OK(app_load_settings_get(&bo, &load, &t.e));
	assert_int_equal(load.level, -1);
	struct app_load_change change = {.level = &level, .banner = "on", .message = "wait"};
	FAILS(app_load_settings_change(&bo, &change, &load, &t.e), ERR_FORBIDDEN);
	OK(app_load_settings_change(&admin, &change, &load, &t.e));
	OK(app_load_settings_get(&bo, &load, &t.e));
	assert_true(load.level == 3 && !strcmp(load.banner, "on") && !strcmp(load.message, "wait"));
	struct store_maker_rule rule;
	double huge = 1e300;
	FAILS(app_maker_change(&admin, "b", &(struct app_maker_change){.cost = &huge}, &rule, &t.e),
	      ERR_INVALID);
	FAILS(app_maker_change(&bo, "b", &(struct app_maker_change){0}, &rule, &t.e),
	      ERR_FORBIDDEN);
	int64_t own;
	double share;
	OK(app_queue_share(&ana, &own, &share, &t.e));
	assert_true(own == 2 && fabs(share - 1.5) < 0.01);
}

/* --- identical jobs --- */

static void identical_jobs_are_drawn_once(void **state)
{
	(void)state;
	struct app_job first, second, third, other;
	struct store_job job;
	OK(try_submit(&ana, 2, "builtin", 7, &first));
	OK(try_submit(&bo, 2, "builtin", 7, &second));
	OK(try_submit(&cho, 2, "builtin", 7, &third));
	OK(try_submit(&cho, 2, "builtin", 8, &other));
	assert_true(second.row.leader_id == first.row.id && third.row.leader_id == first.row.id);
	assert_true(!other.row.leader_id);
	assert_true(claim("builtin", &job) && job.id == first.row.id);
	OK(app_job_cancel(&cho, third.row.id, &t.e)); /* only hers */
	finish(&job);
	assert_int_equal(get(&ana, first.row.id).media_count, 2);
	struct app_job drawn = get(&bo, second.row.id);
	assert_true(drawn.row.state == STORE_JOB_FINISHED && drawn.media_count == 2);
	assert_true(drawn.media[0].account_id == b);
	assert_int_equal(get(&cho, third.row.id).row.state, STORE_JOB_CANCELLED);
	OK(try_submit(&bo, 2, "builtin", 7, &second)); /* nothing waits any more */
	assert_true(!second.row.leader_id);
}

static void followers_outlive_their_leader(void **state)
{
	(void)state;
	struct app_job first, second, third;
	struct store_job job;
	OK(try_submit(&ana, 1, "builtin", 7, &first));
	OK(try_submit(&bo, 1, "builtin", 7, &second));
	OK(try_submit(&cho, 1, "builtin", 7, &third));
	assert_true(claim("builtin", &job));
	OK(app_job_cancel(&ana, first.row.id, &t.e));
	assert_true(claim("builtin", &job) && job.id == second.row.id);
	OK(app_job_fail(&program, &job, "invalid", "no", &t.e));
	assert_true(claim("builtin", &job) && job.id == third.row.id);
	finish(&job);
	assert_int_equal(get(&cho, third.row.id).media_count, 1);
}

/* --- quotas --- */

static void quotas_are_spent_and_given_back(void **state)
{
	(void)state;
	struct app_job job;
	struct store_job drawn;
	int64_t seconds;
	struct store_quota q = add_quota(
	    (struct store_quota){.subject = STORE_QUOTA_ROLE, .amount = 4, .period_ms = DAY_MS});
	assert_true(left(&ana) == 4 && left(&t.app) == -1);
	int64_t first = submit(&ana, 3);
	assert_true(left(&ana) == 1 && left(&bo) == 4); /* each has a bucket of their own */
	FAILS(try_submit(&ana, 2, "builtin", 0, &job), ERR_LIMIT);
	assert_true(left(&ana) == 1);
	OK(app_quota_wait(&ana, 2, &seconds, &t.e));
	assert_in_range(seconds, 1, 86400);
	OK(app_quota_wait(&ana, 5, &seconds, &t.e));
	assert_true(seconds == -1);
	OK(app_job_cancel(&ana, first, &t.e));
	assert_true(left(&ana) == 4);
	int64_t second = submit(&ana, 4);
	drawn = claimed();
	assert_true(drawn.id == second);
	OK(app_job_fail(&program, &drawn, "busy", "no", &t.e));
	FAILS(app_job_fail(&program, &drawn, "busy", "no", &t.e), ERR_CANCELLED);
	assert_true(left(&ana) == 4); /* once */
	submit(&ana, 4);
	drawn = claimed();
	finish(&drawn);
	assert_true(left(&ana) == 0);
	FAILS(app_job_cancel(&ana, drawn.id, &t.e), ERR_CONFLICT);
	assert_true(left(&ana) == 0);
	double more = 6; /* live: at once */
	OK(app_quota_change(&admin, q.id, &(struct app_quota_change){.amount = &more}, &q, &t.e));
	assert_true(left(&ana) == 2);
	OK(app_quota_delete(&admin, q.id, &t.e));
	assert_true(left(&ana) == -1);
}

static void a_lost_job_gives_back(void **state)
{
	(void)state;
	add_quota((struct store_quota){.amount = 4, .period_ms = DAY_MS});
	submit(&ana, 4);
	for (int i = 0; i < 3; i++) {
		claimed();
		assert_int_equal(testapp_recover(NULL), 1);
	}
	assert_true(left(&ana) == 4);
}

static void every_subject_counts(void **state)
{
	(void)state;
	struct app_job job;
	struct store_group group;
	OK(app_group_add(&admin, "painters", &group, &t.e));
	FAILS(app_group_add(&admin, "painters", &group, &t.e), ERR_CONFLICT);
	struct store_group *groups;
	size_t n;
	OK(app_group_list(&admin, &groups, &n, &t.e));
	assert_int_equal(n, 1);
	group = groups[0];
	OK(app_group_member(&admin, group.id, a, true, &t.e));
	OK(app_group_member(&admin, group.id, a, true, &t.e));
	FAILS(app_group_member(&admin, group.id, 12345, true, &t.e), ERR_NOT_FOUND);
	add_quota((struct store_quota){.subject = STORE_QUOTA_GROUP,
				       .subject_id = group.id,
				       .amount = 2,
				       .period_ms = DAY_MS});
	add_quota((struct store_quota){.subject = STORE_QUOTA_PROGRAMME,
				       .subject_id = 77,
				       .amount = 3,
				       .period_ms = DAY_MS,
				       .shared = true});
	add_quota((struct store_quota){
	    .subject = STORE_QUOTA_TOKEN, .subject_id = 88, .amount = 1, .period_ms = DAY_MS});
	submit(&ana, 2);
	FAILS(try_submit(&ana, 1, "builtin", 0, &job), ERR_LIMIT);
	OK(app_group_member(&admin, group.id, a, false, &t.e));
	submit(&ana, 1);
	bo.programme_id = cho.programme_id = 77;
	submit(&bo, 2);
	FAILS(try_submit(&cho, 2, "builtin", 0, &job), ERR_LIMIT); /* one bucket for all of it */
	submit(&cho, 1);
	bo.programme_id = cho.programme_id = 0;
	bo.token_id = 88;
	submit(&bo, 1);
	FAILS(try_submit(&bo, 1, "builtin", 0, &job), ERR_LIMIT);
	bo.token_id = 0;
	submit(&bo, 1);
	OK(app_group_delete(&admin, group.id, &t.e));
	FAILS(app_group_delete(&admin, group.id, &t.e), ERR_NOT_FOUND);
}

static void bad_quotas(void **state)
{
	(void)state;
	struct store_quota out;
	const struct store_quota bad[] = {
	    {.amount = -1, .period_ms = DAY_MS},
	    {.amount = 1e300, .period_ms = DAY_MS},
	    {.amount = (double)NAN, .period_ms = DAY_MS},
	    {.amount = (double)INFINITY, .period_ms = DAY_MS},
	    {.amount = 1, .period_ms = 7},
	    {.amount = 1},
	    {.amount = 1, .period_ms = -DAY_MS},
	    {.amount = 1, .unit = STORE_QUOTA_QUEUED, .period_ms = DAY_MS},
	    {.amount = 0, .unit = STORE_QUOTA_WEIGHT},
	    {.amount = 0, .unit = STORE_QUOTA_RUNNING},
	    {.amount = 1, .period_ms = DAY_MS, .subject = STORE_QUOTA_ACCOUNT},
	    {.amount = 1, .period_ms = DAY_MS, .subject_id = 3},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		FAILS(app_quota_add(&admin, &bad[i], &out, &t.e), ERR_INVALID);
	const struct store_quota good = {.amount = 0, .period_ms = DAY_MS};
	FAILS(app_quota_add(&bo, &good, &out, &t.e), ERR_FORBIDDEN);
	OK(app_quota_add(&admin, &good, &out, &t.e));
	struct store_quota twice;
	FAILS(app_quota_add(&admin, &good, &twice, &t.e), ERR_CONFLICT);
	double bad_amount = -5;
	FAILS(app_quota_change(&admin, out.id, &(struct app_quota_change){.amount = &bad_amount},
			       &out, &t.e),
	      ERR_INVALID);
	FAILS(app_quota_delete(&admin, 3, &t.e), ERR_NOT_FOUND);
	struct app_job job;
	FAILS(try_submit(&ana, 1, "builtin", 0, &job), ERR_LIMIT);
	assert_true(left(&ana) == 0);
}

static void clocks_that_jump(void **state)
{
	(void)state;
	const struct store_quota day = {.amount = 24, .period_ms = DAY_MS},
				 hourly = {.amount = 24, .period_ms = DAY_MS, .steady = true},
				 week = {.amount = 7, .period_ms = 7 * DAY_MS};
	const int64_t monday = 4 * DAY_MS + 1000 * 7 * DAY_MS;
	int64_t at = monday + HOUR_MS;
	assert_true(app_quota_refill(&hourly, 10, &at, monday + 3 * HOUR_MS) == 8);
	assert_true(app_quota_refill(&hourly, 10, &at, monday + 2 * HOUR_MS) == 10); /* back */
	assert_true(at == monday + 3 * HOUR_MS); /* what was counted is not counted again */
	assert_true(app_quota_refill(&hourly, 10, &at, monday + 3 * HOUR_MS) == 10);
	assert_true(app_quota_refill(&hourly, 10, &at, monday + 900 * DAY_MS) == 0); /* forth */
	assert_true(app_quota_refill(&hourly, 10, &at, monday) == 10); /* and corrected */
	assert_true(app_quota_refill(&hourly, 10, &at, monday + 2 * HOUR_MS) == 8);
	at = monday + HOUR_MS;
	assert_true(app_quota_refill(&day, 10, &at, monday + 23 * HOUR_MS) == 10);
	assert_true(app_quota_refill(&day, 10, &at, monday + 25 * HOUR_MS) == 0);
	assert_true(app_quota_refill(&day, 10, &at, monday + 23 * HOUR_MS) == 10);
	assert_true(app_quota_refill(&day, 10, &at, monday + 26 * HOUR_MS) == 10); /* not twice */
	at = monday - HOUR_MS;                                                     /* Sunday */
	assert_true(app_quota_refill(&week, 5, &at, monday - 1) == 5);
	assert_true(app_quota_refill(&week, 5, &at, monday) == 0);
	assert_true(app_quota_fits_at(&week, 7, 1, monday) == monday + 7 * DAY_MS);
	assert_true(app_quota_fits_at(&hourly, 24, 1, monday) == monday + HOUR_MS);
	assert_true(app_quota_fits_at(&hourly, 0, 25, monday) == INT64_MAX);
	assert_true(app_quota_fits_at(&hourly, 23, 1, monday) == monday);
}

enum { MANY = 10000 };

/* As if she had asked for them one by one. */
static bool insert_many(struct db *w, void *context, struct err *e)
{
	int64_t *ids = context;
	struct store_job row = {.account_id = a,
				.prompt = "x",
				.count = 1,
				.maker = "builtin",
				.weight = 1,
				.running_max = 4};
	for (int i = 0; i < MANY; i++) {
		row.id = ids[i];
		row.turn = i;
		if (!store_job_insert(w, &row, e))
			return false;
	}
	return store_job_turn_set(w, "builtin", a, MANY, e);
}

static void ten_thousand_of_one(void **state)
{
	(void)state;
	struct app_job job;
	static int64_t ids[MANY];
	for (int i = 0; i < MANY; i++)
		ids[i] = id_new();
	int64_t last = ids[MANY - 1];
	OK(db_write(t.db, insert_many, ids, &t.e));
	add_quota((struct store_quota){.subject = STORE_QUOTA_ACCOUNT,
				       .subject_id = a,
				       .unit = STORE_QUOTA_QUEUED,
				       .amount = MANY});
	assert_true(get(&ana, last).position == MANY - 1);
	FAILS(try_submit(&ana, 1, "builtin", 0, &job), ERR_LIMIT);
	claimed();
	int64_t of_bo = submit(&bo, 1);
	assert_true(get(&bo, of_bo).position == 0); /* one slot, whatever waits before */
	assert_true(claimed().id == of_bo);
	OK(app_queue_reorder(&ana, ids[MANY - 2], last, &t.e));
	OK(app_job_cancel(&ana, ids[5000], &t.e));
	assert_true(get(&ana, last).position == MANY - 3);
}

static enum db_kind kind_now;
static int set_up_now(void **state)
{
	(void)state;
	return set_up(kind_now);
}

static int run(enum db_kind kind)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up_now, tear_down)
	const struct CMUnitTest tests[] = {
	    ROW(one_slow_maker_does_not_disturb_the_order_of_another),
	    ROW(weights_share_the_makers),
	    ROW(caps),
	    ROW(nothing_is_spent_twice),
	    ROW(one_orders_ones_own),
	    ROW(what_is_not_drawn_moves_up),
	    ROW(a_place_among_very_many_is_counted),
	    ROW(an_edit_keeps_its_pictures_as_long_as_it_waits),
	    ROW(to_another_maker),
	    ROW(administrators_steer),
	    ROW(identical_jobs_are_drawn_once),
	    ROW(followers_outlive_their_leader),
	    ROW(quotas_are_spent_and_given_back),
	    ROW(a_lost_job_gives_back),
	    ROW(every_subject_counts),
	    ROW(bad_quotas),
	    ROW(clocks_that_jump),
	    ROW(ten_thousand_of_one),
	};
	kind_now = kind;
	return cmocka_run_group_tests_name(
	    kind == DB_SQLITE ? "queue on SQLite" : "queue on PostgreSQL", tests, NULL, NULL);
}

int main(void)
{
	return testdb_run_both(run);
}
