/* Owns the table of tensor names and the open weights. Opened by one thread, read by any. What must
 * stay true: engine_weights_get() hands out only tensors that convert to f32 and have the shape
 * that was asked for. */
#include "engine/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYOUTS    4
#define NAME_BYTES 256

struct engine_weights {
	struct engine_safetensors *file;
	enum engine_layout layout;
};

/* Names of one weight in the layouts, in the order of enum engine_layout; NULL: not there.
 *
 *   {i}      want.i
 *   {r}, {a} the place of a Res or an Attn: a stage's block, or the middle
 *   {l}      the i-th Linear of an aligner
 *   #0 #1 #2 at the end: the rows of q, k or v in a stacked tensor
 *   !        at the end: the name is complete, no ".weight" or ".bias" follows */
struct row {
	const char *names[LAYOUTS];
};

#define LLM(hf, llamagen)                                                                 \
	{                                                                                 \
		{                                                                         \
			"language_model.model." hf, "model.language_model." hf, llamagen, \
			    "model." hf                                                   \
		}                                                                         \
	}
#define VQ(original, janus)                                                                      \
	{                                                                                        \
		{                                                                                \
			"gen_vision_model." original, "model.vqmodel." janus, original, original \
		}                                                                                \
	}
#define VIT(original, janus)                                                                      \
	{                                                                                         \
		{                                                                                 \
			"vision_model.vision_tower." original, "model.vision_model." janus, NULL, \
			    NULL                                                                  \
		}                                                                                 \
	}
#define RES(coder, part)  VQ(coder ".{r}." part, coder ".{r}." part)
#define ATTN(coder, part) VQ(coder ".{a}." part, coder ".{a}." part)

