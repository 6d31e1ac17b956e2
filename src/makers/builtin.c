/* Owns the engine and the thread that steps it. A drawing thread submits its pictures and waits for their
 * events under one lock; the stepper hands tokens over and decodes nothing, so that a preview for one job
 * never holds up another's next token. */
#include "makers/maker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "engine/engine.h"
#include "engine/gist.h"
#include "engine/lexicon.h"

enum { PREVIEW_INTERVAL_MS = 40, RUNNING_MAX = 64 };

/* One picture under way: written by the stepper, read by the drawing thread, under the maker's lock. */
struct running {
	uint64_t id;
	int32_t *tokens;
	int count, total;
	bool done, failed;
	struct err error;
};

struct builtin {
	struct maker maker;
	struct engine *engine;
	struct engine_info engine_info;
	struct maker_info info;
	pthread_t stepper;
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct running *running[RUNNING_MAX];
	struct maker_prefixes prefixes; /* under the lock */
};

/* The engine tells this between two steps only, so it is asked where something has ended, on the stepper. */
static void note_prefixes(struct builtin *b)
{
	struct engine_info i;
	engine_info(b->engine, &i);
	pthread_mutex_lock(&b->lock);
	b->prefixes = (struct maker_prefixes){.computed = i.prompts.computed,
					      .shared = i.prompts.shared,
					      .tokens_computed = i.prompts.tokens_computed,
					      .tokens_shared = i.prompts.tokens_shared};
	pthread_mutex_unlock(&b->lock);
}

static void take_event(struct builtin *b, const struct engine_event *ev)
{
	pthread_mutex_lock(&b->lock);
	for (int i = 0; i < RUNNING_MAX; i++) {
		struct running *r = b->running[i];
		if (!r || r->id != ev->request)
			continue;
		r->total = ev->token_total;
		if (ev->token_count > r->count && ev->token_count <= b->engine_info.tokens) {
			memcpy(r->tokens, ev->tokens, (size_t)ev->token_count * sizeof *r->tokens);
			r->count = ev->token_count;
		}
		r->done = r->done || ev->kind == ENGINE_EVENT_DONE;
		if (ev->kind == ENGINE_EVENT_FAILED) {
			r->failed = true;
			r->error = ev->error;
		}
		pthread_cond_broadcast(&b->news);
	}
	pthread_mutex_unlock(&b->lock);
}

static void step_run(void *argument)
{
	struct builtin *b = argument;
	struct engine_event ev;
	thread_give_way();
	while (engine_wait(b->engine, -1)) {
		engine_step(b->engine);
		while (engine_event_next(b->engine, &ev)) {
			if (ev.kind == ENGINE_EVENT_DONE || ev.kind == ENGINE_EVENT_FAILED)
				note_prefixes(b);
			take_event(b, &ev);
		}
	}
}

static const struct maker_info *builtin_info(struct maker *m)
{
	return &((struct builtin *)m)->info;
}

static void builtin_wake(struct maker *m)
{
	struct builtin *b = (struct builtin *)m;
	pthread_mutex_lock(&b->lock);
	pthread_cond_broadcast(&b->news);
	pthread_mutex_unlock(&b->lock);
}

/* What the engine is asked for, by the seed of the first picture. */
static struct engine_request request_of(const struct maker_request *q, const char *prompt)
{
	struct engine_request er = ENGINE_REQUEST_INIT;
	er.task = (enum engine_task)q->task;
	er.prompt = prompt;
	er.style = q->style;
	er.source_style = q->source_style;
	er.language = q->language;
	er.seed = q->seed;
	if (q->guidance >= 0)
		er.guidance = (float)q->guidance;
	if (q->task == MAKER_VARY)
		er.keep = (float)(1 - q->strength);
	if (q->source_token_count) {
		er.source_tokens = q->source_tokens;
		er.source_token_count = q->source_token_count;
	} else if (q->source) {
		er.source_rgb = q->source->rgb;
		er.source_width = q->source->width;
		er.source_height = q->source->height;
	}
	return er;
}

