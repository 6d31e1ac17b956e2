/* What must not grow with the network: search, the context of a long thread, grouped notifications, filters, and the
 * fan-out of a post, in networks of different sizes.
 *
 *     bench_network FILE.csv [sqlite] [postgres] POSTS…
 *
 * Appends rows "what,database,parameters,value,unit" to FILE.csv: p50, p99 and the least of whole calls of the app, in time on
 * the wall, and how the p50 of the larger networks compares with that of the first. The first row names the machine;
 * where others work on it too, the least says more than the p99. Data is made by SQL, without the search index's triggers, and stands as
 * on a server that has run for a while (PostgreSQL: vacuumed and analysed);
 * one network stands at a time (a million posts take about 2 GB) in a temporary folder. */
#include "app/notification.h"
#include "app/post.h"
#include "app/search.h"
#include "app/timeline.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "testdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ACCOUNTS = 100000, /* they all follow the popular one, and like its post */
	AUTHORS = 5000,
	OF_ONE = 200, /* posts that one author has, whatever the size; another has a tenth of all */
	REPLIES = 5000,
	KEYWORDS = 200,
	CALLS_MAX = 200,
	SECONDS_MAX = 3, /* for each figure */
	MEASURES_MAX = 64,
	STEP = 10000 /* rows; a statement has its time */
};
/* Ids are times: a post each 1,024 ms, as many days of them as it takes. */
static const int64_t BASE = INT64_C(1) << 56, THREAD = (INT64_C(1) << 56) + (INT64_C(1) << 50);
static const int64_t POPULAR = 200001, VIEWER = 200002, FILTERING = 200003, BUSY = 200006;

static FILE *csv;
static struct err e;

struct network {
	enum db_kind kind;
	int64_t posts;
	struct db_pool *pool;
	struct db *db;
	struct app_core *core;
	struct arena *arena;
};

/* The p50 of each measure in the smallest network, to compare with. */
static struct {
	char what[80];
	double p50;
} smallest[MEASURES_MAX];
static size_t smallest_count;

static void die(const char *what)
{
	fprintf(stderr, "bench_network: %s: %s (%s)\n", what, e.message, e.detail);
	exit(1);
}

static void row(const struct network *n, const char *what, const char *parameters, double value,
		const char *unit)
{
	const char *database = n->kind == DB_SQLITE ? "sqlite" : "postgresql";
	fprintf(csv, "%s,%s,%s,%.3f,%s\n", what, database, parameters, value, unit);
	fflush(csv);
	printf("%-30s %-11s %-40s %10.3f %s\n", what, database, parameters, value, unit);
	fflush(stdout);
}

/* --- making a network --- */

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

static void sql(struct network *n, const char *text, int count, int64_t p1, int64_t p2, int64_t p3)
{
	struct sql_call call = {text, {p1, p2, p3}, count};
	if (!db_write(n->db, run_sql, &call, &e))
		die(text);
}

/* Of any transaction. */
static void outside(struct network *n, const char *text)
{
	if (!db_end(db_stmt(n->db, text), &e))
		die(text);
}

static void sql_in_steps(struct network *n, const char *text, int64_t from, int64_t to,
			 int64_t third)
{
	for (int64_t i = from; i < to; i += STEP)
		sql(n, text, 3, i, i + STEP < to ? i + STEP : to, third);
}

#define COUNT_FROM_1_TO_2                                                                        \
	"WITH RECURSIVE n(i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE " \
	"i + 1 < $2) "
/* Every other author wants not to be found. */
static const char SQL_ACCOUNTS[] = COUNT_FROM_1_TO_2
    "INSERT INTO accounts (id, username, username_key, uri, url, discoverable, created_at, updated_at) SELECT i, "
    "'u' || i, 'u' || i, 'https://bench.example/users/u' || i, 'https://bench.example/@u' || i, i % 2 = 0, CAST($3 AS BIGINT) * 0, 0 "
    "FROM n";
