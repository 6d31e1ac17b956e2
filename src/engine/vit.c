/* The vision tower: patches, layers of attention and MLP, the aligner.
 *
 * Every product is a 1x1 convolution over the places of the picture. Runs on the caller's thread and the
 * pool's. Must stay true: nothing is kept between calls. */
#include "engine/vit.h"

#include "engine/conv_load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct vit_norm {
	float *gain, *bias;
};

struct vit_layer {
	struct vit_norm norm1, norm2;
	struct engine_conv *q, *k, *v, *proj, *fc1, *fc2;
};

struct engine_vit {
	struct engine_vision_shape shape;
	const struct conv_kernels *kernels;
	int hidden, side; /* places = side * side */
	struct engine_conv *patch;
	float *positions;
	struct vit_layer *layers;
	struct vit_norm norm_out;
	struct engine_conv *align[ENGINE_ALIGNER_MAX];
};

/* What is being loaded, and whether all went well so far: after the first failure nothing more is tried. */
struct vit_loader {
	struct engine_vit *vit;
	const struct engine_weights *weights;
	bool ok;
	struct err *e;
};

static struct engine_conv *vit_linear(struct vit_loader *l, struct engine_want want, int in,
				      int out)
{
	if (!l->ok)
		return NULL;
	if (want.shape[0] == 0)
		memcpy(want.shape, (int64_t[]){out, in}, 2 * sizeof(int64_t));
	struct engine_conv_source source = {.weights = l->weights,
					    .kernels = l->vit->kernels,
					    .want = want,
					    .kind = ENGINE_CONV_1X1,
					    .in = in,
					    .out = out};
	struct engine_conv *c = engine_conv_load(&source, l->e);
	l->ok = c != NULL;
	return c;
}

static struct vit_norm vit_norm(struct vit_loader *l, struct engine_want want)
{
	struct vit_norm n = {0};
	const int width = l->vit->shape.width;
	if (l->ok)
		n.gain = engine_conv_load_vector(l->weights, want, width, l->e);
	want.bias = true;
	if (n.gain != NULL)
		n.bias = engine_conv_load_vector(l->weights, want, width, l->e);
	l->ok = n.bias != NULL;
	return n;
}

static void vit_layer(struct vit_loader *l, int i, struct vit_layer *layer)
{
	const int width = l->vit->shape.width, ffn = l->vit->shape.ffn;
	layer->norm1 = vit_norm(l, (struct engine_want){T_VIT_NORM1, .i = i});
	layer->q = vit_linear(l, (struct engine_want){T_VIT_Q, .i = i}, width, width);
	layer->k = vit_linear(l, (struct engine_want){T_VIT_K, .i = i}, width, width);
	layer->v = vit_linear(l, (struct engine_want){T_VIT_V, .i = i}, width, width);
	layer->proj = vit_linear(l, (struct engine_want){T_VIT_PROJ, .i = i}, width, width);
	layer->norm2 = vit_norm(l, (struct engine_want){T_VIT_NORM2, .i = i});
	layer->fc1 = vit_linear(l, (struct engine_want){T_VIT_FC1, .i = i}, width, ffn);
	layer->fc2 = vit_linear(l, (struct engine_want){T_VIT_FC2, .i = i}, ffn, width);
}

static void vit_load(struct vit_loader *l)
{
	struct engine_vit *vit = l->vit;
	const struct engine_vision_shape *s = &vit->shape;
	const int places = vit->side * vit->side;
	struct engine_want patch = {T_VIT_PATCH, .shape = {s->width, 3, s->patch, s->patch}};
	struct engine_want positions = {T_VIT_POSITIONS, .shape = {places, s->width}};
	vit->patch = vit_linear(l, patch, 3 * s->patch * s->patch, s->width);
	if (l->ok) {
		vit->positions = malloc((size_t)places * (size_t)s->width * sizeof(float));
		vit->layers = calloc((size_t)s->layers, sizeof(*vit->layers));
		l->ok = vit->positions != NULL && vit->layers != NULL;
		if (!l->ok)
			err_set(l->e, ERR_NO_MEMORY, "not enough memory for the vision tower");
	}
	if (l->ok)
		l->ok = engine_weights_load(l->weights, positions, vit->positions, l->e);
	for (int i = 0; l->ok && i < s->layers; i++)
		vit_layer(l, i, &vit->layers[i]);
	vit->norm_out = vit_norm(l, (struct engine_want){.id = T_VIT_NORM_OUT});
	for (int i = 0; i < s->aligner_depth; i++)
		vit->align[i] = vit_linear(l, (struct engine_want){T_VIT_ALIGN, .i = i},
					   i == 0 ? s->width : vit->hidden, vit->hidden);
}

