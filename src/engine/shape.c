/* Completes a shape: config.json's numbers first (shape_config.c), what is missing from the tensors'
 * own shapes, what still is missing from the published defaults; then checks that all of it fits.
 * Owns nothing; any thread. What must stay true: after check() no product of the shape's numbers that
 * the engine forms overflows 64 bits, and every division it does has no rest. */
#include "engine/shape.h"

#include "base/arena.h"
#include "base/file.h"
#include "engine/jsonfile.h"
#include "engine/names.h"
#include "engine/shape_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_BYTES_MAX (1 << 20)
#define TOKENS_MAX       65536
#define PIXELS_MAX       4096

const char *engine_family_name(enum engine_family family)
{
	static const char *const NAMES[] = {"janus", "madang", "llamagen"};
	return NAMES[family];
}

static bool has(const struct engine_weights *w, struct engine_want want)
{
	return w && engine_weights_has(w, want);
}

/* Dimension d of a weight; 0 where it is not there or does not fit in an int. */
static int dim(const struct engine_weights *w, struct engine_want want, int d)
{
	struct engine_tensor t;
	struct err ignored; /* a bad tensor is reported when it is loaded */
	if (!w || !engine_weights_get(w, want, &t, &ignored) || d >= t.ndim)
		return 0;
	return t.shape[d] > 0 && t.shape[d] <= INT32_MAX ? (int)t.shape[d] : 0;
}

/* How many of want.i = 0, 1, … are there. */
static int count_i(const struct engine_weights *w, struct engine_want want, int max)
{
	int n = 0;
	for (; n < max; n++) {
		want.i = n;
		if (!has(w, want))
			break;
	}
	return n;
}

static int count_j(const struct engine_weights *w, struct engine_want want, int max)
{
	int n = 0;
	for (; n < max; n++) {
		want.j = n;
		if (!has(w, want))
			break;
	}
	return n;
}

/* Takes the first that is known. */
static void fill(int *value, int inferred, int fallback)
{
	if (*value == 0)
		*value = inferred ? inferred : fallback;
}

/* LlamaGen's published shapes: heads of 64 up to width 2560, 32 heads above. */
static int llamagen_heads(int hidden)
{
	return hidden <= 2560 ? hidden / 64 : 32;
}

static void complete_llm(const struct engine_weights *w, struct engine_shape *s)
{
	struct engine_llm_shape *l = &s->llm;
	bool llamagen = s->family == ENGINE_FAMILY_LLAMAGEN;
	fill(&l->hidden, dim(w, ENGINE_WANT(T_FINAL_NORM), 0), 4096);
	fill(&l->ffn, dim(w, ENGINE_WANT(T_LAYER_GATE), 0), 11008);
	fill(&l->layers, count_i(w, ENGINE_WANT(T_LAYER_NORM_ATTN), ENGINE_LAYERS_MAX + 1), 32);
	fill(&l->heads, llamagen ? llamagen_heads(l->hidden) : 0, 32);
	fill(&l->head_dim, l->hidden % l->heads ? 0 : l->hidden / l->heads, 0);
	if (l->head_dim > 0)
		fill(&l->kv_heads, dim(w, ENGINE_WANT(T_LAYER_K), 0) / l->head_dim, l->heads);
	fill(&l->vocab, dim(w, ENGINE_WANT(T_TEXT_EMBED), 0), 0);
	fill(&l->positions_max, 0, llamagen ? s->prefix + s->image.tokens : 2048);
	if (l->norm_eps == 0)
		l->norm_eps = llamagen ? 1e-5f : 1e-6f;
	if (l->rope_theta == 0)
		l->rope_theta = 10000;
	l->rope = llamagen ? ENGINE_ROPE_GRID : ENGINE_ROPE_HALF;
	l->qkv_bias = has(w, ENGINE_WANT(T_LAYER_Q, .bias = true));
	l->qk_norm = has(w, ENGINE_WANT(T_LAYER_Q_NORM));
	l->has_text_head = l->vocab && (l->tied || has(w, ENGINE_WANT(T_TEXT_HEAD)));
}

static int square_root(int n)
{
	int r = 0;
	while (r <= ENGINE_GRID_MAX && r * r < n)
		r++;
	return r * r == n ? r : 0;
}