static const struct row ROWS[T_COUNT] = {
    [T_TEXT_EMBED] = LLM("embed_tokens", NULL),
    [T_TEXT_HEAD] = {{"language_model.lm_head", "lm_head", NULL, "lm_head"}},
    [T_FINAL_NORM] = LLM("norm", "norm"),
    [T_LAYER_NORM_ATTN] = LLM("layers.{i}.input_layernorm", "layers.{i}.attention_norm"),
    [T_LAYER_NORM_FFN] = LLM("layers.{i}.post_attention_layernorm", "layers.{i}.ffn_norm"),
    [T_LAYER_Q] = LLM("layers.{i}.self_attn.q_proj", "layers.{i}.attention.wqkv#0"),
    [T_LAYER_K] = LLM("layers.{i}.self_attn.k_proj", "layers.{i}.attention.wqkv#1"),
    [T_LAYER_V] = LLM("layers.{i}.self_attn.v_proj", "layers.{i}.attention.wqkv#2"),
    [T_LAYER_O] = LLM("layers.{i}.self_attn.o_proj", "layers.{i}.attention.wo"),
    [T_LAYER_Q_NORM] = LLM("layers.{i}.self_attn.q_norm", NULL),
    [T_LAYER_K_NORM] = LLM("layers.{i}.self_attn.k_norm", NULL),
    [T_LAYER_GATE] = LLM("layers.{i}.mlp.gate_proj", "layers.{i}.feed_forward.w1"),
    [T_LAYER_UP] = LLM("layers.{i}.mlp.up_proj", "layers.{i}.feed_forward.w3"),
    [T_LAYER_DOWN] = LLM("layers.{i}.mlp.down_proj", "layers.{i}.feed_forward.w2"),

    [T_IMAGE_EMBED] = {{"gen_embed", "model.generation_embeddings", "tok_embeddings", NULL}},
    [T_IMAGE_ALIGN] = {{"gen_aligner.{l}", "model.generation_aligner.{l}", NULL, NULL}},
    [T_IMAGE_HEAD_IN] = {{"gen_head.output_mlp_projector", "model.generation_head.proj_out", NULL,
			  NULL}},
    [T_IMAGE_HEAD_OUT] = {{"gen_head.vision_head", "model.generation_head.vision_head", "output",
			   NULL}},
    [T_IMAGE_POSITIONS] = {{"image_position_embeddings", "model.image_position_embeddings", NULL,
			    NULL}},
    [T_CLASS_EMBED] = {{NULL, NULL, "cls_embedding.embedding_table", NULL}},
    [T_CAPTION_IN] = {{NULL, NULL, "cls_embedding.cap_proj.fc1", NULL}},
    [T_CAPTION_OUT] = {{NULL, NULL, "cls_embedding.cap_proj.fc2", NULL}},
    [T_CAPTION_EMPTY] = {{NULL, NULL, "cls_embedding.uncond_embedding!", NULL}},

    [T_VQ_CODEBOOK] = VQ("quantize.embedding", "quantize.embedding"),
    [T_VQ_QUANT_CONV] = VQ("quant_conv", "quant_conv"),
    [T_VQ_POST_QUANT_CONV] = VQ("post_quant_conv", "post_quant_conv"),
    [T_DEC_CONV_IN] = VQ("decoder.conv_in", "decoder.conv_in"),
    [T_DEC_RES_NORM1] = RES("decoder", "norm1"),
    [T_DEC_RES_CONV1] = RES("decoder", "conv1"),
    [T_DEC_RES_NORM2] = RES("decoder", "norm2"),
    [T_DEC_RES_CONV2] = RES("decoder", "conv2"),
    [T_DEC_RES_SHORTCUT] = RES("decoder", "nin_shortcut"),
    [T_DEC_ATTN_NORM] = ATTN("decoder", "norm"),
    [T_DEC_ATTN_Q] = ATTN("decoder", "q"),
    [T_DEC_ATTN_K] = ATTN("decoder", "k"),
    [T_DEC_ATTN_V] = ATTN("decoder", "v"),
    [T_DEC_ATTN_PROJ] = ATTN("decoder", "proj_out"),
    [T_DEC_UPSAMPLE] = VQ("decoder.conv_blocks.{i}.upsample.conv", "decoder.up.{i}.upsample.conv"),
    [T_DEC_NORM_OUT] = VQ("decoder.norm_out", "decoder.norm_out"),
    [T_DEC_CONV_OUT] = VQ("decoder.conv_out", "decoder.conv_out"),
    [T_ENC_CONV_IN] = VQ("encoder.conv_in", "encoder.conv_in"),
    [T_ENC_RES_NORM1] = RES("encoder", "norm1"),
    [T_ENC_RES_CONV1] = RES("encoder", "conv1"),
    [T_ENC_RES_NORM2] = RES("encoder", "norm2"),
    [T_ENC_RES_CONV2] = RES("encoder", "conv2"),
    [T_ENC_RES_SHORTCUT] = RES("encoder", "nin_shortcut"),
    [T_ENC_ATTN_NORM] = ATTN("encoder", "norm"),
    [T_ENC_ATTN_Q] = ATTN("encoder", "q"),
    [T_ENC_ATTN_K] = ATTN("encoder", "k"),
    [T_ENC_ATTN_V] = ATTN("encoder", "v"),
    [T_ENC_ATTN_PROJ] = ATTN("encoder", "proj_out"),
    [T_ENC_DOWNSAMPLE] =
	VQ("encoder.conv_blocks.{i}.downsample.conv", "encoder.down.{i}.downsample.conv"),
    [T_ENC_NORM_OUT] = VQ("encoder.norm_out", "encoder.norm_out"),
    [T_ENC_CONV_OUT] = VQ("encoder.conv_out", "encoder.conv_out"),

    [T_VIT_PATCH] = VIT("patch_embed.proj", "embeddings.patch_embedding"),
    [T_VIT_POSITIONS] = VIT("pos_embed!", "embeddings.position_embedding"),
    [T_VIT_NORM1] = VIT("blocks.{i}.norm1", "encoder.layers.{i}.layer_norm1"),
    [T_VIT_Q] = VIT("blocks.{i}.attn.qkv#0", "encoder.layers.{i}.self_attn.q_proj"),
    [T_VIT_K] = VIT("blocks.{i}.attn.qkv#1", "encoder.layers.{i}.self_attn.k_proj"),
    [T_VIT_V] = VIT("blocks.{i}.attn.qkv#2", "encoder.layers.{i}.self_attn.v_proj"),
    [T_VIT_PROJ] = VIT("blocks.{i}.attn.proj", "encoder.layers.{i}.self_attn.projection_layer"),
    [T_VIT_NORM2] = VIT("blocks.{i}.norm2", "encoder.layers.{i}.layer_norm2"),
    [T_VIT_FC1] = VIT("blocks.{i}.mlp.fc1", "encoder.layers.{i}.mlp.fc1"),
    [T_VIT_FC2] = VIT("blocks.{i}.mlp.fc2", "encoder.layers.{i}.mlp.fc2"),
    [T_VIT_NORM_OUT] = VIT("norm", "post_layernorm"),
    [T_VIT_ALIGN] = {{"aligner.{l}", "model.aligner.{l}", NULL, NULL}},
};

