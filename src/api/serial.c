/* Writes entities. Pure: reads structs, asks nothing of the database (the emojis in a text come from the copy that
 * app/emoji.c keeps); whoever calls has loaded what the viewer may see, so nothing here decides about visibility. */
#include "api/serial.h"

#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/str.h"

const char *serial_visibility(enum store_visibility v)
{
	static const char *const names[] = {"public", "unlisted", "private", "direct", "private"};
	return names[v];
}

const char *serial_prompt_visibility(enum store_prompt_visibility v)
{
	static const char *const names[] = {"public", "remixers", "private"};
	return names[v];
}

static const char *extension(const char *type)
{
	static const char *const known[][2] = {{"image/webp", ".webp"}, {"image/jpeg", ".jpg"},
					       {"image/png", ".png"},   {"image/gif", ".gif"},
					       {"video/mp4", ".mp4"},   {"video/webm", ".webm"}};
	for (size_t i = 0; type && i < sizeof known / sizeof *known; i++)
		if (!strcmp(known[i][0], type))
			return known[i][1];
	return "";
}

const char *serial_object_url(struct serial *s, const char *hash, const char *type)
{
	if (!hash)
		return NULL;
	return arena_printf(s->app->arena, "%s/media/%s%s", s->api->base_url, hash,
			    extension(type));
}

/* Never null: Mastodon's clients crash on it. Who has set none gets one drawn from the name. */
const char *serial_avatar_url(struct serial *s, const struct store_account *a)
{
	if (a->avatar_hash)
		return serial_object_url(s, a->avatar_hash, a->avatar_type);
	if (a->avatar_remote_url)
		return a->avatar_remote_url;
	char id[ID_TEXT_SIZE];
	return arena_printf(s->app->arena, "%s/avatars/%s.svg", s->api->base_url,
			    id_format(id, a->id));
}

static const char *header_url(struct serial *s, const struct store_account *a)
{
	if (a->header_hash)
		return serial_object_url(s, a->header_hash, a->header_type);
	if (a->header_remote_url)
		return a->header_remote_url;
	return arena_printf(s->app->arena, "%s/avatars/header.svg", s->api->base_url);
}

static void put_fields(struct serial *s, const char *key, const struct store_account *a, bool html)
{
	struct app_field fields[APP_FIELDS_MAX];
	size_t n = app_account_fields(s->app->arena, a->fields, fields);
	json_put_array(s->w, key);
	for (size_t i = 0; i < n; i++) {
		json_put_object(s->w, NULL);
		json_put_str(s->w, "name", fields[i].name);
		json_put_str(s->w, "value",
			     html ? app_account_field_html(s->app, a, fields[i].value)
				  : fields[i].value);
		json_put_null(s->w, "verified_at");
		json_put_end(s->w);
	}
	json_put_end(s->w);
}

static void put_empty_array(struct json_writer *w, const char *key)
{
	json_put_array(w, key);
	json_put_end(w);
}

static void emoji_members(struct serial *s, const struct store_emoji *m)
{
	json_put_str(s->w, "shortcode", m->shortcode);
	json_put_str(s->w, "url", serial_object_url(s, m->hash, m->type));
	json_put_str(s->w, "static_url", serial_object_url(s, m->static_hash, m->static_type));
	json_put_bool(s->w, "visible_in_picker", !m->hidden);
	json_put_str(s->w, "category", *m->category ? m->category : NULL);
}

void serial_emoji(struct serial *s, const char *key, const struct store_emoji *m)
{
	json_put_object(s->w, key);
	emoji_members(s, m);
	json_put_end(s->w);
}

void serial_emoji_kept(struct serial *s, const char *key, const struct store_emoji *m)
{
	json_put_object(s->w, key);
	json_put_id(s->w, "id", m->id);
	emoji_members(s, m);
	json_put_bool(s->w, "disabled", m->disabled);
	json_put_time(s->w, "created_at", m->created_at);
	json_put_time(s->w, "updated_at", m->updated_at);
	json_put_end(s->w);
}

void serial_emojis(struct serial *s, const char *key, const char *const *texts, size_t count)
{
	struct store_emoji found[APP_EMOJIS_SHOWN_MAX];
	size_t n = app_emojis_in(s->app, texts, count, found, APP_EMOJIS_SHOWN_MAX);
	json_put_array(s->w, key);
	for (size_t i = 0; i < n; i++)
		serial_emoji(s, NULL, &found[i]);
	json_put_end(s->w);
}

