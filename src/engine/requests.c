/* Requests: the line, the batch, the events.
 *
 * Owns every request between engine_submit and its last event. Any thread puts requests in line and names
 * those to cancel, under the lock; the stepper takes them over and works on them without it. What must stay
 * true: a running request is touched by the stepper only; and what a step computes for a request does not
 * depend on the others in it. */
#include "engine/impl.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REQUESTS_DEFAULT 16
#define REQUESTS_MAX     256
#define WAITING_DEFAULT  256
#define WAITING_MAX      65536
/* Positions of prompts that one step reads at most, so that running pictures do not stand still for long. */
#define PREFILL_ROWS      128
#define PREFIX_BYTES_MAX  (128u << 20)
#define PREFIX_LENGTH_MIN 4

static bool out_of_memory(struct err *e)
{
	return err_set(e, ERR_NO_MEMORY, "no memory for the engine's requests");
}

bool engine_requests_init(struct engine *engine, const struct engine_options *options,
			  struct err *e)
{
	const struct engine_transformer *t = &engine->transformer;
	size_t running =
	    options->requests_max > 0 ? (size_t)options->requests_max : REQUESTS_DEFAULT;
	if (running > REQUESTS_MAX)
		running = REQUESTS_MAX;
	engine->line_max = options->waiting_max > 0 ? options->waiting_max : WAITING_DEFAULT;
	if (engine->line_max > WAITING_MAX)
		engine->line_max = WAITING_MAX;

	struct engine_cache_options cache =
	    engine_transformer_cache(t, engine_prompt_positions_max(&t->shape));
	size_t used = t->bytes + engine_vq_bytes(engine->vq), each = 2 * engine_cache_bytes(&cache);
	if (used + each > engine->memory_max_bytes)
		return err_set(e, ERR_NO_MEMORY,
			       "the model needs %zu MiB, more than the %zu MiB allowed",
			       (used + each) >> 20, engine->memory_max_bytes >> 20);
	while (running > 1 && used + running * each > engine->memory_max_bytes)
		running--;
	engine->running_max = running;

	size_t rows = 2 * running + PREFILL_ROWS, vocabulary = (size_t)t->shape.image.vocab;
	engine->running = calloc(running, sizeof(*engine->running));
	engine->guided = calloc(vocabulary, sizeof(*engine->guided));
	engine->candidates = calloc(vocabulary, sizeof(*engine->candidates));
	engine->logit_rows = calloc(rows, sizeof(*engine->logit_rows));
	engine->ids = calloc(rows, sizeof(*engine->ids));
	engine->places = calloc(rows, sizeof(*engine->places));
	engine_prefixes_init(&engine->prefixes, PREFIX_BYTES_MAX);
	if (!engine->running || !engine->guided || !engine->candidates || !engine->logit_rows ||
	    !engine->ids || !engine->places)
		return out_of_memory(e);
	return engine_batch_init(&engine->batch, t, rows, 2 * running, e);
}

static void job_destroy(struct engine_job *job)
{
	if (!job)
		return;
	engine_prompt_finish(&job->prompt);
	engine_cache_finish(&job->cache[0]);
	engine_cache_finish(&job->cache[1]);
	free(job->tokens);
	free(job);
}

void engine_requests_finish(struct engine *engine)
{
	while (engine->line) {
		struct engine_job *job = engine->line;
		engine->line = job->next;
		job_destroy(job);
	}
	for (size_t i = 0; i < engine->running_count; i++)
		job_destroy(engine->running[i]);
	for (size_t i = 0; i < engine->event_count; i++)
		job_destroy(engine->events[(engine->event_first + i) % engine->event_size].last_of);
	job_destroy(engine->garbage);
	free(engine->events);
	free(engine->cancelled);
	free(engine->running);
	free(engine->guided);
	free(engine->candidates);
	free(engine->logit_rows);
	free(engine->ids);
	free(engine->places);
	engine_prefixes_finish(&engine->prefixes);
	engine_batch_finish(&engine->batch);
}

/* Submitting */

static bool check_number(const char *name, float value, float least, float most, struct err *e)
{
	if (value >= least && value <= most)
		return true;
	return err_set(e, ERR_INVALID, "%s: must lie between %g and %g", name, (double)least,
		       (double)most);
}

static bool set_sampling(const struct engine *engine, const struct engine_request *r,
			 struct engine_job *job, struct err *e)
{
	const struct engine_info *info = &engine->info;
	float temperature = r->temperature < 0 ? info->temperature : r->temperature;
	float top_p = r->top_p < 0 ? info->top_p : r->top_p;

