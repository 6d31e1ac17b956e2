/* The picture tokenizer's decoder: tokens to pixels. Runs on the caller's thread and the pool's. Must
 * stay true: a strip decoded with a negative halo equals those rows of the whole picture. */
#include "engine/vq_net.h"

#include <stdlib.h>
#include <string.h>

/* A stage's Res blocks, with attention after each in the lowest resolution. */
static bool vq_decoder_stage(struct vq_loader *l, int stage, int in, int out, struct err *e)
{
	for (int j = 0; j <= l->shape->res_blocks; j++) {
		struct vq_block res = {T_DEC_RES_NORM1, stage, j, j == 0 ? in : out, out};
		struct vq_block attention = {T_DEC_ATTN_NORM, stage, j, out, out};
		if (!vq_load_res(l, &res, e))
			return false;
		if (stage == 0 && l->shape->attention && !vq_load_attention(l, &attention, e))
			return false;
	}
	struct vq_block up = {T_DEC_UPSAMPLE, stage, 0, out, out};
	return stage == l->shape->stages - 1 || vq_load_conv(l, &up, ENGINE_CONV_UP, T_COUNT, e);
}

static bool vq_decoder_layers(struct vq_loader *l, struct err *e)
{
	const struct engine_vq_shape *s = l->shape;
	int at = s->base_channels * s->multiplier[s->stages - 1];
	struct vq_block post = {T_VQ_POST_QUANT_CONV, 0, 0, s->code_dim, s->latent_channels};
	struct vq_block in = {T_DEC_CONV_IN, 0, 0, s->latent_channels, at};
	struct vq_block middle[2] = {{T_DEC_RES_NORM1, ENGINE_MID, 0, at, at},
				     {T_DEC_RES_NORM1, ENGINE_MID, 1, at, at}};
	struct vq_block attention = {T_DEC_ATTN_NORM, ENGINE_MID, 0, at, at};
	if (!vq_load_conv(l, &post, ENGINE_CONV_1X1, T_COUNT, e) ||
	    !vq_load_conv(l, &in, ENGINE_CONV_3X3, T_COUNT, e) || !vq_load_res(l, &middle[0], e))
		return false;
	if (s->attention && !vq_load_attention(l, &attention, e))
		return false;
	if (!vq_load_res(l, &middle[1], e))
		return false;
	for (int stage = 0; stage < s->stages; stage++) {
		int out = s->base_channels * s->multiplier[s->stages - 1 - stage];
		if (!vq_decoder_stage(l, stage, at, out, e))
			return false;
		at = out;
	}
	struct vq_block out = {T_DEC_CONV_OUT, 0, 0, at, 3 * s->patch * s->patch};
	return vq_load_conv(l, &out, ENGINE_CONV_3X3, T_DEC_NORM_OUT, e);
}

struct vq_net *vq_decoder_load(const struct engine_weights *weights,
			       const struct engine_vq_shape *shape,
			       const struct conv_kernels *kernels, struct err *e)
{
	struct vq_loader l = {.weights = weights, .shape = shape, .kernels = kernels};
	l.net = vq_net_create(&l, e);
	if (l.net != NULL && !vq_decoder_layers(&l, e)) {
		vq_net_destroy(l.net);
		return NULL;
	}
	return l.net;
}

static void vq_code(const struct engine_vq *vq, int32_t id, float *z)
{
	const struct engine_vq_shape *s = &vq->shape;
	if (s->quantizer == ENGINE_QUANTIZER_VQ_L2) {
		memcpy(z, vq->codebook + (size_t)id * (size_t)s->code_dim,
		       (size_t)s->code_dim * sizeof(float));
		return;
	}
	for (int j = 0; j < s->code_dim; j++) {
		int digit = id % s->levels[j];
		id /= s->levels[j];
		z[j] = 2.0f * (float)digit / (float)(s->levels[j] - 1) - 1.0f;
	}
}

/* The last plane holds patches of p x p pixels, channel c * p * p + y * p + x. */
static void vq_pixels(const struct engine_plane *p, int patch, float *pixels, uint8_t *rgb)
{
	const int width = p->width * patch, rows = (p->last - p->first) * patch;
	for (int y = 0; y < rows; y++) {
		for (int x = 0; x < width; x++) {
			const size_t cell =
			    (size_t)(y / patch) * (size_t)p->width + (size_t)(x / patch);
			const float *in = p->data + cell * (size_t)p->channels +
					  (size_t)(y % patch * patch + x % patch);
			const size_t out = ((size_t)y * (size_t)width + (size_t)x) * 3;
			for (int c = 0; c < 3; c++) {
				float v = in[c * patch * patch];
				if (pixels != NULL)
					pixels[out + (size_t)c] = v;
				if (rgb == NULL)
					continue;
				v = (v + 1.0f) / 2.0f * 255.0f;
				v = v > 0.0f ? v : 0.0f; /* also NaN */
				rgb[out + (size_t)c] = (uint8_t)(v < 255.0f ? v : 255.0f);
			}
		}
	}
}

static bool vq_decode_check(const struct engine_vq *vq, const struct engine_vq_decode *d,
			    struct err *e)
{
	if (vq->decoder == NULL)
		return err_set(e, ERR_UNSUPPORTED, "this model cannot turn tokens into pixels");
	if (d->width < 1 || d->rows < 1 || d->width > ENGINE_GRID_MAX || d->rows > ENGINE_GRID_MAX)
		return err_set(e, ERR_INVALID, "a picture of %d x %d tokens is not possible",
			       d->width, d->rows);
	if (d->first < 0 || d->first >= d->last || d->last > d->rows)
		return err_set(e, ERR_INVALID, "there are no token rows %d to %d in %d", d->first,
			       d->last, d->rows);
	for (int i = 0; i < d->width * d->rows; i++) {
		if (d->ids[i] < 0 || d->ids[i] >= vq->shape.codes)
			return err_set(e, ERR_INVALID, "token %d is %d, but there are %d codes", i,
				       (int)d->ids[i], vq->shape.codes);
	}
	return true;
}

bool engine_vq_decode(const struct engine_vq *vq, const struct engine_vq_decode *d,
		      struct engine_vq_work *work, float *pixels, uint8_t *rgb, struct err *e)
{
	if (!vq_decode_check(vq, d, e))
		return false;
	int top = 0, bottom = d->rows;
	if (d->halo >= 0 && !vq->decoder->global) {
		top = d->first - d->halo > 0 ? d->first - d->halo : 0;
		bottom = d->last + d->halo < d->rows ? d->last + d->halo : d->rows;
	}
	const size_t dim = (size_t)vq->shape.code_dim;
	struct engine_plane z = {.width = d->width,
				 .height = bottom - top,
				 .channels = vq->shape.code_dim,
				 .last = bottom - top};
	const size_t count = (size_t)z.width * (size_t)z.height;
	z.data = vq_work_buffer(work, 0, count * dim, e);
	if (z.data == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		vq_code(vq, d->ids[(size_t)top * (size_t)d->width + i], z.data + i * dim);
	struct engine_plane out;
	const int scale = engine_vq_scale(vq) / vq->shape.patch;
	if (!vq_net_run(vq->decoder, &z, (d->first - top) * scale, (d->last - top) * scale, work,
			&out, e))
		return false;
	vq_pixels(&out, vq->shape.patch, pixels, rgb);
	return true;
}
