/* Feedback and the ledger of credit. No state; any thread. What must stay true: feedback is accepted once, and its
 * credit is moved in the same transaction. */
#include "app/feedback.h"

#include "app/notice.h"
#include "app/private.h"
#include "app/programme.h"
#include "base/clock.h"
#include "base/id.h"
#include "store/setting.h"

#include <string.h>

enum {
	ANSWERS_MAX_CHARACTERS = 10000,
	TEXT_MAX_CHARACTERS = 5000,
	REASON_MAX_CHARACTERS = 500,
	MOVE_MAX = 1000000,
};

static bool fill(struct app *app, const struct store_feedback *row, struct app_feedback *out,
		 struct err *e)
{
	struct err missing = {0};
	*out = (struct app_feedback){.row = *row};
	if (row->media_id) {
		out->has_media =
		    store_media_get(app->db, app->arena, row->media_id, &out->media, &missing);
		if (!out->has_media && missing.code != ERR_NOT_FOUND) {
			*e = missing;
			return false;
		}
	}
	return store_account_get(app->db, app->arena, row->account_id, &out->account, e);
}

static bool insert(struct app *w, void *context, struct err *e)
{
	return store_feedback_insert(w->db, context, e);
}

/* "From any picture": one's own, or one that one sees. */
static bool check_subject(struct app *app, const struct app_feedback_new *f, struct err *e)
{
	struct store_media m;
	struct app_post p;
	if (f->media_id) {
		if (!store_media_get(app->db, app->arena, f->media_id, &m, e))
			return false;
		if (m.account_id != app->account_id &&
		    (!m.post_id || !app_post_get(app, m.post_id, &p, e)))
			return err_set(e, ERR_NOT_FOUND, "Record not found");
	}
	return !f->post_id || app_post_get(app, f->post_id, &p, e);
}

bool app_feedback_add(struct app *app, const struct app_feedback_new *f, struct app_feedback *out,
		      struct err *e)
{
	const char *text = f->text ? f->text : "", *answers = f->answers ? f->answers : "";
	if (!app_programme_need_member(app, f->programme_id, e) ||
	    !app_check_text("text", text, TEXT_MAX_CHARACTERS, e) ||
	    !app_check_text("answers", answers, ANSWERS_MAX_CHARACTERS, e) ||
	    !check_subject(app, f, e))
		return false;
	if (!text[strspn(text, " \t\r\n")] && !answers[strspn(answers, " \t\r\n")])
		return err_set(e, ERR_INVALID, "Validation failed: text can't be blank");
	struct store_feedback row = {.id = id_new(),
				     .programme_id = f->programme_id,
				     .account_id = app->account_id,
				     .media_id = f->media_id,
				     .post_id = f->post_id,
				     .answers = answers,
				     .text = text,
				     .created_at = app->now_ms};
	return app_write(app, insert, &row, e) && fill(app, &row, out, e);
}

bool app_feedback_list(struct app *app, bool all, int64_t programme_id, int state,
		       const struct store_page *page, struct app_feedback *out, size_t *found,
		       struct err *e)
{
	struct store_feedback *rows =
	    ARENA_ARRAY(app->arena, struct store_feedback, STORE_PAGE_MAX);
	if (!(all ? app_need_admin(app, e) : app_need_account(app, e)) ||
	    !store_feedback_list(app->db, app->arena, all ? 0 : app->account_id, programme_id,
				 state, page, rows, found, e))
		return false;
	for (size_t i = 0; i < *found; i++)
		if (!fill(app, &rows[i], &out[i], e))
			return false;
	return true;
}

static bool decide(struct app *w, void *context, struct err *e)
{
	const struct store_feedback *f = context;
	bool changed;
	if (!store_feedback_decide(w->db, f, &changed, e))
		return false;
	if (!changed)
		return err_set(e, ERR_CONFLICT, "This was decided already.");
	bool accepted = f->state == STORE_FEEDBACK_ACCEPTED;
	if (f->credits &&
	    !store_credit_transfer(w->db, 0, f->account_id, f->credits, "feedback", w->now_ms, e))
		return false;
	const char *text =
	    accepted
		? arena_printf(w->arena, "Thank you! Your feedback was accepted: %lld credits.",
			       (long long)f->credits)
		: arena_printf(w->arena, "Your feedback was not taken up%s%s",
			       f->reason && f->reason[0] ? ": " : ".", f->reason ? f->reason : "");
	return app_notice(w, f->account_id, accepted ? "feedback.accepted" : "feedback.declined",
			  text, f->id, e) &&
	       store_audit_insert(w->db, w->account_id,
				  accepted ? "feedback.accept" : "feedback.decline", f->id,
				  f->reason, w->now_ms, e);
}

