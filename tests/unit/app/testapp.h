/* A core over a fresh database, people in it, and what the hooks were told. One thread. */
#ifndef MADANG_TESTS_TESTAPP_H
#define MADANG_TESTS_TESTAPP_H

#include "app/admin.h"
#include "app/app.h"
#include "app/auth.h"
#include "app/job.h"
#include "app/post.h"
#include "db/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

struct testapp {
	struct db_pool *pool;
	struct db *db;
	struct arena *arena;
	struct app_core *core;
	struct app app; /* nobody */
	struct err e;
	int events[16]; /* by type */
	struct app_event last[16];
	int behind;           /* how often there was work for app_tick */
	char deleted[32][80]; /* objects */
	int deleted_count;
	bool delete_fails;
	char mail[4000];
};

extern struct testapp t; /* the one of the running test */

int testapp_set_up(enum db_kind kind);
int testapp_tear_down(void);

/* An active account of that name; its e-mail is NAME@example.org, its password "password NAME". */
int64_t testapp_person(const char *name);
struct app testapp_as(int64_t account_id); /* asks in that name */
struct app testapp_as_admin(int64_t account_id);
/* A public post. */
struct app_post testapp_post(int64_t account_id, const char *text);
/* A finished picture of a job. */
int64_t testapp_picture(int64_t account_id, const char *prompt, int64_t source_post_id);

/* Whoever draws, or `worker`, is dead: how many of their jobs were taken back. */
int64_t testapp_recover(const char *worker);

/* Fails with the error's text. */
#define OK(call)                                                                      \
	do {                                                                          \
		t.e = (struct err){0};                                                \
		if (!(call)) {                                                        \
			print_error("%s: %s (%s)\n", #call, t.e.message, t.e.detail); \
			fail();                                                       \
		}                                                                     \
	} while (0)
#define FAILS(call, expected)                                                         \
	do {                                                                          \
		t.e = (struct err){0};                                                \
		assert_false(call);                                                   \
		if (t.e.code != (expected))                                           \
			print_error("%s: %s (%s)\n", #call, t.e.message, t.e.detail); \
		assert_int_equal(t.e.code, expected);                                 \
		assert_true(strlen(t.e.message) > 0);                                 \
	} while (0)

#endif
