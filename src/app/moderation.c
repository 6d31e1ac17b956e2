/* Actions against accounts, and appeals against them. Any thread; no state. What must stay true: nobody acts on
 * an account of their own role or above, and each action, its strike, its notice and its line in the audit log are
 * one transaction. */
#include "app/moderation.h"

#include "app/private.h"
#include "base/id.h"
#include "base/str.h"
#include "store/oauth.h"
#include "store/setting.h"

#include <string.h>

enum { TEXT_MAX_CHARACTERS = 5000, POSTS_MAX = 40, APPEAL_MAX_CHARACTERS = 2000 };
static const char PURPOSE_APPEAL[] = "appeal";

bool app_need_moderator(const struct app *app, struct err *e)
{
	if (!app_need_account(app, e))
		return false;
	return app->role >= STORE_ROLE_MODERATOR ||
	       err_set(e, ERR_FORBIDDEN, "This action is not allowed");
}

static bool load_target(struct app *app, int64_t id, struct store_account *out, struct err *e)
{
	if (!app_need_moderator(app, e) || !store_account_get(app->db, app->arena, id, out, e))
		return false;
	if (id == app->account_id)
		return err_set(e, ERR_FORBIDDEN, "This cannot be done with your own account.");
	return out->role < app->role || err_set(e, ERR_FORBIDDEN, "This action is not allowed");
}

/* Sessions and tokens end; streams are cut. */
static bool sign_out(struct app *w, int64_t id, struct err *e)
{
	app_emit(w, &(struct app_event){.type = APP_EVENT_SIGNED_OUT, .account_id = id});
	return store_session_delete_all(w->db, id, 0, e);
}

static bool set_suspended(struct app *w, struct store_account *a, bool on, struct err *e)
{
	if (on ? a->state != STORE_ACCOUNT_ACTIVE : a->state != STORE_ACCOUNT_SUSPENDED)
		return err_set(e, ERR_CONFLICT,
			       "This account is in another state by now. Load the page again.");
	a->state = on ? STORE_ACCOUNT_SUSPENDED : STORE_ACCOUNT_ACTIVE;
	return store_account_set_state(w->db, a->id, a->state, e);
}

/* on false: takes it back. */
static bool set_action(struct app *w, struct store_account *a, enum store_strike_action action,
		       bool on, struct err *e)
{
	app_emit(w, &(struct app_event){.type = APP_EVENT_ACCOUNT, .account_id = a->id});
	switch (action) {
	case STORE_STRIKE_DISABLE:
		a->disabled = on;
		break;
	case STORE_STRIKE_SENSITIVE:
		a->sensitized = on;
		break;
	case STORE_STRIKE_SILENCE:
		a->limited = on;
		break;
	case STORE_STRIKE_SUSPEND:
		if (!set_suspended(w, a, on, e))
			return false;
		break;
	default:
		return true;
	}
	bool out = on && (action == STORE_STRIKE_DISABLE || action == STORE_STRIKE_SUSPEND);
	return store_account_set_limits(w->db, a, e) && (!out || sign_out(w, a->id, e));
}

static bool act_on_posts(struct app *w, const struct app_moderation *m, const char *post_ids,
			 struct err *e)
{
	int64_t ids[POSTS_MAX];
	size_t count = app_ids_split(post_ids, ids, POSTS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct store_post post;
		struct err missing = {0};
		if (!store_post_get(w->db, w->arena, ids[i], &post, &missing)) {
			if (missing.code == ERR_NOT_FOUND)
				continue;
			*e = missing;
			return false;
		}
		if (post.account_id != m->target_id)
			return err_set(
			    e, ERR_INVALID,
			    "Validation failed: status_ids names a post of somebody else");
		if (m->action == STORE_STRIKE_DELETE_POSTS
			? !app_post_remove(w, post.id, e)
			: !store_post_set_sensitive(w->db, post.id, e))
			return false;
	}
	return true;
}

