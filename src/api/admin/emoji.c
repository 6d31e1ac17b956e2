/* The server's own emojis, as administrators keep them. The picture goes the way of every upload. */
#include "api/admin/routes.h"

#include "app/emoji.h"

static bool answer(struct http_request *rq, struct http_response *rs, struct app *app,
		   const struct store_emoji *m, struct err *e)
{
	struct json_writer w = api_json(rs);
	serial_emoji_kept(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, m);
	return json_finish(&w, e);
}

static bool flag_param(struct http_request *rq, const char *name, const bool **out, struct err *e)
{
	if (!param_given(rq, name))
		return true;
	bool *value = ARENA_NEW(rq->arena, bool);
	*out = value;
	return param_bool(rq, name, value, e);
}

static bool read_form(struct http_request *rq, struct app_emoji_form *f, struct err *e)
{
	const struct http_upload *file = NULL;
	const bool *visible = NULL;
	if (!param_text(rq, "category", 200, &f->category, e) ||
	    !flag_param(rq, "disabled", &f->disabled, e) ||
	    !flag_param(rq, "visible_in_picker", &visible, e) ||
	    !param_id(rq, "media_id", &f->media_id, e) || !param_file(rq, "image", &file, e))
		return false;
	if (visible) {
		bool *hidden = ARENA_NEW(rq->arena, bool);
		*hidden = !*visible;
		f->hidden = hidden;
	}
	if (!file)
		return true;
	if (file->size > APP_EMOJI_BYTES_MAX)
		return param_fail(rq, "image", e, "is too large (at most %d KiB)",
				  APP_EMOJI_BYTES_MAX >> 10);
	struct media_processed *done = ARENA_NEW(rq->arena, struct media_processed);
	f->picture = done;
	if (media_process(api_of(rq)->media, file->fd, done, e))
		return true;
	return e->code == ERR_INVALID
		   ? param_fail(rq, "image", e,
				"is not a picture that can be read (PNG, JPEG, WebP or GIF)")
		   : false;
}

bool api_emoji_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_emoji_form f = {0};
	struct store_emoji m;
	return app_emoji_may(&app, e) &&
	       param_text_required(rq, "shortcode", 100, &f.shortcode, e) && read_form(rq, &f, e) &&
	       app_emoji_add(&app, &f, &m, e) && answer(rq, rs, &app, &m, e);
}

bool api_emoji_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_emoji_form f = {0};
	struct store_emoji m;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_emoji_get(&app, id, &m, e) &&
	       read_form(rq, &f, e) && app_emoji_change(&app, id, &f, &m, e) &&
	       answer(rq, rs, &app, &m, e);
}

bool api_emoji_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_emoji m;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_emoji_get(&app, id, &m, e) &&
	       answer(rq, rs, &app, &m, e);
}

bool api_emoji_remove(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_emoji_remove(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

bool api_emoji_kept_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_emoji *rows = arena_alloc(rq->arena, STORE_PAGE_MAX * sizeof *rows);
	struct store_page page;
	size_t n;
	if (!api_page_params(rq, 40, STORE_PAGE_MAX, &page, e) ||
	    !app_emoji_list(&app, &page, rows, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		serial_emoji_kept(&s, NULL, &rows[i]);
	json_put_end(&w);
	if (n)
		api_page_link(rq, rs, rows[0].id, rows[n - 1].id, n == (size_t)page.limit);
	return json_finish(&w, e);
}
