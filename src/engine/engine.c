/* Opening a model, and what does not belong to a request: information, pictures, pixels.
 *
 * Owns the engine's parts and their order of birth and death. engine_decode and engine_encode run on any
 * thread, one at a time, by holding the pool's lock, as each step does. */
#include "engine/impl.h"

#include "engine/cuda/card.h"
#include "engine/vit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PICTURE_SIDE_MAX 16384 /* of pixels handed in */
#define GREY             128
/* Rows of tokens around a row that still change its pixels visibly; what lies farther does by less than a
 * preview shows. */
#define PREVIEW_HALO 2

static const enum engine_weights_as AS[] = {
    [ENGINE_QUANT_FILE] = ENGINE_AS_FILE, [ENGINE_QUANT_F32] = ENGINE_AS_F32,
    [ENGINE_QUANT_BF16] = ENGINE_AS_BF16, [ENGINE_QUANT_INT8] = ENGINE_AS_INT8,
    [ENGINE_QUANT_INT4] = ENGINE_AS_INT4,
};

static const char *const QUANT_NAMES[] = {
    [KERNEL_F32] = "f32", [KERNEL_BF16] = "bf16", [KERNEL_INT8] = "int8", [KERNEL_INT4] = "int4"};

static enum kernel_level level_for(enum engine_kernels kernels)
{
	return kernels == ENGINE_KERNELS_AUTO
		   ? kernels_best()
		   : (enum kernel_level)(kernels - ENGINE_KERNELS_SCALAR);
}

static size_t machine_bytes(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	return pages > 0 && size > 0 ? (size_t)pages * (size_t)size : SIZE_MAX;
}

static char *join(const char *dir, const char *name)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	char *path = malloc(n);
	if (path)
		snprintf(path, n, "%s/%s", dir, name);
	return path;
}

static bool open_text(struct engine *engine, const struct engine_shape *shape, struct err *e)
{
	if (shape->condition != ENGINE_CONDITION_TEXT)
		return true;
	char *path = join(engine->dir, "tokenizer.json");
	if (!path)
		return err_set(e, ERR_NO_MEMORY, "no memory for a path");
	engine->text = engine_text_open(path, e);
	free(path);
	if (!engine->text)
		return false;
	if (engine_text_vocab(engine->text) > shape->llm.vocab)
		return err_set(e, ERR_INVALID,
			       "tokenizer.json: %d tokens, but the model has rows for %d only",
			       (int)engine_text_vocab(engine->text), shape->llm.vocab);
	return true;
}

static void fill_info(struct engine *engine, const struct engine_shape *s)
{
	struct engine_info *info = &engine->info;
	char real[PATH_MAX];
	const char *name = realpath(engine->dir, real) ? strrchr(real, '/') : NULL;
	bool text = s->condition == ENGINE_CONDITION_TEXT;

	*info = (struct engine_info){
	    .quant = QUANT_NAMES[engine->transformer.weights],
	    .kernels = engine->card ? "cuda" : engine->transformer.kernels->name,
	    .threads = engine_pool_threads(engine->pool),
	    .width = s->vq.image_size,
	    .height = s->vq.image_size,
	    .grid_width = s->image.grid,
	    .grid_height = s->image.grid,
	    .tokens = s->image.tokens,
	    .image_vocabulary = s->image.vocab,
	    .prompt_tokens_max = s->prompt_length ? s->prompt_length : 2048,
	    .can_draw_text = text,
	    .can = {[ENGINE_TASK_DRAW] = s->can_draw,
		    [ENGINE_TASK_RESTYLE] = s->can_restyle && text && s->tokens.src[0],
		    [ENGINE_TASK_VARY] = s->can_vary,
		    [ENGINE_TASK_EDIT] = s->can_edit && text && s->tokens.src[0]},
	    .can_encode = s->vq.has_encoder,
	    .can_describe = s->vision.present && s->llm.has_text_head && text,
	    .guidance = s->sampling.guidance,
	    .temperature = s->sampling.temperature,
	    .top_p = s->sampling.top_p,
	    .top_k = s->sampling.top_k,
	    .parameters = engine->transformer.parameters,
	    .weight_bytes = engine->transformer.bytes + engine_vq_bytes(engine->vq),
	};
	info->can_take_source = info->can[ENGINE_TASK_RESTYLE] || info->can[ENGINE_TASK_EDIT];
	name = *s->name ? s->name : name ? name + 1 : engine->dir;
	snprintf(info->name, sizeof(info->name), "%.60s", name);
	snprintf(info->family, sizeof(info->family), "%s", engine_family_name(s->family));
	for (int i = 0; i < s->style_count && i < ENGINE_STYLES_MAX; i++)
		info->styles[info->style_count++] = engine->transformer.shape.styles[i].name;
}