static bool vit_check(const struct engine_vision_shape *s, int hidden, struct err *e)
{
	if (!s->present)
		return err_set(e, ERR_UNSUPPORTED, "this model cannot look at pictures");
	if (s->patch < 1 || s->image_size < s->patch ||
	    s->image_size / s->patch > ENGINE_GRID_MAX || s->width < 1 || s->heads < 1 ||
	    s->width % s->heads != 0 || s->layers < 1 || s->ffn < 1 ||
	    s->layers > ENGINE_LAYERS_MAX || s->aligner_depth < 1 ||
	    s->aligner_depth > ENGINE_ALIGNER_MAX || hidden < 1)
		return err_set(e, ERR_INVALID, "the vision tower's shape is not possible");
	return true;
}

struct engine_vit *engine_vit_create(const struct engine_weights *weights,
				     const struct engine_vision_shape *shape, int hidden,
				     const struct conv_kernels *kernels, struct err *e)
{
	if (!vit_check(shape, hidden, e))
		return NULL;
	struct engine_vit *vit = calloc(1, sizeof(*vit));
	if (vit == NULL) {
		err_set(e, ERR_NO_MEMORY, "not enough memory for the vision tower");
		return NULL;
	}
	vit->shape = *shape;
	vit->kernels = kernels;
	vit->hidden = hidden;
	vit->side = shape->image_size / shape->patch;
	struct vit_loader l = {.vit = vit, .weights = weights, .ok = true, .e = e};
	vit_load(&l);
	if (!l.ok) {
		engine_vit_destroy(vit);
		return NULL;
	}
	return vit;
}

static void vit_norm_finish(struct vit_norm *n)
{
	free(n->gain);
	free(n->bias);
}

void engine_vit_destroy(struct engine_vit *vit)
{
	if (vit == NULL)
		return;
	for (int i = 0; vit->layers != NULL && i < vit->shape.layers; i++) {
		struct vit_layer *l = &vit->layers[i];
		struct engine_conv *convs[] = {l->q, l->k, l->v, l->proj, l->fc1, l->fc2};
		for (size_t c = 0; c < sizeof(convs) / sizeof(convs[0]); c++)
			engine_conv_destroy(convs[c]);
		vit_norm_finish(&l->norm1);
		vit_norm_finish(&l->norm2);
	}
	for (int i = 0; i < ENGINE_ALIGNER_MAX; i++)
		engine_conv_destroy(vit->align[i]);
	vit_norm_finish(&vit->norm_out);
	engine_conv_destroy(vit->patch);
	free(vit->positions);
	free(vit->layers);
	free(vit);
}

int engine_vit_places(const struct engine_vit *vit)
{
	return vit->side * vit->side;
}

int engine_vit_hidden(const struct engine_vit *vit)
{
	return vit->hidden;
}

size_t engine_vit_bytes(const struct engine_vit *vit)
{
	size_t bytes = engine_conv_bytes(vit->patch);
	bytes += (size_t)engine_vit_places(vit) * (size_t)vit->shape.width * sizeof(float);
	for (int i = 0; i < vit->shape.layers; i++) {
		const struct vit_layer *l = &vit->layers[i];
		bytes += engine_conv_bytes(l->q) + engine_conv_bytes(l->k) +
			 engine_conv_bytes(l->v) + engine_conv_bytes(l->proj) +
			 engine_conv_bytes(l->fc1) + engine_conv_bytes(l->fc2);
	}
	for (int i = 0; i < vit->shape.aligner_depth; i++)
		bytes += engine_conv_bytes(vit->align[i]);
	return bytes;
}

/* One call's memory: planes of the places. */
struct vit_run {
	const struct engine_vit *vit;
	struct engine_conv_work work;
	float *memory;
	struct engine_plane x, q, k, v, mixed, wide; /* wide: ffn, also the patches' pixels */
	struct engine_plane head[2], scores;         /* query of a head, result of a head */
	struct engine_conv *keys, *values;           /* of a head */
};

static struct engine_plane vit_plane(const struct engine_vit *vit, float **memory, int channels)
{
	struct engine_plane p = {
	    .width = vit->side, .height = vit->side, .channels = channels, .last = vit->side};
	p.data = *memory;
	*memory += (size_t)engine_vit_places(vit) * (size_t)channels;
	return p;
}