struct moderate_call {
	const struct app_moderation *m;
	struct store_account target;
	struct store_strike strike;
	const char *code;
};

static const char *const ACTIONS[] = {"none",      "disable", "sensitive_posts", "delete_posts",
				      "sensitive", "silence", "suspend"};

static bool resolve_report(struct app *w, int64_t id, int64_t target_id, const char **post_ids,
			   struct err *e)
{
	struct store_report r;
	if (!store_report_get(w->db, w->arena, id, &r, e))
		return false;
	if (r.target_id != target_id)
		return err_set(e, ERR_INVALID,
			       "Validation failed: report_id is about somebody else");
	if (!*post_ids)
		*post_ids = r.post_ids;
	r.resolved_by = w->account_id;
	r.resolved_at = r.updated_at = w->now_ms;
	return store_report_update(w->db, &r, e);
}

static bool moderate(struct app *w, void *context, struct err *e)
{
	struct moderate_call *call = context;
	const struct app_moderation *m = call->m;
	struct store_account target = call->target;
	const char *post_ids = m->post_ids;
	bool on_posts =
	    m->action == STORE_STRIKE_DELETE_POSTS || m->action == STORE_STRIKE_SENSITIVE_POSTS;
	if (m->report_id && !resolve_report(w, m->report_id, m->target_id, &post_ids, e))
		return false;
	call->strike.post_ids = post_ids ? post_ids : "";
	if (on_posts && !act_on_posts(w, m, call->strike.post_ids, e))
		return false;
	if (!set_action(w, &target, m->action, true, e) ||
	    !store_strike_insert(w->db, &call->strike, e) ||
	    !store_audit_insert(w->db, w->account_id,
				arena_printf(w->arena, "account.%s", ACTIONS[m->action]),
				m->target_id, m->text ? m->text : "", w->now_ms, e))
		return false;
	return target.domain[0] || app_notify_about(w, m->target_id, APP_NOTIFY_WARNING,
						    m->target_id, call->strike.id, e);
}

/* A mail that does not go out is worth a line for the moderator, not a failure of what was done. */
static void tell_by_mail(struct app *app, const struct moderate_call *call, const char *url)
{
	struct store_user user;
	struct err e = {0};
	const struct app_hooks *hooks = &app->core->hooks;
	if (!hooks->mail || !store_user_get(app->db, app->arena, call->m->target_id, &user, &e))
		return;
	const char *text = arena_printf(
	    app->arena, "%s\n\nAction: %s\nTo appeal: %s\n",
	    call->m->text ? call->m->text
			  : "The moderators of this server have acted on your account.",
	    ACTIONS[call->m->action], url);
	(void)!hooks->mail(hooks->context, user.email, "A word from the moderators", text, &e);
}

bool app_moderate(struct app *app, const struct app_moderation *m, struct store_strike *out,
		  const char **appeal_url, struct err *e)
{
	struct moderate_call call = {.m = m};
	if (!load_target(app, m->target_id, &call.target, e) ||
	    (m->text && !app_check_text("text", m->text, TEXT_MAX_CHARACTERS, e)))
		return false;
	call.code = app_secret_new(app->arena);
	call.strike = (struct store_strike){
	    .id = id_new(),
	    .account_id = app->account_id,
	    .target_id = m->target_id,
	    .action = m->action,
	    .reason = m->text ? m->text : "",
	    .report_id = m->report_id,
	    .appeal_code_hash = app_secret_hash(app->arena, PURPOSE_APPEAL, call.code),
	    .created_at = app->now_ms,
	};
	if (!app_write(app, moderate, &call, e))
		return false;
	*appeal_url =
	    arena_printf(app->arena, "%s/appeal?code=%s", app->core->config.base_url, call.code);
	if (m->send_mail && !call.target.domain[0])
		tell_by_mail(app, &call, *appeal_url);
	*out = call.strike;
	return true;
}

struct undo_call {
	struct store_account target;
	enum store_strike_action action;
};

