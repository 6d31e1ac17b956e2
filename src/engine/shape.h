/* The shape of a model: every knob that tells one member of the family from another.
 *
 * Read from config.json (Hugging Face Janus, original deepseek-ai, Madang's own, the small test
 * models) and completed from the tensors' own shapes; LlamaGen checkpoints need no config.json. All
 * numbers are within the limits below when engine_shape_read() succeeds, and fit each other
 * (heads divide, product sizes do not overflow), so the rest of the engine need not check them
 * again. A plain value: copy it freely. */
#ifndef MADANG_ENGINE_SHAPE_H
#define MADANG_ENGINE_SHAPE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct engine_weights;

#define ENGINE_LAYERS_MAX      256
#define ENGINE_HIDDEN_MAX      16384
#define ENGINE_FFN_MAX         65536
#define ENGINE_HEADS_MAX       256
#define ENGINE_HEAD_DIM_MAX    256
#define ENGINE_VOCAB_MAX       1048576
#define ENGINE_POSITIONS_MAX   1048576
#define ENGINE_GRID_MAX        256
#define ENGINE_VQ_STAGES_MAX   8
#define ENGINE_VQ_CHANNELS_MAX 4096
#define ENGINE_FSQ_LEVELS_MAX  8
#define ENGINE_ALIGNER_MAX     8
#define ENGINE_STYLES_MAX      64
#define ENGINE_NAME_MAX        64

enum engine_family { ENGINE_FAMILY_JANUS, ENGINE_FAMILY_MADANG, ENGINE_FAMILY_LLAMAGEN };

enum engine_rope {
	ENGINE_ROPE_HALF,        /* pairs (i, i + d/2), Hugging Face */
	ENGINE_ROPE_INTERLEAVED, /* pairs (2i, 2i + 1) */
	ENGINE_ROPE_GRID         /* interleaved pairs turned by row and column; the conditioning
				    prefix has (cos, sin) = (0, 0) */
};

enum engine_guidance {
	ENGINE_GUIDANCE_NONE,
	ENGINE_GUIDANCE_PAD,       /* second stream: the prompt replaced by pad */
	ENGINE_GUIDANCE_NULL_CLASS /* second stream: the null class or the learned empty caption */
};

/* What stands before the image tokens. */
enum engine_condition {
	ENGINE_CONDITION_TEXT,   /* tokens of the text vocabulary */
	ENGINE_CONDITION_CLASS,  /* one embedding of a class (LlamaGen c2i) */
	ENGINE_CONDITION_CAPTION /* caption_tokens states of a text encoder (LlamaGen t2i) */
};

enum engine_quantizer { ENGINE_QUANTIZER_VQ_L2, ENGINE_QUANTIZER_FSQ };
enum engine_norm { ENGINE_NORM_GROUP, ENGINE_NORM_RMS };

struct engine_llm_shape {
	int hidden, ffn, layers, heads, kv_heads, head_dim;
	int vocab; /* text tokens; 0 where there is no text embedding (LlamaGen) */
	int positions_max;
	float norm_eps;
	double rope_theta;
	enum engine_rope rope;
	bool qkv_bias;      /* Qwen2 */
	bool qk_norm;       /* Qwen3: RMS norm of every head's q and k before RoPE */
	bool tied;          /* text logits use the embedding table */
	bool has_text_head; /* text logits can be had at all (tied, or lm_head present) */
};

struct engine_image_shape {
	int vocab;      /* K: image tokens 0..K-1 */
	bool unified;   /* image tokens are rows vocab_base.. of the text vocabulary, in and out */
	int vocab_base; /* 0 unless unified */
	int embed_dim;  /* width of the image embedding table; = hidden where there is no aligner */
	int aligner_depth; /* Linear layers with GELU(erf) between them; 0: the embedding is used as
			      is */
	int head_hidden; /* width of the head's hidden layer; 0: the head is one Linear (no bias) */
	bool position_embeddings; /* a learned row for every place of the grid is added to the input
				   */
	int grid;                 /* the picture is grid x grid tokens */
	int tokens;               /* grid * grid */
};

