/* The picture tokenizer as one thing: shape, codebook, decoder, encoder. Made and destroyed by the
 * thread that opens a model. Must stay true: rows of the codebook have length 1 (decoding looks them
 * up, encoding takes the largest dot product). */
#include "engine/vq_net.h"

#include <math.h>
#include <stdlib.h>

static bool vq_load_codebook(struct engine_vq *vq, const struct engine_weights *weights,
			     struct err *e)
{
	const size_t dim = (size_t)vq->shape.code_dim, codes = (size_t)vq->shape.codes;
	vq->codebook = malloc(codes * dim * sizeof(float));
	if (vq->codebook == NULL)
		return err_set(e, ERR_NO_MEMORY, "not enough memory for %zu codes", codes);
	struct engine_want want = {.id = T_VQ_CODEBOOK, .shape = {(int64_t)codes, (int64_t)dim}};
	if (!engine_weights_load(weights, want, vq->codebook, e))
		return false;
	for (size_t i = 0; i < codes; i++) {
		float *row = vq->codebook + i * dim;
		double square = 0;
		for (size_t c = 0; c < dim; c++)
			square += (double)row[c] * (double)row[c];
		double length = sqrt(square) > 1e-12 ? sqrt(square) : 1e-12;
		for (size_t c = 0; c < dim; c++)
			row[c] = (float)((double)row[c] / length);
	}
	return true;
}

/* The digits of FSQ must make up exactly the codes. */
static bool vq_check_levels(const struct engine_vq_shape *s, struct err *e)
{
	int64_t codes = 1;
	for (int j = 0; j < s->code_dim; j++) {
		if (j >= ENGINE_FSQ_LEVELS_MAX || s->levels[j] < 2 || codes > INT32_MAX)
			return err_set(e, ERR_INVALID, "the tokenizer's levels are not possible");
		codes *= s->levels[j];
	}
	if (codes != s->codes)
		return err_set(e, ERR_INVALID, "the tokenizer's levels make %lld codes, not %d",
			       (long long)codes, s->codes);
	return true;
}

struct engine_vq *engine_vq_create(const struct engine_weights *weights,
				   const struct engine_vq_shape *shape,
				   const struct engine_vq_options *options, struct err *e)
{
	struct engine_vq *vq = calloc(1, sizeof(*vq));
	if (vq == NULL) {
		err_set(e, ERR_NO_MEMORY, "not enough memory for the picture tokenizer");
		return NULL;
	}
	vq->shape = *shape;
	vq->kernels = options->kernels;
	if (shape->patch < 1 || shape->patch > VQ_PATCH_MAX) {
		err_set(e, ERR_INVALID, "patches of %d pixels are not possible", shape->patch);
		engine_vq_destroy(vq);
		return NULL;
	}
	bool ok = shape->quantizer == ENGINE_QUANTIZER_FSQ ? vq_check_levels(shape, e)
							   : vq_load_codebook(vq, weights, e);
	if (ok && options->decoder) {
		vq->decoder = vq_decoder_load(weights, shape, options->kernels, e);
		ok = vq->decoder != NULL;
	}
	if (ok && options->encoder) {
		vq->encoder = vq_encoder_load(weights, shape, options->kernels, e);
		ok = vq->encoder != NULL;
	}
	if (!ok) {
		engine_vq_destroy(vq);
		return NULL;
	}
	return vq;
}

void engine_vq_destroy(struct engine_vq *vq)
{
	if (vq == NULL)
		return;
	vq_net_destroy(vq->decoder);
	vq_net_destroy(vq->encoder);
	free(vq->codebook);
	free(vq);
}

int engine_vq_scale(const struct engine_vq *vq)
{
	return vq->shape.patch << (vq->shape.stages - 1);
}

static size_t vq_net_bytes(const struct vq_net *net)
{
	size_t bytes = 0;
	for (int i = 0; net != NULL && i < net->count; i++) {
		for (int j = 0; j < 4; j++) {
			if (net->ops[i].conv[j] != NULL)
				bytes += engine_conv_bytes(net->ops[i].conv[j]);
		}
	}
	return bytes;
}

size_t engine_vq_bytes(const struct engine_vq *vq)
{
	size_t table = vq->codebook != NULL
			   ? (size_t)vq->shape.codes * (size_t)vq->shape.code_dim * sizeof(float)
			   : 0;
	return table + vq_net_bytes(vq->decoder) + vq_net_bytes(vq->encoder);
}

int engine_vq_halo(const struct engine_vq *vq)
{
	if (vq->decoder == NULL || vq->decoder->global)
		return -1;
	/* Far from the edges of a tall picture. */
	const int scale = engine_vq_scale(vq) / vq->shape.patch, middle = 4 * VQ_OPS_MAX;
	int first = middle * scale, last = (middle + 1) * scale;
	vq_net_rows_needed(vq->decoder, 2 * middle, &first, &last);
	return middle - first > last - middle - 1 ? middle - first : last - middle - 1;
}
