/* The decoder's training: a few pictures at once, forward and backward, on the threads' shares. Runs in the loop's
 * thread; the pool's threads work inside engine_pool_for only. */
#include "train/pixels_trainer.h"

#include "train/loop.h"
#include "train/pixels_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 2 /* pictures: what a convolution reads twice stays in L2 */

struct share { /* one thread's */
	struct pixels_work *work;
	int begin, end;
	int32_t *codes;
};

struct pixels_trainer {
	struct pixels_shape shape;
	const struct pixels_core *core;
	struct pixels_packed *packed;
	struct share *shares;
	int threads;
	double *squares, square; /* square: summed since the last line */
	uint64_t squares_count;
	struct train_loop *l; /* of the step that runs */
};

static void pack_some(void *context, size_t begin, size_t end, int thread)
{
	struct pixels_trainer *t = context;
	(void)thread;
	for (size_t i = begin; i < end; i++)
		t->core->pack(t->packed, t->l->state.w, (int)i);
}

static void run_shares(void *context, size_t begin, size_t end, int thread)
{
	struct pixels_trainer *t = context;
	struct train_loop *l = t->l;
	const int tokens = t->shape.grid * t->shape.grid;
	const float scale = 1.f / (float)l->config->batch;
	(void)thread;
	for (size_t share = begin; share < end; share++) {
		struct share *h = &t->shares[share];
		for (int i = h->begin, n; i < h->end; i += n) {
			const uint8_t *rgb[AT_ONCE];
			n = h->end - i < AT_ONCE ? h->end - i : AT_ONCE;
			for (int j = 0; j < n; j++)
				rgb[j] = pixels_data_read(&l->data, &t->shape, l->draws[i + j],
							  l->state.step, (uint64_t)(i + j),
							  h->codes + j * tokens);
			t->core->run(h->work, t->packed, l->state.w, n, h->codes, rgb, scale,
				     l->gradients[share], l->losses + i, t->squares + i, NULL);
		}
	}
}

static void run(void *part, struct train_loop *l)
{
	struct pixels_trainer *t = part;
	const int batch = (int)l->config->batch;
	t->l = l;
	engine_pool_for(l->pool, (size_t)t->shape.conv_count, 1, pack_some, t);
	engine_pool_for(l->pool, (size_t)t->threads, 1, run_shares, t);
	for (int i = 0; i < batch; i++)
		t->square += t->squares[i];
	t->squares_count += (uint64_t)batch;
	l->metrics.flops += (double)batch * 6 * t->shape.multiplies;
}

static void say(void *part)
{
	struct pixels_trainer *t = part;
	/* Of pictures from -1 to 1. */
	fprintf(stderr, "psnr %.2f dB  ",
		10 * log10(4 * (double)t->squares_count / (t->square + 1e-12)));
	t->square = 0;
	t->squares_count = 0;
}

static bool open_part(void *part, struct arena *a, struct train_loop *l, struct err *e)
{
	struct pixels_trainer *t = part;
	const struct train_config *c = l->config;
	size_t params;
	if (!pixels_shape_read(&t->shape, c->model, e))
		return false;
	t->core = pixels_core_of(l->core);
	struct train_param *list = pixels_shape_params(a, &t->shape, &params);
	if (!pixels_data_open(&l->data, c, &t->shape, e) ||
	    !train_state_reserve(&l->state, list, params, t->shape.count, e))
		return false;
	pixels_shape_init(&t->shape, list, params, (uint64_t)c->seed, l->state.w);
	memcpy(l->state.average, l->state.w, t->shape.count * sizeof(float));
	return true;
}

static bool reserve(void *part, struct train_loop *l, struct err *e)
{
	struct pixels_trainer *t = part;
	const size_t batch = (size_t)l->config->batch, threads = (size_t)l->threads;
	t->threads = l->threads;
	t->shares = calloc(threads, sizeof(struct share));
	t->squares = calloc(batch, sizeof(double));
	if (!t->shares || !t->squares)
		return err_set(e, ERR_NO_MEMORY, "no memory for the trainer");
	for (size_t i = 0; i < threads; i++) {
		struct share *h = &t->shares[i];
		h->begin = (int)(batch * i / threads);
		h->end = (int)(batch * (i + 1) / threads);
		h->codes =
		    calloc((size_t)(AT_ONCE * t->shape.grid * t->shape.grid), sizeof(int32_t));
		if (!h->codes)
			return err_set(e, ERR_NO_MEMORY, "no memory for codes");
		h->work = t->core->work_create(&t->shape, AT_ONCE, e);
		if (!h->work)
			return false;
	}
	t->packed = t->core->packed_create(&t->shape, e);
	return t->packed != NULL;
}

static void finish(struct pixels_trainer *t)
{
	for (int i = 0; t->shares && i < t->threads; i++) {
		if (t->shares[i].work)
			t->core->work_destroy(t->shares[i].work);
		free(t->shares[i].codes);
	}
	free(t->shares);
	free(t->squares);
	if (t->packed)
		t->core->packed_destroy(t->packed);
}

bool pixels_train_run(struct arena *a, const struct train_config *c, const volatile bool *stop,
		      struct err *e)
{
	static const struct train_part DECODER = {.title = "decoder, ",
						  .weights = "decoder.safetensors",
						  .open = open_part,
						  .reserve = reserve,
						  .run = run,
						  .say = say};
	struct pixels_trainer t = {0};
	const bool ok = train_loop_run(a, c, &DECODER, &t, stop, e);
	finish(&t);
	return ok;
}
