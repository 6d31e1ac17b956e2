/* The tokenizer's nets: a list of layers, run on the rows that are wanted. Inside src/engine/vq*.c only.
 *
 * Three kinds of layers make up encoder and decoder: a convolution (with or without norm and swish in
 * front), a residual block, an attention block. */
#ifndef MADANG_ENGINE_VQ_NET_H
#define MADANG_ENGINE_VQ_NET_H

#include "engine/vq.h"

#define VQ_OPS_MAX    256
#define VQ_BUFFERS    8
#define VQ_BUFFER_MAX ((size_t)2 << 30) /* bytes of one buffer */
#define VQ_PATCH_MAX  16

enum vq_op_kind { VQ_CONV, VQ_RES, VQ_ATTENTION };

struct vq_norm {
	float *gain, *bias; /* gain NULL: no norm; bias NULL with RMS */
};

struct vq_op {
	enum vq_op_kind kind;
	/* CONV: itself. RES: first, second, shortcut or NULL. ATTENTION: q, k, v, out. */
	struct engine_conv *conv[4];
	struct vq_norm norm[2];
};

struct vq_net {
	const struct conv_kernels *kernels;
	enum engine_norm norm;
	int groups;
	float eps;
	bool global; /* some layer sees the whole picture */
	int count;
	struct vq_op ops[VQ_OPS_MAX];
};

struct engine_vq {
	struct engine_vq_shape shape;
	const struct conv_kernels *kernels;
	struct vq_net *decoder, *encoder; /* NULL where not loaded */
	float *codebook; /* [codes][code_dim], each row of length 1; NULL with FSQ */
};

/* Buffers 0-2 hold pictures in turn, 3-7 what attention needs. */
struct engine_vq_work {
	struct engine_conv_work conv;
	struct {
		float *data;
		size_t bytes;
	} buffers[VQ_BUFFERS];
	float affine[2][ENGINE_VQ_CHANNELS_MAX]; /* group norm as factor and summand */
};

/* The buffer's memory, at least count floats; what it held is lost when it has to grow. */
float *vq_work_buffer(struct engine_vq_work *work, int index, size_t count,
		      struct err *e) MUST_CHECK;

/* Rows [first, last) of the last layer's output for an input plane that lies in buffer 0 and is
 * complete. The result is *out, in one of the buffers, until the next run. */
bool vq_net_run(const struct vq_net *net, const struct engine_plane *in, int first, int last,
		struct engine_vq_work *work, struct engine_plane *out, struct err *e) MUST_CHECK;

/* The rows of the input that rows [*first, *last) of the output need; in place. */
void vq_net_rows_needed(const struct vq_net *net, int in_height, int *first, int *last);

/* vq_encode.c, vq_decode.c: the lists. */
struct vq_net *vq_decoder_load(const struct engine_weights *weights,
			       const struct engine_vq_shape *shape,
			       const struct conv_kernels *kernels, struct err *e) MUST_CHECK;
struct vq_net *vq_encoder_load(const struct engine_weights *weights,
			       const struct engine_vq_shape *shape,
			       const struct conv_kernels *kernels, struct err *e) MUST_CHECK;
void vq_net_destroy(struct vq_net *net); /* NULL-safe */

/* vq_load.c: single layers. `want` names the weight; shapes are filled in here. */
struct vq_loader {
	const struct engine_weights *weights;
	const struct engine_vq_shape *shape;
	const struct conv_kernels *kernels;
	struct vq_net *net;
};

/* The first tensor of a block; the others follow it in enum engine_tensor_id. */
struct vq_block {
	enum engine_tensor_id id;
	int stage, index;
	int in, out;
};

struct vq_net *vq_net_create(const struct vq_loader *l, struct err *e) MUST_CHECK;
bool vq_load_conv(struct vq_loader *l, const struct vq_block *block, enum engine_conv_kind kind,
		  enum engine_tensor_id norm, struct err *e) MUST_CHECK; /* norm T_COUNT: none */
bool vq_load_res(struct vq_loader *l, const struct vq_block *block, struct err *e) MUST_CHECK;
bool vq_load_attention(struct vq_loader *l, const struct vq_block *block, struct err *e) MUST_CHECK;

#endif