/* Who keeps the house is shown as such on their profiles. */
static void role_head(struct json_writer *w, const struct store_account *a)
{
	static const char *const names[] = {"", "Moderator", "Admin", "Owner"};
	static const char *const ids[] = {"-99", "1", "2", "3"};
	json_put_str(w, "id", ids[a->role]);
	json_put_str(w, "name", names[a->role]);
	json_put_str(w, "color", "");
}

static void account_members(struct serial *s, const struct store_account *a)
{
	struct json_writer *w = s->w;
	const char *avatar = serial_avatar_url(s, a), *header = header_url(s, a);
	json_put_id(w, "id", a->id);
	json_put_str(w, "username", a->username);
	json_put_str(w, "acct", app_account_acct(s->app->arena, a));
	json_put_str(w, "display_name", a->display_name ? a->display_name : "");
	json_put_bool(w, "locked", a->locked);
	json_put_bool(w, "bot", a->bot);
	json_put_bool(w, "discoverable", a->discoverable);
	json_put_bool(w, "indexable", a->indexable);
	json_put_bool(w, "group", false);
	json_put_time(w, "created_at", a->created_at);
	json_put_str(w, "note", app_account_note_html(s->app, a));
	json_put_str(w, "url", a->url);
	json_put_str(w, "uri", a->uri);
	json_put_str(w, "avatar", avatar);
	json_put_str(w, "avatar_static", avatar);
	json_put_str(w, "header", header);
	json_put_str(w, "header_static", header);
	json_put_int(w, "followers_count", a->followers_count);
	json_put_int(w, "following_count", a->following_count);
	json_put_int(w, "statuses_count", a->posts_count);
	char day[32] = "";
	if (a->last_post_at) { /* a date without a time */
		struct buf b;
		struct json_writer t;
		struct err e = {0};
		buf_init(&b, 64);
		json_begin(&t, &b);
		json_put_time(&t, NULL, a->last_post_at);
		if (json_finish(&t, &e) && b.length > 11)
			snprintf(day, sizeof day, "%.10s", b.data + 1);
		buf_finish(&b);
	}
	json_put_str(w, "last_status_at", day[0] ? day : NULL);
	put_fields(s, "fields", a, true);
	serial_emojis(s, "emojis", (const char *[]){a->display_name, a->note, a->fields},
		      *a->domain ? 0 : 3);
	json_put_bool(w, "hide_collections", a->hide_collections);
	if (a->state == STORE_ACCOUNT_SUSPENDED)
		json_put_bool(w, "suspended", true);
	if (a->limited)
		json_put_bool(w, "limited", true);
	json_put_array(w, "roles");
	if (a->role != STORE_ROLE_USER) {
		json_put_object(w, NULL);
		role_head(w, a);
		json_put_end(w);
	}
	json_put_end(w);
}

void serial_account(struct serial *s, const char *key, const struct store_account *a)
{
	json_put_object(s->w, key);
	account_members(s, a);
	json_put_end(s->w);
}

void serial_account_muted(struct serial *s, const char *key, const struct store_account *a,
			  int64_t expires_at)
{
	json_put_object(s->w, key);
	account_members(s, a);
	json_put_time(s->w, "mute_expires_at", expires_at);
	json_put_end(s->w);
}

void serial_account_own(struct serial *s, const char *key, const struct store_account *a,
			const struct serial_own *own)
{
	/* Mastodon's bits: a moderator sees the dashboard, and manages reports, trends, appeals and users; an
	 * administrator has all of them. */
	static const char *const permissions[] = {"0", "1816", "2097151", "2097151"};
	struct json_writer *w = s->w;
	json_put_object(w, key);
	account_members(s, a);
	json_put_object(w, "source");
	json_put_str(w, "privacy", own->privacy);
	json_put_bool(w, "sensitive", own->sensitive);
	json_put_str(w, "language", own->language);
	json_put_str(w, "note", a->note ? a->note : "");
	put_fields(s, "fields", a, false);
	json_put_int(w, "follow_requests_count", own->follow_requests);
	json_put_bool(w, "discoverable", a->discoverable);
	json_put_bool(w, "indexable", a->indexable);
	json_put_bool(w, "hide_collections", a->hide_collections);
	serial_ids(s, "attribution_domains", own->attribution_domains, false);
	json_put_str(w, "quote_policy", own->quote_policy);
	json_put_end(w);
	json_put_object(w, "role");
	role_head(w, a);
	json_put_str(w, "permissions", permissions[a->role]);
	json_put_bool(w, "highlighted", a->role != STORE_ROLE_USER);
	json_put_end(w);
	json_put_end(w);
}

