/* gradients CONFIG_JSON WEIGHTS LEVEL OUT SHARD…: runs forward and backward over all records of the shards as one
 * batch and writes the gradients (f32, by name); prints the mean loss. For check_torch.py. */
#include "engine/safetensors.h"
#include "train/core.h"
#include "train/data.h"
#include "train/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct batch {
	struct train_batch b;
	int32_t id[65536], place[65536], target[65536];
	int start[1024], length[1024];
};

static void fill(struct batch *x, const struct train_data *d)
{
	const int n = d->shape.grid_tokens;
	for (size_t i = 0; i < d->count; i++)
		for (uint64_t j = 0; j < d->shards[i].count; j++) {
			int s = x->b.samples++;
			x->start[s] = x->b.tokens;
			x->length[s] = d->shards[i].length;
			train_data_read(d, (struct train_draw){(int)i, j}, 0, 0,
					x->id + x->b.tokens, x->place + x->b.tokens,
					x->target + s * n);
			x->b.tokens += x->length[s];
		}
	x->b.id = x->id;
	x->b.place = x->place;
	x->b.target = x->target;
	x->b.start = x->start;
	x->b.length = x->length;
	x->b.scale = 1.f / (float)(x->b.samples * n);
}

static bool write(const struct train_state *t, const float *g, const char *path, struct err *e)
{
	struct engine_tensor *tensors = calloc(t->param_count, sizeof(*tensors));
	for (size_t i = 0; i < t->param_count; i++) {
		const struct train_param *p = &t->params[i];
		tensors[i] =
		    (struct engine_tensor){.name = p->name,
					   .dtype = ENGINE_F32,
					   .ndim = 2,
					   .shape = {p->rows, p->columns, 1, 1, 1, 1},
					   .data = g + p->offset,
					   .bytes = (size_t)p->rows * (size_t)p->columns * 4};
	}
	bool ok = engine_safetensors_write(path, tensors, t->param_count, NULL, e);
	free(tensors);
	return ok;
}

static bool run(struct arena *a, char **argv, int argc, struct err *e)
{
	struct train_shape shape;
	struct train_config config = {.pad_id = -1};
	struct train_state state = {0};
	struct train_data data = {0};
	static struct batch x;
	double losses[1024], sum = 0;
	const struct train_core *core = train_core_find(argv[3], e);
	for (int i = 5; i < argc; i++)
		config.shards[config.shard_count++] =
		    (struct train_shard_config){argv[i], argv[i], 1};
	if (!core || !train_shape_read(&shape, argv[1], e) ||
	    !train_state_init(a, &state, &shape, 1, e) || !train_weights_load(&state, argv[2], e) ||
	    !train_data_open(&data, &config, &shape, e))
		return false;
	fill(&x, &data);
	float *g = calloc(shape.count, sizeof(float));
	struct train_packed *packed = core->packed_create(&shape, e);
	struct train_work *work =
	    core->work_create(&shape, x.b.tokens, x.b.samples, data.length_max, e);
	if (!g || !packed || !work)
		return false;
	for (int i = 0; i < core->packed_count(&shape); i++)
		core->pack(packed, state.w, i);
	core->run(work, packed, state.w, &x.b, g, losses);
	for (int i = 0; i < x.b.samples; i++)
		sum += losses[i];
	printf("%.7f\n", sum / x.b.samples);
	const bool ok = write(&state, g, argv[4], e);
	core->work_destroy(work);
	core->packed_destroy(packed);
	free(g);
	train_data_close(&data);
	train_state_finish(&state);
	return ok;
}

int main(int argc, char **argv)
{
	struct err e;
	if (argc < 6 || argc > 40)
		return 2;
	struct arena *a = arena_create(64 << 20);
	bool ok = run(a, argv, argc, &e);
	if (!ok)
		fprintf(stderr, "gradients: %s\n", e.message);
	arena_destroy(a);
	return !ok;
}
