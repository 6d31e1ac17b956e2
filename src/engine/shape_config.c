/* Reads config.json in its dialects (Hugging Face Janus and Madang, original deepseek-ai, the small
 * test models) into a shape. Owns nothing; any thread. What must stay true: a number that is not
 * given stays 0, so that shape.c can tell what to infer. */
#include "engine/shape_config.h"

#include "engine/jsonfile.h"

#include <string.h>

#define EPS_MIN 1e-12
#define EPS_MAX 1e-1

static bool read_rope(const json_t *text, struct engine_llm_shape *l, struct err *e)
{
	const json_t *scaling, *rope;
	if (!engine_json_object(text, "rope_scaling", &scaling, e) ||
	    !engine_json_object(text, "rope_parameters", &rope, e))
		return false;
	char type[ENGINE_NAME_MAX] = "default";
	if (!engine_json_string(rope, "rope_type", type, sizeof(type), e))
		return false;
	if (scaling || strcmp(type, "default") != 0)
		return err_set(e, ERR_UNSUPPORTED, "rope_scaling is not supported");
	return engine_json_double(rope, "rope_theta", 1, 1e12, &l->rope_theta, e) &&
	       engine_json_double(text, "rope_theta", 1, 1e12, &l->rope_theta, e);
}

/* text_config, language_config: Llama's own keys. */
static bool read_llm(const json_t *text, struct engine_llm_shape *l, struct err *e)
{
	char act[ENGINE_NAME_MAX] = "silu";
	if (!engine_json_string(text, "hidden_act", act, sizeof(act), e))
		return false;
	if (strcmp(act, "silu") != 0)
		return err_set(e, ERR_UNSUPPORTED, "hidden_act must be silu");
	return engine_json_int(text, "hidden_size", 1, ENGINE_HIDDEN_MAX, &l->hidden, e) &&
	       engine_json_int(text, "intermediate_size", 1, ENGINE_FFN_MAX, &l->ffn, e) &&
	       engine_json_int(text, "num_hidden_layers", 1, ENGINE_LAYERS_MAX, &l->layers, e) &&
	       engine_json_int(text, "num_attention_heads", 1, ENGINE_HEADS_MAX, &l->heads, e) &&
	       engine_json_int(text, "num_key_value_heads", 1, ENGINE_HEADS_MAX, &l->kv_heads, e) &&
	       engine_json_int(text, "head_dim", 2, ENGINE_HEAD_DIM_MAX, &l->head_dim, e) &&
	       engine_json_int(text, "vocab_size", 1, ENGINE_VOCAB_MAX, &l->vocab, e) &&
	       engine_json_int(text, "max_position_embeddings", 1, ENGINE_POSITIONS_MAX,
			       &l->positions_max, e) &&
	       engine_json_float(text, "rms_norm_eps", EPS_MIN, EPS_MAX, &l->norm_eps, e) &&
	       engine_json_bool(text, "tie_word_embeddings", &l->tied, e) && read_rope(text, l, e);
}

/* A list of 1 to max numbers from min to top; *count stays where the key is not there. */
static bool read_ints(const json_t *object, const char *key, int min, int top, int max, int *out,
		      int *count, struct err *e)
{
	const json_t *list = object ? json_object_get(object, key) : NULL;
	if (!list || json_is_null(list))
		return true;
	size_t n = json_array_size(list); /* 0 where it is no list */
	if (n < 1 || n > (size_t)max)
		return err_set(e, ERR_INVALID, "%s must be a list of 1 to %d numbers", key, max);
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(list, i);
		json_int_t value = json_is_integer(v) ? json_integer_value(v) : (json_int_t)min - 1;
		if (value < min || value > top)
			return err_set(e, ERR_INVALID,
				       "%s holds something else than a number from %d to %d", key,
				       min, top);
		out[i] = (int)value;
	}
	*count = (int)n;
	return true;
}

