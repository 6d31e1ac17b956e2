/* The review desk. No state; any thread. What must stay true: while a picture of a post is held, the post's row is
 * direct, mentions nobody and stands in no list but its author's home; approving does in one transaction all that
 * posting had left out. view.c and app_review_object look at the pictures themselves, so that no other way leads
 * to them. */
#include "app/review.h"

#include "app/notice.h"
#include "app/private.h"
#include "base/id.h"
#include "store/home.h"
#include "store/setting.h"

#include <string.h>

enum { HOUR_MS = 3600 * 1000, REASON_MAX_CHARACTERS = 1000, HOURS_MAX = 24 * 90, LATE_MAX = 50 };

/* --- holding --- */

bool app_review_hold(struct app *w, const struct store_job *job, struct err *e)
{
	struct store_programme p;
	struct err missing = {0};
	if (!job->programme_id)
		return true;
	if (!store_programme_get(w->db, w->arena, job->programme_id, &p, &missing)) {
		*e = missing.code == ERR_NOT_FOUND ? (struct err){0} : missing;
		return !e->code;
	}
	return !p.review || store_review_hold(w->db, job->id, e);
}

void app_review_draft(struct app_draft *draft)
{
	for (size_t i = 0; i < draft->media_count && !draft->pending; i++)
		draft->pending = draft->media[i].held;
	if (!draft->pending)
		return;
	draft->visibility = draft->row.visibility;
	draft->row.visibility = STORE_VISIBILITY_DIRECT;
	draft->row.mention_count = 0;
	draft->row.tags = "";
	draft->mention_count = 0;
	draft->tag_count = 0;
	draft->quote_account_id = 0;
}

/* The programme that a held picture was made under. */
static bool programme_of(struct app *w, const struct app_draft *draft, struct store_programme *out,
			 struct err *e)
{
	for (size_t i = 0; i < draft->media_count; i++) {
		struct store_job job;
		if (!draft->media[i].held || !draft->media[i].job_id)
			continue;
		return store_job_get(w->db, w->arena, draft->media[i].job_id, &job, e) &&
		       store_programme_get(w->db, w->arena, job.programme_id, out, e);
	}
	return err_set(e, ERR_INVALID,
		       "Validation failed: media_ids names a picture whose programme is gone");
}

bool app_review_open(struct app *w, const struct app_draft *draft, struct err *e)
{
	struct store_programme p;
	const struct store_post *row = &draft->row;
	if (!draft->pending)
		return true;
	if (!programme_of(w, draft, &p, e))
		return false;
	const struct store_review r = {.id = id_new(),
				       .post_id = row->id,
				       .account_id = row->account_id,
				       .programme_id = p.id,
				       .visibility = draft->visibility,
				       .deadline_at = w->now_ms + p.review_hours * HOUR_MS,
				       .created_at = w->now_ms};
	int64_t *author = ARENA_NEW(w->arena, int64_t);
	*author = row->account_id;
	app_emit(w, &(struct app_event){.type = APP_EVENT_HOME,
					.post_id = row->id,
					.account_id = row->account_id,
					.recipients = author,
					.recipient_count = 1});
	return store_review_insert(w->db, &r, e) &&
	       store_home_insert(w->db, row->account_id, row->id, row->account_id, e);
}

bool app_review_pending(struct app *app, int64_t post_id, bool *pending, struct err *e)
{
	struct store_review r;
	size_t found;
	if (!store_review_of_posts(app->db, app->arena, &post_id, 1, &r, &found, e))
		return false;
	*pending = found && r.state != STORE_REVIEW_APPROVED;
	return true;
}

bool app_review_object(struct app *app, const char *hash, bool *allowed, bool *held, struct err *e)
{
	int64_t owner = 0;
	if (!store_review_guards(app->db, hash, held, &owner, e))
		return false;
	*allowed = !*held || app->role >= STORE_ROLE_MODERATOR ||
		   (app->account_id && app->account_id == owner);
	return true;
}

/* --- looking --- */

/* The post as its author sees it: whoever may look at the review may look at that. */
static bool fill(struct app *app, const struct store_review *row, struct app_review *out,
		 struct err *e)
{
	struct app author = *app;
	struct err missing = {0};
	*out = (struct app_review){.row = *row};
	author.account_id = row->account_id;
	author.role = STORE_ROLE_USER;
	out->overdue = row->state <= STORE_REVIEW_CHANGES && row->deadline_at &&
		       row->deadline_at < app->now_ms;
	if (!store_programme_get(app->db, app->arena, row->programme_id, &out->programme, e))
		return false;
	out->has_post = app_post_get(&author, row->post_id, &out->post, &missing);
	if (out->has_post || missing.code == ERR_NOT_FOUND)
		return true;
	*e = missing;
	return false;
}

