/* Owns nothing; any thread. */
#include "engine/gist.h"

#include <string.h>

#include "engine/lexicon.h"

#define GIST_BYTES_MAX 4096

bool engine_gist(struct engine *engine, struct arena *a, const char *prompt, const char **read,
		 struct err *e)
{
	const struct engine_lexicon *lexicon = engine_words(engine);
	struct engine_info info;
	size_t tokens;
	engine_info(engine, &info);
	*read = prompt;
	if (!info.can_draw_text)
		return true;
	if (!engine_prompt_tokens(engine, prompt, &tokens, e))
		return false;
	if (tokens <= (size_t)info.prompt_tokens_max)
		return true;
	if (!lexicon)
		return err_set(e, ERR_TOO_LARGE,
			       "the prompt is too long: %zu tokens, this model takes at most %d",
			       tokens, info.prompt_tokens_max);
	struct buf b;
	buf_init(&b, GIST_BYTES_MAX);
	engine_lexicon_gist(lexicon, prompt, &b);
	char *gist = arena_strndup(a, b.length ? b.data : "", b.length);
	buf_finish(&b);
	bool ok;
	while ((ok = engine_prompt_tokens(engine, gist, &tokens, e)) &&
	       tokens > (size_t)info.prompt_tokens_max) {
		char *blank = strrchr(gist, ' ');
		if (!blank)
			break;
		*blank = '\0';
	}
	*read = gist;
	return ok;
}
