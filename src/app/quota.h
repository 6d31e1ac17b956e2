/* Quotas: how much accounts, roles, groups, programmes and tokens may have drawn, in pictures, film seconds and
 * cost; and what caps and weights an account has in the queue. */
#ifndef MADANG_APP_QUOTA_H
#define MADANG_APP_QUOTA_H

#include "app/app.h"
#include "store/quota.h"

const char *app_quota_subject_name(enum store_quota_subject subject);
const char *app_quota_unit_name(enum store_quota_unit unit);
const char *app_quota_period_name(int64_t period_ms); /* NULL: none has this length */
bool app_quota_period_parse(const char *name, int64_t *period_ms);

/* Administrators. subject_id of a role is its number. Counts at once; what is used up stays used up. */
bool app_quota_add(struct app *app, const struct store_quota *form, struct store_quota *out,
		   struct err *e) MUST_CHECK;
struct app_quota_change {
	const double *amount; /* NULL: as it is */
	const int64_t *period_ms;
	const bool *steady;
};
bool app_quota_change(struct app *app, int64_t id, const struct app_quota_change *change,
		      struct store_quota *out, struct err *e) MUST_CHECK;
bool app_quota_delete(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_quota_list(struct app *app, struct store_quota **items, size_t *count,
		    struct err *e) MUST_CHECK;

bool app_group_add(struct app *app, const char *name, struct store_group *out,
		   struct err *e) MUST_CHECK;
bool app_group_list(struct app *app, struct store_group **items, size_t *count,
		    struct err *e) MUST_CHECK;
bool app_group_delete(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_group_member(struct app *app, int64_t id, int64_t account_id, bool member,
		      struct err *e) MUST_CHECK;

/* What is left for who asks, the tightest first. Nothing for visitors. */
struct app_quota_left {
	struct store_quota quota;
	double remaining;
	int64_t full_at;
};
bool app_quota_left(struct app *app, struct app_quota_left **items, size_t *count,
		    struct err *e) MUST_CHECK;
/* After ERR_LIMIT: in how many seconds so many pictures may be asked for; 0: nothing is in the way; -1: never. */
bool app_quota_wait(struct app *app, int pictures, int64_t *seconds, struct err *e) MUST_CHECK;

/* The arithmetic, by itself. Clock jumps: a jump back refills nothing and takes nothing, a jump forward refills
 * once at most. */
double app_quota_refill(const struct store_quota *q, double used, int64_t *at_ms, int64_t now_ms);
/* When `need` fits; INT64_MAX: never. */
int64_t app_quota_fits_at(const struct store_quota *q, double used, double need, int64_t now_ms);

#endif