	job->guidance = r->guidance < 0 ? info->guidance : r->guidance;
	job->sampler = (struct engine_sampler){
	    .temperature = temperature,
	    .top_k = r->top_k < 0 ? info->top_k : r->top_k,
	    .top_p = top_p,
	    .seed = r->seed,
	};
	job->streams = job->guidance == 1.0f ? 1 : 2;
	return check_number("guidance", job->guidance, 0, 100, e) &&
	       check_number("temperature", temperature, 0, 100, e) &&
	       check_number("top_p", top_p, 0, 1, e) &&
	       (r->keep < 0 || check_number("keep", r->keep, 0, 1, e));
}

static const char *const TASK_NAMES[ENGINE_TASK_COUNT] = {[ENGINE_TASK_DRAW] = "draw",
							  [ENGINE_TASK_RESTYLE] = "restyle",
							  [ENGINE_TASK_VARY] = "vary",
							  [ENGINE_TASK_EDIT] = "edit"};

bool engine_source_check(const struct engine *engine, const struct engine_request *r, struct err *e)
{
	size_t count = (size_t)engine->info.tokens;

	if (r->source_token_count != count)
		return err_set(e, ERR_INVALID, "source_tokens: %zu of them, not %zu",
			       r->source_token_count, count);
	for (size_t i = 0; i < count; i++)
		if (r->source_tokens[i] < 0 || r->source_tokens[i] >= engine->info.image_vocabulary)
			return err_set(e, ERR_INVALID,
				       "source_tokens: number %zu is not one of this model's", i);
	return true;
}

/* The source's tokens, the caller's to free; *source NULL where the task takes none. */
static bool take_source(struct engine *engine, const struct engine_request *r, int32_t **source,
			struct err *e)
{
	size_t count = (size_t)engine->info.tokens;

	*source = NULL;
	if ((unsigned)r->task >= ENGINE_TASK_COUNT)
		return err_set(e, ERR_INVALID, "task: there is no such task");
	if (!engine->info.can[r->task])
		return err_set(e, ERR_UNSUPPORTED, "this model has not learned to %s",
			       TASK_NAMES[r->task]);
	if (r->task == ENGINE_TASK_DRAW && !r->source_tokens)
		return true;
	if (!r->source_tokens && !r->source_rgb)
		return err_set(e, ERR_INVALID, "source: this task needs a picture");
	if (r->source_tokens && !engine_source_check(engine, r, e))
		return false;
	*source = malloc(count * sizeof(**source));
	if (!*source)
		return out_of_memory(e);
	bool ok = true;
	if (!r->source_tokens)
		ok = engine_encode(engine, r->source_rgb, r->source_width, r->source_height,
				   *source, e);
	else
		memcpy(*source, r->source_tokens, count * sizeof(**source));
	if (!ok) {
		free(*source);
		*source = NULL;
	}
	return ok;
}

bool engine_recall(const struct engine *engine, const char *prompt, const char *style,
		   const struct engine_memory_choice *choice, int32_t *tokens)
{
	const struct engine_info *info = &engine->info;
	size_t i = 0;

	if (!style || !style[0])
		style = engine_style(engine, NULL);
	if (!engine->memory || !style || !prompt)
		return false;
	while (i < info->style_count && strcmp(info->styles[i], style) != 0)
		i++;
	return engine_memory_recall(engine->memory, engine->lexicon, prompt, i, choice, tokens);
}

/* What the model's memory holds of what is asked for, the caller's to free; *recalled NULL where that is nothing. */
static bool recall(const struct engine *engine, const struct engine_request *r,
		   const int32_t *source, int32_t **recalled, struct err *e)
{
	const struct engine_memory_choice choice = {.seed = r->seed, .like = source};
	*recalled = NULL;
	if (r->task != ENGINE_TASK_DRAW && r->task != ENGINE_TASK_VARY)
		return true;
	*recalled = malloc((size_t)engine->info.tokens * sizeof(**recalled));
	if (!*recalled)
		return out_of_memory(e);
	if (!engine_recall(engine, r->prompt, r->style, &choice, *recalled)) {
		free(*recalled);
		*recalled = NULL;
	}
	return true;
}