static void complete_image(const struct engine_weights *w, struct engine_shape *s)
{
	struct engine_image_shape *im = &s->image;
	struct engine_want embed = {.id = T_IMAGE_EMBED};
	fill(&im->vocab, dim(w, embed, 0), 16384);
	im->position_embeddings = has(w, ENGINE_WANT(T_IMAGE_POSITIONS));
	int places = dim(w, ENGINE_WANT(T_IMAGE_POSITIONS), 0);
	bool llamagen = s->family == ENGINE_FAMILY_LLAMAGEN;
	fill(&im->grid, square_root(places), llamagen ? 16 : 24);
	im->tokens = im->grid * im->grid;
	if (im->unified || llamagen) { /* the embedding is as wide as the model: see complete() */
		im->aligner_depth = im->head_hidden = 0;
		return;
	}
	fill(&im->embed_dim, dim(w, embed, 1), 8);
	fill(&im->aligner_depth, count_i(w, ENGINE_WANT(T_IMAGE_ALIGN), ENGINE_ALIGNER_MAX + 1), 2);
	fill(&im->head_hidden, dim(w, ENGINE_WANT(T_IMAGE_HEAD_IN), 0), 0);
}

/* Channels of the decoder's stage i from its first convolution. */
static int stage_channels(const struct engine_weights *w, int i)
{
	return dim(w, ENGINE_WANT(T_DEC_RES_CONV1, .i = i), 0);
}

/* Stages and multipliers as the decoder's tensors have them, the last being the highest resolution. */
static void infer_stages(const struct engine_weights *w, struct engine_vq_shape *v)
{
	static const int VQ16[] = {1, 1, 2, 2, 4};
	int stages = count_i(w, ENGINE_WANT(T_DEC_RES_CONV1), ENGINE_VQ_STAGES_MAX);
	fill(&v->base_channels, stages ? stage_channels(w, stages - 1) : 0, 128);
	v->stages = stages ? stages : 5;
	for (int i = 0; i < v->stages; i++)
		v->multiplier[i] =
		    stages ? stage_channels(w, stages - 1 - i) / v->base_channels : VQ16[i];
}

static void complete_vq(const struct engine_weights *w, struct engine_shape *s)
{
	struct engine_vq_shape *v = &s->vq;
	if (w) { /* what is there counts, whatever config says */
		v->has_decoder = has(w, ENGINE_WANT(T_DEC_CONV_OUT));
		v->has_encoder = has(w, ENGINE_WANT(T_ENC_CONV_OUT));
	}
	if (w && v->has_decoder) {
		v->attention = has(w, ENGINE_WANT(T_DEC_ATTN_NORM, .i = ENGINE_MID));
		v->norm = has(w, ENGINE_WANT(T_DEC_NORM_OUT, .bias = true)) ? ENGINE_NORM_GROUP
									    : ENGINE_NORM_RMS;
	}
	v->codes = s->image.vocab;
	v->grid = s->image.grid;
	if (v->quantizer == ENGINE_QUANTIZER_VQ_L2)
		fill(&v->code_dim, dim(w, ENGINE_WANT(T_VQ_CODEBOOK), 1), 8);
	if (v->stages == 0)
		infer_stages(w, v);
	else /* config.json's multipliers are at least 1 */
		fill(&v->base_channels, stage_channels(w, v->stages - 1) / v->multiplier[0], 128);
	fill(&v->encoder_base_channels, dim(w, ENGINE_WANT(T_ENC_CONV_IN), 0), v->base_channels);
	fill(&v->latent_channels, dim(w, ENGINE_WANT(T_DEC_CONV_IN), 1), 256);
	int blocks = count_j(w, ENGINE_WANT(T_DEC_RES_CONV1), 17);
	fill(&v->res_blocks, blocks > 1 ? blocks - 1 : 0, 2);
	fill(&v->norm_groups, 0, 32);
	if (v->norm_eps == 0)
		v->norm_eps = 1e-6f;
	fill(&v->patch, 0, 1);
	fill(&v->image_size, (v->grid << (v->stages - 1)) * v->patch, 0);
}

