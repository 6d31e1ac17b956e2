/* Drawing jobs: the rules of submitting, watching and cancelling, and the workers' side. Any thread; no state:
 * the row is the truth. What must stay true: whoever finishes a job holds its lease, and its pictures, its
 * state and an answering post are one transaction; so a job is finished once, whoever dies when.
 * Where a job stands in the fair order is queue.c's. Identical jobs (the same seed and all else) that wait or run at
 * one time are drawn once: the later ones follow the first, and get pictures of their own in its transaction. */
#include "app/job.h"

#include "app/account.h"
#include "app/private.h"
#include "app/text.h"
#include "base/id.h"
#include "base/rand.h"
#include "base/str.h"
#include "store/setting.h"
#include "store/user.h"
#include "store/worker.h"

#include <string.h>

enum {
	COUNT_MAX = 4,
	KIND_JOB = 1,
	KEY_MAX = 255,
	QUEUE_MAX = 500,
	NAME_MAX_BYTES = 60,
	DRAW_RUNNING_MAX = 1000,
	CLAIM_TRIES = 3,
	RECOVER_AT_A_TIME = 100
};

static const double GUIDANCE_MAX = 20;
static const double GUIDANCE_DEFAULT = 3.0;
static const char SETTING_DRAW_ACCOUNT[] = "draw_account_id";
static const char SETTING_DRAW_MAKER[] = "draw_maker";

/* --- submitting --- */

static bool check_name(const char *field, const char *name, struct err *e)
{
	if (name && (strlen(name) > NAME_MAX_BYTES || !str_is_utf8(name, strlen(name))))
		return err_set(e, ERR_INVALID, "Validation failed: %s is not known", field);
	return true;
}

static bool is_blank(const char *text)
{
	return !text[strspn(text, " \t\r\n")];
}

static bool check_form(struct app *app, const struct app_job_new *form, struct err *e)
{
	const char *prompt = form->prompt ? form->prompt : "";
	bool from_source = form->source_media_id || form->source_post_id;
	bool from_words = form->task == STORE_JOB_RESTYLE && form->reads_source;
	if (is_blank(prompt) && form->task != STORE_JOB_VARY && !from_words)
		return err_set(e, ERR_INVALID, "Validation failed: prompt can't be blank");
	if (!app_check_text("prompt", prompt, (size_t)app->core->config.prompt_characters_max, e))
		return false;
	if (form->count < 1 || form->count > COUNT_MAX)
		return err_set(e, ERR_INVALID, "Validation failed: count must be between 1 and %d",
			       COUNT_MAX);
	if (!(form->guidance >= 0 && form->guidance <= GUIDANCE_MAX))
		return err_set(e, ERR_INVALID,
			       "Validation failed: guidance must be between 0 and 20");
	if (!(form->strength >= 0 && form->strength <= 1))
		return err_set(e, ERR_INVALID,
			       "Validation failed: strength must be between 0 and 1");
	if (form->has_seed && (form->seed < 0 || form->seed > UINT32_MAX))
		return err_set(e, ERR_INVALID,
			       "Validation failed: seed must be between 0 and 4294967295");
	if (form->task > STORE_JOB_EDIT)
		return err_set(e, ERR_INVALID, "Validation failed: task is not known");
	if (form->task != STORE_JOB_DRAW && !from_source)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: source is missing; this task begins with a picture");
	for (int i = 0; i < 4; i++)
		if (!(form->region[i] >= 0 && form->region[i] <= 1))
			return err_set(
			    e, ERR_INVALID,
			    "Validation failed: region must be four numbers from 0 to 1");
	if (form->region[0] + form->region[2] > 1.0001 ||
	    form->region[1] + form->region[3] > 1.0001)
		return err_set(e, ERR_INVALID,
			       "Validation failed: region reaches over the edge of the picture");
	if (!form->maker || !form->maker[0])
		return err_set(e, ERR_INVALID, "Validation failed: maker is missing");
	if (form->idempotency_key && strlen(form->idempotency_key) > KEY_MAX)
		return err_set(e, ERR_INVALID, "Validation failed: Idempotency-Key is too long");
	return check_name("style", form->style, e) && check_name("maker", form->maker, e) &&
	       check_name("programme", form->programme, e);
}

struct submit_call {
	struct store_job row;
	struct store_quota_holder payer;
	struct app_quota_set quotas;
	double need[3]; /* by unit */
	const char *key;
	int64_t existing_id;
	const struct app_job_new *form;
	struct store_job_ahead ahead; /* where it came to stand */
	bool placed;
};

