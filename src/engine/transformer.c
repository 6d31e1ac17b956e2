/* One pass of the transformer over a batch of rows.
 *
 * Owns the order of the arithmetic inside a layer: norm, q k v, RoPE and attention per key/value head,
 * output, norm, gated ffn. Runs on the thread that holds the pool; the pool's threads take pieces. What must
 * stay true: a row reads its own stream only, and no sum's order depends on how many rows there are. */
#include "engine/transformer.h"

#include "engine/cuda/model.h"

#include <stdlib.h>
#include <string.h>

#define TILE KERNEL_TILE_ROWS
/* Of gate and up tiles in one piece: what they give for all rows stays in the core's cache until it is used. */
#define GATE_PAIRS_MAX 4
/* So many rows have their queries and keys turned in a pass of their own. */
#define FINISH_ROWS_MIN 16
/* Keys and values are fetched so many rows before they are put into the cache. */
#define FETCH_ROWS 4

static size_t round_up(size_t n, size_t step)
{
	return (n + step - 1) / step * step;
}

static float *floats(struct engine_batch *b, size_t count)
{
	size_t bytes = round_up(count * sizeof(float), 64);
	float *p = aligned_alloc(64, bytes);
	if (p)
		memset(p, 0, bytes);
	b->bytes += bytes;
	return p;
}

static size_t qkv_width(const struct engine_llm_shape *s)
{
	return (size_t)(s->heads + 2 * s->kv_heads) * (size_t)s->head_dim;
}

static size_t max2(size_t a, size_t b)
{
	return a > b ? a : b;
}

bool engine_batch_init(struct engine_batch *b, const struct engine_transformer *t, size_t rows_max,
		       size_t logit_rows_max, struct err *e)
{
	const struct engine_shape *s = &t->shape;
	size_t hidden = (size_t)s->llm.hidden, ffn = round_up((size_t)s->llm.ffn, TILE);
	size_t attention = (size_t)s->llm.heads * (size_t)s->llm.head_dim;
	size_t widest = max2(max2(hidden, ffn), max2(attention, (size_t)s->image.head_hidden));
	size_t vocabulary = max2((size_t)s->image.vocab, t->text_head.outputs);

	*b = (struct engine_batch){.rows_max = rows_max, .threads = engine_pool_threads(t->pool)};
	widest = max2(widest, max2((size_t)s->caption_dim, (size_t)s->image.embed_dim));
	b->row = calloc(rows_max, sizeof(*b->row));
	b->segment = calloc(rows_max + 1, sizeof(*b->segment));
	b->x = floats(b, rows_max * hidden);
	b->h = floats(b, rows_max * widest);
	b->qkv = floats(b, rows_max * qkv_width(&s->llm));
	b->attention = floats(b, rows_max * attention);
	b->between = floats(b, rows_max * widest);
	b->ffn = floats(b, rows_max * ffn);
	b->logits_stride = round_up(vocabulary, TILE);
	b->logits = floats(b, logit_rows_max * b->logits_stride);
	b->scratch = calloc((size_t)b->threads, sizeof(*b->scratch));
	b->visible = calloc((size_t)b->threads, sizeof(*b->visible));
	b->gate = calloc((size_t)b->threads, sizeof(*b->gate));
	if (!b->row || !b->segment || !b->x || !b->h || !b->qkv || !b->attention || !b->between ||
	    !b->ffn || !b->logits || !b->scratch || !b->visible || !b->gate)
		goto no_memory;
	for (int i = 0; i < b->threads; i++) {
		b->scratch[i] =
		    floats(b, KERNEL_ATTEND_ROWS * (t->positions_max + KERNEL_ATTEND_SLACK));
		b->visible[i] = calloc(t->positions_max + 64, 1);
		b->gate[i] = floats(b, rows_max * GATE_PAIRS_MAX * 2 * TILE);
		if (!b->scratch[i] || !b->visible[i] || !b->gate[i])
			goto no_memory;
	}
	if (t->card)
		b->card =
		    engine_card_batch_create(t, rows_max, logit_rows_max, b->logits_stride, e);
	if ((b->card || !t->card) && engine_matrix_scratch_init(&b->quantized, rows_max, widest, e))
		return true;
	engine_batch_finish(b);
	return false;
no_memory:
	engine_batch_finish(b);
	return err_set(e, ERR_NO_MEMORY, "no memory for a batch of %zu rows", rows_max);
}