static void complete_vision(const struct engine_weights *w, struct engine_vision_shape *v)
{
	if (w)
		v->present = has(w, ENGINE_WANT(T_VIT_PATCH));
	if (!v->present) {
		*v = (struct engine_vision_shape){0};
		return;
	}
	fill(&v->width, dim(w, ENGINE_WANT(T_VIT_PATCH), 0), 1024);
	fill(&v->patch, dim(w, ENGINE_WANT(T_VIT_PATCH), 3), 16);
	fill(&v->image_size, 0, 384);
	fill(&v->layers, count_i(w, ENGINE_WANT(T_VIT_NORM1), ENGINE_LAYERS_MAX + 1), 24);
	fill(&v->heads, v->width / 64, 0);
	fill(&v->ffn, dim(w, ENGINE_WANT(T_VIT_FC1), 0), 4 * v->width);
	fill(&v->aligner_depth, count_i(w, ENGINE_WANT(T_VIT_ALIGN), ENGINE_ALIGNER_MAX + 1), 2);
	if (v->norm_eps == 0)
		v->norm_eps = 1e-6f;
}

static bool check_llm(const struct engine_shape *s, struct err *e)
{
	const struct engine_llm_shape *l = &s->llm;
	if (l->hidden < 1 || l->hidden > ENGINE_HIDDEN_MAX || l->ffn > ENGINE_FFN_MAX ||
	    l->layers > ENGINE_LAYERS_MAX || l->vocab > ENGINE_VOCAB_MAX)
		return err_set(e, ERR_INVALID, "the language model's shape is over a limit");
	if (l->head_dim < 2 || l->head_dim > ENGINE_HEAD_DIM_MAX ||
	    l->head_dim % (l->rope == ENGINE_ROPE_GRID ? 4 : 2) != 0)
		return err_set(e, ERR_INVALID, "hidden_size (%d) does not make %d heads", l->hidden,
			       l->heads);
	if (l->heads < 1 || l->heads > ENGINE_HEADS_MAX || l->kv_heads < 1 ||
	    l->heads % l->kv_heads != 0)
		return err_set(e, ERR_INVALID,
			       "num_attention_heads (%d) is no multiple of "
			       "num_key_value_heads (%d)",
			       l->heads, l->kv_heads);
	if (s->condition == ENGINE_CONDITION_TEXT && l->vocab == 0)
		return err_set(e, ERR_INVALID, "vocab_size is missing");
	int before = s->condition == ENGINE_CONDITION_TEXT ? s->prompt_length + 3 : s->prefix;
	if (before + s->image.tokens > l->positions_max)
		return err_set(e, ERR_INVALID,
			       "a picture of %d tokens does not fit max_position_embeddings (%d)",
			       s->image.tokens, l->positions_max);
	return true;
}

static bool check_image(const struct engine_shape *s, struct err *e)
{
	const struct engine_image_shape *im = &s->image;
	if (im->vocab < 2 || im->vocab > ENGINE_VOCAB_MAX || im->embed_dim < 1 ||
	    im->embed_dim > ENGINE_HIDDEN_MAX || im->aligner_depth > ENGINE_ALIGNER_MAX ||
	    im->head_hidden < 0 || im->head_hidden > ENGINE_FFN_MAX)
		return err_set(e, ERR_INVALID,
			       "the shape of the image embedding or head is over a limit");
	if (im->tokens < 1 || im->tokens > TOKENS_MAX)
		return err_set(e, ERR_INVALID, "a picture of %d tokens is over the limit of %d",
			       im->tokens, TOKENS_MAX);
	if (im->unified && im->vocab_base + im->vocab > s->llm.vocab)
		return err_set(e, ERR_INVALID,
			       "image tokens %d to %d lie outside the vocabulary of %d",
			       im->vocab_base, im->vocab_base + im->vocab - 1, s->llm.vocab);
	return true;
}

