/* Cards of links: what a page says of itself, fetched once for everybody who links to it; and publishers, the hosts of
 * those pages. */
#ifndef MADANG_STORE_CARD_H
#define MADANG_STORE_CARD_H

#include "db/db.h"

struct store_card {
	int64_t id;
	const char *url; /* as it was written */
	int64_t publisher_id;
	const char *title; /* "": nothing is known of it (yet) */
	const char *description;
	const char *author_name;
	const char *author_url;
	const char *provider_name;
	const char *language;  /* may be NULL */
	int64_t published_at;  /* 0: not said */
	const char *publisher; /* its host */
	int attempts;
};
enum { STORE_CARD_POSTS_MAX = 200 };

/* The card of a link, made where there is none; its page is fetched (again) where what is known is older than
 * fresh_ms. now_ms: when it is due. */
bool store_card_want(struct db *w, const char *url, const char *domain, int64_t now_ms,
		     int64_t fresh_ms, int64_t *id, struct err *e) MUST_CHECK;
bool store_card_attach(struct db *w, int64_t id, int64_t post_id, struct err *e) MUST_CHECK;
/* Takes the card from a post; a card without posts goes with it. */
bool store_card_detach(struct db *w, int64_t post_id, struct err *e) MUST_CHECK;

/* Is any page to be fetched? */
bool store_card_due(struct db *db, int64_t now_ms, bool *due, struct err *e) MUST_CHECK;
/* Takes one until lease_until: url, attempts and id. */
bool store_card_claim(struct db *w, struct arena *arena, int64_t now_ms, int64_t lease_until,
		      struct store_card *out, bool *claimed, struct err *e) MUST_CHECK;
/* What the page said, or (title "") that it says nothing: then what was known before stays. */
bool store_card_keep(struct db *w, const struct store_card *card, int64_t now_ms,
		     struct err *e) MUST_CHECK;
bool store_card_postpone(struct db *w, int64_t id, int64_t due_at, struct err *e) MUST_CHECK;

/* Those of which something is known, of up to DB_IDS_MAX ids, in no order. */
bool store_card_get_many(struct db *db, struct arena *arena, const int64_t *ids, size_t count,
			 struct store_card *out, size_t *found, struct err *e) MUST_CHECK;
/* The same of posts, however many. */
struct store_post_card {
	int64_t post_id;
	struct store_card card;
};
bool store_card_of_posts(struct db *db, struct arena *arena, const int64_t *ids, size_t count,
			 struct store_post_card *out, size_t *found, struct err *e) MUST_CHECK;
/* The newest posts that have it, at most STORE_CARD_POSTS_MAX. */
bool store_card_posts(struct db *db, int64_t id, int64_t *ids, size_t *found,
		      struct err *e) MUST_CHECK;

struct store_publisher {
	int64_t id;
	const char *domain;
};
/* ERR_NOT_FOUND where there is none. */
bool store_publisher_get(struct db *db, struct arena *arena, int64_t id,
			 struct store_publisher *out, struct err *e) MUST_CHECK;

#endif
