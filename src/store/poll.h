/* Polls: what a post asks, and who has answered. A poll's id is its post's. */
#ifndef MADANG_STORE_POLL_H
#define MADANG_STORE_POLL_H

#include "store/page.h"

enum { STORE_POLL_OPTIONS_MAX = 10 };

struct store_poll {
	int64_t post_id;
	int64_t account_id;
	const char *options[STORE_POLL_OPTIONS_MAX];
	int64_t votes[STORE_POLL_OPTIONS_MAX];
	bool own[STORE_POLL_OPTIONS_MAX]; /* what the viewer has chosen */
	size_t option_count;
	bool multiple;
	bool hide_totals;
	int64_t voters_count;
	int64_t expires_at;
	bool closed; /* its voters are told */
	int64_t told_to;
};

bool store_poll_insert(struct db *w, const struct store_poll *poll, struct err *e) MUST_CHECK;
bool store_poll_delete(struct db *w, int64_t post_id, struct err *e) MUST_CHECK;
bool store_poll_set_expiry(struct db *w, int64_t post_id, int64_t expires_at, bool hide_totals,
			   struct err *e) MUST_CHECK;
/* Several at once, with votes, and with the choices of viewer_id (0: nobody). out has room for `count`. */
bool store_poll_get_many(struct db *db, struct arena *arena, const int64_t *post_ids, size_t count,
			 int64_t viewer_id, struct store_poll *out, size_t *found,
			 struct err *e) MUST_CHECK;
/* *added false: this choice was made before. */
bool store_poll_vote(struct db *w, int64_t post_id, int64_t account_id, int choice, bool *added,
		     struct err *e) MUST_CHECK;
bool store_poll_add_voter(struct db *w, int64_t post_id, struct err *e) MUST_CHECK;
bool store_poll_voted(struct db *db, int64_t post_id, int64_t account_id, bool *voted,
		      struct err *e) MUST_CHECK;
/* The next poll that is over and whose voters are not all told. *post_id 0: none. */
bool store_poll_next_over(struct db *db, int64_t now_ms, int64_t *post_id, int64_t *account_id,
			  int64_t *told_to, struct err *e) MUST_CHECK;
/* Local voters after `after`, by id. */
bool store_poll_voters(struct db *db, int64_t post_id, int64_t after, int64_t *ids, size_t room,
		       size_t *found, struct err *e) MUST_CHECK;
bool store_poll_told(struct db *w, int64_t post_id, int64_t told_to, bool closed,
		     struct err *e) MUST_CHECK;

#endif
