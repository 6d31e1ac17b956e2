/* Posts: checking what somebody wants to say, writing it with everything that follows (counts, mentions, tags,
 * lineage, notifications, homes), and taking it back. Any thread; no state. What must stay true: all of that
 * is one transaction, and a key of idempotency makes one post however often it is sent. */
#include "app/post.h"

#include "app/account.h"
#include "app/card.h"
#include "app/lineage.h"
#include "app/private.h"
#include "app/text.h"
#include "base/id.h"
#include "base/str.h"
#include "store/conversation.h"
#include "store/follow.h"
#include "store/followed_tag.h"
#include "store/home.h"
#include "store/lineage.h"
#include "store/list.h"
#include "store/scheduled.h"
#include "store/tag.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	THREAD_MAX = 8192,
	SINGLE_STEPS_MAX = 16,
	SPOILER_MAX_CHARACTERS = 500,
	KEY_MAX = 255,
	KIND_POST = 0,
};

/* --- preparing: everything that can be looked at before the write --- */

bool app_draft_mentions(struct app *app, struct app_text *text, struct app_draft *out,
			struct err *e)
{
	out->mention_ids =
	    arena_alloc(app->arena, (text->mention_count + 2) * sizeof(*out->mention_ids));
	for (size_t i = 0; i < text->mention_count; i++) {
		struct app_text_mention *m = &text->mentions[i];
		struct store_account account;
		const char *domain =
		    str_equal_nocase(m->domain, app->core->config.domain) ? "" : m->domain;
		struct err missing = {0};
		if (!store_account_find(app->db, app->arena, m->username, domain, &account,
					&missing)) {
			if (missing.code == ERR_NOT_FOUND)
				continue; /* stays plain text */
			*e = missing;
			return false;
		}
		if (account.state != STORE_ACCOUNT_ACTIVE)
			continue;
		m->url = account.url;
		m->account_id = account.id;
		out->mention_ids[out->mention_count++] = account.id;
	}
	return true;
}

static bool check_reply(struct app *app, int64_t id, struct app_draft *out, struct err *e)
{
	struct app_post parent;
	if (id == 0)
		return true;
	if (!app_post_get(app, id, &parent, e))
		return e->code == ERR_NOT_FOUND
			   ? err_set(e, ERR_NOT_FOUND,
				     "The post you are answering does not exist (any more).")
			   : false;
	const struct store_post *row = parent.boost_of ? &parent.boost_of->row : &parent.row;
	out->row.in_reply_to_id = row->id;
	out->row.in_reply_to_account_id = row->account_id;
	out->row.thread_id = row->thread_id;
	return true;
}

static bool check_quote(struct app *app, int64_t id, struct app_draft *out, struct err *e)
{
	struct app_post quoted;
	if (id == 0)
		return true;
	if (!app_post_get(app, id, &quoted, e))
		return false;
	const struct store_post *row = quoted.boost_of ? &quoted.boost_of->row : &quoted.row;
	const struct app_post *view = quoted.boost_of ? quoted.boost_of : &quoted;
	if (!view->quotable)
		return err_set(e, ERR_FORBIDDEN,
			       "Validation failed: quoted_status_id may not be quoted by you");
	/* One's own post for followers may be quoted, to no more readers than it has. */
	if (out->row.visibility < row->visibility)
		out->row.visibility = row->visibility;
	out->row.quote_of_id = row->id;
	out->row.quote_state = STORE_QUOTE_ACCEPTED;
	out->quote_account_id = row->account_id;
	return true;
}

