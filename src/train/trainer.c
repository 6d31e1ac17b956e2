/* The training loop: draws samples, lets the threads run forward and backward on their share, steps the optimizer,
 * reports and saves.
 *
 * Owned by the thread that calls train_run; the pool's threads work inside engine_pool_for only. Must stay true:
 * which thread's gradients a sample goes to depends on the configuration alone, so a seed and a number of threads
 * always give the same weights. */
#include "train/trainer.h"

#include "base/clock.h"
#include "engine/pool.h"
#include "train/core.h"
#include "train/memory.h"
#include "train/metrics.h"
#include "train/optimizer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define PATH_BYTES    4200
#define BAD_STEPS_MAX 20

struct share { /* one thread's */
	struct train_work *work;
	int begin, end;               /* its samples of the step */
	int32_t *id, *place, *target; /* one micro-batch */
	int *start, *length;
};

struct trainer {
	struct train_config config;
	struct train_data data;
	struct train_state state;
	struct train_metrics metrics;
	struct train_optimizer optimizer;
	const struct train_core *core;
	struct engine_pool *pool;
	struct train_packed *packed;
	struct share *shares;
	float **gradients;
	struct train_draw *draws;
	double *losses;
	int threads, tokens_max, samples_max;
	char state_path[PATH_BYTES], weights_path[PATH_BYTES];
	int64_t begin_ns;
	double seconds_before;
};

static void pack_some(void *context, size_t begin, size_t end, int thread)
{
	struct trainer *t = context;
	(void)thread;
	for (size_t i = begin; i < end; i++)
		t->core->pack(t->packed, t->state.w, (int)i);
}

/* One share: micro-batches of as many samples as fit. */
static void run_share(struct trainer *t, struct share *h, float *g)
{
	const int n = t->state.shape.grid_tokens;
	const float scale = (float)(1.0 / ((double)t->config.batch * n));
	for (int i = h->begin; i < h->end;) {
		struct train_batch b = {.start = h->start,
					.length = h->length,
					.id = h->id,
					.place = h->place,
					.target = h->target,
					.scale = scale};
		int first = i;
		for (; i < h->end && b.samples < t->samples_max; i++) {
			const int length = t->data.shards[t->draws[i].shard].length;
			if (b.tokens + length > t->tokens_max)
				break;
			h->start[b.samples] = b.tokens;
			h->length[b.samples] = length;
			train_data_read(&t->data, t->draws[i], t->state.step, (uint64_t)i,
					h->id + b.tokens, h->place + b.tokens,
					h->target + b.samples * n);
			b.tokens += length;
			b.samples++;
		}
		t->core->run(h->work, t->packed, t->state.w, &b, g, t->losses + first);
	}
}

static void run_shares(void *context, size_t begin, size_t end, int thread)
{
	struct trainer *t = context;
	(void)thread;
	for (size_t i = begin; i < end; i++)
		run_share(t, &t->shares[i], t->gradients[i]);
}

/* Neighbouring samples to each thread, the same number of tokens as nearly as they allow. */
static void share_out(struct trainer *t)
{
	const int batch = (int)t->config.batch;
	int64_t total = 0, at = 0;
	for (int i = 0; i < batch; i++)
		total += t->data.shards[t->draws[i].shard].length;
	for (int i = 0, share = 0; i < batch; i++) {
		const int length = t->data.shards[t->draws[i].shard].length;
		const int want = (int)((at + length / 2) * t->threads / total);
		for (; share <= want; share++)
			t->shares[share].begin = t->shares[share].end = i;
		t->shares[want].end = i + 1;
		at += length;
	}
}

static double progress_of(const struct trainer *t)
{
	return t->config.minutes > 0 ? t->state.seconds / (60 * t->config.minutes)
				     : (double)t->state.step / (double)t->config.steps;
}

static double factor_of(const struct trainer *t)
{
	const double left = 1 - progress_of(t), warm = (double)t->state.step + 1;
	double f = t->config.warmup_steps > 0 && warm < (double)t->config.warmup_steps
		       ? warm / (double)t->config.warmup_steps
		       : 1;
	if (strcmp(t->config.schedule, "cosine") == 0)
		f *= left > 0 ? .5 - .5 * cos(3.14159265358979 * left) : 0;
	else if (left < t->config.cooldown)
		f *= left > 0 ? left / t->config.cooldown : 0;
	return f;
}

