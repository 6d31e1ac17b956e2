/* Revocations. No state; any thread. What must stay true: the marks, the messages, the cancelled jobs and the line
 * in the audit log are one transaction, and its events (cut the streams, stop drawing) follow its commit. */
#include "app/revocation.h"

#include "app/notice.h"
#include "app/private.h"
#include "base/id.h"
#include "store/programme.h"
#include "store/setting.h"
#include "store/token.h"

#include <string.h>

enum {
	ACCOUNTS_MAX = 100000,
	JOBS_MAX = 20000,
	EVENT_ACCOUNTS_MAX = 5000,
	MESSAGE_MAX_CHARACTERS = 1000
};

static const char *const ACTIONS[] = {"revoke.token", "revoke.account", "revoke.cohort",
				      "revoke.programme"};

struct revoke_call {
	struct store_revocation row;
	const char *text;
	const char *notice;
};

static bool tell_and_cut(struct app *w, const struct revoke_call *call, int64_t *members,
			 struct err *e)
{
	size_t count;
	int64_t *ids = ARENA_ARRAY(w->arena, int64_t, ACCOUNTS_MAX);
	if (!ids)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_revocation_accounts(w->db, &call->row, ids, ACCOUNTS_MAX, &count, e))
		return false;
	for (size_t i = 0; i < count; i += EVENT_ACCOUNTS_MAX)
		app_emit(w, &(struct app_event){.type = APP_EVENT_SIGNED_OUT,
						.recipients = ids + i,
						.recipient_count = count - i < EVENT_ACCOUNTS_MAX
								       ? count - i
								       : EVENT_ACCOUNTS_MAX});
	for (size_t i = 0; i < count; i++)
		if (!app_notice(w, ids[i], call->notice, call->text, call->row.target_id, e))
			return false;
	*members = (int64_t)count;
	return true;
}

static bool cancel_jobs(struct app *w, struct store_revocation *r, struct err *e)
{
	size_t count;
	int64_t *ids = ARENA_ARRAY(w->arena, int64_t, JOBS_MAX);
	if (!ids)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_revocation_jobs(w->db, r, ids, JOBS_MAX, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!app_job_cancel_in(w, ids[i], e))
			return false;
	r->jobs = (int64_t)count;
	return true;
}

static bool revoke(struct app *w, void *context, struct err *e)
{
	struct revoke_call *call = context;
	struct store_revocation *r = &call->row;
	/* Cutting comes first: the events of the jobs wait behind it. */
	return store_revocation_mark(w->db, r, &r->tokens, e) &&
	       tell_and_cut(w, call, &r->members, e) && cancel_jobs(w, r, e) &&
	       store_revocation_insert(w->db, r, e) &&
	       store_audit_insert(w->db, w->account_id, ACTIONS[r->kind], r->target_id, r->message,
				  w->now_ms, e);
}

/* What it is called, for the message. ERR_NOT_FOUND where it is not there. */
static bool name_target(struct app *app, enum store_revocation_kind kind, int64_t id,
			const char **name, struct err *e)
{
	struct store_token t;
	struct store_account a;
	struct store_cohort c;
	struct store_programme p;
	switch (kind) {
	case STORE_REVOKE_TOKEN:
		if (!store_token_get(app->db, app->arena, id, &t, e))
			return false;
		*name = arena_printf(app->arena, "your token \"%s\"", t.name);
		return true;
	case STORE_REVOKE_ACCOUNT:
		if (!store_account_get(app->db, app->arena, id, &a, e))
			return false;
		*name = "drawing";
		return !a.domain[0] || err_set(e, ERR_NOT_FOUND, "Record not found");
	case STORE_REVOKE_COHORT:
		if (!store_cohort_get(app->db, app->arena, id, &c, e))
			return false;
		id = c.programme_id;
		break;
	case STORE_REVOKE_PROGRAMME:
		break;
	}
	if (!store_programme_get(app->db, app->arena, id, &p, e))
		return false;
	*name = p.name;
	return true;
}

static bool fill(struct app *app, const struct store_revocation *row, struct app_revocation *out,
		 struct err *e)
{
	struct store_account *by = ARENA_NEW(app->arena, struct store_account);
	struct err missing = {0};
	*out = (struct app_revocation){.row = *row};
	if (!row->account_id)
		return true;
	if (store_account_get(app->db, app->arena, row->account_id, by, &missing))
		out->by = by;
	*e = missing.code == ERR_NOT_FOUND ? (struct err){0} : missing;
	return !e->code;
}

bool app_revocation_create(struct app *app, enum store_revocation_kind kind, int64_t target_id,
			   const char *message, struct app_revocation *out, struct err *e)
{
	const char *name;
	int64_t before;
	if (!app_need_admin(app, e) || !name_target(app, kind, target_id, &name, e) ||
	    (message && !app_check_text("message", message, MESSAGE_MAX_CHARACTERS, e)))
		return false;
	if (!store_revocation_holds(app->db, kind, target_id, &before, e))
		return false;
	if (before)
		return err_set(e, ERR_CONFLICT, "This is revoked already.");
	struct revoke_call call = {.row = {.id = id_new(),
					   .kind = kind,
					   .target_id = target_id,
					   .message = message ? message : "",
					   .account_id = app->account_id,
					   .created_at = app->now_ms},
				   .notice = "access.revoked",
				   .text = arena_printf(app->arena, "Access taken back: %s.%s%s",
							name, message && message[0] ? " " : "",
							message ? message : "")};
	return app_write(app, revoke, &call, e) && fill(app, &call.row, out, e);
}

static bool undo(struct app *w, void *context, struct err *e)
{
	struct revoke_call *call = context;
	bool changed;
	int64_t members;
	if (!store_revocation_undo(w->db, call->row.id, w->now_ms, &changed, e))
		return false;
	if (!changed)
		return err_set(e, ERR_CONFLICT, "This was undone already.");
	return store_revocation_unmark(w->db, call->row.id, e) &&
	       tell_and_cut(w, call, &members, e) &&
	       store_audit_insert(w->db, w->account_id, "revoke.undo", call->row.target_id,
				  ACTIONS[call->row.kind], w->now_ms, e);
}

bool app_revocation_undo(struct app *app, int64_t id, struct app_revocation *out, struct err *e)
{
	struct revoke_call call = {.notice = "access.restored"};
	const char *name;
	struct err missing = {0};
	if (!app_need_admin(app, e) || !store_revocation_get(app->db, app->arena, id, &call.row, e))
		return false;
	if (!name_target(app, call.row.kind, call.row.target_id, &name, &missing))
		name = "what was taken back";
	call.text = arena_printf(app->arena, "Access given again: %s.", name);
	return app_write(app, undo, &call, e) &&
	       store_revocation_get(app->db, app->arena, id, &call.row, e) &&
	       fill(app, &call.row, out, e);
}

bool app_revocation_list(struct app *app, const struct store_page *page, struct app_revocation *out,
			 size_t *found, struct err *e)
{
	struct store_revocation *rows =
	    ARENA_ARRAY(app->arena, struct store_revocation, STORE_PAGE_MAX);
	if (!app_need_admin(app, e) ||
	    !store_revocation_list(app->db, app->arena, page, rows, found, e))
		return false;
	for (size_t i = 0; i < *found; i++)
		if (!fill(app, &rows[i], &out[i], e))
			return false;
	return true;
}
