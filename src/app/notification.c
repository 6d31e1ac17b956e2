/* Notifications: telling, listing, taking back. Any thread; no state. */
#include "app/notification.h"

#include "app/private.h"
#include "base/id.h"
#include "store/follow.h"
#include "store/notification.h"
#include "store/setting.h"

#include <string.h>

const char *app_notification_name(enum app_notification_kind kind)
{
	static const char *const names[APP_NOTIFY_KINDS] = {
	    [APP_NOTIFY_MENTION] = "mention",
	    [APP_NOTIFY_REBLOG] = "reblog",
	    [APP_NOTIFY_FAVOURITE] = "favourite",
	    [APP_NOTIFY_FOLLOW] = "follow",
	    [APP_NOTIFY_FOLLOW_REQUEST] = "follow_request",
	    [APP_NOTIFY_STATUS] = "status",
	    [APP_NOTIFY_QUOTE] = "quote",
	    [APP_NOTIFY_UPDATE] = "update",
	    [APP_NOTIFY_SIGN_UP] = "admin.sign_up",
	    [APP_NOTIFY_POLL] = "poll",
	    [APP_NOTIFY_QUOTED_UPDATE] = "quoted_update",
	    [APP_NOTIFY_REPORT] = "admin.report",
	    [APP_NOTIFY_WARNING] = "moderation_warning",
	};
	return kind < APP_NOTIFY_KINDS ? names[kind] : NULL;
}

bool app_notify(struct app *w, int64_t account_id, enum app_notification_kind kind,
		int64_t from_account_id, int64_t post_id, struct err *e)
{
	struct store_relation relations[7];
	struct store_account account;
	size_t count;
	bool added;
	if (account_id == from_account_id || account_id == 0)
		return true;
	if (!store_account_get(w->db, w->arena, account_id, &account, e))
		return e->code == ERR_NOT_FOUND;
	if (account.domain[0])
		return true; /* told by its own server */
	if (!store_relation_get(w->db, account_id, &from_account_id, 1, relations, &count, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct store_relation *r = &relations[i];
		bool over = r->expires_at && r->expires_at <= w->now_ms;
		if (r->kind == STORE_RELATION_BLOCKING ||
		    (r->kind == STORE_RELATION_MUTING && r->flag_1 && !over))
			return true;
	}
	struct store_notification n = {
	    .id = id_new(),
	    .account_id = account_id,
	    .kind = kind,
	    .from_account_id = from_account_id,
	    .post_id = post_id,
	    .created_at = w->now_ms,
	};
	if (!store_notification_insert(w->db, &n, &added, e))
		return false;
	if (added)
		app_emit(w, &(struct app_event){
				.type = APP_EVENT_NOTIFICATION,
				.notification_id = n.id,
				.account_id = account_id,
				.post_id = post_id,
			    });
	return true;
}

static const struct store_account *find_account(const struct store_accounts *accounts, int64_t id)
{
	for (size_t i = 0; i < accounts->count; i++)
		if (accounts->items[i].id == id)
			return &accounts->items[i];
	return NULL;
}

static const struct app_post *find_post(const struct app_posts *posts, int64_t id)
{
	for (size_t i = 0; i < posts->count; i++)
		if (posts->items[i].row.id == id)
			return &posts->items[i];
	return NULL;
}

/* Rows become notifications; those whose account or post is not to be seen are left out. */
static bool fill(struct app *app, const struct store_notification *rows, size_t count,
		 struct app_notifications *out, struct err *e)
{
	int64_t account_ids[STORE_PAGE_MAX], post_ids[STORE_PAGE_MAX];
	size_t posts_wanted = 0, found = 0;
	struct store_accounts accounts = {
	    .items = arena_alloc(app->arena, (count + 1) * sizeof(*accounts.items))};
	struct app_posts posts = {0};
	for (size_t i = 0; i < count; i++) {
		account_ids[i] = rows[i].from_account_id;
		if (rows[i].post_id)
			post_ids[posts_wanted++] = rows[i].post_id;
	}
	if (!store_account_get_many(app->db, app->arena, account_ids, count, accounts.items, &found,
				    e) ||
	    !app_post_get_many(app, post_ids, posts_wanted, &posts, e))
		return false;
	accounts.count = found;
	out->items = arena_alloc(app->arena, (count + 1) * sizeof(*out->items));
	out->count = 0;
	for (size_t i = 0; i < count; i++) {
		struct app_notification n = {
		    .id = rows[i].id,
		    .kind = (enum app_notification_kind)rows[i].kind,
		    .created_at = rows[i].created_at,
		    .account = find_account(&accounts, rows[i].from_account_id),
		    .post = find_post(&posts, rows[i].post_id),
		};
		if (n.account && (n.post || rows[i].post_id == 0))
			out->items[out->count++] = n;
	}
	return true;
}

bool app_notification_list(struct app *app, unsigned kinds, int64_t from_account_id,
			   const struct store_page *page, struct app_notifications *out,
			   struct err *e)
{
	struct store_notification rows[STORE_PAGE_MAX];
	size_t count;
	*out = (struct app_notifications){0};
	if (!app_need_account(app, e) ||
	    !store_notification_list(app->db, app->account_id, kinds ? kinds : ~0u, from_account_id,
				     page, rows, &count, e) ||
	    !fill(app, rows, count, out, e))
		return false;
	if (count > 0) {
		out->first = rows[0].id;
		out->last = rows[count - 1].id;
	}
	out->more = count == (size_t)store_page_limit(page);
	return true;
}

bool app_notification_get(struct app *app, int64_t id, struct app_notification *out, struct err *e)
{
	struct store_notification row;
	struct app_notifications list;
	if (!app_need_account(app, e) ||
	    !store_notification_get(app->db, app->account_id, id, &row, e) ||
	    !fill(app, &row, 1, &list, e))
		return false;
	if (list.count == 0)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	*out = list.items[0];
	return true;
}

static bool dismiss(struct app *w, void *context, struct err *e)
{
	return store_notification_delete(w->db, w->account_id, *(int64_t *)context, e);
}

bool app_notification_dismiss(struct app *app, int64_t id, struct err *e)
{
	struct store_notification row;
	return app_need_account(app, e) &&
	       store_notification_get(app->db, app->account_id, id, &row, e) &&
	       app_write(app, dismiss, &id, e);
}

static bool clear(struct app *w, void *context, struct err *e)
{
	(void)context;
	return store_notification_clear(w->db, w->account_id, e);
}

bool app_notification_clear(struct app *app, struct err *e)
{
	return app_need_account(app, e) && app_write(app, clear, NULL, e);
}

bool app_notification_unread(struct app *app, int limit, int64_t *count, struct err *e)
{
	struct store_marker marker = {0};
	bool found;
	return app_need_account(app, e) &&
	       store_marker_get(app->db, app->account_id, "notifications", &marker, &found, e) &&
	       store_notification_count_after(app->db, app->account_id, marker.last_read_id, limit,
					      count, e);
}
