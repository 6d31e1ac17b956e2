/* Polls: checking what is asked, voting, telling the voters when it is over. Any thread; app_poll_tick on the one
 * of app_tick. What must stay true: an account votes once, and never after the end. */
#include "app/poll.h"

#include "app/private.h"
#include "store/notification.h"
#include "store/post.h"

#include <string.h>

enum { TOLD_AT_ONCE = 200 };

bool app_poll_prepare(struct app *app, const struct app_poll_new *form, struct store_poll **out,
		      struct err *e)
{
	struct store_poll *poll = ARENA_NEW(app->arena, struct store_poll);
	if (form->option_count < 2)
		return err_set(e, ERR_INVALID,
			       "Validation failed: poll[options] must have at least 2 items");
	if (form->option_count > APP_POLL_OPTIONS_MAX)
		return err_set(e, ERR_INVALID,
			       "Validation failed: poll[options] must have at most %d items",
			       APP_POLL_OPTIONS_MAX);
	for (size_t i = 0; i < form->option_count; i++) {
		const char *option = form->options[i];
		if (!app_check_text("poll[options]", option, APP_POLL_OPTION_CHARACTERS, e))
			return false;
		if (!option[strspn(option, " \t")] || strpbrk(option, "\r\n"))
			return err_set(
			    e, ERR_INVALID,
			    "Validation failed: poll[options] must be single lines, not blank");
		for (size_t k = 0; k < i; k++)
			if (strcmp(form->options[k], option) == 0)
				return err_set(
				    e, ERR_INVALID,
				    "Validation failed: poll[options] contains duplicate items");
		poll->options[i] = option;
	}
	if (form->expires_in_s < APP_POLL_EXPIRES_MIN_S ||
	    form->expires_in_s > APP_POLL_EXPIRES_MAX_S)
		return err_set(
		    e, ERR_INVALID,
		    "Validation failed: poll[expires_in] must be between %d and %d seconds",
		    APP_POLL_EXPIRES_MIN_S, APP_POLL_EXPIRES_MAX_S);
	poll->option_count = form->option_count;
	poll->multiple = form->multiple;
	poll->hide_totals = form->hide_totals;
	poll->expires_at = app->now_ms + 1000 * form->expires_in_s;
	*out = poll;
	return true;
}

bool app_poll_get(struct app *app, int64_t id, struct app_post *out, struct err *e)
{
	if (!app_post_get(app, id, out, e))
		return false;
	return out->poll || err_set(e, ERR_NOT_FOUND, "Record not found");
}

struct vote_call {
	const struct store_poll *poll;
	const int64_t *choices;
	size_t count;
};

static bool vote(struct app *w, void *context, struct err *e)
{
	struct vote_call *call = context;
	bool voted, added = false;
	if (!store_poll_voted(w->db, call->poll->post_id, w->account_id, &voted, e))
		return false;
	if (voted)
		return err_set(e, ERR_INVALID,
			       "Validation failed: You have already voted on this poll");
	for (size_t i = 0; i < call->count; i++)
		if (!store_poll_vote(w->db, call->poll->post_id, w->account_id,
				     (int)call->choices[i], &added, e))
			return false;
	return store_poll_add_voter(w->db, call->poll->post_id, e);
}

bool app_poll_vote(struct app *app, int64_t id, const int64_t *choices, size_t count,
		   struct app_post *out, struct err *e)
{
	if (!app_need_account(app, e) || !app_poll_get(app, id, out, e))
		return false;
	const struct store_poll *poll = out->poll;
	if (poll->account_id == app->account_id)
		return err_set(e, ERR_INVALID,
			       "Validation failed: You cannot vote in your own poll");
	if (poll->expires_at <= app->now_ms)
		return err_set(e, ERR_INVALID, "Validation failed: The poll has already ended");
	if (count == 0 || (count > 1 && !poll->multiple))
		return err_set(e, ERR_INVALID, "Validation failed: choices must name one option%s",
			       poll->multiple ? " or more" : "");
	for (size_t i = 0; i < count; i++)
		if (choices[i] < 0 || choices[i] >= (int64_t)poll->option_count)
			return err_set(
			    e, ERR_INVALID,
			    "Validation failed: choices names an option that does not exist");
	struct vote_call call = {poll, choices, count};
	return app_write(app, vote, &call, e) && app_poll_get(app, id, out, e);
}

struct end_call {
	int64_t post_id;
	int64_t account_id;
	int64_t told_to;
	bool more;
};

/* Its author first, then its voters, a chunk each time. */
static bool tell_end(struct app *w, void *context, struct err *e)
{
	struct end_call *call = context;
	int64_t ids[TOLD_AT_ONCE];
	size_t count;
	if (call->told_to == 0) { /* an edited poll may end a second time */
		if (!store_notification_withdraw(w->db, call->account_id, APP_NOTIFY_POLL,
						 call->account_id, call->post_id, e) ||
		    !app_notify(w, call->account_id, APP_NOTIFY_POLL, call->account_id,
				call->post_id, e))
			return false;
	}
	if (!store_poll_voters(w->db, call->post_id, call->told_to, ids, TOLD_AT_ONCE, &count, e))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!app_notify(w, ids[i], APP_NOTIFY_POLL, call->account_id, call->post_id, e))
			return false;
	call->more = count == TOLD_AT_ONCE;
	return store_poll_told(w->db, call->post_id, count ? ids[count - 1] : call->told_to,
			       !call->more, e);
}

bool app_poll_tick(struct app *app, bool *more, struct err *e)
{
	struct end_call call = {0};
	if (!store_poll_next_over(app->db, app->now_ms, &call.post_id, &call.account_id,
				  &call.told_to, e))
		return false;
	if (call.post_id == 0)
		return true;
	*more = true;
	return app_write(app, tell_end, &call, e);
}
