/* Editing: the new version is checked as a new post is, then written with its mentions, tags, pictures, poll and the
 * version before, in one transaction; those who boosted or quoted it are told. Any thread; no state. What must stay
 * true: an edit shows nothing to anybody who could not see the post, and who is mentioned no more loses a post
 * that only the mention let them see. */
#include "app/edit.h"

#include "app/account.h"
#include "app/card.h"
#include "app/private.h"
#include "app/rule.h"
#include "app/text.h"
#include "base/id.h"
#include "store/notification.h"
#include "store/tag.h"

#include <stdlib.h>
#include <string.h>

enum { TOLD_MAX = 1000 };

struct edit_call {
	const struct app_post_change *change;
	struct app_draft draft; /* row: the post as it will be */
	struct store_post old;
	const struct app_post *before;
	bool poll_changed;
	bool poll_extended; /* the same question, another end */
};

static const char *join_media(struct arena *arena, const struct store_media *media, size_t count)
{
	const char *text = "";
	char id[ID_TEXT_SIZE];
	for (size_t i = 0; i < count; i++)
		text = arena_printf(arena, "%s%s\n", text, id_format(id, media[i].id));
	return text;
}

static const char *join_options(struct arena *arena, const struct store_poll *poll)
{
	const char *text = "";
	for (size_t i = 0; poll && i < poll->option_count; i++)
		text = arena_printf(arena, "%s%s\n", text, poll->options[i]);
	return text;
}

static bool write_version(struct app *w, const struct store_post *row,
			  const struct store_media *media, size_t media_count,
			  const struct store_poll *poll, int64_t at, struct err *e)
{
	struct store_edit edit = {
	    .id = id_new(),
	    .post_id = row->id,
	    .text = row->text,
	    .content = row->content,
	    .spoiler_text = row->spoiler_text,
	    .sensitive = row->sensitive,
	    .media = join_media(w->arena, media, media_count),
	    .options = join_options(w->arena, poll),
	    .created_at = at,
	};
	return store_edit_insert(w->db, &edit, e);
}

static bool has_media(const struct store_media *media, size_t count, int64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (media[i].id == id)
			return true;
	return false;
}

/* Pictures that were made here go back to their maker's history; other uploads are deleted. */
static bool write_media(struct app *w, struct edit_call *call, struct err *e)
{
	const struct app_draft *d = &call->draft;
	const struct app_post *before = call->before;
	for (size_t i = 0; i < before->media_count; i++) {
		const struct store_media *m = &before->media[i];
		if (has_media(d->media, d->media_count, m->id))
			continue;
		if (m->maker ? !store_media_detach(w->db, m->id, e)
			     : !store_media_delete(w->db, w->arena, m->id, w->now_ms, e))
			return false;
	}
	for (size_t i = 0; i < d->media_count; i++)
		if (d->media[i].post_id ? !store_media_place(w->db, d->media[i].id, (int)i, e)
					: !store_media_attach(w->db, d->media[i].id, w->account_id,
							      d->row.id, (int)i, e))
			return false;
	for (size_t i = 0; i < call->change->media_change_count; i++) {
		const struct app_media_change *c = &call->change->media[i];
		for (size_t k = 0; k < d->media_count; k++) {
			const struct store_media *m = &d->media[k];
			if (m->id == c->id &&
			    !store_media_describe(w->db, m->id,
						  c->description ? c->description : m->description,
						  c->focus ? c->focus[0] : m->focus_x,
						  c->focus ? c->focus[1] : m->focus_y, e))
				return false;
		}
	}
	return true;
}

static bool write_mentions(struct app *w, struct edit_call *call, struct err *e)
{
	const struct app_draft *d = &call->draft;
	const struct app_post *before = call->before;
	for (size_t i = 0; i < before->mention_count; i++) {
		int64_t id = before->mentions[i]->id;
		bool stays = false;
		for (size_t k = 0; k < d->mention_count && !stays; k++)
			stays = d->mention_ids[k] == id;
		if (!stays && (!store_mention_delete(w->db, d->row.id, id, e) ||
			       !store_notification_withdraw(w->db, id, APP_NOTIFY_MENTION,
							    w->account_id, d->row.id, e)))
			return false;
	}
	for (size_t i = 0; i < d->mention_count; i++)
		if (!store_mention_insert(w->db, d->row.id, d->mention_ids[i], e) ||
		    !app_notify(w, d->mention_ids[i], APP_NOTIFY_MENTION, w->account_id, d->row.id,
				e))
			return false;
	return true;
}

