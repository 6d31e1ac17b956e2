/* The line of those who want a picture described: accounts take turns, limits hold, a stop answers everybody. The maker
 * is one that looks when it is told to. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "image/image.h"
#include "jobs/describer.h"

enum { ANSWERS_MAX = 256 };

struct fake {
	struct maker maker;
	struct maker_info info;
	pthread_mutex_t lock;
	pthread_cond_t news;
	int allowed; /* pictures it may look at */
	int looking; /* it has begun with so many */
	char said[ANSWERS_MAX][32];
	int answered, busy;
};

static struct fake fake;
static struct media_store *media;
static char dir[] = "/tmp/madang-describer-XXXXXX";

static const struct maker_info *fake_info(struct maker *m)
{
	return &((struct fake *)m)->info;
}

/* Says how wide the picture is: that tells whose it was. */
static bool fake_describe(struct maker *m, const struct image *image, const atomic_bool *cancelled,
			  struct buf *text, struct err *e)
{
	struct fake *f = (struct fake *)m;
	pthread_mutex_lock(&f->lock);
	f->looking++;
	pthread_cond_broadcast(&f->news);
	while (f->allowed == 0 && !atomic_load(cancelled)) {
		const struct timespec soon = {.tv_nsec = 1000000};
		pthread_mutex_unlock(&f->lock);
		nanosleep(&soon, NULL);
		pthread_mutex_lock(&f->lock);
	}
	bool ok = f->allowed > 0 || err_set(e, ERR_CANCELLED, "cancelled");
	f->allowed -= ok;
	pthread_mutex_unlock(&f->lock);
	if (ok)
		buf_printf(text, "%d wide", image->width);
	return ok;
}

static const struct maker_ops OPS = {.info = fake_info, .describe = fake_describe};

static void done(void *context, const char *text, const struct err *e)
{
	(void)context;
	pthread_mutex_lock(&fake.lock);
	if (text)
		snprintf(fake.said[fake.answered], sizeof *fake.said, "%s", text);
	else
		fake.busy += e->code == ERR_BUSY;
	fake.answered++;
	pthread_cond_broadcast(&fake.news);
	pthread_mutex_unlock(&fake.lock);
}

static void wait_for(const int *number, int least)
{
	pthread_mutex_lock(&fake.lock);
	while (*number < least)
		pthread_cond_wait(&fake.news, &fake.lock);
	pthread_mutex_unlock(&fake.lock);
}

static void allow(int more)
{
	pthread_mutex_lock(&fake.lock);
	fake.allowed += more;
	pthread_mutex_unlock(&fake.lock);
}

/* The object of a picture that is `account` pixels wide. */
static void object(int account, char hash[MEDIA_HASH_SIZE])
{
	static const uint8_t rgb[64 * 3];
	struct image image = {.width = account, .height = 1, .rgb = rgb};
	struct buf file;
	struct err e = {0};
	buf_init(&file, 1 << 20);
	assert_true(image_encode(&image, IMAGE_FORMAT_PNG, NULL, &file, &e));
	assert_true(media_put(media, file.data, file.length, hash, &e));
	buf_finish(&file);
}

static bool ask(struct describer *d, int account, struct err *e)
{
	char hash[MEDIA_HASH_SIZE];
	object(account, hash);
	const struct describer_order order = {.account_id = account, .hash = hash, .done = done};
	return describer_ask(d, &order, e);
}

static struct describer *begin(void)
{
	struct err e = {0};
	fake.allowed = fake.looking = fake.answered = fake.busy = 0;
	memset(fake.said, 0, sizeof fake.said);
	struct describer *d = describer_start(&fake.maker, media, &e);
	assert_non_null(d);
	return d;
}

static void accounts_take_turns(void **unused)
{
	(void)unused;
	struct err e = {0};
	struct describer *d = begin();
	for (int i = 0; i < DESCRIBER_ACCOUNT_MAX; i++)
		assert_true(ask(d, 7, &e));
	wait_for(&fake.looking, 1);
	assert_true(ask(d, 8, &e));
	assert_true(ask(d, 8, &e));
	assert_true(ask(d, 9, &e));
	assert_false(ask(d, 7, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	allow(7);
	wait_for(&fake.answered, 7);
	static const char *const order[] = {"7 wide", "8 wide", "9 wide", "7 wide",
					    "8 wide", "7 wide", "7 wide"};
	for (int i = 0; i < 7; i++)
		assert_string_equal(fake.said[i], order[i]);
	/* Who comes after all were served does not wait behind rounds of the past. */
	allow(1);
	assert_true(ask(d, 7, &e));
	wait_for(&fake.answered, 8);
	assert_string_equal(describer_model(d), "eyes");
	describer_stop(d);
	describer_destroy(d);
}

static void a_stop_answers_everybody(void **unused)
{
	(void)unused;
	struct err e = {0};
	struct describer *d = begin();
	assert_true(ask(d, 1, &e));
	wait_for(&fake.looking, 1);
	int taken = 1;
	for (int account = 2; taken <= DESCRIBER_WAITING_MAX; taken++, account += taken % 4 == 0)
		assert_true(ask(d, account, &e));
	assert_false(ask(d, 63, &e));
	assert_int_equal(e.code, ERR_BUSY);
	describer_stop(d);
	assert_int_equal(fake.answered, taken);
	assert_int_equal(fake.busy, taken);
	assert_false(ask(d, 63, &e));
	assert_int_equal(e.code, ERR_BUSY);
	describer_destroy(d);
}

static void what_is_gone_is_an_error(void **unused)
{
	(void)unused;
	struct err e = {0};
	struct describer *d = begin();
	const struct describer_order order = {
	    .account_id = 1,
	    .hash = "0123456789012345678901234567890123456789012345678901234567890123",
	    .done = done};
	assert_true(describer_ask(d, &order, &e));
	wait_for(&fake.answered, 1);
	assert_int_equal(fake.looking, 0);
	assert_string_equal(fake.said[0], "");
	describer_stop(d);
	describer_destroy(d);
}

int main(void)
{
	struct err e = {0};
	char command[64];
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(accounts_take_turns),
	    cmocka_unit_test(a_stop_answers_everybody),
	    cmocka_unit_test(what_is_gone_is_an_error),
	};
	fake.maker.ops = &OPS;
	fake.info = (struct maker_info){.id = "fake", .model = "eyes", .describes = true};
	pthread_mutex_init(&fake.lock, NULL);
	pthread_cond_init(&fake.news, NULL);
	if (!mkdtemp(dir) || !image_init(&e) || !(media = media_store_open(dir, &e)))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	media_store_close(media);
	image_finish();
	snprintf(command, sizeof command, "rm -r %s", dir);
	return failed + (system(command) != 0);
}
