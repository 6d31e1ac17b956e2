/* Loading of the picture tokenizer's layers from a model's tensors. Runs once, at load, on the thread
 * that opens the model. Must stay true: int8 weights go to engine_conv_create() as they are, all others
 * as finite f32. */
#include "engine/conv_load.h"
#include "engine/vq_net.h"

#include <stdlib.h>
#include <string.h>

static void vq_op_finish(struct vq_op *op)
{
	for (int i = 0; i < 4; i++)
		engine_conv_destroy(op->conv[i]);
	for (int i = 0; i < 2; i++) {
		free(op->norm[i].gain);
		free(op->norm[i].bias);
	}
}

void vq_net_destroy(struct vq_net *net)
{
	if (net == NULL)
		return;
	for (int i = 0; i < net->count; i++)
		vq_op_finish(&net->ops[i]);
	free(net);
}

struct vq_net *vq_net_create(const struct vq_loader *l, struct err *e)
{
	struct vq_net *net = calloc(1, sizeof(*net));
	if (net == NULL) {
		err_set(e, ERR_NO_MEMORY, "not enough memory for the picture tokenizer");
		return NULL;
	}
	net->kernels = l->kernels;
	net->norm = l->shape->norm;
	net->groups = l->shape->norm_groups;
	net->eps = l->shape->norm_eps;
	net->global = l->shape->norm == ENGINE_NORM_GROUP || l->shape->attention;
	return net;
}

static struct vq_op *vq_op_new(struct vq_loader *l, enum vq_op_kind kind, struct err *e)
{
	if (l->net->count == VQ_OPS_MAX) {
		err_set(e, ERR_TOO_LARGE, "the picture tokenizer has more than %d layers",
			VQ_OPS_MAX);
		return NULL;
	}
	struct vq_op *op = &l->net->ops[l->net->count++];
	op->kind = kind;
	return op;
}

static bool vq_load_norm(const struct vq_loader *l, struct engine_want want, int channels,
			 struct vq_norm *norm, struct err *e)
{
	if (l->net->norm == ENGINE_NORM_GROUP && channels % l->net->groups != 0)
		return err_set(e, ERR_INVALID, "%d channels cannot be normalised in %d groups",
			       channels, l->net->groups);
	if (channels > ENGINE_VQ_CHANNELS_MAX)
		return err_set(e, ERR_TOO_LARGE, "a tokenizer layer of %d channels is too wide",
			       channels);
	norm->gain = engine_conv_load_vector(l->weights, want, channels, e);
	if (norm->gain == NULL || l->net->norm == ENGINE_NORM_RMS)
		return norm->gain != NULL;
	want.bias = true;
	norm->bias = engine_conv_load_vector(l->weights, want, channels, e);
	return norm->bias != NULL;
}

static struct engine_conv *vq_load_one(const struct vq_loader *l, struct engine_want want,
				       enum engine_conv_kind kind, int in, int out, struct err *e)
{
	const int side = kind == ENGINE_CONV_1X1 ? 1 : 3;
	memcpy(want.shape, (int64_t[]){out, in, side, side}, 4 * sizeof(int64_t));
	struct engine_conv_source source = {.weights = l->weights,
					    .kernels = l->kernels,
					    .want = want,
					    .kind = kind,
					    .in = in,
					    .out = out};
	return engine_conv_load(&source, e);
}

bool vq_load_conv(struct vq_loader *l, const struct vq_block *b, enum engine_conv_kind kind,
		  enum engine_tensor_id norm, struct err *e)
{
	struct vq_op *op = vq_op_new(l, VQ_CONV, e);
	if (op == NULL)
		return false;
	struct engine_want want = {.id = b->id, .i = b->stage, .j = b->index};
	if (norm != T_COUNT &&
	    !vq_load_norm(l, (struct engine_want){.id = norm}, b->in, &op->norm[0], e))
		return false;
	op->conv[0] = vq_load_one(l, want, kind, b->in, b->out, e);
	return op->conv[0] != NULL;
}

bool vq_load_res(struct vq_loader *l, const struct vq_block *b, struct err *e)
{
	struct vq_op *op = vq_op_new(l, VQ_RES, e);
	if (op == NULL)
		return false;
	/* norm1, conv1, norm2, conv2, shortcut */
	struct engine_want want[5];
	for (int i = 0; i < 5; i++)
		want[i] =
		    (struct engine_want){.id = b->id + (unsigned)i, .i = b->stage, .j = b->index};
	if (!vq_load_norm(l, want[0], b->in, &op->norm[0], e) ||
	    !vq_load_norm(l, want[2], b->out, &op->norm[1], e))
		return false;
	op->conv[0] = vq_load_one(l, want[1], ENGINE_CONV_3X3, b->in, b->out, e);
	if (op->conv[0] == NULL)
		return false;
	op->conv[1] = vq_load_one(l, want[3], ENGINE_CONV_3X3, b->out, b->out, e);
	if (op->conv[1] == NULL)
		return false;
	if (b->in == b->out)
		return true;
	op->conv[2] = vq_load_one(l, want[4], ENGINE_CONV_1X1, b->in, b->out, e);
	return op->conv[2] != NULL;
}

bool vq_load_attention(struct vq_loader *l, const struct vq_block *b, struct err *e)
{
	struct vq_op *op = vq_op_new(l, VQ_ATTENTION, e);
	if (op == NULL)
		return false;
	/* norm, q, k, v, proj */
	struct engine_want want = {.id = b->id, .i = b->stage, .j = b->index};
	if (!vq_load_norm(l, want, b->in, &op->norm[0], e))
		return false;
	for (int i = 0; i < 4; i++) {
		want.id = b->id + 1 + (unsigned)i;
		op->conv[i] = vq_load_one(l, want, ENGINE_CONV_1X1, b->in, b->in, e);
		if (op->conv[i] == NULL)
			return false;
	}
	return true;
}
