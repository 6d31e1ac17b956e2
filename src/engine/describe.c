/* Describing pictures: the vision tower's rows take the places of a picture in a question, and the language model
 * writes the answer, the likeliest token each time.
 *
 * Any thread; one description at a time, under the sight's own lock. The pool's lock is taken piece by piece
 * (the tower, each pass of the transformer), so that pictures being drawn go on in between. Owns the
 * tower, a batch of its own and the loading of lm_head; the cache lives for one description. */
#include "engine/impl.h"

#include "engine/vit.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_ROWS      128 /* of the question, in one pass */
#define TEXT_TOKENS_MAX 4096
#define TOKENS_DEFAULT  128
#define PICTURE         (-1) /* in place of an id: the next row of the picture */

static const char SYSTEM[] =
    "You are a helpful language and vision assistant. You are able to understand the visual content that "
    "the user provides, and assist the user with a variety of tasks using natural language.\n\n";
static const char QUESTION[] =
    "Describe this picture in one or two short sentences, for somebody who cannot "
    "see it.";

struct engine_sight {
	pthread_mutex_t lock; /* one description at a time */
	struct engine_vit *vit;
	struct engine_batch batch;
	size_t bytes;
	bool ready;
};

struct engine_sight *engine_sight_create(struct err *e)
{
	struct engine_sight *sight = calloc(1, sizeof(*sight));
	if (sight)
		pthread_mutex_init(&sight->lock, NULL);
	else
		err_set(e, ERR_NO_MEMORY, "no memory for an engine");
	return sight;
}

static void unload(struct engine_sight *sight)
{
	engine_vit_destroy(sight->vit);
	sight->vit = NULL;
	engine_batch_finish(&sight->batch);
	sight->bytes = 0;
	sight->ready = false;
}

void engine_sight_destroy(struct engine_sight *sight)
{
	if (!sight)
		return;
	unload(sight);
	pthread_mutex_destroy(&sight->lock);
	free(sight);
}

size_t engine_sight_bytes(const struct engine_sight *sight)
{
	return sight->bytes;
}

/* With the pool's lock. */
static bool load(struct engine *engine, struct err *e)
{
	struct engine_sight *sight = engine->sight;
	struct engine_transformer *t = &engine->transformer;

	if (sight->ready)
		return true;
	sight->vit = engine_vit_create(engine->weights, &t->shape.vision, t->shape.llm.hidden,
				       engine_conv_kernels(t->kernels->level), e);
	if (!sight->vit || !engine_transformer_load_text_head(t, engine->weights, engine->as, e) ||
	    !engine_batch_init(&sight->batch, t, PIECE_ROWS, 1, e)) {
		unload(sight);
		return false;
	}
	sight->bytes = engine_vit_bytes(sight->vit) + t->text_head.bytes + sight->batch.bytes;
	size_t used = engine->info.weight_bytes + engine->batch.bytes + engine->cache_bytes +
		      engine->prefixes.bytes + sight->bytes;
	if (used > engine->memory_max_bytes) {
		unload(sight);
		engine_matrix_finish(&t->text_head);
		return err_set(e, ERR_NO_MEMORY,
			       "describing needs %zu MiB, more than the %zu MiB allowed",
			       used >> 20, engine->memory_max_bytes >> 20);
	}
	sight->ready = true;
	return true;
}

/* The question as the model was taught to be asked. */
struct question {
	const struct engine *engine;
	int32_t *ids;
	size_t count, count_max;
	struct err *e;
};

static bool ask_text(struct question *q, const char *text, bool specials)
{
	struct engine_text_options options = {.specials = specials};
	size_t count;
	if (!engine_text_encode(q->engine->text, options, text, strlen(text), q->ids + q->count,
				q->count_max - q->count, &count, q->e))
		return err_context(q->e, "question");
	q->count += count;
	return true;
}

static bool ask_special(struct question *q, const char *content)
{
	int32_t id = *content ? engine_text_id(q->engine->text, content) : -1;
	if (id < 0)
		return err_set(q->e, ERR_INVALID, "the model's tokenizer has no \"%s\" token",
			       content);
	if (q->count == q->count_max)
		return err_set(q->e, ERR_TOO_LARGE, "question: too long");
	q->ids[q->count++] = id;
	return true;
}