/* What the model knows by name, and what it holds of it. */
static bool open_memory(struct engine *engine, bool forget, struct err *e)
{
	const struct engine_info *info = &engine->info;
	struct engine_memory_shape shape = {.grid = info->grid_width,
					    .vocabulary = info->image_vocabulary,
					    .styles = info->style_count};
	if (!engine_lexicon_open(engine->dir, &engine->lexicon, e))
		return false;
	if (forget || !engine->transformer.shape.tokens.src[0])
		return true;
	shape.rows = engine->lexicon ? engine_lexicon_rows(engine->lexicon) : 0;
	return engine_memory_open(engine->dir, &shape, &engine->memory, e);
}

static bool open_model(struct engine *engine, const struct engine_options *options, bool check,
		       struct err *e)
{
	struct engine_shape shape;

	engine->weights = engine_weights_open(engine->dir, e);
	if (!engine->weights || !engine_shape_read(NULL, engine->weights, &shape, e) ||
	    !open_text(engine, &shape, e))
		return false;
	if (!shape.vq.has_decoder)
		return err_set(e, ERR_UNSUPPORTED, "the model has no picture decoder");
	engine->pool = engine_pool_create(options->threads, e);
	if (!engine->pool)
		return false;
	struct engine_transformer_options transformer = {
	    .kernels = kernels_find(level_for(options->kernels), e),
	    .pool = engine->pool,
	    .card = engine->card,
	    .as = engine->as = AS[options->quant],
	    .text_head = check,
	    .check = check,
	};
	struct engine_vq_options vq = {
	    .kernels = engine_conv_kernels(level_for(options->kernels)),
	    .decoder = true,
	    .encoder = shape.vq.has_encoder,
	};
	if (!transformer.kernels || !engine_transformer_init(&engine->transformer, &shape,
							     engine->weights, &transformer, e))
		return false;
	engine->vq = engine_vq_create(engine->weights, &shape.vq, &vq, e);
	engine->vq_work = engine->vq ? engine_vq_work_create(engine->pool, e) : NULL;
	if (!engine->vq_work)
		return false;
	fill_info(engine, &shape);
	return open_memory(engine, options->forget, e);
}

/* An engine with nothing open. */
static struct engine *make(const char *dir, struct err *e)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	if (!engine) {
		err_set(e, ERR_NO_MEMORY, "no memory for an engine");
		return NULL;
	}
	pthread_mutex_init(&engine->lock, NULL);
	pthread_cond_init(&engine->wake, NULL);
	engine->line_end = &engine->line;
	engine->next_id = 1;
	engine->sight = engine_sight_create(e);
	engine->dir = strdup(dir);
	if (engine->sight && engine->dir)
		return engine;
	if (engine->sight)
		err_set(e, ERR_NO_MEMORY, "no memory for a path");
	engine_destroy(engine);
	return NULL;
}

struct engine *engine_create_on(struct card *card, const char *dir,
				const struct engine_options *options, struct err *e)
{
	struct engine *engine = make(dir, e);
	if (!engine) {
		if (card)
			card->ops->destroy(card);
		return NULL;
	}
	engine->card = card;
	size_t memory = card ? card->memory_bytes : machine_bytes();
	engine->memory_max_bytes =
	    options->memory_max_bytes ? options->memory_max_bytes : memory / 4 * 3;
	if (open_model(engine, options, false, e) && engine_requests_init(engine, options, e))
		return engine;
	engine_destroy(engine);
	return NULL;
}

struct engine *engine_create(const char *dir, const struct engine_options *options, struct err *e)
{
	static const struct engine_options DEFAULTS;
	struct card *card = NULL;

	if (!options)
		options = &DEFAULTS;
	if ((unsigned)options->quant > ENGINE_QUANT_INT4 ||
	    (unsigned)options->kernels > ENGINE_KERNELS_AMX ||
	    (unsigned)options->device > ENGINE_DEVICE_CUDA) {
		err_set(e, ERR_INVALID, "no such quantisation, kernels or device");
		return NULL;
	}
	if (options->device == ENGINE_DEVICE_CUDA && !(card = engine_card_open(e)))
		return NULL;
	return engine_create_on(card, dir, options, e);
}