static bool undo(struct app *w, void *context, struct err *e)
{
	const struct undo_call *call = context;
	struct store_account target = call->target;
	return set_action(w, &target, call->action, false, e) &&
	       store_audit_insert(w->db, w->account_id,
				  arena_printf(w->arena, "account.un%s", ACTIONS[call->action]),
				  target.id, "", w->now_ms, e);
}

bool app_unmoderate(struct app *app, int64_t target_id, enum store_strike_action action,
		    struct err *e)
{
	struct undo_call call = {.action = action};
	return load_target(app, target_id, &call.target, e) && app_write(app, undo, &call, e);
}

/* --- erasing --- */

/* What waits or is drawn ends, the words go at once, and pictures that were never posted a few at a time. */
static bool forget_drawings(struct app *w, int64_t account_id, struct err *e)
{
	int64_t ids[DB_IDS_MAX];
	size_t count;
	do {
		if (!store_job_open_ids(w->db, account_id, ids, DB_IDS_MAX, &count, e) ||
		    !app_job_cancel_all_in(w, ids, count, e))
			return false;
	} while (count == DB_IDS_MAX);
	return store_job_forget(w->db, account_id, e) && store_media_abandon(w->db, account_id, e);
}

static bool erase(struct app *w, void *context, struct err *e)
{
	const struct store_account *target = context;
	struct store_account a = *target;
	const char *avatar = a.avatar_hash, *header = a.header_hash;
	a.display_name = a.note = a.fields = "";
	a.avatar_hash = a.avatar_type = a.header_hash = a.header_type = NULL;
	a.updated_at = w->now_ms;
	app_emit(w, &(struct app_event){.type = APP_EVENT_ACCOUNT, .account_id = a.id});
	return store_account_update(w->db, &a, e) &&
	       store_object_drop(w->db, avatar, w->now_ms, e) &&
	       store_object_drop(w->db, header, w->now_ms, e) &&
	       store_account_set_state(w->db, a.id, STORE_ACCOUNT_DELETED, e) &&
	       forget_drawings(w, a.id, e) && store_user_delete(w->db, a.id, e) &&
	       sign_out(w, a.id, e) &&
	       store_audit_insert(w->db, w->account_id, "account.delete", a.id, a.username,
				  w->now_ms, e);
}

bool app_account_erase(struct app *app, int64_t target_id, struct err *e)
{
	struct store_account target;
	if (!app_need_admin(app, e) || !load_target(app, target_id, &target, e))
		return false;
	if (target.state != STORE_ACCOUNT_SUSPENDED)
		return err_set(e, ERR_FORBIDDEN, "Only a suspended account can be deleted");
	return app_write(app, erase, &target, e);
}

static bool leave(struct app *w, void *context, struct err *e)
{
	return store_oauth_token_revoke_all(w->db, w->account_id, w->now_ms, e) &&
	       erase(w, context, e);
}

bool app_account_leave(struct app *app, const char *password, struct err *e)
{
	struct store_account self;
	if (!app_need_password(app, password, e) ||
	    !store_account_get(app->db, app->arena, app->account_id, &self, e))
		return false;
	if (self.role == STORE_ROLE_OWNER)
		return err_set(
		    e, ERR_FORBIDDEN,
		    "The owner of a server cannot leave it. Make somebody else the owner first.");
	return app_write(app, leave, &self, e);
}

static bool erase_post(struct app *w, void *context, struct err *e)
{
	return app_post_remove(w, *(int64_t *)context, e);
}

static bool erase_media(struct app *w, void *context, struct err *e)
{
	return store_media_delete(w->db, w->arena, *(int64_t *)context, w->now_ms, e);
}