static void vit_run_finish(struct vit_run *r)
{
	engine_conv_destroy(r->keys);
	engine_conv_destroy(r->values);
	engine_conv_work_finish(&r->work);
	free(r->memory);
}

static bool vit_run_init(struct vit_run *r, const struct engine_vit *vit, struct engine_pool *pool,
			 struct err *e)
{
	const struct engine_vision_shape *s = &vit->shape;
	const int places = engine_vit_places(vit), dim = s->width / s->heads;
	const int pixels = 3 * s->patch * s->patch;
	int wide = s->ffn > pixels ? s->ffn : pixels;
	wide = wide > vit->hidden ? wide : vit->hidden;
	*r = (struct vit_run){.vit = vit};
	if (!engine_conv_work_init(&r->work, pool, e))
		return false;
	const size_t row = 5 * (size_t)s->width + (size_t)wide + 2 * (size_t)dim + (size_t)places;
	r->memory = calloc((size_t)places * row, sizeof(float));
	if (r->memory == NULL) {
		vit_run_finish(r);
		return err_set(e, ERR_NO_MEMORY, "not enough memory to look at a picture");
	}
	float *at = r->memory;
	struct engine_plane *planes[] = {&r->x, &r->q, &r->k, &r->v, &r->mixed};
	for (size_t i = 0; i < sizeof(planes) / sizeof(planes[0]); i++)
		*planes[i] = vit_plane(vit, &at, s->width);
	r->wide = vit_plane(vit, &at, wide);
	r->head[0] = vit_plane(vit, &at, dim);
	r->head[1] = vit_plane(vit, &at, dim);
	r->scores = vit_plane(vit, &at, places);
	r->keys = engine_conv_matrix_create(vit->kernels, places, dim, e);
	r->values =
	    r->keys != NULL ? engine_conv_matrix_create(vit->kernels, dim, places, e) : NULL;
	if (r->values == NULL) {
		vit_run_finish(r);
		return false;
	}
	return true;
}

/* x = patches * W + b + positions */
static bool vit_embed(struct vit_run *r, const float *pixels, struct err *e)
{
	const struct engine_vision_shape *s = &r->vit->shape;
	const int area = s->patch * s->patch, places = engine_vit_places(r->vit);
	struct engine_plane patches = r->wide;
	patches.channels = 3 * area;
	for (int i = 0; i < places * area; i++) {
		int place = i / area, y = place / r->vit->side * s->patch + i % area / s->patch;
		int x = place % r->vit->side * s->patch + i % s->patch;
		float *to = patches.data + (size_t)place * (size_t)(3 * area) + (size_t)(i % area);
		for (int c = 0; c < 3; c++)
			to[c * area] =
			    pixels[((size_t)y * (size_t)s->image_size + (size_t)x) * 3 + (size_t)c];
	}
	memcpy(r->x.data, r->vit->positions, (size_t)places * (size_t)s->width * sizeof(float));
	struct engine_conv_call call = {.in = &patches, .out = &r->x, .accumulate = true};
	return engine_conv_run(r->vit->patch, &call, &r->work, e);
}

static struct conv_prepare vit_layer_norm(const struct vit_run *r, const struct vit_norm *n)
{
	return (struct conv_prepare){.norm = CONV_NORM_LAYER,
				     .eps = r->vit->shape.norm_eps,
				     .gain = n->gain,
				     .bias = n->bias};
}

/* Columns [at, at + narrow channels) of the wide plane and the narrow one. */
static void vit_copy_head(struct engine_plane *wide, struct engine_plane *narrow, int at, bool out)
{
	const size_t bytes = (size_t)narrow->channels * sizeof(float);
	for (int i = 0; i < wide->width * wide->height; i++) {
		float *a = wide->data + (size_t)i * (size_t)wide->channels + at;
		float *b = narrow->data + (size_t)i * (size_t)narrow->channels;
		memcpy(out ? a : b, out ? b : a, bytes);
	}
}