static bool write_tags(struct app *w, struct edit_call *call, struct err *e)
{
	const struct app_draft *d = &call->draft;
	int64_t counted_to;
	if (strcmp(call->old.tags, d->row.tags) == 0)
		return true;
	if (!app_tags_counted_to(w, &counted_to, e))
		return false;
	bool counted = d->row.id <= counted_to;
	if ((counted && !store_tag_remove_post(w->db, d->row.id, e)) ||
	    !store_tag_clear(w->db, d->row.id, e))
		return false;
	for (size_t i = 0; i < d->tag_count; i++)
		if (!store_tag_add(w->db, app_text_fold_tag(w->arena, d->tags[i]), d->tags[i],
				   d->row.id, w->now_ms, e))
			return false;
	return !counted || store_tag_count_post(w->db, d->row.id, e);
}

static bool write_poll(struct app *w, struct edit_call *call, struct err *e)
{
	struct store_poll *poll = call->draft.poll;
	if (call->poll_extended)
		return store_poll_set_expiry(w->db, call->draft.row.id, poll->expires_at,
					     poll->hide_totals, e);
	if (!call->poll_changed)
		return true;
	if (!store_poll_delete(w->db, call->draft.row.id, e))
		return false;
	if (!poll)
		return true;
	poll->post_id = call->draft.row.id;
	poll->account_id = w->account_id;
	return store_poll_insert(w->db, poll, e);
}