/* Hands one picture to the engine. The lock is held across the submission, so that no event of it can be
 * missed. */
static bool submit(struct builtin *b, const struct engine_request *er, struct running *r,
		   struct err *e)
{
	pthread_mutex_lock(&b->lock);
	int slot = 0;
	while (slot < RUNNING_MAX && b->running[slot])
		slot++;
	bool ok =
	    slot < RUNNING_MAX || err_set(e, ERR_BUSY, "the engine is full: try again in a moment");
	ok = ok && engine_submit(b->engine, er, &r->id, e);
	if (ok)
		b->running[slot] = r;
	pthread_mutex_unlock(&b->lock);
	return ok;
}

static void forget(struct builtin *b, struct running *r)
{
	pthread_mutex_lock(&b->lock);
	for (int i = 0; i < RUNNING_MAX; i++)
		if (b->running[i] == r)
			b->running[i] = NULL;
	pthread_mutex_unlock(&b->lock);
	if (r->id && !r->done && !r->failed)
		engine_cancel(b->engine, r->id);
}

/* A picture's pixels, kept between previews so that only new rows are decoded. */
struct canvas {
	uint8_t *rgb;
	int32_t *tokens;
	int decoded; /* tokens */
};

static bool preview(struct builtin *b, const char *style, struct canvas *c, int count, int index,
		    const struct maker_sink *sink, double progress, struct err *e)
{
	const struct engine_info *i = &b->engine_info;
	struct image image = {.width = i->width, .height = i->height, .rgb = c->rgb};
	if (!engine_decode(b->engine, c->tokens, (size_t)count, c->decoded / i->grid_width, c->rgb,
			   e))
		return false;
	engine_finish(b->engine, style, c->rgb);
	c->decoded = count;
	sink->seen(sink->context, index, progress, &image,
		   (double)(count / i->grid_width) / i->grid_height);
	return true;
}

/* Waits for news and shows it, until every picture is done. */
static bool follow(struct builtin *b, const struct maker_request *q, const char *style,
		   struct running *r, struct canvas *c, const struct maker_sink *sink,
		   struct err *e)
{
	int64_t next_ns = 0;
	int shown[MAKER_PICTURES_MAX] = {0};
	for (;;) {
		int done = 0, counts[MAKER_PICTURES_MAX];
		double progress = 0;
		pthread_mutex_lock(&b->lock);
		for (bool waited = false;; waited = true) {
			bool news = false;
			done = 0;
			progress = 0;
			for (int i = 0; i < q->count; i++) {
				counts[i] = r[i].count;
				done += r[i].done;
				news = news || r[i].failed || r[i].count > shown[i];
				progress += (double)r[i].count / b->engine_info.tokens / q->count;
			}
			if (news || done == q->count || waited || atomic_load(q->cancelled))
				break;
			thread_wait_until(&b->news, &b->lock, clock_mono_ns() + 1000000000ll);
		}
		for (int i = 0; i < q->count; i++) {
			if (r[i].failed)
				*e = r[i].error;
			memcpy(c[i].tokens, r[i].tokens, (size_t)counts[i] * sizeof *c[i].tokens);
		}
		pthread_mutex_unlock(&b->lock);
		if (e->code != ERR_NONE)
			return false;
		if (atomic_load(q->cancelled))
			return err_set(e, ERR_CANCELLED, "cancelled");
		for (int i = 0; sink->tokens && done == q->count && i < q->count; i++)
			if (counts[i] > shown[i])
				sink->tokens(sink->context, i, progress, c[i].tokens,
					     (size_t)counts[i]);
		if (done == q->count)
			return true;
		int64_t now = clock_mono_ns();
		bool show = now >= next_ns && sink->wanted(sink->context);
		for (int i = 0; i < q->count; i++) {
			if (counts[i] <= shown[i])
				continue;
			shown[i] = counts[i];
			if (sink->tokens)
				sink->tokens(sink->context, i, progress, c[i].tokens,
					     (size_t)counts[i]);
			if (show && !preview(b, style, &c[i], counts[i], i, sink, progress, e))
				return false;
			if (!show)
				sink->seen(sink->context, i, progress, NULL, 0);
		}
		if (show)
			next_ns = clock_mono_ns() + PREVIEW_INTERVAL_MS * 1000000ll;
	}
}

