/* Timelines. */
#include "app/timeline.h"
#include "api/mastodon/routes.h"
#include "api/serial.h"

typedef bool own(struct app *app, const struct store_page *page, struct app_posts *out,
		 struct err *e);

static bool answer_own(struct http_request *rq, struct http_response *rs, own *fn, struct err *e)
{
	struct app app = api_app(rq);
	struct app_posts posts;
	struct store_page page;
	return api_page_params(rq, 20, 40, &page, e) && fn(&app, &page, &posts, e) &&
	       serial_answer_posts(rq, rs, &app, &posts, e);
}

bool api_timeline_home(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_own(rq, rs, app_timeline_home, e);
}

bool api_timeline_favourites(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_own(rq, rs, app_timeline_favourites, e);
}

bool api_timeline_bookmarks(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return answer_own(rq, rs, app_timeline_bookmarks, e);
}

/* What the public timeline and those of tags have in common. */
static bool filter_params(struct http_request *rq, struct app_timeline_filter *filter, bool *remote,
			  struct store_page *page, struct err *e)
{
	*remote = false;
	return api_page_params(rq, 20, 40, page, e) &&
	       param_bool(rq, "local", &filter->only_local, e) &&
	       param_bool(rq, "remote", remote, e) &&
	       param_bool(rq, "only_media", &filter->only_media, e);
}

bool api_timeline_public(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_timeline_filter filter = {0};
	struct app_posts posts = {0};
	struct store_page page;
	bool remote;
	if (!filter_params(rq, &filter, &remote, &page, e))
		return false;
	if (!remote && !app_timeline_public(&app, &filter, &page, &posts, e))
		return false; /* nothing is remote until this server federates */
	return serial_answer_posts(rq, rs, &app, &posts, e);
}

/* At most four, as Mastodon takes them; further ones are left out. */
static bool tags_param(struct http_request *rq, const char *name,
		       const char *out[APP_TAGS_BESIDE_MAX], struct err *e)
{
	const char **names;
	size_t n, kept = 0;
	if (!param_texts(rq, name, 100, 200, &names, &n, e))
		return false;
	for (size_t i = 0; i < n && kept < APP_TAGS_BESIDE_MAX; i++)
		if (*names[i])
			out[kept++] = names[i];
	return true;
}

bool api_timeline_tag(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_timeline_filter filter = {.tag = rq->path_args[0]};
	struct app_posts posts = {0};
	struct store_page page;
	bool remote;
	if (!filter_params(rq, &filter, &remote, &page, e) ||
	    !tags_param(rq, "any", filter.any, e) || !tags_param(rq, "all", filter.all, e) ||
	    !tags_param(rq, "none", filter.none, e))
		return false;
	if (!remote && !app_timeline_tag(&app, &filter, &page, &posts, e))
		return false; /* as in the public timeline */
	return serial_answer_posts(rq, rs, &app, &posts, e);
}

bool api_timeline_link(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_posts posts;
	struct store_page page;
	const char *url;
	return api_page_params(rq, 20, 40, &page, e) &&
	       param_text_required(rq, "url", 2000, &url, e) &&
	       app_timeline_link(&app, url, &page, &posts, e) &&
	       serial_answer_posts(rq, rs, &app, &posts, e);
}
