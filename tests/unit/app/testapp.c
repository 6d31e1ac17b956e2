#include "testapp.h"

#include "app/known.h"

#include "base/id.h"
#include "base/log.h"
#include "testdb.h"

#include <stdio.h>

struct testapp t;

static void on_event(void *context, const struct app_event *event)
{
	struct testapp *self = context;
	self->events[event->type]++;
	self->last[event->type] = *event;
}

static void on_behind(void *context)
{
	((struct testapp *)context)->behind++;
}

static bool on_object_delete(void *context, const char *hash, struct err *e)
{
	struct testapp *self = context;
	if (self->delete_fails)
		return err_set(e, ERR_IO, "the disk does not answer");
	snprintf(self->deleted[self->deleted_count++ % 32], 80, "%s", hash);
	return true;
}

static bool on_mail(void *context, const char *to, const char *subject, const char *text,
		    struct err *e)
{
	struct testapp *self = context;
	(void)e;
	snprintf(self->mail, sizeof(self->mail), "%s\n%s\n%s", to, subject, text);
	return true;
}

int testapp_set_up(enum db_kind kind)
{
	memset(&t, 0, sizeof(t));
	log_set_level(LOG_LEVEL_ERROR);
	t.arena = arena_create(64 << 20);
	struct app_config config = {
	    .domain = "yard.example",
	    .base_url = "https://yard.example",
	    .password_hash_weak = true,
	    .jobs_running_max = 100,
	};
	struct app_hooks hooks = {.context = &t,
				  .event = on_event,
				  .behind = on_behind,
				  .object_delete = on_object_delete,
				  .mail = on_mail};
	OK(t.pool = db_pool_open(testdb_url(kind), &t.e));
	OK(t.db = db_open(t.pool, &t.e));
	OK(t.core = app_core_create(t.pool, &config, &hooks, &t.e));
	app_known_trust(t.core, true);
	app_init(&t.app, t.core, t.db, t.arena);
	return 0;
}

int testapp_tear_down(void)
{
	app_core_destroy(t.core);
	db_close(t.db);
	db_pool_close(t.pool);
	arena_destroy(t.arena);
	return 0;
}

int64_t testapp_person(const char *name)
{
	int64_t id = 0;
	struct app_sign_up form = {
	    .username = name,
	    .email = arena_printf(t.arena, "%s@example.org", name),
	    .password = arena_printf(t.arena, "password %s", name),
	    .agreement = true,
	};
	OK(app_account_create(&t.app, &form, STORE_ROLE_USER, &id, &t.e));
	return id;
}

struct app testapp_as(int64_t account_id)
{
	struct app app;
	app_init(&app, t.core, t.db, t.arena);
	app.account_id = account_id;
	return app;
}

int64_t testapp_recover(const char *worker)
{
	struct app program = testapp_as(0);
	struct store_lease *leases;
	size_t count;
	int64_t recovered;
	OK(store_job_leases(t.db, t.arena, worker, &leases, &count, &t.e));
	OK(app_job_recover(&program, leases, count, &recovered, &t.e));
	return recovered;
}

struct app testapp_as_admin(int64_t account_id)
{
	struct app app = testapp_as(account_id);
	app.role = STORE_ROLE_ADMIN;
	return app;
}

struct app_post testapp_post(int64_t account_id, const char *text)
{
	struct app app = testapp_as(account_id);
	struct app_post post;
	OK(app_post_create(&app, &(struct app_post_new){.text = text}, &post, &t.e));
	return post;
}

int64_t testapp_picture(int64_t account_id, const char *prompt, int64_t source_post_id)
{
	struct app app = testapp_as(account_id), worker = testapp_as(0);
	struct app_job job;
	struct store_job claimed;
	bool found = false;
	static int pictures;
	char *hash = arena_printf(t.arena, "object%d", ++pictures);
	struct app_job_new form = {
	    .prompt = prompt,
	    .style = "3d",
	    .count = 1,
	    .guidance = 3,
	    .maker = "builtin",
	    .task = source_post_id ? STORE_JOB_RESTYLE : STORE_JOB_DRAW,
	    .source_post_id = source_post_id,
	};
	OK(app_job_submit(&app, &form, &job, &t.e));
	OK(app_job_claim(&worker, "builtin", "w1", 60000, &claimed, &found, &t.e));
	assert_true(found);
	assert_true(claimed.id == job.row.id);
	struct store_media picture = {.hash = hash,
				      .type = "image/png",
				      .size_bytes = 10,
				      .width = 8,
				      .height = 8,
				      .has_seed = true,
				      .seed = 7};
	OK(app_job_finish(&worker, &claimed, "madang-1", &picture, 1, &t.e));
	OK(app_job_get(&app, job.row.id, &job, &t.e));
	assert_int_equal(job.media_count, 1);
	return job.media[0].id;
}
