/* Reviews: one's own, and the desk. */
#include "app/review.h"

#include "api/studio/routes.h"

static const char *const STATES[] = {"pending", "changes", "approved", "refused", NULL};

static void put_review(struct serial *s, const struct app_review *r, bool desk)
{
	struct json_writer *w = s->w;
	json_put_object(w, NULL);
	json_put_id(w, "id", r->row.id);
	json_put_str(w, "state", STATES[r->row.state]);
	json_put_str(w, "reason", r->row.reason);
	json_put_str(w, "visibility", serial_visibility(r->row.visibility));
	json_put_object(w, "programme");
	json_put_id(w, "id", r->programme.id);
	json_put_str(w, "name", r->programme.name);
	json_put_end(w);
	if (r->has_post)
		serial_status(s, "status", &r->post);
	else
		json_put_null(w, "status");
	json_put_time(w, "deadline_at", r->row.deadline_at);
	json_put_bool(w, "overdue", r->overdue);
	json_put_time(w, "created_at", r->row.created_at);
	json_put_time(w, "decided_at", r->row.decided_at);
	if (desk && r->has_post)
		serial_account(s, "account", r->post.account);
	json_put_end(w);
}

static bool answer_all(struct http_request *rq, struct http_response *rs, struct app *app,
		       const struct app_review *items, size_t n, bool desk, struct err *e)
{
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_review(&s, &items[i], desk);
	json_put_end(&w);
	return json_finish(&w, e);
}

static bool answer(struct http_request *rq, struct http_response *rs, struct app *app,
		   const struct app_review *r, bool desk, struct err *e)
{
	struct json_writer w = api_json(rs);
	put_review(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, r, desk);
	return json_finish(&w, e);
}

bool api_review_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_page page;
	struct app_review *items = ARENA_ARRAY(rq->arena, struct app_review, STORE_PAGE_MAX);
	size_t n;
	if (!api_page_params(rq, 20, 40, &page, e) || !app_review_list(&app, &page, items, &n, e))
		return false;
	if (n)
		api_page_link(rq, rs, items[0].row.id, items[n - 1].row.id,
			      n == (size_t)page.limit);
	return answer_all(rq, rs, &app, items, n, false, e);
}

bool api_review_resubmit(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_review r;
	const char *text = NULL;
	int64_t id;
	return http_request_id(rq, 0, &id, e) &&
	       param_text(rq, "status", (size_t)app_core_config(app.core)->post_characters_max,
			  &text, e) &&
	       app_review_resubmit(&app, id, text, &r, e) && answer(rq, rs, &app, &r, false, e);
}

bool api_admin_review_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_review *items = ARENA_ARRAY(rq->arena, struct app_review, APP_REVIEWS_MAX);
	int state = STORE_REVIEW_PENDING;
	size_t n;
	return param_choice(rq, "state", STATES, &state, e) &&
	       app_review_desk(&app, (enum store_review_state)state, items, &n, e) &&
	       answer_all(rq, rs, &app, items, n, true, e);
}

bool api_admin_review_decide(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const decisions[] = {"changes", "approve", "refuse", NULL};
	struct app app = api_app(rq);
	struct app_review r;
	const char *reason = NULL;
	int decision = -1;
	int64_t id, hours = 0;
	if (!http_request_id(rq, 0, &id, e) ||
	    !param_choice(rq, "decision", decisions, &decision, e) ||
	    !param_text(rq, "reason", 1000, &reason, e) ||
	    !param_int(rq, "deadline_hours", 1, 2160, &hours, e))
		return false;
	if (decision < 0)
		return param_fail(rq, "decision", e, "can't be blank");
	return app_review_decide(&app, id,
				 (enum store_review_state)(STORE_REVIEW_CHANGES + decision), reason,
				 hours, &r, e) &&
	       answer(rq, rs, &app, &r, true, e);
}
