/* The decoder's trainer: the scalar oracle against differences of its own loss, every other level against the oracle,
 * a short training, and shards that are not what they say. */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "train/core.h"
#include "train/pixels.h"
#include "train/pixels_data.h"
#include "train/pixels_trainer.h"
#include "train/random.h"

enum { GRID = 3, SIDE = 12, TOKENS = GRID * GRID, PIXELS = SIDE * SIDE * 3, RECORDS = 6 };

static const char CONFIG[] =
    "{\"vq_config\":{\"quantizer\":\"fsq\",\"fsq_levels\":[4,3],\"latent_channels\":16,\"base_channels\":16,"
    "\"channel_multiplier\":[1,3],\"patch_size\":2,\"num_res_blocks\":1,\"normalization\":\"rms\","
    "\"attention\":false,\"grid\":3}}";

struct setup {
	char folder[32], config[64], shard[64];
	struct pixels_shape shape;
	struct arena *arena;
	struct train_param *params;
	size_t param_count;
	float *w;
	int32_t codes[RECORDS * TOKENS];
	uint8_t rgb[RECORDS][PIXELS];
};

static void write_shard(const struct setup *x, const char *magic, unsigned side, unsigned count,
			unsigned add)
{
	unsigned char h[64] = {0};
	FILE *f = fopen(x->shard, "wb");
	assert_non_null(f);
	memcpy(h, magic, 8);
	h[8] = TOKENS;
	h[12] = (unsigned char)side;
	h[16] = (unsigned char)count;
	fwrite(h, 1, sizeof(h), f);
	for (int i = 0; i < RECORDS; i++) {
		for (int j = 0; j < TOKENS; j++) {
			fputc((int)((unsigned)x->codes[i * TOKENS + j] + add), f);
			fputc(0, f);
		}
		fwrite(x->rgb[i], 1, PIXELS, f);
	}
	fclose(f);
}

static int set_up(void **state)
{
	struct setup *x = calloc(1, sizeof(*x));
	struct train_random r = train_random_at(3, 0, 0);
	struct err e;
	snprintf(x->folder, sizeof(x->folder), "/tmp/madang-pixels-XXXXXX");
	assert_non_null(mkdtemp(x->folder));
	snprintf(x->config, sizeof(x->config), "%s/config.json", x->folder);
	snprintf(x->shard, sizeof(x->shard), "%s/a.pixels", x->folder);
	assert_true(file_write(x->config, CONFIG, sizeof(CONFIG) - 1, &e));
	assert_true(pixels_shape_read(&x->shape, x->config, &e));
	assert_int_equal(x->shape.side, SIDE);
	x->arena = arena_create(1 << 20);
	x->params = pixels_shape_params(x->arena, &x->shape, &x->param_count);
	x->w = calloc(x->shape.count, sizeof(float));
	pixels_shape_init(&x->shape, x->params, x->param_count, 5, x->w);
	/* Blocks that are no longer the identity, biases that are not zero. */
	for (size_t i = 0; i < x->shape.count; i++)
		x->w[i] += .05f * train_random_normal(&r);
	for (int i = 0; i < RECORDS; i++) {
		for (int j = 0; j < TOKENS; j++)
			x->codes[i * TOKENS + j] = (int32_t)train_random_below(&r, 12);
		/* Smooth pictures of the codes, so that there is something to learn. */
		for (int j = 0; j < PIXELS; j++) {
			int cell = j / 3 / SIDE / 4 * GRID + j / 3 % SIDE / 4;
			x->rgb[i][j] = (uint8_t)(20 * x->codes[i * TOKENS + cell] + j % 3 * 10);
		}
	}
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct setup *x = *state;
	char command[80];
	snprintf(command, sizeof(command), "rm -r %s", x->folder);
	assert_int_equal(system(command), 0);
	arena_destroy(x->arena);
	free(x->w);
	free(x);
	return 0;
}

/* The mean loss of the first n records, and its gradient where g is given. */
static double loss_of(const struct setup *x, const char *level, const float *w, int n, int at_once,
		      float *g)
{
	struct err e;
	const struct train_core *train = train_core_find(level, &e);
	const struct pixels_core *core = pixels_core_of(train);
	assert_string_equal(core->name, level);
	struct pixels_packed *packed = core->packed_create(&x->shape, &e);
	struct pixels_work *work = core->work_create(&x->shape, at_once, &e);
	assert_non_null(packed);
	assert_non_null(work);
	for (int i = 0; i < x->shape.conv_count; i++)
		core->pack(packed, w, i);
	double sum = 0, losses[RECORDS], squares[RECORDS];
	for (int i = 0; i < n; i += at_once) {
		const int some = n - i < at_once ? n - i : at_once;
		const uint8_t *rgb[RECORDS];
		for (int j = 0; j < some; j++)
			rgb[j] = x->rgb[i + j];
		core->run(work, packed, w, some, x->codes + i * TOKENS, rgb, 1.f / (float)n, g,
			  losses + i, squares + i, NULL);
	}
	for (int i = 0; i < n; i++) {
		assert_true(isfinite(losses[i]) && squares[i] > 0);
		sum += losses[i];
	}
	core->work_destroy(work);
	core->packed_destroy(packed);
	return sum / n;
}

