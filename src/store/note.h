/* What one notes about others for oneself: notes, endorsements, domains one does not want to see, suggestions
 * one has turned down; and whom one might want to know. */
#ifndef MADANG_STORE_NOTE_H
#define MADANG_STORE_NOTE_H

#include "store/account.h"

/* "" takes it away. */
bool store_note_set(struct db *w, int64_t account_id, int64_t target_id, const char *comment,
		    struct err *e) MUST_CHECK;
bool store_endorsement_add(struct db *w, int64_t id, int64_t account_id, int64_t target_id,
			   struct err *e) MUST_CHECK;
bool store_endorsement_remove(struct db *w, int64_t account_id, int64_t target_id,
			      struct err *e) MUST_CHECK;
bool store_endorsement_list(struct db *db, struct arena *arena, int64_t account_id,
			    const struct store_page *page, struct store_accounts *out,
			    struct err *e) MUST_CHECK;
/* What account_id has noted about `ids`: rows in no order; out has room for 2 * count. */
struct store_note {
	int64_t target_id;
	const char *comment; /* NULL: this row tells of an endorsement */
};
bool store_note_get_many(struct db *db, struct arena *arena, int64_t account_id, const int64_t *ids,
			 size_t count, struct store_note *out, size_t *found,
			 struct err *e) MUST_CHECK;

bool store_hidden_domain_add(struct db *w, int64_t id, int64_t account_id, const char *domain,
			     struct err *e) MUST_CHECK;
bool store_hidden_domain_remove(struct db *w, int64_t account_id, const char *domain,
				struct err *e) MUST_CHECK;
bool store_hidden_domain_has(struct db *db, int64_t account_id, const char *domain, bool *has,
			     struct err *e) MUST_CHECK;
/* Newest first; both have room for the page's limit. */
bool store_hidden_domain_list(struct db *db, struct arena *arena, int64_t account_id,
			      const struct store_page *page, const char **out, int64_t *keys,
			      size_t *found, struct err *e) MUST_CHECK;

/* Accounts that want to be found, by their last post (or by age). */
bool store_directory(struct db *db, struct arena *arena, bool by_age, bool only_local, int limit,
		     int offset, struct store_accounts *out, struct err *e) MUST_CHECK;
/* Followed by those one follows, best first; and then those with most followers. Left out: oneself, whom one
 * follows, has asked, blocks, mutes or has turned down. friends[i]: the former. */
bool store_suggestions(struct db *db, struct arena *arena, int64_t account_id, int limit,
		       struct store_accounts *out, bool *friends, struct err *e) MUST_CHECK;
bool store_suggestion_dismiss(struct db *w, int64_t account_id, int64_t target_id,
			      struct err *e) MUST_CHECK;
/* Those one follows who follow target_id. */
bool store_familiar_followers(struct db *db, struct arena *arena, int64_t account_id,
			      int64_t target_id, int limit, struct store_accounts *out,
			      struct err *e) MUST_CHECK;

#endif