#define POST_ID "72057594037927936 + 67108864 * i"
/* $3: one post of so many is by the author of 200. */
#define AUTHOR "CASE WHEN i % $3 = 1 THEN 200004 WHEN i % 10 = 3 THEN 200006 ELSE 1 + i % 5000 END"
static const char SQL_POSTS[] = COUNT_FROM_1_TO_2
    "INSERT INTO posts (id, account_id, uri, url, local, visibility, text, content, thread_id, created_at) "
    "SELECT " POST_ID ", " AUTHOR
    ", 'https://bench.example/s/' || i, 'https://bench.example/@u/' || i, TRUE, 0, "
    "'A picture of the yard, number ' || i, '<p>A picture of the yard, number ' || i || '</p>', " POST_ID
    ", i FROM n";
/* yard: everybody says it. veiled: only those say it who are not to be found. left and right never meet. hundredth,
 * thousandth: one post of so many. rare: ten posts, and faded: five thousand, the oldest, whatever the size. */
static const char SQL_WORDS_SQLITE[] = COUNT_FROM_1_TO_2
    "INSERT INTO post_search (rowid, words) SELECT " POST_ID ", '_post _from' || (" AUTHOR
    ") || ' a picture of the yard number ' || i || CASE WHEN i % 2 = 0 THEN ' veiled left' ELSE ' right' END || CASE "
    "WHEN i % 100 = 7 THEN ' hundredth' ELSE '' END || CASE WHEN i % 1000 = 7 THEN ' thousandth' ELSE '' END || CASE "
    "WHEN i < 1000 AND i % 100 = 7 THEN ' rare' ELSE '' END || CASE WHEN i < 5000 THEN ' faded' ELSE '' END FROM n";
static const char SQL_WORDS_POSTGRES[] = COUNT_FROM_1_TO_2
    "INSERT INTO post_search (rowid, words) SELECT " POST_ID
    ", CAST('''_post'':1 ''_from' || (" AUTHOR
    ") || ''':2 ''a'':3 ''picture'':4 ''of'':5 ''the'':6 ''yard'':7 ''number'':8 ''' || i || ''':9' || CASE WHEN i % 2 "
    "= 0 THEN ' ''veiled'':10 ''left'':11' ELSE ' ''right'':10' END || CASE WHEN i % 100 = 7 THEN ' ''hundredth'':12' "
    "ELSE '' END || CASE WHEN i % 1000 = 7 THEN ' ''thousandth'':13' ELSE '' END || CASE WHEN i < 1000 AND i % 100 = 7 "
    "THEN ' ''rare'':14' ELSE '' END || CASE WHEN i < 5000 THEN ' ''faded'':15' ELSE '' END AS TSVECTOR) || search_times(" POST_ID
    ") FROM n";
static const char SQL_COUNTED[] =
    "CREATE VIRTUAL TABLE counted USING fts5vocab(post_search, 'row')";
static const char SQL_ONCE_SQLITE[] = "INSERT INTO post_words SELECT term FROM counted";
static const char SQL_ONCE_POSTGRES[] =
    "INSERT INTO post_words SELECT DISTINCT lexeme FROM post_search, unnest(words)";
static const char SQL_ROOT[] =
    "INSERT INTO posts (id, account_id, uri, url, local, visibility, text, content, thread_id, created_at) VALUES "
    "($1, $2, 'root', 'root', TRUE, 0, 'root', '<p>root</p>', $1, 0)";
static const char SQL_REPLIES[] = COUNT_FROM_1_TO_2
    "INSERT INTO posts (id, account_id, uri, url, local, visibility, text, content, thread_id, in_reply_to_id, "
    "in_reply_to_account_id, created_at) SELECT $3 + i, 1 + i % 5000, 'r' || i, 'r' || i, TRUE, 0, 'an answer', "
    "'<p>an answer</p>', $3, $3 + i / 3, 2, i FROM n";
static const char SQL_FOLLOWERS[] =
    COUNT_FROM_1_TO_2 "INSERT INTO follows (account_id, target_id, id, local, created_at) "
		      "SELECT i, CAST($3 AS BIGINT), i, TRUE, 0 FROM n";
static const char SQL_NOTIFICATIONS[] = COUNT_FROM_1_TO_2
    "INSERT INTO notifications (id, account_id, kind, from_account_id, post_id, group_id, created_at) SELECT 1000000 + "
    "i, $3, 2, i, 72057594037927936 + 67108864 * (1 + i % 200), 1 + i % 200, 0 FROM n";