/* Along a random direction within each parameter, the loss changes as its gradient says. */
static void test_oracle(void **state)
{
	struct setup *x = *state;
	float *g = calloc(x->shape.count, sizeof(float)),
	      *d = calloc(x->shape.count, sizeof(float)),
	      *w = malloc(x->shape.count * sizeof(float));
	loss_of(x, "scalar", x->w, 2, 2, g);
	for (size_t i = 0; i < x->param_count; i++) {
		const struct train_param *p = &x->params[i];
		const size_t n = (size_t)p->rows * (size_t)p->columns;
		struct train_random r = train_random_at(9, i, 0);
		double slope = 0, size = 0;
		for (size_t j = 0; j < n; j++) {
			d[j] = train_random_normal(&r);
			slope += (double)d[j] * (double)g[p->offset + j];
			size += (double)g[p->offset + j] * (double)g[p->offset + j];
		}
		const float step = 2e-3f / sqrtf((float)n);
		double ends[2];
		for (int way = 0; way < 2; way++) {
			memcpy(w, x->w, x->shape.count * sizeof(float));
			for (size_t j = 0; j < n; j++)
				w[p->offset + j] += (way ? step : -step) * d[j];
			ends[way] = loss_of(x, "scalar", w, 2, 2, NULL);
		}
		const double measured = (ends[1] - ends[0]) / (2 * (double)step);
		if (fabs(measured - slope) > .04 * sqrt(size) + 1e-4)
			fail_msg("%s: %g along the direction, the gradient says %g (size %g)",
				 p->name, measured, slope, sqrt(size));
	}
	free(g);
	free(d);
	free(w);
}

static double distance(const float *a, const float *b, size_t n)
{
	double difference = 0, size = 0;
	for (size_t i = 0; i < n; i++) {
		difference += pow((double)a[i] - (double)b[i], 2);
		size += pow((double)b[i], 2);
	}
	return sqrt(difference / (size + 1e-30));
}

static void test_levels(void **state)
{
	static const struct {
		const char *name;
		double loss, gradient;
	} LEVELS[] = {{"avx512", 1e-5, 1e-3}, {"avx512bf16", 2e-2, 6e-2}, {"amx", 2e-2, 6e-2}};
	struct setup *x = *state;
	float *oracle = calloc(x->shape.count, sizeof(float)),
	      *g = malloc(x->shape.count * sizeof(float));
	const double expected = loss_of(x, "scalar", x->w, RECORDS, 1, oracle);
	int skipped = 0;
	/* Two at once, the last one alone: the same sums. */
	memset(g, 0, x->shape.count * sizeof(float));
	assert_true(fabs(loss_of(x, "scalar", x->w, 5, 2, g) -
			 loss_of(x, "scalar", x->w, 5, 1, NULL)) < 1e-5);
	float *one = calloc(x->shape.count, sizeof(float));
	loss_of(x, "scalar", x->w, 5, 1, one);
	assert_true(distance(g, one, x->shape.count) < 1e-4);
	free(one);
	for (int i = 0; i < 3; i++) {
		struct err e;
		if (!train_core_find(LEVELS[i].name, &e)) {
			skipped++;
			continue;
		}
		memset(g, 0, x->shape.count * sizeof(float));
		const double loss = loss_of(x, LEVELS[i].name, x->w, RECORDS, 2, g);
		const double apart = distance(g, oracle, x->shape.count);
		if (fabs(loss - expected) > LEVELS[i].loss * expected || apart > LEVELS[i].gradient)
			fail_msg("%s: loss %g for %g, gradients %g apart", LEVELS[i].name, loss,
				 expected, apart);
	}
	free(g);
	free(oracle);
	if (skipped == 3)
		skip();
}

static struct train_config config_of(struct setup *x, const char *out, int64_t steps)
{
	return (struct train_config){.part = "decoder",
				     .model = x->config,
				     .out = out,
				     .optimizer = "muon",
				     .schedule = "stable",
				     .kernels = "auto",
				     .shards = {{"a", x->shard, 1}},
				     .shard_count = 1,
				     .batch = 6,
				     .steps = steps,
				     .seed = 1,
				     .threads = 2,
				     .warmup_steps = 4,
				     .log_steps = 30,
				     .muon_steps = 5,
				     .lr = .01,
				     .table_lr = .01,
				     .cooldown = .2,
				     .beta1 = .9,
				     .beta2 = .99,
				     .momentum = .9,
				     .clip = 1,
				     .ema = .5,
				     .checkpoint_minutes = 5};
}