static bool fill_all(struct app *app, const struct store_review *rows, size_t count,
		     struct app_review *out, struct err *e)
{
	for (size_t i = 0; i < count; i++)
		if (!fill(app, &rows[i], &out[i], e))
			return false;
	return true;
}

bool app_review_list(struct app *app, const struct store_page *page, struct app_review *out,
		     size_t *found, struct err *e)
{
	struct store_review *rows = ARENA_ARRAY(app->arena, struct store_review, STORE_PAGE_MAX);
	return app_need_account(app, e) &&
	       store_review_of_account(app->db, app->arena, app->account_id, page, rows, found,
				       e) &&
	       fill_all(app, rows, *found, out, e);
}

static bool need_moderator(const struct app *app, struct err *e)
{
	if (!app_need_account(app, e))
		return false;
	return app->role >= STORE_ROLE_MODERATOR ||
	       err_set(e, ERR_FORBIDDEN, "Only moderators may do this.");
}

bool app_review_desk(struct app *app, enum store_review_state state, struct app_review *out,
		     size_t *found, struct err *e)
{
	struct store_review *rows = ARENA_ARRAY(app->arena, struct store_review, APP_REVIEWS_MAX);
	return need_moderator(app, e) &&
	       store_review_desk(app->db, app->arena, state, rows, APP_REVIEWS_MAX, found, e) &&
	       fill_all(app, rows, *found, out, e);
}

/* --- deciding --- */

struct decide_call {
	struct store_review row;
	enum store_review_state from;
	struct app_draft *draft;       /* approved: what is published */
	const struct store_post *text; /* resubmitted: how it reads now */
	const char *notice, *words, *action;
};

static bool decide(struct app *w, void *context, struct err *e)
{
	struct decide_call *call = context;
	bool changed;
	if (!store_review_decide(w->db, &call->row, call->from, &changed, e))
		return false;
	if (!changed)
		return err_set(e, ERR_CONFLICT, "Somebody else was faster. Load the page again.");
	if (call->draft && (!store_review_release(w->db, call->row.post_id, e) ||
			    !store_review_publish(w->db, &call->draft->row, e) ||
			    !app_draft_publish(w, call->draft, e)))
		return false;
	if (call->text && !store_review_publish(w->db, call->text, e))
		return false;
	if (call->notice &&
	    !app_notice(w, call->row.account_id, call->notice, call->words, call->row.post_id, e))
		return false;
	return store_audit_insert(w->db, w->account_id, call->action, call->row.id,
				  call->row.reason, w->now_ms, e);
}

