/* Early-access programmes: what they open, who is in them, in which wave. A maker that any programme names is
 * closed to everybody else, also after that programme's end. */
#ifndef MADANG_APP_PROGRAMME_H
#define MADANG_APP_PROGRAMME_H

#include "app/app.h"
#include "store/programme.h"

struct app_job_new;

enum { APP_PROGRAMMES_MAX = 200, APP_COHORTS_MAX = 100 };

enum app_programme_state {
	APP_PROGRAMME_COMING,
	APP_PROGRAMME_OPEN,
	APP_PROGRAMME_ENDED,
	APP_PROGRAMME_REVOKED,
};

/* As one viewer sees it. */
struct app_programme {
	struct store_programme row;
	enum app_programme_state state;
	int64_t places_left; /* -1: no limit */
	bool is_member;      /* member and cohort are set */
	struct store_member member;
	bool has_cohort;
	struct store_cohort cohort;
	bool active; /* may draw under it now */
	bool terms_accepted;
	int64_t counts[5]; /* by enum store_member_state */
};

/* Those that are listed, and one's own; all of them for administrators. */
bool app_programme_list(struct app *app, struct app_programme **items, size_t *count,
			struct err *e) MUST_CHECK;
bool app_programme_get(struct app *app, int64_t id, struct app_programme *out,
		       struct err *e) MUST_CHECK;
bool app_programme_apply(struct app *app, int64_t id, const char *reason, bool accept_terms,
			 struct app_programme *out, struct err *e) MUST_CHECK;
/* An invitation, or terms that have changed. */
bool app_programme_accept(struct app *app, int64_t id, bool accept_terms, struct app_programme *out,
			  struct err *e) MUST_CHECK;
bool app_programme_leave(struct app *app, int64_t id, struct err *e) MUST_CHECK;

/* Administrators. form: a whole row; id, times and revocation are filled in here. */
bool app_programme_create(struct app *app, const struct store_programme *form,
			  struct app_programme *out, struct err *e) MUST_CHECK;
bool app_programme_change(struct app *app, int64_t id, const struct store_programme *form,
			  struct app_programme *out, struct err *e) MUST_CHECK;
bool app_programme_delete(struct app *app, int64_t id, struct err *e) MUST_CHECK;

/* A member as administrators see it. */
struct app_member {
	struct store_member row;
	struct store_account account;
};
bool app_member_list(struct app *app, int64_t programme_id, int state,
		     const struct store_page *page, struct app_member *out, size_t *found,
		     struct err *e) MUST_CHECK;
bool app_member_invite(struct app *app, int64_t programme_id, const char *username,
		       int64_t cohort_id, struct app_member *out, struct err *e) MUST_CHECK;
/* accepted false: declined. cohort_id 0: none. */
bool app_member_decide(struct app *app, int64_t programme_id, int64_t id, bool accepted,
		       int64_t cohort_id, struct app_member *out, struct err *e) MUST_CHECK;

bool app_cohort_list(struct app *app, int64_t programme_id, struct store_cohort *out, size_t *found,
		     struct err *e) MUST_CHECK; /* room for APP_COHORTS_MAX */
bool app_cohort_create(struct app *app, int64_t programme_id, const struct store_cohort *form,
		       struct store_cohort *out, struct err *e) MUST_CHECK;
/* NULL and negative: as it is. */
bool app_cohort_change(struct app *app, int64_t programme_id, int64_t id, const char *name,
		       int64_t places, int64_t opens_at, struct store_cohort *out,
		       struct err *e) MUST_CHECK;

/* ERR_FORBIDDEN (ERR_NOT_FOUND where it is not to be known) unless who asks is a member in good standing. */
bool app_programme_need_member(struct app *app, int64_t id, struct err *e) MUST_CHECK;

/* The programme through which who asks may draw this; 0: none is needed. ERR_FORBIDDEN where one is. */
bool app_programme_find(struct app *app, const char *maker, const char *model, const char *task,
			int64_t wanted_id, int64_t *id, struct err *e) MUST_CHECK;

#endif
