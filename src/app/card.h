/* Cards of links: which link of a post gets one, fetching it some time behind the post, and telling those who see the
 * post. */
#ifndef MADANG_APP_CARD_H
#define MADANG_APP_CARD_H

#include "app/app.h"
#include "store/card.h"

/* Within a write: the post that is shown now, or was changed, gets the card of its first link, or loses the one it
 * had. before NULL: it is new. */
bool app_card_follow(struct app *w, const struct store_post *before, const struct store_post *after,
		     struct err *e) MUST_CHECK;
/* Within a write, before the post goes. */
bool app_card_drop(struct app *w, const struct store_post *post, struct err *e) MUST_CHECK;

/* For who fetches: the next page, ours until the lease ends. */
bool app_card_claim(struct app *app, int64_t lease_ms, struct store_card *out, bool *claimed,
		    struct err *e) MUST_CHECK;
/* What came of it. card->title "": the page says nothing. */
bool app_card_done(struct app *app, const struct store_card *card, struct err *e) MUST_CHECK;
/* It did not answer: again later, at most three times in all. */
bool app_card_later(struct app *app, const struct store_card *card, struct err *e) MUST_CHECK;

/* The host of a link, small letters; NULL where it is none that a card is made of. */
const char *app_card_domain(struct arena *arena, const char *url);

#endif
