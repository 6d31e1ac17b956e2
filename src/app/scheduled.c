/* Scheduled posts: kept as the form they were sent as, and posted by app_tick. Any thread; app_scheduled_tick on the
 * one of app_tick. What must stay true: posting and forgetting are one transaction, so a kill in between makes
 * neither none nor two of it. */
#include "app/scheduled.h"

#include "app/private.h"
#include "base/id.h"
#include "base/log.h"
#include "json/read.h"
#include "json/write.h"

#include <string.h>

enum { DAY_MS = 24 * 60 * 60 * 1000, FORM_MAX_BYTES = 1 << 20, KIND_SCHEDULED = 2 };

static const char *const VISIBILITIES[] = {"public", "unlisted", "private", "direct"};
static const char *const POLICIES[] = {"public", "followers", "nobody"};
static const char *const PROMPTS[] = {"public", "remixers", "private"};

/* --- the form as JSON: Mastodon's params, and what is ours --- */

static void put_poll(struct json_writer *w, const struct app_poll_new *poll)
{
	if (!poll) {
		json_put_null(w, "poll");
		return;
	}
	json_put_object(w, "poll");
	json_put_array(w, "options");
	for (size_t i = 0; i < poll->option_count; i++)
		json_put_str(w, NULL, poll->options[i]);
	json_put_end(w);
	json_put_int(w, "expires_in", poll->expires_in_s);
	json_put_bool(w, "multiple", poll->multiple);
	json_put_bool(w, "hide_totals", poll->hide_totals);
	json_put_end(w);
}

static bool write_form(struct app *app, const struct app_post_new *f, const char **out,
		       struct err *e)
{
	struct buf b;
	struct json_writer w;
	buf_init(&b, FORM_MAX_BYTES);
	json_begin(&w, &b);
	json_put_object(&w, NULL);
	json_put_str(&w, "text", f->text ? f->text : "");
	json_put_array(&w, "media_ids");
	for (size_t i = 0; i < f->media_count; i++)
		json_put_id(&w, NULL, f->media_ids[i]);
	json_put_end(&w);
	json_put_bool(&w, "sensitive", f->sensitive);
	json_put_str(&w, "spoiler_text", f->spoiler_text ? f->spoiler_text : "");
	json_put_str(&w, "visibility", VISIBILITIES[f->visibility]);
	json_put_str(&w, "language", f->language);
	json_put_id(&w, "in_reply_to_id", f->in_reply_to_id);
	json_put_id(&w, "quoted_status_id", f->quote_of_id);
	json_put_str(&w, "quote_approval_policy", POLICIES[f->quote_policy]);
	json_put_id(&w, "application_id", f->app_id);
	json_put_null(&w, "scheduled_at");
	json_put_str(&w, "idempotency", f->idempotency_key);
	json_put_bool(&w, "with_rate_limit", false);
	put_poll(&w, f->poll);
	json_put_object(&w, "madang");
	json_put_str(&w, "prompt_visibility", PROMPTS[f->prompt_visibility]);
	json_put_bool(&w, "remixable", !f->not_remixable);
	json_put_end(&w);
	json_put_end(&w);
	bool ok = json_finish(&w, e);
	*out = ok ? arena_strndup(app->arena, b.data, b.length) : NULL;
	buf_finish(&b);
	return ok;
}

static int index_of(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return 0;
}

static int64_t get_id(const struct json_value *v, const char *name)
{
	int64_t id = 0;
	return id_parse(json_get_str(v, name, ""), &id) ? id : 0;
}

static struct app_poll_new *read_poll(struct app *app, const struct json_value *v)
{
	const struct json_value *options = json_get(v, "options");
	if (!options)
		return NULL;
	struct app_poll_new *poll = ARENA_NEW(app->arena, struct app_poll_new);
	for (size_t i = 0; i < options->length && i < STORE_POLL_OPTIONS_MAX; i++)
		poll->options[poll->option_count++] = options->items[i].s;
	poll->expires_in_s = json_get_int(v, "expires_in", 0);
	poll->multiple = json_get_bool(v, "multiple", false);
	poll->hide_totals = json_get_bool(v, "hide_totals", false);
	return poll;
}

