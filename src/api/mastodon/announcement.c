/* Announcements: everybody reads and reacts; administrators write them (api/admin/announcement.c). */
#include "app/announcement.h"

#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"

static void put_texts(struct serial *s, const struct app_announcement *a)
{
	struct json_writer *w = s->w;
	json_put_array(w, "mentions");
	for (size_t i = 0; i < a->mention_count; i++)
		serial_mention(s, NULL, &a->mentions[i]);
	json_put_end(w);
	json_put_array(w, "statuses");
	if (a->post) {
		json_put_object(w, NULL);
		json_put_id(w, "id", a->post->row.id);
		json_put_str(w, "url", a->post->row.url);
		json_put_end(w);
	}
	json_put_end(w);
	json_put_array(w, "tags");
	for (size_t i = 0; i < a->tag_count; i++)
		serial_tag(s, NULL, a->tags[i]);
	json_put_end(w);
	serial_emojis(s, "emojis", &a->row.text, 1);
}

static void put_madang(struct serial *s, const struct app_announcement *a, bool own)
{
	struct json_writer *w = s->w;
	json_put_object(w, "madang");
	json_put_bool(w, "pinned", a->row.pinned);
	json_put_bool(w, "live", a->post != NULL);
	if (a->post) {
		json_put_id(w, "thread_id", a->post->row.thread_id);
		serial_status(s, "thread", a->post);
	} else {
		json_put_null(w, "thread_id");
		json_put_null(w, "thread");
	}
	if (own) {
		json_put_str(w, "text", a->row.text);
		json_put_time(w, "scheduled_at", a->row.scheduled_at);
	}
	json_put_end(w);
}

void serial_reaction(struct serial *s, const struct app_reaction *r)
{
	struct json_writer *w = s->w;
	json_put_str(w, "name", r->name);
	json_put_int(w, "count", r->count);
	if (s->app->account_id)
		json_put_bool(w, "me", r->me);
	if (!r->emoji)
		return;
	json_put_str(w, "url", serial_object_url(s, r->emoji->hash, r->emoji->type));
	json_put_str(w, "static_url",
		     serial_object_url(s, r->emoji->static_hash, r->emoji->static_type));
}

void serial_announcement(struct serial *s, const char *key, const struct app_announcement *a,
			 bool own)
{
	struct json_writer *w = s->w;
	json_put_object(w, key);
	json_put_id(w, "id", a->row.id);
	json_put_str(w, "content", a->html);
	json_put_time(w, "starts_at", a->row.starts_at);
	json_put_time(w, "ends_at", a->row.ends_at);
	json_put_bool(w, "all_day", a->row.all_day);
	json_put_bool(w, "published", a->row.published);
	json_put_time(w, "published_at", a->row.published_at);
	json_put_time(w, "updated_at", a->row.updated_at);
	if (s->app->account_id)
		json_put_bool(w, "read", a->row.read);
	put_texts(s, a);
	json_put_array(w, "reactions");
	for (size_t i = 0; i < a->reaction_count; i++) {
		json_put_object(w, NULL);
		serial_reaction(s, &a->reactions[i]);
		json_put_end(w);
	}
	json_put_end(w);
	put_madang(s, a, own);
	json_put_end(w);
}

bool api_announcement_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_announcement *items = NULL;
	bool with_dismissed = true;
	size_t n;
	if (!param_bool(rq, "with_dismissed", &with_dismissed, e) ||
	    !app_announcements(&app, false, with_dismissed, &items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		serial_announcement(&s, NULL, &items[i], false);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_announcement_dismiss(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_announcement_read(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

/* PUT adds, DELETE takes back. */
bool api_announcement_react(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) ||
	    !app_announcement_react(&app, id, rq->path_args[1], !strcmp(rq->method, "PUT"), e))
		return false;
	http_response_empty(rs);
	return true;
}
