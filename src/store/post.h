/* Posts: what people say and show. */
#ifndef MADANG_STORE_POST_H
#define MADANG_STORE_POST_H

#include "store/account.h"

enum store_visibility {
	STORE_VISIBILITY_PUBLIC,
	STORE_VISIBILITY_UNLISTED,
	STORE_VISIBILITY_PRIVATE, /* followers */
	STORE_VISIBILITY_DIRECT,  /* who is mentioned */
	STORE_VISIBILITY_HELD,    /* nobody until a moderator has looked */
};

enum store_prompt_visibility {
	STORE_PROMPT_PUBLIC,
	STORE_PROMPT_REMIXERS, /* who remixes it sees the prompt in the studio */
	STORE_PROMPT_PRIVATE,
};

/* Who may quote it without asking. */
enum store_quote_policy { STORE_QUOTE_PUBLIC, STORE_QUOTE_FOLLOWERS, STORE_QUOTE_NOBODY };
/* Whether it is a quote, and how that stands; what it quotes may be deleted since (quote_of_id 0). */
enum store_quote_state { STORE_QUOTE_NONE, STORE_QUOTE_ACCEPTED, STORE_QUOTE_REVOKED };

struct store_post {
	int64_t id;
	int64_t account_id;
	const char *uri;
	const char *url;
	bool local;
	enum store_visibility visibility;
	const char *text;    /* as written */
	const char *content; /* safe HTML */
	const char *spoiler_text;
	bool sensitive;
	const char *language; /* may be NULL */
	int64_t in_reply_to_id;
	int64_t in_reply_to_account_id;
	int64_t thread_id;
	int64_t boost_of_id;
	int64_t quote_of_id;
	int64_t remix_of_id;
	bool remixable;
	enum store_prompt_visibility prompt_visibility;
	bool made;
	const char *style; /* of its first made picture; may be NULL */
	int media_count;
	int mention_count;
	const char *tags; /* as written, one space between; "" */
	int64_t app_id;
	int64_t replies_count;
	int64_t boosts_count;
	int64_t favourites_count;
	int64_t remixes_count;
	int64_t created_at;
	int64_t edited_at;
	enum store_quote_policy quote_policy;
	enum store_quote_state quote_state;
	int64_t quotes_count;
	bool poll; /* it asks something (store/poll.h) */
};

struct store_posts {
	struct store_post *items;
	int64_t *keys; /* what each is paged by: its own id, or that of a bookmark or favourite */
	size_t count;
	bool more;
};

#define STORE_POST_COLUMNS                                                                                 \
	"p.id, p.account_id, p.uri, p.url, p.local, p.visibility, p.text, p.content, p.spoiler_text, "     \
	"p.sensitive, p.language, p.in_reply_to_id, p.in_reply_to_account_id, p.thread_id, "               \
	"p.boost_of_id, p.quote_of_id, p.remix_of_id, p.remixable, p.prompt_visibility, p.made, p.style, " \
	"p.media_count, p.mention_count, p.tags, p.app_id, p.replies_count, p.boosts_count, "              \
	"p.favourites_count, p.remixes_count, p.created_at, p.edited_at, p.quote_policy, p.quote_state, "  \
	"p.quotes_count, p.poll"
void store_post_take(struct db_stmt *q, struct arena *arena, struct store_post *post);
/* Reads a whole list whose rows are (key, post columns), and ends q. */
bool store_posts_read(struct db_stmt *q, struct arena *arena, const struct store_page *page,
		      struct store_posts *out, struct err *e) MUST_CHECK;

