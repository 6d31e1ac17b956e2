/* The store's two promises, measured: durable posts a second when writers share commits (against one commit a
 * post), and a home timeline that costs the same whatever the network's size and however many one follows.
 *
 *     bench_store FILE.csv [posts] [home] [postgres] [without_sqlite] [sync_ms=8]
 *
 * Appends rows "what,database,parameters,value,unit" to FILE.csv. A post is a whole app_post_create: checks, HTML,
 * row, counts, own home, events. Timelines are whole app_timeline_home calls of 20 posts with a picture
 * each, in CPU time: of the calling thread (SQLite does all its work there), and of PostgreSQL's process that serves
 * it; sizes take turns in one run, and the smallest of several rounds counts, so that a busy machine disturbs all
 * alike. */
#include "app/known.h"
#include "app/post.h"
#include "app/timeline.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/thread.h"
#include "db/driver.h"
#include "testdb.h"

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	WRITERS = 64,
	WARM_UP_SECONDS = 2,
	WARM_UP_POSTS = 10, /* of each writer */
	SECONDS = 8,
	ROUNDS = 60,
	CALLS = 12,
	FOLLOWS_MAX = 5000,
	HOME_POSTS = 800
};

static FILE *csv;
static const char *sync_ms; /* NULL: the disk as it is */
static double sync_all_ms;  /* what one sync takes with that */
static struct err e;

struct cpu {
	double ours_us, server_us; /* a post */
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_store: %s: %s (%s)\n", what, e.message, e.detail);
	exit(1);
}

static void row(const char *what, enum db_kind kind, const char *parameters, double value,
		const char *unit)
{
	const char *database = kind == DB_SQLITE ? "sqlite" : "postgresql";
	char full[160];
	snprintf(full, sizeof(full), "%s", parameters);
	if (sync_ms)
		snprintf(full, sizeof(full), "%s; sync %s ms added: %.1f ms", parameters, sync_ms,
			 sync_all_ms);
	fprintf(csv, "%s,%s,%s,%.2f,%s\n", what, database, full, value, unit);
	fflush(csv);
	printf("%-28s %-11s %-60s %10.2f %s\n", what, database, full, value, unit);
}

/* --- durable posts --- */

struct load {
	struct db_pool *pool;
	struct app_core *core;
	int64_t account_id;
	atomic_bool *stop;
	atomic_long posts;
};

static void post_on(void *argument)
{
	struct load *self = argument;
	struct err mine = {0};
	struct db *db = db_open(self->pool, &mine);
	struct arena *arena = arena_create(4 << 20);
	while (db && !atomic_load(self->stop)) {
		struct app app;
		struct app_post post;
		app_init(&app, self->core, db, arena);
		app.account_id = self->account_id;
		if (!app_post_create(&app, &(struct app_post_new){.text = "A durable post #bench"},
				     &post, &mine)) {
			fprintf(stderr, "post: %s (%s)\n", mine.message, mine.detail);
			exit(1);
		}
		atomic_fetch_add(&self->posts, 1);
		arena_reset(arena);
	}
	arena_destroy(arena);
	db_close(db);
}

/* Of all writers; least: of the one that has made the fewest. */
static long posts_of(struct load *loads, int writers, long *least)
{
	long sum = 0;
	*least = LONG_MAX;
	for (int i = 0; i < writers; i++) {
		long posts = atomic_load(&loads[i].posts);
		*least = posts < *least ? posts : *least;
		sum += posts;
	}
	return sum;
}

