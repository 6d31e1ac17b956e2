/* Cards of links. Any thread; no state. What must stay true: nothing is fetched where somebody writes, only a row is
 * left for the worker; what two people say to one another, and links with a password in them, are not fetched. */
#include "app/card.h"

#include "app/private.h"
#include "app/text.h"
#include "base/str.h"

#include <string.h>

enum {
	URL_BYTES_MAX = 2000,
	HOST_BYTES_MAX = 253,
	TRIES_MAX = 3,
	RETRY_MS = 60 * 1000,
	TOLD_MAX = DB_IDS_MAX,
};
#define FRESH_MS (INT64_C(14) * 24 * 60 * 60 * 1000)

const char *app_card_domain(struct arena *arena, const char *url)
{
	const char *host = strstr(url, "://");
	if (!host || strlen(url) > URL_BYTES_MAX)
		return NULL;
	host += 3;
	size_t whole = strcspn(host, "/?#"), length = whole;
	if (memchr(host, '@', whole))
		return NULL;
	if (host[0] != '[')
		length = strcspn(host, ":/?#");
	else if (memchr(host, ']', whole))
		length = (size_t)((const char *)memchr(host, ']', whole) - host) + 1;
	if (length == 0 || length > HOST_BYTES_MAX)
		return NULL;
	char *domain = arena_strndup(arena, host, length);
	for (char *c = domain; *c; c++)
		*c = str_lower(*c);
	return domain;
}

/* Our own pages have shapes of their own. */
static bool is_own(const struct app *app, const char *url)
{
	const char *base = app->core->config.base_url;
	size_t n = strlen(base);
	return strncmp(url, base, n) == 0 && (!url[n] || strchr("/?#", url[n]));
}

/* NULL: none. Pictures and quotes stand where a card would. */
static const char *link_of(struct app *w, const struct store_post *post, const char **domain)
{
	const char *at = post->text, *url;
	if (post->boost_of_id || post->media_count > 0 || post->quote_state != STORE_QUOTE_NONE ||
	    post->visibility >= STORE_VISIBILITY_DIRECT || !strstr(post->text, "://"))
		return NULL;
	while ((url = app_text_next_link(w->arena, &at)))
		if (!is_own(w, url) && (*domain = app_card_domain(w->arena, url)))
			return url;
	return NULL;
}

bool app_card_follow(struct app *w, const struct store_post *before, const struct store_post *after,
		     struct err *e)
{
	const char *domain = NULL, *ignored = NULL;
	const char *old = before ? link_of(w, before, &ignored) : NULL;
	const char *url = link_of(w, after, &domain);
	int64_t id;
	if (old && url && strcmp(old, url) == 0)
		return true;
	if (old && !store_card_detach(w->db, after->id, e))
		return false;
	return !url || (store_card_want(w->db, url, domain, w->now_ms, FRESH_MS, &id, e) &&
			store_card_attach(w->db, id, after->id, e));
}

bool app_card_drop(struct app *w, const struct store_post *post, struct err *e)
{
	return !strstr(post->text, "://") || store_card_detach(w->db, post->id, e);
}

/* --- fetching --- */

struct claim_call {
	int64_t lease_ms;
	struct store_card card;
	bool claimed;
};

static bool claim(struct app *w, void *context, struct err *e)
{
	struct claim_call *call = context;
	return store_card_claim(w->db, w->arena, w->now_ms, w->now_ms + call->lease_ms, &call->card,
				&call->claimed, e);
}

bool app_card_claim(struct app *app, int64_t lease_ms, struct store_card *out, bool *claimed,
		    struct err *e)
{
	struct claim_call call = {.lease_ms = lease_ms};
	*claimed = false;
	bool due;
	if (!store_card_due(app->db, app->now_ms, &due, e))
		return false;
	if (due && !app_write(app, claim, &call, e))
		return false;
	*out = call.card;
	*claimed = call.claimed;
	return true;
}

/* Those who see one of its posts now hear of it; who looks later, sees it. */
static bool tell(struct app *w, int64_t card_id, struct err *e)
{
	int64_t ids[STORE_CARD_POSTS_MAX];
	struct store_post *posts = arena_alloc(w->arena, TOLD_MAX * sizeof(*posts));
	size_t count, found;
	if (!store_card_posts(w->db, card_id, ids, &count, e) ||
	    !store_post_get_many(w->db, w->arena, ids, count < TOLD_MAX ? count : TOLD_MAX, posts,
				 &found, e))
		return false;
	for (size_t i = 0; i < found; i++)
		app_emit(w, &(struct app_event){
				.type = APP_EVENT_POST_EDITED,
				.post_id = posts[i].id,
				.thread_id = posts[i].thread_id,
				.account_id = posts[i].account_id,
				.visibility = posts[i].visibility,
				.local = posts[i].local,
				.reply = posts[i].in_reply_to_id != 0,
				.tags = posts[i].tags,
			    });
	return true;
}

static bool done(struct app *w, void *context, struct err *e)
{
	const struct store_card *card = context;
	return store_card_keep(w->db, card, w->now_ms, e) &&
	       (!card->title || !card->title[0] || tell(w, card->id, e));
}

bool app_card_done(struct app *app, const struct store_card *card, struct err *e)
{
	return app_write(app, done, (void *)card, e);
}

static bool later(struct app *w, void *context, struct err *e)
{
	const struct store_card *card = context;
	return store_card_postpone(w->db, card->id,
				   w->now_ms + ((int64_t)RETRY_MS << (4 * card->attempts - 4)), e);
}

bool app_card_later(struct app *app, const struct store_card *card, struct err *e)
{
	const struct store_card nothing = {.id = card->id};
	if (card->attempts >= TRIES_MAX)
		return app_card_done(app, &nothing, e);
	return app_write(app, later, (void *)card, e);
}