static bool read_form(struct app *app, const struct store_scheduled *row, struct app_post_new *out,
		      struct err *e)
{
	const struct json_value *v, *media, *ours;
	if (!json_parse(app->arena, row->form, strlen(row->form), NULL, &v, e))
		return false;
	media = json_get(v, "media_ids");
	ours = json_get(v, "madang");
	int64_t *ids = arena_alloc(app->arena, (media->length + 1) * sizeof(*ids));
	*out = (struct app_post_new){
	    .text = json_get_str(v, "text", ""),
	    .media_ids = ids,
	    .in_reply_to_id = get_id(v, "in_reply_to_id"),
	    .quote_of_id = get_id(v, "quoted_status_id"),
	    .visibility = (enum store_visibility)index_of(VISIBILITIES, 4,
							  json_get_str(v, "visibility", "direct")),
	    .spoiler_text = json_get_str(v, "spoiler_text", ""),
	    .sensitive = json_get_bool(v, "sensitive", false),
	    .language = json_get_str(v, "language", NULL),
	    .prompt_visibility = (enum store_prompt_visibility)index_of(
		PROMPTS, 3, json_get_str(ours, "prompt_visibility", "public")),
	    .not_remixable = !json_get_bool(ours, "remixable", true),
	    .app_id = get_id(v, "application_id"),
	    .quote_policy = (enum store_quote_policy)index_of(
		POLICIES, 3, json_get_str(v, "quote_approval_policy", "public")),
	    .poll = read_poll(app, json_get(v, "poll")),
	    .scheduled_id = row->id,
	};
	for (size_t i = 0; i < media->length; i++)
		if (id_parse(media->items[i].s, &ids[out->media_count]))
			out->media_count++;
	return true;
}

/* --- keeping --- */

struct create_call {
	const struct app_post_new *form;
	struct store_scheduled row;
	int64_t existing_id;
};

static bool create(struct app *w, void *context, struct err *e)
{
	struct create_call *call = context;
	const char *key = call->form->idempotency_key;
	int64_t all, today, day = call->row.scheduled_at - call->row.scheduled_at % DAY_MS;
	call->existing_id = 0;
	if (key && !store_idempotency_find(w->db, w->account_id, KIND_SCHEDULED, key,
					   &call->existing_id, e))
		return false;
	if (call->existing_id)
		return true;
	if (!store_scheduled_count(w->db, w->account_id, day, day + DAY_MS, &all, &today, e))
		return false;
	if (all >= APP_SCHEDULED_MAX || today >= APP_SCHEDULED_A_DAY_MAX)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: You have exceeded the limit of %d scheduled posts%s",
		    all >= APP_SCHEDULED_MAX ? APP_SCHEDULED_MAX : APP_SCHEDULED_A_DAY_MAX,
		    all >= APP_SCHEDULED_MAX ? "" : " for that day");
	if (!store_scheduled_insert(w->db, &call->row, e))
		return false;
	for (size_t i = 0; i < call->form->media_count; i++)
		if (!store_scheduled_hold(w->db, call->row.id, call->form->media_ids[i], e))
			return false;
	return !key || store_idempotency_insert(w->db, w->account_id, KIND_SCHEDULED, key,
						call->row.id, w->now_ms, e);
}

static bool check_time(struct app *app, int64_t at_ms, struct err *e)
{
	return at_ms > app->now_ms ||
	       err_set(e, ERR_INVALID, "Validation failed: scheduled_at must be in the future");
}

bool app_scheduled_create(struct app *app, const struct app_post_new *form, int64_t at_ms,
			  struct app_scheduled *out, struct err *e)
{
	struct app_draft draft;
	struct create_call call = {.form = form};
	int64_t before = 0;
	if (!app_need_account(app, e) ||
	    (form->idempotency_key &&
	     !store_idempotency_find(app->db, app->account_id, KIND_SCHEDULED,
				     form->idempotency_key, &before, e)))
		return false;
	if (before)
		return app_scheduled_get(app, before, out, e);
	if (form->visibility != STORE_VISIBILITY_DIRECT &&
	    (!app_token_seen_in(app, form->text, e) ||
	     !app_token_seen_in(app, form->spoiler_text, e)))
		return false;
	if (!check_time(app, at_ms, e) || !app_draft_prepare(app, form, NULL, 0, &draft, e) ||
	    !write_form(app, form, &call.row.form, e))
		return false;
	call.row.id = id_new();
	call.row.account_id = app->account_id;
	call.row.scheduled_at = at_ms;
	call.row.created_at = app->now_ms;
	return app_write(app, create, &call, e) &&
	       app_scheduled_get(app, call.existing_id ? call.existing_id : call.row.id, out, e);
}

