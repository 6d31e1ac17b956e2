/* Draws a sample sheet with the engine. Owns the engine while it draws; the training waits meanwhile, so the cores
 * are free for it. */
#include "train/sheet.h"

#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS 8

struct sheet {
	struct engine *engine;
	struct engine_info info;
	uint64_t first; /* the first request's number; the others follow */
	int columns, rows;
	uint8_t *rgb, *tile;
	bool ok;
	struct err *e;
};

static void on_event(void *context, const struct engine_event *event)
{
	struct sheet *s = context;
	const int i = (int)(event->request - s->first), w = s->info.width, h = s->info.height;
	if (event->kind == ENGINE_EVENT_FAILED && s->ok) {
		*s->e = event->error;
		s->ok = false;
	}
	if (event->kind != ENGINE_EVENT_DONE || !s->ok)
		return;
	s->ok =
	    engine_decode(s->engine, event->tokens, (size_t)event->token_count, 0, s->tile, s->e);
	uint8_t *to =
	    s->rgb + 3 * ((size_t)(i / s->columns) * (size_t)h * (size_t)(s->columns * w) +
			  (size_t)(i % s->columns * w));
	for (int y = 0; y < h; y++)
		memcpy(to + 3 * (size_t)y * (size_t)(s->columns * w),
		       s->tile + 3 * (size_t)y * (size_t)w, 3 * (size_t)w);
}

static bool submit_all(struct sheet *s, const struct train_config *c)
{
	for (size_t i = 0; i < c->prompts.count; i++) {
		struct engine_request request = ENGINE_REQUEST_INIT;
		uint64_t id;
		request.prompt = c->prompts.items[i];
		request.seed = (uint64_t)c->seed + i;
		if (!engine_submit(s->engine, &request, &id, s->e))
			return err_context(s->e, "prompts[%zu]", i);
		s->first = i ? s->first : id;
	}
	return true;
}

bool train_sheet_write(const struct train_config *c, const char *dir, const char *path,
		       train_write_picture *write_picture, struct err *e)
{
	const struct engine_options options = {.threads = (int)c->threads};
	struct sheet s = {.ok = true, .e = e};
	bool ok = false;
	s.engine = engine_create(dir, &options, e);
	if (!s.engine)
		return false;
	engine_info(s.engine, &s.info);
	const int count = (int)c->prompts.count;
	s.columns = count < COLUMNS ? count : COLUMNS;
	s.rows = (count + s.columns - 1) / s.columns;
	const size_t tile = 3 * (size_t)s.info.width * (size_t)s.info.height;
	s.tile = malloc(tile);
	s.rgb = malloc(tile * (size_t)(s.columns * s.rows));
	if (!s.tile || !s.rgb) {
		err_set(e, ERR_NO_MEMORY, "no memory for a sample sheet");
	} else {
		memset(s.rgb, 255, tile * (size_t)(s.columns * s.rows));
		ok =
		    submit_all(&s, c) && engine_run(s.engine, on_event, &s) && s.ok &&
		    write_picture(path, s.rgb, s.columns * s.info.width, s.rows * s.info.height, e);
	}
	free(s.tile);
	free(s.rgb);
	engine_destroy(s.engine);
	return ok;
}
