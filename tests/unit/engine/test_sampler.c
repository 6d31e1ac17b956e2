/* The sampler against what its words mean: greedy, the cuts of top-k and top-p, frequencies, repeatability. */
#include "engine/sampler.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define N     50
#define DRAWS 20000

static float logits[N];
static struct engine_candidate scratch[N];

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* Distinct values between -3 and 3 in no order. */
static int set_up(void **state)
{
	(void)state;
	for (int i = 0; i < N; i++)
		logits[i] = (float)(i * 17 % N) / N * 6 - 3;
	return 0;
}

static void draw(struct engine_sampler s, int *seen)
{
	for (int i = 0; i < N; i++)
		seen[i] = 0;
	for (uint64_t i = 0; i < DRAWS; i++) {
		int32_t id = engine_sampler_choose(&s, i, logits, N, scratch);
		assert_in_range(id, 0, N - 1);
		seen[id]++;
	}
}

static int rank(int id)
{
	int better = 0;
	for (int i = 0; i < N; i++)
		better += logits[i] > logits[id];
	return better;
}

static void greedy_takes_the_first_of_the_likeliest(void **state)
{
	struct engine_sampler s = {.temperature = 0, .top_p = 1, .seed = 3};
	float tie[4] = {1, 5, 5, 2};
	(void)state;
	assert_int_equal(engine_sampler_choose(&s, 0, tie, 4, scratch), 1);
	assert_int_equal(engine_sampler_choose(&s, 9, tie, 1, scratch), 0);
}

static void frequencies_are_softmax(void **state)
{
	int seen[N];
	double total = 0;
	(void)state;
	for (int t = 0; t < 2; t++) {
		float temperature = t ? 2.0f : 0.7f;
		draw((struct engine_sampler){.temperature = temperature, .top_p = 1, .seed = 7},
		     seen);
		total = 0;
		for (int i = 0; i < N; i++)
			total += exp((double)(logits[i] / temperature));
		for (int i = 0; i < N; i++) {
			double p = exp((double)(logits[i] / temperature)) / total;
			double spread = sqrt(DRAWS * p * (1 - p));
			assert_true(fabs(seen[i] - DRAWS * p) <= 5 * spread + 1);
		}
	}
}

static void top_k_keeps_k(void **state)
{
	int seen[N];
	(void)state;
	for (int k = 1; k < N; k += 6) {
		draw((struct engine_sampler){.temperature = 5, .top_k = k, .top_p = 1, .seed = 1},
		     seen);
		for (int i = 0; i < N; i++)
			assert_int_equal(seen[i] > 0, rank(i) < k);
	}
}

/* The fewest of the likeliest whose chances reach p. */
static void top_p_keeps_the_fewest(void **state)
{
	float sorted[N];
	int seen[N];
	double total = 0;
	(void)state;
	for (int i = 0; i < N; i++) {
		sorted[i] = logits[i];
		total += exp((double)logits[i]);
	}
	qsort(sorted, N, sizeof(*sorted), by_size);
	for (float p = 0.05f; p < 1; p += 0.15f) {
		double sum = 0;
		int kept = 0;
		while (sum < (double)p * total)
			sum += exp((double)sorted[kept++]);
		draw((struct engine_sampler){.temperature = 1, .top_p = p, .seed = 5}, seen);
		for (int i = 0; i < N; i++)
			if (seen[i] > 0)
				assert_true(rank(i) < kept);
		for (int i = 0; i < N; i++) /* likely enough to be seen in so many draws */
			if (rank(i) < kept && exp((double)logits[i]) / sum > 0.001)
				assert_true(seen[i] > 0);
	}
	draw((struct engine_sampler){.temperature = 1, .top_p = 0, .seed = 5}, seen);
	for (int i = 0; i < N; i++)
		assert_int_equal(seen[i] > 0, rank(i) == 0);
}

static void chance_is_the_seed_and_the_index(void **state)
{
	struct engine_sampler a = {.temperature = 1, .top_p = 1, .seed = 11}, b = a;
	int differs = 0;
	(void)state;
	b.seed = 12;
	for (uint64_t i = 0; i < 200; i++) {
		int32_t first = engine_sampler_choose(&a, i, logits, N, scratch);
		assert_int_equal(first, engine_sampler_choose(&a, i, logits, N, scratch));
		differs += first != engine_sampler_choose(&b, i, logits, N, scratch);
	}
	assert_true(differs > 100);
}

static void guidance_is_a_line(void **state)
{
	float c[3] = {1, 2, 3}, u[3] = {0, 4, 3}, out[3];
	(void)state;
	engine_sampler_guide(c, u, 5, out, 3);
	assert_true(out[0] == 5 && out[1] == -6 && out[2] == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(greedy_takes_the_first_of_the_likeliest),
	    cmocka_unit_test(frequencies_are_softmax),
	    cmocka_unit_test(top_k_keeps_k),
	    cmocka_unit_test(top_p_keeps_the_fewest),
	    cmocka_unit_test(chance_is_the_seed_and_the_index),
	    cmocka_unit_test(guidance_is_a_line),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