static bool check_vq(const struct engine_vq_shape *v, struct err *e)
{
	if (!v->has_decoder && !v->has_encoder)
		return true;
	int64_t codes = 1;
	for (int i = 0; v->quantizer == ENGINE_QUANTIZER_FSQ && i < v->code_dim; i++)
		codes = codes * v->levels[i] <= ENGINE_VOCAB_MAX ? codes * v->levels[i]
								 : ENGINE_VOCAB_MAX + 1;
	if (v->quantizer == ENGINE_QUANTIZER_FSQ && codes != v->codes)
		return err_set(e, ERR_INVALID,
			       "fsq_levels make %lld codes, but num_embeddings is %d",
			       (long long)codes, v->codes);
	for (int i = 0; i < v->stages; i++) {
		int64_t dec = (int64_t)v->base_channels * v->multiplier[i];
		int64_t enc = (int64_t)v->encoder_base_channels * v->multiplier[i];
		if (dec < 1 || dec > ENGINE_VQ_CHANNELS_MAX || enc < 1 ||
		    enc > ENGINE_VQ_CHANNELS_MAX)
			return err_set(e, ERR_INVALID,
				       "stage %d of the picture tokenizer has %lld channels; "
				       "the limit is %d",
				       i, (long long)dec, ENGINE_VQ_CHANNELS_MAX);
		if (v->norm == ENGINE_NORM_GROUP && (dec % v->norm_groups || enc % v->norm_groups))
			return err_set(e, ERR_INVALID,
				       "%lld channels can't be divided into %d groups",
				       (long long)dec, v->norm_groups);
	}
	if (v->norm == ENGINE_NORM_GROUP &&
	    (v->base_channels % v->norm_groups || v->encoder_base_channels % v->norm_groups))
		return err_set(e, ERR_INVALID, "%d channels can't be divided into %d groups",
			       v->base_channels, v->norm_groups);
	if (v->code_dim < 1 || v->code_dim > ENGINE_VQ_CHANNELS_MAX ||
	    v->latent_channels > ENGINE_VQ_CHANNELS_MAX)
		return err_set(e, ERR_INVALID, "the picture tokenizer's latent is over a limit");
	int pixels = (v->grid << (v->stages - 1)) * v->patch;
	if (v->image_size != pixels || pixels > PIXELS_MAX)
		return err_set(e, ERR_INVALID,
			       "image_size is %d, but a grid of %d makes %d pixels (at most %d)",
			       v->image_size, v->grid, pixels, PIXELS_MAX);
	return true;
}

static bool check_vision(const struct engine_vision_shape *v, struct err *e)
{
	if (!v->present)
		return true;
	if (v->width < 1 || v->width > ENGINE_HIDDEN_MAX || v->ffn < 1 || v->ffn > ENGINE_FFN_MAX ||
	    v->layers > ENGINE_LAYERS_MAX || v->patch < 1 || v->patch > 256 ||
	    v->aligner_depth > ENGINE_ALIGNER_MAX)
		return err_set(e, ERR_INVALID, "the vision tower's shape is over a limit");
	if (v->heads < 1 || v->heads > ENGINE_HEADS_MAX || v->width % v->heads != 0 ||
	    v->width / v->heads > ENGINE_HEAD_DIM_MAX)
		return err_set(e, ERR_INVALID, "a vision tower %d wide has no %d heads", v->width,
			       v->heads);
	if (v->image_size % v->patch != 0 || v->image_size / v->patch > ENGINE_GRID_MAX)
		return err_set(e, ERR_INVALID,
			       "pictures of %d pixels can't be divided into patches of %d",
			       v->image_size, v->patch);
	return true;
}

/* What the family says before config.json is read. */
static void set_family(const struct engine_weights *w, struct engine_shape *s)
{
	s->sampling = (struct engine_sampling){.guidance = 5, .temperature = 1, .top_p = 1};
	s->guidance = ENGINE_GUIDANCE_PAD;
	s->can_draw = s->can_vary = true;
	if (!w || engine_weights_layout(w) != ENGINE_LAYOUT_LLAMAGEN)
		return;
	s->family = ENGINE_FAMILY_LLAMAGEN;
	s->guidance = ENGINE_GUIDANCE_NULL_CLASS;
	bool caption = has(w, ENGINE_WANT(T_CAPTION_IN));
	s->condition = caption ? ENGINE_CONDITION_CAPTION : ENGINE_CONDITION_CLASS;
	s->sampling.guidance = caption ? 7.5f : 4;
	s->sampling.top_k = caption ? 1000 : 2000;
	s->classes = dim(w, ENGINE_WANT(T_CLASS_EMBED), 0) - 1;
	if (caption) {
		s->classes = 0;
		s->caption_dim = dim(w, ENGINE_WANT(T_CAPTION_IN), 1);
	}
}

