/* Keeps, saves and loads the training's state. The main thread's. Must stay true: a state file of an older
 * program of the same magic loads. */
#include "train/state.h"

#include "engine/safetensors.h"
#include "train/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4200

struct header {
	char magic[8];
	uint64_t count, step, samples;
	double seconds;
	uint64_t shards;
	uint64_t cursors[TRAIN_SHARDS_MAX];
};

static const char MAGIC[8] = {'M', 'D', 'T', 'R', 'A', 'I', 'N', '1'};

bool train_state_reserve(struct train_state *t, struct train_param *params, size_t param_count,
			 size_t count, struct err *e)
{
	*t = (struct train_state){.params = params, .param_count = param_count};
	t->shape.count = count;
	float **arrays[] = {&t->w, &t->first, &t->second, &t->average};
	for (size_t i = 0; i < 4; i++) {
		*arrays[i] = train_memory(count * sizeof(float));
		if (!*arrays[i]) {
			train_state_finish(t);
			return err_set(e, ERR_NO_MEMORY, "no memory for %zu parameters", count);
		}
	}
	return true;
}

bool train_state_init(struct arena *a, struct train_state *t, const struct train_shape *s,
		      uint64_t seed, struct err *e)
{
	size_t count;
	struct train_param *params = train_shape_params(a, s, &count);
	if (!train_state_reserve(t, params, count, s->count, e))
		return false;
	t->shape = *s;
	train_shape_init(s, t->params, t->param_count, seed, t->w);
	memcpy(t->average, t->w, s->count * sizeof(float));
	return true;
}

void train_state_finish(struct train_state *t)
{
	free(t->w);
	free(t->first);
	free(t->second);
	free(t->average);
	t->w = t->first = t->second = t->average = NULL;
}

static bool write_all(const struct train_state *t, const struct header *h, FILE *f)
{
	const float *arrays[] = {t->w, t->first, t->second, t->average};
	bool ok = fwrite(h, sizeof(*h), 1, f) == 1;
	for (size_t i = 0; i < 4 && ok; i++)
		ok = fwrite(arrays[i], sizeof(float), t->shape.count, f) == t->shape.count;
	ok = ok && fflush(f) == 0 && fsync(fileno(f)) == 0;
	return fclose(f) == 0 && ok;
}

bool train_state_save(const struct train_state *t, const struct train_data *d, const char *path,
		      struct err *e)
{
	char temporary[PATH_BYTES];
	struct header h = {.count = t->shape.count,
			   .step = t->step,
			   .samples = t->samples,
			   .seconds = t->seconds,
			   .shards = d->count};
	memcpy(h.magic, MAGIC, sizeof(MAGIC));
	for (size_t i = 0; i < d->count; i++)
		h.cursors[i] = d->shards[i].cursor;
	snprintf(temporary, sizeof(temporary), "%s.part", path);
	FILE *f = fopen(temporary, "wb");
	if (!f || !write_all(t, &h, f) || rename(temporary, path) != 0) {
		int saved = errno;
		unlink(temporary);
		return err_set(e, ERR_IO, "cannot write %s: %s", path, strerror(saved));
	}
	return true;
}

bool train_state_load(struct train_state *t, struct train_data *d, const char *path, bool *found,
		      struct err *e)
{
	struct header h;
	float *arrays[] = {t->w, t->first, t->second, t->average};
	FILE *f = fopen(path, "rb");
	*found = f != NULL;
	if (!f)
		return errno == ENOENT ||
		       err_set(e, ERR_IO, "cannot read %s: %s", path, strerror(errno));
	bool ok = fread(&h, sizeof(h), 1, f) == 1 && memcmp(h.magic, MAGIC, sizeof(MAGIC)) == 0;
	if (!ok) {
		err_set(e, ERR_INVALID, "%s is no training state", path);
	} else if (h.count != t->shape.count || h.shards > TRAIN_SHARDS_MAX) {
		ok = err_set(e, ERR_INVALID, "%s is the state of a model of another shape", path);
	} else {
		for (size_t i = 0; i < 4 && ok; i++)
			ok = fread(arrays[i], sizeof(float), t->shape.count, f) == t->shape.count ||
			     err_set(e, ERR_INVALID, "%s is cut short", path);
	}
	fclose(f);
	if (!ok)
		return false;
	t->step = h.step;
	t->samples = h.samples;
	t->seconds = h.seconds;
	/* Another list of shards is allowed: it begins at their beginning. */
	for (size_t i = 0; i < d->count && i < h.shards; i++)
		d->shards[i].cursor = h.cursors[i];
	return true;
}