static bool save(const struct trainer *t, struct err *e)
{
	return train_state_save(&t->state, &t->data, t->state_path, e) &&
	       train_weights_save(&t->state, t->state.average, t->weights_path, e);
}

static void step(struct trainer *t)
{
	const int batch = (int)t->config.batch;
	const double factor = factor_of(t);
	const uint64_t number = t->state.step;
	for (int i = 0; i < batch; i++)
		t->draws[i] = train_data_draw(&t->data, number, (uint64_t)i);
	for (int i = 0; i < t->threads; i++)
		t->shares[i].begin = t->shares[i].end = 0;
	share_out(t);
	engine_pool_for(t->pool, (size_t)t->core->packed_count(&t->state.shape), 1, pack_some, t);
	engine_pool_for(t->pool, (size_t)t->threads, 1, run_shares, t);
	const double norm = train_optimizer_step(&t->optimizer, factor);
	t->state.samples += (uint64_t)batch;
	t->state.seconds = t->seconds_before + (double)(clock_mono_ns() - t->begin_ns) * 1e-9;
	for (int i = 0; i < batch; i++)
		train_metrics_add(&t->metrics, t->draws[i].shard, t->losses[i]);
	train_metrics_step(&t->metrics, norm, factor * t->config.lr);
}

static bool loop(struct trainer *t, const volatile bool *stop, struct err *e)
{
	double saved = t->state.seconds;
	int bad = 0;
	while (!*stop && progress_of(t) < 1) {
		step(t);
		bad = isfinite(t->metrics.norm) ? 0 : bad + 1;
		if (bad >= BAD_STEPS_MAX)
			return err_set(e, ERR_INVALID,
				       "the gradients are not finite: lower the learning rate");
		if (t->state.step % (uint64_t)t->config.log_steps == 0 || progress_of(t) >= 1) {
			if (!train_metrics_write(&t->metrics, &t->state, progress_of(t), e))
				return false;
		}
		if (t->state.seconds - saved >= 60 * t->config.checkpoint_minutes) {
			if (!save(t, e))
				return false;
			saved = t->state.seconds;
		}
	}
	return save(t, e);
}

static bool reserve_share(struct trainer *t, struct share *h, struct err *e)
{
	const size_t tokens = (size_t)t->tokens_max, samples = (size_t)t->samples_max;
	h->work = t->core->work_create(&t->state.shape, t->tokens_max, t->samples_max,
				       t->data.length_max, e);
	if (!h->work)
		return false;
	h->id = calloc(tokens, sizeof(int32_t));
	h->place = calloc(tokens, sizeof(int32_t));
	h->target = calloc(samples * (size_t)t->state.shape.grid_tokens, sizeof(int32_t));
	h->start = calloc(samples, sizeof(int));
	h->length = calloc(samples, sizeof(int));
	return (h->id && h->place && h->target && h->start && h->length) ||
	       err_set(e, ERR_NO_MEMORY, "no memory for a micro-batch");
}

static bool reserve(struct trainer *t, struct err *e)
{
	const size_t count = t->state.shape.count * sizeof(float);
	int shortest = t->data.length_max;
	for (size_t i = 0; i < t->data.count; i++)
		shortest =
		    t->data.shards[i].length < shortest ? t->data.shards[i].length : shortest;
	const int64_t share = (t->config.batch + t->threads - 1) / t->threads * t->data.length_max;
	t->tokens_max = (int)(t->config.micro_tokens < share ? t->config.micro_tokens : share);
	if (t->tokens_max < t->data.length_max)
		t->tokens_max = t->data.length_max;
	t->samples_max = t->tokens_max / shortest;
	t->shares = calloc((size_t)t->threads, sizeof(struct share));
	t->gradients = calloc((size_t)t->threads, sizeof(float *));
	t->draws = calloc((size_t)t->config.batch, sizeof(struct train_draw));
	t->losses = calloc((size_t)t->config.batch, sizeof(double));
	if (!t->shares || !t->gradients || !t->draws || !t->losses)
		return err_set(e, ERR_NO_MEMORY, "no memory for the trainer");
	for (int i = 0; i < t->threads; i++) {
		t->gradients[i] = train_memory(count);
		if (!t->gradients[i])
			return err_set(e, ERR_NO_MEMORY, "no memory for gradients");
		if (!reserve_share(t, &t->shares[i], e))
			return false;
	}
	t->packed = t->core->packed_create(&t->state.shape, e);
	t->optimizer = (struct train_optimizer){.core = t->core,
						.config = &t->config,
						.state = &t->state,
						.pool = t->pool,
						.gradients = t->gradients,
						.threads = t->threads};
	return t->packed && train_optimizer_init(&t->optimizer, e);
}