/* Which kind of a thing is meant has been read where it is recalled: the red of red hair would colour the face. */
static bool init_prompt(struct engine *engine, const struct engine_request *r,
			const int32_t *source, const int32_t *recalled,
			struct engine_prompt *prompt, struct err *e)
{
	struct engine_request bare = *r;
	struct buf words;
	buf_init(&words, ENGINE_TEXT_BYTES_MAX + 1);
	if (recalled) {
		engine_lexicon_bare(engine->lexicon, r->prompt, &words);
		buf_add_char(&words, '\0');
		bare.prompt = words.failed ? r->prompt : words.data; /* too long: said below */
	}
	bool ok = engine_prompt_init(prompt, &engine->transformer.shape, engine->text, &bare,
				     source, recalled, e);
	buf_finish(&words);
	return ok;
}

static struct engine_job *job_create(struct engine *engine, const struct engine_request *r,
				     struct err *e)
{
	struct engine_job *job = calloc(1, sizeof(*job));
	int32_t *source = NULL, *recalled = NULL;

	if (!job || !(job->tokens = calloc((size_t)engine->info.tokens, sizeof(*job->tokens)))) {
		out_of_memory(e);
		goto fail;
	}
	if (!set_sampling(engine, r, job, e) || !take_source(engine, r, &source, e) ||
	    !recall(engine, r, source, &recalled, e) ||
	    !init_prompt(engine, r, source, recalled, &job->prompt, e))
		goto fail;
	if (job->prompt.length + (size_t)engine->info.tokens - job->prompt.kept >
	    engine->transformer.positions_max) {
		err_set(e, ERR_TOO_LARGE, "prompt: too long for this model's %zu positions",
			engine->transformer.positions_max);
		goto fail;
	}
	job->token_count = (int)job->prompt.kept;
	if (job->prompt.kept)
		memcpy(job->tokens, source, job->prompt.kept * sizeof(*source));
	free(source);
	free(recalled);
	return job;
fail:
	free(source);
	free(recalled);
	job_destroy(job);
	return NULL;
}

bool engine_submit(struct engine *engine, const struct engine_request *request, uint64_t *id,
		   struct err *e)
{
	struct engine_job *job = job_create(engine, request, e);
	if (!job)
		return false;
	pthread_mutex_lock(&engine->lock);
	bool room = engine->line_count < (size_t)engine->line_max;
	if (room) {
		*id = job->id = engine->next_id++;
		*engine->line_end = job;
		engine->line_end = &job->next;
		engine->line_count++;
		pthread_cond_signal(&engine->wake);
	}
	pthread_mutex_unlock(&engine->lock);
	if (room)
		return true;
	job_destroy(job);
	return err_set(e, ERR_BUSY, "%d pictures are waiting already", engine->line_max);
}

void engine_cancel(struct engine *engine, uint64_t id)
{
	pthread_mutex_lock(&engine->lock);
	if (engine->cancelled_count == engine->cancelled_size) {
		size_t size = engine->cancelled_size ? 2 * engine->cancelled_size : 16;
		uint64_t *grown = realloc(engine->cancelled, size * sizeof(*grown));
		if (!grown)
			abort(); /* a few bytes: nothing goes on without them */
		engine->cancelled = grown;
		engine->cancelled_size = size;
	}
	engine->cancelled[engine->cancelled_count++] = id;
	pthread_mutex_unlock(&engine->lock);
}

/* Events */

static void post(struct engine *engine, struct engine_job *job, enum engine_event_kind kind,
		 const struct err *error)
{
	if (engine->event_count == engine->event_size) {
		size_t size = engine->event_size ? 2 * engine->event_size : 64;
		struct engine_queued_event *grown = calloc(size, sizeof(*grown));
		if (!grown)
			abort();
		for (size_t i = 0; i < engine->event_count; i++)
			grown[i] = engine->events[(engine->event_first + i) % engine->event_size];
		free(engine->events);
		engine->events = grown;
		engine->event_size = size;
		engine->event_first = 0;
	}
	size_t at = (engine->event_first + engine->event_count++) % engine->event_size;
	struct engine_queued_event *slot = &engine->events[at];
	*slot = (struct engine_queued_event){.event = {.request = job->id,
						       .kind = kind,
						       .tokens = job->tokens,
						       .token_count = job->token_count,
						       .token_total = engine->info.tokens}};
	if (error)
		slot->event.error = *error;
	if (kind == ENGINE_EVENT_DONE || kind == ENGINE_EVENT_FAILED)
		slot->last_of = job;
}

