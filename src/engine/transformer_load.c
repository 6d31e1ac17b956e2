/* Loading the transformer: from a checkpoint's tensors, or random for measuring.
 *
 * Owns the choice of how each matrix lies in memory and the fusing of q|k|v and gate|up. Runs once, on the
 * thread that opens the model; the pool's threads convert rows. On failure everything is freed and the
 * error names the tensor. */
#include "engine/transformer.h"

#include "engine/cuda/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TILE KERNEL_TILE_ROWS
/* Products of so few terms (picture embeddings are 8 wide) gain nothing from fewer bits. */
#define NARROW 64
/* Positions the RoPE table holds at most; sequences are limited by it too. */
#define ROPE_POSITIONS_MAX 16384

struct loader {
	struct engine_transformer *t;
	const struct engine_weights *file; /* NULL: random */
	enum engine_weights_as as;
	uint64_t random;
	bool check;
	struct engine_slab slab;
	struct err *e;
};

/* Which output row of the matrix row i of the tensor becomes. */
struct place {
	size_t base;
	bool alternate; /* tiles of 16 take turns with another tensor's */
};

static size_t output_row(const struct place *place, size_t i)
{
	return place->alternate ? i / TILE * 2 * TILE + i % TILE + place->base : place->base + i;
}

struct fill_job {
	struct engine_matrix *m;
	const struct engine_tensor *tensor;
	size_t first; /* row of the tensor */
	struct place place;
	float *rows; /* one for each thread */
};

static void fill_rows(void *context, size_t begin, size_t end, int thread)
{
	struct fill_job *job = context;
	const struct engine_tensor *t = job->tensor;
	float *row = job->rows + (size_t)thread * job->m->k;

	for (size_t i = begin; i < end; i++) {
		size_t output = output_row(&job->place, i), source = job->first + i;
		if (t->dtype == ENGINE_I8 && t->scale && job->m->weights == KERNEL_INT8) {
			float scale;
			memcpy(&scale, (const char *)t->scale + source * sizeof(scale),
			       sizeof(scale));
			engine_matrix_set_row_int8(
			    job->m, output, (const int8_t *)t->data + source * job->m->k, scale);
			continue;
		}
		if (t->dtype == ENGINE_I4 && job->m->weights == KERNEL_INT4) {
			engine_matrix_set_row_int4(
			    job->m, output,
			    (const uint8_t *)t->data + source * engine_tensor_row_bytes(t),
			    (const uint8_t *)t->scale + source * engine_tensor_scale_bytes(t));
			continue;
		}
		engine_tensor_rows_f32(t, (int64_t)source, 1, row);
		engine_matrix_set_row(job->m, output, row);
	}
}

static float random_weight(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return ((float)(*state >> 40) / 8388608.0f - 1.0f) * 0.03f;
}

static bool matrix(struct loader *l, struct engine_matrix *m, enum kernel_weights weights,
		   size_t outputs, size_t k, bool bias)
{
	if (l->check)
		*m = (struct engine_matrix){.weights = weights, .outputs = outputs, .k = k};
	else if (!engine_matrix_init(m,
				     &(struct engine_matrix_options){.weights = weights,
								     .outputs = outputs,
								     .k = k,
								     .bias = bias,
								     .slab = &l->slab},
				     l->e))
		return false;
	l->t->bytes += m->bytes;
	return true;
}

/* A matrix's rows from one tensor: `count` of them from its row `first` on. */
static bool fill(struct loader *l, struct engine_matrix *m, struct engine_want want, size_t first,
		 size_t count, struct place place)
{
	struct engine_tensor tensor;
	if (l->check) {
		l->t->parameters += count * m->k;
		return engine_weights_get(l->file, want, &tensor, l->e);
	}
	size_t threads = (size_t)engine_pool_threads(l->t->pool);
	float *rows = malloc(threads * m->k * sizeof(*rows));

	if (!rows)
		return err_set(l->e, ERR_NO_MEMORY, "no memory for a row of weights");
	l->t->parameters += count * m->k;
	if (!l->file) {
		for (size_t i = 0; i < TILE && i < m->outputs; i++) {
			for (size_t k = 0; k < m->k; k++)
				rows[k] = random_weight(&l->random);
			engine_matrix_set_row(m, i, rows);
		}
		engine_matrix_repeat(m);
		free(rows);
		return true;
	}
	if (!engine_weights_get(l->file, want, &tensor, l->e) ||
	    !engine_tensor_check_finite(&tensor, l->e)) {
		free(rows);
		return false;
	}
	struct fill_job job = {m, &tensor, first, place, rows};
	engine_pool_for(l->t->pool, count, TILE, fill_rows, &job);
	engine_weights_release(l->file, &tensor);
	free(rows);
	return true;
}