static bool read_quantizer(const json_t *vq, struct engine_vq_shape *v, struct err *e)
{
	char name[ENGINE_NAME_MAX] = "vq-l2";
	int levels = 0;
	if (!engine_json_string(vq, "quantizer", name, sizeof(name), e) ||
	    !read_ints(vq, "fsq_levels", 2, 64, ENGINE_FSQ_LEVELS_MAX, v->levels, &levels, e))
		return false;
	if (!strcmp(name, "vq-l2"))
		v->quantizer = ENGINE_QUANTIZER_VQ_L2;
	else if (!strcmp(name, "fsq") && levels > 0) {
		v->quantizer = ENGINE_QUANTIZER_FSQ;
		v->code_dim = levels;
	} else
		return err_set(e, ERR_UNSUPPORTED,
			       "quantizer must be vq-l2, or fsq with fsq_levels");
	return true;
}

static bool read_vq_norm(const json_t *vq, struct engine_vq_shape *v, struct err *e)
{
	char name[ENGINE_NAME_MAX] = "group";
	if (!engine_json_string(vq, "normalization", name, sizeof(name), e))
		return false;
	if (strcmp(name, "group") != 0 && strcmp(name, "rms") != 0)
		return err_set(e, ERR_UNSUPPORTED, "normalization must be group or rms");
	v->norm = !strcmp(name, "rms") ? ENGINE_NORM_RMS : ENGINE_NORM_GROUP;
	v->attention = true;
	return engine_json_bool(vq, "attention", &v->attention, e);
}

/* vq_config of Hugging Face Janus and of Madang. */
static bool read_vq(const json_t *vq, struct engine_shape *s, struct err *e)
{
	struct engine_vq_shape *v = &s->vq;
	struct engine_image_shape *im = &s->image;
	if (!vq)
		return true;
	v->has_decoder = v->has_encoder = true;
	return read_quantizer(vq, v, e) && read_vq_norm(vq, v, e) &&
	       engine_json_int(vq, "num_embeddings", 2, ENGINE_VOCAB_MAX, &im->vocab, e) &&
	       engine_json_int(vq, "embed_dim", 1, ENGINE_HIDDEN_MAX, &im->embed_dim, e) &&
	       engine_json_int(vq, "num_hidden_layers", 1, ENGINE_ALIGNER_MAX, &im->aligner_depth,
			       e) &&
	       engine_json_int(vq, "projection_dim", 1, ENGINE_FFN_MAX, &im->head_hidden, e) &&
	       engine_json_int(vq, "grid", 1, ENGINE_GRID_MAX, &im->grid, e) &&
	       engine_json_int(vq, "image_size", 1, 65536, &v->image_size, e) &&
	       engine_json_int(vq, "patch_size", 1, 16, &v->patch, e) &&
	       engine_json_int(vq, "latent_channels", 1, ENGINE_VQ_CHANNELS_MAX,
			       &v->latent_channels, e) &&
	       engine_json_int(vq, "base_channels", 1, ENGINE_VQ_CHANNELS_MAX, &v->base_channels,
			       e) &&
	       engine_json_int(vq, "encoder_base_channels", 1, ENGINE_VQ_CHANNELS_MAX,
			       &v->encoder_base_channels, e) &&
	       engine_json_int(vq, "num_res_blocks", 1, 16, &v->res_blocks, e) &&
	       read_ints(vq, "channel_multiplier", 1, 64, ENGINE_VQ_STAGES_MAX, v->multiplier,
			 &v->stages, e);
}

