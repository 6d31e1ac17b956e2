/* Conversations. Any thread; no state. */
#include "app/conversation.h"

#include "app/private.h"
#include "base/id.h"

static bool add_one(struct app *w, const struct store_post *post, int64_t account_id, bool unread,
		    struct err *e)
{
	int64_t id;
	if (!store_conversation_add(w->db, id_new(), account_id, post->thread_id, post->id, unread,
				    &id, e))
		return false;
	app_emit(w, &(struct app_event){
			.type = APP_EVENT_CONVERSATION,
			.conversation_id = id,
			.account_id = account_id,
			.post_id = post->id,
		    });
	return true;
}

bool app_conversation_add(struct app *w, const struct store_post *post, const int64_t *mention_ids,
			  size_t count, struct err *e)
{
	if (!add_one(w, post, post->account_id, false, e))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct store_account account;
		if (mention_ids[i] == post->account_id)
			continue;
		if (!store_account_get(w->db, w->arena, mention_ids[i], &account, e))
			return false;
		if (!account.domain[0] && !add_one(w, post, account.id, true, e))
			return false;
	}
	return true;
}

static void fill(struct app *app, struct app_conversation *c, const struct app_posts *posts)
{
	for (size_t i = 0; i < posts->count; i++)
		if (posts->items[i].row.id == c->row.last_post_id)
			c->last = &posts->items[i];
	if (!c->last)
		return;
	c->accounts = arena_alloc(app->arena, (c->last->mention_count + 1) * sizeof(*c->accounts));
	if (c->last->row.account_id != app->account_id)
		c->accounts[c->account_count++] = c->last->account;
	for (size_t i = 0; i < c->last->mention_count; i++) {
		const struct store_account *account = c->last->mentions[i];
		if (account->id != app->account_id && account->id != c->last->row.account_id)
			c->accounts[c->account_count++] = account;
	}
}

static bool fill_all(struct app *app, struct app_conversation *items, size_t count, struct err *e)
{
	int64_t ids[STORE_PAGE_MAX] = {0};
	struct app_posts posts;
	for (size_t i = 0; i < count; i++)
		ids[i] = items[i].row.last_post_id;
	if (!app_post_get_many(app, ids, count, &posts, e))
		return false;
	for (size_t i = 0; i < count; i++)
		fill(app, &items[i], &posts);
	return true;
}

bool app_conversation_list(struct app *app, const struct store_page *page,
			   struct app_conversations *out, struct err *e)
{
	struct store_conversation rows[STORE_PAGE_MAX];
	*out = (struct app_conversations){0};
	if (!app_need_account(app, e) ||
	    !store_conversation_list(app->db, app->account_id, page, rows, &out->count, e))
		return false;
	out->items = arena_alloc(app->arena, (out->count + 1) * sizeof(*out->items));
	for (size_t i = 0; i < out->count; i++)
		out->items[i].row = rows[i];
	if (out->count > 0) {
		out->first = rows[0].last_post_id;
		out->last = rows[out->count - 1].last_post_id;
	}
	out->more = out->count == (size_t)store_page_limit(page);
	return fill_all(app, out->items, out->count, e);
}

bool app_conversation_get(struct app *app, int64_t id, struct app_conversation *out, struct err *e)
{
	*out = (struct app_conversation){0};
	return app_need_account(app, e) &&
	       store_conversation_get(app->db, app->account_id, id, &out->row, e) &&
	       fill_all(app, out, 1, e);
}

struct mark_call {
	int64_t id;
	bool unread;
};

static bool mark(struct app *w, void *context, struct err *e)
{
	struct mark_call *call = context;
	return store_conversation_set_unread(w->db, call->id, call->unread, e);
}

bool app_conversation_mark(struct app *app, int64_t id, bool unread, struct app_conversation *out,
			   struct err *e)
{
	struct mark_call call = {id, unread};
	return app_conversation_get(app, id, out, e) && app_write(app, mark, &call, e) &&
	       app_conversation_get(app, id, out, e);
}

static bool forget(struct app *w, void *context, struct err *e)
{
	return store_conversation_delete(w->db, *(int64_t *)context, e);
}

bool app_conversation_delete(struct app *app, int64_t id, struct err *e)
{
	struct app_conversation c;
	return app_conversation_get(app, id, &c, e) && app_write(app, forget, &id, e);
}
