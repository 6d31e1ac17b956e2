/* Whole trainings of a tiny model: they learn, they repeat to the bit, they go on where they stopped, they save when
 * told to stop, and they refuse what they cannot read. */
#include "../test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "train/state.h"
#include "train/trainer.h"

static const volatile bool GO_ON = false;

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	fixture_begin(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	fixture_end(*state);
	free(*state);
	return 0;
}

static void train(const struct fixture *f, const char *out, const char *rest)
{
	struct err e;
	fixture_write_config(f, out, out, rest);
	char name[64];
	snprintf(name, sizeof(name), "%s.json", out);
	if (!train_run(fixture_path(f, name), &GO_ON, NULL, &e))
		fail_msg("%s", e.message);
}

struct weights {
	struct arena *arena;
	struct train_state state;
	struct train_data data;
};

static void load(const struct fixture *f, const char *out, struct weights *w)
{
	struct err e;
	struct train_shape shape;
	bool found;
	char name[64];
	memset(w, 0, sizeof(*w));
	w->arena = arena_create(16 << 20);
	snprintf(name, sizeof(name), "%s/state.bin", out);
	assert_true(train_shape_read(&shape, fixture_path(f, "model.json"), &e));
	assert_true(train_state_init(w->arena, &w->state, &shape, 1, &e));
	assert_true(train_state_load(&w->state, &w->data, fixture_path(f, name), &found, &e));
	assert_true(found);
}

static void unload(struct weights *w)
{
	train_state_finish(&w->state);
	arena_destroy(w->arena);
}

static void assert_same(const struct fixture *f, const char *a, const char *b)
{
	struct weights x, y;
	load(f, a, &x);
	load(f, b, &y);
	const size_t bytes = x.state.shape.count * sizeof(float);
	assert_int_equal(x.state.step, y.state.step);
	assert_int_equal(x.state.samples, y.state.samples);
	assert_memory_equal(x.state.w, y.state.w, bytes);
	assert_memory_equal(x.state.first, y.state.first, bytes);
	assert_memory_equal(x.state.second, y.state.second, bytes);
	assert_memory_equal(x.state.average, y.state.average, bytes);
	unload(&x);
	unload(&y);
}

