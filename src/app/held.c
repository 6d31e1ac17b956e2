/* Posts that wait for a moderator: those with listed words, and the first ones of new accounts. Any thread; no
 * state. What must stay true: a held post is seen by its author and by moderators only, and everything that follows
 * from a post (homes, notifications, events) follows once, when it is let through. */
#include "app/moderation.h"

#include "app/private.h"
#include "app/rule.h"
#include "base/str.h"
#include "store/setting.h"

#include <string.h>

static bool first_posts(struct app *w, const struct store_account *self, bool *hold, struct err *e)
{
	const char *text;
	int64_t wanted = 0, held = 0;
	*hold = false;
	if (!store_setting_get(w->db, w->arena, "hold_first_posts", &text, e))
		return false;
	if (!text || !str_to_int(text, 0, 1000, &wanted) || wanted == 0)
		return true;
	if (!store_held_count(w->db, self->id, &held, e))
		return false;
	*hold = self->posts_count - held < wanted;
	return true;
}

bool app_hold_judge(struct app *w, struct app_draft *draft, struct err *e)
{
	struct store_post *row = &draft->row;
	struct store_account *self = ARENA_NEW(w->arena, struct store_account);
	const char *word = NULL;
	const char *texts[8] = {row->text, row->spoiler_text};
	bool first = false;
	size_t count = 2;
	draft->hold_reason = NULL;
	if (!draft->pending)
		row->visibility = draft->wanted;
	if (!store_account_get(w->db, w->arena, row->account_id, self, e))
		return false;
	draft->author = self;
	if (self->role >= STORE_ROLE_MODERATOR || self->domain[0] || self->bot)
		return true;
	for (size_t i = 0; i < draft->media_count && count < 8; i++)
		texts[count++] = draft->media[i].description;
	if (!app_rule_check_text(w, texts, count, &word, e) ||
	    (draft->wanted != STORE_VISIBILITY_DIRECT && !first_posts(w, self, &first, e)))
		return false;
	/* What waits on the review desk is looked at there. */
	if ((!word && !first) || draft->pending)
		return true;
	draft->hold_reason = word ? arena_printf(w->arena, "word: %s", word) : "first post";
	row->visibility = STORE_VISIBILITY_HELD;
	return true;
}

bool app_hold(struct app *w, const struct app_draft *draft, struct err *e)
{
	struct store_held held = {
	    .post_id = draft->row.id,
	    .account_id = draft->row.account_id,
	    .visibility = draft->wanted,
	    .reason = draft->hold_reason,
	    .created_at = w->now_ms,
	};
	return store_held_insert(w->db, &held, e);
}

bool app_held_list(struct app *app, const struct store_page *page, struct app_held **out,
		   size_t *count, bool *more, struct err *e)
{
	struct store_held rows[STORE_PAGE_MAX];
	int64_t ids[STORE_PAGE_MAX];
	struct app_posts posts;
	size_t found;
	*count = 0;
	if (!app_need_moderator(app, e) ||
	    !store_held_list(app->db, app->arena, page, rows, &found, e))
		return false;
	for (size_t i = 0; i < found; i++)
		ids[i] = rows[i].post_id;
	if (!app_posts_get_in(app, ids, found, APP_VIEW_STAFF, &posts, e))
		return false;
	*out = arena_alloc(app->arena, (found + 1) * sizeof(**out));
	for (size_t i = 0; i < found; i++)
		for (size_t k = 0; k < posts.count; k++)
			if (posts.items[k].row.id == rows[i].post_id)
				(*out)[(*count)++] =
				    (struct app_held){.row = rows[i], .post = &posts.items[k]};
	*more = found == (size_t)store_page_limit(page);
	return true;
}

/* What app_draft_write knew, from the rows. */
static bool rebuild(struct app *w, int64_t post_id, struct app_draft *out, struct err *e)
{
	struct store_mention *mentions;
	struct store_post other;
	struct err missing = {0};
	*out = (struct app_draft){0};
	if (!store_post_get(w->db, w->arena, post_id, &out->row, e) ||
	    !store_mention_of_posts(w->db, w->arena, &post_id, 1, &mentions, &out->mention_count,
				    e))
		return false;
	out->mention_ids =
	    arena_alloc(w->arena, (out->mention_count + 1) * sizeof(*out->mention_ids));
	for (size_t i = 0; i < out->mention_count; i++)
		out->mention_ids[i] = mentions[i].account_id;
	if (out->row.quote_of_id &&
	    store_post_get(w->db, w->arena, out->row.quote_of_id, &other, &missing))
		out->quote_account_id = other.account_id;
	if (out->row.remix_of_id &&
	    store_post_get(w->db, w->arena, out->row.remix_of_id, &other, &missing))
		out->remix_account_id = other.account_id;
	return true;
}

struct answer_call {
	int64_t post_id;
	bool approve;
};

static bool answer(struct app *w, void *context, struct err *e)
{
	const struct answer_call *call = context;
	struct store_held held;
	struct app_draft draft;
	if (!store_held_get(w->db, w->arena, call->post_id, &held, e) ||
	    !store_audit_insert(w->db, w->account_id,
				call->approve ? "post.approve" : "post.reject", held.account_id,
				held.reason, w->now_ms, e))
		return false;
	if (!call->approve)
		return app_post_remove(w, held.post_id, e);
	return store_held_release(w->db, &held, e) && rebuild(w, held.post_id, &draft, e) &&
	       app_draft_announce(w, &draft, e);
}

bool app_held_answer(struct app *app, int64_t post_id, bool approve, struct err *e)
{
	struct answer_call call = {post_id, approve};
	return app_need_moderator(app, e) && app_write(app, answer, &call, e);
}