static bool find_existing(struct app *w, struct submit_call *call, struct err *e)
{
	const struct store_job *row = &call->row;
	call->existing_id = 0;
	if (!call->key)
		return true;
	if (!store_idempotency_find(w->db, row->account_id, KIND_JOB, call->key, &call->existing_id,
				    e))
		return false;
	return call->existing_id || store_idempotency_insert(w->db, row->account_id, KIND_JOB,
							     call->key, row->id, w->now_ms, e);
}

/* @draw's own account is not capped by all who ask it together: they have a limit of their own. */
static bool admit_caps(struct app *w, struct submit_call *call, struct err *e)
{
	struct store_job *row = &call->row;
	struct app_quota_set *set = &call->quotas;
	struct store_maker_rule rule;
	int64_t active;
	if (!store_job_account_lock(w->db, row->account_id, e) ||
	    !app_quota_set_of(w, &call->payer, set, e) ||
	    !store_job_count_active(w->db, row->account_id, &active, e) ||
	    !store_maker_rule_get(w->db, w->arena, row->maker, &rule, e))
		return false;
	if (!row->reply_to_post_id && active >= set->queued_max)
		return err_set(
		    e, ERR_LIMIT,
		    "You have %lld pictures waiting already. Wait for one of them, or cancel one.",
		    (long long)active);
	row->weight = set->weight;
	row->running_max = row->reply_to_post_id ? DRAW_RUNNING_MAX : set->running_max;
	call->need[STORE_QUOTA_PICTURES] = row->count;
	call->need[STORE_QUOTA_COST] = rule.cost * row->count;
	return true;
}

static bool take_place(struct app *w, struct submit_call *call, struct err *e)
{
	const struct app_hooks *hooks = &w->core->hooks;
	struct store_job *row = &call->row;
	call->placed = false;
	row->leader_id = 0;
	row->turn = 0;
	if (row->same && !store_job_same(w->db, row->same, &row->leader_id, e))
		return false;
	if (row->leader_id)
		return true;
	if (!app_queue_next_turn(w, row->maker, row->account_id, row->count / row->weight,
				 &row->turn, e))
		return false;
	if (!store_job_ahead(w->db, row, &call->ahead, e))
		return false;
	call->placed = true;
	row->behind = call->ahead.behind;
	if (hooks->job_promise)
		hooks->job_promise(hooks->context, row, &call->ahead);
	return true;
}

/* The charges name the job's row, so the row comes first; both are one transaction. */
static bool submit(struct app *w, void *context, struct err *e)
{
	struct submit_call *call = context;
	struct store_job *row = &call->row;
	if (!find_existing(w, call, e))
		return false;
	if (call->existing_id)
		return true;
	if (!admit_caps(w, call, e) || !take_place(w, call, e) ||
	    !store_job_insert(w->db, row, e) ||
	    !app_job_sources_insert(w, call->form, row->id, e) ||
	    !app_quota_charge(w, &call->quotas, row->id, call->need, e))
		return false;
	app_emit(w, &(struct app_event){
			.type = APP_EVENT_JOB, .job_id = row->id, .account_id = row->account_id});
	app_emit(w, &(struct app_event){
			.type = APP_EVENT_JOB_WAITING, .job_id = row->id, .maker = row->maker});
	return true;
}

/* Without a seed everybody wants a picture of their own. */
static const char *sameness(struct app *app, const struct store_job *j,
			    const struct app_job_new *form)
{
	const char *besides = "";
	if (!j->has_seed || j->reply_to_post_id)
		return NULL;
	for (size_t i = 0; i < form->further_count; i++)
		besides =
		    arena_printf(app->arena, "%s %lld", besides, (long long)form->further_ids[i]);
	return app_secret_hash(
	    app->arena, "same",
	    arena_printf(
		app->arena,
		"%s\n%d %s\n%lld %d %.17g %.17g %.17g %.17g %.17g %.17g %lld%s mask %lld\n%s",
		j->maker, (int)j->task, j->style ? j->style : "", (long long)j->seed, j->count,
		j->guidance, j->strength, j->region_x, j->region_y, j->region_width,
		j->region_height, (long long)j->source_media_id, besides, (long long)form->mask_id,
		j->prompt));
}

