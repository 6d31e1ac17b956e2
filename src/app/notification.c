/* Notifications: telling, listing, taking back. Any thread; no state. */
#include "app/notification.h"

#include "app/private.h"
#include "base/id.h"
#include "store/follow.h"
#include "store/setting.h"

#include <string.h>

enum { GROUP_SPAN_MS = 12 * 60 * 60 * 1000 };

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

const char *app_notification_group_key(struct arena *arena, const struct store_notification *n)
{
	if (!(APP_NOTIFY_GROUPABLE >> n->kind & 1))
		return NULL;
	return arena_printf(arena, "%s-%lld-%lld",
			    app_notification_name((enum app_notification_kind)n->kind),
			    (long long)n->post_id, (long long)(n->created_at / GROUP_SPAN_MS));
}

/* --- telling --- */

static bool insert(struct app *w, struct store_notification *n, struct err *e)
{
	bool added;
	if (!store_notification_insert(
		w->db, n, n->filtered ? NULL : app_notification_group_key(w->arena, n), &added, e))
		return false;
	if (!added)
		return true;
	if (n->filtered)
		return store_notification_request_add(w->db, n->account_id, n->from_account_id,
						      n->post_id, w->now_ms, e);
	app_emit(w, &(struct app_event){
			.type = APP_EVENT_NOTIFICATION,
			.notification_id = n->id,
			.account_id = n->account_id,
			.post_id = n->post_id,
		    });
	return app_push_enqueue(w, n, e);
}

bool app_notify(struct app *w, int64_t account_id, enum app_notification_kind kind,
		int64_t from_account_id, int64_t post_id, struct err *e)
{
	struct store_relation relations[7];
	struct store_account account;
	struct store_notification n = {
	    .id = id_new(),
	    .account_id = account_id,
	    .kind = kind,
	    .from_account_id = from_account_id,
	    .post_id = post_id,
	    .created_at = w->now_ms,
	};
	enum store_notification_verdict verdict = STORE_NOTIFY_ACCEPT;
	size_t count;
	/* Of one's own only the end of a poll is news. */
	if ((account_id == from_account_id && kind != APP_NOTIFY_POLL) || account_id == 0)
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
	bool muted = false;
	if (post_id && !app_thread_is_muted(w, account_id, post_id, &muted, e))
		return false;
	if (muted)
		return true;
	if (account_id != from_account_id &&
	    !app_notification_judge(w, &n, relations, count, &verdict, e))
		return false;
	if (verdict == STORE_NOTIFY_DROP)
		return true;
	n.filtered = verdict == STORE_NOTIFY_FILTER;
	return insert(w, &n, e);
}

bool app_notify_about(struct app *w, int64_t account_id, enum app_notification_kind kind,
		      int64_t from_account_id, int64_t subject_id, struct err *e)
{
	struct store_notification n = {
	    .id = id_new(),
	    .account_id = account_id,
	    .kind = kind,
	    .from_account_id = from_account_id,
	    .subject_id = subject_id,
	    .created_at = w->now_ms,
	};
	return insert(w, &n, e);
}

/* --- reading --- */

const struct store_account *app_accounts_find(const struct store_accounts *accounts, int64_t id)
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

/* A report or a strike, where the notification tells of one. What is gone leaves NULL. */
static bool fill_subject(struct app *app, const struct store_notification *row,
			 struct app_notification *n, struct err *e)
{
	struct err missing = {0};
	bool ok = true;
	int64_t target_id = 0;
	if (!row->subject_id)
		return true;
	if (row->kind == APP_NOTIFY_REPORT) {
		struct store_report *r = ARENA_NEW(app->arena, struct store_report);
		ok = store_report_get(app->db, app->arena, row->subject_id, r, &missing);
		if (ok) {
			n->report = r;
			target_id = r->target_id;
		}
	} else if (row->kind == APP_NOTIFY_WARNING) {
		struct store_strike *s = ARENA_NEW(app->arena, struct store_strike);
		ok = store_strike_get(app->db, app->arena, row->subject_id, s, &missing);
		if (ok) {
			n->strike = s;
			target_id = s->target_id;
		}
	}
	if (ok && target_id) {
		struct store_account *target = ARENA_NEW(app->arena, struct store_account);
		ok = store_account_get(app->db, app->arena, target_id, target, &missing);
		n->target = ok ? target : NULL;
	}
	if (!ok && missing.code != ERR_NOT_FOUND)
		*e = missing;
	return ok || missing.code == ERR_NOT_FOUND;
}

bool app_notifications_fill(struct app *app, const struct store_notification *rows, size_t count,
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
		const char *key = app_notification_group_key(app->arena, &rows[i]);
		struct app_notification n = {
		    .id = rows[i].id,
		    .kind = (enum app_notification_kind)rows[i].kind,
		    .created_at = rows[i].created_at,
		    .group_key =
			key && rows[i].group_id
			    ? key
			    : arena_printf(app->arena, "ungrouped-%lld", (long long)rows[i].id),
		    .filtered = rows[i].filtered,
		    .account = app_accounts_find(&accounts, rows[i].from_account_id),
		    .post = find_post(&posts, rows[i].post_id),
		};
		if (!fill_subject(app, &rows[i], &n, e))
			return false;
		bool about = n.kind == APP_NOTIFY_REPORT || n.kind == APP_NOTIFY_WARNING;
		if (n.account && (n.post || rows[i].post_id == 0) && (!about || n.target))
			out->items[out->count++] = n;
	}
	return true;
}

bool app_notification_list(struct app *app, const struct app_notification_filter *filter,
			   const struct store_page *page, struct app_notifications *out,
			   struct err *e)
{
	struct store_notification rows[STORE_PAGE_MAX];
	struct store_notification_filter f = {
	    .account_id = app->account_id,
	    .kinds = filter->kinds && filter->kinds != APP_NOTIFY_ALL ? filter->kinds : ~0u,
	    .from_account_id = filter->from_account_id,
	    .include_filtered = filter->include_filtered,
	};
	size_t count;
	*out = (struct app_notifications){0};
	if (!app_need_account(app, e) ||
	    !store_notification_list(app->db, app->arena, &f, page, rows, &count, e) ||
	    !app_notifications_fill(app, rows, count, out, e))
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
	    !app_notifications_fill(app, &row, 1, &list, e))
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

bool app_notification_unread(struct app *app, const struct app_notification_filter *filter,
			     int limit, int64_t *count, struct err *e)
{
	struct store_marker marker = {0};
	unsigned kinds = filter->kinds ? filter->kinds : APP_NOTIFY_ALL;
	bool found;
	return app_need_account(app, e) &&
	       store_marker_get(app->db, app->account_id, "notifications", &marker, &found, e) &&
	       store_notification_count_after(app->db, app->account_id, kinds & ~filter->grouped,
					      kinds & filter->grouped, marker.last_read_id, limit,
					      count, e);
}