bool engine_event_next(struct engine *engine, struct engine_event *event)
{
	job_destroy(engine->garbage);
	engine->garbage = NULL;
	if (engine->event_count == 0)
		return false;
	struct engine_queued_event *slot = &engine->events[engine->event_first];
	*event = slot->event;
	engine->garbage = slot->last_of;
	slot->last_of = NULL;
	engine->event_first = (engine->event_first + 1) % engine->event_size;
	engine->event_count--;
	return true;
}

/* Coming and going */

static void release_caches(struct engine *engine, struct engine_job *job)
{
	for (int s = 0; s < 2; s++) {
		if (job->cache[s].data)
			engine->cache_bytes -= engine_cache_bytes(&job->cache[s].options);
		engine_cache_finish(&job->cache[s]);
	}
}

static void finish(struct engine *engine, struct engine_job *job, enum engine_event_kind kind,
		   const struct err *error)
{
	release_caches(engine, job);
	engine->pictures_done += kind == ENGINE_EVENT_DONE;
	post(engine, job, kind, error);
	job->finished = true;
}

static void forget_finished(struct engine *engine)
{
	size_t kept = 0;
	for (size_t i = 0; i < engine->running_count; i++)
		if (!engine->running[i]->finished)
			engine->running[kept++] = engine->running[i];
	engine->running_count = kept;
}

static bool is_cancelled(const struct engine *engine, uint64_t id)
{
	for (size_t i = 0; i < engine->cancelled_count; i++)
		if (engine->cancelled[i] == id)
			return true;
	return false;
}

/* With the lock. */
static void cancel_named(struct engine *engine)
{
	struct err cancelled = {.code = ERR_CANCELLED, .message = "cancelled"};

	if (engine->cancelled_count == 0)
		return;
	for (struct engine_job **at = &engine->line; *at;) {
		struct engine_job *job = *at;
		if (!is_cancelled(engine, job->id)) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		engine->line_count--;
		finish(engine, job, ENGINE_EVENT_FAILED, &cancelled);
	}
	engine->line_end = &engine->line;
	while (*engine->line_end)
		engine->line_end = &(*engine->line_end)->next;
	for (size_t i = 0; i < engine->running_count; i++)
		if (is_cancelled(engine, engine->running[i]->id))
			finish(engine, engine->running[i], ENGINE_EVENT_FAILED, &cancelled);
	engine->cancelled_count = 0;
	forget_finished(engine);
}

/* Takes one out of the line; false where it could not begin. */
static bool begin(struct engine *engine, struct engine_job *job)
{
	size_t left = (size_t)engine->info.tokens - job->prompt.kept;
	struct engine_cache_options options =
	    engine_transformer_cache(&engine->transformer, job->prompt.length + left);
	struct err e;

	for (int s = 0; s < job->streams; s++) {
		if (!engine_cache_init(&job->cache[s], &options, &e)) {
			finish(engine, job, ENGINE_EVENT_FAILED, &e);
			return false;
		}
		engine->cache_bytes += engine_cache_bytes(&options);
	}
	post(engine, job, ENGINE_EVENT_STARTED, NULL);
	for (int row = 1; row * engine->info.grid_width <= job->token_count; row++) {
		int count = job->token_count;
		job->token_count = row * engine->info.grid_width;
		post(engine, job, ENGINE_EVENT_ROW, NULL);
		job->token_count = count;
	}
	return true;
}

static void take_over(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	cancel_named(engine);
	while (engine->line && engine->running_count < engine->running_max) {
		struct engine_job *job = engine->line;
		engine->line = job->next;
		if (!engine->line)
			engine->line_end = &engine->line;
		engine->line_count--;
		job->next = NULL;
		if (begin(engine, job))
			engine->running[engine->running_count++] = job;
	}
	pthread_mutex_unlock(&engine->lock);
}

/* One step's rows */

static const struct engine_element *elements(const struct engine_job *job, int stream)
{
	return stream == 0 ? job->prompt.guided : job->prompt.unguided;
}

/* What is read ahead of the first new token: all of the prompt but its last element, which goes through
 * the batch together with the other stream's, as every token after it. */
static size_t ahead(const struct engine_job *job)
{
	return job->prompt.length - 1;
}

static bool is_ready(const struct engine_job *job)
{
	for (int s = 0; s < job->streams; s++)
		if (job->read[s] < ahead(job))
			return false;
	return true;
}