/* A name after its template: where it is, and which third of a stacked tensor (-1: all of it). */
struct found {
	char name[NAME_BYTES];
	int third;
};

static void place(char *out, size_t size, enum engine_layout layout, const char *id,
		  const struct engine_want *want)
{
	bool janus = layout == ENGINE_LAYOUT_JANUS, decoder = want->id < T_ENC_CONV_IN;
	const char *stages = !janus ? "conv_blocks" : decoder ? "up" : "down";
	int i = want->i, j = want->j;
	switch (*id) {
	case 'r':
		if (i != ENGINE_MID)
			snprintf(out, size, "%s.%d.%s.%d", stages, i, janus ? "block" : "res", j);
		else
			snprintf(out, size, janus ? "mid.block_%d" : "mid.%d",
				 janus ? j + 1 : 2 * j);
		break;
	case 'a':
		if (i != ENGINE_MID)
			snprintf(out, size, "%s.%d.attn.%d", stages, i, j);
		else
			snprintf(out, size, "%s", janus ? "mid.attn_1" : "mid.1");
		break;
	case 'l':
		if (!janus)
			snprintf(out, size, "layers.%d", 2 * i);
		else if (i == 0)
			snprintf(out, size, "fc1");
		else
			snprintf(out, size, "hidden_layers.%d", i - 1);
		break;
	default:
		snprintf(out, size, "%d", i);
	}
}

/* Fills in a row's template. False where the layout has no such tensor. */
static bool make_name(const struct engine_weights *w, const struct engine_want *want,
		      struct found *out)
{
	const char *t = ROWS[want->id].names[w->layout];
	if (!t)
		return false;
	size_t n = 0;
	const char *suffix = want->bias ? ".bias" : ".weight";
	out->third = -1;
	for (; *t; t++) {
		char part[64] = {*t, 0};
		if (*t == '{') {
			place(part, sizeof(part), w->layout, t + 1, want);
			t += 2;
		} else if (*t == '#') {
			out->third = *++t - '0';
			break;
		} else if (*t == '!') {
			if (want->bias)
				return false;
			suffix = "";
			break;
		}
		size_t length = strlen(part);
		memcpy(out->name + n, part, length); /* the longest row is below 120 bytes */
		n += length;
	}
	snprintf(out->name + n, sizeof(out->name) - n, "%s", suffix);
	return true;
}

