/* What administrators do: accounts, invitations, figures. Any thread; no state. What must stay true: every
 * change stands in the audit log, in the same transaction; nobody can lock out the last administrator by
 * acting on their own account. */
#include "app/admin.h"

#include "app/private.h"
#include "base/id.h"
#include "base/str.h"
#include "store/invitation.h"
#include "store/job.h"
#include "store/oauth.h"
#include "store/setting.h"

#include <string.h>

enum { INVITATIONS_MAX = 200, INVITATION_DAYS_MAX = 365, INVITATION_USES_MAX = 100000 };

/* --- accounts --- */

/* @draw has no person behind it. */
static bool load_user(struct app *app, struct app_admin_account *out, struct err *e)
{
	struct err missing = {0};
	int64_t count;
	out->user = (struct store_user){.account_id = out->account.id, .email = "", .locale = "en"};
	if (!store_user_get(app->db, app->arena, out->account.id, &out->user, &missing) &&
	    missing.code != ERR_NOT_FOUND) {
		*e = missing;
		return false;
	}
	return store_media_totals(app->db, out->account.id, &count, &out->media_bytes, e);
}

bool app_admin_accounts(struct app *app, enum store_account_state state, const char *q,
			const struct store_page *page, struct app_admin_accounts *out,
			struct err *e)
{
	struct store_accounts rows;
	*out = (struct app_admin_accounts){0};
	if (!app_need_admin(app, e) || (q && !app_check_text("q", q, 100, e)))
		return false;
	if (!store_account_list_local(app->db, app->arena, state, q && q[0] ? q : NULL, page, &rows,
				      e))
		return false;
	out->items = arena_alloc(app->arena, (rows.count + 1) * sizeof(*out->items));
	for (; out->count < rows.count; out->count++) {
		out->items[out->count].account = rows.items[out->count];
		if (!load_user(app, &out->items[out->count], e))
			return false;
	}
	out->more = rows.more;
	return true;
}

bool app_admin_account(struct app *app, int64_t id, struct app_admin_account *out, struct err *e)
{
	return app_need_moderator(app, e) &&
	       store_account_get(app->db, app->arena, id, &out->account, e) &&
	       load_user(app, out, e);
}

struct account_call {
	int64_t id;
	enum store_account_state from;
	enum store_account_state to;
	enum store_role role;
	const char *action;
};

static bool set_state(struct app *w, void *context, struct err *e)
{
	struct account_call *call = context;
	struct store_account account;
	if (!store_account_get(w->db, w->arena, call->id, &account, e))
		return false;
	if (account.role >= w->role)
		return err_set(e, ERR_FORBIDDEN, "This action is not allowed");
	if (account.state != call->from)
		return err_set(e, ERR_CONFLICT,
			       "This account is in another state by now. Load the page again.");
	app_emit(w, &(struct app_event){.type = APP_EVENT_ACCOUNT, .account_id = call->id});
	if (call->to != STORE_ACCOUNT_ACTIVE) {
		app_emit(w,
			 &(struct app_event){.type = APP_EVENT_SIGNED_OUT, .account_id = call->id});
		if (!store_session_delete_all(w->db, call->id, 0, e))
			return false;
	}
	if (call->from == STORE_ACCOUNT_PENDING && call->to == STORE_ACCOUNT_ACTIVE &&
	    !store_user_set_approved(w->db, call->id, e))
		return false;
	/* A refused person may try again with the same address. */
	if (call->to == STORE_ACCOUNT_DELETED && !store_user_delete(w->db, call->id, e))
		return false;
	return store_account_set_state(w->db, call->id, call->to, e) &&
	       store_audit_insert(w->db, w->account_id, call->action, call->id, account.username,
				  w->now_ms, e);
}

static bool set_role(struct app *w, void *context, struct err *e)
{
	struct account_call *call = context;
	struct store_account account;
	if (!store_account_get(w->db, w->arena, call->id, &account, e))
		return false;
	if (account.domain[0])
		return err_set(e, ERR_INVALID,
			       "Validation failed: only accounts of this server have roles");
	if (account.role >= w->role && w->role != STORE_ROLE_OWNER)
		return err_set(e, ERR_FORBIDDEN, "This action is not allowed");
	app_emit(w, &(struct app_event){.type = APP_EVENT_ACCOUNT, .account_id = call->id});
	return store_account_set_role(w->db, call->id, call->role, e) &&
	       store_audit_insert(w->db, w->account_id, call->action, call->id, account.username,
				  w->now_ms, e);
}

static bool act(struct app *app, app_write_fn *fn, struct account_call *call, struct err *e)
{
	if (fn == set_role ? !app_need_admin(app, e) : !app_need_moderator(app, e))
		return false;
	if (call->id == app->account_id)
		return err_set(e, ERR_FORBIDDEN, "This cannot be done with your own account.");
	return app_write(app, fn, call, e);
}

bool app_admin_approve(struct app *app, int64_t id, struct err *e)
{
	struct account_call call = {.id = id,
				    .from = STORE_ACCOUNT_PENDING,
				    .to = STORE_ACCOUNT_ACTIVE,
				    .action = "account.approve"};
	return act(app, set_state, &call, e);
}

