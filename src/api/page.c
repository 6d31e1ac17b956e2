/* Pages, pictures, default avatars: what is asked for by people's browsers and by link previews. A page is the
 * front end's index.html with the words of the post or profile in its head, so that a link shows itself in a
 * chat; everything else about it is the front end's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/openai/answer.h"
#include "api/serial.h"
#include "app/setting.h"
#include "base/id.h"
#include "base/str.h"
#include "http/files.h"

enum { RENDER_SIDE_MAX = 2048, RENDER_BYTES_MAX = 128 << 20 };

#define HANDLER(name) \
	static bool name(struct http_request *rq, struct http_response *rs, struct err *e)

/* --- objects --- */

/* What waits for approval is not there for others, and stays out of caches for everybody. */
static bool guard_object(struct http_request *rq, const char *hash, const char **cache,
			 struct err *e)
{
	struct app app = api_app(rq);
	bool allowed, held;
	if (!app_review_object(&app, hash, &allowed, &held, e))
		return false;
	*cache = held ? "private, no-store" : "public, max-age=31536000, immutable";
	return allowed || err_set(e, ERR_NOT_FOUND, "Record not found");
}

HANDLER(object_get)
{
	char hash[MEDIA_HASH_SIZE + 1];
	const char *name = rq->path_args[0], *cache;
	size_t n = strcspn(name, ".");
	snprintf(hash, sizeof hash, "%.*s", (int)(n < MEDIA_HASH_SIZE ? n : MEDIA_HASH_SIZE), name);
	if (!guard_object(rq, hash, &cache, e))
		return false;
	if (!media_open(api_of(rq)->media, hash, &rs->file_fd, &rs->file_size, e)) {
		rs->file_fd = -1;
		return false;
	}
	rs->content_type = files_content_type(name);
	char *tag = arena_printf(rq->arena, "\"%.32s\"", hash);
	const char *seen = http_request_header(rq, "If-None-Match");
	http_response_header(rs, "ETag", tag);
	http_response_header(rs, "Cache-Control", cache);
	/* Whatever it is, a browser must not run it. */
	http_response_header(rs, "Content-Security-Policy", "default-src 'none'; sandbox");
	if (seen && strstr(seen, tag)) {
		close(rs->file_fd);
		rs->file_fd = -1;
		rs->status = 304;
	}
	http_response_range(rs, rq, tag);
	return true;
}

/* The same picture in another size or format: "HASH/512x512.png", made anew each time it is asked for. */
HANDLER(object_render)
{
	char hash[MEDIA_HASH_SIZE + 1];
	struct api *api = api_of(rq);
	struct waiting_order order = {0};
	const char *name = rq->path_args[1], *x = strchr(name, 'x'), *dot = strrchr(name, '.');
	const char *cache;
	int64_t width = 0, height = 0;
	snprintf(hash, sizeof hash, "%s", rq->path_args[0]);
	order.format = image_format_of(name);
	if (!x || !dot || dot < x || !order.format ||
	    !str_to_int(arena_strndup(rq->arena, name, (size_t)(x - name)), 1, RENDER_SIDE_MAX,
			&width) ||
	    !str_to_int(arena_strndup(rq->arena, x + 1, (size_t)(dot - x - 1)), 1, RENDER_SIDE_MAX,
			&height))
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	order.width = (int)width;
	order.height = (int)height;
	if (!guard_object(rq, hash, &cache, e))
		return false;
	struct arena *a = arena_create(RENDER_BYTES_MAX);
	const struct store_media m = {.hash = hash};
	bool ok = openai_render(api, a, &m, &order, &rs->body, e);
	arena_destroy(a);
	if (!ok)
		return false;
	http_response_header(rs, "Cache-Control", cache);
	rs->content_type = image_format_mime(order.format);
	http_response_header(rs, "Content-Security-Policy", "default-src 'none'; sandbox");
	return true;
}

/* --- avatars for those who have set none: two colours from the id --- */

HANDLER(avatar_get)
{
	int64_t id = 0;
	char *name = arena_strdup(rq->arena, rq->path_args[0]);
	if (!str_ends(name, ".svg"))
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	name[strlen(name) - 4] = '\0';
	bool header = !strcmp(name, "header");
	if (!header && !id_parse(name, &id))
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	unsigned hue = (unsigned)(((uint64_t)id * 0x9e3779b97f4a7c15u) >> 40) % 360;
	rs->content_type = "image/svg+xml";
	http_response_header(rs, "Cache-Control", "public, max-age=86400");
	http_response_header(rs, "Content-Security-Policy",
			     "default-src 'none'; style-src 'unsafe-inline'");
	if (header)
		buf_add_str(
		    &rs->body,
		    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 3 1'><rect width='3' "
		    "height='1' fill='#c9c2b8'/></svg>");
	else
		buf_printf(
		    &rs->body,
		    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40'><rect width='40' height='40' "
		    "fill='hsl(%u 45%% 72%%)'/><circle cx='20' cy='16' r='7' fill='hsl(%u 40%% 40%%)'/>"
		    "<path d='M6 40a14 14 0 0 1 28 0z' fill='hsl(%u 40%% 40%%)'/></svg>",
		    hue, (hue + 40) % 360, (hue + 40) % 360);
	return true;
}

/* --- pages --- */

