/* Follow, block, mute: the rules between two accounts, and what follows from them (counts, homes,
 * notifications). Any thread; no state. */
#include "app/relation.h"

#include "app/private.h"
#include "base/id.h"
#include "store/follow.h"
#include "store/home.h"
#include "store/list.h"
#include "store/note.h"
#include "store/notification.h"

#include <string.h>

enum { BACKFILL_POSTS = 40, FOLLOWS_MAX = 7500 };

static void set_kind(struct app_relation *out, const struct store_relation *r)
{
	switch (r->kind) {
	case STORE_RELATION_FOLLOWING:
		out->following = true;
		out->showing_reblogs = r->flag_1;
		out->notifying = r->flag_2;
		break;
	case STORE_RELATION_FOLLOWED_BY:
		out->followed_by = true;
		break;
	case STORE_RELATION_REQUESTED:
		out->requested = true;
		break;
	case STORE_RELATION_REQUESTED_BY:
		out->requested_by = true;
		break;
	case STORE_RELATION_BLOCKING:
		out->blocking = true;
		break;
	case STORE_RELATION_BLOCKED_BY:
		out->blocked_by = true;
		break;
	case STORE_RELATION_MUTING:
		out->muting = true;
		out->muting_notifications = r->flag_1;
		out->muting_expires_at = r->expires_at;
		break;
	}
}

/* What one has noted about them, and the languages one wants to read. */
static bool fill_notes(struct app *app, const struct store_account *accounts,
		       struct app_relation *out, size_t count, struct err *e)
{
	struct store_note notes[2 * DB_IDS_MAX];
	int64_t ids[DB_IDS_MAX] = {0};
	size_t note_count;
	for (size_t i = 0; i < count; i++)
		ids[i] = out[i].account_id;
	if (!store_note_get_many(app->db, app->arena, app->account_id, ids, count, notes,
				 &note_count, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct app_relation *r = &out[i];
		r->languages = r->note = "";
		for (size_t k = 0; k < note_count; k++) {
			if (notes[k].target_id != r->account_id)
				continue;
			r->endorsed |= notes[k].comment == NULL;
			if (notes[k].comment)
				r->note = notes[k].comment;
		}
		if (accounts[i].domain[0] &&
		    !store_hidden_domain_has(app->db, app->account_id, accounts[i].domain,
					     &r->domain_blocking, e))
			return false;
		if ((r->following || r->requested) &&
		    !store_follow_languages(app->db, app->arena, app->account_id, r->account_id,
					    &r->languages, e))
			return false;
	}
	return true;
}

bool app_relation_get_many(struct app *app, const int64_t *ids, size_t count,
			   struct app_relation *out, size_t *found, struct err *e)
{
	struct store_relation rows[7 * DB_IDS_MAX];
	struct store_account *accounts;
	size_t row_count;
	*found = 0;
	if (count > DB_IDS_MAX)
		return err_set(e, ERR_TOO_LARGE, "id: at most %d at once", DB_IDS_MAX);
	accounts = ARENA_ARRAY(app->arena, struct store_account, count + 1);
	if (!accounts)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!store_account_get_many(app->db, app->arena, ids, count, accounts, found, e) ||
	    !store_relation_get(app->db, app->account_id, ids, count, rows, &row_count, e))
		return false;
	for (size_t i = 0; i < *found; i++) {
		out[i] = (struct app_relation){.account_id = accounts[i].id};
		for (size_t k = 0; k < row_count; k++)
			if (rows[k].account_id == out[i].account_id &&
			    !(rows[k].expires_at && rows[k].expires_at <= app->now_ms))
				set_kind(&out[i], &rows[k]);
	}
	return fill_notes(app, accounts, out, *found, e);
}