static uint16_t bf16_of(float x)
{
	uint32_t u;
	memcpy(&u, &x, sizeof(u));
	return (uint16_t)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

static const char *plain_name(const char *name)
{
	return strncmp(name, "model.", 6) == 0 ? name + 6 : name;
}

/* Whether the tensor, or the one whose scales it holds, is among the trained ones. */
static bool is_trained(const struct train_state *t, const char *name)
{
	static const char SCALE[] = "_scale";
	const char *plain = plain_name(name);
	size_t length = strlen(plain);
	const size_t tail = strlen(SCALE);
	if (length > tail && strcmp(plain + length - tail, SCALE) == 0)
		length -= tail;
	for (size_t i = 0; i < t->param_count; i++) {
		const char *own = plain_name(t->params[i].name);
		if (strlen(own) == length && strncmp(own, plain, length) == 0)
			return true;
	}
	return false;
}

/* Adds to tensors[*count] what the base has besides. */
static bool join_base(const struct train_state *t, const struct engine_safetensors *base,
		      struct engine_tensor *tensors, size_t *count, struct err *e)
{
	for (size_t i = 0; base && i < engine_safetensors_count(base); i++) {
		const struct engine_tensor *x = engine_safetensors_at(base, i);
		if (is_trained(t, x->name))
			continue;
		if (engine_dtype_size(x->dtype) == 0)
			return err_set(
			    e, ERR_UNSUPPORTED, "%.150s: %.80s is %s: take a base in int8",
			    engine_safetensors_path(base), x->name, engine_dtype_name(x->dtype));
		tensors[(*count)++] = *x;
	}
	return true;
}

bool train_weights_save(const struct train_state *t, const float *w, const char *base,
			const char *path, struct err *e)
{
	static const char *const METADATA[] = {"format", "pt", NULL};
	struct engine_safetensors *rest = base ? engine_safetensors_open(base, e) : NULL;
	if (base && !rest)
		return false;
	size_t count = t->param_count;
	uint16_t *halves = malloc(t->shape.count * sizeof(uint16_t));
	struct engine_tensor *tensors =
	    calloc(count + (rest ? engine_safetensors_count(rest) : 0), sizeof(*tensors));
	bool ok = false;
	if (!halves || !tensors) {
		err_set(e, ERR_NO_MEMORY, "no memory to write %s", path);
		goto out;
	}
	for (size_t i = 0; i < t->shape.count; i++)
		halves[i] = bf16_of(w[i]);
	for (size_t i = 0; i < t->param_count; i++) {
		const struct train_param *p = &t->params[i];
		tensors[i] = (struct engine_tensor){
		    .name = p->name,
		    .dtype = ENGINE_BF16,
		    .ndim = p->kind == TRAIN_PARAM_VECTOR ? 1 : 2,
		    .shape = {p->rows, p->columns, 1, 1, 1, 1},
		    .data = halves + p->offset,
		    .bytes = (size_t)p->rows * (size_t)p->columns * 2,
		};
	}
	ok = join_base(t, rest, tensors, &count, e) &&
	     engine_safetensors_write(path, tensors, count, METADATA, e);
out:
	free(halves);
	free(tensors);
	engine_safetensors_close(rest);
	return ok;
}

bool train_weights_load(struct train_state *t, const char *path, struct err *e)
{
	struct engine_safetensors *file = engine_safetensors_open(path, e);
	if (!file)
		return false;
	bool ok = true;
	for (size_t i = 0; i < t->param_count && ok; i++) {
		const struct train_param *p = &t->params[i];
		const struct engine_tensor *x = engine_safetensors_find(file, p->name);
		if (!x)
			x = engine_safetensors_find(file, p->name + strlen("model."));
		if (!x || x->shape[0] != p->rows || engine_tensor_row_size(x) != p->columns)
			ok = err_set(e, ERR_INVALID, "%s: %s is missing or of another shape", path,
				     p->name);
		else
			ok = engine_tensor_load_f32(x, t->w + p->offset, e);
	}
	engine_safetensors_close(file);
	memcpy(t->average, t->w, t->shape.count * sizeof(float));
	return ok;
}
