/* Running the picture tokenizer's nets: from the rows wanted back to those needed, then layer by layer.
 *
 * Owns the memory of a computation (engine_vq_work). Runs on the caller's thread and the pool's. Must
 * stay true: a row's numbers are the same whichever other rows are computed with it, unless a layer is
 * global (group norm, attention), and then all rows are. */
#include "engine/vq_net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

struct engine_vq_work *engine_vq_work_create(struct engine_pool *pool, struct err *e)
{
	struct engine_vq_work *work = calloc(1, sizeof(*work));
	if (work == NULL || !engine_conv_work_init(&work->conv, pool, e)) {
		if (work == NULL)
			err_set(e, ERR_NO_MEMORY, "not enough memory to decode a picture");
		free(work);
		return NULL;
	}
	return work;
}

void engine_vq_work_destroy(struct engine_vq_work *work)
{
	if (work == NULL)
		return;
	engine_conv_work_finish(&work->conv);
	for (int i = 0; i < VQ_BUFFERS; i++)
		free(work->buffers[i].data);
	free(work);
}

size_t engine_vq_work_bytes(const struct engine_vq_work *work)
{
	size_t bytes = sizeof(*work) + work->conv.moments_count * sizeof(double);
	for (int i = 0; i < VQ_BUFFERS; i++)
		bytes += work->buffers[i].bytes;
	for (int i = 0; i < work->conv.threads; i++)
		bytes += work->conv.scratch[i].bytes;
	return bytes;
}