bool app_draft_media(struct app *app, const int64_t *ids, size_t count, int64_t post_id,
		     int64_t scheduled_id, struct store_media **out, struct err *e)
{
	struct store_media *media = arena_alloc(app->arena, (count + 1) * sizeof(*media));
	for (size_t i = 0; i < count; i++) {
		struct err missing = {0};
		bool held = false;
		bool found = store_media_get(app->db, app->arena, ids[i], &media[i], &missing);
		if (!found && missing.code != ERR_NOT_FOUND) {
			*e = missing;
			return false;
		}
		if (!found || media[i].account_id != app->account_id)
			return err_set(
			    e, ERR_INVALID,
			    "Validation failed: media_ids names a file that is not yours");
		if (media[i].state == STORE_MEDIA_PENDING)
			return err_set(
			    e, ERR_INVALID,
			    "Cannot attach files that have not finished processing. Try again in a moment!");
		if (!scheduled_id && !store_scheduled_held(app->db, ids[i], &held, e))
			return false;
		if (media[i].state == STORE_MEDIA_FAILED || held ||
		    (media[i].post_id && media[i].post_id != post_id))
			return err_set(
			    e, ERR_INVALID,
			    "Validation failed: media_ids names a file that cannot be posted (again)");
		for (size_t k = 0; k < i; k++)
			if (media[k].id == media[i].id)
				return err_set(e, ERR_INVALID,
					       "Validation failed: media_ids names a file twice");
	}
	*out = media;
	return true;
}

static bool load_media(struct app *app, const struct app_post_new *form, struct app_draft *out,
		       struct err *e)
{
	struct store_media *media;
	if (!app_draft_media(app, form->media_ids, form->media_count, 0, form->scheduled_id, &media,
			     e))
		return false;
	out->media = media;
	out->media_count = form->media_count;
	return true;
}

/* What the pictures tell: made here, in which style, remixed from what. */
bool app_draft_made(struct app *app, struct app_draft *out, struct err *e)
{
	for (size_t i = 0; i < out->media_count; i++) {
		const struct store_media *m = &out->media[i];
		if (!m->maker)
			continue;
		if (!out->row.made)
			out->row.style = m->style;
		out->row.made = true;
		if (!out->row.remix_of_id)
			out->row.remix_of_id = m->source_post_id;
	}
	out->row.media_count = (int)out->media_count;
	if (!out->row.remix_of_id)
		return true;
	struct store_post parent;
	struct err missing = {0};
	if (store_post_get(app->db, app->arena, out->row.remix_of_id, &parent, &missing)) {
		out->remix_account_id = parent.account_id;
		return true;
	}
	*e = missing;
	return missing.code == ERR_NOT_FOUND; /* deleted meanwhile: the tree gets its tombstone */
}

static bool check_form(struct app *app, const struct app_post_new *form, size_t media_count,
		       struct err *e)
{
	const struct app_config *config = &app->core->config;
	if (!app_check_text("text", form->text ? form->text : "",
			    4 * (size_t)config->post_characters_max, e))
		return false;
	if (media_count > (size_t)config->post_media_max)
		return err_set(e, ERR_INVALID,
			       "Validation failed: media_ids has more than %d files",
			       config->post_media_max);
	if (media_count == 0 && (!form->text || !form->text[strspn(form->text, " \t\r\n")]) &&
	    !form->quote_of_id)
		return err_set(e, ERR_INVALID, "Validation failed: Text can't be blank");
	if (form->quote_policy > STORE_QUOTE_NOBODY)
		return err_set(e, ERR_INVALID,
			       "Validation failed: quote_approval_policy is not known");
	if (form->spoiler_text &&
	    !app_check_text("spoiler_text", form->spoiler_text, SPOILER_MAX_CHARACTERS, e))
		return false;
	if (form->visibility > STORE_VISIBILITY_DIRECT ||
	    form->prompt_visibility > STORE_PROMPT_PRIVATE)
		return err_set(e, ERR_INVALID, "Validation failed: visibility is not known");
	if (form->language &&
	    (strlen(form->language) < 2 || strlen(form->language) > 12 ||
	     form->language[strspn(form->language, "abcdefghijklmnopqrstuvwxyz"
						   "ABCDEFGHIJKLMNOPQRSTUVWXYZ-")]))
		return err_set(e, ERR_INVALID,
			       "Validation failed: language is not a language code");
	return !form->idempotency_key || strlen(form->idempotency_key) <= KEY_MAX ||
	       err_set(e, ERR_INVALID, "Validation failed: Idempotency-Key is too long");
}