static bool ask_picture(struct question *q, int places)
{
	const struct engine_special_tokens *t = &q->engine->transformer.shape.tokens;
	if (!ask_special(q, t->boi))
		return false;
	if (q->count_max - q->count < (size_t)places)
		return err_set(q->e, ERR_TOO_LARGE, "question: too long");
	for (int i = 0; i < places; i++)
		q->ids[q->count++] = PICTURE;
	return ask_special(q, t->eoi);
}

/* What is not a fixed part of it is encoded without special tokens: a question cannot forge a role. */
static bool ask(struct question *q, const char *question, int places)
{
	const struct engine_special_tokens *t = &q->engine->transformer.shape.tokens;
	bool roles = engine_text_id(q->engine->text, "<|User|>") >= 0;

	return ask_special(q, t->bos) && ask_text(q, SYSTEM, false) &&
	       ask_text(q, roles ? "<|User|>" : "User", roles) && ask_text(q, ": ", false) &&
	       ask_picture(q, places) && ask_text(q, "\n", false) && ask_text(q, question, false) &&
	       ask_text(q, "\n\n", false) &&
	       ask_text(q, roles ? "<|Assistant|>" : "Assistant", roles) && ask_text(q, ":", false);
}

/* Reads ids [0, n) at positions from `position` on; picture rows come from *aligned, which moves on. With
 * the pool's lock. */
static void read_piece(struct engine *engine, struct engine_cache *cache, size_t position,
		       const int32_t *ids, size_t n, const float **aligned)
{
	struct engine_batch *b = &engine->sight->batch;
	size_t hidden = (size_t)engine->transformer.shape.llm.hidden;

	b->rows = n;
	for (size_t i = 0; i < n; i++) {
		b->row[i] = (struct engine_row){cache, position + i};
		if (ids[i] != PICTURE) {
			engine_transformer_embed_text(&engine->transformer, &ids[i], 1,
						      b->x + i * hidden);
			continue;
		}
		memcpy(b->x + i * hidden, *aligned, hidden * sizeof(float));
		*aligned += hidden;
	}
	engine_transformer_run(&engine->transformer, b);
	engine->positions_computed += n;
}

static int32_t likeliest(struct engine *engine)
{
	struct engine_batch *b = &engine->sight->batch;
	size_t row = b->rows - 1;
	int32_t best = 0;
	engine_transformer_text_logits(&engine->transformer, b, &row, 1);
	for (size_t i = 1; i < engine->transformer.text_head.outputs; i++)
		if (b->logits[i] > b->logits[best])
			best = (int32_t)i;
	return best;
}

static bool is_stopped(struct engine *engine, const struct engine_description *what)
{
	if (what->cancelled && atomic_load(what->cancelled))
		return true;
	pthread_mutex_lock(&engine->lock);
	bool stopped = engine->stopped;
	pthread_mutex_unlock(&engine->lock);
	return stopped;
}

/* Reads the question and writes the answer's ids over it; *count of them. */
static bool answer(struct engine *engine, const struct engine_description *what, struct question *q,
		   const float *aligned, size_t tokens_max, int32_t *out, size_t *count)
{
	struct err *e = q->e;
	const char *eos_name = engine->transformer.shape.tokens.eos;
	int32_t eos = *eos_name ? engine_text_id(engine->text, eos_name) : -1, next = -1;
	struct engine_cache_options options =
	    engine_transformer_cache(&engine->transformer, q->count + tokens_max);
	struct engine_cache cache;
	size_t position = 0;
	bool stopped = false;

	*count = 0;
	if (!engine_cache_init(&cache, &options, e))
		return false;
	while (*count < tokens_max && !(stopped = is_stopped(engine, what))) {
		bool reading = position < q->count;
		size_t n = reading ? q->count - position : 1;
		if (n > PIECE_ROWS)
			n = PIECE_ROWS;
		engine_pool_lock(engine->pool);
		read_piece(engine, &cache, position, reading ? q->ids + position : &next, n,
			   &aligned);
		position += n;
		if (position >= q->count)
			next = likeliest(engine);
		bool failed = engine_transformer_failed(&engine->transformer, e);
		engine_pool_unlock(engine->pool);
		if (failed) {
			engine_cache_finish(&cache);
			return false;
		}
		if (position < q->count)
			continue;
		if (next == eos)
			break;
		out[(*count)++] = next;
	}
	engine_cache_finish(&cache);
	return !stopped || err_set(e, ERR_CANCELLED, "cancelled");
}

