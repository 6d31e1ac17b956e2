/* The list of one's own sessions and tokens. No state; any thread. */
#include "app/signed_in.h"

#include "app/private.h"

bool app_signed_in_list(struct app *app, struct store_signed_in *out, size_t *found, struct err *e)
{
	return app_need_account(app, e) &&
	       store_signed_in_list(app->db, app->arena, app->account_id, out, APP_SIGNED_IN_MAX,
				    found, e);
}

static bool end_one(struct app *w, void *context, struct err *e)
{
	bool ended;
	if (!store_signed_in_end(w->db, w->account_id, *(const int64_t *)context, w->now_ms, &ended,
				 e))
		return false;
	if (!ended)
		return err_set(e, ERR_NOT_FOUND, "Record not found");
	app_emit(w, &(struct app_event){.type = APP_EVENT_SIGNED_OUT, .account_id = w->account_id});
	return true;
}

bool app_signed_in_end(struct app *app, int64_t id, struct err *e)
{
	return app_need_account(app, e) && app_write(app, end_one, &id, e);
}
