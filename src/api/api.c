/* Owns nothing: who is asking, from a token or a cookie, and what lists share. Runs on the workers. */
#include "api/api.h"

#include "jobs/jobs.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/kept.h"
#include "api/mastodon/routes.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/id.h"
#include "base/rand.h"
#include "base/str.h"
#include "http/server.h"

void *api_worker_create(void *context, struct err *e)
{
	struct api *api = context;
	struct api_worker *w = calloc(1, sizeof *w);
	if (!w)
		abort();
	w->api = api;
	w->db = db_open(api->pool, e);
	if (!w->db) {
		free(w);
		return NULL;
	}
	return w;
}

void api_worker_destroy(void *worker)
{
	struct api_worker *w = worker;
	if (!w)
		return;
	db_close(w->db);
	free(w);
}

struct app api_app(struct http_request *rq)
{
	struct api_worker *w = rq->worker;
	struct app app;
	app_init(&app, w->api->core, w->db, rq->arena);
	app.ip = rq->client_ip;
	app.agent = http_request_header(rq, "User-Agent");
	app.origin = http_request_header(rq, "Origin");
	if (rq->identity)
		app_become(&app, rq->identity);
	return app;
}

static struct api_worker *worker_of(const struct http_request *rq)
{
	return rq->worker;
}

static bool is_unsafe(const struct http_request *rq)
{
	return strcmp(rq->method, "GET") != 0;
}

static bool same_secret(const char *a, const char *b)
{
	return a && b && strlen(a) == strlen(b) && !sodium_memcmp(a, b, strlen(a));
}

/* Our own pages prove that they, and no other site, have sent the request. */
static bool check_csrf(struct http_request *rq, const struct app_identity *who, struct err *e)
{
	const char *sent = http_request_header(rq, "X-CSRF-Token");
	const char *want =
	    who->session_id ? who->csrf_token : http_request_cookie(rq, API_CSRF_COOKIE);
	if (want && *want && same_secret(sent, want))
		return true;
	return err_set(e, ERR_FORBIDDEN, "The page is out of date: reload it and try again");
}

/* A stream with a cookie: WebSockets and EventSource ignore CORS, so the origin must be ours. */
static bool check_origin(struct http_request *rq, struct err *e)
{
	const char *origin = http_request_header(rq, "Origin");
	const char *host = http_request_header(rq, "Host");
	if (!origin)
		return true;
	const char *name = strstr(origin, "://");
	if (name && host && str_equal_nocase(name + 3, host))
		return true;
	return err_set(e, ERR_FORBIDDEN, "This page may not listen here");
}

/* Bearer header, or for streams the parameter or the WebSocket protocol that masto.js uses. */
static const char *find_token(struct http_request *rq)
{
	const char *authorization = http_request_header(rq, "Authorization");
	if (authorization && !strncasecmp(authorization, "Bearer ", 7))
		return authorization + 7 + strspn(authorization + 7, " ");
	if (!rq->route || rq->route->rate != RATE_STREAM)
		return NULL;
	const struct http_param *p = param_find(rq, "access_token");
	if (p && p->kind == HTTP_PARAM_TEXT && p->length)
		return p->value;
	return http_request_header(rq, "Sec-WebSocket-Protocol");
}

static bool identify_token(struct http_request *rq, const char *token, struct app_identity *who,
			   struct err *e)
{
	struct kept *kept = api_of(rq)->kept;
	if (kept_identity(kept, rq->arena, KEPT_TOKEN, token, who))
		return true;
	struct app app = api_app(rq);
	if (!app_auth_token(&app, token, who, e))
		return false;
	if (!who->token) /* each use of an API token is counted, and bound to where it comes from */
		kept_identity_put(kept, KEPT_TOKEN, token, worker_of(rq)->seen, who);
	return true;
}

static bool identify(struct http_request *rq, struct app_identity *who, bool *by_cookie,
		     struct err *e)
{
	const char *token = find_token(rq);
	if (token)
		return identify_token(rq, token, who, e);
	const char *cookie = http_request_cookie(rq, API_SESSION_COOKIE);
	if (!cookie || !*cookie)
		return true;
	struct kept *kept = api_of(rq)->kept;
	if (kept_identity(kept, rq->arena, KEPT_COOKIE, cookie, who))
		return *by_cookie = true;
	struct app app = api_app(rq);
	struct err why = {0};
	*by_cookie = app_auth_session(&app, cookie, who, &why);
	if (*by_cookie)
		kept_identity_put(kept, KEPT_COOKIE, cookie, worker_of(rq)->seen, who);
	if (*by_cookie || why.code == ERR_UNAUTHORIZED || why.code == ERR_FORBIDDEN)
		return true; /* a session that has ended is nobody */
	*e = why;
	return false;
}

