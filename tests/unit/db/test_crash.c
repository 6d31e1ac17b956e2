/* What was acknowledged is there: a process with eight writers is killed in the middle, again and again, and
 * every write that it was told is done must be found. MADANG_TEST_KILLS sets how often (default 20). */
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "base/thread.h"
#include "testdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WRITERS = 8, ACKNOWLEDGED_MAX = 1 << 20 };

static const char SQL_INSERT[] =
    "INSERT INTO audit_log (id, action, detail, created_at) VALUES ($1, 'crash', $2, 0)";
static const char SQL_HAS[] = "SELECT detail FROM audit_log WHERE id = $1";
static const char SQL_COUNT[] = "SELECT COUNT(*) FROM audit_log";

static int64_t acknowledged[ACKNOWLEDGED_MAX];
static size_t acknowledged_count;

static bool insert(struct db *w, void *context, struct err *e)
{
	int64_t id = *(int64_t *)context;
	char text[ID_TEXT_SIZE];
	struct db_stmt *q = db_stmt(w, SQL_INSERT);
	db_put_int(q, id);
	db_put_text(q, id_format(text, id));
	return db_end(q, e);
}

struct writer {
	struct db_pool *pool;
	int pipe;
};

static void write_for_ever(void *argument)
{
	struct writer *self = argument;
	struct err e = {0};
	struct db *db = db_open(self->pool, &e);
	while (db) {
		int64_t id = id_new();
		if (!db_write(db, insert, &id, &e) ||
		    write(self->pipe, &id, sizeof(id)) != sizeof(id))
			_exit(3);
	}
	_exit(4);
}

static void child(const char *url, int pipe)
{
	struct err e = {0};
	struct writer self = {db_pool_open(url, &e), pipe};
	pthread_t threads[WRITERS];
	if (!self.pool)
		_exit(2);
	for (int i = 0; i < WRITERS; i++)
		if (!thread_start(&threads[i], "writer", write_for_ever, &self, &e))
			_exit(2);
	thread_join(threads[0]);
	_exit(5);
}

/* One life: returns how many writes were acknowledged in it. */
static size_t live_and_die(const char *url, int life)
{
	int ends[2];
	size_t before = acknowledged_count;
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(ends[0]);
		child(url, ends[1]);
	}
	close(ends[1]);
	/* Dies at another point of its work each time, but not before it has done some. */
	size_t enough = before + 1 + (size_t)(life * 37 % 200);
	while (acknowledged_count < ACKNOWLEDGED_MAX &&
	       read(ends[0], &acknowledged[acknowledged_count], sizeof(int64_t)) ==
		   sizeof(int64_t)) {
		acknowledged_count++;
		if (acknowledged_count == enough)
			kill(pid, SIGKILL);
	}
	int status;
	close(ends[0]);
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return acknowledged_count - before;
}

static void check_all(const char *url)
{
	struct err e = {0};
	struct db_pool *pool = db_pool_open(url, &e);
	assert_non_null(pool);
	struct db *db = db_open(pool, &e);
	assert_non_null(db);
	struct arena *arena = arena_create(1 << 20);
	for (size_t i = 0; i < acknowledged_count; i++) {
		char text[ID_TEXT_SIZE];
		struct db_stmt *q = db_stmt(db, SQL_HAS);
		db_put_int(q, acknowledged[i]);
		assert_true(db_row(q));
		assert_string_equal(db_get_text(q, arena), id_format(text, acknowledged[i]));
		assert_true(db_end(q, &e));
		arena_reset(arena);
	}
	struct db_stmt *q = db_stmt(db, SQL_COUNT);
	assert_true(db_row(q));
	int64_t count = db_get_int(q);
	assert_true(db_end(q, &e));
	assert_true(count >= (int64_t)acknowledged_count);
	arena_destroy(arena);
	db_close(db);
	db_pool_close(pool);
}

static void run(enum db_kind kind)
{
	const char *kills = getenv("MADANG_TEST_KILLS");
	int64_t lives = 20;
	assert_true(!kills || str_to_int(kills, 1, 10000, &lives));
	const char *url = testdb_url(kind);
	acknowledged_count = 0;
	for (int life = 0; life < (int)lives; life++)
		assert_true(live_and_die(url, life) > 0);
	check_all(url);
}

static void sqlite_keeps_its_word(void **state)
{
	(void)state;
	run(DB_SQLITE);
}

static void postgres_keeps_its_word(void **state)
{
	(void)state;
	run(DB_POSTGRES);
}

int main(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sqlite_keeps_its_word),
	    cmocka_unit_test(postgres_keeps_its_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