/* vision_config of Hugging Face. */
static bool read_vision(const json_t *vision, struct engine_vision_shape *v, struct err *e)
{
	double ratio = 4;
	bool qk_norm = false;
	if (!vision)
		return true;
	v->present = true;
	if (!engine_json_bool(vision, "use_qk_norm", &qk_norm, e))
		return false;
	if (qk_norm)
		return err_set(e, ERR_UNSUPPORTED, "use_qk_norm is not supported");
	if (!engine_json_int(vision, "image_size", 1, 4096, &v->image_size, e) ||
	    !engine_json_int(vision, "patch_size", 1, 256, &v->patch, e) ||
	    !engine_json_int(vision, "hidden_size", 1, ENGINE_HIDDEN_MAX, &v->width, e) ||
	    !engine_json_int(vision, "num_hidden_layers", 1, ENGINE_LAYERS_MAX, &v->layers, e) ||
	    !engine_json_int(vision, "num_attention_heads", 1, ENGINE_HEADS_MAX, &v->heads, e) ||
	    !engine_json_int(vision, "depth", 1, ENGINE_ALIGNER_MAX, &v->aligner_depth, e) ||
	    !engine_json_float(vision, "layer_norm_eps", EPS_MIN, EPS_MAX, &v->norm_eps, e) ||
	    !engine_json_double(vision, "mlp_ratio", 1, 16, &ratio, e))
		return false;
	v->ffn = (int)(v->width * ratio);
	return true;
}

/* The original deepseek-ai config: *_config objects, each with its numbers under "params". */
static bool read_original(const json_t *config, struct engine_shape *s, struct err *e)
{
	struct {
		const char *name;
		const json_t *params;
	} part[] = {{"gen_vision_config", NULL},
		    {"gen_aligner_config", NULL},
		    {"gen_head_config", NULL},
		    {"aligner_config", NULL},
		    {"vision_config", NULL}};
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		const json_t *object;
		if (!engine_json_object(config, part[i].name, &object, e) ||
		    !engine_json_object(object, "params", &part[i].params, e))
			return err_context(e, "%s", part[i].name);
	}
	struct engine_image_shape *im = &s->image;
	s->vq.has_decoder = s->vq.has_encoder = s->vq.attention = part[0].params != NULL;
	s->vision.present = part[4].params != NULL;
	return engine_json_int(part[0].params, "image_token_size", 2, ENGINE_VOCAB_MAX, &im->vocab,
			       e) &&
	       engine_json_int(part[0].params, "n_embed", 1, ENGINE_HIDDEN_MAX, &im->embed_dim,
			       e) &&
	       engine_json_int(part[1].params, "depth", 1, ENGINE_ALIGNER_MAX, &im->aligner_depth,
			       e) &&
	       engine_json_int(part[2].params, "image_token_embed", 1, ENGINE_FFN_MAX,
			       &im->head_hidden, e) &&
	       engine_json_int(part[3].params, "depth", 1, ENGINE_ALIGNER_MAX,
			       &s->vision.aligner_depth, e) &&
	       engine_json_int(part[4].params, "image_size", 1, 4096, &s->vision.image_size, e);
}

/* The small models of tests/engine/golden. */
static bool read_tiny(const json_t *config, const json_t *vq, struct engine_shape *s, struct err *e)
{
	const json_t *vision;
	struct engine_vq_shape *v = &s->vq;
	struct engine_vision_shape *t = &s->vision;
	double ratio = 4;
	v->has_decoder = v->has_encoder = v->attention = true;
	if (!engine_json_object(config, "vision", &vision, e))
		return false;
	t->present = vision != NULL;
	if (!engine_json_int(config, "image_vocab", 2, ENGINE_VOCAB_MAX, &s->image.vocab, e) ||
	    !engine_json_int(config, "codebook_dim", 1, 64, &s->image.embed_dim, e) ||
	    !engine_json_int(config, "gen_aligner_depth", 1, 8, &s->image.aligner_depth, e) ||
	    !engine_json_int(config, "gen_head_embed", 1, 4096, &s->image.head_hidden, e) ||
	    !engine_json_int(vq, "ch", 1, ENGINE_VQ_CHANNELS_MAX, &v->base_channels, e) ||
	    !engine_json_int(vq, "num_res_blocks", 1, 16, &v->res_blocks, e) ||
	    !engine_json_int(vq, "z_channels", 1, ENGINE_VQ_CHANNELS_MAX, &v->latent_channels, e) ||
	    !engine_json_int(vq, "grid", 1, ENGINE_GRID_MAX, &s->image.grid, e) ||
	    !engine_json_int(vq, "groups", 1, 256, &v->norm_groups, e) ||
	    !engine_json_float(vq, "gn_eps", EPS_MIN, EPS_MAX, &v->norm_eps, e) ||
	    !read_ints(vq, "ch_mult", 1, 64, ENGINE_VQ_STAGES_MAX, v->multiplier, &v->stages, e))
		return false;
	if (!engine_json_int(vision, "image_size", 1, 4096, &t->image_size, e) ||
	    !engine_json_int(vision, "patch", 1, 256, &t->patch, e) ||
	    !engine_json_int(vision, "width", 1, ENGINE_HIDDEN_MAX, &t->width, e) ||
	    !engine_json_int(vision, "layers", 1, ENGINE_LAYERS_MAX, &t->layers, e) ||
	    !engine_json_int(vision, "heads", 1, ENGINE_HEADS_MAX, &t->heads, e) ||
	    !engine_json_int(vision, "aligner_depth", 1, 8, &t->aligner_depth, e) ||
	    !engine_json_double(vision, "mlp_ratio", 1, 16, &ratio, e) ||
	    !engine_json_float(vision, "ln_eps", EPS_MIN, EPS_MAX, &t->norm_eps, e))
		return false;
	t->ffn = (int)(t->width * ratio);
	return true;
}

