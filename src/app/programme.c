/* Programmes, cohorts, members: the rules. No state; any thread. What must stay true: programme_open and active alone
 * decide whether somebody draws under a programme, so that an end, a revocation, a cohort that has not opened
 * and terms that were not accepted count everywhere at once. */
#include "app/programme.h"

#include "app/account.h"
#include "app/notice.h"
#include "app/private.h"
#include "base/id.h"
#include "base/str.h"
#include "store/revocation.h"
#include "store/setting.h"
#include "store/token.h"

#include <string.h>

enum {
	NAME_MAX_CHARACTERS = 100,
	TEXT_MAX_CHARACTERS = 5000,
	TERMS_MAX_CHARACTERS = 20000,
	QUESTIONS_MAX_CHARACTERS = 3000,
	REASON_MAX_CHARACTERS = 1000,
	WORDS_MAX_BYTES = 1000,
	PLACES_MAX = 1000000,
	REVIEW_HOURS_MAX = 24 * 90,
	MEMBERSHIPS_MAX = 200,
};

/* --- standing --- */

static enum app_programme_state state_of(const struct store_programme *p, int64_t now_ms)
{
	if (p->revocation_id)
		return APP_PROGRAMME_REVOKED;
	if (p->ends_at && p->ends_at <= now_ms)
		return APP_PROGRAMME_ENDED;
	return p->starts_at > now_ms ? APP_PROGRAMME_COMING : APP_PROGRAMME_OPEN;
}

static bool terms_accepted(const struct app_programme *p)
{
	return !p->row.terms[0] || (p->is_member && p->member.terms_accepted_at >= p->row.terms_at);
}

static bool active(const struct app_programme *p, int64_t now_ms)
{
	const struct store_cohort *c = &p->cohort;
	if (p->state != APP_PROGRAMME_OPEN || !p->is_member ||
	    p->member.state != STORE_MEMBER_ACTIVE || !p->terms_accepted)
		return false;
	return !p->has_cohort || (!c->revocation_id && c->opens_at && c->opens_at <= now_ms);
}

static bool fill_member(struct app *app, struct app_programme *out, struct err *e)
{
	struct err missing = {0};
	if (!app->account_id)
		return true;
	out->is_member = store_member_of(app->db, app->arena, out->row.id, app->account_id,
					 &out->member, &missing);
	if (!out->is_member && missing.code != ERR_NOT_FOUND) {
		*e = missing;
		return false;
	}
	out->has_cohort = out->is_member && out->member.cohort_id;
	return !out->has_cohort ||
	       store_cohort_get(app->db, app->arena, out->member.cohort_id, &out->cohort, e);
}

static int64_t taken(const int64_t counts[5])
{
	return counts[STORE_MEMBER_INVITED] + counts[STORE_MEMBER_ACTIVE];
}

static bool view(struct app *app, const struct store_programme *row, struct app_programme *out,
		 struct err *e)
{
	*out = (struct app_programme){.row = *row, .state = state_of(row, app->now_ms)};
	if (!fill_member(app, out, e) || !store_member_count(app->db, row->id, 0, out->counts, e))
		return false;
	int64_t left = row->places - taken(out->counts);
	out->places_left = !row->places ? -1 : left > 0 ? left : 0;
	out->terms_accepted = terms_accepted(out);
	out->active = active(out, app->now_ms);
	return true;
}

bool app_programme_list(struct app *app, struct app_programme **items, size_t *count, struct err *e)
{
	size_t found;
	struct store_programme *rows =
	    ARENA_ARRAY(app->arena, struct store_programme, APP_PROGRAMMES_MAX);
	*items = ARENA_ARRAY(app->arena, struct app_programme, APP_PROGRAMMES_MAX);
	*count = 0;
	if (!rows || !*items)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_programme_list(app->db, app->arena, rows, APP_PROGRAMMES_MAX, &found, e))
		return false;
	for (size_t i = 0; i < found; i++) {
		struct app_programme *p = &(*items)[*count];
		if (!view(app, &rows[i], p, e))
			return false;
		*count += p->row.listed || p->is_member || app->role >= STORE_ROLE_ADMIN;
	}
	return true;
}

bool app_programme_get(struct app *app, int64_t id, struct app_programme *out, struct err *e)
{
	struct store_programme row;
	if (!store_programme_get(app->db, app->arena, id, &row, e) || !view(app, &row, out, e))
		return false;
	return row.listed || out->is_member || app->role >= STORE_ROLE_ADMIN ||
	       err_set(e, ERR_NOT_FOUND, "Record not found");
}