static const char SQL_GROUPS[] = COUNT_FROM_1_TO_2
    "INSERT INTO notification_groups (id, account_id, key, kind, post_id, latest_id, count) SELECT 1 + i, $3, 'g' || i, "
    "2, 72057594037927936 + 67108864 * (1 + i), 1000000 + 99800 + i, 500 FROM n";
static const char SQL_HOME[] = "INSERT INTO home (account_id, post_id, via_id) SELECT "
			       "CAST($1 AS BIGINT), p.id, p.account_id FROM "
			       "posts p WHERE p.id < $2 ORDER BY p.id DESC LIMIT $3";
static const char SQL_FILTER[] =
    "INSERT INTO filters (id, account_id, title, contexts, action, created_at) VALUES ($1, $2, 'f', 31, 0, 0)";
static const char SQL_KEYWORDS[] =
    COUNT_FROM_1_TO_2 "INSERT INTO filter_keywords (id, filter_id, keyword, whole_word) "
		      "SELECT i, CAST($3 AS BIGINT), 'keyword number ' || i, i % 2 = 0 FROM n";

static void without_triggers(struct network *n)
{
	static const char *const sqlite[] = {"DROP TRIGGER post_search_added",
					     "DROP TRIGGER account_search_added"};
	static const char *const postgres[] = {"ALTER TABLE posts DISABLE TRIGGER USER",
					       "ALTER TABLE accounts DISABLE TRIGGER USER",
					       "DROP INDEX post_search_words"};
	if (n->kind == DB_SQLITE)
		for (int i = 0; i < 2; i++)
			sql(n, sqlite[i], 0, 0, 0, 0);
	else
		for (int i = 0; i < 3; i++)
			sql(n, postgres[i], 0, 0, 0, 0);
}

static struct network make(enum db_kind kind, int64_t posts)
{
	struct network n = {.kind = kind, .posts = posts, .arena = arena_create(64 << 20)};
	struct app_config config = {.domain = "bench.example", .base_url = "https://bench.example"};
	if (!(n.pool = db_pool_open(testdb_url(kind), &e)) || !(n.db = db_open(n.pool, &e)) ||
	    !(n.core = app_core_create(n.pool, &config, NULL, &e)))
		die("open");
	if (kind == DB_POSTGRES)
		outside(&n, "SET statement_timeout = 0");
	without_triggers(&n);
	sql_in_steps(&n, SQL_ACCOUNTS, 1, ACCOUNTS + 1, BASE);
	sql(&n, SQL_ACCOUNTS, 3, POPULAR, BUSY + 1, BASE);
	sql_in_steps(&n, SQL_POSTS, 0, posts, posts / OF_ONE);
	sql_in_steps(&n, kind == DB_SQLITE ? SQL_WORDS_SQLITE : SQL_WORDS_POSTGRES, 0, posts,
		     posts / OF_ONE);
	sql(&n, SQL_ROOT, 2, THREAD, 2, 0);
	sql(&n, SQL_REPLIES, 3, 1, REPLIES + 1, THREAD);
	sql_in_steps(&n, SQL_FOLLOWERS, 1, ACCOUNTS + 1, POPULAR);
	sql_in_steps(&n, SQL_NOTIFICATIONS, 1, ACCOUNTS + 1, VIEWER);
	sql(&n, SQL_GROUPS, 3, 0, 200, VIEWER);
	sql(&n, SQL_HOME, 3, VIEWER, THREAD, 800);
	sql(&n, SQL_HOME, 3, FILTERING, THREAD, 800);
	sql(&n, SQL_FILTER, 2, 1, FILTERING, 0);
	sql(&n, SQL_KEYWORDS, 3, 1, KEYWORDS + 1, 1);
	if (kind == DB_POSTGRES) {
		sql(&n, "CREATE INDEX post_search_words ON post_search USING GIN (words)", 0, 0, 0,
		    0);
		sql(&n, SQL_ONCE_POSTGRES, 0, 0, 0, 0);
		outside(&n,
			"VACUUM (ANALYZE)"); /* as it stands on a server that has run for a while */
		outside(&n, "CHECKPOINT");
	} else {
		sql(&n, SQL_COUNTED, 0, 0, 0, 0);
		sql(&n, SQL_ONCE_SQLITE, 0, 0, 0, 0);
	}
	return n;
}

