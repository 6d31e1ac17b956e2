/* Taking access back, and giving it again. */
#include "app/revocation.h"

#include "api/studio/routes.h"

static const char *const KINDS[] = {"token", "account", "cohort", "programme", NULL};

static void put_revocation(struct serial *s, const struct app_revocation *r)
{
	struct json_writer *w = s->w;
	json_put_object(w, NULL);
	json_put_id(w, "id", r->row.id);
	json_put_str(w, "kind", KINDS[r->row.kind]);
	json_put_id(w, "target_id", r->row.target_id);
	json_put_str(w, "message", r->row.message);
	json_put_int(w, "tokens", r->row.tokens);
	json_put_int(w, "members", r->row.members);
	json_put_int(w, "jobs", r->row.jobs);
	json_put_time(w, "created_at", r->row.created_at);
	json_put_time(w, "undone_at", r->row.undone_at);
	if (r->by)
		serial_account(s, "by", r->by);
	else
		json_put_null(w, "by");
	json_put_end(w);
}

static bool answer(struct http_request *rq, struct http_response *rs, struct app *app,
		   const struct app_revocation *r, struct err *e)
{
	struct json_writer w = api_json(rs);
	put_revocation(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, r);
	return json_finish(&w, e);
}

bool api_admin_revocation_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_revocation r;
	const char *message = NULL;
	int kind = -1;
	int64_t id = 0;
	if (!param_choice(rq, "kind", KINDS, &kind, e) || !param_id(rq, "id", &id, e) ||
	    !param_text(rq, "message", 1000, &message, e))
		return false;
	if (kind < 0)
		return param_fail(rq, "kind", e, "can't be blank");
	if (!id)
		return param_fail(rq, "id", e, "can't be blank");
	return app_revocation_create(&app, (enum store_revocation_kind)kind, id, message, &r, e) &&
	       answer(rq, rs, &app, &r, e);
}

bool api_admin_revocation_undo(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_revocation r;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_revocation_undo(&app, id, &r, e) &&
	       answer(rq, rs, &app, &r, e);
}

bool api_admin_revocation_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_page page;
	struct app_revocation *items =
	    ARENA_ARRAY(rq->arena, struct app_revocation, STORE_PAGE_MAX);
	size_t n;
	if (!api_page_params(rq, 40, STORE_PAGE_MAX, &page, e) ||
	    !app_revocation_list(&app, &page, items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_revocation(&s, &items[i]);
	json_put_end(&w);
	if (n)
		api_page_link(rq, rs, items[0].row.id, items[n - 1].row.id,
			      n == (size_t)page.limit);
	return json_finish(&w, e);
}