bool app_relation_get(struct app *app, int64_t id, struct app_relation *out, struct err *e)
{
	size_t found;
	if (!app_relation_get_many(app, &id, 1, out, &found, e))
		return false;
	return found == 1 || err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool app_relation_only_following(struct app *app, struct store_accounts *accounts, struct err *e)
{
	size_t kept = 0;
	for (size_t i = 0; i < accounts->count; i++) {
		struct store_relation rows[7];
		size_t count;
		bool following = false;
		if (!store_relation_get(app->db, app->account_id, &accounts->items[i].id, 1, rows,
					&count, e))
			return false;
		for (size_t k = 0; k < count; k++)
			following |= rows[k].kind == STORE_RELATION_FOLLOWING;
		if (following)
			accounts->items[kept++] = accounts->items[i];
	}
	accounts->count = kept;
	return true;
}

/* Both ways at once: what every change begins with. */
struct pair_call {
	int64_t target_id;
	const bool *reblogs;
	const bool *notify;
	bool notifications; /* mute */
	int64_t expires_at; /* mute */
	bool accept;        /* follow request */
	const char *languages;
	struct app_relation now;
};

static bool begin(struct app *w, struct pair_call *call, struct store_account *target,
		  struct err *e)
{
	if (!store_account_get(w->db, w->arena, call->target_id, target, e) ||
	    !app_relation_get(w, call->target_id, &call->now, e))
		return false;
	return (target->state == STORE_ACCOUNT_ACTIVE && !call->now.blocked_by) ||
	       err_set(e, ERR_NOT_FOUND, "Record not found");
}

/* account_id begins to follow target_id: row, counts, home. */
static bool add_follow(struct app *w, int64_t account_id, int64_t target_id, bool reblogs,
		       bool notify, struct err *e)
{
	bool added;
	struct store_account follower;
	if (!store_account_get(w->db, w->arena, account_id, &follower, e))
		return false;
	struct store_follow follow = {
	    .id = id_new(),
	    .account_id = account_id,
	    .target_id = target_id,
	    .local = !follower.domain[0],
	    .reblogs = reblogs,
	    .notify = notify,
	    .created_at = w->now_ms,
	};
	if (!store_follow_insert(w->db, &follow, &added, e))
		return false;
	if (!added)
		return true;
	if (!store_account_add_following(w->db, account_id, 1, e) ||
	    !store_account_add_followers(w->db, target_id, 1, e))
		return false;
	return !follow.local ||
	       store_home_backfill(w->db, account_id, target_id, BACKFILL_POSTS, e);
}

static bool remove_follow(struct app *w, int64_t account_id, int64_t target_id, struct err *e)
{
	bool removed, withdrawn;
	if (!store_follow_delete(w->db, account_id, target_id, &removed, e) ||
	    !store_follow_request_delete(w->db, w->arena, account_id, target_id, NULL, &withdrawn,
					 e))
		return false;
	if (withdrawn && !store_notification_withdraw(w->db, target_id, APP_NOTIFY_FOLLOW_REQUEST,
						      account_id, 0, e))
		return false;
	if (!removed)
		return true;
	return store_account_add_following(w->db, account_id, -1, e) &&
	       store_account_add_followers(w->db, target_id, -1, e) &&
	       store_list_member_forget(w->db, account_id, target_id, e) &&
	       store_endorsement_remove(w->db, account_id, target_id, e) &&
	       store_home_remove_via(w->db, account_id, target_id, e) &&
	       store_notification_withdraw(w->db, target_id, APP_NOTIFY_FOLLOW, account_id, 0, e);
}

static bool follow(struct app *w, void *context, struct err *e)
{
	struct pair_call *call = context;
	struct store_account target, self;
	if (!begin(w, call, &target, e) ||
	    !store_account_get(w->db, w->arena, w->account_id, &self, e))
		return false;
	bool reblogs =
	    call->reblogs ? *call->reblogs : !call->now.following || call->now.showing_reblogs;
	bool notify = call->notify ? *call->notify : call->now.notifying;
	if (call->now.blocking)
		return err_set(e, ERR_FORBIDDEN,
			       "You have blocked this account. Unblock it first.");
	if (call->now.following)
		return store_follow_update(w->db, w->account_id, call->target_id, reblogs, notify,
					   e);
	if (self.following_count >= FOLLOWS_MAX)
		return err_set(e, ERR_LIMIT, "You follow %d accounts already; that is the most.",
			       FOLLOWS_MAX);
	if (!target.locked && !target.domain[0])
		return add_follow(w, w->account_id, call->target_id, reblogs, notify, e) &&
		       app_notify(w, call->target_id, APP_NOTIFY_FOLLOW, w->account_id, 0, e);
	bool added;
	struct store_follow request = {
	    .id = id_new(),
	    .account_id = w->account_id,
	    .target_id = call->target_id,
	    .reblogs = reblogs,
	    .notify = notify,
	    .created_at = w->now_ms,
	};
	if (!store_follow_request_insert(w->db, &request, &added, e))
		return false;
	return !added ||
	       app_notify(w, call->target_id, APP_NOTIFY_FOLLOW_REQUEST, w->account_id, 0, e);
}

static bool unfollow(struct app *w, void *context, struct err *e)
{
	return remove_follow(w, w->account_id, ((struct pair_call *)context)->target_id, e);
}

static bool remove_follower(struct app *w, void *context, struct err *e)
{
	return remove_follow(w, ((struct pair_call *)context)->target_id, w->account_id, e);
}

static bool block(struct app *w, void *context, struct err *e)
{
	int64_t target_id = ((struct pair_call *)context)->target_id;
	bool added;
	return remove_follow(w, w->account_id, target_id, e) &&
	       remove_follow(w, target_id, w->account_id, e) &&
	       store_block_insert(w->db, id_new(), w->account_id, target_id, w->now_ms, &added, e);
}

static bool unblock(struct app *w, void *context, struct err *e)
{
	bool removed;
	return store_block_delete(w->db, w->account_id, ((struct pair_call *)context)->target_id,
				  &removed, e);
}

static bool mute(struct app *w, void *context, struct err *e)
{
	struct pair_call *call = context;
	return store_mute_set(w->db, id_new(), w->account_id, call->target_id, call->notifications,
			      call->expires_at, w->now_ms, e);
}

static bool unmute(struct app *w, void *context, struct err *e)
{
	bool removed;
	return store_mute_delete(w->db, w->account_id, ((struct pair_call *)context)->target_id,
				 &removed, e);
}

static bool answer_request(struct app *w, void *context, struct err *e)
{
	struct pair_call *call = context;
	struct store_follow request;
	bool removed;
	if (!store_follow_request_delete(w->db, w->arena, call->target_id, w->account_id, &request,
					 &removed, e))
		return false;
	if (!removed)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (!store_notification_withdraw(w->db, w->account_id, APP_NOTIFY_FOLLOW_REQUEST,
					 call->target_id, 0, e))
		return false;
	if (!call->accept)
		return true;
	return add_follow(w, call->target_id, w->account_id, request.reblogs, request.notify, e) &&
	       store_follow_set_languages(w->db, call->target_id, w->account_id, request.languages,
					  e) &&
	       app_notify(w, w->account_id, APP_NOTIFY_FOLLOW, call->target_id, 0, e);
}

/* Every change: somebody is signed in, the other one exists and is another one. */
static bool change(struct app *app, app_write_fn *fn, struct pair_call *call,
		   struct app_relation *out, struct err *e)
{
	struct store_account target;
	if (!app_need_account(app, e) ||
	    !store_account_get(app->db, app->arena, call->target_id, &target, e))
		return false;
	if (call->target_id == app->account_id)
		return err_set(e, ERR_FORBIDDEN, "This cannot be done with your own account.");
	return app_write(app, fn, call, e) && app_relation_get(app, call->target_id, out, e);
}

bool app_follow(struct app *app, int64_t id, const bool *reblogs, const bool *notify,
		struct app_relation *out, struct err *e)
{
	struct pair_call call = {.target_id = id, .reblogs = reblogs, .notify = notify};
	return change(app, follow, &call, out, e);
}

static bool set_languages(struct app *w, void *context, struct err *e)
{
	struct pair_call *call = context;
	return store_follow_set_languages(w->db, w->account_id, call->target_id, call->languages,
					  e);
}

bool app_follow_languages(struct app *app, int64_t id, const char *languages,
			  struct app_relation *out, struct err *e)
{
	/* Kept with a space on both sides of each, so that one of them is found by LIKE. */
	struct pair_call call = {
	    .target_id = id,
	    .languages = languages[0] ? arena_printf(app->arena, " %s ", languages) : NULL,
	};
	if (languages[strspn(languages, "abcdefghijklmnopqrstuvwxyz ")] || strlen(languages) > 200)
		return err_set(e, ERR_INVALID,
			       "Validation failed: languages must be ISO 639-1 codes");
	return change(app, set_languages, &call, out, e);
}

bool app_unfollow(struct app *app, int64_t id, struct app_relation *out, struct err *e)
{
	return change(app, unfollow, &(struct pair_call){.target_id = id}, out, e);
}

bool app_remove_follower(struct app *app, int64_t id, struct app_relation *out, struct err *e)
{
	return change(app, remove_follower, &(struct pair_call){.target_id = id}, out, e);
}

bool app_block(struct app *app, int64_t id, struct app_relation *out, struct err *e)
{
	return change(app, block, &(struct pair_call){.target_id = id}, out, e);
}

bool app_unblock(struct app *app, int64_t id, struct app_relation *out, struct err *e)
{
	return change(app, unblock, &(struct pair_call){.target_id = id}, out, e);
}

bool app_mute(struct app *app, int64_t id, bool notifications, int64_t duration_s,
	      struct app_relation *out, struct err *e)
{
	if (duration_s < 0 || duration_s > INT32_MAX)
		return err_set(e, ERR_INVALID,
			       "Validation failed: duration must be between 0 and %d seconds",
			       INT32_MAX);
	struct pair_call call = {
	    .target_id = id,
	    .notifications = notifications,
	    .expires_at = duration_s ? app->now_ms + 1000 * duration_s : 0,
	};
	return change(app, mute, &call, out, e);
}

bool app_unmute(struct app *app, int64_t id, struct app_relation *out, struct err *e)
{
	return change(app, unmute, &(struct pair_call){.target_id = id}, out, e);
}

bool app_follow_request_answer(struct app *app, int64_t id, bool accept, struct app_relation *out,
			       struct err *e)
{
	return change(app, answer_request, &(struct pair_call){.target_id = id, .accept = accept},
		      out, e);
}

/* --- lists --- */

/* *hidden: it keeps its lists to itself. */
static bool visible_account(struct app *app, int64_t id, bool *hidden, struct err *e)
{
	struct store_account account;
	if (!store_account_get(app->db, app->arena, id, &account, e))
		return false;
	*hidden = account.hide_collections && id != app->account_id;
	return account.state == STORE_ACCOUNT_ACTIVE ||
	       err_set(e, ERR_NOT_FOUND, "Record not found");
}

bool app_followers(struct app *app, int64_t id, const struct store_page *page,
		   struct store_accounts *out, struct err *e)
{
	bool hidden;
	*out = (struct store_accounts){0};
	return visible_account(app, id, &hidden, e) &&
	       (hidden || store_follow_followers(app->db, app->arena, id, page, out, e));
}

bool app_following(struct app *app, int64_t id, const struct store_page *page,
		   struct store_accounts *out, struct err *e)
{
	bool hidden;
	*out = (struct store_accounts){0};
	return visible_account(app, id, &hidden, e) &&
	       (hidden || store_follow_following(app->db, app->arena, id, page, out, e));
}

bool app_blocks(struct app *app, const struct store_page *page, struct store_accounts *out,
		struct err *e)
{
	return app_need_account(app, e) &&
	       store_block_list(app->db, app->arena, app->account_id, page, out, e);
}

bool app_mutes(struct app *app, const struct store_page *page, struct store_accounts *out,
	       struct err *e)
{
	return app_need_account(app, e) &&
	       store_mute_list(app->db, app->arena, app->account_id, app->now_ms, page, out, e);
}

bool app_follow_requests(struct app *app, const struct store_page *page, struct store_accounts *out,
			 struct err *e)
{
	return app_need_account(app, e) &&
	       store_follow_request_list(app->db, app->arena, app->account_id, page, out, e);
}
