/* Quotas, caps and weights; the buckets of what is used up; the groups that quotas can name. */
#ifndef MADANG_STORE_QUOTA_H
#define MADANG_STORE_QUOTA_H

#include "store/page.h"

enum store_quota_subject {
	STORE_QUOTA_EVERYONE,
	STORE_QUOTA_ROLE,
	STORE_QUOTA_GROUP,
	STORE_QUOTA_PROGRAMME,
	STORE_QUOTA_ACCOUNT,
	STORE_QUOTA_TOKEN,
};
enum { STORE_QUOTA_SUBJECTS = 6, STORE_QUOTA_UNITS = 6, STORE_QUOTAS_MAX = 64 };

enum store_quota_unit {
	STORE_QUOTA_PICTURES,
	STORE_QUOTA_FILM_SECONDS,
	STORE_QUOTA_COST,
	STORE_QUOTA_QUEUED, /* from here on: no bucket, the nearest subject counts */
	STORE_QUOTA_RUNNING,
	STORE_QUOTA_WEIGHT,
};

struct store_quota {
	int64_t id;
	enum store_quota_subject subject;
	int64_t subject_id;
	enum store_quota_unit unit;
	double amount;
	int64_t period_ms; /* 0: caps and weights */
	bool steady;       /* refills all the time, not at the end of the period */
	bool shared;       /* one bucket for all members */
	int64_t created_at;
};

/* ERR_CONFLICT: this subject has one of this unit and period. */
bool store_quota_insert(struct db *w, const struct store_quota *quota, struct err *e) MUST_CHECK;
bool store_quota_get(struct db *db, int64_t id, struct store_quota *out, struct err *e) MUST_CHECK;
bool store_quota_set(struct db *w, const struct store_quota *quota, struct err *e) MUST_CHECK;
bool store_quota_delete(struct db *w, int64_t id, struct err *e) MUST_CHECK;
bool store_quota_list(struct db *db, struct arena *arena, struct store_quota **items, size_t *count,
		      struct err *e) MUST_CHECK;

/* Whom a job is for. */
struct store_quota_holder {
	int64_t account_id;
	int role;
	int64_t programme_id, token_id; /* 0: none */
};
/* All that apply, by id; at most STORE_QUOTAS_MAX. */
bool store_quota_of(struct db *db, const struct store_quota_holder *holder, struct store_quota *out,
		    size_t *count, struct err *e) MUST_CHECK;

/* A bucket, held until the commit. Where there is none: used 0 at now_ms. */
bool store_quota_bucket_lock(struct db *w, int64_t quota_id, int64_t holder_id, int64_t now_ms,
			     double *used, int64_t *at, struct err *e) MUST_CHECK;
bool store_quota_bucket_get(struct db *db, int64_t quota_id, int64_t holder_id, int64_t now_ms,
			    double *used, int64_t *at, struct err *e) MUST_CHECK;
bool store_quota_bucket_set(struct db *w, int64_t quota_id, int64_t holder_id, double used,
			    int64_t at, struct err *e) MUST_CHECK;

struct store_quota_charge {
	int64_t quota_id;
	int64_t holder_id;
	double amount;
	int64_t at;
};
bool store_quota_charge_insert(struct db *w, int64_t job_id,
			       const struct store_quota_charge *charge, struct err *e) MUST_CHECK;
/* By quota; at most STORE_QUOTAS_MAX. */
bool store_quota_charges(struct db *db, int64_t job_id, struct store_quota_charge *out,
			 size_t *count, struct err *e) MUST_CHECK;
/* Which of these jobs, at most DB_IDS_MAX, have charges. */
bool store_quota_charged_of(struct db *db, const int64_t *job_ids, size_t count, int64_t *charged,
			    size_t *found, struct err *e) MUST_CHECK;
bool store_quota_charges_forget(struct db *w, int64_t job_id, struct err *e) MUST_CHECK;

struct store_group {
	int64_t id;
	const char *name;
	int64_t members;
	int64_t created_at;
};
bool store_group_insert(struct db *w, int64_t id, const char *name, int64_t now_ms,
			struct err *e) MUST_CHECK;
bool store_group_list(struct db *db, struct arena *arena, struct store_group **items, size_t *count,
		      struct err *e) MUST_CHECK;
/* Its quotas go with it. ERR_NOT_FOUND where there is none. */
bool store_group_delete(struct db *w, int64_t id, struct err *e) MUST_CHECK;
bool store_group_member_set(struct db *w, int64_t id, int64_t account_id, bool member,
			    struct err *e) MUST_CHECK;

#endif