/* To restyle is to draw the same thing again: what the source was asked for says which. An edit's words do not. */
static const char *words_of(const struct builtin *b, struct arena *a, const struct maker_request *q)
{
	const char *prompt = q->prompt ? q->prompt : "";
	struct err nothing_known = {0};
	if (q->task == MAKER_RESTYLE && q->source_prompt && !*prompt)
		return q->source_prompt;
	if (q->task != MAKER_RESTYLE || !q->source_prompt || !engine_words(b->engine) ||
	    strcmp(prompt, q->source_prompt) == 0 ||
	    !engine_lexicon_check(engine_words(b->engine), q->source_prompt, &nothing_known))
		return prompt;
	return arena_printf(a, "%s, %s", q->source_prompt, prompt);
}

static bool builtin_draw(struct maker *m, struct arena *a, const struct maker_request *q,
			 const struct maker_sink *sink, struct maker_picture *pictures,
			 struct err *e)
{
	struct builtin *b = (struct builtin *)m;
	const struct engine_info *info = &b->engine_info;
	struct running r[MAKER_PICTURES_MAX] = {0};
	struct canvas c[MAKER_PICTURES_MAX] = {0};
	size_t pixels = (size_t)info->width * (size_t)info->height * 3,
	       tokens = (size_t)info->tokens;
	/* Words beside a picture only say what to change of it; alone they must name something known. */
	bool ok = q->source_tokens || q->source ||
		  engine_lexicon_check(engine_words(b->engine), q->prompt, e);
	struct engine_request er = request_of(q, words_of(b, a, q));
	ok = ok && engine_settle(b->engine, a, &er, e);
	/* A model that has no list of what it knows reads as much of the beginning as it can. */
	if (ok && engine_words(b->engine))
		ok = engine_gist(b->engine, a, er.prompt, &er.prompt, e);
	for (int i = 0; ok && i < q->count; i++) {
		r[i].tokens = ARENA_ARRAY(a, int32_t, tokens);
		c[i].tokens = ARENA_ARRAY(a, int32_t, tokens);
		c[i].rgb = ARENA_ARRAY(a, uint8_t, pixels);
		ok = (r[i].tokens && c[i].tokens && c[i].rgb) ||
		     err_set(e, ERR_NO_MEMORY, "the picture is too large");
		ok = ok && submit(b, &er, &r[i], e);
		er.seed++;
	}
	ok = ok && follow(b, q, er.style, r, c, sink, e);
	for (int i = 0; i < q->count; i++)
		forget(b, &r[i]);
	for (int i = 0; ok && i < q->count; i++) {
		ok = engine_decode(b->engine, r[i].tokens, tokens, c[i].decoded / info->grid_width,
				   c[i].rgb, e);
		if (ok)
			engine_finish(b->engine, er.style, c[i].rgb);
		pictures[i] = (struct maker_picture){
		    .image = {.width = info->width, .height = info->height, .rgb = c[i].rgb},
		    .tokens = r[i].tokens,
		    .token_count = tokens,
		    .seed = q->seed + (uint64_t)i,
		    .has_seed = true};
	}
	return ok;
}

static bool builtin_decode(struct maker *m, struct arena *a, const int32_t *tokens, size_t count,
			   struct image *image, double *rows, struct err *e)
{
	struct builtin *b = (struct builtin *)m;
	const struct engine_info *i = &b->engine_info;
	size_t pixels = (size_t)i->width * (size_t)i->height * 3;
	if (count > (size_t)i->tokens)
		return err_set(e, ERR_INVALID, "more tokens than a picture has");
	for (size_t k = 0; k < count; k++)
		if (tokens[k] < 0 || tokens[k] >= i->image_vocabulary)
			return err_set(e, ERR_INVALID, "a token that this model lacks");
	uint8_t *rgb = ARENA_ARRAY(a, uint8_t, pixels);
	*image = (struct image){.width = i->width, .height = i->height, .rgb = rgb};
	*rows = (double)(count / (size_t)i->grid_width) / i->grid_height;
	if (!rgb)
		return err_set(e, ERR_NO_MEMORY, "the picture is too large");
	return engine_decode(b->engine, tokens, count, 0, rgb, e);
}