static bool set_payer(struct app *app, const struct app_job_new *form, struct submit_call *call,
		      struct err *e)
{
	struct store_account payer;
	call->payer = (struct store_quota_holder){.account_id = app->account_id,
						  .role = (int)app->role,
						  .programme_id = app->programme_id,
						  .token_id = app->token_id};
	if (!form->payer_id || form->payer_id == app->account_id)
		return true;
	if (!store_account_get(app->db, app->arena, form->payer_id, &payer, e))
		return false;
	call->payer = (struct store_quota_holder){.account_id = payer.id, .role = (int)payer.role};
	return true;
}

static bool prepare(struct app *app, const struct app_job_new *form, struct submit_call *call,
		    struct err *e)
{
	const struct app_hooks *hooks = &app->core->hooks;
	if (!app_need_account(app, e) || !check_form(app, form, e) ||
	    !app_token_admit(app, form, e) || !app_programme_admit(app, form, e))
		return false;
	*call = (struct submit_call){.form = form,
				     .key = form->idempotency_key && form->idempotency_key[0]
						? form->idempotency_key
						: NULL};
	call->row = (struct store_job){
	    .id = id_new(),
	    .account_id = app->account_id,
	    .task = form->task,
	    .prompt = form->prompt && !is_blank(form->prompt) ? form->prompt : "",
	    .style = form->style && form->style[0] ? form->style : NULL,
	    .has_seed = form->has_seed,
	    .seed = form->seed,
	    .count = form->count,
	    .guidance = form->guidance,
	    .strength = form->strength,
	    .region_x = form->region[0],
	    .region_y = form->region[1],
	    .region_width = form->region[2],
	    .region_height = form->region[3],
	    .reply_to_post_id = form->reply_to_post_id,
	    .maker = form->maker,
	    .programme = form->programme,
	    .token_id = app->token_id,
	    .programme_id = app->programme_id,
	    .prompt_visibility = form->prompt_visibility,
	    .created_at = app->now_ms,
	};
	if (!app_job_source_check(app, form, &call->row, e) || !set_payer(app, form, call, e))
		return false;
	call->row.same = sameness(app, &call->row, form);
	if (!hooks->job_admit || hooks->job_admit(hooks->context, app, form, e))
		return true;
	if (form->reply_to_post_id && e->code == ERR_BUSY)
		e->code = ERR_LIMIT; /* the post that asks is posted all the same */
	return false;
}

static bool run_submit(struct app *w, const struct app_job_new *form, struct submit_call *call,
		       struct err *e)
{
	return prepare(w, form, call, e) && app_write(w, submit, call, e);
}

bool app_job_submit_in(struct app *w, const struct app_job_new *form, int64_t *job_id,
		       struct err *e)
{
	struct submit_call call = {0};
	if (!run_submit(w, form, &call, e))
		return false;
	*job_id = call.existing_id ? call.existing_id : call.row.id;
	return true;
}

/* As it was when it took its place: nobody has to look that up a second time. */
static bool answer_new(struct app *app, const struct submit_call *call, struct app_job *out,
		       struct err *e)
{
	*out =
	    (struct app_job){.row = call->row, .ahead = call->ahead, .position = call->ahead.jobs};
	return app_job_sources_fill(app, out, e);
}

bool app_job_submit(struct app *app, const struct app_job_new *form, struct app_job *out,
		    struct err *e)
{
	int64_t job_id, before = 0;
	const char *key =
	    form->idempotency_key && form->idempotency_key[0] ? form->idempotency_key : NULL;
	if (!app_need_account(app, e) ||
	    (key && !store_idempotency_find(app->db, app->account_id, KIND_JOB, key, &before, e)))
		return false;
	if (before)
		return app_job_get(app, before, out, e);
	struct submit_call call = {0};
	bool ok = run_submit(app, form, &call, e);
	if (ok && !call.existing_id && call.placed)
		return answer_new(app, &call, out, e);
	job_id = ok && call.existing_id ? call.existing_id : call.row.id;
	if (!ok) {
		struct err ignored = {0};
		if (!key || e->code != ERR_CONFLICT ||
		    !store_idempotency_find(app->db, app->account_id, KIND_JOB, key, &before,
					    &ignored) ||
		    !before)
			return false;
		job_id = before;
	}
	return app_job_get(app, job_id, out, e);
}

/* --- watching --- */

/* Who follows an identical job stands where that one stands. */
static bool fill_place(struct app *app, struct app_job *job, struct err *e)
{
	struct store_job leader = job->row;
	struct err missing = {0};
	if (job->row.leader_id &&
	    !store_job_get(app->db, app->arena, job->row.leader_id, &leader, &missing)) {
		*e = missing;
		return missing.code == ERR_NOT_FOUND;
	}
	if (!store_job_ahead(app->db, &leader, &job->ahead, e))
		return false;
	job->position = job->ahead.jobs;
	return true;
}

