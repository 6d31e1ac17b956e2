/* What administrators have taken away: a token, a person's access, a cohort's, a programme's. The rows that are
 * hit carry the revocation's id until it is undone. */
#ifndef MADANG_STORE_REVOCATION_H
#define MADANG_STORE_REVOCATION_H

#include "store/page.h"

enum store_revocation_kind {
	STORE_REVOKE_TOKEN,
	STORE_REVOKE_ACCOUNT,
	STORE_REVOKE_COHORT,
	STORE_REVOKE_PROGRAMME,
};

struct store_revocation {
	int64_t id;
	enum store_revocation_kind kind;
	int64_t target_id;
	const char *message;
	int64_t tokens;
	int64_t members;
	int64_t jobs;       /* cancelled; -1: not all of them yet */
	int64_t account_id; /* who did it; 0: the program */
	int64_t created_at;
	int64_t undone_at; /* 0: it holds */
};

bool store_revocation_insert(struct db *w, const struct store_revocation *r,
			     struct err *e) MUST_CHECK;
bool store_revocation_get(struct db *db, struct arena *arena, int64_t id,
			  struct store_revocation *out, struct err *e) MUST_CHECK;
bool store_revocation_list(struct db *db, struct arena *arena, const struct store_page *page,
			   struct store_revocation *out, size_t *found, struct err *e) MUST_CHECK;
/* Those whose jobs are not all cancelled yet, and those that hold and are newer than `after_id`. */
bool store_revocation_unfinished(struct db *db, struct arena *arena, int64_t after_id,
				 struct store_revocation *out, size_t room, size_t *found,
				 struct err *e) MUST_CHECK;
bool store_revocation_finish(struct db *w, int64_t id, int64_t jobs, struct err *e) MUST_CHECK;
/* Whether one that holds names this target; its id, or 0. */
bool store_revocation_holds(struct db *db, enum store_revocation_kind kind, int64_t target_id,
			    int64_t *id, struct err *e) MUST_CHECK;
bool store_revocation_undo(struct db *w, int64_t id, int64_t now_ms, bool *changed,
			   struct err *e) MUST_CHECK;

/* Marks the tokens (and the cohort or programme) that it hits; *tokens: how many. */
bool store_revocation_mark(struct db *w, const struct store_revocation *r, int64_t *tokens,
			   struct err *e) MUST_CHECK;
/* Takes the marks off again. */
bool store_revocation_unmark(struct db *w, int64_t id, struct err *e) MUST_CHECK;
/* Whose access is hit; at most `room`. */
bool store_revocation_accounts(struct db *db, const struct store_revocation *r, int64_t *ids,
			       size_t room, size_t *found, struct err *e) MUST_CHECK;
/* Their jobs that wait or run and are hit. */
bool store_revocation_jobs(struct db *db, const struct store_revocation *r, int64_t *ids,
			   size_t room, size_t *found, struct err *e) MUST_CHECK;

#endif
