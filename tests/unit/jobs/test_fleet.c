/* Who can draw, told between processes as text that may be wrong; and the levels of load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "jobs/fleet.h"
#include "jobs/load.h"

struct fake {
	struct maker maker;
	struct maker_info info;
};

static const struct maker_info *fake_info(struct maker *m)
{
	return &((struct fake *)m)->info;
}

static const struct maker_ops OPS = {.info = fake_info};

static struct fake fake(const char *id, int slots)
{
	return (struct fake){{&OPS},
			     {.id = id,
			      .name = "A \"name\"",
			      .model = "m",
			      .tasks = {true, false, true, false},
			      .has_style = true,
			      .count_max = 4,
			      .width = 64,
			      .height = 32,
			      .styles = {"ink", "3d"},
			      .styles_count = 2,
			      .slots = slots}};
}

static void makers_of_others_are_known(void **unused)
{
	(void)unused;
	struct fake one = fake("one", 3), two = fake("two", 2);
	struct maker *here[] = {&one.maker}, *there[] = {&one.maker, &two.maker};
	struct fleet *mine = fleet_create(here, 1, true), *theirs = fleet_create(there, 2, true);
	struct buf text;
	struct fleet_state s;
	buf_init(&text, 1 << 20);
	fleet_busy(theirs, "two", 1);
	fleet_write(theirs, &text);
	const struct store_worker workers[] = {{.name = "they", .makers = text.data},
					       {.name = "me", .makers = text.data}};
	fleet_set_workers(mine, workers, 2, "me");
	assert_int_equal(fleet_count(mine), 2);
	assert_true(fleet_state(mine, "one", &s) && s.here && s.slots == 6 && s.busy == 0);
	assert_true(fleet_state(mine, "two", &s) && !s.here && s.slots == 2 && s.busy == 1);
	const struct maker_info *m = fleet_find(mine, "two");
	assert_string_equal(m->name, "A \"name\"");
	assert_true(m->tasks[0] && !m->tasks[1] && m->tasks[2] && m->styles_count == 2);
	assert_string_equal(m->styles[1], "3d");
	assert_null(fleet_maker(mine, "two"));
	const struct store_maker_rule rule = {"two", true, "Back at nine.", 2};
	fleet_set_rules(mine, &rule, 1);
	assert_true(fleet_paused(mine, "two") && !fleet_paused(mine, "one"));
	assert_true(fleet_state(mine, "two", &s) && s.cost == 2);
	assert_string_equal(s.reason, "Back at nine.");
	fleet_set_workers(mine, NULL, 0,
			  "me"); /* they are gone: known still, but served by nobody */
	assert_true(fleet_state(mine, "two", &s) && s.slots == 0);
	assert_ptr_equal(fleet_find(mine, "two"), m);
	assert_false(fleet_state(mine, "three", &s));
	buf_finish(&text);
	fleet_destroy(mine);
	fleet_destroy(theirs);
}

static void wrong_texts_are_ignored(void **unused)
{
	(void)unused;
	static const char *const texts[] = {
	    "",
	    "{}",
	    "[",
	    "[1,null,\"x\",[]]",
	    "[{}]",
	    "[{\"id\":\"\"}]",
	    "[{\"id\":7}]",
	    "[{\"id\":\"x\"}]",
	    "[{\"id\":\"x\",\"name\":\"x\",\"model\":\"x\",\"slots\":-5,\"tasks\":7,\"styles\":[1]}]",
	    "[{\"id\":\"y\",\"name\":\"x\",\"model\":\"x\",\"slots\":1e300,\"busy\":99999999999}]"};
	struct fleet *f = fleet_create(NULL, 0, true);
	struct fleet_state s;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		fleet_set_workers(f, &(struct store_worker){.name = "they", .makers = texts[i]}, 1,
				  "me");
	for (size_t i = 0; i < fleet_count(f); i++)
		assert_true(fleet_state(f, fleet_at(f, i)->id, &s) && s.slots >= 0 &&
			    s.slots <= 10000);
	fleet_destroy(f);
}