/* Why somebody may not draw under it, in words. */
static bool why_not(const struct app_programme *p, int64_t now_ms, struct err *e)
{
	const char *name = p->row.name;
	if (p->state == APP_PROGRAMME_REVOKED)
		return err_set(e, ERR_FORBIDDEN, "%s is closed", name);
	if (p->state == APP_PROGRAMME_ENDED)
		return err_set(e, ERR_FORBIDDEN, "%s has ended", name);
	if (!p->is_member || p->member.state != STORE_MEMBER_ACTIVE)
		return err_set(e, ERR_FORBIDDEN, "This is for the members of %s", name);
	if (p->state == APP_PROGRAMME_COMING)
		return err_set(e, ERR_FORBIDDEN, "%s has not begun", name);
	if (p->has_cohort && p->cohort.revocation_id)
		return err_set(e, ERR_FORBIDDEN, "Your access to %s was taken back", name);
	if (p->has_cohort && !(p->cohort.opens_at && p->cohort.opens_at <= now_ms))
		return err_set(e, ERR_FORBIDDEN, "Your group of %s has not been opened yet", name);
	return err_set(e, ERR_FORBIDDEN, "The terms of %s have to be accepted first", name);
}

bool app_programme_need_member(struct app *app, int64_t id, struct err *e)
{
	struct app_programme p;
	if (!app_need_account(app, e) || !app_programme_get(app, id, &p, e))
		return false;
	return p.active || why_not(&p, app->now_ms, e);
}

static bool covers(const struct store_programme *p, const char *maker, const char *model,
		   const char *task)
{
	return app_words_have(p->makers, maker) && app_words_have(p->tasks, task) &&
	       (!model || app_words_have(p->models, model));
}

bool app_programme_find(struct app *app, const char *maker, const char *model, const char *task,
			int64_t wanted_id, int64_t *id, struct err *e)
{
	size_t found;
	struct store_programme *rows =
	    ARENA_ARRAY(app->arena, struct store_programme, APP_PROGRAMMES_MAX);
	const struct store_programme *chosen = NULL;
	struct err why = {0};
	*id = 0;
	if (!rows)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_programme_list(app->db, app->arena, rows, APP_PROGRAMMES_MAX, &found, e))
		return false;
	bool wanted_seen = false;
	for (size_t i = 0; i < found; i++) {
		struct app_programme p;
		bool closes = rows[i].makers[0] && covers(&rows[i], maker, model, task);
		bool asked = wanted_id ? rows[i].id == wanted_id : closes;
		if (!asked && !closes)
			continue;
		if (!view(app, &rows[i], &p, e))
			return false;
		bool seen = rows[i].listed || p.is_member;
		wanted_seen = wanted_seen || (rows[i].id == wanted_id && seen);
		if (!asked || !p.active || !covers(&rows[i], maker, model, task)) {
			if (asked && p.active)
				err_set(&why, ERR_FORBIDDEN, "%s does not open this", p.row.name);
			else if (seen && (asked || !why.code))
				why_not(&p, app->now_ms, &why);
			else if (!why.code)
				err_set(&why, ERR_FORBIDDEN, "This maker is not open to you");
		} else if (!chosen || (chosen->review && !rows[i].review)) {
			chosen = &rows[i];
		}
	}
	if (wanted_id && !wanted_seen)
		return err_set(e, ERR_INVALID, "Validation failed: programme_id is not known");
	if (chosen)
		*id = chosen->id;
	if (chosen || !why.code || (app->role >= STORE_ROLE_ADMIN && !wanted_id))
		return true;
	*e = why;
	return false;
}

/* A picture made from one that waits for approval waits like it. */
static bool of_held_source(struct app *app, int64_t media_id, int64_t *programme_id, struct err *e)
{
	struct store_media m;
	struct store_job job;
	struct err missing = {0};
	*programme_id = 0;
	if (!media_id)
		return true;
	if (store_media_get(app->db, app->arena, media_id, &m, &missing) && (!m.held || !m.job_id))
		return true;
	if (!missing.code && store_job_get(app->db, app->arena, m.job_id, &job, &missing))
		*programme_id = job.programme_id;
	*e = missing.code == ERR_NOT_FOUND ? (struct err){0} : missing;
	return !e->code;
}