/* As it was written, for who is going to change it. */
void serial_profile(struct serial *s, const struct store_account *a)
{
	struct json_writer *w = s->w;
	const char *avatar = a->avatar_hash ? serial_avatar_url(s, a) : NULL;
	const char *header = a->header_hash ? header_url(s, a) : NULL;
	json_put_id(w, "id", a->id);
	json_put_str(w, "display_name", a->display_name ? a->display_name : "");
	json_put_str(w, "note", a->note ? a->note : "");
	put_fields(s, "fields", a, false);
	json_put_str(w, "avatar", avatar);
	json_put_str(w, "avatar_static", avatar);
	json_put_str(w, "avatar_description", a->avatar_description);
	json_put_str(w, "header", header);
	json_put_str(w, "header_static", header);
	json_put_str(w, "header_description", a->header_description);
	json_put_bool(w, "locked", a->locked);
	json_put_bool(w, "bot", a->bot);
	json_put_bool(w, "hide_collections", a->hide_collections);
	json_put_bool(w, "discoverable", a->discoverable);
	json_put_bool(w, "indexable", a->indexable);
}

static void put_size(struct json_writer *w, const char *key, int64_t width, int64_t height)
{
	json_put_object(w, key);
	json_put_int(w, "width", width);
	json_put_int(w, "height", height);
	char text[48];
	snprintf(text, sizeof text, "%lldx%lld", (long long)width, (long long)height);
	json_put_str(w, "size", text);
	json_put_real(w, "aspect", height ? (double)width / (double)height : 1);
	json_put_end(w);
}

static void media_meta(struct json_writer *w, const struct store_media *m)
{
	json_put_object(w, "meta");
	if (m->width && m->height) {
		put_size(w, "original", m->width, m->height);
		put_size(w, "small", m->thumbnail_width ? m->thumbnail_width : m->width,
			 m->thumbnail_height ? m->thumbnail_height : m->height);
	}
	json_put_object(w, "focus");
	json_put_real(w, "x", m->focus_x);
	json_put_real(w, "y", m->focus_y);
	json_put_end(w);
	json_put_end(w);
}

void serial_media(struct serial *s, const char *key, const struct store_media *m)
{
	static const char *const kinds[] = {"image", "gifv", "video", "audio"};
	struct json_writer *w = s->w;
	const char *url =
	    m->state == STORE_MEDIA_READY ? serial_object_url(s, m->hash, m->type) : NULL;
	const char *preview = serial_object_url(s, m->thumbnail_hash, m->thumbnail_type);
	json_put_object(w, key);
	json_put_id(w, "id", m->id);
	json_put_str(w, "type", kinds[m->kind]);
	json_put_str(w, "url", url ? url : m->state == STORE_MEDIA_READY ? m->remote_url : NULL);
	json_put_str(w, "preview_url", preview ? preview : url);
	json_put_str(w, "remote_url", m->remote_url);
	json_put_null(w, "preview_remote_url");
	json_put_null(w, "text_url");
	media_meta(w, m);
	json_put_str(w, "description", m->description && *m->description ? m->description : NULL);
	json_put_str(w, "blurhash", m->blurhash);
	if (m->maker) {
		json_put_object(w, "madang");
		json_put_bool(w, "made", true);
		json_put_id(w, "job_id", m->job_id);
		json_put_str(w, "maker", m->maker);
		json_put_str(w, "model", m->model);
		json_put_str(w, "style", m->style);
		if (m->has_seed)
			json_put_int(w, "seed", m->seed);
		else
			json_put_null(w, "seed");
		json_put_str(w, "prompt", m->prompt);
		json_put_end(w);
	} else {
		json_put_null(w, "madang");
	}
	json_put_end(w);
}

void serial_tag(struct serial *s, const char *key, const char *name)
{
	struct buf url;
	buf_init(&url, 2048);
	buf_printf(&url, "%s/tags/", s->api->base_url);
	api_url_encode(&url, name);
	json_put_object(s->w, key);
	json_put_str(s->w, "id", name); /* tags are known by their names here */
	json_put_str(s->w, "name", name);
	json_put_str(s->w, "url", url.data);
	json_put_end(s->w);
	buf_finish(&url);
}