bool app_draft_prepare(struct app *app, const struct app_post_new *form,
		       const struct store_media *media, size_t media_count, struct app_draft *out,
		       struct err *e)
{
	const struct app_config *config = &app->core->config;
	struct app_text *text = ARENA_NEW(app->arena, struct app_text);
	struct store_account self;
	*out = (struct app_draft){.media = media, .media_count = media_count};
	if (!app_need_account(app, e) ||
	    !check_form(app, form, media ? media_count : form->media_count, e) ||
	    !store_account_get(app->db, app->arena, app->account_id, &self, e))
		return false;
	const char *written = form->text ? form->text : "";
	app_text_scan(app->arena, written, text);
	if (text->characters > (size_t)config->post_characters_max)
		return err_set(e, ERR_INVALID,
			       "Validation failed: Text is too long (at most %d characters)",
			       config->post_characters_max);
	int64_t id = id_new();
	const char *spoiler = form->spoiler_text ? form->spoiler_text : "";
	out->row = (struct store_post){
	    .id = id,
	    .account_id = app->account_id,
	    .uri = arena_printf(app->arena, "%s/statuses/%lld", self.uri, (long long)id),
	    .url = arena_printf(app->arena, "%s/%lld", self.url, (long long)id),
	    .local = true,
	    .visibility = form->visibility,
	    .text = written,
	    .spoiler_text = spoiler,
	    .sensitive = form->sensitive || spoiler[0],
	    .language = form->language,
	    .thread_id = id,
	    .remixable = !form->not_remixable,
	    .prompt_visibility = form->prompt_visibility,
	    .tags = "",
	    .app_id = form->app_id,
	    .quote_policy = form->quote_policy,
	    .poll = form->poll != NULL,
	    .created_at = app->now_ms,
	};
	out->idempotency_key =
	    form->idempotency_key && form->idempotency_key[0] ? form->idempotency_key : NULL;
	if (form->poll && (media_count > 0 || form->media_count > 0))
		return err_set(e, ERR_INVALID,
			       "Validation failed: a post has a poll or media_ids, not both");
	if (form->poll && !app_poll_prepare(app, form->poll, &out->poll, e))
		return false;
	if (!app_draft_mentions(app, text, out, e) ||
	    !check_reply(app, form->in_reply_to_id, out, e) ||
	    !check_quote(app, form->quote_of_id, out, e) ||
	    (!media && !load_media(app, form, out, e)) || !app_draft_made(app, out, e))
		return false;
	out->row.content = app_text_html(app->arena, config->base_url, written, text);
	out->row.mention_count = (int)out->mention_count;
	out->tags = arena_alloc(app->arena, (text->tag_count + 1) * sizeof(*out->tags));
	for (size_t i = 0; i < text->tag_count; i++) {
		out->tags[out->tag_count++] = text->tags[i];
		out->row.tags =
		    arena_printf(app->arena, i ? "%s %s" : "%s%s", out->row.tags, text->tags[i]);
	}
	out->wanted = out->row.visibility; /* a quote may have narrowed it */
	app_review_draft(out);
	return true;
}

/* --- writing --- */

/* What is left of a post's way to those who follow it, in this order. */
enum { TO_FOLLOWERS, TO_TAG_FOLLOWERS, TO_NOTIFIED };

struct fan_out {
	struct app *w;
	const struct store_post *post;
	int phase;
	int64_t cursor;
	size_t room;
	int64_t *ids; /* whose homes have it now; room + 1 */
	size_t found, scanned;
	int64_t next;
};

