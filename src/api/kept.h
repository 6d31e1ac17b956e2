/* What is kept in memory so that asking again costs no database: who a token or a cookie stands for, and whole
 * answers (a home timeline, the public one). Everything kept carries what it was made of, and is used only
 * while none of that has changed (db_unchanged), and for ten seconds at most: that bounds what nobody tells us
 * (a mute that runs out, another process that dies between its commit and its word to us). */
#ifndef MADANG_API_KEPT_H
#define MADANG_API_KEPT_H

#include "app/auth.h"
#include "app/post.h"
#include "http/request.h"
#include "http/response.h"

struct kept;

struct kept *kept_create(struct db_pool *pool);
void kept_destroy(struct kept *k); /* NULL-safe */
/* False: nothing kept is used until true again (what other processes do is not heard). */
void kept_trust(struct kept *k, bool trusted);

enum kept_secret { KEPT_TOKEN, KEPT_COOKIE };

/* Any thread; quick. `seen`: db_seen() from before the identity was looked up. */
bool kept_identity(struct kept *k, struct arena *a, enum kept_secret kind, const char *secret,
		   struct app_identity *out);
void kept_identity_put(struct kept *k, enum kept_secret kind, const char *secret, uint64_t seen,
		       const struct app_identity *who);

/* The answer to the same question of the same person: fills rs. */
bool kept_answer(struct kept *k, const struct http_request *rq, int64_t account_id,
		 struct http_response *rs);
/* Keeps what rs holds, made of posts; the bytes are shared from then on (rs->kept). `list`: which list it is (DB_NOUN_HOME of the account, or
 * DB_NOUN_PUBLIC). */
void kept_answer_put(struct kept *k, const struct http_request *rq, int64_t account_id,
		     enum db_noun list, uint64_t seen, const struct app_posts *posts,
		     struct http_response *rs);

struct kept_stats {
	unsigned long long identity_hits, identity_misses, answer_hits, answer_misses;
	size_t bytes;
};
void kept_stats(struct kept *k, struct kept_stats *out);

#endif
