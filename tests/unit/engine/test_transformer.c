/* The transformer against the golden vectors (tests/engine/golden/README.md has their tolerances), with the
 * weights computed in f32, on every level of kernels that this machine has. Built with CARDS it is run on an
 * emulated card instead, forwards and backwards; with REAL_CARD on the machine's own, and skipped where there is
 * none. */
#include "engine/cuda/emulated.h"
#include "engine/transformer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct engine_safetensors *expected;

static char *golden(const char *name)
{
	static char path[4096];
	const char *dir = getenv("ENGINE_GOLDEN");
	assert_non_null(dir);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int open_expected(void **state)
{
	struct err e;
	(void)state;
	expected = engine_safetensors_open(golden("expected.safetensors"), &e);
	return expected ? 0 : -1;
}

static int close_expected(void **state)
{
	(void)state;
	engine_safetensors_close(expected);
	return 0;
}

static const struct engine_tensor *find(const char *name)
{
	const struct engine_tensor *t = engine_safetensors_find(expected, name);
	if (!t)
		print_error("no %s in the golden file\n", name);
	assert_non_null(t);
	return t;
}

#if defined(REAL_CARD)
#define ON_CARD 1
enum { FIRST, LAST = FIRST };
#elif defined(CARDS)
#define ON_CARD 1
enum { FIRST, LAST = FIRST + 1 };
#else
#define ON_CARD 0
#define FIRST   KERNEL_SCALAR
#define LAST    kernels_best()
#endif

/* NULL: the processor */
static struct card *open_card(int level, struct err *e)
{
#if defined(REAL_CARD)
	(void)level;
	return engine_card_open(e);
#elif defined(CARDS)
	return engine_card_open_emulated(level != FIRST, e);
#else
	(void)level;
	(void)e;
	return NULL;
#endif
}

static void near_enough(const struct kernels *k, const char *name, size_t first, const float *got,
			size_t n, float limit)
{
	const struct engine_tensor *t = find(name);
	float worst = 0;
	assert_true((first + n) * sizeof(float) <= t->bytes);
	for (size_t i = 0; i < n; i++) {
		float want;
		memcpy(&want, (const char *)t->data + (first + i) * sizeof(want), sizeof(want));
		float d = fabsf(want - got[i]);
		if (!(d <= worst))
			worst = d;
	}
	if (!(worst <= limit))
		print_error("%s on %s: off by %g, limit %g\n", name, k->name, (double)worst,
			    (double)limit);
	assert_true(worst <= limit);
}

static int32_t id_at(const char *name, size_t i)
{
	int32_t id;
	memcpy(&id, (const char *)find(name)->data + i * sizeof(id), sizeof(id));
	return id;
}

static int32_t likeliest(const float *logits, size_t n)
{
	size_t best = 0;
	for (size_t i = 1; i < n; i++)
		if (logits[i] > logits[best])
			best = i;
	return (int32_t)best;
}

/* One opened model, one batch, two streams. */
struct bench {
	struct engine_weights *file;
	struct engine_transformer t;
	struct engine_batch b;
	struct engine_cache cache[2];
	struct engine_pool *pool;
	struct card *card;
	size_t position;
};

static void set_up(struct bench *m, const char *model, bool config, int level)
{
	struct err e = {0};
	struct engine_shape shape;
	memset(m, 0, sizeof(*m));
	m->pool = engine_pool_create(2, &e);
	m->file = engine_weights_open(golden(model), &e);
	assert_non_null(m->file);
	bool read = engine_shape_read(config ? golden("config.json") : NULL, m->file, &shape, &e);
	if (!read)
		print_error("%s\n", e.message);
	assert_true(read);
	m->card = open_card(level, &e);
	struct engine_transformer_options options = {
	    .kernels = kernels_find(m->card ? KERNEL_SCALAR : (enum kernel_level)level, &e),
	    .pool = m->pool,
	    .card = m->card,
	    .as = ENGINE_AS_F32,
	    .text_head = true};
	bool loaded = engine_transformer_init(&m->t, &shape, m->file, &options, &e);
	if (!loaded)
		print_error("%s\n", e.message);
	assert_true(loaded);
	assert_true(engine_batch_init(&m->b, &m->t, 48, 48, &e));
	struct engine_cache_options cache = engine_transformer_cache(&m->t, 40);
	assert_true(engine_cache_init(&m->cache[0], &cache, &e));
	assert_true(engine_cache_init(&m->cache[1], &cache, &e));
}

static void tear_down(struct bench *m)
{
	engine_cache_finish(&m->cache[0]);
	engine_cache_finish(&m->cache[1]);
	engine_batch_finish(&m->b);
	if (m->card) {
		struct err e;
		if (engine_transformer_failed(&m->t, &e))
			print_error("%s (%s)\n", e.message, e.detail);
	}
	engine_transformer_finish(&m->t);
	if (m->card)
		m->card->ops->destroy(m->card);
	engine_weights_close(m->file);
	engine_pool_destroy(m->pool);
}

static void place_rows(struct bench *m, size_t first, size_t stream, size_t n)
{
	for (size_t i = 0; i < n; i++)
		m->b.row[first + i] = (struct engine_row){&m->cache[stream], m->position + i};
}

/* Both prompts in one pass; then row 0 of the logits is the conditioned stream's. */
static void prefill_janus(struct bench *m)
{
	int32_t ids[22];
	for (size_t i = 0; i < 11; i++) {
		ids[i] = id_at("janus/prompt_ids", i);
		ids[11 + i] = id_at("janus/uncond_ids", i);
	}
	m->position = 0;
	place_rows(m, 0, 0, 11);
	place_rows(m, 11, 1, 11);
	m->b.rows = 22;
	engine_transformer_embed_text(&m->t, ids, 22, m->b.x);
	engine_transformer_run(&m->t, &m->b);
	m->position = 11;
}

static void feed_image(struct bench *m, int32_t id, int32_t place)
{
	int32_t ids[2] = {id, id}, places[2] = {place, place};
	place_rows(m, 0, 0, 1);
	place_rows(m, 1, 1, 1);
	m->b.rows = 2;
	engine_transformer_embed_image(&m->t, &m->b, ids, places, 2, m->b.x);
	engine_transformer_run(&m->t, &m->b);
	m->position++;
}

static const size_t BOTH_AFTER_PREFILL[2] = {10, 21}, BOTH[2] = {0, 1};

static void janus_prefill(int level)
{
	struct bench m;
	size_t rows[11] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	set_up(&m, "tiny_janus.safetensors", true, level);
	prefill_janus(&m);
	engine_transformer_text_logits(&m.t, &m.b, rows, 11);
	if (!m.card)
		near_enough(m.t.kernels, "janus/prefill/final_norm_hidden", 0, m.b.h, 11 * 64,
			    2e-5f);
	for (size_t i = 0; i < 11; i++)
		near_enough(m.t.kernels, "janus/prefill/text_logits", i * 256,
			    m.b.logits + i * m.b.logits_stride, 256, 5e-5f);
	engine_transformer_image_logits(&m.t, &m.b, rows, 11);
	for (size_t i = 0; i < 11; i++)
		near_enough(m.t.kernels, "janus/prefill/image_logits", i * 64,
			    m.b.logits + i * m.b.logits_stride, 64, 5e-5f);
	for (size_t head = 0; !m.card && head < 4; head++) {
		struct kernel_cache_view view = engine_cache_view(&m.cache[0], 0, head);
		near_enough(m.t.kernels, "janus/prefill/layer0_k_cache", head * 176, view.key, 176,
			    2e-5f);
		near_enough(m.t.kernels, "janus/prefill/layer0_v_cache", head * 176, view.value,
			    176, 2e-5f);
	}
	if (!m.card) {
		m.t.shape.llm.layers = 1;
		prefill_janus(&m);
		near_enough(m.t.kernels, "janus/prefill/layer0_out", 0, m.b.x, 11 * 64, 2e-5f);
		m.t.shape.llm.layers = 2;
	}
	tear_down(&m);
}

static void janus_text(int level)
{
	struct bench m;
	size_t row = 10;
	set_up(&m, "tiny_janus.safetensors", true, level);
	prefill_janus(&m);
	for (size_t i = 0; i < 8; i++) {
		engine_transformer_text_logits(&m.t, &m.b, &row, 1);
		near_enough(m.t.kernels, "janus/text_decode/logits", i * 256, m.b.logits, 256,
			    5e-5f);
		int32_t id = likeliest(m.b.logits, 256);
		assert_int_equal(id, id_at("janus/text_decode/greedy_ids", i));
		place_rows(&m, 0, 0, 1);
		m.b.rows = 1;
		engine_transformer_embed_text(&m.t, &id, 1, m.b.x);
		engine_transformer_run(&m.t, &m.b);
		m.position++;
		row = 0;
	}
	tear_down(&m);
}

static void janus_forced(int level)
{
	struct bench m;
	const size_t *rows = BOTH_AFTER_PREFILL;
	set_up(&m, "tiny_janus.safetensors", true, level);
	prefill_janus(&m);
	for (size_t i = 0; i < 9; i++, rows = BOTH) {
		engine_transformer_image_logits(&m.t, &m.b, rows, 2);
		near_enough(m.t.kernels, "janus/image_decode/cond_logits", i * 64, m.b.logits, 64,
			    5e-5f);
		near_enough(m.t.kernels, "janus/image_decode/uncond_logits", i * 64,
			    m.b.logits + m.b.logits_stride, 64, 5e-5f);
		if (i == 8)
			break;
		int32_t id = id_at("janus/image_decode/forced_ids", i), place = (int32_t)i;
		float x[64];
		engine_transformer_embed_image(&m.t, &m.b, &id, &place, 1, x);
		near_enough(m.t.kernels, "janus/image_decode/aligned_embeds", i * 64, x, 64, 1e-5f);
		feed_image(&m, id, place);
	}
	tear_down(&m);
}

/* Greedy with guidance from wherever both streams' last rows are; w scales. */
static void greedy(struct bench *m, const size_t *rows, float w, size_t n, const char *ids,
		   const char *logits, float limit)
{
	for (size_t i = 0; i < n; i++, rows = BOTH) {
		float z[64];
		engine_transformer_image_logits(&m->t, &m->b, rows, 2);
		for (size_t j = 0; j < 64; j++) {
			float c = m->b.logits[j], u = m->b.logits[m->b.logits_stride + j];
			z[j] = u + w * (c - u);
		}
		near_enough(m->t.kernels, logits, i * 64, z, 64, limit);
		assert_int_equal(likeliest(z, 64), id_at(ids, i));
		if (i + 1 < n)
			feed_image(m, likeliest(z, 64), (int32_t)i);
	}
}

static void janus_greedy(int level)
{
	struct bench m;
	set_up(&m, "tiny_janus.safetensors", true, level);
	prefill_janus(&m);
	greedy(&m, BOTH_AFTER_PREFILL, 5, 16, "janus/greedy_cfg5/ids", "janus/greedy_cfg5/logits",
	       2e-4f);
	prefill_janus(&m);
	greedy(&m, BOTH_AFTER_PREFILL, 1, 16, "janus/greedy_cfg1/ids", "janus/greedy_cfg1/logits",
	       5e-5f);
	tear_down(&m);
}

static void llamagen_class(int level)
{
	struct bench m;
	set_up(&m, "tiny_llamagen_c2i.safetensors", false, level);
	place_rows(&m, 0, 0, 1);
	place_rows(&m, 1, 1, 1);
	m.b.rows = 2;
	engine_transformer_embed_class(&m.t, 3, m.b.x);
	engine_transformer_embed_class(&m.t, -1, m.b.x + 64);
	engine_transformer_run(&m.t, &m.b);
	m.position = 1;
	greedy(&m, BOTH, 4, 16, "llamagen/c2i/greedy_cfg4_ids", "llamagen/c2i/cfg4_logits", 2e-4f);
	tear_down(&m);
}

#if !ON_CARD
static void llamagen_caption(int level)
{
	struct bench m;
	float caption[6 * 48];
	uint8_t hidden[6];
	const size_t last[2] = {5, 11};

	set_up(&m, "tiny_llamagen_t2i.safetensors", false, level);
	engine_tensor_rows_f32(find("llamagen/t2i/caption"), 0, 1, caption);
	for (size_t i = 0; i < 6; i++)
		hidden[i] = !id_at("llamagen/t2i/caption_mask", i);
	for (int s = 0; s < 2; s++) {
		m.cache[s].hidden = hidden;
		m.cache[s].hidden_count = 6;
		place_rows(&m, (size_t)s * 6, (size_t)s, 6);
		engine_transformer_embed_caption(&m.t, &m.b, s ? NULL : caption,
						 m.b.x + s * 6 * 64);
	}
	m.b.rows = 12;
	engine_transformer_run(&m.t, &m.b);
	m.position = 6;
	greedy(&m, last, 4, 16, "llamagen/t2i/greedy_cfg4_ids", "llamagen/t2i/cfg4_logits", 2e-4f);
	tear_down(&m);
}

static void rope_tables(int level)
{
	struct bench m;
	set_up(&m, "tiny_janus.safetensors", true, level);
	near_enough(m.t.kernels, "rope1d/cos", 0, m.t.rope_cos, 32 * 8, 1e-6f);
	near_enough(m.t.kernels, "rope1d/sin", 0, m.t.rope_sin, 32 * 8, 1e-6f);
	tear_down(&m);
	set_up(&m, "tiny_llamagen_t2i.safetensors", false, level);
	for (size_t i = 0; i < 22 * 8; i++) {
		near_enough(m.t.kernels, "llamagen/rope2d_table", 2 * i, m.t.rope_cos + i, 1,
			    1e-6f);
		near_enough(m.t.kernels, "llamagen/rope2d_table", 2 * i + 1, m.t.rope_sin + i, 1,
			    1e-6f);
	}
	tear_down(&m);
}

#endif

#define EVERY_LEVEL(NAME)                                            \
	static void test_##NAME(void **state)                        \
	{                                                            \
		(void)state;                                         \
		for (int level = FIRST; level <= (int)LAST; level++) \
			NAME(level);                                 \
	}

EVERY_LEVEL(janus_prefill)
EVERY_LEVEL(janus_text)
EVERY_LEVEL(janus_forced)
EVERY_LEVEL(janus_greedy)
EVERY_LEVEL(llamagen_class)
#if !ON_CARD
EVERY_LEVEL(rope_tables)
EVERY_LEVEL(llamagen_caption)
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_janus_prefill),
		cmocka_unit_test(test_janus_text),
		cmocka_unit_test(test_janus_forced),
		cmocka_unit_test(test_janus_greedy),
		cmocka_unit_test(test_llamagen_class),
#if !ON_CARD /* which refuses captions, and has nothing to do with the tables' making */
		cmocka_unit_test(test_rope_tables),
		cmocka_unit_test(test_llamagen_caption),
#endif
	};
#if defined(REAL_CARD)
	struct err e = {0};
	struct card *card = engine_card_open(&e);
	if (!card) {
		printf("skipped: %s\n", e.message);
		return 77;
	}
	card->ops->destroy(card);
#endif
	return cmocka_run_group_tests(tests, open_expected, close_expected);
}
