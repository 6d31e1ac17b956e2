/* The picture tokenizer's encoder: pixels to tokens. Runs on the caller's thread and the pool's. Must
 * stay true: of two equally near codes the first is taken. */
#include "engine/vq_net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool vq_encoder_stage(struct vq_loader *l, int stage, int in, int out, struct err *e)
{
	const bool lowest = stage == l->shape->stages - 1;
	for (int j = 0; j < l->shape->res_blocks; j++) {
		struct vq_block res = {T_ENC_RES_NORM1, stage, j, j == 0 ? in : out, out};
		struct vq_block attention = {T_ENC_ATTN_NORM, stage, j, out, out};
		if (!vq_load_res(l, &res, e))
			return false;
		if (lowest && l->shape->attention && !vq_load_attention(l, &attention, e))
			return false;
	}
	struct vq_block down = {T_ENC_DOWNSAMPLE, stage, 0, out, out};
	return lowest || vq_load_conv(l, &down, ENGINE_CONV_DOWN, T_COUNT, e);
}

static bool vq_encoder_layers(struct vq_loader *l, struct err *e)
{
	const struct engine_vq_shape *s = l->shape;
	int at = s->encoder_base_channels;
	struct vq_block in = {T_ENC_CONV_IN, 0, 0, 3 * s->patch * s->patch, at};
	if (!vq_load_conv(l, &in, ENGINE_CONV_3X3, T_COUNT, e))
		return false;
	for (int stage = 0; stage < s->stages; stage++) {
		int out = s->encoder_base_channels * s->multiplier[stage];
		if (!vq_encoder_stage(l, stage, at, out, e))
			return false;
		at = out;
	}
	struct vq_block middle[2] = {{T_ENC_RES_NORM1, ENGINE_MID, 0, at, at},
				     {T_ENC_RES_NORM1, ENGINE_MID, 1, at, at}};
	struct vq_block attention = {T_ENC_ATTN_NORM, ENGINE_MID, 0, at, at};
	if (!vq_load_res(l, &middle[0], e))
		return false;
	if (s->attention && !vq_load_attention(l, &attention, e))
		return false;
	if (!vq_load_res(l, &middle[1], e))
		return false;
	struct vq_block out = {T_ENC_CONV_OUT, 0, 0, at, s->latent_channels};
	struct vq_block quant = {T_VQ_QUANT_CONV, 0, 0, s->latent_channels, s->code_dim};
	return vq_load_conv(l, &out, ENGINE_CONV_3X3, T_ENC_NORM_OUT, e) &&
	       vq_load_conv(l, &quant, ENGINE_CONV_1X1, T_COUNT, e);
}

struct vq_net *vq_encoder_load(const struct engine_weights *weights,
			       const struct engine_vq_shape *shape,
			       const struct conv_kernels *kernels, struct err *e)
{
	struct vq_loader l = {.weights = weights, .shape = shape, .kernels = kernels};
	l.net = vq_net_create(&l, e);
	if (l.net != NULL && !vq_encoder_layers(&l, e)) {
		vq_net_destroy(l.net);
		return NULL;
	}
	return l.net;
}

/* Nearest code of a unit vector = largest dot product; the length of z does not change the order. */
static int32_t vq_nearest(const struct engine_vq *vq, const float *z)
{
	const int dim = vq->shape.code_dim;
	int32_t best = 0;
	float top = -INFINITY;
	for (int i = 0; i < vq->shape.codes; i++) {
		const float *code = vq->codebook + (size_t)i * (size_t)dim;
		float dot = 0;
		for (int c = 0; c < dim; c++)
			dot += code[c] * z[c];
		if (dot > top) {
			top = dot;
			best = i;
		}
	}
	return best;
}

static int32_t vq_digits(const struct engine_vq_shape *s, const float *z)
{
	int32_t id = 0, base = 1;
	for (int j = 0; j < s->code_dim; j++) {
		float place = (tanhf(z[j]) + 1.0f) / 2.0f * (float)(s->levels[j] - 1);
		int digit = (int)rintf(place);
		digit = digit < 0 ? 0 : digit >= s->levels[j] ? s->levels[j] - 1 : digit;
		id += digit * base;
		base *= s->levels[j];
	}
	return id;
}

struct vq_quantize {
	const struct engine_vq *vq;
	const float *z;
	int32_t *ids;
};

static void vq_quantize(void *context, size_t begin, size_t end, int thread)
{
	(void)thread;
	const struct vq_quantize *q = context;
	const struct engine_vq_shape *s = &q->vq->shape;
	for (size_t i = begin; i < end; i++) {
		const float *z = q->z + i * (size_t)s->code_dim;
		q->ids[i] =
		    s->quantizer == ENGINE_QUANTIZER_FSQ ? vq_digits(s, z) : vq_nearest(q->vq, z);
	}
}

/* Pixels to patches of p x p of them, channel c * p * p + y * p + x. */
static void vq_patches(const struct engine_vq_encode *what, int patch, float *out)
{
	const int width = what->width / patch, area = patch * patch;
	for (int y = 0; y < what->height; y++) {
		for (int x = 0; x < what->width; x++) {
			const size_t in = ((size_t)y * (size_t)what->width + (size_t)x) * 3;
			const size_t cell =
			    (size_t)(y / patch) * (size_t)width + (size_t)(x / patch);
			float *to = out + cell * (size_t)(3 * area) +
				    (size_t)(y % patch * patch + x % patch);
			for (int c = 0; c < 3; c++)
				to[c * area] =
				    what->pixels != NULL
					? what->pixels[in + (size_t)c]
					: (float)what->rgb[in + (size_t)c] / 127.5f - 1.0f;
		}
	}
}

bool engine_vq_encode(const struct engine_vq *vq, const struct engine_vq_encode *what,
		      struct engine_vq_work *work, int32_t *ids, float *latents, struct err *e)
{
	const int scale = engine_vq_scale(vq);
	const int side_max = ENGINE_GRID_MAX * scale;
	if (vq->encoder == NULL)
		return err_set(e, ERR_UNSUPPORTED, "this model cannot turn pixels into tokens");
	if (what->width < 1 || what->height < 1 || what->width % scale != 0 ||
	    what->height % scale != 0 || what->width > side_max || what->height > side_max)
		return err_set(e, ERR_INVALID,
			       "a picture of %d x %d pixels does not fit tokens of %d", what->width,
			       what->height, scale);
	const int patch = vq->shape.patch;
	struct engine_plane in = {.width = what->width / patch,
				  .height = what->height / patch,
				  .channels = 3 * patch * patch,
				  .last = what->height / patch};
	in.data = vq_work_buffer(work, 0, (size_t)what->width * (size_t)what->height * 3, e);
	if (in.data == NULL)
		return false;
	vq_patches(what, patch, in.data);
	struct engine_plane out;
	if (!vq_net_run(vq->encoder, &in, 0, what->height / scale, work, &out, e))
		return false;
	struct vq_quantize q = {.vq = vq, .z = out.data, .ids = ids};
	const size_t tokens = (size_t)out.width * (size_t)out.height;
	engine_conv_for(&work->conv, tokens, 8, vq_quantize, &q);
	if (latents != NULL)
		memcpy(latents, out.data, tokens * (size_t)out.channels * sizeof(float));
	return true;
}