bool app_admin_reject(struct app *app, int64_t id, struct err *e)
{
	struct account_call call = {.id = id,
				    .from = STORE_ACCOUNT_PENDING,
				    .to = STORE_ACCOUNT_DELETED,
				    .action = "account.reject"};
	return act(app, set_state, &call, e);
}

bool app_admin_suspend(struct app *app, int64_t id, struct err *e)
{
	struct account_call call = {.id = id,
				    .from = STORE_ACCOUNT_ACTIVE,
				    .to = STORE_ACCOUNT_SUSPENDED,
				    .action = "account.suspend"};
	return act(app, set_state, &call, e);
}

bool app_admin_unsuspend(struct app *app, int64_t id, struct err *e)
{
	struct account_call call = {.id = id,
				    .from = STORE_ACCOUNT_SUSPENDED,
				    .to = STORE_ACCOUNT_ACTIVE,
				    .action = "account.unsuspend"};
	return act(app, set_state, &call, e);
}

bool app_admin_set_role(struct app *app, int64_t id, enum store_role role, struct err *e)
{
	struct account_call call = {.id = id, .role = role, .action = "account.role"};
	if (role > STORE_ROLE_OWNER || (role >= app->role && app->role != STORE_ROLE_OWNER))
		return err_set(e, ERR_INVALID, "Validation failed: role is not known");
	return act(app, set_role, &call, e);
}

/* --- invitations --- */

static void from_row(struct app *app, const struct store_invitation *row,
		     struct app_invitation *out)
{
	*out = (struct app_invitation){
	    .id = row->id,
	    .code = row->code,
	    .url = arena_printf(app->arena, "%s/signup?invitation=%s", app->core->config.base_url,
				row->code),
	    .uses = row->uses,
	    .uses_max = row->uses_max,
	    .expires_at = row->expires_at,
	    .revoked = row->revoked,
	    .valid = !row->revoked && (row->uses_max == 0 || row->uses < row->uses_max) &&
		     (row->expires_at == 0 || row->expires_at > app->now_ms),
	    .created_at = row->created_at,
	};
}

static bool insert_invitation(struct app *w, void *context, struct err *e)
{
	const struct store_invitation *row = context;
	return store_invitation_insert(w->db, row, e) &&
	       store_audit_insert(w->db, w->account_id, "invitation.create", row->id, NULL,
				  w->now_ms, e);
}

bool app_invitation_create(struct app *app, int64_t uses_max, int64_t expires_in_s,
			   struct app_invitation *out, struct err *e)
{
	if (!app_need_admin(app, e))
		return false;
	if (uses_max < 0 || uses_max > INVITATION_USES_MAX)
		return err_set(e, ERR_INVALID,
			       "Validation failed: max_uses must be between 0 and %d",
			       INVITATION_USES_MAX);
	if (expires_in_s < 0 || expires_in_s > INVITATION_DAYS_MAX * 24 * 3600)
		return err_set(e, ERR_INVALID,
			       "Validation failed: expires_in_s must be between 0 and a year");
	struct store_invitation row = {
	    .id = id_new(),
	    .code = arena_strndup(app->arena, app_secret_new(app->arena), 16),
	    .account_id = app->account_id,
	    .uses_max = uses_max,
	    .expires_at = expires_in_s ? app->now_ms + 1000 * expires_in_s : 0,
	    .created_at = app->now_ms,
	};
	if (!app_write(app, insert_invitation, &row, e))
		return false;
	from_row(app, &row, out);
	return true;
}

bool app_invitation_list(struct app *app, struct app_invitation **out, size_t *count, struct err *e)
{
	struct store_invitation *rows = arena_alloc(app->arena, INVITATIONS_MAX * sizeof(*rows));
	if (!app_need_admin(app, e) ||
	    !store_invitation_list(app->db, app->arena, rows, INVITATIONS_MAX, count, e))
		return false;
	*out = arena_alloc(app->arena, (*count + 1) * sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		from_row(app, &rows[i], &(*out)[i]);
	return true;
}

static bool revoke_invitation(struct app *w, void *context, struct err *e)
{
	int64_t id = *(int64_t *)context;
	return store_invitation_revoke(w->db, id, e) &&
	       store_audit_insert(w->db, w->account_id, "invitation.revoke", id, NULL, w->now_ms,
				  e);
}

bool app_invitation_revoke(struct app *app, int64_t id, struct err *e)
{
	return app_need_admin(app, e) && app_write(app, revoke_invitation, &id, e);
}

bool app_invitation_get(struct app *app, const char *code, struct app_invitation *out,
			struct err *e)
{
	struct store_invitation row;
	if (strlen(code) > 100 || !str_is_utf8(code, strlen(code)))
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (!store_invitation_by_code(app->db, app->arena, code, &row, e))
		return false;
	from_row(app, &row, out);
	return true;
}

/* --- figures --- */

bool app_admin_overview(struct app *app, struct app_overview *out, struct err *e)
{
	return app_need_admin(app, e) && app_server_counts(app, &out->accounts, &out->posts, e) &&
	       store_media_totals(app->db, 0, &out->media, &out->media_bytes, e) &&
	       store_job_count(app->db, &out->jobs_queued, &out->jobs_drawing, e);
}

bool app_server_counts(struct app *app, int64_t *accounts, int64_t *posts, struct err *e)
{
	return store_account_count_local(app->db, accounts, e) &&
	       store_post_count_local(app->db, posts, e);
}