static void put_tags(struct serial *s, const char *tags)
{
	json_put_array(s->w, "tags");
	while (tags && *tags) {
		size_t n = strcspn(tags, " ");
		if (n)
			serial_tag(s, NULL, arena_strndup(s->app->arena, tags, n));
		tags += n + (tags[n] == ' ');
	}
	json_put_end(s->w);
}

void serial_mention(struct serial *s, const char *key, const struct store_account *a)
{
	json_put_object(s->w, key);
	json_put_id(s->w, "id", a->id);
	json_put_str(s->w, "username", a->username);
	json_put_str(s->w, "url", a->url);
	json_put_str(s->w, "acct", app_account_acct(s->app->arena, a));
	json_put_end(s->w);
}

static void put_mentions(struct serial *s, const struct app_post *p)
{
	json_put_array(s->w, "mentions");
	for (size_t i = 0; i < p->mention_count; i++)
		serial_mention(s, NULL, p->mentions[i]);
	json_put_end(s->w);
}

static const char *const REVIEW_STATES[] = {"pending", "changes", "approved", "refused"};

static void put_review(struct json_writer *w, const struct store_review *r)
{
	if (!r) {
		json_put_null(w, "review");
		return;
	}
	json_put_object(w, "review");
	json_put_id(w, "id", r->id);
	json_put_str(w, "state", REVIEW_STATES[r->state]);
	json_put_str(w, "reason", r->reason);
	json_put_str(w, "visibility", serial_visibility(r->visibility));
	json_put_time(w, "deadline_at", r->deadline_at);
	json_put_end(w);
}

/* Our own member: what made it, what it was made of, what may be done with it. */
static void put_madang(struct serial *s, const struct app_post *p)
{
	struct json_writer *w = s->w;
	char id[ID_TEXT_SIZE];
	json_put_object(w, "madang");
	if (p->made) {
		json_put_object(w, "made_with");
		json_put_str(w, "maker", p->made->maker);
		json_put_str(w, "maker_name",
			     p->made->maker && !strcmp(p->made->maker, "builtin") ? "Madang"
										  : p->made->maker);
		json_put_str(w, "model", p->made->model);
		json_put_str(w, "style", p->made->style);
		if (p->made->has_seed)
			json_put_int(w, "seed", p->made->seed);
		else
			json_put_null(w, "seed");
		json_put_end(w);
	} else {
		json_put_null(w, "made_with");
	}
	json_put_str(w, "prompt", p->prompt);
	json_put_str(w, "prompt_visibility", serial_prompt_visibility(p->row.prompt_visibility));
	json_put_bool(w, "remixable", p->row.remixable && p->row.media_count > 0);
	if (p->has_remix_of) {
		json_put_object(w, "remix_of");
		json_put_id(w, "id", p->remix_of.id);
		json_put_str(w, "url", p->remix_of.url);
		if (p->remix_of.account)
			serial_account(s, "account", p->remix_of.account);
		else
			json_put_null(w, "account");
		json_put_bool(w, "deleted", p->remix_of.deleted);
		json_put_end(w);
	} else {
		json_put_null(w, "remix_of");
	}
	json_put_int(w, "remixes_count", p->row.remixes_count);
	put_review(w, p->review);
	json_put_str(w, "lineage_url",
		     p->in_lineage ? arena_printf(s->app->arena, "%s/lineage/%s", s->api->base_url,
						  id_format(id, p->row.id))
				   : NULL);
	json_put_end(w);
}

