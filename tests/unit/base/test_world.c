/* Clock, ids, random numbers, errors, the log, files and threads. */
#include "../test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/rand.h"
#include "base/thread.h"

static void test_clock(void **state)
{
	(void)state;
	char text[CLOCK_TEXT_SIZE];
	assert_string_equal(clock_format(text, 0), "1970-01-01T00:00:00.000Z");
	assert_string_equal(clock_format(text, 1709210096789), "2024-02-29T12:34:56.789Z");
	assert_string_equal(clock_format(text, -1), "1969-12-31T23:59:59.999Z");
	clock_set_wall_ms(42);
	assert_int_equal(clock_wall_ms(), 42);
	clock_set_wall_ms(0);
	assert_true(clock_wall_ms() > 1700000000000);
	int64_t t = clock_mono_ns();
	assert_true(clock_mono_ns() >= t);
}

static void test_house_time_never_goes_back(void **state)
{
	(void)state;
	enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };
	int64_t real = clock_wall_ms();
	clock_set_wall_ms(real);
	assert_int_equal(clock_house_ms(), real);
	clock_set_wall_ms(real + DAY_MS); /* forward at once: what is over is over */
	assert_int_equal(clock_house_ms(), real + DAY_MS);
	clock_set_wall_ms(real + DAY_MS - HOUR_MS);
	int64_t before = clock_house_ms(), began_ns = clock_mono_ns();
	assert_true(before >= real + DAY_MS);
	while (clock_mono_ns() - began_ns < 40000000) /* it goes on, and slower */
		assert_true(clock_house_ms() >= before);
	int64_t passed = clock_house_ms() - before;
	assert_true(passed > 0 && passed <= (clock_mono_ns() - began_ns) / 1000000 + 1);
	clock_set_wall_ms(real + 2 * DAY_MS);
	assert_int_equal(clock_house_ms(), real + 2 * DAY_MS);
	clock_set_wall_ms(0);
	assert_true(clock_house_ms() < real + HOUR_MS);
}

static void test_ids_parse(void **state)
{
	(void)state;
	char text[ID_TEXT_SIZE];
	int64_t id = 0;
	assert_string_equal(id_format(text, INT64_MAX), "9223372036854775807");
	assert_true(id_parse(text, &id) && id == INT64_MAX);
	assert_true(id_parse("0", &id) && id == 0);
	static const char *const broken[] = {"", "-1", "01", "1a", " 1", "9223372036854775808"};
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		assert_false(id_parse(broken[i], &id));
	int64_t before = clock_wall_ms();
	int64_t at = id_time_ms(id_new());
	assert_true(at >= before && at <= clock_wall_ms() + 1000);
}

static void test_ids_never_go_back(void **state)
{
	(void)state;
	int64_t last = id_new(), later = clock_wall_ms() + 3600000;
	clock_set_wall_ms(later);
	for (int i = 0; i < 100000; i++) {
		int64_t id = id_new();
		assert_true(id > last);
		last = id;
	}
	clock_set_wall_ms(later - 60000);
	assert_true(id_new() > last);
	clock_set_wall_ms(0);
}

#define THREADS    4
#define PER_THREAD 20000
static int64_t made[THREADS * PER_THREAD];

static void make_ids(void *p)
{
	int64_t *out = p;
	for (int i = 0; i < PER_THREAD; i++)
		out[i] = id_new();
}