static bool has_scope(const struct app_identity *who, const char *scope)
{
	const char *names = who->scope_names ? who->scope_names : "";
	if (who->session_id)
		return true;
	/* Who one is, which the narrowest scope tells too. */
	if (!strcmp(scope, "profile") && app_scope_allows(names, "read:accounts"))
		return true;
	return app_scope_allows(names, scope);
}

static bool check_scope(const char *scope, const struct app_identity *who, struct err *e)
{
	if (!strcmp(scope, "-"))
		return true;
	if (*scope == '?') { /* for everybody; a token that is shown must hold it all the same */
		bool shown = who->account_id || who->app_id;
		return !shown || has_scope(who, scope + 1) ||
		       err_set(e, ERR_FORBIDDEN, "This action is outside the authorized scopes");
	}
	if (!who->account_id && !(who->app_id && !strcmp(scope, "app")))
		return err_set(e, ERR_UNAUTHORIZED,
			       who->app_id ? "This method requires an authenticated user"
					   : "The access token is invalid");
	if (!strcmp(scope, "any") || !strcmp(scope, "app"))
		return true;
	if (!strcmp(scope, "admin")) {
		if (who->role < STORE_ROLE_ADMIN)
			return err_set(e, ERR_FORBIDDEN, "Only administrators may do this");
		scope = "admin:write";
	}
	if (str_starts(scope, "admin:") && who->role < STORE_ROLE_MODERATOR)
		return err_set(e, ERR_FORBIDDEN, "This action is not allowed");
	if (!has_scope(who, scope))
		return err_set(e, ERR_FORBIDDEN, "This action is outside the authorized scopes");
	return true;
}

bool api_may(const struct http_request *rq, const char *scope)
{
	return has_scope(api_who(rq), scope);
}

bool api_authorize(struct http_request *rq, struct http_response *rs, struct err *e)
{
	(void)rs;
	struct app_identity *who = ARENA_NEW(rq->arena, struct app_identity);
	bool by_cookie = false;
	worker_of(rq)->seen = db_seen(api_of(rq)->pool);
	if (!identify(rq, who, &by_cookie, e))
		return false;
	bool ours = str_starts(rq->path, "/api/madang/");
	bool bearer = who->token_id != 0;
	if (is_unsafe(rq) && !bearer && (by_cookie || ours) && !check_csrf(rq, who, e))
		return false;
	if (by_cookie && rq->route->rate == RATE_STREAM && !check_origin(rq, e))
		return false;
	rq->identity = who;
	/* "any" is for people and their apps; an API token has only what its scopes say. */
	const char *scope = rq->route->scope;
	if (who->token && !strcmp(scope, "any"))
		scope = is_unsafe(rq) ? "write" : "read";
	return check_scope(scope, who, e);
}

/* The lists whose answers are kept: those that everybody opens first, and comes back to. */
static enum db_noun list_of(const struct http_request *rq)
{
	http_handler_fn handler = rq->route->handler;
	return handler == api_timeline_home     ? DB_NOUN_HOME
	       : handler == api_timeline_public ? DB_NOUN_PUBLIC
						: DB_NOUN_NONE;
}

bool api_quick(struct http_request *rq, struct http_response *rs)
{
	struct kept *kept = api_of(rq)->kept;
	struct app_identity who = {0};
	struct err refused;
	if (list_of(rq) == DB_NOUN_NONE)
		return false;
	const char *token = find_token(rq);
	const char *cookie = token ? NULL : http_request_cookie(rq, API_SESSION_COOKIE);
	if (token && !kept_identity(kept, rq->arena, KEPT_TOKEN, token, &who))
		return false;
	if (cookie && *cookie && !kept_identity(kept, rq->arena, KEPT_COOKIE, cookie, &who))
		return false;
	return check_scope(rq->route->scope, &who, &refused) &&
	       kept_answer(kept, rq, who.account_id, rs);
}

void api_keep(struct http_request *rq, struct http_response *rs, const struct app_posts *posts)
{
	enum db_noun list = list_of(rq);
	if (list != DB_NOUN_NONE)
		kept_answer_put(api_of(rq)->kept, rq, api_who(rq)->account_id, list,
				worker_of(rq)->seen, posts, rs);
}

bool api_page_params(struct http_request *rq, int limit, int limit_max, struct store_page *page,
		     struct err *e)
{
	*page = (struct store_page){0};
	return api_limit_param(rq, limit, limit_max, &page->limit, e) &&
	       param_id(rq, "max_id", &page->max_id, e) &&
	       param_id(rq, "since_id", &page->since_id, e) &&
	       param_id(rq, "min_id", &page->min_id, e);
}