/* The programme of whatever picture is held among those that the job begins with. */
static bool of_held_sources(struct app *app, const struct app_job_new *form, int64_t *programme_id,
			    struct err *e)
{
	if (!of_held_source(app, form->source_media_id, programme_id, e))
		return false;
	for (size_t i = 0; i <= form->further_count; i++) {
		int64_t id = i < form->further_count ? form->further_ids[i] : form->mask_id, other;
		if (!of_held_source(app, id, &other, e))
			return false;
		if (*programme_id && other && *programme_id != other)
			return err_set(e, ERR_FORBIDDEN,
				       "These pictures belong to different programmes");
		*programme_id = other ? other : *programme_id;
	}
	return true;
}

bool app_programme_admit(struct app *app, const struct app_job_new *form, struct err *e)
{
	static const char *const tasks[] = {"draw", "restyle", "vary", "edit"};
	const char *task = tasks[form->task];
	int64_t revocation, of_source = 0, found, wanted = form->programme_id;
	bool own = !form->reply_to_post_id; /* @draw draws with what is open to everybody */
	if (own && app->token && app->token->programme_id) {
		if (wanted && wanted != app->token->programme_id)
			return err_set(e, ERR_FORBIDDEN, "This token belongs to another programme");
		wanted = app->token->programme_id;
	}
	if (own &&
	    !store_revocation_holds(app->db, STORE_REVOKE_ACCOUNT, app->account_id, &revocation, e))
		return false;
	if (own && revocation)
		return err_set(e, ERR_FORBIDDEN, "Your access to drawing was taken back");
	if (!app_programme_find(app, form->maker, form->model, task, own ? wanted : 0, &found, e) ||
	    (own && !of_held_sources(app, form, &of_source, e)))
		return false;
	if (found || of_source)
		app->programme_id = of_source ? of_source : found;
	return true;
}

/* --- one's own membership --- */

struct member_call {
	struct store_member row;
	bool is_new;
	int64_t places; /* of the programme; 0: no limit */
	int64_t cohort_places;
	const char *action;
	const char *notice;
	const char *text;
};

/* Counted inside the transaction, so that the last place is given away once. */
static bool check_places(struct app *w, const struct member_call *call, struct err *e)
{
	int64_t counts[5];
	const struct store_member *m = &call->row;
	bool takes = m->state == STORE_MEMBER_INVITED || m->state == STORE_MEMBER_ACTIVE;
	if (!takes)
		return true;
	if (call->places) {
		if (!store_member_count(w->db, m->programme_id, 0, counts, e))
			return false;
		if (taken(counts) > call->places)
			return err_set(e, ERR_CONFLICT,
				       "There is no place left in this programme.");
	}
	if (call->cohort_places) {
		if (!store_member_count(w->db, m->programme_id, m->cohort_id, counts, e))
			return false;
		if (taken(counts) > call->cohort_places)
			return err_set(e, ERR_CONFLICT, "There is no place left in this cohort.");
	}
	return true;
}

static bool write_member(struct app *w, void *context, struct err *e)
{
	const struct member_call *call = context;
	const struct store_member *m = &call->row;
	if (!(call->is_new ? store_member_insert(w->db, m, e) : store_member_change(w->db, m, e)) ||
	    !check_places(w, call, e))
		return false;
	if (call->notice &&
	    !app_notice(w, m->account_id, call->notice, call->text, m->programme_id, e))
		return false;
	return store_audit_insert(w->db, w->account_id, call->action, m->id, "", w->now_ms, e);
}

static bool need_terms(const struct app_programme *p, bool accept_terms, struct err *e)
{
	return accept_terms || !p->row.terms[0] ||
	       err_set(e, ERR_INVALID, "Validation failed: accept_terms must be true");
}

bool app_programme_apply(struct app *app, int64_t id, const char *reason, bool accept_terms,
			 struct app_programme *out, struct err *e)
{
	if (!app_need_account(app, e) || !app_programme_get(app, id, out, e) ||
	    (reason && !app_check_text("reason", reason, REASON_MAX_CHARACTERS, e)))
		return false;
	if (out->state > APP_PROGRAMME_OPEN)
		return why_not(out, app->now_ms, e);
	if (out->is_member && out->member.state != STORE_MEMBER_LEFT)
		return err_set(e, ERR_CONFLICT, "You have applied, or were invited, already.");
	if (out->places_left == 0)
		return err_set(e, ERR_CONFLICT, "There is no place left in this programme.");
	if (!need_terms(out, accept_terms, e))
		return false;
	struct member_call call = {
	    .row = {.id = out->is_member ? out->member.id : id_new(),
		    .programme_id = id,
		    .account_id = app->account_id,
		    .state = STORE_MEMBER_APPLIED,
		    .reason = reason ? reason : "",
		    .terms_accepted_at = app->now_ms,
		    .created_at = app->now_ms},
	    .is_new = !out->is_member,
	    .action = "programme.apply",
	};
	return app_write(app, write_member, &call, e) && app_programme_get(app, id, out, e);
}

