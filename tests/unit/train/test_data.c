/* What is drawn: every record once a round, in another order each round; captions dropped and codes jittered as the
 * shard format says. */
#include "../test.h"

#include <stdlib.h>

#include "fixture.h"
#include "train/data.h"

struct setup {
	struct fixture fixture;
	struct arena *arena;
	struct train_config config;
	struct train_shape shape;
	struct train_data data;
};

static int set_up(void **state)
{
	struct setup *x = calloc(1, sizeof(*x));
	struct err e;
	fixture_begin(&x->fixture);
	fixture_write_config(
	    &x->fixture, "c", "out",
	    "\"steps\":1,\"pad_id\":31,\"caption_dropout\":0.5,\"code_jitter\":0.5");
	x->arena = arena_create(16 << 20);
	assert_true(
	    train_config_read(x->arena, fixture_path(&x->fixture, "c.json"), &x->config, &e));
	assert_true(train_shape_read(&x->shape, x->config.model, &e));
	assert_true(train_data_open(&x->data, &x->config, &x->shape, &e));
	*state = x;
	return 0;
}

static int tear_down(void **state)
{
	struct setup *x = *state;
	train_data_close(&x->data);
	arena_destroy(x->arena);
	fixture_end(&x->fixture);
	free(x);
	return 0;
}

static void every_record_once_a_round(void **state)
{
	struct setup *x = *state;
	int seen[2][24] = {0}, moved = 0, drawn[2] = {0};
	uint64_t first[24];
	for (uint64_t i = 0; drawn[0] < 48; i++) {
		struct train_draw w = train_data_draw(&x->data, i / 8, i % 8);
		const int n = drawn[w.shard]++;
		assert_true(w.record < x->data.shards[w.shard].count);
		if (w.shard == 0) {
			seen[n / 24][w.record]++;
			if (n < 24)
				first[n] = w.record;
			else
				moved += first[n - 24] != w.record;
		}
	}
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 24; i++)
			assert_int_equal(seen[round][i], 1);
	assert_true(moved > 12);
	assert_true(drawn[1] > 4 && drawn[1] < 40); /* weights 3 and 1 */
}

static int base_of(int digit)
{
	return digit == 0 ? 1 : digit == 1 ? 4 : 20;
}

/* Exactly one digit of one of the levels 4, 5, 6 moved by one. */
static bool one_level_off(int a, int b)
{
	static const int LEVELS[] = {4, 5, 6};
	int moved = 0;
	for (int i = 0; i < 3; i++) {
		const int difference = a / base_of(i) % LEVELS[i] - b / base_of(i) % LEVELS[i];
		if (difference < -1 || difference > 1)
			return false;
		moved += difference != 0;
	}
	return moved == 1;
}

static void check_sample(const struct train_data *d, struct train_draw w, uint64_t index,
			 int counts[4])
{
	const struct train_shard *h = &d->shards[w.shard];
	const uint8_t *p = h->records + w.record * (uint64_t)h->record * 2;
	int32_t id[64], place[64], target[16];
	train_data_read(d, w, 3, index, id, place, target);
	const int kept = h->source ? 2 : 1, first = h->record - h->target;
	const bool dropped = id[1] == 31 && id[2] == 31 && id[3] == 31;
	for (int j = 0; j < h->length; j++) {
		const int was = p[2 * j] | p[2 * j + 1] << 8;
		if (j < h->prefix) {
			assert_int_equal(place[j], -1);
			assert_int_equal(id[j],
					 dropped && j > 0 && j < h->prefix - kept ? 31 : was);
		} else if (j >= first) {
			assert_int_equal(place[j], j - first);
			assert_true(id[j] == was || one_level_off(id[j], was));
			counts[2] += id[j] != was;
			counts[3]++;
		} else {
			assert_int_equal(place[j], j < h->prefix + h->source ? j - h->prefix : -1);
			assert_int_equal(id[j], was);
		}
	}
	for (int j = 0; j < h->target; j++)
		assert_int_equal(target[j], p[2 * (first + j)] | p[2 * (first + j) + 1] << 8);
	counts[0] += dropped;
	counts[1]++;
}

static void drops_captions_and_jitters_codes(void **state)
{
	struct setup *x = *state;
	int counts[4] = {0};
	for (uint64_t i = 0; i < 400; i++)
		check_sample(&x->data, (struct train_draw){(int)(i % 2), i % 8}, i, counts);
	assert_true(counts[0] > counts[1] * 2 / 5 && counts[0] < counts[1] * 3 / 5);
	assert_true(counts[2] > counts[3] * 2 / 5 && counts[2] < counts[3] * 3 / 5);
}

/* Noise shows any token at all; what is asked for, and what is to be learned, stay. */
static void noise_hides_the_picture(void **state)
{
	struct setup *x = *state;
	struct train_data *d = &x->data;
	int32_t clean[64], id[64], place[64], target[64], same[64];
	int hidden = 0;
	assert_true(d->length_max <= 64);
	const double dropout = d->caption_dropout, jitter = d->code_jitter;
	d->caption_dropout = d->code_jitter = 0;
	for (uint64_t i = 0; i < 64; i++) {
		const struct train_shard *h = &d->shards[0];
		const struct train_draw w = {0, i % h->count};
		d->code_noise = 0;
		train_data_read(d, w, 1, i, clean, place, same);
		d->code_noise = 1;
		train_data_read(d, w, 1, i, id, place, target);
		assert_memory_equal(target, same, (size_t)h->target * sizeof(*target));
		assert_memory_equal(id, clean, (size_t)h->prefix * sizeof(*id));
		for (int j = h->prefix; j < h->length; j++) {
			assert_in_range(id[j], 0, d->shape.codes - 1);
			hidden += id[j] != clean[j];
		}
	}
	assert_true(hidden > 64);
	d->code_noise = 0;
	d->caption_dropout = dropout;
	d->code_jitter = jitter;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_record_once_a_round),
	    cmocka_unit_test(drops_captions_and_jitters_codes),
	    cmocka_unit_test(noise_hides_the_picture),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