/* The homes of the followers, and their lists. */
static bool to_followers(struct fan_out *f, struct err *e)
{
	struct app *w = f->w;
	int64_t lists[APP_FAN_OUT_CHUNK];
	size_t list_count;
	if (!store_home_fan_out(w->db, f->post, f->cursor, (int)f->room, f->ids, &f->found,
				&f->scanned, &f->next, e) ||
	    !store_list_fan_out(w->db, f->post, f->cursor, f->next, lists, APP_FAN_OUT_CHUNK,
				&list_count, e))
		return false;
	if (list_count > 0) {
		int64_t *reached = arena_alloc(w->arena, list_count * sizeof(*reached));
		memcpy(reached, lists, list_count * sizeof(*reached));
		app_emit(w, &(struct app_event){
				.type = APP_EVENT_LIST,
				.post_id = f->post->id,
				.account_id = f->post->account_id,
				.boost = f->post->boost_of_id != 0,
				.recipients = reached,
				.recipient_count = list_count,
			    });
	}
	if (f->cursor > 0)
		return true;
	/* the author's own home comes with the first of them */
	f->ids[f->found++] = f->post->account_id;
	return store_home_insert(w->db, f->post->account_id, f->post->id, f->post->account_id, e);
}

/* Who asked to hear of every post is told. */
static bool to_notified(struct fan_out *f, struct err *e)
{
	int64_t *ids = arena_alloc(f->w->arena, (f->room + 1) * sizeof(*ids));
	if (!store_follow_notified(f->w->db, f->post->account_id, f->cursor, ids, f->room,
				   &f->scanned, e))
		return false;
	for (size_t i = 0; i < f->scanned; i++)
		if (!app_notify(f->w, ids[i], APP_NOTIFY_STATUS, f->post->account_id, f->post->id,
				e))
			return false;
	f->next = f->scanned ? ids[f->scanned - 1] : f->cursor;
	return true;
}

static bool fan_out_chunk(struct fan_out *f, struct err *e)
{
	if (f->phase == TO_NOTIFIED)
		return to_notified(f, e);
	if (f->phase == TO_FOLLOWERS)
		return to_followers(f, e);
	return store_followed_tag_fan_out(f->w->db, f->post, f->cursor, (int)f->room, f->ids,
					  &f->found, &f->scanned, &f->next, e);
}

static bool has_phase(const struct store_post *post, int phase)
{
	if (post->boost_of_id)
		return phase == TO_FOLLOWERS;
	if (phase == TO_TAG_FOLLOWERS)
		return post->tags && post->tags[0] && post->visibility == STORE_VISIBILITY_PUBLIC;
	return phase != TO_NOTIFIED || !post->in_reply_to_id;
}

/* One chunk of one phase; *more: this phase has another. */
static bool fan_out_step(struct app *w, const struct store_post *post, int phase, int64_t cursor,
			 size_t room, bool *more, struct err *e)
{
	struct fan_out f = {.w = w, .post = post, .phase = phase, .cursor = cursor, .room = room};
	f.ids = arena_alloc(w->arena, (room + 1) * sizeof(*f.ids));
	if (!fan_out_chunk(&f, e))
		return false;
	if (f.found > 0)
		app_emit(w, &(struct app_event){
				.type = APP_EVENT_HOME,
				.post_id = post->id,
				.account_id = post->account_id,
				.boost = post->boost_of_id != 0,
				.recipients = f.ids,
				.recipient_count = f.found,
			    });
	*more = f.scanned == room;
	if (!*more)
		return true;
	w->events->behind |= room == APP_FAN_OUT_FIRST;
	return store_fanout_set(w->db, post->id, phase, f.next, e);
}

bool app_fan_out(struct app *w, const struct store_post *post, int phase, int64_t cursor,
		 size_t room, bool *more, struct err *e)
{
	bool begun = phase != 0 || cursor != 0; /* earlier, and its place was written down */
	if (!fan_out_step(w, post, phase, cursor, room, more, e))
		return false;
	while (!*more && ++phase <= TO_NOTIFIED)
		if (has_phase(post, phase) && !fan_out_step(w, post, phase, 0, room, more, e))
			return false;
	return *more || !begun || store_fanout_delete(w->db, post->id, e);
}