struct engine_vq_shape {
	bool has_decoder, has_encoder;
	enum engine_quantizer quantizer;
	int codes;    /* = image.vocab */
	int code_dim; /* numbers a code stands for: width of the codebook, or the count of FSQ
			 levels */
	int levels[ENGINE_FSQ_LEVELS_MAX]; /* FSQ only */
	int latent_channels;               /* between (post_)quant_conv and conv_in/conv_out */
	int base_channels, encoder_base_channels;
	int stages;
	int multiplier[ENGINE_VQ_STAGES_MAX]; /* index 0 is the HIGHEST resolution */
	int res_blocks; /* encoder: this many Res a stage; decoder: one more */
	bool attention; /* in mid, and after each Res of the lowest resolution */
	enum engine_norm norm;
	int norm_groups; /* 32 */
	float norm_eps;  /* 1e-6 */
	int patch; /* pixels are p*p to a channel group outside the nets (pixel_shuffle); 1: none */
	int grid, image_size; /* image_size = (grid << (stages - 1)) * patch */
};

struct engine_vision_shape {
	bool present;
	int image_size, patch, width, layers, heads, ffn;
	int aligner_depth;
	float norm_eps;
};

/* Defaults for a request that names none. */
struct engine_sampling {
	float guidance, temperature, top_p;
	int top_k; /* 0: off */
};

struct engine_style {
	char name[ENGINE_NAME_MAX];  /* as a person types it */
	char token[ENGINE_NAME_MAX]; /* content of its added token in tokenizer.json */
	int block;                   /* pixels a side of its squares of one colour; 0: none */
};

/* Contents of the special tokens; empty where the model has none. */
struct engine_special_tokens {
	char bos[ENGINE_NAME_MAX], eos[ENGINE_NAME_MAX], pad[ENGINE_NAME_MAX];
	char boi[ENGINE_NAME_MAX], eoi[ENGINE_NAME_MAX], src[ENGINE_NAME_MAX];
	char style_any[ENGINE_NAME_MAX], image_placeholder[ENGINE_NAME_MAX];
	char source_any
	    [ENGINE_NAME_MAX]; /* of a source whose style nobody knows; empty: style_any */
};

struct engine_shape {
	enum engine_family family;
	struct engine_llm_shape llm;
	struct engine_image_shape image;
	enum engine_guidance guidance;
	enum engine_condition condition;
	int prompt_length; /* text is cut or padded to this; 0: as long as it is */
	int prefix;  /* conditioning positions before the image tokens (CLASS, CAPTION); else 0 */
	int classes; /* CLASS: rows of the class table without the null class; null = classes */
	int caption_dim; /* CAPTION */
	struct engine_vq_shape vq;
	struct engine_vision_shape vision;
	struct engine_sampling sampling;
	struct engine_special_tokens tokens;
	struct engine_style styles[ENGINE_STYLES_MAX];
	int style_count;
	char name[ENGINE_NAME_MAX]; /* as config.json calls the model; empty where it does not */
	/* What the model was trained to do (VARY needs no training of its own, but is listed too). */
	bool can_draw, can_restyle, can_vary, can_edit;
};

/* config_path: a config.json, or NULL for the one beside the weights (LlamaGen needs none). */
bool engine_shape_read(const char *config_path, const struct engine_weights *w,
		       struct engine_shape *shape, struct err *e) MUST_CHECK;

/* The same for a config.json's text; text may be NULL. w may be NULL: then nothing is inferred and
 * the text must say everything. */
bool engine_shape_parse(const char *text, size_t length, const struct engine_weights *w,
			struct engine_shape *shape, struct err *e) MUST_CHECK;

const char *engine_family_name(enum engine_family family);

#endif