static bool read_styles(const json_t *madang, struct engine_shape *s, struct err *e)
{
	const json_t *list = madang ? json_object_get(madang, "styles") : NULL;
	if (!list)
		return true;
	if (!json_is_array(list) || json_array_size(list) > ENGINE_STYLES_MAX)
		return err_set(e, ERR_INVALID, "styles must be a list of at most %d",
			       ENGINE_STYLES_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct engine_style *style = &s->styles[i];
		const json_t *v = json_array_get(list, i);
		if (!engine_json_string(v, "name", style->name, sizeof(style->name), e) ||
		    !engine_json_int(v, "block", 1, 64, &style->block, e) ||
		    !engine_json_string(v, "token", style->token, sizeof(style->token), e))
			return err_context(e, "styles");
		if (!*style->name || !*style->token)
			return err_set(e, ERR_INVALID, "styles: each needs a name and a token");
	}
	s->style_count = (int)json_array_size(list);
	return true;
}

/* Names that we do not know are a newer model's: no reason to refuse what we can do with it. */
static bool read_tasks(const json_t *madang, struct engine_shape *s, struct err *e)
{
	const json_t *list = madang ? json_object_get(madang, "tasks") : NULL;
	if (!list)
		return true;
	if (!json_is_array(list) || json_array_size(list) > 64)
		return err_set(e, ERR_INVALID, "tasks must be a list of names");
	s->can_draw = s->can_restyle = s->can_vary = s->can_edit = false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));
		if (!name)
			return err_set(e, ERR_INVALID, "tasks must be a list of names");
		s->can_draw = s->can_draw || !strcmp(name, "draw");
		s->can_restyle = s->can_restyle || !strcmp(name, "restyle");
		s->can_vary = s->can_vary || !strcmp(name, "vary");
		s->can_edit = s->can_edit || !strcmp(name, "edit");
	}
	return true;
}

static bool read_tokens(const json_t *madang, struct engine_special_tokens *t, struct err *e)
{
	const json_t *tokens;
	if (!engine_json_object(madang, "tokens", &tokens, e))
		return false;
	struct {
		const char *key;
		char *out;
	} fields[] = {{"bos", t->bos},
		      {"eos", t->eos},
		      {"pad", t->pad},
		      {"boi", t->boi},
		      {"eoi", t->eoi},
		      {"src", t->src},
		      {"style_any", t->style_any},
		      {"source_any", t->source_any},
		      {"image_placeholder", t->image_placeholder}};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!engine_json_string(tokens, fields[i].key, fields[i].out, ENGINE_NAME_MAX, e))
			return err_context(e, "tokens");
	}
	return true;
}

