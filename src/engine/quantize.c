/* Rounding a checkpoint's matrices into a new file, tensor by tensor.
 *
 * Owns which tensors are rounded: those that become the transformer's matrices. What must stay true: the bytes
 * are those that matrix.c would make of the same rows. One thread. */
#include "engine/quantize.h"

#include "engine/matrix.h"
#include "engine/names.h"
#include "engine/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MIN  64 /* narrower products stay as they are (transformer_load.c) */
#define SCALE_SUFFIX "_scale"

struct output {
	const struct engine_tensor *from;
	enum { COPY, NUMBERS, SCALES } part;
	char *name; /* of SCALES, owned */
};

struct plan {
	const struct engine_quantize *q;
	struct engine_weights *weights;
	const struct engine_tensor *stored; /* all of the file's */
	size_t stored_count;
	bool *rounded; /* by place in stored */
	struct engine_tensor *tensors;
	struct output *outputs;
	size_t count;
	size_t bytes, written; /* of what is read */
	void *made;
	float *row;
};

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_NO_MEMORY, "no memory to round the weights");
}

static bool mark(struct plan *p, struct engine_want want, struct err *e)
{
	const struct engine_tensor *t = engine_weights_stored(p->weights, want);
	if (!t || t->ndim != 2 || t->shape[1] < COLUMNS_MIN || t->shape[0] < 1)
		return true;
	if (t->dtype == ENGINE_I8 || t->dtype == ENGINE_I4)
		return err_set(e, ERR_UNSUPPORTED,
			       "%.100s is quantised already: start from the original weights",
			       t->name);
	if (t->dtype != ENGINE_F32 && t->dtype != ENGINE_F16 && t->dtype != ENGINE_BF16)
		return err_set(e, ERR_UNSUPPORTED, "%.100s is %s: F32, F16 or BF16 is needed",
			       t->name, engine_dtype_name(t->dtype));
	if (!engine_tensor_check_finite(t, e))
		return false;
	p->rounded[t - p->stored] = true;
	return true;
}

static bool mark_all(struct plan *p, const struct engine_shape *s, struct err *e)
{
	static const enum engine_tensor_id LAYER[] = {
	    T_LAYER_Q, T_LAYER_K, T_LAYER_V, T_LAYER_O, T_LAYER_GATE, T_LAYER_UP, T_LAYER_DOWN};
	static const enum engine_tensor_id ONCE[] = {T_IMAGE_HEAD_IN, T_IMAGE_HEAD_OUT,
						     T_TEXT_HEAD};

	for (int i = 0; i < s->llm.layers; i++)
		for (size_t k = 0; k < sizeof(LAYER) / sizeof(*LAYER); k++)
			if (!mark(p, (struct engine_want){LAYER[k], .i = i}, e))
				return false;
	for (int i = 0; i < s->image.aligner_depth; i++)
		if (!mark(p, (struct engine_want){T_IMAGE_ALIGN, .i = i}, e))
			return false;
	for (size_t k = 0; k < sizeof(ONCE) / sizeof(*ONCE); k++)
		if (!mark(p, (struct engine_want){.id = ONCE[k]}, e))
			return false;
	return true;
}

static void add(struct plan *p, const struct engine_tensor *from, int part,
		struct engine_tensor tensor)
{
	p->outputs[p->count].from = from;
	p->outputs[p->count].part = part;
	p->tensors[p->count++] = tensor;
}

/* The tensors that take the place of one. */
static bool add_rounded(struct plan *p, const struct engine_tensor *t, struct err *e)
{
	bool int4 = p->q->quant == ENGINE_QUANT_INT4;
	int64_t rows = t->shape[0], blocks = (t->shape[1] + 31) / 32;
	size_t length = strlen(t->name) + sizeof(SCALE_SUFFIX);
	char *name = malloc(length);
	if (!name)
		return no_memory(e);
	snprintf(name, length, "%s" SCALE_SUFFIX, t->name);
	p->outputs[p->count].name = name;
	add(p, t, SCALES,
	    (struct engine_tensor){.name = name,
				   .dtype = int4 ? ENGINE_F16 : ENGINE_F32,
				   .ndim = int4 ? 2 : 1,
				   .shape = {rows, int4 ? blocks : 1, 1, 1, 1, 1},
				   .bytes = (size_t)rows * (int4 ? (size_t)blocks * 2 : 4)});
	int64_t columns = int4 ? blocks * 16 : t->shape[1];
	add(p, t, NUMBERS,
	    (struct engine_tensor){.name = t->name,
				   .dtype = int4 ? ENGINE_U8 : ENGINE_I8,
				   .ndim = 2,
				   .shape = {rows, columns, 1, 1, 1, 1},
				   .bytes = (size_t)(rows * columns)});
	p->bytes += 2 * t->bytes;
	return true;
}