/* --- measuring --- */

typedef void call_fn(struct network *n, struct app *app, const void *context);

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void compare(struct network *n, const char *what, double p50)
{
	for (size_t i = 0; i < smallest_count; i++)
		if (!strcmp(smallest[i].what, what)) {
			char text[96];
			snprintf(text, sizeof text, "%lld posts over the smallest; p50",
				 (long long)n->posts);
			row(n, what, text, p50 / smallest[i].p50, "ratio");
			return;
		}
	if (smallest_count < MEASURES_MAX) {
		snprintf(smallest[smallest_count].what, sizeof smallest[0].what, "%s", what);
		smallest[smallest_count++].p50 = p50;
	}
}

static void measure(struct network *n, const char *what, int64_t account_id, call_fn *call,
		    const void *context)
{
	double ms[CALLS_MAX];
	size_t count = 0;
	int64_t end = clock_mono_ns() + SECONDS_MAX * INT64_C(1000000000);
	for (int i = -2; i < CALLS_MAX && (i < 2 || clock_mono_ns() < end); i++) {
		struct app app;
		arena_reset(n->arena);
		app_init(&app, n->core, n->db, n->arena);
		app.account_id = account_id;
		int64_t start = clock_mono_ns();
		call(n, &app, context);
		if (i >= 0) /* the first ones fill caches */
			ms[count++] = (double)(clock_mono_ns() - start) / 1e6;
	}
	qsort(ms, count, sizeof *ms, by_size);
	char text[96];
	snprintf(text, sizeof text, "%lld posts; p50", (long long)n->posts);
	row(n, what, text, ms[count / 2], "ms");
	snprintf(text, sizeof text, "%lld posts; p99", (long long)n->posts);
	row(n, what, text, ms[count * 99 / 100], "ms");
	snprintf(text, sizeof text, "%lld posts; least", (long long)n->posts);
	row(n, what, text, ms[0], "ms");
	compare(n, what, ms[count / 2]);
}

struct question {
	const char *what, *q;
	int found;
};

static void search(struct network *n, struct app *app, const void *context)
{
	const struct question *ask = context;
	struct app_search found;
	(void)n;
	if (!app_search(app, ask->q, "statuses", &(struct app_search_page){.limit = 20}, &found,
			&e))
		die(ask->q);
	if (ask->found >= 0 && found.posts.count != (size_t)ask->found) {
		fprintf(stderr, "bench_network: %s: %zu posts\n", ask->q, found.posts.count);
		exit(1);
	}
}

static void context_of(struct network *n, struct app *app, const void *context)
{
	struct app_posts above, below;
	(void)n;
	if (!app_post_context(app, *(const int64_t *)context, &above, &below, &e))
		die("context");
}

static void groups(struct network *n, struct app *app, const void *context)
{
	struct app_notification_groups list;
	(void)n;
	(void)context;
	const struct app_notification_filter filter = {.grouped = APP_NOTIFY_GROUPABLE};
	if (!app_notification_group_list(app, &filter, &(struct store_page){.limit = 40}, &list,
					 &e) ||
	    list.count != 40 || list.items[0].count != 500)
		die("groups");
}

static void home(struct network *n, struct app *app, const void *context)
{
	struct app_posts posts;
	(void)n;
	(void)context;
	if (!app_timeline_home(app, &(struct store_page){.limit = 20}, &posts, &e) ||
	    posts.count != 20)
		die("home");
}

static bool has_it(struct network *n, int64_t account_id, int64_t post_id)
{
	struct app app;
	bool has = false;
	app_init(&app, n->core, n->db, n->arena);
	if (!app_timeline_home_has(&app, account_id, post_id, &has, &e))
		die("home has");
	return has;
}

