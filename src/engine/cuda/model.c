/* The transformer on a card. Owns the uploaded weights, each batch's memory on the card, and the order of the
 * kernels, which is that of transformer.c. Runs on whatever thread holds the pool's lock. What must stay true: a row's
 * result depends on its own stream only (each kernel sees to that), and what a recording reads that changes from
 * step to step (rows, pictures' tokens, which rows' logits) lies in the card's memory at places that stay. */
#include "engine/cuda/model.h"

#include "engine/cuda/matrix.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RECORDED_ROWS_MAX 64
#define SWEEP_BLOCKS      2048

struct card_layer {
	float *norm_attention, *norm_ffn, *norm_q, *norm_k;
	struct engine_card_matrix qkv, output, gate_up, down;
};

struct engine_card_model {
	struct card *card;
	struct engine_shape shape;
	bool wide; /* caches are f32 */
	float scale;
	struct card_layer *layers;
	float *final_norm, *rope_cos, *rope_sin;
	float *image_embedding, *image_positions;
	struct engine_card_matrix aligner[ENGINE_ALIGNER_MAX];
	struct engine_card_matrix head_in, head_out, text_head;
};

struct engine_card_batch {
	struct card *card;
	/* on the card */
	struct card_row *rows;
	struct card_image *images;
	int32_t *pick;
	float *x, *qkv, *attention, *between, *other, *ffn, *logits;
	void *steps[RECORDED_ROWS_MAX + 1], *heads[RECORDED_ROWS_MAX + 1]; /* by rows */
	/* here, on their way */
	struct card_row *next_rows;
	struct card_image *next_images;
	size_t image_count;
	int32_t *next_pick;
};

static size_t qkv_width(const struct engine_llm_shape *s)
{
	return (size_t)(s->heads + 2 * s->kv_heads) * (size_t)s->head_dim;
}

