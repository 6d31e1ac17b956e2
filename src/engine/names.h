/* Names: which tensor of a checkpoint is which weight of the engine.
 *
 * One table (names.c) holds each weight's name in the layouts that exist: original deepseek-ai,
 * transformers Janus (also Madang's own), LlamaGen, and a plain Hugging Face language model.
 * Tensors that are stored fused (the vision tower's qkv, LlamaGen's wqkv) are handed out as views
 * of their rows, so that the rest of the engine sees one layout only. */
#ifndef MADANG_ENGINE_NAMES_H
#define MADANG_ENGINE_NAMES_H

#include "engine/safetensors.h"

enum engine_layout {
	ENGINE_LAYOUT_ORIGINAL,
	ENGINE_LAYOUT_JANUS,
	ENGINE_LAYOUT_LLAMAGEN,
	ENGINE_LAYOUT_PLAIN
};

/* i and j of struct engine_want count what stands in brackets. */
enum engine_tensor_id {
	T_TEXT_EMBED,      /* [vocab, D] */
	T_TEXT_HEAD,       /* lm_head [vocab, D] */
	T_FINAL_NORM,      /* [D] */
	T_LAYER_NORM_ATTN, /* (i = layer, so all T_LAYER_…) before attention */
	T_LAYER_NORM_FFN,
	T_LAYER_Q,
	T_LAYER_K,
	T_LAYER_V,
	T_LAYER_O,
	T_LAYER_Q_NORM,
	T_LAYER_K_NORM,
	T_LAYER_GATE,
	T_LAYER_UP,
	T_LAYER_DOWN,

	T_IMAGE_EMBED,     /* [K, embed_dim]; LlamaGen tok_embeddings [K, D] */
	T_IMAGE_ALIGN,     /* (i = Linear) */
	T_IMAGE_HEAD_IN,   /* Linear before the GELU; absent in LlamaGen */
	T_IMAGE_HEAD_OUT,  /* Linear to K logits; LlamaGen output */
	T_IMAGE_POSITIONS, /* no .weight/.bias choice; [tokens, D] */
	T_CLASS_EMBED,     /* LlamaGen c2i [classes + 1, D] */
	T_CAPTION_IN,      /* LlamaGen t2i fc1, fc2 */
	T_CAPTION_OUT,
	T_CAPTION_EMPTY, /* uncond_embedding [positions, caption_dim] */

	T_VQ_CODEBOOK, /* [K, code_dim] */
	T_VQ_QUANT_CONV,
	T_VQ_POST_QUANT_CONV,
	T_DEC_CONV_IN,
	T_DEC_RES_NORM1, /* (i = stage or ENGINE_MID, j = block; all T_DEC_RES_…) */
	T_DEC_RES_CONV1,
	T_DEC_RES_NORM2,
	T_DEC_RES_CONV2,
	T_DEC_RES_SHORTCUT, /* 1x1, only where the channels differ */
	T_DEC_ATTN_NORM,    /* (i = stage or ENGINE_MID, j = block) */
	T_DEC_ATTN_Q,
	T_DEC_ATTN_K,
	T_DEC_ATTN_V,
	T_DEC_ATTN_PROJ,
	T_DEC_UPSAMPLE, /* (i = stage) */
	T_DEC_NORM_OUT,
	T_DEC_CONV_OUT,
	T_ENC_CONV_IN, /* as the decoder */
	T_ENC_RES_NORM1,
	T_ENC_RES_CONV1,
	T_ENC_RES_NORM2,
	T_ENC_RES_CONV2,
	T_ENC_RES_SHORTCUT,
	T_ENC_ATTN_NORM,
	T_ENC_ATTN_Q,
	T_ENC_ATTN_K,
	T_ENC_ATTN_V,
	T_ENC_ATTN_PROJ,
	T_ENC_DOWNSAMPLE, /* (i = stage) */
	T_ENC_NORM_OUT,
	T_ENC_CONV_OUT,

	T_VIT_PATCH,     /* [width, 3, patch, patch] */
	T_VIT_POSITIONS, /* [places, width] */
	T_VIT_NORM1,     /* (i = layer) */
	T_VIT_Q,
	T_VIT_K,
	T_VIT_V,
	T_VIT_PROJ,
	T_VIT_NORM2,
	T_VIT_FC1,
	T_VIT_FC2,
	T_VIT_NORM_OUT,
	T_VIT_ALIGN, /* (i = Linear) */
	T_COUNT
};

/* i of a Res or an Attn in the middle of the picture tokenizer: j = 0, 1 for its two Res, 0 for its
 * one Attn. */
#define ENGINE_MID (-1)

/* What is asked for: ENGINE_WANT(T_LAYER_Q, .i = n, .shape = {D, D}). */
#define ENGINE_WANT(...) ((struct engine_want){.id = __VA_ARGS__})

struct engine_want {
	enum engine_tensor_id id;
	int i, j;
	bool bias; /* the .bias instead of the .weight */
	/* What the shape must be; dimensions end at the first 0, and none at all accepts anything.
	 * Leading dimensions of 1 in the file are taken away to match. */
	int64_t shape[ENGINE_TENSOR_DIMS_MAX];
};

struct engine_weights;

/* Opens what engine_safetensors_open() opens and finds out its layout. */
struct engine_weights *engine_weights_open(const char *path, struct err *e) MUST_CHECK;
/* Takes s over, also on failure. */
struct engine_weights *engine_weights_wrap(struct engine_safetensors *s, struct err *e) MUST_CHECK;
void engine_weights_close(struct engine_weights *w); /* NULL-safe */

enum engine_layout engine_weights_layout(const struct engine_weights *w);
const struct engine_safetensors *engine_weights_file(const struct engine_weights *w);

/* Fills *t with a tensor (or a view of one) of a dtype that converts to f32 and of the shape
 * wanted; otherwise an error that names the file, the tensor and what is wrong. The view is valid
 * while w is open. Its numbers are not looked at: engine_tensor_load_f32() or _check_finite() does
 * that. */
bool engine_weights_get(const struct engine_weights *w, struct engine_want want,
			struct engine_tensor *t, struct err *e) MUST_CHECK;

/* The tensor as it is stored (all of a stacked one, of any dtype and shape); NULL: it is not there. */
const struct engine_tensor *engine_weights_stored(const struct engine_weights *w,
						  struct engine_want want);

/* What has been read may leave memory. */
void engine_weights_release(const struct engine_weights *w, const struct engine_tensor *t);

/* Is there such a tensor, whatever its shape? */
bool engine_weights_has(const struct engine_weights *w, struct engine_want want);

/* get and load: converts to f32 into out, which holds the product of want.shape (all of which must
 * be given), and refuses NaN and infinities. */
bool engine_weights_load(const struct engine_weights *w, struct engine_want want, float *out,
			 struct err *e) MUST_CHECK;

#endif