/* On one line. */
static void add_line(struct buf *out, const char *text, size_t length_max)
{
	size_t n = str_utf8_cut(text, strlen(text), length_max);
	while (n) {
		const char *end = memchr(text, '\n', n);
		size_t line = end ? (size_t)(end - text) : n;
		buf_add_html(out, text, line);
		if (end)
			buf_add_char(out, ' ');
		line += end != NULL;
		text += line;
		n -= line;
	}
}

static void add_meta(struct buf *out, const char *property, const char *content)
{
	if (!content || !*content)
		return;
	buf_printf(out, "<meta property=\"%s\" content=\"", property);
	add_line(out, content, 400);
	buf_add_str(out, "\">");
}

static void post_head(struct serial *s, const struct app_post *p, struct buf *out)
{
	const char *name =
	    *p->account->display_name ? p->account->display_name : p->account->username;
	bool hidden = p->row.sensitive || (p->row.spoiler_text && *p->row.spoiler_text);
	add_meta(out, "og:type", "article");
	add_meta(out, "og:title",
		 arena_printf(s->app->arena, "%s (@%s)", name,
			      app_account_acct(s->app->arena, p->account)));
	add_meta(out, "og:url", p->row.url);
	add_meta(out, "og:description", hidden ? p->row.spoiler_text : p->row.text);
	if (!hidden && p->media_count) {
		const struct store_media *m = &p->media[0];
		add_meta(out, "og:image", serial_object_url(s, m->hash, m->type));
		add_meta(out, "og:image:alt", m->description);
		add_meta(out, "og:image:width",
			 arena_printf(s->app->arena, "%lld", (long long)m->width));
		add_meta(out, "og:image:height",
			 arena_printf(s->app->arena, "%lld", (long long)m->height));
		add_meta(out, "twitter:card", "summary_large_image");
	}
}

static void account_head(struct serial *s, const struct store_account *a, struct buf *out)
{
	add_meta(out, "og:type", "profile");
	add_meta(out, "og:title",
		 arena_printf(s->app->arena, "%s (@%s)",
			      *a->display_name ? a->display_name : a->username,
			      app_account_acct(s->app->arena, a)));
	add_meta(out, "og:url", a->url);
	add_meta(out, "og:description", a->note);
	add_meta(out, "og:image", serial_object_url(s, a->avatar_hash, a->avatar_type));
}

/* "/@name" or "/@name/123", as strangers see them: nothing of what only the reader may see gets into the
 * head. Anything that is not there simply has no head of its own. */
static bool find_head(struct http_request *rq, struct buf *out, struct err *e)
{
	struct app app = api_app(rq);
	app.account_id = 0;
	struct serial s = {.api = api_of(rq), .app = &app};
	struct app_settings settings;
	struct err why = {0};
	if (!strncmp(rq->path, "/@", 2)) {
		const char *slash = strchr(rq->path + 2, '/');
		int64_t id;
		struct app_post p;
		struct store_account a;
		if (slash && id_parse(slash + 1, &id)) {
			if (app_post_get(&app, id, &p, &why) &&
			    p.row.visibility <= STORE_VISIBILITY_UNLISTED)
				post_head(&s, &p, out);
		} else if (!slash && app_account_lookup(&app, rq->path + 2, &a, &why)) {
			account_head(&s, &a, out);
		}
	}
	if (why.code != ERR_NONE && why.code != ERR_NOT_FOUND && why.code != ERR_INVALID) {
		*e = why;
		return false;
	}
	if (!app_settings_get(&app, &settings, e))
		return false;
	if (!out->length) {
		add_meta(out, "og:title", settings.title);
		add_meta(out, "og:description", settings.description);
	}
	add_meta(out, "og:site_name", settings.title);
	return true;
}

bool api_page(struct http_request *rq, struct http_response *rs, struct err *e)
{
	const char *page = api_of(rq)->page;
	struct app_identity nobody = {0};
	if (!rq->identity)
		rq->identity = &nobody;
	rs->content_type = "text/html; charset=utf-8";
	http_response_header(rs, "Cache-Control", "no-cache");
	if (!page) {
		buf_add_str(
		    &rs->body,
		    "<!doctype html><title>Madang</title><p>The front end is not built yet: "
		    "run <code>npm run build</code> in web/.</p>");
		rq->identity = NULL;
		return true;
	}
	struct buf head;
	buf_init(&head, 16 << 10);
	bool ok = find_head(rq, &head, e);
	const char *split = strstr(page, "</head>");
	if (ok && split) {
		buf_add(&rs->body, page, (size_t)(split - page));
		if (!head.failed && head.data)
			buf_add(&rs->body, head.data, head.length);
		buf_add_str(&rs->body, split);
	} else if (ok) {
		buf_add_str(&rs->body, page);
	}
	buf_finish(&head);
	rq->identity = NULL;
	return ok;
}

static const struct http_route ROWS[] = {
    {.method = "GET",
     .path = "/avatars/:id",
     .scope = "-",
     .rate = RATE_NONE,
     .handler = avatar_get},
    {.method = "GET", .path = "/media/:id", .scope = "-", .rate = RATE_NONE, .handler = object_get},
    {.method = "GET",
     .path = "/media/:id/:id",
     .scope = "-",
     .rate = RATE_UPLOAD,
     .handler = object_render},
};

const struct http_routes API_PAGE_ROUTES = {.rows = ROWS, .count = sizeof ROWS / sizeof *ROWS};
