/* Announcements. Any thread; no state. What must stay true: who is no administrator sees only what is published and
 * not over; every change by a person stands in the audit log; what is told live is what everybody may see. */
#include "app/announcement.h"

#include "app/private.h"
#include "app/reaction.h"
#include "app/text.h"
#include "base/id.h"
#include "base/str.h"
#include "store/setting.h"

#include <string.h>

enum { TEXT_MAX_CHARACTERS = 5000, REACTIONS_READ_MAX = 8 * APP_REACTIONS_MAX };

static bool fill_mentions(struct app *app, const struct app_draft *found,
			  struct app_announcement *out, struct err *e)
{
	struct store_account *items =
	    arena_alloc(app->arena, (found->mention_count + 1) * sizeof(*items));
	for (size_t i = 0; i < found->mention_count; i++)
		if (!store_account_get(app->db, app->arena, found->mention_ids[i], &items[i], e))
			return false;
	out->mentions = items;
	out->mention_count = found->mention_count;
	return true;
}

/* Such that is in use; NULL: there is none. */
static const struct store_emoji *own_emoji(struct app *app, const char *shortcode)
{
	struct store_emoji *found = ARENA_NEW(app->arena, struct store_emoji);
	const char *text = arena_printf(app->arena, ":%s:", shortcode);
	return app_emojis_in(app, &text, 1, found, 1) && !strcmp(found->shortcode, shortcode)
		   ? found
		   : NULL;
}

/* Reactions with an emoji that is out of use are left out: nothing would be shown but its name. */
static bool fill_reactions(struct app *app, struct app_announcement *out, struct err *e)
{
	struct store_reaction rows[REACTIONS_READ_MAX];
	size_t count;
	if (!store_reaction_list(app->db, app->arena, out->row.id, app->account_id, rows,
				 REACTIONS_READ_MAX, &count, e))
		return false;
	for (size_t i = 0; i < count && out->reaction_count < APP_REACTIONS_MAX; i++) {
		bool unicode = app_reaction_is_emoji(rows[i].name);
		const struct store_emoji *own = unicode ? NULL : own_emoji(app, rows[i].name);
		if (unicode || own)
			out->reactions[out->reaction_count++] =
			    (struct app_reaction){rows[i].name, rows[i].count, rows[i].me, own};
	}
	return true;
}

static bool fill(struct app *app, const struct store_announcement *row,
		 struct app_announcement *out, struct err *e)
{
	struct app_text *scanned = ARENA_NEW(app->arena, struct app_text);
	struct app_posts posts = {0};
	struct app_draft found = {0};
	app_text_scan(app->arena, row->text, scanned);
	*out = (struct app_announcement){.row = *row};
	if (!app_draft_mentions(app, scanned, &found, e) || !fill_mentions(app, &found, out, e))
		return false;
	out->html = app_text_html(app->arena, app->core->config.base_url, row->text, scanned);
	out->tags = scanned->tags;
	out->tag_count = scanned->tag_count;
	if (row->post_id && !app_post_get_many(app, &row->post_id, 1, &posts, e))
		return false;
	out->post = posts.count ? &posts.items[0] : NULL;
	return fill_reactions(app, out, e);
}

bool app_announcements(struct app *app, bool all, bool with_read, struct app_announcement **out,
		       size_t *count, struct err *e)
{
	struct store_announcement *rows =
	    arena_alloc(app->arena, APP_ANNOUNCEMENTS_MAX * sizeof(*rows));
	size_t found;
	*count = 0;
	if (!app_need_account(app, e) || (all && !app_need_admin(app, e)) ||
	    !store_announcement_list(app->db, app->arena, app->account_id, all ? 0 : app->now_ms,
				     rows, APP_ANNOUNCEMENTS_MAX, &found, e))
		return false;
	*out = arena_alloc(app->arena, (found + 1) * sizeof(**out));
	for (size_t i = 0; i < found; i++)
		if ((with_read || !rows[i].read) && !fill(app, &rows[i], &(*out)[(*count)++], e))
			return false;
	return true;
}

bool app_announcement_told(struct app *app, int64_t id, struct app_announcement *out, struct err *e)
{
	struct store_announcement row;
	if (!store_announcement_get(app->db, app->arena, id, app->account_id, &row, e))
		return false;
	if (!row.published && app->role < STORE_ROLE_ADMIN)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	return fill(app, &row, out, e);
}

bool app_announcement_get(struct app *app, int64_t id, struct app_announcement *out, struct err *e)
{
	return app_need_account(app, e) && app_announcement_told(app, id, out, e);
}

static bool mark_read(struct app *w, void *context, struct err *e)
{
	return store_announcement_read(w->db, *(int64_t *)context, w->account_id, e);
}

bool app_announcement_read(struct app *app, int64_t id, struct err *e)
{
	struct app_announcement a;
	return app_announcement_get(app, id, &a, e) && app_write(app, mark_read, &id, e);
}

struct react_call {
	int64_t id;
	const char *name;
	bool on;
};

static bool react(struct app *w, void *context, struct err *e)
{
	const struct react_call *call = context;
	app_emit(w, &(struct app_event){.type = APP_EVENT_ANNOUNCEMENT_REACTION,
					.announcement_id = call->id,
					.name = call->name});
	return store_reaction_set(w->db, call->id, w->account_id, call->name, call->on, w->now_ms,
				  e);
}