static bool vit_attend(struct vit_run *r, struct err *e)
{
	const struct engine_vision_shape *s = &r->vit->shape;
	const int dim = s->width / s->heads;
	const float scale = 1.0f / sqrtf((float)dim);
	for (int h = 0; h < s->heads; h++) {
		vit_copy_head(&r->q, &r->head[0], h * dim, false);
		engine_conv_matrix_pack(r->keys, r->k.data + h * dim, (size_t)s->width, 1,
					&r->work);
		engine_conv_matrix_pack(r->values, r->v.data + h * dim, 1, (size_t)s->width,
					&r->work);
		struct engine_conv_call call = {.in = &r->head[0], .out = &r->scores};
		if (!engine_conv_run(r->keys, &call, &r->work, e))
			return false;
		engine_conv_softmax(r->vit->kernels, &r->scores, scale, &r->work);
		call = (struct engine_conv_call){.in = &r->scores, .out = &r->head[1]};
		if (!engine_conv_run(r->values, &call, &r->work, e))
			return false;
		vit_copy_head(&r->mixed, &r->head[1], h * dim, true);
	}
	return true;
}

static bool vit_run_layer(struct vit_run *r, const struct vit_layer *l, struct err *e)
{
	const struct engine_conv *convs[3] = {l->q, l->k, l->v};
	struct engine_plane *planes[3] = {&r->q, &r->k, &r->v};
	struct engine_plane ffn = r->wide;
	struct engine_conv_call call = {.in = &r->x, .prepare = vit_layer_norm(r, &l->norm1)};
	for (int i = 0; i < 3; i++) {
		call.out = planes[i];
		if (!engine_conv_run(convs[i], &call, &r->work, e))
			return false;
	}
	if (!vit_attend(r, e))
		return false;
	call = (struct engine_conv_call){.in = &r->mixed, .out = &r->x, .accumulate = true};
	if (!engine_conv_run(l->proj, &call, &r->work, e))
		return false;
	ffn.channels = r->vit->shape.ffn;
	call = (struct engine_conv_call){
	    .in = &r->x, .out = &ffn, .prepare = vit_layer_norm(r, &l->norm2)};
	if (!engine_conv_run(l->fc1, &call, &r->work, e))
		return false;
	call = (struct engine_conv_call){.in = &ffn, .out = &r->x, .accumulate = true};
	call.prepare.act = CONV_ACT_GELU;
	return engine_conv_run(l->fc2, &call, &r->work, e);
}

/* The last norm by itself, for whoever wants to see what the aligner sees. */
static void vit_features(const struct vit_run *r, float *out)
{
	const int width = r->vit->shape.width;
	for (int i = 0; i < engine_vit_places(r->vit); i++) {
		const float *x = r->x.data + (size_t)i * (size_t)width;
		double mean = 0, square = 0;
		for (int c = 0; c < width; c++)
			mean += (double)x[c] / width;
		for (int c = 0; c < width; c++)
			square += ((double)x[c] - mean) * ((double)x[c] - mean) / width;
		double rate = 1 / sqrt(square + (double)r->vit->shape.norm_eps);
		for (int c = 0; c < width; c++)
			out[(size_t)i * (size_t)width + (size_t)c] =
			    (float)(((double)x[c] - mean) * rate *
					(double)r->vit->norm_out.gain[c] +
				    (double)r->vit->norm_out.bias[c]);
	}
}

static bool vit_align(struct vit_run *r, float *aligned, struct err *e)
{
	const int depth = r->vit->shape.aligner_depth;
	struct engine_plane at = r->x, out = r->wide;
	struct conv_prepare prepare = vit_layer_norm(r, &r->vit->norm_out);
	/* Two planes in turn; the caller's is the last. */
	for (int i = 0; i < depth; i++) {
		out.channels = r->vit->hidden;
		out.data = (depth - i) % 2 == 1 ? aligned : r->wide.data;
		struct engine_conv_call call = {.in = &at, .out = &out, .prepare = prepare};
		if (!engine_conv_run(r->vit->align[i], &call, &r->work, e))
			return false;
		at = out;
		prepare = (struct conv_prepare){.act = CONV_ACT_GELU};
	}
	return true;
}

bool engine_vit_run(const struct engine_vit *vit, const float *pixels, struct engine_pool *pool,
		    float *features, float *aligned, struct err *e)
{
	struct vit_run r;
	if (!vit_run_init(&r, vit, pool, e))
		return false;
	bool ok = vit_embed(&r, pixels, e);
	for (int i = 0; ok && i < vit->shape.layers; i++)
		ok = vit_run_layer(&r, &vit->layers[i], e);
	if (ok && features != NULL)
		vit_features(&r, features);
	ok = ok && vit_align(&r, aligned, e);
	vit_run_finish(&r);
	return ok;
}