/* One post to a hundred thousand followers: what its author waits for, and when the last of them has it. */
static void fan_out(struct network *n)
{
	struct app app;
	struct app_post post;
	char text[96];
	bool more = true;
	arena_reset(n->arena);
	app_init(&app, n->core, n->db, n->arena);
	app.account_id = POPULAR;
	int64_t start = clock_mono_ns();
	if (!app_post_create(&app, &(struct app_post_new){.text = "to all of you"}, &post, &e))
		die("post");
	double author = (double)(clock_mono_ns() - start) / 1e6;
	while (more) {
		arena_reset(n->arena);
		app_init(&app, n->core, n->db, n->arena);
		if (!app_tick(&app, &more, &e))
			die("tick");
		if (has_it(n, ACCOUNTS, post.row.id))
			break;
	}
	double last = (double)(clock_mono_ns() - start) / 1e6;
	snprintf(text, sizeof text, "%lld posts; 100000 followers", (long long)n->posts);
	row(n, "fan_out_author_waits", text, author, "ms");
	row(n, "fan_out_last_home", text, last, "ms");
	compare(n, "fan_out_last_home", last);
}

static void measure_all(struct network *n)
{
	static const struct question questions[] = {
	    {"search_common_word", "yard", 20},
	    {"search_one_of_100", "hundredth", 20},
	    {"search_one_of_1000", "thousandth", -1},
	    {"search_rare_word", "rare", 10},
	    {"search_frequent_long_ago", "faded", 20},
	    {"search_two_words", "yard hundredth", 20},
	    {"search_words_that_never_meet", "left right", 0},
	    {"search_only_by_who_hides", "veiled", 0},
	    {"search_of_one_author", "yard from:u200004", 20},
	    {"search_of_an_author_of_a_tenth", "yard from:u200006", 20},
	    {"search_phrase", "\"picture of the yard\"", 20},
	    {"search_beginning", "yar", 20},
	    {"search_frequent_and_not", "hundredth left", 0},
	    {"search_without_what_all_say", "picture -yard", 0},
	};
	static const int64_t root = THREAD, leaf = THREAD + REPLIES;
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
		measure(n, questions[i].what, VIEWER, search, &questions[i]);
	measure(n, "context_of_root_of_5000", VIEWER, context_of, &root);
	measure(n, "context_of_last_of_5000", VIEWER, context_of, &leaf);
	measure(n, "groups_over_100000", VIEWER, groups, NULL);
	measure(n, "home_without_filters", VIEWER, home, NULL);
	measure(n, "home_with_200_keywords", FILTERING, home, NULL);
	fan_out(n);
}

static void finish(struct network *n)
{
	app_core_destroy(n->core);
	db_close(n->db);
	db_pool_close(n->pool);
	arena_destroy(n->arena);
}

/* As Linux names its processor. */
static const char *machine(void)
{
	static char line[256];
	FILE *f = fopen("/proc/cpuinfo", "r");
	const char *name = "unknown";
	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
			name = strchr(line, ':') + 2;
			line[strcspn(line, "\n")] = '\0';
			break;
		}
	if (f)
		fclose(f);
	return name;
}

int main(int argc, char **argv)
{
	int64_t sizes[8];
	int sizes_count = 0;
	bool kinds[2] = {false};
	if (argc < 2) {
		fprintf(stderr, "usage: bench_network FILE.csv [sqlite] [postgres] POSTS…\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		kinds[DB_SQLITE] |= !strcmp(argv[i], "sqlite");
		kinds[DB_POSTGRES] |= !strcmp(argv[i], "postgres");
		if (sizes_count < 8 && str_to_int(argv[i], 1000, 100000000, &sizes[sizes_count]))
			sizes_count++;
	}
	log_set_level(LOG_LEVEL_ERROR);
	testdb_durable();
	csv = fopen(argv[1], "a");
	if (!csv) {
		perror(argv[1]);
		return 1;
	}
	if (ftell(csv) == 0) {
		fprintf(csv, "what,database,parameters,value,unit\n");
		fprintf(csv, "machine,-,%s,%ld,cores\n", machine(), sysconf(_SC_NPROCESSORS_ONLN));
	}
	for (int kind = 0; kind < 2; kind++) {
		smallest_count = 0;
		for (int s = 0; kinds[kind] && s < sizes_count; s++) {
			struct network n = make((enum db_kind)kind, sizes[s]);
			measure_all(&n);
			finish(&n);
		}
	}
	fclose(csv);
	return 0;
}
