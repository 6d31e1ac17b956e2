/* Early-access programmes, their cohorts and members. */
#ifndef MADANG_STORE_PROGRAMME_H
#define MADANG_STORE_PROGRAMME_H

#include "store/page.h"

/* Lists are words with a space between; "" means all (makers: it closes nothing). */
struct store_programme {
	int64_t id;
	const char *name;
	const char *description;
	const char *makers;
	const char *models;
	const char *tasks;
	int64_t places; /* 0: no limit */
	int64_t starts_at;
	int64_t ends_at; /* 0: never */
	const char *terms;
	int64_t terms_at;
	bool review; /* before publishing */
	int64_t review_hours;
	const char *questions; /* one a line */
	bool listed;
	int64_t revocation_id;
	int64_t created_at;
};

enum store_member_state {
	STORE_MEMBER_APPLIED,
	STORE_MEMBER_INVITED,
	STORE_MEMBER_ACTIVE,
	STORE_MEMBER_DECLINED,
	STORE_MEMBER_LEFT,
};

struct store_member {
	int64_t id;
	int64_t programme_id;
	int64_t account_id;
	int64_t cohort_id; /* 0: none */
	enum store_member_state state;
	const char *reason;
	int64_t terms_accepted_at;
	int64_t created_at;
};

struct store_cohort {
	int64_t id;
	int64_t programme_id;
	const char *name;
	int64_t places;
	int64_t opens_at; /* 0: not yet */
	int64_t revocation_id;
	int64_t created_at;
	int64_t members; /* read only */
};

/* All getters: ERR_NOT_FOUND where there is none. */
bool store_programme_insert(struct db *w, const struct store_programme *p,
			    struct err *e) MUST_CHECK;
bool store_programme_change(struct db *w, const struct store_programme *p,
			    struct err *e) MUST_CHECK;
bool store_programme_get(struct db *db, struct arena *arena, int64_t id,
			 struct store_programme *out, struct err *e) MUST_CHECK;
/* Newest first. */
bool store_programme_list(struct db *db, struct arena *arena, struct store_programme *out,
			  size_t room, size_t *found, struct err *e) MUST_CHECK;
/* *gone false: somebody has joined it. */
bool store_programme_delete(struct db *w, int64_t id, bool *gone, struct err *e) MUST_CHECK;

bool store_member_insert(struct db *w, const struct store_member *m, struct err *e) MUST_CHECK;
bool store_member_change(struct db *w, const struct store_member *m, struct err *e) MUST_CHECK;
bool store_member_get(struct db *db, struct arena *arena, int64_t id, struct store_member *out,
		      struct err *e) MUST_CHECK;
bool store_member_of(struct db *db, struct arena *arena, int64_t programme_id, int64_t account_id,
		     struct store_member *out, struct err *e) MUST_CHECK;
/* state -1: any */
bool store_member_list(struct db *db, struct arena *arena, int64_t programme_id, int state,
		       const struct store_page *page, struct store_member *out, size_t *found,
		       struct err *e) MUST_CHECK;
/* By state; counts has room for five. cohort_id 0: of the whole programme. */
bool store_member_count(struct db *db, int64_t programme_id, int64_t cohort_id, int64_t counts[5],
			struct err *e) MUST_CHECK;

bool store_cohort_insert(struct db *w, const struct store_cohort *c, struct err *e) MUST_CHECK;
bool store_cohort_change(struct db *w, const struct store_cohort *c, struct err *e) MUST_CHECK;
bool store_cohort_get(struct db *db, struct arena *arena, int64_t id, struct store_cohort *out,
		      struct err *e) MUST_CHECK;
bool store_cohort_list(struct db *db, struct arena *arena, int64_t programme_id,
		       struct store_cohort *out, size_t room, size_t *found,
		       struct err *e) MUST_CHECK;

#endif
