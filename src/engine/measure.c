/* Measuring the transformer with random weights. One thread calls; owns everything it makes. */
#include "engine/measure.h"

#include "engine/cuda/model.h"
#include "engine/sampler.h"
#include "engine/transformer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define BATCH_MAX    64
#define CONTEXT_MAX  4096
#define PREFILL_ROWS 512
#define PIECE_ROWS   128 /* of them in one pass, as the engine reads prompts */

struct shape_row {
	const char *name;
	int hidden, layers, heads, ffn, vocabulary;
};

static const struct shape_row SHAPES[] = {
    {"builtin", 320, 8, 5, 832, 6000},
    {"janus1b", 2048, 24, 16, 5632, 16384},
    {"m30", 512, 8, 8, 1408, 8192},
    {"m350", 1024, 24, 16, 2816, 16384},
};

struct measuring {
	struct engine_pool *pool;
	struct card *card;
	struct engine_transformer t;
	struct engine_batch b;
	struct engine_cache *cache;
	int caches;
	uint8_t *sweep;
	size_t sweep_bytes;
	uint64_t *sums;     /* one for each thread; so that the reads are not dropped */
	_Atomic double ops; /* of one call of busy() */
};

static double now_of(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double now(void)
{
	return now_of(CLOCK_MONOTONIC);
}

/* One thread alone is timed by its own time, so that what others do with its core does not count (what they do
 * with the memory does: in the bandwidth too). Not where it waits for a card. */
static double watch(const struct measuring *m)
{
	return now_of(engine_pool_threads(m->pool) == 1 && !m->card ? CLOCK_THREAD_CPUTIME_ID
								    : CLOCK_MONOTONIC);
}

static bool find_shape(const char *name, struct engine_shape *s, struct err *e)
{
	for (size_t i = 0; i < sizeof(SHAPES) / sizeof(*SHAPES); i++) {
		const struct shape_row *r = &SHAPES[i];
		if (strcmp(name, r->name) != 0)
			continue;
		*s = (struct engine_shape){.family = ENGINE_FAMILY_JANUS};
		s->llm = (struct engine_llm_shape){.hidden = r->hidden,
						   .ffn = r->ffn,
						   .layers = r->layers,
						   .heads = r->heads,
						   .kv_heads = r->heads,
						   .head_dim = r->hidden / r->heads,
						   .positions_max = CONTEXT_MAX + 1024,
						   .norm_eps = 1e-6f,
						   .rope_theta = 10000};
		s->image = (struct engine_image_shape){.vocab = r->vocabulary,
						       .embed_dim = 8,
						       .aligner_depth = 2,
						       .head_hidden = r->hidden,
						       .grid = 24,
						       .tokens = 576};
		return true;
	}
	return err_set(e, ERR_INVALID, "shape: not one of builtin, janus1b, m30, m350");
}

static void step(struct measuring *m, size_t batch, size_t position, const int32_t *ids)
{
	size_t rows[BATCH_MAX];
	int32_t places[BATCH_MAX] = {0};

	m->b.rows = batch;
	for (size_t i = 0; i < batch; i++) {
		m->b.row[i] = (struct engine_row){&m->cache[i], position};
		rows[i] = i;
	}
	engine_transformer_embed_image(&m->t, &m->b, ids, places, batch, m->b.x);
	engine_transformer_run(&m->t, &m->b);
	engine_transformer_image_logits(&m->t, &m->b, rows, batch);
}

/* One stream's first `n` positions, piece by piece. */
static void prefill(struct measuring *m, struct engine_cache *cache, size_t n)
{
	int32_t ids[PIECE_ROWS], places[PIECE_ROWS] = {0};

	for (size_t begin = 0; begin < n; begin += PIECE_ROWS) {
		m->b.rows = PIECE_ROWS;
		for (size_t i = 0; i < PIECE_ROWS; i++) {
			m->b.row[i] = (struct engine_row){cache, begin + i};
			ids[i] = (int32_t)((begin + i) * 37 % (size_t)m->t.shape.image.vocab);
		}
		engine_transformer_embed_image(&m->t, &m->b, ids, places, PIECE_ROWS, m->b.x);
		engine_transformer_run(&m->t, &m->b);
	}
	if (m->card)
		m->card->ops->wait(m->card);
}

static void measure_steps(struct measuring *m, const struct engine_measure_options *o,
			  struct engine_measure *r)
{
	size_t batch = (size_t)o->batch, position = (size_t)o->context;
	int32_t ids[BATCH_MAX];
	double begin = now(), best = 1e30;
	struct engine_sampler greedy = {0};

	for (size_t i = 0; i < batch; i++)
		ids[i] = (int32_t)i;
	do {
		double from = watch(m);
		step(m, batch, position, ids);
		for (size_t i = 0; i < batch; i++)
			ids[i] =
			    engine_sampler_choose(&greedy, 0, m->b.logits + i * m->b.logits_stride,
						  (size_t)m->t.shape.image.vocab, NULL);
		double took = watch(m) - from;
		if (took < best)
			best = took;
	} while (now() - begin < o->seconds);
	r->tokens_per_s = (double)batch / best;
}

static void measure_prefill(struct measuring *m, const struct engine_measure_options *o,
			    struct engine_measure *r)
{
	double begin = now(), best = 1e30;
	do {
		double from = watch(m);
		prefill(m, &m->cache[0], PREFILL_ROWS);
		double took = watch(m) - from;
		if (took < best)
			best = took;
	} while (now() - begin < o->seconds);
	r->prefill_tokens_per_s = PREFILL_ROWS / best;
	/* no logits are taken in a prefill */
	uint64_t head =
	    m->t.head_in.outputs * m->t.head_in.k + m->t.head_out.outputs * m->t.head_out.k;
	r->prefill_ops_per_s = 2.0 * (double)(r->parameters - head) * r->prefill_tokens_per_s;
}

typedef uint64_t sweep_sum __attribute__((vector_size(16), aligned(16)));

/* In sums of their own, so that the reads set the pace and not the adding. */
static inline void sweep_lines(struct measuring *m, size_t begin, size_t end, int thread, bool call)
{
	sweep_sum sum[4] = {{0}};
	for (const uint8_t *p = m->sweep + begin * 64; p < m->sweep + end * 64; p += 64) {
		const sweep_sum *line = (const sweep_sum *)(const void *)p;
		if (call)
			__builtin_prefetch(p + 4096);
		for (int i = 0; i < 4; i++)
			sum[i] += line[i];
	}
	sum[0] += sum[1] + sum[2] + sum[3];
	m->sums[thread] += sum[0][0] + sum[0][1];
}

static void sweep(void *context, size_t begin, size_t end, int thread)
{
	sweep_lines(context, begin, end, thread, false);
}

static void sweep_called(void *context, size_t begin, size_t end, int thread)
{
	sweep_lines(context, begin, end, thread, true);
}

static double measure_bandwidth(struct measuring *m, double seconds)
{
	double begin = now(), best = 1e30;
	if (m->card)
		return engine_card_model_bandwidth(m->t.card, m->sweep_bytes, seconds);
	do {
		/* some processors read faster when the lines to come are called, some when not */
		for (int call = 0; call < 2; call++) {
			double from = watch(m);
			engine_pool_for(m->pool, m->sweep_bytes / 64, 4096,
					call ? sweep_called : sweep, m);
			double took = watch(m) - from;
			if (took < best)
				best = took;
		}
	} while (now() - begin < seconds);
	return (double)m->sweep_bytes / best;
}

#define BUSY_ROUNDS 100000

static void busy(void *context, size_t begin, size_t end, int thread)
{
	struct measuring *m = context;
	(void)thread;
	for (size_t i = begin; i < end; i++)
		m->ops = m->t.kernels->busy(BUSY_ROUNDS);
}

static double measure_peak(struct measuring *m, double seconds)
{
	size_t threads = (size_t)engine_pool_threads(m->pool);
	double begin = now(), best = 1e30;
	if (!m->t.kernels->busy || m->card)
		return 0;
	do {
		double from = watch(m);
		engine_pool_for(m->pool, threads, 1, busy, m);
		double took = watch(m) - from;
		if (took < best)
			best = took;
	} while (now() - begin < seconds);
	return m->ops * (double)threads / best;
}

static bool set_up(struct measuring *m, const struct engine_measure_options *o,
		   const struct engine_shape *shape, struct err *e)
{
	static const enum engine_weights_as AS[] = {[ENGINE_QUANT_FILE] = ENGINE_AS_INT8,
						    [ENGINE_QUANT_F32] = ENGINE_AS_F32,
						    [ENGINE_QUANT_BF16] = ENGINE_AS_BF16,
						    [ENGINE_QUANT_INT8] = ENGINE_AS_INT8,
						    [ENGINE_QUANT_INT4] = ENGINE_AS_INT4};
	enum kernel_level level = o->kernels == ENGINE_KERNELS_AUTO
				      ? kernels_best()
				      : (enum kernel_level)(o->kernels - ENGINE_KERNELS_SCALAR);
	m->pool = engine_pool_create(o->threads, e);
	if (!m->pool)
		return false;
	if (o->device == ENGINE_DEVICE_CUDA && !(m->card = engine_card_open(e)))
		return false;
	struct engine_transformer_options t = {.kernels = kernels_find(level, e),
					       .pool = m->pool,
					       .card = m->card,
					       .as = AS[o->quant]};
	if (!t.kernels || !engine_transformer_init(&m->t, shape, NULL, &t, e) ||
	    !engine_batch_init(&m->b, &m->t, PIECE_ROWS, BATCH_MAX, e))
		return false;
	m->cache = calloc((size_t)o->batch, sizeof(*m->cache));
	if (!m->cache)
		return err_set(e, ERR_NO_MEMORY, "no memory for caches");
	size_t positions = (size_t)o->context + 1;
	struct engine_cache_options cache =
	    engine_transformer_cache(&m->t, positions > PREFILL_ROWS ? positions : PREFILL_ROWS);
	for (; m->caches < o->batch; m->caches++)
		if (!engine_cache_init(&m->cache[m->caches], &cache, e))
			return false;
	return true;
}

/* What a step reads: all weights once, and every stream's keys and values. */
static double step_bytes(const struct measuring *m, const struct engine_measure_options *o)
{
	struct engine_cache_options cache = engine_transformer_cache(&m->t, (size_t)o->context);
	size_t bytes = m->t.head_in.bytes + m->t.head_out.bytes;
	for (int i = 0; i < m->t.shape.image.aligner_depth; i++)
		bytes += m->t.aligner[i].bytes;
	for (int i = 0; i < m->t.shape.llm.layers; i++) {
		const struct engine_layer *l = &m->t.layers[i];
		bytes += l->qkv.bytes + l->output.bytes + l->gate_up.bytes + l->down.bytes;
	}
	return (double)bytes + (double)o->batch * (double)engine_cache_bytes(&cache);
}

static void tear_down(struct measuring *m)
{
	for (int i = 0; i < m->caches; i++)
		engine_cache_finish(&m->cache[i]);
	free(m->cache);
	engine_batch_finish(&m->b);
	engine_transformer_finish(&m->t);
	if (m->card)
		m->card->ops->destroy(m->card);
	engine_pool_destroy(m->pool);
	free(m->sweep);
	free(m->sums);
}

/* What the bandwidth is measured with; a card makes its own. */
static bool make_sweep(struct measuring *m, double bytes, struct err *e)
{
	m->sweep_bytes = (size_t)bytes / 64 * 64;
	if (m->card)
		return true;
	m->sweep = aligned_alloc(2 << 20, (m->sweep_bytes + (2 << 20)) >> 21 << 21);
	m->sums = calloc((size_t)engine_pool_threads(m->pool), sizeof(*m->sums));
	if (!m->sweep || !m->sums)
		return err_set(e, ERR_NO_MEMORY, "no memory to measure the bandwidth");
	madvise(m->sweep, m->sweep_bytes, MADV_HUGEPAGE); /* as the weights; only a wish */
	memset(m->sweep, 1, m->sweep_bytes);
	return true;
}

static bool measure(struct measuring *m, const struct engine_measure_options *o,
		    struct engine_measure *r, struct err *e)
{
	r->bandwidth = measure_bandwidth(m, o->seconds / 2);
	measure_steps(m, o, r);
	double again = measure_bandwidth(m, o->seconds / 2);
	r->bandwidth = again > r->bandwidth ? again : r->bandwidth;
	if (engine_transformer_failed(&m->t, e))
		return false;
	if (!(r->bandwidth > 0))
		return err_set(e, ERR_NO_MEMORY, "no memory to measure the bandwidth");
	r->fraction = r->tokens_per_s / o->batch * r->bytes_per_step / r->bandwidth;
	measure_prefill(m, o, r);
	r->peak_ops_per_s = measure_peak(m, o->seconds / 4);
	return !engine_transformer_failed(&m->t, e);
}

bool engine_measure(const struct engine_measure_options *o, struct engine_measure *r, struct err *e)
{
	static const char *const QUANTS[] = {"f32", "bf16", "int8", "int4"};
	struct measuring m = {0};
	struct engine_shape shape;

	if (!find_shape(o->shape, &shape, e))
		return false;
	if (o->batch < 1 || o->batch > BATCH_MAX || o->context < 0 || o->context > CONTEXT_MAX)
		return err_set(e, ERR_INVALID, "batch: 1 to %d; context: 0 to %d", BATCH_MAX,
			       CONTEXT_MAX);
	if (!set_up(&m, o, &shape, e)) {
		tear_down(&m);
		return false;
	}
	*r = (struct engine_measure){.kernels = m.card ? "cuda" : m.t.kernels->name,
				     .quant = QUANTS[m.t.weights],
				     .threads = engine_pool_threads(m.pool),
				     .parameters = m.t.parameters,
				     .bytes_per_step = step_bytes(&m, o)};
	bool ok = make_sweep(&m, r->bytes_per_step, e) && measure(&m, o, r, e);
	tear_down(&m);
	return ok;
}