void engine_batch_finish(struct engine_batch *b)
{
	for (int i = 0; i < b->threads; i++) {
		if (b->scratch)
			free(b->scratch[i]);
		if (b->visible)
			free(b->visible[i]);
		if (b->gate)
			free(b->gate[i]);
	}
	engine_card_batch_destroy(b->card);
	free(b->gate);
	free(b->scratch);
	free(b->visible);
	free(b->row);
	free(b->segment);
	free(b->x);
	free(b->h);
	free(b->qkv);
	free(b->attention);
	free(b->between);
	free(b->ffn);
	free(b->logits);
	engine_matrix_scratch_finish(&b->quantized);
	*b = (struct engine_batch){0};
}

struct engine_cache_options engine_transformer_cache(const struct engine_transformer *t,
						     size_t positions)
{
	if (t->card)
		return engine_card_model_cache(t->card, positions);
	return (struct engine_cache_options){
	    .layers = (size_t)t->shape.llm.layers,
	    .heads = (size_t)t->shape.llm.kv_heads,
	    .head_dim = (size_t)t->shape.llm.head_dim,
	    .positions = positions,
	    .int8 = t->cache_int8,
	};
}

/* One pass's jobs share what they need to know. */
struct pass {
	const struct engine_transformer *t;
	struct engine_batch *b;
	size_t layer;
	size_t segments;
	bool finished; /* finish_rows has been */
	const float *norm;
	const float *norm_in;
	size_t norm_in_stride;
	struct kernel_product product;
};

static void norm_rows(void *context, size_t begin, size_t end, int thread)
{
	struct pass *p = context;
	size_t hidden = (size_t)p->t->shape.llm.hidden;
	(void)thread;
	for (size_t r = begin; r < end; r++)
		p->t->kernels->rms_norm(p->norm_in + r * p->norm_in_stride, p->norm,
					p->t->shape.llm.norm_eps, p->b->h + r * hidden, hidden);
}

/* What a product of the normed rows of x starts from. */
static struct engine_matrix_product normed(struct pass *p, const float *weight)
{
	size_t hidden = (size_t)p->t->shape.llm.hidden;
	p->norm = weight;
	p->norm_in = p->b->x;
	p->norm_in_stride = hidden;
	return (struct engine_matrix_product){
	    .x = p->b->h, .x_stride = hidden, .rows = p->b->rows, .fill = norm_rows, .context = p};
}

static void multiply(struct pass *p, const struct engine_matrix *m, const float *x, float *y,
		     size_t y_stride, size_t rows, bool add)
{
	struct engine_matrix_product product = {
	    .x = x, .x_stride = m->k, .y = y, .y_stride = y_stride, .rows = rows, .add = add};
	engine_matrix_multiply(m, p->t->kernels, p->t->pool, &p->b->quantized, &product);
}

static void rotate(const struct engine_transformer *t, float *x, size_t position)
{
	size_t half = (size_t)t->shape.llm.head_dim / 2;
	const float *c = t->rope_cos + position * half, *s = t->rope_sin + position * half;

	if (t->shape.llm.rope == ENGINE_ROPE_HALF) {
		t->kernels->rotate_half(x, c, s, half);
		return;
	}
	for (size_t i = 0; i < half; i++) {
		float a = x[2 * i], b = x[2 * i + 1];
		x[2 * i] = a * c[i] - b * s[i];
		x[2 * i + 1] = b * c[i] + a * s[i];
	}
}

/* q or k of one head, in place: norm (Qwen3), then turn. */
static void finish_head(const struct engine_transformer *t, const float *weight, float *x,
			size_t position)
{
	if (weight)
		t->kernels->rms_norm(x, weight, t->shape.llm.norm_eps, x,
				     (size_t)t->shape.llm.head_dim);
	rotate(t, x, position);
}