bool app_programme_accept(struct app *app, int64_t id, bool accept_terms, struct app_programme *out,
			  struct err *e)
{
	if (!app_need_account(app, e) || !app_programme_get(app, id, out, e))
		return false;
	if (!out->is_member || out->member.state == STORE_MEMBER_LEFT ||
	    out->member.state == STORE_MEMBER_DECLINED)
		return err_set(e, ERR_FORBIDDEN, "You were not invited.");
	if (!need_terms(out, accept_terms, e))
		return false;
	struct member_call call = {.row = out->member, .action = "programme.accept"};
	if (call.row.state == STORE_MEMBER_INVITED)
		call.row.state = STORE_MEMBER_ACTIVE;
	call.row.terms_accepted_at = app->now_ms;
	return app_write(app, write_member, &call, e) && app_programme_get(app, id, out, e);
}

bool app_programme_leave(struct app *app, int64_t id, struct err *e)
{
	struct app_programme p;
	if (!app_need_account(app, e) || !app_programme_get(app, id, &p, e))
		return false;
	if (!p.is_member)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	struct member_call call = {.row = p.member, .action = "programme.leave"};
	call.row.state = STORE_MEMBER_LEFT;
	return app_write(app, write_member, &call, e);
}

/* --- administrators --- */

static bool check_form(const struct store_programme *f, struct err *e)
{
	const char *const lists[][2] = {
	    {"makers", f->makers}, {"models", f->models}, {"tasks", f->tasks}};
	static const char *const tasks = "draw restyle vary edit";
	if (!f->name[strspn(f->name, " \t\r\n")])
		return err_set(e, ERR_INVALID, "Validation failed: name can't be blank");
	for (int i = 0; i < 3; i++)
		if (strlen(lists[i][1]) > WORDS_MAX_BYTES)
			return err_set(e, ERR_INVALID, "Validation failed: %s is too long",
				       lists[i][0]);
	for (const char *s = f->tasks; *s;) {
		char word[16] = "";
		size_t length = strcspn(s, " ");
		if (length && length < sizeof(word))
			memcpy(word, s, length);
		if (length && !app_words_have(tasks, word))
			return err_set(e, ERR_INVALID, "Validation failed: tasks can be: %s",
				       tasks);
		s += length + (s[length] == ' ');
	}
	if (f->places < 0 || f->places > PLACES_MAX)
		return err_set(e, ERR_INVALID, "Validation failed: places must be 0 to %d",
			       PLACES_MAX);
	if (f->review_hours < 1 || f->review_hours > REVIEW_HOURS_MAX)
		return err_set(e, ERR_INVALID, "Validation failed: review_hours must be 1 to %d",
			       REVIEW_HOURS_MAX);
	if (f->ends_at && f->ends_at <= f->starts_at)
		return err_set(e, ERR_INVALID,
			       "Validation failed: ends_at must be after starts_at");
	return app_check_text("name", f->name, NAME_MAX_CHARACTERS, e) &&
	       app_check_text("description", f->description, TEXT_MAX_CHARACTERS, e) &&
	       app_check_text("terms", f->terms, TERMS_MAX_CHARACTERS, e) &&
	       app_check_text("questions", f->questions, QUESTIONS_MAX_CHARACTERS, e);
}

static bool insert(struct app *w, void *context, struct err *e)
{
	const struct store_programme *p = context;
	return store_programme_insert(w->db, p, e) &&
	       store_audit_insert(w->db, w->account_id, "programme.create", p->id, p->name,
				  w->now_ms, e);
}

bool app_programme_create(struct app *app, const struct store_programme *form,
			  struct app_programme *out, struct err *e)
{
	struct store_programme row = *form;
	if (!app_need_admin(app, e) || !check_form(form, e))
		return false;
	row.id = id_new();
	row.created_at = row.terms_at = app->now_ms;
	return app_write(app, insert, &row, e) && app_programme_get(app, row.id, out, e);
}

