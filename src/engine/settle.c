/* What a request of a person comes to. Owns nothing; any thread.
 *
 * To restyle is to draw the same thing again, and the memory holds how it looks in the other style. So the words must say which
 * thing and which ground, and what they leave open is looked up in the picture. */
#include "engine/impl.h"

#include <string.h>

#include "base/str.h"

enum { GUESSES = 3 };

/* What a picture shows. */
struct seen {
	struct engine_glance glance;
	struct engine_likeness likely[GUESSES];
	size_t count;
	bool certain; /* it shows the first of them */
};

/* The request's source as pixels of the model's size. */
static bool pixels(struct engine *engine, const struct engine_request *r, uint8_t *rgb,
		   struct err *e)
{
	if (!r->source_tokens)
		return engine_fit(r->source_rgb, r->source_width, r->source_height,
				  engine->info.width, rgb, e);
	return engine_source_check(engine, r, e) &&
	       engine_decode(engine, r->source_tokens, r->source_token_count, 0, rgb, e);
}

static bool look(struct engine *engine, struct arena *a, const struct engine_request *r,
		 struct seen *seen, struct err *e)
{
	const struct engine_info *info = &engine->info;
	uint8_t *rgb = ARENA_ARRAY(a, uint8_t, 3 * (size_t)info->width * (size_t)info->height);
	memset(seen, 0, sizeof *seen);
	if (!r->source_tokens && !r->source_rgb)
		return true;
	if (!rgb)
		return err_set(e, ERR_NO_MEMORY, "the picture is too large");
	if (!pixels(engine, r, rgb, e))
		return false;
	engine_glance(rgb, info->width, &seen->glance);
	seen->count = engine_memory_nearest(engine->memory, engine->lexicon, &seen->glance,
					    seen->likely, GUESSES);
	seen->certain = engine_likeness_certain(seen->likely, seen->count);
	return true;
}

/* Words in the language in which to answer, for the lexicon: those that were said, or some. */
static const char *spoken(const struct engine_request *r)
{
	const char *language = r->language ? r->language : "";
	if (r->prompt && *r->prompt)
		return r->prompt;
	return str_starts(language, "ko") ? "그림" : str_starts(language, "ja") ? "絵" : "";
}

static bool not_recognised(const struct engine *engine, const struct engine_request *r,
			   const struct seen *seen, struct err *e)
{
	const char *names[GUESSES];
	char list[ENGINE_LEXICON_LIST_BYTES];
	for (size_t i = 0; i < seen->count; i++)
		names[i] = engine_lexicon_name_for(
		    engine->lexicon, engine_lexicon_concept(engine->lexicon, seen->likely[i].row),
		    spoken(r));
	engine_lexicon_list(names, seen->count, list);
	return err_set(e, ERR_UNSUPPORTED,
		       "not yet: I can't tell what this picture shows; say it in your words%s%s",
		       seen->count ? ". It looks a little like: " : "", list);
}

/* A name of the concept that means it, in the prompt's language where there is such a one: some things share a name. */
static const char *name_of(const struct engine_lexicon *l, size_t concept, const char *prompt)
{
	const char *name = engine_lexicon_name_for(l, concept, prompt);
	size_t meant;
	bool clear = engine_lexicon_things(l, name, &meant, 1) && meant == concept;
	return clear ? name : engine_lexicon_name(l, concept);
}

static bool says_ground(const struct engine *engine, const char *prompt)
{
	return engine_lexicon_grounds(engine->lexicon, prompt) ||
	       engine_lexicon_places(engine->lexicon, prompt);
}

/* Makes of a restyling a drawing, where the memory holds what it is of. */
static bool redraw(struct engine *engine, struct arena *a, struct engine_request *r, struct err *e)
{
	const struct engine_memory_choice any = {0};
	const char *words = r->prompt ? r->prompt : "";
	int32_t *held = ARENA_ARRAY(a, int32_t, (size_t)engine->info.tokens);
	struct seen seen;
	if (!held)
		return err_set(e, ERR_NO_MEMORY, "the picture is too large");
	if (!look(engine, a, r, &seen, e))
		return false;
	if (!engine_lexicon_names(engine->lexicon, words) &&
	    engine_memory_recognises(engine->memory)) {
		if (!seen.certain)
			return not_recognised(engine, r, &seen, e);
		size_t concept = engine_lexicon_concept(engine->lexicon, seen.likely[0].row);
		words = arena_printf(a, "%s%s%s", name_of(engine->lexicon, concept, spoken(r)),
				     *words ? ", " : "", words);
	}
	r->prompt = words;
	if (!engine_recall(engine, words, r->style, &any, held))
		return true; /* it is not held in this style: restyled by heart */
	if (seen.glance.plain && !says_ground(engine, words))
		r->prompt =
		    arena_printf(a, "%s%s", words,
				 engine_lexicon_ground(engine->lexicon, words, seen.glance.ground));
	/* Which of its kinds it is. */
	if (!r->source_tokens && seen.certain) {
		r->source_tokens =
		    engine_memory_alone(engine->memory, seen.likely[0].row, seen.likely[0].style);
		r->source_token_count = (size_t)engine->info.tokens;
	}
	r->task = ENGINE_TASK_DRAW;
	return true;
}

/* What is to be drawn, in words that the model was taught. */
static bool plain_words(struct engine *engine, struct arena *a, struct engine_request *r,
			struct err *e)
{
	struct buf words;
	if (!engine->lexicon || !r->prompt)
		return true;
	buf_init(&words, ENGINE_TEXT_BYTES_MAX);
	engine_lexicon_plain(engine->lexicon, r->prompt, &words);
	/* one that is too long is said to be so elsewhere */
	const char *plain = words.failed
				? r->prompt
				: arena_strndup(a, words.length ? words.data : "", words.length);
	buf_finish(&words);
	if (!plain)
		return err_set(e, ERR_NO_MEMORY, "the prompt is too long");
	r->prompt = plain;
	return true;
}

bool engine_settle(struct engine *engine, struct arena *a, struct engine_request *request,
		   struct err *e)
{
	if (request->task != ENGINE_TASK_EDIT && !plain_words(engine, a, request, e))
		return false;
	if (request->task == ENGINE_TASK_RESTYLE && engine->memory && engine->lexicon &&
	    !redraw(engine, a, request, e))
		return false;
	if (!request->style &&
	    (request->task == ENGINE_TASK_DRAW || request->task == ENGINE_TASK_VARY))
		request->style = engine_style(engine, request->prompt);
	return true;
}
