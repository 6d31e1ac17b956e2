/* Owns the pictures of one command between engine_submit and their files. Main thread, which is the
 * engine's stepper here. A file is written only whole, with the interrupt held. */
#include "cli/drawing.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "image/image.h"
#include "json/write.h"

#define FILE_BYTES_MAX    ((size_t)256 << 20)
#define ANSWER_BYTES_MAX  ((size_t)1 << 20)
#define RESIZED_BYTES_MAX ((size_t)256 << 20)

struct picture {
	uint64_t request, seed;
	const char *path;
	int32_t *tokens;
	int token_count;
	int rows_shown; /* rows of tokens that rgb holds */
	uint8_t *rgb;
	int64_t started_ns;
	bool saved;
};

struct drawing {
	const struct drawing_order *order;
	struct engine_info info;
	struct picture *pictures;
	struct progress *progress;
	bool failed;
	struct err error;
};

const char *drawing_path(struct arena *a, const char *output, int count, int index, uint64_t seed)
{
	if (!output)
		return arena_printf(a, "madang-%llu.png", (unsigned long long)seed);
	if (count == 1)
		return arena_strdup(a, output);
	const char *dot = strrchr(output, '.');
	return arena_printf(a, "%.*s-%d%s", (int)(dot - output), output, index + 1, dot);
}

static struct picture *find(struct drawing *d, uint64_t request)
{
	for (int i = 0; i < d->order->count; i++)
		if (d->pictures[i].request == request)
			return &d->pictures[i];
	return NULL;
}

/* Brings p->rgb up to the rows of tokens that are there. */
static bool decode(struct drawing *d, struct picture *p, struct err *e)
{
	if (!engine_decode(d->order->engine, p->tokens, (size_t)p->token_count, p->rows_shown,
			   p->rgb, e))
		return false;
	engine_finish(d->order->engine, d->order->request.style, p->rgb);
	p->rows_shown = p->token_count / d->info.grid_width;
	return true;
}

static void show(struct drawing *d, struct picture *p)
{
	int64_t done = 0, total = (int64_t)d->info.tokens * d->order->count;
	struct err unused;
	for (int i = 0; i < d->order->count; i++)
		done += d->pictures[i].token_count;
	/* Several at once would overwrite each other on the screen: the first unfinished one is shown. */
	bool first = true;
	for (struct picture *q = d->pictures; q < p; q++)
		first = first && q->saved;
	bool wanted = first && p->token_count > 0 &&
		      (progress_wants_picture(d->progress) || p->token_count == d->info.tokens);
	bool decoded = wanted && decode(d, p, &unused);
	progress_show(d->progress, done, total, decoded ? p->rgb : NULL, d->info.width,
		      d->info.height);
}

static bool tell(struct drawing *d, const struct picture *p, const struct image *image,
		 struct err *e)
{
	const struct drawing_order *o = d->order;
	int64_t ms = (clock_mono_ns() - p->started_ns) / 1000000;
	struct buf out;
	buf_init(&out, ANSWER_BYTES_MAX);
	if (!o->json) {
		buf_printf(&out, "%s  seed %llu  %.1f s\n", p->path, (unsigned long long)p->seed,
			   (double)ms / 1000);
	} else {
		struct json_writer w;
		json_begin(&w, &out);
		json_put_object(&w, NULL);
		json_put_str(&w, "file", p->path);
		json_put_str(&w, "prompt", o->prompt);
		json_put_str(&w, "task", o->task);
		json_put_str(&w, "style", o->request.style);
		json_put_int(&w, "seed", (int64_t)p->seed);
		json_put_str(&w, "model", d->info.name);
		json_put_int(&w, "width", image->width);
		json_put_int(&w, "height", image->height);
		json_put_int(&w, "ms", ms);
		json_put_array(&w, "tokens");
		for (int i = 0; i < p->token_count; i++)
			json_put_int(&w, NULL, p->tokens[i]);
		json_put_end(&w);
		json_put_end(&w);
		buf_add_char(&out, '\n');
		if (!json_finish(&w, e)) {
			buf_finish(&out);
			return false;
		}
	}
	bool printed = fwrite(out.data, 1, out.length, stdout) == out.length && fflush(stdout) == 0;
	buf_finish(&out);
	return printed ? true : err_set(e, ERR_IO, "can't write to the standard output");
}