float *vq_work_buffer(struct engine_vq_work *work, int index, size_t count, struct err *e)
{
	if (count > VQ_BUFFER_MAX / sizeof(float)) {
		err_set(e, ERR_TOO_LARGE, "the picture is too large to decode");
		return NULL;
	}
	size_t bytes = count * sizeof(float);
	bytes = bytes < HUGE_PAGE ? (bytes + 4095) & ~(size_t)4095
				  : (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	if (work->buffers[index].bytes < bytes) {
		free(work->buffers[index].data);
		work->buffers[index].bytes = 0;
		work->buffers[index].data =
		    aligned_alloc(bytes < HUGE_PAGE ? 4096 : HUGE_PAGE, bytes);
		if (work->buffers[index].data == NULL) {
			err_set(e, ERR_NO_MEMORY, "not enough memory to decode a picture");
			return NULL;
		}
		/* A hint: with small pages the first touch of a large buffer costs as much as a layer. */
		if (bytes >= HUGE_PAGE)
			(void)madvise(work->buffers[index].data, bytes, MADV_HUGEPAGE);
		work->buffers[index].bytes = bytes;
	}
	return work->buffers[index].data;
}

/* A run under way: the picture in `at`, and the layers' heights and rows. */
struct vq_run {
	const struct vq_net *net;
	struct engine_vq_work *work;
	struct engine_plane at;
	int buffer; /* that `at` lies in; -1: the caller's */
	int first[VQ_OPS_MAX + 1],
	    last[VQ_OPS_MAX + 1]; /* rows of each layer's input; then output */
};

static int vq_op_out_size(const struct vq_op *op, int size)
{
	return op->kind == VQ_CONV ? engine_conv_out_size(engine_conv_kind(op->conv[0]), size)
				   : size;
}

static int vq_op_channels(const struct vq_op *op)
{
	switch (op->kind) {
	case VQ_CONV:
		return engine_conv_out(op->conv[0]);
	case VQ_RES:
		return engine_conv_out(op->conv[1]);
	default:
		return engine_conv_out(op->conv[3]);
	}
}

static void vq_run_ranges(const struct vq_net *net, int height, int *first, int *last)
{
	int heights[VQ_OPS_MAX + 1];
	heights[0] = height;
	for (int i = 0; i < net->count; i++)
		heights[i + 1] = vq_op_out_size(&net->ops[i], heights[i]);
	for (int i = net->count - 1; i >= 0; i--) {
		const struct vq_op *op = &net->ops[i];
		first[i] = first[i + 1];
		last[i] = last[i + 1];
		if (net->global) {
			first[i] = 0;
			last[i] = heights[i];
			continue;
		}
		if (op->kind == VQ_RES)
			engine_conv_rows_needed(ENGINE_CONV_3X3, heights[i], &first[i], &last[i]);
		engine_conv_rows_needed(engine_conv_kind(op->conv[0]), heights[i], &first[i],
					&last[i]);
	}
}

void vq_net_rows_needed(const struct vq_net *net, int in_height, int *first, int *last)
{
	int firsts[VQ_OPS_MAX + 1], lasts[VQ_OPS_MAX + 1];
	firsts[net->count] = *first;
	lasts[net->count] = *last;
	vq_run_ranges(net, in_height, firsts, lasts);
	*first = firsts[0];
	*last = lasts[0];
}

/* A new picture in another of the buffers 0-2 than those named. */
static bool vq_plane(struct vq_run *r, int not0, int not1, const struct engine_plane *shape,
		     struct engine_plane *out, int *buffer, struct err *e)
{
	int b = 0;
	while (b == not0 || b == not1)
		b++;
	*out = *shape;
	size_t count =
	    (size_t)(out->last - out->first) * (size_t)out->width * (size_t)out->channels;
	out->data = vq_work_buffer(r->work, b, count, e);
	*buffer = b;
	return out->data != NULL;
}

/* Rows [first, last) of a plane that holds them. */
static struct engine_plane vq_strip(const struct engine_plane *p, int first, int last)
{
	struct engine_plane s = *p;
	assert(first >= p->first && last <= p->last);
	s.data += (size_t)(first - p->first) * (size_t)p->width * (size_t)p->channels;
	s.first = first;
	s.last = last;
	return s;
}

static bool vq_prepare(struct vq_run *r, const struct engine_plane *in, const struct vq_norm *norm,
		       enum conv_act act, struct conv_prepare *prepare, struct err *e)
{
	*prepare = (struct conv_prepare){0};
	if (norm->gain == NULL)
		return true;
	prepare->act = act;
	prepare->eps = r->net->eps;
	if (r->net->norm == ENGINE_NORM_RMS) {
		prepare->norm = CONV_NORM_RMS;
		prepare->gain = norm->gain;
		return true;
	}
	prepare->norm = CONV_NORM_AFFINE;
	prepare->gain = r->work->affine[0];
	prepare->bias = r->work->affine[1];
	struct engine_group_norm group = {r->net->groups, r->net->eps, norm->gain, norm->bias};
	return engine_conv_group_norm(r->net->kernels, in, &group, &r->work->conv,
				      r->work->affine[0], r->work->affine[1], e);
}

static bool vq_run_conv(struct vq_run *r, const struct vq_op *op, int first, int last,
			struct err *e)
{
	struct engine_plane out = {.width = vq_op_out_size(op, r->at.width),
				   .height = vq_op_out_size(op, r->at.height),
				   .channels = vq_op_channels(op),
				   .first = first,
				   .last = last};
	struct engine_conv_call call = {.in = &r->at, .out = &out};
	int buffer;
	if (!vq_plane(r, r->buffer, r->buffer, &out, &out, &buffer, e) ||
	    !vq_prepare(r, &r->at, &op->norm[0], CONV_ACT_SWISH, &call.prepare, e) ||
	    !engine_conv_run(op->conv[0], &call, &r->work->conv, e))
		return false;
	r->at = out;
	r->buffer = buffer;
	return true;
}

static bool vq_run_res(struct vq_run *r, const struct vq_op *op, int first, int last, struct err *e)
{
	struct engine_plane h = r->at, sum;
	int h_buffer, sum_buffer = r->buffer;
	h.channels = vq_op_channels(op);
	h.first = first;
	h.last = last;
	if (!r->net->global)
		engine_conv_rows_needed(ENGINE_CONV_3X3, r->at.height, &h.first, &h.last);
	struct engine_conv_call call = {.in = &r->at, .out = &h};
	if (!vq_plane(r, r->buffer, r->buffer, &h, &h, &h_buffer, e) ||
	    !vq_prepare(r, &r->at, &op->norm[0], CONV_ACT_SWISH, &call.prepare, e) ||
	    !engine_conv_run(op->conv[0], &call, &r->work->conv, e))
		return false;
	if (op->conv[2] != NULL) {
		sum = r->at;
		sum.channels = h.channels;
		sum.first = first;
		sum.last = last;
		call = (struct engine_conv_call){.in = &r->at, .out = &sum};
		if (!vq_plane(r, r->buffer, h_buffer, &sum, &sum, &sum_buffer, e) ||
		    !engine_conv_run(op->conv[2], &call, &r->work->conv, e))
			return false;
	} else {
		sum = vq_strip(&r->at, first, last);
	}
	call = (struct engine_conv_call){.in = &h, .out = &sum, .accumulate = true};
	if (!vq_prepare(r, &h, &op->norm[1], CONV_ACT_SWISH, &call.prepare, e) ||
	    !engine_conv_run(op->conv[1], &call, &r->work->conv, e))
		return false;
	r->at = sum;
	r->buffer = sum_buffer;
	return true;
}

/* scores = q k^T, softmax, times v: both products by convolution kernels with the other side packed. */
static bool vq_attend(struct vq_run *r, const struct engine_plane qkv[3], struct engine_plane *out,
		      struct err *e)
{
	const struct engine_plane *q = &qkv[0];
	const int pixels = q->width * q->height, channels = q->channels;
	bool ok = false;
	struct engine_plane scores = *q;
	scores.channels = pixels;
	struct engine_conv *keys = engine_conv_matrix_create(r->net->kernels, pixels, channels, e);
	struct engine_conv *values =
	    keys != NULL ? engine_conv_matrix_create(r->net->kernels, channels, pixels, e) : NULL;
	if (values == NULL)
		goto done;
	engine_conv_matrix_pack(keys, qkv[1].data, (size_t)channels, 1, &r->work->conv);
	engine_conv_matrix_pack(values, qkv[2].data, 1, (size_t)channels, &r->work->conv);
	scores.data = vq_work_buffer(r->work, 6, (size_t)pixels * (size_t)pixels, e);
	struct engine_conv_call call = {.in = q, .out = &scores};
	if (scores.data == NULL || !engine_conv_run(keys, &call, &r->work->conv, e))
		goto done;
	engine_conv_softmax(r->net->kernels, &scores, 1.0f / __builtin_sqrtf((float)channels),
			    &r->work->conv);
	call = (struct engine_conv_call){.in = &scores, .out = out};
	ok = engine_conv_run(values, &call, &r->work->conv, e);
done:
	engine_conv_destroy(keys);
	engine_conv_destroy(values);
	return ok;
}

static bool vq_run_attention(struct vq_run *r, const struct vq_op *op, struct err *e)
{
	struct engine_plane qkv[3], out = r->at;
	const size_t count = (size_t)out.width * (size_t)out.height * (size_t)out.channels;
	assert(out.first == 0 && out.last == out.height);
	if (out.width * out.height > ENGINE_CONV_CHANNELS_MAX)
		return err_set(e, ERR_TOO_LARGE, "the picture is too large for attention");
	struct engine_conv_call call = {.in = &r->at};
	if (!vq_prepare(r, &r->at, &op->norm[0], CONV_ACT_NONE, &call.prepare, e))
		return false;
	for (int i = 0; i < 3; i++) {
		qkv[i] = r->at;
		qkv[i].data = vq_work_buffer(r->work, 3 + i, count, e);
		call.out = &qkv[i];
		if (qkv[i].data == NULL || !engine_conv_run(op->conv[i], &call, &r->work->conv, e))
			return false;
	}
	out.data = vq_work_buffer(r->work, 7, count, e);
	if (out.data == NULL || !vq_attend(r, qkv, &out, e))
		return false;
	call = (struct engine_conv_call){.in = &out, .out = &r->at, .accumulate = true};
	return engine_conv_run(op->conv[3], &call, &r->work->conv, e);
}

bool vq_net_run(const struct vq_net *net, const struct engine_plane *in, int first, int last,
		struct engine_vq_work *work, struct engine_plane *out, struct err *e)
{
	struct vq_run r = {.net = net, .work = work, .at = *in, .buffer = 0};
	r.first[net->count] = first;
	r.last[net->count] = last;
	vq_run_ranges(net, in->height, r.first, r.last);
	r.at = vq_strip(in, r.first[0], r.last[0]);
	for (int i = 0; i < net->count; i++) {
		const struct vq_op *op = &net->ops[i];
		bool ok =
		    op->kind == VQ_CONV  ? vq_run_conv(&r, op, r.first[i + 1], r.last[i + 1], e)
		    : op->kind == VQ_RES ? vq_run_res(&r, op, r.first[i + 1], r.last[i + 1], e)
					 : vq_run_attention(&r, op, e);
		if (!ok)
			return false;
	}
	*out = r.at;
	return true;
}
