/* The decoder of the picture tokenizer as it is trained: residual convolutions from a grid of codes to pixels
 * (model/nets.py, Decoder), and its forward and backward for a few pictures at once.
 *
 * All parameters are one flat array of f32, as in shape.h. A convolution's weights are [tap][in][out], taps row by
 * row; that is also how they are saved, as matrices of taps * in rows. */
#ifndef MADANG_TRAIN_PIXELS_H
#define MADANG_TRAIN_PIXELS_H

#include "base/arena.h"
#include "base/err.h"
#include "train/core.h"
#include "train/shape.h"

#include <stddef.h>
#include <stdint.h>

#define PIXELS_STAGES_MAX 6
#define PIXELS_BLOCKS_MAX 4
#define PIXELS_CONVS_MAX  (4 + 3 * (2 + PIXELS_STAGES_MAX * PIXELS_BLOCKS_MAX) + PIXELS_STAGES_MAX)

struct pixels_conv {
	size_t w, b; /* offsets */
	int in, out, taps, index;
};

struct pixels_res {
	size_t norm1, norm2;
	struct pixels_conv conv1, conv2, shortcut; /* shortcut.taps 0: in and out are as wide */
};

struct pixels_shape {
	int grid, levels[TRAIN_LEVELS_MAX], level_count, codes;
	int latent, stages, blocks, patch,
	    side; /* blocks: of a stage; side: of a picture, in pixels */
	int channels[PIXELS_STAGES_MAX];
	struct pixels_conv post_quant, conv_in, up[PIXELS_STAGES_MAX], conv_out;
	struct pixels_res mid[2], stage[PIXELS_STAGES_MAX][PIXELS_BLOCKS_MAX];
	size_t norm_out, count;
	int conv_count;
	double multiplies; /* of one picture, forward */
};

/* Reads vq_config of a config.json and lays the parameters out. Only decoders with FSQ, a per-position norm and
 * no attention can be trained. */
MUST_CHECK bool pixels_shape_read(struct pixels_shape *s, const char *path, struct err *e);
struct train_param *pixels_shape_params(struct arena *a, const struct pixels_shape *s,
					size_t *count);
/* First weights, from a seed. */
void pixels_shape_init(const struct pixels_shape *s, const struct train_param *p, size_t count,
		       uint64_t seed, float *w);

struct pixels_packed;
struct pixels_work;

struct pixels_core {
	const char *name; /* of the train_core that goes with it */
	struct pixels_packed *(*packed_create)(const struct pixels_shape *s, struct err *e);
	void (*packed_destroy)(struct pixels_packed *p);
	void (*pack)(struct pixels_packed *p, const float *w, int conv);
	/* pictures: at once. */
	struct pixels_work *(*work_create)(const struct pixels_shape *s, int pictures,
					   struct err *e);
	void (*work_destroy)(struct pixels_work *work);
	/* codes [n][grid * grid]; rgb [n][side][side][3], 0 to 255. Adds the gradients of scale * (sum of the
	 * pictures' losses) to g and writes each picture's loss and mean square error (of -1 to 1). g NULL: forward only;
	 * then rgb may be NULL, and out [n][side][side][3] (or NULL) gets the pictures. */
	void (*run)(struct pixels_work *work, const struct pixels_packed *p, const float *w, int n,
		    const int32_t *codes, const uint8_t *const *rgb, float scale, float *g,
		    double *loss, double *square, float *out);
};

extern const struct pixels_core pixels_core_scalar, pixels_core_avx512, pixels_core_avx512bf16,
    pixels_core_amx;

/* The kernels of the same level. */
const struct pixels_core *pixels_core_of(const struct train_core *core);

#endif
