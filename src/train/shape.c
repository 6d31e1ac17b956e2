/* The shape of the trained model and the layout of its parameters. Pure functions, any thread. Must
 * stay true: a saved training state depends on the order of train_shape_complete(). */
#include "train/shape.h"

#include "base/file.h"
#include "json/read.h"
#include "train/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_BYTES_MAX (1 << 20)

static size_t take(size_t *at, size_t rows, size_t columns)
{
	size_t offset = *at;
	*at += (rows * columns + 15) / 16 * 16;
	return offset;
}

static bool check(const struct train_shape *s, struct err *e)
{
	const int *n[] = {&s->d,     &s->f,     &s->layers, &s->heads,       &s->head_dim,
			  &s->vocab, &s->codes, &s->embed,  &s->grid_tokens, &s->positions};
	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++)
		if (*n[i] < 1 || *n[i] > 1 << 20)
			return err_set(
			    e, ERR_INVALID,
			    "config.json: a size is missing or out of range (number %zu)", i);
	if (s->d % 32 || s->f % 32 || s->head_dim % 32)
		return err_set(
		    e, ERR_INVALID,
		    "hidden_size, intermediate_size and the heads' width must be multiples of 32");
	if (s->heads * s->head_dim != s->d)
		return err_set(e, ERR_INVALID, "hidden_size is not heads times their width");
	if (s->layers > TRAIN_LAYERS_MAX || s->d > 8192 || s->f > 32768 || s->embed > 1024)
		return err_set(e, ERR_UNSUPPORTED, "the model is larger than the trainer takes");
	if (s->codes > 65536 || s->vocab > 65536)
		return err_set(e, ERR_UNSUPPORTED, "more than 65,536 tokens do not fit a shard");
	long product = 1;
	for (int i = 0; i < s->level_count; i++)
		product *=
		    s->levels[i] > 1 && s->levels[i] < 4096 && product <= 65536 ? s->levels[i] : 0;
	if (s->level_count && product != s->codes)
		return err_set(e, ERR_INVALID, "fsq_levels do not multiply to num_embeddings");
	return true;
}

bool train_shape_complete(struct train_shape *s, struct err *e)
{
	if (!check(s, e))
		return false;
	size_t at = 0, d = (size_t)s->d, f = (size_t)s->f;
	s->embed_tokens = take(&at, (size_t)s->vocab, d);
	s->generation_embeddings = take(&at, (size_t)s->codes, (size_t)s->embed);
	s->fc1_w = take(&at, d, (size_t)s->embed);
	s->fc1_b = take(&at, d, 1);
	s->hidden_w = take(&at, d, d);
	s->hidden_b = take(&at, d, 1);
	s->place = take(&at, (size_t)s->grid_tokens, d);
	for (int i = 0; i < s->layers; i++) {
		struct train_layer *l = &s->layer[i];
		l->norm1 = take(&at, d, 1);
		l->qkv = take(&at, 3 * d, d);
		l->o = take(&at, d, d);
		l->norm2 = take(&at, d, 1);
		l->gate_up = take(&at, 2 * f, d);
		l->down = take(&at, d, f);
	}
	s->norm = take(&at, d, 1);
	s->proj_w = take(&at, d, d);
	s->proj_b = take(&at, d, 1);
	s->head_w = take(&at, (size_t)s->codes, d);
	s->head_b = take(&at, (size_t)s->codes, 1);
	s->count = at;
	return true;
}

static int number(const struct json_value *v, const char *name, int otherwise)
{
	int64_t n = json_get_int(v, name, otherwise);
	return n < 0 || n > 1 << 24 ? 0 : (int)n;
}

bool train_shape_read(struct train_shape *s, const char *path, struct err *e)
{
	struct arena *a = arena_create(16 << 20);
	struct file_bytes bytes;
	const struct json_value *root;
	bool ok = false;
	memset(s, 0, sizeof(*s));
	if (!file_read(a, path, CONFIG_BYTES_MAX, &bytes, e) ||
	    !json_parse(a, bytes.data, bytes.length, NULL, &root, e))
		goto out;
	const struct json_value *t = json_get(root, "text_config"),
				*v = json_get(root, "vq_config");
	s->d = number(t, "hidden_size", 0);
	s->f = number(t, "intermediate_size", 0);
	s->layers = number(t, "num_hidden_layers", 0);
	s->heads = number(t, "num_attention_heads", 0);
	s->head_dim = number(t, "head_dim", s->heads ? s->d / s->heads : 0);
	s->vocab = number(t, "vocab_size", 0);
	s->positions = number(t, "max_position_embeddings", 1024);
	s->eps = (float)json_get_number(t, "rms_norm_eps", 1e-6);
	s->theta = (float)json_get_number(t, "rope_theta", 10000);
	s->codes = number(v, "num_embeddings", 0);
	s->embed = number(v, "embed_dim", 8);
	int grid = number(v, "grid", 0);
	s->grid_tokens = grid < 1024 ? grid * grid : 0;
	const struct json_value *levels = json_get(v, "fsq_levels");
	if (levels && levels->kind == JSON_KIND_ARRAY)
		for (size_t i = 0; i < levels->length && i < TRAIN_LEVELS_MAX; i++)
			s->levels[s->level_count++] = levels->items[i].kind == JSON_KIND_INT
							  ? (int)levels->items[i].integer
							  : 0;
	if (number(t, "num_key_value_heads", s->heads) != s->heads) {
		err_set(e, ERR_UNSUPPORTED, "%s: grouped key/value heads cannot be trained", path);
		goto out;
	}
	ok = train_shape_complete(s, e) || err_context(e, "%s", path);
out:
	arena_destroy(a);
	return ok;
}