static void watching_only(void **unused)
{
	(void)unused;
	struct fake one = fake("one", 3);
	struct maker *here[] = {&one.maker};
	struct fleet *f = fleet_create(here, 1, false);
	struct fleet_state s;
	assert_true(fleet_state(f, "one", &s) && !s.here && s.slots == 0);
	assert_ptr_equal(fleet_maker(f, "one"), &one.maker);
	fleet_destroy(f);
}

static enum load_level level(double wait_s, double memory_free, enum load_level now)
{
	return load_level_of(&(struct load_measure){.wait_s = wait_s, .memory_free = memory_free},
			     30, now);
}

static void levels(void **unused)
{
	(void)unused;
	assert_int_equal(level(0, 1, LOAD_CALM), LOAD_CALM);
	assert_int_equal(level(9.9, 1, LOAD_CALM), LOAD_CALM);
	assert_int_equal(level(10, 1, LOAD_CALM), LOAD_FEWER_PREVIEWS);
	assert_int_equal(level(30, 1, LOAD_CALM), LOAD_SMALLER_BATCHES);
	assert_int_equal(level(120, 1, LOAD_CALM), LOAD_OVER_SHARE);
	assert_int_equal(level(600, 1, LOAD_CALM), LOAD_EVERYONE);
	assert_int_equal(level(25, 1, LOAD_SMALLER_BATCHES), LOAD_SMALLER_BATCHES); /* no flutter */
	assert_int_equal(level(20, 1, LOAD_SMALLER_BATCHES), LOAD_FEWER_PREVIEWS);
	assert_int_equal(level(0, 1, LOAD_EVERYONE), LOAD_CALM);
	assert_int_equal(level(0, 0.03, LOAD_CALM), LOAD_SMALLER_BATCHES);
	assert_int_equal(level(0, 0.01, LOAD_CALM), LOAD_EVERYONE);
	assert_string_equal(load_level_name(LOAD_EVERYONE), "everyone");
	assert_true(load_memory_free() > 0 && load_memory_free() <= 1);
}

static void work(void **unused)
{
	(void)unused;
	struct load_work w;
	load_work_init(&w, NULL);
	for (volatile int i = 0; i < 20000000; i++)
		;
	load_work_tick(&w, false);
	assert_true(w.cpu_s == 0); /* nothing was drawn */
	for (volatile int i = 0; i < 20000000; i++)
		;
	load_work_tick(&w, true);
	assert_true(w.cpu_s > 0 && w.joules >= 0);
}

static void put_energy(const char *dir, int package, const char *what, long long uj)
{
	char path[300];
	snprintf(path, sizeof path, "%s/intel-rapl:%d", dir, package);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/intel-rapl:%d/%s", dir, package, what);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%lld\n", uj);
	fclose(f);
}

/* Two processors, one of whose counters comes round. */
static void energy(void **unused)
{
	(void)unused;
	char dir[] = "/tmp/madang-rapl-XXXXXX", command[64];
	struct load_work w;
	assert_non_null(mkdtemp(dir));
	load_work_init(&w, dir);
	assert_false(w.has_joules); /* an empty folder: it cannot be read */
	load_work_tick(&w, true);
	assert_true(w.joules == 0);
	for (int i = 0; i < 2; i++) {
		put_energy(dir, i, "energy_uj", 5000000);
		put_energy(dir, i, "max_energy_range_uj", 8000000);
	}
	load_work_init(&w, dir);
	assert_true(w.has_joules);
	assert_int_equal(w.packages, 2);
	put_energy(dir, 0, "energy_uj", 6000000);
	load_work_tick(&w, false);
	assert_true(w.joules == 0);               /* nothing was drawn */
	put_energy(dir, 0, "energy_uj", 7500000); /* 1.5 J */
	put_energy(dir, 1, "energy_uj", 1000000); /* 3 to the end and 1 more */
	load_work_tick(&w, true);
	assert_float_equal(w.joules, 5.5, 1e-9);
	snprintf(command, sizeof command, "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(makers_of_others_are_known),
					   cmocka_unit_test(wrong_texts_are_ignored),
					   cmocka_unit_test(watching_only),
					   cmocka_unit_test(levels),
					   cmocka_unit_test(work),
					   cmocka_unit_test(energy)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