static enum kernel_weights weights_for(const struct loader *l, struct engine_want want, size_t k)
{
	struct engine_tensor tensor;
	struct err ignored;

	if (k < NARROW)
		return KERNEL_F32;
	switch (l->as) {
	case ENGINE_AS_F32:
		return KERNEL_F32;
	case ENGINE_AS_BF16:
		return KERNEL_BF16;
	case ENGINE_AS_INT8:
		return KERNEL_INT8;
	case ENGINE_AS_INT4:
		return KERNEL_INT4;
	case ENGINE_AS_FILE:
		break;
	}
	/* a tensor that is not there is reported by fill() */
	if (!l->file || !engine_weights_get(l->file, want, &tensor, &ignored))
		return KERNEL_F32;
	return tensor.dtype == ENGINE_I8     ? KERNEL_INT8
	       : tensor.dtype == ENGINE_I4   ? KERNEL_INT4
	       : tensor.dtype == ENGINE_BF16 ? KERNEL_BF16
					     : KERNEL_F32;
}

static bool bias(struct loader *l, struct engine_matrix *m, struct engine_want want, size_t count,
		 size_t base)
{
	if (!l->file)
		return true;
	float *values = malloc(count * sizeof(*values));
	if (!values)
		return err_set(l->e, ERR_NO_MEMORY, "no memory for a bias");
	want.bias = true;
	want.shape[0] = (int64_t)count;
	want.shape[1] = 0;
	bool ok = engine_weights_load(l->file, want, values, l->e);
	for (size_t i = 0; ok && !l->check && i < count; i++)
		engine_matrix_set_bias(m, base + i, values[i]);
	free(values);
	return ok;
}

/* The family's image aligner and head have biases: one that is missing is a broken file. */
static bool needs_bias(const struct loader *l, enum engine_tensor_id id)
{
	const struct engine_shape *s = &l->t->shape;
	return l->file && s->family != ENGINE_FAMILY_LLAMAGEN && !s->image.unified &&
	       (id == T_IMAGE_ALIGN || id == T_IMAGE_HEAD_IN || id == T_IMAGE_HEAD_OUT);
}

/* A Linear of its own; takes its bias along where the file has one. */
static bool linear(struct loader *l, struct engine_matrix *m, struct engine_want want)
{
	size_t outputs = (size_t)want.shape[0], k = (size_t)want.shape[1];
	struct engine_want wanted_bias = want;
	wanted_bias.bias = true;
	bool has_bias =
	    needs_bias(l, want.id) || (l->file && engine_weights_has(l->file, wanted_bias));

	if (!matrix(l, m, weights_for(l, want, k), outputs, k, has_bias) ||
	    !fill(l, m, want, 0, outputs, (struct place){0}))
		return false;
	return !has_bias || bias(l, m, want, outputs, 0);
}

static float *vector(struct loader *l, struct engine_want want)
{
	size_t count = (size_t)want.shape[0] * (size_t)(want.shape[1] ? want.shape[1] : 1);
	float *values = malloc(count * sizeof(*values));
	if (!values) {
		err_set(l->e, ERR_NO_MEMORY, "no memory for %zu weights", count);
		return NULL;
	}
	l->t->parameters += count;
	l->t->bytes += count * sizeof(*values);
	for (size_t i = 0; !l->file && i < count; i++)
		values[i] = 1.0f + random_weight(&l->random);
	if (l->file && !engine_weights_load(l->file, want, values, l->e)) {
		free(values);
		return NULL;
	}
	return values;
}

static bool load_qkv(struct loader *l, struct engine_layer *layer, int i)
{
	const struct engine_llm_shape *s = &l->t->shape.llm;
	int64_t hidden = s->hidden, q = (int64_t)s->heads * s->head_dim;
	int64_t kv = (int64_t)s->kv_heads * s->head_dim;
	struct engine_want wants[3] = {
	    {T_LAYER_Q, .i = i, .shape = {q, hidden}},
	    {T_LAYER_K, .i = i, .shape = {kv, hidden}},
	    {T_LAYER_V, .i = i, .shape = {kv, hidden}},
	};
	size_t base = 0;

	if (!matrix(l, &layer->qkv, weights_for(l, wants[0], (size_t)hidden), (size_t)(q + 2 * kv),
		    (size_t)hidden, s->qkv_bias))
		return false;
	for (int part = 0; part < 3; part++) {
		size_t count = (size_t)wants[part].shape[0];
		if (!fill(l, &layer->qkv, wants[part], 0, count, (struct place){.base = base}))
			return false;
		if (s->qkv_bias && !bias(l, &layer->qkv, wants[part], count, base))
			return false;
		base += count;
	}
	return true;
}