static bool fill_one(struct app *app, struct app_job *job, const struct store_media *media,
		     size_t count, struct err *e)
{
	size_t first = 0;
	while (first < count && media[first].job_id != job->row.id)
		first++;
	job->media = media + first;
	while (first + job->media_count < count &&
	       media[first + job->media_count].job_id == job->row.id)
		job->media_count++;
	if (job->row.state == STORE_JOB_QUEUED && !fill_place(app, job, e))
		return false;
	return app_job_sources_fill(app, job, e);
}

static bool fill(struct app *app, const struct store_jobs *rows, struct app_jobs *out,
		 struct err *e)
{
	struct store_media *media;
	size_t count;
	int64_t *ids = ARENA_ARRAY(app->arena, int64_t, rows->count + 1);
	*out = (struct app_jobs){.items = ARENA_ARRAY(app->arena, struct app_job, rows->count + 1),
				 .more = rows->more};
	if (!ids || !out->items)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	for (size_t i = 0; i < rows->count; i++)
		ids[i] = rows->items[i].id;
	if (!store_media_of_jobs(app->db, app->arena, ids, rows->count, &media, &count, e))
		return false;
	for (size_t i = 0; i < rows->count; i++) {
		out->items[i].row = rows->items[i];
		if (!fill_one(app, &out->items[i], media, count, e))
			return false;
	}
	out->count = rows->count;
	if (rows->count > 0) {
		out->first = ids[0];
		out->last = ids[rows->count - 1];
	}
	return true;
}

