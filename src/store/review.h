/* The review desk: posts that wait for approval, and pictures that are held until then. */
#ifndef MADANG_STORE_REVIEW_H
#define MADANG_STORE_REVIEW_H

#include "store/page.h"
#include "store/post.h"

enum store_review_state {
	STORE_REVIEW_PENDING,
	STORE_REVIEW_CHANGES,
	STORE_REVIEW_APPROVED,
	STORE_REVIEW_REFUSED,
};

struct store_review {
	int64_t id;
	int64_t post_id;
	int64_t account_id; /* whose post it is */
	int64_t programme_id;
	enum store_visibility visibility; /* as it will be */
	enum store_review_state state;
	const char *reason; /* may be NULL */
	int64_t
	    deadline_at; /* of the reviewers while pending, of the author while changes are asked for */
	int64_t reviewer_id; /* 0: nobody yet, or the program */
	int64_t created_at;
	int64_t decided_at;
};

bool store_review_insert(struct db *w, const struct store_review *r, struct err *e) MUST_CHECK;
/* ERR_NOT_FOUND where there is none. */
bool store_review_get(struct db *db, struct arena *arena, int64_t id, struct store_review *out,
		      struct err *e) MUST_CHECK;
/* Those of several posts; out has room for one each. */
bool store_review_of_posts(struct db *db, struct arena *arena, const int64_t *post_ids,
			   size_t count, struct store_review *out, size_t *found,
			   struct err *e) MUST_CHECK;
bool store_review_of_account(struct db *db, struct arena *arena, int64_t account_id,
			     const struct store_page *page, struct store_review *out, size_t *found,
			     struct err *e) MUST_CHECK;
/* Of one state, the nearest deadline first. */
bool store_review_desk(struct db *db, struct arena *arena, enum store_review_state state,
		       struct store_review *out, size_t room, size_t *found,
		       struct err *e) MUST_CHECK;
/* state, reason, deadline, reviewer, decided_at; only from `from`, otherwise *changed is false. */
bool store_review_decide(struct db *w, const struct store_review *r, enum store_review_state from,
			 bool *changed, struct err *e) MUST_CHECK;
/* Those whose author has not answered in time. */
bool store_review_late(struct db *db, struct arena *arena, int64_t now_ms, struct store_review *out,
		       size_t room, size_t *found, struct err *e) MUST_CHECK;

/* The pictures of a job wait for approval from now on; those of a post do no longer. */
bool store_review_hold(struct db *w, int64_t job_id, struct err *e) MUST_CHECK;
bool store_review_release(struct db *w, int64_t post_id, struct err *e) MUST_CHECK;
/* Whether an object is named only by pictures that are held; then whose they are (0: of several). */
bool store_review_guards(struct db *db, const char *hash, bool *guarded, int64_t *owner_id,
			 struct err *e) MUST_CHECK;

/* How a post that waited is from now on: visibility, text, content, tags, mention_count. */
bool store_review_publish(struct db *w, const struct store_post *post, struct err *e) MUST_CHECK;

#endif