bool store_post_insert(struct db *w, const struct store_post *post, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_post_get(struct db *db, struct arena *arena, int64_t id, struct store_post *out,
		    struct err *e) MUST_CHECK;
bool store_post_by_uri(struct db *db, struct arena *arena, const char *uri, struct store_post *out,
		       struct err *e) MUST_CHECK;
bool store_post_get_many(struct db *db, struct arena *arena, const int64_t *ids, size_t count,
			 struct store_post *out, size_t *found, struct err *e) MUST_CHECK;
/* The row goes, and with it favourites, bookmarks, mentions, boosts, notifications. */
bool store_post_delete(struct db *w, const struct store_post *post, int64_t now_ms,
		       struct err *e) MUST_CHECK;
bool store_post_set_sensitive(struct db *w, int64_t id, struct err *e) MUST_CHECK;
/* Some posts of an account that is erased. */
bool store_post_of_erased(struct db *db, int64_t *ids, size_t room, size_t *found,
			  struct err *e) MUST_CHECK;
bool store_post_boost_find(struct db *db, int64_t account_id, int64_t boost_of_id, int64_t *post_id,
			   struct err *e) MUST_CHECK; /* *post_id 0: not boosted */

bool store_post_add_replies(struct db *w, int64_t id, int64_t delta, struct err *e) MUST_CHECK;
bool store_post_add_boosts(struct db *w, int64_t id, int64_t delta, struct err *e) MUST_CHECK;
bool store_post_add_favourites(struct db *w, int64_t id, int64_t delta, struct err *e) MUST_CHECK;
bool store_post_add_remixes(struct db *w, int64_t id, int64_t delta, struct err *e) MUST_CHECK;
bool store_post_add_quotes(struct db *w, int64_t id, int64_t delta, struct err *e) MUST_CHECK;

/* Which of `ids` the account has favourited, bookmarked, boosted: bit 0, 1, 2 of flags[i]. */
enum { STORE_POST_FAVOURITED = 1, STORE_POST_BOOKMARKED = 2, STORE_POST_BOOSTED = 4 };
bool store_post_flags(struct db *db, int64_t account_id, const int64_t *ids, size_t count,
		      unsigned *flags, struct err *e) MUST_CHECK;

/* Lists. viewer_id 0: nobody. Blocked and muted accounts are left out by the caller. */
#define STORE_TAGS_BESIDE_MAX 4
struct store_post_filter {
	int64_t account_id; /* of one account; only what viewer may see */
	int64_t viewer_id;
	bool viewer_follows;
	bool only_media;
	bool only_local;
	bool only_made;
	bool exclude_replies;
	bool exclude_boosts;
	const char *style; /* made pictures in this style */
	const char *tag;   /* folded */
	/* of one tag only: those that also have all of these, and none of those; NULL behind the last */
	const char *with_tags[STORE_TAGS_BESIDE_MAX], *without_tags[STORE_TAGS_BESIDE_MAX];
};
bool store_post_public(struct db *db, struct arena *arena, const struct store_post_filter *filter,
		       const struct store_page *page, struct store_posts *out,
		       struct err *e) MUST_CHECK;
bool store_post_made(struct db *db, struct arena *arena, const struct store_post_filter *filter,
		     const struct store_page *page, struct store_posts *out,
		     struct err *e) MUST_CHECK;
bool store_post_of_tag(struct db *db, struct arena *arena, const struct store_post_filter *filter,
		       const struct store_page *page, struct store_posts *out,
		       struct err *e) MUST_CHECK;
/* Public ones with the card of one link. */
bool store_post_of_card(struct db *db, struct arena *arena, int64_t card_id,
			const struct store_page *page, struct store_posts *out,
			struct err *e) MUST_CHECK;
bool store_post_of_account(struct db *db, struct arena *arena,
			   const struct store_post_filter *filter, const struct store_page *page,
			   struct store_posts *out, struct err *e) MUST_CHECK;
/* Of one conversation after `after_id`, oldest first, boosts left out. */
struct store_thread_node {
	int64_t id;
	int64_t in_reply_to_id;
};
bool store_post_thread(struct db *db, int64_t thread_id, int64_t after_id,
		       struct store_thread_node *out, size_t room, size_t *found,
		       struct err *e) MUST_CHECK;
/* The same before `before_id`, newest first. */
bool store_post_thread_up(struct db *db, int64_t thread_id, int64_t before_id,
			  struct store_thread_node *out, size_t room, size_t *found,
			  struct err *e) MUST_CHECK;
bool store_post_boosted_by(struct db *db, struct arena *arena, int64_t post_id,
			   const struct store_page *page, struct store_accounts *out,
			   struct err *e) MUST_CHECK;
bool store_post_count_local(struct db *db, int64_t *count, struct err *e) MUST_CHECK;

/* Idempotency keys. kind: 0 posts, 1 jobs. *result_id 0: not seen. */
bool store_idempotency_find(struct db *db, int64_t account_id, int kind, const char *key,
			    int64_t *result_id, struct err *e) MUST_CHECK;
bool store_idempotency_insert(struct db *w, int64_t account_id, int kind, const char *key,
			      int64_t result_id, int64_t now_ms, struct err *e) MUST_CHECK;
bool store_idempotency_expire(struct db *w, int64_t before_ms, struct err *e) MUST_CHECK;

/* Mentions. */
bool store_mention_insert(struct db *w, int64_t post_id, int64_t account_id,
			  struct err *e) MUST_CHECK;
bool store_mention_has(struct db *db, int64_t post_id, int64_t account_id, bool *has,
		       struct err *e) MUST_CHECK;
struct store_mention {
	int64_t post_id;
	int64_t account_id;
};
bool store_mention_of_posts(struct db *db, struct arena *arena, const int64_t *post_ids,
			    size_t count, struct store_mention **items, size_t *found,
			    struct err *e) MUST_CHECK;

#endif
