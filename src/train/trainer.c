/* The transformer's training: samples packed into micro-batches, forward and backward on the threads' shares, sample
 * sheets. Runs in the loop's thread; the pool's threads work inside engine_pool_for only. */
#include "train/trainer.h"

#include "base/file.h"
#include "train/loop.h"
#include "train/pixels_trainer.h"
#include "train/sheet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BASE_FILE_BYTES_MAX ((size_t)16 << 20)

struct share { /* one thread's */
	struct train_work *work;
	int begin, end;               /* its samples of the step */
	int32_t *id, *place, *target; /* one micro-batch */
	int *start, *length;
};

struct trainer {
	const struct train_core *core;
	struct train_packed *packed;
	struct share *shares;
	int threads, tokens_max, samples_max;
	struct train_loop *l; /* of the step that runs */
	train_write_picture *write_picture;
};

static void pack_some(void *context, size_t begin, size_t end, int thread)
{
	struct trainer *t = context;
	(void)thread;
	for (size_t i = begin; i < end; i++)
		t->core->pack(t->packed, t->l->state.w, (int)i);
}

/* One share: micro-batches of as many samples as fit. */
static void run_share(struct trainer *t, struct share *h, float *g)
{
	const struct train_loop *l = t->l;
	const int n = l->state.shape.grid_tokens;
	const float scale = (float)(1.0 / ((double)l->config->batch * n));
	for (int i = h->begin; i < h->end;) {
		struct train_batch b = {.start = h->start,
					.length = h->length,
					.id = h->id,
					.place = h->place,
					.target = h->target,
					.scale = scale};
		int first = i;
		for (; i < h->end && b.samples < t->samples_max; i++) {
			const int length = l->data.shards[l->draws[i].shard].length;
			if (b.tokens + length > t->tokens_max)
				break;
			h->start[b.samples] = b.tokens;
			h->length[b.samples] = length;
			train_data_read(&l->data, l->draws[i], l->state.step, (uint64_t)i,
					h->id + b.tokens, h->place + b.tokens,
					h->target + b.samples * n);
			b.tokens += length;
			b.samples++;
		}
		t->core->run(h->work, t->packed, l->state.w, &b, g, l->losses + first);
	}
}

static void run_shares(void *context, size_t begin, size_t end, int thread)
{
	struct trainer *t = context;
	(void)thread;
	for (size_t i = begin; i < end; i++)
		run_share(t, &t->shares[i], t->l->gradients[i]);
}

/* Neighbouring samples to each thread, the same number of tokens as nearly as they allow. */
static void share_out(struct trainer *t)
{
	const struct train_loop *l = t->l;
	const int batch = (int)l->config->batch;
	int64_t total = 0, at = 0;
	for (int i = 0; i < batch; i++)
		total += l->data.shards[l->draws[i].shard].length;
	for (int i = 0, share = 0; i < batch; i++) {
		const int length = l->data.shards[l->draws[i].shard].length;
		const int want = (int)((at + length / 2) * t->threads / total);
		for (; share <= want; share++)
			t->shares[share].begin = t->shares[share].end = i;
		t->shares[want].end = i + 1;
		at += length;
	}
}

static void run(void *part, struct train_loop *l)
{
	struct trainer *t = part;
	t->l = l;
	for (int i = 0; i < t->threads; i++)
		t->shares[i].begin = t->shares[i].end = 0;
	share_out(t);
	engine_pool_for(l->pool, (size_t)t->core->packed_count(&l->state.shape), 1, pack_some, t);
	engine_pool_for(l->pool, (size_t)t->threads, 1, run_shares, t);
}

/* The average was written with the base's picture tokenizer: `out` is a model, and draws. */
static bool sample(void *part, struct train_loop *l, struct err *e)
{
	struct trainer *t = part;
	char path[TRAIN_PATH_BYTES];
	snprintf(path, sizeof(path), "%s/sheet_%06llu.png", l->config->out,
		 (unsigned long long)l->state.step);
	return train_sheet_write(l->config, l->config->out, path, t->write_picture, e);
}

/* What else makes a model of `out`: the base's configuration and words. */
static bool copy_base(struct arena *a, const struct train_config *c, struct err *e)
{
	static const char *const FILES[] = {"config.json", "tokenizer.json", "concepts.json",
					    "memory.safetensors"};
	enum { NEEDED = 2 }; /* a model need not say what it knows, nor have a memory */
	for (size_t i = 0; c->base && i < sizeof(FILES) / sizeof(FILES[0]); i++) {
		struct file_bytes bytes;
		const char *from = arena_printf(a, "%s/%s", c->base, FILES[i]);
		if (!file_read(a, from, BASE_FILE_BYTES_MAX, &bytes, e)) {
			if (i >= NEEDED && e->code == ERR_NOT_FOUND)
				continue;
			return err_context(e, "base");
		}
		if (!file_write(arena_printf(a, "%s/%s", c->out, FILES[i]), bytes.data,
				bytes.length, e))
			return false;
	}
	return true;
}