static bool load_gate_up(struct loader *l, struct engine_layer *layer, int i)
{
	const struct engine_llm_shape *s = &l->t->shape.llm;
	size_t tiles = ((size_t)s->ffn + TILE - 1) / TILE;
	struct engine_want gate = {T_LAYER_GATE, .i = i, .shape = {s->ffn, s->hidden}};
	struct engine_want up = {T_LAYER_UP, .i = i, .shape = {s->ffn, s->hidden}};

	if (!matrix(l, &layer->gate_up, weights_for(l, gate, (size_t)s->hidden), 2 * tiles * TILE,
		    (size_t)s->hidden, false))
		return false;
	return fill(l, &layer->gate_up, gate, 0, (size_t)s->ffn, (struct place){0, true}) &&
	       fill(l, &layer->gate_up, up, 0, (size_t)s->ffn, (struct place){TILE, true});
}

static bool load_layer(struct loader *l, int i)
{
	const struct engine_llm_shape *s = &l->t->shape.llm;
	struct engine_layer *layer = &l->t->layers[i];
	struct engine_want norm = {T_LAYER_NORM_ATTN, .i = i, .shape = {s->hidden}};

	layer->norm_attention = vector(l, norm);
	norm.id = T_LAYER_NORM_FFN;
	layer->norm_ffn = vector(l, norm);
	if (!layer->norm_attention || !layer->norm_ffn)
		return false;
	if (s->qk_norm) {
		norm = (struct engine_want){T_LAYER_Q_NORM, .i = i, .shape = {s->head_dim}};
		layer->norm_q = vector(l, norm);
		norm.id = T_LAYER_K_NORM;
		layer->norm_k = vector(l, norm);
		if (!layer->norm_q || !layer->norm_k)
			return false;
	}
	return load_qkv(l, layer, i) && load_gate_up(l, layer, i) &&
	       linear(
		   l, &layer->output,
		   (struct engine_want){T_LAYER_O, .i = i,
					.shape = {s->hidden, (int64_t)s->heads * s->head_dim}}) &&
	       linear(l, &layer->down,
		      (struct engine_want){T_LAYER_DOWN, .i = i, .shape = {s->hidden, s->ffn}});
}

/* Picture tokens can be embedded without a file too; text is not measured. */
static bool random_embedding(struct loader *l, struct engine_tensor *out, struct engine_want want)
{
	size_t count = (size_t)want.shape[0] * (size_t)want.shape[1];
	l->t->random_embedding = malloc(count * sizeof(float));
	if (!l->t->random_embedding)
		return err_set(l->e, ERR_NO_MEMORY, "no memory for an embedding");
	for (size_t i = 0; i < count; i++)
		l->t->random_embedding[i] = random_weight(&l->random);
	*out = (struct engine_tensor){.dtype = ENGINE_F32,
				      .ndim = 2,
				      .shape = {want.shape[0], want.shape[1], 1, 1, 1, 1},
				      .data = l->t->random_embedding,
				      .bytes = count * sizeof(float)};
	return true;
}

static bool embedding(struct loader *l, struct engine_tensor *out, struct engine_want want)
{
	l->t->parameters += (uint64_t)want.shape[0] * (uint64_t)want.shape[1];
	if (!l->file)
		return want.id != T_IMAGE_EMBED || random_embedding(l, out, want);
	if (!engine_weights_get(l->file, want, out, l->e) ||
	    (!l->check && !engine_tensor_check_finite(out, l->e)))
		return false;
	engine_weights_release(l->file, out); /* single rows are read later */
	return true;
}

static bool load_text_head(struct loader *l)
{
	const struct engine_llm_shape *s = &l->t->shape.llm;
	struct engine_want want = {s->tied ? T_TEXT_EMBED : T_TEXT_HEAD,
				   .shape = {s->vocab, s->hidden}};
	if (!s->has_text_head)
		return err_set(l->e, ERR_UNSUPPORTED, "this model does not write text");
	return linear(l, &l->t->text_head, want);
}

static bool load_text(struct loader *l, bool head)
{
	const struct engine_llm_shape *s = &l->t->shape.llm;
	struct engine_want want = {T_TEXT_EMBED, .shape = {s->vocab, s->hidden}};

	if (s->vocab == 0)
		return true;
	return embedding(l, &l->t->text_embedding, want) &&
	       (!head || !s->has_text_head || load_text_head(l));
}

