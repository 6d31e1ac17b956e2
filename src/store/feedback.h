/* What testers report, and the ledger of the credit they earn by it. */
#ifndef MADANG_STORE_FEEDBACK_H
#define MADANG_STORE_FEEDBACK_H

#include "store/page.h"

enum store_feedback_state { STORE_FEEDBACK_OPEN, STORE_FEEDBACK_ACCEPTED, STORE_FEEDBACK_DECLINED };

struct store_feedback {
	int64_t id;
	int64_t programme_id;
	int64_t account_id;
	int64_t media_id;    /* 0: none */
	int64_t post_id;     /* 0: none */
	const char *answers; /* one a line */
	const char *text;
	enum store_feedback_state state;
	int64_t credits;
	const char *reason; /* may be NULL */
	int64_t created_at;
	int64_t decided_at;
};

bool store_feedback_insert(struct db *w, const struct store_feedback *f, struct err *e) MUST_CHECK;
bool store_feedback_get(struct db *db, struct arena *arena, int64_t id, struct store_feedback *out,
			struct err *e) MUST_CHECK;
/* account_id 0, programme_id 0, state -1: any. */
bool store_feedback_list(struct db *db, struct arena *arena, int64_t account_id,
			 int64_t programme_id, int state, const struct store_page *page,
			 struct store_feedback *out, size_t *found, struct err *e) MUST_CHECK;
/* Only while it is open, otherwise *changed is false. */
bool store_feedback_decide(struct db *w, const struct store_feedback *f, bool *changed,
			   struct err *e) MUST_CHECK;

/* One side of a transfer. The other side has the same transfer_id and the opposite amount. */
struct store_credit {
	int64_t id;
	int64_t transfer_id;
	int64_t account_id; /* 0: the house */
	int64_t amount;
	int64_t balance; /* after it */
	const char *reason;
	int64_t created_at;
};
/* Moves `amount` (> 0) from one account to another, both sides at once. ERR_INVALID where that would leave the
 * giver with less than nothing (the house may). */
bool store_credit_transfer(struct db *w, int64_t from_id, int64_t to_id, int64_t amount,
			   const char *reason, int64_t now_ms, struct err *e) MUST_CHECK;
bool store_credit_balance(struct db *db, int64_t account_id, int64_t *balance,
			  struct err *e) MUST_CHECK;
bool store_credit_list(struct db *db, struct arena *arena, int64_t account_id,
		       const struct store_page *page, struct store_credit *out, size_t *found,
		       struct err *e) MUST_CHECK;
/* Everything (account_id 0) or one account's, oldest first, row by row. */
typedef bool store_credit_each_fn(void *context, const struct store_credit *entry);
bool store_credit_each(struct db *db, struct arena *arena, int64_t account_id,
		       store_credit_each_fn *each, void *context, struct err *e) MUST_CHECK;

#endif