static bool open_part(void *part, struct arena *a, struct train_loop *l, struct err *e)
{
	struct trainer *t = part;
	const struct train_config *c = l->config;
	struct train_shape shape;
	if (c->sample_steps > 0 && !t->write_picture)
		return err_set(e, ERR_UNSUPPORTED,
			       "sample_steps: `madang model train` draws, this program does not");
	t->core = l->core;
	return train_shape_read(&shape, c->model, e) && copy_base(a, c, e) &&
	       train_data_open(&l->data, c, &shape, e) &&
	       train_state_init(a, &l->state, &shape, (uint64_t)c->seed, e);
}

static bool reserve_share(struct trainer *t, struct share *h, const struct train_loop *l,
			  struct err *e)
{
	const size_t tokens = (size_t)t->tokens_max, samples = (size_t)t->samples_max;
	h->work = t->core->work_create(&l->state.shape, t->tokens_max, t->samples_max,
				       l->data.length_max, e);
	if (!h->work)
		return false;
	h->id = calloc(tokens, sizeof(int32_t));
	h->place = calloc(tokens, sizeof(int32_t));
	h->target = calloc(samples * (size_t)l->state.shape.grid_tokens, sizeof(int32_t));
	h->start = calloc(samples, sizeof(int));
	h->length = calloc(samples, sizeof(int));
	return (h->id && h->place && h->target && h->start && h->length) ||
	       err_set(e, ERR_NO_MEMORY, "no memory for a micro-batch");
}

static bool reserve(void *part, struct train_loop *l, struct err *e)
{
	struct trainer *t = part;
	int shortest = l->data.length_max;
	for (size_t i = 0; i < l->data.count; i++)
		if (l->data.shards[i].length < shortest)
			shortest = l->data.shards[i].length;
	t->threads = l->threads;
	const int64_t share = (l->config->batch + t->threads - 1) / t->threads * l->data.length_max;
	t->tokens_max = (int)(l->config->micro_tokens < share ? l->config->micro_tokens : share);
	if (t->tokens_max < l->data.length_max)
		t->tokens_max = l->data.length_max;
	t->samples_max = t->tokens_max / shortest;
	t->shares = calloc((size_t)t->threads, sizeof(struct share));
	if (!t->shares)
		return err_set(e, ERR_NO_MEMORY, "no memory for the trainer");
	for (int i = 0; i < t->threads; i++)
		if (!reserve_share(t, &t->shares[i], l, e))
			return false;
	t->packed = t->core->packed_create(&l->state.shape, e);
	return t->packed != NULL;
}

static void finish(struct trainer *t)
{
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
	free(t->shares);
	if (t->packed)
		t->core->packed_destroy(t->packed);
}

/* Linux shares the cores by session before it looks at a process's own priority: in a session of its own (setsid)
 * a training lowers that too. In somebody else's it would lower everything else there. */
static bool lower_priority(int by, struct err *e)
{
	if (setpriority(PRIO_PROCESS, 0, by) != 0)
		return err_set(e, ERR_IO, "cannot lower the priority: %s", strerror(errno));
	FILE *f = getsid(0) == getpid() ? fopen("/proc/self/autogroup", "we") : NULL;
	if (f) { /* a system without them shares by process */
		fprintf(f, "%d", by);
		fclose(f);
	}
	return true;
}

bool train_run(const char *config_path, const volatile bool *stop,
	       train_write_picture *write_picture, struct err *e)
{
	static const struct train_part TRANSFORMER = {.title = "",
						      .weights = "model.safetensors",
						      .with_base = true,
						      .open = open_part,
						      .reserve = reserve,
						      .run = run,
						      .sample = sample};
	struct arena *a = arena_create(64 << 20);
	struct trainer t = {.write_picture = write_picture};
	struct train_config c;
	bool ok = train_config_read(a, config_path, &c, e) &&
		  (c.nice <= 0 || lower_priority((int)c.nice, e));
	if (ok && strcmp(c.part, "decoder") == 0)
		ok = pixels_train_run(a, &c, stop, e);
	else if (ok)
		ok = train_loop_run(a, &c, &TRANSFORMER, &t, stop, e);
	finish(&t);
	arena_destroy(a);
	return ok;
}