void serial_poll(struct serial *s, const char *key, const struct store_poll *p)
{
	struct json_writer *w = s->w;
	bool over = p->expires_at <= s->app->now_ms, voted = false;
	bool own = p->account_id == s->app->account_id;
	int64_t votes = 0;
	for (size_t i = 0; i < p->option_count; i++) {
		votes += p->votes[i];
		voted |= p->own[i];
	}
	json_put_object(w, key);
	json_put_id(w, "id", p->post_id);
	json_put_time(w, "expires_at", p->expires_at);
	json_put_bool(w, "expired", over);
	json_put_bool(w, "multiple", p->multiple);
	json_put_int(w, "votes_count", votes);
	json_put_int(w, "voters_count", p->voters_count);
	if (s->app->account_id) {
		json_put_bool(w, "voted", voted || own);
		json_put_array(w, "own_votes");
		for (size_t i = 0; i < p->option_count; i++)
			if (p->own[i])
				json_put_int(w, NULL, (int64_t)i);
		json_put_end(w);
	}
	json_put_array(w, "options");
	for (size_t i = 0; i < p->option_count; i++) {
		json_put_object(w, NULL);
		json_put_str(w, "title", p->options[i]);
		if (p->hide_totals && !over)
			json_put_null(w, "votes_count");
		else
			json_put_int(w, "votes_count", p->votes[i]);
		serial_emojis(s, "emojis", &p->options[i], 1);
		json_put_end(w);
	}
	json_put_end(w);
	serial_emojis(s, "emojis", p->options, p->option_count);
	json_put_end(w);
}

static void filter_head(struct json_writer *w, const struct store_filter *f)
{
	static const char *const contexts[] = {"home", "notifications", "public", "thread",
					       "account"};
	static const char *const actions[] = {"warn", "hide", "blur"};
	json_put_id(w, "id", f->id);
	json_put_str(w, "title", f->title);
	json_put_array(w, "context");
	for (int i = 0; i < 5; i++)
		if (f->contexts & (1u << i))
			json_put_str(w, NULL, contexts[i]);
	json_put_end(w);
	json_put_time(w, "expires_at", f->expires_at);
	json_put_str(w, "filter_action", actions[f->action]);
	json_put_object(w, "madang");
	json_put_bool(w, "made", f->made);
	json_put_str(w, "maker", f->maker);
	json_put_end(w);
}

void serial_filter(struct serial *s, const char *key, const struct app_filter *f)
{
	struct json_writer *w = s->w;
	json_put_object(w, key);
	filter_head(w, &f->row);
	json_put_array(w, "keywords");
	for (size_t i = 0; i < f->keyword_count; i++) {
		json_put_object(w, NULL);
		json_put_id(w, "id", f->keywords[i].id);
		json_put_str(w, "keyword", f->keywords[i].keyword);
		json_put_bool(w, "whole_word", f->keywords[i].whole_word);
		json_put_end(w);
	}
	json_put_end(w);
	json_put_array(w, "statuses");
	for (size_t i = 0; i < f->post_count; i++) {
		json_put_object(w, NULL);
		json_put_id(w, "id", f->posts[i].id);
		json_put_id(w, "status_id", f->posts[i].post_id);
		json_put_end(w);
	}
	json_put_end(w);
	json_put_end(w);
}

static void put_filtered(struct serial *s, const struct app_post *p)
{
	struct json_writer *w = s->w;
	const struct app_post *shown = p->boost_of ? p->boost_of : p;
	json_put_array(w, "filtered");
	for (size_t i = 0; i < p->filtered_count; i++) {
		const struct app_filter_match *m = &p->filtered[i];
		json_put_object(w, NULL);
		json_put_object(w, "filter");
		filter_head(w, m->filter);
		put_empty_array(w, "keywords");
		put_empty_array(w, "statuses");
		json_put_end(w);
		json_put_array(w, "keyword_matches");
		for (size_t k = 0; k < m->keyword_count; k++)
			json_put_str(w, NULL, m->keywords[k]);
		json_put_end(w);
		json_put_array(w, "status_matches");
		if (m->by_post)
			json_put_id(w, NULL, shown->row.id);
		json_put_end(w);
		json_put_end(w);
	}
	json_put_end(w);
}

