/* Who listens hears; who has left hears no more; topics do not mix; many threads at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bus/bus.h"

static void count(void *context, const void *message)
{
	atomic_fetch_add((atomic_int *)context, *(const int *)message);
}

static void test_topics(void **state)
{
	(void)state;
	struct bus *b = bus_create();
	atomic_int one = 0, two = 0;
	const int message = 1;
	struct bus_subscription *x = bus_subscribe(b, "user:1", count, &one);
	struct bus_subscription *y = bus_subscribe(b, "user:1", count, &one);
	struct bus_subscription *z = bus_subscribe(b, "user:2", count, &two);
	assert_int_equal(bus_publish(b, "user:1", &message), 2);
	assert_int_equal(bus_publish(b, "user:3", &message), 0);
	assert_true(bus_heard(b, "user:2"));
	bus_unsubscribe(x);
	assert_int_equal(bus_publish(b, "user:1", &message), 1);
	assert_int_equal(one, 3);
	assert_int_equal(two, 0);
	bus_unsubscribe(y);
	bus_unsubscribe(z);
	assert_false(bus_heard(b, "user:1"));
	assert_false(bus_heard(b, "user:2"));
	bus_destroy(b);
}

static void *come_and_go(void *argument)
{
	struct bus *b = argument;
	atomic_int heard = 0;
	const int message = 1;
	for (int i = 0; i < 2000; i++) {
		struct bus_subscription *s = bus_subscribe(b, i & 1 ? "a" : "b", count, &heard);
		bus_publish(b, i & 2 ? "a" : "b", &message);
		bus_unsubscribe(s);
	}
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	struct bus *b = bus_create();
	pthread_t t[4];
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, come_and_go, b);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_false(bus_heard(b, "a"));
	assert_false(bus_heard(b, "b"));
	bus_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_topics),
					   cmocka_unit_test(test_threads)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