static bool save(struct drawing *d, struct picture *p, struct err *e)
{
	const struct drawing_order *o = d->order;
	char seed[24];
	snprintf(seed, sizeof seed, "%llu", (unsigned long long)p->seed);
	const struct image_origin origin = {
	    .prompt = o->prompt, .style = o->request.style, .model = d->info.name, .seed = seed};
	struct image image = {d->info.width, d->info.height, p->rgb};
	struct arena *a = arena_create(RESIZED_BYTES_MAX);
	struct buf file;
	bool done = false, pixels = o->request.style && str_starts(o->request.style, "pixel");
	buf_init(&file, FILE_BYTES_MAX);
	if (o->size && !image_resize(a, &image, o->size, o->size, pixels, &image, e))
		goto out;
	if (!image_encode(&image, image_format_of(p->path), &origin, &file, e))
		goto out;
	interrupt_hold();
	p->saved = file_write(p->path, file.data, file.length, e);
	interrupt_release();
	done = p->saved && tell(d, p, &image, e);
out:
	buf_finish(&file);
	arena_destroy(a);
	return done;
}

static void fail(struct drawing *d, const struct err *e)
{
	if (d->failed)
		return;
	d->failed = true;
	d->error = *e;
	for (int i = 0; i < d->order->count; i++)
		engine_cancel(d->order->engine, d->pictures[i].request);
}

static void on_event(void *context, const struct engine_event *event)
{
	struct drawing *d = context;
	struct picture *p = find(d, event->request);
	struct err e;
	if (!p || d->failed)
		return;
	if (event->kind == ENGINE_EVENT_FAILED) {
		fail(d, &event->error);
		return;
	}
	if (event->kind == ENGINE_EVENT_STARTED)
		p->started_ns = clock_mono_ns();
	if (event->token_count > p->token_count && event->token_count <= d->info.tokens) {
		memcpy(p->tokens, event->tokens, (size_t)event->token_count * sizeof *p->tokens);
		p->token_count = event->token_count;
	}
	show(d, p);
	if (event->kind == ENGINE_EVENT_DONE && (!decode(d, p, &e) || !save(d, p, &e)))
		fail(d, &e);
}

static bool begin(struct arena *a, struct drawing *d, struct err *e)
{
	const struct drawing_order *o = d->order;
	size_t pixels = (size_t)d->info.width * (size_t)d->info.height * 3;
	for (int i = 0; i < o->count; i++) {
		struct picture *p = &d->pictures[i];
		struct engine_request request = o->request;
		p->seed = request.seed += (uint64_t)i;
		p->path = drawing_path(a, o->output, o->count, i, p->seed);
		p->tokens = ARENA_ARRAY(a, int32_t, (size_t)d->info.tokens);
		p->rgb = ARENA_ARRAY(a, uint8_t, pixels);
		p->started_ns = clock_mono_ns();
		if (!p->tokens || !p->rgb)
			return err_set(e, ERR_NO_MEMORY, "no memory for %d pictures", o->count);
		if (!engine_submit(o->engine, &request, &p->request, e))
			return false;
	}
	return true;
}

bool drawing_run(struct arena *a, const struct drawing_order *order, struct err *e)
{
	struct drawing d = {.order = order};
	engine_info(order->engine, &d.info);
	d.pictures = ARENA_ARRAY(a, struct picture, (size_t)order->count);
	if (!d.pictures)
		return err_set(e, ERR_NO_MEMORY, "no memory for %d pictures", order->count);
	if (!begin(a, &d, e))
		return false;
	d.progress = progress_create();
	engine_run(order->engine, on_event, &d);
	progress_destroy(d.progress);
	if (d.failed)
		*e = d.error;
	return !d.failed;
}
