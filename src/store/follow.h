/* Between two accounts: follows, follow requests, blocks, mutes. All inserts tell whether a row is new. */
#ifndef MADANG_STORE_FOLLOW_H
#define MADANG_STORE_FOLLOW_H

#include "store/account.h"

struct store_follow {
	int64_t id;
	int64_t account_id; /* who follows */
	int64_t target_id;
	bool local; /* the follower lives here */
	bool reblogs;
	bool notify;
	const char *languages; /* " ko en "; NULL: all */
	const char *uri;
	int64_t created_at;
};

bool store_follow_insert(struct db *w, const struct store_follow *follow, bool *added,
			 struct err *e) MUST_CHECK;
bool store_follow_update(struct db *w, int64_t account_id, int64_t target_id, bool reblogs,
			 bool notify, struct err *e) MUST_CHECK;
bool store_follow_delete(struct db *w, int64_t account_id, int64_t target_id, bool *removed,
			 struct err *e) MUST_CHECK;
/* Of a follow or a request, whichever there is; *languages "ko en", "": all. */
bool store_follow_set_languages(struct db *w, int64_t account_id, int64_t target_id,
				const char *languages, struct err *e) MUST_CHECK;
bool store_follow_languages(struct db *db, struct arena *arena, int64_t account_id,
			    int64_t target_id, const char **languages, struct err *e) MUST_CHECK;
/* Accounts, paged by the ids of the follows. */
bool store_follow_followers(struct db *db, struct arena *arena, int64_t account_id,
			    const struct store_page *page, struct store_accounts *out,
			    struct err *e) MUST_CHECK;
bool store_follow_following(struct db *db, struct arena *arena, int64_t account_id,
			    const struct store_page *page, struct store_accounts *out,
			    struct err *e) MUST_CHECK;
/* Local followers who asked to hear of every post, by their ids: those after cursor. */
bool store_follow_notified(struct db *db, int64_t target_id, int64_t cursor, int64_t *ids,
			   size_t room, size_t *found, struct err *e) MUST_CHECK;

bool store_follow_request_insert(struct db *w, const struct store_follow *request, bool *added,
				 struct err *e) MUST_CHECK;
/* *removed false: there was none; out (may be NULL) gets reblogs, notify and languages, in the arena. */
bool store_follow_request_delete(struct db *w, struct arena *arena, int64_t account_id,
				 int64_t target_id, struct store_follow *out, bool *removed,
				 struct err *e) MUST_CHECK;
bool store_follow_request_list(struct db *db, struct arena *arena, int64_t target_id,
			       const struct store_page *page, struct store_accounts *out,
			       struct err *e) MUST_CHECK;

bool store_block_insert(struct db *w, int64_t id, int64_t account_id, int64_t target_id,
			int64_t now_ms, bool *added, struct err *e) MUST_CHECK;
bool store_block_delete(struct db *w, int64_t account_id, int64_t target_id, bool *removed,
			struct err *e) MUST_CHECK;
bool store_block_list(struct db *db, struct arena *arena, int64_t account_id,
		      const struct store_page *page, struct store_accounts *out,
		      struct err *e) MUST_CHECK;

/* Replaces an older mute. */
bool store_mute_set(struct db *w, int64_t id, int64_t account_id, int64_t target_id,
		    bool notifications, int64_t expires_at, int64_t now_ms,
		    struct err *e) MUST_CHECK;
bool store_mute_delete(struct db *w, int64_t account_id, int64_t target_id, bool *removed,
		       struct err *e) MUST_CHECK;
bool store_mute_list(struct db *db, struct arena *arena, int64_t account_id, int64_t now_ms,
		     const struct store_page *page, struct store_accounts *out,
		     struct err *e) MUST_CHECK;

/* Everything between one account and several others, in one query. */
enum store_relation_kind {
	STORE_RELATION_FOLLOWING = 1,
	STORE_RELATION_FOLLOWED_BY,
	STORE_RELATION_REQUESTED,
	STORE_RELATION_REQUESTED_BY,
	STORE_RELATION_BLOCKING,
	STORE_RELATION_BLOCKED_BY,
	STORE_RELATION_MUTING,
};
struct store_relation {
	int64_t account_id; /* the other one */
	enum store_relation_kind kind;
	bool flag_1;        /* follow: reblogs; mute: notifications */
	bool flag_2;        /* follow: notify */
	int64_t expires_at; /* mute; 0: never */
};
/* count <= DB_IDS_MAX; out has room for 7 * count. */
bool store_relation_get(struct db *db, int64_t account_id, const int64_t *ids, size_t count,
			struct store_relation *out, size_t *found, struct err *e) MUST_CHECK;

/* Whether there is a block, either way, or a mute of theirs at all. */
bool store_relation_hides(struct db *db, int64_t account_id, bool *any, struct err *e) MUST_CHECK;

#endif