/* The "madang" object: how to draw with the model. Any model's config may have one. */
static bool read_madang(const json_t *config, struct engine_shape *s, struct err *e)
{
	const json_t *m;
	if (!engine_json_object(config, "madang", &m, e))
		return false;
	if (!m)
		return true;
	int base = -1;
	if (!engine_json_string(m, "name", s->name, sizeof(s->name), e) ||
	    !engine_json_int(m, "prompt_length", 1, 1024, &s->prompt_length, e) ||
	    !engine_json_float(m, "guidance", 0, 100, &s->sampling.guidance, e) ||
	    !engine_json_float(m, "temperature", 0, 100, &s->sampling.temperature, e) ||
	    !engine_json_float(m, "top_p", 1e-6, 1, &s->sampling.top_p, e) ||
	    !engine_json_int(m, "top_k", 0, ENGINE_VOCAB_MAX, &s->sampling.top_k, e) ||
	    !engine_json_int(m, "image_vocab_base", 0, ENGINE_VOCAB_MAX, &base, e) ||
	    !read_styles(m, s, e) || !read_tasks(m, s, e) || !read_tokens(m, &s->tokens, e))
		return err_context(e, "madang");
	if (base >= 0) {
		s->image.unified = true;
		s->image.vocab_base = base;
	}
	return true;
}

static bool read_llamagen(const json_t *config, struct engine_shape *s, struct err *e)
{
	const json_t *g, *prefix;
	if (!engine_json_object(config, "llamagen", &g, e) ||
	    !engine_json_object(g, "cls_token_num", &prefix, e))
		return false;
	const char *kind = s->condition == ENGINE_CONDITION_CAPTION ? "t2i" : "c2i";
	return engine_json_int(g, "n_head", 1, ENGINE_HEADS_MAX, &s->llm.heads, e) &&
	       engine_json_int(g, "grid", 1, ENGINE_GRID_MAX, &s->image.grid, e) &&
	       engine_json_float(g, "norm_eps", EPS_MIN, EPS_MAX, &s->llm.norm_eps, e) &&
	       engine_json_int(prefix, kind, 1, 1024, &s->prefix, e) &&
	       engine_json_float(g, "cfg", 0, 100, &s->sampling.guidance, e);
}

bool engine_shape_config(const json_t *config, bool llamagen, struct engine_shape *s, struct err *e)
{
	const json_t *text, *language, *vq, *tiny, *vision;
	if (!json_is_object(config))
		return err_set(e, ERR_INVALID, "it is not a JSON object");
	if (llamagen)
		return read_llamagen(config, s, e);
	if (!engine_json_object(config, "text_config", &text, e) ||
	    !engine_json_object(config, "language_config", &language, e) ||
	    !engine_json_object(config, "vq_config", &vq, e) ||
	    !engine_json_object(config, "vision_config", &vision, e) ||
	    !engine_json_object(config, "vq", &tiny, e))
		return false;
	if (!text && !language && !json_object_get(config, "hidden_size"))
		return err_set(e, ERR_INVALID, "it has no text_config (or language_config)");
	char type[ENGINE_NAME_MAX] = "";
	if (!engine_json_string(config, "model_type", type, sizeof(type), e))
		return false;
	if (!strcmp(type, "madang_janus"))
		s->family = ENGINE_FAMILY_MADANG;
	/* A plain language model has Llama's keys at the top. */
	const json_t *llm = text ? text : language ? language : config;
	if (!read_llm(llm, &s->llm, e))
		return err_context(e, text ? "text_config" : "language_config");
	if (language && !read_original(config, s, e))
		return false;
	if (tiny && !read_tiny(config, tiny, s, e))
		return false;
	if (!read_vq(vq, s, e))
		return err_context(e, "vq_config");
	if (!language && !read_vision(vision, &s->vision, e))
		return err_context(e, "vision_config");
	/* As transformers does: vq_config.num_patches does not count, the vision tower's grid does. */
	if (s->image.grid == 0 && s->vision.image_size && s->vision.patch)
		s->image.grid = s->vision.image_size / s->vision.patch;
	return read_madang(config, s, e);
}