/* Told again with every edit: the newest one counts. */
static bool tell(struct app *w, int64_t post_id, struct err *e)
{
	int64_t *ids = arena_alloc(w->arena, TOLD_MAX * sizeof(*ids));
	int64_t *quotes = arena_alloc(w->arena, TOLD_MAX * sizeof(*quotes));
	size_t count;
	if (!store_post_boosters(w->db, post_id, ids, TOLD_MAX, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!store_notification_withdraw(w->db, ids[i], APP_NOTIFY_UPDATE, w->account_id,
						 post_id, e) ||
		    !app_notify(w, ids[i], APP_NOTIFY_UPDATE, w->account_id, post_id, e))
			return false;
	if (!store_post_quoters(w->db, post_id, ids, quotes, TOLD_MAX, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!store_notification_withdraw(w->db, ids[i], APP_NOTIFY_QUOTED_UPDATE,
						 w->account_id, quotes[i], e) ||
		    !app_notify(w, ids[i], APP_NOTIFY_QUOTED_UPDATE, w->account_id, quotes[i], e))
			return false;
	return true;
}

/* A listed word can't come in by an edit: what a moderator looks at first is looked at before it is published. */
static bool check_words(struct app *w, const struct app_draft *draft, struct err *e)
{
	const char **texts = arena_alloc(w->arena, (2 + draft->media_count) * sizeof(*texts));
	const char *word = NULL;
	size_t count = 0;
	struct store_account self;
	if (!store_account_get(w->db, w->arena, draft->row.account_id, &self, e))
		return false;
	if (self.role >= STORE_ROLE_MODERATOR)
		return true;
	texts[count++] = draft->row.text;
	texts[count++] = draft->row.spoiler_text;
	for (size_t i = 0; i < draft->media_count; i++)
		texts[count++] = draft->media[i].description;
	if (!app_rule_check_text(w, texts, count, &word, e))
		return false;
	return !word ||
	       err_set(e, ERR_INVALID,
		       "Validation failed: \"%s\" is a word that a moderator looks at first: "
		       "say it in a new post",
		       word);
}

static bool write_edit(struct app *w, void *context, struct err *e)
{
	struct edit_call *call = context;
	const struct store_post *row = &call->draft.row;
	const struct app_post *before = call->before;
	int64_t versions;
	if (!check_words(w, &call->draft, e) || !store_edit_count(w->db, row->id, &versions, e))
		return false;
	if (versions >= STORE_EDITS_MAX)
		return err_set(e, ERR_LIMIT, "This post was edited %d times; that is the most.",
			       STORE_EDITS_MAX);
	if (versions == 0 && !write_version(w, &call->old, before->media, before->media_count,
					    before->poll, call->old.created_at, e))
		return false;
	if (!write_media(w, call, e) || !write_mentions(w, call, e) || !write_tags(w, call, e) ||
	    !write_poll(w, call, e) || !store_post_update(w->db, row, e) ||
	    !app_card_follow(w, &call->old, row, e) ||
	    !write_version(w, row, call->draft.media, call->draft.media_count, call->draft.poll,
			   w->now_ms, e) ||
	    !tell(w, row->id, e))
		return false;
	app_emit(w, &(struct app_event){
			.type = APP_EVENT_POST_EDITED,
			.post_id = row->id,
			.thread_id = row->thread_id,
			.account_id = row->account_id,
			.visibility = row->visibility,
			.local = row->local,
			.media = row->media_count > 0,
			.reply = row->in_reply_to_id != 0,
			.tags = row->tags,
		    });
	return true;
}

/* --- preparing --- */

static bool prepare_text(struct app *app, struct edit_call *call, struct err *e)
{
	const struct app_config *config = &app->core->config;
	const struct app_post_change *c = call->change;
	struct store_post *row = &call->draft.row;
	struct app_text *text = ARENA_NEW(app->arena, struct app_text);
	if (c->text)
		row->text = c->text;
	if (c->spoiler_text)
		row->spoiler_text = c->spoiler_text;
	if (c->sensitive)
		row->sensitive = *c->sensitive;
	if (row->spoiler_text[0])
		row->sensitive = true;
	if (c->language)
		row->language = c->language;
	if (c->quote_policy)
		row->quote_policy = *c->quote_policy;
	if (!app_check_text("status", row->text, 4 * (size_t)config->post_characters_max, e) ||
	    !app_check_text("spoiler_text", row->spoiler_text, 500, e))
		return false;
	app_text_scan(app->arena, row->text, text);
	if (text->characters > (size_t)config->post_characters_max)
		return err_set(e, ERR_INVALID,
			       "Validation failed: Text is too long (at most %d characters)",
			       config->post_characters_max);
	if (!app_draft_mentions(app, text, &call->draft, e))
		return false;
	row->content = app_text_html(app->arena, config->base_url, row->text, text);
	row->mention_count = (int)call->draft.mention_count;
	row->tags = "";
	call->draft.tags =
	    arena_alloc(app->arena, (text->tag_count + 1) * sizeof(*call->draft.tags));
	for (size_t i = 0; i < text->tag_count; i++) {
		call->draft.tags[call->draft.tag_count++] = text->tags[i];
		row->tags =
		    arena_printf(app->arena, i ? "%s %s" : "%s%s", row->tags, text->tags[i]);
	}
	return true;
}

static bool same_question(const struct store_poll *a, const struct store_poll *b)
{
	bool same = a->option_count == b->option_count && a->multiple == b->multiple;
	for (size_t i = 0; same && i < a->option_count; i++)
		same = strcmp(a->options[i], b->options[i]) == 0;
	return same;
}

static bool prepare_poll(struct app *app, struct edit_call *call, struct err *e)
{
	const struct store_poll *old = call->before->poll;
	struct app_draft *d = &call->draft;
	d->poll = (struct store_poll *)old;
	if (!call->change->change_poll)
		return true;
	d->poll = NULL;
	if (call->change->poll && !app_poll_prepare(app, call->change->poll, &d->poll, e))
		return false;
	call->poll_extended = old && d->poll && same_question(old, d->poll);
	call->poll_changed = !call->poll_extended && (old || d->poll);
	d->row.poll = d->poll != NULL;
	return true;
}

static bool prepare_media(struct app *app, struct edit_call *call, struct err *e)
{
	const struct app_post_change *c = call->change;
	struct app_draft *d = &call->draft;
	int64_t remix_of_id = d->row.remix_of_id;
	struct store_media *media;
	d->media = call->before->media;
	d->media_count = call->before->media_count;
	if (!c->change_media)
		return true;
	if (c->media_count > (size_t)app->core->config.post_media_max)
		return err_set(e, ERR_INVALID,
			       "Validation failed: media_ids has more than %d files",
			       app->core->config.post_media_max);
	if (!app_draft_media(app, c->media_ids, c->media_count, d->row.id, 0, &media, e))
		return false;
	for (size_t i = 0; i < c->media_count; i++)
		if (media[i].held && media[i].post_id != d->row.id)
			return err_set(
			    e, ERR_INVALID,
			    "Validation failed: media_ids names a picture that waits for approval");
	d->media = media;
	d->media_count = c->media_count;
	d->row.made = false;
	d->row.style = NULL;
	if (!app_draft_made(app, d, e))
		return false;
	d->row.remix_of_id = remix_of_id; /* its place in the tree was taken when it was posted */
	return true;
}

static bool nothing_new(const struct edit_call *call)
{
	const struct store_post *a = &call->old, *b = &call->draft.row;
	bool same_media = call->draft.media_count == call->before->media_count;
	for (size_t i = 0; same_media && i < call->draft.media_count; i++)
		same_media = call->draft.media[i].id == call->before->media[i].id;
	return same_media && strcmp(a->text, b->text) == 0 &&
	       strcmp(a->spoiler_text, b->spoiler_text) == 0 && a->sensitive == b->sensitive &&
	       strcmp(a->language ? a->language : "", b->language ? b->language : "") == 0 &&
	       a->quote_policy == b->quote_policy && !call->poll_changed && !call->poll_extended &&
	       call->change->media_change_count == 0;
}

bool app_post_edit(struct app *app, int64_t id, const struct app_post_change *change,
		   struct app_post *out, struct err *e)
{
	struct app_post before;
	struct edit_call call = {.change = change, .before = &before};
	if (!app_need_account(app, e) || !app_post_get(app, id, &before, e))
		return false;
	if (before.row.account_id != app->account_id || before.row.boost_of_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	/* What waits for approval was shown to the desk as it is; and a token that stands in an edit is as public
	 * as in a new post. */
	bool pending;
	if (!app_review_pending(app, id, &pending, e))
		return false;
	if (pending)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: This post waits for approval; edit it afterwards");
	if (before.row.visibility != STORE_VISIBILITY_DIRECT &&
	    ((change->text && !app_token_seen_in(app, change->text, e)) ||
	     (change->spoiler_text && !app_token_seen_in(app, change->spoiler_text, e))))
		return false;
	call.old = call.draft.row = before.row;
	if (!prepare_text(app, &call, e) || !prepare_poll(app, &call, e) ||
	    !prepare_media(app, &call, e))
		return false;
	const struct store_post *row = &call.draft.row;
	if (row->poll && call.draft.media_count > 0)
		return err_set(e, ERR_INVALID,
			       "Validation failed: a post has a poll or media_ids, not both");
	if (!row->text[strspn(row->text, " \t\r\n")] && call.draft.media_count == 0 &&
	    row->quote_state == STORE_QUOTE_NONE)
		return err_set(e, ERR_INVALID, "Validation failed: Text can't be blank");
	call.draft.row.edited_at = app->now_ms;
	if (!nothing_new(&call) && !app_write(app, write_edit, &call, e))
		return false;
	return app_post_get(app, id, out, e);
}

/* --- history --- */

static void fill_edit(struct app *app, const struct app_post *post, struct app_edit *edit)
{
	const struct store_media **media =
	    arena_alloc(app->arena, (post->media_count + 1) * sizeof(*media));
	const char *at = edit->row.media;
	while (*at && edit->media_count < post->media_count) {
		int64_t id = strtoll(at, NULL, 10);
		for (size_t i = 0; i < post->media_count; i++)
			if (post->media[i].id == id)
				media[edit->media_count++] = &post->media[i];
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	edit->media = media;
}

bool app_post_history(struct app *app, int64_t id, struct app_post *post, struct app_edit **items,
		      size_t *count, struct err *e)
{
	struct store_edit *rows;
	if (!app_post_get(app, id, post, e))
		return false;
	if (post->row.boost_of_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (!store_edit_list(app->db, app->arena, id, &rows, count, e))
		return false;
	*items = arena_alloc(app->arena, (*count + 1) * sizeof(**items));
	for (size_t i = 0; i < *count; i++)
		(*items)[i].row = rows[i];
	if (*count == 0) {
		*count = 1;
		(*items)[0].row = (struct store_edit){
		    .post_id = id,
		    .text = post->row.text,
		    .content = post->row.content,
		    .spoiler_text = post->row.spoiler_text,
		    .sensitive = post->row.sensitive,
		    .media = join_media(app->arena, post->media, post->media_count),
		    .options = join_options(app->arena, post->poll),
		    .created_at = post->row.created_at,
		};
	}
	for (size_t i = 0; i < *count; i++)
		fill_edit(app, post, &(*items)[i]);
	return true;
}