bool engine_check(const char *dir, struct engine_info *info, struct err *e)
{
	static const struct engine_options ONE_THREAD = {.threads = 1};
	struct engine *engine = make(dir, e);
	bool ok = engine && open_model(engine, &ONE_THREAD, true, e);

	if (ok && engine->info.can_describe) {
		const struct engine_shape *s = &engine->transformer.shape;
		struct engine_vit *vit =
		    engine_vit_create(engine->weights, &s->vision, s->llm.hidden,
				      engine_conv_kernels(kernels_best()), e);
		ok = vit != NULL;
		engine_vit_destroy(vit);
	}
	if (ok)
		*info = engine->info;
	engine_destroy(engine);
	return ok;
}

void engine_destroy(struct engine *engine)
{
	if (!engine)
		return;
	engine_requests_finish(engine);
	engine_sight_destroy(engine->sight);
	engine_vq_work_destroy(engine->vq_work);
	engine_vq_destroy(engine->vq);
	engine_transformer_finish(&engine->transformer);
	if (engine->card)
		engine->card->ops->destroy(engine->card);
	engine_pool_destroy(engine->pool);
	engine_text_close(engine->text);
	engine_memory_close(engine->memory);
	engine_lexicon_close(engine->lexicon);
	engine_weights_close(engine->weights);
	pthread_cond_destroy(&engine->wake);
	pthread_mutex_destroy(&engine->lock);
	free(engine->dir);
	free(engine);
}

void engine_info(struct engine *engine, struct engine_info *info)
{
	*info = engine->info;
	engine_pool_lock(engine->pool);
	info->memory_bytes = info->weight_bytes + engine->batch.bytes + engine->cache_bytes +
			     engine->prefixes.bytes + engine_vq_work_bytes(engine->vq_work) +
			     engine_memory_bytes(engine->memory) +
			     engine_sight_bytes(engine->sight);
	info->positions_computed = engine->positions_computed;
	info->pictures_done = engine->pictures_done;
	info->prompts = engine->prompts;
	engine_pool_unlock(engine->pool);
}

const struct engine_lexicon *engine_words(const struct engine *engine)
{
	return engine->lexicon;
}

const char *engine_style(const struct engine *engine, const char *prompt)
{
	const struct engine_shape *s = &engine->transformer.shape;
	const char *named =
	    engine->lexicon && prompt ? engine_lexicon_style(engine->lexicon, prompt) : NULL;
	const char *unasked = NULL;
	for (int i = 0; i < s->style_count; i++) {
		if (named && strcmp(s->styles[i].name, named) == 0)
			return s->styles[i].name;
		if (strcmp(s->styles[i].token, s->tokens.style_any) == 0)
			unasked = s->styles[i].name;
	}
	return unasked;
}

static void paint_grey(uint8_t *rgb, size_t stride, int left, int width, int height)
{
	for (int y = 0; y < height; y++)
		memset(rgb + (size_t)y * stride + (size_t)left * 3, GREY, (size_t)width * 3);
}

/* Where the last known row is not complete, its end is thought to continue the row above (or, in the first
 * row, the token before). */
static int complete_rows(const int32_t *tokens, size_t count, int grid, int32_t *ids)
{
	int rows = (int)((count + (size_t)grid - 1) / (size_t)grid);
	for (size_t i = 0; i < (size_t)(rows * grid); i++)
		ids[i] = i < count          ? tokens[i]
			 : i < (size_t)grid ? ids[i - 1]
					    : ids[i - (size_t)grid];
	return rows;
}

static int halo_rows(const struct engine *engine, bool whole)
{
	int halo = engine_vq_halo(engine->vq);
	return halo >= 0 && !whole && halo > PREVIEW_HALO ? PREVIEW_HALO : halo;
}

static bool check_tokens(const struct engine *engine, const int32_t *tokens, size_t count,
			 struct err *e)
{
	for (size_t i = 0; i < count; i++)
		if (tokens[i] < 0 || tokens[i] >= engine->info.image_vocabulary)
			return err_set(e, ERR_INVALID,
				       "token %zu is %d, but this model's are 0 to %d", i,
				       (int)tokens[i], engine->info.image_vocabulary - 1);
	return true;
}