/* One vocabulary for both: picture tokens are a run of rows of the text tables. */
static bool load_image_unified(struct loader *l)
{
	struct engine_transformer *t = l->t;
	const struct engine_llm_shape *s = &t->shape.llm;
	size_t hidden = (size_t)s->hidden, count = (size_t)t->shape.image.vocab;
	struct engine_want want = {s->tied ? T_TEXT_EMBED : T_TEXT_HEAD,
				   .shape = {s->vocab, s->hidden}};

	t->image_embedding = t->text_embedding;
	if (!matrix(l, &t->head_out, weights_for(l, want, hidden), count, hidden, false))
		return false;
	return fill(l, &t->head_out, want, (size_t)t->shape.image.vocab_base, count,
		    (struct place){0});
}

static bool load_image(struct loader *l)
{
	struct engine_transformer *t = l->t;
	const struct engine_image_shape *s = &t->shape.image;
	int64_t hidden = t->shape.llm.hidden, in = s->embed_dim;

	if (s->unified)
		return load_image_unified(l);
	if (!embedding(l, &t->image_embedding,
		       (struct engine_want){T_IMAGE_EMBED, .shape = {s->vocab, in}}))
		return false;
	for (int i = 0; i < s->aligner_depth; i++, in = hidden)
		if (!linear(l, &t->aligner[i],
			    (struct engine_want){T_IMAGE_ALIGN, .i = i, .shape = {hidden, in}}))
			return false;
	if (s->position_embeddings) {
		t->image_positions = vector(
		    l, (struct engine_want){T_IMAGE_POSITIONS, .shape = {s->tokens, hidden}});
		if (!t->image_positions)
			return false;
	}
	if (s->head_hidden &&
	    !linear(l, &t->head_in,
		    (struct engine_want){T_IMAGE_HEAD_IN, .shape = {s->head_hidden, hidden}}))
		return false;
	return linear(
	    l, &t->head_out,
	    (struct engine_want){T_IMAGE_HEAD_OUT,
				 .shape = {s->vocab, s->head_hidden ? s->head_hidden : hidden}});
}

static bool load_condition(struct loader *l)
{
	struct engine_transformer *t = l->t;
	const struct engine_shape *s = &t->shape;
	int64_t hidden = s->llm.hidden;

	if (s->condition == ENGINE_CONDITION_CLASS)
		return embedding(
		    l, &t->class_embedding,
		    (struct engine_want){T_CLASS_EMBED, .shape = {s->classes + 1, hidden}});
	if (s->condition != ENGINE_CONDITION_CAPTION)
		return true;
	/* The file may have more empty positions than the model uses. */
	struct engine_tensor empty;
	if (!linear(l, &t->caption_in,
		    (struct engine_want){T_CAPTION_IN, .shape = {hidden, s->caption_dim}}) ||
	    !linear(l, &t->caption_out,
		    (struct engine_want){T_CAPTION_OUT, .shape = {hidden, hidden}}) ||
	    !engine_weights_get(l->file, (struct engine_want){.id = T_CAPTION_EMPTY}, &empty,
				l->e) ||
	    !engine_tensor_check_finite(&empty, l->e))
		return false;
	if (empty.shape[0] < s->prefix || engine_tensor_row_size(&empty) != s->caption_dim)
		return err_set(l->e, ERR_INVALID, "%s: not %d rows of %d", empty.name, s->prefix,
			       s->caption_dim);
	t->caption_empty =
	    malloc((size_t)s->prefix * (size_t)s->caption_dim * sizeof(*t->caption_empty));
	if (!t->caption_empty)
		return err_set(l->e, ERR_NO_MEMORY, "no memory for the empty caption");
	engine_tensor_rows_f32(&empty, 0, s->prefix, t->caption_empty);
	return true;
}

/* Rows of (cos, sin). GRID: zeros for the conditioning positions (their q and k vanish, which is how the
 * checkpoints were trained), then row and column of the token's place. */