/* Somebody before (job, stream) is reading the same: wait for it and share. */
static bool read_elsewhere(const struct engine *engine, size_t index, int stream)
{
	const struct engine_job *job = engine->running[index];
	for (size_t i = 0; i <= index; i++) {
		const struct engine_job *other = engine->running[i];
		for (int s = 0; s < other->streams; s++) {
			if (i == index && s >= stream)
				return false;
			if (ahead(other) == ahead(job) && other->read[s] < ahead(other) &&
			    engine_prefix_equal(elements(other, s), elements(job, stream),
						ahead(job)))
				return true;
		}
	}
	return false;
}

static void embed(struct engine *engine, const struct engine_element *el, size_t n, size_t row)
{
	const struct engine_transformer *t = &engine->transformer;
	size_t hidden = (size_t)t->shape.llm.hidden;
	float *x = engine->batch.x + row * hidden;

	for (size_t i = 0; i < n;) {
		size_t run = 1;
		switch (el[i].kind) {
		case ENGINE_ELEMENT_TEXT:
			engine_transformer_embed_text(t, &el[i].id, 1, x + i * hidden);
			break;
		case ENGINE_ELEMENT_CLASS:
			engine_transformer_embed_class(t, el[i].id, x + i * hidden);
			break;
		case ENGINE_ELEMENT_IMAGE:
			while (i + run < n && el[i + run].kind == ENGINE_ELEMENT_IMAGE)
				run++;
			for (size_t j = 0; j < run; j++) {
				engine->ids[j] = el[i + j].id;
				engine->places[j] = el[i + j].place;
			}
			engine_transformer_embed_image(t, &engine->batch, engine->ids,
						       engine->places, run, x + i * hidden);
			break;
		}
		i += run;
	}
}

/* One row for each stream of every request that is drawing. Those whose newest token is a picture token
 * come first, so that their embeddings are one product. */
static size_t add_drawing(struct engine *engine)
{
	struct engine_batch *b = &engine->batch;
	size_t images = 0;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < engine->running_count; i++) {
			struct engine_job *job = engine->running[i];
			bool drawn = job->read[0] >= job->prompt.length;
			if (!is_ready(job) || drawn != (pass == 0))
				continue;
			for (int s = 0; s < job->streams; s++) {
				b->row[b->rows] = (struct engine_row){&job->cache[s], job->read[s]};
				if (drawn) {
					engine->ids[images] = job->tokens[job->token_count - 1];
					engine->places[images++] = job->token_count - 1;
				}
				b->rows++;
			}
		}
	engine_transformer_embed_image(&engine->transformer, b, engine->ids, engine->places, images,
				       b->x);
	size_t row = images;
	for (size_t i = 0; i < engine->running_count; i++) {
		struct engine_job *job = engine->running[i];
		if (!is_ready(job) || job->read[0] >= job->prompt.length)
			continue;
		for (int s = 0; s < job->streams; s++)
			embed(engine, &elements(job, s)[ahead(job)], 1, row++);
	}
	return b->rows;
}

/* Pieces of prompts behind them, as far as there is room. */
static void add_reading(struct engine *engine)
{
	struct engine_batch *b = &engine->batch;

	for (size_t i = 0; i < engine->running_count; i++) {
		struct engine_job *job = engine->running[i];
		for (int s = 0; s < job->streams; s++) {
			size_t room = b->rows_max - b->rows, n = ahead(job) - job->read[s];
			if (job->read[s] >= ahead(job) || room == 0)
				continue;
			if (!job->shared[s]) {
				if (read_elsewhere(engine, i, s))
					continue;
				job->shared[s] = true;
				job->read[s] =
				    engine_prefix_restore(&engine->prefixes, elements(job, s),
							  ahead(job), &job->cache[s]);
				n = ahead(job) - job->read[s];
				if (s == 0) {
					engine->prompts.shared += n == 0;
					engine->prompts.tokens_shared += job->read[s];
				}
			}
			if (n > room)
				n = room;
			embed(engine, elements(job, s) + job->read[s], n, b->rows);
			for (size_t k = 0; k < n; k++)
				b->row[b->rows++] =
				    (struct engine_row){&job->cache[s], job->read[s] + k};
			job->reading[s] = n;
		}
	}
}

/* What was being read has been read; whole prefixes are remembered. */
static void finish_reading(struct engine *engine)
{
	for (size_t i = 0; i < engine->running_count; i++) {
		struct engine_job *job = engine->running[i];
		for (int s = 0; s < job->streams; s++) {
			size_t n = job->reading[s];
			job->reading[s] = 0;
			job->read[s] += n;
			if (s == 0 && n > 0) {
				engine->prompts.computed += job->read[s] == ahead(job);
				engine->prompts.tokens_computed += n;
			}
			if (n > 0 && job->read[s] == ahead(job) && ahead(job) >= PREFIX_LENGTH_MIN)
				engine_prefix_save(&engine->prefixes, elements(job, s), ahead(job),
						   &job->cache[s]);
		}
	}
}

