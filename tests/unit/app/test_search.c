/* Search over more posts than are looked through one by one, on both databases: every page of what words find, newest
 * first, against what the posts say. The older half is as dense as a busy day, the newer as sparse as a quiet week, as the
 * index is asked by times. */
#include "app/edit.h"
#include "app/search.h"
#include "three.h"

enum { POSTS = 60000, DENSE = 40000, STEP = 10000, COMPARED_MAX = 400, PAGE = 40 };

/* As in SQL_POSTS. */
static int64_t id_of(int i)
{
	int64_t base = INT64_C(1) << 56;
	return i < DENSE ? base + i * (INT64_C(1) << 26)
			 : base + DENSE * (INT64_C(1) << 26) + (i - DENSE) * (INT64_C(1) << 30);
}

#define COUNT \
	"WITH RECURSIVE n(i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2) "
#define ID                                                                                    \
	"CASE WHEN i < 40000 THEN 72057594037927936 + i * 67108864 ELSE 72057594037927936 + " \
	"40000 * CAST(67108864 AS BIGINT) + (i - 40000) * 1073741824 END"
#define SAYS(word, condition) " || CASE WHEN " condition " THEN '" word " ' ELSE '' END"
#define WORDS                                                                                     \
	"'all picture of number ' || i || ' '" SAYS("even", "i % 2 = 0") SAYS("odd", "i % 2 = 1") \
	    SAYS("hundredth", "i % 100 = 7") SAYS("seldom", "i % 1000 = 7")                       \
		SAYS("rarely", "i % 250 = 3") SAYS("ancient", "i < 10") SAYS("faded", "i < 5000") \
		    SAYS("fading", "i % 7 = 0 AND i < 40000")
static const char SQL_POSTS[] = COUNT
    "INSERT INTO posts (id, account_id, uri, url, local, visibility, text, content, thread_id, created_at) SELECT " ID
    ", $3, 'p' || i, 'p' || i, TRUE, 0, 'p', '<p>p</p>', " ID ", i FROM n";
static const char SQL_WORDS_SQLITE[] =
    COUNT "INSERT INTO post_search (rowid, words) SELECT " ID ", " WORDS " FROM n";
static const char SQL_WORDS_POSTGRES[] =
    COUNT "INSERT INTO post_search (rowid, words) SELECT " ID ", to_tsvector('simple', " WORDS
	  ") || search_times(" ID ") FROM n";
static const char SQL_COUNTED[] =
    "CREATE VIRTUAL TABLE counted USING fts5vocab(post_search, 'row')";
static const char SQL_ONCE_SQLITE[] = "INSERT OR IGNORE INTO post_words SELECT term FROM counted";
static const char SQL_ONCE_POSTGRES[] =
    "INSERT INTO post_words SELECT DISTINCT lexeme FROM post_search, unnest(words)";

static bool hundredth(int i)
{
	return i % 100 == 7;
}
static bool seldom(int i)
{
	return i % 1000 == 7;
}
static bool rarely(int i)
{
	return i % 250 == 3;
}
static bool ancient(int i)
{
	return i < 10;
}
static bool faded(int i)
{
	return i < 5000;
}
static bool fad(int i)
{
	return i < 5000 || (i < 40000 && i % 7 == 0);
}
static bool even(int i)
{
	return i % 2 == 0;
}
static bool odd(int i)
{
	return i % 2 == 1;
}
static bool always(int i)
{
	return i >= 0;
}
static bool never(int i)
{
	return i < 0;
}
static bool number_123(int i)
{
	return i == 123 || i / 10 == 123 || i / 100 == 123;
}

struct step {
	const char *sql;
	int64_t from;
	int count;
};

static bool run_step(struct db *w, void *context, struct err *e)
{
	const struct step *step = context;
	struct db_stmt *q = db_stmt(w, step->sql);
	const int64_t values[] = {step->from, step->from + STEP, a};
	for (int i = 0; i < step->count; i++)
		db_put_int(q, values[i]);
	return db_end(q, e);
}

static void run_sql(const char *sql, int count)
{
	for (int64_t from = 0; from < (count ? POSTS : STEP); from += STEP) {
		struct step step = {.sql = sql, .from = from, .count = count};
		OK(db_write(t.db, run_step, &step, &t.e));
	}
}

