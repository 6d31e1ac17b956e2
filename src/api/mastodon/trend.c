/* Trends, for everybody and for moderators (…/admin/trends/…). */
#include "app/trend.h"

#include <stdio.h>
#include <string.h>

#include "api/mastodon/routes.h"
#include "api/serial.h"
#include "app/timeline.h"

enum { TAGS_MAX = 20 };

void serial_trend_history(struct serial *s, const struct store_trend_day days[STORE_TREND_DAYS])
{
	int64_t today = s->app->now_ms / 86400000;
	json_put_array(s->w, "history");
	for (int i = 0; i < STORE_TREND_DAYS; i++) {
		json_put_object(s->w, NULL); /* Mastodon writes these numbers as text */
		json_put_id(s->w, "day", (today - i) * 86400);
		char text[24];
		snprintf(text, sizeof text, "%lld", (long long)days[i].accounts);
		json_put_str(s->w, "accounts", text);
		snprintf(text, sizeof text, "%lld", (long long)days[i].uses);
		json_put_str(s->w, "uses", text);
		json_put_end(s->w);
	}
	json_put_end(s->w);
}

static bool is_admin(const struct http_request *rq)
{
	return strstr(rq->route->path, "/admin/") != NULL;
}

static bool page_params(struct http_request *rq, int limit, int max, struct app_trend_page *page,
			struct err *e)
{
	int64_t offset = 0;
	if (!api_limit_param(rq, limit, max, &limit, e) ||
	    !param_int(rq, "offset", 0, 1000, &offset, e))
		return false;
	*page = (struct app_trend_page){.limit = limit, .offset = (int)offset, .all = is_admin(rq)};
	return true;
}

/* Paged by offset. */
static void page_link(struct http_request *rq, struct http_response *rs,
		      const struct app_trend_page *page, size_t found)
{
	api_offset_link(rq, rs, page->offset, page->limit, found >= (size_t)page->limit);
}

static void put_tag(struct serial *s, const struct app_trend_tag *t,
		    const struct store_tag_mark *mark, bool admin)
{
	struct app_tag_state state = {.following = mark->following, .featuring = mark->featuring};
	memcpy(state.history, t->history, sizeof state.history);
	json_put_object(s->w, NULL);
	serial_tag_members(s, &t->tag, &state);
	if (admin) {
		json_put_bool(s->w, "trendable", t->review != STORE_TREND_REJECTED);
		json_put_bool(s->w, "usable", true);
		json_put_bool(s->w, "listable", true);
		json_put_bool(s->w, "requires_review", t->review == STORE_TREND_UNSEEN);
	}
	json_put_end(s->w);
}

bool api_trend_tags(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_trend_page page;
	struct app_trend_tag *tags = NULL;
	struct store_tag_mark marks[TAGS_MAX];
	int64_t ids[TAGS_MAX];
	size_t n;
	if (!page_params(rq, 10, TAGS_MAX, &page, e) || !app_trend_tags(&app, &page, &tags, &n, e))
		return false;
	for (size_t i = 0; i < n; i++)
		ids[i] = tags[i].id;
	if (!app_tag_marks(&app, ids, n, marks, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_tag(&s, &tags[i], &marks[i], page.all);
	json_put_end(&w);
	page_link(rq, rs, &page, n);
	return json_finish(&w, e);
}

/* Where nothing stands out, the newest made pictures: what Explore shows. */
bool api_trend_statuses(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_trend_page page;
	struct app_posts posts;
	if (!page_params(rq, 20, 40, &page, e) || !app_trend_posts(&app, &page, &posts, e))
		return false;
	bool none = !posts.count && !page.offset && !page.all;
	if (none) {
		struct store_page newest = {.limit = page.limit};
		if (!app_timeline_explore(&app, &(struct app_timeline_filter){0}, &newest, &posts,
					  e))
			return false;
	}
	posts.first = posts.last = 0; /* these are paged by offset */
	if (!none)
		page_link(rq, rs, &page, posts.count);
	return serial_answer_posts(rq, rs, &app, &posts, e);
}

static void put_link(struct serial *s, const struct app_trend_link *t, bool admin)
{
	json_put_object(s->w, NULL);
	if (admin) {
		json_put_id(s->w, "id", t->card.id);
		json_put_bool(s->w, "trendable", t->review != STORE_TREND_REJECTED);
		json_put_bool(s->w, "requires_review", t->review == STORE_TREND_UNSEEN);
	}
	serial_card_members(s, &t->card);
	serial_trend_history(s, t->history);
	json_put_end(s->w);
}

bool api_trend_links(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_trend_page page;
	struct app_trend_link *links = NULL;
	size_t n;
	if (!page_params(rq, 10, 20, &page, e) || !app_trend_links(&app, &page, &links, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_link(&s, &links[i], page.all);
	json_put_end(&w);
	page_link(rq, rs, &page, n);
	return json_finish(&w, e);
}

static void put_publisher(struct json_writer *w, const struct app_trend_publisher *p)
{
	json_put_object(w, NULL);
	json_put_id(w, "id", p->row.id);
	json_put_str(w, "domain", p->row.domain);
	json_put_bool(w, "trendable", p->review != STORE_TREND_REJECTED);
	json_put_bool(w, "requires_review", p->review == STORE_TREND_UNSEEN);
	json_put_end(w);
}

bool api_trend_publishers(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_trend_page page;
	struct app_trend_publisher *items = NULL;
	size_t n;
	if (!page_params(rq, 20, 40, &page, e) || !app_trend_publishers(&app, &page, &items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_publisher(&w, &items[i]);
	json_put_end(&w);
	page_link(rq, rs, &page, n);
	return json_finish(&w, e);
}

/* …/approve and …/reject. */
static bool allows(const struct http_request *rq)
{
	return strstr(rq->route->path, "/approve") != NULL;
}

bool api_trend_review_link(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_trend_link link;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) ||
	    !app_trend_review_link(&app, id, allows(rq), &link, e))
		return false;
	struct json_writer w = api_json(rs);
	put_link(&(struct serial){.w = &w, .api = api_of(rq), .app = &app}, &link, true);
	return json_finish(&w, e);
}

bool api_trend_review_publisher(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_trend_publisher publisher;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) ||
	    !app_trend_review_publisher(&app, id, allows(rq), &publisher, e))
		return false;
	struct json_writer w = api_json(rs);
	put_publisher(&w, &publisher);
	return json_finish(&w, e);
}

bool api_trend_review_tag(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_trend_tag tag;
	struct store_tag_mark mark;
	if (!app_trend_review_tag(&app, rq->path_args[0], allows(rq), &tag, e) ||
	    !app_tag_marks(&app, &tag.id, 1, &mark, e))
		return false;
	struct json_writer w = api_json(rs);
	put_tag(&(struct serial){.w = &w, .api = api_of(rq), .app = &app}, &tag, &mark, true);
	return json_finish(&w, e);
}

bool api_trend_review_status(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_post post;
	int64_t id;
	return http_request_id(rq, 0, &id, e) &&
	       app_trend_review_post(&app, id, allows(rq), &post, e) &&
	       serial_answer_status(rq, rs, &app, &post, e);
}
