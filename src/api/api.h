/* What all handlers share: the process's parts, who is asking, pages of lists. */
#ifndef MADANG_API_API_H
#define MADANG_API_API_H

#include "app/app.h"
#include "app/auth.h"
#include "app/post.h"
#include "bus/bus.h"
#include "http/param.h"
#include "http/router.h"
#include "json/write.h"
#include "media/media.h"

struct describer;
struct exports;
struct jobs;
struct kept;
struct live;
struct uploads;
struct waiting;
struct http_server;

/* The process's one; made by the command, borrowed by everything here. */
struct api {
	struct app_core *core;
	struct db_pool *pool;
	struct media_store *media;
	struct bus *bus;
	struct jobs *jobs;           /* NULL: nothing is drawn here */
	struct describer *describer; /* NULL: no model here can look at pictures */
	struct uploads *uploads;
	struct live *live;
	struct kept *kept;
	struct waiting *waiting;
	struct exports *exports;
	struct http_server *server;
	const char *base_url; /* "https://example.org" */
	const char *domain;
	const char *version;
	const char *page;   /* the front end's index.html; NULL: none is built */
	int64_t started_ms; /* by the wall clock; how long ago it was, the monotonic one says: */
	int64_t started_ns;
	bool secure; /* cookies only over https */
	size_t upload_bytes_max;
	size_t events_waiting_max; /* for streams */
	const char *vapid_key;     /* the server's public key, for push services */
	bool private_addresses;    /* tests only: push services on this machine */
};

struct api_worker {
	struct api *api;
	struct db *db;
	uint64_t seen; /* db_seen() from before anything of this request was read */
};
void *api_worker_create(void *context, struct err *e); /* context: struct api */
void api_worker_destroy(void *worker);

/* http_options.authorize: finds out who asks and whether the row's scope lets them. */
bool api_authorize(struct http_request *rq, struct http_response *rs, struct err *e);

/* http_options.quick: answers that are kept (kept.h), to whoever is known. */
bool api_quick(struct http_request *rq, struct http_response *rs);
/* What an answer of posts was made of, for those lists that are kept. Call it when rs is complete. */
void api_keep(struct http_request *rq, struct http_response *rs, const struct app_posts *posts);

/* The tables of all protocols. */
extern const struct http_routes API_MASTODON_ROUTES, API_STUDIO_ROUTES, API_PAGE_ROUTES,
    API_OPENAI_ROUTES, API_ADMIN_ROUTES;
enum { API_TABLES = 5 };
void api_tables(struct http_routes out[API_TABLES]);
bool api_page(struct http_request *rq, struct http_response *rs,
	      struct err *e); /* any other path */
void api_metrics(void *context, struct buf *out);

static inline struct api *api_of(const struct http_request *rq)
{
	return rq->context;
}

/* Who asks; never NULL behind the authorize hook. account_id 0: nobody. */
static inline const struct app_identity *api_who(const struct http_request *rq)
{
	return rq->identity;
}

/* Whether who asks, if anybody, may do what needs this scope. */
bool api_may(const struct http_request *rq, const char *scope);

/* The application layer in the name of who asks. Borrows the request's arena. */
struct app api_app(struct http_request *rq);

/* max_id, since_id, min_id, limit. */
MUST_CHECK bool api_page_params(struct http_request *rq, int limit, int limit_max,
				struct store_page *page, struct err *e);
/* Where more is asked for than there is, as much as there is: what apps expect of Mastodon. */
MUST_CHECK bool api_limit_param(struct http_request *rq, int limit, int limit_max, int *out,
				struct err *e);
/* Link: next (where `more`) and prev, with the other parameters as they came. Nothing where the page is empty. */
void api_page_link(struct http_request *rq, struct http_response *rs, int64_t first, int64_t last,
		   bool more);

/* The same for what is paged by offset; `limit`: of this page. */
void api_offset_link(struct http_request *rq, struct http_response *rs, int offset, int limit,
		     bool more);

/* A cookie header of ours; value "" deletes it. */
void api_cookie(struct http_request *rq, struct http_response *rs, const char *name,
		const char *value, int64_t seconds, bool http_only);
#define API_SESSION_COOKIE "madang_session"
#define API_CSRF_COOKIE    "madang_csrf"

/* Opens the answer's JSON. */
static inline struct json_writer api_json(struct http_response *rs)
{
	struct json_writer w;
	json_begin(&w, &rs->body);
	return w;
}

/* Percent-encodes for a query. */
void api_url_encode(struct buf *out, const char *text);

#endif