static void make_posts(void)
{
	bool sqlite = kind == DB_SQLITE;
	run_sql(sqlite ? "DROP TRIGGER post_search_added"
		       : "ALTER TABLE posts DISABLE TRIGGER USER",
		0);
	run_sql(SQL_POSTS, 3);
	run_sql(sqlite ? SQL_WORDS_SQLITE : SQL_WORDS_POSTGRES, 2);
	if (sqlite)
		run_sql(SQL_COUNTED, 0);
	run_sql(sqlite ? SQL_ONCE_SQLITE : SQL_ONCE_POSTGRES, 0);
}

/* Page after page. last: the newest that may be found; first: the oldest. */
static void finds(const char *q, bool (*says)(int i), int first, int last)
{
	struct app_search_page page = {
	    .limit = PAGE,
	    .min_id = first > 0 ? id_of(first) - 1 : 0,
	    .max_id = last < POSTS - 1 ? id_of(last) + 1 : 0,
	};
	struct app_search found;
	int compared = 0;
	do {
		struct app app = testapp_as(a);
		OK(app_search(&app, q, "statuses", &page, &found, &t.e));
		for (size_t n = 0; n < found.posts.count; n++, last--, compared++) {
			while (last >= first && !says(last))
				last--;
			if (last < first || found.posts.items[n].row.id != id_of(last))
				print_error("%s: %d\n", q, last);
			assert_true(last >= first);
			assert_int_equal(found.posts.items[n].row.id, id_of(last));
			page.max_id = id_of(last);
		}
	} while (found.posts.count == PAGE && compared < COMPARED_MAX);
	if (compared >= COMPARED_MAX)
		return;
	while (last >= first && !says(last))
		last--;
	if (last >= first)
		print_error("%s: %d is missing\n", q, last);
	assert_true(last < first);
}

static void every_page_has_what_posts_say(void **state)
{
	(void)state;
	static const struct {
		const char *q;
		bool (*says)(int i);
	} questions[] = {
	    {"all", always},
	    {"hundredth", hundredth},
	    {"hundre", hundredth},
	    {"seldom", seldom},
	    {"rarely", rarely},
	    {"ancient", ancient},
	    {"faded", faded},
	    {"fad", fad},
	    {"\"fad\"", never},
	    {"123", number_123},
	    {"nobodysaysthis", never},
	    {"even odd", never},
	    {"all even", even},
	    {"hundredth picture", hundredth},
	    {"pict hund", hundredth},
	    {"hundredth even", never},
	    {"seldom odd", seldom},
	    {"rarely odd", rarely},
	    {"\"picture of\"", always},
	    {"\"of picture\"", never},
	    {"\"picture of number\" seldom", seldom},
	    {"seldom -odd", never},
	    {"picture -even", odd},
	    {"picture -all", never},
	};
	make_posts();
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
		finds(questions[i].q, questions[i].says, 0, POSTS - 1);
		finds(questions[i].q, questions[i].says, 3000, 57001);
	}
}

static void tick(void)
{
	bool more = true;
	while (more) {
		struct app app = testapp_as(0);
		more = false;
		OK(app_tick(&app, &more, &t.e));
	}
}

static bool is_kept(const char *word)
{
	struct db_stmt *q = db_stmt(t.db, "SELECT term FROM post_words WHERE term = $1");
	db_put_text(q, word);
	bool kept = db_row(q);
	assert_true(db_end(q, &t.e));
	return kept;
}

static void words_of_nobody_are_forgotten(void **state)
{
	(void)state;
	struct app_post first = testapp_post(a, "fountains of the yard"),
			second = testapp_post(b, "a yard");
	tick();
	assert_true(is_kept("fountains") && is_kept("yard"));
	OK(app_post_delete(&ana, first.row.id, NULL, &t.e));
	tick();
	assert_false(is_kept("fountains"));
	assert_true(is_kept("yard"));
	OK(app_post_edit(&bo, second.row.id, &(struct app_post_change){.text = "a pond"}, &second,
			 &t.e));
	tick();
	assert_false(is_kept("yard"));
	assert_true(is_kept("pond"));
}

static int run(enum db_kind which)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_page_has_what_posts_say),
	    TEST(words_of_nobody_are_forgotten),
	};
	return run_three(which, tests, sizeof(tests) / sizeof(*tests));
}

int main(void)
{
	return testdb_run_both(run);
}