/* The posts and drafts of erased accounts go a few at a time, so that no writer waits long. */
bool app_erase_tick(struct app *app, bool *more, struct err *e)
{
	enum { BATCH = 20 };
	int64_t ids[BATCH];
	size_t count;
	if (!store_post_of_erased(app->db, ids, BATCH, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!app_write(app, erase_post, &ids[i], e))
			return e->code == ERR_NOT_FOUND;
	*more |= count == BATCH;
	if (!store_media_abandoned(app->db, ids, BATCH, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!app_write(app, erase_media, &ids[i], e))
			return e->code == ERR_NOT_FOUND;
	*more |= count == BATCH;
	return true;
}

/* --- appeals --- */

bool app_strikes(struct app *app, int64_t target_id, const struct store_page *page,
		 struct store_strikes *out, struct err *e)
{
	if (!app_need_account(app, e) ||
	    (target_id != app->account_id && !app_need_moderator(app, e)))
		return false;
	return store_strike_list(app->db, app->arena, target_id, page, out, e);
}

struct appeal_call {
	struct store_strike strike;
	enum store_appeal_state from;
	bool undo;
};

static bool set_appeal(struct app *w, void *context, struct err *e)
{
	static const char *const actions[] = {"", "appeal.create", "appeal.approve",
					      "appeal.reject"};
	const struct appeal_call *call = context;
	struct store_account target;
	bool changed;
	if (!store_strike_set_appeal(w->db, &call->strike, call->from, &changed, e))
		return false;
	if (!changed)
		return err_set(e, ERR_CONFLICT, "This has been appealed or answered already.");
	if (call->undo && call->strike.action != STORE_STRIKE_NONE) {
		if (!store_account_get(w->db, w->arena, call->strike.target_id, &target, e))
			return false;
		bool over = call->strike.action == STORE_STRIKE_SUSPEND &&
			    target.state != STORE_ACCOUNT_SUSPENDED;
		if (!over && !set_action(w, &target, call->strike.action, false, e))
			return false;
	}
	return store_audit_insert(w->db, w->account_id, actions[call->strike.appeal_state],
				  call->strike.target_id, "", w->now_ms, e);
}

bool app_appeal(struct app *app, int64_t strike_id, const char *code, const char *text,
		struct store_strike *out, struct err *e)
{
	struct appeal_call call = {.from = STORE_APPEAL_NONE};
	if (!app_check_text("text", text, APPEAL_MAX_CHARACTERS, e))
		return false;
	if (code ? !store_strike_by_code(app->db, app->arena,
					 app_secret_hash(app->arena, PURPOSE_APPEAL, code),
					 &call.strike, e)
		 : !(app_need_account(app, e) &&
		     store_strike_get(app->db, app->arena, strike_id, &call.strike, e)))
		return false;
	if (!code && call.strike.target_id != app->account_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	call.strike.appeal = text;
	call.strike.appealed_at = app->now_ms;
	call.strike.appeal_state = STORE_APPEAL_WAITS;
	*out = call.strike;
	return app_write(app, set_appeal, &call, e);
}

bool app_appeals(struct app *app, const struct store_page *page, struct store_strikes *out,
		 struct err *e)
{
	return app_need_moderator(app, e) &&
	       store_strike_list(app->db, app->arena, 0, page, out, e);
}

bool app_appeal_answer(struct app *app, int64_t strike_id, bool approve, struct store_strike *out,
		       struct err *e)
{
	struct appeal_call call = {.from = STORE_APPEAL_WAITS, .undo = approve};
	struct store_account target;
	if (!app_need_moderator(app, e) ||
	    !store_strike_get(app->db, app->arena, strike_id, &call.strike, e) ||
	    !load_target(app, call.strike.target_id, &target, e))
		return false;
	call.strike.appeal_state = approve ? STORE_APPEAL_APPROVED : STORE_APPEAL_REJECTED;
	*out = call.strike;
	return app_write(app, set_appeal, &call, e);
}

bool app_audit_list(struct app *app, int64_t account_id, int64_t target_id,
		    const struct store_page *page, struct store_audit *out, size_t *count,
		    struct err *e)
{
	return app_need_moderator(app, e) &&
	       store_audit_list(app->db, app->arena, account_id, target_id, page, out, count, e);
}
