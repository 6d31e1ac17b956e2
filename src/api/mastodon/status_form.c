/* Statuses as forms: saying (now or later), changing, and what a status was before. */
#include <string.h>

#include "api/mastodon/routes.h"
#include "api/mastodon/scheduled.h"
#include "api/serial.h"
#include "app/edit.h"
#include "app/setting.h"
#include "base/clock.h"
#include "base/str.h"

enum { MEDIA_CHANGES_MAX = 16, DESCRIPTION_MAX = 1500 };

static const char *const VISIBILITIES[] = {"public", "unlisted", "private", "direct", NULL};
static const char *const POLICIES[] = {"public", "followers", "nobody", NULL};

/* A language tag such as "ko" or "zh-Hant"; anything else is an error that names it. */
static bool language_param(struct http_request *rq, const char **out, struct err *e)
{
	if (!param_text(rq, "language", 12, out, e))
		return false;
	const char *s = *out;
	if (!s)
		return true;
	if (!*s) {
		*out = NULL;
		return true;
	}
	if (strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") != strlen(s) ||
	    strlen(s) < 2)
		return param_fail(rq, "language", e, "is not a language");
	return true;
}

/* *out stays NULL where there is no poll. */
static bool poll_param(struct http_request *rq, const struct app_poll_new **out, struct err *e)
{
	const char **options;
	size_t n;
	if (!param_texts(rq, "poll[options]", STORE_POLL_OPTIONS_MAX, APP_POLL_OPTION_CHARACTERS,
			 &options, &n, e))
		return false;
	if (n == 0)
		return true;
	struct app_poll_new *poll = ARENA_NEW(rq->arena, struct app_poll_new);
	for (size_t i = 0; i < n; i++)
		poll->options[poll->option_count++] = options[i];
	if (!param_int(rq, "poll[expires_in]", APP_POLL_EXPIRES_MIN_S, APP_POLL_EXPIRES_MAX_S,
		       &poll->expires_in_s, e) ||
	    !param_bool(rq, "poll[multiple]", &poll->multiple, e) ||
	    !param_bool(rq, "poll[hide_totals]", &poll->hide_totals, e))
		return false;
	if (!poll->expires_in_s)
		return param_fail(rq, "poll[expires_in]", e, "can't be blank");
	*out = poll;
	return true;
}

static int index_of(const char *const *names, const char *name)
{
	for (int i = 0; name && names[i]; i++)
		if (!strcmp(names[i], name))
			return i;
	return 0;
}

/* What one has set for new statuses, where the form says nothing. */
static bool defaults(struct app *app, int *visibility, int *policy, struct err *e)
{
	const char *set = NULL, *quote = NULL;
	if (*visibility < 0 && !app_preference_get(app, "posting:default:visibility", &set, e))
		return false;
	if (*policy < 0 && !app_preference_get(app, "posting:default:quote_policy", &quote, e))
		return false;
	*visibility = *visibility < 0 ? index_of(VISIBILITIES, set) : *visibility;
	*policy = *policy < 0 ? index_of(POLICIES, quote) : *policy;
	return true;
}

static bool read_form(struct http_request *rq, struct app *app, struct app_post_new *f,
		      struct err *e)
{
	static const char *const prompts[] = {"public", "remixers", "private", NULL};
	int visibility = -1, prompt = 0, policy = -1;
	bool remixable = true;
	int64_t *media;
	if (!param_text(rq, "status", (size_t)app_core_config(app->core)->post_characters_max,
			&f->text, e) ||
	    !param_ids(rq, "media_ids", 16, &media, &f->media_count, e) ||
	    !param_id(rq, "in_reply_to_id", &f->in_reply_to_id, e) ||
	    !param_id(rq, "quoted_status_id", &f->quote_of_id, e) ||
	    !param_bool(rq, "sensitive", &f->sensitive, e) ||
	    !param_text(rq, "spoiler_text", 500, &f->spoiler_text, e) ||
	    !param_choice(rq, "visibility", VISIBILITIES, &visibility, e) ||
	    !param_choice(rq, "quote_approval_policy", POLICIES, &policy, e) ||
	    !language_param(rq, &f->language, e) || !poll_param(rq, &f->poll, e) ||
	    !param_choice(rq, "madang[prompt_visibility]", prompts, &prompt, e) ||
	    !param_bool(rq, "madang[remixable]", &remixable, e) ||
	    !defaults(app, &visibility, &policy, e))
		return false;
	f->media_ids = media;
	f->visibility = (enum store_visibility)visibility;
	f->quote_policy = (enum store_quote_policy)policy;
	f->prompt_visibility = (enum store_prompt_visibility)prompt;
	f->not_remixable = !remixable;
	return true;
}

bool api_scheduled_at_param(struct http_request *rq, int64_t *out, struct err *e)
{
	const char *text = NULL;
	if (!param_text(rq, "scheduled_at", 40, &text, e))
		return false;
	return !text || !*text || clock_parse(text, out) ||
	       param_fail(rq, "scheduled_at", e, "is not a time such as 2026-01-31T09:05:00Z");
}

bool api_status_create(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post_new f = {.text = ""};
	struct app_post p;
	int64_t at = 0;
	if (!read_form(rq, &app, &f, e) || !api_scheduled_at_param(rq, &at, e))
		return false;
	const char *key = http_request_header(rq, "Idempotency-Key");
	if (key && strlen(key) > 200)
		return param_fail(rq, "Idempotency-Key", e, "is too long (at most 200 characters)");
	f.idempotency_key = key && *key ? key : NULL;
	f.app_id = api_who(rq)->app_id;
	if (at > app.now_ms) {
		struct app_scheduled s;
		return app_scheduled_create(&app, &f, at, &s, e) &&
		       api_scheduled_answer(rq, rs, &app, &s, e);
	}
	return app_post_create(&app, &f, &p, e) && serial_answer_status(rq, rs, &app, &p, e);
}