static const char SQL_ACCOUNT[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
    "INSERT INTO accounts (id, username, username_key, uri, url, created_at, updated_at) "
    "SELECT i, 'u' || i, 'u' || i, 'https://bench.example/users/u' || i, 'https://bench.example/@u' || i, 0, 0 FROM n";

struct sql_call {
	const char *sql;
	int64_t parameters[4];
	int count;
};

static bool run_sql(struct db *w, void *context, struct err *error)
{
	struct sql_call *call = context;
	struct db_stmt *q = db_stmt(w, call->sql);
	for (int i = 0; i < call->count; i++)
		db_put_int(q, call->parameters[i]);
	return db_end(q, error);
}

static void write_sql(struct db *db, const char *sql, int count, int64_t p1, int64_t p2, int64_t p3,
		      int64_t p4)
{
	struct sql_call call = {sql, {p1, p2, p3, p4}, count};
	if (!db_write(db, run_sql, &call, &e))
		die(sql);
}

static struct app_core *make_core(struct db_pool *pool)
{
	struct app_config config = {.domain = "bench.example", .base_url = "https://bench.example"};
	struct app_core *core = app_core_create(pool, &config, NULL, &e);
	if (!core)
		die("core");
	return core;
}

static int64_t cpu_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* What PostgreSQL's processes have used, all together. */
static int64_t server_cpu_ns(enum db_kind kind)
{
	char path[128];
	long postmaster, child;
	long long one, sum = 0;
	if (kind == DB_SQLITE)
		return 0;
	snprintf(path, sizeof(path), "%s/pg/postmaster.pid", testdb_folder());
	FILE *f = fopen(path, "r");
	if (!f || fscanf(f, "%ld", &postmaster) != 1)
		die(path);
	fclose(f);
	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", postmaster, postmaster);
	FILE *children = fopen(path, "r");
	if (!children)
		die(path);
	while (fscanf(children, "%ld", &child) == 1) {
		snprintf(path, sizeof(path), "/proc/%ld/schedstat", child);
		f = fopen(path, "r");
		if (f && fscanf(f, "%lld", &one) == 1)
			sum += one;
		if (f)
			fclose(f);
	}
	fclose(children);
	return sum;
}

/* Durable posts a second, once every connection has prepared its statements: that costs PostgreSQL 50 ms each, as
 * much as some dozens of posts. */
static double posts_per_second(enum db_kind kind, int writers, int group_max, struct cpu *cpu)
{
	struct db_pool *pool = db_pool_open(testdb_url(kind), &e);
	static struct load loads[WRITERS];
	pthread_t threads[WRITERS];
	atomic_bool stop = false;
	long before, after, least = 0;
	if (!pool)
		die("open");
	struct app_core *core = make_core(pool);
	app_known_trust(core, true); /* as in the server */
	struct db *db = db_open(pool, &e);
	write_sql(db, SQL_ACCOUNT, 1, WRITERS, 0, 0, 0);
	if (kind == DB_SQLITE)
		db_writer_set_group_max(pool->writer, group_max);
	for (int i = 0; i < writers; i++) {
		loads[i] =
		    (struct load){.pool = pool, .core = core, .account_id = i + 1, .stop = &stop};
		if (!thread_start(&threads[i], "poster", post_on, &loads[i], &e))
			die("thread");
	}
	for (sleep(WARM_UP_SECONDS); least < WARM_UP_POSTS; usleep(10000))
		posts_of(loads, writers, &least);
	before = posts_of(loads, writers, &least);
	int64_t start = clock_mono_ns(), mine = cpu_ns(CLOCK_PROCESS_CPUTIME_ID),
		theirs = server_cpu_ns(kind);
	sleep(SECONDS);
	after = posts_of(loads, writers, &least);
	double seconds = (double)(clock_mono_ns() - start) / 1e9;
	cpu->ours_us =
	    (double)(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - mine) / 1000 / (double)(after - before);
	cpu->server_us = (double)(server_cpu_ns(kind) - theirs) / 1000 / (double)(after - before);
	atomic_store(&stop, true);
	for (int i = 0; i < writers; i++)
		thread_join(threads[i]);
	app_core_destroy(core);
	db_close(db);
	db_pool_close(pool);
	return (double)(after - before) / seconds;
}

static void bench_sync(void)
{
	char path[128], block[4096] = {0};
	snprintf(path, sizeof(path), "%s/sync", testdb_folder());
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	int64_t start = clock_mono_ns();
	for (int i = 0; i < 100; i++)
		if (fd < 0 || write(fd, block, sizeof(block)) != sizeof(block) ||
		    fdatasync(fd) != 0)
			die("fdatasync");
	sync_all_ms = (double)(clock_mono_ns() - start) / 1e8;
	row("disk_sync", DB_SQLITE, "fdatasync of 4 KiB", sync_all_ms, "ms");
	close(fd);
}

static void bench_posts(bool sqlite, bool postgres)
{
	struct cpu cpu;
	double single, group;
	bench_sync();
	if (sqlite) {
		single = posts_per_second(DB_SQLITE, WRITERS, 1, &cpu);
		group = posts_per_second(DB_SQLITE, WRITERS, 512, &cpu);
		row("durable_posts", DB_SQLITE, "64 writers; one commit a post", single, "posts/s");
		row("durable_posts", DB_SQLITE, "64 writers; group commit", group, "posts/s");
		row("group_over_single", DB_SQLITE, "64 writers", group / single, "ratio");
		row("post_cpu", DB_SQLITE, "64 writers; group commit", cpu.ours_us, "us");
	}
	if (postgres) {
		single = posts_per_second(DB_POSTGRES, 1, 0, &cpu);
		group = posts_per_second(DB_POSTGRES, WRITERS, 0, &cpu);
		row("durable_posts", DB_POSTGRES, "1 writer; one commit a post", single, "posts/s");
		row("durable_posts", DB_POSTGRES, "64 writers; the server groups", group,
		    "posts/s");
		row("group_over_single", DB_POSTGRES, "64 writers", group / single, "ratio");
		row("post_cpu", DB_POSTGRES, "64 writers; without the server's", cpu.ours_us, "us");
		row("post_cpu", DB_POSTGRES, "64 writers; the server's", cpu.server_us, "us");
	}
}

/* --- home timelines --- */

/* Post i is by account 1 + i % authors; with a picture. Ids count from 2^40, so that they look like real ones. */
static const int64_t BASE = INT64_C(1) << 40;
static const char SQL_POSTS[] =
    "WITH RECURSIVE n(i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2) "
    "INSERT INTO posts (id, account_id, uri, url, local, visibility, text, content, thread_id, media_count, created_at) "
    "SELECT $3 + i, 1 + i % $4, 'https://bench.example/users/u/statuses/' || i, 'https://bench.example/@u/' || i, "
    "TRUE, 0, 'A picture of the yard, number ' || i, '<p>A picture of the yard, number ' || i || '</p>', $3 + i, 1, "
    "i FROM n";
static const char SQL_MEDIA[] =
    "WITH RECURSIVE n(i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2) "
    "INSERT INTO media (id, account_id, post_id, state, kind, type, hash, width, height, blurhash, description, maker, "
    "model, style, prompt, created_at) SELECT $3 + i, 1 + i % $4, $3 + i, 0, 0, 'image/png', 'hash' || i, 192, 192, "
    "'LEHV6nWB2yk8pyo0adR*.7kCMdnj', 'a red apple on a table', 'builtin', 'madang-1', '3d', 'a red apple', 0 FROM n";
static const char SQL_VIEWER[] =
    "INSERT INTO accounts (id, username, username_key, uri, url, created_at, updated_at) VALUES ($1, 'v' || "
    "CAST($1 AS BIGINT), 'v' || CAST($1 AS BIGINT), 'v' || CAST($1 AS BIGINT), 'v', 0, 0)";
static const char SQL_FOLLOWS[] =
    "INSERT INTO follows (account_id, target_id, id, local, created_at) SELECT CAST($1 AS BIGINT), id, $1 * 10000 + id, "
    "TRUE, 0 FROM accounts WHERE id <= $2";
/* What fan-out leaves behind: the newest posts of those whom one follows. */
static const char SQL_HOME[] =
    "INSERT INTO home (account_id, post_id, via_id) SELECT CAST($1 AS BIGINT), p.id, p.account_id FROM posts p WHERE "
    "p.account_id <= $2 ORDER BY p.id DESC LIMIT $3";

struct site {
	int64_t posts;
	int64_t backend; /* PostgreSQL's process */
	struct db_pool *pool;
	struct db *db;
	struct app_core *core;
};

static const int64_t SIZES[] = {1000, 100000, 1000000};
static const int64_t FOLLOWS[] = {5, 500, 5000};

static struct site make_site(enum db_kind kind, int64_t posts)
{
	enum { STEP = 20000 };
	struct site site = {.posts = posts, .pool = db_pool_open(testdb_url(kind), &e)};
	if (!site.pool || !(site.db = db_open(site.pool, &e)))
		die("open");
	site.core = make_core(site.pool);
	/* A small network has as many people as a large one: whom one follows must exist. */
	write_sql(site.db, SQL_ACCOUNT, 1, FOLLOWS_MAX, 0, 0, 0);
	for (int64_t i = 0; i < posts; i += STEP) {
		int64_t end = i + STEP < posts ? i + STEP : posts;
		write_sql(site.db, SQL_POSTS, 4, i, end, BASE,
			  posts < FOLLOWS_MAX ? 50 : FOLLOWS_MAX);
		write_sql(site.db, SQL_MEDIA, 4, i, end, BASE,
			  posts < FOLLOWS_MAX ? 50 : FOLLOWS_MAX);
	}
	for (int f = 0; f < 3; f++) {
		int64_t viewer = 100000 + FOLLOWS[f];
		write_sql(site.db, SQL_VIEWER, 1, viewer, 0, 0, 0);
		write_sql(site.db, SQL_FOLLOWS, 2, viewer, FOLLOWS[f], 0, 0);
		write_sql(site.db, SQL_HOME, 3, viewer, FOLLOWS[f], HOME_POSTS, 0);
	}
	return site;
}

static const char SQL_BACKEND[] = "SELECT pg_backend_pid()";

/* What PostgreSQL's process behind this handle has used. */
static int64_t backend_ns(struct site *site)
{
	if (db_kind(site->db) == DB_SQLITE)
		return 0;
	if (!site->backend) {
		struct db_stmt *q = db_stmt(site->db, SQL_BACKEND);
		site->backend = db_row(q) ? db_get_int(q) : 0;
		if (!db_end(q, &e))
			die("backend");
	}
	char path[64];
	long long ns = 0;
	snprintf(path, sizeof(path), "/proc/%lld/schedstat", (long long)site->backend);
	FILE *f = fopen(path, "r");
	if (!f || fscanf(f, "%lld", &ns) != 1)
		die(path);
	fclose(f);
	return ns;
}

static double home_us(struct site *site, int64_t follows, struct arena *arena)
{
	int64_t theirs = backend_ns(site), start = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
	for (int i = 0; i < CALLS; i++) {
		struct app app;
		struct app_posts posts;
		arena_reset(arena);
		app_init(&app, site->core, site->db, arena);
		app.account_id = 100000 + follows;
		if (!app_timeline_home(&app, &(struct store_page){.limit = 20}, &posts, &e))
			die("home");
		if (posts.count != 20 || posts.items[19].media_count != 1) {
			fprintf(stderr, "bench_store: a home of %zu posts\n", posts.count);
			exit(1);
		}
	}
	int64_t ours = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	return (double)(ours + backend_ns(site) - theirs) / 1000 / CALLS;
}

static void bench_home(enum db_kind kind)
{
	struct arena *arena = arena_create(8 << 20);
	struct site sites[3];
	double best[3][3], low = 1e9, high = 0;
	for (int s = 0; s < 3; s++)
		sites[s] = make_site(kind, SIZES[s]);
	for (int round = 0; round < ROUNDS; round++) {
		for (int s = 0; s < 3; s++) {
			for (int f = 0; f < 3; f++) {
				double us = home_us(&sites[s], FOLLOWS[f], arena);
				if (round == 0 || us < best[s][f])
					best[s][f] = us;
			}
		}
	}
	for (int s = 0; s < 3; s++) {
		for (int f = 0; f < 3; f++) {
			char text[64];
			snprintf(text, sizeof(text), "%lld posts; %lld follows",
				 (long long)SIZES[s], (long long)FOLLOWS[f]);
			row("home_of_20", kind, text, best[s][f], "us");
			low = best[s][f] < low ? best[s][f] : low;
			high = best[s][f] > high ? best[s][f] : high;
		}
	}
	row("home_largest_over_smallest", kind, "all sizes and follows", high / low, "ratio");
	for (int s = 0; s < 3; s++) {
		app_core_destroy(sites[s].core);
		db_close(sites[s].db);
		db_pool_close(sites[s].pool);
	}
	arena_destroy(arena);
}

/* Begins again with the slow disk in place. */
static void preload(char **argv)
{
	if (getenv("MADANG_SYNC_MS"))
		return;
	setenv("MADANG_SYNC_MS", sync_ms, 1);
	setenv("LD_PRELOAD", SLOW_SYNC, 1);
	execv("/proc/self/exe", argv);
	perror("bench_store");
	exit(1);
}

int main(int argc, char **argv)
{
	bool posts = false, home = false, postgres = false, sqlite = true;
	if (argc < 2) {
		fprintf(
		    stderr,
		    "usage: bench_store FILE.csv [posts] [home] [postgres] [without_sqlite] [sync_ms=N]\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		posts |= strcmp(argv[i], "posts") == 0;
		home |= strcmp(argv[i], "home") == 0;
		postgres |= strcmp(argv[i], "postgres") == 0;
		sqlite &= strcmp(argv[i], "without_sqlite") != 0;
		if (strncmp(argv[i], "sync_ms=", 8) == 0)
			sync_ms = argv[i] + 8;
	}
	if (sync_ms)
		preload(argv);
	log_set_level(LOG_LEVEL_ERROR);
	testdb_durable();
	csv = fopen(argv[1], "a");
	if (!csv) {
		perror(argv[1]);
		return 1;
	}
	if (ftell(csv) == 0)
		fprintf(csv, "what,database,parameters,value,unit\n");
	if (posts)
		bench_posts(sqlite, postgres);
	if (home && sqlite)
		bench_home(DB_SQLITE);
	if (home && postgres)
		bench_home(DB_POSTGRES);
	fclose(csv);
	return 0;
}
