/* The loop that both parts of the model are trained by. It owns everything of a training that is not arithmetic, and
 * runs on the thread that calls train_loop_run; see loop.h for what must stay true. */
#include "train/loop.h"

#include "base/clock.h"
#include "train/memory.h"
#include "train/schedule.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BAD_STEPS_MAX 20

struct run { /* one training */
	struct train_loop l;
	const struct train_part *p;
	void *part;
};

static bool save_weights(const struct run *r, struct err *e)
{
	const struct train_loop *l = &r->l;
	return train_weights_save(&l->state, l->state.average,
				  r->p->with_base ? l->config->base : NULL, l->weights_path, e);
}

static bool save(const struct run *r, struct err *e)
{
	return train_state_save(&r->l.state, &r->l.data, r->l.state_path, e) && save_weights(r, e);
}

static void step(struct run *r)
{
	struct train_loop *l = &r->l;
	const int batch = (int)l->config->batch;
	const double factor = train_rate(l->config, &l->state);
	for (int i = 0; i < batch; i++)
		l->draws[i] = train_data_draw(&l->data, l->state.step, (uint64_t)i);
	r->p->run(r->part, l);
	const double norm = train_optimizer_step(&l->optimizer, factor);
	l->state.samples += (uint64_t)batch;
	l->state.seconds = l->seconds_before + (double)(clock_mono_ns() - l->begin_ns) * 1e-9;
	for (int i = 0; i < batch; i++)
		train_metrics_add(&l->metrics, l->draws[i].shard, l->losses[i]);
	train_metrics_step(&l->metrics, norm, factor * l->config->lr);
}

static bool report(struct run *r, struct err *e)
{
	struct train_loop *l = &r->l;
	const double progress = train_progress(l->config, &l->state);
	if (l->state.step % (uint64_t)l->config->log_steps != 0 && progress < 1)
		return true;
	if (r->p->say)
		r->p->say(r->part);
	return train_metrics_write(&l->metrics, &l->state, progress, e);
}

static bool sample(struct run *r, struct err *e)
{
	struct train_loop *l = &r->l;
	if (!r->p->sample || l->config->sample_steps <= 0 ||
	    l->state.step % (uint64_t)l->config->sample_steps != 0)
		return true;
	return save_weights(r, e) && r->p->sample(r->part, l, e);
}

static bool steps(struct run *r, const volatile bool *stop, struct err *e)
{
	struct train_loop *l = &r->l;
	double saved = l->state.seconds;
	int bad = 0;
	l->begin_ns = clock_mono_ns();
	l->seconds_before = l->state.seconds;
	while (!*stop && train_progress(l->config, &l->state) < 1) {
		step(r);
		bad = isfinite(l->metrics.norm) ? 0 : bad + 1;
		if (bad >= BAD_STEPS_MAX)
			return err_set(e, ERR_INVALID,
				       "the gradients are not finite: lower the learning rate");
		if (!report(r, e) || !sample(r, e))
			return false;
		if (l->state.seconds - saved >= 60 * l->config->checkpoint_minutes) {
			if (!save(r, e))
				return false;
			saved = l->state.seconds;
		}
	}
	return save(r, e);
}

static bool reserve(struct run *r, struct err *e)
{
	struct train_loop *l = &r->l;
	const size_t batch = (size_t)l->config->batch, threads = (size_t)l->threads;
	l->gradients = calloc(threads, sizeof(float *));
	l->draws = calloc(batch, sizeof(struct train_draw));
	l->losses = calloc(batch, sizeof(double));
	if (!l->gradients || !l->draws || !l->losses)
		return err_set(e, ERR_NO_MEMORY, "no memory for the trainer");
	for (size_t i = 0; i < threads; i++) {
		l->gradients[i] = train_memory(l->state.shape.count * sizeof(float));
		if (!l->gradients[i])
			return err_set(e, ERR_NO_MEMORY, "no memory for gradients");
	}
	l->optimizer = (struct train_optimizer){.core = l->core,
						.config = l->config,
						.state = &l->state,
						.pool = l->pool,
						.gradients = l->gradients,
						.threads = l->threads};
	return train_optimizer_init(&l->optimizer, e) && r->p->reserve(r->part, l, e);
}

static bool prepare(struct arena *a, struct run *r, struct err *e)
{
	struct train_loop *l = &r->l;
	const struct train_config *c = l->config;
	char metrics_path[TRAIN_PATH_BYTES];
	bool found = false;
	if (mkdir(c->out, 0777) != 0 && errno != EEXIST)
		return err_set(e, ERR_IO, "cannot make the folder %s: %s", c->out, strerror(errno));
	snprintf(l->state_path, sizeof(l->state_path), "%s/state.bin", c->out);
	snprintf(l->weights_path, sizeof(l->weights_path), "%s/%s", c->out, r->p->weights);
	snprintf(metrics_path, sizeof(metrics_path), "%s/metrics.csv", c->out);
	l->threads = (int)(c->threads < c->batch ? c->threads : c->batch);
	l->core = train_core_find(c->kernels, e);
	if (!l->core || !r->p->open(r->part, a, l, e) ||
	    !train_state_load(&l->state, &l->data, l->state_path, &found, e) ||
	    (!found && c->init && !train_weights_load(&l->state, c->init, e)))
		return false;
	l->pool = engine_pool_create(l->threads, e);
	if (!l->pool || !reserve(r, e) ||
	    !train_metrics_init(&l->metrics, metrics_path, &l->data, &l->state, e))
		return false;
	fprintf(stderr, "%s: %s%.1f M parameters, %s kernels, %d thread%s, batch %d, step %llu\n",
		found ? "continued" : "begun", r->p->title, (double)l->state.shape.count * 1e-6,
		l->core->name, l->threads, l->threads == 1 ? "" : "s", (int)c->batch,
		(unsigned long long)l->state.step);
	return true;
}

static void finish(struct train_loop *l)
{
	train_optimizer_finish(&l->optimizer);
	for (int i = 0; l->gradients && i < l->threads; i++)
		free(l->gradients[i]);
	free(l->gradients);
	free(l->draws);
	free(l->losses);
	train_metrics_finish(&l->metrics);
	engine_pool_destroy(l->pool);
	train_state_finish(&l->state);
	train_data_close(&l->data);
}

bool train_loop_run(struct arena *a, const struct train_config *c, const struct train_part *p,
		    void *part, const volatile bool *stop, struct err *e)
{
	struct run *r = calloc(1, sizeof(*r));
	if (!r)
		abort();
	*r = (struct run){.l.config = c, .p = p, .part = part};
	const bool ok = prepare(a, r, e) && steps(r, stop, e);
	finish(&r->l);
	free(r);
	return ok;
}
