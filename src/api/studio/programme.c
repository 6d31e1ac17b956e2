/* Programmes: what everybody sees of them, and the administrators' side with cohorts and members. */
#include "app/programme.h"

#include <string.h>

#include "api/studio/routes.h"
#include "api/studio/words.h"

static const char *const MEMBER_STATES[] = {"applied",  "invited", "active",
					    "declined", "left",    NULL};

static void put_limit(struct json_writer *w, const char *key, int64_t n, int64_t none)
{
	if (n == none)
		json_put_null(w, key);
	else
		json_put_int(w, key, n);
}

static void put_membership(struct json_writer *w, const struct app_programme *p)
{
	if (!p->is_member) {
		json_put_null(w, "membership");
		return;
	}
	json_put_object(w, "membership");
	json_put_str(w, "state",
		     p->has_cohort && p->cohort.revocation_id ? "revoked"
							      : MEMBER_STATES[p->member.state]);
	if (p->has_cohort) {
		json_put_object(w, "cohort");
		json_put_id(w, "id", p->cohort.id);
		json_put_str(w, "name", p->cohort.name);
		json_put_time(w, "opens_at", p->cohort.opens_at);
		json_put_end(w);
	} else {
		json_put_null(w, "cohort");
	}
	json_put_bool(w, "terms_accepted", p->terms_accepted);
	json_put_bool(w, "active", p->active);
	json_put_end(w);
}

static void put_programme(struct json_writer *w, const struct app *app,
			  const struct app_programme *p)
{
	static const char *const states[] = {"coming", "open", "ended", "revoked"};
	const struct store_programme *r = &p->row;
	json_put_object(w, NULL);
	json_put_id(w, "id", r->id);
	json_put_str(w, "name", r->name);
	json_put_str(w, "description", r->description);
	words_put(w, "makers", r->makers, ' ');
	words_put(w, "models", r->models, ' ');
	words_put(w, "tasks", r->tasks, ' ');
	put_limit(w, "places", r->places, 0);
	put_limit(w, "places_left", p->places_left, -1);
	json_put_time(w, "starts_at", r->starts_at);
	json_put_time(w, "ends_at", r->ends_at);
	json_put_str(w, "state", states[p->state]);
	json_put_str(w, "terms", r->terms);
	json_put_str(w, "review", r->review ? "before_publish" : "none");
	json_put_int(w, "review_hours", r->review_hours);
	words_put(w, "questions", r->questions, '\n');
	json_put_bool(w, "listed", r->listed);
	put_membership(w, p);
	if (app->role >= STORE_ROLE_ADMIN) {
		json_put_object(w, "counts");
		for (int i = 0; MEMBER_STATES[i]; i++)
			json_put_int(w, MEMBER_STATES[i], p->counts[i]);
		json_put_end(w);
	}
	json_put_end(w);
}

static bool answer(struct http_response *rs, const struct app *app, const struct app_programme *p,
		   struct err *e)
{
	struct json_writer w = api_json(rs);
	put_programme(&w, app, p);
	return json_finish(&w, e);
}