static void put_quote(struct serial *s, const struct app_post *p)
{
	static const char *const states[] = {
	    [APP_QUOTE_NONE] = NULL,
	    [APP_QUOTE_ACCEPTED] = "accepted",
	    [APP_QUOTE_REVOKED] = "revoked",
	    [APP_QUOTE_DELETED] = "deleted",
	    [APP_QUOTE_UNAUTHORIZED] = "unauthorized",
	    [APP_QUOTE_BLOCKED] = "blocked_account",
	    [APP_QUOTE_MUTED] = "muted_account",
	};
	static const char *const policies[] = {"public", "followers", NULL};
	struct json_writer *w = s->w;
	if (p->quote == APP_QUOTE_NONE) {
		json_put_null(w, "quote");
	} else {
		json_put_object(w, "quote");
		json_put_str(w, "state", states[p->quote]);
		if (s->depth > 0) {
			json_put_id(w, "quoted_status_id", p->quote_of ? p->quote_of->row.id : 0);
		} else if (p->quote_of) {
			s->depth++;
			serial_status(s, "quoted_status", p->quote_of);
			s->depth--;
		} else {
			json_put_null(w, "quoted_status");
		}
		json_put_end(w);
	}
	json_put_object(w, "quote_approval");
	json_put_array(w, "automatic");
	if (p->row.visibility <= STORE_VISIBILITY_UNLISTED && policies[p->row.quote_policy])
		json_put_str(w, NULL, policies[p->row.quote_policy]);
	json_put_end(w);
	put_empty_array(w, "manual");
	s->cuts[2] = w->out->length;
	json_put_str(w, "current_user", p->quotable ? "automatic" : "denied");
	s->cuts[3] = w->out->length;
	json_put_end(w);
}

static void status_head(struct serial *s, const struct app_post *p)
{
	struct json_writer *w = s->w;
	const struct store_post *r = &p->row;
	json_put_id(w, "id", r->id);
	json_put_time(w, "created_at", r->created_at);
	json_put_id(w, "in_reply_to_id", r->in_reply_to_id);
	json_put_id(w, "in_reply_to_account_id", r->in_reply_to_account_id);
	json_put_bool(w, "sensitive", r->sensitive);
	json_put_str(w, "spoiler_text", r->spoiler_text ? r->spoiler_text : "");
	json_put_str(w, "visibility", serial_visibility(r->visibility));
	json_put_str(w, "language", r->language);
	json_put_str(w, "uri", r->uri);
	json_put_str(w, "url", r->url);
	json_put_int(w, "replies_count", r->replies_count);
	json_put_int(w, "reblogs_count", r->boosts_count);
	json_put_int(w, "favourites_count", r->favourites_count);
	json_put_int(w, "quotes_count", r->quotes_count);
	json_put_time(w, "edited_at", r->edited_at);
	s->cuts[0] = w->out->length;
	json_put_bool(w, "favourited", p->favourited);
	json_put_bool(w, "reblogged", p->boosted);
	json_put_bool(w, "muted", p->muted);
	json_put_bool(w, "bookmarked", p->bookmarked);
	s->cuts[1] = w->out->length;
	if (s->app->account_id && r->account_id == s->app->account_id)
		json_put_bool(w, "pinned", p->pinned);
	json_put_str(w, "content", r->content ? r->content : "");
	if (s->source)
		json_put_str(w, "text", r->text ? r->text : "");
	put_filtered(s, p);
}

static void status_emojis(struct serial *s, const struct app_post *p)
{
	const char *texts[2 + STORE_POLL_OPTIONS_MAX] = {p->row.spoiler_text, p->row.text};
	size_t n = 2;
	for (size_t i = 0; p->poll && i < p->poll->option_count; i++)
		texts[n++] = p->poll->options[i];
	serial_emojis(s, "emojis", texts, p->row.local ? n : 0);
}

/* Whether all who look see the same of it, but for their marks and whether they may quote it. */
static bool is_plain(const struct serial *s, const struct app_post *p)
{
	const struct store_post *r = &p->row;
	return !s->source && r->account_id != s->app->account_id && !r->boost_of_id && !p->poll &&
	       p->quote == APP_QUOTE_NONE && !p->has_remix_of && !p->filtered_count && !p->review &&
	       (!p->made || r->prompt_visibility != STORE_PROMPT_REMIXERS);
}

static void put_piece(struct serial *s, const char *key, const struct app_piece *piece,
		      const struct app_post *p)
{
	struct buf *out = s->w->out;
	const size_t *cut = piece->cuts;
	json_put_raw(s->w, key, piece->bytes, cut[0]);
	buf_add_str(out, p->favourited ? ",\"favourited\":true" : ",\"favourited\":false");
	buf_add_str(out, p->boosted ? ",\"reblogged\":true" : ",\"reblogged\":false");
	buf_add_str(out, p->muted ? ",\"muted\":true" : ",\"muted\":false");
	buf_add_str(out, p->bookmarked ? ",\"bookmarked\":true" : ",\"bookmarked\":false");
	buf_add(out, piece->bytes + cut[1], cut[2] - cut[1]);
	buf_add_str(out, p->quotable ? ",\"current_user\":\"automatic\""
				     : ",\"current_user\":\"denied\"");
	buf_add(out, piece->bytes + cut[3], piece->length - cut[3]);
}