bool app_job_row(struct app *app, int64_t id, struct store_job *out, struct err *e)
{
	if (!app_need_account(app, e) || !store_job_get(app->db, app->arena, id, out, e))
		return false;
	return out->account_id == app->account_id || app->role >= STORE_ROLE_ADMIN ||
	       err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool app_job_get(struct app *app, int64_t id, struct app_job *out, struct err *e)
{
	struct store_job row;
	struct store_jobs rows = {.items = &row, .count = 1};
	struct app_jobs jobs;
	if (!app_job_row(app, id, &row, e) || !fill(app, &rows, &jobs, e))
		return false;
	*out = jobs.items[0];
	return true;
}

bool app_job_list(struct app *app, const struct store_page *page, struct app_jobs *out,
		  struct err *e)
{
	struct store_jobs rows;
	return app_need_account(app, e) &&
	       store_job_of_account(app->db, app->arena, app->account_id, page, &rows, e) &&
	       fill(app, &rows, out, e);
}

bool app_job_queue(struct app *app, int64_t after_id, int limit, struct app_jobs *out,
		   struct err *e)
{
	struct store_jobs rows;
	struct store_job after;
	if (!app_need_admin(app, e) ||
	    (after_id && !store_job_get(app->db, app->arena, after_id, &after, e)))
		return false;
	if (after_id && after.state >= STORE_JOB_FINISHED)
		return err_set(e, ERR_CONFLICT,
			       "That job has ended meanwhile: begin at the front again.");
	if (!store_job_queue(app->db, app->arena, after_id ? &after : NULL,
			     limit > 0 && limit < QUEUE_MAX ? limit : QUEUE_MAX, &rows, e) ||
	    !fill(app, &rows, out, e))
		return false;
	for (size_t i = 0; i < out->count; i++) {
		struct store_account *account = ARENA_NEW(app->arena, struct store_account);
		if (!store_account_get(app->db, app->arena, out->items[i].row.account_id, account,
				       e))
			return false;
		out->items[i].account = account;
	}
	return true;
}

static void emit_state(struct app *w, int64_t job_id, int64_t account_id)
{
	app_emit(w, &(struct app_event){
			.type = APP_EVENT_JOB, .job_id = job_id, .account_id = account_id});
}

/* It ends without pictures: what it took is given back, and who followed it is drawn. */
static bool end_empty(struct app *w, const struct store_job *job, struct err *e)
{
	emit_state(w, job->id, job->account_id);
	return app_quota_refund(w, job->id, e) && app_queue_promote(w, job, e);
}

static bool cancel(struct app *w, void *context, struct err *e)
{
	const struct store_job *asked = context;
	struct store_job job;
	bool changed;
	if (!store_job_get(w->db, w->arena, asked->id, &job, e) ||
	    !store_job_cancel(w->db, job.id, w->now_ms, &changed, e))
		return false;
	if (!changed)
		return err_set(e, ERR_CONFLICT, "This job has ended already.");
	if (job.account_id != w->account_id &&
	    !store_audit_insert(w->db, w->account_id, "queue.cancel", job.id, "", w->now_ms, e))
		return false;
	bool waited = job.state == STORE_JOB_QUEUED && !job.paused && !job.leader_id;
	return end_empty(w, &job, e) &&
	       (!waited || app_queue_close_up(w, job.maker, job.account_id, job.turn, e));
}

static bool own_job(struct app *app, int64_t id, bool admin_too, struct store_job *out,
		    struct err *e)
{
	if (!app_need_account(app, e) || !store_job_get(app->db, app->arena, id, out, e))
		return false;
	return out->account_id == app->account_id || (admin_too && app->role >= STORE_ROLE_ADMIN) ||
	       err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool app_job_cancel(struct app *app, int64_t id, struct err *e)
{
	struct store_job job;
	return own_job(app, id, true, &job, e) && app_write(app, cancel, &job, e);
}

static bool hide(struct app *w, void *context, struct err *e)
{
	return store_job_hide(w->db, *(int64_t *)context, e);
}

bool app_job_remove(struct app *app, int64_t id, struct err *e)
{
	struct store_job job;
	if (!own_job(app, id, false, &job, e))
		return false;
	if (job.state == STORE_JOB_QUEUED || job.state == STORE_JOB_DRAWING)
		return app_write(app, cancel, &job, e);
	return app_write(app, hide, &id, e);
}

/* --- the workers' side --- */

struct claim_call {
	const char *maker;
	const char *worker;
	int64_t lease_ms;
	struct store_job *out;
	bool claimed, over_cap;
};

/* On PostgreSQL two workers may claim for one account at the same time, each not seeing the other: under the
 * account's lock the later one sees both. */
static bool keeps_cap(struct app *w, const struct store_job *job, bool *kept, struct err *e)
{
	int64_t running;
	bool released;
	if (!store_job_account_lock(w->db, job->account_id, e) ||
	    !store_job_count_running(w->db, job->account_id, &running, e))
		return false;
	*kept = running <= job->running_max;
	return *kept || store_job_release(w->db, job->id, job->lease, &released, e);
}

static bool claim(struct app *w, void *context, struct err *e)
{
	struct claim_call *call = context;
	double clock;
	call->over_cap = false;
	int64_t lease = id_new();
	if (!store_job_claim(w->db, w->arena, call->maker, call->worker, lease,
			     w->now_ms + call->lease_ms, w->now_ms, call->out, &call->claimed, e))
		return false;
	if (!call->claimed)
		return true;
	if (!keeps_cap(w, call->out, &call->claimed, e))
		return false;
	call->over_cap = !call->claimed;
	if (call->over_cap)
		return true;
	emit_state(w, call->out->id, call->out->account_id);
	if (!store_job_turn_get(w->db, call->maker, 0, &clock, e))
		return false;
	return call->out->turn <= clock ||
	       store_job_turn_set(w->db, call->maker, 0, call->out->turn, e);
}

bool app_job_claim(struct app *app, const char *maker, const char *worker, int64_t lease_ms,
		   struct store_job *out, bool *claimed, struct err *e)
{
	struct claim_call call = {
	    .maker = maker, .worker = worker, .lease_ms = lease_ms, .out = out};
	bool waits;
	*claimed = false;
	/* Looking is cheap, writing is not: an idle worker that polls must not make a commit each time. */
	if (!store_job_waits(app->db, maker, &waits, e))
		return false;
	if (!waits)
		return true;
	for (int i = 0; i < CLAIM_TRIES; i++) {
		if (!app_write(app, claim, &call, e))
			return false;
		if (!call.over_cap)
			break;
	}
	*claimed = call.claimed;
	return true;
}

struct end_call {
	const struct store_job *job;
	int64_t lease_until;
	const char *code;
	const char *message;
	const char *model;
	const struct store_media *media;
	const struct store_media *pictures;
	size_t media_count;
	struct app_draft *reply;
};

static bool lost(struct err *e)
{
	return err_set(e, ERR_CANCELLED, "This job was cancelled, or somebody else is drawing it.");
}

static bool renew(struct app *w, void *context, struct err *e)
{
	struct end_call *call = context;
	bool changed;
	if (!store_job_renew(w->db, call->job->id, call->job->lease, call->lease_until, &changed,
			     e))
		return false;
	return changed || lost(e);
}

bool app_job_renew(struct app *app, const struct store_job *job, int64_t lease_ms, struct err *e)
{
	struct end_call call = {.job = job, .lease_until = app->now_ms + lease_ms};
	return app_write(app, renew, &call, e);
}

static bool release(struct app *w, void *context, struct err *e)
{
	const struct store_job *job = ((struct end_call *)context)->job;
	bool changed;
	if (!store_job_release(w->db, job->id, job->lease, &changed, e))
		return false;
	if (!changed)
		return lost(e);
	emit_state(w, job->id, job->account_id);
	app_emit(w, &(struct app_event){
			.type = APP_EVENT_JOB_WAITING, .job_id = job->id, .maker = job->maker});
	return true;
}

const char *app_job_language(struct app *app, const struct store_job *job)
{
	struct store_user user;
	struct err unknown;
	return store_user_get(app->db, app->arena, job->account_id, &user, &unknown) ? user.locale
										     : NULL;
}

bool app_job_release(struct app *app, const struct store_job *job, struct err *e)
{
	struct end_call call = {.job = job};
	return app_write(app, release, &call, e);
}

static struct store_media *pictures_to_media(struct app *app, const struct store_job *job,
					     const char *model, const struct store_media *pictures,
					     size_t count)
{
	struct store_media *media = arena_alloc(app->arena, (count + 1) * sizeof(*media));
	for (size_t i = 0; i < count; i++) {
		struct store_media *m = &media[i];
		*m = pictures[i];
		m->id = id_new();
		m->account_id = job->account_id;
		m->kind = STORE_MEDIA_IMAGE;
		m->description = job->prompt; /* a proposal, for the person to confirm */
		m->job_id = job->id;
		m->job_index = (int)i;
		m->maker = job->maker;
		m->model = model;
		m->style = job->style;
		m->prompt = job->prompt;
		m->source_media_id = job->source_media_id;
		m->source_post_id = job->source_post_id;
		m->created_at = app->now_ms;
	}
	return media;
}

/* Everybody who asked for exactly this gets it too. */
static bool finish_followers(struct app *w, const struct end_call *call, int64_t seed,
			     struct err *e)
{
	struct store_jobs followers;
	if (!store_job_followers(w->db, w->arena, call->job->id, &followers, e))
		return false;
	for (size_t i = 0; i < followers.count; i++) {
		const struct store_job *job = &followers.items[i];
		struct store_media *media =
		    pictures_to_media(w, job, call->model, call->pictures, call->media_count);
		bool changed;
		if (!store_job_follower_finish(w->db, job->id, call->model, seed, w->now_ms,
					       &changed, e))
			return false;
		if (!changed)
			continue;
		for (size_t k = 0; k < call->media_count; k++)
			if (!store_media_insert(w->db, &media[k], e))
				return false;
		if (!app_review_hold(w, job, e) || !store_quota_charges_forget(w->db, job->id, e))
			return false;
		emit_state(w, job->id, job->account_id);
	}
	return true;
}

static bool finish(struct app *w, void *context, struct err *e)
{
	struct end_call *call = context;
	const struct store_job *job = call->job;
	bool changed;
	int64_t seed =
	    call->media_count && call->media[0].has_seed ? call->media[0].seed : job->seed;
	if (!store_job_finish(w->db, job->id, job->lease, call->model, seed, w->now_ms, &changed,
			      e))
		return false;
	if (!changed)
		return lost(e);
	for (size_t i = 0; i < call->media_count; i++)
		if (!store_media_insert(w->db, &call->media[i], e))
			return false;
	if (!app_review_hold(w, job, e))
		return false;
	emit_state(w, job->id, job->account_id);
	if (!store_quota_charges_forget(w->db, job->id, e) || !finish_followers(w, call, seed, e))
		return false;
	return !call->reply || app_draft_write(w, call->reply, e);
}

/* @draw's answer to the post that asked. *reply NULL where that post is gone by now. */
static bool prepare_reply(struct app *app, const struct store_job *job, const char *text,
			  const struct store_media *media, size_t count, struct app_draft **reply,
			  struct err *e)
{
	struct store_post asked;
	struct store_account asker;
	struct err missing = {0};
	struct app draw = *app;
	*reply = NULL;
	if (!job->reply_to_post_id)
		return true;
	draw.account_id = job->account_id;
	draw.role = STORE_ROLE_USER;
	if (!store_post_get(app->db, app->arena, job->reply_to_post_id, &asked, &missing) ||
	    !store_account_get(app->db, app->arena, asked.account_id, &asker, &missing)) {
		*e = missing;
		return missing.code == ERR_NOT_FOUND;
	}
	struct app_post_new form = {
	    .text = arena_printf(app->arena, "@%s %s", app_account_acct(app->arena, &asker), text),
	    .in_reply_to_id = asked.id,
	    .visibility = asked.visibility == STORE_VISIBILITY_PUBLIC ? STORE_VISIBILITY_UNLISTED
								      : asked.visibility,
	    .spoiler_text = asked.spoiler_text,
	    .language = asked.language,
	    .prompt_visibility = STORE_PROMPT_PUBLIC,
	};
	*reply = ARENA_NEW(app->arena, struct app_draft);
	static const struct store_media none[1];
	if (app_draft_prepare(&draw, &form, media ? media : none, count, *reply, &missing))
		return true;
	*reply = NULL;
	*e = missing;
	return missing.code == ERR_NOT_FOUND ||
	       missing.code == ERR_INVALID; /* not to be seen any more */
}

bool app_job_finish(struct app *app, const struct store_job *job, const char *model,
		    const struct store_media *pictures, size_t count, struct err *e)
{
	struct end_call call = {
	    .job = job, .model = model, .pictures = pictures, .media_count = count};
	if (count < 1 || count > COUNT_MAX)
		return err_set(e, ERR_INTERNAL, "A job finishes with 1 to %d pictures.", COUNT_MAX);
	struct store_media *media = pictures_to_media(app, job, model, pictures, count);
	call.media = media;
	return prepare_reply(app, job, job->prompt, media, count, &call.reply, e) &&
	       app_write(app, finish, &call, e);
}

static bool fail(struct app *w, void *context, struct err *e)
{
	struct end_call *call = context;
	bool changed;
	if (!store_job_fail(w->db, call->job->id, call->job->lease, call->code, call->message,
			    w->now_ms, &changed, e))
		return false;
	if (!changed)
		return lost(e);
	return end_empty(w, call->job, e) && (!call->reply || app_draft_write(w, call->reply, e));
}

bool app_job_fail(struct app *app, const struct store_job *job, const char *code,
		  const char *message, struct err *e)
{
	struct end_call call = {.job = job, .code = code, .message = message};
	const char *text =
	    arena_printf(app->arena, "I am sorry, I could not draw this: %s", message);
	return prepare_reply(app, job, text, NULL, 0, &call.reply, e) &&
	       app_write(app, fail, &call, e);
}

struct recover_call {
	const struct store_lease *leases;
	size_t count;
	int64_t recovered;
};

static bool recover_one(struct app *w, const struct store_lease *lease, int64_t *recovered,
			struct err *e)
{
	static const char why[] =
	    "The server stopped several times while drawing this. Please try again.";
	struct store_job job;
	bool found, changed = false;
	if (!store_job_silent(w->db, w->arena, lease, &job, &found, e))
		return false;
	*recovered += found;
	if (!found)
		return true;
	if (job.attempts < w->core->config.job_attempts_max)
		return store_job_give_back(w->db, job.id, job.lease, e);
	return store_job_fail(w->db, job.id, job.lease, "lost", why, w->now_ms, &changed, e) &&
	       (!changed || end_empty(w, &job, e));
}

static bool recover(struct app *w, void *context, struct err *e)
{
	struct recover_call *call = context;
	call->recovered = 0;
	for (size_t i = 0; i < call->count; i++)
		if (!recover_one(w, &call->leases[i], &call->recovered, e))
			return false;
	if (call->recovered)
		app_emit(w, &(struct app_event){.type = APP_EVENT_JOB_WAITING, .maker = ""});
	return true;
}

bool app_job_recover(struct app *app, const struct store_lease *leases, size_t count,
		     int64_t *recovered, struct err *e)
{
	*recovered = 0;
	for (size_t done = 0; done < count; done += RECOVER_AT_A_TIME) {
		size_t rest = count - done;
		struct recover_call call = {.leases = leases + done,
					    .count = rest < RECOVER_AT_A_TIME ? rest
									      : RECOVER_AT_A_TIME};
		if (!app_write(app, recover, &call, e))
			return false;
		*recovered += call.recovered;
	}
	return true;
}

/* --- consent --- */

static const char *consent_name(struct app *app, const char *maker)
{
	return arena_printf(app->arena, "studio:consent:%s", maker);
}

bool app_consent_get(struct app *app, const char *maker, bool *given, struct err *e)
{
	const char *value = NULL;
	*given = false;
	if (app->account_id && !store_preference_get(app->db, app->arena, app->account_id,
						     consent_name(app, maker), &value, e))
		return false;
	*given = value != NULL;
	return true;
}

struct consent_call {
	const char *name;
};

static bool give_consent(struct app *w, void *context, struct err *e)
{
	return store_preference_set(w->db, w->account_id, ((struct consent_call *)context)->name,
				    "yes", e);
}

bool app_consent_give(struct app *app, const char *maker, struct err *e)
{
	struct consent_call call = {consent_name(app, maker)};
	return app_need_account(app, e) && check_name("maker", maker, e) &&
	       app_write(app, give_consent, &call, e);
}

/* --- @draw --- */

bool app_draw_find(struct app *app, int64_t *account_id, struct err *e)
{
	const char *value;
	*account_id = 0;
	if (!store_setting_get(app->db, app->arena, SETTING_DRAW_ACCOUNT, &value, e))
		return false;
	return !value || id_parse(value, account_id) ||
	       err_set(e, ERR_INTERNAL, "draw_account_id is not a number");
}

static bool make_draw_account(struct app *w, void *context, struct err *e)
{
	int64_t id = id_new();
	char text[ID_TEXT_SIZE];
	const char *uri = app_account_uri(w, "draw");
	struct store_account account = {
	    .id = id,
	    .username = "draw",
	    .domain = "",
	    .uri = uri,
	    .url = arena_printf(w->arena, "%s/@draw", w->core->config.base_url),
	    .display_name = "Draw",
	    .note = "Mention me with what you would like to see, and I draw it.",
	    .bot = true,
	    .discoverable = true,
	    .created_at = w->now_ms,
	};
	struct store_account_keys keys = {.inbox_uri = arena_printf(w->arena, "%s/inbox", uri)};
	*(int64_t *)context = id;
	return store_account_insert(w->db, &account, &keys, e) &&
	       store_setting_set(w->db, SETTING_DRAW_ACCOUNT, id_format(text, id), e);
}

bool app_draw_account(struct app *app, int64_t *account_id, struct err *e)
{
	if (!app_draw_find(app, account_id, e))
		return false;
	if (*account_id || app_write(app, make_draw_account, account_id, e))
		return true;
	/* another process was faster */
	return e->code == ERR_CONFLICT && app_draw_find(app, account_id, e) && *account_id;
}

/* The jobs of @draw run under its own account, so the limit on those who ask is kept here. */
static bool draw_submit(struct app *w, const struct store_post *post, int64_t draw_id,
			struct err *e)
{
	const char *maker;
	int64_t job_id;
	struct app draw = *w;
	if (!store_setting_get(w->db, w->arena, SETTING_DRAW_MAKER, &maker, e))
		return false;
	if (!app_limiter_allow(w->core->limiter,
			       arena_printf(w->arena, "draw %lld", (long long)post->account_id),
			       w->core->config.jobs_active_max, w->now_ms))
		return err_set(e, ERR_LIMIT,
			       "You have asked for many pictures. Please wait ten minutes.");
	draw.account_id = draw_id;
	draw.role = STORE_ROLE_USER;
	struct app_job_new form = {
	    .prompt = app_text_without_mentions(w->arena, post->text),
	    .count = 1,
	    .guidance = GUIDANCE_DEFAULT,
	    .maker = maker ? maker : "builtin",
	    .reply_to_post_id = post->id,
	    .payer_id = post->account_id,
	    .prompt_visibility = STORE_PROMPT_PUBLIC,
	};
	return app_job_submit_in(&draw, &form, &job_id, e);
}

bool app_draw_mentioned(struct app *w, const struct store_post *post, struct err *e)
{
	int64_t draw_id;
	bool mentioned;
	struct err why = {0};
	struct app_draft *reply;
	if (!app_draw_find(w, &draw_id, e))
		return false;
	if (!draw_id || draw_id == post->account_id)
		return true;
	if (!store_mention_has(w->db, post->id, draw_id, &mentioned, e))
		return false;
	if (!mentioned || draw_submit(w, post, draw_id, &why))
		return true;
	if (why.code == ERR_IO || why.code == ERR_BUSY || why.code == ERR_INTERNAL ||
	    why.code == ERR_CONFLICT) {
		*e = why;
		return false;
	}
	struct store_job nothing = {.account_id = draw_id, .reply_to_post_id = post->id};
	const char *text =
	    arena_printf(w->arena, "I am sorry, I could not draw this: %s", why.message);
	if (!prepare_reply(w, &nothing, text, NULL, 0, &reply, e))
		return false;
	return !reply || app_draft_write(w, reply, e);
}
