/* Loading of convolutions and Linear layers. Runs once, at load, on the thread that opens the model. Must
 * stay true: int8 weights go to engine_conv_create() as they are, all others as finite f32. */
#include "engine/conv_load.h"

#include <stdlib.h>
#include <string.h>

static void *conv_no_memory(struct err *e)
{
	err_set(e, ERR_NO_MEMORY, "not enough memory to load the model's layers");
	return NULL;
}

float *engine_conv_load_vector(const struct engine_weights *weights, struct engine_want want,
			       int count, struct err *e)
{
	memset(want.shape, 0, sizeof(want.shape));
	want.shape[0] = count;
	float *v = calloc((size_t)count, sizeof(float));
	if (v == NULL)
		return conv_no_memory(e);
	if (!engine_weights_load(weights, want, v, e)) {
		free(v);
		return NULL;
	}
	return v;
}

struct engine_conv *engine_conv_load(const struct engine_conv_source *s, struct err *e)
{
	struct engine_tensor t;
	struct engine_conv *conv = NULL;
	float *weight = NULL, *scale = NULL;
	struct engine_conv_weights w = {.kind = s->kind, .out = s->out, .in = s->in};
	const size_t side = s->kind == ENGINE_CONV_1X1 ? 1 : 3;
	struct engine_want bias_want = s->want;
	bias_want.bias = true;
	float *bias = engine_conv_load_vector(s->weights, bias_want, s->out, e);
	if (bias == NULL)
		return NULL;
	if (!engine_weights_get(s->weights, s->want, &t, e) || !engine_tensor_check_finite(&t, e))
		goto done;
	w.bias = bias;
	if (t.dtype == ENGINE_I8) {
		w.quantized = t.data;
		if (t.scale != NULL) {
			scale = malloc((size_t)s->out * sizeof(float));
			if (scale == NULL)
				goto no_memory;
			memcpy(scale, t.scale, (size_t)s->out * sizeof(float));
		}
		w.scale = scale;
	} else {
		weight = malloc((size_t)s->out * (size_t)s->in * side * side * sizeof(float));
		if (weight == NULL)
			goto no_memory;
		engine_tensor_rows_f32(&t, 0, s->out, weight);
		w.weight = weight;
	}
	conv = engine_conv_create(s->kernels, &w, e);
	engine_weights_release(s->weights, &t);
	goto done;
no_memory:
	conv_no_memory(e);
done:
	free(weight);
	free(scale);
	free(bias);
	return conv;
}
