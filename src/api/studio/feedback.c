/* Feedback, and the credit it earns. */
#include "app/feedback.h"

#include <string.h>

#include "api/studio/routes.h"
#include "api/studio/words.h"

static const char *const STATES[] = {"open", "accepted", "declined", NULL};

static void put_feedback(struct serial *s, const struct app_feedback *f, bool desk)
{
	struct json_writer *w = s->w;
	json_put_object(w, NULL);
	json_put_id(w, "id", f->row.id);
	json_put_id(w, "programme_id", f->row.programme_id);
	if (f->has_media)
		serial_media(s, "media", &f->media);
	else
		json_put_null(w, "media");
	json_put_id(w, "status_id", f->row.post_id);
	words_put(w, "answers", f->row.answers, '\n');
	json_put_str(w, "text", f->row.text);
	json_put_str(w, "state", STATES[f->row.state]);
	if (f->row.state == STORE_FEEDBACK_ACCEPTED)
		json_put_int(w, "credits", f->row.credits);
	else
		json_put_null(w, "credits");
	json_put_str(w, "reason", f->row.reason);
	json_put_time(w, "created_at", f->row.created_at);
	if (desk)
		serial_account(s, "account", &f->account);
	json_put_end(w);
}

static bool answer(struct http_request *rq, struct http_response *rs, struct app *app,
		   const struct app_feedback *f, bool desk, struct err *e)
{
	struct json_writer w = api_json(rs);
	put_feedback(&(struct serial){.w = &w, .api = api_of(rq), .app = app}, f, desk);
	return json_finish(&w, e);
}

/* A picture that somebody else shows comes without its prompt. */
static void hide_prompt(const struct app *app, struct app_feedback *f)
{
	if (f->has_media && f->media.account_id != app->account_id)
		f->media.prompt = NULL;
}

bool api_feedback_add(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct app_feedback_new f = {0};
	struct app_feedback out;
	if (!param_id(rq, "programme_id", &f.programme_id, e) ||
	    !param_id(rq, "media_id", &f.media_id, e) ||
	    !param_id(rq, "status_id", &f.post_id, e) ||
	    !words_param(rq, "answers", '\n', &f.answers, e) ||
	    !param_text(rq, "text", 5000, &f.text, e))
		return false;
	if (!f.programme_id)
		return param_fail(rq, "programme_id", e, "can't be blank");
	if (!app_feedback_add(&app, &f, &out, e))
		return false;
	hide_prompt(&app, &out);
	return answer(rq, rs, &app, &out, false, e);
}

static bool list(struct http_request *rq, struct http_response *rs, bool all, struct err *e)
{
	struct app app = api_app(rq);
	struct store_page page;
	struct app_feedback *items = ARENA_ARRAY(rq->arena, struct app_feedback, STORE_PAGE_MAX);
	int64_t programme_id = 0;
	int state = -1;
	size_t n;
	if (!api_page_params(rq, 40, STORE_PAGE_MAX, &page, e) ||
	    !param_id(rq, "programme_id", &programme_id, e) ||
	    !param_choice(rq, "state", STATES, &state, e) ||
	    !app_feedback_list(&app, all, programme_id, state, &page, items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	struct serial s = {.w = &w, .api = api_of(rq), .app = &app};
	json_put_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		hide_prompt(&app, &items[i]);
		put_feedback(&s, &items[i], all);
	}
	json_put_end(&w);
	if (n)
		api_page_link(rq, rs, items[0].row.id, items[n - 1].row.id,
			      n == (size_t)page.limit);
	return json_finish(&w, e);
}

bool api_feedback_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return list(rq, rs, false, e);
}

bool api_admin_feedback_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return list(rq, rs, true, e);
}

bool api_admin_feedback_decide(struct http_request *rq, struct http_response *rs, struct err *e)
{
	static const char *const decisions[] = {"decline", "accept", NULL};
	struct app app = api_app(rq);
	struct app_feedback out;
	const char *reason = NULL;
	int decision = -1;
	int64_t id, credits = 0;
	if (!http_request_id(rq, 0, &id, e) ||
	    !param_choice(rq, "decision", decisions, &decision, e) ||
	    !param_int(rq, "credits", 0, APP_CREDITS_MAX, &credits, e) ||
	    !param_text(rq, "reason", 500, &reason, e))
		return false;
	if (decision < 0)
		return param_fail(rq, "decision", e, "can't be blank");
	if (!app_feedback_decide(&app, id, decision == 1, credits, reason, &out, e))
		return false;
	hide_prompt(&app, &out);
	return answer(rq, rs, &app, &out, true, e);
}

/* --- credit --- */

bool api_credit_list(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	struct store_page page;
	struct store_credit *items = ARENA_ARRAY(rq->arena, struct store_credit, STORE_PAGE_MAX);
	int64_t balance;
	size_t n;
	if (!api_page_params(rq, 40, STORE_PAGE_MAX, &page, e) ||
	    !app_credit_list(&app, &page, &balance, items, &n, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_int(&w, "balance", balance);
	json_put_array(&w, "entries");
	for (size_t i = 0; i < n; i++) {
		json_put_object(&w, NULL);
		json_put_id(&w, "id", items[i].id);
		json_put_int(&w, "amount", items[i].amount);
		json_put_int(&w, "balance", items[i].balance);
		json_put_str(&w, "reason", items[i].reason);
		json_put_time(&w, "created_at", items[i].created_at);
		json_put_end(&w);
	}
	json_put_end(&w);
	json_put_end(&w);
	if (n)
		api_page_link(rq, rs, items[0].id, items[n - 1].id, n == (size_t)page.limit);
	return json_finish(&w, e);
}

bool api_admin_credit_move(struct http_request *rq, struct http_response *rs, struct err *e)
{
	struct app app = api_app(rq);
	const char *reason;
	int64_t account_id = 0, amount = 0, balance;
	if (!param_id(rq, "account_id", &account_id, e) ||
	    !param_int(rq, "amount", -1000000, 1000000, &amount, e) ||
	    !param_text_required(rq, "reason", 500, &reason, e))
		return false;
	if (!account_id)
		return param_fail(rq, "account_id", e, "can't be blank");
	if (!app_credit_move(&app, account_id, amount, reason, &balance, e))
		return false;
	struct json_writer w = api_json(rs);
	json_put_object(&w, NULL);
	json_put_int(&w, "balance", balance);
	json_put_end(&w);
	return json_finish(&w, e);
}

static bool export(struct http_request *rq, struct http_response *rs, bool all, struct err *e)
{
	struct app app = api_app(rq);
	if (!app_credit_export(&app, all, &rs->body, e))
		return false;
	rs->content_type = "text/csv; charset=utf-8";
	http_response_header(rs, "Content-Disposition", "attachment; filename=\"credits.csv\"");
	return true;
}

bool api_credit_export(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return export(rq, rs, false, e);
}

bool api_admin_credit_export(struct http_request *rq, struct http_response *rs, struct err *e)
{
	return export(rq, rs, true, e);
}