bool app_announcement_react(struct app *app, int64_t id, const char *name, bool on, struct err *e)
{
	struct react_call call = {id, name, on};
	struct app_announcement a;
	bool there = false;
	if (!app_announcement_get(app, id, &a, e))
		return false;
	if (on && !app_reaction_is_emoji(name) && !own_emoji(app, name))
		return err_set(e, ERR_INVALID, "Validation failed: name is not a recognized emoji");
	for (size_t i = 0; i < a.reaction_count; i++)
		there |= strcmp(a.reactions[i].name, name) == 0;
	if (!on && !there)
		return true;
	if (on && !there && a.reaction_count == APP_REACTIONS_MAX)
		return err_set(e, ERR_INVALID,
			       "Validation failed: there are %d different reactions already",
			       APP_REACTIONS_MAX);
	return app_write(app, react, &call, e);
}

/* --- writing them --- */

struct save_call {
	struct store_announcement row;
	bool is_new;
	bool was_published;
};

static void tell(struct app *w, const struct store_announcement *row, bool was_published)
{
	if (row->published || was_published)
		app_emit(w, &(struct app_event){.type = row->published
							    ? APP_EVENT_ANNOUNCEMENT
							    : APP_EVENT_ANNOUNCEMENT_DELETED,
						.announcement_id = row->id});
}

static bool save(struct app *w, void *context, struct err *e)
{
	const struct save_call *call = context;
	const struct store_announcement *row = &call->row;
	bool ok = call->is_new ? store_announcement_insert(w->db, row, e)
			       : store_announcement_update(w->db, row, e);
	tell(w, row, call->was_published);
	return ok &&
	       store_audit_insert(w->db, w->account_id,
				  call->is_new ? "announcement.create" : "announcement.update",
				  row->id, row->published ? "published" : "", w->now_ms, e);
}

/* What readers follow must be open to them. */
static bool check_thread(struct app *app, int64_t post_id, struct err *e)
{
	struct app_post post;
	if (!post_id)
		return true;
	if (!app_post_get(app, post_id, &post, e))
		return e->code == ERR_NOT_FOUND
			   ? err_set(e, ERR_INVALID,
				     "Validation failed: status_id is no post that can be seen")
			   : false;
	return (!post.boost_of && post.row.visibility <= STORE_VISIBILITY_UNLISTED) ||
	       err_set(e, ERR_INVALID, "Validation failed: status_id is not a public post");
}

bool app_announcement_may_write(struct app *app, struct err *e)
{
	return app_need_admin(app, e);
}

bool app_announcement_save(struct app *app, const struct store_announcement *form, int64_t *id,
			   struct err *e)
{
	struct save_call call = {.row = *form, .is_new = form->id == 0};
	struct store_announcement *row = &call.row, before;
	if (!app_need_admin(app, e) || !app_check_text("text", row->text, TEXT_MAX_CHARACTERS, e))
		return false;
	if (!row->text[strspn(row->text, " \t\r\n")])
		return err_set(e, ERR_INVALID, "Validation failed: text can't be blank");
	if (row->starts_at && row->ends_at && row->ends_at < row->starts_at)
		return err_set(e, ERR_INVALID, "Validation failed: ends_at is before starts_at");
	if (!check_thread(app, row->post_id, e))
		return false;
	if (call.is_new) {
		row->id = id_new();
		row->created_at = app->now_ms;
	} else if (store_announcement_get(app->db, app->arena, row->id, app->account_id, &before,
					  e)) {
		call.was_published = before.published;
	} else {
		return false;
	}
	if (row->scheduled_at > app->now_ms)
		row->published = false;
	else
		row->scheduled_at = 0;
	row->updated_at = app->now_ms;
	if (row->published && !call.was_published)
		row->published_at = app->now_ms;
	*id = row->id;
	return app_write(app, save, &call, e);
}

static bool remove_announcement(struct app *w, void *context, struct err *e)
{
	const struct store_announcement *row = context;
	struct store_announcement gone = *row;
	gone.published = false;
	tell(w, &gone, row->published);
	return store_announcement_delete(w->db, row->id, e) &&
	       store_audit_insert(w->db, w->account_id, "announcement.delete", row->id, "",
				  w->now_ms, e);
}

bool app_announcement_remove(struct app *app, int64_t id, struct err *e)
{
	struct store_announcement row;
	return app_need_admin(app, e) &&
	       store_announcement_get(app->db, app->arena, id, app->account_id, &row, e) &&
	       app_write(app, remove_announcement, &row, e);
}

/* --- by themselves --- */

static bool turn(struct app *w, void *context, struct err *e)
{
	struct store_announcement now, before;
	if (!store_announcement_get(w->db, w->arena, *(int64_t *)context, 0, &before, e))
		return e->code == ERR_NOT_FOUND;
	now = before;
	if (now.scheduled_at) { /* its time has come */
		now.scheduled_at = 0;
		now.published = true;
		now.published_at = w->now_ms;
	} else { /* it is over */
		now.published = false;
	}
	tell(w, &now, before.published);
	return store_announcement_update(w->db, &now, e);
}

bool app_announcement_tick(struct app *app, bool *more, struct err *e)
{
	struct store_announcement row;
	bool found;
	if (!store_announcement_due(app->db, app->arena, app->now_ms, &row, &found, e))
		return false;
	*more |= found;
	return !found || app_write(app, turn, &row.id, e);
}