static bool make_rope(struct loader *l)
{
	struct engine_transformer *t = l->t;
	const struct engine_llm_shape *s = &t->shape.llm;
	size_t half = (size_t)s->head_dim / 2;
	bool grid = s->rope == ENGINE_ROPE_GRID;
	size_t positions =
	    grid ? (size_t)(t->shape.prefix + t->shape.image.tokens) : (size_t)s->positions_max;

	if (positions > ROPE_POSITIONS_MAX)
		positions = ROPE_POSITIONS_MAX;
	t->positions_max = positions;
	t->rope_cos = calloc(positions * half, sizeof(float));
	t->rope_sin = calloc(positions * half, sizeof(float));
	if (!t->rope_cos || !t->rope_sin)
		return err_set(l->e, ERR_NO_MEMORY, "no memory for %zu positions", positions);
	t->bytes += 2 * positions * half * sizeof(float);
	for (size_t p = grid ? (size_t)t->shape.prefix : 0; p < positions; p++)
		for (size_t i = 0; i < half; i++) {
			double turn = (double)p;
			size_t j = i, pairs = half;
			if (grid) {
				size_t at = p - (size_t)t->shape.prefix;
				size_t side = (size_t)t->shape.image.grid;
				pairs = half / 2;
				turn = (double)(i < pairs ? at / side : at % side);
				j = i % pairs;
			}
			double angle = turn * pow(s->rope_theta, -(double)j / (double)pairs);
			t->rope_cos[p * half + i] = (float)cos(angle);
			t->rope_sin[p * half + i] = (float)sin(angle);
		}
	return true;
}

static bool load(struct loader *l, const struct engine_transformer_options *options)
{
	struct engine_transformer *t = l->t;
	const struct engine_llm_shape *s = &t->shape.llm;

	t->kernels = options->kernels;
	t->pool = options->pool;
	t->attention_scale = 1.0f / sqrtf((float)s->head_dim);
	t->layers = calloc((size_t)s->layers, sizeof(*t->layers));
	if (!t->layers)
		return err_set(l->e, ERR_NO_MEMORY, "no memory for %d layers", s->layers);
	if (!make_rope(l))
		return false;
	for (int i = 0; i < s->layers; i++)
		if (!load_layer(l, i))
			return false;
	t->final_norm = vector(l, (struct engine_want){T_FINAL_NORM, .shape = {s->hidden}});
	t->weights = t->layers[0].qkv.weights;
	t->cache_int8 = t->weights == KERNEL_INT8 || t->weights == KERNEL_INT4;
	return t->final_norm && load_text(l, options->text_head) && load_image(l) &&
	       load_condition(l);
}

bool engine_transformer_init(struct engine_transformer *t, const struct engine_shape *shape,
			     const struct engine_weights *file,
			     const struct engine_transformer_options *options, struct err *e)
{
	struct loader l = {
	    .t = t, .file = file, .as = options->as, .random = 1, .check = options->check, .e = e};
	*t = (struct engine_transformer){.shape = *shape};
	bool ok = load(&l, options);
	engine_slab_close(&l.slab);
	if (ok && (!options->card || (t->card = engine_card_model_create(options->card, t, e))))
		return true;
	engine_transformer_finish(t);
	return false;
}

bool engine_transformer_load_text_head(struct engine_transformer *t,
				       const struct engine_weights *file, enum engine_weights_as as,
				       struct err *e)
{
	struct loader l = {.t = t, .file = file, .as = as, .e = e};
	if (t->text_head.outputs)
		return true;
	bool ok = load_text_head(&l);
	engine_slab_close(&l.slab);
	if (ok && (!t->card || engine_card_model_add_text_head(t->card, t, e)))
		return true;
	engine_matrix_finish(&t->text_head);
	return false;
}

void engine_transformer_finish(struct engine_transformer *t)
{
	engine_card_model_destroy(t->card);
	for (int i = 0; t->layers && i < t->shape.llm.layers; i++) {
		struct engine_layer *layer = &t->layers[i];
		free(layer->norm_attention);
		free(layer->norm_ffn);
		free(layer->norm_q);
		free(layer->norm_k);
		engine_matrix_finish(&layer->qkv);
		engine_matrix_finish(&layer->output);
		engine_matrix_finish(&layer->gate_up);
		engine_matrix_finish(&layer->down);
	}
	free(t->layers);
	free(t->final_norm);
	free(t->rope_cos);
	free(t->rope_sin);
	free(t->image_positions);
	free(t->caption_empty);
	free(t->random_embedding);
	engine_matrix_finish(&t->text_head);
	for (int i = 0; i < ENGINE_ALIGNER_MAX; i++)
		engine_matrix_finish(&t->aligner[i]);
	engine_matrix_finish(&t->head_in);
	engine_matrix_finish(&t->head_out);
	engine_matrix_finish(&t->caption_in);
	engine_matrix_finish(&t->caption_out);
	*t = (struct engine_transformer){0};
}