static void status_members(struct serial *s, const struct app_post *p);

void serial_status(struct serial *s, const char *key, const struct app_post *p)
{
	struct json_writer *w = s->w;
	bool plain = is_plain(s, p);
	const struct app_piece *kept = plain ? app_known_piece(p->known) : NULL;
	if (kept) {
		put_piece(s, key, kept, p);
		return;
	}
	json_put_object(w, key);
	size_t start = w->out->length - 1;
	status_members(s, p);
	json_put_end(w);
	if (!plain || w->misused || w->out->failed)
		return;
	struct app_piece piece = {.bytes = w->out->data + start, .length = w->out->length - start};
	for (int i = 0; i < APP_PIECE_CUTS; i++)
		piece.cuts[i] = s->cuts[i] - start;
	app_known_piece_keep(p->known, &piece);
}

static void status_members(struct serial *s, const struct app_post *p)
{
	struct json_writer *w = s->w;
	status_head(s, p);
	if (p->boost_of)
		serial_status(s, "reblog", p->boost_of);
	else
		json_put_null(w, "reblog");
	if (p->made_by) {
		json_put_object(w, "application");
		json_put_str(w, "name", p->made_by);
		json_put_str(w, "website", p->made_by_website);
		json_put_end(w);
	} else {
		json_put_null(w, "application");
	}
	serial_account(s, "account", p->account);
	json_put_array(w, "media_attachments");
	for (size_t i = 0; i < p->media_count; i++)
		serial_media(s, NULL, &p->media[i]);
	json_put_end(w);
	put_mentions(s, p);
	put_tags(s, p->row.tags);
	status_emojis(s, p);
	if (p->known->card) {
		json_put_object(w, "card");
		serial_card_members(s, p->known->card);
		json_put_end(w);
	} else {
		json_put_null(w, "card");
	}
	if (p->poll)
		serial_poll(s, "poll", p->poll);
	else
		json_put_null(w, "poll");
	put_quote(s, p);
	put_madang(s, p);
}

/* Null where one reads all of them, as Mastodon has it. */
static void put_languages(struct json_writer *w, const char *languages)
{
	if (!languages[0]) {
		json_put_null(w, "languages");
		return;
	}
	json_put_array(w, "languages");
	while (*languages) {
		size_t n = strcspn(languages, " ");
		if (n)
			json_put_strn(w, NULL, languages, n);
		languages += n + (languages[n] == ' ');
	}
	json_put_end(w);
}

void serial_relation(struct serial *s, const char *key, const struct app_relation *r)
{
	struct json_writer *w = s->w;
	json_put_object(w, key);
	json_put_id(w, "id", r->account_id);
	json_put_bool(w, "following", r->following);
	json_put_bool(w, "showing_reblogs", r->showing_reblogs);
	json_put_bool(w, "notifying", r->notifying);
	put_languages(w, r->languages);
	json_put_bool(w, "followed_by", r->followed_by);
	json_put_bool(w, "blocking", r->blocking);
	json_put_bool(w, "blocked_by", r->blocked_by);
	json_put_bool(w, "muting", r->muting);
	json_put_bool(w, "muting_notifications", r->muting_notifications);
	json_put_time(w, "muting_expires_at", r->muting_expires_at);
	json_put_bool(w, "requested", r->requested);
	json_put_bool(w, "requested_by", r->requested_by);
	json_put_bool(w, "domain_blocking", r->domain_blocking);
	json_put_bool(w, "endorsed", r->endorsed);
	json_put_str(w, "note", r->note);
	json_put_end(w);
}

void serial_ids(struct serial *s, const char *key, const char *ids, bool or_null)
{
	if (or_null && (!ids || !*ids)) {
		json_put_null(s->w, key);
		return;
	}
	json_put_array(s->w, key);
	while (ids && *ids) {
		size_t n = strcspn(ids, " ");
		if (n)
			json_put_strn(s->w, NULL, ids, n);
		ids += n + (ids[n] == ' ');
	}
	json_put_end(s->w);
}

