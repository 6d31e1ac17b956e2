/* Reports: sending them, and what moderators do with them. Any thread; no state. */
#include "app/moderation.h"

#include "app/private.h"
#include "base/id.h"
#include "store/setting.h"

#include <string.h>

enum { COMMENT_MAX_CHARACTERS = 1000, POSTS_MAX = 40, NOTE_MAX_CHARACTERS = 2000, STAFF_MAX = 100 };

bool app_notify_staff(struct app *w, enum app_notification_kind kind, int64_t from_account_id,
		      int64_t subject_id, struct err *e)
{
	int64_t ids[STAFF_MAX];
	size_t count;
	if (!store_account_staff(w->db, ids, STAFF_MAX, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (ids[i] != from_account_id &&
		    !app_notify_about(w, ids[i], kind, from_account_id, subject_id, e))
			return false;
	return true;
}

static const char *join_ids(struct arena *arena, const int64_t *ids, size_t count)
{
	const char *text = "";
	for (size_t i = 0; i < count; i++)
		text = arena_printf(arena, i ? "%s %lld" : "%s%lld", text, (long long)ids[i]);
	return text;
}

static bool insert_report(struct app *w, void *context, struct err *e)
{
	const struct store_report *r = context;
	return store_report_insert(w->db, r, e) &&
	       app_notify_staff(w, APP_NOTIFY_REPORT, r->account_id, r->id, e);
}

bool app_report_create(struct app *app, const struct app_report_new *form, struct store_report *out,
		       struct store_account *target, struct err *e)
{
	if (!app_need_account(app, e) ||
	    !app_check_text("comment", form->comment, COMMENT_MAX_CHARACTERS, e) ||
	    !store_account_get(app->db, app->arena, form->target_id, target, e))
		return false;
	if (target->state == STORE_ACCOUNT_DELETED || target->state == STORE_ACCOUNT_PENDING)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (form->post_count > POSTS_MAX)
		return err_set(e, ERR_INVALID,
			       "Validation failed: status_ids has more than %d posts", POSTS_MAX);
	for (size_t i = 0; i < form->post_count; i++) {
		struct app_post post;
		if (!app_post_get(app, form->post_ids[i], &post, e))
			return false;
		if (post.row.account_id != form->target_id)
			return err_set(
			    e, ERR_INVALID,
			    "Validation failed: status_ids names a post of somebody else");
	}
	*out = (struct store_report){
	    .id = id_new(),
	    .account_id = app->account_id,
	    .target_id = form->target_id,
	    .category = form->rule_count ? STORE_REPORT_VIOLATION : form->category,
	    .comment = form->comment,
	    .rule_ids = join_ids(app->arena, form->rule_ids, form->rule_count),
	    .post_ids = join_ids(app->arena, form->post_ids, form->post_count),
	    .created_at = app->now_ms,
	    .updated_at = app->now_ms,
	};
	return app_write(app, insert_report, out, e);
}

/* --- the moderators' side --- */

static bool load_account(struct app *app, int64_t id, struct app_admin_account *out, struct err *e)
{
	struct err missing = {0};
	*out = (struct app_admin_account){0};
	if (!id || app_admin_account(app, id, out, &missing) || missing.code == ERR_NOT_FOUND)
		return true;
	*e = missing;
	return false;
}

size_t app_ids_split(const char *text, int64_t *ids, size_t room)
{
	size_t count = 0;
	while (*text && count < room) {
		size_t n = strcspn(text, " ");
		char one[ID_TEXT_SIZE];
		if (n && n < sizeof one) {
			memcpy(one, text, n);
			one[n] = '\0';
			count += id_parse(one, &ids[count]);
		}
		text += n + (text[n] == ' ');
	}
	return count;
}

static bool fill(struct app *app, const struct store_report *row, struct app_report *out,
		 struct err *e)
{
	int64_t ids[POSTS_MAX];
	*out = (struct app_report){.row = *row};
	size_t count = app_ids_split(row->post_ids, ids, POSTS_MAX);
	return load_account(app, row->account_id, &out->account, e) &&
	       load_account(app, row->target_id, &out->target, e) &&
	       load_account(app, row->assigned_id, &out->assigned, e) &&
	       load_account(app, row->resolved_by, &out->resolved_by, e) &&
	       app_posts_get_in(app, ids, count, APP_VIEW_STAFF, &out->posts, e);
}

bool app_report_list(struct app *app, const struct store_report_filter *filter,
		     const struct store_page *page, struct app_reports *out, struct err *e)
{
	struct store_reports rows;
	*out = (struct app_reports){0};
	if (!app_need_moderator(app, e) ||
	    !store_report_list(app->db, app->arena, filter, page, &rows, e))
		return false;
	out->items = arena_alloc(app->arena, (rows.count + 1) * sizeof(*out->items));
	for (; out->count < rows.count; out->count++)
		if (!fill(app, &rows.items[out->count], &out->items[out->count], e))
			return false;
	out->more = rows.more;
	return true;
}

bool app_report_get(struct app *app, int64_t id, struct app_report *out, struct err *e)
{
	struct store_report row;
	return app_need_moderator(app, e) && store_report_get(app->db, app->arena, id, &row, e) &&
	       fill(app, &row, out, e);
}

struct change_call {
	int64_t id;
	enum app_report_change change;
	enum store_report_category category;
	const char *rule_ids;
};

static bool change_report(struct app *w, void *context, struct err *e)
{
	static const char *const actions[] = {"report.assign", "report.unassign", "report.resolve",
					      "report.reopen", "report.update"};
	const struct change_call *call = context;
	struct store_report r;
	if (!store_report_get(w->db, w->arena, call->id, &r, e))
		return false;
	switch (call->change) {
	case APP_REPORT_ASSIGN:
		r.assigned_id = w->account_id;
		break;
	case APP_REPORT_UNASSIGN:
		r.assigned_id = 0;
		break;
	case APP_REPORT_RESOLVE:
		r.resolved_by = w->account_id;
		r.resolved_at = w->now_ms;
		break;
	case APP_REPORT_REOPEN:
		r.resolved_by = r.resolved_at = 0;
		break;
	case APP_REPORT_CATEGORY:
		r.category = call->category;
		r.rule_ids = call->rule_ids ? call->rule_ids : r.rule_ids;
		break;
	}
	r.updated_at = w->now_ms;
	return store_report_update(w->db, &r, e) &&
	       store_audit_insert(w->db, w->account_id, actions[call->change], r.target_id,
				  arena_printf(w->arena, "report %lld", (long long)r.id), w->now_ms,
				  e);
}

bool app_report_change(struct app *app, int64_t id, enum app_report_change change,
		       enum store_report_category category, const char *rule_ids,
		       struct app_report *out, struct err *e)
{
	struct change_call call = {id, change, category, rule_ids};
	return app_need_moderator(app, e) && app_write(app, change_report, &call, e) &&
	       app_report_get(app, id, out, e);
}

/* --- notes --- */

static bool insert_note(struct app *w, void *context, struct err *e)
{
	const struct store_report_note *n = context;
	return store_report_note_insert(w->db, n, e) &&
	       store_audit_insert(w->db, w->account_id, "report.note", n->report_id, "", w->now_ms,
				  e);
}

bool app_report_note_add(struct app *app, int64_t report_id, const char *text,
			 struct store_report_note *out, struct err *e)
{
	struct store_report report;
	*out = (struct store_report_note){
	    .id = id_new(),
	    .report_id = report_id,
	    .account_id = app->account_id,
	    .text = text,
	    .created_at = app->now_ms,
	};
	return app_need_moderator(app, e) && app_check_text("text", text, NOTE_MAX_CHARACTERS, e) &&
	       store_report_get(app->db, app->arena, report_id, &report, e) &&
	       app_write(app, insert_note, out, e);
}

static bool delete_note(struct app *w, void *context, struct err *e)
{
	const struct store_report_note *n = context;
	bool removed;
	if (!store_report_note_delete(w->db, n->report_id, n->id, &removed, e))
		return false;
	return removed ? store_audit_insert(w->db, w->account_id, "report.note_delete",
					    n->report_id, "", w->now_ms, e)
		       : err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool app_report_note_remove(struct app *app, int64_t report_id, int64_t id, struct err *e)
{
	struct store_report_note n = {.id = id, .report_id = report_id};
	return app_need_moderator(app, e) && app_write(app, delete_note, &n, e);
}

bool app_report_notes(struct app *app, int64_t report_id, struct store_report_note **out,
		      size_t *count, struct err *e)
{
	struct store_report report;
	*out = arena_alloc(app->arena, APP_REPORT_NOTES_MAX * sizeof(**out));
	return app_need_moderator(app, e) &&
	       store_report_get(app->db, app->arena, report_id, &report, e) &&
	       store_report_note_list(app->db, app->arena, report_id, *out, APP_REPORT_NOTES_MAX,
				      count, e);
}