static bool make_plan(struct plan *p, struct err *e)
{
	size_t most = 0, widest = 0;
	p->tensors = calloc(2 * p->stored_count, sizeof(*p->tensors));
	p->outputs = calloc(2 * p->stored_count, sizeof(*p->outputs));
	if (!p->tensors || !p->outputs)
		return no_memory(e);
	for (size_t i = 0; i < p->stored_count; i++) {
		const struct engine_tensor *t = &p->stored[i];
		if (!p->rounded[i]) {
			struct engine_tensor copy = *t;
			if (copy.dtype == ENGINE_I4) { /* as it lies in the file */
				copy.dtype = ENGINE_U8;
				copy.shape[1] /= 2;
			}
			copy.scale = NULL;
			if (engine_dtype_size(copy.dtype)) /* others are of no use to the engine */
				add(p, t, COPY, copy);
			continue;
		}
		if (!add_rounded(p, t, e))
			return false;
		size_t bytes = p->tensors[p->count - 1].bytes;
		most = bytes > most ? bytes : most;
		widest = (size_t)t->shape[1] > widest ? (size_t)t->shape[1] : widest;
	}
	if (most == 0)
		return err_set(e, ERR_UNSUPPORTED, "there is nothing to round in this model");
	p->made = malloc(most);
	p->row = malloc((widest + 31) / 32 * 32 * sizeof(*p->row));
	return (p->made && p->row) || no_memory(e);
}

/* Rounds all rows; keeps the numbers or the scales. */
static const void *make(void *context, const struct engine_tensor *t, struct err *e)
{
	struct plan *p = context;
	const struct output *o = &p->outputs[t - p->tensors];
	const struct engine_tensor *from = o->from;
	size_t k = (size_t)from->shape[1], blocks = (k + 31) / 32;
	bool int4 = p->q->quant == ENGINE_QUANT_INT4;
	size_t row_bytes = int4 ? blocks * 16 : k, scale_bytes = int4 ? blocks * 2 : 4;
	uint8_t *q = malloc(row_bytes), *scales = malloc(scale_bytes);

	if (!q || !scales) {
		no_memory(e);
		free(q);
		free(scales);
		return NULL;
	}
	for (int64_t r = 0; r < from->shape[0]; r++) {
		engine_tensor_rows_f32(from, r, 1, p->row);
		if (int4) {
			engine_quantize_int4(p->row, k, q, (uint16_t *)scales);
		} else {
			float scale = engine_quantize_int8(p->row, k, (int8_t *)q);
			memcpy(scales, &scale, sizeof(scale));
		}
		size_t n = o->part == NUMBERS ? row_bytes : scale_bytes;
		memcpy((uint8_t *)p->made + (size_t)r * n, o->part == NUMBERS ? q : scales, n);
	}
	free(q);
	free(scales);
	engine_weights_release(p->weights, from);
	p->written += from->bytes;
	if (p->q->progress)
		p->q->progress(p->q->context, (double)p->written / (double)p->bytes);
	return p->made;
}

static void finish(struct plan *p)
{
	for (size_t i = 0; p->outputs && i < p->count; i++)
		free(p->outputs[i].name);
	free(p->outputs);
	free(p->tensors);
	free(p->rounded);
	free(p->made);
	free(p->row);
	engine_weights_close(p->weights);
}

bool engine_quantize(const struct engine_quantize *q, struct err *e)
{
	struct plan p = {.q = q};
	struct engine_shape shape;
	const char *metadata[] = {"quantised", q->quant == ENGINE_QUANT_INT4 ? "int4" : "int8",
				  "format", "pt", NULL};

	if (q->quant != ENGINE_QUANT_INT8 && q->quant != ENGINE_QUANT_INT4)
		return err_set(e, ERR_INVALID, "weights are rounded to int8 or int4");
	p.weights = engine_weights_open(q->dir, e);
	if (!p.weights)
		return false;
	const struct engine_safetensors *file = engine_weights_file(p.weights);
	p.stored = engine_safetensors_at(file, 0);
	p.stored_count = engine_safetensors_count(file);
	p.rounded = calloc(p.stored_count, sizeof(*p.rounded));
	struct engine_safetensors_source source = {make, &p};
	bool ok = (p.rounded || no_memory(e)) && engine_shape_read(NULL, p.weights, &shape, e) &&
		  mark_all(&p, &shape, e) && make_plan(&p, e) &&
		  engine_safetensors_write_from(q->file, p.tensors, p.count, metadata, &source, e);
	finish(&p);
	return ok;
}