static void test_learns(void **state)
{
	struct setup *x = *state;
	char out[64], metrics[80];
	struct err e;
	struct file_bytes csv;
	static const volatile bool stop = false;
	write_shard(x, "MDPIXEL1", SIDE, RECORDS, 0);
	snprintf(out, sizeof(out), "%s/out", x->folder);
	snprintf(metrics, sizeof(metrics), "%s/metrics.csv", out);
	struct train_config c = config_of(x, out, 60);
	assert_true(pixels_train_run(x->arena, &c, &stop, &e));
	c.steps = 120; /* and on */
	assert_true(pixels_train_run(x->arena, &c, &stop, &e));
	assert_true(file_read(x->arena, metrics, 1 << 20, &csv, &e));
	double first = 0, last = 0;
	int lines = 0;
	for (char *line = strchr(csv.data, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
		sscanf(line + 1, "%*u,%*u,%*f,%*f,%*f,%*f,%*f,%lf", &last);
		first = lines++ ? first : last;
	}
	assert_int_equal(lines, 4);
	if (!(last < .12 && last < .5 * first))
		fail_msg("the loss fell from %g to %g", first, last);
}

static void test_shards_that_lie(void **state)
{
	struct setup *x = *state;
	struct train_data d;
	struct train_config c = config_of(x, x->folder, 1);
	struct err e;
	write_shard(x, "MDSHARD1", SIDE, RECORDS, 0);
	assert_false(pixels_data_open(&d, &c, &x->shape, &e));
	write_shard(x, "MDPIXEL1", SIDE + 1, RECORDS, 0);
	assert_false(pixels_data_open(&d, &c, &x->shape, &e));
	write_shard(x, "MDPIXEL1", SIDE, RECORDS + 1, 0);
	assert_false(pixels_data_open(&d, &c, &x->shape, &e));
	assert_non_null(strstr(e.message, "cut short"));
	write_shard(x, "MDPIXEL1", SIDE, RECORDS, 12);
	assert_false(pixels_data_open(&d, &c, &x->shape, &e));
	assert_non_null(strstr(e.message, "no such code"));
	write_shard(x, "MDPIXEL1", SIDE, RECORDS, 0);
	assert_true(pixels_data_open(&d, &c, &x->shape, &e));
	train_data_close(&d);
}

static void test_configs_that_cannot_be_trained(void **state)
{
	struct setup *x = *state;
	static const char *const BROKEN[] = {
	    "{}",
	    "{\"vq_config\":{}}",
	    "{\"vq_config\":{\"quantizer\":\"vq\",\"normalization\":\"rms\",\"attention\":false}}",
	    "{\"vq_config\":{\"quantizer\":\"fsq\",\"normalization\":\"rms\",\"attention\":false,\"grid\":12,"
	    "\"latent_channels\":64,\"base_channels\":40,\"num_res_blocks\":1,\"patch_size\":2,\"fsq_levels\":[8],"
	    "\"channel_multiplier\":[1]}}",
	    "{\"vq_config\":{\"quantizer\":\"fsq\",\"normalization\":\"rms\",\"attention\":false,\"grid\":12,"
	    "\"latent_channels\":64,\"base_channels\":48,\"num_res_blocks\":9,\"patch_size\":2,\"fsq_levels\":[8],"
	    "\"channel_multiplier\":[1]}}",
	    "{\"vq_config\":{\"quantizer\":\"fsq\",\"normalization\":\"rms\",\"attention\":false,\"grid\":12,"
	    "\"latent_channels\":64,\"base_channels\":48,\"num_res_blocks\":1,\"patch_size\":2,"
	    "\"fsq_levels\":[64,64,64],\"channel_multiplier\":[1]}}"};
	struct pixels_shape s;
	struct err e;
	char path[80];
	snprintf(path, sizeof(path), "%s/broken.json", x->folder);
	for (size_t i = 0; i < sizeof(BROKEN) / sizeof(BROKEN[0]); i++) {
		assert_true(file_write(path, BROKEN[i], strlen(BROKEN[i]), &e));
		assert_false(pixels_shape_read(&s, path, &e));
		assert_true(e.message[0]);
	}
}

/* An argument: the one test to run. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_oracle, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_levels, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_learns, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_shards_that_lie, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_configs_that_cannot_be_trained, set_up, tear_down),
	};
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