static void choose(struct engine *engine, struct engine_job *job, size_t row)
{
	const struct engine_batch *b = &engine->batch;
	size_t n = (size_t)engine->info.image_vocabulary;
	const float *logits = b->logits + row * b->logits_stride;

	if (job->streams == 2) {
		engine_sampler_guide(logits, logits + b->logits_stride, job->guidance,
				     engine->guided, n);
		logits = engine->guided;
	}
	job->tokens[job->token_count] = engine_sampler_choose(
	    &job->sampler, (uint64_t)job->token_count, logits, n, engine->candidates);
	job->token_count++;
	for (int s = 0; s < job->streams; s++)
		job->read[s]++;
	if (job->token_count % engine->info.grid_width == 0)
		post(engine, job, ENGINE_EVENT_ROW, NULL);
	if (job->token_count == engine->info.tokens)
		finish(engine, job, ENGINE_EVENT_DONE, NULL);
}

/* A card that fails computes nothing any more: then all that runs has failed. */
static bool card_failed(struct engine *engine)
{
	struct err e;
	if (!engine_transformer_failed(&engine->transformer, &e))
		return false;
	for (size_t i = 0; i < engine->running_count; i++)
		finish(engine, engine->running[i], ENGINE_EVENT_FAILED, &e);
	forget_finished(engine);
	return true;
}

static void run_batch(struct engine *engine)
{
	struct engine_batch *b = &engine->batch;

	b->rows = 0;
	size_t drawing = add_drawing(engine);
	/* Which requests those are, before reading ahead makes others ready. */
	for (size_t i = 0; i < engine->running_count; i++)
		engine->running[i]->drawing = is_ready(engine->running[i]);
	add_reading(engine);
	engine_transformer_run(&engine->transformer, b);
	engine->positions_computed += b->rows;
	for (size_t r = 0; r < drawing; r++)
		engine->logit_rows[r] = r;
	if (drawing)
		engine_transformer_image_logits(&engine->transformer, b, engine->logit_rows,
						drawing);
	if (card_failed(engine))
		return;
	finish_reading(engine);
	size_t row = 0;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < engine->running_count; i++) {
			struct engine_job *job = engine->running[i];
			bool drawn = job->token_count > (int)job->prompt.kept;
			if (!job->drawing || drawn != (pass == 0))
				continue;
			job->drawing = false;
			choose(engine, job, row);
			row += (size_t)job->streams;
		}
	forget_finished(engine);
}

size_t engine_step(struct engine *engine)
{
	job_destroy(engine->garbage);
	engine->garbage = NULL;
	engine_pool_lock(engine->pool);
	take_over(engine);
	if (engine->running_count > 0)
		run_batch(engine);
	engine_pool_unlock(engine->pool);
	pthread_mutex_lock(&engine->lock);
	size_t left = engine->running_count + engine->line_count;
	pthread_mutex_unlock(&engine->lock);
	return left;
}

/* Waiting and running */

bool engine_wait(struct engine *engine, int timeout_ms)
{
	struct timespec until;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	if (timeout_ms > 0) {
		until.tv_sec += timeout_ms / 1000;
		until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
	}
	pthread_mutex_lock(&engine->lock);
	while (!engine->stopped && engine->running_count == 0 && !engine->line && rc != ETIMEDOUT)
		rc = timeout_ms < 0 ? pthread_cond_wait(&engine->wake, &engine->lock)
				    : pthread_cond_timedwait(&engine->wake, &engine->lock, &until);
	bool go_on = !engine->stopped;
	pthread_mutex_unlock(&engine->lock);
	return go_on;
}

void engine_stop(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->stopped = true;
	pthread_cond_broadcast(&engine->wake);
	pthread_mutex_unlock(&engine->lock);
}

bool engine_run(struct engine *engine,
		void (*on_event)(void *context, const struct engine_event *event), void *context)
{
	struct engine_event event;
	size_t left;

	do {
		if (!engine_wait(engine, 0))
			return false;
		left = engine_step(engine);
		while (engine_event_next(engine, &event))
			if (on_event)
				on_event(context, &event);
	} while (left > 0);
	return true;
}
