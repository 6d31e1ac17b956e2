/* Cuts posts and accounts into words, some moments after they were written: who posts never waits for the index.
 * On the thread of app_tick. What must stay true: what only its author may read is kept with the author's prefix,
 * and nobody else's question carries that. */
#include "app/private.h"
#include "app/words.h"
#include "store/search.h"
#include "store/search_words.h"

#include <string.h>

enum { BATCH = 200, WORDS_BYTES_MAX = 256 << 10 };

/* The text of an HTML content: what stands outside of tags. */
static const char *without_tags(struct arena *arena, const char *html)
{
	char *out = arena_strdup(arena, html);
	size_t n = 0;
	bool tag = false;
	for (const char *c = html; *c; c++) {
		if (*c == '<' || *c == '>')
			out[n++] = ' ';
		if (*c == '<')
			tag = true;
		else if (*c == '>')
			tag = false;
		else if (!tag)
			out[n++] = *c;
	}
	out[n] = '\0';
	return out;
}

static bool add_media(struct app *w, const struct store_post *post, const char *own, struct buf *b,
		      struct err *e)
{
	struct store_media *media;
	size_t count;
	if (!store_media_of_posts(w->db, w->arena, &post->id, 1, &media, &count, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		bool open = post->prompt_visibility == STORE_PROMPT_PUBLIC;
		if (open || !app_media_says_prompt(&media[i]))
			words_add(b, media[i].description ? media[i].description : "", "");
		if (media[i].prompt)
			words_add(b, media[i].prompt, open ? "" : own);
	}
	return true;
}

static bool post_words(struct app *w, const struct store_post *post, struct buf *b, struct err *e)
{
	const char *own = arena_printf(w->arena, "_o%lld_", (long long)post->account_id);
	buf_printf(b, "_post _from%lld ", (long long)post->account_id);
	if (post->media_count)
		buf_add_str(b, "_pic ");
	if (post->made)
		buf_add_str(b, "_made ");
	if (post->in_reply_to_id)
		buf_add_str(b, "_reply ");
	if (post->style) {
		struct buf style;
		buf_init(&style, 1000);
		words_add(&style, post->style, "_style");
		buf_add(b, style.data, style.length);
		buf_finish(&style);
	}
	words_add(b, post->text[0] ? post->text : without_tags(w->arena, post->content), "");
	words_add(b, post->spoiler_text, "");
	return add_media(w, post, own, b, e);
}

static void account_words(const struct store_account *account, struct buf *b)
{
	words_add(b, account->username, APP_NAME_PREFIX);
	words_add(b, account->display_name, APP_NAME_PREFIX);
	words_add(b, account->domain, APP_NAME_PREFIX);
}

struct batch {
	int64_t ids[BATCH];
	size_t count;
};

static bool index_one(struct app *w, int64_t id, struct err *e)
{
	struct store_post post;
	struct store_account account;
	struct err missing = {0};
	struct buf b;
	buf_init(&b, WORDS_BYTES_MAX);
	bool ok = true;
	if (store_post_get(w->db, w->arena, id, &post, &missing))
		ok = post_words(w, &post, &b, e);
	else if (missing.code == ERR_NOT_FOUND) {
		missing = (struct err){0};
		if (store_account_get(w->db, w->arena, id, &account, &missing))
			account_words(&account, &b);
	}
	if (missing.code != ERR_NONE && missing.code != ERR_NOT_FOUND) {
		*e = missing;
		ok = false;
	}
	ok = ok && store_search_index(w->db, w->arena, id, b.data ? b.data : "", e) &&
	     store_search_unqueue(w->db, id, e);
	buf_finish(&b);
	return ok;
}

static bool index_batch(struct app *w, void *context, struct err *e)
{
	const struct batch *batch = context;
	for (size_t i = 0; i < batch->count; i++)
		if (!index_one(w, batch->ids[i], e))
			return false;
	return true;
}

static bool forget_some(struct app *w, void *context, struct err *e)
{
	(void)context;
	return store_search_words_forget(w->db, w->arena, e);
}

/* What only deleted posts said. */
static bool forget(struct app *app, bool *more, struct err *e)
{
	bool left;
	if (!store_search_words_left(app->db, &left, e))
		return false;
	*more |= left;
	return !left || app_write(app, forget_some, NULL, e);
}

bool app_search_tick(struct app *app, bool *more, struct err *e)
{
	struct batch batch;
	if (!store_search_queue(app->db, batch.ids, BATCH, &batch.count, e))
		return false;
	if (batch.count == 0)
		return forget(app, more, e);
	*more = true; /* what was changed may have left words behind */
	return app_write(app, index_batch, &batch, e);
}
