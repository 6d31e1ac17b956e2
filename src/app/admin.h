/* What administrators do. Every function answers ERR_FORBIDDEN to others, and writes the audit log. */
#ifndef MADANG_APP_ADMIN_H
#define MADANG_APP_ADMIN_H

#include "app/app.h"
#include "store/user.h"

struct app_admin_account {
	struct store_account account;
	struct store_user user;
	int64_t media_bytes;
};
struct app_admin_accounts {
	struct app_admin_account *items;
	size_t count;
	bool more;
};
bool app_admin_accounts(struct app *app, enum store_account_state state, const char *q,
			const struct store_page *page, struct app_admin_accounts *out,
			struct err *e) MUST_CHECK;
bool app_admin_account(struct app *app, int64_t id, struct app_admin_account *out,
		       struct err *e) MUST_CHECK;
bool app_admin_approve(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_admin_reject(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_admin_suspend(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_admin_unsuspend(struct app *app, int64_t id, struct err *e) MUST_CHECK;
bool app_admin_set_role(struct app *app, int64_t id, enum store_role role,
			struct err *e) MUST_CHECK;

struct app_invitation {
	int64_t id;
	const char *code;
	const char *url;
	int64_t uses;
	int64_t uses_max;   /* 0: no limit */
	int64_t expires_at; /* 0: never */
	bool revoked;
	bool valid;
	int64_t created_at;
};
bool app_invitation_create(struct app *app, int64_t uses_max, int64_t expires_in_s,
			   struct app_invitation *out, struct err *e) MUST_CHECK;
bool app_invitation_list(struct app *app, struct app_invitation **out, size_t *count,
			 struct err *e) MUST_CHECK;
bool app_invitation_revoke(struct app *app, int64_t id, struct err *e) MUST_CHECK;
/* Anybody. ERR_NOT_FOUND where there is no such code. */
bool app_invitation_get(struct app *app, const char *code, struct app_invitation *out,
			struct err *e) MUST_CHECK;

struct app_overview {
	int64_t accounts;
	int64_t posts;
	int64_t media;
	int64_t media_bytes;
	int64_t jobs_queued;
	int64_t jobs_drawing;
};
bool app_admin_overview(struct app *app, struct app_overview *out, struct err *e) MUST_CHECK;
/* The figures that anybody may see (instance, nodeinfo). */
bool app_server_counts(struct app *app, int64_t *accounts, int64_t *posts,
		       struct err *e) MUST_CHECK;

#endif