bool api_limit_param(struct http_request *rq, int limit, int limit_max, int *out, struct err *e)
{
	int64_t n = limit;
	if (!param_int(rq, "limit", 0, INT64_MAX, &n, e))
		return false;
	*out = n < 1 ? limit : n > limit_max ? limit_max : (int)n;
	return true;
}

void api_url_encode(struct buf *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c))
			buf_add_char(out, *text);
		else
			buf_printf(out, "%%%02X", c);
	}
}

/* The path as it was written: apps take a comma for the end of a link. */
static void link_path(struct buf *out, const char *path)
{
	for (; *path; path++) {
		const char one[2] = {*path, '\0'};
		if (*path == '/')
			buf_add_char(out, '/');
		else
			api_url_encode(out, one);
	}
}

static bool is_paging(const char *name)
{
	static const char *const names[] = {"max_id", "since_id", "min_id", "offset",
					    "access_token"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static bool is_array(const struct http_request *rq, const char *name)
{
	static const char *const names[] = {"types", "exclude_types", "grouped_types", "id",
					    "any",   "all",           "none"};
	size_t n = 0;
	for (size_t k = 0; k < rq->params_count; k++)
		n += !strcmp(rq->params[k].name, name);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(name, names[i]))
			return true;
	return n > 1;
}

static void link_one(struct http_request *rq, struct buf *out, const char *key, int64_t id,
		     const char *rel)
{
	char text[ID_TEXT_SIZE];
	buf_printf(out, "%s<%s", out->length ? ", " : "", api_of(rq)->base_url);
	link_path(out, rq->path);
	buf_add_char(out, '?');
	for (size_t i = 0; i < rq->params_count; i++) {
		const struct http_param *p = &rq->params[i];
		if (is_paging(p->name) || p->kind == HTTP_PARAM_FILE)
			continue;
		api_url_encode(out, p->name);
		buf_add_str(out, is_array(rq, p->name) ? "%5B%5D=" : "=");
		api_url_encode(out, p->value);
		buf_add_char(out, '&');
	}
	buf_printf(out, "%s=%s>; rel=\"%s\"", key, id_format(text, id), rel);
}

enum {
	LINK_MAX_BYTES = 2500
}; /* past it, no header: the head has to fit the connection's memory */

static void link_end(struct http_response *rs, struct buf *out)
{
	if (!out->failed && out->length)
		http_response_header(rs, "Link", out->data);
	buf_finish(out);
}

void api_page_link(struct http_request *rq, struct http_response *rs, int64_t first, int64_t last,
		   bool more)
{
	if (!first)
		return;
	struct buf out;
	buf_init(&out, LINK_MAX_BYTES);
	if (more)
		link_one(rq, &out, "max_id", last, "next");
	link_one(rq, &out, "min_id", first, "prev");
	link_end(rs, &out);
}

void api_offset_link(struct http_request *rq, struct http_response *rs, int offset, int limit,
		     bool more)
{
	struct buf out;
	buf_init(&out, LINK_MAX_BYTES);
	if (more)
		link_one(rq, &out, "offset", offset + limit, "next");
	if (offset > 0)
		link_one(rq, &out, "offset", offset > limit ? offset - limit : 0, "prev");
	link_end(rs, &out);
}

void api_cookie(struct http_request *rq, struct http_response *rs, const char *name,
		const char *value, int64_t seconds, bool http_only)
{
	const struct api *api = api_of(rq);
	http_response_header(rs, "Set-Cookie",
			     arena_printf(rq->arena,
					  "%s=%s; Path=/; SameSite=Lax; Max-Age=%lld%s%s", name,
					  value, (long long)seconds, http_only ? "; HttpOnly" : "",
					  api->secure ? "; Secure" : ""));
}

void api_tables(struct http_routes out[API_TABLES])
{
	out[0] = API_MASTODON_ROUTES;
	out[1] = API_STUDIO_ROUTES;
	out[2] = API_PAGE_ROUTES;
	out[3] = API_OPENAI_ROUTES;
	out[4] = API_ADMIN_ROUTES;
}

static void gauge(struct buf *out, const char *name, double value)
{
	buf_printf(out, "# TYPE madang_%s gauge\nmadang_%s %.6g\n", name, name, value);
}

static void counter(struct buf *out, const char *name, unsigned long long value)
{
	buf_printf(out, "# TYPE madang_%s counter\nmadang_%s %llu\n", name, name, value);
}

static void metrics_makers(struct jobs *jobs, struct buf *out)
{
	static const char *const names[] = {"slots", "busy", "paused"};
	for (int k = 0; k < 3; k++) {
		buf_printf(out, "# TYPE madang_maker_%s gauge\n", names[k]);
		for (size_t i = 0; i < jobs_makers(jobs); i++) {
			const char *id = jobs_maker_at(jobs, i)->id;
			struct fleet_state s = {0};
			jobs_maker_state(jobs, id, &s);
			buf_printf(out, "madang_maker_%s{maker=\"%s\"} %d\n", names[k], id,
				   k == 0   ? s.slots
				   : k == 1 ? s.busy
					    : (int)s.paused);
		}
	}
	buf_add_str(out, "# TYPE madang_maker_service_seconds summary\n"
			 "# TYPE madang_promises_total counter\n");
	for (size_t i = 0; i < jobs_makers(jobs); i++) {
		const char *id = jobs_maker_at(jobs, i)->id;
		struct jobs_service s;
		jobs_service(jobs, id, &s);
		const double q[][2] = {{0.1, s.p10_s}, {0.5, s.p50_s}, {0.9, s.p90_s}};
		for (int k = 0; k < 3 && s.samples > 0; k++)
			buf_printf(
			    out,
			    "madang_maker_service_seconds{maker=\"%s\",quantile=\"%g\"} %.6g\n", id,
			    q[k][0], q[k][1]);
		buf_printf(out,
			   "madang_promises_total{maker=\"%s\",kept=\"true\"} %.0f\n"
			   "madang_promises_total{maker=\"%s\",kept=\"false\"} %.0f\n",
			   id, s.kept, id, s.broken);
	}
}

static void metrics_jobs(struct jobs *jobs, struct buf *out)
{
	struct jobs_load l;
	struct jobs_stats s;
	jobs_load(jobs, &l);
	jobs_stats(jobs, &s);
	gauge(out, "jobs_queued", (double)l.queued);
	gauge(out, "jobs_drawing", (double)l.drawing);
	gauge(out, "load_level", l.level);
	gauge(out, "load_utilisation", l.utilisation);
	gauge(out, "load_queue_age_seconds", l.queue_age_s);
	gauge(out, "load_memory_free_ratio", l.memory_free);
	if (l.pictures_per_cpu_s > 0)
		gauge(out, "pictures_per_cpu_second", l.pictures_per_cpu_s);
	if (l.pictures_per_joule > 0)
		gauge(out, "pictures_per_joule", l.pictures_per_joule);
	struct store_work work;
	jobs_work(jobs, &work);
	gauge(out, "energy_readable", work.has_joules);
	counter(out, "prefixes_computed_total", (unsigned long long)work.prefixes_computed);
	counter(out, "prefixes_shared_total", (unsigned long long)work.prefixes_shared);
	counter(out, "prefix_tokens_computed_total",
		(unsigned long long)work.prefix_tokens_computed);
	counter(out, "prefix_tokens_shared_total", (unsigned long long)work.prefix_tokens_shared);
	counter(out, "jobs_finished_total", s.finished);
	counter(out, "jobs_failed_total", s.failed);
	counter(out, "jobs_cancelled_total", s.cancelled);
	counter(out, "jobs_refused_total", s.refused);
	counter(out, "pictures_total", s.pictures);
	counter(out, "previews_total", s.previews);
	counter(out, "previews_told_total", s.tokens_told);
	metrics_makers(jobs, out);
}

void api_metrics(void *context, struct buf *out)
{
	struct api *api = context;
	struct db_stats stats;
	db_pool_stats(api->pool, &stats);
	struct kept_stats kept;
	kept_stats(api->kept, &kept);
	buf_printf(out,
		   "# TYPE madang_kept_total counter\n"
		   "madang_kept_total{what=\"identity\",found=\"yes\"} %llu\n"
		   "madang_kept_total{what=\"identity\",found=\"no\"} %llu\n"
		   "madang_kept_total{what=\"answer\",found=\"yes\"} %llu\n"
		   "madang_kept_total{what=\"answer\",found=\"no\"} %llu\n"
		   "# TYPE madang_kept_bytes gauge\nmadang_kept_bytes %zu\n",
		   kept.identity_hits, kept.identity_misses, kept.answer_hits, kept.answer_misses,
		   kept.bytes);
	buf_printf(out, "# TYPE madang_db_writes_total counter\nmadang_db_writes_total %llu\n",
		   (unsigned long long)stats.writes);
	buf_printf(out, "# TYPE madang_db_commits_total counter\nmadang_db_commits_total %llu\n",
		   (unsigned long long)stats.commits);
	if (api->jobs)
		metrics_jobs(api->jobs, out);
}