/* A column of the line of metrics.csv (0: the last). */
static double metric(const struct fixture *f, const char *out, int wanted, int column)
{
	char name[64], line[512] = "", last[512] = "";
	int number = 0;
	snprintf(name, sizeof(name), "%s/metrics.csv", out);
	FILE *file = fopen(fixture_path(f, name), "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (!wanted || number++ <= wanted)
			memcpy(last, line, sizeof(last));
	fclose(file);
	const char *at = last;
	for (int i = 0; i < column && at; i++)
		at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL;
	assert_non_null(at);
	return strtod(at, NULL);
}

static double last_loss(const struct fixture *f, const char *out)
{
	return metric(f, out, 0, 7);
}

#define BASE "\"batch\":16,\"warmup_steps\":5,\"pad_id\":0,\"log_steps\":5,"

/* ln 120 = 4.79 is where a model that knows nothing stands. */
static void learns_by_heart(void **state)
{
	train(*state, "learn",
	      BASE "\"steps\":200,\"lr\":0.01,\"caption_dropout\":0,\"code_jitter\":0");
	const double loss = last_loss(*state, "learn");
	if (!(loss < .1))
		fail_msg("after 200 steps the loss is %g", loss);
}

static void learns_with_adamw(void **state)
{
	train(*state, "adamw",
	      BASE "\"steps\":200,\"lr\":0.01,\"optimizer\":\"adamw\",\"caption_dropout\":0,"
		   "\"code_jitter\":0");
	const double loss = last_loss(*state, "adamw");
	if (!(loss < .1))
		fail_msg("after 200 steps the loss is %g", loss);
}

/* After 10 of 20 steps half of the rate, at the end next to nothing. */
static void falls_as_a_cosine(void **state)
{
	train(
	    *state, "cosine",
	    "\"batch\":4,\"warmup_steps\":0,\"pad_id\":0,\"log_steps\":1,\"steps\":20,\"lr\":0.01,"
	    "\"schedule\":\"cosine\"");
	const double first = metric(*state, "cosine", 1, 3), half = metric(*state, "cosine", 11, 3),
		     last = metric(*state, "cosine", 0, 3);
	assert_true(first > .00999 && first < .01001);
	assert_true(half > .00499 && half < .00501);
	assert_true(last > 0 && last < .0002);
}

static void repeats_to_the_bit(void **state)
{
	train(*state, "same1", BASE "\"steps\":12,\"threads\":2,\"micro_tokens\":64");
	train(*state, "same2", BASE "\"steps\":12,\"threads\":2,\"micro_tokens\":64");
	assert_same(*state, "same1", "same2");
}

static void goes_on_where_it_stopped(void **state)
{
	train(*state, "whole", BASE "\"steps\":12,\"cooldown\":0");
	train(*state, "parts", BASE "\"steps\":5,\"cooldown\":0");
	train(*state, "parts", BASE "\"steps\":12,\"cooldown\":0");
	assert_same(*state, "whole", "parts");
}

static volatile bool stop_child;

static void on_signal(int number)
{
	(void)number;
	stop_child = true;
}

static void saves_when_told_to_stop(void **state)
{
	struct fixture *f = *state;
	struct weights w;
	int status;
	fixture_write_config(f, "stop", "stop", BASE "\"steps\":1000000,\"cooldown\":0");
	const pid_t child = fork();
	if (child == 0) {
		struct err e;
		signal(SIGTERM, on_signal);
		if (!freopen("/dev/null", "w", stderr))
			_exit(3);
		_exit(train_run(fixture_path(f, "stop.json"), &stop_child, NULL, &e) ? 0 : 1);
	}
	assert_true(child > 0);
	for (int i = 0; i < 6000;
	     i++) { /* until it has written a line of metrics, at most a minute */
		FILE *file = fopen(fixture_path(f, "stop/metrics.csv"), "r");
		int lines = 0, c;
		while (file && (c = fgetc(file)) != EOF)
			lines += c == '\n';
		if (file)
			fclose(file);
		if (lines > 1)
			break;
		usleep(10000);
	}
	assert_int_equal(kill(child, SIGTERM), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	load(f, "stop", &w);
	const uint64_t step = w.state.step;
	unload(&w);
	assert_true(step >= 5 && step < 1000000);
	char rest[200];
	snprintf(rest, sizeof(rest), BASE "\"steps\":%llu,\"cooldown\":0",
		 (unsigned long long)step);
	train(f, "unstopped", rest);
	assert_same(f, "stop", "unstopped");
}

static void weights_come_back(void **state)
{
	struct fixture *f = *state;
	struct weights w;
	struct err e;
	train(f, "first", BASE "\"steps\":3");
	load(f, "first", &w);
	float *average = malloc(w.state.shape.count * sizeof(float));
	memcpy(average, w.state.average, w.state.shape.count * sizeof(float));
	assert_true(train_weights_load(&w.state, fixture_path(f, "first/model.safetensors"), &e));
	for (size_t i = 0; i < w.state.param_count; i++) {
		const struct train_param *p = &w.state.params[i];
		for (size_t j = p->offset; j < p->offset + (size_t)p->rows * (size_t)p->columns;
		     j++) {
			const float error = w.state.w[j] - average[j],
				    size = average[j] < 0 ? -average[j] : average[j];
			assert_true(error <= size / 256 && -error <= size / 256);
		}
	}
	free(average);
	unload(&w);
}

static void refuses(const struct fixture *f, const char *rest, const char *word)
{
	struct err e;
	fixture_write_config(f, "bad", "bad", rest);
	assert_false(train_run(fixture_path(f, "bad.json"), &GO_ON, NULL, &e));
	if (!strstr(e.message, word))
		fail_msg("'%s' does not say '%s'", e.message, word);
}

static void refuses_bad_settings(void **state)
{
	refuses(*state, "\"steps\":1,\"pad_id\":0,\"bach\":3", "bach");
	refuses(*state, "\"steps\":1", "pad_id");
	refuses(*state, "\"steps\":1,\"pad_id\":99", "pad_id");
	refuses(*state, "\"steps\":1,\"minutes\":1,\"pad_id\":0", "steps or minutes");
	refuses(*state, "\"steps\":1,\"pad_id\":0,\"optimizer\":\"sgd\"", "optimizer");
	refuses(*state, "\"steps\":1,\"pad_id\":0,\"schedule\":\"sine\"", "schedule");
	refuses(*state, "\"steps\":1,\"pad_id\":0,\"batch\":0", "batch");
	refuses(*state, "\"steps\":1,\"pad_id\":0,\"kernels\":\"mmx\"", "kernels");
	refuses(*state, "\"steps\":1,\"pad_id\":0,\"init\":\"/nowhere\"", "/nowhere");
	refuses(*state, "\"steps\":1,\"pad_id\":0,\"base\":\"/nowhere\"", "/nowhere");
	refuses(*state, "\"steps\":1,\"pad_id\":0,\"sample_steps\":1", "needs base");
}

static void refuses_bad_shards(void **state)
{
	static const char STEPS[] = "\"steps\":1,\"pad_id\":0";
	struct fixture *f = *state;
	const struct fixture_shard good = {.name = "draw", .prefix = 7, .target = 9, .count = 24};
	struct fixture_shard bad = good;
	bad.codes = 4000;
	fixture_write_shard(f, &bad);
	refuses(f, STEPS, "no such code");
	bad = good;
	bad.vocab = 4000;
	fixture_write_shard(f, &bad);
	refuses(f, STEPS, "no such token");
	bad = good;
	bad.target = 16;
	fixture_write_shard(f, &bad);
	refuses(f, STEPS, "do not fit");
	fixture_write(f, "draw.shard", "MDSHARD1", 8);
	refuses(f, STEPS, "no shard");
	uint8_t header[64] =
	    "MDSHARD1\7\0\0\0\0\0\0\0\0\0\0\0\11\0\0\0\377\377\377\377\377\377\377\377";
	fixture_write(f, "draw.shard", header, sizeof(header));
	refuses(f, STEPS, "cut short");
	fixture_write_shard(f, &good);
}

static void refuses_another_shape(void **state)
{
	struct fixture *f = *state;
	train(f, "shape", BASE "\"steps\":1");
	char text[2000] = {0};
	FILE *file = fopen(fixture_path(f, "model.json"), "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	char *at = strstr(text, "\"intermediate_size\":96");
	assert_non_null(at);
	memcpy(at, "\"intermediate_size\":64", 22);
	fixture_write(f, "model.json", text, strlen(text));
	fixture_write_config(f, "shape", "shape", BASE "\"steps\":2");
	struct err e;
	assert_false(train_run(fixture_path(f, "shape.json"), &GO_ON, NULL, &e));
	assert_non_null(strstr(e.message, "another shape"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(saves_when_told_to_stop), /* forks: before any thread */
	    cmocka_unit_test(learns_by_heart),          cmocka_unit_test(learns_with_adamw),
	    cmocka_unit_test(falls_as_a_cosine),        cmocka_unit_test(repeats_to_the_bit),
	    cmocka_unit_test(goes_on_where_it_stopped), cmocka_unit_test(weights_come_back),
	    cmocka_unit_test(refuses_bad_settings),     cmocka_unit_test(refuses_bad_shards),
	    cmocka_unit_test(refuses_another_shape),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