static bool write_lineage(struct app *w, const struct app_draft *draft, struct err *e)
{
	const struct store_post *row = &draft->row;
	struct store_lineage parent;
	struct err missing = {0};
	if (!row->remix_of_id || draft->pending)
		return true;
	if (!store_lineage_get(w->db, row->remix_of_id, &parent, &missing)) {
		if (missing.code != ERR_NOT_FOUND) {
			*e = missing;
			return false;
		}
		/* The first remix makes the root; of a post that is gone, its tombstone. */
		parent = (struct store_lineage){
		    .post_id = row->remix_of_id,
		    .root_id = row->remix_of_id,
		    .account_id = draft->remix_account_id,
		    .created_at = id_time_ms(row->remix_of_id),
		};
		if (!store_lineage_insert(w->db, &parent, e) ||
		    (!draft->remix_account_id && !store_lineage_bury(w->db, parent.post_id, e)))
			return false;
	}
	struct store_lineage node = {
	    .post_id = row->id,
	    .parent_id = row->remix_of_id,
	    .root_id = parent.root_id,
	    .account_id = row->account_id,
	    .created_at = row->created_at,
	};
	return store_lineage_insert(w->db, &node, e) &&
	       store_post_add_remixes(w->db, row->remix_of_id, 1, e);
}

static bool tell(struct app *w, const struct app_draft *draft, struct err *e)
{
	const struct store_post *row = &draft->row;
	for (size_t i = 0; i < draft->mention_count; i++)
		if (!app_notify(w, draft->mention_ids[i], APP_NOTIFY_MENTION, row->account_id,
				row->id, e))
			return false;
	if (!app_notify(w, draft->quote_account_id, APP_NOTIFY_QUOTE, row->account_id, row->id, e))
		return false;
	/* Of a remix its source's author hears, where they may see it. */
	if (row->visibility <= STORE_VISIBILITY_UNLISTED &&
	    !app_notify(w, draft->remix_account_id, APP_NOTIFY_REMIX, row->account_id, row->id, e))
		return false;
	return true;
}

static bool write_parts(struct app *w, struct app_draft *draft, struct err *e)
{
	const struct store_post *row = &draft->row;
	for (size_t i = 0; i < draft->media_count; i++)
		if (!store_media_attach(w->db, draft->media[i].id, row->account_id, row->id, (int)i,
					e))
			return false;
	for (size_t i = 0; i < draft->mention_count; i++)
		if (!store_mention_insert(w->db, row->id, draft->mention_ids[i], e))
			return false;
	for (size_t i = 0; i < draft->tag_count; i++)
		if (!store_tag_add(w->db, app_text_fold_tag(w->arena, draft->tags[i]),
				   draft->tags[i], row->id, w->now_ms, e))
			return false;
	if (draft->poll) {
		draft->poll->post_id = row->id;
		draft->poll->account_id = row->account_id;
		if (!store_poll_insert(w->db, draft->poll, e))
			return false;
	}
	if (row->quote_of_id && !draft->pending &&
	    !store_post_add_quotes(w->db, row->quote_of_id, 1, e))
		return false;
	return !row->in_reply_to_id || draft->pending ||
	       store_post_add_replies(w->db, row->in_reply_to_id, 1, e);
}