/* Cuts *t down to its q, k or v rows: q has as many as the Linear has inputs. */
static bool take_third(const struct engine_weights *w, const struct found *f,
		       struct engine_tensor *t, struct err *e)
{
	int64_t q = t->ndim >= 2 ? t->shape[1] : 0;
	if (t->ndim == 1) { /* a bias: its weight knows the inputs */
		char name[NAME_BYTES];
		snprintf(name, sizeof(name), "%.*s.weight",
			 (int)(strlen(f->name) - strlen(".bias")), f->name);
		const struct engine_tensor *weight = engine_safetensors_find(w->file, name);
		q = weight && weight->ndim >= 2 ? weight->shape[1] : 0;
	}
	int64_t rest = t->shape[0] - q;
	if (q <= 0 || rest <= 0 || rest % 2)
		return err_set(e, ERR_INVALID, "tensor %.100s does not hold q, k and v rows",
			       f->name);
	int64_t first = f->third == 0 ? 0 : q + (f->third - 1) * (rest / 2);
	size_t row_bytes = engine_tensor_row_bytes(t);
	t->shape[0] = f->third == 0 ? q : rest / 2;
	t->data = (const unsigned char *)t->data + (size_t)first * row_bytes;
	t->bytes = (size_t)t->shape[0] * row_bytes;
	if (t->scale)
		t->scale =
		    (const unsigned char *)t->scale + (size_t)first * engine_tensor_scale_bytes(t);
	return true;
}

static void print_shape(char *out, size_t size, const int64_t *shape, int ndim)
{
	size_t n = (size_t)snprintf(out, size, "[");
	for (int i = 0; i < ndim && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%lld", i ? "," : "",
				      (long long)shape[i]);
	if (n < size)
		snprintf(out + n, size - n, "]");
}

static bool check_shape(struct engine_tensor *t, const int64_t *want, struct err *e)
{
	int ndim = 0;
	while (ndim < ENGINE_TENSOR_DIMS_MAX && want[ndim])
		ndim++;
	if (ndim == 0)
		return true;
	struct engine_tensor given = *t;
	while (t->ndim > ndim && t->shape[0] == 1 && !t->scale) {
		memmove(t->shape, t->shape + 1, sizeof(t->shape) - sizeof(t->shape[0]));
		t->shape[ENGINE_TENSOR_DIMS_MAX - 1] = 1;
		t->ndim--;
	}
	/* 4-bit rows are whole blocks; the last columns of the last one may be padding */
	if (t->dtype == ENGINE_I4 && ndim == 2 && t->shape[1] - 32 < want[1] &&
	    want[1] < t->shape[1])
		t->shape[1] = want[1];
	if (t->ndim == ndim && !memcmp(t->shape, want, (size_t)ndim * sizeof(*want)))
		return true;
	char is[96], needed[96];
	print_shape(is, sizeof(is), given.shape, given.ndim);
	print_shape(needed, sizeof(needed), want, ndim);
	return err_set(e, ERR_INVALID, "tensor %.90s is %.40s, but this model needs %.40s", t->name,
		       is, needed);
}

static bool check_dtype(const struct engine_tensor *t, struct err *e)
{
	switch (t->dtype) {
	case ENGINE_F32:
	case ENGINE_F16:
	case ENGINE_BF16:
	case ENGINE_I4: /* has its scales, or it would be U8 */
		return true;
	case ENGINE_I8:
		return t->scale ||
		       err_set(e, ERR_INVALID, "tensor %.100s is I8 without its %.100s_scale",
			       t->name, t->name);
	default:
		return err_set(e, ERR_UNSUPPORTED,
			       "tensor %.100s is %s: F32, F16, BF16, I8 or 4 bits are needed",
			       t->name, engine_dtype_name(t->dtype));
	}
}

static bool get(const struct engine_weights *w, const struct engine_want *want,
		struct engine_tensor *t, struct err *e)
{
	struct found f;
	if (!make_name(w, want, &f))
		return err_set(e, ERR_UNSUPPORTED, "this kind of model has no such weight (%d)",
			       (int)want->id);
	const struct engine_tensor *stored = engine_safetensors_find(w->file, f.name);
	if (!stored)
		return err_set(e, ERR_INVALID, "tensor %.100s is missing", f.name);
	*t = *stored;
	return check_dtype(t, e) && (f.third < 0 || take_third(w, &f, t, e)) &&
	       check_shape(t, want->shape, e);
}

