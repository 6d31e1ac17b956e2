/* One's own profile: showing it, taking its pictures away. */
#include "api/mastodon/profile.h"

#include <string.h>

#include "api/mastodon/routes.h"
#include "app/setting.h"

static bool preference(struct app *app, const char *name, const char *otherwise, const char **out,
		       struct err *e)
{
	*out = NULL;
	if (!app_preference_get(app, name, out, e))
		return false;
	if (!*out)
		*out = otherwise;
	return true;
}

bool api_own_load(struct app *app, struct serial_own *out, struct err *e)
{
	const char *sensitive;
	struct store_accounts requests;
	if (!preference(app, "posting:default:visibility", "public", &out->privacy, e) ||
	    !preference(app, "posting:default:language", NULL, &out->language, e) ||
	    !preference(app, "posting:default:quote_policy", "public", &out->quote_policy, e) ||
	    !preference(app, "posting:default:sensitive", "false", &sensitive, e) ||
	    !app_follow_requests(app, &(struct store_page){.limit = 40}, &requests, e))
		return false;
	out->sensitive = !strcmp(sensitive, "true");
	out->follow_requests = (int64_t)requests.count;
	return true;
}

bool api_own_answer(struct http_request *rq, struct http_response *rs, struct app *app,
		    const struct store_account *a, struct err *e)
{
	struct serial_own own;
	if (!api_own_load(app, &own, e))
		return false;
	struct json_writer w = api_json(rs);
	serial_account_own(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, NULL, a, &own);
	return json_finish(&w, e);
}

bool api_profile_avatar_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_account a;
	return app_account_update(&app, &(struct app_profile){.avatar_hash = ""}, &a, e) &&
	       api_own_answer(rq, rs, &app, &a, e);
}

bool api_profile_header_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_account a;
	return app_account_update(&app, &(struct app_profile){.header_hash = ""}, &a, e) &&
	       api_own_answer(rq, rs, &app, &a, e);
}