bool api_programme_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_programme *items;
	size_t n;
	if (!app_programme_list(&app, &items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_programme(&w, &app, &items[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

bool api_programme_get(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_programme p;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && app_programme_get(&app, id, &p, e) &&
	       answer(rs, &app, &p, e);
}

bool api_programme_apply(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_programme p;
	const char *reason = NULL;
	bool accept = false;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && param_text(rq, "reason", 1000, &reason, e) &&
	       param_bool(rq, "accept_terms", &accept, e) &&
	       app_programme_apply(&app, id, reason, accept, &p, e) && answer(rs, &app, &p, e);
}

bool api_programme_accept(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_programme p;
	bool accept = false;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && param_bool(rq, "accept_terms", &accept, e) &&
	       app_programme_accept(&app, id, accept, &p, e) && answer(rs, &app, &p, e);
}

bool api_programme_leave(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_programme_leave(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

/* --- administrators --- */

static bool read_form(struct http_request *rq, struct store_programme *f, struct err *e)
{
	static const char *const reviews[] = {"none", "before_publish", NULL};
	int review = f->review;
	const struct http_param *places = param_find(rq, "places");
	if (places && places->kind == HTTP_PARAM_NULL)
		f->places = 0;
	if (!param_text(rq, "name", 100, &f->name, e) ||
	    !param_text(rq, "description", 5000, &f->description, e) ||
	    !words_param(rq, "makers", ' ', &f->makers, e) ||
	    !words_param(rq, "models", ' ', &f->models, e) ||
	    !words_param(rq, "tasks", ' ', &f->tasks, e) ||
	    !param_int(rq, "places", 0, 1000000, &f->places, e) ||
	    !time_param(rq, "starts_at", &f->starts_at, e) ||
	    !time_param(rq, "ends_at", &f->ends_at, e) ||
	    !param_text(rq, "terms", 20000, &f->terms, e) ||
	    !param_choice(rq, "review", reviews, &review, e) ||
	    !param_int(rq, "review_hours", 1, 2160, &f->review_hours, e) ||
	    !words_param(rq, "questions", '\n', &f->questions, e) ||
	    !param_bool(rq, "listed", &f->listed, e))
		return false;
	f->review = review == 1;
	return true;
}

bool api_admin_programme_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_programme p;
	struct store_programme f = {.name = "",
				    .description = "",
				    .makers = "",
				    .models = "",
				    .tasks = "",
				    .terms = "",
				    .questions = "",
				    .review_hours = 48,
				    .listed = true};
	return read_form(rq, &f, e) && app_programme_create(&app, &f, &p, e) &&
	       answer(rs, &app, &p, e);
}

bool api_admin_programme_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_programme p;
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_programme_get(&app, id, &p, e))
		return false;
	struct store_programme f = p.row;
	return read_form(rq, &f, e) && app_programme_change(&app, id, &f, &p, e) &&
	       answer(rs, &app, &p, e);
}

bool api_admin_programme_delete(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	int64_t id;
	if (!http_request_id(rq, 0, &id, e) || !app_programme_delete(&app, id, e))
		return false;
	http_response_empty(rs);
	return true;
}

static void put_member(struct serial *s, const struct app_member *m)
{
	struct json_writer *w = s->w;
	json_put_object(w, NULL);
	json_put_id(w, "id", m->row.id);
	serial_account(s, "account", &m->account);
	json_put_str(w, "state", MEMBER_STATES[m->row.state]);
	json_put_str(w, "reason", m->row.reason);
	json_put_id(w, "cohort_id", m->row.cohort_id);
	json_put_time(w, "terms_accepted_at", m->row.terms_accepted_at);
	json_put_time(w, "created_at", m->row.created_at);
	json_put_end(w);
}

static bool answer_member(struct http_request *rq, struct http_response *rs, struct app *app,
			  const struct app_member *m, struct err *e)
{
	struct json_writer w = api_json(rs);
	put_member(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, m);
	return json_finish(&w, e);
}

bool api_admin_member_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_page page;
	struct app_member *items = ARENA_ARRAY(rq->arena, struct app_member, STORE_PAGE_MAX);
	int64_t id;
	int state = -1;
	size_t n;
	if (!http_request_id(rq, 0, &id, e) || !api_page_params(rq, 40, STORE_PAGE_MAX, &page, e) ||
	    !param_choice(rq, "state", MEMBER_STATES, &state, e) ||
	    !app_member_list(&app, id, state, &page, items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_member(&s, &items[i]);
	json_put_end(&w);
	if (n)
		api_page_link(rq, rs, items[0].row.id, items[n - 1].row.id,
			      n == (size_t)page.limit);
	return json_finish(&w, e);
}

bool api_admin_member_invite(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_member m;
	const char *username;
	int64_t id, cohort_id = 0;
	return http_request_id(rq, 0, &id, e) &&
	       param_text_required(rq, "username", 100, &username, e) &&
	       param_id(rq, "cohort_id", &cohort_id, e) &&
	       app_member_invite(&app, id, username, cohort_id, &m, e) &&
	       answer_member(rq, rs, &app, &m, e);
}

bool api_admin_member_decide(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const states[] = {"declined", "active", NULL};
	struct app app = api_app(rq);
	struct app_member m;
	int64_t programme_id, id, cohort_id = 0;
	int state = -1;
	if (!http_request_id(rq, 0, &programme_id, e) || !http_request_id(rq, 1, &id, e) ||
	    !param_choice(rq, "state", states, &state, e) ||
	    !param_id(rq, "cohort_id", &cohort_id, e))
		return false;
	if (state < 0)
		return param_fail(rq, "state", e, "can't be blank");
	return app_member_decide(&app, programme_id, id, state == 1, cohort_id, &m, e) &&
	       answer_member(rq, rs, &app, &m, e);
}

static void put_cohort(struct json_writer *w, const struct store_cohort *c)
{
	json_put_object(w, NULL);
	json_put_id(w, "id", c->id);
	json_put_str(w, "name", c->name);
	put_limit(w, "places", c->places, 0);
	json_put_int(w, "members", c->members);
	json_put_time(w, "opens_at", c->opens_at);
	json_put_bool(w, "revoked", c->revocation_id != 0);
	json_put_end(w);
}

bool api_admin_cohort_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_cohort *items = ARENA_ARRAY(rq->arena, struct store_cohort, APP_COHORTS_MAX);
	int64_t id;
	size_t n;
	if (!http_request_id(rq, 0, &id, e) || !app_cohort_list(&app, id, items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_cohort(&w, &items[i]);
	json_put_end(&w);
	return json_finish(&w, e);
}

static bool answer_cohort(struct http_response *rs, const struct store_cohort *c, struct err *e)
{
	struct json_writer w = api_json(rs);
	put_cohort(&w, c);
	return json_finish(&w, e);
}

bool api_admin_cohort_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_cohort f = {.name = ""}, c;
	int64_t id;
	return http_request_id(rq, 0, &id, e) && param_text(rq, "name", 100, &f.name, e) &&
	       param_int(rq, "places", 0, 1000000, &f.places, e) &&
	       time_param(rq, "opens_at", &f.opens_at, e) &&
	       app_cohort_create(&app, id, &f, &c, e) && answer_cohort(rs, &c, e);
}

bool api_admin_cohort_change(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_cohort c;
	const char *name = NULL;
	int64_t programme_id, id, places = -1, opens_at = -1;
	return http_request_id(rq, 0, &programme_id, e) && http_request_id(rq, 1, &id, e) &&
	       param_text(rq, "name", 100, &name, e) &&
	       param_int(rq, "places", 0, 1000000, &places, e) &&
	       time_param(rq, "opens_at", &opens_at, e) &&
	       app_cohort_change(&app, programme_id, id, name, places, opens_at, &c, e) &&
	       answer_cohort(rs, &c, e);
}