bool engine_weights_get(const struct engine_weights *w, struct engine_want want,
			struct engine_tensor *t, struct err *e)
{
	return get(w, &want, t, e) || err_context(e, "%.100s", engine_safetensors_path(w->file));
}

const struct engine_tensor *engine_weights_stored(const struct engine_weights *w,
						  struct engine_want want)
{
	struct found f;
	return make_name(w, &want, &f) ? engine_safetensors_find(w->file, f.name) : NULL;
}

bool engine_weights_has(const struct engine_weights *w, struct engine_want want)
{
	return engine_weights_stored(w, want) != NULL;
}

void engine_weights_release(const struct engine_weights *w, const struct engine_tensor *t)
{
	engine_safetensors_release(w->file, t);
}

bool engine_weights_load(const struct engine_weights *w, struct engine_want want, float *out,
			 struct err *e)
{
	struct engine_tensor t;
	if (!engine_weights_get(w, want, &t, e))
		return false;
	bool ok = engine_tensor_load_f32(&t, out, e) ||
		  err_context(e, "%.100s", engine_safetensors_path(w->file));
	engine_weights_release(w, &t);
	return ok;
}

static bool detect(const struct engine_safetensors *file, enum engine_layout *layout)
{
	static const struct {
		const char *prefix;
		enum engine_layout layout;
	} SIGNS[] = {
	    {"model.language_model.", ENGINE_LAYOUT_JANUS},
	    {"model.vqmodel.", ENGINE_LAYOUT_JANUS},
	    {"model.generation_", ENGINE_LAYOUT_JANUS},
	    {"language_model.", ENGINE_LAYOUT_ORIGINAL},
	    {"gen_vision_model.", ENGINE_LAYOUT_ORIGINAL},
	    {"gen_embed.", ENGINE_LAYOUT_ORIGINAL},
	    {"model.layers.", ENGINE_LAYOUT_PLAIN},
	    {"tok_embeddings.", ENGINE_LAYOUT_LLAMAGEN},
	    {"post_quant_conv.", ENGINE_LAYOUT_LLAMAGEN},
	};
	for (size_t s = 0; s < sizeof(SIGNS) / sizeof(SIGNS[0]); s++) {
		for (size_t i = 0; i < engine_safetensors_count(file); i++) {
			const char *name = engine_safetensors_at(file, i)->name;
			if (!strncmp(name, SIGNS[s].prefix, strlen(SIGNS[s].prefix))) {
				*layout = SIGNS[s].layout;
				return true;
			}
		}
	}
	return false;
}

struct engine_weights *engine_weights_wrap(struct engine_safetensors *s, struct err *e)
{
	enum engine_layout layout;
	if (!detect(s, &layout)) {
		err_set(e, ERR_UNSUPPORTED,
			"%.120s: none of its tensors has a name of the Janus or LlamaGen family",
			engine_safetensors_path(s));
		engine_safetensors_close(s);
		return NULL;
	}
	struct engine_weights *w = calloc(1, sizeof(*w));
	if (!w)
		abort();
	w->file = s;
	w->layout = layout;
	return w;
}

struct engine_weights *engine_weights_open(const char *path, struct err *e)
{
	struct engine_safetensors *s = engine_safetensors_open(path, e);
	return s ? engine_weights_wrap(s, e) : NULL;
}

void engine_weights_close(struct engine_weights *w)
{
	if (!w)
		return;
	engine_safetensors_close(w->file);
	free(w);
}

enum engine_layout engine_weights_layout(const struct engine_weights *w)
{
	return w->layout;
}

const struct engine_safetensors *engine_weights_file(const struct engine_weights *w)
{
	return w->file;
}