static void set_janus_tokens(struct engine_special_tokens *t)
{
	*t = (struct engine_special_tokens){.bos = "<｜begin▁of▁sentence｜>",
					    .eos = "<｜end▁of▁sentence｜>",
					    .pad = "<｜▁pad▁｜>",
					    .boi = "<begin_of_image>",
					    .eoi = "<end_of_image>",
					    .image_placeholder = "<image_placeholder>"};
}

static bool complete(const struct engine_weights *w, struct engine_shape *s, struct err *e)
{
	if (s->family == ENGINE_FAMILY_LLAMAGEN) {
		int rows = dim(w, ENGINE_WANT(T_CAPTION_EMPTY), 0);
		fill(&s->prefix, s->condition == ENGINE_CONDITION_CAPTION ? rows : 1, 1);
		if (s->prefix > 1024 ||
		    (s->condition == ENGINE_CONDITION_CAPTION &&
		     (s->prefix > rows || s->caption_dim < 1)) ||
		    (s->condition == ENGINE_CONDITION_CLASS && s->classes < 1))
			return err_set(
			    e, ERR_INVALID,
			    "the conditioning tensors (cls_embedding) are missing or too small");
		s->llm.hidden = dim(w, ENGINE_WANT(T_FINAL_NORM), 0);
	} else if (s->family == ENGINE_FAMILY_JANUS && !*s->tokens.bos) {
		set_janus_tokens(&s->tokens);
	}
	complete_image(w, s);
	complete_llm(w, s);
	if (s->image.unified || s->family == ENGINE_FAMILY_LLAMAGEN)
		s->image.embed_dim = s->llm.hidden;
	complete_vq(w, s);
	complete_vision(w, &s->vision);
	return check_image(s, e) && check_llm(s, e) && check_vq(&s->vq, e) &&
	       check_vision(&s->vision, e);
}

bool engine_shape_parse(const char *text, size_t length, const struct engine_weights *w,
			struct engine_shape *shape, struct err *e)
{
	struct engine_shape s = {0};
	set_family(w, &s);
	if (!text && s.family != ENGINE_FAMILY_LLAMAGEN)
		return err_set(e, ERR_NOT_FOUND, "config.json is missing");
	if (text) {
		json_t *config = engine_json_parse(text, length, "config.json", e);
		if (!config)
			return false;
		bool ok = engine_shape_config(config, s.family == ENGINE_FAMILY_LLAMAGEN, &s, e);
		json_decref(config);
		if (!ok)
			return err_context(e, "config.json");
	}
	if (!complete(w, &s, e))
		return err_context(e, "config.json");
	*shape = s;
	return true;
}

/* config.json in the directory of the weights. */
static const char *default_path(struct arena *a, const struct engine_weights *w)
{
	const char *weights = engine_safetensors_path(engine_weights_file(w));
	struct stat st;
	if (stat(weights, &st) == 0 && S_ISDIR(st.st_mode))
		return arena_printf(a, "%s/config.json", weights);
	const char *slash = strrchr(weights, '/');
	return arena_printf(a, "%.*sconfig.json", slash ? (int)(slash - weights + 1) : 0, weights);
}

bool engine_shape_read(const char *config_path, const struct engine_weights *w,
		       struct engine_shape *shape, struct err *e)
{
	struct arena *a = arena_create(4 * CONFIG_BYTES_MAX);
	struct file_bytes text = {0};
	const char *path = config_path ? config_path : default_path(a, w);
	bool ok = file_read(a, path, CONFIG_BYTES_MAX, &text, e);
	if (!ok && e->code == ERR_NOT_FOUND && !config_path &&
	    engine_weights_layout(w) == ENGINE_LAYOUT_LLAMAGEN)
		ok = true; /* the tensors say it all */
	ok = ok && engine_shape_parse(text.data, text.length, w, shape, e);
	arena_destroy(a);
	return ok;
}