/* Reads the stored post as if it were written now, by its author. */
static bool rewrite(struct app *app, const struct store_review *r, struct store_post *row,
		    struct app_draft *out, struct err *e)
{
	struct app author = *app;
	struct store_media *media;
	size_t count;
	static const struct store_media none[1];
	author.account_id = r->account_id;
	author.role = STORE_ROLE_USER;
	if (!store_post_get(app->db, app->arena, r->post_id, row, e) ||
	    !store_media_of_posts(app->db, app->arena, &r->post_id, 1, &media, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		media[i].held = false;
	struct app_post_new form = {.text = row->text,
				    .in_reply_to_id = row->in_reply_to_id,
				    .quote_of_id = row->quote_of_id,
				    .visibility = r->visibility,
				    .spoiler_text = row->spoiler_text,
				    .sensitive = row->sensitive,
				    .language = row->language,
				    .prompt_visibility = row->prompt_visibility,
				    .not_remixable = !row->remixable};
	bool ok = app_draft_prepare(&author, &form, count ? media : none, count, out, e);
	if (!ok && e->code == ERR_NOT_FOUND) { /* what it answers or quotes is gone by now */
		*e = (struct err){0};
		form.in_reply_to_id = form.quote_of_id = 0;
		ok = app_draft_prepare(&author, &form, count ? media : none, count, out, e);
	}
	if (!ok)
		return false;
	out->row.id = row->id;
	out->row.uri = row->uri;
	out->row.url = row->url;
	out->row.thread_id = row->thread_id;
	out->row.created_at = row->created_at;
	out->media_count = 0; /* they are attached already */
	out->idempotency_key = NULL;
	return true;
}

static bool check_reason(const char *reason, bool needed, struct err *e)
{
	if (needed && (!reason || !reason[strspn(reason, " \t\r\n")]))
		return err_set(e, ERR_INVALID, "Validation failed: reason can't be blank");
	return !reason || app_check_text("reason", reason, REASON_MAX_CHARACTERS, e);
}

static bool prepare_decision(struct app *app, struct decide_call *call, enum store_review_state to,
			     int64_t hours, struct err *e)
{
	static const char *const notices[] = {NULL, "review.changes", "review.approved",
					      "review.refused"};
	static const char *const words[] = {NULL, "Changes are asked for before your post appears",
					    "Your post was approved", "Your post was refused"};
	static const char *const actions[] = {NULL, "review.changes", "review.approve",
					      "review.refuse"};
	struct store_programme p;
	struct store_post row;
	const char *reason = call->row.reason;
	if (!store_programme_get(app->db, app->arena, call->row.programme_id, &p, e))
		return false;
	if (to == STORE_REVIEW_APPROVED) {
		call->draft = ARENA_NEW(app->arena, struct app_draft);
		if (!rewrite(app, &call->row, &row, call->draft, e))
			return false;
	}
	call->row.state = to;
	call->row.deadline_at =
	    to == STORE_REVIEW_CHANGES
		? app->now_ms + (hours ? hours : p.review_hours) * (int64_t)HOUR_MS
		: 0;
	call->row.decided_at = to == STORE_REVIEW_CHANGES ? 0 : app->now_ms;
	call->notice = notices[to];
	call->action = actions[to];
	call->words = arena_printf(app->arena, reason && reason[0] ? "%s: %s" : "%s.", words[to],
				   reason ? reason : "");
	return true;
}

bool app_review_decide(struct app *app, int64_t id, enum store_review_state to, const char *reason,
		       int64_t deadline_hours, struct app_review *out, struct err *e)
{
	struct decide_call call = {0};
	if (!need_moderator(app, e) || !check_reason(reason, to != STORE_REVIEW_APPROVED, e) ||
	    !store_review_get(app->db, app->arena, id, &call.row, e))
		return false;
	if (to == STORE_REVIEW_PENDING || deadline_hours < 0 || deadline_hours > HOURS_MAX)
		return err_set(e, ERR_INVALID,
			       "Validation failed: deadline_hours must be between 1 and %d",
			       HOURS_MAX);
	call.from = call.row.state;
	if (call.from >= STORE_REVIEW_APPROVED)
		return err_set(e, ERR_CONFLICT, "This was decided already.");
	if (call.row.account_id == app->account_id && app->role != STORE_ROLE_ADMIN)
		return err_set(e, ERR_FORBIDDEN, "Somebody else has to look at your own posts.");
	call.row.reason = reason;
	call.row.reviewer_id = app->account_id;
	return prepare_decision(app, &call, to, deadline_hours, e) &&
	       app_write(app, decide, &call, e) && fill(app, &call.row, out, e);
}

bool app_review_resubmit(struct app *app, int64_t id, const char *text, struct app_review *out,
			 struct err *e)
{
	struct decide_call call = {.action = "review.resubmit"};
	struct store_programme p;
	struct store_post row;
	struct app_draft draft;
	if (!app_need_account(app, e) || !store_review_get(app->db, app->arena, id, &call.row, e))
		return false;
	if (call.row.account_id != app->account_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	call.from = call.row.state;
	if (call.from != STORE_REVIEW_CHANGES)
		return err_set(e, ERR_CONFLICT, "No changes are asked for.");
	if (!store_programme_get(app->db, app->arena, call.row.programme_id, &p, e))
		return false;
	if (text) {
		if (!app_token_seen_in(app, text, e) || !rewrite(app, &call.row, &row, &draft, e))
			return false;
		/* Written anew for its form and its length only: it still waits, and mentions nobody. */
		struct app author = *app;
		struct app_post_new form = {.text = text, .visibility = STORE_VISIBILITY_DIRECT};
		static const struct store_media none[1];
		struct app_draft changed;
		if (!app_draft_prepare(&author, &form, none, text[0] ? 0 : 1, &changed, e))
			return false;
		row.text = text;
		row.content = changed.row.content;
		row.visibility = STORE_VISIBILITY_DIRECT;
		row.tags = "";
		row.mention_count = 0;
		call.text = &row;
	}
	call.row.state = STORE_REVIEW_PENDING;
	call.row.deadline_at = app->now_ms + p.review_hours * (int64_t)HOUR_MS;
	return app_write(app, decide, &call, e) && fill(app, &call.row, out, e);
}

/* Whoever was asked for changes and lets the time pass is refused. */
bool app_review_tick(struct app *app, struct err *e)
{
	struct store_review *rows = ARENA_ARRAY(app->arena, struct store_review, LATE_MAX);
	size_t count;
	if (!rows ||
	    !store_review_late(app->db, app->arena, app->now_ms, rows, LATE_MAX, &count, e))
		return !rows;
	for (size_t i = 0; i < count; i++) {
		struct decide_call call = {.row = rows[i],
					   .from = STORE_REVIEW_CHANGES,
					   .notice = "review.refused",
					   .words = "Your post was refused: the changes that were "
						    "asked for did not come in time.",
					   .action = "review.late"};
		struct err why = {0};
		call.row.state = STORE_REVIEW_REFUSED;
		call.row.deadline_at = 0;
		call.row.decided_at = app->now_ms;
		if (!app_write(app, decide, &call, &why) && why.code != ERR_CONFLICT) {
			*e = why;
			return false;
		}
	}
	return true;
}
