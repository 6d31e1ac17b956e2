/* API tokens: keys of programs, with bounds; and where they were used. Of the secret only the hash is here. */
#ifndef MADANG_STORE_TOKEN_H
#define MADANG_STORE_TOKEN_H

#include "store/page.h"

enum store_token_state { STORE_TOKEN_ACTIVE, STORE_TOKEN_CONFIRM, STORE_TOKEN_SUSPENDED };

/* Lists are words with a space between; "" means all. */
struct store_token {
	int64_t id;
	const char *token_hash;
	int64_t account_id;
	int64_t programme_id; /* 0: none */
	const char *name;
	const char *hint; /* its first letters, to tell tokens apart */
	const char *scopes;
	const char *makers;
	const char *tasks;
	const char *networks; /* CIDR */
	const char *origins;
	enum store_token_state state;
	const char *reason; /* of the state; may be NULL */
	int64_t use_count;
	int64_t used_at;
	const char *used_network; /* may be NULL */
	int64_t watched_from;     /* uses before it do not count as a leak */
	int64_t expires_at;       /* 0: never */
	int64_t revoked_at;       /* for good */
	int64_t revocation_id;    /* by an administrator, until it is undone; 0: none */
	int64_t created_at;
};

bool store_token_insert(struct db *w, const struct store_token *token, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_token_get(struct db *db, struct arena *arena, int64_t id, struct store_token *out,
		     struct err *e) MUST_CHECK;
bool store_token_by_hash(struct db *db, struct arena *arena, const char *hash,
			 struct store_token *out, struct err *e) MUST_CHECK;
/* account_id 0: everybody's. out has room for the page's limit. */
bool store_token_list(struct db *db, struct arena *arena, int64_t account_id,
		      const struct store_page *page, struct store_token *out, size_t *found,
		      struct err *e) MUST_CHECK;
bool store_token_count(struct db *db, int64_t account_id, int64_t *count, struct err *e) MUST_CHECK;
/* name, makers, tasks, networks, origins */
bool store_token_change(struct db *w, const struct store_token *token, struct err *e) MUST_CHECK;
/* *changed false: it is in this state already, or ended. */
bool store_token_set_state(struct db *w, int64_t id, enum store_token_state state,
			   const char *reason, int64_t watched_from, bool *changed,
			   struct err *e) MUST_CHECK;
bool store_token_end(struct db *w, int64_t id, int64_t now_ms, struct err *e) MUST_CHECK;

struct store_token_use {
	const char *network;
	const char *agent;
	int64_t count;
	int64_t first_minute; /* since 1970 */
	int64_t last_minute;
};
/* Adds to the counts of this minute and of the token. */
bool store_token_use_add(struct db *w, int64_t token_id, int64_t minute,
			 const struct store_token_use *use, int64_t now_ms,
			 struct err *e) MUST_CHECK;
/* By network and agent, newest first. */
bool store_token_use_list(struct db *db, struct arena *arena, int64_t token_id,
			  struct store_token_use *out, size_t room, size_t *found,
			  struct err *e) MUST_CHECK;
/* From how many networks and agents since `from_minute`, and how often in the busiest minute of those since
 * `rate_from_minute`. */
struct store_token_spread {
	int64_t networks, agents, in_a_minute;
};
bool store_token_spread(struct db *db, int64_t token_id, int64_t from_minute,
			int64_t rate_from_minute, struct store_token_spread *out,
			struct err *e) MUST_CHECK;
bool store_token_use_expire(struct db *w, int64_t before_minute, struct err *e) MUST_CHECK;

#endif