void serial_report(struct serial *s, const char *key, const struct store_report *r,
		   const struct store_account *target)
{
	static const char *const categories[] = {"other", "spam", "legal", "violation"};
	struct json_writer *w = s->w;
	json_put_object(w, key);
	json_put_id(w, "id", r->id);
	json_put_bool(w, "action_taken", r->resolved_at != 0);
	json_put_time(w, "action_taken_at", r->resolved_at);
	json_put_str(w, "category", categories[r->category]);
	json_put_str(w, "comment", r->comment);
	json_put_bool(w, "forwarded", r->forwarded);
	json_put_time(w, "created_at", r->created_at);
	serial_ids(s, "status_ids", r->post_ids, true);
	serial_ids(s, "rule_ids", r->rule_ids, true);
	serial_account(s, "target_account", target);
	json_put_end(w);
}

void serial_strike(struct serial *s, const char *key, const struct store_strike *strike,
		   const struct store_account *target)
{
	static const char *const actions[] = {
	    "none",    "disable", "mark_statuses_as_sensitive", "delete_statuses", "sensitive",
	    "silence", "suspend"};
	static const char *const states[] = {"", "pending", "approved", "rejected"};
	struct json_writer *w = s->w;
	json_put_object(w, key);
	json_put_id(w, "id", strike->id);
	json_put_str(w, "action", actions[strike->action]);
	json_put_str(w, "text", strike->reason);
	serial_ids(s, "status_ids", strike->post_ids, true);
	serial_account(s, "target_account", target);
	if (strike->appeal_state) {
		json_put_object(w, "appeal");
		json_put_str(w, "text", strike->appeal);
		json_put_str(w, "state", states[strike->appeal_state]);
		json_put_end(w);
	} else {
		json_put_null(w, "appeal");
	}
	json_put_time(w, "created_at", strike->created_at);
	json_put_end(w);
}

void serial_notification_subject(struct serial *s, const struct app_notification *n)
{
	if (n->report)
		serial_report(s, "report", n->report, n->target);
	if (n->strike)
		serial_strike(s, "moderation_warning", n->strike, n->target);
}

void serial_notification(struct serial *s, const char *key, const struct app_notification *n)
{
	struct json_writer *w = s->w;
	const char *name = app_notification_name(n->kind);
	json_put_object(w, key);
	json_put_id(w, "id", n->id);
	/* Apps know no remix: to them it is a mention, which carries its post. */
	json_put_str(w, "type", name ? name : "mention");
	json_put_time(w, "created_at", n->created_at);
	json_put_str(w, "group_key", n->group_key);
	if (n->filtered)
		json_put_bool(w, "filtered", true);
	serial_account(s, "account", n->account);
	if (n->post)
		serial_status(s, "status", n->post);
	serial_notification_subject(s, n);
	json_put_object(w, "madang");
	json_put_bool(w, "remix", n->kind == APP_NOTIFY_REMIX);
	json_put_end(w);
	json_put_end(w);
}

bool serial_answer_status(struct http_request *rq, struct http_response *rs, struct app *app,
			  const struct app_post *p, struct err *e)
{
	struct json_writer w = api_json(rs);
	serial_status(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, p);
	return json_finish(&w, e);
}

static size_t expected_length(const struct app_posts *posts)
{
	enum { POST = 2600, MARKS = 160 };
	size_t length = 2;
	for (size_t i = 0; i < posts->count; i++) {
		const struct app_piece *piece = app_known_piece(posts->items[i].known);
		length += piece ? piece->length + MARKS : POST;
	}
	return length;
}

bool serial_answer_posts(struct http_request *rq, struct http_response *rs, struct app *app,
			 const struct app_posts *posts, struct err *e)
{
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = app};
	buf_expect(&rs->body, expected_length(posts));
	json_put_array(&w, NULL);
	for (size_t i = 0; i < posts->count; i++)
		serial_status(&s, NULL, &posts->items[i]);
	json_put_end(&w);
	api_page_link(rq, rs, posts->first, posts->last, posts->more);
	if (!json_finish(&w, e))
		return false;
	api_keep(rq, rs, posts);
	return true;
}

bool serial_answer_accounts(struct http_request *rq, struct http_response *rs, struct app *app,
			    const struct store_accounts *accounts, struct err *e)
{
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < accounts->count; i++)
		serial_account(&s, NULL, &accounts->items[i]);
	json_put_end(&w);
	api_page_link(rq, rs, accounts->first, accounts->last, accounts->more);
	return json_finish(&w, e);
}