static bool change(struct app *w, void *context, struct err *e)
{
	const struct store_programme *p = context;
	return store_programme_change(w->db, p, e) &&
	       store_audit_insert(w->db, w->account_id, "programme.change", p->id, p->name,
				  w->now_ms, e);
}

bool app_programme_change(struct app *app, int64_t id, const struct store_programme *form,
			  struct app_programme *out, struct err *e)
{
	struct store_programme row = *form, before;
	if (!app_need_admin(app, e) || !check_form(form, e) ||
	    !store_programme_get(app->db, app->arena, id, &before, e))
		return false;
	row.id = id;
	row.terms_at = strcmp(before.terms, row.terms) == 0 ? before.terms_at : app->now_ms;
	return app_write(app, change, &row, e) && app_programme_get(app, id, out, e);
}

static bool delete_one(struct app *w, void *context, struct err *e)
{
	int64_t id = *(int64_t *)context;
	bool gone;
	if (!store_programme_delete(w->db, id, &gone, e))
		return false;
	if (!gone)
		return err_set(e, ERR_CONFLICT,
			       "Somebody has joined this programme: end or revoke it instead.");
	return store_audit_insert(w->db, w->account_id, "programme.delete", id, "", w->now_ms, e);
}

bool app_programme_delete(struct app *app, int64_t id, struct err *e)
{
	struct store_programme row;
	return app_need_admin(app, e) && store_programme_get(app->db, app->arena, id, &row, e) &&
	       app_write(app, delete_one, &id, e);
}

static bool fill_account(struct app *app, struct app_member *m, struct err *e)
{
	return store_account_get(app->db, app->arena, m->row.account_id, &m->account, e);
}

bool app_member_list(struct app *app, int64_t programme_id, int state,
		     const struct store_page *page, struct app_member *out, size_t *found,
		     struct err *e)
{
	struct store_member *rows = ARENA_ARRAY(app->arena, struct store_member, STORE_PAGE_MAX);
	struct store_programme p;
	if (!app_need_admin(app, e) ||
	    !store_programme_get(app->db, app->arena, programme_id, &p, e) ||
	    !store_member_list(app->db, app->arena, programme_id, state, page, rows, found, e))
		return false;
	for (size_t i = 0; i < *found; i++) {
		out[i].row = rows[i];
		if (!fill_account(app, &out[i], e))
			return false;
	}
	return true;
}

/* The cohort must be the programme's; its places go into the call. */
static bool use_cohort(struct app *app, struct member_call *call, int64_t cohort_id, struct err *e)
{
	struct store_cohort c;
	struct err missing = {0};
	call->row.cohort_id = cohort_id;
	if (!cohort_id)
		return true;
	if (!store_cohort_get(app->db, app->arena, cohort_id, &c, &missing) ||
	    c.programme_id != call->row.programme_id) {
		if (missing.code && missing.code != ERR_NOT_FOUND) {
			*e = missing;
			return false;
		}
		return err_set(e, ERR_INVALID, "Validation failed: cohort_id is not known");
	}
	call->cohort_places = c.places;
	return true;
}

bool app_member_invite(struct app *app, int64_t programme_id, const char *username,
		       int64_t cohort_id, struct app_member *out, struct err *e)
{
	struct store_programme p;
	struct store_account account;
	struct err missing = {0};
	if (!app_need_admin(app, e) ||
	    !store_programme_get(app->db, app->arena, programme_id, &p, e))
		return false;
	if (!app_account_lookup(app, username, &account, &missing) || account.domain[0])
		return err_set(e, ERR_INVALID,
			       "Validation failed: username is nobody of this server");
	struct member_call call = {.row = {.id = id_new(),
					   .programme_id = programme_id,
					   .account_id = account.id,
					   .state = STORE_MEMBER_INVITED,
					   .reason = "",
					   .created_at = app->now_ms},
				   .is_new = true,
				   .places = p.places,
				   .action = "programme.invite",
				   .notice = "programme.invited",
				   .text =
				       arena_printf(app->arena, "You are invited to %s.", p.name)};
	struct store_member before;
	if (store_member_of(app->db, app->arena, programme_id, account.id, &before, &missing)) {
		if (before.state == STORE_MEMBER_ACTIVE || before.state == STORE_MEMBER_INVITED)
			return err_set(e, ERR_CONFLICT, "This person is in the programme already.");
		call.row = before;
		call.row.state = STORE_MEMBER_INVITED;
		call.is_new = false;
	} else if (missing.code != ERR_NOT_FOUND) {
		*e = missing;
		return false;
	}
	if (!use_cohort(app, &call, cohort_id, e) || !app_write(app, write_member, &call, e))
		return false;
	*out = (struct app_member){.row = call.row, .account = account};
	return true;
}