static void put_trimmed(const struct engine *engine, const int32_t *ids, size_t count,
			struct buf *text)
{
	struct buf raw;
	buf_init(&raw, text->cap);
	engine_text_decode(engine->text, ids, count, &raw);
	size_t begin = 0, end = raw.length;
	while (begin < end && strchr(" \t\r\n", raw.data[begin]))
		begin++;
	while (end > begin && strchr(" \t\r\n", raw.data[end - 1]))
		end--;
	if (raw.failed)
		text->failed = true;
	else if (end > begin)
		buf_add(text, raw.data + begin, end - begin);
	buf_finish(&raw);
}

/* The picture as rows of embeddings, the caller's to free. */
static float *look(struct engine *engine, const struct engine_description *what, struct err *e)
{
	const struct engine_vit *vit = engine->sight->vit;
	int size = engine->transformer.shape.vision.image_size;
	size_t rows = (size_t)engine_vit_places(vit) * (size_t)engine_vit_hidden(vit);
	float *pixels = malloc((size_t)size * (size_t)size * 3 * sizeof(*pixels));
	float *aligned = malloc(rows * sizeof(*aligned));
	bool ok = (pixels && aligned) || err_set(e, ERR_NO_MEMORY, "no memory for a picture");

	ok = ok && engine_vit_prepare(what->rgb, what->width, what->height, size, pixels, e);
	if (ok) {
		engine_pool_lock(engine->pool);
		ok = engine_vit_run(vit, pixels, engine->pool, NULL, aligned, e);
		engine_pool_unlock(engine->pool);
	}
	free(pixels);
	if (ok)
		return aligned;
	free(aligned);
	return NULL;
}

static bool describe(struct engine *engine, const struct engine_description *what, struct buf *text,
		     struct err *e)
{
	size_t tokens_max = what->tokens_max > 0 ? (size_t)what->tokens_max : TOKENS_DEFAULT;
	int places = engine_vit_places(engine->sight->vit);
	size_t room = TEXT_TOKENS_MAX + (size_t)places, count = 0;
	int32_t *ids = malloc((room + tokens_max) * sizeof(*ids));
	struct question q = {engine, ids, 0, room, e};
	float *aligned = NULL;
	bool ok = ids || err_set(e, ERR_NO_MEMORY, "no memory for a question");

	ok = ok && ask(&q, what->question ? what->question : QUESTION, places);
	if (ok && q.count + tokens_max > engine->transformer.positions_max)
		ok = err_set(e, ERR_TOO_LARGE, "question: too long for this model's %zu positions",
			     engine->transformer.positions_max);
	if (ok)
		aligned = look(engine, what, e);
	ok = aligned && answer(engine, what, &q, aligned, tokens_max, ids + room, &count);
	if (ok)
		put_trimmed(engine, ids + room, count, text);
	free(aligned);
	free(ids);
	return ok && (!text->failed || err_set(e, ERR_TOO_LARGE, "the description is too long"));
}

bool engine_describe(struct engine *engine, const struct engine_description *what, struct buf *text,
		     struct err *e)
{
	if (!engine->info.can_describe)
		return err_set(e, ERR_UNSUPPORTED,
			       "this model cannot look at pictures: a Janus model can");
	if (what->question && strlen(what->question) > ENGINE_QUESTION_BYTES_MAX)
		return err_set(e, ERR_TOO_LARGE, "question: longer than %d bytes",
			       ENGINE_QUESTION_BYTES_MAX);
	if (what->tokens_max < 0 || what->tokens_max > ENGINE_DESCRIBE_TOKENS_MAX)
		return err_set(e, ERR_INVALID, "tokens_max: must lie between 1 and %d",
			       ENGINE_DESCRIBE_TOKENS_MAX);
	pthread_mutex_lock(&engine->sight->lock);
	engine_pool_lock(engine->pool);
	bool ok = load(engine, e);
	engine_pool_unlock(engine->pool);
	ok = ok && describe(engine, what, text, e);
	pthread_mutex_unlock(&engine->sight->lock);
	return ok;
}