static size_t max2(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Weights */

static bool upload_floats(struct engine_card_model *m, float **to, const float *from, size_t count,
			  struct err *e)
{
	if (!from)
		return true;
	*to = engine_card_floats(m->card, from, count, e);
	return *to != NULL;
}

static bool upload_layer(struct engine_card_model *m, struct engine_transformer *t, int i,
			 struct err *e)
{
	const struct engine_llm_shape *s = &t->shape.llm;
	struct engine_layer *from = &t->layers[i];
	struct card_layer *to = &m->layers[i];
	size_t hidden = (size_t)s->hidden, d = (size_t)s->head_dim;

	return upload_floats(m, &to->norm_attention, from->norm_attention, hidden, e) &&
	       upload_floats(m, &to->norm_ffn, from->norm_ffn, hidden, e) &&
	       upload_floats(m, &to->norm_q, from->norm_q, d, e) &&
	       upload_floats(m, &to->norm_k, from->norm_k, d, e) &&
	       engine_card_matrix_init(&to->qkv, m->card, &from->qkv, t->pool, e) &&
	       engine_card_matrix_init(&to->output, m->card, &from->output, t->pool, e) &&
	       engine_card_matrix_init(&to->gate_up, m->card, &from->gate_up, t->pool, e) &&
	       engine_card_matrix_init(&to->down, m->card, &from->down, t->pool, e);
}

/* The picture tokens' rows of the embedding table, as floats. */
static bool upload_embedding(struct engine_card_model *m, const struct engine_transformer *t,
			     struct err *e)
{
	const struct engine_image_shape *s = &t->shape.image;
	size_t width = s->aligner_depth ? (size_t)s->embed_dim : (size_t)t->shape.llm.hidden;
	size_t count = (size_t)s->vocab * width;
	float *table = malloc(count * sizeof(*table));

	if (!table)
		return err_set(e, ERR_NO_MEMORY, "no memory for an embedding");
	engine_tensor_rows_f32(&t->image_embedding, s->vocab_base, s->vocab, table);
	bool ok = upload_floats(m, &m->image_embedding, table, count, e);
	free(table);
	return ok;
}

static bool upload_image(struct engine_card_model *m, struct engine_transformer *t, struct err *e)
{
	const struct engine_image_shape *s = &t->shape.image;
	bool ok = upload_embedding(m, t, e) &&
		  upload_floats(m, &m->image_positions, t->image_positions,
				(size_t)s->tokens * (size_t)t->shape.llm.hidden, e);
	for (int i = 0; ok && i < s->aligner_depth; i++)
		ok = engine_card_matrix_init(&m->aligner[i], m->card, &t->aligner[i], t->pool, e);
	return ok && engine_card_matrix_init(&m->head_in, m->card, &t->head_in, t->pool, e) &&
	       engine_card_matrix_init(&m->head_out, m->card, &t->head_out, t->pool, e) &&
	       engine_card_matrix_init(&m->text_head, m->card, &t->text_head, t->pool, e);
}

static bool upload(struct engine_card_model *m, struct engine_transformer *t, struct err *e)
{
	size_t rope = t->positions_max * (size_t)t->shape.llm.head_dim / 2;
	m->layers = calloc((size_t)t->shape.llm.layers, sizeof(*m->layers));
	if (!m->layers)
		return err_set(e, ERR_NO_MEMORY, "no memory for %d layers", t->shape.llm.layers);
	for (int i = 0; i < t->shape.llm.layers; i++)
		if (!upload_layer(m, t, i, e))
			return false;
	return upload_floats(m, &m->final_norm, t->final_norm, (size_t)t->shape.llm.hidden, e) &&
	       upload_floats(m, &m->rope_cos, t->rope_cos, rope, e) &&
	       upload_floats(m, &m->rope_sin, t->rope_sin, rope, e) && upload_image(m, t, e);
}

struct engine_card_model *engine_card_model_create(struct card *card, struct engine_transformer *t,
						   struct err *e)
{
	struct engine_card_model *m;
	if (t->shape.condition == ENGINE_CONDITION_CAPTION || t->shape.llm.head_dim % 8 != 0) {
		err_set(e, ERR_UNSUPPORTED, "a model of this kind does not run on a card");
		return NULL;
	}
	m = calloc(1, sizeof(*m));
	if (!m) {
		err_set(e, ERR_NO_MEMORY, "no memory for a model");
		return NULL;
	}
	m->card = card;
	m->shape = t->shape;
	m->wide = t->weights == KERNEL_F32;
	m->scale = t->attention_scale;
	if (upload(m, t, e) && !engine_card_model_failed(m, e))
		return m;
	engine_card_model_destroy(m);
	return NULL;
}

static void release_all(struct card *card, float *const *floats, size_t count)
{
	for (size_t i = 0; i < count; i++)
		card->ops->release(card, floats[i]);
}

void engine_card_model_destroy(struct engine_card_model *m)
{
	if (!m)
		return;
	for (int i = 0; m->layers && i < m->shape.llm.layers; i++) {
		struct card_layer *l = &m->layers[i];
		float *floats[] = {l->norm_attention, l->norm_ffn, l->norm_q, l->norm_k};
		release_all(m->card, floats, 4);
		engine_card_matrix_finish(&l->qkv, m->card);
		engine_card_matrix_finish(&l->output, m->card);
		engine_card_matrix_finish(&l->gate_up, m->card);
		engine_card_matrix_finish(&l->down, m->card);
	}
	float *floats[] = {m->final_norm, m->rope_cos, m->rope_sin, m->image_embedding,
			   m->image_positions};
	release_all(m->card, floats, 5);
	for (int i = 0; i < ENGINE_ALIGNER_MAX; i++)
		engine_card_matrix_finish(&m->aligner[i], m->card);
	engine_card_matrix_finish(&m->head_in, m->card);
	engine_card_matrix_finish(&m->head_out, m->card);
	engine_card_matrix_finish(&m->text_head, m->card);
	free(m->layers);
	free(m);
}

bool engine_card_model_add_text_head(struct engine_card_model *m, struct engine_transformer *t,
				     struct err *e)
{
	if (engine_card_matrix_init(&m->text_head, m->card, &t->text_head, t->pool, e))
		return true;
	engine_card_matrix_finish(&m->text_head, m->card);
	return false;
}

struct engine_cache_options engine_card_model_cache(const struct engine_card_model *m,
						    size_t positions)
{
	return (struct engine_cache_options){.layers = (size_t)m->shape.llm.layers,
					     .heads = (size_t)m->shape.llm.kv_heads,
					     .head_dim = (size_t)m->shape.llm.head_dim,
					     .positions = positions,
					     .card = m->card,
					     .bf16 = !m->wide};
}

/* Batches */

static bool make_memory(struct engine_card_batch *b, const struct engine_shape *s, size_t rows,
			size_t logits)
{
	const struct card_ops *ops = b->card->ops;
	size_t hidden = (size_t)s->llm.hidden;
	size_t attention = (size_t)s->llm.heads * (size_t)s->llm.head_dim;
	size_t widest =
	    max2(max2(hidden, (size_t)s->image.head_hidden), (size_t)s->image.embed_dim);
	const struct {
		float **to;
		size_t width;
	} floats[] = {
	    {&b->x, hidden},       {&b->qkv, qkv_width(&s->llm)}, {&b->attention, attention},
	    {&b->between, widest}, {&b->other, widest},           {&b->ffn, (size_t)s->llm.ffn}};

	for (size_t i = 0; i < sizeof(floats) / sizeof(*floats); i++)
		if (!(*floats[i].to = ops->alloc(b->card, rows * floats[i].width * sizeof(float))))
			return false;
	b->logits = ops->alloc(b->card, logits * sizeof(float));
	b->rows = ops->alloc(b->card, rows * sizeof(*b->rows));
	b->images = ops->alloc(b->card, rows * sizeof(*b->images));
	b->pick = ops->alloc(b->card, rows * sizeof(*b->pick));
	b->next_rows = calloc(rows, sizeof(*b->next_rows));
	b->next_images = calloc(rows, sizeof(*b->next_images));
	b->next_pick = calloc(rows, sizeof(*b->next_pick));
	return b->logits && b->rows && b->images && b->pick && b->next_rows && b->next_images &&
	       b->next_pick;
}

struct engine_card_batch *engine_card_batch_create(const struct engine_transformer *t,
						   size_t rows_max, size_t logit_rows_max,
						   size_t logits_stride, struct err *e)
{
	struct engine_card_batch *b = calloc(1, sizeof(*b));
	if (!b) {
		err_set(e, ERR_NO_MEMORY, "no memory for a batch");
		return NULL;
	}
	b->card = t->card->card;
	if (make_memory(b, &t->shape, rows_max, logit_rows_max * logits_stride))
		return b;
	err_set(e, ERR_NO_MEMORY, "the card has no room for a batch of %zu rows", rows_max);
	engine_card_batch_destroy(b);
	return NULL;
}

void engine_card_batch_destroy(struct engine_card_batch *b)
{
	if (!b)
		return;
	const struct card_ops *ops = b->card->ops;
	float *floats[] = {b->x, b->qkv, b->attention, b->between, b->other, b->ffn, b->logits};
	release_all(b->card, floats, sizeof(floats) / sizeof(*floats));
	ops->release(b->card, b->rows);
	ops->release(b->card, b->images);
	ops->release(b->card, b->pick);
	for (size_t i = 0; i <= RECORDED_ROWS_MAX; i++) {
		ops->forget(b->card, b->steps[i]);
		ops->forget(b->card, b->heads[i]);
	}
	free(b->next_rows);
	free(b->next_images);
	free(b->next_pick);
	free(b);
}

/* Passes */

static struct card_product product(const float *x, size_t x_stride, float *y, size_t y_stride,
				   size_t rows)
{
	return (struct card_product){.x = x,
				     .x_stride = (int32_t)x_stride,
				     .y = y,
				     .y_stride = (int32_t)y_stride,
				     .rows = (int32_t)rows};
}

/* The first `count` of b->images, embedded, into rows of `to`. */
static void embed(const struct engine_card_model *m, struct engine_card_batch *b, size_t count,
		  float *to)
{
	const struct engine_image_shape *s = &m->shape.image;
	size_t hidden = (size_t)m->shape.llm.hidden;
	size_t width = s->aligner_depth ? (size_t)s->embed_dim : hidden;
	float *in = b->between, *out = b->other;
	struct card_gather g = {b->images, m->image_embedding, in, (int32_t)width};

	m->card->ops->launch(m->card, CARD_GATHER, (int)count, 1, &g, sizeof(g));
	for (int i = 0; i < s->aligner_depth; i++) {
		struct card_product p = product(in, i ? hidden : width, out, hidden, count);
		p.finish = i + 1 == s->aligner_depth ? CARD_STORE : CARD_GELU;
		engine_card_multiply(m->card, &m->aligner[i], p, false);
		float *swap = in;
		in = out;
		out = swap;
	}
	struct card_scatter c = {b->images, in, m->image_positions, to ? to : out, (int32_t)hidden};
	m->card->ops->launch(m->card, CARD_SCATTER, (int)count, 1, &c, sizeof(c));
}

static void run_layer(const struct engine_card_model *m, struct engine_card_batch *b, int index,
		      size_t rows, bool single)
{
	const struct engine_llm_shape *s = &m->shape.llm;
	const struct card_layer *l = &m->layers[index];
	size_t hidden = (size_t)s->hidden, ffn = (size_t)s->ffn;
	size_t width = (size_t)s->heads * (size_t)s->head_dim;
	struct card_attend a = {.rows = b->rows,
				.qkv = b->qkv,
				.out = b->attention,
				.norm_q = l->norm_q,
				.norm_k = l->norm_k,
				.cosine = m->rope_cos,
				.sine = m->rope_sin,
				.layer = index,
				.heads = s->heads,
				.kv_heads = s->kv_heads,
				.head_dim = s->head_dim,
				.interleaved = s->rope != ENGINE_ROPE_HALF,
				.wide = m->wide,
				.put = single,
				.scale = m->scale,
				.eps = s->norm_eps};

	struct card_product p = product(b->x, hidden, b->qkv, qkv_width(s), rows);
	p.norm = l->norm_attention;
	p.eps = s->norm_eps;
	engine_card_multiply(m->card, &l->qkv, p, false);
	if (!single)
		m->card->ops->launch(m->card, CARD_REMEMBER, (int)rows, s->kv_heads, &a, sizeof(a));
	m->card->ops->launch(m->card, CARD_ATTEND, (int)rows, s->kv_heads, &a, sizeof(a));
	p = product(b->attention, width, b->x, hidden, rows);
	p.finish = CARD_ADD;
	engine_card_multiply(m->card, &l->output, p, false);

	p = product(b->x, hidden, b->ffn, ffn, rows);
	p.norm = l->norm_ffn;
	p.eps = s->norm_eps;
	p.finish = CARD_SWIGLU;
	p.outputs = s->ffn;
	engine_card_multiply(m->card, &l->gate_up, p, true);
	p = product(b->ffn, ffn, b->x, hidden, rows);
	p.finish = CARD_ADD;
	engine_card_multiply(m->card, &l->down, p, false);
}

static void run_all(const struct engine_card_model *m, struct engine_card_batch *b, size_t images,
		    size_t rows, bool single)
{
	if (images)
		embed(m, b, images, b->x);
	for (int i = 0; i < m->shape.llm.layers; i++)
		run_layer(m, b, i, rows, single);
}

static void put_images(struct engine_card_batch *b)
{
	if (b->image_count)
		b->card->ops->put(b->card, b->images, b->next_images,
				  b->image_count * sizeof(*b->images));
}

void engine_card_embed_image(const struct engine_transformer *t, struct engine_batch *b,
			     const int32_t *ids, const int32_t *place, size_t n, float *x)
{
	struct engine_card_batch *c = b->card;
	size_t hidden = (size_t)t->shape.llm.hidden;
	bool own = x >= b->x && x < b->x + b->rows_max * hidden;
	size_t row = own ? (size_t)(x - b->x) / hidden : 0;

	if (!own || c->image_count + n > b->rows_max)
		c->image_count = 0;
	for (size_t i = 0; i < n; i++)
		c->next_images[c->image_count++] =
		    (struct card_image){.id = ids[i], .place = place[i], .row = (int32_t)(row + i)};
	if (own || n == 0)
		return;
	put_images(c);
	embed(t->card, c, n, NULL);
	/* the aligner's layers take turns with the two */
	float *at = t->shape.image.aligner_depth % 2 ? c->between : c->other;
	c->card->ops->get(c->card, x, at, n * hidden * sizeof(*x));
	c->image_count = 0;
}

void engine_card_run(const struct engine_transformer *t, struct engine_batch *b)
{
	const struct card_ops *ops = t->card->card->ops;
	struct engine_card_batch *c = b->card;
	size_t rows = b->rows, images = c->image_count;
	bool single = true;

	for (size_t r = 0; r < rows; r++) {
		const struct engine_cache *cache = b->row[r].cache;
		c->next_rows[r] = (struct card_row){cache->data, (int32_t)b->row[r].position,
						    (int32_t)cache->capacity};
		single = single && (r == 0 || cache != b->row[r - 1].cache);
	}
	if (images < rows)
		ops->put(c->card, c->x, b->x, rows * (size_t)t->shape.llm.hidden * sizeof(*b->x));
	put_images(c);
	c->image_count = 0;
	ops->put(c->card, c->rows, c->next_rows, rows * sizeof(*c->rows));
	if (!single || images < rows || rows > RECORDED_ROWS_MAX) {
		run_all(t->card, c, images, rows, single);
		return;
	}
	if (!c->steps[rows]) {
		ops->record_begin(c->card);
		run_all(t->card, c, images, rows, true);
		c->steps[rows] = ops->record_end(c->card);
	}
	ops->play(c->card, c->steps[rows]);
}

static void put_pick(struct engine_card_batch *c, const size_t *rows, size_t n)
{
	bool same = true;
	for (size_t i = 0; i < n; i++) {
		same = same && c->next_pick[i] == (int32_t)rows[i];
		c->next_pick[i] = (int32_t)rows[i];
	}
	if (!same)
		c->card->ops->put(c->card, c->pick, c->next_pick, n * sizeof(*c->pick));
}

/* A head of the model: of the chosen rows, normed. */
static struct card_product head(const struct engine_transformer *t, struct engine_card_batch *c,
				float *y, size_t y_stride, size_t n)
{
	struct card_product p = product(c->x, (size_t)t->shape.llm.hidden, y, y_stride, n);
	p.pick = c->pick;
	p.norm = t->card->final_norm;
	p.eps = t->shape.llm.norm_eps;
	return p;
}

static void image_head(const struct engine_transformer *t, const struct engine_batch *b, size_t n)
{
	const struct engine_card_model *m = t->card;
	struct engine_card_batch *c = b->card;
	size_t width = (size_t)m->head_in.outputs;

	if (!m->head_in.weights) {
		engine_card_multiply(m->card, &m->head_out,
				     head(t, c, c->logits, b->logits_stride, n), false);
		return;
	}
	struct card_product p = head(t, c, c->between, width, n);
	p.finish = CARD_GELU;
	engine_card_multiply(m->card, &m->head_in, p, false);
	p = product(c->between, width, c->logits, b->logits_stride, n);
	engine_card_multiply(m->card, &m->head_out, p, false);
}

static void get_logits(struct engine_batch *b, size_t n)
{
	b->card->card->ops->get(b->card->card, b->logits, b->card->logits,
				n * b->logits_stride * sizeof(*b->logits));
}

void engine_card_image_logits(const struct engine_transformer *t, struct engine_batch *b,
			      const size_t *rows, size_t n)
{
	struct engine_card_batch *c = b->card;
	const struct card_ops *ops = c->card->ops;

	put_pick(c, rows, n);
	if (n > RECORDED_ROWS_MAX) {
		image_head(t, b, n);
	} else {
		if (!c->heads[n]) {
			ops->record_begin(c->card);
			image_head(t, b, n);
			c->heads[n] = ops->record_end(c->card);
		}
		ops->play(c->card, c->heads[n]);
	}
	get_logits(b, n);
}

void engine_card_text_logits(const struct engine_transformer *t, struct engine_batch *b,
			     const size_t *rows, size_t n)
{
	put_pick(b->card, rows, n);
	engine_card_multiply(t->card->card, &t->card->text_head,
			     head(t, b->card, b->card->logits, b->logits_stride, n), false);
	get_logits(b, n);
}

/* The card */

bool engine_card_model_failed(const struct engine_card_model *m, struct err *e)
{
	if (m->card->failed)
		*e = m->card->error;
	return m->card->failed;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double engine_card_model_bandwidth(const struct engine_card_model *m, size_t bytes, double seconds)
{
	const struct card_ops *ops = m->card->ops;
	const int rounds = 10; /* so that waiting for the last counts little */
	void *memory = ops->alloc(m->card, bytes);
	uint32_t *sums = ops->alloc(m->card, SWEEP_BLOCKS * sizeof(*sums));
	struct card_sweep s = {memory, bytes / 16, sums};
	double begin = now(), best = 0;

	while (memory && sums && !m->card->failed) {
		ops->wait(m->card);
		double from = now();
		for (int i = 0; i < rounds; i++)
			ops->launch(m->card, CARD_SWEEP, SWEEP_BLOCKS, 1, &s, sizeof(s));
		ops->wait(m->card);
		double each = (now() - from) / rounds;
		if (each > 0 && (double)bytes / each > best)
			best = (double)bytes / each;
		if (now() - begin >= seconds)
			break;
	}
	ops->release(m->card, memory);
	ops->release(m->card, sums);
	return best;
}