/* --- changing --- */

static bool focus_text(const char *text, struct arena *a, double out[2])
{
	char *copy = arena_strdup(a, text), *comma = strchr(copy, ',');
	if (!comma)
		return false;
	*comma = '\0';
	return str_to_double(copy, -1, 1, &out[0]) && str_to_double(comma + 1, -1, 1, &out[1]);
}

/* media_attributes[N][id|description|focus] */
static bool media_params(struct http_request *rq, struct app_post_change *c, struct err *e)
{
	struct app_media_change *changes =
	    ARENA_ARRAY(rq->arena, struct app_media_change, MEDIA_CHANGES_MAX);
	for (int i = 0; changes && i < MEDIA_CHANGES_MAX; i++) {
		struct app_media_change m = {0};
		const char *focus = NULL;
		const char *base = arena_printf(rq->arena, "media_attributes[%d]", i);
		const char *focus_name = arena_printf(rq->arena, "%s[focus]", base);
		if (!param_id(rq, arena_printf(rq->arena, "%s[id]", base), &m.id, e) ||
		    !param_text(rq, arena_printf(rq->arena, "%s[description]", base),
				DESCRIPTION_MAX, &m.description, e) ||
		    !param_text(rq, focus_name, 64, &focus, e))
			return false;
		if (focus && *focus) {
			double *xy = arena_alloc(rq->arena, 2 * sizeof(*xy));
			if (!focus_text(focus, rq->arena, xy))
				return param_fail(rq, focus_name, e,
						  "must be two numbers from -1 to 1");
			m.focus = xy;
		}
		if (m.id)
			changes[c->media_change_count++] = m;
	}
	c->media = changes;
	return true;
}

static bool read_change(struct http_request *rq, struct app *app, struct app_post_change *c,
			struct err *e)
{
	int policy = -1;
	int64_t *media;
	bool *sensitive = ARENA_NEW(rq->arena, bool);
	enum store_quote_policy *quote = ARENA_NEW(rq->arena, enum store_quote_policy);
	if (!param_text(rq, "status", (size_t)app_core_config(app->core)->post_characters_max,
			&c->text, e) ||
	    !param_text(rq, "spoiler_text", 500, &c->spoiler_text, e) ||
	    !param_bool(rq, "sensitive", sensitive, e) || !language_param(rq, &c->language, e) ||
	    !param_ids(rq, "media_ids", 16, &media, &c->media_count, e) ||
	    !param_choice(rq, "quote_approval_policy", POLICIES, &policy, e) ||
	    !poll_param(rq, &c->poll, e) || !media_params(rq, c, e))
		return false;
	if (param_given(rq, "sensitive"))
		c->sensitive = sensitive;
	if (policy >= 0) {
		*quote = (enum store_quote_policy)policy;
		c->quote_policy = quote;
	}
	/* An app sends the whole status again: what it leaves out (pictures, poll) is meant to go. */
	c->media_ids = media;
	c->change_media = c->change_poll =
	    param_given(rq, "status") || c->media_count > 0 || c->poll;
	if (c->change_media && !c->spoiler_text)
		c->spoiler_text = "";
	return true;
}

bool api_status_update(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post_change c = {0};
	struct app_post p;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && read_change(rq, &app, &c, e) &&
	       app_post_edit(&app, id, &c, &p, e) && serial_answer_status(rq, rs, &app, &p, e);
}

static void put_lines(struct serial *s, const char *lines)
{
	struct json_writer *w = s->w;
	json_put_object(w, "poll");
	json_put_array(w, "options");
	while (*lines) {
		size_t n = strcspn(lines, "\n");
		json_put_object(w, NULL);
		json_put_strn(w, "title", lines, n);
		json_put_end(w);
		lines += n + (lines[n] == '\n');
	}
	json_put_end(w);
	json_put_end(w);
}

static void put_edit(struct serial *s, const struct app_edit *edit, const struct app_post *post)
{
	struct json_writer *w = s->w;
	json_put_object(w, NULL);
	json_put_str(w, "content", edit->row.content);
	json_put_str(w, "spoiler_text", edit->row.spoiler_text);
	json_put_bool(w, "sensitive", edit->row.sensitive);
	json_put_time(w, "created_at", edit->row.created_at);
	serial_account(s, "account", post->account);
	if (edit->row.options[0])
		put_lines(s, edit->row.options);
	json_put_array(w, "media_attachments");
	for (size_t i = 0; i < edit->media_count; i++)
		serial_media(s, NULL, edit->media[i]);
	json_put_end(w);
	serial_emojis(s, "emojis",
		      (const char *[]){edit->row.spoiler_text, edit->row.text, edit->row.options},
		      post->row.local ? 3 : 0);
	json_put_end(w);
}

bool api_status_history(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	struct app_edit *edits;
	size_t n;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_post_history(&app, id, &p, &edits, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_edit(&s, &edits[i], &p);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_status_policy(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	int policy = -1;
	int64_t id;
	/* Whether there is such a status for the viewer comes before what is wrong with the form. */
	if (!http_request_id(rq, 0, &id, e) || !app_post_get(&app, id, &p, e) ||
	    !param_choice(rq, "quote_approval_policy", POLICIES, &policy, e))
		return false;
	if (policy < 0)
		return param_fail(rq, "quote_approval_policy", e, "can't be blank");
	return app_quote_policy_set(&app, id, (enum store_quote_policy)policy, &p, e) &&
	       serial_answer_status(rq, rs, &app, &p, e);
}