static void finish(struct trainer *t)
{
	train_optimizer_finish(&t->optimizer);
	for (int i = 0; t->shares && i < t->threads; i++) {
		struct share *h = &t->shares[i];
		if (h->work)
			t->core->work_destroy(h->work);
		free(h->id);
		free(h->place);
		free(h->target);
		free(h->start);
		free(h->length);
	}
	for (int i = 0; t->gradients && i < t->threads; i++)
		free(t->gradients[i]);
	free(t->shares);
	free(t->gradients);
	free(t->draws);
	free(t->losses);
	if (t->packed)
		t->core->packed_destroy(t->packed);
	train_metrics_finish(&t->metrics);
	engine_pool_destroy(t->pool);
	train_state_finish(&t->state);
	train_data_close(&t->data);
}

static bool prepare(struct arena *a, struct trainer *t, const char *config_path, struct err *e)
{
	struct train_shape shape;
	char metrics_path[PATH_BYTES];
	bool found = false;
	if (!train_config_read(a, config_path, &t->config, e) ||
	    !train_shape_read(&shape, t->config.model, e))
		return false;
	const struct train_config *c = &t->config;
	if (c->nice > 0 && setpriority(PRIO_PROCESS, 0, (int)c->nice) != 0)
		return err_set(e, ERR_IO, "cannot lower the priority: %s", strerror(errno));
	if (mkdir(c->out, 0777) != 0 && errno != EEXIST)
		return err_set(e, ERR_IO, "cannot make the folder %s: %s", c->out, strerror(errno));
	snprintf(t->state_path, sizeof(t->state_path), "%s/state.bin", c->out);
	snprintf(t->weights_path, sizeof(t->weights_path), "%s/model.safetensors", c->out);
	snprintf(metrics_path, sizeof(metrics_path), "%s/metrics.csv", c->out);
	t->threads = (int)(c->threads < c->batch ? c->threads : c->batch);
	t->core = train_core_find(c->kernels, e);
	if (!t->core || !train_data_open(&t->data, c, &shape, e) ||
	    !train_state_init(a, &t->state, &shape, (uint64_t)c->seed, e) ||
	    !train_state_load(&t->state, &t->data, t->state_path, &found, e))
		return false;
	if (!found && c->init && !train_weights_load(&t->state, c->init, e))
		return false;
	t->pool = engine_pool_create(t->threads, e);
	if (!t->pool || !reserve(t, e) ||
	    !train_metrics_init(&t->metrics, metrics_path, &t->data, &t->state, e))
		return false;
	fprintf(stderr, "%s: %.1f M parameters, %s kernels, %d thread%s, batch %d, step %llu\n",
		found ? "continued" : "begun", (double)shape.count * 1e-6, t->core->name,
		t->threads, t->threads == 1 ? "" : "s", (int)c->batch,
		(unsigned long long)t->state.step);
	return true;
}

bool train_run(const char *config_path, const volatile bool *stop, struct err *e)
{
	struct arena *a = arena_create(64 << 20);
	struct trainer *t = calloc(1, sizeof(*t));
	if (!t)
		abort();
	bool ok = prepare(a, t, config_path, e);
	if (ok) {
		t->begin_ns = clock_mono_ns();
		t->seconds_before = t->state.seconds;
		ok = loop(t, stop, e);
	}
	finish(t);
	free(t);
	arena_destroy(a);
	return ok;
}
