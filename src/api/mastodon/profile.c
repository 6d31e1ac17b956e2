/* One's own profile: showing it, changing it, taking its pictures away. */
#include "api/mastodon/profile.h"

#include <string.h>

#include "api/mastodon/routes.h"
#include "app/setting.h"

static const char DOMAINS[] = "profile:attribution_domains"; /* one space between */
enum { DOMAINS_MAX = 100 };

/* What a profile page shows: only our front end and others' look at it. */
static const char *const SHOWN[] = {"show_media", "show_media_replies", "show_featured"};
enum { SHOWN_COUNT = sizeof SHOWN / sizeof *SHOWN };

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
	    !preference(app, DOMAINS, "", &out->attribution_domains, e) ||
	    !app_follow_requests(app, &(struct store_page){.limit = 40}, &requests, e))
		return false;
	if (out->language && !*out->language)
		out->language = NULL;
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

/* As an array; masto.js numbers its members in a multipart form: name[0], name[1], … */
static bool domains_param(struct http_request *rq, const char *name, const char ***out, size_t *n,
			  bool *given, struct err *e)
{
	*given = param_given(rq, name);
	if (*given)
		return param_texts(rq, name, DOMAINS_MAX, 253, out, n, e);
	*out = arena_alloc(rq->arena, DOMAINS_MAX * sizeof **out);
	for (*n = 0; *n < DOMAINS_MAX; (*n)++) {
		const char *key = arena_printf(rq->arena, "%s[%zu]", name, *n);
		if (!param_given(rq, key))
			break;
		if (!param_text(rq, key, 253, &(*out)[*n], e))
			return false;
	}
	*given = *n > 0;
	return true;
}

bool api_domains_save(struct http_request *rq, struct app *app, const char *name, struct err *e)
{
	const char **domains, *joined = "";
	size_t n = 0;
	bool given;
	if (!domains_param(rq, name, &domains, &n, &given, e))
		return false;
	if (!given)
		return true;
	for (size_t i = 0; i < n; i++) {
		if (domains[i][strcspn(domains[i], " \t\n/@:")])
			return param_fail(rq, name, e, "must be names of domains");
		if (*domains[i])
			joined =
			    arena_printf(rq->arena, *joined ? "%s %s" : "%s%s", joined, domains[i]);
	}
	return app_preference_set(app, DOMAINS, joined, e);
}

static bool answer_profile(struct http_request *rq, struct http_response *rs, struct app *app,
			   const struct store_account *a, struct err *e)
{
	const char *shown[SHOWN_COUNT], *domains;
	struct store_featured_tag tags[STORE_FEATURED_TAGS_MAX];
	size_t n;
	for (int i = 0; i < SHOWN_COUNT; i++)
		if (!preference(app, arena_printf(rq->arena, "profile:%s", SHOWN[i]), "true",
				&shown[i], e))
			return false;
	if (!preference(app, DOMAINS, "", &domains, e) ||
	    !app_featured_tags(app, a->id, tags, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = app};
	json_put_object(&w, NULL);
	serial_profile(&s, a);
	for (int i = 0; i < SHOWN_COUNT; i++)
		json_put_bool(&w, SHOWN[i], !strcmp(shown[i], "true"));
	serial_ids(&s, "attribution_domains", domains, false);
	json_put_array(&w, "featured_tags");
	for (size_t i = 0; i < n; i++)
		api_put_featured_tag(&s, &tags[i]);
	json_put_end(&w);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_profile_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_account a;
	struct store_user user;
	return app_account_self(&app, &a, &user, e) && answer_profile(rq, rs, &app, &a, e);
}

bool api_profile_update(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_profile p = {0};
	struct store_account a;
	const bool *shown[SHOWN_COUNT] = {NULL};
	for (int i = 0; i < SHOWN_COUNT; i++)
		if (!api_flag_param(rq, SHOWN[i], &shown[i], e))
			return false;
	if (!api_profile_params(rq, &p, e) || !api_domains_save(rq, &app, "attribution_domains", e))
		return false;
	for (int i = 0; i < SHOWN_COUNT; i++)
		if (shown[i] &&
		    !app_preference_set(&app, arena_printf(rq->arena, "profile:%s", SHOWN[i]),
					*shown[i] ? "true" : "false", e))
			return false;
	return app_account_update(&app, &p, &a, e) && answer_profile(rq, rs, &app, &a, e);
}
