/* Objects come back as they were stored, once each, and are gone when deleted. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "media/media.h"

static char folder[64];
static struct media_store *store;

static int setup(void **state)
{
	(void)state;
	struct err e = {0};
	snprintf(folder, sizeof folder, "/tmp/madang-media-XXXXXX");
	assert_non_null(mkdtemp(folder));
	store = media_store_open(folder, &e);
	return store ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	char command[128];
	media_store_close(store);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static void test_round(void **state)
{
	(void)state;
	struct err e = {0};
	char hash[MEDIA_HASH_SIZE], again[MEDIA_HASH_SIZE], text[8] = "";
	int fd;
	uint64_t size;
	assert_true(media_put(store, "abc", 3, hash, &e));
	assert_string_equal(hash,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(media_put(store, "abc", 3, again, &e));
	assert_string_equal(hash, again);
	assert_true(media_open(store, hash, &fd, &size, &e));
	assert_int_equal(size, 3);
	assert_int_equal(read(fd, text, sizeof text), 3);
	assert_string_equal(text, "abc");
	close(fd);
	int from = memfd_create("x", MFD_CLOEXEC);
	assert_int_equal(write(from, "abc", 3), 3);
	assert_true(media_put_fd(store, from, again, &e));
	assert_string_equal(hash, again);
	close(from);
	assert_true(media_delete(store, hash, &e));
	assert_true(media_delete(store, hash, &e));
	assert_false(media_open(store, hash, &fd, &size, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
}

static void test_names(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "", "abc", "../../../../etc/passwd",
	    "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad/.."};
	int fd;
	uint64_t size;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err e = {0};
		assert_false(media_open(store, bad[i], &fd, &size, &e));
		assert_int_equal(e.code, ERR_NOT_FOUND);
	}
}

/* A file in the folder, last written so many minutes ago; open. */
static int put_file(const char *name, int minutes)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct timespec then[2] = {{.tv_sec = time(NULL) - 60 * minutes}};
	then[1] = then[0];
	assert_int_equal(write(fd, "half", 4), 4);
	assert_int_equal(futimens(fd, then), 0);
	return fd;
}

static bool stands(const char *name)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return !access(path, F_OK);
}

/* What was half written stays only where somebody may be writing it. */
static void test_left_behind(void **state)
{
	(void)state;
	struct err e = {0};
	close(put_file(".new.00000000000000aa", 90));
	close(put_file(".new.00000000000000bb", 30));
	close(put_file(".newer", 90));
	close(put_file("0", 90));
	int writing = put_file(".new.00000000000000cc", 90);
	assert_int_equal(flock(writing, LOCK_EX | LOCK_NB), 0);
	media_store_close(media_store_open(folder, &e));
	assert_false(stands(".new.00000000000000aa"));
	assert_true(stands(".new.00000000000000bb") && stands(".new.00000000000000cc"));
	assert_true(stands(".newer") && stands("0"));
	close(writing);
	media_store_close(media_store_open(folder, &e));
	assert_false(stands(".new.00000000000000cc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round),
					   cmocka_unit_test(test_left_behind),
					   cmocka_unit_test(test_names)};
	return cmocka_run_group_tests(tests, setup, teardown);
}