static const uint8_t *visible_for(struct pass *p, const struct engine_row *row, int thread)
{
	const struct engine_cache *cache = row->cache;
	uint8_t *visible = p->b->visible[thread];
	if (!cache->hidden)
		return NULL;
	for (size_t i = 0; i <= row->position; i++)
		visible[i] = i >= cache->hidden_count || !cache->hidden[i] || i == row->position;
	return visible;
}

/* Queries and keys of whole rows, as they lie; then attend need not. */
static void finish_rows(void *context, size_t begin, size_t end, int thread)
{
	struct pass *p = context;
	const struct engine_transformer *t = p->t;
	const struct engine_llm_shape *s = &t->shape.llm;
	const struct engine_layer *layer = &t->layers[p->layer];
	(void)thread;
	for (size_t r = begin; r < end; r++)
		for (int h = 0; h < s->heads + s->kv_heads; h++)
			finish_head(t, h < s->heads ? layer->norm_q : layer->norm_k,
				    p->b->qkv + r * qkv_width(s) + (size_t)(h * s->head_dim),
				    p->b->row[r].position);
}

static void attend_row(struct pass *p, const struct kernel_cache_view *view, size_t r, size_t q,
		       int thread)
{
	const struct engine_transformer *t = p->t;
	const struct engine_llm_shape *s = &t->shape.llm;
	const struct engine_row *row = &p->b->row[r];
	size_t d = (size_t)s->head_dim;
	float *query = p->b->qkv + r * qkv_width(s) + q * d;

	if (!p->finished)
		finish_head(t, t->layers[p->layer].norm_q, query, row->position);
	t->kernels->attend(view, row->position + 1, visible_for(p, row, thread), query,
			   t->attention_scale, p->b->scratch[thread],
			   p->b->attention + (r * (size_t)s->heads + q) * d);
}

/* Rows from `first` on that can be attended for at once: neighbours that see all before them. */
static size_t neighbours(const struct pass *p, size_t first, size_t last)
{
	const struct engine_row *row = p->b->row + first;
	size_t n = 1, most = last - first;
	if (!p->finished || !p->t->kernels->attend_rows || !p->t->cache_int8 ||
	    p->t->shape.llm.head_dim % 64 != 0 || row->cache->hidden)
		return 1;
	most = most < KERNEL_ATTEND_ROWS ? most : KERNEL_ATTEND_ROWS;
	while (n < most && row[n].position == row->position + n)
		n++;
	return n;
}

static void attend_rows(struct pass *p, const struct kernel_cache_view *view, size_t first,
			size_t rows, size_t q, int thread)
{
	const struct engine_llm_shape *s = &p->t->shape.llm;
	size_t d = (size_t)s->head_dim, heads = (size_t)s->heads;
	struct kernel_attention a = {.cache = view,
				     .position = p->b->row[first].position,
				     .rows = rows,
				     .query = p->b->qkv + first * qkv_width(s) + q * d,
				     .query_stride = qkv_width(s),
				     .scale = p->t->attention_scale,
				     .scratch = p->b->scratch[thread],
				     .out = p->b->attention + (first * heads + q) * d,
				     .out_stride = heads * d};
	p->t->kernels->attend_rows(&a);
}

/* A head's numbers in rows to come, on their way: rows lie too far apart for the processor to see that they follow. */
static void fetch_head(const float *x, size_t d)
{
	for (size_t i = 0; i < d; i += 16)
		__builtin_prefetch(x + i);
}

/* Tasks are (stream, key/value head): writes the keys and values of the stream's rows, then attends with
 * every query head of the group. */
