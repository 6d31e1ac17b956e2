/* Jobs and those who draw them; on both databases. */
#include "three.h"

#include "base/thread.h"

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

static int run(enum db_kind which)
{
	const struct CMUnitTest tests[] = {
	    TEST(jobs_are_drawn_in_turn),
	    TEST(bad_jobs),
	    TEST(a_job_ends_once),
	    TEST(leases_end),
	    TEST(cancelling),
	    TEST(draw_answers),
	    TEST(workers_share_the_queue),
	};
	return run_three(which, tests, sizeof(tests) / sizeof(*tests));
}

int main(void)
{
	return testdb_run_both(run);
}
