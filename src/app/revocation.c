/* Revocations. No state; any thread. What must stay true: the marks, the messages and the line in the audit log are
 * one transaction, whose events cut the streams; from its commit on no request gets through, and no job is added. The
 * jobs there are follow, some at a time; a row that says -1 jobs is not finished, and app_tick goes on with it. */
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
	JOBS_AT_A_TIME = 200,
	GRACE_MS = 5000,
	LATE_MS = 10000,
	TICK_MAX = 32,
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

static bool revoke(struct app *w, void *context, struct err *e)
{
	struct revoke_call *call = context;
	struct store_revocation *r = &call->row;
	r->jobs = -1;
	return store_revocation_mark(w->db, r, &r->tokens, e) &&
	       tell_and_cut(w, call, &r->members, e) && store_revocation_insert(w->db, r, e) &&
	       store_audit_insert(w->db, w->account_id, ACTIONS[r->kind], r->target_id, r->message,
				  w->now_ms, e);
}

struct cancel_call {
	struct store_revocation row;
	const int64_t *ids;
	size_t count;
	int64_t jobs; /* in all; -1: there are more */
};

static bool cancel_some(struct app *w, void *context, struct err *e)
{
	const struct cancel_call *call = context;
	if (!app_job_cancel_all_in(w, call->ids, call->count, e))
		return false;
	return call->jobs < 0 || store_revocation_finish(w->db, call->row.id, call->jobs, e);
}

/* Some at a time, so that nobody else's write waits for all of them. */
static bool cancel_jobs(struct app *app, struct store_revocation *r, struct err *e)
{
	struct cancel_call call = {.row = *r};
	size_t count;
	int64_t *ids = ARENA_ARRAY(app->arena, int64_t, JOBS_MAX);
	if (!ids)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_revocation_jobs(app->db, r, ids, JOBS_MAX, &count, e))
		return false;
	if (!count && r->jobs >= 0)
		return true;
	int64_t before = r->jobs > 0 ? r->jobs : 0;
	for (size_t done = 0; done < count || done == 0; done += JOBS_AT_A_TIME) {
		size_t rest = count - done;
		call.ids = ids + done;
		call.count = rest < JOBS_AT_A_TIME ? rest : JOBS_AT_A_TIME;
		call.jobs = rest <= JOBS_AT_A_TIME ? before + (int64_t)count : -1;
		if (!app_write(app, cancel_some, &call, e))
			return false;
	}
	r->jobs = before + (int64_t)count;
	return true;
}

/* What a process that died has left undone; and jobs of requests that had been let in just before, and came to the
 * queue just after. */
bool app_revocation_tick(struct app *app, struct err *e)
{
	struct store_revocation *rows = ARENA_ARRAY(app->arena, struct store_revocation, TICK_MAX);
	size_t count;
	if (!rows ||
	    !store_revocation_unfinished(app->db, app->arena, id_at_ms(app->now_ms - LATE_MS), rows,
					 TICK_MAX, &count, e))
		return !rows;
	for (size_t i = 0; i < count; i++) {
		bool under_way = rows[i].jobs < 0 && app->now_ms - rows[i].created_at < GRACE_MS;
		if (!under_way && !cancel_jobs(app, &rows[i], e))
			return false;
	}
	return true;
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
	return app_write(app, revoke, &call, e) && cancel_jobs(app, &call.row, e) &&
	       fill(app, &call.row, out, e);
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
