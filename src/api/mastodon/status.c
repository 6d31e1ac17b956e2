/* Statuses: saying, showing, answering, taking back; favourites, bookmarks, reblogs. */
#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"
#include "app/setting.h"

static const char *const VISIBILITIES[] = {"public", "unlisted", "private", "direct", NULL};

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
	if (strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") !=
		strlen(s) ||
	    strlen(s) < 2)
		return param_fail(rq, "language", e, "is not a language");
	return true;
}

static bool read_form(struct http_request *rq, struct app *app, struct app_post_new *f,
		      struct err *e)
{
	static const char *const prompts[] = {"public", "remixers", "private", NULL};
	int visibility = -1, prompt = 0;
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
	    !language_param(rq, &f->language, e) ||
	    !param_choice(rq, "madang[prompt_visibility]", prompts, &prompt, e) ||
	    !param_bool(rq, "madang[remixable]", &remixable, e))
		return false;
	if (param_given(rq, "scheduled_at"))
		return param_fail(rq, "scheduled_at", e, "is not offered here: post it now");
	if (param_given(rq, "poll[options]"))
		return param_fail(rq, "poll", e, "is not offered here");
	if (visibility < 0) {
		const char *set = NULL;
		if (!app_preference_get(app, "posting:default:visibility", &set, e))
			return false;
		visibility = 0;
		for (int i = 0; set && VISIBILITIES[i]; i++)
			if (!strcmp(VISIBILITIES[i], set))
				visibility = i;
	}
	f->media_ids = media;
	f->visibility = (enum store_visibility)visibility;
	f->prompt_visibility = (enum store_prompt_visibility)prompt;
	f->not_remixable = !remixable;
	return true;
}

bool api_status_create(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post_new f = {.text = ""};
	struct app_post p;
	if (!read_form(rq, &app, &f, e))
		return false;
	const char *key = http_request_header(rq, "Idempotency-Key");
	if (key && strlen(key) > 200)
		return param_fail(rq, "Idempotency-Key", e, "is too long (at most 200 characters)");
	f.idempotency_key = key && *key ? key : NULL;
	f.app_id = api_who(rq)->app_id;
	return app_post_create(&app, &f, &p, e) && serial_answer_status(rq, rs, &app, &p, e);
}

bool api_status_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_post_get(&app, id, &p, e) &&
	       serial_answer_status(rq, rs, &app, &p, e);
}

/* The deleted status comes back with its source, for "delete and redraft". */
bool api_status_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_post_delete(&app, id, &p, e) &&
	       serial_answer_status(rq, rs, &app, &p, e);
}

bool api_status_source(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_post_get(&app, id, &p, e))
		return false;
	if (p.row.account_id != app.account_id)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_id(&w, "id", p.row.id);
	json_put_str(&w, "text", p.row.text);
	json_put_str(&w, "spoiler_text", p.row.spoiler_text);
	json_put_end(&w);
	return json_finish(&w, e);
}

static void put_posts(struct serial *s, const char *key, const struct app_posts *posts)
{
	json_put_array(s->w, key);
	for (size_t i = 0; i < posts->count; i++)
		serial_status(s, NULL, &posts->items[i]);
	json_put_end(s->w);
}

bool api_status_context(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_posts ancestors, descendants;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) ||
	    !app_post_context(&app, id, &ancestors, &descendants, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_object(&w, NULL);
	put_posts(&s, "ancestors", &ancestors);
	put_posts(&s, "descendants", &descendants);
	json_put_end(&w);
	return json_finish(&w, e);
}

typedef bool change(struct app *app, int64_t id, struct app_post *out, struct err *e);

static bool answer_change(struct http_request *rq, struct http_response *rs, change *fn,
			  struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && fn(&app, id, &p, e) &&
	       serial_answer_status(rq, rs, &app, &p, e);
}

bool api_favourite_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_change(rq, rs, app_favourite_add, e);
}

bool api_favourite_remove(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_change(rq, rs, app_favourite_remove, e);
}

bool api_bookmark_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_change(rq, rs, app_bookmark_add, e);
}

bool api_bookmark_remove(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_change(rq, rs, app_bookmark_remove, e);
}

bool api_reblog_remove(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_change(rq, rs, app_boost_remove, e);
}

bool api_reblog_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	int visibility = STORE_VISIBILITY_PUBLIC;
	int64_t id;
	return http_request_id(rq, 0, &id, e) &&
	       param_choice(rq, "visibility", VISIBILITIES, &visibility, e) &&
	       app_boost_add(&app, id, (enum store_visibility)visibility, &p, e) &&
	       serial_answer_status(rq, rs, &app, &p, e);
}

typedef bool people(struct app *app, int64_t id, const struct store_page *page,
		    struct store_accounts *out, struct err *e);

static bool answer_people(struct http_request *rq, struct http_response *rs, people *fn,
			  struct err *e)
{
	struct app app = api_app(rq);
	struct store_accounts found;
	struct store_page page;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && api_page_params(rq, 40, 80, &page, e) &&
	       fn(&app, id, &page, &found, e) && serial_answer_accounts(rq, rs, &app, &found, e);
}

bool api_status_favourited_by(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_people(rq, rs, app_favourited_by, e);
}

bool api_status_reblogged_by(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_people(rq, rs, app_boosted_by, e);
}