static void attend(void *context, size_t begin, size_t end, int thread)
{
	struct pass *p = context;
	const struct engine_transformer *t = p->t;
	const struct engine_llm_shape *s = &t->shape.llm;
	size_t d = (size_t)s->head_dim, group = (size_t)(s->heads / s->kv_heads);
	size_t heads = (size_t)s->heads, kv_heads = (size_t)s->kv_heads;

	for (size_t task = begin; task < end; task++) {
		size_t kv = task % kv_heads, first = p->b->segment[task / kv_heads];
		size_t last = p->b->segment[task / kv_heads + 1];
		struct kernel_cache_view view =
		    engine_cache_view(p->b->row[first].cache, p->layer, kv);
		for (size_t r = first; r < last; r++) {
			float *key = p->b->qkv + r * qkv_width(s) + (heads + kv) * d;
			if (r + FETCH_ROWS < last) {
				fetch_head(key + FETCH_ROWS * qkv_width(s), d);
				fetch_head(key + FETCH_ROWS * qkv_width(s) + kv_heads * d, d);
			}
			if (!p->finished)
				finish_head(t, t->layers[p->layer].norm_k, key,
					    p->b->row[r].position);
			t->kernels->cache_put(&view, p->b->row[r].position, key,
					      key + kv_heads * d);
		}
		for (size_t r = first, n; r < last; r += n) {
			n = neighbours(p, r, last);
			for (size_t q = kv * group; q < (kv + 1) * group; q++)
				if (n > 1)
					attend_rows(p, &view, r, n, q, thread);
				else
					attend_row(p, &view, r, q, thread);
		}
	}
}

/* Units are pairs of tiles: 16 of gate, the same 16 of up. */
static void gate_up(void *context, size_t begin, size_t end, int thread)
{
	struct pass *p = context;
	size_t ffn = (size_t)p->t->shape.llm.ffn;

	for (; begin < end; begin += GATE_PAIRS_MAX) {
		size_t pairs = end - begin < GATE_PAIRS_MAX ? end - begin : GATE_PAIRS_MAX;
		struct kernel_product piece = p->product;
		piece.tiles = (const uint8_t *)piece.tiles + 2 * begin * piece.tile_bytes;
		if (piece.scale)
			piece.scale += 2 * begin * TILE;
		piece.outputs = piece.y_stride = 2 * pairs * TILE;
		piece.y = p->b->gate[thread];
		p->t->kernels->product(&piece, 0, 2 * pairs);
		size_t at = begin * TILE, n = ffn - at < pairs * TILE ? ffn - at : pairs * TILE;
		p->t->kernels->swiglu(piece.y, piece.y_stride, p->b->ffn + at, ffn, piece.rows, n);
	}
}

static void run_layer(struct pass *p, size_t index)
{
	const struct engine_transformer *t = p->t;
	const struct engine_layer *layer = &t->layers[index];
	struct engine_batch *b = p->b;
	size_t hidden = (size_t)t->shape.llm.hidden;

	p->layer = index;
	struct engine_matrix_product product = normed(p, layer->norm_attention);
	product.y = b->qkv;
	product.y_stride = qkv_width(&t->shape.llm);
	engine_matrix_multiply(&layer->qkv, t->kernels, t->pool, &b->quantized, &product);
	/* for a few rows, waking everybody once more costs more than it gives */
	p->finished = b->rows >= FINISH_ROWS_MIN;
	if (p->finished)
		engine_pool_for(t->pool, b->rows, 4, finish_rows, p);
	engine_pool_for(t->pool, p->segments * (size_t)t->shape.llm.kv_heads, 1, attend, p);
	multiply(p, &layer->output, b->attention, b->x, hidden, b->rows, true);

	product = normed(p, layer->norm_ffn);
	engine_matrix_prepare(&layer->gate_up, t->kernels, t->pool, &b->quantized, &product,
			      &p->product);
	size_t pairs = layer->gate_up.tiles / 2;
	engine_pool_for(t->pool, pairs,
			engine_matrix_grain(pairs, 2 * layer->gate_up.tile_bytes, t->pool), gate_up,
			p);
	multiply(p, &layer->down, b->ffn, b->x, hidden, b->rows, true);
}

void engine_transformer_run(const struct engine_transformer *t, struct engine_batch *b)
{
	struct pass pass = {.t = t, .b = b};

	if (b->rows == 0) /* whole prefixes were known, and nobody draws yet */
		return;
	if (t->card) {
		engine_card_run(t, b);
		return;
	}
	for (size_t r = 0; r < b->rows; r++)
		if (r == 0 || b->row[r].cache != b->row[r - 1].cache)
			b->segment[pass.segments++] = r;
	b->segment[pass.segments] = b->rows;
	for (size_t i = 0; i < (size_t)t->shape.llm.layers; i++)
		run_layer(&pass, i);
}