bool app_feedback_decide(struct app *app, int64_t id, bool accepted, int64_t credits,
			 const char *reason, struct app_feedback *out, struct err *e)
{
	struct store_feedback row;
	if (!app_need_admin(app, e) || !store_feedback_get(app->db, app->arena, id, &row, e) ||
	    (reason && !app_check_text("reason", reason, REASON_MAX_CHARACTERS, e)))
		return false;
	if (credits < 0 || credits > APP_CREDITS_MAX || (credits && !accepted))
		return err_set(e, ERR_INVALID,
			       "Validation failed: credits must be 0 to %d, for what is accepted",
			       APP_CREDITS_MAX);
	row.state = accepted ? STORE_FEEDBACK_ACCEPTED : STORE_FEEDBACK_DECLINED;
	row.credits = credits;
	row.reason = reason;
	row.decided_at = app->now_ms;
	return app_write(app, decide, &row, e) && fill(app, &row, out, e);
}

/* --- credit --- */

bool app_credit_list(struct app *app, const struct store_page *page, int64_t *balance,
		     struct store_credit *out, size_t *found, struct err *e)
{
	return app_need_account(app, e) &&
	       store_credit_balance(app->db, app->account_id, balance, e) &&
	       store_credit_list(app->db, app->arena, app->account_id, page, out, found, e);
}

struct move_call {
	int64_t account_id, amount;
	const char *reason;
};

static bool move(struct app *w, void *context, struct err *e)
{
	const struct move_call *call = context;
	bool gives = call->amount > 0;
	return store_credit_transfer(
		   w->db, gives ? 0 : call->account_id, gives ? call->account_id : 0,
		   gives ? call->amount : -call->amount, call->reason, w->now_ms, e) &&
	       store_audit_insert(w->db, w->account_id, "credit.move", call->account_id,
				  call->reason, w->now_ms, e);
}

bool app_credit_move(struct app *app, int64_t account_id, int64_t amount, const char *reason,
		     int64_t *balance, struct err *e)
{
	struct store_account a;
	struct move_call call = {account_id, amount, reason};
	if (!app_need_admin(app, e) || !store_account_get(app->db, app->arena, account_id, &a, e) ||
	    !app_check_text("reason", reason, REASON_MAX_CHARACTERS, e))
		return false;
	if (a.domain[0])
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	if (!amount || amount < -MOVE_MAX || amount > MOVE_MAX)
		return err_set(e, ERR_INVALID,
			       "Validation failed: amount must be a number up to %d, not 0",
			       MOVE_MAX);
	return app_write(app, move, &call, e) &&
	       store_credit_balance(app->db, account_id, balance, e);
}

/* What a spreadsheet could take for a formula gets a quote in front. */
static void put_field(struct buf *out, const char *text)
{
	buf_add_char(out, '"');
	if (text[0] && strchr("=+-@\t\r", text[0]))
		buf_add_char(out, '\'');
	for (; *text; text++) {
		if (*text == '"')
			buf_add_char(out, '"');
		buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

static bool put_entry(void *context, const struct store_credit *c)
{
	struct buf *out = context;
	char at[CLOCK_TEXT_SIZE];
	buf_printf(out, "%lld,%lld,%s,%lld,%lld,%lld,", (long long)c->id, (long long)c->transfer_id,
		   clock_format(at, c->created_at), (long long)c->account_id, (long long)c->amount,
		   (long long)c->balance);
	put_field(out, c->reason);
	buf_add_str(out, "\r\n");
	return !out->failed;
}

bool app_credit_export(struct app *app, bool all, struct buf *out, struct err *e)
{
	if (!(all ? app_need_admin(app, e) : app_need_account(app, e)))
		return false;
	buf_add_str(out, "id,transfer_id,created_at,account_id,amount,balance,reason\r\n");
	return store_credit_each(app->db, app->arena, all ? 0 : app->account_id, put_entry, out,
				 e) &&
	       (!out->failed ||
		err_set(e, ERR_TOO_LARGE, "The ledger is too large to export here"));
}
