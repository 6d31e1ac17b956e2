/* Statuses: showing, taking back; favourites, bookmarks, reblogs, pins, quotes. Saying and changing: status_form.c. */
#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"

static const char *const VISIBILITIES[] = {"public", "unlisted", "private", "direct", NULL};

bool api_status_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_post_get(&app, id, &p, e) &&
	       serial_answer_status(rq, rs, &app, &p, e);
}

/* The deleted status comes back with its source, for "delete and redraft"; its pictures stay for that, unless
 * delete_media says otherwise. */
bool api_status_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	bool delete_media = false;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !param_bool(rq, "delete_media", &delete_media, e) ||
	    !(delete_media ? app_post_delete : app_post_redraft)(&app, id, &p, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app, .source = true};
	serial_status(&s, NULL, &p);
	return json_finish(&w, e);
}

/* Several at once: those that may be seen. */
bool api_status_many(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_posts posts = {0};
	int64_t *ids;
	size_t n;
	if (!param_ids(rq, "id", 40, &ids, &n, e) || !app_post_get_many(&app, ids, n, &posts, e))
		return false;
	posts.first = 0;
	return serial_answer_posts(rq, rs, &app, &posts, e);
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

/* Nothing translates here, and configuration.translation says so. */
bool api_status_translate(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	int64_t id;
	(void)rs;
	if (!http_request_id(rq, 0, &id, e) || !app_post_get(&app, id, &p, e))
		return false;
	if (p.row.visibility > STORE_VISIBILITY_UNLISTED)
		return err_set(e, ERR_FORBIDDEN, "This action is not allowed");
	return err_set(e, ERR_NOT_FOUND, "Record not found");
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

bool api_pin_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_change(rq, rs, app_pin_add, e);
}

bool api_pin_remove(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_change(rq, rs, app_pin_remove, e);
}

bool api_thread_mute(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_change(rq, rs, app_thread_mute, e);
}

bool api_thread_unmute(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_change(rq, rs, app_thread_unmute, e);
}

bool api_quote_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_posts posts;
	struct store_page page;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && api_page_params(rq, 20, 40, &page, e) &&
	       app_quotes(&app, id, &page, &posts, e) &&
	       serial_answer_posts(rq, rs, &app, &posts, e);
}

bool api_quote_revoke(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post p;
	int64_t id, quote_id;
	return http_request_id(rq, 0, &id, e) && http_request_id(rq, 1, &quote_id, e) &&
	       app_quote_revoke(&app, id, quote_id, &p, e) &&
	       serial_answer_status(rq, rs, &app, &p, e);
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