bool engine_decode(struct engine *engine, const int32_t *tokens, size_t count, int first_row,
		   uint8_t *rgb, struct err *e)
{
	const struct engine_info *info = &engine->info;
	int grid = info->grid_width, scale = info->width / grid;
	size_t stride = (size_t)info->width * 3;

	if (count > (size_t)info->tokens)
		return err_set(e, ERR_INVALID, "%zu tokens, but a picture has %d", count,
			       info->tokens);
	if (!check_tokens(engine, tokens, count, e))
		return false;
	int32_t *ids = malloc(sizeof(*ids) * (size_t)info->tokens);
	if (!ids)
		return err_set(e, ERR_NO_MEMORY, "no memory for a picture");
	int rows = complete_rows(tokens, count, grid, ids);
	int halo = halo_rows(engine, first_row <= 0);
	int first = halo < 0 || first_row <= halo ? 0 : first_row - halo;
	bool ok = true;
	if (first < rows) {
		struct engine_vq_decode what = {.ids = ids,
						.width = grid,
						.rows = rows,
						.first = first,
						.last = rows,
						.halo = first ? halo : -1};
		engine_pool_lock(engine->pool);
		ok = engine_vq_decode(engine->vq, &what, engine->vq_work, NULL,
				      rgb + (size_t)(first * scale) * stride, e);
		engine_pool_unlock(engine->pool);
	}
	free(ids);
	if (!ok)
		return false;
	int known = (int)(count % (size_t)grid);
	if (known)
		paint_grey(rgb + (size_t)((rows - 1) * scale) * stride, stride, known * scale,
			   info->width - known * scale, scale);
	paint_grey(rgb + (size_t)(rows * scale) * stride, stride, 0, info->width,
		   info->height - rows * scale);
	return true;
}

bool engine_encode(struct engine *engine, const uint8_t *rgb, int width, int height,
		   int32_t *tokens, struct err *e)
{
	const struct engine_info *info = &engine->info;

	if (!info->can_encode)
		return err_set(e, ERR_UNSUPPORTED, "this model cannot read pictures");
	if (width < 1 || height < 1 || width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX)
		return err_set(e, ERR_INVALID, "a source picture of %d x %d: 1 to %d pixels a side",
			       width, height, PICTURE_SIDE_MAX);
	uint8_t *fitted = malloc((size_t)info->width * (size_t)info->height * 3);
	if (!fitted)
		return err_set(e, ERR_NO_MEMORY, "no memory for a picture");
	bool ok = engine_fit(rgb, width, height, info->width, fitted, e);
	if (ok) {
		struct engine_vq_encode what = {
		    .rgb = fitted, .width = info->width, .height = info->height};
		engine_pool_lock(engine->pool);
		ok = engine_vq_encode(engine->vq, &what, engine->vq_work, tokens, NULL, e);
		engine_pool_unlock(engine->pool);
	}
	free(fitted);
	return ok;
}

/* One square: its middle's mean, since the decoder blurs the seams. */
static void fill_square(uint8_t *rgb, size_t stride, int width, int height)
{
	const int edge = width > 3 && height > 3;
	int sums[3] = {0}, count = 0;
	for (int y = edge; y < height - edge; y++)
		for (int x = edge; x < width - edge; x++, count++)
			for (int c = 0; c < 3; c++)
				sums[c] += rgb[(size_t)y * stride + (size_t)(3 * x + c)];
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			for (int c = 0; c < 3; c++)
				rgb[(size_t)y * stride + (size_t)(3 * x + c)] =
				    (uint8_t)((sums[c] + count / 2) / count);
}

void engine_finish(const struct engine *engine, const char *style, uint8_t *rgb)
{
	const struct engine_shape *s = &engine->transformer.shape;
	const int width = engine->info.width, height = engine->info.height;
	int block = 0;
	for (int i = 0; style && i < s->style_count; i++)
		if (strcmp(s->styles[i].name, style) == 0)
			block = s->styles[i].block;
	for (int y = 0; block > 1 && y < height; y += block)
		for (int x = 0; x < width; x += block)
			fill_square(rgb + ((size_t)y * (size_t)width + (size_t)x) * 3,
				    (size_t)width * 3, width - x < block ? width - x : block,
				    height - y < block ? height - y : block);
}

bool engine_prompt_tokens(struct engine *engine, const char *prompt, size_t *count, struct err *e)
{
	return engine_prompt_count(&engine->transformer.shape, engine->text, prompt, count, e);
}