static bool fill(struct app *app, struct app_scheduled *s, struct err *e)
{
	struct app_post_new form;
	if (!read_form(app, &s->row, &form, e))
		return false;
	struct store_media *media =
	    arena_alloc(app->arena, (form.media_count + 1) * sizeof(*media));
	for (size_t i = 0; i < form.media_count; i++) {
		if (store_media_get(app->db, app->arena, form.media_ids[i], &media[s->media_count],
				    e))
			s->media_count++;
		else if (e->code != ERR_NOT_FOUND)
			return false;
	}
	s->media = media;
	return true;
}

bool app_scheduled_list(struct app *app, const struct store_page *page, struct app_scheduleds *out,
			struct err *e)
{
	struct store_scheduled rows[STORE_PAGE_MAX];
	*out = (struct app_scheduleds){0};
	if (!app_need_account(app, e) ||
	    !store_scheduled_list(app->db, app->arena, app->account_id, page, rows, &out->count, e))
		return false;
	out->items = arena_alloc(app->arena, (out->count + 1) * sizeof(*out->items));
	for (size_t i = 0; i < out->count; i++) {
		out->items[i].row = rows[i];
		if (!fill(app, &out->items[i], e))
			return false;
	}
	if (out->count > 0) {
		out->first = rows[0].id;
		out->last = rows[out->count - 1].id;
	}
	out->more = out->count == (size_t)store_page_limit(page);
	return true;
}

bool app_scheduled_get(struct app *app, int64_t id, struct app_scheduled *out, struct err *e)
{
	*out = (struct app_scheduled){0};
	return app_need_account(app, e) &&
	       store_scheduled_get(app->db, app->arena, app->account_id, id, &out->row, e) &&
	       fill(app, out, e);
}

struct move_call {
	int64_t id;
	int64_t at_ms;
};

static bool move(struct app *w, void *context, struct err *e)
{
	struct move_call *call = context;
	return store_scheduled_set_time(w->db, call->id, call->at_ms, e);
}

bool app_scheduled_move(struct app *app, int64_t id, int64_t at_ms, struct app_scheduled *out,
			struct err *e)
{
	struct move_call call = {id, at_ms};
	return app_scheduled_get(app, id, out, e) && check_time(app, at_ms, e) &&
	       app_write(app, move, &call, e) && app_scheduled_get(app, id, out, e);
}

static bool forget(struct app *w, void *context, struct err *e)
{
	return store_scheduled_delete(w->db, *(int64_t *)context, e);
}

bool app_scheduled_delete(struct app *app, int64_t id, struct err *e)
{
	struct app_scheduled s;
	return app_scheduled_get(app, id, &s, e) && app_write(app, forget, &id, e);
}

/* --- posting --- */

static bool publish(struct app *w, void *context, struct err *e)
{
	const struct store_scheduled *row = context;
	struct app_post_new form;
	struct app_draft draft;
	struct store_account author;
	if (!store_account_get(w->db, w->arena, w->account_id, &author, e) ||
	    !read_form(w, row, &form, e))
		return false;
	if (author.state != STORE_ACCOUNT_ACTIVE)
		return err_set(e, ERR_FORBIDDEN, "its account is not active");
	if (!app_draft_prepare(w, &form, NULL, 0, &draft, e)) {
		if (e->code != ERR_NOT_FOUND || !form.in_reply_to_id)
			return false;
		form.in_reply_to_id = 0; /* what it answers is gone: it is said all the same */
		if (!app_draft_prepare(w, &form, NULL, 0, &draft, e))
			return false;
	}
	return app_draft_write(w, &draft, e);
}

/* The post's own failures end it, with a line in the log; those of the database are tried again. */
static bool publish_or_drop(struct app *w, void *context, struct err *e)
{
	struct store_scheduled *row = context, now;
	struct app author = *w;
	struct err why = {0};
	author.account_id = row->account_id;
	author.filters = NULL;
	if (!store_scheduled_get(w->db, w->arena, row->account_id, row->id, &now, e))
		return e->code == ERR_NOT_FOUND;
	if (!app_write(&author, publish, &now, &why)) {
		if (why.code == ERR_IO || why.code == ERR_BUSY || why.code == ERR_NO_MEMORY ||
		    why.code == ERR_INTERNAL) {
			*e = why;
			return false;
		}
		log_warn("scheduled.dropped", LOG_INT("id", row->id), LOG_ERR(&why));
	}
	return store_scheduled_delete(w->db, row->id, e);
}

bool app_scheduled_tick(struct app *app, bool *more, struct err *e)
{
	struct store_scheduled row;
	bool found;
	if (!store_scheduled_due(app->db, app->arena, app->now_ms, &row, &found, e))
		return false;
	if (!found)
		return true;
	*more = true;
	return app_write(app, publish_or_drop, &row, e);
}