bool app_member_decide(struct app *app, int64_t programme_id, int64_t id, bool accepted,
		       int64_t cohort_id, struct app_member *out, struct err *e)
{
	struct store_programme p;
	struct member_call call = {.action = accepted ? "programme.admit" : "programme.decline"};
	if (!app_need_admin(app, e) ||
	    !store_programme_get(app->db, app->arena, programme_id, &p, e) ||
	    !store_member_get(app->db, app->arena, id, &call.row, e))
		return false;
	if (call.row.programme_id != programme_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (call.row.state == STORE_MEMBER_LEFT)
		return err_set(e, ERR_CONFLICT, "This person has left.");
	bool news = call.row.state != (accepted ? STORE_MEMBER_ACTIVE : STORE_MEMBER_DECLINED);
	call.row.state = accepted ? STORE_MEMBER_ACTIVE : STORE_MEMBER_DECLINED;
	call.places = p.places;
	if (news) {
		call.notice = accepted ? "programme.accepted" : "programme.declined";
		call.text = arena_printf(
		    app->arena,
		    accepted ? "You are in: %s." : "Your application to %s was declined.", p.name);
	}
	if (!use_cohort(app, &call, accepted ? cohort_id : call.row.cohort_id, e) ||
	    !app_write(app, write_member, &call, e))
		return false;
	out->row = call.row;
	return fill_account(app, out, e);
}

/* --- cohorts --- */

bool app_cohort_list(struct app *app, int64_t programme_id, struct store_cohort *out, size_t *found,
		     struct err *e)
{
	struct store_programme p;
	return app_need_admin(app, e) &&
	       store_programme_get(app->db, app->arena, programme_id, &p, e) &&
	       store_cohort_list(app->db, app->arena, programme_id, out, APP_COHORTS_MAX, found, e);
}

struct cohort_call {
	struct store_cohort row;
	bool is_new;
};

static bool write_cohort(struct app *w, void *context, struct err *e)
{
	const struct cohort_call *call = context;
	const struct store_cohort *c = &call->row;
	return (call->is_new ? store_cohort_insert(w->db, c, e)
			     : store_cohort_change(w->db, c, e)) &&
	       store_audit_insert(w->db, w->account_id,
				  call->is_new ? "cohort.create" : "cohort.change", c->id, c->name,
				  w->now_ms, e);
}

static bool check_cohort(const struct store_cohort *c, struct err *e)
{
	if (!c->name[strspn(c->name, " \t\r\n")])
		return err_set(e, ERR_INVALID, "Validation failed: name can't be blank");
	if (c->places < 0 || c->places > PLACES_MAX)
		return err_set(e, ERR_INVALID, "Validation failed: places must be 0 to %d",
			       PLACES_MAX);
	return app_check_text("name", c->name, NAME_MAX_CHARACTERS, e);
}

bool app_cohort_create(struct app *app, int64_t programme_id, const struct store_cohort *form,
		       struct store_cohort *out, struct err *e)
{
	struct store_programme p;
	struct cohort_call call = {.row = *form, .is_new = true};
	if (!app_need_admin(app, e) ||
	    !store_programme_get(app->db, app->arena, programme_id, &p, e) ||
	    !check_cohort(form, e))
		return false;
	call.row.id = id_new();
	call.row.programme_id = programme_id;
	call.row.created_at = app->now_ms;
	return app_write(app, write_cohort, &call, e) &&
	       store_cohort_get(app->db, app->arena, call.row.id, out, e);
}

bool app_cohort_change(struct app *app, int64_t programme_id, int64_t id, const char *name,
		       int64_t places, int64_t opens_at, struct store_cohort *out, struct err *e)
{
	struct cohort_call call = {0};
	if (!app_need_admin(app, e) || !store_cohort_get(app->db, app->arena, id, &call.row, e))
		return false;
	if (call.row.programme_id != programme_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	call.row.name = name ? name : call.row.name;
	call.row.places = places >= 0 ? places : call.row.places;
	call.row.opens_at = opens_at >= 0 ? opens_at : call.row.opens_at;
	return check_cohort(&call.row, e) && app_write(app, write_cohort, &call, e) &&
	       store_cohort_get(app->db, app->arena, id, out, e);
}
