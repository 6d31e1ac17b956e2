/* Lists. Any thread; no state. What must stay true: a list belongs to one account, which alone sees it, and holds
 * only accounts that this one follows (or itself); whoever is followed no more is out of it (relation.c). */
#include "app/list.h"

#include "app/private.h"
#include "base/id.h"
#include "store/follow.h"

#include <string.h>

enum { BACKFILL_POSTS = 40 };

static bool take_form(const struct app_list_form *form, struct store_list *list, struct err *e)
{
	if (form->title) {
		if (!app_check_text("title", form->title, APP_LIST_TITLE_CHARACTERS, e))
			return false;
		if (!form->title[strspn(form->title, " \t\r\n")])
			return err_set(e, ERR_INVALID, "Validation failed: Title can't be blank");
		list->title = form->title;
	}
	if (form->replies)
		list->replies = *form->replies;
	if (form->exclusive)
		list->exclusive = *form->exclusive;
	return list->title || err_set(e, ERR_INVALID, "Validation failed: Title can't be blank");
}

static bool create(struct app *w, void *context, struct err *e)
{
	struct store_list *old = arena_alloc(w->arena, STORE_LISTS_MAX * sizeof(*old));
	size_t count;
	if (!store_list_of_account(w->db, w->arena, w->account_id, 0, old, &count, e))
		return false;
	if (count >= STORE_LISTS_MAX)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: You have reached the maximum number of lists (%d)",
		    STORE_LISTS_MAX);
	return store_list_insert(w->db, context, e);
}

bool app_list_create(struct app *app, const struct app_list_form *form, struct store_list *out,
		     struct err *e)
{
	*out = (struct store_list){
	    .id = id_new(),
	    .account_id = app->account_id,
	    .replies = STORE_REPLIES_LIST,
	    .created_at = app->now_ms,
	};
	return app_need_account(app, e) && take_form(form, out, e) &&
	       app_write(app, create, out, e);
}

static bool update(struct app *w, void *context, struct err *e)
{
	return store_list_update(w->db, context, e);
}

bool app_list_update(struct app *app, int64_t id, const struct app_list_form *form,
		     struct store_list *out, struct err *e)
{
	return app_list_get(app, id, out, e) && take_form(form, out, e) &&
	       app_write(app, update, out, e);
}

static bool remove_list(struct app *w, void *context, struct err *e)
{
	return store_list_delete(w->db, *(int64_t *)context, e);
}

bool app_list_delete(struct app *app, int64_t id, struct err *e)
{
	struct store_list list;
	return app_list_get(app, id, &list, e) && app_write(app, remove_list, &id, e);
}

bool app_list_get(struct app *app, int64_t id, struct store_list *out, struct err *e)
{
	return app_need_account(app, e) &&
	       store_list_get(app->db, app->arena, app->account_id, id, out, e);
}

bool app_list_all(struct app *app, int64_t member_id, struct store_list **out, size_t *count,
		  struct err *e)
{
	*out = arena_alloc(app->arena, STORE_LISTS_MAX * sizeof(**out));
	return app_need_account(app, e) &&
	       store_list_of_account(app->db, app->arena, app->account_id, member_id, *out, count,
				     e);
}

bool app_list_members(struct app *app, int64_t id, const struct store_page *page,
		      struct store_accounts *out, struct err *e)
{
	struct store_list list;
	return app_list_get(app, id, &list, e) &&
	       store_list_members(app->db, app->arena, id, page, out, e);
}

struct members_call {
	const struct store_list *list;
	const int64_t *ids;
	size_t count;
};

static bool follows(struct app *w, int64_t id, struct err *e)
{
	struct store_relation relations[7];
	size_t count;
	if (id == w->account_id)
		return true;
	if (!store_relation_get(w->db, w->account_id, &id, 1, relations, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (relations[i].kind == STORE_RELATION_FOLLOWING)
			return true;
	return err_set(e, ERR_NOT_FOUND, "Record not found");
}

static bool add_members(struct app *w, void *context, struct err *e)
{
	struct members_call *call = context;
	int64_t members;
	if (!store_list_member_count(w->db, call->list->id, &members, e))
		return false;
	if (members + (int64_t)call->count > STORE_LIST_MEMBERS_MAX)
		return err_set(e, ERR_INVALID, "Validation failed: A list has at most %d accounts",
			       STORE_LIST_MEMBERS_MAX);
	for (size_t i = 0; i < call->count; i++) {
		bool added;
		if (!follows(w, call->ids[i], e) ||
		    !store_list_member_add(w->db, id_new(), call->list, call->ids[i], &added, e))
			return false;
		if (!added)
			return err_set(e, ERR_INVALID,
				       "Validation failed: Account has already been taken");
		if (!store_list_backfill(w->db, call->list->id, call->ids[i], BACKFILL_POSTS, e))
			return false;
	}
	return true;
}

static bool remove_members(struct app *w, void *context, struct err *e)
{
	struct members_call *call = context;
	for (size_t i = 0; i < call->count; i++)
		if (!store_list_member_remove(w->db, call->list->id, call->ids[i], e))
			return false;
	return true;
}

static bool change_members(struct app *app, int64_t id, app_write_fn *fn, const int64_t *ids,
			   size_t count, struct err *e)
{
	struct store_list list;
	struct members_call call = {&list, ids, count};
	return app_list_get(app, id, &list, e) && app_write(app, fn, &call, e);
}

bool app_list_members_add(struct app *app, int64_t id, const int64_t *account_ids, size_t count,
			  struct err *e)
{
	return change_members(app, id, add_members, account_ids, count, e);
}

bool app_list_members_remove(struct app *app, int64_t id, const int64_t *account_ids, size_t count,
			     struct err *e)
{
	return change_members(app, id, remove_members, account_ids, count, e);
}

bool app_list_timeline(struct app *app, int64_t id, const struct store_page *page,
		       struct app_posts *out, struct err *e)
{
	struct store_list list;
	struct store_posts rows;
	return app_list_get(app, id, &list, e) &&
	       store_list_posts(app->db, app->arena, id, page, &rows, e) &&
	       app_posts_view(app, &rows, out, e);
}

bool app_list_owner(struct app *app, int64_t id, int64_t *owner_id, struct err *e)
{
	return store_list_owner(app->db, id, owner_id, e);
}

bool app_list_has(struct app *app, int64_t id, int64_t post_id, bool *has, struct err *e)
{
	return store_list_has(app->db, id, post_id, has, e);
}