struct list {
	struct train_param *items;
	size_t count;
};

static void add(struct list *l, const char *name, size_t offset, int rows, int columns,
		enum train_param_kind kind)
{
	struct train_param *p = &l->items[l->count++];
	snprintf(p->name, sizeof(p->name), "model.%s", name);
	*p = (struct train_param){.offset = offset, .rows = rows, .columns = columns, .kind = kind};
	snprintf(p->name, sizeof(p->name), "model.%s", name);
}

static void add_layer(struct list *l, const struct train_shape *s, int i)
{
	const struct train_layer *y = &s->layer[i];
	size_t d = (size_t)s->d, f = (size_t)s->f;
	const struct {
		const char *name;
		size_t offset;
		int rows, columns;
		enum train_param_kind kind;
	} rows[] = {
	    {"input_layernorm.weight", y->norm1, s->d, 1, TRAIN_PARAM_VECTOR},
	    {"self_attn.q_proj.weight", y->qkv, s->d, s->d, TRAIN_PARAM_MATRIX},
	    {"self_attn.k_proj.weight", y->qkv + d * d, s->d, s->d, TRAIN_PARAM_MATRIX},
	    {"self_attn.v_proj.weight", y->qkv + 2 * d * d, s->d, s->d, TRAIN_PARAM_MATRIX},
	    {"self_attn.o_proj.weight", y->o, s->d, s->d, TRAIN_PARAM_MATRIX},
	    {"post_attention_layernorm.weight", y->norm2, s->d, 1, TRAIN_PARAM_VECTOR},
	    {"mlp.gate_proj.weight", y->gate_up, s->f, s->d, TRAIN_PARAM_MATRIX},
	    {"mlp.up_proj.weight", y->gate_up + f * d, s->f, s->d, TRAIN_PARAM_MATRIX},
	    {"mlp.down_proj.weight", y->down, s->d, s->f, TRAIN_PARAM_MATRIX},
	};
	for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++) {
		char name[100];
		snprintf(name, sizeof(name), "language_model.layers.%d.%s", i, rows[j].name);
		add(l, name, rows[j].offset, rows[j].rows, rows[j].columns, rows[j].kind);
	}
}

struct train_param *train_shape_params(struct arena *a, const struct train_shape *s, size_t *count)
{
	struct list l = {arena_alloc(a, (13 + 9 * (size_t)s->layers) * sizeof(struct train_param)),
			 0};
	const enum train_param_kind table = TRAIN_PARAM_TABLE, vector = TRAIN_PARAM_VECTOR;
	add(&l, "language_model.embed_tokens.weight", s->embed_tokens, s->vocab, s->d, table);
	add(&l, "generation_embeddings.weight", s->generation_embeddings, s->codes, s->embed,
	    table);
	add(&l, "generation_aligner.fc1.weight", s->fc1_w, s->d, s->embed, table);
	add(&l, "generation_aligner.fc1.bias", s->fc1_b, s->d, 1, vector);
	add(&l, "generation_aligner.hidden_layers.0.weight", s->hidden_w, s->d, s->d, table);
	add(&l, "generation_aligner.hidden_layers.0.bias", s->hidden_b, s->d, 1, vector);
	add(&l, "image_position_embeddings.weight", s->place, s->grid_tokens, s->d, table);
	for (int i = 0; i < s->layers; i++)
		add_layer(&l, s, i);
	add(&l, "language_model.norm.weight", s->norm, s->d, 1, vector);
	add(&l, "generation_head.proj_out.weight", s->proj_w, s->d, s->d, table);
	add(&l, "generation_head.proj_out.bias", s->proj_b, s->d, 1, vector);
	add(&l, "generation_head.vision_head.weight", s->head_w, s->codes, s->d, table);
	add(&l, "generation_head.vision_head.bias", s->head_b, s->codes, 1, vector);
	*count = l.count;
	return l.items;
}

static bool ends(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);
	return n >= m && strcmp(s + n - m, end) == 0;
}

static float deviation(const struct train_shape *s, const char *name)
{
	if (ends(name, "o_proj.weight") || ends(name, "down_proj.weight"))
		return .02f / sqrtf(2.f * (float)s->layers);
	if (ends(name, "generation_embeddings.weight"))
		return 1.f;
	return ends(name, "fc1.weight") ? .4f : .02f;
}

void train_shape_init(const struct train_shape *s, const struct train_param *p, size_t count,
		      uint64_t seed, float *w)
{
	memset(w, 0, s->count * sizeof(float));
	for (size_t i = 0; i < count; i++) {
		struct train_random r = train_random_at(seed, 0x1417, i);
		float *to = w + p[i].offset;
		size_t n = (size_t)p[i].rows * (size_t)p[i].columns;
		if (p[i].kind != TRAIN_PARAM_VECTOR) {
			float deviates = deviation(s, p[i].name);
			for (size_t j = 0; j < n; j++)
				to[j] = deviates * train_random_normal(&r);
		} else if (ends(p[i].name, "norm.weight")) {
			for (size_t j = 0; j < n; j++)
				to[j] = 1;
		}
	}
	/* The digits of a code are known: its embedding starts from them. */
	for (int id = 0; id < s->codes; id++)
		for (int j = 0, base = 1; j < s->level_count && j < s->embed;
		     base *= s->levels[j++])
			w[s->generation_embeddings + (size_t)id * (size_t)s->embed + (size_t)j] =
			    2.f * (float)(id / base % s->levels[j]) / (float)(s->levels[j] - 1) -
			    1.f;
}