/* Who is limited is not shown to those who don't follow: not in the public streams either. */
static bool announce_publicly(struct app *w, const struct app_draft *draft, struct err *e)
{
	const struct store_post *row = &draft->row;
	const struct store_account *author = draft->author;
	struct store_account read;
	if (!author && !store_account_get(w->db, w->arena, row->account_id, &read, e))
		return false;
	if (!(author ? author : &read)->limited)
		app_emit(w, &(struct app_event){
				.type = APP_EVENT_POST,
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

/* What others hear of it, once all of it is written. An unlisted reply is heard by whoever follows the conversation. */
static bool announce(struct app *w, const struct app_draft *draft, struct err *e)
{
	const struct store_post *row = &draft->row;
	bool more, open = row->visibility == STORE_VISIBILITY_PUBLIC ||
			  (row->visibility == STORE_VISIBILITY_UNLISTED && row->in_reply_to_id);
	if (!app_card_follow(w, NULL, row, e) || (open && !announce_publicly(w, draft, e)))
		return false;
	if (row->visibility == STORE_VISIBILITY_DIRECT) {
		if (!app_conversation_add(w, row, draft->mention_ids, draft->mention_count, e))
			return false;
	} else if (!app_fan_out(w, row, 0, 0, APP_FAN_OUT_FIRST, &more, e)) {
		return false;
	}
	return draft->mention_count == 0 || app_draw_mentioned(w, row, e);
}

bool app_draft_write(struct app *w, struct app_draft *draft, struct err *e)
{
	struct store_post *row = &draft->row;
	draft->existing_id = 0;
	if (draft->idempotency_key) {
		if (!store_idempotency_find(w->db, row->account_id, KIND_POST,
					    draft->idempotency_key, &draft->existing_id, e))
			return false;
		if (draft->existing_id)
			return true;
		if (!store_idempotency_insert(w->db, row->account_id, KIND_POST,
					      draft->idempotency_key, row->id, w->now_ms, e))
			return false;
	}
	if (!app_hold_judge(w, draft, e) || !store_post_insert(w->db, row, e) ||
	    !write_parts(w, draft, e) || !write_lineage(w, draft, e) ||
	    !store_account_add_posts(w->db, row->account_id, 1, w->now_ms, e))
		return false;
	if (draft->hold_reason)
		return app_hold(w, draft, e);
	if (!tell(w, draft, e))
		return false;
	return draft->pending ? app_review_open(w, draft, e) : announce(w, draft, e);
}

bool app_draft_announce(struct app *w, struct app_draft *draft, struct err *e)
{
	return tell(w, draft, e) && announce(w, draft, e);
}

bool app_draft_publish(struct app *w, struct app_draft *draft, struct err *e)
{
	return write_parts(w, draft, e) && write_lineage(w, draft, e) && tell(w, draft, e) &&
	       announce(w, draft, e);
}

static bool write_draft(struct app *w, void *context, struct err *e)
{
	return app_draft_write(w, context, e);
}

bool app_post_create(struct app *app, const struct app_post_new *form, struct app_post *out,
		     struct err *e)
{
	struct app_draft draft;
	int64_t before = 0;
	const char *key =
	    form->idempotency_key && form->idempotency_key[0] ? form->idempotency_key : NULL;
	/* Looked up first: the same request sent again must not fail because its pictures are posted now. */
	if (!app_need_account(app, e) ||
	    (key && !store_idempotency_find(app->db, app->account_id, KIND_POST, key, &before, e)))
		return false;
	if (before)
		return app_post_get(app, before, out, e);
	if (form->visibility != STORE_VISIBILITY_DIRECT &&
	    (!app_token_seen_in(app, form->text, e) ||
	     !app_token_seen_in(app, form->spoiler_text, e)))
		return false;
	if (!app_draft_prepare(app, form, NULL, 0, &draft, e))
		return false;
	if (!app_write(app, write_draft, &draft, e)) {
		/* On PostgreSQL the twin of this request may have been faster. */
		struct err ignored = {0};
		if (!key || e->code != ERR_CONFLICT ||
		    !store_idempotency_find(app->db, app->account_id, KIND_POST, key, &before,
					    &ignored) ||
		    !before)
			return false;
		draft.existing_id = before;
	}
	return app_post_get(app, draft.existing_id ? draft.existing_id : draft.row.id, out, e);
}

/* --- taking back --- */

static bool delete_media(struct app *w, int64_t post_id, struct err *e)
{
	struct store_media *media;
	size_t count;
	if (!store_media_of_posts(w->db, w->arena, &post_id, 1, &media, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!store_media_delete(w->db, w->arena, media[i].id, w->now_ms, e))
			return false;
	return true;
}

static bool uncount(struct app *w, const struct store_post *row, struct err *e)
{
	bool pending;
	if (!app_review_pending(w, row->id, &pending, e))
		return false;
	if (pending) /* it was never counted anywhere else */
		return store_account_add_posts(w->db, row->account_id, -1, 0, e);
	if (row->boost_of_id && !store_post_add_boosts(w->db, row->boost_of_id, -1, e))
		return false;
	if (row->in_reply_to_id && !store_post_add_replies(w->db, row->in_reply_to_id, -1, e))
		return false;
	if (row->remix_of_id && !store_post_add_remixes(w->db, row->remix_of_id, -1, e))
		return false;
	if (row->quote_of_id && row->quote_state == STORE_QUOTE_ACCEPTED &&
	    !store_post_add_quotes(w->db, row->quote_of_id, -1, e))
		return false;
	if (row->visibility == STORE_VISIBILITY_DIRECT &&
	    !store_conversation_remove_post(w->db, row->id, e))
		return false;
	int64_t counted_to = 0;
	if (row->tags[0] && !app_tags_counted_to(w, &counted_to, e))
		return false;
	if (row->id <= counted_to && !store_tag_remove_post(w->db, row->id, e))
		return false;
	return store_account_add_posts(w->db, row->account_id, -1, 0, e);
}

struct delete_call {
	int64_t id;
	bool keep_media;
};

static bool delete_post(struct app *w, void *context, struct err *e)
{
	const struct delete_call *call = context;
	struct store_post row;
	if (!store_post_get(w->db, w->arena, call->id, &row, e) || !uncount(w, &row, e) ||
	    !(call->keep_media ? store_media_release(w->db, row.id, w->now_ms, e)
			       : delete_media(w, row.id, e)) ||
	    !store_lineage_bury(w->db, row.id, e) || !app_card_drop(w, &row, e) ||
	    !store_post_delete(w->db, &row, w->now_ms, e))
		return false;
	app_emit(w, &(struct app_event){
			.type = APP_EVENT_POST_DELETED,
			.post_id = row.id,
			.thread_id = row.thread_id,
			.account_id = row.account_id,
			.visibility = row.visibility,
			.local = row.local,
			.tags = row.tags,
		    });
	return true;
}

bool app_post_remove(struct app *w, int64_t id, struct err *e)
{
	return delete_post(w, &(struct delete_call){.id = id}, e);
}

static bool take_back(struct app *app, int64_t id, bool keep_media, struct app_post *out,
		      struct err *e)
{
	struct app_post post;
	struct err later = {0};
	bool more = false;
	if (!app_need_account(app, e) || !app_post_get(app, id, &post, e))
		return false;
	if (post.row.account_id != app->account_id && app->role == STORE_ROLE_USER)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	struct delete_call call = {.id = id};
	call.keep_media = keep_media && post.row.account_id == app->account_id;
	if (!app_write(app, delete_post, &call, e))
		return false;
	/* The files go at once where they can; what cannot go now stays in the trash for app_tick. */
	(void)!app_trash_empty(app, &more, &later);
	if (out)
		*out = post;
	return true;
}

bool app_post_delete(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	return take_back(app, id, false, out, e);
}

bool app_post_redraft(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	return take_back(app, id, true, out, e);
}

/* --- context --- */

/* Mastodon's, so that apps meet what they know. */
struct context_limits {
	size_t ancestors, descendants;
	int depth; /* of the answers to answers */
};
static const struct context_limits CONTEXT_SIGNED_IN = {4096, 4096, INT16_MAX},
				   CONTEXT_SIGNED_OUT = {40, 60, 20};

/* In order of their ids, falling. */
static int compare_nodes_down(const void *a, const void *b)
{
	return app_ids_compare(b, a);
}

/* The parents of one post after the other: a few are asked for one by one, of a long way all that stands before them
 * in the conversation is read at once. */
static bool climb(struct app *app, const struct store_post *row, int64_t *ids, size_t room,
		  size_t *count, struct err *e)
{
	struct store_thread_node *thread = NULL;
	size_t known = 0;
	int64_t next = row->in_reply_to_id;
	while (next && *count < room) {
		struct store_post parent;
		struct err missing = {0};
		if (*count == SINGLE_STEPS_MAX) {
			thread = ARENA_ARRAY(app->arena, struct store_thread_node, THREAD_MAX);
			if (!thread)
				return err_set(e, ERR_NO_MEMORY,
					       "This is too much at once. Please ask for less.");
			if (!store_post_thread_up(app->db, row->thread_id, next + 1, thread,
						  THREAD_MAX, &known, e))
				return false;
		}
		const struct store_thread_node *node =
		    known ? bsearch(&next, thread, known, sizeof(*thread), compare_nodes_down)
			  : NULL;
		if (node) {
			ids[(*count)++] = node->id;
			next = node->in_reply_to_id;
			continue;
		}
		if (!store_post_get(app->db, app->arena, next, &parent, &missing)) {
			*e = missing;
			return missing.code == ERR_NOT_FOUND; /* deleted: the way ends there */
		}
		ids[(*count)++] = parent.id;
		next = parent.in_reply_to_id;
	}
	return true;
}

/* Nearest last; those that must not be seen are left out. */
static bool load_ancestors(struct app *app, const struct store_post *row, size_t room,
			   struct app_posts *out, struct err *e)
{
	int64_t *ids = arena_alloc(app->arena, room * sizeof(*ids));
	size_t count = 0;
	if (!climb(app, row, ids, room, &count, e))
		return false;
	for (size_t i = 0; i < count / 2; i++) {
		int64_t other = ids[i];
		ids[i] = ids[count - 1 - i];
		ids[count - 1 - i] = other;
	}
	return app_post_get_many(app, ids, count, out, e);
}

/* Of a conversation in the order of its posts: those below `root_id`, each behind what it answers. What is
 * kept is in that order too, so it can be searched by halves. */
static size_t below(const struct store_thread_node *thread, size_t count, int64_t root_id,
		    int64_t *out, int16_t *depths, const struct context_limits *limits)
{
	size_t kept = 0;
	for (size_t i = 0; i < count && kept < limits->descendants; i++) {
		int64_t parent = thread[i].in_reply_to_id;
		const int64_t *at = kept && parent != root_id
					? bsearch(&parent, out, kept, sizeof(*out), app_ids_compare)
					: NULL;
		int depth = parent == root_id ? 1 : at ? depths[at - out] + 1 : INT_MAX;
		if (depth > limits->depth)
			continue;
		depths[kept] = (int16_t)depth;
		out[kept++] = thread[i].id;
	}
	return kept;
}

bool app_post_context(struct app *app, int64_t id, struct app_posts *ancestors,
		      struct app_posts *descendants, struct err *e)
{
	const struct context_limits *limits =
	    app->account_id ? &CONTEXT_SIGNED_IN : &CONTEXT_SIGNED_OUT;
	struct app_post post;
	size_t count;
	int64_t *ids = arena_alloc(app->arena, limits->descendants * sizeof(*ids));
	int16_t *depths = arena_alloc(app->arena, limits->descendants * sizeof(*depths));
	struct store_thread_node *thread =
	    ARENA_ARRAY(app->arena, struct store_thread_node, THREAD_MAX);
	if (!thread)
		return err_set(e, ERR_NO_MEMORY, "This is too much at once. Please ask for less.");
	if (!app_post_get(app, id, &post, e))
		return false;
	const struct store_post *row = post.boost_of ? &post.boost_of->row : &post.row;
	if (!load_ancestors(app, row, limits->ancestors, ancestors, e) ||
	    !store_post_thread(app->db, row->thread_id, row->id, thread, THREAD_MAX, &count, e))
		return false;
	count = below(thread, count, row->id, ids, depths, limits);
	return app_posts_get_in(app, ids, count, APP_VIEW_LIST, descendants, e);
}