static bool builtin_describe(struct maker *m, const struct image *image,
			     const atomic_bool *cancelled, struct buf *text, struct err *e)
{
	const struct engine_description what = {.rgb = image->rgb,
						.width = image->width,
						.height = image->height,
						.cancelled = cancelled};
	return engine_describe(((struct builtin *)m)->engine, &what, text, e);
}

static void builtin_prefixes(struct maker *m, struct maker_prefixes *out)
{
	struct builtin *b = (struct builtin *)m;
	pthread_mutex_lock(&b->lock);
	*out = b->prefixes;
	pthread_mutex_unlock(&b->lock);
}

static void builtin_destroy(struct maker *m)
{
	struct builtin *b = (struct builtin *)m;
	engine_stop(b->engine);
	thread_join(b->stepper);
	engine_destroy(b->engine);
	pthread_cond_destroy(&b->news);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static const struct maker_ops OPS = {.info = builtin_info,
				     .draw = builtin_draw,
				     .wake = builtin_wake,
				     .destroy = builtin_destroy,
				     .decode = builtin_decode,
				     .describe = builtin_describe,
				     .prefixes = builtin_prefixes};

static void fill_info(struct builtin *b)
{
	const struct engine_info *i = &b->engine_info;
	b->info = (struct maker_info){
	    .id = "builtin",
	    .name = "Madang",
	    .model = i->name,
	    .tasks = {[MAKER_DRAW] = true,
		      [MAKER_RESTYLE] = i->can[ENGINE_TASK_RESTYLE],
		      [MAKER_VARY] = i->can[ENGINE_TASK_VARY] && i->can_encode,
		      [MAKER_EDIT] = i->can[ENGINE_TASK_EDIT]},
	    .has_style = i->style_count > 0,
	    .has_seed = true,
	    .has_guidance = true,
	    .describes = i->can_describe,
	    .count_max = MAKER_PICTURES_MAX,
	    .prompt_length_max = 1000,
	    .width = i->width,
	    .height = i->height,
	    .guidance = i->guidance,
	    .styles_count = i->style_count < MAKER_STYLES_MAX ? i->style_count : MAKER_STYLES_MAX,
	    .slots = 4};
	for (size_t k = 0; k < b->info.styles_count; k++)
		b->info.styles[k] = i->styles[k];
}

/* The engine's threads take after the one that opens it, so that is one which gives way. */
struct opening {
	const char *dir;
	struct engine_options options;
	struct engine *engine;
	struct err *e;
};

static void open_run(void *argument)
{
	struct opening *o = argument;
	thread_give_way();
	o->engine = engine_create(o->dir, &o->options, o->e);
}

static struct engine *open_engine(const struct maker_builtin_options *options, struct err *e)
{
	struct opening o = {
	    .dir = options->dir,
	    .options = {.threads = options->threads,
			.device = options->cuda ? ENGINE_DEVICE_CUDA : ENGINE_DEVICE_CPU},
	    .e = e};
	pthread_t thread;
	if (!thread_start(&thread, "engine-open", open_run, &o, e))
		return NULL;
	thread_join(thread);
	return o.engine;
}

struct maker *maker_builtin_create(const struct maker_builtin_options *options, struct err *e)
{
	struct builtin *b = calloc(1, sizeof *b);
	if (!b)
		abort();
	b->maker.ops = &OPS;
	b->engine = open_engine(options, e);
	if (!b->engine) {
		free(b);
		return NULL;
	}
	engine_info(b->engine, &b->engine_info);
	fill_info(b);
	pthread_mutex_init(&b->lock, NULL);
	thread_cond_init(&b->news);
	if (!thread_start(&b->stepper, "engine", step_run, b, e)) {
		engine_destroy(b->engine);
		free(b);
		return NULL;
	}
	return &b->maker;
}
