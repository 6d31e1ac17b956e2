/* AdamW (Loshchilov and Hutter) and Muon (Jordan), with global clipping and a moving average. The training's main
 * thread calls; parameters are shared out among the pool's threads, each by one thread as a whole, so the result
 * does not depend on who did it. */
#include "train/optimizer.h"

#include "train/flush.h"
#include "train/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool train_optimizer_init(struct train_optimizer *o, struct err *e)
{
	const struct train_state *t = o->state;
	size_t bytes = 64;
	for (size_t i = 0; i < t->param_count; i++) {
		const struct train_param *p = &t->params[i];
		size_t need = o->core->orthogonalise_bytes(p->rows, p->columns) +
			      (size_t)p->rows * (size_t)p->columns * sizeof(float);
		if (p->kind == TRAIN_PARAM_MATRIX && need > bytes)
			bytes = need;
	}
	o->scratch = calloc((size_t)o->threads, sizeof(void *));
	o->squares = calloc(t->param_count, sizeof(double));
	for (int i = 0; o->scratch && i < o->threads; i++)
		o->scratch[i] = train_memory(bytes);
	if (o->scratch && o->squares && o->scratch[o->threads - 1])
		return true;
	train_optimizer_finish(o);
	return err_set(e, ERR_NO_MEMORY, "no memory for the optimizer");
}

void train_optimizer_finish(struct train_optimizer *o)
{
	for (int i = 0; o->scratch && i < o->threads; i++)
		free(o->scratch[i]);
	free(o->scratch);
	free(o->squares);
	o->scratch = NULL;
	o->squares = NULL;
}

static size_t size_of(const struct train_param *p)
{
	return (size_t)p->rows * (size_t)p->columns;
}

static void sum_gradients(void *context, size_t begin, size_t end, int thread)
{
	struct train_optimizer *o = context;
	(void)thread;
	for (size_t i = begin; i < end; i++) {
		const struct train_param *p = &o->state->params[i];
		float *g = o->gradients[0] + p->offset;
		double sum = 0;
		for (size_t at = 0, n; at < size_of(p); at += n) {
			n = size_of(p) - at < 4096 ? size_of(p) - at : 4096;
			for (int t = 1; t < o->threads; t++) {
				const float *other = o->gradients[t] + p->offset + at;
#pragma omp simd
				for (size_t j = 0; j < n; j++)
					g[at + j] += other[j];
			}
			float part = 0;
#pragma omp simd reduction(+ : part)
			for (size_t j = 0; j < n; j++)
				part += g[at + j] * g[at + j];
			sum += (double)part;
		}
		o->squares[i] = sum;
	}
}

static void adamw(const struct train_optimizer *o, const struct train_param *p, float *g)
{
	const struct train_config *c = o->config;
	const struct train_state *t = o->state;
	const double k = (double)t->step + 1;
	const float b1 = (float)c->beta1, b2 = (float)c->beta2;
	const float lr = (float)(o->factor * (p->kind == TRAIN_PARAM_MATRIX ? c->lr : c->table_lr));
	const float decay = p->kind == TRAIN_PARAM_VECTOR ? 1.f : 1.f - lr * (float)c->weight_decay;
	const float first = lr / (float)(1 - pow(c->beta1, k)),
		    second = 1.f / (float)(1 - pow(c->beta2, k));
	float *w = t->w + p->offset, *m = t->first + p->offset, *v = t->second + p->offset;
#pragma omp simd
	for (size_t i = 0; i < size_of(p); i++) {
		float x = g[i] * o->clip;
		m[i] = b1 * m[i] + (1.f - b1) * x;
		v[i] = b2 * v[i] + (1.f - b2) * x * x;
		w[i] = w[i] * decay - first * m[i] / (sqrtf(v[i] * second) + 1e-8f);
	}
}

static void muon(const struct train_optimizer *o, const struct train_param *p, float *g,
		 void *scratch)
{
	const struct train_config *c = o->config;
	const struct train_state *t = o->state;
	const size_t n = size_of(p);
	float *u = scratch, *w = t->w + p->offset, *m = t->first + p->offset;
	const float k = (float)c->momentum, lr = (float)(o->factor * c->lr);
#pragma omp simd
	for (size_t i = 0; i < n; i++) {
		float x = g[i] * o->clip;
		m[i] = k * m[i] + (1.f - k) * x;
		u[i] = k * m[i] + (1.f - k) * x;
	}
	o->core->orthogonalise(u, p->rows, p->columns, (int)c->muon_steps, u + (n + 15) / 16 * 16);
	const float decay = 1.f - lr * (float)c->weight_decay;
	const float by = lr * .2f * sqrtf((float)(p->rows > p->columns ? p->rows : p->columns));
#pragma omp simd
	for (size_t i = 0; i < n; i++)
		w[i] = w[i] * decay - by * u[i];
}

static void move(void *context, size_t begin, size_t end, int thread)
{
	struct train_optimizer *o = context;
	const struct train_state *t = o->state;
	const double k = (double)t->step;
	const double limit = (1 + k) / (10 + k); /* the average's first steps forget faster */
	const float keep = (float)(o->config->ema < limit ? o->config->ema : limit);
	const bool all_adamw = strcmp(o->config->optimizer, "adamw") == 0;
	const unsigned mode = train_flush_begin();
	for (size_t i = begin; i < end; i++) {
		const struct train_param *p = &t->params[i];
		float *g = o->gradients[0] + p->offset, *w = t->w + p->offset,
		      *average = t->average + p->offset;
		if (p->kind == TRAIN_PARAM_MATRIX && !all_adamw)
			muon(o, p, g, o->scratch[thread]);
		else
			adamw(o, p, g);
#pragma omp simd
		for (size_t j = 0; j < size_of(p); j++)
			average[j] = keep * average[j] + (1.f - keep) * w[j];
	}
	train_flush_end(mode);
}

static void clear(void *context, size_t begin, size_t end, int thread)
{
	struct train_optimizer *o = context;
	(void)thread;
	for (size_t i = begin; i < end; i++)
		memset(o->gradients[i], 0, o->state->shape.count * sizeof(float));
}

double train_optimizer_step(struct train_optimizer *o, double factor)
{
	struct train_state *t = o->state;
	double sum = 0;
	engine_pool_for(o->pool, t->param_count, 1, sum_gradients, o);
	for (size_t i = 0; i < t->param_count; i++)
		sum += o->squares[i];
	const double norm = sqrt(sum);
	if (isfinite(norm)) {
		o->factor = factor;
		o->clip = o->config->clip > 0 && norm > o->config->clip
			      ? (float)(o->config->clip / norm)
			      : 1.f;
		engine_pool_for(o->pool, t->param_count, 1, move, o);
	}
	engine_pool_for(o->pool, (size_t)o->threads, 1, clear, o);
	t->step++;
	return norm;
}