bool engine_transformer_failed(const struct engine_transformer *t, struct err *e)
{
	return t->card && engine_card_model_failed(t->card, e);
}

/* The normed states of the chosen rows, side by side in b->h. */
static void gather(struct pass *p, const size_t *rows, size_t n)
{
	size_t hidden = (size_t)p->t->shape.llm.hidden;
	for (size_t i = 0; i < n; i++)
		p->t->kernels->rms_norm(p->b->x + rows[i] * hidden, p->t->final_norm,
					p->t->shape.llm.norm_eps, p->b->h + i * hidden, hidden);
}

void engine_transformer_image_logits(const struct engine_transformer *t, struct engine_batch *b,
				     const size_t *rows, size_t n)
{
	struct pass pass = {.t = t, .b = b};
	const float *x = b->h;

	if (t->card) {
		engine_card_image_logits(t, b, rows, n);
		return;
	}
	gather(&pass, rows, n);
	if (t->head_in.data) {
		multiply(&pass, &t->head_in, b->h, b->between, t->head_in.outputs, n, false);
		t->kernels->gelu(b->between, n * t->head_in.outputs);
		x = b->between;
	}
	multiply(&pass, &t->head_out, x, b->logits, b->logits_stride, n, false);
}

void engine_transformer_text_logits(const struct engine_transformer *t, struct engine_batch *b,
				    const size_t *rows, size_t n)
{
	struct pass pass = {.t = t, .b = b};
	if (t->card) {
		engine_card_text_logits(t, b, rows, n);
		return;
	}
	gather(&pass, rows, n);
	multiply(&pass, &t->text_head, b->h, b->logits, b->logits_stride, n, false);
}

void engine_transformer_embed_text(const struct engine_transformer *t, const int32_t *ids, size_t n,
				   float *x)
{
	for (size_t i = 0; i < n; i++)
		engine_tensor_rows_f32(&t->text_embedding, ids[i], 1,
				       x + i * (size_t)t->shape.llm.hidden);
}

void engine_transformer_embed_image(const struct engine_transformer *t, struct engine_batch *b,
				    const int32_t *ids, const int32_t *place, size_t n, float *x)
{
	const struct engine_image_shape *s = &t->shape.image;
	size_t hidden = (size_t)t->shape.llm.hidden, width = (size_t)s->embed_dim;
	struct pass pass = {.t = t, .b = b};
	float *in = s->aligner_depth ? b->h : x, *other = b->between;

	if (t->card) {
		engine_card_embed_image(t, b, ids, place, n, x);
		return;
	}
	for (size_t i = 0; i < n; i++)
		engine_tensor_rows_f32(&t->image_embedding, ids[i] + s->vocab_base, 1,
				       in + i * width);
	for (int i = 0; i < s->aligner_depth; i++) {
		bool last = i + 1 == s->aligner_depth;
		float *out = last ? x : other;
		multiply(&pass, &t->aligner[i], in, out, hidden, n, false);
		if (!last)
			t->kernels->gelu(out, n * hidden);
		other = in;
		in = out;
	}
	if (!t->image_positions)
		return;
	for (size_t i = 0; i < n; i++) {
		const float *at = t->image_positions + (size_t)place[i] * hidden;
		for (size_t k = 0; k < hidden; k++)
			x[i * hidden + k] += at[k];
	}
}

void engine_transformer_embed_class(const struct engine_transformer *t, int32_t class, float *x)
{
	int32_t row = class < 0 || class > t->shape.classes ? t->shape.classes : class;
	engine_tensor_rows_f32(&t->class_embedding, row, 1, x);
}

void engine_transformer_embed_caption(const struct engine_transformer *t, struct engine_batch *b,
				      const float *caption, float *x)
{
	struct pass pass = {.t = t, .b = b};
	size_t prefix = (size_t)t->shape.prefix, hidden = (size_t)t->shape.llm.hidden;
	const float *in = caption ? caption : t->caption_empty;

	multiply(&pass, &t->caption_in, in, b->between, hidden, prefix, false);
	t->kernels->gelu_tanh(b->between, prefix * hidden);
	multiply(&pass, &t->caption_out, b->between, x, hidden, prefix, false);
}