static int compare_ids(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void test_ids_from_many_threads(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	struct err e;
	for (int i = 0; i < THREADS; i++)
		assert_true(thread_start(&threads[i], "ids", make_ids, &made[i * PER_THREAD], &e));
	for (int i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	qsort(made, THREADS * PER_THREAD, sizeof *made, compare_ids);
	for (int i = 1; i < THREADS * PER_THREAD; i++)
		assert_true(made[i - 1] < made[i]);
}

static void test_rng_is_fixed(void **state)
{
	(void)state;
	struct rng r, s;
	rng_seed(&r, 42); /* the reference xoshiro256** seeded by splitmix64(42) */
	assert_true(rng_next(&r) == 0x15780b2e0c2ec716u);
	assert_true(rng_next(&r) == 0x6104d9866d113a7eu);
	rng_seed(&r, 0);
	rng_seed(&s, 1);
	assert_true(rng_next(&r) != rng_next(&s));
	double sum = 0;
	for (int i = 0; i < 10000; i++) {
		double x = rng_uniform(&r);
		assert_true(x >= 0 && x < 1);
		sum += x;
	}
	assert_true(sum > 4800 && sum < 5200);
	assert_true(rand_u64() != rand_u64());
}

static void test_err(void **state)
{
	(void)state;
	struct err e;
	assert_false(err_set(&e, ERR_LIMIT, "at most %d", 3));
	assert_false(err_detail(&e, "errno %d", 5));
	assert_false(err_context(&e, "drawing"));
	assert_string_equal(e.message, "drawing: at most 3");
	assert_string_equal(e.detail, "errno 5");
	assert_string_equal(err_code_name(e.code), "limit");
	assert_string_equal(err_code_name((enum err_code)999), "internal");
	char longer[400];
	memset(longer, 'x', sizeof longer);
	longer[399] = '\0';
	assert_false(err_set(&e, ERR_IO, "%s", longer));
	assert_false(err_context(&e, "%s", longer));
	assert_int_equal(strlen(e.message), sizeof e.message - 1);
}

static void read_log(int fd, char *line, size_t size)
{
	ssize_t n = read(fd, line, size - 1);
	line[n > 0 ? n : 0] = '\0';
}

static void test_log(void **state)
{
	(void)state;
	int fds[2];
	char line[8192], longer[9000];
	assert_int_equal(pipe(fds), 0);
	log_set_fd(fds[1]);
	clock_set_wall_ms(1000);
	log_set_context("req", "7f");
	struct err e;
	err_set(&e, ERR_IO, "disk full");
	log_info("draw.done", LOG_STR("prompt", "a \"b\"\nlevel=error\x1b"), LOG_STR("none", NULL),
		 LOG_INT("ms", -3), LOG_REAL("x", 0.5), LOG_ERR(&e), LOG_STR("empty", ""));
	read_log(fds[0], line, sizeof line);
	assert_string_equal(line, "time=1970-01-01T00:00:01.000Z level=info event=draw.done req=7f "
				  "prompt=\"a \\\"b\\\"\\nlevel=error\\x1b\" ms=-3 x=0.5 error=io "
				  "message=\"disk full\" empty=\"\"\n");
	log_debug("hidden");
	log_set_context(NULL, NULL);
	log_warn("bare");
	read_log(fds[0], line, sizeof line);
	assert_string_equal(line, "time=1970-01-01T00:00:01.000Z level=warn event=bare\n");
	memset(longer, 'y', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	log_error("long", LOG_STR("s", longer));
	read_log(fds[0], line, sizeof line);
	assert_int_equal(strlen(line), 4096);
	assert_int_equal(line[4095], '\n');
	clock_set_wall_ms(0);
	log_set_fd(2);
	close(fds[0]);
	close(fds[1]);
}

static int count_entries(const char *folder)
{
	DIR *d = opendir(folder);
	assert_non_null(d);
	int n = 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void test_files(void **state)
{
	(void)state;
	char folder[] = "/tmp/madang-test-XXXXXX", path[64], sub[64];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/a.txt", folder);
	snprintf(sub, sizeof sub, "%s/sub", folder);
	struct arena *a = arena_create(1 << 20);
	struct file_bytes f;
	struct err e;
	assert_false(file_read(a, path, 10, &f, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_true(file_check_writable(path, &e));
	assert_true(file_write(path, "old", 3, &e));
	assert_true(file_write(path, "newer", 5, &e));
	assert_true(file_read(a, path, 10, &f, &e));
	assert_int_equal(f.length, 5);
	assert_string_equal(f.data, "newer");
	assert_false(file_read(a, path, 4, &f, &e));
	assert_int_equal(e.code, ERR_TOO_LARGE);
	assert_false(file_read(a, folder, 100, &f, &e));
	assert_false(file_write("/nowhere/at/all", "x", 1, &e));
	assert_false(file_check_writable("/nowhere/at/all", &e));
	assert_false(file_check_writable(folder, &e));
	assert_false(file_check_writable("", &e));
	assert_int_equal(mkdir(sub, 0700), 0);
	assert_false(file_write(sub, "x", 1, &e)); /* rename fails: nothing is left */
	assert_int_equal(count_entries(folder), 2);
	rmdir(sub);
	unlink(path);
	rmdir(folder);
	arena_destroy(a);
}

static void test_full_disk_keeps_the_old_file(void **state)
{
	(void)state;
	char folder[] = "/tmp/madang-test-XXXXXX", path[64];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/a.txt", folder);
	static char big[100000];
	struct err e;
	struct arena *a = arena_create(1 << 20);
	struct file_bytes f;
	assert_true(file_write(path, "old", 3, &e));
	struct rlimit old, small;
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){4096, old.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	bool written = file_write(path, big, sizeof big, &e);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_false(written);
	assert_int_equal(e.code, ERR_IO);
	assert_int_equal(count_entries(folder), 1);
	assert_true(file_read(a, path, 10, &f, &e));
	assert_string_equal(f.data, "old");
	unlink(path);
	rmdir(folder);
	arena_destroy(a);
}

static void test_wait_until(void **state)
{
	(void)state;
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t c;
	thread_cond_init(&c);
	pthread_mutex_lock(&m);
	int64_t start = clock_mono_ns();
	while (thread_wait_until(&c, &m, start + 20000000))
		;
	assert_true(clock_mono_ns() - start >= 20000000);
	pthread_mutex_unlock(&m);
	pthread_cond_destroy(&c);
	assert_true(thread_cpu_count() >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_clock),
	    cmocka_unit_test(test_house_time_never_goes_back),
	    cmocka_unit_test(test_ids_parse),
	    cmocka_unit_test(test_ids_from_many_threads),
	    cmocka_unit_test(test_ids_never_go_back),
	    cmocka_unit_test(test_rng_is_fixed),
	    cmocka_unit_test(test_err),
	    cmocka_unit_test(test_log),
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_full_disk_keeps_the_old_file),
	    cmocka_unit_test(test_wait_until),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
